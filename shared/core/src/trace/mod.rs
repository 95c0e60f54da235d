//! A saga as a trace: the journal is the trace. Its spans are made of the row, the plan and the journal by one pure
//! function, as [`feed`](crate::feed) makes events. So nothing is stored twice, a crash loses no span, and what carries
//! a saga on pays nothing for it.
//!
//! Ids follow from what a span is of: what is told to a tool as `traceparent` before a call is the id that the call's
//! span has afterwards. docs/TRACES.md says what a span is; how others are told of them is the gateway's `otlp`.
//!
//! Times are those of the journal. Nothing is measured here, and what no record tells of has no span.

mod context;
mod id;
mod maker;
mod path;
mod spans;
mod track;

pub use context::Context;
pub use id::{SpanId, TraceId};
pub use path::critical_path;
pub use spans::{About, of};

use crate::time::Millis;

/// What a span is of: decides its name, kind, colour and lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// The root: from its start to its rest.
    Saga,
    /// One run of the function that carried it on.
    Invocation,
    /// A node, from its first call, wait or question to its end; its parent is the saga.
    Step,
    /// One call forward, or one that asked what became of it; its parent is the step.
    Attempt,
    /// A timer, an event awaited, a turn, a breaker, the pause before a retry; its parent is the step, or its undo.
    Wait,
    /// From asked to decided; its parent is the step.
    Approval,
    /// All of a node's compensation; its parent is the saga, and it links to its step.
    Undo,
    /// One call of the undo; its parent is the undo.
    UndoAttempt,
    /// A model that was asked for the plan; its parent is the saga.
    Model,
    /// Of anybody else's work, read back from where traces are collected. None is made here.
    Other,
}

impl What {
    /// How far it is from the root: of spans that start together, the outer comes first.
    #[must_use]
    pub const fn depth(self) -> u8 {
        match self {
            Self::Saga => 0,
            Self::Invocation | Self::Step | Self::Undo | Self::Model => 1,
            Self::Attempt | Self::UndoAttempt | Self::Wait | Self::Approval => 2,
            Self::Other => 3,
        }
    }
}

/// How what a span is of came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    Unset,
    Ok,
    Error,
}

/// A value of an attribute.
#[derive(Clone, Debug, PartialEq)]
pub enum Attribute {
    Text(String),
    Number(i64),
    Flag(bool),
}

/// One span.
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
    /// By the semantic conventions, and `makegood.*`.
    pub attributes: Vec<(&'static str, Attribute)>,
    /// Of the same trace.
    pub links: Vec<SpanId>,
}

/// A saga's spans: the root first, then by their start, and of those that start together the outer first.
#[derive(Clone, Debug, PartialEq)]
pub struct Trace {
    pub id: TraceId,
    /// The caller's span, where a caller came with a trace of their own.
    pub remote_parent: Option<SpanId>,
    pub spans: Vec<Span>,
}

impl Trace {
    /// Whether it is kept whatever is drawn: something failed, was undone, or needs a person.
    #[must_use]
    pub fn is_kept(&self) -> bool {
        self.spans.iter().any(|span| span.status == Status::Error || span.what == What::Undo)
    }
}

/// What a tool was given, as JSON.
pub const ARGUMENTS: &str = "gen_ai.tool.call.arguments";
/// What it gave.
pub const RESULT: &str = "gen_ai.tool.call.result";
/// What the saga is about, in words.
pub const TITLE: &str = "makegood.title";
/// It can go neither forward nor back without a person.
pub const HELD: &str = "makegood.held";
/// Attributes that hold what users and partners said. They leave only where they are asked for.
pub const CONTENTS: [&str; 3] = [ARGUMENTS, RESULT, TITLE];

#[cfg(test)]
mod tests;
