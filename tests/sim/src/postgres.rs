//! Postgres, as far as the journal needs it: the functions of the migrations, statement by
//! statement, behind the real SQL-over-HTTP messages.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use makegood_core::saga::{Fact, Head, Node, Record, tools_of};
use makegood_core::time::Millis;
use makegood_core::tool::{Definition, Terms};
use makegood_gateway::quoting::{escape, unquote};
use makegood_gateway::store::{self, Counters, Story};
use makegood_gateway::{Request, Response, turns};
use makegood_gateway::{alerts, audit, conversations, deliveries};
use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use crate::alerts::Needs;
use crate::answer;
use crate::scenario::Scenario;
use crate::turns::{Asked, Turns};

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
    /// With their texts, escaped as they are sent.
    pub nodes: Vec<(Node, Vec<u8>)>,
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
    /// The registered tools, escaped as they are sent.
    tools: BTreeMap<String, Tool>,
    /// Tools of which a newer version is registered.
    pub drifted: BTreeSet<String>,
    /// What `learn` has found out.
    learned: BTreeMap<String, u64>,
    /// Every saga gets this deadline when it is created.
    pub deadline: Option<u64>,
    turns: Turns,
    needs: Needs,
    /// Its clock.
    pub now: u64,
}

struct Tool {
    definition: Vec<u8>,
    /// The definition without what an invocation needs none of.
    terms: Vec<u8>,
}

impl Tool {
    fn of(tool: &Definition) -> Self {
        let terms = Terms::from(tool.clone());
        Self {
            definition: escaped(&serde_json::to_string(tool).unwrap_or_default()),
            terms: escaped(&serde_json::to_string(&terms).unwrap_or_default()),
        }
    }
}

/// What the journal tells of a node's beginning and end.
#[derive(Default, Serialize)]
struct Told<'a> {
    by_hand: bool,
    done: bool,
    output: Option<&'a Value>,
    params: Option<&'a Map<String, Value>>,
    round: u32,
    started: bool,
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
    Outrun(String),
    /// A step has asked for its turn.
    Turn(Asked),
    /// Steps of this saga have left their places in line.
    Left(String, Vec<u32>),
}

/// The message that brings a text as a string in JSON, made of pieces of which some were escaped before; its
/// end is missing.
struct Scalar(Vec<u8>);

/// What stands before the text.
const BEFORE: &[u8] = br#"{"command":"SELECT","fields":[],"rowCount":1,"rows":[[""#;

impl Scalar {
    fn new() -> Self {
        let mut message = Vec::with_capacity(256);
        message.extend_from_slice(BEFORE);
        Self(message)
    }

    fn of(text: &str) -> Self {
        Self::new().and(text)
    }

    fn add(&mut self, text: &str) {
        escape(text, &mut self.0);
    }

    fn add_escaped(&mut self, text: &[u8]) {
        self.0.extend_from_slice(text);
    }

    fn and(mut self, text: &str) -> Self {
        self.add(text);
        self
    }

    /// Pieces with a comma between each two.
    fn add_list<'a>(&mut self, pieces: impl Iterator<Item = &'a Vec<u8>>) {
        for (place, piece) in pieces.enumerate() {
            if place > 0 {
                self.add(", ");
            }
            self.add_escaped(piece);
        }
    }

    /// The whole message.
    fn answer(scalar: Option<Self>) -> Response {
        let Some(Self(mut message)) = scalar else {
            return Response::new(Bytes::from_static(
                br#"{"command":"SELECT","fields":[],"rowCount":1,"rows":[[null]]}"#,
            ));
        };
        message.extend_from_slice(br#""]]}"#);
        Response::new(Bytes::from(message))
    }
}

fn escaped(text: &str) -> Vec<u8> {
    let mut pieces = Vec::with_capacity(text.len() + text.len() / 4);
    escape(text, &mut pieces);
    pieces
}

/// A statement and its parameters, out of the message that brings them.
fn read(body: &[u8]) -> Option<(String, Vec<Option<String>>)> {
    let (sql, rest) = unquote(body.strip_prefix(br#"{"query":""#)?)?;
    let mut rest = rest.strip_prefix(br#","params":["#)?;
    let mut params = Vec::with_capacity(12);
    while !rest.starts_with(b"]}") {
        rest = rest.strip_prefix(b",").unwrap_or(rest);
        let param = if let Some(text) = rest.strip_prefix(b"\"") {
            let (text, after) = unquote(text)?;
            rest = after;
            Some(text)
        } else {
            rest = rest.strip_prefix(b"null")?;
            None
        };
        params.push(param);
    }
    Some((sql, params))
}

/// Nodes, each with the text that is sent of it.
fn read_nodes(text: &str) -> Option<Vec<(Node, Vec<u8>)>> {
    let specs: Vec<&RawValue> = serde_json::from_str(text).ok()?;
    specs.into_iter().map(|spec| Some((serde_json::from_str(spec.get()).ok()?, escaped(spec.get())))).collect()
}

impl Postgres {
    /// The database of a world, before anything happens in it.
    pub fn new(scenario: &Scenario) -> Self {
        let plans = [&scenario.plan].into_iter().chain(scenario.replan.as_ref().map(|(_, plan)| plan));
        let plans = plans.chain(scenario.rivals.iter().map(|rival| &rival.plan));
        let names: Vec<String> = plans.flat_map(tools_of).collect();
        let called = |name: &String| names.contains(name);
        let tools = scenario.tools.iter().filter(|(name, _)| called(name));
        Self {
            tools: tools.map(|(name, tool)| (name.clone(), Tool::of(tool))).collect(),
            learned: scenario.learned.clone(),
            deadline: scenario.deadline,
            ..Self::default()
        }
    }

    /// Adds an object of these tools, with what is wanted of each.
    fn add_tools<'a>(&self, names: impl Iterator<Item = &'a str>, wanted: fn(&Tool) -> &[u8], to: &mut Scalar) {
        let known = names.filter_map(|name| Some((name, self.tools.get(name)?)));
        to.add("{");
        for (place, (name, tool)) in known.enumerate() {
            to.add(if place > 0 { ", \"" } else { "\"" });
            to.add(name);
            to.add("\" : ");
            to.add_escaped(wanted(tool));
        }
        to.add("}");
    }

    /// Serves one request.
    pub fn serve(&mut self, request: &Request) -> (Response, Change) {
        let Some((sql, params)) = read(request.body()) else {
            return (answer(400, &json!({"message": "no query", "code": "42601"})), Change::None);
        };
        let params: Vec<Option<&str>> = params.iter().map(Option::as_deref).collect();
        match self.run(&sql, &params) {
            Some((scalar, change)) => (Scalar::answer(scalar), change),
            None => (
                answer(400, &json!({"message": format!("cannot run {sql} {params:?}"), "code": "42601"})),
                Change::None,
            ),
        }
    }

    fn run(&mut self, sql: &str, p: &[Option<&str>]) -> Option<(Option<Scalar>, Change)> {
        let text = |place: usize| p.get(place).copied().flatten();
        let number = |place: usize| text(place)?.parse::<u64>().ok();
        let small = |place: usize| text(place)?.parse::<u32>().ok();
        Some(match sql {
            store::CREATE => self.create(p)?,
            store::LOAD => (self.load(text(0)?, text(1)? == "true"), Change::Loaded),
            store::OF_KEY => (self.of_key(text(0)?, text(1)?), Change::None),
            store::BURY => self.bury(p)?,
            store::PAGE => {
                let row = self.sagas.get(text(0)?)?;
                let (from, to) = (i64::from(small(1)?), i64::from(small(2)?));
                let mut window = Scalar::new();
                self.add_window(row, from, to, &[], text(3)? == "true", &mut window);
                (Some(window), Change::Paged)
            }
            store::COMMIT | store::COMMIT_PLAN => self.commit(p)?,
            // Where it was asked from comes last, and is for the audit log, of which there is none here.
            store::COMMIT_FROM | store::COMMIT_PLAN_FROM => self.commit(p.split_last()?.1)?,
            store::SWEEP => (Some(self.sweep(number(0)?, number(1)?, small(2)?)), Change::None),
            alerts::DUE => (Some(Scalar::of(&self.needs.due(&self.sagas, p)?.to_string())), Change::None),
            alerts::SAID => (Some(Scalar::of(&self.needs.said(p)?.to_string())), Change::None),
            // No stranger brings anything here, and nobody talks.
            deliveries::SWEEP | conversations::SWEEP => (Some(Scalar::of("[]")), Change::None),
            audit::NOTE => (Some(Scalar::of("true")), Change::None),
            // What it would learn is part of the scenario.
            store::LEARN => (Some(Scalar::of("0")), Change::None),
            turns::TAKE => {
                let (came, asked) = self.turns.take(p, self.now)?;
                (Some(Scalar::of(&came.to_string())), asked.map_or(Change::None, Change::Turn))
            }
            turns::LEAVE => self.leave_turns(p)?,
            store::FOLLOW => (self.follow(text(0)?, number(1)?), Change::None),
            store::TOOLS => {
                let names: Vec<&str> = serde_json::from_str(text(0)?).ok()?;
                let mut definitions = Scalar::new();
                self.add_tools(names.into_iter(), |tool| &tool.definition, &mut definitions);
                (Some(definitions), Change::None)
            }
            _ => return None,
        })
    }

    fn leave_turns(&mut self, p: &[Option<&str>]) -> Option<(Option<Scalar>, Change)> {
        let (come, places) = self.turns.leave(p, self.now)?;
        let told = |(saga, node): (String, u64)| {
            let row = self.sagas.get(&saga).filter(|row| row.wake_at.is_some())?;
            Some(json!({"saga": saga, "node": node, "version": row.version}))
        };
        let told: Vec<Value> = come.into_iter().filter_map(told).collect();
        let change = Change::Left(p.first().copied().flatten()?.to_owned(), places);
        Some((Some(Scalar::of(&Value::from(told).to_string())), change))
    }

    fn create(&mut self, p: &[Option<&str>]) -> Option<(Option<Scalar>, Change)> {
        let text = |place: usize| p.get(place).copied().flatten();
        let (id, owner, key) = (text(0)?.to_owned(), text(1)?.to_owned(), text(2).map(str::to_owned));
        let known = self
            .sagas
            .values()
            .find(|row| row.id == id || (key.is_some() && row.owner == owner && row.client_key == key));
        if let Some(known) = known {
            let told = json!({"id": known.id, "created": false, "same": true});
            return Some((Some(Scalar::of(&told.to_string())), Change::None));
        }
        let mut head: Head = serde_json::from_str(text(5)?).ok()?;
        if head.parent.is_none() && self.sagas.is_empty() {
            head.deadline = self.deadline.map(Millis);
        }
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
            nodes: read_nodes(text(6)?)?,
            facts: Vec::new(),
            id: id.clone(),
        };
        self.sagas.insert(id.clone(), row);
        let told = json!({"id": id, "created": true, "same": true});
        Some((Some(Scalar::of(&told.to_string())), Change::Created(id)))
    }

    fn of_key(&self, owner: &str, key: &str) -> Option<Scalar> {
        let mut rows = self.sagas.values();
        let row = rows.find(|row| row.owner == owner && row.client_key.as_deref() == Some(key))?;
        Some(Scalar::of(&json!(row.id).to_string()))
    }

    fn bury(&mut self, p: &[Option<&str>]) -> Option<(Option<Scalar>, Change)> {
        let text = |place: usize| p.get(place).copied().flatten();
        let (id, owner, key) = (text(0)?, text(1)?, text(2)?);
        let known = self.sagas.values().find(|row| row.owner == owner && row.client_key.as_deref() == Some(key));
        if let Some(known) = known {
            let told = json!({"id": known.id, "created": false, "same": true});
            return Some((Some(Scalar::of(&told.to_string())), Change::None));
        }
        let head: Head = serde_json::from_str(text(5)?).ok()?;
        let row = Row {
            id: id.to_owned(),
            owner: owner.to_owned(),
            client_key: Some(key.to_owned()),
            title: text(3)?.to_owned(),
            epoch: 0,
            version: 1,
            phase: "made_good".to_owned(),
            head_text: text(5)?.to_owned(),
            head,
            wake_at: None,
            sweeps: 0,
            idle_wakes: 0,
            created_at: text(6)?.parse().ok()?,
            updated_at: text(6)?.parse().ok()?,
            counters: Counters { commits: 1, ..Counters::default() },
            nodes: Vec::new(),
            facts: Vec::new(),
        };
        self.sagas.insert(id.to_owned(), row);
        let told = json!({"id": id, "created": true, "same": true});
        Some((Some(Scalar::of(&told.to_string())), Change::Created(id.to_owned())))
    }

    fn load(&mut self, id: &str, count: bool) -> Option<Scalar> {
        let row = self.sagas.get_mut(id)?;
        if count && row.wake_at.is_some() {
            row.idle_wakes += 1;
        }
        let row = self.sagas.get(id)?;
        let owner = Value::from(row.owner.as_str());
        let mut loaded = Scalar::of(&format!(
            r#"{{"owner" : {owner}, "version" : {}, "idle_wakes" : {}, "head" : "#,
            row.version, row.idle_wakes
        ));
        loaded.add(&row.head_text);
        loaded.add(r#", "window" : "#);
        if matches!(row.phase.as_str(), "completed" | "made_good") {
            loaded.add(r#"{"nodes":[]}"#);
        } else {
            let (unwinding, past) = (row.phase == "unwinding", row.phase != "forward" || row.head.epoch > 0);
            let reach = i64::from(row.head.cursor);
            let open: Vec<u32> = row.head.open.keys().copied().collect();
            let invocations = i64::from(row.counters.invocations);
            let width = if invocations == 0 { 8 } else { (reach / invocations + 1).clamp(2, 32) };
            let reach = if unwinding { i64::from(row.head.floor) - width } else { reach };
            self.add_window(row, reach, reach + width, &open, past, &mut loaded);
        }
        Some(loaded.and("}"))
    }

    fn add_window(&self, row: &Row, from: i64, to: i64, open: &[u32], past: bool, window: &mut Scalar) {
        let within = |ix: u32| (i64::from(ix) >= from && i64::from(ix) < to) || open.contains(&ix);
        let chosen: Vec<&(Node, Vec<u8>)> = row.nodes.iter().filter(|(node, _)| within(node.ix)).collect();
        if chosen.is_empty() {
            return window.add(r#"{"nodes":[]}"#);
        }
        let tools: BTreeSet<&str> = chosen.iter().map(|(node, _)| node.tool.as_str()).collect();
        let drifted: Vec<&str> = tools.iter().copied().filter(|tool| self.drifted.contains(*tool)).collect();
        let estimates: BTreeMap<&str, u64> =
            tools.iter().filter_map(|tool| Some((*tool, *self.learned.get(*tool)?))).collect();
        let wanted = |ix: u32| chosen.iter().any(|(node, _)| node.refs.values().any(|wanted| *wanted == ix));
        let mut outputs: Vec<(u32, &Value)> = Vec::new();
        let mut known: BTreeMap<u32, Told> = BTreeMap::new();
        for (_, record) in &row.facts {
            match &record.fact {
                Fact::Done { node, attempt, output, .. } => {
                    if wanted(*node) {
                        outputs.push((*node, output));
                    }
                    if past && within(*node) {
                        let told = known.entry(*node).or_default();
                        if !told.done {
                            (told.done, told.output) = (true, Some(output));
                        }
                        told.by_hand = *attempt == 0;
                    }
                }
                Fact::Started { node, params, round, .. } if past && within(*node) => {
                    let told = known.entry(*node).or_default();
                    if !told.started {
                        (told.started, told.params) = (true, params.as_ref());
                    }
                    told.round = told.round.max(*round);
                }
                Fact::Undone { node, .. } if past && within(*node) => known.entry(*node).or_default().undone = true,
                Fact::Started { .. }
                | Fact::Waiting { .. }
                | Fact::Queued { .. }
                | Fact::Shut { .. }
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
                | Fact::Replanned { .. }
                | Fact::Yielded { .. }
                | Fact::Completed
                | Fact::MadeGood
                | Fact::Stuck { .. } => {}
            }
        }
        window.add(r#"{"nodes" : ["#);
        window.add_list(chosen.iter().map(|(_, spec)| spec));
        window.add(r#"], "tools" : "#);
        self.add_tools(tools.into_iter(), |tool| &tool.terms, window);
        window.add(r#", "drifted" : "#);
        window.add(&serde_json::to_string(&drifted).unwrap_or_default());
        window.add(r#", "estimates" : "#);
        window.add(&serde_json::to_string(&estimates).unwrap_or_default());
        window.add(r#", "outputs" : {"#);
        for (place, (node, output)) in outputs.into_iter().enumerate() {
            let comma = if place > 0 { ", " } else { "" };
            window.add(&format!(r#"{comma}"{node}" : {output}"#));
        }
        window.add(r#"}, "past" : "#);
        window.add(&serde_json::to_string(&known).unwrap_or_default());
        window.add("}");
    }

    fn commit(&mut self, p: &[Option<&str>]) -> Option<(Option<Scalar>, Change)> {
        let text = |place: usize| p.get(place).copied().flatten();
        let number = |place: usize| text(place)?.parse::<u64>().ok();
        let id = text(0)?.to_owned();
        let version = u32::try_from(number(1)?).ok()?;
        let Some(row) = self.sagas.get_mut(&id).filter(|row| row.version == version) else {
            return Some((Some(Scalar::of("0")), Change::Outrun(text(0)?.to_owned())));
        };
        let records: Vec<Record> = serde_json::from_str(text(4)?).ok()?;
        if let Some(nodes) = text(12) {
            row.nodes.extend(read_nodes(nodes)?);
        }
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
        Some((Some(Scalar::of(&row.version.to_string())), Change::Committed(id)))
    }

    fn sweep(&mut self, now: u64, again: u64, limit: u32) -> Scalar {
        let mut found = Vec::new();
        for row in self.sagas.values_mut() {
            if found.len() < limit as usize && row.wake_at.is_some_and(|at| at <= now) {
                row.sweeps += 1;
                row.idle_wakes += 1;
                row.wake_at = Some(again);
                found.push(json!({"id": row.id, "version": row.version, "sweep": row.sweeps}));
            }
        }
        // No world has schedules.
        Scalar::of(&json!({"sagas": found, "schedules": []}).to_string())
    }

    fn follow(&self, id: &str, after: u64) -> Option<Scalar> {
        let row = self.sagas.get(id)?;
        let facts = row.facts.iter().filter(|(seq, _)| *seq > after);
        let story = Story {
            id: row.id.clone().try_into().ok()?,
            owner: row.owner.clone(),
            title: row.title.clone(),
            message: None,
            reading: None,
            phase: row.head.phase,
            version: row.version,
            priority: row.head.priority,
            created_at: Millis(row.created_at),
            updated_at: Millis(row.updated_at),
            wake_at: row.wake_at.map(Millis),
            counters: Counters { sweeps: row.sweeps, ..row.counters },
            traceparent: row.head.trace.clone(),
            nodes: Vec::new(),
            journal: Vec::new(),
        };
        let story = serde_json::to_string(&story).ok()?;
        let mut told = Scalar::of(story.strip_suffix(r#""nodes":[],"journal":[]}"#)?);
        told.add(r#""nodes":["#);
        if after == 0 {
            told.add_list(row.nodes.iter().map(|(_, spec)| spec));
        }
        told.add(r#"],"journal":["#);
        for (place, (seq, record)) in facts.enumerate() {
            let record = serde_json::to_string(record).ok()?;
            let comma = if place > 0 { "," } else { "" };
            told.add(&format!(r#"{comma}{{"seq":{seq},"record":{record}}}"#));
        }
        Some(told.and("]}"))
    }
}
