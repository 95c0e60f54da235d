//! The smallest value that a JSON schema allows: first alternatives, required
//! keys only, no more items or characters than there must be.
//!
//! It reads what structured outputs use. Not looked at: `pattern`, `not`,
//! `if`, `uniqueItems`, `minProperties`, and references to other documents.

use serde_json::{Map, Number, Value};

/// More than this is in no answer, however often a schema refers to itself.
const MAX_VALUES: usize = 10_000;

/// `None` when there is no finite one, or none of a bearable size.
pub fn smallest(schema: &Value) -> Option<Value> {
    Maker { root: schema, open: vec!["#"], left: MAX_VALUES }.make(schema)
}

struct Maker<'a> {
    root: &'a Value,
    /// The references that are being followed: one inside itself has no end.
    open: Vec<&'a str>,
    left: usize,
}

impl<'a> Maker<'a> {
    fn make(&mut self, schema: &'a Value) -> Option<Value> {
        self.left = self.left.checked_sub(1)?;
        let Some(fields) = schema.as_object() else {
            return (schema != &Value::Bool(false)).then_some(Value::Null);
        };
        if let Some(target) = fields.get("$ref").and_then(Value::as_str) {
            return self.follow(target);
        }
        if let Some(value) = fields.get("const") {
            return Some(value.clone());
        }
        if let Some(values) = fields.get("enum").and_then(Value::as_array) {
            return values.first().cloned();
        }
        for name in ["anyOf", "oneOf"] {
            if let Some(alternatives) = fields.get(name).and_then(Value::as_array) {
                return alternatives.iter().find_map(|alternative| self.make(alternative));
            }
        }
        if let Some(parts) = fields.get("allOf").and_then(Value::as_array) {
            return self.all(fields, parts);
        }
        match kind(fields) {
            "object" => self.object(fields).map(Value::Object),
            "array" => self.array(fields),
            "string" => Some(Value::String(string(fields))),
            "integer" => number(fields, true),
            "number" => number(fields, false),
            "boolean" => Some(Value::Bool(false)),
            _ => Some(Value::Null),
        }
    }

    fn follow(&mut self, target: &'a str) -> Option<Value> {
        if self.open.contains(&target) {
            return None;
        }
        let schema = self.root.pointer(target.strip_prefix('#')?)?;
        self.open.push(target);
        let value = self.make(schema);
        self.open.pop();
        value
    }

    /// Objects are joined; of anything else the first part decides.
    fn all(&mut self, fields: &'a Map<String, Value>, parts: &'a [Value]) -> Option<Value> {
        let mut whole = self.object(fields)?;
        let mut other = None;
        for part in parts {
            match self.make(part)? {
                Value::Object(more) => whole.extend(more),
                value @ (Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_)) => {
                    other = other.or(Some(value));
                }
            }
        }
        Some(other.filter(|_| whole.is_empty()).unwrap_or(Value::Object(whole)))
    }

    fn object(&mut self, fields: &'a Map<String, Value>) -> Option<Map<String, Value>> {
        let required = fields.get("required").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        let mut object = Map::new();
        for key in required.iter().filter_map(Value::as_str) {
            let property = fields.get("properties").and_then(|properties| properties.get(key));
            let value = property.map_or(Some(Value::Null), |property| self.make(property))?;
            object.insert(key.to_owned(), value);
        }
        Some(object)
    }

    fn array(&mut self, fields: &'a Map<String, Value>) -> Option<Value> {
        let prefix = fields.get("prefixItems").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        let items = fields.get("items").unwrap_or(&Value::Null);
        let count = whole(fields, "minItems");
        (0..count).map(|i| self.make(prefix.get(i).unwrap_or(items))).collect::<Option<Vec<_>>>().map(Value::Array)
    }
}

/// The type, or what the other keywords let one think.
fn kind(fields: &Map<String, Value>) -> &str {
    match fields.get("type") {
        Some(Value::String(kind)) => kind,
        Some(Value::Array(kinds)) => kinds.first().and_then(Value::as_str).unwrap_or("null"),
        _ if fields.contains_key("properties") || fields.contains_key("required") => "object",
        _ if fields.contains_key("items") || fields.contains_key("minItems") => "array",
        _ if fields.contains_key("minLength") => "string",
        _ if fields.contains_key("minimum") || fields.contains_key("maximum") => "number",
        _ => "null",
    }
}

fn whole(fields: &Map<String, Value>, name: &str) -> usize {
    let given = fields.get(name).and_then(Value::as_u64).unwrap_or(0);
    usize::try_from(given).unwrap_or(usize::MAX)
}

fn string(fields: &Map<String, Value>) -> String {
    match fields.get("format").and_then(Value::as_str) {
        Some("date-time") => "2000-01-01T00:00:00Z".to_owned(),
        Some("date") => "2000-01-01".to_owned(),
        Some("time") => "00:00:00Z".to_owned(),
        Some("duration") => "PT0S".to_owned(),
        Some("email") => "a@example.com".to_owned(),
        Some("hostname") => "example.com".to_owned(),
        Some("ipv4") => "127.0.0.1".to_owned(),
        Some("ipv6") => "::1".to_owned(),
        Some("uri") => "http://example.com/".to_owned(),
        Some("uuid") => "00000000-0000-4000-8000-000000000000".to_owned(),
        _ => "x".repeat(whole(fields, "minLength").min(MAX_VALUES)),
    }
}

/// Zero if it is allowed, otherwise the bound that lies nearest to it.
fn number(fields: &Map<String, Value>, integer: bool) -> Option<Value> {
    let bound = |name: &str| fields.get(name).and_then(Value::as_f64);
    let step = bound("multipleOf").filter(|step| *step > 0.0).unwrap_or(if integer { 1.0 } else { 0.0 });
    // How far from a bound that is itself excluded.
    let beyond = if step > 0.0 { step } else { 1.0 };
    let low = bound("minimum").into_iter().chain(bound("exclusiveMinimum")).fold(f64::NEG_INFINITY, f64::max);
    let high = bound("maximum").into_iter().chain(bound("exclusiveMaximum")).fold(f64::INFINITY, f64::min);
    let (no_low, no_high) = (bound("exclusiveMinimum") == Some(low), bound("exclusiveMaximum") == Some(high));
    let allowed =
        |value: f64| value >= low && value <= high && !(no_low && value == low) && !(no_high && value == high);
    let up = |value: f64| if step > 0.0 { (value / step).ceil() * step } else { value };
    let down = |value: f64| if step > 0.0 { (value / step).floor() * step } else { value };
    let candidates = [0.0, up(low), up(low) + beyond, down(high), down(high) - beyond, f64::midpoint(low, high)];
    let value = candidates.into_iter().find(|value| value.is_finite() && allowed(*value))?;
    if value.fract() == 0.0 && value.abs() < 9e15 {
        return Some(Value::Number(Number::from(value as i64)));
    }
    Number::from_f64(value).map(Value::Number)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn required_keys_only_and_first_of_an_enum() {
        let schema = json!({"type": "object", "required": ["kind", "n", "tags", "who"], "properties": {
            "kind": {"enum": ["b", "a"]}, "n": {"type": "integer", "minimum": 3}, "free": {"type": "string"},
            "tags": {"type": "array", "minItems": 2, "items": {"type": "string", "minLength": 2}},
            "who": {"$ref": "#/$defs/who"}}, "$defs": {"who": {"const": 7}}});
        assert_eq!(smallest(&schema), Some(json!({"kind": "b", "n": 3, "tags": ["xx", "xx"], "who": 7})));
    }

    #[test]
    fn a_schema_within_itself_ends_where_an_alternative_lets_it() {
        let list = json!({"type": "object", "required": ["next"], "properties": {
            "next": {"anyOf": [{"$ref": "#"}, {"type": "null"}]}}});
        assert_eq!(smallest(&list), Some(json!({"next": null})));
        let endless = json!({"type": "object", "required": ["next"], "properties": {"next": {"$ref": "#"}}});
        assert_eq!(smallest(&endless), None);
    }

    #[test]
    fn numbers_keep_within_their_bounds() {
        assert_eq!(smallest(&json!({"type": "number"})), Some(json!(0)));
        assert_eq!(smallest(&json!({"type": "integer", "maximum": -3})), Some(json!(-3)));
        assert_eq!(smallest(&json!({"type": "integer", "exclusiveMinimum": 3})), Some(json!(4)));
        assert_eq!(smallest(&json!({"type": "integer", "minimum": 7, "multipleOf": 5})), Some(json!(10)));
        assert_eq!(
            smallest(&json!({"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 0.5})),
            Some(json!(0.25))
        );
        assert_eq!(smallest(&json!({"type": "integer", "minimum": 2, "maximum": 1})), None);
    }

    #[test]
    fn a_schema_that_doubles_at_every_level_is_given_up() {
        let mut defs = Map::new();
        for i in 0..40 {
            let next = json!({"$ref": format!("#/$defs/d{}", i + 1)});
            defs.insert(
                format!("d{i}"),
                json!({"type": "object", "required": ["a", "b"], "properties": {"a": next, "b": next}}),
            );
        }
        defs.insert("d40".to_owned(), json!({"type": "null"}));
        assert_eq!(smallest(&json!({"$ref": "#/$defs/d0", "$defs": defs})), None);
    }
}
