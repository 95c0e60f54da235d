//! Replanning: another plan takes the place of what is left of a saga's plan.
//!
//! Nodes are never renumbered: those of the new plan are appended. A step that is done, or that waits,
//! and stands in the new plan as it did in the old, is kept, with its output and its key. What was done
//! and is not wanted any more is retired: undone while the saga goes forward, the last one first, and
//! before anything of its name is made anew. What was not begun is dropped. A new node's key holds the
//! epoch, so that no partner takes it for an old one.

use super::effect::Op;
use super::expand::step_of;
use super::fact::{Fact, Record};
use super::node::{Gather, Node};
use super::state::{Job, MOST_NODES, Open, Phase, Saga};
use crate::error::{Code, Error};
use crate::ordered::{FlatMap, FlatSet};
use crate::tool::Class;

/// What [`adapt`] makes of a plan, for the saga's own version only.
#[derive(Clone, Debug, PartialEq)]
pub struct Replan {
    /// The journal's version that it was made from: it fits no other.
    pub version: u32,
    /// What is appended, numbered from the end of the plan so far.
    pub nodes: Vec<Node>,
    /// Nodes that stay as they are.
    pub kept: FlatSet<u32>,
    /// Nodes that are to be undone, with their rounds.
    pub retired: FlatMap<u32, u32>,
}

/// What the journal says of an old node, as far as it matters here.
#[derive(Clone, Copy, Debug, Default)]
struct Known {
    started: bool,
    done: bool,
    by_hand: bool,
    undone: bool,
    waits: bool,
    dropped: bool,
    round: u32,
}

/// Fits a frozen plan to what was done of the one before it.
///
/// # Errors
/// [`Code::InvalidPlan`] where something was done by hand that the new plan does not keep: no partner
/// could undo it. [`Code::PlanTooLarge`] where there are too many nodes in all.
pub fn adapt<'a>(
    old: &[Node],
    records: impl IntoIterator<Item = &'a Record>,
    new: Vec<Node>,
    version: u32,
) -> Result<Replan, Error> {
    let known = fold(records);
    let of = |ix: u32| known.get(&ix).copied().unwrap_or_default();
    let first = u32::try_from(old.len()).unwrap_or(u32::MAX);
    let epoch =
        old.iter().map(|node| node.epoch.saturating_add(of(node.ix).round)).max().unwrap_or(0).saturating_add(1);
    let mut place: FlatMap<u32, u32> = FlatMap::new();
    let mut kept = FlatSet::new();
    let mut nodes: Vec<Node> = Vec::new();
    for mut node in new {
        let same = old.iter().rev().find(|other| {
            let known = of(other.ix);
            let stands = !known.dropped && !known.undone && (known.done || known.waits);
            stands && !kept.contains(&other.ix) && is_same(other, &node, &place, &kept, known.waits)
        });
        if let Some(other) = same {
            kept.insert(other.ix);
            place.insert(node.ix, other.ix);
            continue;
        }
        let ix = first.saturating_add(u32::try_from(nodes.len()).unwrap_or(u32::MAX));
        place.insert(node.ix, ix);
        renumber(&mut node, &place, first);
        (node.ix, node.epoch) = (ix, epoch);
        nodes.push(node);
    }
    let mut retired = FlatMap::new();
    for node in old.iter().filter(|node| node.class == Class::Compensatable && !kept.contains(&node.ix)) {
        let Known { done, by_hand, undone, dropped, round, .. } = of(node.ix);
        if !done || undone || dropped {
            continue;
        }
        if by_hand {
            let message = format!("Step `{}` was done by hand, and only by hand can it be undone: keep it.", node.id);
            return Err(Error::new(Code::InvalidPlan, message));
        }
        retired.insert(node.ix, round);
    }
    // Nothing is made anew before what had its name is out of the way.
    for node in &mut nodes {
        let before = old.iter().filter(|other| of(other.ix).started && !kept.contains(&other.ix));
        node.deps.extend(before.filter(|other| has_name_of(&other.id, &node.id)).map(|other| other.ix));
        node.deps.sort_unstable();
        node.deps.dedup();
    }
    if nodes.len() + old.len() > MOST_NODES as usize {
        return Err(Error::new(Code::PlanTooLarge, "The saga would have too many steps in all. Start another."));
    }
    Ok(Replan { version, nodes, kept, retired })
}

fn fold<'a>(records: impl IntoIterator<Item = &'a Record>) -> FlatMap<u32, Known> {
    let mut known: FlatMap<u32, Known> = FlatMap::new();
    for record in records {
        if let Fact::Replanned { from, kept, .. } = &record.fact {
            for ix in (0..*from).filter(|ix| !kept.contains(ix)) {
                let known = known.or_default(ix);
                (known.dropped, known.waits) = (true, false);
            }
            continue;
        }
        let Some(ix) = record.fact.node() else { continue };
        let known = known.or_default(ix);
        match &record.fact {
            Fact::Started { round, .. } => {
                (known.started, known.waits) = (true, false);
                known.round = known.round.max(*round);
            }
            Fact::Done { attempt, .. } => {
                (known.done, known.waits) = (true, false);
                known.by_hand = *attempt == 0 && known.started;
            }
            Fact::Resolved { done, .. } => known.started |= *done,
            Fact::Waiting { .. } | Fact::Asked { .. } => known.waits = true,
            Fact::Refused { .. } | Fact::Held { .. } => known.waits = false,
            Fact::Undone { .. } => known.undone = true,
            Fact::Unsettled { .. }
            | Fact::Queued { .. }
            | Fact::Shut { .. }
            | Fact::UndoStarted { .. }
            | Fact::Skipped { .. }
            | Fact::Decided { .. }
            | Fact::Retried { .. }
            | Fact::Unwinding { .. }
            | Fact::Received { .. }
            | Fact::Paused { .. }
            | Fact::Resumed { .. }
            | Fact::Replanned { .. }
            | Fact::Yielded { .. }
            | Fact::Completed
            | Fact::MadeGood
            | Fact::Stuck { .. } => {}
        }
    }
    known
}

/// Whether a node of the new plan is what an old one was: then what that gave is what this would give.
fn is_same(old: &Node, new: &Node, place: &FlatMap<u32, u32>, kept: &FlatSet<u32>, waits: bool) -> bool {
    let at = |ix: &u32| place.get(ix).copied().filter(|ix| kept.contains(ix));
    let same_refs = old.refs.len() == new.refs.len()
        && new.refs.iter().all(|(step, ix)| old.refs.get(step).is_some_and(|known| at(ix) == Some(*known)));
    let same_gather = match (&old.gather, &new.gather) {
        (None, None) => true,
        (Some(Gather::All(old)), Some(Gather::All(new))) | (Some(Gather::First(old)), Some(Gather::First(new))) => {
            old.len() == new.len() && old.iter().zip(new).all(|(old, new)| at(new) == Some(*old))
        }
        (Some(Gather::All(_) | Gather::First(_)) | None, _) => false,
    };
    let same_step = (&old.id, &old.tool, old.class, &old.params) == (&new.id, &new.tool, new.class, &new.params);
    let same_gates = (&old.wait, &old.when, &old.item) == (&new.wait, &new.when, &new.item);
    // Who waits for people waits for these people, and nothing was decided yet.
    let same_people = !waits || (old.approval == new.approval && old.version == new.version);
    // What is still to be made comes after nothing that it did not come after before.
    let same_place = !waits || new.deps.iter().all(|dep| at(dep).is_some_and(|dep| old.deps.contains(&dep)));
    same_step && same_gates && same_people && same_refs && same_gather && same_place
}

fn renumber(node: &mut Node, place: &FlatMap<u32, u32>, first: u32) {
    let at = |ix: &u32| place.get(ix).copied().unwrap_or(*ix);
    node.deps = node.deps.iter().map(at).collect();
    node.refs.values_mut().for_each(|ix| *ix = at(ix));
    node.instead_of = node.instead_of.iter().map(at).collect();
    if let Some(Gather::All(members) | Gather::First(members)) = &mut node.gather {
        *members = members.iter().map(at).collect();
    }
    // The number of a crowd is one of the plan's own: no old crowd has it.
    if let Some(crowd) = &mut node.crowd {
        crowd.of = crowd.of.saturating_add(first);
    }
}

/// Whether both are the same step of a plan, or parts of it.
fn has_name_of(old: &str, new: &str) -> bool {
    let (of_old, of_new) = (step_of(old), step_of(new));
    old == new || (of_old == of_new && (of_old == old || of_new == new))
}

impl Saga {
    /// Goes on with another plan.
    ///
    /// # Errors
    /// Why that is not possible now.
    pub(super) fn replan(&mut self, by: String, note: String, replan: Replan) -> Result<(), &'static str> {
        if self.head.direction() != Phase::Forward || self.head.cause.is_some() {
            return Err("it is being undone");
        }
        if self.head.pivoted || self.pivot_at_large() {
            return Err("its point of no return is behind it, or may be");
        }
        let total = self.head.total;
        let mut expected = total..;
        if !replan.nodes.iter().all(|node| expected.next() == Some(node.ix)) {
            return Err("the new steps do not follow the old ones");
        }
        let mut open = FlatMap::new();
        for (ix, known) in &self.head.open {
            match known.job {
                Job::Wait | Job::Pending if replan.kept.contains(ix) => {
                    open.insert(*ix, known.clone());
                }
                Job::Pending | Job::Wait if known.round == 0 => {}
                Job::Pending | Job::Wait => open.extend(self.fence_of(*ix, known.round.saturating_sub(1))),
                Job::Do if known.is_new() => {
                    open.extend(self.fence_of(*ix, known.round.saturating_sub(1)));
                }
                Job::Held if known.op == Some(Op::Do) && !known.doubt => {
                    open.extend(self.fence_of(*ix, known.round).filter(|_| known.attempt > 0));
                }
                Job::Undo => {
                    open.insert(*ix, Open { retired: true, ..known.clone() });
                }
                Job::Do | Job::Ask => return Err("steps are under way: pause it, and ask again when they are settled"),
                Job::Held => return Err("what became of a held step is not known: resolve it first"),
            }
        }
        let now = self.head.last_at;
        let undo = |round: u32| Open { round, retired: true, ..Open::new(Job::Undo, now) };
        open.extend(replan.retired.iter().map(|(ix, round)| (*ix, undo(*round))));
        let added = u32::try_from(replan.nodes.len()).unwrap_or(u32::MAX);
        let head = &mut self.head;
        head.phase = Phase::Forward;
        (head.open, head.cursor, head.total) = (open, total, total.saturating_add(added));
        head.epoch = replan.nodes.first().map_or(head.epoch.saturating_add(1), |node| node.epoch);
        let (epoch, kept) = (head.epoch, replan.kept.into_iter().collect());
        let retired = replan.retired.into_keys().collect();
        self.record(Fact::Replanned { by, note, epoch, from: total, kept, retired });
        // What it needs now is not loaded: the next invocation has it.
        (self.run.added, self.run.full) = (replan.nodes, true);
        Ok(())
    }

    /// The undo that keeps a late duplicate of a refused do out, where its partner can.
    fn fence_of(&self, ix: u32, round: u32) -> Option<(u32, Open)> {
        let fenced = self.run.nodes.get(&ix).is_some_and(|node| self.is_fenced(node));
        fenced.then(|| (ix, Open { round, retired: true, ..Open::new(Job::Undo, self.head.last_at) }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn node(ix: u32, id: &str, n: u32, deps: &[u32]) -> Node {
        let spec = json!({"ix": ix, "id": id, "tool": "book", "version": "1", "class": "compensatable",
            "params": {"n": n}, "deps": deps});
        serde_json::from_value(spec).unwrap()
    }

    fn record(fact: &serde_json::Value) -> Record {
        let mut record = json!({"at": 1, "inv": 1});
        record.as_object_mut().unwrap().extend(fact.as_object().unwrap().clone());
        serde_json::from_value(record).unwrap()
    }

    fn done(ix: u32) -> [Record; 2] {
        let started = json!({"type": "started", "node": ix, "attempt": 1});
        let done = json!({"type": "done", "node": ix, "attempt": 1, "took": 1, "output": {}});
        [record(&started), record(&done)]
    }

    #[test]
    fn what_is_done_and_wanted_is_kept_and_what_is_not_is_undone_before_it_is_made_anew() {
        let old = [node(0, "table", 4, &[]), node(1, "ride", 4, &[0]), node(2, "text", 4, &[1])];
        let records = [done(0), done(1)].concat();
        let new = vec![node(0, "table", 4, &[]), node(1, "ride", 6, &[0])];
        let replan = adapt(&old, &records, new, 7).unwrap();
        assert_eq!((replan.version, replan.kept), (7, FlatSet::from([0])));
        assert_eq!(replan.retired, FlatMap::from([(1, 0)]));
        let [ride] = replan.nodes.as_slice() else { panic!("one step is new") };
        assert_eq!((ride.ix, ride.epoch, &ride.deps), (3, 1, &vec![0, 1]));
    }

    #[test]
    fn a_retry_that_asked_for_nothing_anew_leaves_the_key_of_the_undo_as_it_was() {
        let [started, done] = done(0);
        let retried = record(&json!({"type": "retried", "node": 0, "by": "ann"}));
        let replan = adapt(&[node(0, "table", 4, &[])], &[started, retried, done], Vec::new(), 1).unwrap();
        assert_eq!(replan.retired, FlatMap::from([(0, 0)]));
    }

    #[test]
    fn what_was_done_by_hand_must_be_kept() {
        let resolved = json!({"type": "resolved", "node": 0, "by": "ann", "note": "", "done": true});
        let done = json!({"type": "done", "node": 0, "attempt": 0, "took": 0, "output": {}});
        let records = [record(&resolved), record(&done)];
        let old = [node(0, "table", 4, &[])];
        assert!(adapt(&old, &records, Vec::new(), 1).is_err());
        assert!(adapt(&old, &records, vec![node(0, "table", 4, &[])], 1).is_ok());
    }
}
