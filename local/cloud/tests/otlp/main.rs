//! The receiver as exporters and readers meet it, over HTTP but without a network.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod encodings;
mod errors;
mod keeping;
mod reading;

use axum::{Router, body::Body, body::to_bytes};
use bytes::Bytes;
use http::{Request, StatusCode};
use makegood_cloud::{
    Otlp,
    otlp::{Options, ResourceSpans, ScopeSpans, Span, TracesData},
};
use serde_json::{Value, json};
use tower::ServiceExt as _;

const JSON: &str = "application/json";
const PROTOBUF: &str = "application/x-protobuf";
const TRACE: &str = "5b8efff798038103d269b633813fc60c";

fn receiver() -> Router {
    Otlp::open(Options::default()).unwrap().router()
}

/// An answer, taken in whole.
struct Answer {
    status: StatusCode,
    media: String,
    body: Bytes,
}

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

async fn call(router: &Router, method: &str, path: &str, headers: &[(&str, &str)], body: impl Into<Body>) -> Answer {
    let mut request = Request::builder().method(method).uri(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let response = router.clone().oneshot(request.body(body.into()).unwrap()).await.unwrap();
    let status = response.status();
    let media = response.headers().get("content-type").map(|value| value.to_str().unwrap().to_owned());
    let body = to_bytes(response.into_body(), usize::MAX).await.unwrap();
    Answer { status, media: media.unwrap_or_default(), body }
}

async fn post(router: &Router, path: &str, media: &str, body: impl Into<Body>) -> Answer {
    call(router, "POST", path, &[("content-type", media)], body).await
}

async fn get(router: &Router, path: &str) -> Answer {
    call(router, "GET", path, &[], "").await
}

/// A request in JSON with these spans of a service.
fn request(service: &str, spans: Value) -> String {
    let attributes = json!([{"key": "service.name", "value": {"stringValue": service}}]);
    json!({"resourceSpans": [{
        "resource": {"attributes": attributes},
        "scopeSpans": [{"scope": {"name": "tests", "version": "1"}, "spans": spans}],
    }]})
    .to_string()
}

/// A span of a second, which began so many seconds after 1970.
fn span(trace: &str, id: &str, name: &str, start: u64) -> Value {
    json!({
        "traceId": trace, "spanId": id, "name": name, "kind": 2,
        "startTimeUnixNano": (start * 1_000_000_000).to_string(),
        "endTimeUnixNano": ((start + 1) * 1_000_000_000).to_string(),
    })
}

/// The same in protobuf.
fn message(trace_id: &[u8], span_id: &[u8], name: &str) -> TracesData {
    let span =
        Span { trace_id: trace_id.to_vec(), span_id: span_id.to_vec(), name: name.to_owned(), ..Span::default() };
    let scope_spans = vec![ScopeSpans { spans: vec![span], ..ScopeSpans::default() }];
    TracesData { resource_spans: vec![ResourceSpans { scope_spans, ..ResourceSpans::default() }] }
}

async fn accept(router: &Router, body: String) {
    let answer = post(router, "/v1/traces", JSON, body).await;
    assert_eq!((answer.status, answer.text().as_str()), (StatusCode::OK, "{}"));
}
