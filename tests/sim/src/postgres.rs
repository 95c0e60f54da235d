//! Postgres, as far as the journal needs it: the functions of the migrations, statement by
//! statement, behind the real SQL-over-HTTP messages.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use bytes::Bytes;
use makegood_core::saga::{Fact, Head, Node, Record};
use makegood_core::time::Millis;
use makegood_core::tool::Definition;
use makegood_gateway::store::{self, Counters, Entry, Story};
use makegood_gateway::{Request, Response};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Value, json};

use crate::answer;
use crate::scenario::Scenario;

/// One row of `makegood.saga`, with its nodes and facts.
pub struct Row {
    pub id: String,
    pub owner: String,
    pub client_key: Option<String>,
    pub title: String,
    pub epoch: u32,
    pub version: u32,
    pub phase: String,
    /// The text as it was written.
    pub head_text: String,
    pub head: Head,
    pub wake_at: Option<u64>,
    pub sweeps: u32,
    pub idle_wakes: u32,
    pub created_at: u64,
    pub updated_at: u64,
    pub counters: Counters,
    pub nodes: Vec<(Node, String)>,
    pub facts: Vec<(u64, Record)>,
}

impl Row {
    /// What the last commit brought.
    pub fn fresh(&self) -> impl Iterator<Item = &Record> {
        let first = self.facts.partition_point(|(seq, _)| seq / store::PLACES < u64::from(self.version));
        self.facts[first..].iter().map(|(_, record)| record)
    }

    pub fn facts_of(&self, node: u32) -> impl Iterator<Item = &Fact> {
        self.facts.iter().map(|(_, record)| &record.fact).filter(move |fact| fact.node() == Some(node))
    }
}

/// The database.
#[derive(Default)]
pub struct Postgres {
    pub sagas: BTreeMap<String, Row>,
    /// The definitions of the registered tools, as they are stored.
    tools: BTreeMap<String, String>,
    /// Tools of which a newer version is registered.
    pub drifted: BTreeSet<String>,
    /// What `learn` has found out.
    learned: BTreeMap<String, u64>,
    /// Every saga gets this deadline when it is created.
    pub deadline: Option<u64>,
}

/// What the journal tells of a node's beginning and end.
#[derive(Default)]
struct Told {
    params: Option<Value>,
    output: Option<Value>,
    round: u32,
    by_hand: bool,
    undone: bool,
}

/// What a statement changed.
pub enum Change {
    None,
    Created(String),
    Committed(String),
    Loaded,
    Paged,
    /// Another worker was first.
    Outrun,
}

/// The message that brings a statement.
#[derive(Deserialize)]
struct Query<'a> {
    #[serde(borrow)]
    query: Cow<'a, str>,
    #[serde(borrow)]
    params: Vec<Option<Text<'a>>>,
}

/// A text that is borrowed where it can be.
#[derive(Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

/// The message that brings its answer.
#[derive(Serialize)]
struct Rows<'a> {
    command: &'a str,
    fields: [(); 0],
    #[serde(rename = "rowCount")]
    row_count: u32,
    rows: [[Option<&'a str>; 1]; 1],
}

impl Postgres {
    /// The database of a world, before anything happens in it.
    pub fn new(scenario: &Scenario) -> Self {
        let called = |name: &str| {
            let mut steps = scenario.plan.steps.iter();
            steps.any(|step| step.tool == name || step.or.iter().any(|other| other.tool == name))
        };
        let tools = scenario.tools.iter().filter(|(name, _)| called(name));
        let text = |tool: &Definition| serde_json::to_string(tool).unwrap_or_default();
        Self {
            tools: tools.map(|(name, tool)| (name.clone(), text(tool))).collect(),
            learned: scenario.learned.clone(),
            deadline: scenario.deadline,
            ..Self::default()
        }
    }

    /// An object of the definitions of these tools.
    fn definitions<'a>(&self, names: impl Iterator<Item = &'a str>) -> String {
        let mut text = String::from("{");
        for name in names {
            let Some(tool) = self.tools.get(name) else { continue };
            let comma = if text.len() > 1 { ", " } else { "" };
            let _ = write!(text, r#"{comma}"{name}" : {tool}"#);
        }
        text.push('}');
        text
    }

    /// Serves one request.
    pub fn serve(&mut self, request: &Request) -> (Response, Change) {
        let Ok(Query { query: sql, params }) = serde_json::from_slice::<Query<'_>>(request.body()) else {
            return (answer(400, &json!({"message": "no query", "code": "42601"})), Change::None);
        };
        let params: Vec<Option<&str>> = params.iter().map(|param| Some(param.as_ref()?.0.as_ref())).collect();
        match self.run(&sql, &params) {
            Some((scalar, change)) => {
                let rows = Rows { command: "SELECT", fields: [], row_count: 1, rows: [[scalar.as_deref()]] };
                (Response::new(Bytes::from(serde_json::to_vec(&rows).unwrap_or_default())), change)
            }
            None => (
                answer(400, &json!({"message": format!("cannot run {sql} {params:?}"), "code": "42601"})),
                Change::None,
            ),
        }
    }

    fn run(&mut self, sql: &str, p: &[Option<&str>]) -> Option<(Option<String>, Change)> {
        let text = |place: usize| p.get(place).copied().flatten();
        let number = |place: usize| text(place)?.parse::<u64>().ok();
        let small = |place: usize| text(place)?.parse::<u32>().ok();
        Some(match sql {
            store::CREATE => self.create(p)?,
            store::LOAD => (self.load(text(0)?, text(1)? == "true"), Change::Loaded),
            store::PAGE => {
                let row = self.sagas.get(text(0)?)?;
                let (from, to) = (i64::from(small(2)?), i64::from(small(3)?));
                (Some(self.window(row, from, to, &[], text(4)? == "true")), Change::Paged)
            }
            store::COMMIT => self.commit(p)?,
            store::SWEEP => (Some(self.sweep(number(0)?, number(1)?, small(2)?)), Change::None),
            // What it would learn is part of the scenario.
            store::LEARN => (Some("0".to_owned()), Change::None),
            store::FOLLOW => (self.follow(text(0)?, number(1)?), Change::None),
            store::TOOLS => {
                let names: Vec<&str> = serde_json::from_str(text(0)?).ok()?;
                (Some(self.definitions(names.into_iter())), Change::None)
            }
            _ => return None,
        })
    }

    fn create(&mut self, p: &[Option<&str>]) -> Option<(Option<String>, Change)> {
        let text = |place: usize| p.get(place).copied().flatten();
        let (id, owner, key) = (text(0)?.to_owned(), text(1)?.to_owned(), text(2).map(str::to_owned));
        let known = self
            .sagas
            .values()
            .find(|row| row.id == id || (key.is_some() && row.owner == owner && row.client_key == key));
        if let Some(known) = known {
            return Some((Some(json!({"id": known.id, "created": false, "same": true}).to_string()), Change::None));
        }
        let mut head: Head = serde_json::from_str(text(5)?).ok()?;
        head.deadline = self.deadline.map(Millis);
        let specs: Vec<&RawValue> = serde_json::from_str(text(6)?).ok()?;
        let nodes: Option<Vec<(Node, String)>> = specs
            .into_iter()
            .map(|spec| Some((serde_json::from_str(spec.get()).ok()?, spec.get().to_owned())))
            .collect();
        let row = Row {
            owner,
            client_key: key,
            title: text(3)?.to_owned(),
            epoch: 0,
            version: 1,
            phase: "forward".to_owned(),
            head_text: serde_json::to_string(&head).ok()?,
            head,
            wake_at: text(8)?.parse().ok(),
            sweeps: 0,
            idle_wakes: 0,
            created_at: text(7)?.parse().ok()?,
            updated_at: text(7)?.parse().ok()?,
            counters: Counters { commits: 1, bytes_written: text(10)?.parse().ok()?, ..Counters::default() },
            nodes: nodes?,
            facts: Vec::new(),
            id: id.clone(),
        };
        self.sagas.insert(id.clone(), row);
        Some((Some(json!({"id": id, "created": true, "same": true}).to_string()), Change::Created(id)))
    }

    fn load(&mut self, id: &str, count: bool) -> Option<String> {
        let row = self.sagas.get_mut(id)?;
        if count && row.wake_at.is_some() {
            row.idle_wakes += 1;
        }
        let row = self.sagas.get(id)?;
        let window = if matches!(row.phase.as_str(), "completed" | "made_good") {
            r#"{"nodes":[]}"#.to_owned()
        } else {
            let (unwinding, past) = (row.phase == "unwinding", row.phase != "forward");
            let reach = i64::from(row.head.cursor);
            let open: Vec<u32> = row.head.open.keys().copied().collect();
            let invocations = i64::from(row.counters.invocations);
            let width = if invocations == 0 { 8 } else { (reach / invocations + 1).clamp(2, 32) };
            let reach = if unwinding { i64::from(row.head.floor) - width } else { reach };
            self.window(row, reach, reach + width, &open, past)
        };
        let owner = Value::from(row.owner.as_str());
        Some(format!(
            r#"{{"owner" : {owner}, "version" : {}, "idle_wakes" : {}, "head" : {}, "window" : {window}}}"#,
            row.version, row.idle_wakes, row.head_text
        ))
    }

    fn window(&self, row: &Row, from: i64, to: i64, open: &[u32], past: bool) -> String {
        let within = |ix: u32| (i64::from(ix) >= from && i64::from(ix) < to) || open.contains(&ix);
        let chosen: Vec<&(Node, String)> = row.nodes.iter().filter(|(node, _)| within(node.ix)).collect();
        if chosen.is_empty() {
            return r#"{"nodes":[]}"#.to_owned();
        }
        let specs: Vec<&str> = chosen.iter().map(|(_, spec)| spec.as_str()).collect();
        let tools: BTreeSet<&str> = chosen.iter().map(|(node, _)| node.tool.as_str()).collect();
        let drifted: Vec<&str> = tools.iter().copied().filter(|tool| self.drifted.contains(*tool)).collect();
        let estimates: BTreeMap<&str, u64> =
            tools.iter().filter_map(|tool| Some((*tool, *self.learned.get(*tool)?))).collect();
        let wanted = |ix: u32| chosen.iter().any(|(node, _)| node.refs.values().any(|wanted| *wanted == ix));
        let mut outputs = String::new();
        let mut known: BTreeMap<u32, Told> = BTreeMap::new();
        for (_, record) in &row.facts {
            match &record.fact {
                Fact::Done { node, attempt, output, .. } => {
                    if wanted(*node) {
                        let comma = if outputs.is_empty() { "" } else { ", " };
                        let _ = write!(outputs, r#"{comma}"{node}" : {output}"#);
                    }
                    if past && within(*node) {
                        let told = known.entry(*node).or_default();
                        told.output.get_or_insert_with(|| output.clone());
                        told.by_hand = *attempt == 0;
                    }
                }
                Fact::Started { node, params, round, .. } if past && within(*node) => {
                    let params = params.clone().map_or(Value::Null, Value::Object);
                    let told = known.entry(*node).or_default();
                    told.params.get_or_insert(params);
                    told.round = told.round.max(*round);
                }
                Fact::Undone { node, .. } if past && within(*node) => known.entry(*node).or_default().undone = true,
                Fact::Started { .. }
                | Fact::Waiting { .. }
                | Fact::Skipped { .. }
                | Fact::Asked { .. }
                | Fact::Decided { .. }
                | Fact::Retried { .. }
                | Fact::Resolved { .. }
                | Fact::Received { .. }
                | Fact::Paused { .. }
                | Fact::Resumed { .. }
                | Fact::Refused { .. }
                | Fact::Unsettled { .. }
                | Fact::UndoStarted { .. }
                | Fact::Undone { .. }
                | Fact::Held { .. }
                | Fact::Unwinding { .. }
                | Fact::Yielded { .. }
                | Fact::Completed
                | Fact::MadeGood
                | Fact::Stuck { .. } => {}
            }
        }
        let past: BTreeMap<u32, Value> = known
            .into_iter()
            .map(|(ix, Told { params, output, round, by_hand, undone })| {
                let (started, done) = (params.is_some(), output.is_some());
                let past = json!({
                    "started": started, "params": params, "done": done, "output": output, "round": round,
                    "by_hand": by_hand, "undone": undone
                });
                (ix, past)
            })
            .collect();
        format!(
            r#"{{"nodes" : [{}], "tools" : {}, "drifted" : {}, "estimates" : {}, "outputs" : {{{outputs}}}, "past" : {}}}"#,
            specs.join(", "),
            self.definitions(tools.into_iter()),
            serde_json::to_string(&drifted).unwrap_or_default(),
            serde_json::to_string(&estimates).unwrap_or_default(),
            serde_json::to_string(&past).unwrap_or_default()
        )
    }

    fn commit(&mut self, p: &[Option<&str>]) -> Option<(Option<String>, Change)> {
        let text = |place: usize| p.get(place).copied().flatten();
        let number = |place: usize| text(place)?.parse::<u64>().ok();
        let id = text(0)?.to_owned();
        let version = u32::try_from(number(1)?).ok()?;
        let Some(row) = self.sagas.get_mut(&id).filter(|row| row.version == version) else {
            return Some((Some("0".to_owned()), Change::Outrun));
        };
        let records: Vec<Record> = serde_json::from_str(text(4)?).ok()?;
        row.version += 1;
        text(2)?.clone_into(&mut row.phase);
        text(3)?.clone_into(&mut row.head_text);
        row.head = serde_json::from_str(&row.head_text).ok()?;
        (row.wake_at, row.updated_at, row.idle_wakes) = (number(5), number(7)?, 0);
        row.counters.commits += 1;
        row.counters.invocations = u32::try_from(number(8)?).ok()?;
        row.counters.calls = number(9)?;
        row.counters.bytes_read += number(10)?;
        row.counters.bytes_written += number(11)?;
        for (place, record) in (1_u64..).zip(records) {
            row.facts.push((u64::from(row.version) * store::PLACES + place, record));
        }
        Some((Some(row.version.to_string()), Change::Committed(id)))
    }

    fn sweep(&mut self, now: u64, again: u64, limit: u32) -> String {
        let mut found = Vec::new();
        for row in self.sagas.values_mut() {
            if found.len() < limit as usize && row.wake_at.is_some_and(|at| at <= now) {
                row.sweeps += 1;
                row.idle_wakes += 1;
                row.wake_at = Some(again);
                found.push(json!({"id": row.id, "version": row.version, "sweep": row.sweeps}));
            }
        }
        Value::Array(found).to_string()
    }

    fn follow(&self, id: &str, after: u64) -> Option<String> {
        let row = self.sagas.get(id)?;
        let facts = row.facts.iter().filter(|(seq, _)| *seq > after);
        let story = Story {
            id: row.id.clone().try_into().ok()?,
            owner: row.owner.clone(),
            title: row.title.clone(),
            message: None,
            phase: row.head.phase,
            version: row.version,
            created_at: Millis(row.created_at),
            updated_at: Millis(row.updated_at),
            wake_at: row.wake_at.map(Millis),
            counters: Counters { sweeps: row.sweeps, ..row.counters },
            nodes: if after == 0 { row.nodes.iter().map(|(node, _)| node.clone()).collect() } else { Vec::new() },
            journal: facts.map(|(seq, record)| Entry { seq: *seq, record: record.clone() }).collect(),
        };
        serde_json::to_string(&story).ok()
    }
}
