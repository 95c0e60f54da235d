//! Wakes: telling the queue to call us again.

use makegood_core::error::{Code, Error};
use makegood_core::id::SagaId;
use makegood_core::time::Millis;
use makegood_gateway::qstash::{self, Publish};
use serde::{Deserialize, Serialize};

use crate::breakers::Pass;
use crate::host::{Host, Level, Request};
use crate::limits::{Class, by_address};
use crate::settings::Settings;

/// The body of a wake: the saga, and the version that it had.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema), schemars(rename = "WakeMessage"))]
#[serde(deny_unknown_fields)]
pub struct Message {
    pub saga: SagaId,
    pub version: u32,
    /// The step whose turn has come, where it is for one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub turn: Option<u32>,
}

/// The body of a word that subscribers are owed news of a saga.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema), schemars(rename = "NewsMessage"))]
#[serde(deny_unknown_fields)]
pub struct News {
    pub saga: SagaId,
}

/// How long the queue waits for an answer beyond the platform's own limit.
pub(crate) const SLACK: Millis = Millis(5_000);
pub(crate) const PATIENCE: Millis = Millis(5_000);
/// The same while its breaker is open.
const HASTE: Millis = Millis(500);

/// Publishes a wake. `trace`: the saga's, as a `traceparent`, where it is known. `mark` tells apart the wakes of one
/// version: the slot, or the sweep's number.
///
/// # Errors
/// [`Code::Unavailable`]: the sweeper will find the saga all the same.
pub async fn publish<H: Host>(
    host: &H,
    settings: &Settings,
    message: &Message,
    trace: Option<&str>,
    mark: &str,
    at: Option<Millis>,
) -> Result<(), Error> {
    let publish = Publish {
        destination: &settings.step_address(),
        body: serde_json::to_vec(message).unwrap_or_default(),
        deduplication: &format!("{}:{}:{mark}", message.saga, message.version),
        at,
        timeout: settings.kill + SLACK,
        trace,
    };
    send(host, settings, publish).await
}

/// Has the queue say that there is news of a saga, to whoever brings it to subscribers. `mark` tells apart what is said of
/// the same saga again. Where the queue is away, the sweep says it.
pub async fn bring<H: Host>(host: &H, settings: &Settings, saga: &SagaId, mark: &str, at: Option<Millis>) {
    let publish = Publish {
        destination: &settings.bring_address(),
        body: serde_json::to_vec(&News { saga: saga.clone() }).unwrap_or_default(),
        deduplication: &format!("bring:{saga}:{mark}"),
        at,
        timeout: settings.kill + SLACK,
        trace: None,
    };
    if let Err(error) = send(host, settings, publish).await {
        host.log(Level::Warn, &format!("{saga}: its subscribers are left to the sweep: {error}"));
    }
}

/// Lets the queue in at one of its addresses, as often as it likes. Who only says to be the queue counts as somebody who
/// was not let in.
///
/// # Errors
/// [`Code::BadSignature`], and those of a limit.
pub async fn trusted<H: Host>(request: &Request, host: &H, settings: &Settings, path: &str) -> Result<(), Error> {
    let address = format!("{}{path}", settings.public_url);
    let verified = qstash::verify(&settings.queue, request.headers(), &address, request.body(), host.now());
    let Err(distrust) = verified else { return Ok(()) };
    by_address(request, host, settings, Class::Failed).await?;
    Err(Error::new(Code::BadSignature, "Only the queue may call this address.").because(distrust))
}

/// Hands any message over to the queue.
///
/// # Errors
/// [`Code::Unavailable`].
pub(crate) async fn send<H: Host>(host: &H, settings: &Settings, publish: Publish<'_>) -> Result<(), Error> {
    let unavailable = |cause: String| Error::new(Code::Unavailable, "The queue cannot be reached.").because(cause);
    let request = qstash::publish(&settings.queue, publish, host.now()).map_err(|error| unavailable(error.0))?;
    // It is never withheld, for a lost wake costs up to a minute; but nobody waits long for one that is away.
    let pass = Pass::ask(host, "queue");
    let patience = if pass.is_some() { PATIENCE } else { HASTE };
    let response = host.fetch(request, patience).await;
    if let Some(pass) = pass {
        pass.tell(host, &response);
    }
    let response = response.map_err(|error| unavailable(error.to_string()))?;
    qstash::published(&response).map_err(|error| unavailable(error.0))
}
