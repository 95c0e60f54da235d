//! From a server's JSON Schema to the subset that we check.
//!
//! What the subset lacks is left out, so that the result allows no less than the server does; the server checks
//! the rest itself. Local `$ref`s are written out, and `anyOf` with `null`, as servers in Python have it, becomes
//! a type.

use makegood_core::tool::Schema;
use serde_json::{Map, Value, json};

/// A `$ref` inside of a `$ref` and so on: a schema that contains itself ends here.
const DEEPEST: usize = 12;

/// Says something about a schema and nothing about values, or is read with its neighbours.
const SILENT: [&str; 14] = [
    "$schema",
    "$id",
    "$comment",
    "$defs",
    "definitions",
    "$anchor",
    "deprecated",
    "readOnly",
    "writeOnly",
    "contentMediaType",
    "contentEncoding",
    "unevaluatedProperties",
    "x-mcp-header",
    "x-order",
];

/// The schema, and where something is left out of it: `/properties/code: pattern`.
pub fn relaxed(schema: &Value) -> (Schema, Vec<String>) {
    let mut reader = Reader { root: schema, left_out: Vec::new() };
    let value = reader.read(schema, "", 0);
    let schema = serde_json::from_value(value).unwrap_or_else(|error| {
        reader.left_out.push(format!("everything ({error})"));
        Schema::any()
    });
    (schema, reader.left_out)
}

struct Reader<'a> {
    root: &'a Value,
    left_out: Vec<String>,
}

impl Reader<'_> {
    fn leave_out(&mut self, place: &str, what: &str) {
        let place = if place.is_empty() { "/" } else { place };
        self.left_out.push(format!("{place}: {what}"));
    }

    fn read(&mut self, schema: &Value, place: &str, depth: usize) -> Value {
        // `true` allows everything; what `false` forbids, the server forbids.
        let Value::Object(keywords) = schema else { return json!({}) };
        if depth > DEEPEST {
            self.leave_out(place, "what is nested deeper");
            return json!({});
        }
        if let Some(Value::String(target)) = keywords.get("$ref") {
            let found = target.strip_prefix('#').and_then(|pointer| self.root.pointer(pointer)).cloned();
            let Some(mut found) = found else {
                self.leave_out(place, "$ref");
                return json!({});
            };
            // What stands beside it counts too; of the two, what is said here is the more special.
            if let Value::Object(fields) = &mut found {
                let beside = keywords.iter().filter(|(name, _)| *name != "$ref");
                fields.extend(beside.map(|(name, value)| (name.clone(), value.clone())));
            }
            return self.read(&found, place, depth + 1);
        }
        if let Some(merged) = nullable(keywords) {
            return self.read(&merged, place, depth + 1);
        }
        let mut kept = Map::new();
        for (name, value) in keywords {
            match (name.as_str(), value) {
                ("properties", Value::Object(fields)) => {
                    let fields: Map<String, Value> = fields
                        .iter()
                        .map(|(field, schema)| {
                            (field.clone(), self.read(schema, &format!("{place}/properties/{field}"), depth + 1))
                        })
                        .collect();
                    kept.insert(name.clone(), fields.into());
                }
                // Without those the names of other properties would be forbidden.
                ("additionalProperties", _) if keywords.contains_key("patternProperties") => {}
                ("additionalProperties", Value::Bool(_)) => _ = kept.insert(name.clone(), value.clone()),
                // Without `prefixItems` it would hold for all of them.
                ("items", _) if keywords.contains_key("prefixItems") => {}
                ("additionalProperties" | "items", Value::Object(_)) => {
                    let inner = self.read(value, &format!("{place}/{name}"), depth + 1);
                    kept.insert(name.clone(), inner);
                }
                (name, _) if SILENT.contains(&name) => {}
                (name, _) => {
                    let alone = json!({ name: value });
                    match serde_json::from_value::<Schema>(alone) {
                        Ok(_) => _ = kept.insert(name.to_owned(), value.clone()),
                        Err(_) => self.leave_out(place, name),
                    }
                }
            }
        }
        kept.into()
    }
}

/// `anyOf` or `oneOf` of one schema and `null`, as one schema whose type may be null.
fn nullable(keywords: &Map<String, Value>) -> Option<Value> {
    let name = ["anyOf", "oneOf"].into_iter().find(|name| keywords.contains_key(*name))?;
    let [first, second] = keywords.get(name)?.as_array()?.as_slice() else { return None };
    let null = json!("null");
    let is_null = |schema: &Value| schema.get("type") == Some(&null);
    let other = match (is_null(first), is_null(second)) {
        (false, true) => first,
        (true, false) => second,
        (true, true) | (false, false) => return None,
    };
    let mut merged = other.as_object()?.clone();
    let Some(Value::String(kind)) = merged.get("type") else { return None };
    // These would still forbid it.
    if merged.contains_key("enum") || merged.contains_key("const") {
        return None;
    }
    let kinds = json!([kind, "null"]);
    merged.insert("type".to_owned(), kinds);
    let beside = keywords.iter().filter(|(beside, _)| *beside != name);
    merged.extend(beside.map(|(name, value)| (name.clone(), value.clone())));
    Some(merged.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(schema: &Value, value: &Value) -> bool {
        relaxed(schema).0.check(value).is_empty()
    }

    #[test]
    fn what_we_can_check_is_kept_and_the_rest_is_named() {
        let schema = json!({
            "$schema": "http://json-schema.org/draft-07/schema#", "type": "object", "additionalProperties": false,
            "required": ["code"],
            "properties": {
                "code": { "type": "string", "pattern": "^[A-Z]+$", "maxLength": 3, "x-mcp-header": "Code" },
                "old": { "type": "number", "exclusiveMinimum": true },
                "pair": { "type": "array", "prefixItems": [{ "type": "string" }], "items": { "type": "number" } },
                "any": true,
            },
        });
        let (_, left_out) = relaxed(&schema);
        assert_eq!(
            left_out,
            ["/properties/code: pattern", "/properties/old: exclusiveMinimum", "/properties/pair: prefixItems",]
        );
        assert!(checked(&schema, &json!({ "code": "a1", "old": 0, "pair": ["x", 1], "any": [] })));
        assert!(!checked(&schema, &json!({ "code": "ABCD" })));
        assert!(!checked(&schema, &json!({ "code": "A", "other": 1 })));
        assert!(!checked(&schema, &json!({})));
    }

    #[test]
    fn it_never_forbids_what_the_server_allows() {
        let named = json!({ "type": "object", "additionalProperties": false, "patternProperties": { "^x": {} } });
        assert!(checked(&named, &json!({ "x1": 1 })));
        let either = json!({ "anyOf": [{ "type": "string" }, { "type": "number" }] });
        assert!(checked(&either, &json!(1)) && checked(&either, &json!(true)));
        let choice = json!({ "anyOf": [{ "type": "string", "enum": ["a"] }, { "type": "null" }] });
        assert!(checked(&choice, &json!(null)));
        let not_there = json!({ "$ref": "https://elsewhere.example/schema" });
        assert!(checked(&not_there, &json!(1)));
    }

    #[test]
    fn references_are_written_out_and_what_may_be_null_is_a_type() {
        let schema = json!({
            "$defs": { "Place": { "type": "object", "required": ["city"], "properties": {
                "city": { "anyOf": [{ "type": "string" }, { "type": "null" }], "default": null },
                "within": { "$ref": "#/$defs/Place" },
            } } },
            "type": "object", "properties": { "at": { "$ref": "#/$defs/Place", "description": "Where" } },
        });
        assert!(checked(&schema, &json!({ "at": { "city": null, "within": { "city": "Rome" } } })));
        assert!(!checked(&schema, &json!({ "at": {} })));
        assert!(!checked(&schema, &json!({ "at": { "city": 7 } })));
        assert!(!checked(&schema, &json!({ "at": { "city": null, "within": { "city": 7 } } })));
    }
}
