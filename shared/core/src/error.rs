//! What goes wrong, said once: a stable code for programs, a sentence for people, and whether trying
//! again can help. The cause that must not leave the house is kept apart from the public sentence.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::violation::Violation;

/// Stable names of errors. They are part of the API: a name is never reused for another meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Code {
    InvalidJson,
    InvalidRequest,
    InvalidId,
    InvalidPlan,
    InvalidParameters,
    UnknownTool,
    PlanTooLarge,
    OverBudget,
    KeyReused,
    BodyTooLarge,
    Unauthenticated,
    Forbidden,
    BadSignature,
    NotFound,
    MethodNotAllowed,
    Conflict,
    RateLimited,
    Unavailable,
    Internal,
}

impl Code {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::InvalidJson => "invalid_json",
            Self::InvalidRequest => "invalid_request",
            Self::InvalidId => "invalid_id",
            Self::InvalidPlan => "invalid_plan",
            Self::InvalidParameters => "invalid_parameters",
            Self::UnknownTool => "unknown_tool",
            Self::PlanTooLarge => "plan_too_large",
            Self::OverBudget => "over_budget",
            Self::KeyReused => "key_reused",
            Self::BodyTooLarge => "body_too_large",
            Self::Unauthenticated => "unauthenticated",
            Self::Forbidden => "forbidden",
            Self::BadSignature => "bad_signature",
            Self::NotFound => "not_found",
            Self::MethodNotAllowed => "method_not_allowed",
            Self::Conflict => "conflict",
            Self::RateLimited => "rate_limited",
            Self::Unavailable => "unavailable",
            Self::Internal => "internal",
        }
    }

    /// The HTTP status of this error at the edge.
    #[must_use]
    pub const fn status(self) -> u16 {
        match self {
            Self::InvalidJson | Self::InvalidRequest | Self::InvalidId => 400,
            Self::Unauthenticated | Self::BadSignature => 401,
            Self::Forbidden => 403,
            Self::NotFound => 404,
            Self::MethodNotAllowed => 405,
            Self::Conflict => 409,
            Self::BodyTooLarge => 413,
            Self::InvalidPlan
            | Self::InvalidParameters
            | Self::UnknownTool
            | Self::PlanTooLarge
            | Self::OverBudget
            | Self::KeyReused => 422,
            Self::RateLimited => 429,
            Self::Internal => 500,
            Self::Unavailable => 503,
        }
    }

    #[must_use]
    pub const fn retry(self) -> Retry {
        match self {
            Self::Unavailable | Self::Conflict | Self::RateLimited => Retry::After,
            Self::Internal => Retry::Unknown,
            Self::InvalidJson
            | Self::InvalidRequest
            | Self::InvalidId
            | Self::InvalidPlan
            | Self::InvalidParameters
            | Self::UnknownTool
            | Self::PlanTooLarge
            | Self::OverBudget
            | Self::KeyReused
            | Self::BodyTooLarge
            | Self::Unauthenticated
            | Self::Forbidden
            | Self::BadSignature
            | Self::NotFound
            | Self::MethodNotAllowed => Retry::Never,
        }
    }
}

/// Whether the same request can succeed later.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retry {
    Never,
    After,
    Unknown,
}

/// An error: its code, the sentence that anyone may read, and the cause that only the log sees.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    code: Code,
    message: String,
    cause: Option<String>,
    violations: Vec<Violation>,
}

impl Error {
    /// `message` is public: it says what is wrong and what to do next, and holds nothing secret.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), cause: None, violations: Vec::new() }
    }

    /// A plan that breaks rules. The first has the code and the sentence; `None` where there is none.
    #[must_use]
    pub fn broken(violations: Vec<Violation>) -> Option<Self> {
        let first = violations.first()?;
        let mut message = first.message.clone();
        if violations.len() > 1 {
            message.push_str(&format!(" In all {} things are wrong.", violations.len()));
        }
        Some(Self { code: first.rule.code(), message, cause: None, violations })
    }

    /// Adds what only the log may see.
    #[must_use]
    pub fn because(mut self, cause: impl fmt::Display) -> Self {
        self.cause = Some(cause.to_string());
        self
    }

    #[must_use]
    pub const fn code(&self) -> Code {
        self.code
    }

    /// The public sentence.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// The rules that a plan breaks, each with its step; empty for every other error.
    #[must_use]
    pub fn violations(&self) -> &[Violation] {
        &self.violations
    }

    /// The internal cause, for the log only.
    #[must_use]
    pub fn cause(&self) -> Option<&str> {
        self.cause.as_deref()
    }
}

impl From<Violation> for Error {
    fn from(violation: Violation) -> Self {
        let (code, message) = (violation.rule.code(), violation.message.clone());
        Self { code, message, cause: None, violations: vec![violation] }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code.as_str(), self.message)?;
        self.cause.as_ref().map_or(Ok(()), |cause| write!(f, " ({cause})"))
    }
}

impl std::error::Error for Error {}
