//! The HTTP face, one module for each family of endpoints. Paths are taken
//! apart by hand, because a destination inside a path must stay untouched.

mod console;
mod dlq;
mod filter;
mod flow;
mod groups;
mod messages;
mod publish;
mod queues;
mod schedules;
mod service;
mod workflow;
mod workflow_dlq;
mod workflow_events;

use std::sync::Arc;

use axum::{
    Router,
    body::to_bytes,
    extract::{Request, State as Shared},
    response::Response,
};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use serde_json::{Value, json};

use super::{
    deliver::Courier,
    workflow::{Again, submit::Refused},
};
use crate::percent;

/// Parameters whose values may hold a comma themselves.
const WHOLE: [&str; 4] = ["url", "path", "flowControlKey", "workflowUrl"];

/// A batch holds many messages.
const MAX_REQUEST_BYTES: usize = 16 << 20;

/// A request, read whole.
struct Call {
    courier: Arc<Courier>,
    method: Method,
    /// Path and query after `/v2/`, untouched.
    rest: String,
    headers: HeaderMap,
    body: Bytes,
}

impl Call {
    /// The decoded path segments.
    fn segments(&self) -> Vec<String> {
        let path = self.rest.split('?').next().unwrap_or("");
        let decode = |segment| String::from_utf8_lossy(&percent::decode(segment)).into_owned();
        path.split('/').map(decode).collect()
    }

    /// All values of a query parameter, repeated or comma separated.
    fn query(&self, name: &str) -> Vec<String> {
        let query = self.rest.split_once('?').map_or("", |(_, query)| query);
        percent::query_pairs(query)
            .filter(|(given, _)| given == name.as_bytes())
            .flat_map(|(_, value)| {
                let value = String::from_utf8_lossy(&value).into_owned();
                match WHOLE.contains(&name) {
                    true => vec![value],
                    false => value.split(',').map(str::to_owned).collect(),
                }
            })
            .filter(|value| !value.is_empty())
            .collect()
    }

    /// The names of all query parameters.
    fn query_names(&self) -> Vec<String> {
        let query = self.rest.split_once('?').map_or("", |(_, query)| query);
        percent::query_pairs(query).map(|(name, _)| String::from_utf8_lossy(&name).into_owned()).collect()
    }

    fn json(&self) -> Result<Value, Refusal> {
        serde_json::from_slice(&self.body).map_err(|error| Refusal::bad(format!("the body is not JSON: {error}")))
    }
}

/// A status and the text of `{"error"}`.
struct Refusal(StatusCode, String);

impl Refusal {
    fn bad(text: impl Into<String>) -> Self {
        Self(StatusCode::BAD_REQUEST, text.into())
    }

    fn over_quota(text: impl Into<String>) -> Self {
        Self(StatusCode::PRECONDITION_FAILED, text.into())
    }

    fn missing(what: &str) -> Self {
        Self(StatusCode::NOT_FOUND, format!("{what} not found"))
    }
}

impl From<Refused> for Refusal {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Bad(text) => Self::bad(text),
            Refused::OverQuota(text) => Self::over_quota(text),
        }
    }
}

impl From<std::io::Error> for Refusal {
    fn from(error: std::io::Error) -> Self {
        tracing::error!(%error, "the QStash journal cannot be written");
        let text = "could not be stored; check the disk of the data folder";
        Self(StatusCode::INTERNAL_SERVER_ERROR, text.to_owned())
    }
}

/// A status and its JSON body.
type Answer = Result<(StatusCode, Value), Refusal>;

fn ok(body: Value) -> Answer {
    Ok((StatusCode::OK, body))
}

pub fn router(courier: Arc<Courier>) -> Router {
    Router::new().fallback(serve).with_state(courier)
}

async fn serve(Shared(courier): Shared<Arc<Courier>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    if parts.method == Method::GET && parts.uri.path() == "/console" {
        return console::page();
    }
    let target = parts.uri.path_and_query().map_or("/", |target| target.as_str());
    let answer = match to_bytes(body, MAX_REQUEST_BYTES).await {
        Err(_) => {
            let text = format!("the body exceeds {MAX_REQUEST_BYTES} bytes");
            Err(Refusal(StatusCode::PAYLOAD_TOO_LARGE, text))
        }
        Ok(body) => answer(Call {
            courier,
            method: parts.method,
            rest: target.strip_prefix("/v2/").unwrap_or("").to_owned(),
            headers: parts.headers,
            body,
        }),
    };
    let (status, body) = answer.unwrap_or_else(|Refusal(status, text)| (status, json!({ "error": text })));
    crate::answer::json(status, body.to_string())
}

fn answer(call: Call) -> Answer {
    // Whoever was given such an address needs nothing else.
    if let ["workflows", "hooks", user, run, event] = &*call.segments().iter().map(String::as_str).collect::<Vec<_>>() {
        return workflow_events::hook(&call, user, run, event);
    }
    if !authorised(&call) {
        let text = "unauthorized: invalid or missing token".to_owned();
        return Err(Refusal(StatusCode::UNAUTHORIZED, text));
    }
    let segments = call.segments();
    let path: Vec<&str> = segments.iter().map(String::as_str).collect();
    match (call.method.as_str(), path.as_slice()) {
        ("POST", ["publish", _, ..]) => publish::publish(&call),
        ("POST", ["enqueue", queue, _, ..]) => publish::enqueue(&call, queue),
        ("POST", ["batch"]) => publish::batch(&call),
        ("DELETE", ["messages"]) => messages::cancel_many(&call),
        ("GET", ["messages", id]) => messages::show(&call, id),
        ("DELETE", ["messages", id]) => messages::cancel(&call, id),
        ("GET", ["dlq"]) => dlq::list(&call),
        ("DELETE", ["dlq"]) => dlq::delete(&call),
        ("POST", ["dlq", "retry"]) => dlq::retry(&call),
        ("POST", ["dlq", "retry", id]) => dlq::retry_one(&call, id),
        ("GET", ["dlq", id]) => dlq::show(&call, id),
        ("DELETE", ["dlq", id]) => dlq::delete_one(&call, id),
        ("GET", ["queues"]) => queues::list(&call),
        ("POST", ["queues"]) => queues::upsert(&call),
        ("GET", ["queues", name]) => queues::show(&call, name),
        ("DELETE", ["queues", name]) => queues::delete(&call, name),
        ("POST", ["queues", name, "pause"]) => queues::pause(&call, name, true),
        ("POST", ["queues", name, "resume"]) => queues::pause(&call, name, false),
        ("GET", ["schedules"]) => schedules::list(&call),
        ("GET", ["schedules", id]) => schedules::show(&call, id),
        ("DELETE", ["schedules", id]) => schedules::delete(&call, id),
        // The SDK patches, the documentation posts.
        ("POST" | "PATCH", ["schedules", id, "pause"]) => schedules::pause(&call, id, true),
        ("POST" | "PATCH", ["schedules", id, "resume"]) => schedules::pause(&call, id, false),
        ("POST", ["schedules", _, ..]) => schedules::create(&call),
        ("GET", ["topics"]) => groups::list(&call),
        ("GET", ["topics", name]) => groups::show(&call, name),
        ("DELETE", ["topics", name]) => groups::delete(&call, name),
        ("POST", ["topics", name, "endpoints"]) => groups::add(&call, name),
        ("DELETE", ["topics", name, "endpoints"]) => groups::remove(&call, name),
        ("GET", ["flowControl"]) => flow::list(&call),
        ("GET", ["flowControl", key]) => flow::show(&call, key),
        ("POST", ["flowControl", key, "pause"]) => flow::pause(&call, key, true),
        ("POST", ["flowControl", key, "resume"]) => flow::pause(&call, key, false),
        ("POST", ["flowControl", key, "pin"]) => flow::pin(&call, key),
        ("POST", ["flowControl", key, "unpin"]) => flow::unpin(&call, key),
        ("POST", ["flowControl", key, "resetRate"]) => flow::reset_rate(&call, key),
        ("GET", ["globalParallelism"]) => flow::global(&call),
        ("GET", ["keys"]) => service::keys(&call),
        ("POST", ["keys", "rotate"]) => service::rotate(&call),
        ("GET", [under @ ("events" | "logs")]) => service::events(&call, under),
        ("POST", ["wait", event]) => workflow_events::wait(&call, event),
        ("POST", ["notify", event]) => workflow_events::notify(&call, None, event),
        ("POST", ["notify", run, event]) => workflow_events::notify(&call, Some(run), event),
        ("GET", ["waiters", event]) => workflow_events::waiters(&call, event),
        ("GET", ["workflows", "runs", id]) => workflow::steps(&call, id),
        ("DELETE", ["workflows", "runs", id]) => workflow::end(&call, id),
        ("DELETE", ["workflows", "runs"]) => workflow::cancel_many(&call),
        ("GET", ["workflows", "events" | "logs"]) => workflow::logs(&call),
        ("GET", ["workflows", "dlq"]) => workflow_dlq::list(&call),
        ("DELETE", ["workflows", "dlq"]) => workflow_dlq::delete(&call),
        ("POST", ["workflows", "dlq", "resume"]) => workflow_dlq::again(&call, Again::Resume),
        ("POST", ["workflows", "dlq", "restart"]) => workflow_dlq::again(&call, Again::Restart),
        ("POST", ["workflows", "dlq", "resume", id]) => workflow_dlq::again_one(&call, Again::Resume, id),
        ("POST", ["workflows", "dlq", "restart", id]) => workflow_dlq::again_one(&call, Again::Restart, id),
        ("POST", ["workflows", "dlq", "callback", id]) => workflow_dlq::call_failure_again(&call, id),
        ("DELETE", ["workflows", "dlq", "callback", id]) => workflow_dlq::cancel_failure_call(&call, id),
        ("GET", ["workflows", "dlq", id]) => workflow_dlq::show(&call, id),
        ("DELETE", ["workflows", "dlq", id]) => workflow_dlq::delete_one(&call, id),
        ("GET", ["_emulator", "messages"]) => messages::list(&call),
        ("GET", ["_emulator", "clock"]) => service::clock(&call),
        ("POST", ["_emulator", "clock"]) => service::advance(&call),
        ("GET", ["_emulator", "faults"]) => service::faults(&call),
        ("POST", ["_emulator", "faults"]) => service::set_faults(&call),
        _ => Err(not_offered(&call)),
    }
}

fn not_offered(call: &Call) -> Refusal {
    let path = call.rest.split('?').next().unwrap_or("");
    let text = format!("{} /v2/{path} is not offered by this emulator yet", call.method);
    Refusal(StatusCode::NOT_FOUND, text)
}

fn authorised(call: &Call) -> bool {
    let token = call.courier.token.as_bytes();
    let given = call.headers.get(header::AUTHORIZATION).map(HeaderValue::as_bytes);
    match given.and_then(|given| given.split_at_checked(7)) {
        Some((scheme, given)) => scheme.eq_ignore_ascii_case(b"bearer ") && given == token,
        None => call.query("qstash_token").iter().any(|given| given.as_bytes() == token),
    }
}
