//! A database of a deployment, over HTTP as the functions reach it: for the commands that prepare or examine one.

use std::collections::BTreeMap;

use anyhow::{Context, bail};
use makegood_core::time::Millis;
use makegood_edge::Host;
use makegood_edge::native::Native;
use makegood_gateway::neon::{self, Database, Failure, Rows};
use makegood_gateway::store::{self, Statement};
use serde::de::DeserializeOwned;
use serde_json::json;

/// A migration may take a while.
const PATIENCE: Millis = Millis(60_000);

pub struct Remote {
    host: Native,
    database: Database,
}

/// Why a statement was not carried out.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// Nobody answered.
    #[error("{0}")]
    Silence(String),
    #[error(transparent)]
    Answer(#[from] Failure),
}

impl Remote {
    #[must_use]
    pub fn new(url: &str, connection: &str) -> Self {
        let database = Database { url: url.to_owned(), connection: connection.to_owned() };
        Self { host: Native::new(BTreeMap::new()), database }
    }

    /// One statement.
    pub async fn query(&self, sql: &str, params: &[Option<&str>]) -> Result<Rows, Fault> {
        let request = neon::request(&self.database, sql, params).map_err(|error| Fault::Silence(error.0))?;
        self.send(request).await
    }

    /// What one of the store's statements answers; `None` where it is null.
    ///
    /// # Errors
    /// Says what the database said, and what may help.
    pub async fn ask<T: DeserializeOwned>(&self, statement: &Statement) -> anyhow::Result<Option<T>> {
        let params: Vec<Option<&str>> = statement.params.iter().map(Option::as_deref).collect();
        let rows = self.query(statement.sql, &params).await;
        let rows = rows.context("the database; has `makegood migrate` been run?")?;
        store::read(rows).map_err(|error| anyhow::anyhow!("{error}"))
    }

    /// Several statements without results, all of them or none.
    pub async fn transaction(&self, statements: &[String]) -> anyhow::Result<()> {
        let queries: Vec<_> = statements.iter().map(|sql| json!({"query": sql, "params": []})).collect();
        let mut request = neon::request(&self.database, "", &[]).map_err(|error| anyhow::anyhow!("{error}"))?;
        *request.body_mut() = serde_json::to_vec(&json!({ "queries": queries }))?.into();
        let answer = self.host.fetch(request, PATIENCE).await.context("the database does not answer")?;
        if answer.status() == 200 {
            return Ok(());
        }
        match neon::response(&answer) {
            Ok(_) => bail!("the database answered {}", answer.status()),
            Err(failure) => Err(failure.into()),
        }
    }

    async fn send(&self, request: makegood_gateway::Request) -> Result<Rows, Fault> {
        let answer = self.host.fetch(request, PATIENCE).await.map_err(|error| Fault::Silence(error.to_string()))?;
        Ok(neon::response(&answer)?)
    }
}
