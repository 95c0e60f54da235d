//! The plans that are measured: chains of effects, each of which refers to the output of the one
//! before, as those of `makegood bench saga` do.

use std::collections::BTreeMap;

use makegood_core::id::SagaId;
use makegood_core::saga::{Limits, Node, Plan, freeze};
use makegood_core::time::Millis;
use makegood_core::tool::Definition;
use serde_json::{Value, json};

/// When everything happens.
pub const NOW: Millis = Millis(1_795_000_000_000);

pub fn id() -> SagaId {
    SagaId::new(NOW, [7; 10])
}

/// The one registered tool: it can be undone, and so is committed before and after.
pub fn tools() -> BTreeMap<String, Definition> {
    let definition = json!({
        "name": "order", "version": "1", "title": "Order", "description": "Orders one thing, and cancels it.",
        "class": "compensatable", "repeat": {"keyed": {"ttl_ms": 86_400_000}}, "status": true, "fence": true,
        "timeout_ms": 10_000, "estimate_ms": 50,
        "input": {
            "type": "object", "required": ["n"], "additionalProperties": false,
            "properties": {"n": {"type": "integer", "minimum": 0}, "after": {"type": "integer"}}
        },
        "output": {"type": "object", "required": ["n"], "properties": {"n": {"type": "integer"}}}
    });
    [("order".to_owned(), serde_json::from_value(definition).unwrap())].into()
}

/// What a partner answers to step number `ix`.
pub fn output(ix: u32) -> Value {
    json!({"n": ix})
}

pub fn chain(steps: u32) -> Plan {
    let step = |n: u32| {
        let before = n.checked_sub(1);
        let params = before.map_or_else(|| json!({"n": n}), |before| json!({"n": n, "after": format!("$s{before}.n")}));
        json!({"id": format!("s{n}"), "tool": "order", "params": params})
    };
    let plan = json!({"summary": "A chain", "steps": (0..steps).map(step).collect::<Vec<_>>()});
    serde_json::from_value(plan).unwrap()
}

pub fn frozen(steps: u32) -> Vec<Node> {
    freeze(&chain(steps), &tools(), Limits::default()).unwrap()
}
