//! Sagas: started, looked at, and what is done about them.

#![expect(dead_code, reason = "these types say what answers look like, and are never made")]

use makegood_edge::conversation::described::PLANS;
use makegood_edge::core::error::Code;
use makegood_edge::core::id::SagaId;
use makegood_edge::core::saga::{Left, Phase, Priority, Remark, StepReport};
use makegood_edge::core::time::Millis;
use makegood_edge::describe::{Operation as Says, Parameter, Place, Tag, event, saga};
use makegood_edge::gateway::store::Counters;
use makegood_edge::schemars::JsonSchema;
use makegood_edge::serde_json::{Map, Value, json};

use crate::sagas::Body;
use crate::verbs::{Again, Bring, Nothing, Replan, Resolve};

/// A saga that was started, or that had been by the same `key`.
#[derive(JsonSchema)]
#[schemars(crate = "makegood_edge::schemars")]
struct Started {
    saga: SagaId,
    /// False where this `key` had started it before.
    created: bool,
    /// Where to look how it stands.
    status_url: String,
}

/// How a saga stands, in a word.
#[derive(JsonSchema)]
#[schemars(crate = "makegood_edge::schemars")]
struct Stands {
    saga: SagaId,
    phase: Phase,
}

/// How a saga stands after what was asked of it.
#[derive(JsonSchema)]
#[schemars(crate = "makegood_edge::schemars")]
pub(super) struct Heard {
    saga: SagaId,
    phase: Phase,
    /// Grows with every commit.
    version: u32,
}

/// How a saga stands, step by step.
#[derive(JsonSchema)]
#[schemars(crate = "makegood_edge::schemars", rename = "SagaStatus")]
struct Status {
    saga: SagaId,
    phase: Phase,
    title: String,
    version: u32,
    created_at: Millis,
    updated_at: Millis,
    /// When it is woken next, where it waits.
    wake_at: Option<Millis>,
    /// The message that it was made of, for its owner.
    message: Option<String>,
    /// Why it turned round, in a sentence.
    cause: Option<String>,
    /// It has turned round: it is being undone, or was when it came to rest. One that is stuck may have got so either way.
    back: bool,
    /// Why it does not go on at present, in a sentence.
    paused: Option<String>,
    /// The plans that took the place of the first, in their order.
    replanned: Vec<Remark>,
    /// Steps in the order in which they were undone.
    undone: Vec<String>,
    /// Of a stuck saga: what a person has to look after.
    left: Vec<Left>,
    steps: Vec<StepReport>,
    counters: Counters,
    /// Where it is not `normal`.
    #[schemars(skip_serializing_if = "Option::is_none")]
    priority: Option<Priority>,
}

/// A plan of the demo town, with a step that can be undone and one that people agree to.
pub(super) fn dinner() -> Value {
    json!({"summary": "Dinner at Luigi's", "steps": [
        {"id": "table", "tool": "book_restaurant_table", "params":
            {"restaurant": "Luigi's", "date": "2031-05-01", "time": "19:00", "party_size": 4, "name": "Ann"}},
        {"id": "text", "tool": "send_message", "after": ["table"], "approval": {"question": "Shall Sam be told?"},
            "params": {"to": "Sam", "text": "Dinner at Luigi's"}}]})
}

fn small() -> Value {
    json!({"summary": "One step", "steps": [{"id": "a", "tool": "bench_effect", "params": {"n": 1}}]})
}

pub(super) fn start() -> Says {
    Says::new("start", Tag::Sagas, "Starts a plan of yours as a durable saga")
        .means("From this answer on it is carried out to its end, or made good. docs/PLANS.md says what plans can have.")
        .takes::<Body>(vec![
            ("dinner", json!({"plan": dinner()})),
            ("guarded", json!({"plan": small(), "key": "order-17", "deadline_ms": 60_000, "budget": {"calls": 5}})),
            (
                "gates",
                json!({"priority": "low", "plan": {"summary": "Waits, lists, alternatives", "steps": [
                    {"id": "pause", "wait": {"for_ms": 10}},
                    {"id": "many", "tool": "bench_effect", "after": ["pause"], "params": {"n": "$item"}, "each": {"in": [1, 2]}},
                    {"id": "either", "tool": "bench_effect", "params": {"n": 1}, "or": [{"params": {"n": 2}}],
                     "when": {"left": 1, "is": "<", "right": 2}}]}}),
            ),
        ])
        .refuses(&PLANS)
        .answers::<Started>(202, "It is committed.")
        .leads_to("show", "saga", "/saga")
        .leads_to("getStory", "saga", "/saga")
        .leads_to("cancel", "saga", "/saga")
        .leads_to("pause", "saga", "/saga")
        .leads_to("resume", "saga", "/saga")
        .leads_to("approve", "saga", "/saga")
        .leads_to("reject", "saga", "/saga")
        .leads_to("makeLink", "saga", "/saga")
        .leads_to("retry", "saga", "/saga")
        .leads_to("replan", "saga", "/saga")
}

fn one(id: &'static str, tag: Tag, summary: &'static str) -> Says {
    Says::new(id, tag, summary).parameter(saga()).refuses(&[Code::InvalidId, Code::NotFound])
}

/// What people do about a saga: answered with how it stands then, or with what has its place now.
pub(super) fn verb(id: &'static str, tag: Tag, summary: &'static str) -> Says {
    one(id, tag, summary)
        .refuses(&[Code::Conflict])
        .answers::<Heard>(200, "It was heard, and the saga rests.")
        .answers::<Heard>(202, "It was heard, and the saga goes on.")
}

pub(super) fn show() -> Says {
    one("show", Tag::Sagas, "How a saga stands, step by step")
        .means("For its owner, and for whoever is asked to decide about one of its steps.")
        .answers::<Status>(200, "How it stands.")
}

pub(super) fn cancel() -> Says {
    one("cancel", Tag::Sagas, "Asks for a saga to be made good")
        .means(
            "What was done is undone. Past the point of no return it is carried out all the same: the phase says so.",
        )
        .refuses(&[Code::Conflict])
        .answers::<Stands>(200, "It rests.")
        .answers::<Stands>(202, "It is being undone, or carried out to its end.")
}

pub(super) fn pause() -> Says {
    verb("pause", Tag::Sagas, "Starts nothing new").may_take::<Nothing>(vec![("nothing", json!({}))])
}

pub(super) fn resume() -> Says {
    verb("resume", Tag::Sagas, "Goes on").may_take::<Nothing>(vec![("nothing", json!({}))])
}

/// One event of a saga: CloudEvents 1.0.2, in JSON. docs/EVENTS.md has the catalogue.
#[derive(JsonSchema)]
#[schemars(crate = "makegood_edge::schemars")]
struct CloudEvent {
    /// `1.0`.
    specversion: String,
    /// The event's number in its saga, as text: the `id` in the stream.
    id: String,
    /// The saga's address.
    source: String,
    /// What it is, with its version: `makegood.step.done.v1`.
    r#type: String,
    /// Which step it is about, where it is about one.
    #[schemars(skip_serializing_if = "Option::is_none")]
    subject: Option<String>,
    /// RFC 3339.
    time: String,
    datacontenttype: String,
    /// The number again, with zeros before it: texts in this order are events in theirs.
    sequence: String,
    /// What the journal says of it.
    data: Map<String, Value>,
}

pub(super) fn follow() -> Says {
    one("followEvents", Tag::Sagas, "What happens to a saga, as it is committed: a stream of events")
        .means(
            "Server-sent events; the data of each is a CloudEvent, its `id` the event's number. It ends when the saga \
             rests, or before the invocation's time is up: come again with `Last-Event-ID`, and you are told what followed.",
        )
        .parameter(Parameter {
            name: "last-event-id",
            place: Place::Header,
            required: false,
            meaning: "The `id` of the last event that you have. Browsers send it by themselves.",
            schema: json!({"type": "string", "pattern": "^[0-9]{1,18}$"}),
            example: json!("1000001"),
        })
        .refuses(&[Code::InvalidRequest])
        .answers_as(200, "The stream.", vec![("text/event-stream", event::<CloudEvent>())])
        .answers_as(204, "The saga rests, and you have all of it.", vec![])
}

pub(super) fn bring() -> Says {
    verb("bring", Tag::Sagas, "Brings an event to the step that waits for it")
        .takes::<Bring>(vec![("paid", json!({"name": "paid", "payload": {"amount": 20}}))])
}

pub(super) fn retry() -> Says {
    verb("retry", Tag::Sagas, "Takes a step that needs a person up again, or all of them")
        .may_take::<Again>(vec![("one", json!({"step": "table"})), ("all", json!({}))])
}

pub(super) fn resolve() -> Says {
    verb("resolve", Tag::Sagas, "Takes your word about a step that needs a person")
        .takes::<Resolve>(vec![("done", json!({"step": "table", "done": true, "output": {}, "note": "I rang them."}))])
}

pub(super) fn replan() -> Says {
    verb("replan", Tag::Sagas, "Goes on with another plan")
        .means("What is done and still wanted is kept; what is not wanted any more is undone.")
        .takes::<Replan>(vec![("small", json!({"plan": small(), "note": "One less", "replaces": 0}))])
        .refuses(&PLANS)
}
