//! Pages of other sites (the CORS protocol, WHATWG Fetch, section 3.3): those whose origins the operator named in
//! `cors_origins` may read our answers, and no others. Who asks is said by the bearer token, never by a cookie, so that
//! credentials are never allowed; and `*` names nobody.

use http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_METHOD, CONTENT_TYPE, ORIGIN, VARY,
};
use http::{HeaderMap, HeaderValue, Method};

use crate::host::{Host, Reply, Request, reply};

/// What the functions have anywhere.
const METHODS: &str = "GET, POST, PUT, DELETE";
/// What a client of ours may send beyond what every page may.
const SENT: &str = "accept, authorization, content-type, idempotency-key, last-event-id, mcp-method, mcp-name, \
                    mcp-protocol-version, traceparent, x-api-key";
/// What a page may read beyond what every page may.
const READ: &str = "allow, location, ratelimit, ratelimit-policy, retry-after, www-authenticate";
/// How long a browser need not ask again, in seconds.
const REMEMBERED: &str = "600";

/// Whether an origin is one of those in a list with commas between.
#[must_use]
pub fn allows(origins: &str, origin: &str) -> bool {
    origins.split(',').map(str::trim).any(|known| known == origin && known.contains("://"))
}

/// What is to be said to the page that a request comes from.
#[derive(Debug)]
pub struct Cors {
    /// There are pages that may read answers, so answers differ by who asks.
    varies: bool,
    /// The page's origin, where it may.
    origin: Option<HeaderValue>,
    preflight: bool,
}

impl Cors {
    pub fn of<H: Host>(request: &Request, host: &H) -> Self {
        let origins = host.config("cors_origins").unwrap_or_default();
        let headers = request.headers();
        let known = |origin: &&HeaderValue| origin.to_str().is_ok_and(|origin| allows(&origins, origin));
        let origin = headers.get(ORIGIN).filter(known).cloned();
        let asks = request.method() == Method::OPTIONS && headers.contains_key(ACCESS_CONTROL_REQUEST_METHOD);
        Self { varies: !origins.is_empty(), preflight: asks && origin.is_some(), origin }
    }

    /// The answer to a browser that asks before it sends what its page wants.
    #[must_use]
    pub fn preflight(&self) -> Option<Reply> {
        if !self.preflight {
            return None;
        }
        let mut reply = reply(204, "text/plain", Vec::new());
        let headers = reply.headers_mut();
        headers.remove(CONTENT_TYPE);
        headers.insert(ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static(METHODS));
        headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, HeaderValue::from_static(SENT));
        headers.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static(REMEMBERED));
        Some(reply)
    }

    /// Says in an answer who may read it.
    pub fn dress(self, headers: &mut HeaderMap) {
        if self.varies {
            headers.append(VARY, HeaderValue::from_static("origin"));
        }
        if let Some(origin) = self.origin {
            headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
            headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static(READ));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_allowed_by_its_whole_name_only() {
        let origins = "https://app.example, http://localhost:5173";
        assert!(allows(origins, "https://app.example") && allows(origins, "http://localhost:5173"));
        for foreign in ["https://app.example.evil", "http://app.example", "https://app.example:444", "null", "", "*"] {
            assert!(!allows(origins, foreign), "{foreign}");
        }
        assert!(!allows("", "") && !allows("*", "https://app.example") && !allows("*", "*") && !allows("null", "null"));
    }
}
