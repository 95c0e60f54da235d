//! Errors, in Ably's shape and with its codes.

use http::StatusCode;
use rmpv::Value;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    pub status: StatusCode,
    pub code: u32,
    pub message: String,
}

impl Fault {
    pub fn new(status: StatusCode, code: u32, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into() }
    }

    pub fn bad(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, 40000, message)
    }

    pub fn parameter(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, 40003, message)
    }

    pub fn channel_name(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, 40010, message)
    }

    pub fn client_id(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, 40012, message)
    }

    pub fn data(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, 40013, message)
    }

    pub fn message_id(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, 40031, message)
    }

    pub fn unauthorised(code: u32, message: impl Into<String>) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, code, message)
    }

    pub fn token_format(message: impl Into<String>) -> Self {
        Self::unauthorised(40144, message)
    }

    pub fn expired() -> Self {
        Self::unauthorised(40142, "token expired")
    }

    pub fn not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, 40400, "could not find path")
    }

    /// `{message, code, statusCode, href}`.
    pub fn body(&self) -> Value {
        Value::Map(vec![
            ("message".into(), self.message.as_str().into()),
            ("code".into(), self.code.into()),
            ("statusCode".into(), self.status.as_u16().into()),
            ("href".into(), format!("https://help.ably.io/error/{}", self.code).into()),
        ])
    }
}
