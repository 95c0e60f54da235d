//! The Redis REST emulator, through its HTTP face only.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on has failed")]

mod breakers;
mod compare;
mod deliberate;
mod differential;
mod feeds;
mod limits;
mod random;
mod rates;
mod readers;
mod rest;
mod scripts;
mod server;
mod streams;

use axum::{Router, body::Body};
use http::{Request, StatusCode};
use serde_json::Value;
use tower::ServiceExt as _;

const TOKEN: &str = "secret";

/// Sends one request and reads the JSON answer.
async fn call(router: &Router, request: http::request::Builder, body: impl Into<Body>) -> (StatusCode, Value) {
    let request: Request<Body> = request.body(body.into()).unwrap();
    let response = router.clone().oneshot(request).await.unwrap();
    let status = response.status();
    let body = axum::body::to_bytes(response.into_body(), usize::MAX).await.unwrap();
    (status, serde_json::from_slice(&body).unwrap())
}

async fn post(router: &Router, path: &str, body: Value) -> (StatusCode, Value) {
    let request = Request::post(path).header("authorization", format!("Bearer {TOKEN}"));
    call(router, request, body.to_string()).await
}
