//! The era before: `initialize` opens a session, and what comes later names it.

use std::{
    collections::VecDeque,
    sync::{Mutex, PoisonError},
};

use http::HeaderMap;
use serde_json::{Map, Value, json};

use super::{Mcp, rpc::Failure, rpc::Message, server_info};
use crate::text::random_id;

/// The newest first.
pub const VERSIONS: [&str; 3] = ["2025-11-25", "2025-06-18", "2025-03-26"];
/// Sessions that are kept; the oldest goes when another comes.
const KEPT: usize = 1_000;

pub const SESSION: &str = "mcp-session-id";

/// The sessions that are open.
#[derive(Default)]
pub struct Sessions(Mutex<VecDeque<String>>);

impl Sessions {
    /// A new one's id.
    fn open(&self) -> String {
        let mut sessions = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if sessions.len() == KEPT {
            sessions.pop_front();
        }
        let id = random_id("mcp_");
        sessions.push_back(id.clone());
        id
    }

    /// Whether the session that the request names is open.
    ///
    /// # Errors
    /// 400 where none is named, 404 where it is not open any more.
    pub fn check(&self, headers: &HeaderMap) -> Result<(), Failure> {
        let named = headers.get(SESSION).and_then(|id| id.to_str().ok());
        let named = named.ok_or_else(|| Failure::new(400, -32000, "Bad Request: Mcp-Session-Id header is required"))?;
        let sessions = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match sessions.iter().any(|id| id == named) {
            true => Ok(()),
            false => Err(Failure::new(404, -32001, "Session not found")),
        }
    }

    /// Ends the session that the request names.
    ///
    /// # Errors
    /// As [`Sessions::check`].
    pub fn close(&self, headers: &HeaderMap) -> Result<(), Failure> {
        self.check(headers)?;
        let mut sessions = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        sessions.retain(|id| headers.get(SESSION).is_none_or(|named| named != id.as_str()));
        Ok(())
    }
}

/// A result, with the id of the session that it opens.
pub type Answer = Result<(Map<String, Value>, Option<String>), Failure>;

/// Answers a request.
///
/// # Errors
/// With the status and code that the specification gives each.
pub async fn answer(mcp: &Mcp, headers: &HeaderMap, message: &Message) -> Answer {
    if message.method == "initialize" {
        return initialize(mcp, message);
    }
    admit(mcp, headers)?;
    let result = match message.method.as_str() {
        "ping" => Map::new(),
        "tools/list" => mcp.list(&message.params)?,
        "tools/call" => mcp.call(&message.params).await?,
        _ => return Err(Failure::new(200, -32601, &format!("Method not found: {}", message.method))),
    };
    Ok((result, None))
}

/// Whether a message may come after `initialize`.
///
/// # Errors
/// Where it names no open session, or a version that we do not know.
pub fn admit(mcp: &Mcp, headers: &HeaderMap) -> Result<(), Failure> {
    mcp.sessions.check(headers)?;
    let version = headers.get("mcp-protocol-version").and_then(|version| version.to_str().ok());
    match version.is_none_or(|version| VERSIONS.contains(&version)) {
        true => Ok(()),
        false => {
            let text = format!("Bad Request: unsupported protocol version; there are {}", VERSIONS.join(", "));
            Err(Failure::new(400, -32000, &text))
        }
    }
}

fn initialize(mcp: &Mcp, message: &Message) -> Answer {
    let wanted = message.params.get("protocolVersion").and_then(Value::as_str);
    let wanted = wanted.ok_or_else(|| Failure::params("`protocolVersion` is missing"))?;
    for name in ["capabilities", "clientInfo"] {
        if message.params.get(name).is_none_or(|value| !value.is_object()) {
            return Err(Failure::params(&format!("`{name}` must be an object")));
        }
    }
    let version = VERSIONS.into_iter().find(|known| *known == wanted).unwrap_or(VERSIONS[0]);
    let result = Map::from_iter([
        ("protocolVersion".to_owned(), json!(version)),
        ("capabilities".to_owned(), json!({ "tools": {} })),
        ("serverInfo".to_owned(), server_info()),
    ]);
    Ok((result, Some(mcp.sessions.open())))
}
