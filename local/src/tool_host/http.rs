//! `/tools/{tool}/do`, `/undo` and `/status`, as docs/TOOLS.md has them: a tool in Wasm answers itself, and every other
//! is asked where it lives.

use std::sync::Arc;

use axum::body::{Body, to_bytes};
use axum::extract::{Path, Request};
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use axum::{Json, Router};
use http::{HeaderMap, Method, StatusCode, Uri};
use makegood_core::depth::too_deep;
use makegood_core::tool::Class;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use tower::ServiceExt as _;

use super::keys::Named;
use super::problem::Problem;
use super::shelf::Pin;
use super::{Answer, ToolHost};

/// What stands before `/{tool}/do`.
pub const BASE: &str = "/tools";
/// The longest body that is read, in bytes.
const MOST: usize = 256 << 10;
const LONGEST_KEY: usize = 200;

/// Where the tools are that are not in Wasm: a router, and what stands before `/{tool}/do` there.
#[derive(Clone)]
pub struct Others {
    pub router: Router,
    pub base: &'static str,
}

pub(super) fn router(host: Arc<ToolHost>, others: Others) -> Router {
    let path = format!("{BASE}/{{tool}}/{{verb}}");
    Router::new().route(
        &path,
        any(move |Path((tool, verb)): Path<(String, String)>, request: Request| {
            let (host, others) = (host.clone(), others.clone());
            async move {
                match host.shelf.find(&tool) {
                    Ok(None) => others.ask(&tool, &verb, request).await,
                    Ok(Some(pin)) => match serve(host, pin, &verb, request).await {
                        Ok(value) => Json(value).into_response(),
                        Err(problem) => problem.into_response(),
                    },
                    Err(error) => {
                        tracing::error!(tool, "the tool cannot be found: {error:#}");
                        Problem::internal().into_response()
                    }
                }
            }
        }),
    )
}

impl Others {
    async fn ask(&self, tool: &str, verb: &str, mut request: Request) -> Response {
        // What was decoded could lead elsewhere; no tool of ours has such a name.
        let plain = |part: &str| part.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        let to = format!("{}/{tool}/{verb}", self.base).parse::<Uri>();
        match to {
            Ok(uri) if plain(tool) && plain(verb) => *request.uri_mut() = uri,
            Ok(_) | Err(_) => return no_such_address().into_response(),
        }
        // What was read from our own path would be taken for parts of theirs.
        request.extensions_mut().clear();
        let Ok(response) = self.router.clone().oneshot(request).await;
        response
    }
}

fn no_such_address() -> Problem {
    Problem::new(StatusCode::NOT_FOUND, "not_found", "Tools answer /{tool}/do and /undo to POST, and /status to GET.")
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct UndoBody {
    params: Value,
    output: Option<Value>,
}

async fn serve(host: Arc<ToolHost>, pin: Pin, verb: &str, request: Request) -> Answer {
    let (parts, body) = request.into_parts();
    let definition = &pin.definition;
    let refuse_method = |allowed: &str| {
        let detail = format!("This address takes {allowed} only.");
        Err(Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", detail))
    };
    let on = |headers: &HeaderMap| key(headers).map(|key| Named { tool: definition.name.clone(), key });
    // Each in a task of its own: who hangs up does not end it.
    let task = match verb {
        "do" if parts.method != Method::POST => return refuse_method("POST"),
        "undo" if parts.method != Method::POST => return refuse_method("POST"),
        "status" if parts.method != Method::GET => return refuse_method("GET"),
        "do" => {
            let on = match definition.class {
                // Of a query nothing is kept; it may come without a key.
                Class::Query => Named { tool: definition.name.clone(), key: key(&parts.headers).unwrap_or_default() },
                Class::Compensatable | Class::Pivot | Class::Retriable => on(&parts.headers)?,
            };
            let params: Map<String, Value> = read(body).await?;
            tokio::spawn(async move { host.act(&pin, on, Value::Object(params)).await })
        }
        "undo" if definition.class != Class::Compensatable => {
            let detail = format!("{} cannot be undone.", definition.name);
            return Err(Problem::new(StatusCode::METHOD_NOT_ALLOWED, "not_undoable", detail));
        }
        "undo" => {
            let on = on(&parts.headers)?;
            let UndoBody { params, output } = read(body).await?;
            tokio::spawn(async move { host.undo(on, params, output).await })
        }
        "status" if definition.class == Class::Query => {
            let detail = format!("{} only reads, so that nothing is kept of its calls.", definition.name);
            return Err(Problem::new(StatusCode::METHOD_NOT_ALLOWED, "not_remembered", detail));
        }
        "status" => {
            let on = on(&parts.headers)?;
            tokio::spawn(async move { host.status(&pin, on).await })
        }
        _ => return Err(no_such_address()),
    };
    task.await.unwrap_or_else(|error| {
        tracing::error!(%error, "a call of a tool ended early");
        Err(Problem::internal())
    })
}

/// # Errors
/// Where the header is absent, given twice, or not 1 to 200 visible ASCII characters.
fn key(headers: &HeaderMap) -> Result<String, Problem> {
    let mut given = headers.get_all("idempotency-key").iter();
    let (Some(value), None) = (given.next(), given.next()) else {
        return Err(Problem::bad_request("missing_key", "Give exactly one Idempotency-Key header."));
    };
    match value.to_str() {
        Ok(key) if (1..=LONGEST_KEY).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_graphic()) => {
            Ok(key.to_owned())
        }
        Ok(_) | Err(_) => Err(Problem::bad_request(
            "invalid_key",
            format!("An Idempotency-Key is 1 to {LONGEST_KEY} visible ASCII characters without spaces."),
        )),
    }
}

/// Reads a JSON body.
async fn read<T: DeserializeOwned>(body: Body) -> Result<T, Problem> {
    let body = to_bytes(body, MOST).await.map_err(|_| {
        let detail = format!("The body could not be read to its end, or has more than {} KiB.", MOST >> 10);
        Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "invalid_body", detail)
    })?;
    let invalid =
        |why: &str| Problem::bad_request("invalid_json", format!("The body is not the JSON that is wanted: {why}."));
    let value: Value = serde_json::from_slice(&body).map_err(|error| invalid(&error.to_string()))?;
    if too_deep(&value) || holds_nul(&value) {
        return Err(invalid("it is nested too deep, or has a NUL character in a text"));
    }
    serde_json::from_value(value).map_err(|error| invalid(&error.to_string()))
}

/// PostgreSQL cannot hold a NUL in a text.
fn holds_nul(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains('\0'),
        Value::Array(items) => items.iter().any(holds_nul),
        Value::Object(fields) => fields.iter().any(|(name, value)| name.contains('\0') || holds_nul(value)),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}
