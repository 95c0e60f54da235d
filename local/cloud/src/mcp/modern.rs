//! The era of 2026-07-28: every request stands for itself, and says in headers too what it is.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::HeaderMap;
use serde_json::{Map, Value, json};

use super::{Mcp, rpc::Failure, rpc::Message, server_info};

pub const VERSION: &str = "2026-07-28";

pub const META_VERSION: &str = "io.modelcontextprotocol/protocolVersion";
const META_CAPABILITIES: &str = "io.modelcontextprotocol/clientCapabilities";
const META_SERVER: &str = "io.modelcontextprotocol/serverInfo";

/// So long may a client keep a list, in milliseconds.
const TTL: u64 = 60_000;

/// Answers a request.
///
/// # Errors
/// With the status and code that the specification gives each.
pub async fn answer(mcp: &Mcp, headers: &HeaderMap, message: &Message) -> Result<Map<String, Value>, Failure> {
    admit(headers, message)?;
    if message.meta(META_CAPABILITIES).is_none_or(|given| !given.is_object()) {
        return Err(Failure::new(400, -32602, &format!("`_meta` lacks `{META_CAPABILITIES}`")));
    }
    let (mut result, listed) = match message.method.as_str() {
        "server/discover" => (discover(), true),
        "tools/list" => (mcp.list(&message.params)?, true),
        "tools/call" => (mcp.call(&message.params).await?, false),
        _ => return Err(Failure::new(404, -32601, &format!("Method not found: {}", message.method))),
    };
    if listed {
        result.insert("ttlMs".to_owned(), TTL.into());
        result.insert("cacheScope".to_owned(), "public".into());
    }
    result.insert("resultType".to_owned(), "complete".into());
    result.insert("_meta".to_owned(), json!({ META_SERVER: server_info() }));
    Ok(result)
}

/// Whether a message is of this era, and its headers say what it says.
///
/// # Errors
/// With the code for what is not so.
pub fn admit(headers: &HeaderMap, message: &Message) -> Result<(), Failure> {
    check_version(headers, message)?;
    check_headers(headers, message)
}

fn discover() -> Map<String, Value> {
    Map::from_iter([
        ("supportedVersions".to_owned(), json!([VERSION])),
        ("capabilities".to_owned(), json!({ "tools": {} })),
    ])
}

fn check_version(headers: &HeaderMap, message: &Message) -> Result<(), Failure> {
    let meta = message.meta(META_VERSION).and_then(Value::as_str).unwrap_or_default();
    if text(headers, "mcp-protocol-version").as_deref() != Some(meta) {
        return Err(mismatch("MCP-Protocol-Version", meta));
    }
    if meta != VERSION {
        let data = json!({ "supported": [VERSION], "requested": meta });
        let failure = Failure::new(400, -32022, &format!("Unsupported protocol version: {meta}"));
        return Err(Failure { data: Some(data), ..failure });
    }
    Ok(())
}

/// What a proxy reads without the body is what the body says.
fn check_headers(headers: &HeaderMap, message: &Message) -> Result<(), Failure> {
    if text(headers, "mcp-method").as_deref() != Some(message.method.as_str()) {
        return Err(mismatch("Mcp-Method", &message.method));
    }
    if message.method == "tools/call" {
        let name = message.params.get("name").and_then(Value::as_str).unwrap_or_default();
        if text(headers, "mcp-name").as_deref() != Some(name) {
            return Err(mismatch("Mcp-Name", name));
        }
    }
    Ok(())
}

fn mismatch(header: &str, body: &str) -> Failure {
    Failure::new(400, -32020, &format!("Header mismatch: {header} must be `{body}`, as the body has it"))
}

/// A header's text; what is not plain ASCII comes as `=?base64?…?=`.
fn text(headers: &HeaderMap, name: &str) -> Option<String> {
    let value = headers.get(name)?.to_str().ok()?.trim();
    let Some(encoded) = value.strip_prefix("=?base64?").and_then(|rest| rest.strip_suffix("?=")) else {
        return Some(value.to_owned());
    };
    String::from_utf8(STANDARD.decode(encoded).ok()?).ok()
}
