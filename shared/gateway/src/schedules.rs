//! Schedules in Postgres: the statements, and how their answers are read.
//!
//! As in [`crate::store`], each statement is one function of `migrations/`, and atomic. Telling the
//! queue is not done here: see [`crate::qstash`].

use makegood_core::time::Millis;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::store::{self, New, Statement, fingerprint, text};

pub const CREATE: &str = "select makegood.create_schedule($1,$2,$3,$4,$5,$6,$7,$8,$9,$10)";
pub const FIND: &str = "select makegood.find_schedule($1,$2)";
pub const LIST: &str = "select makegood.list_schedules($1)";
pub const TURN: &str = "select makegood.turn_schedule($1,$2,$3,$4,$5)";
pub const DELETE: &str = "select makegood.delete_schedule($1,$2,$3,$4)";
pub const SETTLE: &str = "select makegood.settle_schedule($1,$2,$3)";
pub const REFUSE: &str = "select makegood.refuse_schedule($1,$2,$3,$4,$5)";
pub const LOAD_FIRING: &str = "select makegood.load_firing($1,$2)";
pub const FIRE: &str = "select makegood.fire_schedule($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12,$13,$14)";
pub const MISS: &str = "select makegood.miss_firing($1,$2,$3,$4)";

/// A schedule that is to be written for the first time.
#[derive(Clone, Debug)]
pub struct NewSchedule<'a> {
    /// What the queue is to know it by.
    pub key: &'a str,
    pub owner: &'a str,
    pub id: &'a str,
    pub cron: &'a str,
    pub title: &'a str,
    /// The plan and what goes with it, as JSON.
    pub request: &'a str,
    /// When the sweeper is to look, should the queue not be told now.
    pub look_at: Millis,
    /// So many an owner may have.
    pub most: u32,
}

#[must_use]
pub fn create(new: &NewSchedule<'_>, now: Millis) -> Statement {
    let params = vec![
        text(new.key),
        text(new.owner),
        text(new.id),
        text(new.cron),
        text(new.title),
        text(new.request),
        text(fingerprint(&format!("{} {}", new.cron, new.request))),
        text(now.0),
        text(new.look_at.0),
        text(new.most),
    ];
    Statement { sql: CREATE, params }
}

/// The answer to [`create`].
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Written {
    /// False where the id was used before, or none can be added.
    pub created: bool,
    /// False where it was used for another request.
    pub same: bool,
    /// `None` where the owner has as many as there may be.
    pub schedule: Option<Row>,
}

/// A schedule, without its plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Row {
    #[serde(rename = "ref")]
    pub key: String,
    pub owner: String,
    pub id: String,
    pub cron: String,
    pub title: String,
    pub paused: bool,
    /// Deleted, and the queue may not know yet.
    pub gone: bool,
    pub revision: u32,
    /// The queue has been told of this revision.
    pub armed: bool,
    pub created_at: Millis,
    pub updated_at: Millis,
    pub last_error: Option<String>,
    pub last_error_at: Option<Millis>,
}

#[must_use]
pub fn find(owner: &str, id: &str) -> Statement {
    Statement { sql: FIND, params: vec![text(owner), text(id)] }
}

/// The answer to [`find`].
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Shown {
    pub schedule: Row,
    pub request: Value,
    /// The last twenty, the newest first.
    pub firings: Vec<Fired>,
}

/// What became of a firing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
pub struct Fired {
    pub at: Millis,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub saga: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

#[must_use]
pub fn list(owner: &str) -> Statement {
    Statement { sql: LIST, params: vec![text(owner)] }
}

#[must_use]
pub fn turn(owner: &str, id: &str, paused: bool, now: Millis, look_at: Millis) -> Statement {
    Statement { sql: TURN, params: vec![text(owner), text(id), text(paused), text(now.0), text(look_at.0)] }
}

#[must_use]
pub fn delete(owner: &str, id: &str, now: Millis, look_at: Millis) -> Statement {
    Statement { sql: DELETE, params: vec![text(owner), text(id), text(now.0), text(look_at.0)] }
}

/// The queue knows of this revision of a schedule.
#[must_use]
pub fn settle(row: &Row, look_at: Millis) -> Statement {
    Statement { sql: SETTLE, params: vec![text(&row.key), text(row.revision), text(look_at.0)] }
}

/// The answer to [`settle`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Settled {
    Settled,
    /// There is a newer revision, of which the queue has yet to be told.
    Newer,
    /// There is no such schedule any more.
    None,
}

/// `new`: it was only just made, and is taken back.
#[must_use]
pub fn refuse(row: &Row, new: bool, error: &str, now: Millis, look_at: Millis) -> Statement {
    Statement { sql: REFUSE, params: vec![text(&row.key), text(new), text(error), text(now.0), text(look_at.0)] }
}

/// `message`: the queue's id of the firing.
#[must_use]
pub fn load_firing(key: &str, message: &str) -> Statement {
    Statement { sql: LOAD_FIRING, params: vec![text(key), text(message)] }
}

/// The answer to [`load_firing`].
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Firing {
    pub owner: String,
    pub id: String,
    pub paused: bool,
    pub request: Value,
    /// It came before, and either its saga was started or nothing could come of it.
    pub met: bool,
    pub saga: Option<String>,
}

/// As [`store::create`], for a firing. Answers with null where the schedule is paused or deleted.
#[must_use]
pub fn fire(key: &str, message: &str, new: &New<'_>, now: Millis) -> Statement {
    let mut params = vec![text(key), text(message)];
    params.extend(store::create(new, now).params);
    Statement { sql: FIRE, params }
}

#[must_use]
pub fn miss(key: &str, message: &str, error: &str, now: Millis) -> Statement {
    Statement { sql: MISS, params: vec![text(key), text(message), text(error), text(now.0)] }
}
