//! `/mcp`: Makegood for other agents, as a server of the Model Context Protocol over Streamable HTTP.
//!
//! Both eras are served at the one address, and neither has sessions: a request that says 2026-07-28 of itself is
//! answered so, any other as those up to 2025-11-25 are. Who asks is known as everywhere else, by the bearer token
//! of each request.
//!
//! Deliberately absent: prompts, resources, tasks, subscriptions, requests to the client, and words: a message in
//! words is for `/api/chat`; an agent that speaks this protocol makes its plans itself.

mod rpc;
mod tools;

use makegood_edge::core::error::Error;
use makegood_edge::core::guard::Scope;
use makegood_edge::gateway::mcp::{LEGACY, MODERN};
use makegood_edge::host::{json, reply};
use makegood_edge::http::header::{ACCEPT, ALLOW, CONTENT_TYPE, WWW_AUTHENTICATE};
use makegood_edge::http::{HeaderMap, HeaderValue, Method, StatusCode};
use makegood_edge::limits::{Class, admit};
use makegood_edge::problem::problem;
use makegood_edge::serde_json::{Map, Value, json};
use makegood_edge::{Bytes, Host, Reply, Request, Settings};

use rpc::{Failure, Message};

/// The versions with `initialize`, the newest first.
const LEGACY_VERSIONS: [&str; 3] = [LEGACY, "2025-06-18", "2025-03-26"];
const META_VERSION: &str = "io.modelcontextprotocol/protocolVersion";
const META_CAPABILITIES: &str = "io.modelcontextprotocol/clientCapabilities";
const META_SERVER: &str = "io.modelcontextprotocol/serverInfo";
/// So long may a client keep the list of our tools, in milliseconds: it changes with a new build only.
const KEEP: u64 = 60 * 60 * 1000;

/// Serves one message.
///
/// # Errors
/// Who is not let in is told as everywhere else; all else is JSON-RPC.
pub async fn serve<H: Host>(request: &Request, host: &H, settings: &Settings) -> Result<Reply, Error> {
    if request.method() != Method::POST {
        let mut refused = failed(&Failure::new(405, -32000, "Method not allowed: messages are posted."), &Value::Null);
        refused.headers_mut().insert(ALLOW, HeaderValue::from_static("POST"));
        return Ok(refused);
    }
    let message = check_types(request.headers()).and_then(|()| Message::parse(request.body()));
    // Who has something done is under both limits, in one question.
    let acts = message.as_ref().is_ok_and(tools::acts);
    let classes: &[Class] = if acts { &[Class::Execute, Class::Api] } else { &[Class::Api] };
    if let Err(error) = admit(request, host, settings, classes, Scope::Read).await {
        let mut refused = problem(host, &error);
        if refused.status() == StatusCode::UNAUTHORIZED {
            refused.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        return Ok(refused);
    }
    let message = match message {
        Ok(message) => message,
        Err(failure) => return Ok(failed(&failure, &Value::Null)),
    };
    let modern = message.meta(META_VERSION).is_some() || text(request.headers(), "mcp-protocol-version") == MODERN;
    let admitted = if modern { admit_modern(request.headers(), &message) } else { admit_legacy(request.headers()) };
    let Some(id) = &message.id else {
        return Ok(match admitted {
            Ok(()) => reply(202, "application/json", Bytes::new()),
            Err(failure) => failed(&failure, &Value::Null),
        });
    };
    let answered = match admitted {
        Ok(()) if modern => modern_answer(&message, request, host).await,
        Ok(()) => legacy_answer(&message, request, host).await,
        Err(failure) => Err(failure),
    };
    Ok(match answered {
        Ok(result) => json(200, &json!({ "jsonrpc": "2.0", "id": id, "result": result })),
        Err(failure) => failed(&failure, id),
    })
}

async fn modern_answer<H: Host>(message: &Message, request: &Request, host: &H) -> Result<Map<String, Value>, Failure> {
    if message.meta(META_CAPABILITIES).is_none_or(|given| !given.is_object()) {
        return Err(Failure::new(400, -32602, &format!("`_meta` lacks `{META_CAPABILITIES}`")));
    }
    let (mut result, listed) = match message.method.as_str() {
        "server/discover" => (
            object(json!({ "supportedVersions": [MODERN], "capabilities": { "tools": {} },
            "instructions": tools::INSTRUCTIONS })),
            true,
        ),
        "tools/list" => (list(message)?, true),
        "tools/call" => (tools::call(message, request, host).await?, false),
        _ => return Err(Failure::new(404, -32601, "Method not found")),
    };
    if listed {
        result.insert("ttlMs".to_owned(), KEEP.into());
        result.insert("cacheScope".to_owned(), "public".into());
    }
    result.insert("resultType".to_owned(), "complete".into());
    result.insert("_meta".to_owned(), json!({ META_SERVER: server_info() }));
    Ok(result)
}

async fn legacy_answer<H: Host>(message: &Message, request: &Request, host: &H) -> Result<Map<String, Value>, Failure> {
    match message.method.as_str() {
        "initialize" => {
            let wanted = message.params.get("protocolVersion").and_then(Value::as_str);
            let wanted = wanted.ok_or_else(|| Failure::params("`protocolVersion` is missing"))?;
            let version = LEGACY_VERSIONS.into_iter().find(|known| *known == wanted).unwrap_or(LEGACY);
            Ok(object(json!({
                "protocolVersion": version, "capabilities": { "tools": {} }, "serverInfo": server_info(),
                "instructions": tools::INSTRUCTIONS,
            })))
        }
        "ping" => Ok(Map::new()),
        "tools/list" => list(message),
        "tools/call" => tools::call(message, request, host).await,
        _ => Err(Failure::new(200, -32601, "Method not found")),
    }
}

/// All on one page.
fn list(message: &Message) -> Result<Map<String, Value>, Failure> {
    if message.params.get("cursor").is_some_and(|cursor| !cursor.is_null()) {
        return Err(Failure::params("there is no page with this cursor"));
    }
    Ok(object(json!({ "tools": tools::list() })))
}

fn server_info() -> Value {
    json!({ "name": "makegood", "title": "Makegood", "version": env!("CARGO_PKG_VERSION") })
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(fields) => fields,
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => Map::new(),
    }
}

fn failed(failure: &Failure, id: &Value) -> Reply {
    json(failure.status, &failure.to_json(id))
}

/// What a proxy reads without the body is what the body says.
fn admit_modern(headers: &HeaderMap, message: &Message) -> Result<(), Failure> {
    let mismatch = |header: &str, body: &str| {
        Err(Failure::new(400, -32020, &format!("Header mismatch: {header} must be `{body}`, as the body has it")))
    };
    let version = message.meta(META_VERSION).and_then(Value::as_str).unwrap_or_default();
    if text(headers, "mcp-protocol-version") != version {
        return mismatch("MCP-Protocol-Version", version);
    }
    if version != MODERN {
        let failure = Failure::new(400, -32022, "Unsupported protocol version");
        return Err(Failure { data: Some(json!({ "supported": [MODERN], "requested": version })), ..failure });
    }
    if text(headers, "mcp-method") != message.method {
        return mismatch("Mcp-Method", &message.method);
    }
    let name = message.params.get("name").and_then(Value::as_str).unwrap_or_default();
    if message.method == "tools/call" && text(headers, "mcp-name") != name {
        return mismatch("Mcp-Name", name);
    }
    Ok(())
}

fn admit_legacy(headers: &HeaderMap) -> Result<(), Failure> {
    let version = text(headers, "mcp-protocol-version");
    if version.is_empty() || LEGACY_VERSIONS.contains(&version) {
        return Ok(());
    }
    let known = LEGACY_VERSIONS.join(", ");
    Err(Failure::new(400, -32000, &format!("Unsupported protocol version; there are {MODERN}, {known}")))
}

fn check_types(headers: &HeaderMap) -> Result<(), Failure> {
    let accepts = |kind| {
        let all = headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok());
        all.flat_map(|value| value.split(',')).any(|media| is_media(media, kind))
    };
    if !accepts("application/json") || !accepts("text/event-stream") {
        return Err(Failure::new(406, -32000, "Not Acceptable: accept application/json and text/event-stream"));
    }
    if !is_media(text(headers, CONTENT_TYPE.as_str()), "application/json") {
        return Err(Failure::new(415, -32000, "Unsupported Media Type: send application/json"));
    }
    Ok(())
}

fn is_media(value: &str, kind: &str) -> bool {
    value.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case(kind)
}

/// All that we have names for is plain ASCII, so that none of it has to be decoded.
fn text<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().trim()
}
