//! Every answer that is not the one hoped for: problem details (RFC 9457) with a stable `code`.

use std::time::Duration;

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use makegood_core::saga::Refusal;
use serde_json::json;

/// A refusal, or an answer that only the protocol has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Problem {
    status: StatusCode,
    code: String,
    detail: String,
    after: Option<Duration>,
}

impl Problem {
    pub(crate) fn new(status: StatusCode, code: &str, detail: impl Into<String>) -> Self {
        Self { status, code: code.to_owned(), detail: detail.into(), after: None }
    }

    pub(crate) fn bad_request(code: &str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code, detail)
    }

    /// Another call is at work on the key.
    pub(crate) fn in_progress() -> Self {
        Self::new(StatusCode::CONFLICT, "in_progress", "This key is being worked on. Ask status, or repeat the call.")
    }

    /// Nothing was done.
    pub(crate) fn later(after: Duration) -> Self {
        let detail = "Nothing was done. Try again after the time in Retry-After.";
        Self { after: Some(after), ..Self::new(StatusCode::TOO_MANY_REQUESTS, "busy", detail) }
    }

    /// It may have happened. The cause is for the log.
    pub(crate) fn unknown() -> Self {
        let detail = "The tool failed, and cannot say whether it acted. Ask status, or repeat the call.";
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", detail)
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        // Whatever the tool's code is, this status is a definite no.
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, &refusal.code, refusal.detail)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let body = json!({
            "type": "about:blank",
            "title": self.status.canonical_reason().unwrap_or("Problem"),
            "status": self.status.as_u16(),
            "code": self.code,
            "detail": self.detail,
        });
        let mut response = (self.status, Json(body)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if let Some(after) = self.after {
            // Whole seconds, and never none: the header knows no less.
            let seconds = after.as_millis().div_ceil(1_000).max(1);
            if let Ok(seconds) = HeaderValue::from_str(&seconds.to_string()) {
                headers.insert(header::RETRY_AFTER, seconds);
            }
        }
        response
    }
}
