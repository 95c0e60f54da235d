//! The demo town as tools of an MCP server: each of its tools under its own name, and two that MCP has no words
//! for, `undo` and `status`. They are called as any client calls the town, so that its faults befall these too.
//!
//! A call acts under the idempotency key in its `_meta` ([`KEY`]); one without a key acts anew each time, and
//! nobody can undo it.

use axum::Router;
use axum::body::{Body, to_bytes};
use http::{Request, StatusCode};
use makegood_cloud::mcp::{Call, Called, Tools, Trouble};
use makegood_gateway::mcp::KEY;
use serde_json::{Map, Value, json};
use tower::ServiceExt as _;

const MAX_ANSWER: usize = 1 << 20;

pub struct TownTools {
    town: Router,
    definitions: Vec<Value>,
}

impl TownTools {
    /// `town` is the town's router.
    pub fn new(town: Router) -> Self {
        let definitions = makegood_town::definitions();
        let is_bench = |tool: &Value| tool["name"].as_str().is_some_and(|name| name.starts_with("bench_"));
        Self { town, definitions: definitions.into_iter().filter(|tool| !is_bench(tool)).collect() }
    }

    async fn made(&self, call: Call) -> Result<Value, Trouble> {
        let request = Self::request(call).map_err(Trouble::Refused)?;
        let Ok(response) = self.town.clone().oneshot(request).await;
        let status = response.status();
        let lost = |why: &str| Trouble::Lost(why.to_owned());
        let body = to_bytes(response.into_body(), MAX_ANSWER).await.map_err(|_| lost("no answer came"))?;
        let answer: Value = serde_json::from_slice(&body).map_err(|_| lost("the answer is not JSON"))?;
        if status.is_success() {
            return Ok(answer);
        }
        let part = |name: &str| answer[name].as_str().unwrap_or_default().to_owned();
        let why = format!("{}: {}", part("code"), part("detail"));
        Err(match status {
            StatusCode::TOO_MANY_REQUESTS | StatusCode::TOO_EARLY => Trouble::Busy(why),
            StatusCode::CONFLICT if part("code") == "in_progress" => Trouble::Lost(why),
            _ if status.is_client_error() && status != StatusCode::REQUEST_TIMEOUT => Trouble::Refused(why),
            _ => Trouble::Lost(why),
        })
    }

    /// What the town is sent for a call.
    fn request(Call { name, arguments, meta }: Call) -> Result<Request<Body>, String> {
        let text = |fields: &Map<String, Value>, field: &str| match fields.get(field) {
            Some(Value::String(text)) => Ok(text.clone()),
            _ => Err(format!("`{field}` must be a text")),
        };
        let request = match name.as_str() {
            "undo" => {
                let path = format!("{}/undo", path_of(&text(&arguments, "tool")?)?);
                let body = json!({ "params": {}, "output": null });
                Request::post(path)
                    .header("idempotency-key", text(&arguments, "key")?)
                    .body(Body::from(body.to_string()))
            }
            "status" => {
                let path = format!("{}/status", path_of(&text(&arguments, "tool")?)?);
                Request::get(path).header("idempotency-key", text(&arguments, "key")?).body(Body::empty())
            }
            _ => {
                let key = match meta.get(KEY) {
                    None => format!("mcp-{:032x}", rand::random::<u128>()),
                    Some(_) => text(&meta, KEY)?,
                };
                let body = Body::from(Value::Object(arguments).to_string());
                Request::post(format!("{}/do", path_of(&name)?)).header("idempotency-key", key).body(body)
            }
        };
        request.map_err(|error| format!("`key` cannot be sent: {error}"))
    }
}

/// Where a tool is reached. A name with anything else in it could lead elsewhere.
fn path_of(tool: &str) -> Result<String, String> {
    let plain = !tool.is_empty() && tool.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
    if plain { Ok(format!("/demo/tools/{tool}")) } else { Err(format!("there is no tool `{tool}`")) }
}

/// The schema as the rest of the world reads it: to the town, `19:30` is a time, and RFC 3339 wants seconds and
/// an offset.
fn standard(schema: &Value) -> Value {
    match schema {
        Value::Object(fields) => {
            let mut fields: Map<String, Value> =
                fields.iter().map(|(name, value)| (name.clone(), standard(value))).collect();
            if fields.get("format").is_some_and(|format| format == "time") {
                fields.remove("format");
                fields.insert("pattern".to_owned(), "^[0-2][0-9]:[0-5][0-9]$".into());
            }
            Value::Object(fields)
        }
        Value::Array(items) => items.iter().map(standard).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => schema.clone(),
    }
}

impl Tools for TownTools {
    fn list(&self) -> Vec<Value> {
        let tools = self.definitions.iter().map(|tool| {
            let class = tool["class"].as_str().unwrap_or_default();
            json!({
                "name": tool["name"],
                "title": tool["title"],
                "description": tool["description"],
                "inputSchema": standard(&tool["input"]),
                "outputSchema": standard(&tool["output"]),
                "annotations": {
                    "readOnlyHint": class == "query",
                    "destructiveHint": !matches!(class, "query" | "compensatable"),
                    // Under a key, which a client need not send.
                    "idempotentHint": class == "query",
                    "openWorldHint": false,
                },
            })
        });
        let by_key = |name: &str, title: &str, description: &str, read_only: bool| {
            let text = |description: &str| json!({ "type": "string", "description": description });
            json!({
                "name": name,
                "title": title,
                "description": description,
                "inputSchema": {
                    "type": "object",
                    "properties": {
                        "tool": text("Name of the tool that was called"),
                        "key": text("Idempotency key that it was called under"),
                    },
                    "required": ["tool", "key"],
                    "additionalProperties": false,
                },
                "annotations": {
                    "readOnlyHint": read_only, "destructiveHint": !read_only, "idempotentHint": true,
                    "openWorldHint": false,
                },
            })
        };
        let undo =
            by_key("undo", "Undo a call", "Undoes what a call under a key did, or forbids it to be done.", false);
        let status = by_key("status", "Ask about a call", "Says what became of a call under a key.", true);
        tools.chain([undo, status]).collect()
    }

    fn call(&self, call: Call) -> Called<'_> {
        Box::pin(self.made(call))
    }
}
