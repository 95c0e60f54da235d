//! A condition on a step: whether it is to be done at all, by what earlier steps gave.

use std::cmp::Ordering;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::reference;

/// `left` compared with `right`. Either may be a `$step.path` reference; one that names nothing, or a
/// step that was itself passed over, stands for `null`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Condition {
    pub left: Value,
    pub is: Comparison,
    #[serde(default)]
    pub right: Value,
}

/// Order is defined between two numbers and between two strings; everything else has none, and the
/// comparison does not hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
pub enum Comparison {
    #[serde(rename = "==")]
    Equal,
    #[serde(rename = "!=")]
    Different,
    #[serde(rename = "<")]
    Less,
    #[serde(rename = "<=")]
    AtMost,
    #[serde(rename = ">")]
    More,
    #[serde(rename = ">=")]
    AtLeast,
    /// `right` is a list that holds `left`.
    #[serde(rename = "in")]
    In,
}

impl Condition {
    /// Whether it holds, given the outputs that its references name.
    pub(super) fn holds<'v>(&self, output_of: &dyn Fn(&str) -> Option<&'v Value>) -> bool {
        let value = |side: &Value| reference::resolve_value(side, output_of).unwrap_or_default();
        let (left, right) = (value(&self.left), value(&self.right));
        let ordered = |fits: fn(Ordering) -> bool| order(&left, &right).is_some_and(fits);
        match self.is {
            Comparison::Equal => same(&left, &right),
            Comparison::Different => !same(&left, &right),
            Comparison::Less => ordered(Ordering::is_lt),
            Comparison::AtMost => ordered(Ordering::is_le),
            Comparison::More => ordered(Ordering::is_gt),
            Comparison::AtLeast => ordered(Ordering::is_ge),
            Comparison::In => right.as_array().is_some_and(|items| items.iter().any(|item| same(&left, item))),
        }
    }
}

/// Equal as JSON values: `1` and `1.0` are the same number.
fn same(left: &Value, right: &Value) -> bool {
    left == right || order(left, right) == Some(Ordering::Equal)
}

fn order(left: &Value, right: &Value) -> Option<Ordering> {
    match (left, right) {
        (Value::Number(left), Value::Number(right)) => match (left.as_i64(), right.as_i64()) {
            (Some(left), Some(right)) => Some(left.cmp(&right)),
            _ => left.as_f64()?.partial_cmp(&right.as_f64()?),
        },
        (Value::String(left), Value::String(right)) => Some(left.cmp(right)),
        (
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) | Value::Object(_),
            _,
        ) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn holds(condition: Value) -> bool {
        let condition: Condition = serde_json::from_value(condition).unwrap();
        let quote = json!({"price": 40, "place": "Luigi's"});
        condition.holds(&|step| (step == "quote").then_some(&quote))
    }

    #[test]
    fn numbers_and_strings_are_compared_and_nothing_else_is() {
        assert!(holds(json!({"left": "$quote.price", "is": "<", "right": 50})));
        assert!(!holds(json!({"left": "$quote.price", "is": "<", "right": 40})));
        assert!(holds(json!({"left": "$quote.price", "is": "<=", "right": 40.0})));
        assert!(holds(json!({"left": "$quote.price", "is": "==", "right": 40.0})));
        assert!(holds(json!({"left": "b", "is": ">", "right": "a"})));
        assert!(!holds(json!({"left": "$quote.price", "is": ">", "right": "a"})));
        assert!(!holds(json!({"left": true, "is": ">=", "right": true})));
        assert!(holds(json!({"left": "$quote.place", "is": "in", "right": ["Luigi's", "Mario's"]})));
    }

    #[test]
    fn what_names_nothing_is_null() {
        assert!(holds(json!({"left": "$quote.tip", "is": "=="})));
        assert!(holds(json!({"left": "$gone.price", "is": "==", "right": null})));
        assert!(!holds(json!({"left": "$gone.price", "is": ">", "right": 0})));
        assert!(holds(json!({"left": "$quote.price", "is": "!=", "right": null})));
    }
}
