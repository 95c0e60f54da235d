//! A frozen step: what a plan's step became when the saga was created.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::approval::Approval;
use super::condition::Condition;
use super::wait::Wait;
use crate::tool::{Class, Retry};

/// One node of the frozen plan. Nodes are numbered in a topological order: whatever a node depends
/// on has a lower number. That is what lets the engine hold a window of nodes and not all of them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Node {
    pub ix: u32,
    /// The step's id in the plan.
    pub id: String,
    pub tool: String,
    /// The tool's version when the plan was frozen.
    pub version: String,
    /// The class in this plan: of several pivots only the first is one, the others are retriable.
    pub class: Class,
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub params: Map<String, Value>,
    /// All nodes that must be done before, ascending.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub deps: Vec<u32>,
    /// The nodes whose outputs `params` and `when` refer to, by their step's id.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub refs: BTreeMap<String, u32>,
    /// It has no partner, and waits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wait: Option<Wait>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when: Option<Condition>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approval: Option<Approval>,
    /// Instead of the tool's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry: Option<Retry>,
}

/// What the journal knows of a node; the undo is made from it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Past {
    /// A `Started` record stands in the journal.
    pub started: bool,
    /// The resolved parameters, where they differ from the plan's.
    #[serde(default)]
    pub params: Option<Map<String, Value>>,
    /// A `Done` record stands in the journal.
    #[serde(default)]
    pub done: bool,
    /// The output, where the node is done; none where it is `null`.
    #[serde(default)]
    pub output: Option<Value>,
}
