//! What users ask: start this plan, how does that saga stand, undo it.

use makegood_edge::core::error::{Code, Error};
use makegood_edge::core::id::SagaId;
use makegood_edge::core::saga::{Event, Plan, object, report};
use makegood_edge::door::Principal;
use makegood_edge::gateway::store::Story;
use makegood_edge::host::json;
use makegood_edge::serde::Deserialize;
use makegood_edge::serde_json::json;
use makegood_edge::start::{Start, start as start_saga};
use makegood_edge::store::Store;
use makegood_edge::{Host, Reply, Request, Settings, door, driver};

#[derive(Deserialize)]
#[serde(crate = "makegood_edge::serde", deny_unknown_fields)]
struct Body {
    #[serde(deserialize_with = "object")]
    plan: Plan,
    /// The client's key: a repeat answers with the first saga.
    key: Option<String>,
}

/// Starts a given plan.
pub async fn start<H: Host>(request: &Request, host: &H, settings: &Settings) -> Result<Reply, Error> {
    let principal = door::principal(host, settings, request.headers())?;
    let Body { plan, key } = door::body(request)?;
    if key.as_ref().is_some_and(|key| key.is_empty() || key.chars().count() > 200) {
        return Err(Error::new(Code::InvalidRequest, "`key` has between 1 and 200 characters."));
    }
    let tools = Store::new(host, settings).tools(&plan).await?;
    let wanted = Start { plan: &plan, message: None, client_key: key.as_deref() };
    let created = start_saga(host, settings, &principal, &tools, &wanted).await?;
    let status = format!("{}/api/execute/{}", settings.public_url, created.id);
    Ok(json(202, &json!({"saga": created.id, "created": created.created, "status_url": status})))
}

/// Another's saga is as unknown as one that never was.
async fn find<H: Host>(host: &H, settings: &Settings, principal: &Principal, id: &SagaId) -> Result<Story, Error> {
    let story = Store::new(host, settings).follow(id, 0).await?;
    story
        .filter(|story| story.owner == principal.name)
        .ok_or_else(|| Error::new(Code::NotFound, "You have no such saga."))
}

/// How a saga stands, step by step.
pub async fn show<H: Host>(request: &Request, host: &H, settings: &Settings, id: &str) -> Result<Reply, Error> {
    let principal = door::principal(host, settings, request.headers())?;
    let story = find(host, settings, &principal, &door::saga_id(id)?).await?;
    let report = report(&story.nodes, story.phase, story.journal.iter().map(|entry| &entry.record));
    let body = json!({
        "saga": story.id, "phase": story.phase, "title": story.title, "version": story.version,
        "created_at": story.created_at, "updated_at": story.updated_at,
        "cause": report.cause, "undone": report.undone, "left": report.left, "steps": report.steps, "counters": story.counters,
    });
    Ok(json(200, &body))
}

/// Asks for a saga to be made good. Past the point of no return it is carried out all the same, and
/// the answer's phase says so.
pub async fn cancel<H: Host>(request: &Request, host: &H, settings: &Settings, id: &str) -> Result<Reply, Error> {
    let principal = door::principal(host, settings, request.headers())?;
    let id = door::saga_id(id)?;
    let answer = |status, phase| Ok(json(status, &json!({"saga": id, "phase": phase})));
    let story = find(host, settings, &principal, &id).await?;
    if story.phase.at_rest() {
        // Asked again, or too late: the phase says which.
        return answer(200, story.phase);
    }
    let asked = Event::Cancel { by: principal.name.clone() };
    let ended = driver::drive_with(host, settings, &id, false, Some(asked)).await;
    let story = find(host, settings, &principal, &id).await?;
    match ended {
        _ if story.phase.at_rest() => answer(200, story.phase),
        Ok(_) => answer(202, story.phase),
        Err(error) => Err(error),
    }
}
