//! Alerts: which sagas somebody is to be told of, as the journal keeps it.

use std::fmt;

use makegood_core::id::SagaId;
use makegood_core::saga::Phase;
use makegood_core::time::Millis;
use serde::{Deserialize, Serialize};

use crate::store::{Statement, text};

pub const DUE: &str = "select makegood.due_alerts_2($1,$2,$3)";
pub const SAID: &str = "select makegood.said_alert_2($1,$2,$3)";

/// What somebody is told of a saga.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Why {
    /// It is at rest, and some of its steps need a person.
    Stuck,
    /// It has been unwinding for long.
    Unwinding,
    /// It goes forward, and has paused itself because a tool has changed.
    Drifting,
    /// It goes forward, and a step of it needs a person.
    Held,
    /// It was to turn round long ago, and does not know yet whether it may.
    Failing,
    /// It goes forward, and has tried to settle a step for long.
    Unsettled,
    /// It has been woken for long, and nothing came of it.
    Silent,
    /// Somebody was told, and it needs nobody any more.
    Over,
}

impl Why {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Stuck => "stuck",
            Self::Unwinding => "unwinding",
            Self::Drifting => "drifting",
            Self::Held => "held",
            Self::Failing => "failing",
            Self::Unsettled => "unsettled",
            Self::Silent => "silent",
            Self::Over => "over",
        }
    }
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A saga that somebody is to be told of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alert {
    pub saga: SagaId,
    pub why: Why,
    /// The ids of the steps that it is about, or the name of the tool; may be empty.
    pub about: String,
    pub phase: Phase,
    pub owner: String,
    pub title: String,
    /// Since when it is so, as far as that is known; else when the sweeper first saw it so.
    pub since: Millis,
    /// How often somebody was told already.
    pub said: u32,
}

/// At most `limit` alerts; what may come right by itself is one after `patience`.
#[must_use]
pub fn due(now: Millis, patience: Millis, limit: u32) -> Statement {
    Statement { sql: DUE, params: vec![text(now.0), text(patience.0), text(limit)] }
}

/// Somebody was told, and is told again at `due`; never, where it is `None`.
#[must_use]
pub fn said(alert: &Alert, due: Option<Millis>) -> Statement {
    let due = due.map(|due| due.0.to_string());
    Statement { sql: SAID, params: vec![text(&alert.saga), text(alert.said), due] }
}
