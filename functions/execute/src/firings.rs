//! A firing of a schedule: one saga, however often the queue brings it.

use makegood_edge::core::error::{Code, Error};
use makegood_edge::door::Principal;
use makegood_edge::gateway::qstash;
use makegood_edge::host::{Level, json};
use makegood_edge::http::header::RETRY_AFTER;
use makegood_edge::problem::problem;
use makegood_edge::queue::trusted;
use makegood_edge::schedules::{Message, forget};
use makegood_edge::serde_json::{self, json};
use makegood_edge::start::fire;
use makegood_edge::store::Store;
use makegood_edge::{Host, Reply, Request, Settings, door};

use crate::schedules::Wanted;

/// Starts the saga of a firing, as the schedule's owner. What trying again cannot help is acknowledged.
pub async fn scheduled<H: Host>(request: &Request, host: &H, settings: &Settings) -> Result<Reply, Error> {
    trusted(request, host, settings, "/api/execute/scheduled").await?;
    match start(request, host, settings).await {
        Err(error) if error.code().status() >= 500 => {
            let mut reply = problem(host, &error);
            // Nobody sweeps for firings: the queue is not to be through with its retries in seconds.
            reply.headers_mut().remove(RETRY_AFTER);
            Ok(reply)
        }
        other => other,
    }
}

async fn start<H: Host>(request: &Request, host: &H, settings: &Settings) -> Result<Reply, Error> {
    let Message { schedule: key } = door::body(request)?;
    let Some(message) = qstash::message_id(request.headers()) else {
        return Err(Error::new(Code::InvalidRequest, "A firing names its message."));
    };
    let nothing = |why: &str| Ok(json(200, &json!({"saga": null, "why": why})));
    let store = Store::new(host, settings);
    let Some(firing) = store.load_firing(&key, message).await? else {
        // It was deleted, and the queue has not heard of it.
        if let Err(cause) = forget(host, settings, &key).await {
            host.log(Level::Warn, &format!("the queue still has the schedule {key}: {cause}"));
        }
        return nothing("unknown");
    };
    if firing.met {
        return Ok(json(200, &json!({"saga": firing.saga})));
    }
    if firing.paused {
        return nothing("paused");
    }
    let wanted: Wanted = serde_json::from_value(firing.request)
        .map_err(|error| Error::new(Code::Internal, "The schedule cannot be read.").because(error))?;
    // Against the tools as they are now, which may not be those that the schedule was made with.
    let tools = store.tools(&wanted.plan).await?;
    let client_key = format!("schedule {key} {message}");
    let owner = Principal::new(firing.owner);
    let fired = fire(host, settings, &owner, &tools, &wanted.start(Some(&client_key)), (&key, message)).await;
    match fired {
        Ok(Some(created)) => Ok(json(200, &json!({"saga": created.id, "created": created.created}))),
        Ok(None) => nothing("paused"),
        Err(error) if error.code().status() >= 500 => Err(error),
        Err(error) => {
            host.log(Level::Warn, &format!("the schedule {key} started nothing: {error}"));
            store.miss_firing(&key, message, error.message()).await?;
            nothing(error.code().as_str())
        }
    }
}
