//! Deliveries of strangers: taken in by one function, and acted on by another.
//!
//! Who takes them in has no engine, and reaches database and queue only: it checks the signature over the raw bytes,
//! keeps what came with what is to be done about it, has the queue bring word to whoever carries sagas on ([`act`]), and
//! only then says to the sender that it was heard. A word that the queue loses the sweep tells anew. So a delivery that
//! was answered with 2xx is acted on, and one that comes again is the same delivery.

pub mod act;

use bytes::Bytes;
use makegood_core::error::{Code, Error};
use makegood_core::time::Millis;
use makegood_gateway::deliveries::{self, Arrived, Due, State, Taken};
use makegood_gateway::qstash::Publish;
use makegood_gateway::webhook::rules::{Matched, decide};
use makegood_gateway::webhook::{Delivery, LARGEST_BODY, Scheme, sources, verify};
use serde_json::json;
use sha2::{Digest, Sha256};

use crate::host::{self, Host, Level, Reply, Request};
use crate::limits;
use crate::queue::{SLACK, send};
use crate::settings::{Settings, misconfigured};
use crate::store::{Store, unreadable};

/// The sweep tells of a delivery that nobody has settled for so long.
const GRACE: Millis = Millis(30_000);
/// What GitHub calls the delivery by which it tries an address.
const PING: &str = "ping";

/// Takes in what a source's sender brings.
///
/// # Errors
/// [`Code::NotFound`] where there is no such source, [`Code::BodyTooLarge`], [`Code::BadSignature`]; then nothing is
/// stored. [`Code::Unavailable`] where it cannot be stored: the sender brings it again.
pub async fn receive<H: Host>(request: &Request, host: &H, settings: &Settings, name: &str) -> Result<Reply, Error> {
    let body = request.body();
    if body.len() > LARGEST_BODY {
        let message = format!("The body has {} bytes; {LARGEST_BODY} are allowed.", body.len());
        return Err(Error::new(Code::BodyTooLarge, message));
    }
    let sources = sources::read(&host.config("webhook_sources").unwrap_or_default())
        .map_err(|why| misconfigured(format!("the variable `webhook_sources`: {why}")))?;
    let source = sources.get(name);
    limits::by_source(request, host, settings, source.map(|_| name)).await?;
    let source = source.ok_or_else(|| {
        Error::new(Code::NotFound, "No webhook source has this name on this server. Nothing was stored.")
    })?;
    // As the sender knows it: gateways rewrite what stands in the request.
    let path = request.uri().path_and_query().map_or(request.uri().path(), |path| path.as_str());
    let url = format!("{}{path}", settings.public_url);
    let now = host.now();
    let delivery = Delivery { headers: request.headers(), body, url: &url };
    let verified = verify(&source.trust, &delivery, now).map_err(|distrust| {
        Error::new(Code::BadSignature, "This is not signed as its source signs. Nothing was stored.")
            .because(format!("webhook {name}: {distrust}"))
    })?;
    if let Some(challenge) = &verified.challenge {
        // The sender tries the address: nothing has happened that could be acted on.
        return Ok(host::reply(200, "text/plain; charset=utf-8", challenge.clone()));
    }
    let is_ping = source.trust.scheme == Scheme::Github && verified.kind.as_deref() == Some(PING);
    let matched = if is_ping { Matched::Nothing } else { decide(&source.rules, &verified) };
    if let Matched::Broken { rule, why } = &matched {
        host.log(
            Level::Warn,
            &format!("rule `{rule}` of the webhook {name} can do nothing with a delivery: {}: {why}", verified.key),
        );
    }
    let arrived = Arrived {
        source: name,
        owner: &source.owner,
        verified: &verified,
        body,
        matched: &matched,
        due_at: now + GRACE,
        until: now + source.patience,
    };
    let taken: Option<Taken> = Store::new(host, settings).ask(&deliveries::take(&arrived, now)).await?;
    let taken = taken.ok_or_else(|| unreadable("a delivery answered null"))?;
    // One that was there is told of as well: who brings it again may do so because we died before we could.
    if taken.state == State::Pending {
        let due = Due { source: name.to_owned(), key: verified.key.clone() };
        if let Err(error) = tell(host, settings, &due, "0", None).await {
            host.log(
                Level::Warn,
                &format!("a delivery of the webhook {name} is left to the sweep: {}: {error}", due.key),
            );
        }
    }
    Ok(heard(source.trust.scheme, &verified.key, taken))
}

/// What a sender is told that was heard. Some show what they are told to people.
fn heard(scheme: Scheme, key: &str, taken: Taken) -> Reply {
    match scheme {
        Scheme::Slack => host::reply(200, "text/plain; charset=utf-8", Bytes::new()),
        Scheme::Twilio => host::reply(200, "text/xml", Bytes::from_static(b"<Response/>")),
        Scheme::Standard | Scheme::Svix | Scheme::Stripe | Scheme::Github | Scheme::Shopify | Scheme::Hmac => {
            host::json(200, &json!({"delivery": key, "state": taken.state, "duplicate": !taken.new}))
        }
    }
}

/// Has the queue bring word of a delivery. `mark`: tells apart what is said of the same one again. `at`: not before.
///
/// # Errors
/// [`Code::Unavailable`]: the sweep will tell of it.
pub async fn tell<H: Host>(
    host: &H,
    settings: &Settings,
    due: &Due,
    mark: &str,
    at: Option<Millis>,
) -> Result<(), Error> {
    let publish = Publish {
        destination: &settings.delivery_address(),
        body: serde_json::to_vec(due).unwrap_or_default(),
        // A key may hold what a header cannot.
        deduplication: &format!("webhook:{}:{}:{mark}", due.source, mark_of(due)),
        at,
        timeout: settings.kill + SLACK,
        trace: None,
    };
    send(host, settings, publish).await
}

/// A delivery in a few letters.
fn mark_of(due: &Due) -> String {
    let hash = Sha256::new().chain_update(&due.source).chain_update([0]).chain_update(&due.key).finalize();
    makegood_gateway::hexadecimal(&hash[..12])
}
