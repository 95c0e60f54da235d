//! `/console`: one page that shows what there is, by the calls that anybody can make. It needs no token to be
//! read, holds none, and asks its reader for it.

use axum::{body::Body, response::Response};
use http::{HeaderValue, header};

use crate::text::random_id;

const PAGE: &str = include_str!("console.html");

/// The page. Only its own script runs in it, and it speaks to nobody but us.
pub fn page() -> Response {
    let nonce = random_id("");
    let policy = format!(
        "default-src 'none'; script-src 'nonce-{nonce}'; style-src 'nonce-{nonce}'; connect-src 'self'; \
         base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    );
    let mut response = Response::new(Body::from(PAGE.replace("{{nonce}}", &nonce)));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    // Letters, digits and signs of ours make a header in any case.
    if let Ok(policy) = HeaderValue::from_str(&policy) {
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    response
}
