//! Steps without a partner: waiting for a time, or for something from outside.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::event::Refusal;
use super::fact::Fact;
use super::node::Node;
use super::state::{Job, Open, Saga};
use crate::time::Millis;

/// What a step waits for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Wait {
    /// So long, from when the steps before it are done.
    ForMs(Millis),
    /// Until this time, in milliseconds since the epoch.
    Until(Millis),
    /// Something named `name` that comes from outside; what it brings is the step's output. If it does
    /// not come `within_ms`, the step is refused with the code `no_event`.
    Event { name: String, within_ms: Millis },
}

impl Wait {
    /// When it ends, if it begins at `now`.
    pub(super) fn until(&self, now: Millis) -> Millis {
        match self {
            Self::ForMs(span) | Self::Event { within_ms: span, .. } => now + *span,
            Self::Until(at) => *at,
        }
    }
}

/// So much that came from outside is kept until a step waits for it.
const MOST_MAIL: usize = 16;
/// Its bytes, all together and so each alone.
pub const LARGEST_MAIL: usize = 16 * 1024;

impl Saga {
    /// Begins a wait whose turn has come. What is waited for may be there already.
    pub(super) fn begin_wait(&mut self, node: &Node, wait: &Wait) {
        let now = self.head.last_at;
        self.touch(node.ix, Job::Wait);
        if let Wait::Event { name, .. } = wait
            && let Some(payload) = self.head.mail.remove(name)
        {
            return self.finish(node.ix, payload);
        }
        let until = wait.until(now);
        if let Some(open) = self.head.open.get_mut(&node.ix) {
            open.due = Some(until);
        }
        self.record(Fact::Waiting { node: node.ix, until });
    }

    /// Ends the waits whose time has come.
    pub(super) fn ring(&mut self) {
        let due = self.head.open.iter().filter(|(_, open)| open.job == Job::Wait && self.is_due(open));
        for ix in due.map(|(ix, _)| *ix).collect::<Vec<u32>>() {
            let Some(node) = self.run.nodes.get(&ix).cloned() else { continue };
            match &node.wait {
                Some(Wait::ForMs(_) | Wait::Until(_)) => {
                    let at = self.head.last_at;
                    self.finish(ix, json!({ "at": at }));
                }
                Some(Wait::Event { name, .. }) => {
                    let detail = format!("Nobody sent `{name}` in time.");
                    self.refused_for_good(&node, 0, Millis(0), Refusal { code: "no_event".to_owned(), detail });
                }
                None => {
                    let detail = "Nobody decided in time.".to_owned();
                    self.refused_for_good(&node, 0, Millis(0), Refusal { code: "approval_expired".to_owned(), detail });
                }
            }
        }
    }

    /// Something came from outside: for a step that waits, or to be kept for one that will.
    ///
    /// # Errors
    /// Why it can be neither.
    pub(super) fn receive(&mut self, name: String, payload: Value) -> Result<(), &'static str> {
        let waiting = self.head.open.iter().filter(|(_, open)| open.job == Job::Wait).map(|(ix, _)| *ix).find(|ix| {
            let wait = self.run.nodes.get(ix).and_then(|node| node.wait.as_ref());
            matches!(wait, Some(Wait::Event { name: wanted, .. }) if *wanted == name)
        });
        if let Some(ix) = waiting {
            if self.head.open.get(&ix).is_some_and(|open| self.is_due(open)) {
                return Err("it comes too late");
            }
            self.finish(ix, payload);
            return Ok(());
        }
        let size = |mail: &Value| mail.to_string().len();
        let kept: usize = self.head.mail.values().map(size).sum();
        if self.head.mail.contains_key(&name) {
            return Err("something with this name has come already");
        }
        if self.head.mail.len() >= MOST_MAIL || kept + size(&payload) > LARGEST_MAIL {
            return Err("too much has come that no step has waited for yet");
        }
        self.record(Fact::Received { name: name.clone() });
        self.head.mail.insert(name, payload);
        Ok(())
    }

    /// What a wait waits for may have come while nobody waited.
    pub(super) fn look_into_mail(&mut self, ix: u32) {
        let Some(Wait::Event { name, .. }) = self.run.nodes.get(&ix).and_then(|node| node.wait.clone()) else { return };
        if let Some(payload) = self.head.mail.remove(&name) {
            self.finish(ix, payload);
        }
    }

    /// Settles a node that has no partner.
    pub(super) fn finish(&mut self, ix: u32, output: Value) {
        self.record(Fact::Done { node: ix, attempt: 0, took: Millis(0), output: output.clone() });
        self.run.outputs.insert(ix, output);
        self.head.open.remove(&ix);
    }

    /// Moves the cursor past `ix`; what it passes over waits in `open`.
    pub(super) fn touch(&mut self, ix: u32, job: Job) {
        self.reach(ix);
        self.head.open.insert(ix, Open::new(job, self.head.last_at));
    }

    /// Moves the cursor past `ix`.
    pub(super) fn reach(&mut self, ix: u32) {
        for skipped in self.head.cursor..ix {
            self.head.open.entry(skipped).or_insert(Open::new(Job::Pending, self.head.last_at));
        }
        self.head.cursor = self.head.cursor.max(ix + 1);
    }
}
