//! The town's state in PostgreSQL: one statement a call, and what its verdicts mean over HTTP.

use std::time::{SystemTime, UNIX_EPOCH};

use axum::http::StatusCode;
use makegood_postgres::{Error, Postgres, Rows};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::key::Key;
use crate::problem::Problem;
use crate::tool::Tool;

/// What a tool answers: its output, or the problem.
pub(crate) type Answer = Result<Value, Problem>;

/// What is known of a key.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub(crate) enum Verdict {
    Done {
        output: Value,
    },
    Refused(Problem),
    /// `undone` says whether there was anything to undo.
    Undone {
        undone: bool,
    },
    /// Asked for with other parameters than it was done with.
    KeyReused,
    InProgress,
    None,
}

impl Verdict {
    /// As the answer to a do.
    pub(crate) fn of_do(self) -> Answer {
        match self {
            Self::Done { output } => Ok(output),
            Self::Refused(problem) => Err(problem),
            Self::Undone { .. } => Err(Problem::new(
                StatusCode::GONE,
                "undone",
                "This key was undone, so it is not done any more. Use a new key.",
            )),
            Self::KeyReused => Err(Problem::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                "key_reused",
                "This key was used with other parameters. Nothing was changed; use a new key.",
            )),
            Self::InProgress => Err(Problem::in_progress()),
            Self::None => Err(Problem::internal()),
        }
    }

    /// As the answer to an undo.
    pub(crate) fn of_undo(self) -> Answer {
        match self {
            Self::Undone { undone } => Ok(json!({ "undone": undone })),
            Self::Refused(problem) => Err(problem),
            Self::InProgress => Err(Problem::in_progress()),
            Self::Done { .. } | Self::KeyReused | Self::None => Err(Problem::internal()),
        }
    }

    /// As the answer to a status call.
    pub(crate) fn of_status(self) -> Answer {
        match self {
            Self::Done { output } => Ok(json!({ "state": "done", "output": output })),
            Self::Refused(Problem { status, code, detail }) => {
                Ok(json!({ "state": "refused", "status": status, "code": code, "detail": detail }))
            }
            Self::Undone { .. } => Ok(json!({ "state": "undone" })),
            Self::InProgress => Ok(json!({ "state": "in_progress" })),
            Self::None => Ok(json!({ "state": "none" })),
            Self::KeyReused => Err(Problem::internal()),
        }
    }
}

#[derive(Clone)]
pub(crate) struct Store {
    db: Postgres,
}

impl Store {
    pub(crate) fn new(db: Postgres) -> Self {
        Self { db }
    }

    /// Acts once a key. `refusal` is stored instead, where the call was refused beforehand.
    pub(crate) async fn act(
        &self,
        tool: Tool,
        key: &Key,
        params: &Value,
        refusal: Option<&Problem>,
    ) -> Result<Verdict, Problem> {
        let refusal = refusal.map(|problem| json!(problem).to_string());
        self.verdict(
            "select town.act($1::text, $2::text, $3::jsonb, $4::bigint, $5::jsonb)",
            &[
                Some(tool.name()),
                Some(key.as_str()),
                Some(&params.to_string()),
                Some(&now_ms().to_string()),
                refusal.as_deref(),
            ],
        )
        .await
    }

    pub(crate) async fn undo(&self, tool: Tool, key: &Key) -> Result<Verdict, Problem> {
        self.verdict(
            "select town.undo($1::text, $2::text, $3::bigint)",
            &[Some(tool.name()), Some(key.as_str()), Some(&now_ms().to_string())],
        )
        .await
    }

    pub(crate) async fn status(&self, tool: Tool, key: &Key) -> Result<Verdict, Problem> {
        self.verdict("select town.status($1::text, $2::text)", &[Some(tool.name()), Some(key.as_str())]).await
    }

    /// Answers a query that reads the town.
    pub(crate) async fn ask(&self, tool: Tool, params: &Value) -> Result<Verdict, Problem> {
        self.verdict("select town.ask($1::text, $2::jsonb)", &[Some(tool.name()), Some(&params.to_string())]).await
    }

    async fn verdict(&self, sql: &str, params: &[Option<&str>]) -> Result<Verdict, Problem> {
        self.json(sql, params).await
    }

    /// The single JSON value that a statement answers.
    pub(crate) async fn json<T: for<'de> Deserialize<'de>>(
        &self,
        sql: &str,
        params: &[Option<&str>],
    ) -> Result<T, Problem> {
        let rows = self.run(sql, params).await?;
        let text = rows.first().unwrap_or("null");
        serde_json::from_str(text).map_err(|error| {
            tracing::error!(%error, sql, "the town's database answered in an unknown shape");
            Problem::internal()
        })
    }

    pub(crate) async fn run(&self, sql: &str, params: &[Option<&str>]) -> Result<Rows, Problem> {
        self.db.query(sql, params).await.map_err(|error| {
            tracing::error!(%error, sql, "the town's database failed");
            match error {
                // Nothing was sent, so nothing was done.
                Error::Unavailable(_) => Problem::busy(),
                Error::Server(_) | Error::Interrupted(_) | Error::Refused(_) | Error::Migration { .. } => {
                    Problem::internal()
                }
            }
        })
    }
}

fn now_ms() -> u128 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis())
}
