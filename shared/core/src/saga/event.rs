//! What the world tells `step`. The list is closed, as that of the effects is.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::approval::Decision;
use super::effect::Op;
use super::legal::Kind;
use super::node::{Node, Past};
use super::replan::Replan;
use super::state::Phase;
use super::verbs::Verdict;
use crate::error::Code;
use crate::ordered::{FlatMap, FlatSet};
use crate::time::Millis;
use crate::tool::Terms;

/// Something that happened outside.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// An invocation begins. It starts no call that would not end before `until`, and none at all where
    /// that is 0; every call it makes is cut off at `kill`. `cautious`: earlier invocations died without a
    /// trace, so every attempt is recorded before it is made, queries included. A call that another invocation
    /// left unanswered is waited for until that one must have ended: that the queue brings a wake again says
    /// nothing of whoever else is at work by then.
    Wake { until: Millis, kill: Millis, cautious: bool },
    /// A call ended.
    Answered { call: CallId, took: Millis, outcome: Outcome },
    /// Whether the turn of a step has come. If not it was not sent, and asks again: after so long, if that is known.
    Turn { node: u32, came: bool, after: Option<Millis> },
    /// Whether a step's breaker lets a call of it through; where not, when to ask again.
    Leave { node: u32, after: Option<Millis> },
    /// The commit that was asked for stands.
    Committed,
    /// The page that was asked for.
    Paged(Window),
    /// The sleep is over.
    Tick,
    /// Someone asks for the saga to be undone.
    Cancel { by: String },
    /// Someone asks for nothing new to be started.
    Pause { by: String },
    /// Someone asks for it to go on.
    Resume { by: String },
    /// Someone says whether a step may be made.
    Decided { node: u32, decision: Decision },
    /// Something came that a step waits for, or will. `from`: where it may come again.
    Received { name: String, payload: Value, from: Option<Origin> },
    /// Someone asks for a held step, or all of them, to be tried again.
    Retry { by: String, node: Option<u32> },
    /// Someone wants it to go on with another plan.
    Replan { by: String, note: String, plan: Box<Replan> },
    /// The saga that a step runs has come to rest, or the step's turn has come: it need not wait until it is
    /// to ask again.
    Nudged { node: u32 },
    /// The saga that this one was completed for wants it to be made good.
    Revoke { by: String },
    /// Someone has found out what became of a held step.
    Resolve { by: String, node: u32, note: String, verdict: Verdict },
}

/// What tells something that comes again from something new.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// Who brings it, where nobody does who is signed in; for people, and the mark of what is not to be trusted: `webhook/`
    /// and the source's name.
    pub by: Option<String>,
    /// The same whenever it is brought again: a saga takes it once. What stands before a `#` is the client's key, and
    /// what stands behind it tells the event: another under the same key is refused.
    pub mark: String,
}

/// Names a call in the answer to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct CallId {
    pub node: u32,
    pub op: Op,
    pub round: u32,
    pub attempt: u32,
    pub fingerprint: u64,
}

/// What a call came to. There is no fourth kind beside yes, no and unknown: `Later` is a "no" that
/// says when to ask again.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    Ok(Answer),
    /// Definite: no effect, now or later, under this key.
    Refused(Refusal),
    /// Definite for this attempt: no effect, and nothing is stored under the key.
    Later {
        after: Option<Millis>,
        /// Stable, for programs: the partner's own, `http_429` and the like, or `not_sent`.
        code: String,
        reason: String,
    },
    /// The effect may have happened, or may still happen.
    Unknown {
        /// As above; `no_answer` where nothing came back.
        code: String,
        reason: String,
    },
}

/// What a partner said when it said yes.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// To a do.
    Output(Value),
    /// To an undo: whether there was something to undo.
    Undone { found: bool },
    /// To a status: done, with this output.
    WasDone(Value),
    /// To a status: refused.
    WasRefused(Refusal),
    /// To a status: already undone.
    WasUndone,
    /// To any of them: it is being worked on, and is to be asked for again, under the same key, so much
    /// later.
    InProgress { after: Option<Millis> },
    /// To a status: the partner has not seen the key.
    NeverSeen,
}

/// A definite "no".
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// Stable, for programs.
    pub code: String,
    /// For people.
    pub detail: String,
}

/// A part of the frozen plan, with what the engine needs to act on it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Window {
    pub nodes: Vec<Node>,
    /// The terms that the nodes were frozen with, by tool name.
    #[serde(default)]
    pub tools: FlatMap<String, Terms>,
    /// Outputs that the nodes' parameters refer to.
    #[serde(default)]
    pub outputs: FlatMap<u32, Value>,
    /// What the journal knows of the nodes themselves; while unwinding only.
    #[serde(default)]
    pub past: FlatMap<u32, Past>,
    /// Tools of which another version has been registered since the plan was frozen.
    #[serde(default)]
    pub drifted: FlatSet<String>,
    /// How long calls of these tools take, as it was learned: what a tool declares counts where nothing
    /// was.
    #[serde(default)]
    pub estimates: FlatMap<String, Millis>,
}

/// The event has no place now, in this phase or at all: a fault in the driver or the store, or something that somebody
/// asked for, and never a fault of a partner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Illegal {
    pub phase: Phase,
    pub event: Kind,
    pub why: &'static str,
}

impl Illegal {
    /// What was asked for is in conflict with how the saga stands; of all else it is a fault of ours.
    #[must_use]
    pub const fn code(&self) -> Code {
        if self.event.is_asked() { Code::Conflict } else { Code::Internal }
    }
}

impl std::fmt::Display for Illegal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "the event `{}` has no place in a saga that is {}: {}", self.event.name(), self.phase, self.why)
    }
}

impl std::error::Error for Illegal {}
