//! Parameters from JSON to PostgreSQL text, as Neon's proxy converts them: strings and null as they
//! are, arrays to array literals, all else to its JSON text. That includes the proxy's habit of
//! escaping strings inside arrays the JSON way.

use serde::{Deserialize, Deserializer};
use serde_json::Value;

/// One parameter as PostgreSQL text, `None` for null.
#[derive(Debug, PartialEq)]
pub(super) struct Param(pub Option<String>);

impl<'de> Deserialize<'de> for Param {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self(match Value::deserialize(deserializer)? {
            Value::Null => None,
            Value::String(text) => Some(text),
            Value::Array(items) => Some(array_literal(&items)),
            other @ (Value::Bool(_) | Value::Number(_) | Value::Object(_)) => Some(other.to_string()),
        }))
    }
}

fn array_literal(items: &[Value]) -> String {
    let items: Vec<_> = items
        .iter()
        .map(|item| match item {
            Value::Null => "NULL".to_owned(),
            Value::Bool(_) | Value::Number(_) | Value::String(_) => item.to_string(),
            Value::Object(_) => Value::String(item.to_string()).to_string(),
            Value::Array(items) => array_literal(items),
        })
        .collect();
    format!("{{{}}}", items.join(","))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_becomes_postgres_text() {
        let json = r#"[null, "a", 1.5, true, {"k": [1]}, [1, "a\"b", null, [true], {"k": "v"}]]"#;
        let params: Vec<Param> = serde_json::from_str(json).unwrap();
        let texts: Vec<_> = params.iter().map(|param| param.0.as_deref()).collect();
        let literal = r#"{1,"a\"b",NULL,{true},"{\"k\":\"v\"}"}"#;
        let expected = [None, Some("a"), Some("1.5"), Some("true"), Some(r#"{"k":[1]}"#), Some(literal)];
        assert_eq!(texts, expected);
    }
}
