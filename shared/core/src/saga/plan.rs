//! A plan as people and planners write it: steps, their tools and parameters, and their order.

use serde::de::{DeserializeOwned, Error};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};

use super::approval::Approval;
use super::condition::Condition;
use super::expand::{Alternative, Each, Part};
use super::wait::Wait;
use crate::tool::Retry;

/// What is to be done. A string parameter of the form `$step.path` stands for a field of that step's
/// output, and makes the step depend on it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// One sentence for people.
    #[serde(default)]
    pub summary: String,
    #[serde(deserialize_with = "objects")]
    pub steps: Vec<Step>,
}

/// One call of one tool, or one wait.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// Unique in the plan: letters, digits, `_` and `-`.
    pub id: String,
    /// Left out where the step waits.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub tool: String,
    #[serde(default)]
    pub params: Map<String, Value>,
    /// Ids of the steps that must be done before, besides those that `params` and `when` refer to.
    #[serde(default)]
    pub after: Vec<String>,
    /// The step calls nobody, and waits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wait: Option<Wait>,
    /// The step is passed over where this does not hold, and so is every step whose parameters refer
    /// to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when: Option<Condition>,
    /// The step is not made before people have agreed to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approval: Option<Approval>,
    /// How it is tried again, instead of as its tool says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry: Option<Retry>,
    /// It is made once for each item of a list.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub each: Option<Each>,
    /// What is tried instead, one after the other, where it is refused for good.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub or: Vec<Alternative>,
    /// Where it is refused for good a person is to see to it, and the saga is not made good for it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub escalate: bool,
    /// Set where the plan is written out, and never read.
    #[serde(skip)]
    pub part: Part,
}

/// Reads a value that must be an object. Serde's own reading would also take a list, as the fields in
/// their order.
///
/// # Errors
/// Where it is no object, or not the one that is wanted.
pub fn object<'de, D: Deserializer<'de>, T: DeserializeOwned>(deserializer: D) -> Result<T, D::Error> {
    let fields = Map::deserialize(deserializer)?;
    serde_json::from_value(Value::Object(fields)).map_err(D::Error::custom)
}

fn objects<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Step>, D::Error> {
    let items: Vec<Value> = Vec::deserialize(deserializer)?;
    // What is an object is not taken apart and put together again to see it.
    let steps =
        items.into_iter().map(|item| if item.is_object() { serde_json::from_value(item) } else { object(item) });
    steps.collect::<Result<_, _>>().map_err(D::Error::custom)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_list_is_not_taken_for_a_step() {
        let written = json!({"steps": [{"id": "a", "tool": "t", "params": {"n": 1}}]});
        assert_eq!(serde_json::from_value::<Plan>(written).unwrap().steps.len(), 1);
        assert!(serde_json::from_value::<Plan>(json!({"steps": [["a", "t", {"n": 1}, []]]})).is_err());
        assert!(serde_json::from_value::<Plan>(json!({"steps": [{"id": "a", "tool": "t", "when": 1}]})).is_err());
    }
}
