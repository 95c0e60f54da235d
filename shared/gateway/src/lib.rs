//! How outside services are spoken to: pure codecs between the engine's words and HTTP messages.
//!
//! One module per service. Nothing here sends anything: each codec makes an [`http::Request`] and
//! reads an [`http::Response`], so that the same code serves Wasm functions, native programs and the
//! simulator.

#![forbid(unsafe_code)]

pub mod ably;
pub mod alerts;
pub mod api_keys;
pub mod audit;
mod baggage;
pub mod breakers;
pub mod console;
pub mod conversations;
pub mod deliveries;
pub mod form;
mod headers;
pub mod jwks;
pub mod jwt;
pub mod limits;
pub mod links;
pub mod mcp;
pub mod measures;
pub mod model;
pub mod model_stream;
pub mod model_use;
pub mod neon;
pub mod otlp;
pub mod pins;
pub mod qstash;
pub mod quoting;
pub mod rate;
pub mod redis;
pub mod schedules;
pub mod store;
pub mod subscriptions;
pub mod tempo;
pub mod tool;
pub mod traces;
pub mod turns;
pub mod views;
pub mod webhook;

use std::fmt::Write as _;

use bytes::Bytes;
use http::{HeaderName, HeaderValue};

/// A request with its whole body.
pub type Request = http::Request<Bytes>;
/// A response with its whole body.
pub type Response = http::Response<Bytes>;

/// Why a message could not be made or read. The text may hold internals: it is for the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Malformed(pub String);

impl std::fmt::Display for Malformed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Malformed {}

/// A POST with a JSON body.
fn post(url: &str, headers: &[(&str, &str)], body: Vec<u8>) -> Result<Request, Malformed> {
    request(http::Method::POST, url, headers, body)
}

fn request(method: http::Method, url: &str, headers: &[(&str, &str)], body: Vec<u8>) -> Result<Request, Malformed> {
    fn wrong(url: &str, error: impl std::fmt::Display) -> Malformed {
        Malformed(format!("{}: {error}", place(url)))
    }
    // Not by the builder, which moves the whole request with every header.
    let mut request = Request::new(Bytes::from(body));
    *request.method_mut() = method;
    *request.uri_mut() = url.parse().map_err(|error: http::uri::InvalidUri| wrong(url, error))?;
    if !request.body().is_empty() {
        request.headers_mut().insert(http::header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    }
    for (name, value) in headers {
        let name = HeaderName::from_bytes(name.as_bytes()).map_err(|error| wrong(url, error))?;
        let value = HeaderValue::from_str(value).map_err(|error| wrong(url, error))?;
        request.headers_mut().append(name, value);
    }
    Ok(request)
}

/// What of an address may stand in the log: no path and no user, for in both may be a secret.
fn place(url: &str) -> &str {
    let (_, rest) = url.split_once("://").unwrap_or(("", url));
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    authority.rsplit('@').next().unwrap_or_default()
}

/// Bytes as text: two digits each.
#[must_use]
pub fn hexadecimal(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        // Writing to memory does not fail.
        _ = write!(text, "{byte:02x}");
    }
    text
}

/// The start of a body, for a log line.
fn excerpt(body: &[u8]) -> String {
    String::from_utf8_lossy(body).chars().take(300).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_of_an_address_that_is_none_keeps_its_secrets() {
        let error =
            post("https://ada:hush@queue.test/v2/publish/https://a.test/hook hush", &[], Vec::new()).unwrap_err();
        assert!(error.0.starts_with("queue.test: ") && !error.0.contains("hush"), "{error}");
        let error = post("https://queue.test/hush", &[("x", "line\nend")], Vec::new()).unwrap_err();
        assert!(error.0.starts_with("queue.test: ") && !error.0.contains("hush"), "{error}");
    }
}
