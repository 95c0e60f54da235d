//! A partner in memory that is honest, but for the one flaw that it is given.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::{get, post};
use axum::{Json, Router};
use makegood_conformance::{Kit, Sample};
use makegood_core::tool::Definition;
use serde_json::{Value, json};
use tokio::time::sleep;

/// What the partner gets wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flaw {
    None,
    FailsAlways,
    SchemaTooNarrow,
    OutputOfAnotherShape,
    QueryAnswersOnce,
    NoIdempotency,
    KeyMarkedWithoutResult,
    KeyMarkedForGoodWhenCutOff,
    ChecksThenActs,
    AnotherOutputOnRepeat,
    OtherParamsActAnew,
    RefusesWith500,
    RefusalsVary,
    RefusalNotStored,
    MalformedIs500,
    MissingParamsHaveDefaults,
    RefusesButActs,
    MissingKeyTaken,
    UndoOfThePivotIs500,
    UndoOfThePivotIsFeigned,
    UndoDoesNothing,
    UndoNotIdempotent,
    UndoMarkedForGoodWhenCutOff,
    UndoForgetsTheKey,
    UndoOfUnknownIsAnError,
    NoTombstone,
    NoTombstoneAfterRefusal,
    UndoNeedsTheOutput,
    UndoOverlooksARunningDo,
    StatusOfUnknownIs404,
    StatusAlwaysNone,
    StatusWithAnotherOutput,
    StatusForgetsRefusals,
    StatusForgetsUndos,
    StatusForgetsTombstones,
    StatusIsSlow,
}

/// How long acting takes: long enough to hang up in the middle of it, also on a busy machine.
const WORK: Duration = Duration::from_millis(20);

/// Generous, so that a busy machine is not mistaken for a slow partner.
const TIMEOUT_MS: u64 = 2_000;

type Answer = (StatusCode, Json<Value>);

#[derive(Clone, Debug)]
enum Entry {
    Working,
    Done { params: Value, output: Value },
    Refused,
    Undone { found: bool },
}

pub struct Partner {
    flaw: Flaw,
    class: String,
    book: Mutex<Book>,
}

#[derive(Default)]
struct Book {
    entries: BTreeMap<String, Entry>,
    answers: u64,
    refusals: u64,
    asked: BTreeMap<String, u64>,
    slow: bool,
}

/// A definition of the partner's only tool.
pub fn definition(class: &str, keyed: bool, status: bool, fence: bool) -> Value {
    let number = json!({ "type": "integer", "minimum": 1, "maximum": 20 });
    json!({
        "name": "count", "version": "1", "title": "Count", "description": "Counts something.",
        "class": class,
        "repeat": if keyed { json!({ "keyed": { "ttl_ms": 60_000 } }) } else { json!("never") },
        "status": status, "fence": fence, "timeout_ms": TIMEOUT_MS, "estimate_ms": 2,
        "input": {
            "type": "object", "properties": { "n": number }, "required": ["n"], "additionalProperties": false,
        },
        "output": {
            "type": "object", "properties": { "n": number, "id": { "type": "integer" } },
            "required": ["n", "id"], "additionalProperties": false,
        },
    })
}

/// The text of a sample file for that definition.
pub fn sample(definition: &Value) -> String {
    json!({ "tool": definition, "params": { "n": 7 }, "refused": { "n": 13 } }).to_string()
}

/// The kit over a partner in the same process.
pub fn kit(partner: &Arc<Partner>, mut definition: Value) -> Kit<Router> {
    if partner.flaw == Flaw::SchemaTooNarrow {
        definition["input"]["properties"]["n"]["maximum"] = json!(5);
    }
    let sample = Sample::read(&sample(&definition)).unwrap();
    let definition: Definition = sample.definition(&[]).unwrap();
    Kit { transport: partner.router(), base: "http://partner.test/tools".to_owned(), definition, sample }
}

impl Partner {
    pub fn new(flaw: Flaw, class: &str) -> Arc<Self> {
        Arc::new(Self { flaw, class: class.to_owned(), book: Mutex::default() })
    }

    pub fn router(self: &Arc<Self>) -> Router {
        Router::new()
            .route("/tools/count/do", post(act))
            .route("/tools/count/undo", post(undo))
            .route("/tools/count/status", get(status))
            .with_state(Arc::clone(self))
    }

    /// How many effects stand.
    pub fn standing(&self) -> usize {
        self.book().entries.values().filter(|entry| matches!(entry, Entry::Done { .. })).count()
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap()
    }

    fn is(&self, flaw: Flaw) -> bool {
        self.flaw == flaw
    }

    fn set(&self, key: &str, entry: Entry) {
        self.book().entries.insert(key.to_owned(), entry);
    }

    fn refusal(&self) -> Answer {
        if self.is(Flaw::RefusesWith500) {
            return problem(500, "internal");
        }
        let mut book = self.book();
        book.refusals += 1;
        if self.is(Flaw::RefusalsVary) && book.refusals.is_multiple_of(2) {
            return problem(409, "unwilling");
        }
        problem(409, "unlucky")
    }

    fn output(&self, params: &Value) -> Value {
        let mut book = self.book();
        book.answers += 1;
        if self.is(Flaw::OutputOfAnotherShape) {
            return json!({ "n": params["n"], "id": book.answers.to_string() });
        }
        json!({ "n": params["n"], "id": book.answers })
    }

    /// Marks the key as worked on, unless what it was used for before decides the answer.
    fn begin(&self, key: &str, params: &Value) -> Result<(), Answer> {
        let mut book = self.book();
        let prior = book.entries.get(key).cloned();
        let anew = match &prior {
            None => true,
            Some(Entry::Done { params: first, .. }) => {
                self.is(Flaw::NoIdempotency) || (self.is(Flaw::OtherParamsActAnew) && first != params)
            }
            Some(Entry::Refused) => self.is(Flaw::RefusalNotStored),
            Some(Entry::Working | Entry::Undone { .. }) => false,
        };
        if anew && !self.is(Flaw::ChecksThenActs) {
            book.entries.insert(key.to_owned(), Entry::Working);
        }
        drop(book);
        match prior {
            None => Ok(()),
            Some(_) if anew => Ok(()),
            Some(Entry::Working) => Err(problem(409, "in_progress")),
            Some(Entry::Done { .. }) if self.is(Flaw::KeyMarkedWithoutResult) => Err(problem(409, "duplicate")),
            Some(Entry::Done { params: first, .. }) if first != *params => Err(problem(422, "key_reused")),
            Some(Entry::Done { .. }) if self.is(Flaw::AnotherOutputOnRepeat) => Err(ok(self.output(params))),
            Some(Entry::Done { output, .. }) => Err(ok(output)),
            Some(Entry::Refused) => Err(self.refusal()),
            Some(Entry::Undone { .. }) => Err(problem(410, "undone")),
        }
    }

    async fn carry_out(&self, key: &str, params: Value) -> Answer {
        if let Err(answer) = self.begin(key, &params) {
            return answer;
        }
        sleep(WORK).await;
        if params["n"] == 13 {
            self.set(key, Entry::Refused);
            return self.refusal();
        }
        let output = self.output(&params);
        self.set(key, Entry::Done { params, output: output.clone() });
        ok(output)
    }

    /// Decides an undo, and notes it: whether there was something to undo, or the answer instead.
    fn take_back(&self, key: &str) -> Result<bool, Answer> {
        let mut book = self.book();
        let (found, entry) = match book.entries.get(key) {
            Some(Entry::Working) if self.is(Flaw::UndoOverlooksARunningDo) => return Ok(false),
            Some(Entry::Working) => return Err(problem(409, "in_progress")),
            Some(Entry::Undone { .. }) if self.is(Flaw::UndoNotIdempotent) => {
                return Err(problem(409, "already_undone"));
            }
            Some(Entry::Undone { found }) => return Ok(*found),
            Some(Entry::Done { .. }) if self.is(Flaw::UndoDoesNothing) => return Ok(false),
            Some(Entry::Done { .. }) if self.is(Flaw::UndoForgetsTheKey) => (true, None),
            Some(Entry::Done { .. }) if self.is(Flaw::UndoMarkedForGoodWhenCutOff) => (true, Some(Entry::Working)),
            Some(Entry::Done { .. }) => (true, Some(Entry::Undone { found: true })),
            Some(Entry::Refused) if self.is(Flaw::NoTombstoneAfterRefusal) => (false, None),
            None if self.is(Flaw::UndoOfUnknownIsAnError) => return Err(problem(404, "unknown_key")),
            None if self.is(Flaw::NoTombstone) => return Ok(false),
            Some(Entry::Refused) | None => (false, Some(Entry::Undone { found: false })),
        };
        match entry {
            Some(entry) => book.entries.insert(key.to_owned(), entry),
            None => book.entries.remove(key),
        };
        Ok(found)
    }

    fn ask(&self, key: &str, params: &Value) -> Answer {
        if params["n"] == 13 {
            return self.refusal();
        }
        let mut book = self.book();
        let asked = book.asked.entry(key.to_owned()).or_default();
        *asked += 1;
        if self.is(Flaw::QueryAnswersOnce) && *asked > 1 {
            return ok(json!({}));
        }
        drop(book);
        ok(self.output(params))
    }
}

async fn act(State(partner): State<Arc<Partner>>, headers: HeaderMap, body: Bytes) -> Answer {
    if partner.is(Flaw::FailsAlways) {
        return problem(503, "down");
    }
    let key = match key(&headers) {
        Some(key) => key,
        None if partner.is(Flaw::MissingKeyTaken) || partner.class == "query" => String::new(),
        None => return problem(400, "missing_key"),
    };
    let Ok(Value::Object(fields)) = serde_json::from_slice(&body) else {
        return if partner.is(Flaw::MalformedIs500) { problem(500, "internal") } else { problem(400, "invalid_json") };
    };
    let mut params = Value::Object(fields);
    if params.get("n").is_none() {
        if partner.is(Flaw::RefusesButActs) {
            drop(partner.carry_out(&key, json!({ "n": 1 })).await);
        }
        if !partner.is(Flaw::MissingParamsHaveDefaults) {
            return problem(422, "invalid_params");
        }
        params = json!({ "n": 1 });
    }
    if partner.class == "query" {
        return partner.ask(&key, &params);
    }
    if partner.is(Flaw::KeyMarkedForGoodWhenCutOff) {
        return partner.carry_out(&key, params).await;
    }
    // In a task of its own, so that a caller who hangs up does not stop it halfway.
    tokio::spawn(async move { partner.carry_out(&key, params).await }).await.unwrap()
}

async fn undo(State(partner): State<Arc<Partner>>, headers: HeaderMap, Json(body): Json<Value>) -> Answer {
    if partner.class != "compensatable" {
        if partner.is(Flaw::UndoOfThePivotIs500) {
            return problem(500, "internal");
        }
        if partner.is(Flaw::UndoOfThePivotIsFeigned) {
            return ok(json!({ "undone": true }));
        }
        return problem(405, "not_undoable");
    }
    let Some(key) = key(&headers) else { return problem(400, "missing_key") };
    if partner.is(Flaw::UndoNeedsTheOutput) && body["output"].is_null() {
        return problem(422, "invalid_params");
    }
    let found = match partner.take_back(&key) {
        Ok(found) => found,
        Err(answer) => return answer,
    };
    if found && partner.is(Flaw::UndoMarkedForGoodWhenCutOff) {
        sleep(WORK).await;
        partner.set(&key, Entry::Undone { found });
    }
    ok(json!({ "undone": found }))
}

async fn status(State(partner): State<Arc<Partner>>, headers: HeaderMap) -> Answer {
    let Some(key) = key(&headers) else { return problem(400, "missing_key") };
    if partner.is(Flaw::StatusIsSlow) && !std::mem::replace(&mut partner.book().slow, true) {
        sleep(Duration::from_millis(TIMEOUT_MS + 500)).await;
    }
    let prior = partner.book().entries.get(&key).cloned();
    let none = json!({ "state": "none" });
    ok(match prior {
        _ if partner.is(Flaw::StatusAlwaysNone) => none,
        None if partner.is(Flaw::StatusOfUnknownIs404) => return problem(404, "unknown_key"),
        None => none,
        Some(Entry::Working) => json!({ "state": "in_progress" }),
        Some(Entry::Done { .. }) if partner.is(Flaw::StatusWithAnotherOutput) => {
            json!({ "state": "done", "output": { "n": 7 } })
        }
        Some(Entry::Done { output, .. }) => json!({ "state": "done", "output": output }),
        Some(Entry::Refused) if partner.is(Flaw::StatusForgetsRefusals) => none,
        Some(Entry::Refused) => json!({ "state": "refused", "code": "unlucky", "detail": "Not that number." }),
        Some(Entry::Undone { found: true }) if partner.is(Flaw::StatusForgetsUndos) => {
            json!({ "state": "done", "output": { "n": 7, "id": 1 } })
        }
        Some(Entry::Undone { found: false }) if partner.is(Flaw::StatusForgetsTombstones) => none,
        Some(Entry::Undone { .. }) => json!({ "state": "undone" }),
    })
}

fn key(headers: &HeaderMap) -> Option<String> {
    headers.get("idempotency-key")?.to_str().ok().map(str::to_owned)
}

fn ok(body: Value) -> Answer {
    (StatusCode::OK, Json(body))
}

fn problem(status: u16, code: &str) -> Answer {
    (StatusCode::from_u16(status).unwrap(), Json(json!({ "code": code, "detail": "As it is." })))
}
