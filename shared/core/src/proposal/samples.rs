//! Tools to propose plans with, one for each class, and those whose approval matters.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::tool::Definition;

pub fn tools() -> BTreeMap<String, Definition> {
    let place = json!({"type": "string", "minLength": 1, "maxLength": 40});
    let people = json!({"type": "integer", "minimum": 1, "maximum": 20});
    [
        tool("find", "query", json!({"cuisine": {"type": "string", "enum": ["thai", "pizza"]}}), json!([]), None),
        tool("book", "compensatable", json!({"place": place, "people": people}), json!(["place", "people"]), None),
        tool("pay", "pivot", json!({"minor": {"type": "integer", "minimum": 1}}), json!(["minor"]), None),
        tool("send", "retriable", json!({"text": {"type": "string", "maxLength": 200}}), json!(["text"]), None),
        tool("launch", "compensatable", json!({}), json!([]), Some(json!({"by": ["ann"]}))),
        tool("open", "compensatable", json!({}), json!([]), Some(json!({"question": "Open it?"}))),
    ]
    .into_iter()
    .map(|tool| (tool.name.clone(), tool))
    .collect()
}

fn tool(name: &str, class: &str, properties: Value, required: Value, approval: Option<Value>) -> Definition {
    let mut definition = json!({
        "name": name, "version": "1", "title": format!("To {name}"), "description": "",
        "class": class, "repeat": {"keyed": {"ttl_ms": 1000}}, "status": true, "fence": true,
        "timeout_ms": 1000, "estimate_ms": 10, "cost_minor": 100,
        "input": {"type": "object", "properties": properties, "required": required, "additionalProperties": false},
        "output": {"type": "object", "properties": {"name": {"type": "string"}, "minor": {"type": "integer"}}},
    });
    if let Some(approval) = approval {
        definition["approval"] = approval;
    }
    serde_json::from_value(definition).unwrap()
}
