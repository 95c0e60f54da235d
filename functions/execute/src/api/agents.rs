//! `/mcp`: JSON-RPC, whose schema is the protocol's own; here is its frame.

#![expect(dead_code, reason = "these types say what answers look like, and are never made")]

use makegood_edge::core::error::Code;
use makegood_edge::describe::{Operation as Says, Parameter, Place, Tag, shape};
use makegood_edge::schemars::JsonSchema;
use makegood_edge::serde_json::{Map, Value, json};

/// A message of JSON-RPC 2.0; without an `id` it is a notification.
#[derive(JsonSchema)]
#[schemars(crate = "makegood_edge::schemars", rename = "RpcRequest")]
struct Request {
    jsonrpc: Version,
    #[schemars(skip_serializing_if = "Option::is_none")]
    id: Option<Id>,
    method: String,
    #[schemars(skip_serializing_if = "Option::is_none")]
    params: Option<Map<String, Value>>,
}

#[derive(JsonSchema)]
#[schemars(crate = "makegood_edge::schemars", rename = "RpcVersion")]
enum Version {
    #[schemars(rename = "2.0")]
    Two,
}

#[derive(JsonSchema)]
#[schemars(crate = "makegood_edge::schemars", untagged, rename = "RpcId")]
enum Id {
    Text(String),
    Number(i64),
}

/// A result, or an error of the protocol.
#[derive(JsonSchema)]
#[schemars(crate = "makegood_edge::schemars", rename = "RpcAnswer")]
struct Answer {
    jsonrpc: Version,
    /// `null` where the message could not be read.
    id: Option<Id>,
    #[schemars(skip_serializing_if = "Option::is_none")]
    result: Option<Map<String, Value>>,
    #[schemars(skip_serializing_if = "Option::is_none")]
    error: Option<Failure>,
}

#[derive(JsonSchema)]
#[schemars(crate = "makegood_edge::schemars", rename = "RpcError")]
struct Failure {
    code: i64,
    message: String,
    #[schemars(skip_serializing_if = "Option::is_none")]
    data: Option<Value>,
}

fn header(name: &'static str, required: bool, meaning: &'static str, schema: Value, example: Value) -> Parameter {
    Parameter { name, place: Place::Header, required, meaning, schema, example }
}

pub(super) fn mcp() -> Says {
    let text = json!({"type": "string"});
    let failed = |status, meaning| (status, meaning, vec![("application/json", shape::<Answer>())]);
    let mut says = Says::new("mcp", Tag::Agents, "One message of the Model Context Protocol, over Streamable HTTP")
        .means("2026-07-28 and the versions up to 2025-11-25, without sessions. docs/MCP.md has the tools.")
        .parameter(header("MCP-Protocol-Version", false, "As the message has it.", text.clone(), json!("2025-11-25")))
        .parameter(header(
            "Mcp-Method",
            false,
            "From 2026-07-28 on: as the message has it.",
            text.clone(),
            json!("tools/list"),
        ))
        .parameter(header("Mcp-Name", false, "From 2026-07-28 on: the tool that is called.", text, json!("start_plan")))
        .takes::<Request>(vec![
            ("list", json!({"jsonrpc": "2.0", "id": 1, "method": "tools/list"})),
            ("ping", json!({"jsonrpc": "2.0", "id": "a", "method": "ping"})),
        ])
        .answers::<Answer>(200, "The result, or what is wrong with the request.")
        .answers_as(202, "A notification: there is nothing to answer.", vec![]);
    for (status, meaning, content) in [
        failed(400, "The message is none, or its headers say something else."),
        failed(404, "From 2026-07-28 on: there is no such method."),
        failed(405, "Messages are posted."),
        failed(406, "Accept both `application/json` and `text/event-stream`."),
        failed(413, "The body is too large."),
        failed(415, "Send `application/json`."),
    ] {
        says = says.answers_as(status, meaning, content);
    }
    says
}

/// Takes out what is refused in JSON-RPC.
pub(super) fn in_its_words(says: &mut Says) {
    let ours = [Code::Unauthenticated, Code::Forbidden, Code::Internal, Code::Unavailable];
    says.refusals.retain(|code| ours.contains(code));
}
