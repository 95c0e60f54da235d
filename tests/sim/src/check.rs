//! What must hold: the journal folded on its own, compared with the head after every commit, and
//! with the partners' ledgers whenever a call arrives and when all is over.

mod gates;
mod replan;
mod rest;

use std::collections::{BTreeMap, BTreeSet};

use makegood_core::saga::{Cause, Child, Fact, Head, Job, Node, Op, Phase, Record};
use makegood_core::tool::{Class, Definition};
use serde_json::{Map, Value};

use crate::postgres::Row;
use crate::town::Town;
use crate::world::SPAN;

/// What the journal says of one node.
#[derive(Clone, Debug, Default)]
struct Told {
    started: bool,
    /// Called, though no start may tell of it: queries have none.
    tried: bool,
    done: bool,
    refused: bool,
    undo_started: bool,
    undone: bool,
    held: Option<(Op, String)>,
    /// The partner said that it does not know the key.
    doubted: bool,
    skipped: bool,
    /// A person says that it was done by hand.
    by_hand: bool,
    /// How often a person had it taken up again.
    retried: u32,
    /// Of the start that was written down last: a part of its key.
    round: u32,
    /// Refused, taken up again, and not asked for anew since.
    idle_round: bool,
    wait_until: Option<u64>,
    /// What people were asked to agree to, and who did.
    asked: Option<Map<String, Value>>,
    yes: BTreeSet<String>,
    rejected: bool,
    /// Another plan has no use for it.
    dropped: bool,
    /// Calls of it that left, and starts that were written down.
    tries: u32,
    /// Dos of it that left, and the epochs of their keys.
    dos: u32,
    keys: BTreeSet<u32>,
    /// How often the journal tells that it waits for a breaker, since it was last turned to something else.
    waits: u32,
}

impl Told {
    /// It will not be asked for anew after all: what there is to undo was under the key before.
    fn leave_round(&mut self) {
        let idle = std::mem::take(&mut self.idle_round);
        self.refused |= idle;
    }

    /// Of a node that the journal does not speak of.
    const fn untouched() -> Self {
        Self {
            started: false,
            tried: false,
            done: false,
            refused: false,
            undo_started: false,
            undone: false,
            held: None,
            doubted: false,
            skipped: false,
            by_hand: false,
            retried: 0,
            round: 0,
            idle_round: false,
            wait_until: None,
            asked: None,
            yes: BTreeSet::new(),
            rejected: false,
            dropped: false,
            tries: 0,
            dos: 0,
            keys: BTreeSet::new(),
            waits: 0,
        }
    }
}

/// The journal, folded without the engine's help.
#[derive(Debug, Default)]
pub struct Journal {
    /// The number of its first node among those of all sagas. Who asks from outside may name a node by its
    /// number there.
    base: u32,
    nodes: Vec<Node>,
    /// Everything that depends on a node, directly or not.
    dependants: BTreeMap<u32, BTreeSet<u32>>,
    /// Nodes whose undo settles them, whatever became of their do.
    fenced: BTreeSet<u32>,
    told: BTreeMap<u32, Told>,
    pub unwinding: bool,
    rest: Option<&'static str>,
    stuck: Vec<u32>,
    paused: bool,
    outputs: BTreeMap<u32, Value>,
    /// What people have sent.
    pub sent: BTreeSet<String>,
    pub yields: u32,
    /// Another plan took the place of the first.
    pub replanned: bool,
    /// That plan, frozen.
    other_plan: Vec<Node>,
}

/// What a step is refused with that was never called.
const NEVER_ASKED: [&str; 9] = [
    "tool_missing",
    "unresolved_reference",
    "invalid_parameters",
    "no_list",
    "too_many_items",
    "no_event",
    "rejected",
    "approval_expired",
    "not_done",
];

type Tools = BTreeMap<String, Definition>;

impl Journal {
    /// `other`: the plan that may take the place of the first.
    pub fn new(base: u32, nodes: Vec<Node>, other: Vec<Node>, tools: &Tools) -> Self {
        let mut journal = Self { base, other_plan: other, ..Self::default() };
        journal.take_in(nodes, tools);
        journal
    }

    fn take_in(&mut self, nodes: Vec<Node>, tools: &Tools) {
        let mut dependants: BTreeMap<u32, BTreeSet<u32>> = BTreeMap::new();
        // Whatever depends on a node has a higher number.
        for node in nodes.iter().rev() {
            let beyond = dependants.get(&node.ix).cloned().unwrap_or_default();
            for dep in &node.deps {
                let after = dependants.entry(*dep).or_default();
                after.insert(node.ix);
                after.extend(&beyond);
            }
        }
        let fenced =
            |node: &&Node| node.class == Class::Compensatable && tools.get(&node.tool).is_some_and(|tool| tool.fence);
        self.fenced = nodes.iter().filter(fenced).map(|node| node.ix).collect();
        (self.nodes, self.dependants) = (nodes, dependants);
    }

    fn node(&self, ix: u32) -> Option<&Node> {
        self.nodes.get(usize::try_from(ix % SPAN).ok()?)
    }

    pub fn class(&self, ix: u32) -> Class {
        self.node(ix).map_or(Class::Query, |node| node.class)
    }

    /// The step's id in the plan.
    pub fn id(&self, ix: u32) -> Option<&str> {
        self.node(ix).map(|node| node.id.as_str())
    }

    /// How often the journal says that a node is asked for anew. Whoever asks a query anew tells it
    /// afterwards.
    pub fn rounds(&self, ix: u32) -> u32 {
        let told = self.of(ix).retried;
        self.epoch(ix) + told + u32::from(self.class(ix) == Class::Query)
    }

    /// The plan that a node came with.
    pub fn epoch(&self, ix: u32) -> u32 {
        self.node(ix).map_or(0, |node| node.epoch)
    }

    pub fn is_pivot(&self, ix: u32) -> bool {
        self.class(ix) == Class::Pivot
    }

    /// Whether the journal tells that a person did it.
    pub fn is_by_hand(&self, ix: u32) -> bool {
        self.of(ix).by_hand
    }

    fn of(&self, ix: u32) -> &Told {
        static UNTOUCHED: Told = Told::untouched();
        self.told.get(&(ix % SPAN)).unwrap_or(&UNTOUCHED)
    }

    /// Everything that depends on `ix`, directly or not. What another plan keeps does not depend any more
    /// on what it has no use for.
    fn after(&self, ix: u32) -> impl Iterator<Item = u32> + '_ {
        let dropped = self.of(ix).dropped;
        let after = self.dependants.get(&(ix % SPAN)).into_iter().flatten().copied();
        after.filter(move |after| !dropped || self.of(*after).dropped)
    }

    /// It is kept from ever beginning.
    pub fn bury(&mut self) {
        self.rest = Some("made_good");
    }

    /// Folds what a commit brought, and compares the result with the head that came with it.
    pub fn commit(&mut self, row: &Row, tools: &Tools, pivot_acted: bool) -> Result<(), String> {
        if row.nodes.len() > self.nodes.len() {
            self.take_in(row.nodes.iter().map(|(node, _)| node.clone()).collect(), tools);
        }
        for record in row.fresh() {
            let cancels = matches!(record.fact, Fact::Unwinding { cause: Cause::Cancelled { .. } });
            let again = matches!(record.fact, Fact::Retried { .. } | Fact::Resolved { .. } | Fact::Replanned { .. });
            let answers = |fact: &Fact| matches!(fact, Fact::Done { .. } | Fact::Refused { .. });
            let late = answers(&record.fact) && record.fact.node().is_some_and(|node| self.of(node).held.is_some());
            let reopens = cancels || again || late;
            // Whoever it was completed for may want it undone.
            let revokes = cancels && row.head.parent.is_some();
            let may_go_on = |rest: &&str| (*rest == "stuck" && reopens) || (*rest == "completed" && revokes);
            if let Some(rest) = self.rest.filter(|rest| !may_go_on(rest)) {
                return Err(format!("{:?} after the saga was {rest}", record.fact));
            }
            self.fold(record, pivot_acted)?;
        }
        self.compare(row)
    }

    fn fold(&mut self, record: &Record, pivot_acted: bool) -> Result<(), String> {
        match &record.fact {
            Fact::Started { node, attempt, round, params } => {
                self.no_attempt_is_burnt(*node, *attempt)?;
                let missing = self.node(*node).into_iter().flat_map(|node| &node.deps).find(|dep| !self.settled(**dep));
                if let Some(dep) = missing {
                    return Err(format!("{node} was started before {dep} was done"));
                }
                if !self.of(*node).started {
                    self.has_way_back_behind(*node)?;
                    self.crowd_has_room(*node)?;
                    self.may_be_done(*node)?;
                }
                // Under a key of its own, for the first time or asked for anew.
                if !self.of(*node).started || self.of(*node).idle_round {
                    if self.paused {
                        return Err(format!("{node} was started while the saga was paused"));
                    }
                    self.is_approved(*node, params.as_ref())?;
                }
                let told = self.told.entry(*node).or_default();
                if self.unwinding && !told.started {
                    return Err(format!("{node} was first started while unwinding"));
                }
                let anew = told.idle_round;
                if *round > told.retried {
                    return Err(format!("{node} is started in round {round}, asked for anew {} times", told.retried));
                }
                if told.started && (if anew { *round <= told.round } else { *round != told.round }) {
                    let last = told.round;
                    return Err(format!(
                        "{node} is started in round {round} after round {last}, asked for anew: {anew}"
                    ));
                }
                (told.started, told.idle_round, told.round) = (true, false, *round);
                told.tries += 1;
            }
            Fact::Done { node, output, .. } => {
                let query = self.class(*node) == Class::Query;
                if query && !self.of(*node).by_hand {
                    self.may_be_done(*node)?;
                    self.wait_is_over(*node, record.at.0)?;
                    self.gathers(*node, output)?;
                    self.is_taken_once(*node, output)?;
                }
                let told = self.told.entry(*node).or_default();
                if told.done || told.refused || told.undone || (!told.started && !query && !told.by_hand) {
                    return Err(format!("{node} was done out of turn: {told:?}"));
                }
                if told.held.take().is_some() {
                    self.rest = None;
                }
                told.done = true;
                self.outputs.insert(*node, output.clone());
            }
            Fact::Waiting { node, until } => self.told.entry(*node).or_default().wait_until = Some(until.0),
            Fact::Queued { node } => {
                let told = self.of(*node);
                let begun = told.started || told.tried;
                if told.done || told.skipped || told.refused || self.paused && !begun {
                    return Err(format!("{node} waits for its turn, and has none to wait for: {told:?}"));
                }
            }
            Fact::Shut { node, name } => {
                let told = self.told.entry(*node).or_default();
                told.waits += 1;
                // Each but the first comes after another try.
                if told.waits > told.tries + 1 {
                    let (waits, tries) = (told.waits, told.tries);
                    return Err(format!(
                        "{node} waits for the breaker of {name}, which is written down {waits} times after {tries} tries"
                    ));
                }
            }
            Fact::Skipped { node, .. } => {
                if self.told.get(node).is_some_and(|told| told.started || told.done) {
                    return Err(format!("{node} was passed over after it had begun"));
                }
                if self.may_be_done(*node).is_ok() {
                    return Err(format!("{node} was passed over, and nothing speaks against it"));
                }
                self.told.entry(*node).or_default().skipped = true;
            }
            Fact::Asked { node, params, .. } => {
                self.may_be_done(*node)?;
                if self.class(*node) == Class::Retriable {
                    return Err(format!("people are asked about {node}, after which there is no way back"));
                }
                let told = self.told.entry(*node).or_default();
                if told.started {
                    return Err(format!("people are asked about {node} after it was started"));
                }
                (told.asked, told.yes) = (Some(params.clone()), BTreeSet::new());
            }
            Fact::Decided { node, by, approve, .. } => {
                let named = self.node(*node).and_then(|node| node.approval.clone()).unwrap_or_default().by;
                let told = self.told.entry(*node).or_default();
                if told.asked.is_none() || told.started || told.rejected {
                    return Err(format!("{by} decides about {node}, and nobody asked"));
                }
                if !named.is_empty() && !named.contains(by) {
                    return Err(format!("{by} decides about {node}, which is for {named:?}"));
                }
                if *approve {
                    told.yes.insert(by.clone());
                } else {
                    told.rejected = true;
                }
            }
            Fact::Retried { node, .. } => {
                let query = self.class(*node) == Class::Query;
                let told = self.told.entry(*node).or_default();
                // A query that was refused beside a pivot waits for what becomes of that, which no fact tells.
                let beside_pivot = query && told.refused && told.held.is_none();
                if told.held.is_none() && !beside_pivot {
                    return Err(format!("{node} is taken up again, and was not held"));
                }
                if beside_pivot || (told.refused && matches!(told.held, Some((Op::Do, _)))) {
                    (told.refused, told.idle_round) = (false, true);
                }
                (told.held, self.rest) = (None, None);
                told.retried += 1;
                told.waits = 0;
            }
            Fact::Resolved { node, done, .. } => {
                let told = self.told.entry(*node).or_default();
                if told.held.is_none() {
                    return Err(format!("{node} is resolved, and was not held"));
                }
                // Undone by hand, which needs no start.
                told.undo_started |= matches!(told.held, Some((Op::Undo, _)));
                (told.held, told.by_hand, self.rest) = (None, *done, None);
                told.waits = 0;
                told.refused = told.refused && !done;
            }
            Fact::Received { .. } => {}
            Fact::Paused { .. } => self.paused = true,
            Fact::Resumed { .. } => self.paused = false,
            Fact::Refused { node, attempt, code, .. } => {
                self.no_attempt_is_burnt(*node, attempt.saturating_sub(1))?;
                if self.of(*node).tries == 0 && !NEVER_ASKED.contains(&code.as_str()) {
                    return Err(format!("{node} was refused ({code}), and nobody was asked"));
                }
                let told = self.told.entry(*node).or_default();
                if told.done || told.undone || told.skipped {
                    return Err(format!("{node} was refused out of turn: {told:?}"));
                }
                // Nobody knew what had become of it, and a late answer says so.
                if told.held.take().is_some() {
                    self.rest = None;
                }
                told.refused = true;
            }
            Fact::UndoStarted { node, .. } => {
                if !self.unwinding && !self.is_replaceable(*node) && !self.of(*node).dropped {
                    return Err(format!("the undo of {node} was started while going forward"));
                }
                self.may_undo(*node)?;
                let told = self.told.entry(*node).or_default();
                told.undo_started = true;
            }
            Fact::Undone { node, .. } => {
                let told = self.told.entry(*node).or_default();
                if !told.undo_started || told.undone {
                    return Err(format!("{node} was undone out of turn: {told:?}"));
                }
                (told.undone, told.held) = (true, None);
            }
            Fact::Held { node, op, code, .. } => self.told.entry(*node).or_default().held = Some((*op, code.clone())),
            Fact::Unsettled { node, op, reason, .. } => {
                self.told.entry(*node).or_default().tried = true;
                if *op == Op::Status && reason.contains("has not seen") {
                    self.told.entry(*node).or_default().doubted = true;
                }
            }
            Fact::Replanned { from, kept, retired, .. } => self.replan(*from, kept, retired)?,
            Fact::Unwinding { cause } => {
                self.had_no_answer(cause)?;
                if self.unwinding || pivot_acted {
                    return Err(format!(
                        "it unwinds (again: {}, after the pivot acted: {pivot_acted})",
                        self.unwinding
                    ));
                }
                (self.unwinding, self.paused, self.rest) = (true, false, None);
                let queries: BTreeSet<u32> =
                    self.nodes.iter().filter(|node| node.class == Class::Query).map(|node| node.ix).collect();
                for (ix, told) in &mut self.told {
                    told.leave_round();
                    told.waits = 0;
                    // What was refused, and left to a person, stands in nobody's way any more.
                    let nothing_left = told.refused || queries.contains(ix);
                    told.held.take_if(|(op, _)| *op == Op::Do && nothing_left);
                }
            }
            Fact::Yielded { .. } => self.yields += 1,
            Fact::Completed => self.rest = Some("completed"),
            Fact::MadeGood => self.rest = Some("made_good"),
            Fact::Stuck { nodes } => {
                self.rest = Some("stuck");
                self.stuck.clone_from(nodes);
            }
        }
        Ok(())
    }

    /// An attempt is a call, or a start that never became one. Who asks for a child calls nobody.
    fn no_attempt_is_burnt(&self, ix: u32, attempt: u32) -> Result<(), String> {
        let tries = self.of(ix).tries;
        let is_child = self.node(ix).is_some_and(|node| Child::is_one(&node.tool));
        if attempt > tries + 1 && !is_child {
            return Err(format!("{ix} is at attempt {attempt}, and was tried {tries} times"));
        }
        Ok(())
    }

    /// A refusal that the plan has an answer to does not turn the saga round, unless people made it.
    fn had_no_answer(&self, cause: &Cause) -> Result<(), String> {
        let Cause::Step { node: ix, code, .. } = cause else { return Ok(()) };
        let answered = self.node(*ix).is_some_and(|node| node.replaceable || node.escalate);
        let by_people = ["rejected", "approval_expired", "not_done"].contains(&code.as_str());
        let no_list = ["no_list", "too_many_items"].contains(&code.as_str());
        // What nobody knew the outcome of was not refused, though a person has it taken up again before the saga turns.
        let taken_up = self.of(*ix).retried > 0 && !self.of(*ix).refused;
        if answered && !by_people && !no_list && self.of(*ix).held.is_none() && !taken_up {
            return Err(format!("it unwinds because {ix} was refused ({code}), to which the plan has an answer"));
        }
        Ok(())
    }

    /// Done, never to be done, or out of the way of what stands in for it.
    fn settled(&self, ix: u32) -> bool {
        let told = self.of(ix);
        let fenced = told.started && self.fenced.contains(&ix);
        let out = told.undone || (told.refused && !fenced);
        let replaced = self.is_replaceable(ix) && out;
        if told.dropped {
            return out || !told.started || self.class(ix) != Class::Compensatable;
        }
        told.done || told.skipped || replaced
    }

    fn is_replaceable(&self, ix: u32) -> bool {
        self.node(ix).is_some_and(|node| node.replaceable)
    }

    /// A do has left. Before the point of no return, and before anything has failed, all that left was paid for in the
    /// journal before, and is no more than may be: `head` is what was committed last.
    pub fn is_paid(&self, head: &Head, tools: &Tools) -> Result<(), String> {
        let Some(budget) = head.budget else { return Ok(()) };
        if head.phase != Phase::Forward || head.pivoted || head.cause.is_some() {
            return Ok(());
        }
        let (mut calls, mut cost, mut tokens) = (0, 0, 0);
        for (ix, told) in self.told.iter().filter(|(_, told)| told.dos > 0) {
            let Some(tool) = self.node(*ix).and_then(|node| tools.get(&node.tool)) else { continue };
            calls += u64::from(told.dos);
            tokens += u64::from(told.dos) * tool.cost_tokens;
            // One key buys once, however often it is sent.
            cost += i64::try_from(told.keys.len()).unwrap_or(i64::MAX) * tool.cost_minor;
        }
        if budget.calls.is_some_and(|most| calls > most || calls > head.calls) {
            return Err(format!("{calls} calls have left, {} are told of, and {:?} allowed", head.calls, budget.calls));
        }
        if budget.cost_minor.is_some_and(|most| cost > most || cost > budget.spent_minor) {
            return Err(format!("{cost} was spent, as by {budget:?}"));
        }
        if budget.tokens.is_some_and(|most| tokens > most || tokens > budget.spent_tokens) {
            return Err(format!("{tokens} tokens may be taken by what has left, as by {budget:?}"));
        }
        Ok(())
    }

    /// Whether the undo of `ix` may leave: all that was started after it is out of the way.
    fn may_undo(&self, ix: u32) -> Result<(), String> {
        for dependant in self.after(ix) {
            let told = self.of(dependant);
            let fence = self.fenced.contains(&dependant);
            let out = !told.started
                || told.undone
                || (told.refused && !fence)
                || self.class(dependant) != Class::Compensatable;
            if !out {
                return Err(format!("{ix} is undone before {dependant}, which depends on it: {told:?}"));
            }
        }
        Ok(())
    }

    /// Head and journal tell the same.
    fn compare(&self, row: &Row) -> Result<(), String> {
        let head = &row.head;
        let phase = match (self.rest, self.unwinding) {
            (Some(rest), _) => rest,
            (None, true) => "unwinding",
            (None, false) => "forward",
        };
        if head.phase.as_str() != phase || row.phase != phase {
            return Err(format!("the journal says {phase}, the head {}", head.phase));
        }
        if head.phase.at_rest() != row.wake_at.is_none() {
            return Err(format!("{phase}, and the sweeper's time is {:?}", row.wake_at));
        }
        if head.phase == Phase::Forward {
            for node in &self.nodes {
                let (ix, told) = (node.ix, self.of(node.ix));
                let open = head.open.get(&ix).map(|open| open.job);
                let fits = match open {
                    None if ix >= head.cursor => !told.started && !told.done,
                    None if told.dropped => self.settled(ix),
                    Some(Job::Undo) if told.dropped => told.started && !told.undone,
                    None => told.done || told.refused || told.skipped || (told.undone && node.replaceable),
                    Some(Job::Wait) => !told.started && (node.wait.is_some() || told.asked.is_some()),
                    Some(Job::Pending) => !told.started,
                    Some(Job::Held) => told.held.is_some() || (told.refused && node.class == Class::Query),
                    Some(Job::Do | Job::Ask) => {
                        let known = told.started || told.retried > 0 || node.class == Class::Query;
                        !told.done && !told.refused && known
                    }
                    Some(Job::Undo) => node.replaceable && told.started && !told.done && !told.undone,
                };
                if !fits {
                    return Err(format!("forward, {ix} is {open:?} in the head, and in the journal {told:?}"));
                }
            }
        }
        if self.unwinding {
            for node in self.nodes.iter().filter(|node| node.class == Class::Compensatable && node.ix >= head.floor) {
                let told = self.of(node.ix);
                let began = told.started || told.by_hand;
                let out = !began || told.undone || (told.refused && !self.fenced.contains(&node.ix));
                let open = head.open.get(&node.ix).map(|open| open.job);
                let fits = match open {
                    None | Some(Job::Pending) => out,
                    Some(Job::Wait) => false,
                    Some(Job::Undo | Job::Do | Job::Ask | Job::Held) => (began || told.retried > 0) && !told.undone,
                };
                if !fits {
                    return Err(format!("unwinding, {} is {open:?} in the head, and in the journal {told:?}", node.ix));
                }
            }
        }
        Ok(())
    }

    /// A call leaves for a partner: `verb` is a do, an undo, or the question for a status.
    pub fn leaves(&mut self, verb: &str, ix: u32, round: u32) -> Result<(), String> {
        let told = self.told.entry(ix % SPAN).or_default();
        told.tries += 1;
        if verb == "do" {
            told.dos += 1;
            told.keys.insert(round);
        }
        let (wanted, told) = (self.epoch(ix) + self.of(ix).round, self.of(ix));
        // Of what was never started nothing is found, under whichever key.
        if self.class(ix) != Class::Query && told.started && round != wanted {
            return Err(format!("{verb} of {ix} leaves in round {round}, and the journal is at {wanted}"));
        }
        if self.class(ix) != Class::Query && verb == "do" && told.idle_round {
            return Err(format!("a do of {ix} leaves in round {round}, and it has yet to be started anew"));
        }
        Ok(())
    }

    /// A do arrives at a partner.
    pub fn do_arrives(&self, ix: u32) -> Result<(), String> {
        let Some(node) = self.node(ix) else { return Err(format!("a do of {ix}, which is not in the plan")) };
        if !self.of(ix).started {
            return Err(format!("a do of {ix} arrives, and no commit tells of it"));
        }
        // A late duplicate of what another plan has dropped since: what it depended on was done then.
        let was_done = |dep: u32| self.of(dep).done && self.epoch(dep) == node.epoch;
        node.deps
            .iter()
            .find(|dep| !(self.settled(**dep) || was_done(**dep)))
            .map_or(Ok(()), |dep| Err(format!("a do of {ix} arrives, and {dep} is not done in the journal")))
    }

    /// An undo arrives at a partner.
    pub fn undo_arrives(&self, ix: u32, town: &Town) -> Result<(), String> {
        let forward = self.is_replaceable(ix) || self.of(ix).dropped;
        if !(self.unwinding || forward) || !self.of(ix).undo_started {
            return Err(format!("an undo of {ix} arrives, and no commit tells of it"));
        }
        if forward && self.of(ix).undone {
            // A late duplicate: what stands in for it may be done by now.
            return Ok(());
        }
        for dependant in self.after(ix) {
            if town.deeds.get(&(self.base + dependant)).is_some_and(|deed| deed.left > 0) {
                return Err(format!("an undo of {ix} arrives, and {dependant}, which depends on it, is still done"));
            }
        }
        Ok(())
    }
}
