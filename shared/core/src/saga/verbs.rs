//! What people may ask of a saga: hold on, go on, try again, take this for the truth.

use serde_json::Value;

use super::effect::Op;
use super::event::Refusal;
use super::fact::Fact;
use super::node::Node;
use super::state::{Job, Open, Phase, Saga};
use crate::time::Millis;
use crate::tool::Class;

/// What a person has found out about a step that the engine could not settle.
#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    /// Its effect is there, and this is what it gave.
    Done(Value),
    /// Its effect is not there: never was, or was taken back by hand.
    NotDone,
}

impl Saga {
    /// Nothing new is started from here on. What is under way is settled, and can still be undone.
    pub(super) fn pause(&mut self, by: String, why: String) -> Result<(), &'static str> {
        if self.head.phase != Phase::Forward {
            return Err("only what goes forward can be paused: undoing is not put off");
        }
        if self.head.paused {
            return Err("it is paused already");
        }
        self.head.paused = true;
        self.record(Fact::Paused { by, why });
        Ok(())
    }

    /// Goes on; where a tool had changed, with the version that the plan was made with.
    pub(super) fn resume(&mut self, by: String) -> Result<(), &'static str> {
        if !self.head.paused {
            return Err("it is not paused");
        }
        self.head.paused = false;
        self.head.accepted.extend(self.head.drifting.take());
        self.record(Fact::Resumed { by });
        Ok(())
    }

    /// A step that waits for its child, or for its turn, is asked for again now, and not when it would be.
    pub(super) fn nudged(&mut self, ix: u32) -> Result<(), &'static str> {
        let now = self.head.last_at;
        let open = self.head.open.get_mut(&ix).filter(|open| open.due.is_some_and(|due| due > now));
        match open.filter(|open| matches!(open.job, Job::Do | Job::Undo) || open.queued > 0) {
            Some(open) => {
                open.due = Some(now);
                // It is worth a commit: the wake that follows must find it.
                self.run.moved = true;
                Ok(())
            }
            None => Err("no step waits for it"),
        }
    }

    /// Takes held steps up again: one, or all of those that can be.
    pub(super) fn retry(&mut self, by: &str, only: Option<u32>) -> Result<(), &'static str> {
        let held = self.head.open.iter().filter(|(_, open)| open.job == Job::Held).map(|(ix, _)| *ix);
        let wanted: Vec<u32> = held.filter(|ix| only.is_none_or(|only| only == *ix)).collect();
        if wanted.is_empty() {
            return Err("the step is not held");
        }
        let mut taken = Vec::new();
        for ix in wanted {
            let Some(node) = self.run.nodes.get(&ix).cloned() else { continue };
            if let Some(open) = self.reopened(ix, &node) {
                taken.push((ix, open));
            }
        }
        if taken.is_empty() {
            return Err(
                "whether it happened is not known, and asking again could do it twice: find out, and resolve it",
            );
        }
        self.head.phase = self.head.direction();
        for (ix, open) in taken {
            self.head.open.insert(ix, open);
            self.record(Fact::Retried { node: ix, by: by.to_owned() });
            self.look_into_mail(ix);
        }
        Ok(())
    }

    /// How a held step goes on, if that is safe.
    fn reopened(&self, ix: u32, node: &Node) -> Option<Open> {
        let held = self.head.open.get(&ix)?;
        if let Some(wait) = &node.wait {
            let now = self.head.last_at;
            return Some(Open { due: Some(wait.until(now)), ..Open::new(Job::Wait, now) });
        }
        let again =
            |job| Open { doubt: held.doubt, round: held.round, retired: held.retired, ..Open::new(job, held.since) };
        match held.op.unwrap_or(if self.head.direction() == Phase::Unwinding { Op::Undo } else { Op::Do }) {
            Op::Undo => Some(again(Job::Undo)),
            Op::Status => Some(again(Job::Ask)),
            // A refusal stands under its key for good: asking anew takes a new one.
            // What people agreed to is the same step with the same parameters.
            Op::Do if !held.doubt => {
                let (round, asked) = (held.round.saturating_add(1), held.asked.clone());
                Some(Open { round, asked, ..Open::new(Job::Do, self.head.last_at) })
            }
            Op::Do if self.definition(node).is_some_and(|tool| tool.status) => Some(again(Job::Ask)),
            Op::Do if self.remembered(node) => Some(again(Job::Do)),
            Op::Do => None,
        }
    }

    /// Takes a person's word for what became of a held step.
    pub(super) fn resolve(&mut self, ix: u32, by: &str, note: &str, verdict: Verdict) -> Result<(), &'static str> {
        let (Some(open), Some(node)) = (self.head.open.get(&ix).cloned(), self.run.nodes.get(&ix).cloned()) else {
            return Err("the step is not held");
        };
        if open.job != Job::Held {
            return Err("the step is not held");
        }
        let back = self.head.direction() == Phase::Unwinding;
        let undoing = open.op == Some(Op::Undo);
        match (&verdict, back) {
            (Verdict::Done(_), true) if undoing => return Err("its undo is what is open: undo it by hand, and say so"),
            (Verdict::NotDone, false) if node.class != Class::Pivot && (self.head.pivoted || self.pivot_at_large()) => {
                return Err("what stands after the point of no return must be done: do it by hand, and say so");
            }
            (Verdict::Done(_) | Verdict::NotDone, _) => {}
        }
        let done = matches!(verdict, Verdict::Done(_));
        self.head.phase = self.head.direction();
        self.record(Fact::Resolved { node: ix, by: by.to_owned(), note: note.to_owned(), done });
        match verdict {
            Verdict::Done(output) => self.done(&node, 0, Millis(0), output),
            Verdict::NotDone if undoing => self.undone(ix, 0, Millis(0), true),
            Verdict::NotDone => {
                let detail = format!("{by} says that it did not happen.");
                self.refused_for_good(&node, 0, Millis(0), Refusal { code: "not_done".to_owned(), detail });
            }
        }
        Ok(())
    }
}
