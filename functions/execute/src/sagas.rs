//! What users ask: start this plan, how does that saga stand, undo it.

use makegood_edge::core::error::{Code, Error};
use makegood_edge::core::guard::{Role, Scope};
use makegood_edge::core::id::SagaId;
use makegood_edge::core::saga::{Budget, Event, Node, Phase, Plan, Priority, object, report};
use makegood_edge::core::time::Millis;
use makegood_edge::door::Principal;
use makegood_edge::gateway::store::{END, Story};
use makegood_edge::host::json;
use makegood_edge::limits::{Class, admit, origin};
use makegood_edge::serde::{Deserialize, Deserializer};
use makegood_edge::serde_json::json;
use makegood_edge::start::{Start, caller, start as start_saga};
use makegood_edge::store::Store;
use makegood_edge::{Host, Reply, Request, Settings, door, driver};

#[derive(Deserialize)]
#[cfg_attr(
    not(target_arch = "wasm32"),
    derive(makegood_edge::schemars::JsonSchema),
    schemars(crate = "makegood_edge::schemars", rename = "NewSaga")
)]
#[serde(crate = "makegood_edge::serde", deny_unknown_fields)]
pub struct Body {
    #[serde(deserialize_with = "object")]
    plan: Plan,
    /// The client's key: a repeat answers with the first saga.
    #[cfg_attr(not(target_arch = "wasm32"), schemars(length(min = 1, max = 200)))]
    key: Option<String>,
    /// So long after its start it is made good, if it is not past the point of no return.
    deadline_ms: Option<Millis>,
    #[serde(default, deserialize_with = "some_object")]
    #[cfg_attr(not(target_arch = "wasm32"), schemars(with = "Budget"))]
    budget: Option<Budget>,
    #[serde(default)]
    priority: Priority,
}

pub fn some_object<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Budget>, D::Error> {
    object(deserializer).map(Some)
}

/// Starts a given plan.
pub async fn start<H: Host>(request: &Request, host: &H, settings: &Settings) -> Result<Reply, Error> {
    let principal = admit(request, host, settings, &[Class::Execute], Scope::Start).await?;
    let Body { plan, key, deadline_ms: deadline, budget, priority } = door::body(request)?;
    if key.as_ref().is_some_and(|key| key.is_empty() || key.chars().count() > 200) {
        return Err(Error::new(Code::InvalidRequest, "`key` has between 1 and 200 characters."));
    }
    let tools = Store::new(host, settings).tools(&plan).await?;
    let (client_key, trace) = (key.as_deref(), caller(request));
    let wanted = Start { plan: &plan, message: None, client_key, deadline, budget, priority, reading: None, trace };
    let created = start_saga(host, settings, &principal, &tools, &wanted).await?;
    let status = format!("{}/api/execute/{}", settings.public_url, created.id);
    Ok(json(202, &json!({"saga": created.id, "created": created.created, "status_url": status})))
}

/// Another's saga is as unknown as one that never was, but for an operator. `after`: as for [`Store::follow`].
pub async fn find<H: Host>(
    host: &H,
    settings: &Settings,
    principal: &Principal,
    id: &SagaId,
    after: u64,
) -> Result<Story, Error> {
    let story = Store::new(host, settings).follow(id, after).await?;
    story.filter(|story| principal.reaches(&story.owner)).ok_or_else(unknown)
}

/// Whether somebody may decide about a step that asks for more than its saga's owner.
pub fn is_asked(principal: &Principal, story: &Story, node: &Node) -> bool {
    let approver = is_second(principal, story);
    node.approval.as_ref().is_some_and(|approval| approval.asks(&principal.name, approver))
}

/// Whether somebody decides as an approver: never about a saga of their own, or the second person would be the first.
pub fn is_second(principal: &Principal, story: &Story) -> bool {
    principal.role >= Role::Approver && principal.name != story.owner
}

pub fn unknown() -> Error {
    Error::new(Code::NotFound, "You have no such saga.")
}

/// How a saga stands, step by step.
pub async fn show<H: Host>(request: &Request, host: &H, settings: &Settings, id: &str) -> Result<Reply, Error> {
    let principal = admit(request, host, settings, &[Class::Api], Scope::Read).await?;
    let story = Store::new(host, settings).follow(&door::saga_id(id)?, 0).await?;
    // Who is to decide about a step may see what it is about.
    let asked = |story: &Story| story.nodes.iter().any(|node| is_asked(&principal, story, node));
    let story = story.filter(|story| principal.reaches(&story.owner) || asked(story)).ok_or_else(unknown)?;
    let report = report(&story.nodes, story.phase, story.journal.iter().map(|entry| &entry.record));
    // The user's own words, or for which step of which saga it runs.
    let said = story.message.as_ref().filter(|_| principal.reaches(&story.owner));
    let mut body = json!({
        "saga": story.id, "phase": story.phase, "title": story.title, "version": story.version,
        "created_at": story.created_at, "updated_at": story.updated_at,
        "wake_at": story.wake_at, "message": said,
        "cause": report.cause, "back": report.back, "paused": report.paused, "replanned": report.replanned, "undone": report.undone, "left": report.left, "steps": report.steps, "counters": story.counters,
    });
    if !story.priority.is_normal() {
        body["priority"] = json!(story.priority);
    }
    Ok(json(200, &body))
}

/// Asks for a saga to be made good; of a stuck one too, before its point of no return. Past the point of no return it is carried out all the same, and
/// the answer's phase says so.
pub async fn cancel<H: Host>(request: &Request, host: &H, settings: &Settings, id: &str) -> Result<Reply, Error> {
    let principal = admit(request, host, settings, &[Class::Execute], Scope::Operate).await?;
    let id = door::saga_id(id)?;
    let answer = |status, phase| Ok(json(status, &json!({"saga": id, "phase": phase})));
    let story = find(host, settings, &principal, &id, END).await?;
    if matches!(story.phase, Phase::Completed | Phase::MadeGood) {
        // Asked again, or too late: the phase says which.
        return answer(200, story.phase);
    }
    let asked = Event::Cancel { by: principal.name.clone() };
    let ended = driver::drive_for(host, settings, &id, asked, &origin(request, settings)).await;
    let story = find(host, settings, &principal, &id, END).await?;
    match ended {
        _ if story.phase.at_rest() => answer(200, story.phase),
        Ok(_) => answer(202, story.phase),
        Err(error) => Err(error),
    }
}
