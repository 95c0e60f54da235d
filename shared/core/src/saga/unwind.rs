//! Backward: every node that was ever started is undone, dependants before what they depend on.

use super::advance::{PARALLEL, Ready};
use super::effect::{Call, Effect, Op};
use super::fact::Fact;
use super::state::{Job, Open, Saga};
use crate::tool::Class;

/// Undo has no limit of attempts; but one that ended this many invocations without a trace is held,
/// so that a poisonous one does not loop for ever.
const POISON: u32 = 10;

impl Saga {
    /// Sends what needs no commit, and answers with the undos that must wait for one.
    pub(super) fn start_undo(&mut self, effects: &mut Vec<Effect>) -> Vec<Call> {
        let mut fresh = Vec::new();
        self.examine();
        self.release();
        self.resume_started(effects, &mut fresh);
        let ready: Vec<u32> = self.head.open.keys().rev().copied().filter(|ix| self.may_undo(*ix)).collect();
        self.send_undos(ready, effects, &mut fresh);
        fresh
    }

    /// Forward too something is undone: what another step is to stand in for, so that no late duplicate
    /// of it comes to stand beside that.
    pub(super) fn start_fences(&mut self, effects: &mut Vec<Effect>, fresh: &mut Vec<Call>) {
        // What another plan has no use for is undone one after the other, from the end: what depends on a
        // node stands above it.
        let mut retired = self.head.open.iter().rev().filter(|(_, open)| open.job == Job::Undo && open.retired);
        let last = retired.next().map(|(ix, _)| *ix);
        let next = |ix: u32| !self.is_retired(ix) || Some(ix) == last;
        let ready = self.head.open.keys().copied().filter(|ix| next(*ix) && self.undo_is_due(*ix)).collect();
        self.send_undos(ready, effects, fresh);
    }

    fn send_undos(&mut self, ready: Vec<u32>, effects: &mut Vec<Effect>, fresh: &mut Vec<Call>) {
        for ix in ready {
            if self.run.full || !self.has_room(fresh.len()) {
                break;
            }
            let (Some(node), Some(open)) = (self.run.nodes.get(&ix).cloned(), self.head.open.get(&ix).cloned()) else {
                continue;
            };
            if open.is_unanswered() && self.is_stale() {
                self.run.full = true;
                break;
            }
            let attempt = open.attempt.saturating_add(1);
            if self.is_poison(ix, &open) {
                let detail = "Each try to undo it ended the invocation without a trace.".to_owned();
                self.hold(ix, Op::Undo, "poison".to_owned(), detail);
                continue;
            }
            match self.prepare(&node, Op::Undo, attempt) {
                Ready::NoTime => self.run.full = true,
                Ready::Impossible { code, detail } => self.hold(ix, Op::Undo, code.to_owned(), detail),
                Ready::Now(_) if !self.has_leave(&node, effects) => {}
                Ready::Now(call) => {
                    if let Some(open) = self.head.open.get_mut(&ix) {
                        (open.attempt, open.due, open.shut) = (attempt, None, 0);
                    }
                    // Who waited has committed, and no delivery is counted any more: so what ends the invocation must be.
                    if attempt == 1 || self.run.cautious || open.shut > 0 {
                        self.record(Fact::UndoStarted { node: ix, attempt });
                        fresh.push(*call);
                    } else {
                        effects.push(self.send(*call));
                    }
                }
            }
        }
    }

    /// Counts a try that nobody will answer any more. Too many of them in a row are no accident.
    fn is_poison(&mut self, ix: u32, open: &Open) -> bool {
        if open.attempt == 0 || open.due.is_some() {
            return false;
        }
        let Some(open) = self.head.open.get_mut(&ix) else { return false };
        open.lost = open.lost.saturating_add(1);
        open.lost > POISON
    }

    /// Whether another node is to be taken in. Whatever depends on a node stands above it, so those in
    /// work come first, and the head stays short.
    pub(super) fn wants_more(&self) -> bool {
        let in_work = self.head.open.values().filter(|open| open.job != Job::Held).count();
        let stalled = || {
            self.run.inflight.is_empty()
                && self.next_due().is_none()
                && !self.head.open.keys().any(|ix| self.may_undo(*ix))
        };
        in_work < PARALLEL || stalled()
    }

    /// Looks at the nodes of the page, from the top, and takes in those that have something to undo.
    fn examine(&mut self) {
        for ix in (self.run.loaded..self.head.floor).rev() {
            if !self.wants_more() {
                break;
            }
            self.head.floor = ix;
            if self.head.open.contains_key(&ix) {
                continue;
            }
            let past = self.run.past.get(&ix).filter(|past| !past.undone);
            if past.is_some_and(|past| past.by_hand && !past.started) && self.class(ix) == Some(Class::Compensatable) {
                self.hold_by_hand(ix);
                continue;
            }
            let past = past.filter(|past| past.started);
            if let Some(round) = past.map(|past| past.round)
                && self.leaves_something(ix)
            {
                self.head.open.insert(ix, Open { round, ..Open::new(Job::Undo, self.head.last_at) });
            } else if self.is_needed(ix) {
                // The order goes through it: what it depends on is not undone before what depends on it.
                self.head.open.insert(ix, Open::new(Job::Pending, self.head.last_at));
            }
        }
    }

    /// Lets go of the nodes that only stood between others.
    fn release(&mut self) {
        let between = self.head.open.iter().filter(|(_, open)| open.job == Job::Pending);
        for ix in between.map(|(ix, _)| *ix).rev().collect::<Vec<u32>>() {
            if !self.is_needed(ix) {
                self.head.open.remove(&ix);
            }
        }
    }

    /// Something that depends on the node directly is not settled.
    pub(super) fn is_needed(&self, ix: u32) -> bool {
        let mut above = self.head.open.above(&ix).map(|(other, _)| *other);
        if !self.is_retired(ix) {
            return above.any(|other| self.depends(other, ix));
        }
        // What a newer plan keeps came after it in the older plan only: it heeds retired ones, and those
        // that stand between.
        let mut heeded: Vec<u32> = Vec::new();
        for other in above.rev() {
            if self.is_retired(other) || heeded.iter().any(|one| self.depends(*one, other)) {
                heeded.push(other);
            }
        }
        heeded.iter().any(|other| self.depends(*other, ix))
    }

    fn depends(&self, ix: u32, on: u32) -> bool {
        self.run.nodes.get(&ix).is_none_or(|node| node.deps.contains(&on))
    }

    /// Whether a newer plan has no use for the node.
    fn is_retired(&self, ix: u32) -> bool {
        self.head.open.get(&ix).is_some_and(|open| open.retired)
    }

    /// Whether a settled node is to be undone. One that was refused is fenced where the partner can,
    /// for a duplicate of the do may still be on its way.
    fn leaves_something(&self, ix: u32) -> bool {
        let Some(node) = self.run.nodes.get(&ix) else { return true };
        let done = self.run.past.get(&ix).is_some_and(|past| past.done);
        let fence = self.definition(node).is_none_or(|tool| tool.fence);
        match node.class {
            Class::Query | Class::Pivot | Class::Retriable => false,
            Class::Compensatable => done || fence,
        }
    }

    /// A node's undo may leave when its past is loaded and every node that depends on it is settled.
    fn may_undo(&self, ix: u32) -> bool {
        ix >= self.head.floor && self.undo_is_due(ix) && !self.is_needed(ix)
    }

    /// An undo that nobody is waiting for the answer to, here or elsewhere.
    fn undo_is_due(&self, ix: u32) -> bool {
        let Some(open) = self.head.open.get(&ix).filter(|open| open.job == Job::Undo) else { return false };
        self.is_due(open) && !self.in_flight(ix) && !(open.is_unanswered() && self.may_be_answered())
    }
}
