//! `$step.path`: how a parameter names a field of an earlier step's output.
//!
//! Only a whole string is a reference, so a value keeps its type. `$$` at the start stands for a
//! plain `$`, and a `$` before anything but a letter or `_` (as in `$25`) is plain text.

use serde_json::{Map, Value};

use crate::ordered;

/// A reference, split: the step's id and the path inside its output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reference<'a> {
    pub step: &'a str,
    /// Field names and list positions; empty for the whole output.
    path: &'a str,
}

impl<'a> Reference<'a> {
    /// Reads a string parameter; `None` where it is plain text.
    #[must_use]
    pub fn parse(text: &'a str) -> Option<Self> {
        let rest = text.strip_prefix('$')?;
        if !rest.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') {
            return None;
        }
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
        if !rest.chars().all(plain) {
            return None;
        }
        let (step, path) = rest.split_once('.').unwrap_or((rest, ""));
        Some(Self { step, path })
    }

    /// The path's parts, outermost first.
    pub fn path(&self) -> impl Iterator<Item = &'a str> {
        self.path.split('.').filter(|part| !part.is_empty())
    }

    /// The value that the reference names inside `output`.
    #[must_use]
    pub fn find<'v>(&self, output: &'v Value) -> Option<&'v Value> {
        self.path().try_fold(output, |value, part| match value {
            Value::Object(fields) => fields.get(part),
            Value::Array(items) => items.get(part.parse::<usize>().ok()?),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => None,
        })
    }
}

/// Calls `found` with every reference inside `value`.
pub(crate) fn each<'a>(value: &'a Value, found: &mut impl FnMut(Reference<'a>)) {
    match value {
        Value::String(text) => {
            if let Some(reference) = Reference::parse(text) {
                found(reference);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| each(item, found)),
        Value::Object(fields) => fields.values().for_each(|field| each(field, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Replaces every reference in `params` by what it names; the error is the first that names nothing.
/// `output_of` is asked for a step's output by the step's id.
///
/// # Errors
/// As said.
pub fn resolve<'v>(
    params: &Map<String, Value>,
    output_of: &dyn Fn(&str) -> Option<&'v Value>,
) -> Result<Map<String, Value>, String> {
    ordered::try_object(params.iter().map(|(name, value)| Ok((name.clone(), resolve_value(value, output_of)?))))
}

pub(super) fn resolve_value<'v>(value: &Value, output_of: &dyn Fn(&str) -> Option<&'v Value>) -> Result<Value, String> {
    match value {
        Value::String(text) => {
            if let Some(reference) = Reference::parse(text) {
                let output = output_of(reference.step);
                output.and_then(|output| reference.find(output)).cloned().ok_or_else(|| text.clone())
            } else {
                Ok(Value::String(
                    text.strip_prefix('$').filter(|rest| rest.starts_with('$')).unwrap_or(text).to_owned(),
                ))
            }
        }
        Value::Array(items) => {
            items.iter().map(|item| resolve_value(item, output_of)).collect::<Result<_, _>>().map(Value::Array)
        }
        Value::Object(fields) => resolve(fields, output_of).map(Value::Object),
        Value::Null | Value::Bool(_) | Value::Number(_) => Ok(value.clone()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn money_and_doubled_dollars_are_plain_text() {
        assert_eq!(Reference::parse("$25"), None);
        assert_eq!(Reference::parse("$$table.address"), None);
        assert_eq!(Reference::parse("see $table.address"), None);
        let resolved = resolve_value(&json!("$$table.address"), &|_| None);
        assert_eq!(resolved, Ok(json!("$table.address")));
    }

    #[test]
    fn a_reference_keeps_the_type_of_what_it_names() {
        let output = json!({"n": 3, "list": [{"x": true}]});
        let resolve = |text: &str| resolve_value(&json!(text), &|step| (step == "a").then_some(&output));
        assert_eq!(resolve("$a.n"), Ok(json!(3)));
        assert_eq!(resolve("$a.list.0.x"), Ok(json!(true)));
        assert_eq!(resolve("$a.list.7.x"), Err("$a.list.7.x".to_owned()));
    }

    #[test]
    fn references_name_what_came_before_inside_of_lists_too() {
        let held = json!({"payment_id": "PAY-1"});
        let output_of = |step: &str| (step == "held").then_some(&held);
        let object = |value: Value| value.as_object().cloned().unwrap();
        let resolved = resolve(&object(json!({"ids": ["$held.payment_id"], "price": "$$5"})), &output_of);
        assert_eq!(resolved, Ok(object(json!({"ids": ["PAY-1"], "price": "$5"}))));
        assert_eq!(resolve(&object(json!({"id": "$gone.x"})), &output_of), Err("$gone.x".to_owned()));
    }
}
