//! How the emulators answer over HTTP.

use axum::{body::Body, response::Response};
use http::{HeaderValue, StatusCode, header};

/// A body that is JSON.
pub fn json(status: StatusCode, body: impl Into<Body>) -> Response {
    let mut response = Response::new(body.into());
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}
