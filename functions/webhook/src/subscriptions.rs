//! Subscriptions, as their owners ask for them. What is brought, and when, is the edge's `subscriptions`.

use makegood_edge::core::error::{Code, Error};
use makegood_edge::core::guard::outbound::public;
use makegood_edge::core::guard::{Role, Scope};
use makegood_edge::core::id::SagaId;
use makegood_edge::core::time::Millis;
use makegood_edge::door::Principal;
use makegood_edge::gateway::ably::capability;
use makegood_edge::gateway::subscriptions::{Asked, NewSubscription, Row, State, is_known};
use makegood_edge::host::json;
use makegood_edge::http::Uri;
use makegood_edge::limits::{Class, admit, origin};
use makegood_edge::outbound::Bound;
use makegood_edge::queue::{News, trusted};
use makegood_edge::serde::{Deserialize, Serialize};
use makegood_edge::serde_json::json;
use makegood_edge::store::Store;
use makegood_edge::subscriptions::{MOST, Means, bring, trial};
use makegood_edge::traces::tell;
use makegood_edge::{Host, Level, Reply, Request, Settings, door};

/// An address, in bytes.
const LONGEST_URL: usize = 2_048;
/// Types that one subscription names.
const MOST_TYPES: usize = 40;

#[derive(Deserialize)]
#[cfg_attr(
    not(target_arch = "wasm32"),
    derive(makegood_edge::schemars::JsonSchema),
    schemars(crate = "makegood_edge::schemars", rename = "NewSubscription")
)]
#[serde(crate = "makegood_edge::serde", deny_unknown_fields)]
pub struct Body {
    /// Where events are brought: https, on its own port, and nowhere inside.
    url: String,
    /// Types of events, or groups of them as `makegood.step.*`; none: all.
    #[serde(default)]
    types: Vec<String>,
    /// Of all users' sagas, and not of yours alone: for operators.
    #[serde(default)]
    everyone: bool,
}

#[derive(Default, Deserialize)]
#[cfg_attr(
    not(target_arch = "wasm32"),
    derive(makegood_edge::schemars::JsonSchema),
    schemars(crate = "makegood_edge::schemars", rename = "NoFields")
)]
#[serde(crate = "makegood_edge::serde", deny_unknown_fields)]
pub struct Nothing {}

/// A subscription as people see it.
#[derive(Serialize)]
#[cfg_attr(
    not(target_arch = "wasm32"),
    derive(makegood_edge::schemars::JsonSchema),
    schemars(crate = "makegood_edge::schemars", rename = "Subscription")
)]
#[serde(crate = "makegood_edge::serde")]
pub struct View {
    subscription: String,
    owner: String,
    url: String,
    types: Vec<String>,
    everyone: bool,
    state: State,
    /// Why it is disabled.
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<String>,
    /// Which of its secrets is the newest.
    generation: u32,
    /// Until then the secret before signs as well.
    #[serde(skip_serializing_if = "Option::is_none")]
    previous_until: Option<Millis>,
    /// Since when nothing that was brought was taken, and what came of it last.
    #[serde(skip_serializing_if = "Option::is_none")]
    failing_since: Option<Millis>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_error: Option<String>,
    /// Nothing is brought before then: it failed several times in a row, or asked for time.
    #[serde(skip_serializing_if = "Option::is_none")]
    shut_until: Option<Millis>,
    /// Sagas of which it has yet to be told something.
    #[serde(skip_serializing_if = "Option::is_none")]
    behind: Option<u32>,
    created_at: Millis,
    updated_at: Millis,
    /// What events are signed with. It is told here, and never again.
    #[serde(skip_serializing_if = "Option::is_none")]
    secret: Option<String>,
}

impl View {
    fn of(row: Row) -> Self {
        let Row {
            id,
            owner,
            kind: _,
            everyone,
            url,
            types,
            state,
            why,
            generation,
            previous_until,
            failing_since,
            last_error,
            shut_until,
            created_at,
            updated_at,
        } = row;
        Self {
            subscription: id,
            owner,
            url,
            types,
            everyone,
            state,
            why,
            generation,
            previous_until,
            failing_since,
            last_error,
            shut_until,
            behind: None,
            created_at,
            updated_at,
            secret: None,
        }
    }
}

/// Makes a subscription, and tells its secret.
pub async fn create<H: Host>(request: &Request, host: &H, settings: &Settings) -> Result<Reply, Error> {
    let principal = admit(request, host, settings, &[Class::Api], Scope::Operate).await?;
    let Body { url, types, everyone } = door::body(request)?;
    if everyone {
        principal.needs(Role::Operator)?;
    }
    let means = Means::read(host)?;
    let url = read_url(&means, &url)?;
    let types = read_types(types)?;
    let mut random = [0; 10];
    random.copy_from_slice(&host.random()[..10]);
    let id = SagaId::new(host.now(), random).as_str().replacen("sg_", "sub_", 1);
    let secret = means.secret(&id, 1)?;
    let origin = origin(request, settings);
    let new = NewSubscription {
        id: &id,
        owner: &principal.name,
        everyone,
        url: &url,
        types: &types,
        most: MOST,
        origin: &origin,
    };
    let row = Store::new(host, settings).create_subscription(&new).await?.ok_or_else(|| {
        let message =
            format!("You have {MOST} subscriptions, and there can be no more. Delete one that you can do without.");
        Error::new(Code::Conflict, message)
    })?;
    Ok(json(201, &View { secret: Some(secret), ..View::of(row) }))
}

/// An address that may be called, as it will be called.
fn read_url(means: &Means, text: &str) -> Result<String, Error> {
    let wrong = |why: &str| Error::new(Code::InvalidRequest, format!("`url` cannot be called: {why}."));
    if text.len() > LONGEST_URL {
        return Err(wrong("it is longer than 2048 bytes"));
    }
    if means.bound(text) == Bound::Public {
        public(text).map_err(|refused| wrong(&refused.to_string()))?;
    }
    let uri: Uri = text.parse().map_err(|_| wrong("it is no address"))?;
    if !matches!(uri.scheme_str(), Some("https" | "http")) || uri.authority().is_none() {
        return Err(wrong("it does not begin with https:// and a host"));
    }
    Ok(uri.to_string())
}

fn read_types(mut types: Vec<String>) -> Result<Vec<String>, Error> {
    if types.len() > MOST_TYPES {
        return Err(Error::new(Code::InvalidRequest, format!("`types` has more than {MOST_TYPES} entries.")));
    }
    if let Some(unknown) = types.iter().find(|kind| !is_known(kind)) {
        let unknown: String = unknown.chars().filter(|char| !char.is_control()).take(100).collect();
        let message = format!(
            "There is no event `{unknown}`. docs/EVENTS.md lists all; `makegood.step.*` is all of a group, and no \
             `types` are all there are."
        );
        return Err(Error::new(Code::InvalidRequest, message));
    }
    types.sort();
    types.dedup();
    Ok(types)
}

/// Whose a subscription has to be for somebody to see it: operators see everybody's.
fn reach(principal: &Principal) -> Option<&str> {
    (principal.role < Role::Operator).then_some(principal.name.as_str())
}

/// The caller's own, or all for operators, without their secrets.
pub async fn list<H: Host>(request: &Request, host: &H, settings: &Settings) -> Result<Reply, Error> {
    let principal = admit(request, host, settings, &[Class::Api], Scope::Read).await?;
    let rows = Store::new(host, settings).list_subscriptions(reach(&principal)).await?;
    let subscriptions: Vec<View> = rows.into_iter().map(View::of).collect();
    Ok(json(200, &json!({"subscriptions": subscriptions})))
}

/// One, with how far it is behind.
pub async fn show<H: Host>(request: &Request, host: &H, settings: &Settings, id: &str) -> Result<Reply, Error> {
    let principal = admit(request, host, settings, &[Class::Api], Scope::Read).await?;
    let shown = Store::new(host, settings).find_subscription(id, reach(&principal)).await?.ok_or_else(unknown)?;
    Ok(json(200, &View { behind: Some(shown.behind), ..View::of(shown.subscription) }))
}

/// Takes one away, with what it has yet to be told.
pub async fn delete<H: Host>(request: &Request, host: &H, settings: &Settings, id: &str) -> Result<Reply, Error> {
    let principal = admit(request, host, settings, &[Class::Api], Scope::Operate).await?;
    let origin = origin(request, settings);
    let asked = Asked { owner: reach(&principal), by: &principal.name, origin: &origin };
    if !Store::new(host, settings).delete_subscription(id, asked).await? {
        return Err(unknown());
    }
    Ok(json(200, &json!({"subscription": id, "deleted": true})))
}

/// Gives one its next secret, and tells it.
pub async fn rotate<H: Host>(request: &Request, host: &H, settings: &Settings, id: &str) -> Result<Reply, Error> {
    let principal = admit(request, host, settings, &[Class::Api], Scope::Operate).await?;
    nothing(request)?;
    let means = Means::read(host)?;
    // Before anything is changed: without a key there is none to tell.
    means.secret(id, 1)?;
    let origin = origin(request, settings);
    let asked = Asked { owner: reach(&principal), by: &principal.name, origin: &origin };
    let row = Store::new(host, settings).rotate_subscription(id, asked).await?.ok_or_else(unknown)?;
    let secret = Some(means.secret(&row.id, row.generation)?);
    Ok(json(200, &View { secret, ..View::of(row) }))
}

/// Has a disabled one go on. What it missed is brought by the sweep.
pub async fn enable<H: Host>(request: &Request, host: &H, settings: &Settings, id: &str) -> Result<Reply, Error> {
    let principal = admit(request, host, settings, &[Class::Api], Scope::Operate).await?;
    nothing(request)?;
    let origin = origin(request, settings);
    let asked = Asked { owner: reach(&principal), by: &principal.name, origin: &origin };
    let row = Store::new(host, settings).enable_subscription(id, asked).await?.ok_or_else(unknown)?;
    Ok(json(200, &View::of(row)))
}

/// Brings one an event in which nothing happened, and says what came of it.
pub async fn test<H: Host>(request: &Request, host: &H, settings: &Settings, id: &str) -> Result<Reply, Error> {
    let principal = admit(request, host, settings, &[Class::Api], Scope::Operate).await?;
    nothing(request)?;
    let shown = Store::new(host, settings).find_subscription(id, reach(&principal)).await?.ok_or_else(unknown)?;
    Ok(json(200, &trial(host, settings, &shown.subscription).await?))
}

/// A request for a token of Ably's, for the channels of the caller's sagas.
pub async fn ably<H: Host>(request: &Request, host: &H, settings: &Settings) -> Result<Reply, Error> {
    let principal = admit(request, host, settings, &[Class::Api], Scope::Read).await?;
    let ably = Means::read(host)?.ably.ok_or_else(|| {
        Error::new(Code::Unavailable, "Nothing is published to Ably here. Follow by `GET /api/execute/{saga}/events`.")
    })?;
    Store::new(host, settings).open_ably().await?;
    let capability = capability(reach(&principal));
    Ok(json(200, &ably.token_request(&capability, &principal.name, host.random(), host.now())))
}

/// Tells subscribers what they are owed of a saga, and collectors of traces what they are, for the queue.
pub async fn news<H: Host>(request: &Request, host: &H, settings: &Settings) -> Result<Reply, Error> {
    trusted(request, host, settings, "/api/subscriptions/bring").await?;
    let News { saga } = door::body(request)?;
    let began = host.now();
    let told = bring(host, settings, &saga).await;
    // Whatever became of that; and no subscriber's word is brought again because of a collector of traces.
    if let Err(error) = tell(host, settings, began).await {
        host.log(Level::Warn, &format!("traces are left to the sweep: {error}"));
    }
    let told = told?;
    Ok(json(200, &json!({"saga": saga, "told": told})))
}

/// A body may be left out, and has no fields.
fn nothing(request: &Request) -> Result<(), Error> {
    if !request.body().is_empty() {
        let Nothing {} = door::body(request)?;
    }
    Ok(())
}

/// Another's is as unknown as one that never was.
fn unknown() -> Error {
    Error::new(Code::NotFound, "You have no such subscription.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_known_or_told_and_stand_once() {
        let read = |types: &[&str]| read_types(types.iter().map(ToString::to_string).collect());
        assert_eq!(read(&[]).unwrap(), [""; 0]);
        let twice = ["makegood.step.*", "makegood.saga.completed.v1", "makegood.step.*"];
        assert_eq!(read(&twice).unwrap(), ["makegood.saga.completed.v1", "makegood.step.*"]);
        let told = read(&["makegood.saga.complete.v1"]).unwrap_err();
        assert_eq!(told.code(), Code::InvalidRequest);
        assert!(told.message().contains("`makegood.saga.complete.v1`"), "{told}");
        assert!(read(&["makegood.*"; MOST_TYPES + 1]).is_err());
    }
}
