//! Ably as its callers meet it, over HTTP but without a network.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod publishing;
mod streams;
mod tokens;

use axum::{Router, body::Body};
use futures_util::StreamExt as _;
use http::{Request, Response};
use makegood_cloud::{Ably, ably::Options};
use serde_json::Value;
use tower::ServiceExt as _;

/// `appid.keyid:secret`.
const KEY: &str = "Basic YXBwaWQua2V5aWQ6c2VjcmV0";

fn ably() -> Router {
    Ably::new(Options::default()).router()
}

async fn send(ably: &Router, method: &str, path: &str, headers: &[(&str, &str)], body: String) -> Response<Body> {
    let mut request = Request::builder().method(method).uri(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    ably.clone().oneshot(request.body(Body::from(body)).unwrap()).await.unwrap()
}

/// With the key.
async fn call(ably: &Router, method: &str, path: &str, body: &Value) -> (u16, Value) {
    json(send(ably, method, path, &[("authorization", KEY)], body.to_string()).await).await
}

async fn json(response: Response<Body>) -> (u16, Value) {
    let status = response.status().as_u16();
    let bytes = axum::body::to_bytes(response.into_body(), usize::MAX).await.unwrap();
    (status, serde_json::from_slice(&bytes).unwrap())
}

/// Reads a stream until it says `until`, or ends.
async fn read_until(response: Response<Body>, until: &str) -> String {
    let mut stream = response.into_body().into_data_stream();
    let mut whole = String::new();
    while !whole.contains(until)
        && let Some(part) = stream.next().await
    {
        whole.push_str(std::str::from_utf8(&part.unwrap()).unwrap());
    }
    whole
}
