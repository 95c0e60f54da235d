//! Subscriptions to events, how far each has been told, and the statements about both. The journal is the outbox: a
//! cursor is written by the commit that has something to tell (`migrations/0019_subscribers.sql`), and taken away when
//! it was told. Who takes nothing is left alone for a while (`0026_subscribers_rest.sql`). What is sent is in
//! [`outgoing`](crate::webhook::outgoing) and [`ably`](crate::ably).

use makegood_core::feed::{About, Kind, STARTED, UNDERSTOOD};
use makegood_core::id::SagaId;
use makegood_core::saga::Node;
use makegood_core::time::Millis;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::store::{Entry, Statement, json, text};

pub const CREATE: &str = "select makegood.create_subscription($1,$2,$3,$4,$5,$6,$7,$8)";
pub const OPEN_ABLY: &str = "select makegood.open_ably($1)";
pub const LIST: &str = "select makegood.list_subscriptions($1)";
pub const FIND: &str = "select makegood.find_subscription($1,$2)";
pub const DELETE: &str = "select makegood.delete_subscription($1,$2,$3,$4,$5)";
pub const ROTATE: &str = "select makegood.rotate_subscription($1,$2,$3,$4,$5,$6)";
pub const ENABLE: &str = "select makegood.enable_subscription($1,$2,$3,$4,$5)";
pub const DISABLE: &str = "select makegood.disable_subscription($1,$2,$3)";
pub const TAKE: &str = "select makegood.take_cursors_2($1,$2,$3,$4,$5)";
pub const SETTLE: &str = "select makegood.settle_cursor_2($1,$2,$3,$4,$5,$6,$7)";
pub const FAIL: &str = "select makegood.fail_cursor_2($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11)";

/// What is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum To {
    /// An address that its owner named.
    Webhook,
    /// Ably's channels.
    Ably,
}

/// Whether anything is brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema), schemars(rename = "SubscriptionState"))]
#[serde(rename_all = "snake_case")]
pub enum State {
    Active,
    /// Its row says why.
    Disabled,
}

/// A subscription, as it is stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Row {
    pub id: String,
    pub owner: String,
    pub kind: To,
    /// Of all users' sagas.
    pub everyone: bool,
    pub url: String,
    /// As [`Filter`] reads them; none: all.
    pub types: Vec<String>,
    pub state: State,
    pub why: Option<String>,
    /// The number of its newest secret.
    pub generation: u32,
    /// Until then the secret before is good as well.
    pub previous_until: Option<Millis>,
    /// Since when nothing that was brought was taken.
    pub failing_since: Option<Millis>,
    pub last_error: Option<String>,
    /// Nothing is brought before then: it failed several times in a row, or asked for time.
    #[serde(default)]
    pub shut_until: Option<Millis>,
    pub created_at: Millis,
    pub updated_at: Millis,
}

impl Row {
    /// The numbers of the secrets that are good now, the newest first.
    #[must_use]
    pub fn generations(&self, now: Millis) -> Vec<u32> {
        let previous = self.previous_until.filter(|until| *until > now).and(self.generation.checked_sub(1));
        [Some(self.generation), previous].into_iter().flatten().filter(|generation| *generation > 0).collect()
    }

    /// Whether an event of this type is one of those that were asked for.
    #[must_use]
    pub fn wants(&self, kind: &str) -> bool {
        self.types.is_empty() || self.types.iter().any(|wanted| fits(wanted, kind))
    }
}

/// Whether a type is the one that is named, or of the group: `makegood.step.*`.
fn fits(wanted: &str, kind: &str) -> bool {
    match wanted.strip_suffix('*') {
        Some(group) => kind.starts_with(group),
        None => wanted == kind,
    }
}

/// Whether there are events of that type, or of that group.
#[must_use]
pub fn is_known(wanted: &str) -> bool {
    let whole = wanted.strip_suffix('*').is_none_or(|group| group.ends_with('.'));
    whole && Kind::ALL.iter().any(|kind| fits(wanted, kind.name()))
}

/// One that is to be written.
#[derive(Clone, Copy, Debug)]
pub struct NewSubscription<'a> {
    pub id: &'a str,
    pub owner: &'a str,
    pub everyone: bool,
    pub url: &'a str,
    pub types: &'a [String],
    /// So many may an owner have.
    pub most: u32,
    /// Where it was asked from.
    pub origin: &'a str,
}

/// Answers with a [`Row`], or with null where its owner has as many as there may be.
#[must_use]
pub fn create(new: &NewSubscription<'_>, now: Millis) -> Statement {
    let params = vec![
        text(new.id),
        text(new.owner),
        text(new.everyone),
        text(new.url),
        Some(json(new.types)),
        text(new.most),
        text(now.0),
        text(new.origin),
    ];
    Statement { sql: CREATE, params }
}

/// From here on Ably is told; answers with whether it was not before.
#[must_use]
pub fn open_ably(now: Millis) -> Statement {
    Statement { sql: OPEN_ABLY, params: vec![text(now.0)] }
}

/// `owner`: `None` for everybody's.
#[must_use]
pub fn list(owner: Option<&str>) -> Statement {
    Statement { sql: LIST, params: vec![owner.map(str::to_owned)] }
}

/// The answer to [`find`].
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Shown {
    pub subscription: Row,
    /// Sagas of which it has yet to be told something.
    pub behind: u32,
}

/// `owner`: `None` for anybody's.
#[must_use]
pub fn find(id: &str, owner: Option<&str>) -> Statement {
    Statement { sql: FIND, params: vec![text(id), owner.map(str::to_owned)] }
}

/// Who changes a subscription, and where they asked from.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// Whose it has to be; `None`: anybody's.
    pub owner: Option<&'a str>,
    pub by: &'a str,
    pub origin: &'a str,
}

/// Answers with whether there was one.
#[must_use]
pub fn delete(id: &str, asked: Asked<'_>, now: Millis) -> Statement {
    let params = vec![text(id), asked.owner.map(str::to_owned), text(asked.by), text(now.0), text(asked.origin)];
    Statement { sql: DELETE, params }
}

/// Answers with the [`Row`], or with null. `previous_until`: so long the secret before is good as well.
#[must_use]
pub fn rotate(id: &str, asked: Asked<'_>, previous_until: Millis, now: Millis) -> Statement {
    let params = vec![
        text(id),
        asked.owner.map(str::to_owned),
        text(previous_until.0),
        text(asked.by),
        text(now.0),
        text(asked.origin),
    ];
    Statement { sql: ROTATE, params }
}

/// Answers with the [`Row`], or with null.
#[must_use]
pub fn enable(id: &str, asked: Asked<'_>, now: Millis) -> Statement {
    let params = vec![text(id), asked.owner.map(str::to_owned), text(asked.by), text(now.0), text(asked.origin)];
    Statement { sql: ENABLE, params }
}

/// Answers with whether it was active.
#[must_use]
pub fn disable(id: &str, why: &str, now: Millis) -> Statement {
    Statement { sql: DISABLE, params: vec![text(id), text(why), text(now.0)] }
}

/// Takes what there is to be told of a saga now, to be told by `held`: at most `most` cursors, each with at most `page`
/// records, and not many more bytes than a million.
#[must_use]
pub fn take(saga: &SagaId, now: Millis, held: Millis, most: u32, page: u32) -> Statement {
    Statement { sql: TAKE, params: vec![text(saga), text(now.0), text(held.0), text(most), text(page)] }
}

/// The answer to [`take`]: a saga as far as its events need it, and who is to be told.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Taken {
    pub owner: String,
    pub title: String,
    pub message: Option<String>,
    pub reading: Option<Value>,
    pub created_at: Millis,
    pub nodes: Vec<Node>,
    pub cursors: Vec<Cursor>,
    /// There are others who are to be told of it now.
    #[serde(default)]
    pub rest: bool,
}

/// How far a subscriber has been told of a saga.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Cursor {
    pub subscription: Row,
    /// The last event that they took.
    pub seq: u64,
    /// The version up to which there was something to tell.
    pub upto: u32,
    pub tries: u32,
    pub failing_since: Option<Millis>,
    /// What comes next.
    pub journal: Vec<Entry>,
    /// What follows that.
    #[serde(default)]
    pub more: bool,
}

impl Taken {
    /// The events that follow a cursor, each with its number, in their order.
    #[must_use]
    pub fn events(&self, saga: &SagaId, cursor: &Cursor) -> Vec<(u64, Value)> {
        let about = About { saga, nodes: &self.nodes };
        let mut events = Vec::new();
        if cursor.seq < STARTED {
            events.push((STARTED, about.started(self.created_at, &self.title)));
        }
        if cursor.seq < UNDERSTOOD
            && let Some(reading) = &self.reading
        {
            events.push((UNDERSTOOD, about.understood(self.created_at, self.message.as_deref(), reading)));
        }
        events.extend(cursor.journal.iter().map(|entry| (entry.seq, about.record(entry.seq, &entry.record))));
        events
    }
}

/// What one run has told of a cursor.
#[derive(Clone, Copy, Debug)]
pub struct Told<'a> {
    pub subscription: &'a str,
    pub saga: &'a SagaId,
    /// As it was taken.
    pub held: Millis,
    /// The last event that was taken or is none of theirs.
    pub seq: u64,
    /// Where all was told that the cursor spoke of.
    pub upto: Option<u32>,
    /// Something was brought.
    pub taken: bool,
}

/// Answers with a [`Standing`].
#[must_use]
pub fn settle(told: Told<'_>, now: Millis) -> Statement {
    let params = vec![
        text(told.subscription),
        text(told.saga),
        text(told.held.0),
        text(told.seq),
        told.upto.map(|version| version.to_string()),
        text(told.taken),
        text(now.0),
    ];
    Statement { sql: SETTLE, params }
}

/// How a cursor stands that was settled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// It is told of everything.
    Told,
    /// There is more.
    More,
    /// Somebody else is at it.
    Lost,
}

/// What was not taken.
#[derive(Clone, Copy, Debug)]
pub struct Failed<'a> {
    pub tries: u32,
    pub failing_since: Millis,
    /// When it is tried again, at the earliest.
    pub due_at: Millis,
    pub error: &'a str,
    /// How long its subscriber wants to be left alone.
    pub after: Option<Millis>,
}

/// Answers with when it is due, which is later where its subscriber is left alone until then; or with null, where it is not
/// ours any more.
#[must_use]
pub fn fail(told: Told<'_>, failed: Failed<'_>, now: Millis) -> Statement {
    let params = vec![
        text(told.subscription),
        text(told.saga),
        text(told.held.0),
        text(told.seq),
        text(failed.tries),
        text(failed.failing_since.0),
        text(failed.due_at.0),
        text(failed.error),
        text(told.taken),
        text(failed.after.unwrap_or_default().0),
        text(now.0),
    ];
    Statement { sql: FAIL, params }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn row() -> Value {
        json!({
            "id": "sub_1", "owner": "ann", "kind": "webhook", "everyone": false, "url": "https://a.test/", "types": [],
            "state": "active", "why": null, "generation": 1, "previous_until": null, "failing_since": null,
            "last_error": null, "created_at": 1, "updated_at": 1,
        })
    }

    fn subscription(change: impl FnOnce(&mut Value)) -> Row {
        let mut row = row();
        change(&mut row);
        serde_json::from_value(row).unwrap()
    }

    #[test]
    fn a_filter_lets_its_types_and_its_groups_through_and_nothing_else() {
        let wants = |types: Value, kind: &str| subscription(|row| row["types"] = types).wants(kind);
        assert!(wants(json!([]), "makegood.step.done.v1"));
        assert!(wants(json!(["makegood.saga.completed.v1"]), "makegood.saga.completed.v1"));
        assert!(!wants(json!(["makegood.saga.completed.v1"]), "makegood.saga.completed.v2"));
        assert!(wants(json!(["makegood.step.*"]), "makegood.step.done.v1"));
        assert!(!wants(json!(["makegood.step.*"]), "makegood.saga.completed.v1"));
    }

    #[test]
    fn what_there_is_no_event_for_is_not_known() {
        for good in ["makegood.*", "makegood.health.*", "makegood.step.done.v1"] {
            assert!(is_known(good), "{good}");
        }
        for bad in ["", "*", "makegood.step*", "makegood.step.don*", "makegood.step.done.v2", "makegood.x.*", "step"] {
            assert!(!is_known(bad), "{bad}");
        }
    }

    #[test]
    fn the_secret_before_is_good_until_its_time_is_over() {
        let generations = |generation: u32, until: Option<u64>, now: u64| {
            subscription(|row| {
                row["generation"] = json!(generation);
                row["previous_until"] = json!(until);
            })
            .generations(Millis(now))
        };
        assert_eq!(generations(1, None, 5), [1]);
        assert_eq!(generations(3, Some(10), 9), [3, 2]);
        assert_eq!(generations(3, Some(10), 10), [3]);
    }

    #[test]
    fn what_follows_a_cursor_is_told_from_there_and_in_order() {
        let saga = SagaId::new(Millis(1), [0; 10]);
        let record = |seq: u64, fact: Value| json!({"seq": seq, "record": fact});
        let taken = |seq: u64, reading: Value| -> Vec<u64> {
            let taken: Taken = serde_json::from_value(json!({
                "owner": "ann", "title": "T", "message": "m", "reading": reading, "created_at": 1,
                "nodes": [{"ix": 0, "id": "a", "tool": "t", "version": "1", "class": "query"}],
                "cursors": [{
                    "subscription": row(), "seq": seq, "upto": 2, "tries": 0, "failing_since": null,
                    "journal": [
                        record(2_000_001, json!({"type": "skipped", "node": 0, "why": "no", "at": 2, "inv": 1})),
                        record(2_000_002, json!({"type": "completed", "at": 3, "inv": 1})),
                    ],
                }],
            }))
            .unwrap();
            taken.events(&saga, &taken.cursors[0]).into_iter().map(|(seq, _)| seq).collect()
        };
        assert_eq!(taken(0, json!({"by": "offline"})), [1, 2, 2_000_001, 2_000_002]);
        assert_eq!(taken(0, Value::Null), [1, 2_000_001, 2_000_002]);
        assert_eq!(taken(2, json!({"by": "offline"})), [2_000_001, 2_000_002]);
    }

    #[test]
    fn every_statement_has_its_parameters() {
        let saga = SagaId::new(Millis(1), [0; 10]);
        let asked = Asked { owner: None, by: "olga", origin: "" };
        let told = Told { subscription: "sub_1", saga: &saga, held: Millis(9), seq: 1, upto: None, taken: true };
        let failed = Failed { tries: 1, failing_since: Millis(1), due_at: Millis(2), error: "no", after: None };
        let new = NewSubscription {
            id: "sub_1",
            owner: "ann",
            everyone: false,
            url: "https://a.test/",
            types: &[],
            most: 10,
            origin: "",
        };
        for Statement { sql, params } in [
            create(&new, Millis(1)),
            open_ably(Millis(1)),
            list(None),
            find("sub_1", None),
            delete("sub_1", asked, Millis(1)),
            rotate("sub_1", asked, Millis(2), Millis(1)),
            enable("sub_1", asked, Millis(1)),
            disable("sub_1", "no", Millis(1)),
            take(&saga, Millis(1), Millis(2), 8, 50),
            settle(told, Millis(1)),
            fail(told, failed, Millis(1)),
        ] {
            assert!(sql.ends_with(&format!("${})", params.len())), "{sql}");
        }
    }
}
