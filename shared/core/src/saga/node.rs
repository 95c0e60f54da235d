//! A frozen step: what a plan's step became when the saga was created.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::approval::Approval;
use super::condition::Condition;
use super::state::is_zero;
use super::wait::Wait;
use crate::ordered::FlatMap;
use crate::tool::{Class, Retry};

/// One node of the frozen plan. Nodes are numbered in a topological order: whatever a node depends
/// on has a lower number. That is what lets the engine hold a window of nodes and not all of them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Node {
    pub ix: u32,
    /// The plan that it came with: 0 for the first. Part of its key.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub epoch: u32,
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
    #[serde(default, skip_serializing_if = "FlatMap::is_empty")]
    #[cfg_attr(not(target_arch = "wasm32"), schemars(with = "std::collections::BTreeMap<String, u32>"))]
    pub refs: FlatMap<String, u32>,
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
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub item: Option<Item>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub crowd: Option<Crowd>,
    /// It has no partner, and gives what others gave.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gather: Option<Gather>,
    /// It is made only if none of these was done.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub instead_of: Vec<u32>,
    /// Another stands in for it where it is refused.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub replaceable: bool,
    /// Where it is refused for good, a person is to see to it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub escalate: bool,
}

impl Node {
    /// Whether it is a call of a tool: others wait, or only gather.
    #[must_use]
    pub const fn has_partner(&self) -> bool {
        self.wait.is_none() && self.gather.is_none()
    }
}

/// One place in a list that is known only when the node's turn comes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Item {
    /// A reference to the list.
    pub list: String,
    /// From 0; a node for a place that the list does not have is passed over.
    pub at: u32,
    /// A longer list is refused.
    pub most: u32,
}

/// Nodes of which only so many are under way at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Crowd {
    /// The same number in all of them.
    pub of: u32,
    pub concurrency: u32,
}

/// What a node without a partner gives.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Gather {
    /// The list of what these gave, in this order; `null` for one that was passed over.
    All(Vec<u32>),
    /// What the first of these gave that was done.
    First(Vec<u32>),
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
    /// A person says that it is done, and not the partner.
    #[serde(default)]
    pub by_hand: bool,
    /// The output, where the node is done; none where it is `null`.
    #[serde(default)]
    pub output: Option<Value>,
    /// How often a person had it asked for anew: part of the key under which it is undone.
    #[serde(default)]
    pub round: u32,
    /// An `Undone` record stands in the journal.
    #[serde(default)]
    pub undone: bool,
}
