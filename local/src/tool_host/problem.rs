//! Every answer that is not the one hoped for: problem details (RFC 9457) with a stable `code`, as docs/TOOLS.md has
//! them. What a tool says for the log is not in them.

use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};

use super::sandbox::Broken;
use crate::serve::problem;

/// Of what a tool says in a refusal, so many characters are passed on.
const LONGEST: usize = 500;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Problem {
    status: StatusCode,
    pub(super) code: String,
    pub(super) detail: String,
    /// Seconds.
    retry_after: Option<u64>,
}

impl Problem {
    pub(super) fn new(status: StatusCode, code: &str, detail: impl Into<String>) -> Self {
        Self { status, code: code.to_owned(), detail: detail.into(), retry_after: None }
    }

    /// A definite no. Its status is none to which a code gives another meaning.
    pub(super) fn refused(code: &str, detail: &str) -> Self {
        let short = |text: &str| text.replace('\0', "\u{fffd}").chars().take(LONGEST).collect::<String>();
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, &short(code), short(detail))
    }

    pub(super) fn bad_request(code: &str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code, detail)
    }

    /// No effect; to be tried again after so many milliseconds.
    pub(super) fn busy(after: Option<u64>) -> Self {
        let retry_after = after.map_or(1, |after| after.div_ceil(1_000));
        let problem = Self::new(
            StatusCode::TOO_MANY_REQUESTS,
            "busy",
            "Nothing was done. Try again after the time in Retry-After.",
        );
        Self { retry_after: Some(retry_after), ..problem }
    }

    pub(super) fn in_progress() -> Self {
        let problem = Self::new(
            StatusCode::CONFLICT,
            "in_progress",
            "This key is being worked on. Ask status, or repeat the call later.",
        );
        Self { retry_after: Some(1), ..problem }
    }

    /// Another do than the first under this key.
    pub(super) fn key_reused() -> Self {
        Self::refused("key_reused", "This key was used with other parameters. Nothing was changed; use a new key.")
    }

    pub(super) fn undone() -> Self {
        Self::new(StatusCode::GONE, "undone", "This key was undone, so it is not done any more. Use a new key.")
    }

    /// It may have acted. Why it cannot say so is in the log.
    pub(super) fn unknown() -> Self {
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "unknown",
            "The tool cannot say whether it acted. Ask status, or repeat the call.",
        )
    }

    /// It answered with something that its definition does not allow.
    pub(super) fn bad_answer() -> Self {
        Self::new(
            StatusCode::BAD_GATEWAY,
            "bad_answer",
            "The tool answered what its definition does not allow; the log says what. Whoever made it must mend it.",
        )
    }

    /// Its code is not what was added.
    pub(super) fn changed() -> Self {
        Self::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "tool_changed",
            "The tool's code is not what was added; the log says how. Add it again with `makegood tools add`.",
        )
    }

    pub(super) fn internal() -> Self {
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "internal",
            "The host of the tools failed, and cannot say whether the tool acted. Ask status, or repeat the call.",
        )
    }
}

impl From<&Broken> for Problem {
    fn from(broken: &Broken) -> Self {
        let (code, what) = match broken {
            Broken::Busy => return Self::busy(None),
            Broken::TookTooLong(_) => ("tool_time", "worked for longer than it may"),
            Broken::OutOfMemory(_) => ("tool_memory", "wanted more memory than it may have"),
            Broken::Trapped(_) => ("tool_trapped", "trapped"),
        };
        let detail = format!("The tool {what}, and was ended. Whoever made it must mend it; the log says more.");
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, code, detail)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = problem(self.status.as_u16(), &self.code, &self.detail);
        if let Some(seconds) = self.retry_after {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}
