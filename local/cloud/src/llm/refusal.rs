//! Refusals, in OpenAI's shape: `{"error":{message,type,param,code}}`.

use axum::response::Response;
use http::{HeaderValue, StatusCode, header};
use serde_json::json;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    pub status: StatusCode,
    message: String,
    kind: &'static str,
    param: Option<String>,
    code: Option<&'static str>,
    /// Seconds.
    retry_after: Option<u64>,
}

impl Refusal {
    /// A request that is wrong in the field `param`.
    pub fn invalid(param: impl Into<Option<String>>, message: impl Into<String>) -> Self {
        Self {
            status: StatusCode::BAD_REQUEST,
            message: message.into(),
            kind: "invalid_request_error",
            param: param.into(),
            code: None,
            retry_after: None,
        }
    }

    /// A field that has to be there.
    pub fn missing(param: &str) -> Self {
        Self::invalid(param.to_owned(), format!("Missing required parameter: '{param}'."))
            .coded("missing_required_parameter")
    }

    /// A field whose type is wrong.
    pub fn mistyped(param: &str, wanted: &str) -> Self {
        Self::invalid(param.to_owned(), format!("Invalid type for '{param}': expected {wanted}.")).coded("invalid_type")
    }

    /// A field whose value is not one of those that are allowed.
    pub fn unsuitable(param: &str, message: impl Into<String>) -> Self {
        Self::invalid(param.to_owned(), message).coded("invalid_value")
    }

    pub fn key() -> Self {
        Self::invalid(None, "Incorrect API key provided.").coded("invalid_api_key").at(StatusCode::UNAUTHORIZED)
    }

    pub fn model(name: &str, why: &str) -> Self {
        Self::invalid("model".to_owned(), format!("The model '{name}' {why}."))
            .coded("model_not_found")
            .at(StatusCode::NOT_FOUND)
    }

    /// A failure that somebody asked for.
    pub fn staged(status: StatusCode, message: &str, retry_after: Option<u64>) -> Self {
        let (kind, code) = match status.as_u16() {
            401 => ("invalid_request_error", Some("invalid_api_key")),
            429 => ("rate_limit_error", Some("rate_limit_exceeded")),
            500.. => ("server_error", None),
            _ => ("invalid_request_error", None),
        };
        Self { status, message: message.to_owned(), kind, param: None, code, retry_after }
    }

    pub const fn coded(mut self, code: &'static str) -> Self {
        self.code = Some(code);
        self
    }

    pub const fn at(mut self, status: StatusCode) -> Self {
        self.status = status;
        self
    }

    pub fn into_response(self) -> Response {
        let Self { status, message, kind, param, code, retry_after } = self;
        let body = json!({"error": {"message": message, "type": kind, "param": param, "code": code}});
        let mut response = super::api::json(status, &body);
        if let Some(seconds) = retry_after {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}
