//! A journal for functions that only read: it speaks SQL over HTTP and has one tool registered.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Context;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::routing::post;
use axum::{Json, Router};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// How it behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mood {
    Answering,
    Silent,
}

/// A journal being served. Ends when it is dropped.
#[derive(Debug)]
pub struct Journal {
    url: String,
    desk: Arc<Desk>,
    task: JoinHandle<()>,
}

/// What the served side notes down.
#[derive(Debug)]
struct Desk {
    mood: Mood,
    seen: Mutex<Vec<Statement>>,
    given_up: AtomicUsize,
}

/// One statement as it arrived.
#[derive(Clone, Debug)]
pub struct Statement {
    /// The connection string that it came with.
    pub connection: String,
    pub query: String,
}

impl Journal {
    /// # Errors
    /// Where no port is free.
    pub async fn serve() -> anyhow::Result<Self> {
        Self::start(Mood::Answering).await
    }

    /// Takes statements in and never answers.
    ///
    /// # Errors
    /// Where no port is free.
    pub async fn silent() -> anyhow::Result<Self> {
        Self::start(Mood::Silent).await
    }

    async fn start(mood: Mood) -> anyhow::Result<Self> {
        let desk = Arc::new(Desk { mood, seen: Mutex::default(), given_up: AtomicUsize::default() });
        let router = Router::new().route("/sql", post(answer)).with_state(Arc::clone(&desk));
        let listener = TcpListener::bind("127.0.0.1:0").await.context("no port is free")?;
        let url = format!("http://{}/sql", listener.local_addr()?);
        let task = tokio::spawn(async move {
            // It only ends with the test, which then has its verdict.
            let _ = axum::serve(listener, router).await;
        });
        Ok(Self { url, desk, task })
    }

    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Waits until as many callers have hung up on a silent journal.
    pub async fn given_up(&self, callers: usize) {
        while self.desk.given_up.load(Ordering::Relaxed) < callers {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// Everything that was asked so far.
    #[must_use]
    pub fn seen(&self) -> Vec<Statement> {
        self.desk.seen.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for Journal {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Counts a caller who did not stay for the answer.
struct Waiting<'a>(&'a Desk);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.given_up.fetch_add(1, Ordering::Relaxed);
    }
}

async fn answer(State(desk): State<Arc<Desk>>, headers: HeaderMap, Json(body): Json<Value>) -> Json<Value> {
    let connection = headers.get("neon-connection-string").and_then(|value| value.to_str().ok());
    let statement = Statement {
        connection: connection.unwrap_or_default().to_owned(),
        query: body["query"].as_str().unwrap_or_default().to_owned(),
    };
    desk.seen.lock().unwrap_or_else(PoisonError::into_inner).push(statement);
    if desk.mood == Mood::Silent {
        let _waiting = Waiting(&desk);
        std::future::pending::<()>().await;
    }
    let tools = json!({ "book_restaurant_table": book_restaurant_table() });
    Json(json!({ "fields": [], "rows": [[tools.to_string()]], "rowCount": 1 }))
}

fn book_restaurant_table() -> Value {
    let any = json!({ "type": "object" });
    json!({
        "name": "book_restaurant_table", "version": "1", "title": "Book a table", "description": "Books a table.",
        "class": "compensatable", "repeat": { "keyed": { "ttl_ms": 86_400_000 } }, "status": true, "fence": true,
        "timeout_ms": 5_000, "estimate_ms": 50, "cost_minor": 250, "input": any, "output": any,
    })
}
