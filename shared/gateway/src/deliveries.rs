//! Deliveries that were taken in, and the statements about them. What is in one, and what is to be done about it, is
//! read when it comes ([`webhook`](crate::webhook)); from there on its row says all of it.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use makegood_core::id::SagaId;
use makegood_core::time::Millis;
use serde::{Deserialize, Serialize};

use crate::store::{Statement, json, text};
use crate::webhook::Verified;
use crate::webhook::rules::{Act, Matched};

pub const TAKE: &str = "select makegood.take_delivery($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12,$13)";
pub const AIM: &str = "select makegood.aim_delivery($1,$2)";
pub const SETTLE: &str = "select makegood.settle_delivery($1,$2,$3,$4,$5,$6,$7)";
pub const SWEEP: &str = "select makegood.sweep_deliveries($1,$2,$3,$4)";
pub const LIST: &str = "select makegood.list_deliveries($1,$2,$3)";

/// How a delivery stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Something is to be done about it.
    Pending,
    Done,
    /// No rule fits it.
    Ignored,
    /// Nothing can come of it, or nothing came of it in time: its row says why.
    Dead,
}

impl State {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Done => "done",
            Self::Ignored => "ignored",
            Self::Dead => "dead",
        }
    }
}

/// A delivery that is to be kept.
#[derive(Clone, Copy, Debug)]
pub struct Arrived<'a> {
    pub source: &'a str,
    pub owner: &'a str,
    pub verified: &'a Verified,
    /// As it came.
    pub body: &'a [u8],
    pub matched: &'a Matched,
    /// When the sweep is to look whether something was done about it.
    pub due_at: Millis,
    /// An event that has no place by then is dead.
    pub until: Millis,
}

/// Takes a delivery in, once.
#[must_use]
pub fn take(arrived: &Arrived<'_>, now: Millis) -> Statement {
    let Verified { key, id, kind, .. } = arrived.verified;
    let (state, rule, act, why) = match arrived.matched {
        Matched::Nothing => (State::Ignored, None, None, None),
        Matched::Act { rule, act } => (State::Pending, Some(rule), Some(json(act)), None),
        Matched::Broken { rule, why } => (State::Dead, Some(rule), None, Some(why)),
    };
    let params = vec![
        text(arrived.source),
        text(key),
        text(arrived.owner),
        id.clone(),
        kind.clone(),
        Some(STANDARD.encode(arrived.body)),
        text(state.as_str()),
        rule.cloned(),
        act,
        why.cloned(),
        text(now.0),
        text(arrived.due_at.0),
        text(arrived.until.0),
    ];
    Statement { sql: TAKE, params }
}

/// The answer to [`take`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub struct Taken {
    /// False where it was there.
    pub new: bool,
    pub state: State,
}

/// Finds what is to be done about a delivery, and the saga that an event is for.
#[must_use]
pub fn aim(source: &str, key: &str) -> Statement {
    Statement { sql: AIM, params: vec![text(source), text(key)] }
}

/// The answer to [`aim`]: a delivery about which something is to be done.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Aimed {
    pub owner: String,
    pub id: Option<String>,
    pub kind: Option<String>,
    pub received_at: Millis,
    pub act: Act,
    pub saga: Option<SagaId>,
    pub tries: u32,
    pub until: Millis,
}

/// What became of a delivery. `due_at`: of one that stays pending, when it is tried again.
#[must_use]
pub fn settle(
    (source, key): (&str, &str),
    state: State,
    saga: Option<&SagaId>,
    why: Option<&str>,
    due_at: Option<Millis>,
    now: Millis,
) -> Statement {
    let params = vec![
        text(source),
        text(key),
        text(state.as_str()),
        saga.map(ToString::to_string),
        why.map(str::to_owned),
        due_at.map(|at| at.0.to_string()),
        text(now.0),
    ];
    Statement { sql: SETTLE, params }
}

/// Forgets at most `limit` that were settled and came before `forget`, and answers with at most as many that are due,
/// which are due again at `again_at`.
#[must_use]
pub fn sweep(forget: Millis, now: Millis, again_at: Millis, limit: u32) -> Statement {
    Statement { sql: SWEEP, params: vec![text(forget.0), text(now.0), text(again_at.0), text(limit)] }
}

/// A delivery of which the queue may not know.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Due {
    pub source: String,
    pub key: String,
}

#[must_use]
pub fn list(owner: &str, before: Millis, limit: u32) -> Statement {
    Statement { sql: LIST, params: vec![text(owner), text(before.0), text(limit)] }
}

/// A delivery as people see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
pub struct Line {
    pub source: String,
    pub key: String,
    pub id: Option<String>,
    pub kind: Option<String>,
    pub received_at: Millis,
    pub bytes: u64,
    pub repeats: u32,
    pub state: State,
    pub rule: Option<String>,
    pub saga: Option<SagaId>,
    pub tries: u32,
    pub due_at: Option<Millis>,
    pub why: Option<String>,
    pub settled_at: Option<Millis>,
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    #[test]
    fn what_no_rule_fits_is_settled_and_what_one_fits_is_not() {
        let verified =
            Verified { key: "evt_1".into(), id: None, kind: None, at: None, body: Value::Null, challenge: None };
        let act = Act::Event { saga: None, key: None, name: "n".into(), payload: Value::Null };
        let state = |matched: &Matched| {
            let arrived = Arrived {
                source: "s",
                owner: "ann",
                verified: &verified,
                body: b"\xff\0",
                matched,
                due_at: Millis(2),
                until: Millis(3),
            };
            let Statement { sql, params } = take(&arrived, Millis(1));
            assert!(sql.contains(&format!("${})", params.len())), "{sql}");
            assert_eq!(params[5].as_deref(), Some("/wA="), "bytes that are no text are kept as they are");
            params[6].clone().unwrap()
        };
        assert_eq!(state(&Matched::Nothing), "ignored");
        assert_eq!(state(&Matched::Act { rule: "r".into(), act: Box::new(act) }), "pending");
        assert_eq!(state(&Matched::Broken { rule: "r".into(), why: "w".into() }), "dead");
    }
}
