//! What people say for a tool, and what it is to be called with then.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// An utterance, and the parameters that it says. What it leaves open is left out, be it required or not.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Example {
    /// As somebody would say it: `A table for four at Luigi's`.
    pub say: String,
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub params: Map<String, Value>,
}
