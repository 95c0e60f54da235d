//! What `step` asks of the world. The list is closed: a driver performs each of these and no other.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::event::CallId;
use super::fact::Record;
use super::node::Node;
use super::turn::Claim;
use crate::time::Millis;
use crate::tool::{Limit, Mcp, Rate};

/// An order to the driver. They are performed in the order in which they come; calls run together.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Append the records, save the head, queue the wakes: one statement, if the version still holds.
    Commit(Commit),
    /// Call a tool's partner.
    Call(Box<Call>),
    /// Ask whether a step's turn has come, and answer with [`Event::Turn`](super::Event::Turn).
    AskTurn(Claim),
    /// Ask whether a call may be made of what this breaker guards, and answer with
    /// [`Event::Leave`](super::Event::Leave).
    AskLeave { node: u32, breaker: String },
    /// Load nodes `from..to` of the frozen plan, with what the journal knows of them.
    Page { from: u32, to: u32 },
    /// Send [`Event::Tick`](super::Event::Tick) at this time.
    Sleep { until: Millis },
    /// Publish a wake without a commit: this one came early.
    Rearm(Wake),
    /// Nothing is left to do in this invocation.
    End(Ended),
}

/// One append to the journal.
#[derive(Clone, Debug, PartialEq)]
pub struct Commit {
    pub records: Vec<Record>,
    /// Appended to the frozen plan: of a replan only.
    pub nodes: Vec<Node>,
    /// When the sweeper is to look, if nothing else wakes the saga; `None` at rest.
    pub wake_at: Option<Millis>,
    /// What goes to the queue with this version.
    pub wakes: Vec<Wake>,
}

/// A message to the queue. Its deduplication id is saga, version and slot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wake {
    pub slot: u32,
    pub at: Millis,
}

/// How an invocation ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// The saga is at rest.
    Rest,
    /// Work is left, and a wake is on its way.
    Yield,
    /// It was woken too early, did nothing, and is woken again.
    Early,
}

/// What is asked of a partner.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Op {
    /// Carry the step out.
    Do,
    /// Say what became of the key.
    Status,
    /// Reverse it, and refuse a late do.
    Undo,
}

/// One call of one tool.
#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    pub node: u32,
    pub op: Op,
    /// How often a person had the step asked for anew; part of the key.
    pub round: u32,
    pub attempt: u32,
    pub tool: String,
    /// See [`idempotency_key`](crate::id::idempotency_key).
    pub key: String,
    /// Resolved.
    pub params: Map<String, Value>,
    /// The do's output, for an undo.
    pub output: Option<Value>,
    pub timeout: Millis,
    /// Where in which trace it is, as a `traceparent`.
    pub trace: String,
    /// Tells this call's parameters from those that another history would have led to.
    pub fingerprint: u64,
    /// How many such calls may be under way at once, as the tool says.
    pub limits: Vec<Limit>,
    /// How many may leave in a span of time, as the tool says.
    pub rate: Option<Rate>,
    /// The headers that let it in, with the names of the secrets that stand there; no value is known here.
    pub secrets: Map<String, Value>,
    /// The hosts that it may go to; none: wherever the operator has tools called.
    pub hosts: Vec<String>,
    /// The tool's place at an MCP server, where it is one of such a server.
    pub mcp: Option<Box<Mcp>>,
}

impl Call {
    /// What the answer is to name.
    #[must_use]
    pub const fn id(&self) -> CallId {
        let Self { node, op, round, attempt, fingerprint, .. } = self;
        CallId { node: *node, op: *op, round: *round, attempt: *attempt, fingerprint: *fingerprint }
    }
}
