//! What an answer to a message looks like, for the OpenAPI document. The answer itself is put together in `answer` and
//! in [`crate::reading`], where its fields depend on each other; a test holds real ones against these types.

#![expect(dead_code, reason = "these types say what answers look like, and are never made")]

use makegood_core::error::Code;
use makegood_core::id::{ConversationId, SagaId};
use makegood_core::intent::{Band, Intent, Missing};
use makegood_core::proposal::Provenance;
use makegood_core::saga::{Phase, Plan, Standing};
use makegood_core::tool::Class;
use schemars::JsonSchema;
use serde_json::{Map, Value, json};

use super::answer::Turn;
use super::state::Act;
use crate::describe::Operation;

/// How a message was read.
#[derive(JsonSchema)]
#[schemars(rename = "Reading")]
struct Read {
    kind: Kind,
    /// Of a plan, for people.
    #[schemars(skip_serializing_if = "Option::is_none")]
    summary: Option<String>,
    #[schemars(skip_serializing_if = "Option::is_none")]
    intents: Option<Vec<Intent>>,
    #[schemars(skip_serializing_if = "Option::is_none")]
    plan: Option<Plan>,
    /// What each step would do.
    #[schemars(skip_serializing_if = "Option::is_none")]
    steps: Option<Vec<PreviewStep>>,
    /// What its tools say that it costs, in cents of the demo currency.
    #[schemars(skip_serializing_if = "Option::is_none")]
    cost_minor: Option<i64>,
    /// Where something is missing: what is asked for.
    #[schemars(skip_serializing_if = "Option::is_none")]
    question: Option<String>,
    #[schemars(skip_serializing_if = "Option::is_none")]
    details: Option<Details>,
    /// Where nothing is to be done: why.
    #[schemars(skip_serializing_if = "Option::is_none")]
    message: Option<String>,
    /// Where a model was asked: why, which, and what it took.
    #[schemars(skip_serializing_if = "Option::is_none")]
    how: Option<Provenance>,
}

#[derive(JsonSchema)]
#[schemars(rename_all = "snake_case", rename = "ReadingKind")]
enum Kind {
    Plan,
    Question,
    Unclear,
    Refused,
}

/// What a question is about, for programs.
#[derive(JsonSchema)]
struct Details {
    missing: Vec<Missing>,
    intents: Vec<Intent>,
}

/// A step that would be taken.
#[derive(JsonSchema)]
struct PreviewStep {
    id: String,
    tool: String,
    title: Option<String>,
    class: Class,
    /// How bad it is if this step was a mistake.
    risk: Risk,
    cost_minor: Option<i64>,
    params: Map<String, Value>,
    after: Vec<String>,
}

#[derive(JsonSchema)]
#[schemars(rename_all = "snake_case")]
enum Risk {
    None,
    Low,
    High,
}

/// What a message came to. Where nothing was started, the fields of `reading` stand here as well.
#[derive(JsonSchema)]
pub struct Answer {
    turn: Turn,
    band: Band,
    /// For people, in their language.
    say: String,
    /// Send it with the next message to go on.
    #[schemars(skip_serializing_if = "Option::is_none")]
    conversation: Option<ConversationId>,
    #[schemars(skip_serializing_if = "Option::is_none")]
    reading: Option<Read>,
    /// The saga that was started, or that the message was about.
    #[schemars(skip_serializing_if = "Option::is_none")]
    saga: Option<SagaId>,
    #[schemars(skip_serializing_if = "Option::is_none")]
    status_url: Option<String>,
    /// False where this message, known by its `key`, had started it before.
    #[schemars(skip_serializing_if = "Option::is_none")]
    created: Option<bool>,
    #[schemars(skip_serializing_if = "Option::is_none")]
    confirm: Option<Confirm>,
    #[schemars(skip_serializing_if = "Option::is_none")]
    became: Option<Act>,
    #[schemars(skip_serializing_if = "Option::is_none")]
    plan: Option<Plan>,
    #[schemars(skip_serializing_if = "Option::is_none")]
    question: Option<String>,
    #[schemars(skip_serializing_if = "Option::is_none")]
    missing: Option<Vec<Missing>>,
    #[schemars(skip_serializing_if = "Option::is_none")]
    kind: Option<Kind>,
    #[schemars(skip_serializing_if = "Option::is_none")]
    summary: Option<String>,
    #[schemars(skip_serializing_if = "Option::is_none")]
    intents: Option<Vec<Intent>>,
    #[schemars(skip_serializing_if = "Option::is_none")]
    steps: Option<Vec<PreviewStep>>,
    #[schemars(skip_serializing_if = "Option::is_none")]
    cost_minor: Option<i64>,
    #[schemars(skip_serializing_if = "Option::is_none")]
    details: Option<Details>,
    #[schemars(skip_serializing_if = "Option::is_none")]
    message: Option<String>,
    #[schemars(skip_serializing_if = "Option::is_none")]
    how: Option<Provenance>,
}

/// A model made the plan: nothing has an effect before its sender agrees to this step.
#[derive(JsonSchema)]
struct Confirm {
    step: String,
    /// Post here to agree,
    approve: String,
    /// or here to refuse.
    reject: String,
}

/// What a progress stream says, each as the `data` of a server-sent event whose name is that of the field.
#[derive(JsonSchema)]
pub struct Progress {
    /// What the message came to, where it started nothing.
    #[schemars(skip_serializing_if = "Option::is_none")]
    answer: Option<Answer>,
    #[schemars(skip_serializing_if = "Option::is_none")]
    saga: Option<ProgressSaga>,
    #[schemars(skip_serializing_if = "Option::is_none")]
    step: Option<ProgressStep>,
    #[schemars(skip_serializing_if = "Option::is_none")]
    end: Option<ProgressEnd>,
    #[schemars(skip_serializing_if = "Option::is_none")]
    pause: Option<ProgressPause>,
}

/// Said once, before its steps.
#[derive(JsonSchema)]
struct ProgressSaga {
    saga: SagaId,
    title: String,
    status_url: String,
    steps: Vec<NamedStep>,
    #[schemars(skip_serializing_if = "Option::is_none")]
    conversation: Option<ConversationId>,
}

#[derive(JsonSchema)]
struct NamedStep {
    id: String,
    tool: String,
    class: Class,
}

/// Said at every change of a step.
#[derive(JsonSchema)]
struct ProgressStep {
    step: String,
    tool: String,
    standing: Standing,
    output: Value,
    code: Option<String>,
    detail: Option<String>,
}

/// The saga rests.
#[derive(JsonSchema)]
struct ProgressEnd {
    saga: SagaId,
    phase: Phase,
    cause: Option<String>,
    undone: Vec<String>,
    left: Vec<makegood_core::saga::Left>,
    counters: makegood_gateway::store::Counters,
}

/// The time of this answer is up; the saga goes on.
#[derive(JsonSchema)]
struct ProgressPause {
    saga: SagaId,
    /// Where to look from here on.
    resume: String,
    why: String,
}

/// Why a plan may be refused.
pub const PLANS: [Code; 7] = [
    Code::InvalidPlan,
    Code::InvalidParameters,
    Code::UnknownTool,
    Code::PlanTooLarge,
    Code::OverBudget,
    Code::KeyReused,
    Code::Conflict,
];

/// What all who read messages take and refuse.
#[must_use]
pub fn takes_a_message(operation: Operation) -> Operation {
    let dinner = "Book a table for 4 at Luigi's tomorrow at 7pm, get us a ride there, and text Sam the details";
    operation
        .takes::<crate::reading::Said>(vec![
            ("dinner", json!({"message": dinner, "time_zone": "Europe/Berlin"})),
            ("question", json!({"message": "Book a table at Luigi's", "locale": "en"})),
            ("budget", json!({"message": "Text Sam \"hello\"", "key": "hello-1", "budget": {"calls": 10}})),
        ])
        .refuses(&[Code::NotFound])
        .refuses(&PLANS)
}
