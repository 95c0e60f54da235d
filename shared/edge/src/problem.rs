//! Errors at the HTTP edge: problem details (RFC 9457). The public sentence goes out, the cause goes
//! to the log.

use http::HeaderValue;
use http::header::{CONTENT_TYPE, RETRY_AFTER};
use makegood_core::error::{Code, Error, Retry};
use serde_json::json;

use crate::host::{Host, Level, Reply, json};

/// Turns an error into its answer, and logs what the answer does not say.
pub fn problem<H: Host>(host: &H, error: &Error) -> Reply {
    let status = error.code().status();
    if let Some(cause) = error.cause() {
        let level = if status >= 500 { Level::Error } else { Level::Info };
        host.log(level, &format!("{}: {cause}", error.code().as_str()));
    }
    let mut body = json!({
        "type": "about:blank",
        "title": title(error.code()),
        "status": status,
        "code": error.code().as_str(),
        "detail": error.message(),
    });
    if !error.violations().is_empty() {
        body["violations"] = json!(error.violations());
    }
    let mut reply = json(status, &body);
    reply.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
    if error.code().retry() == Retry::After {
        reply.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("1"));
    }
    reply
}

/// What a code says in a few words.
#[must_use]
pub const fn title(code: Code) -> &'static str {
    match code {
        Code::InvalidJson => "The body is not JSON",
        Code::InvalidRequest => "The request is not valid",
        Code::InvalidId => "That is not an id",
        Code::InvalidPlan => "The plan is not valid",
        Code::InvalidParameters => "A parameter is not valid",
        Code::UnknownTool => "There is no such tool",
        Code::PlanTooLarge => "The plan is too large",
        Code::OverBudget => "The budget is too small",
        Code::KeyReused => "The key is taken",
        Code::BodyTooLarge => "The body is too large",
        Code::Unauthenticated => "Who are you?",
        Code::Forbidden => "Not allowed",
        Code::BadSignature => "The signature is not valid",
        Code::NotFound => "There is nothing here",
        Code::MethodNotAllowed => "This address has other methods",
        Code::Conflict => "Something else was first",
        Code::RateLimited => "Too many requests",
        Code::Unavailable => "Not now",
        Code::Internal => "A fault of ours",
    }
}
