//! What a receiver says of a request: taken, taken in part, or refused.

use axum::response::Response;
use http::StatusCode;
use serde_json::json;

use super::wire::Wire;

/// What of a request was not taken: `Export…ServiceResponse` of any signal, which have the same form.
#[derive(Clone, PartialEq, prost::Message)]
struct ExportResponse {
    #[prost(message, optional, tag = "1")]
    partial_success: Option<PartialSuccess>,
}

/// How much, and why.
#[derive(Clone, PartialEq, prost::Message)]
struct PartialSuccess {
    #[prost(int64, tag = "1")]
    rejected: i64,
    #[prost(string, tag = "2")]
    error_message: String,
}

/// `google.rpc.Status`, the body of an error.
#[derive(Clone, PartialEq, prost::Message)]
struct Status {
    #[prost(int32, tag = "1")]
    code: i32,
    #[prost(string, tag = "2")]
    message: String,
}

/// A request that is refused as a whole.
#[derive(Debug)]
pub struct Refusal {
    status: StatusCode,
    /// Of `google.rpc.Code`.
    code: i32,
    message: String,
}

impl Refusal {
    /// The request is wrong; to send it again is of no use.
    pub fn invalid(message: impl Into<String>) -> Self {
        Self { status: StatusCode::BAD_REQUEST, code: 3, message: message.into() }
    }

    /// The request is larger than is taken.
    pub fn too_large(most: usize) -> Self {
        let message = format!("the request is larger than {most} bytes");
        Self { status: StatusCode::PAYLOAD_TOO_LARGE, code: 8, message }
    }

    /// It could not be kept; it may be sent again.
    pub fn unavailable(message: impl Into<String>) -> Self {
        Self { status: StatusCode::SERVICE_UNAVAILABLE, code: 14, message: message.into() }
    }

    pub fn into_response(self, wire: Wire) -> Response {
        let Self { status, code, message } = self;
        let body = json!({"code": code, "message": message});
        wire.answer(status, &body, &Status { code, message })
    }
}

/// What was rejected of a request that was taken.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Rejected {
    pub number: usize,
    /// Of the first one.
    pub why: String,
}

impl Rejected {
    pub fn add(&mut self, number: usize, why: impl FnOnce() -> String) {
        if self.number == 0 {
            self.why = why();
        }
        self.number += number;
    }

    /// The answer; in JSON, the number has the name that the signal gives it.
    pub fn into_response(self, name: &str, wire: Wire) -> Response {
        if self.number == 0 {
            return wire.answer(StatusCode::OK, &json!({}), &ExportResponse::default());
        }
        let body = json!({"partialSuccess": {name: self.number.to_string(), "errorMessage": self.why}});
        let rejected = i64::try_from(self.number).unwrap_or(i64::MAX);
        let partial_success = Some(PartialSuccess { rejected, error_message: self.why });
        wire.answer(StatusCode::OK, &body, &ExportResponse { partial_success })
    }
}
