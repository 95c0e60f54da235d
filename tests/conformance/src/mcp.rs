//! The way to tools of MCP servers: the kit speaks HTTP as to any tool, and what it says becomes a call of the
//! protocol, made by the engine's own client.
//!
//! A call without a key never leaves: there, a key is ours to send, and we always send one.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use makegood_core::saga::{Answer, Call, Op, Outcome};
use makegood_core::time::Millis;
use makegood_core::tool::Mcp;
use makegood_edge::mcp::{NO_ANSWER, perform};
use makegood_edge::native::Native;
use makegood_gateway::{Request, Response};
use serde_json::{Map, Value, json};

use crate::transport::{Broken, Transport};

/// Servers, and the tools there that may be called.
#[derive(Clone, Debug)]
pub struct Servers {
    host: Native,
    /// As the variable `mcp_servers` has them.
    configured: String,
    tools: BTreeMap<String, Mcp>,
}

impl Servers {
    /// `tools` are their places by our names for them.
    #[must_use]
    pub fn new(configured: String, tools: BTreeMap<String, Mcp>) -> Self {
        Self { host: Native::new(BTreeMap::new()), configured, tools }
    }

    async fn call(&self, request: Request, timeout: Duration) -> Result<Response, Broken> {
        let path = request.uri().path().to_owned();
        let mut parts = path.rsplit('/');
        let op = match parts.next() {
            Some("do") => Op::Do,
            Some("undo") => Op::Undo,
            Some("status") => Op::Status,
            _ => return Ok(answered(404, &json!({}))),
        };
        let name = parts.next().unwrap_or_default();
        let Some(mcp) = self.tools.get(name) else {
            return Ok(refused("unknown_tool", "it is no tool of an MCP server"));
        };
        let key = request.headers().get("idempotency-key").and_then(|key| key.to_str().ok());
        let Some(key) = key.filter(|key| !key.is_empty()) else {
            return Ok(refused("no_key", "every call that we make has a key"));
        };
        let body = match (op, serde_json::from_slice(request.body())) {
            (Op::Status, _) => Map::new(),
            (Op::Do | Op::Undo, Ok(Value::Object(body))) => body,
            (Op::Do | Op::Undo, _) => return Ok(refused("no_arguments", "the parameters are no object")),
        };
        let field = |name: &str| body.get(name).cloned().unwrap_or_default();
        let (params, output) = match op {
            Op::Do | Op::Status => (body, None),
            Op::Undo => {
                let params = field("params").as_object().cloned().unwrap_or_default();
                (params, Some(field("output")).filter(|output| !output.is_null()))
            }
        };
        let call = Call {
            node: 0,
            op,
            round: 0,
            attempt: 1,
            tool: name.to_owned(),
            key: key.to_owned(),
            params,
            output,
            timeout: Millis(u64::try_from(timeout.as_millis()).unwrap_or(u64::MAX)),
            trace: String::new(),
            fingerprint: 0,
            limits: Vec::new(),
            rate: None,
            secrets: Map::new(),
            hosts: Vec::new(),
            mcp: None,
        };
        match perform(&self.host, &self.configured, mcp, &call).await {
            Outcome::Ok(answer) => Ok(said(answer)),
            Outcome::Refused(refusal) if refusal.code == "nothing_to_undo" => {
                Ok(answered(404, &json!({ "code": refusal.code, "detail": refusal.detail })))
            }
            Outcome::Refused(refusal) => Ok(refused(&refusal.code, &refusal.detail)),
            Outcome::Later { code, reason, .. } if code == "not_sent" => Err(Broken::NotSent(reason)),
            Outcome::Later { code, reason, .. } => Ok(answered(429, &json!({ "code": code, "detail": reason }))),
            Outcome::Unknown { code, .. } if code == NO_ANSWER => Err(Broken::TimedOut),
            Outcome::Unknown { code, reason } => Ok(answered(503, &json!({ "code": code, "detail": reason }))),
        }
    }
}

impl Transport for Servers {
    async fn exchange(&self, request: Request, timeout: Duration) -> Result<Response, Broken> {
        self.call(request, timeout).await
    }
}

fn said(answer: Answer) -> Response {
    match answer {
        Answer::Output(output) => answered(200, &output),
        Answer::Undone { found } => answered(200, &json!({ "undone": found })),
        Answer::WasDone(output) => answered(200, &json!({ "state": "done", "output": output })),
        Answer::WasRefused(refusal) => {
            answered(200, &json!({ "state": "refused", "code": refusal.code, "detail": refusal.detail }))
        }
        Answer::WasUndone => answered(200, &json!({ "state": "undone" })),
        Answer::InProgress { .. } => answered(409, &json!({ "code": "in_progress" })),
        Answer::NeverSeen => answered(200, &json!({ "state": "none" })),
    }
}

fn refused(code: &str, detail: &str) -> Response {
    answered(422, &json!({ "code": code, "detail": detail }))
}

fn answered(status: u16, body: &Value) -> Response {
    let mut response = Response::new(Bytes::from(body.to_string()));
    *response.status_mut() = http::StatusCode::from_u16(status).unwrap_or_default();
    response
}
