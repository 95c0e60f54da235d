//! JSON-RPC 2.0, as the protocol uses it: one message a request, no batches.

use makegood_edge::Bytes;
use makegood_edge::door::LONGEST_BODY;
use makegood_edge::serde_json::{self, Map, Value, json};

/// A message of the client.
#[derive(Debug)]
pub struct Message {
    /// `None` of a notification.
    pub id: Option<Value>,
    pub method: String,
    pub params: Map<String, Value>,
}

/// Why a request has no result, and the status that the transport gives it.
#[derive(Debug)]
pub struct Failure {
    pub status: u16,
    pub code: i64,
    pub message: String,
    pub data: Option<Value>,
}

impl Failure {
    pub fn new(status: u16, code: i64, message: &str) -> Self {
        Self { status, code, message: message.to_owned(), data: None }
    }

    /// Invalid parameters, unknown tools.
    pub fn params(message: &str) -> Self {
        Self::new(200, -32602, message)
    }

    pub fn to_json(&self, id: &Value) -> Value {
        let mut error = json!({ "code": self.code, "message": self.message });
        if let Some(data) = &self.data {
            error["data"] = data.clone();
        }
        json!({ "jsonrpc": "2.0", "id": id, "error": error })
    }
}

impl Message {
    /// Reads a message.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(body: &Bytes) -> Result<Self, Failure> {
        if body.len() > LONGEST_BODY {
            return Err(Failure::new(413, -32000, &format!("The body exceeds {LONGEST_BODY} bytes.")));
        }
        let wrong = |text: &str| Failure::new(400, -32600, &format!("Invalid Request: {text}"));
        let value: Value = serde_json::from_slice(body)
            .map_err(|error| Failure::new(400, -32700, &format!("Parse error: {error}")))?;
        let Value::Object(mut fields) = value else {
            return Err(wrong("one JSON-RPC message, and no batch"));
        };
        if fields.get("jsonrpc").and_then(Value::as_str) != Some("2.0") {
            return Err(wrong("`jsonrpc` must be \"2.0\""));
        }
        let id = fields.remove("id");
        if id.as_ref().is_some_and(|id| !(id.is_string() || id.is_i64() || id.is_u64())) {
            return Err(wrong("`id` must be a string or a whole number"));
        }
        let Some(Value::String(method)) = fields.remove("method") else {
            return Err(wrong("there is no `method`"));
        };
        let params = match fields.remove("params") {
            None => Map::new(),
            Some(Value::Object(params)) => params,
            Some(_) => return Err(wrong("`params` must be an object")),
        };
        Ok(Self { id, method, params })
    }

    /// A field of `params._meta`.
    pub fn meta(&self, name: &str) -> Option<&Value> {
        self.params.get("_meta")?.get(name)
    }
}
