//! The model as its callers meet it, over HTTP but without a network.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod answers;
mod failures;
mod offline;

use axum::{Router, body::Body};
use futures_util::StreamExt as _;
use http::{Request, Response, StatusCode};
use makegood_cloud::{Model, llm::Options};
use serde_json::{Value, json};
use tower::ServiceExt as _;

fn model() -> Router {
    Model::new(Options::default()).router()
}

/// A request for a completion of one user message, with more fields.
fn ask(text: &str, more: Value) -> Value {
    let mut body = json!({"model": "test-model", "messages": [{"role": "user", "content": text}]});
    for (name, value) in more.as_object().unwrap() {
        body[name] = value.clone();
    }
    body
}

async fn send(model: &Router, method: &str, path: &str, body: String) -> Response<Body> {
    let request = Request::builder().method(method).uri(path).header("authorization", "Bearer test-key");
    model.clone().oneshot(request.body(Body::from(body)).unwrap()).await.unwrap()
}

/// What came of the body, and whether it ended well.
async fn text(response: Response<Body>) -> (String, bool) {
    let mut stream = response.into_body().into_data_stream();
    let mut whole = Vec::new();
    while let Some(part) = stream.next().await {
        match part {
            Ok(part) => whole.extend_from_slice(&part),
            Err(_) => return (String::from_utf8(whole).unwrap(), false),
        }
    }
    (String::from_utf8(whole).unwrap(), true)
}

async fn call(model: &Router, method: &str, path: &str, body: &Value) -> (StatusCode, Value) {
    let response = send(model, method, path, body.to_string()).await;
    assert!(response.headers().contains_key("x-request-id"));
    let status = response.status();
    (status, serde_json::from_str(&text(response).await.0).unwrap())
}

async fn complete(model: &Router, body: &Value) -> (StatusCode, Value) {
    call(model, "POST", "/v1/chat/completions", body).await
}

/// The first choice of a completion that succeeds.
async fn choice(model: &Router, body: &Value) -> Value {
    let (status, answer) = complete(model, body).await;
    assert_eq!(status, 200, "{answer}");
    answer["choices"][0].clone()
}
