//! What people do about a saga that runs, waits or is stuck. Each of these is one event for the
//! engine, which alone decides whether it has its place now; what it refuses is a `conflict`.

use makegood_edge::core::depth::{DEEPEST, too_deep};
use makegood_edge::core::error::{Code, Error};
use makegood_edge::core::guard::Scope;
use makegood_edge::core::id::SagaId;
use makegood_edge::core::saga::{
    Decision, Event, Fact, LARGEST_MAIL, LONGEST_NAME, Node, Origin, Plan, Verdict, adapt, object,
};
use makegood_edge::door::Principal;
use makegood_edge::gateway::audit::Note;
use makegood_edge::gateway::store::{END, Story, fingerprint};
use makegood_edge::host::{Level, json};
use makegood_edge::limits::{Class, admit, origin};
use makegood_edge::serde::Deserialize;
use makegood_edge::serde_json::{Value, json};
use makegood_edge::start::verify;
use makegood_edge::store::Store;
use makegood_edge::{Host, Reply, Request, Settings, door, driver};

use crate::sagas::{find, is_asked, is_second, unknown};

/// Notes are for people: a few sentences.
const LONGEST_NOTE: usize = 2_000;

#[derive(Default, Deserialize)]
#[cfg_attr(
    not(target_arch = "wasm32"),
    derive(makegood_edge::schemars::JsonSchema),
    schemars(crate = "makegood_edge::schemars")
)]
#[serde(crate = "makegood_edge::serde", deny_unknown_fields)]
pub struct Nothing {}

#[derive(Deserialize)]
#[cfg_attr(
    not(target_arch = "wasm32"),
    derive(makegood_edge::schemars::JsonSchema),
    schemars(crate = "makegood_edge::schemars", rename = "Decision")
)]
#[serde(crate = "makegood_edge::serde", deny_unknown_fields)]
pub struct Decide {
    step: String,
    /// Of the parameters that were shown, as the saga's report gives it.
    hash: Option<String>,
    #[serde(default)]
    note: String,
}

#[derive(Deserialize)]
#[cfg_attr(
    not(target_arch = "wasm32"),
    derive(makegood_edge::schemars::JsonSchema),
    schemars(crate = "makegood_edge::schemars", rename = "Event")
)]
#[serde(crate = "makegood_edge::serde", deny_unknown_fields)]
pub struct Bring {
    /// Yours, for a repeat after an answer that was lost: under one key an event is taken once.
    #[cfg_attr(not(target_arch = "wasm32"), schemars(length(min = 1, max = 200)))]
    key: Option<String>,
    name: String,
    #[serde(default)]
    payload: Value,
}

#[derive(Default, Deserialize)]
#[cfg_attr(
    not(target_arch = "wasm32"),
    derive(makegood_edge::schemars::JsonSchema),
    schemars(crate = "makegood_edge::schemars", rename = "Retrying")
)]
#[serde(crate = "makegood_edge::serde", deny_unknown_fields)]
pub struct Again {
    step: Option<String>,
}

#[derive(Deserialize)]
#[cfg_attr(
    not(target_arch = "wasm32"),
    derive(makegood_edge::schemars::JsonSchema),
    schemars(crate = "makegood_edge::schemars", rename = "Resolution")
)]
#[serde(crate = "makegood_edge::serde", deny_unknown_fields)]
pub struct Resolve {
    step: String,
    done: bool,
    /// What the step gave, where it is done: later steps may refer to it.
    #[serde(default)]
    output: Value,
    #[serde(default)]
    note: String,
}

#[derive(Deserialize)]
#[cfg_attr(
    not(target_arch = "wasm32"),
    derive(makegood_edge::schemars::JsonSchema),
    schemars(crate = "makegood_edge::schemars", rename = "Replanning")
)]
#[serde(crate = "makegood_edge::serde", deny_unknown_fields)]
pub struct Replan {
    #[serde(deserialize_with = "object")]
    plan: Plan,
    #[serde(default)]
    note: String,
    /// Which plan of the saga's it takes the place of, as whoever asks has seen it: so many stand in `replanned`. Where
    /// there is another meanwhile, nothing comes of it. Without it, it takes the place of whichever there is.
    #[serde(default)]
    replaces: Option<u32>,
}

/// Puts what is asked to the saga, and answers with how it stands then.
pub async fn ask<H: Host>(
    request: &Request,
    host: &H,
    settings: &Settings,
    id: &str,
    verb: &str,
) -> Result<Reply, Error> {
    let scope = if matches!(verb, "approve" | "reject") { Scope::Approve } else { Scope::Operate };
    let principal = admit(request, host, settings, &[Class::Execute], scope).await?;
    let id = door::saga_id(id)?;
    let origin = origin(request, settings);
    let done = put(request, host, settings, &principal, &id, verb, &origin).await;
    if let Err(error) = &done {
        let verb = format!("saga.{verb}");
        let deed = Deed { who: &principal.name, verb: &verb, saga: &id, origin: &origin, how: "" };
        refused(host, settings, deed, error).await;
    }
    done
}

async fn put<H: Host>(
    request: &Request,
    host: &H,
    settings: &Settings,
    principal: &Principal,
    id: &SagaId,
    verb: &str,
    origin: &str,
) -> Result<Reply, Error> {
    let event = match verb {
        "replan" => replanned(request, host, settings, principal, id).await?,
        "approve" | "reject" => decided(request, host, settings, principal, id, verb == "approve").await?,
        _ => {
            // Only these two name a step of the plan.
            let after = if matches!(verb, "retry" | "resolve") { 0 } else { END };
            let story = find(host, settings, principal, id, after).await?;
            asked(request, &story, principal, verb)?
        }
    };
    driver::drive_for(host, settings, id, event, origin).await?;
    let story = Store::new(host, settings).follow(id, END).await?.ok_or_else(unknown)?;
    let status = if story.phase.at_rest() { 200 } else { 202 };
    Ok(json(status, &json!({"saga": id, "phase": story.phase, "version": story.version})))
}

/// What somebody asked of a saga, in the words of the audit log.
#[derive(Clone, Copy)]
pub struct Deed<'a> {
    pub who: &'a str,
    pub verb: &'a str,
    pub saga: &'a SagaId,
    /// The address that it was asked from.
    pub origin: &'a str,
    /// What is added to what came of it: nothing, or how it was asked.
    pub how: &'a str,
}

/// Has the audit log know of what somebody was not let do. What was done is noted by the commit that does it.
pub async fn refused<H: Host>(host: &H, settings: &Settings, deed: Deed<'_>, error: &Error) {
    // What is no request, or about nothing, is nobody's deed.
    if !matches!(error.code(), Code::Forbidden | Code::Conflict) {
        return;
    }
    let Deed { who, verb, saga, origin, how } = deed;
    let (target, outcome) = (saga.to_string(), format!("refused: {}{how}", error.code().as_str()));
    let note = Note { who, verb, target: &target, origin, outcome: &outcome };
    if let Err(error) = Store::new(host, settings).note_audit(note).await {
        host.log(Level::Warn, &format!("the audit log lacks that {verb} of {saga} was refused: {error}"));
    }
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
            let Bring { key, name, payload } = door::body(request)?;
            if name.is_empty() || name.chars().count() > LONGEST_NAME {
                return Err(Error::new(Code::InvalidRequest, "`name` has between 1 and 200 characters."));
            }
            if payload.to_string().len() > LARGEST_MAIL {
                return Err(Error::new(Code::InvalidRequest, "`payload` has more than 16 KiB."));
            }
            if key.as_ref().is_some_and(|key| key.is_empty() || key.chars().count() > LONGEST_NAME) {
                return Err(Error::new(Code::InvalidRequest, "`key` has between 1 and 200 characters."));
            }
            let from = key.map(|key| Origin { by: None, mark: mark_of(&key, &name, &payload) });
            Event::Received { name, payload: shallow(payload)?, from }
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

/// What an event is known by when it comes again under its key.
fn mark_of(key: &str, name: &str, payload: &Value) -> String {
    format!("{:.16}#{:.16}", fingerprint(key), fingerprint(&json!([name, payload]).to_string()))
}

/// Another plan, checked against the tools as they are now, and fitted to what was done.
async fn replanned<H: Host>(
    request: &Request,
    host: &H,
    settings: &Settings,
    principal: &Principal,
    id: &SagaId,
) -> Result<Event, Error> {
    let Replan { plan, note, replaces } = door::body(request)?;
    let story = find(host, settings, principal, id, 0).await?;
    let had = story.journal.iter().filter(|entry| matches!(entry.record.fact, Fact::Replanned { .. })).count();
    if replaces.is_some_and(|replaces| usize::try_from(replaces) != Ok(had)) {
        return Err(Error::new(Code::Conflict, "It has another plan by now. Look at that, and ask again."));
    }
    let tools = Store::new(host, settings).tools(&plan).await?;
    let nodes = verify(&plan, &tools)?;
    let plan = adapt(&story.nodes, story.journal.iter().map(|entry| &entry.record), nodes, story.version)?;
    Ok(Event::Replan { by: principal.name.clone(), note: short(note)?, plan: Box::new(plan) })
}

/// Those who may decide are named in the plan, by name or by their role, and need not be the owner; to all others the
/// saga is as unknown as one that never was. An operator sees it, and is none of those who decide for that.
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
    let named = |node: &Node| is_asked(principal, &story, node);
    if !principal.reaches(&story.owner) && !story.nodes.iter().any(named) {
        return Err(unknown());
    }
    let node = node(&story, &step)?;
    let anyone = node.approval.as_ref().is_some_and(|approval| approval.by.is_empty());
    if !(named(node) || (mine && anyone)) {
        return Err(Error::new(Code::Forbidden, "This decision is for others to make."));
    }
    let hash = hash.map(|hash| read_hash(&hash)).transpose()?;
    let decision = Decision {
        by: principal.name.clone(),
        approve,
        note: short(note)?,
        hash,
        approver: is_second(principal, &story),
    };
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
