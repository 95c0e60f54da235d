//! JSON-RPC 2.0, as the protocol uses it: one message a request, no batches.

use http::StatusCode;
use serde_json::{Map, Value, json};

/// A message of the client.
pub struct Message {
    /// `None` of a notification.
    pub id: Option<Value>,
    pub method: String,
    pub params: Map<String, Value>,
}

/// Why a request has no result, and the status that the transport gives it.
#[derive(Debug)]
pub struct Failure {
    pub status: StatusCode,
    pub code: i64,
    pub message: String,
    pub data: Option<Value>,
}

impl Failure {
    pub fn new(status: u16, code: i64, message: &str) -> Self {
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
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

/// Whether it may stand for a request, or for its progress.
pub fn is_id(value: &Value) -> bool {
    value.is_string() || value.is_i64() || value.is_u64()
}

/// The id under which whatever is in `body` is answered; null where there is none, or none that may be.
pub fn id_of(body: &[u8]) -> Value {
    match Message::parse(body) {
        Ok(message) => message.id.unwrap_or_default(),
        Err((_, id)) => id,
    }
}

/// The answer to a request.
pub fn result(id: &Value, result: Map<String, Value>) -> Value {
    json!({ "jsonrpc": "2.0", "id": id, "result": result })
}

impl Message {
    /// Reads a message.
    ///
    /// # Errors
    /// What is wrong with it, and the id that it has all the same.
    pub fn parse(body: &[u8]) -> Result<Self, (Failure, Value)> {
        let value: Value = serde_json::from_slice(body)
            .map_err(|error| (Failure::new(400, -32700, &format!("Parse error: {error}")), Value::Null))?;
        let Value::Object(mut fields) = value else {
            let text = "Invalid Request: one JSON-RPC message, and no batch";
            return Err((Failure::new(400, -32600, text), Value::Null));
        };
        let id = fields.remove("id");
        let wrong = |text: &str| {
            let known = id.clone().filter(is_id).unwrap_or_default();
            (Failure::new(400, -32600, &format!("Invalid Request: {text}")), known)
        };
        if fields.get("jsonrpc").and_then(Value::as_str) != Some("2.0") {
            return Err(wrong("`jsonrpc` must be \"2.0\""));
        }
        if id.as_ref().is_some_and(|id| !is_id(id)) {
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
