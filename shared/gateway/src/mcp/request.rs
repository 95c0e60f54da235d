//! What is posted to a server.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{HeaderName, HeaderValue};
use makegood_core::ordered;
use makegood_core::saga::{Call, Op};
use makegood_core::tool::{Era, Mcp};
use serde_json::{Map, Value, json};

use super::{KEY, LEGACY, MODERN, SESSION, Server};
use crate::{Malformed, Request};

/// A session with a server of the legacy era.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// The version that the server chose.
    pub version: String,
    /// Some servers keep none.
    pub id: Option<String>,
}

/// How a server is spoken to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Speech {
    Modern,
    Legacy(Session),
}

/// The ids of our requests. Each modern request stands for itself; those of one session differ.
pub const INITIALIZE_ID: u64 = 0;
pub const CALL_ID: u64 = 1;

/// Asks a server what it speaks; a legacy one does not understand it.
///
/// # Errors
/// Where the address is none, for this and all others here.
pub fn discover(server: &Server) -> Result<Request, Malformed> {
    modern(server, "server/discover", CALL_ID, Map::new(), None)
}

/// Opens a session with a legacy server.
pub fn initialize(server: &Server) -> Result<Request, Malformed> {
    let params = json!({ "protocolVersion": LEGACY, "capabilities": {}, "clientInfo": client_info() });
    post(server, &message("initialize", Some(INITIALIZE_ID), params))
}

/// Tells a legacy server that its answer to `initialize` was read.
pub fn initialized(server: &Server, session: &Session) -> Result<Request, Malformed> {
    named(post(server, &message("notifications/initialized", None, json!({})))?, session)
}

/// Ends a session that has an id.
pub fn close(server: &Server, session: &Session) -> Result<Request, Malformed> {
    let mut request = post(server, &Value::Null)?;
    *request.method_mut() = http::Method::DELETE;
    *request.body_mut() = Bytes::new();
    request.headers_mut().remove(http::header::CONTENT_TYPE);
    named(request, session)
}

/// Tells a legacy server that nobody waits for a call's answer any more. A modern one sees it by the connection
/// that is closed.
pub fn cancelled(server: &Server, session: &Session) -> Result<Request, Malformed> {
    let params = json!({ "requestId": CALL_ID, "reason": "It took too long." });
    named(post(server, &message("notifications/cancelled", None, params))?, session)
}

/// A page of a server's tools. `page` counts from 0; `cursor` is what the page before said comes next.
pub fn list(server: &Server, speech: &Speech, page: u64, cursor: Option<&str>) -> Result<Request, Malformed> {
    let params: Map<String, Value> = ordered::object(cursor.map(|cursor| ("cursor".to_owned(), Value::from(cursor))));
    send(server, speech, "tools/list", CALL_ID + page, params, None)
}

/// A saga's call.
///
/// # Errors
/// Also where there is no tool for it, or an argument of it is not known.
pub fn call(server: &Server, speech: &Speech, mcp: &Mcp, call: &Call) -> Result<Request, Malformed> {
    let companion = match call.op {
        Op::Do => None,
        Op::Undo => Some(mcp.undo.as_ref().ok_or_else(|| Malformed("no tool that undoes it is known".to_owned()))?),
        Op::Status => {
            Some(mcp.status.as_ref().ok_or_else(|| Malformed("no tool that tells its status is known".to_owned()))?)
        }
    };
    let (name, headers, arguments) = match companion {
        None => (mcp.tool.as_str(), &mcp.headers, call.params.clone()),
        Some(companion) => {
            let filled = companion.fill(&call.key, &call.params, call.output.as_ref());
            let missing =
                |reference| Malformed(format!("`{reference}` is not known, and `{}` needs it", companion.tool));
            (companion.tool.as_str(), &companion.headers, filled.map_err(missing)?)
        }
    };
    let mut params = Map::new();
    params.insert("name".to_owned(), name.into());
    let mut request_meta = Map::new();
    request_meta.insert("progressToken".to_owned(), call.key.as_str().into());
    if call.op == Op::Do {
        request_meta.insert(KEY.to_owned(), call.key.as_str().into());
    }
    request_meta.insert("traceparent".to_owned(), call.trace.as_str().into());
    params.insert("_meta".to_owned(), request_meta.into());
    let mirrored = mirrored(headers, &arguments)?;
    params.insert("arguments".to_owned(), arguments.into());
    let mut request = send(server, speech, "tools/call", CALL_ID, params, Some(name))?;
    if mcp.era == Era::Modern {
        request.headers_mut().extend(mirrored);
    }
    Ok(request)
}

/// The arguments that the tool wants in headers too, so that a proxy can read them.
fn mirrored(
    wanted: &[Vec<String>],
    arguments: &Map<String, Value>,
) -> Result<Vec<(HeaderName, HeaderValue)>, Malformed> {
    let mut headers = Vec::new();
    for header in wanted {
        let [name, first, rest @ ..] = header.as_slice() else { continue };
        let found = arguments.get(first);
        let found = found.and_then(|value| rest.iter().try_fold(value, |value, part| value.as_object()?.get(part)));
        let text = match found {
            None | Some(Value::Null | Value::Array(_) | Value::Object(_)) => continue,
            Some(Value::String(text)) => text.clone(),
            Some(other @ (Value::Bool(_) | Value::Number(_))) => other.to_string(),
        };
        let name = HeaderName::try_from(format!("mcp-param-{name}"))
            .map_err(|_| Malformed(format!("`{name}` cannot be a header's name")))?;
        headers.push((name, encoded(&text)?));
    }
    Ok(headers)
}

fn send(
    server: &Server,
    speech: &Speech,
    method: &str,
    id: u64,
    params: Map<String, Value>,
    name: Option<&str>,
) -> Result<Request, Malformed> {
    match speech {
        Speech::Modern => modern(server, method, id, params, name),
        Speech::Legacy(session) => named(post(server, &message(method, Some(id), Value::Object(params)))?, session),
    }
}

fn modern(
    server: &Server,
    method: &str,
    id: u64,
    mut params: Map<String, Value>,
    name: Option<&str>,
) -> Result<Request, Malformed> {
    let mut meta = match params.remove("_meta") {
        Some(Value::Object(meta)) => meta,
        _ => Map::new(),
    };
    meta.insert("io.modelcontextprotocol/protocolVersion".to_owned(), MODERN.into());
    meta.insert("io.modelcontextprotocol/clientCapabilities".to_owned(), json!({}));
    meta.insert("io.modelcontextprotocol/clientInfo".to_owned(), client_info());
    params.insert("_meta".to_owned(), meta.into());
    let mut request = post(server, &message(method, Some(id), Value::Object(params)))?;
    let headers = request.headers_mut();
    headers.insert("mcp-protocol-version", HeaderValue::from_static(MODERN));
    headers.insert("mcp-method", encoded(method)?);
    if let Some(name) = name {
        headers.insert("mcp-name", encoded(name)?);
    }
    Ok(request)
}

fn message(method: &str, id: Option<u64>, params: Value) -> Value {
    let mut message = json!({ "jsonrpc": "2.0", "method": method, "params": params });
    if let Some(id) = id {
        message["id"] = id.into();
    }
    message
}

fn client_info() -> Value {
    json!({ "name": "makegood", "version": env!("CARGO_PKG_VERSION") })
}

fn post(server: &Server, message: &Value) -> Result<Request, Malformed> {
    let body = serde_json::to_vec(message).map_err(|error| Malformed(error.to_string()))?;
    let accept = [("accept", "application/json, text/event-stream")];
    let mut request = crate::post(&server.url, &accept, body)?;
    if !server.token.is_empty() {
        let mut bearer = HeaderValue::try_from(format!("Bearer {}", server.token))
            .map_err(|_| Malformed("the server's token cannot be sent".to_owned()))?;
        bearer.set_sensitive(true);
        request.headers_mut().insert(http::header::AUTHORIZATION, bearer);
    }
    Ok(request)
}

fn named(mut request: Request, session: &Session) -> Result<Request, Malformed> {
    let version = HeaderValue::try_from(&session.version).map_err(|error| Malformed(error.to_string()))?;
    request.headers_mut().insert("mcp-protocol-version", version);
    if let Some(id) = &session.id {
        let id = HeaderValue::try_from(id).map_err(|error| Malformed(error.to_string()))?;
        request.headers_mut().insert(SESSION, id);
    }
    Ok(request)
}

/// A text as a header's value: what is not plain ASCII goes as `=?base64?…?=`.
fn encoded(text: &str) -> Result<HeaderValue, Malformed> {
    let plain = text.bytes().all(|byte| (0x20..0x7f).contains(&byte)) && text.trim() == text;
    let coded = text.starts_with("=?base64?") && text.ends_with("?=");
    let value = if plain && !coded {
        HeaderValue::try_from(text)
    } else {
        HeaderValue::try_from(format!("=?base64?{}?=", STANDARD.encode(text)))
    };
    value.map_err(|error| Malformed(error.to_string()))
}
