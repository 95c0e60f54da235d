//! The journal's records. The journal is the truth; the saved head of a saga is a short form of it.
//!
//! These shapes are stored: fields are added with a default, never renamed or reused.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::effect::Op;
use super::state::is_zero;
use crate::time::Millis;

/// One thing that happened, and when. How it is read stands in `record.rs`.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
pub struct Record {
    pub at: Millis,
    /// The invocation in which it was learned, counted from 1.
    pub inv: u32,
    #[serde(flatten)]
    pub fact: Fact,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Fact {
    /// Before a call that may change the world leaves.
    Started {
        node: u32,
        attempt: u32,
        /// How often a person had it asked for anew.
        #[serde(skip_serializing_if = "is_zero")]
        round: u32,
        #[serde(skip_serializing_if = "Option::is_none")]
        params: Option<Map<String, Value>>,
    },
    /// The call succeeded.
    Done {
        node: u32,
        attempt: u32,
        took: Millis,
        output: Value,
    },
    /// A definite "no": the call had, and will have, no effect.
    Refused {
        node: u32,
        attempt: u32,
        took: Millis,
        code: String,
        detail: String,
    },
    /// No answer that settles anything; `again` is when it is tried next.
    Unsettled {
        node: u32,
        op: Op,
        attempt: u32,
        took: Millis,
        reason: String,
        again: Option<Millis>,
    },
    /// Before an undo leaves.
    UndoStarted {
        node: u32,
        attempt: u32,
    },
    /// The undo succeeded; `found` is false where there was nothing to undo.
    Undone {
        node: u32,
        attempt: u32,
        took: Millis,
        found: bool,
    },
    /// The node can go neither forward nor back without a person.
    Held {
        node: u32,
        op: Op,
        code: String,
        detail: String,
    },
    /// A wait began: for this time, or for something that must come before it.
    Waiting {
        node: u32,
        until: Millis,
    },
    /// Its turn has not come: as many such calls are under way as may be. It asks again by itself.
    Queued {
        node: u32,
    },
    /// The breaker of what it calls is open: no call is made. It asks again by itself.
    Shut {
        node: u32,
        /// The breaker's.
        name: String,
    },
    /// The step is not to be done: its condition does not hold, or it refers to a step that was passed
    /// over.
    Skipped {
        node: u32,
        why: String,
    },
    /// People are asked to agree to the step, made with these parameters.
    Asked {
        node: u32,
        params: Map<String, Value>,
        hash: u64,
        until: Millis,
    },
    /// One of them has decided.
    Decided {
        node: u32,
        by: String,
        approve: bool,
        #[serde(skip_serializing_if = "String::is_empty")]
        note: String,
    },
    /// A held step is taken up again.
    Retried {
        node: u32,
        by: String,
    },
    /// A person has said what became of a held step. What that means for it is told by the record that
    /// follows.
    Resolved {
        node: u32,
        by: String,
        note: String,
        done: bool,
    },
    /// Something came from outside before a step waited for it, or was brought by a stranger.
    Received {
        name: String,
        /// `webhook/` and the source's name, where it was none who is signed in.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        by: Option<String>,
    },
    /// Nothing new is started from here on.
    Paused {
        by: String,
        why: String,
    },
    Resumed {
        by: String,
    },
    /// Another plan takes the place of what is left.
    Replanned {
        by: String,
        #[serde(skip_serializing_if = "String::is_empty")]
        note: String,
        epoch: u32,
        /// The number of the first node that was appended.
        from: u32,
        /// The nodes before it that stay as they are; all others are dropped.
        kept: Vec<u32>,
        /// Those of the dropped ones that are undone.
        retired: Vec<u32>,
    },
    /// From here on the saga is undone.
    Unwinding {
        cause: Cause,
    },
    /// The invocation ended with work left.
    Yielded {
        until: Millis,
    },
    Completed,
    MadeGood,
    Stuck {
        nodes: Vec<u32>,
    },
}

impl Fact {
    /// The node that the record is about.
    #[must_use]
    pub const fn node(&self) -> Option<u32> {
        match self {
            Self::Started { node, .. }
            | Self::Done { node, .. }
            | Self::Refused { node, .. }
            | Self::Unsettled { node, .. }
            | Self::UndoStarted { node, .. }
            | Self::Undone { node, .. }
            | Self::Held { node, .. }
            | Self::Waiting { node, .. }
            | Self::Queued { node }
            | Self::Shut { node, .. }
            | Self::Skipped { node, .. }
            | Self::Asked { node, .. }
            | Self::Decided { node, .. }
            | Self::Retried { node, .. }
            | Self::Resolved { node, .. } => Some(*node),
            Self::Unwinding { .. }
            | Self::Replanned { .. }
            | Self::Received { .. }
            | Self::Paused { .. }
            | Self::Resumed { .. }
            | Self::Yielded { .. }
            | Self::Completed
            | Self::MadeGood
            | Self::Stuck { .. } => None,
        }
    }
}

/// Why a saga does not go on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
#[serde(tag = "why", rename_all = "snake_case")]
pub enum Cause {
    /// A step was refused, or its tries were used up.
    Step { node: u32, code: String, detail: String },
    /// Someone asked for it.
    Cancelled { by: String },
    /// The saga's own deadline passed.
    Deadline,
    /// What is left of the saga's budget does not pay for the next step.
    Budget { node: u32, what: String },
}
