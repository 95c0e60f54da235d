//! Links: somebody who is not signed in decides about one step, with a token that was made for that. It is
//! told once, stands for one person and one set of parameters, and decides once.
//!
//! Tokens travel in bodies only: what stands in an address ends up in logs.

use makegood_edge::core::error::{Code, Error};
use makegood_edge::core::guard::Scope;
use makegood_edge::core::guard::role::RESERVED;
use makegood_edge::core::saga::{Ask, Decision, Event, LONGEST_NAME, LONGEST_WAIT, Node, Standing, StepReport, report};
use makegood_edge::core::time::Millis;
use makegood_edge::door::Principal;
use makegood_edge::gateway::links::{self, Link, NewLink};
use makegood_edge::gateway::store::Story;
use makegood_edge::host::json;
use makegood_edge::http::HeaderValue;
use makegood_edge::http::header::CACHE_CONTROL;
use makegood_edge::limits::{Class, admit, by_address, origin};
use makegood_edge::links::{by_link, heard};
use makegood_edge::serde::Deserialize;
use makegood_edge::serde_json::json;
use makegood_edge::store::Store;
use makegood_edge::{Host, Reply, Request, Settings, door, driver};

use crate::sagas::{is_asked, unknown};
use crate::verbs::{Deed, node, read_hash, refused, short};

/// A link is good for so long if nothing is said, and no longer than its step waits.
const A_WEEK: Millis = Millis(7 * 24 * 60 * 60 * 1000);
/// Of one saga.
const MOST: u32 = 100;

#[derive(Deserialize)]
#[cfg_attr(
    not(target_arch = "wasm32"),
    derive(makegood_edge::schemars::JsonSchema),
    schemars(crate = "makegood_edge::schemars", rename = "NewLink")
)]
#[serde(crate = "makegood_edge::serde", deny_unknown_fields)]
pub struct Make {
    step: String,
    #[serde(rename = "for")]
    stands_for: String,
    expires_ms: Option<Millis>,
}

#[derive(Deserialize)]
#[cfg_attr(
    not(target_arch = "wasm32"),
    derive(makegood_edge::schemars::JsonSchema),
    schemars(crate = "makegood_edge::schemars")
)]
#[serde(crate = "makegood_edge::serde", deny_unknown_fields)]
pub struct Token {
    token: String,
}

#[derive(Deserialize)]
#[cfg_attr(
    not(target_arch = "wasm32"),
    derive(makegood_edge::schemars::JsonSchema),
    schemars(crate = "makegood_edge::schemars", rename = "DecisionByLink")
)]
#[serde(crate = "makegood_edge::serde", deny_unknown_fields)]
pub struct Decide {
    token: String,
    approve: bool,
    #[serde(default)]
    note: String,
}

/// Makes a link for a step that waits for people.
pub async fn make<H: Host>(request: &Request, host: &H, settings: &Settings, id: &str) -> Result<Reply, Error> {
    let principal = admit(request, host, settings, &[Class::Execute], Scope::Approve).await?;
    let id = door::saga_id(id)?;
    let Make { step, stands_for, expires_ms } = door::body(request)?;
    let store = Store::new(host, settings);
    let story = store.follow(&id, 0).await?.ok_or_else(unknown)?;
    if !principal.reaches(&story.owner) && !story.nodes.iter().any(|node| is_asked(&principal, &story, node)) {
        return Err(unknown());
    }
    let node = node(&story, &step)?;
    let origin = origin(request, settings);
    if let Err(error) = may_make(&store, &story, node, &principal, &stands_for).await {
        let deed = Deed { who: &principal.name, verb: "link.make", saga: &id, origin: &origin, how: "" };
        refused(host, settings, deed, &error).await;
        return Err(error);
    }
    if expires_ms.is_some_and(|span| span.0 == 0 || span > LONGEST_WAIT) {
        return Err(Error::new(Code::InvalidRequest, "`expires_ms` is between 1 ms and 400 days."));
    }
    let now = host.now();
    let (_, ask) = waiting(&story, node.ix).filter(|(_, ask)| ask.until > now).ok_or_else(|| {
        Error::new(Code::Conflict, "The step does not wait for a decision now. A link can be made while it does.")
    })?;
    let expires_at = ask.until.min(now + expires_ms.unwrap_or(A_WEEK));
    let token = links::token([host.random(), host.random()]);
    let new = NewLink {
        token: &token,
        saga: &id,
        node: node.ix,
        params: &ask.hash,
        stands_for: &stands_for,
        made_by: &principal.name,
        expires_at,
        most: MOST,
        origin: &origin,
    };
    if !store.create_link(&new).await? {
        return Err(Error::new(Code::Conflict, format!("The saga has {MOST} links, and there can be no more.")));
    }
    // Behind the `#`, which no browser sends: no log has it.
    let page = format!("{}/approve#{token}", settings.public_url);
    let body = json!({"token": token, "page": page, "step": step, "for": stands_for, "expires_at": expires_at});
    Ok(private(json(201, &body)))
}

/// Whose voice somebody may hand out: their own where they are asked, and their saga's where the plan asks
/// somebody. Not that of others whom the tool demands: its rule is not the owner's to get round, and those
/// who are asked must not speak for each other, or two who must agree could be one.
async fn may_make<H: Host>(
    store: &Store<'_, H>,
    story: &Story,
    node: &Node,
    principal: &Principal,
    stands_for: &str,
) -> Result<(), Error> {
    let Some(approval) = &node.approval else {
        return Err(Error::new(Code::Conflict, "The step needs no approval, so there is nothing to decide."));
    };
    if stands_for.is_empty() || stands_for.chars().count() > LONGEST_NAME {
        return Err(Error::new(Code::InvalidRequest, "`for` is a name of between 1 and 200 characters."));
    }
    if stands_for.starts_with(RESERVED) {
        return Err(Error::new(Code::InvalidRequest, "`for` is a person's name: a link stands for no role."));
    }
    if !approval.by.is_empty() && !approval.by.iter().any(|name| name == stands_for) {
        let message = "`for` names nobody who is asked about this step. Take one of its approval's `by`.";
        return Err(Error::new(Code::InvalidRequest, message));
    }
    let own_voice = approval.by.contains(&principal.name) && stands_for == principal.name;
    let own_plan = story.owner == principal.name && (approval.by.is_empty() || !store.demands(&node.tool).await?);
    if own_voice || own_plan {
        return Ok(());
    }
    Err(Error::new(Code::Forbidden, "You cannot make this link. Whoever it is to stand for can."))
}

/// What a link is about, for whoever holds it.
pub async fn look<H: Host>(request: &Request, host: &H, settings: &Settings) -> Result<Reply, Error> {
    by_address(request, host, settings, Class::Execute).await?;
    let Token { token } = door::body(request)?;
    let store = Store::new(host, settings);
    let link = store.find_link(&token).await?.ok_or_else(spent)?;
    let story = store.follow(&link.saga, 0).await?.ok_or_else(spent)?;
    let Some((step, ask)) = waiting(&story, link.node).filter(|(_, ask)| ask.hash == link.params) else {
        return Err(Error::new(
            Code::Conflict,
            "This has been decided, or has changed. There is nothing to decide now.",
        ));
    };
    let body = json!({
        "title": story.title, "step": step.id, "tool": step.tool, "params": step.params, "question": ask.question,
        "for": link.stands_for, "made_by": link.made_by, "expires_at": link.expires_at,
    });
    Ok(private(json(200, &body)))
}

/// Decides. The link is used up first, by a statement that lets one decision through; then the saga hears of
/// it. Who does not get the answer says the same again, and gets it.
pub async fn decide<H: Host>(request: &Request, host: &H, settings: &Settings) -> Result<Reply, Error> {
    by_address(request, host, settings, Class::Execute).await?;
    let Decide { token, approve, note } = door::body(request)?;
    let origin = origin(request, settings);
    let Heard { step, link, .. } = carry(host, settings, &origin, &token, approve, note).await?;
    let body = json!({"step": step, "approve": approve, "for": link.stands_for});
    Ok(private(json(200, &body)))
}

/// A decision that the saga has heard.
pub struct Heard {
    pub step: String,
    pub link: Link,
    /// How the saga stood when that was seen.
    pub story: Story,
}

/// Uses a link, and has its saga hear of that. `origin`: the address that it is asked from.
pub async fn carry<H: Host>(
    host: &H,
    settings: &Settings,
    origin: &str,
    token: &str,
    approve: bool,
    note: String,
) -> Result<Heard, Error> {
    let note = short(note)?;
    let store = Store::new(host, settings);
    let link = store.use_link(token, approve, &note).await?.ok_or_else(spent)?;
    let decision = decision(&link, token, approve, link.note.clone().unwrap_or(note))?;
    let told = async || -> Result<Option<(String, Story)>, Error> {
        let story = store.follow(&link.saga, 0).await?.ok_or_else(spent)?;
        let heard = heard(&link, token, approve, &story).is_some();
        let node = story.nodes.iter().find(|node| heard && node.ix == link.node);
        let step = node.map(|node| node.id.clone());
        Ok(step.map(|step| (step, story)))
    };
    let (step, story) = match told().await? {
        Some(told) => told,
        None => {
            let event = Event::Decided { node: link.node, decision };
            let asked = driver::drive_for(host, settings, &link.saga, event, origin).await;
            // Where two said the same at once the saga has heard one of them, and refused the other.
            match told().await? {
                Some(told) => told,
                None => {
                    let error = asked.err().unwrap_or_else(unheard);
                    let verb = if approve { "saga.approve" } else { "saga.reject" };
                    let deed = Deed { who: &link.stands_for, verb, saga: &link.saga, origin, how: ", by a link" };
                    refused(host, settings, deed, &error).await;
                    return Err(error);
                }
            }
        }
    };
    Ok(Heard { step, link, story })
}

/// In the journal it is told which link it came by, and who made that: it is not what the person said when
/// signed in, nor what another link brought, perhaps when the step was asked about before.
fn decision(link: &Link, token: &str, approve: bool, note: String) -> Result<Decision, Error> {
    let by_link = by_link(link, token);
    let note = if note.is_empty() { by_link } else { format!("{note} {by_link}") };
    Ok(Decision { by: link.stands_for.clone(), approve, note, hash: Some(read_hash(&link.params)?), approver: false })
}

/// A step that waits for people, and what they are asked.
fn waiting(story: &Story, ix: u32) -> Option<(StepReport, Ask)> {
    let report = report(&story.nodes, story.phase, story.journal.iter().map(|entry| &entry.record));
    let step = report.steps.into_iter().find(|step| step.ix == ix && step.standing == Standing::Asking)?;
    let ask = step.approval.clone()?;
    Some((step, ask))
}

/// One answer for whatever is not good any more, so that it tells nothing to who guesses.
fn spent() -> Error {
    Error::new(Code::NotFound, "This link is none, has expired, or was used. Ask whoever sent it for another.")
}

fn unheard() -> Error {
    Error::new(Code::Unavailable, "It is not known whether this was heard. Say it again.")
}

/// For who asked, and nobody's cache.
fn private(mut reply: Reply) -> Reply {
    reply.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    reply
}
