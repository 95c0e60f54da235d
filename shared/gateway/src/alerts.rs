//! Alerts: which sagas somebody is to be told of, as the journal keeps it.

use makegood_core::id::SagaId;
use makegood_core::saga::Phase;
use makegood_core::time::Millis;
use serde::{Deserialize, Serialize};

use crate::store::{Statement, text};

pub const DUE: &str = "select makegood.due_alerts($1,$2,$3)";
pub const SAID: &str = "select makegood.said_alert($1,$2,$3)";

/// A saga that somebody is to be told of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alert {
    pub saga: SagaId,
    /// Stuck or unwinding; any other is one that somebody was told of, and that needs nobody any more.
    pub phase: Phase,
    pub owner: String,
    pub title: String,
    /// When the sweeper first saw it stuck or unwinding.
    pub since: Millis,
    /// How often somebody was told already.
    pub said: u32,
}

/// At most `limit` alerts; a saga that is unwinding is one after `patience`.
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
