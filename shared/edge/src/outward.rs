//! What every answer says to browsers, whichever function gives it: how it may be used, and by whom. What a function
//! says itself about these things stands.
//!
//! HSTS is said where users reach us over https only: a browser takes it from nowhere else (RFC 6797, section 8.1).

use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, REFERRER_POLICY, STRICT_TRANSPORT_SECURITY, X_CONTENT_TYPE_OPTIONS,
};
use http::{HeaderMap, HeaderName, HeaderValue};

use crate::cors::Cors;
use crate::host::{Host, Reply, Request};
use crate::logs;

/// Of an answer that is no page: nothing in it is to be run, and it stands in no other page.
const POLICY: &str = "default-src 'none'; frame-ancestors 'none'";
/// A year.
const HTTPS_ONLY: &str = "max-age=31536000";

/// What is said if the function says nothing else: no guessing, no address of ours to others, no copy kept, no
/// embedding by other sites.
const ALWAYS: [(HeaderName, &str); 5] = [
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (REFERRER_POLICY, "no-referrer"),
    (CACHE_CONTROL, "no-store"),
    (CONTENT_SECURITY_POLICY, POLICY),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
];

/// Serves one request with `handle`.
pub async fn answer<H: Host, F: Future<Output = Reply>>(
    request: Request,
    host: H,
    handle: impl FnOnce(Request, H) -> F,
) -> Reply {
    logs::begin(&host, &request);
    let cors = Cors::of(&request, &host);
    let https = host.config("public_url").is_some_and(|url| url.starts_with("https://"));
    let mut reply = match cors.preflight() {
        Some(reply) => reply,
        None => handle(request, host).await,
    };
    let headers = reply.headers_mut();
    dress(headers, https);
    cors.dress(headers);
    reply
}

fn dress(headers: &mut HeaderMap, https: bool) {
    for (name, value) in ALWAYS {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
    if https {
        headers.insert(STRICT_TRANSPORT_SECURITY, HeaderValue::from_static(HTTPS_ONLY));
    }
}
