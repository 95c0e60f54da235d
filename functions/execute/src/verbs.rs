//! What people do about a saga that runs, waits or is stuck. Each of these is one event for the
//! engine, which alone decides whether it has its place now; what it refuses is a `conflict`.

use makegood_edge::core::depth::{DEEPEST, too_deep};
use makegood_edge::core::error::{Code, Error};
use makegood_edge::core::id::SagaId;
use makegood_edge::core::saga::{
    Decision, Event, Fact, LARGEST_MAIL, LONGEST_NAME, Node, Plan, Verdict, adapt, object,
};
use makegood_edge::door::Principal;
use makegood_edge::gateway::store::{END, Story};
use makegood_edge::host::json;
use makegood_edge::serde::Deserialize;
use makegood_edge::serde_json::{Value, json};
use makegood_edge::start::verify;
use makegood_edge::store::Store;
use makegood_edge::{Host, Reply, Request, Settings, door, driver};

use crate::sagas::{find, unknown};

/// Notes are for people: a few sentences.
const LONGEST_NOTE: usize = 2_000;

pub fn is_one(verb: &str) -> bool {
    matches!(verb, "pause" | "resume" | "approve" | "reject" | "events" | "retry" | "resolve" | "replan")
}

#[derive(Default, Deserialize)]
#[serde(crate = "makegood_edge::serde", deny_unknown_fields)]
pub struct Nothing {}

#[derive(Deserialize)]
#[serde(crate = "makegood_edge::serde", deny_unknown_fields)]
struct Decide {
    step: String,
    /// Of the parameters that were shown, as the saga's report gives it.
    hash: Option<String>,
    #[serde(default)]
    note: String,
}

#[derive(Deserialize)]
#[serde(crate = "makegood_edge::serde", deny_unknown_fields)]
struct Bring {
    name: String,
    #[serde(default)]
    payload: Value,
}

#[derive(Default, Deserialize)]
#[serde(crate = "makegood_edge::serde", deny_unknown_fields)]
struct Again {
    step: Option<String>,
}

#[derive(Deserialize)]
#[serde(crate = "makegood_edge::serde", deny_unknown_fields)]
struct Resolve {
    step: String,
    done: bool,
    /// What the step gave, where it is done: later steps may refer to it.
    #[serde(default)]
    output: Value,
    #[serde(default)]
    note: String,
}

#[derive(Deserialize)]
#[serde(crate = "makegood_edge::serde", deny_unknown_fields)]
struct Replan {
    #[serde(deserialize_with = "object")]
    plan: Plan,
    #[serde(default)]
    note: String,
}

/// Puts what is asked to the saga, and answers with how it stands then.
pub async fn ask<H: Host>(
    request: &Request,
    host: &H,
    settings: &Settings,
    id: &str,
    verb: &str,
) -> Result<Reply, Error> {
    let principal = door::principal(host, settings, request.headers())?;
    let id = door::saga_id(id)?;
    let event = match verb {
        "replan" => replanned(request, host, settings, &principal, &id).await?,
        "approve" | "reject" => decided(request, host, settings, &principal, &id, verb == "approve").await?,
        _ => {
            // Only these two name a step of the plan.
            let after = if matches!(verb, "retry" | "resolve") { 0 } else { END };
            let story = find(host, settings, &principal, &id, after).await?;
            asked(request, &story, &principal, verb)?
        }
    };
    driver::drive_with(host, settings, &id, false, Some(event)).await?;
    let story = Store::new(host, settings).follow(&id, END).await?.ok_or_else(unknown)?;
    let status = if story.phase.at_rest() { 200 } else { 202 };
    Ok(json(status, &json!({"saga": id, "phase": story.phase, "version": story.version})))
}

fn asked(request: &Request, story: &Story, principal: &Principal, verb: &str) -> Result<Event, Error> {
    let by = principal.name.clone();
    Ok(match verb {
        "pause" => {
            let Nothing {} = body_or_none(request)?;
            Event::Pause { by }
        }
        "resume" => {
            let Nothing {} = body_or_none(request)?;
            Event::Resume { by }
        }
        "events" => {
            let Bring { name, payload } = door::body(request)?;
            if name.is_empty() || name.chars().count() > LONGEST_NAME {
                return Err(Error::new(Code::InvalidRequest, "`name` has between 1 and 200 characters."));
            }
            if payload.to_string().len() > LARGEST_MAIL {
                return Err(Error::new(Code::InvalidRequest, "`payload` has more than 16 KiB."));
            }
            Event::Received { name, payload: shallow(payload)? }
        }
        "retry" => {
            let Again { step } = body_or_none(request)?;
            let node = step.map(|step| node(story, &step).map(|node| node.ix)).transpose()?;
            Event::Retry { by, node }
        }
        _ => {
            let Resolve { step, done, output, note } = door::body(request)?;
            let verdict = if done { Verdict::Done(shallow(output)?) } else { Verdict::NotDone };
            Event::Resolve { by, node: node(story, &step)?.ix, note: short(note)?, verdict }
        }
    })
}

/// Another plan, checked against the tools as they are now, and fitted to what was done.
async fn replanned<H: Host>(
    request: &Request,
    host: &H,
    settings: &Settings,
    principal: &Principal,
    id: &SagaId,
) -> Result<Event, Error> {
    let Replan { plan, note } = door::body(request)?;
    let story = find(host, settings, principal, id, 0).await?;
    let tools = Store::new(host, settings).tools(&plan).await?;
    let nodes = verify(&plan, &tools)?;
    let plan = adapt(&story.nodes, story.journal.iter().map(|entry| &entry.record), nodes, story.version)?;
    Ok(Event::Replan { by: principal.name.clone(), note: short(note)?, plan: Box::new(plan) })
}

/// Those who may decide are named in the plan, and need not be the owner; to all others the saga is
/// as unknown as one that never was.
async fn decided<H: Host>(
    request: &Request,
    host: &H,
    settings: &Settings,
    principal: &Principal,
    id: &SagaId,
    approve: bool,
) -> Result<Event, Error> {
    let Decide { step, hash, note } = door::body(request)?;
    let story = Store::new(host, settings).follow(id, 0).await?.ok_or_else(unknown)?;
    let mine = story.owner == principal.name;
    let named = |node: &Node| node.approval.as_ref().is_some_and(|approval| approval.by.contains(&principal.name));
    if !mine && !story.nodes.iter().any(named) {
        return Err(unknown());
    }
    let node = node(&story, &step)?;
    let anyone = node.approval.as_ref().is_some_and(|approval| approval.by.is_empty());
    if !(named(node) || (mine && anyone)) {
        return Err(Error::new(Code::Forbidden, "This decision is for others to make."));
    }
    let hash = hash.map(|hash| read_hash(&hash)).transpose()?;
    let decision = Decision { by: principal.name.clone(), approve, note: short(note)?, hash };
    Ok(Event::Decided { node: node.ix, decision })
}

pub fn read_hash(text: &str) -> Result<u64, Error> {
    let whole = text.len() == 16 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let hash = u64::from_str_radix(text, 16).ok().filter(|_| whole);
    hash.ok_or_else(|| {
        Error::new(Code::InvalidRequest, "`hash` is not one: take it from the step's `approval` in the saga's report.")
    })
}

pub fn node<'a>(story: &'a Story, step: &str) -> Result<&'a Node, Error> {
    // Of several plans the newest counts, unless what is left of an older one needs a person.
    let mut named = story.nodes.iter().rev().filter(|node| node.id == step);
    let is_held = |node: &&Node| {
        let last = story.journal.iter().rev().find(|entry| entry.record.fact.node() == Some(node.ix));
        last.is_some_and(|entry| matches!(entry.record.fact, Fact::Held { .. }))
    };
    named.clone().find(is_held).or_else(|| named.next()).ok_or_else(|| {
        let step: String = step.chars().take(80).collect();
        Error::new(Code::InvalidRequest, format!("The saga has no step `{step}`."))
    })
}

fn shallow(value: Value) -> Result<Value, Error> {
    if too_deep(&value) {
        return Err(Error::new(Code::InvalidRequest, format!("The value is nested more than {DEEPEST} deep.")));
    }
    Ok(value)
}

pub fn short(note: String) -> Result<String, Error> {
    if note.chars().count() > LONGEST_NOTE {
        return Err(Error::new(Code::InvalidRequest, format!("`note` has more than {LONGEST_NOTE} characters.")));
    }
    Ok(note)
}

pub fn body_or_none<T: Default + for<'de> Deserialize<'de>>(request: &Request) -> Result<T, Error> {
    if request.body().is_empty() { Ok(T::default()) } else { door::body(request) }
}
