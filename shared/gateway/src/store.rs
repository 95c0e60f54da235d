//! The journal in Postgres: the statements, and how their answers are read.
//!
//! All of them are calls of the functions in `migrations/`, each one atomic. The journal's own words
//! (records, head, nodes) are the core's; this module only carries them.

use std::collections::BTreeMap;

use makegood_core::id::SagaId;
use makegood_core::proposal::Provenance;
use makegood_core::saga::{Commit, Head, Node, Priority, Record, Wake, Window};
use makegood_core::time::Millis;
use makegood_core::tool::Definition;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::neon::Rows;
use crate::schedules::Row;
use crate::{Malformed, hexadecimal};

/// What the database must hold, in order.
pub const MIGRATIONS: &[(&str, &str)] = &[
    ("makegood/0001_sagas", include_str!("../migrations/0001_sagas.sql")),
    ("makegood/0002_verbs", include_str!("../migrations/0002_verbs.sql")),
    ("makegood/0003_parts", include_str!("../migrations/0003_parts.sql")),
    ("makegood/0004_replans", include_str!("../migrations/0004_replans.sql")),
    ("makegood/0005_schedules", include_str!("../migrations/0005_schedules.sql")),
    ("makegood/0006_links", include_str!("../migrations/0006_links.sql")),
    ("makegood/0007_children", include_str!("../migrations/0007_children.sql")),
    ("makegood/0008_turns", include_str!("../migrations/0008_turns.sql")),
    ("makegood/0009_alerts", include_str!("../migrations/0009_alerts.sql")),
    ("makegood/0010_versions", include_str!("../migrations/0010_versions.sql")),
    ("makegood/0011_terms", include_str!("../migrations/0011_terms.sql")),
    ("makegood/0012_models", include_str!("../migrations/0012_models.sql")),
    ("makegood/0013_pins", include_str!("../migrations/0013_pins.sql")),
    ("makegood/0014_conversations", include_str!("../migrations/0014_conversations.sql")),
    ("makegood/0015_api_keys", include_str!("../migrations/0015_api_keys.sql")),
    ("makegood/0016_webhooks", include_str!("../migrations/0016_webhooks.sql")),
    ("makegood/0017_audit", include_str!("../migrations/0017_audit.sql")),
    ("makegood/0018_link_states", include_str!("../migrations/0018_link_states.sql")),
    ("makegood/0019_subscribers", include_str!("../migrations/0019_subscribers.sql")),
    ("makegood/0020_views", include_str!("../migrations/0020_views.sql")),
    ("makegood/0021_tools", include_str!("../migrations/0021_tools.sql")),
    ("makegood/0023_needs", include_str!("../migrations/0023_needs.sql")),
    ("makegood/0024_answers", include_str!("../migrations/0024_answers.sql")),
    ("makegood/0025_cheaper_views", include_str!("../migrations/0025_cheaper_views.sql")),
    ("makegood/0026_subscribers_rest", include_str!("../migrations/0026_subscribers_rest.sql")),
    ("makegood/0027_traces", include_str!("../migrations/0027_traces.sql")),
    ("makegood/0028_bounded_work", include_str!("../migrations/0028_bounded_work.sql")),
    ("makegood/0029_console", include_str!("../migrations/0029_console.sql")),
    ("makegood/0030_console_pages", include_str!("../migrations/0030_console_pages.sql")),
];

/// One statement with its parameters, all as text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    pub sql: &'static str,
    pub params: Vec<Option<String>>,
}

pub const CREATE: &str = "select makegood.create_saga($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12)";
pub const CREATE_READ: &str = "select makegood.create_saga_2($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12,$13)";
pub const CREATE_SAGA_IN: &str =
    "select makegood.create_saga_3($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12,$13,$14,$15,$16,$17,$18)";
pub const OF_KEY: &str = "select makegood.saga_of_key($1,$2)";
pub const BURY: &str = "select makegood.bury_saga($1,$2,$3,$4,$5,$6,$7,$8)";
pub const LOAD: &str = "select makegood.load_saga_6($1,$2)";
pub const PAGE: &str = "select makegood.window_4($1,0,$2,$3,'{}',$4)";
pub const COMMIT: &str = "select makegood.commit_saga($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12)";
pub const COMMIT_PLAN: &str = "select makegood.commit_plan($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12,$13)";
/// The two for what somebody asked from an address: the audit log has it.
pub const COMMIT_FROM: &str = "select case when makegood.comes_from($13) then \
    makegood.commit_saga($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12) end";
pub const COMMIT_PLAN_FROM: &str = "select case when makegood.comes_from($14) then \
    makegood.commit_plan($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12,$13) end";
pub const SWEEP: &str = "select makegood.sweep_6($1,$2,$3,$4,$5,$6)";
pub const LEARN: &str = "select makegood.learn($1,$2)";
pub const FOLLOW: &str = "select makegood.follow_saga_4($1,$2)";
pub const TOOLS: &str = "select makegood.list_tools($1)";
pub const REGISTER: &str = "select makegood.register_tool_3($1,$2)";

/// A saga that is to be written for the first time.
#[derive(Clone, Debug)]
pub struct New<'a> {
    pub id: &'a SagaId,
    pub owner: &'a str,
    /// The client's own key: a second create with it answers with the first saga.
    pub client_key: Option<&'a str>,
    pub title: &'a str,
    pub message: Option<&'a str>,
    pub head: &'a Head,
    pub nodes: &'a [Node],
    /// When the sweeper is to look if the first wake is lost.
    pub wake_at: Millis,
    /// How the plan was made of the message, where there was one.
    pub reading: Option<&'a Provenance>,
}

/// A record's `seq` is its commit's version times this, plus its place there.
pub const PLACES: u64 = 1_000_000;

/// A text in a few letters.
#[must_use]
pub fn fingerprint(text: &str) -> String {
    hexadecimal(&Sha256::digest(text)[..16])
}

#[must_use]
pub fn create(new: &New<'_>, now: Millis) -> Statement {
    let nodes = json(&new.nodes);
    let bytes = nodes.len() as u64;
    // What the user said, and not the plan made of it: that changes with the time of day.
    let request = fingerprint(new.message.unwrap_or(&nodes));
    let mut params = vec![
        text(new.id),
        text(new.owner),
        new.client_key.map(str::to_owned),
        text(new.title),
        new.message.map(str::to_owned),
        Some(json(new.head)),
        Some(nodes),
        text(now.0),
        text(new.wake_at.0),
        Some(json(&[Wake { slot: 0, at: now }])),
        text(bytes),
        Some(request),
    ];
    let Some(reading) = new.reading else { return Statement { sql: CREATE, params } };
    params.push(Some(json(reading)));
    Statement { sql: CREATE_READ, params }
}

/// The id of the saga that was started with a client's key, or null.
#[must_use]
pub fn of_key(owner: &str, client_key: &str) -> Statement {
    Statement { sql: OF_KEY, params: vec![text(owner), text(client_key)] }
}

/// Takes a new saga's key for good, so that it never begins; the answer is as that of [`create`].
#[must_use]
pub fn bury(new: &New<'_>, now: Millis) -> Statement {
    let params = vec![
        text(new.id),
        text(new.owner),
        new.client_key.map(str::to_owned),
        text(new.title),
        new.message.map(str::to_owned),
        Some(json(new.head)),
        text(now.0),
        Some(fingerprint(new.message.unwrap_or_default())),
    ];
    Statement { sql: BURY, params }
}

/// The answer to [`create`].
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Created {
    pub id: SagaId,
    /// False where the client's key was used before.
    pub created: bool,
    /// False where it was used for another request.
    pub same: bool,
}

/// `count`: the delivery is a repeat, and is counted until something is committed.
#[must_use]
pub fn load(id: &SagaId, count: bool) -> Statement {
    Statement { sql: LOAD, params: vec![text(id), text(count)] }
}

/// The answer to [`load`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Loaded {
    pub owner: String,
    pub version: u32,
    /// Repeated deliveries since the last commit.
    pub idle_wakes: u32,
    /// Somebody is to be told of what is committed.
    #[serde(default)]
    pub subscribed: bool,
    pub head: Head,
    pub window: Window,
}

/// Nodes are never renumbered, so all plans of a saga lie under the tables' first epoch.
#[must_use]
pub fn page(id: &SagaId, from: u32, to: u32, past: bool) -> Statement {
    Statement { sql: PAGE, params: vec![text(id), text(from), text(to), text(past)] }
}

/// What one append carries besides the saga's own words.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Meter {
    /// Bytes read from the database since the last commit.
    pub read: u64,
    /// Bytes written to it since then, this statement not included.
    pub written: u64,
}

/// `origin`: the address that it was asked from, where somebody asked for it.
#[must_use]
pub fn commit(
    id: &SagaId,
    version: u32,
    head: &Head,
    commit: &Commit,
    meter: Meter,
    origin: Option<&str>,
) -> Statement {
    let mut params = vec![
        text(id),
        text(version),
        text(head.phase),
        Some(json(head)),
        Some(json(&commit.records)),
        commit.wake_at.map(|at| at.0.to_string()),
        Some(json(&commit.wakes)),
        text(head.last_at.0),
        text(head.invocations),
        text(head.calls),
        text(meter.read),
    ];
    let nodes = (!commit.nodes.is_empty()).then(|| json(&commit.nodes));
    let sql = match (nodes.is_some(), origin.is_some()) {
        (false, false) => COMMIT,
        (true, false) => COMMIT_PLAN,
        (false, true) => COMMIT_FROM,
        (true, true) => COMMIT_PLAN_FROM,
    };
    let words = params.iter().flatten().chain(&nodes).map(String::as_str).chain(origin);
    let own: usize = sql.len() + words.map(on_the_wire).sum::<usize>();
    params.push(text(meter.written + own as u64));
    params.extend(nodes.map(Some));
    params.extend(origin.map(|origin| Some(origin.to_owned())));
    Statement { sql, params }
}

/// The bytes that a parameter takes in the request's JSON: itself, quotes and comma, and a backslash
/// before each quote and backslash.
fn on_the_wire(param: &str) -> usize {
    param.len() + 3 + param.bytes().filter(|byte| matches!(byte, b'"' | b'\\')).count()
}

/// The new version, or `None` where another worker was first.
///
/// # Errors
/// Where the answer is not a number.
pub fn committed(rows: Rows) -> Result<Option<u32>, Malformed> {
    let version: u32 = read(rows)?.ok_or_else(|| Malformed("a commit answered null".to_owned()))?;
    Ok(Some(version).filter(|version| *version > 0))
}

/// At most `limit` sagas, and `schedules` schedules. `traces`: whether traces are told to somebody.
#[must_use]
pub fn sweep(overdue_since: Millis, again_at: Millis, limit: u32, schedules: u32, traces: bool) -> Statement {
    let params = vec![
        text(overdue_since.0),
        text(again_at.0),
        text(limit),
        text(schedules),
        text(traces),
        text((overdue_since - COUNTED).0),
    ];
    Statement { sql: SWEEP, params }
}

/// So often those who are told traces are told how many there are of what.
pub const COUNTED: Millis = Millis::from_secs(5 * 60);

/// The answer to [`sweep`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct Swept {
    pub sagas: Vec<Overdue>,
    /// Those of which the queue may not know what it should.
    pub schedules: Vec<Row>,
    /// Sagas of which subscribers have long been owed news; and one whose trace is to be told, where there are any.
    #[serde(default)]
    pub lagging: Vec<SagaId>,
}

/// Learns how long calls take, from sagas that began since then.
#[must_use]
pub fn learn(since: Millis, now: Millis) -> Statement {
    Statement { sql: LEARN, params: vec![text(since.0), text(now.0)] }
}

/// A saga that nobody woke in time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Overdue {
    pub id: SagaId,
    pub version: u32,
    pub sweep: u32,
}

/// After every record there is: of a saga that is followed from here only the row itself comes.
pub const END: u64 = i64::MAX as u64;

/// `after`: the last `seq` that was seen; with 0 the answer holds the plan too.
#[must_use]
pub fn follow(id: &SagaId, after: u64) -> Statement {
    Statement { sql: FOLLOW, params: vec![text(id), text(after)] }
}

/// A saga as people see it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
pub struct Story {
    pub id: SagaId,
    pub owner: String,
    pub title: String,
    pub message: Option<String>,
    /// How the plan was made of it, a [`Provenance`]; with the plan only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(not(target_arch = "wasm32"), schemars(with = "Option<Provenance>"))]
    pub reading: Option<serde_json::Value>,
    pub phase: makegood_core::saga::Phase,
    pub version: u32,
    #[serde(default)]
    pub priority: Priority,
    pub created_at: Millis,
    pub updated_at: Millis,
    pub wake_at: Option<Millis>,
    pub counters: Counters,
    /// The trace that its caller came with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub traceparent: Option<String>,
    pub nodes: Vec<Node>,
    pub journal: Vec<Entry>,
}

/// What a saga has cost so far. Bytes are those between the functions and the database.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
pub struct Counters {
    pub invocations: u32,
    pub commits: u32,
    pub calls: u64,
    pub bytes_read: u64,
    pub bytes_written: u64,
    pub sweeps: u32,
}

/// One record of the journal and its place there.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
pub struct Entry {
    pub seq: u64,
    pub record: Record,
}

/// The current definitions of the named tools; of names that are none nothing is said.
#[must_use]
pub fn tools(names: &[&str]) -> Statement {
    Statement { sql: TOOLS, params: vec![Some(json(names))] }
}

/// The current definitions of all tools.
#[must_use]
pub fn all_tools() -> Statement {
    Statement { sql: TOOLS, params: vec![None] }
}

/// The answer to [`tools`] and [`all_tools`].
pub type Tools = BTreeMap<String, Definition>;

#[must_use]
pub fn register(definition: &Definition, now: Millis) -> Statement {
    Statement { sql: REGISTER, params: vec![Some(json(definition)), text(now.0)] }
}

/// Reads the one JSON value that every statement answers with; `None` for null.
///
/// # Errors
/// Where it is not what it should be.
pub fn read<T: serde::de::DeserializeOwned>(rows: Rows) -> Result<Option<T>, Malformed> {
    let scalar = rows.scalar();
    let value = scalar.map(|scalar| {
        serde_json::from_slice(scalar.as_bytes()).map_err(|error| {
            let start: String = scalar.chars().take(200).collect();
            Malformed(format!("the store's answer cannot be read: {error}: {start}"))
        })
    });
    value.transpose()
}

#[expect(clippy::unnecessary_wraps, reason = "a parameter is an option, for null")]
pub(crate) fn text(value: impl ToString) -> Option<String> {
    Some(value.to_string())
}

pub(crate) fn json(value: &(impl Serialize + ?Sized)) -> String {
    // The stored shapes are structs, maps with text keys and numbers: none of them can fail.
    serde_json::to_string(value).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_database_holds_the_built_in_tools_as_the_core_has_them() {
        let (_, children) = MIGRATIONS.iter().find(|(name, _)| name.ends_with("children")).unwrap();
        for definition in makegood_core::saga::definitions() {
            let row = format!("('{}', '{}', '{}', true, 0)", definition.name, definition.version, json(&definition));
            assert!(children.contains(&row), "{row}");
        }
    }
}
