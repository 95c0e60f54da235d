//! The tools of a world: what their partners promise is written here, the rest is drawn.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use makegood_core::time::Millis;
use makegood_core::tool::{Class, Definition, Repeat, Retry, Schema};
use serde_json::{Map, Value, json};

use crate::rng::Rng;

/// `name, class, keyed, status, fence`.
pub(super) const CONTRACTS: &[(&str, Class, bool, bool, bool)] = &[
    ("table", Class::Compensatable, true, true, true),
    ("ride", Class::Compensatable, true, false, true),
    ("hotel", Class::Compensatable, true, true, false),
    ("flight", Class::Compensatable, true, false, false),
    ("parking", Class::Compensatable, false, true, true),
    ("court", Class::Compensatable, false, true, false),
    ("ferry", Class::Compensatable, false, false, false),
    ("locker", Class::Compensatable, false, false, true),
    ("pay", Class::Pivot, true, true, false),
    ("wire", Class::Pivot, true, false, false),
    ("auction", Class::Pivot, false, true, false),
    ("sale", Class::Pivot, false, false, false),
    ("text", Class::Retriable, true, true, false),
    ("mail", Class::Retriable, true, false, false),
    ("fax", Class::Retriable, false, true, false),
    ("look", Class::Query, true, false, false),
    ("weather", Class::Query, true, true, false),
];

pub(super) const COMPENSATABLE: std::ops::Range<usize> = 0..8;
pub(super) const PIVOTS: std::ops::Range<usize> = 8..12;
pub(super) const RETRIABLE: std::ops::Range<usize> = 12..15;
pub(super) const QUERIES: std::ops::Range<usize> = 15..17;

/// Some tools are faster than they declare, and some slower than any invocation is long.
pub(super) fn learned(rng: &mut Rng, tools: &BTreeMap<String, Definition>) -> BTreeMap<String, u64> {
    let known: Vec<&String> = tools.keys().filter(|_| rng.chance(500)).collect();
    known.into_iter().map(|name| (name.clone(), *rng.pick(&[1, 20, 300, 20_000]))).collect()
}

/// The tools that run sagas: read once, since their schemas are written as JSON.
pub(super) static BUILT_IN: OnceLock<[Definition; 2]> = OnceLock::new();
static SCHEMAS: OnceLock<(Schema, Schema)> = OnceLock::new();

/// Of what every tool takes, and of what it gives.
fn schemas() -> (Schema, Schema) {
    let schema = |value: Value| serde_json::from_value::<Schema>(value).unwrap_or_default();
    // They travel with every window, so they say what is needed: which fields there are.
    let fields = json!({"id": {}, "n": {}, "hint": {}, "list": {"items": {"properties": {"n": {}}}}});
    let input = schema(json!({"properties": {"n": {"type": "integer"}}}));
    (input, schema(json!({"properties": fields})))
}

pub(super) fn definition(contract: &(&str, Class, bool, bool, bool), rng: &mut Rng) -> Definition {
    let (name, class, keyed, status, fence) = *contract;
    let ttl_ms = Millis(*rng.pick(&[4_000, 3_600_000, 86_400_000, 86_400_000]));
    let (input, output) = SCHEMAS.get_or_init(schemas);
    Definition {
        name: name.to_owned(),
        version: "1".to_owned(),
        title: String::new(),
        description: String::new(),
        examples: Vec::new(),
        class,
        repeat: if keyed { Repeat::Keyed { ttl_ms } } else { Repeat::Never },
        status,
        fence,
        timeout_ms: Millis(*rng.pick(&[150, 400, 2_000])),
        estimate_ms: Millis(*rng.pick(&[5, 30, 100])),
        retry: Retry {
            attempts: u32::try_from(rng.between(1, 5)).unwrap_or(1),
            base_ms: Millis(*rng.pick(&[20, 200, 1_000])),
            cap_ms: Millis(*rng.pick(&[400, 3_000])),
            never: if rng.chance(150) { vec!["http_500".to_owned()] } else { Vec::new() },
        },
        cost_minor: *rng.pick(&[0, 0, 100, 250]),
        cost_tokens: *rng.pick(&[0, 0, 0, 1_000]),
        approval: None,
        rules: Vec::new(),
        concurrency: Vec::new(),
        rate: None,
        secrets: Map::new(),
        hosts: Vec::new(),
        mcp: None,
        input: input.clone(),
        // A partner may answer nothing but `null`.
        output: if name == "flight" { Schema::default() } else { output.clone() },
    }
}
