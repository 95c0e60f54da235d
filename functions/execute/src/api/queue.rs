//! What the queue calls. Whoever is not the queue is refused before anything else.

#![expect(dead_code, reason = "these types say what answers look like, and are never made")]

use makegood_edge::conversation::saga::Word;
use makegood_edge::core::error::Code;
use makegood_edge::core::id::{ConversationId, SagaId};
use makegood_edge::describe::{Operation as Says, Tag, Who};
use makegood_edge::gateway::deliveries::Due;
use makegood_edge::queue::Message as Wake;
use makegood_edge::schedules::Message as Firing;
use makegood_edge::schemars::JsonSchema;
use makegood_edge::serde_json::json;

/// How an invocation ended.
#[derive(JsonSchema)]
#[schemars(crate = "makegood_edge::schemars")]
struct Invocation {
    saga: SagaId,
    ended: Ending,
}

#[derive(JsonSchema)]
#[schemars(crate = "makegood_edge::schemars", rename_all = "snake_case")]
enum Ending {
    /// The saga is at rest.
    Rest,
    /// Work is left, and a wake is on its way.
    Yield,
    /// It came too soon, and another wake is on its way.
    Early,
    /// There is no such saga.
    Unknown,
}

#[derive(JsonSchema)]
#[schemars(crate = "makegood_edge::schemars")]
struct Swept {
    /// So many sagas were woken.
    woken: u32,
}

/// What came of a firing: a saga, or why there is none.
#[derive(JsonSchema)]
#[schemars(crate = "makegood_edge::schemars", rename = "FiringAnswer")]
struct Answer {
    saga: Option<SagaId>,
    #[schemars(skip_serializing_if = "Option::is_none")]
    created: Option<bool>,
    #[schemars(skip_serializing_if = "Option::is_none")]
    why: Option<String>,
}

#[derive(JsonSchema)]
#[schemars(crate = "makegood_edge::schemars", rename = "WishHeard")]
struct Heard {
    conversation: ConversationId,
}

/// Whose delivery it was.
#[derive(JsonSchema)]
#[schemars(crate = "makegood_edge::schemars", rename = "DeliveryDone")]
struct Done {
    source: String,
}

fn new(id: &'static str, summary: &'static str) -> Says {
    Says::new(id, Tag::Queue, summary).by(Who::Queue)
}

pub(super) fn step() -> Says {
    new("step", "Carries a saga on for one invocation")
        .takes::<Wake>(vec![("wake", json!({"saga": "sg_01k0000000000000000000zzzz", "version": 1}))])
        .refuses(&[Code::Conflict])
        .answers::<Invocation>(200, "What was learned is committed.")
}

pub(super) fn sweep() -> Says {
    new("sweep", "Wakes the sagas that nobody woke").answers::<Swept>(200, "They are woken.")
}

pub(super) fn scheduled() -> Says {
    new("scheduled", "Starts the saga of a schedule's firing")
        .takes::<Firing>(vec![("firing", json!({"schedule": "sc_01k0000000000000000000zzzz"}))])
        .refuses(&[Code::Conflict])
        .answers::<Answer>(200, "It is started, or nothing can come of it.")
}

pub(super) fn wish() -> Says {
    new("wish", "Does what a message wishes of a saga")
        .takes::<Word>(vec![(
            "word",
            json!({"conversation": "cv_01k0000000000000000000zzzz", "owner": "ann", "at": 1_777_636_800_000_u64}),
        )])
        .refuses(&[Code::Conflict, Code::NotFound])
        .answers::<Heard>(200, "What became of it is written.")
}

pub(super) fn delivery() -> Says {
    new("delivery", "Does what a delivery of a stranger asks for")
        .takes::<Due>(vec![("delivery", json!({"source": "stripe-main", "key": "evt_1"}))])
        .refuses(&[Code::Conflict])
        .answers::<Done>(200, "What came of it is written.")
}
