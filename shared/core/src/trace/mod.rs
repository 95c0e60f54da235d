//! What a trace of a saga is made of. The journal is the trace: spans are derived from it, and nothing is stored twice.

use std::fmt;

use crate::time::Millis;

/// All that belongs to one saga; as text 32 hex digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TraceId(pub [u8; 16]);

/// One span of a trace; as text 16 hex digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SpanId(pub [u8; 8]);

impl fmt::Display for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Display for SpanId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// What a span is of: decides its name, kind, colour and lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// The root: from its start to its rest.
    Saga,
    /// One run of the function that carried it on.
    Invocation,
    /// A node, from its first call, wait or question to its end; its parent is the saga.
    Step,
    /// One call forward; its parent is the step.
    Attempt,
    /// A timer, an event awaited, a turn, a breaker, the pause before a retry; its parent is the step.
    Wait,
    /// From asked to decided; its parent is the step.
    Approval,
    /// All of a node's compensation; its parent is the saga, and it is linked to its step.
    Undo,
    /// One call of the undo; its parent is the undo.
    UndoAttempt,
    /// A model that was asked for the plan; its parent is the saga.
    Model,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    Unset,
    Ok,
    Error,
}

/// The value of an attribute.
#[derive(Clone, Debug, PartialEq)]
pub enum Attribute {
    Text(String),
    Number(i64),
    Flag(bool),
}

#[derive(Clone, Debug, PartialEq)]
pub struct Span {
    pub id: SpanId,
    pub parent: Option<SpanId>,
    pub what: What,
    pub name: String,
    pub start: Millis,
    /// `None` while it is under way.
    pub end: Option<Millis>,
    pub status: Status,
    /// Of an error; empty otherwise.
    pub message: String,
    /// The plan's node, where it is of one.
    pub node: Option<u32>,
    /// The invocation it was made in, where that is known.
    pub inv: Option<u32>,
    pub attributes: Vec<(&'static str, Attribute)>,
    /// Of the same trace.
    pub links: Vec<SpanId>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Trace {
    pub id: TraceId,
    /// The caller's span, where one was named.
    pub remote_parent: Option<SpanId>,
    /// The first is the root; sorted by start, then by depth.
    pub spans: Vec<Span>,
}
