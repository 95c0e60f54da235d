//! Conversations: the statements about them. What a conversation's state holds is its writer's; here it is text.

use makegood_core::id::{ConversationId, SagaId};
use makegood_core::time::Millis;
use serde::{Deserialize, Serialize};

use crate::store::{CREATE_SAGA_IN, Created, New, Statement, create, fingerprint, json, text};

pub const OPEN: &str = "select makegood.open_conversation_2($1,$2,$3,$4,$5)";
pub const SAVE: &str = "select makegood.save_conversation_2($1,$2,$3,$4,$5,$6,$7,$8,$9,$10)";
pub const WISH: &str = "select makegood.open_wish_2($1,$2,$3)";
pub const SETTLE: &str = "select makegood.settle_wish_2($1,$2,$3,$4,$5,$6,$7)";
pub const SWEEP: &str = "select makegood.sweep_conversations($1,$2,$3)";

/// The database's code for a time zone that there is not.
pub const NO_SUCH_ZONE: &str = "22023";

/// What a message is read against. `zone`: the name of a time zone, where the message says one.
#[must_use]
pub fn open(owner: &str, id: Option<&str>, key: Option<&str>, zone: Option<&str>, now: Millis) -> Statement {
    let maybe = |text: Option<&str>| text.map(str::to_owned);
    Statement { sql: OPEN, params: vec![text(owner), maybe(id), maybe(key), maybe(zone), text(now.0)] }
}

/// The answer to [`open`].
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(bound(deserialize = "S: Deserialize<'de>, A: Deserialize<'de>"))]
pub struct Opened<S, A> {
    /// `None` where this owner has none of that id, or it has ended. Where something was answered under the message's
    /// key: the one that it was answered in.
    pub conversation: Option<Row<S>>,
    /// What the message's key stands for already.
    pub keyed: Option<Keyed>,
    pub answered: Option<Answered<A>>,
    /// Of the zone's clock now, east of Greenwich, in minutes; where a zone is known.
    pub offset_minutes: Option<i32>,
}

/// A conversation as it is stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Row<S> {
    pub version: u32,
    pub state: S,
    /// The newest saga that it started.
    pub saga: Option<SagaId>,
    /// Since when its wish is open.
    pub wish_since: Option<Millis>,
    pub expires_at: Millis,
}

/// What was answered under a key, where no saga was started.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Answered<A> {
    pub conversation: ConversationId,
    pub answer: A,
}

/// A saga that was started under a key.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Keyed {
    pub saga: SagaId,
    request: String,
    /// Where it was said.
    pub conversation: Option<ConversationId>,
    /// What it does.
    pub title: String,
    /// The step that its owner is asked about first.
    pub confirm: Option<String>,
}

impl Keyed {
    /// Whether this message is what started it.
    #[must_use]
    pub fn is_for(&self, message: &str) -> bool {
        self.request == fingerprint(message)
    }
}

/// What is written of a conversation.
#[derive(Clone, Debug)]
pub struct Save<'a> {
    pub id: &'a str,
    pub owner: &'a str,
    /// That was read; 0 for one that is new.
    pub version: u32,
    /// JSON.
    pub state: &'a str,
    pub wish_since: Option<Millis>,
    pub expires_at: Millis,
    /// So many an owner may have.
    pub most: u32,
}

/// Answers with the new version, or with 0 where another message was first, or this one was before. `answer`: the
/// message's key, and, as JSON, what is answered to it from now on.
#[must_use]
pub fn save(save: &Save<'_>, answer: Option<(&str, String)>, now: Millis) -> Statement {
    let (key, answer) = answer.unzip();
    let params = vec![
        text(save.id),
        text(save.owner),
        text(save.version),
        text(save.state),
        save.wish_since.map(|since| since.0.to_string()),
        text(now.0),
        text(save.expires_at.0),
        text(save.most),
        key.map(str::to_owned),
        answer,
    ];
    Statement { sql: SAVE, params }
}

/// Writes a new saga, and the conversation that it starts in, or neither. `said`: the message that starts it, which
/// its key stands for; others may have led up to it.
#[must_use]
pub fn start(new: &New<'_>, said: &str, save: &Save<'_>, now: Millis) -> Statement {
    let mut params = create(new, now).params;
    params.truncate(11);
    params.push(Some(fingerprint(said)));
    params.push(new.reading.map(json));
    let of_conversation =
        [text(save.id), text(save.version), text(save.state), text(save.expires_at.0), text(save.most)];
    params.extend(of_conversation);
    Statement { sql: CREATE_SAGA_IN, params }
}

/// The answer to [`start`].
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Started {
    /// Another message was first: nothing was written.
    pub lost: bool,
    pub saga: Option<Created>,
    /// In which the saga was started: of a key that was used before, another than this.
    pub conversation: Option<ConversationId>,
}

/// What is wished of a saga since then: a [`Wished`], or null where there is no such conversation.
#[must_use]
pub fn wish(id: &ConversationId, owner: &str, since: Millis) -> Statement {
    Statement { sql: WISH, params: vec![text(id), text(owner), text(since.0)] }
}

/// The answer to [`wish`].
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Wished<W> {
    /// `None` where it is settled, or another took its place.
    pub wish: Option<W>,
    /// Where nothing is wished any more: the saga that something was wished of last.
    pub saga: Option<SagaId>,
}

/// Writes down what became of it. Answers with false where it was settled before.
#[must_use]
pub fn settle(id: &ConversationId, owner: &str, since: Millis, became: &Became<'_>, now: Millis) -> Statement {
    let Became { became, why, carried_out } = became;
    let why = why.map(str::to_owned);
    let params = vec![text(id), text(owner), text(since.0), text(became), why, text(carried_out), text(now.0)];
    Statement { sql: SETTLE, params }
}

/// What became of a wish, in the words of the state.
#[derive(Clone, Copy, Debug)]
pub struct Became<'a> {
    pub became: &'a str,
    pub why: Option<&'a str>,
    /// Its messages are a part of what the saga's plan was made of.
    pub carried_out: bool,
}

/// Removes at most `limit` conversations that have ended, and answers with at most as many whose wish is open since
/// `since` or longer.
#[must_use]
pub fn sweep(now: Millis, since: Millis, limit: u32) -> Statement {
    Statement { sql: SWEEP, params: vec![text(now.0), text(since.0), text(limit)] }
}

/// A wish of which the queue may not know.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Unheard {
    pub id: ConversationId,
    pub owner: String,
    pub since: Millis,
}

/// A state as it is written.
#[must_use]
pub fn state(state: &impl Serialize) -> String {
    json(state)
}

#[cfg(test)]
mod tests {
    use super::*;
    use makegood_core::saga::Head;

    #[test]
    fn a_start_in_a_conversation_says_all_that_a_start_says_and_then_where() {
        let (id, head) = (SagaId::new(Millis(1), [0; 10]), Head::new(0, Millis(1), None));
        let new = New {
            id: &id,
            owner: "ann",
            client_key: None,
            title: "",
            message: Some("hello"),
            head: &head,
            nodes: &[],
            wake_at: Millis(9),
            reading: None,
        };
        let save = Save {
            id: "cv_1",
            owner: "ann",
            version: 3,
            state: "{}",
            wish_since: None,
            expires_at: Millis(7),
            most: 5,
        };
        let Statement { sql, params } = start(&new, "hello", &save, Millis(1));
        assert!(sql.contains("$18)"), "{sql}");
        assert_eq!(params.len(), 18);
        let last: Vec<&str> = params.iter().skip(13).flatten().map(String::as_str).collect();
        assert_eq!((params.get(12), last), (Some(&None), vec!["cv_1", "3", "{}", "7", "5"]));
    }

    #[test]
    fn a_key_stands_for_the_message_that_came_with_it() {
        let json = format!(
            r#"{{"saga":"sg_00000000000000000000000000","request":"{}","conversation":null,
            "title":"","confirm":null}}"#,
            fingerprint("yes")
        );
        let keyed: Keyed = serde_json::from_str(&json).unwrap();
        assert!(keyed.is_for("yes") && !keyed.is_for("no"));
    }
}
