//! What was kept, to be read: traces as Tempo answers, so that one reader serves both, and log records in a shape of
//! our own.

use axum::response::Response;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use prost::Message as _;
use serde_json::json;

use super::logs::Wanted;
use super::search::Search;
use super::span::TracesData;
use super::{Otlp, id};
use crate::answer;

/// How many log records are given where it is not said, and at most.
const RECORDS: usize = 100;
const MAX_RECORDS: usize = 1000;

/// Tempo's answer to `/api/v2/traces/{id}`.
#[derive(Clone, PartialEq, prost::Message)]
struct TraceById {
    #[prost(message, optional, tag = "1")]
    trace: Option<TracesData>,
}

/// The two forms in which a trace is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// The trace alone, its parts as `batches`.
    First,
    /// Within an answer.
    Second,
}

/// A trace by its id.
pub fn trace(otlp: &Otlp, id: &str, form: Form, headers: &HeaderMap) -> Response {
    let id = match id::from_address(id) {
        Ok(id) => id,
        Err(why) => return plain(StatusCode::BAD_REQUEST, why),
    };
    let Some(trace) = otlp.trace(&id) else {
        return plain(StatusCode::NOT_FOUND, "trace not found".to_owned());
    };
    let accepts = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if accepts.contains("application/protobuf") {
        let bytes = match form {
            Form::First => trace.encode_to_vec(),
            Form::Second => TraceById { trace: Some(trace) }.encode_to_vec(),
        };
        let mut response = Response::new(bytes.into());
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/protobuf"));
        return response;
    }
    let body = match form {
        Form::First => json!({"batches": trace.resource_spans}),
        // That it is complete is the default, and protobuf's JSON has none.
        Form::Second => json!({"trace": trace, "metrics": {}}),
    };
    answer::json(StatusCode::OK, body.to_string())
}

/// `GET /api/search`.
pub fn search(otlp: &Otlp, query: &[(String, String)]) -> Response {
    let search = match Search::read(query) {
        Ok(search) => search,
        Err(why) => return plain(StatusCode::BAD_REQUEST, why),
    };
    let inspected = otlp.number_of_traces();
    let traces = otlp.search(&search);
    answer::json(StatusCode::OK, json!({"traces": traces, "metrics": {"inspectedTraces": inspected}}).to_string())
}

/// `GET /api/search/tags`: the names of all attributes.
pub fn tags(otlp: &Otlp) -> Response {
    let (of_resources, of_spans) = otlp.attribute_names();
    let names: std::collections::BTreeSet<_> = of_resources.union(&of_spans).collect();
    answer::json(StatusCode::OK, json!({"tagNames": names}).to_string())
}

/// `GET /api/v2/search/tags`: the same, by scope.
pub fn tags_by_scope(otlp: &Otlp) -> Response {
    let (of_resources, of_spans) = otlp.attribute_names();
    let scopes = json!([{"name": "resource", "tags": of_resources}, {"name": "span", "tags": of_spans}]);
    answer::json(StatusCode::OK, json!({"scopes": scopes}).to_string())
}

/// `GET /api/logs`.
pub fn logs(otlp: &Otlp, query: &[(String, String)]) -> Response {
    match wanted(query) {
        Ok(wanted) => answer::json(StatusCode::OK, json!({"logs": otlp.logs(&wanted)}).to_string()),
        Err(why) => plain(StatusCode::BAD_REQUEST, why),
    }
}

fn wanted(query: &[(String, String)]) -> Result<Wanted, String> {
    let mut wanted = Wanted { limit: RECORDS, ..Wanted::default() };
    for (name, value) in query {
        match name.as_str() {
            "trace" => wanted.trace = Some(id::from_address(value)?),
            "since" => {
                let wrong = |_| "invalid since: must be nanoseconds since 1970".to_owned();
                wanted.since = value.parse().map_err(wrong)?;
            }
            "limit" => {
                let limit = value.parse().ok().filter(|limit| (1..=MAX_RECORDS).contains(limit));
                wanted.limit = limit.ok_or_else(|| format!("invalid limit: must be from 1 to {MAX_RECORDS}"))?;
            }
            other => return Err(format!("there is no parameter {other}; there are trace, since and limit")),
        }
    }
    Ok(wanted)
}

/// A text, which is what Tempo says of errors.
pub fn plain(status: StatusCode, text: String) -> Response {
    let mut response = Response::new(text.into());
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    response
}
