//! What operators look at when something does not go on (`migrations/0030_console_pages.sql`): the statements, and what
//! they answer. Deliberately nothing that decides: who wakes, asks and gives up goes by the tables themselves.

use makegood_core::id::SagaId;
use makegood_core::saga::{Op, Phase};
use makegood_core::time::Millis;
use makegood_core::tool::{Class, Limit, Rate};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::store::{Statement, text};

pub const QUEUE: &str = "select makegood.console_queue($1,$2,$3,$4,$5,$6,$7,$8,$9,$10)";
pub const PEOPLE: &str = "select makegood.console_people($1,$2,$3,$4)";
pub const TOOLS: &str = "select makegood.console_tools($1,$2,$3)";
pub const SIZES: &str = "select makegood.console_sizes()";

/// Where a list goes on: after the line that has this time, and of those the one of this saga.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema), schemars(rename = "ConsolePlace"))]
pub struct Place {
    pub after: Millis,
    pub saga: String,
}

/// The last line of a page: its time, and what tells it apart from others that have the same.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema), schemars(rename = "ConsoleSpot"))]
pub struct Spot {
    pub at: Millis,
    pub mark: String,
}

impl Spot {
    /// Before the first line of a list that has the newest first. It is the latest time that the database can hold.
    #[must_use]
    pub const fn newest() -> Self {
        Self { at: Millis(i64::MAX as u64), mark: String::new() }
    }
}

/// Where each list of the queue begins: after a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Places {
    pub sagas: Place,
    pub work: Spot,
    pub dead: Spot,
    pub subscribers: Spot,
}

impl Default for Places {
    /// The first page of each.
    fn default() -> Self {
        Self { sagas: Place::default(), work: Spot::default(), dead: Spot::newest(), subscribers: Spot::newest() }
    }
}

/// What waits to be woken, and what came to nothing: a [`Queue`]. `limit`: of each list.
#[must_use]
pub fn queue(now: Millis, from: &Places, limit: u32) -> Statement {
    let Places { sagas, work, dead, subscribers } = from;
    let params = vec![
        text(now.0),
        text(sagas.after.0),
        text(&sagas.saga),
        text(work.at.0),
        text(&work.mark),
        text(dead.at.0),
        text(&dead.mark),
        text(subscribers.at.0),
        text(&subscribers.mark),
        text(limit),
    ];
    Statement { sql: QUEUE, params }
}

/// The answer to [`queue`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema), schemars(rename = "ConsoleQueue"))]
pub struct Queue {
    /// The first time at which the sweep looks after a saga, whichever it is.
    pub oldest: Option<Millis>,
    /// Sagas that somebody should have woken by now; no more than 1000 are counted.
    pub overdue: u64,
    /// Those that are not at rest, by when they are looked after.
    pub sagas: Vec<Waking>,
    /// Work that the queue may not have been told of yet, by when somebody looks for it.
    pub waiting: Vec<Work>,
    /// How much of it there is, on all pages; no more than 1000 are counted.
    pub waiting_in_all: u64,
    /// Deliveries of which nothing can come, the newest first.
    pub dead: Vec<Dead>,
    /// Subscribers to whom nothing is brought any more, or who take nothing; those first that changed last.
    pub subscribers: Vec<Subscriber>,
    /// How many of them there are, on all pages; no more than 1000 are counted.
    pub subscribers_in_all: u64,
}

/// A saga that is to be woken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema), schemars(rename = "ConsoleSaga"))]
pub struct Waking {
    pub id: SagaId,
    pub owner: String,
    pub title: String,
    pub phase: Phase,
    /// When the sweep wakes it, unless the queue has by then.
    pub wake_at: Millis,
    /// When it last committed something.
    pub updated_at: Millis,
    /// How often the sweep has woken it.
    pub sweeps: u32,
    /// Wakes in a row that came to nothing.
    pub idle_wakes: u32,
}

/// What is to be done besides carrying sagas on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema), schemars(rename = "ConsoleWorkKind"))]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A schedule that the queue does not know as it is.
    Schedule,
    /// A delivery about which something is to be done.
    Delivery,
    /// What a message asks of a saga that runs.
    Wish,
    /// Events that a subscriber is to be told.
    News,
    /// The trace of a saga that has come to rest.
    Trace,
}

/// Something that is to be done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema), schemars(rename = "ConsoleWork"))]
pub struct Work {
    pub what: Kind,
    /// The schedule's id, the delivery's source, the conversation, the subscription, or the saga.
    pub name: String,
    pub owner: String,
    pub saga: Option<SagaId>,
    pub since: Millis,
    /// When somebody looks for it.
    pub due_at: Millis,
    pub tries: u32,
    /// Tells it apart from all others.
    pub mark: String,
}

/// A delivery that was given up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema), schemars(rename = "ConsoleDeadLetter"))]
pub struct Dead {
    pub source: String,
    pub key: String,
    pub owner: String,
    pub id: Option<String>,
    pub kind: Option<String>,
    pub received_at: Millis,
    pub rule: Option<String>,
    pub saga: Option<SagaId>,
    pub tries: u32,
    pub why: Option<String>,
    pub settled_at: Option<Millis>,
}

/// A subscription that brings nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema), schemars(rename = "ConsoleSubscriber"))]
pub struct Subscriber {
    pub id: String,
    pub owner: String,
    /// `webhook` or `ably`.
    pub kind: String,
    pub url: String,
    /// `active`: it is tried again. `disabled`: it is not, until somebody enables it.
    pub state: String,
    pub failing_since: Option<Millis>,
    /// Nothing is brought before then.
    pub shut_until: Option<Millis>,
    pub updated_at: Millis,
    pub why: Option<String>,
    /// Sagas of which it has news to be told; no more than 1000 are counted.
    pub behind: u64,
}

/// Steps that wait for a person, those that changed longest ago first: a list of [`Asking`]. `node`: of the saga of
/// `from`, those after this step.
#[must_use]
pub fn people(from: &Place, node: i64, limit: u32) -> Statement {
    Statement { sql: PEOPLE, params: vec![text(from.after.0), text(&from.saga), text(node), text(limit)] }
}

/// What a person is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema), schemars(rename = "ConsoleStanding"))]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// Somebody is to agree to it, or to refuse it.
    Asking,
    /// It can go neither forward nor back by itself.
    Held,
}

/// A step that waits for a person.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema), schemars(rename = "ConsoleStep"))]
pub struct Asking {
    pub saga: SagaId,
    /// Its place in the plan.
    pub node: u32,
    pub step: String,
    pub tool: String,
    pub class: Class,
    pub standing: Standing,
    /// When the journal last told of it.
    pub changed_at: Millis,
    pub owner: String,
    pub title: String,
    pub phase: Phase,
    /// Since when it waits for somebody.
    pub since: Millis,
    /// Of one that is asked about: until when.
    pub until: Option<Millis>,
    /// What it would be done with.
    pub params: Map<String, Value>,
    /// Who is asked what.
    pub approval: Option<Question>,
    /// Who has agreed so far.
    pub agreed: Vec<String>,
    /// Of one that is held: what could not be done, and why not.
    pub op: Option<Op>,
    pub code: Option<String>,
    pub detail: Option<String>,
}

/// An approval, as far as people who look on need it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema), schemars(rename = "ConsoleQuestion"))]
pub struct Question {
    /// Those who may decide; nobody named stands for the saga's owner.
    #[serde(default)]
    pub by: Vec<String>,
    #[serde(default = "one")]
    pub quorum: u32,
    #[serde(default)]
    pub question: String,
}

const fn one() -> u32 {
    1
}

/// Tools after one, in the order of their names, with what became of their calls since a day (UTC): a list of [`Tool`].
#[must_use]
pub fn tools(after: &str, since: Millis, limit: u32) -> Statement {
    Statement { sql: TOOLS, params: vec![text(after), text(since.0), text(limit)] }
}

/// A tool: the version in use, or, where none is, that which was registered last.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Tool {
    pub name: String,
    pub version: String,
    pub current: bool,
    /// Why it is out of use.
    pub refused: Option<String>,
    pub registered_at: Millis,
    /// When its server last said what it said when it was registered; of tools of MCP servers only.
    pub looked_at: Option<Millis>,
    pub title: String,
    pub class: Class,
    pub server: Option<String>,
    pub concurrency: Vec<Limit>,
    pub rate: Option<Rate>,
    pub timeout_ms: Millis,
    /// Somebody must agree to every step that calls it.
    pub approval: bool,
    pub calls: u64,
    pub done: u64,
    pub refused_calls: u64,
    pub no_answer: u64,
    pub undone: u64,
    /// All calls together.
    pub took: Millis,
}

/// What the database is, and how large: [`Sizes`].
#[must_use]
pub const fn sizes() -> Statement {
    Statement { sql: SIZES, params: Vec::new() }
}

/// The answer to [`sizes`].
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Sizes {
    /// Its version, in its own words.
    pub server: String,
    /// The last migration that it was brought to.
    pub migration: Option<String>,
    pub bytes: u64,
    /// The first time at which the sweep looks after a saga.
    pub oldest: Option<Millis>,
    /// The largest first.
    pub tables: Vec<Table>,
}

/// A table, with its indexes.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Table {
    pub name: String,
    /// As the database estimates them.
    pub lines: u64,
    pub bytes: u64,
}

#[cfg(test)]
mod tests {
    use serde_json::{from_value, json};

    use super::*;

    #[test]
    fn each_statement_has_as_many_parameters_as_it_names() {
        let place = Place::default();
        let all = [queue(Millis(1), &Places::default(), 3), people(&place, -1, 3), tools("", Millis(1), 3), sizes()];
        for Statement { sql, params } in all {
            assert_eq!(sql.matches('$').count(), params.len(), "{sql}");
            assert!(params.is_empty() || sql.contains(&format!("${})", params.len())), "{sql}");
        }
    }

    #[test]
    fn a_question_is_read_though_it_says_more_than_is_shown() {
        let told = json!({"by": ["bob"], "within_ms": 5, "when": {"some": "condition"}});
        let question: Question = from_value(told).unwrap();
        assert_eq!(question, Question { by: vec!["bob".to_owned()], quorum: 1, question: String::new() });
    }
}
