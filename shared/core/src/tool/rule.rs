//! What a tool asks of every plan that calls it, as data.

use serde::{Deserialize, Serialize};

use crate::saga::Condition;

/// A rule of a tool, which each plan that calls it keeps to, whoever made it: it is looked at when the plan is frozen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlanRule {
    /// What a refusal calls it.
    pub name: String,
    /// A step that calls the tool never comes after one that calls one of these. Where nothing says which of them comes
    /// first, it does.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub never_after: Vec<String>,
    /// It comes after a step that calls one of these, and is not passed over by itself.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub only_after: Vec<String>,
    /// People agree to it, or to a step that comes before it and is not passed over.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub approved: bool,
    /// Only where this holds of the step's parameters, which are `$params` here. What is not known before the plan runs
    /// counts as if it held.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when: Option<Condition>,
}
