//! `/demo/tools/{tool}/do`, `/undo` and `/status`: from HTTP to a [`Call`] and back.

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::Town;
use crate::call::{Call, Request};
use crate::key::Key;
use crate::problem::Problem;
use crate::tool::{Class, Tool};

type Answer = Result<Json<Value>, Problem>;

/// What is sent with an undo, from the journal of the saga. The town knows it all by the key.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct UndoBody {
    #[serde(rename = "params")]
    _params: Value,
    #[serde(rename = "output")]
    _output: Option<Value>,
}

pub(crate) async fn act(
    State(town): State<Arc<Town>>,
    Path(tool): Path<String>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Answer {
    let tool = Tool::named(&tool)?;
    let key = match tool.class() {
        Class::Query => None,
        Class::Compensatable | Class::Pivot | Class::Retriable => Some(Key::from_headers(&headers)?),
    };
    let params: Value = read(body)?;
    if !params.is_object() || holds_nul(&params) {
        return Err(Problem::bad_request(
            "invalid_json",
            "The body must be a JSON object, and no text in it may hold a NUL character.",
        ));
    }
    let request = match key {
        None => Request::Ask { params },
        Some(key) => Request::Do { key, params },
    };
    Call::new(town, tool, request).answer().await.map(Json)
}

pub(crate) async fn undo(
    State(town): State<Arc<Town>>,
    Path(tool): Path<String>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Answer {
    let tool = Tool::named(&tool)?;
    tool.undoable()?;
    let key = Key::from_headers(&headers)?;
    read::<UndoBody>(body)?;
    Call::new(town, tool, Request::Undo { key }).answer().await.map(Json)
}

pub(crate) async fn status(State(town): State<Arc<Town>>, Path(tool): Path<String>, headers: HeaderMap) -> Answer {
    let tool = Tool::named(&tool)?;
    tool.remembered()?;
    let key = Key::from_headers(&headers)?;
    Call::new(town, tool, Request::Status { key }).answer().await.map(Json)
}

/// Reads a JSON body.
pub(crate) fn read<T: DeserializeOwned>(body: Result<Bytes, BytesRejection>) -> Result<T, Problem> {
    let body = body.map_err(|rejection| match rejection.status() {
        StatusCode::PAYLOAD_TOO_LARGE => {
            Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "body_too_large", "A body may have 64 KiB.")
        }
        _ => Problem::bad_request("invalid_body", "The body could not be read to its end."),
    })?;
    serde_json::from_slice(&body).map_err(|error| {
        Problem::bad_request("invalid_json", format!("The body is not the JSON that is wanted: {error}."))
    })
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
