//! How a tool is called that a server of the Model Context Protocol offers.
//!
//! The protocol has a word for the do only. What undoes it, and what says by key what became of it, are other
//! tools of the same server, which whoever registers the tool names, with their arguments.
//!
//! Deliberately absent: the server's address and token. They are configuration, so that no definition can send
//! a call elsewhere.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::saga::resolve;

/// A tool's place at its server; frozen with the tool's version.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mcp {
    /// The server's name in the configuration.
    pub server: String,
    /// What the server spoke when the tool was registered.
    pub era: Era,
    /// The tool's own name there.
    pub tool: String,
    /// SHA-256, in hexadecimal, over what the server said of this tool and of those below when they were
    /// approved.
    pub pin: String,
    /// Arguments that a modern server wants in headers too (`x-mcp-header`), each a list: the header's name
    /// after `Mcp-Param-`, then the names that lead to the argument.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub headers: Vec<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub undo: Option<Companion>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<Companion>,
    /// What it means that the tool says that it failed.
    #[serde(default, skip_serializing_if = "Failure::is_refusal")]
    pub failure: Failure,
}

impl Mcp {
    /// The names of all tools of the server that calls go to, the do's first.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        let companions = [&self.undo, &self.status].into_iter().flatten();
        std::iter::once(self.tool.as_str()).chain(companions.map(|companion| companion.tool.as_str()))
    }
}

/// How the protocol is spoken. Its versions are dates; what matters is whether there are sessions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Era {
    /// From 2026-07-28: every request stands for itself.
    Modern,
    /// Up to 2025-11-25: `initialize` comes first, and may open a session.
    Legacy,
}

/// Another tool of the same server.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Companion {
    pub tool: String,
    /// Texts refer as those of a plan do: `"$key"` is the idempotency key, `"$params.…"` a parameter of the
    /// do, `"$output.…"` a field of what it gave.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub arguments: Map<String, Value>,
    /// As those of [`Mcp`], of this tool's own arguments. Not for people to say: they are what the server lists.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub headers: Vec<Vec<String>>,
}

impl Companion {
    /// The arguments of one call.
    ///
    /// # Errors
    /// The first reference that names nothing, as `$output.id` where it is not known what the do gave.
    pub fn fill(
        &self,
        key: &str,
        params: &Map<String, Value>,
        output: Option<&Value>,
    ) -> Result<Map<String, Value>, String> {
        let (key, params) = (Value::from(key), Value::Object(params.clone()));
        resolve(&self.arguments, &|name| match name {
            "key" => Some(&key),
            "params" => Some(&params),
            "output" => output,
            _ => None,
        })
    }
}

/// What a result with `isError` means.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Failure {
    /// A definite no: nothing was done.
    #[default]
    Refused,
    /// It may have been done: the tool gives errors of what it calls itself this way too.
    Unknown,
}

impl Failure {
    const fn is_refusal(&self) -> bool {
        matches!(self, Self::Refused)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tool::{Definition, Terms};
    use serde_json::json;

    #[test]
    fn a_place_at_a_server_is_frozen_with_the_terms_and_what_was_saved_before_has_none() {
        let before = r#"{"name":"a","version":"1","title":"A","description":"","class":"pivot","repeat":"never","status":false,"fence":false,"timeout_ms":1,"estimate_ms":1,"input":{},"output":{}}"#;
        let definition: Definition = serde_json::from_str(before).unwrap();
        assert_eq!(definition.mcp, None);
        assert!(!serde_json::to_string(&definition).unwrap().contains("mcp"), "older builds read it");
        let place = json!({ "server": "x", "era": "legacy", "tool": "t", "pin": "p" });
        let mut saved: Value = serde_json::from_str(before).unwrap();
        saved["mcp"] = place.clone();
        let terms = Terms::from(serde_json::from_value::<Definition>(saved).unwrap());
        assert_eq!(serde_json::to_value(&terms.mcp).unwrap(), place);
        assert_eq!(serde_json::from_value::<Terms>(serde_json::to_value(&terms).unwrap()).unwrap(), terms);
    }

    #[test]
    fn an_undo_is_called_with_what_the_do_was_and_gave() {
        let undo: Companion = serde_json::from_value(json!({
            "tool": "cancel", "arguments": { "id": "$output.id", "room": "$params.room", "key": "$key", "why": "$$5" },
        }))
        .unwrap();
        let params = json!({ "room": 7 }).as_object().cloned().unwrap();
        let filled = undo.fill("k1", &params, Some(&json!({ "id": "r1" })));
        assert_eq!(filled.map(Value::Object), Ok(json!({ "id": "r1", "room": 7, "key": "k1", "why": "$5" })));
        assert_eq!(undo.fill("k1", &params, None), Err("$output.id".to_owned()));
        assert_eq!(undo.fill("k1", &Map::new(), Some(&json!({ "id": 1 }))), Err("$params.room".to_owned()));
    }
}
