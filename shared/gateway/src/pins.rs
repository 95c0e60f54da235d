//! Tools as the database keeps them beside their definitions: whether each is in use, and, of those of MCP
//! servers, whether the server still says what it said when they were registered.

use makegood_core::time::Millis;
use makegood_core::tool::{Definition, Mcp};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::store::{Statement, text};

pub const LOOK: &str = "select makegood.look_at_tools_2($1,$2)";
pub const SAW: &str = "select makegood.saw_tools($1,$2)";
pub const REFUSE: &str = "select makegood.refuse_tool($1,$2,$3)";
pub const REMOVE: &str = "select makegood.remove_tool($1)";
pub const SHOW: &str = "select makegood.show_tools()";

/// A server that is to be looked at, with its tools in use.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Due {
    pub server: String,
    pub tools: Vec<Pinned>,
}

/// A tool in use, and what it was approved with.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Pinned {
    pub name: String,
    pub version: String,
    pub mcp: Mcp,
}

/// A tool as people see it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Shown {
    pub name: String,
    pub version: String,
    /// It can be planned with.
    pub current: bool,
    /// Why it cannot.
    pub refused: Option<String>,
    pub registered_at: Millis,
    /// When its server last said what it said when it was registered; of tools of MCP servers only.
    pub looked_at: Option<Millis>,
    pub definition: Definition,
}

/// A server that nobody has asked since then; it counts as asked now. Null where there is none.
#[must_use]
pub fn look(since: Millis, now: Millis) -> Statement {
    Statement { sql: LOOK, params: vec![text(since.0), text(now.0)] }
}

/// The servers of these tools, by the tools' names, still say what they said when each was registered.
#[must_use]
pub fn saw(names: &[&str], now: Millis) -> Statement {
    Statement { sql: SAW, params: vec![Some(Value::from(names).to_string()), text(now.0)] }
}

/// Takes a tool's version out of use; false where it was not in use.
#[must_use]
pub fn refuse(tool: &Pinned, why: &str) -> Statement {
    Statement { sql: REFUSE, params: vec![text(&tool.name), text(&tool.version), text(why)] }
}

/// Takes a tool out of use, whatever its version; false where there is none.
#[must_use]
pub fn remove(name: &str) -> Statement {
    Statement { sql: REMOVE, params: vec![text(name)] }
}

/// Every tool, as a list of [`Shown`].
#[must_use]
pub fn show() -> Statement {
    Statement { sql: SHOW, params: Vec::new() }
}
