//! What came of every key, in PostgreSQL: a tool in Wasm remembers nothing between two calls, so its host does. Every
//! question is one statement (`migrations/`).

use makegood_postgres::{Error, Postgres};
use serde::Deserialize;
use serde_json::Value;

use super::problem::Problem;

pub const MIGRATIONS: &[(&str, &str)] = &[("tool_host/0001_keys", include_str!("migrations/0001_keys.sql"))];

#[derive(Clone)]
pub(super) struct Keys {
    db: Postgres,
    /// How long a claim is good, in milliseconds: longer than any call takes.
    lease: String,
}

/// A tool, and a key that it is called under.
#[derive(Clone, Debug)]
pub(super) struct Named {
    pub(super) tool: String,
    pub(super) key: String,
}

/// The right to work on a key.
#[derive(Debug)]
pub(super) struct Claim {
    pub(super) on: Named,
    mine: String,
}

/// What is known of a key.
#[derive(Debug, PartialEq, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub(super) enum Known {
    /// Nobody works on it but who asked: `unknown` says whether an earlier do may have acted, and the rest is what the
    /// do was given and gave, for an undo.
    Yours {
        #[serde(default)]
        unknown: bool,
        component: Option<String>,
        params: Option<Value>,
        answer: Option<String>,
    },
    /// Somebody works on it.
    Working,
    /// The tool itself cannot say whether it acted; `component` for a status only.
    Unknown {
        component: Option<String>,
    },
    Done {
        answer: String,
    },
    Refused {
        answer: String,
    },
    Undone {
        undone: bool,
    },
    KeyReused,
    None,
}

/// What a claim ends with.
#[derive(Clone, Copy, Debug)]
pub(super) enum Became<'a> {
    /// With the output, as JSON.
    Done(&'a str),
    /// With code and detail, as JSON.
    Refused(&'a str),
    Unknown,
    /// Whether there was something to undo.
    Undone(bool),
}

impl Keys {
    pub(super) fn new(db: Postgres, lease: std::time::Duration) -> Self {
        Self { db, lease: lease.as_millis().to_string() }
    }

    /// Asks to be the one that does it with the code `component`; `again` says whether that may be where an earlier
    /// do's outcome is unknown.
    pub(super) async fn begin_do(
        &self,
        on: Named,
        params: &Value,
        component: &str,
        again: bool,
    ) -> Result<(Known, Claim), Problem> {
        let claim = Claim::new(on);
        let sql =
            "select tool_host.begin_do($1::text, $2::text, $3::jsonb, $4::text, $5::text, $6::bigint, $7::boolean)";
        let (params, again) = (params.to_string(), if again { "true" } else { "false" });
        let asked = [&claim.on.tool, &claim.on.key, &params, component, &claim.mine, &self.lease, again].map(Some);
        Ok((self.known(sql, &asked).await?, claim))
    }

    pub(super) async fn begin_undo(&self, on: Named) -> Result<(Known, Claim), Problem> {
        let claim = Claim::new(on);
        let sql = "select tool_host.begin_undo($1::text, $2::text, $3::text, $4::bigint)";
        let asked = [&claim.on.tool, &claim.on.key, &claim.mine, &self.lease].map(|text| Some(text.as_str()));
        Ok((self.known(sql, &asked).await?, claim))
    }

    pub(super) async fn status(&self, on: &Named) -> Result<Known, Problem> {
        let sql = "select tool_host.status($1::text, $2::text)";
        self.known(sql, &[Some(&on.tool), Some(&on.key)]).await
    }

    /// Ends a claim with what came of it, which is kept from now on. False where the claim had been over, and others
    /// may have decided.
    pub(super) async fn settle(&self, claim: &Claim, became: Became<'_>) -> Result<bool, Problem> {
        let (state, answer, undone) = match became {
            Became::Done(output) => ("done", Some(output), None),
            Became::Refused(refusal) => ("refused", Some(refusal), None),
            Became::Unknown => ("unknown", None, None),
            Became::Undone(undone) => ("undone", None, Some(if undone { "true" } else { "false" })),
        };
        let sql = "select tool_host.settle($1::text, $2::text, $3::text, $4::text, $5::text, $6::boolean)";
        let Claim { on, mine } = claim;
        let rows = self
            .db
            .query(sql, &[Some(&on.tool), Some(&on.key), Some(mine), Some(state), answer, undone])
            .await
            .map_err(|error| failed(&error, sql))?;
        Ok(rows.first() == Some("t"))
    }

    /// Ends a claim of which nothing came. Where this fails, the claim ends with its time.
    pub(super) async fn give_up(&self, claim: &Claim) {
        let sql = "select tool_host.give_up($1::text, $2::text, $3::text)";
        let Claim { on, mine } = claim;
        if let Err(error) = self.db.query(sql, &[Some(&on.tool), Some(&on.key), Some(mine)]).await {
            tracing::warn!(tool = on.tool, key = on.key, %error, "a claim on a key is given up by its time only");
        }
    }

    async fn known(&self, sql: &str, params: &[Option<&str>]) -> Result<Known, Problem> {
        let rows = self.db.query(sql, params).await.map_err(|error| failed(&error, sql))?;
        serde_json::from_str(rows.first().unwrap_or("null")).map_err(|error| {
            tracing::error!(%error, sql, "the tool host's database answered in an unknown shape");
            Problem::internal()
        })
    }
}

impl Claim {
    fn new(on: Named) -> Self {
        Self { on, mine: format!("{:032x}", rand::random::<u128>()) }
    }
}

fn failed(error: &Error, sql: &str) -> Problem {
    tracing::error!(%error, sql, "the tool host's database failed");
    match error {
        // Nothing was sent, so nothing was done.
        Error::Unavailable(_) => Problem::busy(None),
        Error::Server(_) | Error::Interrupted(_) | Error::Refused(_) | Error::Migration { .. } => Problem::internal(),
    }
}
