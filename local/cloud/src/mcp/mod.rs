//! A server of the Model Context Protocol over Streamable HTTP, in both eras: that of 2026-07-28, which has no
//! sessions, and the one before, which begins with `initialize`. What a request says of itself decides.
//!
//! Deliberately absent: prompts, resources, tasks, subscriptions and requests to the client.

mod legacy;
mod modern;
pub(crate) mod rpc;
mod test_tools;
mod transport;

use std::{future::Future, pin::Pin, sync::Arc};

use serde_json::{Map, Value};

pub use test_tools::TestTools;

/// What a server offers.
pub trait Tools: Send + Sync + 'static {
    /// The tools, as `tools/list` shows them; always in the same order.
    fn list(&self) -> Vec<Value>;

    /// Calls a tool that is listed.
    fn call(&self, call: Call) -> Called<'_>;
}

/// A call of a tool.
#[derive(Clone, Debug)]
pub struct Call {
    pub name: String,
    pub arguments: Map<String, Value>,
    /// What the request says about itself, `_meta`.
    pub meta: Map<String, Value>,
}

/// What a tool says, or why it says nothing.
pub type Called<'a> = Pin<Box<dyn Future<Output = Result<Value, Trouble>> + Send + 'a>>;

/// Why a call has no output. An orchestrator must tell these apart: only after the last may it have been done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// The tool says no: a result with `isError`, whose text a model can read.
    Refused(String),
    /// Not now: the transport's 429.
    Busy(String),
    /// What became of it is not known: an internal error of the protocol.
    Lost(String),
}

/// A server. Clones share their sessions.
#[derive(Clone)]
pub struct Mcp {
    tools: Arc<dyn Tools>,
    sessions: Arc<legacy::Sessions>,
}

impl Mcp {
    pub fn new(tools: impl Tools) -> Self {
        Self { tools: Arc::new(tools), sessions: Arc::default() }
    }

    /// The one address of the protocol, `/`.
    pub fn router(&self) -> axum::Router {
        transport::router(self.clone())
    }

    /// `tools/list`: all on one page.
    fn list(&self, params: &Map<String, Value>) -> Result<Map<String, Value>, rpc::Failure> {
        if params.get("cursor").is_some_and(|cursor| !cursor.is_null()) {
            return Err(rpc::Failure::params("there is no page with this cursor"));
        }
        Ok(Map::from_iter([("tools".to_owned(), self.tools.list().into())]))
    }

    /// `tools/call`. What a tool makes of its arguments is a result; only a tool that there is not is a fault
    /// of the protocol.
    async fn call(&self, params: &Map<String, Value>) -> Result<Map<String, Value>, rpc::Failure> {
        let name = params.get("name").and_then(Value::as_str).unwrap_or_default();
        let tools = self.tools.list();
        let Some(tool) = tools.iter().find(|tool| tool["name"] == name) else {
            return Err(rpc::Failure::params(&format!("Unknown tool: {name}")));
        };
        let object = |field| match params.get(field) {
            None => Ok(Map::new()),
            Some(Value::Object(fields)) => Ok(fields.clone()),
            Some(_) => Err(rpc::Failure::params(&format!("`{field}` must be an object"))),
        };
        let call = Call { name: name.to_owned(), arguments: object("arguments")?, meta: object("_meta")? };
        let text = |text: String| serde_json::json!([{ "type": "text", "text": text }]);
        Ok(match self.tools.call(call).await {
            Ok(output) if tool.get("outputSchema").is_some() => Map::from_iter([
                ("content".to_owned(), text(output.to_string())),
                ("structuredContent".to_owned(), output),
            ]),
            Ok(Value::String(output)) => Map::from_iter([("content".to_owned(), text(output))]),
            Ok(output) => Map::from_iter([("content".to_owned(), text(output.to_string()))]),
            Err(Trouble::Refused(why)) => {
                Map::from_iter([("content".to_owned(), text(why)), ("isError".to_owned(), Value::Bool(true))])
            }
            Err(Trouble::Busy(why)) => return Err(rpc::Failure::new(429, -32000, &why)),
            Err(Trouble::Lost(why)) => return Err(rpc::Failure::new(200, -32603, &why)),
        })
    }
}

/// Who we are.
fn server_info() -> Value {
    serde_json::json!({ "name": "makegood-mcp", "version": env!("CARGO_PKG_VERSION") })
}
