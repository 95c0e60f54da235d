//! How each service says that it failed.

use axum::response::Response;
use http::StatusCode;
use serde_json::json;

use crate::{
    answer,
    llm::Refusal,
    mcp::rpc::{self, Failure},
};

/// The shape of a service's errors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Words {
    /// `{"error": text}`, of Redis and QStash.
    Upstash,
    /// Neon's, `{"message", "code"}`.
    Neon,
    OpenAi,
    Ably,
    /// JSON-RPC, of MCP.
    JsonRpc,
    /// google.rpc.Status, of OTLP.
    Status,
}

impl Words {
    /// Whether a refusal says something of the request's body, which has to be read for it.
    pub fn answer_bodies(self) -> bool {
        self == Self::JsonRpc
    }

    /// A refusal in the service's shape. `body` is the request's, as far as it was read.
    pub fn refuse(self, code: StatusCode, text: &str, body: &[u8]) -> Response {
        let status = code.as_u16();
        let body = match self {
            Self::Upstash => json!({ "error": text }),
            Self::Neon => json!({ "message": text, "code": null }),
            Self::OpenAi => return Refusal::staged(code, text, None).into_response(),
            Self::Ably => {
                let code = u32::from(status) * 100;
                json!({ "error": { "message": text, "code": code, "statusCode": status } })
            }
            Self::JsonRpc => Failure::new(status, -32000, text).to_json(&rpc::id_of(body)),
            Self::Status => {
                // UNAVAILABLE, RESOURCE_EXHAUSTED, INVALID_ARGUMENT.
                let code = match status {
                    429 => 8,
                    500.. => 14,
                    _ => 3,
                };
                json!({ "code": code, "message": text })
            }
        };
        answer::json(code, body.to_string())
    }
}
