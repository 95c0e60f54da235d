//! `/{tool}/do`, `/undo` and `/status`: from HTTP to a call and back.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::routing::{get, post};
use axum::{Json, Router};
use makegood_core::tool::Definition;
use makegood_tools::{Act, OutsideSubset, Pivot, Query, Retriable, Tool, Undo, definition};
use serde_json::Value;

use crate::book::Store;
use crate::call::{Acting, Answer, Reading, Served, Undoing, undoing};
use crate::problem::Problem;

/// The tools that are served, over one store.
pub struct Server<S> {
    store: Arc<S>,
    tools: Tools,
    definitions: Vec<Definition>,
}

type Tools = BTreeMap<String, Arc<dyn Served>>;

impl<S: Store> Server<S> {
    /// Without tools yet.
    #[must_use]
    pub fn new(store: S) -> Self {
        Self { store: Arc::new(store), tools: Tools::new(), definitions: Vec::new() }
    }

    /// Adds a tool that only reads. One of the same name is replaced, here and below.
    ///
    /// # Errors
    /// Where a schema has what cannot be checked.
    pub fn query<T: Act + Tool<Class = Query>>(self, tool: T) -> Result<Self, OutsideSubset> {
        let definition = definition::<T>()?;
        Ok(self.with(definition.clone(), Arc::new(Reading { tool, definition })))
    }

    /// Adds a tool that can be undone.
    ///
    /// # Errors
    /// As above.
    pub fn compensatable<T: Undo>(self, tool: T) -> Result<Self, OutsideSubset> {
        self.acting(tool, Some(undoing::<T>()))
    }

    /// Adds a point of no return.
    ///
    /// # Errors
    /// As above.
    pub fn pivot<T: Act + Tool<Class = Pivot>>(self, tool: T) -> Result<Self, OutsideSubset> {
        self.acting(tool, None)
    }

    /// Adds a tool that is repeated until it succeeds.
    ///
    /// # Errors
    /// As above.
    pub fn retriable<T: Act + Tool<Class = Retriable>>(self, tool: T) -> Result<Self, OutsideSubset> {
        self.acting(tool, None)
    }

    fn acting<T: Act>(self, tool: T, undoing: Option<Undoing<T>>) -> Result<Self, OutsideSubset> {
        let definition = definition::<T>()?;
        let (tool, store) = (Arc::new(tool), Arc::clone(&self.store));
        Ok(self.with(definition.clone(), Arc::new(Acting { tool, store, definition, undoing })))
    }

    fn with(mut self, definition: Definition, served: Arc<dyn Served>) -> Self {
        self.tools.insert(definition.name.clone(), served);
        self.definitions.retain(|other| other.name != definition.name);
        self.definitions.push(definition);
        self
    }

    /// What is to be registered; as JSON, a file for `makegood tools add`.
    #[must_use]
    pub fn definitions(&self) -> &[Definition] {
        &self.definitions
    }

    /// The addresses; nest them below the base of your tools.
    pub fn router(self) -> Router {
        Router::new()
            .route("/{tool}/do", post(act))
            .route("/{tool}/undo", post(undo))
            .route("/{tool}/status", get(status))
            .with_state(Arc::new(self.tools))
    }
}

async fn act(
    State(tools): State<Arc<Tools>>,
    Path(tool): Path<String>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Json<Value>, Problem> {
    let tool = named(&tools, &tool)?;
    let key = match key(&headers) {
        Err(_) if !tool.takes_key() => String::new(),
        key => key?,
    };
    let params = object(body)?;
    carried_out(tool.act(key, params)).await
}

async fn undo(
    State(tools): State<Arc<Tools>>,
    Path(tool): Path<String>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Json<Value>, Problem> {
    let tool = named(&tools, &tool)?;
    let key = key(&headers)?;
    // What is undone is known by the key; the body is there for tools that know nothing.
    object(body)?;
    carried_out(tool.undo(key)).await
}

async fn status(
    State(tools): State<Arc<Tools>>,
    Path(tool): Path<String>,
    headers: HeaderMap,
) -> Result<Json<Value>, Problem> {
    let tool = named(&tools, &tool)?;
    tool.status(key(&headers)?).await.map(Json)
}

/// In a task of its own: who hangs up does not stop it midway.
async fn carried_out(call: impl Future<Output = Answer> + Send + 'static) -> Result<Json<Value>, Problem> {
    let ended = tokio::spawn(call).await.map_err(|error| {
        tracing::error!(%error, "a call of a tool ended early");
        Problem::unknown()
    })?;
    ended.map(Json)
}

fn named(tools: &Tools, name: &str) -> Result<Arc<dyn Served>, Problem> {
    tools.get(name).cloned().ok_or_else(|| {
        let names: Vec<&str> = tools.keys().map(String::as_str).collect();
        let detail = format!("There is no such tool. The tools are {}.", names.join(", "));
        Problem::new(StatusCode::NOT_FOUND, "unknown_tool", detail)
    })
}

const LONGEST_KEY: usize = 200;

fn key(headers: &HeaderMap) -> Result<String, Problem> {
    let mut given = headers.get_all("idempotency-key").iter();
    let (Some(value), None) = (given.next(), given.next()) else {
        return Err(Problem::bad_request("missing_key", "Give exactly one Idempotency-Key header."));
    };
    match value.to_str() {
        Ok(key) if (1..=LONGEST_KEY).contains(&key.len()) && key.bytes().all(|b| b.is_ascii_graphic()) => {
            Ok(key.to_owned())
        }
        _ => Err(Problem::bad_request(
            "invalid_key",
            format!("An Idempotency-Key is 1 to {LONGEST_KEY} visible ASCII characters without spaces."),
        )),
    }
}

fn object(body: Result<Bytes, BytesRejection>) -> Result<Value, Problem> {
    let body = body.map_err(|rejection| match rejection.status() {
        StatusCode::PAYLOAD_TOO_LARGE => {
            Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "body_too_large", "The body is larger than this server reads.")
        }
        _ => Problem::bad_request("invalid_body", "The body could not be read to its end."),
    })?;
    let value: Value = serde_json::from_slice(&body)
        .map_err(|error| Problem::bad_request("invalid_json", format!("The body is not JSON: {error}.")))?;
    if value.is_object() { Ok(value) } else { Err(Problem::bad_request("invalid_json", "The body must be an object.")) }
}
