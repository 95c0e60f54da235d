//! A plan as people and planners write it: steps, their tools and parameters, and their order.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What is to be done. A string parameter of the form `$step.path` stands for a field of that step's
/// output, and makes the step depend on it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// One sentence for people.
    #[serde(default)]
    pub summary: String,
    pub steps: Vec<Step>,
}

/// One call of one tool.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// Unique in the plan: letters, digits, `_` and `-`.
    pub id: String,
    pub tool: String,
    #[serde(default)]
    pub params: serde_json::Map<String, Value>,
    /// Ids of the steps that must be done before, besides those that `params` refer to.
    #[serde(default)]
    pub after: Vec<String>,
}
