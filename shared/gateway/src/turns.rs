//! Turns in Postgres: the statements that count the calls under way over all sagas, and say who is next.

use makegood_core::id::SagaId;
use makegood_core::saga::Op;
use makegood_core::time::Millis;
use serde::{Deserialize, Serialize};

use crate::store::{Statement, json, text};

pub const TAKE: &str = "select makegood.take_turn($1,$2,$3,$4,$5,$6,$7,$8)";
pub const LEAVE: &str = "select makegood.leave_turns($1,$2)";

/// A call that wants to leave.
#[derive(Clone, Debug)]
pub struct Wanted<'a> {
    pub saga: &'a SagaId,
    pub node: u32,
    pub op: Op,
    /// The invocation that asks, a dot, and how often it has asked.
    pub holder: &'a str,
    /// What it counts for, each once, and how many there may be of that.
    pub limits: &'a [(String, u32)],
    /// The higher goes first.
    pub rank: i32,
    /// The call is over after this time, whatever becomes of its invocation.
    pub lease: Millis,
    /// So long its place in line is kept.
    pub wait: Millis,
}

/// True where the call may leave. An undo and a status always may, and are counted.
#[must_use]
pub fn take(wanted: &Wanted<'_>) -> Statement {
    let params = vec![
        text(wanted.saga),
        text(wanted.node),
        text(name(wanted.op)),
        text(wanted.holder),
        Some(json(wanted.limits)),
        text(wanted.rank),
        text(wanted.lease.0),
        text(wanted.wait.0),
    ];
    Statement { sql: TAKE, params }
}

/// A call that is over, by the name that it was asked for under; or, without one, a place in line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Left(pub u32, pub Op, pub Option<String>);

/// Gives turns and places back. Answers with those whose turn has come by it.
#[must_use]
pub fn leave(saga: &SagaId, calls: &[Left]) -> Statement {
    Statement { sql: LEAVE, params: vec![text(saga), Some(json(calls))] }
}

/// A step whose turn has come.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Next {
    pub saga: SagaId,
    pub node: u32,
    pub version: u32,
}

const fn name(op: Op) -> &'static str {
    match op {
        Op::Do => "do",
        Op::Status => "status",
        Op::Undo => "undo",
    }
}
