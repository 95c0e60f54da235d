//! The HTTP face: where telemetry comes in, and where it is read.

use axum::{
    Router,
    body::to_bytes,
    extract::{Request, State},
    response::Response,
};
use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode};
use serde_json::json;

use super::reply::Refusal;
use super::wire::{self, Wire};
use super::{Otlp, read};
use crate::{answer, percent};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Signal {
    Traces,
    Logs,
    Metrics,
}

pub fn router(otlp: Otlp) -> Router {
    Router::new().fallback(serve).with_state(otlp)
}

async fn serve(State(otlp): State<Otlp>, request: Request) -> Response {
    match request.uri().path() {
        "/v1/traces" => receive(otlp, Signal::Traces, request).await,
        "/v1/logs" => receive(otlp, Signal::Logs, request).await,
        "/v1/metrics" => receive(otlp, Signal::Metrics, request).await,
        _ if request.method() == Method::GET => {
            let (parts, _) = request.into_parts();
            let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
            let query = percent::query_pairs(parts.uri.query().unwrap_or_default());
            let query: Vec<_> = query.map(|(name, value)| (text(name), text(value))).collect();
            let path = parts.uri.path().to_owned();
            // To look through everything takes a while.
            blocking(move || look(&otlp, &path, &query, &parts.headers)).await
        }
        _ => read::plain(StatusCode::NOT_FOUND, "404 page not found".to_owned()),
    }
}

fn look(otlp: &Otlp, path: &str, query: &[(String, String)], headers: &HeaderMap) -> Response {
    let segments: Vec<&str> = path.trim_start_matches('/').split('/').collect();
    match segments.as_slice() {
        ["api", "traces", id] => read::trace(otlp, id, read::Form::First, headers),
        ["api", "v2", "traces", id] => read::trace(otlp, id, read::Form::Second, headers),
        ["api", "search"] => read::search(otlp, query),
        ["api", "search", "tags"] => read::tags(otlp),
        ["api", "v2", "search", "tags"] => read::tags_by_scope(otlp),
        ["api", "logs"] => read::logs(otlp, query),
        ["api", "echo"] => read::plain(StatusCode::OK, "echo".to_owned()),
        ["ready"] => read::plain(StatusCode::OK, "ready".to_owned()),
        ["v1", "_emulator", "counts"] => answer::json(StatusCode::OK, json!(otlp.counts()).to_string()),
        _ => read::plain(StatusCode::NOT_FOUND, "404 page not found".to_owned()),
    }
}

/// Takes what an exporter sends. The texts for a wrong method or type are the collector's.
async fn receive(otlp: Otlp, signal: Signal, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    if parts.method != Method::POST {
        let text = "405 method not allowed, supported: [POST]".to_owned();
        return read::plain(StatusCode::METHOD_NOT_ALLOWED, text);
    }
    let Some(wire) = Wire::of(&parts.headers) else {
        let text = "415 unsupported media type, supported: [application/json, application/x-protobuf]".to_owned();
        return read::plain(StatusCode::UNSUPPORTED_MEDIA_TYPE, text);
    };
    let Ok(body) = to_bytes(body, wire::MAX_REQUEST_BYTES).await else {
        return Refusal::too_large(wire::MAX_REQUEST_BYTES).into_response(wire);
    };
    blocking(move || {
        take(&otlp, signal, wire, &parts.headers, body).unwrap_or_else(|refusal| refusal.into_response(wire))
    })
    .await
}

fn take(otlp: &Otlp, signal: Signal, wire: Wire, headers: &HeaderMap, body: Bytes) -> Result<Response, Refusal> {
    let body = wire::decompress(headers, body)?;
    let (rejected, name) = match signal {
        Signal::Traces => (otlp.take_spans(wire.read(&body)?)?, "rejectedSpans"),
        Signal::Logs => (otlp.take_records(wire.read(&body)?)?, "rejectedLogRecords"),
        Signal::Metrics => (otlp.take_metrics(&wire.read(&body)?), "rejectedDataPoints"),
    };
    Ok(rejected.into_response(name, wire))
}

/// Away from the threads that serve others.
async fn blocking(work: impl FnOnce() -> Response + Send + 'static) -> Response {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|error| {
        tracing::error!("a request was not finished: {error}");
        read::plain(StatusCode::INTERNAL_SERVER_ERROR, "internal error".to_owned())
    })
}
