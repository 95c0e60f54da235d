//! Forward: which nodes may start, and in what order their intent is written.

use super::advance::Ready;
use super::effect::{Call, Effect, Op};
use super::event::Refusal;
use super::fact::Fact;
use super::node::Node;
use super::state::{Job, Open, Saga};
use crate::time::Millis;
use crate::tool::Class;

impl Saga {
    /// Sends what needs no commit, and answers with the calls that must wait for one.
    pub(super) fn start_forward(&mut self, effects: &mut Vec<Effect>) -> Vec<Call> {
        let mut fresh = Vec::new();
        self.resume_started(effects, &mut fresh);
        if self.head.cause.is_some() {
            return fresh;
        }
        let waiting = self.head.open.iter().filter(|(_, open)| open.job == Job::Pending).map(|(ix, _)| *ix);
        let untouched = self.head.cursor..self.run.loaded;
        let candidates: Vec<u32> = waiting.chain(untouched).collect();
        for ix in candidates {
            if self.head.cause.is_some() || self.run.full || !self.has_room(fresh.len()) {
                break;
            }
            let Some(node) = self.run.nodes.get(&ix) else { continue };
            if !node.deps.iter().all(|dep| self.settled(*dep)) {
                continue;
            }
            let node = node.clone();
            match self.prepare(&node, Op::Do, 1) {
                Ready::NoTime => self.run.full = true,
                Ready::Impossible { code, detail } => {
                    self.touch(ix, Job::Do);
                    // A step that cannot even be asked for: a definite no.
                    self.refused(&node, 0, Millis(0), Refusal { code: code.to_owned(), detail });
                }
                Ready::Now(call) => {
                    self.touch(ix, Job::Do);
                    if node.class == Class::Query && !self.run.cautious {
                        effects.push(self.send(*call));
                    } else {
                        self.record_start(&node, &call);
                        fresh.push(*call);
                    }
                }
            }
        }
        fresh
    }

    /// Goes on with what was started before: by an invocation that died, or that is due again.
    pub(super) fn resume_started(&mut self, effects: &mut Vec<Effect>, fresh: &mut Vec<Call>) {
        let started =
            self.head.open.iter().filter(|(ix, open)| {
                matches!(open.job, Job::Do | Job::Ask) && self.is_due(open) && !self.in_flight(**ix)
            });
        let started: Vec<(u32, Open)> = started.map(|(ix, open)| (*ix, open.clone())).collect();
        for (ix, open) in started {
            if self.run.full || !self.has_room(fresh.len()) {
                break;
            }
            let Some(node) = self.run.nodes.get(&ix).cloned() else { continue };
            if self.given_up(ix) {
                continue;
            }
            // An attempt that was started and not answered may have had its effect; so may a repeat that
            // no commit tells of, once the partner has forgotten the key.
            let unanswered = open.due.is_none() && open.attempt > 0;
            let forgotten = !self.remembered(&node) && (open.doubt || self.repeats_unseen(&node));
            if (unanswered || forgotten) && self.lost(ix, &node) {
                continue;
            }
            let op = if self.head.open.get(&ix).is_some_and(|open| open.job == Job::Ask) { Op::Status } else { Op::Do };
            let attempt = open.attempt.saturating_add(1);
            match self.prepare(&node, op, attempt) {
                Ready::NoTime => self.run.full = true,
                Ready::Impossible { code, detail } => self.hold(ix, op, code.to_owned(), detail),
                Ready::Now(call) => {
                    if let Some(open) = self.head.open.get_mut(&ix) {
                        (open.attempt, open.due) = (attempt, None);
                    }
                    let unseen = self.repeats_unseen(&node) && !self.run.cautious;
                    if op == Op::Do && !unseen {
                        self.record_start(&node, &call);
                        fresh.push(*call);
                    } else {
                        effects.push(self.send(*call));
                    }
                }
            }
        }
    }

    /// Moves the cursor past `ix`; what it passes over waits in `open`.
    fn touch(&mut self, ix: u32, job: Job) {
        for skipped in self.head.cursor..ix {
            self.head.open.entry(skipped).or_insert(Open::new(Job::Pending, self.head.last_at));
        }
        self.head.cursor = self.head.cursor.max(ix + 1);
        let mut open = Open::new(job, self.head.last_at);
        open.attempt = 1;
        self.head.open.insert(ix, open);
    }

    fn record_start(&mut self, node: &Node, call: &Call) {
        let params = (call.params != node.params).then(|| call.params.clone());
        self.record(Fact::Started { node: node.ix, attempt: call.attempt, params });
    }
}
