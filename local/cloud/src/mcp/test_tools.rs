//! Tools for tests of clients: one of each kind that an orchestrator must tell apart.

use std::future::ready;

use serde_json::{Map, Value, json};

use super::{Call, Called, Tools, Trouble};

/// `echo`, `add`, `fail` and `wipe`.
#[derive(Clone, Copy, Debug, Default)]
pub struct TestTools;

impl Tools for TestTools {
    fn list(&self) -> Vec<Value> {
        let tool = |name: &str, description: &str, properties: Value, annotations: Value| {
            let required: Vec<&String> = properties.as_object().into_iter().flat_map(Map::keys).collect();
            json!({
                "name": name,
                "description": description,
                "inputSchema": { "type": "object", "properties": properties, "required": required },
                "annotations": annotations,
            })
        };
        let read_only = json!({ "readOnlyHint": true, "openWorldHint": false });
        let text = json!({ "type": "string" });
        let number = json!({ "type": "number" });
        let mut add = tool("add", "Adds two numbers.", json!({ "a": number, "b": number }), read_only.clone());
        add["outputSchema"] = json!({
            "type": "object",
            "properties": { "sum": { "type": "number" } },
            "required": ["sum"],
        });
        let destructive = json!({ "readOnlyHint": false, "destructiveHint": true, "idempotentHint": true });
        vec![
            tool("echo", "Says what it is told.", json!({ "text": text }), read_only.clone()),
            add,
            tool("fail", "Fails, and says so.", json!({ "message": text }), read_only),
            tool("wipe", "Would destroy something, if there were anything.", json!({}), destructive),
        ]
    }

    fn call(&self, call: Call) -> Called<'_> {
        Box::pin(ready(made(&call).map_err(Trouble::Refused)))
    }
}

fn made(Call { name, arguments, .. }: &Call) -> Result<Value, String> {
    let text = |name: &str| {
        let text = arguments.get(name).and_then(Value::as_str);
        text.map(str::to_owned).ok_or_else(|| format!("`{name}` must be a text"))
    };
    let number = |name: &str| {
        let number = arguments.get(name).filter(|number| number.is_number());
        number.ok_or_else(|| format!("`{name}` must be a number"))
    };
    match name.as_str() {
        "echo" => text("text").map(Value::String),
        "add" => add(number("a")?, number("b")?).map(|sum| json!({ "sum": sum })),
        "fail" => Err(text("message")?),
        "wipe" => Ok("wiped".into()),
        _ => Err(format!("there is no tool `{name}`")),
    }
}

/// Whole numbers stay whole.
fn add(a: &Value, b: &Value) -> Result<Value, String> {
    if let Some(sum) = a.as_i64().zip(b.as_i64()).and_then(|(a, b)| a.checked_add(b)) {
        return Ok(json!(sum));
    }
    let sum = a.as_f64().unwrap_or_default() + b.as_f64().unwrap_or_default();
    if sum.is_finite() { Ok(json!(sum)) } else { Err("the sum is too large".to_owned()) }
}
