//! Applies schema migrations once each. What was applied is remembered by the hash of its SQL, so an
//! old migration that was edited is noticed. Deliberately no way back: a mistake is mended by a new
//! migration.

use crate::connection::{Connection, Statement};
use crate::error::Error;
use crate::pool::Pool;
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::fmt::Write;
use std::sync::Arc;

/// The advisory lock all Makegood processes take, for a transaction: "makegood" in ASCII.
pub const LOCK: &str = "select pg_advisory_xact_lock(7881698906146303844)";

/// Makes the table in which what was applied is remembered.
pub const TABLE: &str = "create table if not exists public.makegood_migrations (
    name text primary key,
    sha256 text not null,
    applied_at timestamptz not null default now()
)";

pub(crate) async fn apply(pool: &Arc<Pool>, migrations: &[(&str, &str)]) -> Result<usize, Error> {
    let mut connection = pool.lease().await?;
    connection.run_simple(&format!("begin; {LOCK}; {TABLE}; commit")).await?;
    let known = "select name, sha256 from public.makegood_migrations";
    let known: HashMap<_, _> = run(&mut connection, known, &[])
        .await?
        .into_iter()
        .filter_map(|row| <[Option<String>; 2]>::try_from(row).ok())
        .filter_map(|[name, hash]| Some((name?, hash?)))
        .collect();

    let mut applied = 0;
    for (name, sql) in migrations {
        let hash = hash(sql);
        match known.get(*name) {
            Some(known) if *known == hash => {}
            Some(_) => return Err(edited(name)),
            None => applied += usize::from(apply_one(&mut connection, name, sql, &hash).await?),
        }
    }
    Ok(applied)
}

/// Returns whether it was this process that applied it.
async fn apply_one(connection: &mut Connection, name: &str, sql: &str, hash: &str) -> Result<bool, Error> {
    connection.run_simple(&format!("begin; {LOCK}")).await?;
    // Another process may have come first while this one waited for the lock.
    let known = "select sha256 from public.makegood_migrations where name = $1";
    let known = run(connection, known, &[Some(name)]).await?.into_iter().flatten().flatten().next();
    if let Some(known) = known {
        connection.run_simple("commit").await?;
        return if known == hash { Ok(false) } else { Err(edited(name)) };
    }
    if let Err(error) = connection.run_simple(sql).await {
        connection.settle().await?;
        return Err(match error {
            Error::Server(error) => failed(name, &format!("{error}; nothing of it was applied")),
            error @ (Error::Unavailable(_) | Error::Interrupted(_) | Error::Refused(_) | Error::Migration { .. }) => {
                error
            }
        });
    }
    if !connection.in_transaction() {
        connection.settle().await?;
        return Err(failed(name, "it must not end the transaction it runs in; remove its commit"));
    }
    let insert = "insert into public.makegood_migrations (name, sha256) values ($1, $2)";
    run(connection, insert, &[Some(name), Some(hash)]).await?;
    connection.run_simple("commit").await?;
    Ok(true)
}

async fn run(
    connection: &mut Connection,
    sql: &str,
    params: &[Option<&str>],
) -> Result<Vec<Vec<Option<String>>>, Error> {
    let answers = connection.run(&[Statement { sql, params }]).await?;
    Ok(answers.into_iter().flat_map(|answer| answer.rows).collect())
}

fn edited(name: &str) -> Error {
    failed(
        name,
        "it was edited after it had been applied here; restore its text and put the change into a new \
         migration, or start with an empty database",
    )
}

fn failed(name: &str, problem: &str) -> Error {
    Error::Migration { name: name.to_owned(), problem: problem.to_owned() }
}

/// What a migration is remembered by.
#[must_use]
pub fn hash(sql: &str) -> String {
    Sha256::digest(sql.as_bytes()).iter().fold(String::new(), |mut hex, byte| {
        // Writing to a string cannot fail.
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}
