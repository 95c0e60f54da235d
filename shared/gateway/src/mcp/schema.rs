//! From a server's JSON Schema to the subset that we check.
//!
//! What the subset lacks is left out, so that the result allows no less than the server does; the server checks
//! the rest itself. Local `$ref`s are written out, and `anyOf` with `null`, as servers in Python have it, becomes
//! a type.
//!
//! `format` is left out too: JSON Schema makes it a word about a value, not a rule, and servers that make it one take
//! more or less than we do. It goes into the description, where models read it.

use makegood_core::ordered;
use makegood_core::tool::Schema;
use serde_json::{Map, Value, json};

/// A `$ref` inside of a `$ref` and so on: a schema that contains itself ends here.
const DEEPEST: usize = 12;

/// So many places of a schema are read. With `$ref`s, a few kilobytes could ask for more than any machine has.
const MOST_PLACES: usize = 2_000;

/// Says something to people and models, and nothing about values.
const WORDS: [&str; 4] = ["title", "description", "default", "examples"];

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
    let mut reader = Reader { root: schema, left_out: Vec::new(), places: 0 };
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
    places: usize,
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
        self.places += 1;
        if self.places > MOST_PLACES {
            if self.places == MOST_PLACES + 1 {
                self.leave_out(place, &format!("this and what comes after: there are more than {MOST_PLACES} places"));
            }
            return json!({});
        }
        if let Some(Value::String(target)) = keywords.get("$ref") {
            let root = self.root;
            let Some(found) = target.strip_prefix('#').and_then(|pointer| root.pointer(pointer)) else {
                self.leave_out(place, "$ref");
                return json!({});
            };
            let read = self.read(found, place, depth + 1);
            // Older servers pass over what stands beside it.
            return self.with_words(read, keywords, "$ref", place);
        }
        if let Some((name, nullable)) = nullable(keywords) {
            let read = self.read(&nullable, place, depth + 1);
            return self.with_words(read, keywords, name, place);
        }
        let mut kept = Map::new();
        for (name, value) in keywords {
            match (name.as_str(), value) {
                ("properties", Value::Object(fields)) => {
                    let fields = ordered::object(fields.iter().map(|(field, schema)| {
                        (field.clone(), self.read(schema, &format!("{place}/properties/{field}"), depth + 1))
                    }));
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
                ("format", Value::String(_)) => self.leave_out(place, "format"),
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
        if let Some(format) = keywords.get("format").and_then(Value::as_str) {
            let said = kept.get("description").and_then(Value::as_str).unwrap_or_default();
            let said = format!("{said} (format: {format})");
            kept.insert("description".to_owned(), said.trim_start().into());
        }
        kept.into()
    }

    /// What was read, with the words that stand beside it in place of its own. What else stands there would be one more
    /// demand, and is left out.
    fn with_words(&mut self, mut read: Value, keywords: &Map<String, Value>, but: &str, place: &str) -> Value {
        for (name, value) in keywords.iter().filter(|(name, _)| *name != but) {
            if !WORDS.contains(&name.as_str()) {
                if !SILENT.contains(&name.as_str()) {
                    self.leave_out(place, &format!("{name} beside {but}"));
                }
                continue;
            }
            let is_read = serde_json::from_value::<Schema>(json!({ name: value })).is_ok();
            if let Value::Object(fields) = &mut read
                && is_read
            {
                fields.insert(name.clone(), value.clone());
            }
        }
        read
    }
}

/// `anyOf` or `oneOf` of one schema and `null`, as one schema whose type may be null; and which of the two it is.
fn nullable(keywords: &Map<String, Value>) -> Option<(&'static str, Value)> {
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
    Some((name, merged.into()))
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
        let price = json!({ "type": "number", "multipleOf": 0.01 });
        assert!(checked(&price, &json!(111_848.18)) && !checked(&price, &json!(0.005)));
        // As Python writes a time: it has no zone.
        let when = json!({ "type": "string", "format": "date-time", "description": "When." });
        assert!(checked(&when, &json!("2026-12-24T19:30:00")));
        let (schema, left_out) = relaxed(&when);
        assert_eq!(left_out, ["/: format"]);
        assert_eq!(serde_json::to_value(schema).unwrap()["description"], "When. (format: date-time)");
    }

    #[test]
    fn what_stands_beside_a_reference_takes_nothing_away_that_the_reference_allows() {
        let beside = |beside: Value| {
            let mut schema = json!({ "$defs": { "a": {
                "type": "object", "properties": { "n": { "type": "integer", "maximum": 9 } }, "additionalProperties": false,
            } }, "$ref": "#/$defs/a" });
            for (name, value) in beside.as_object().cloned().unwrap() {
                schema[name] = value;
            }
            schema
        };
        // Up to draft 7 all of these are passed over. The first, in place of the reference's own, would forbid `n`.
        for more in [json!({ "properties": { "m": {} } }), json!({ "required": ["n"] }), json!({ "maxProperties": 0 })]
        {
            let schema = beside(more.clone());
            assert!(checked(&schema, &json!({ "n": 1 })) && checked(&schema, &json!({})), "{more}");
            assert!(!checked(&schema, &json!({ "n": 10 })), "{more}");
            let name = more.as_object().unwrap().keys().next().unwrap().clone();
            assert_eq!(relaxed(&schema).1, [format!("/: {name} beside $ref")]);
        }
        let (schema, left_out) = relaxed(&beside(json!({ "description": "Where", "title": 7 })));
        assert_eq!((left_out, serde_json::to_value(schema).unwrap()["description"].clone()), (vec![], json!("Where")));
        let either = json!({ "anyOf": [{ "type": "object", "additionalProperties": false, "properties": { "a": {} } },
            { "type": "null" }], "properties": { "b": {} } });
        assert!(checked(&either, &json!({ "a": 1 })) && checked(&either, &json!(null)));
        assert_eq!(relaxed(&either).1, ["/: properties beside anyOf"]);
    }

    #[test]
    fn a_schema_that_fans_out_is_read_so_far_and_no_further() {
        let fields: Map<String, Value> =
            (0..100).map(|number| (format!("f{number}"), json!({ "$ref": "#/$defs/a" }))).collect();
        let schema = json!({ "$defs": { "a": { "type": "object", "properties": fields } }, "$ref": "#/$defs/a" });
        let (read, left_out) = relaxed(&schema);
        assert!(left_out.iter().filter(|what| what.contains("more than 2000 places")).count() == 1, "{left_out:?}");
        assert!(serde_json::to_string(&read).unwrap().len() < 200_000);
        assert!(checked(&schema, &json!({ "f0": { "f99": {} } })) && !checked(&schema, &json!({ "f0": 7 })));
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
