//! Tools of servers of the Model Context Protocol, over Streamable HTTP, in both eras: that of 2026-07-28, where
//! every request stands for itself, and the one up to 2025-11-25, where `initialize` comes first.
//!
//! [`request`] makes what is posted, [`reply`] reads what comes back, [`outcome`] says what it means for a saga,
//! and [`discovery`] makes definitions of what a server lists.
//!
//! Deliberately absent: prompts, resources, tasks, requests of the server to the client, and taking up a
//! stream that broke off. We tell servers that we can do none of these.

pub mod discovery;
pub mod outcome;
pub mod reply;
pub mod request;
mod schema;

use makegood_core::ordered::FlatMap;
use serde_json::Value;

use crate::Malformed;

/// The version that is spoken to servers without sessions.
pub const MODERN: &str = "2026-07-28";
/// The newest with sessions: what `initialize` offers. A server may answer with an older one.
pub const LEGACY: &str = "2025-11-25";
/// Older ones, which a server may ask for instead. Their words for tools are the same.
const OLDER: [&str; 2] = ["2025-06-18", "2025-03-26"];

/// The field of `_meta` with a call's idempotency key. It is ours: a server that knows it acts once under a key,
/// to all others it says nothing.
pub const KEY: &str = "makegood/idempotencyKey";

/// The header that names a session.
pub const SESSION: &str = "mcp-session-id";

/// Where a server is.
#[derive(Clone, PartialEq, Eq)]
pub struct Server {
    /// Its one address.
    pub url: String,
    /// Sent as a bearer token, where it is not empty.
    pub token: String,
}

impl std::fmt::Debug for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Server").field("url", &self.url).finish_non_exhaustive()
    }
}

/// The configured servers by their names: `{"town": {"url": "https://…/mcp", "token": "…"}}`; an empty text is
/// none.
///
/// # Errors
/// Where it is something else. The text is not quoted: it holds tokens.
pub fn servers(text: &str) -> Result<FlatMap<String, Server>, Malformed> {
    if text.trim().is_empty() {
        return Ok(FlatMap::new());
    }
    let wrong = || Malformed("the servers are no JSON of the form {\"name\": {\"url\": …, \"token\": …}}".to_owned());
    let Ok(Value::Object(all)) = serde_json::from_slice(text.as_bytes()) else { return Err(wrong()) };
    let mut servers = FlatMap::new();
    for (name, server) in all {
        if !is_server_name(&name) {
            let name: String = name.chars().take(40).collect();
            let what = "names no server: a letter first, then letters and digits, all lower case";
            return Err(Malformed(format!("`{name}` {what}")));
        }
        let field = |field: &str| server.get(field).and_then(Value::as_str).map(str::to_owned);
        let known = |field: &String| matches!(field.as_str(), "url" | "token");
        let whole = server.as_object().is_some_and(|fields| fields.keys().all(known));
        let Some(url) = field("url").filter(|_| whole) else {
            return Err(Malformed(format!("the server `{name}` has a `url` and perhaps a `token`, and nothing else")));
        };
        servers.insert(name, Server { url, token: field("token").unwrap_or_default() });
    }
    Ok(servers)
}

/// A name of a server has no `_`, so that the first one in a tool's name ends it.
#[must_use]
pub fn is_server_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.len() <= 30
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_are_read_and_what_is_wrong_is_told_without_their_tokens() {
        let read =
            servers(r#"{"town":{"url":"http://a/mcp"},"bank":{"url":"http://b/mcp","token":"s3cret"}}"#).unwrap();
        assert_eq!(read["bank"].token, "s3cret");
        assert!(!format!("{read:?}").contains("s3cret"));
        assert_eq!(servers(" ").unwrap(), FlatMap::new());
        for wrong in [r#"{"a_b":{"url":"x"}}"#, r#"{"town":{"url":"x","tokn":"s3cret"}}"#, r#"["s3cret"]"#, "{"] {
            assert!(!servers(wrong).unwrap_err().0.contains("s3cret"), "{wrong}");
        }
    }
}
