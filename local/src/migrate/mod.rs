//! `makegood migrate`: brings a deployment's database to what this code needs.
//!
//! Over HTTP, as the functions reach it, with each migration in one transaction of single statements; or straight
//! to a server that takes connections without TLS. Both keep the same record of what was applied, by the hash of
//! its text, so they can be used in turn. The demo town's tables belong to the local platform, and are not made.

mod split;

use std::collections::BTreeMap;

use anyhow::{Context, bail, ensure};
use clap::Args;
use makegood_gateway::store::MIGRATIONS;
use makegood_postgres::{MIGRATIONS_LOCK, MIGRATIONS_TABLE, Postgres, migration_hash};

use crate::configuration::{Configuration, Source};
use crate::remote::Remote;

pub use split::statements;

#[derive(Debug, Args)]
pub struct Migrate {
    #[command(flatten)]
    pub source: Source,
    /// The connection string; alone, a server that is connected to without TLS [default: as configured]
    #[arg(long, value_name = "URL")]
    pub database_url: Option<String>,
    /// Where SQL over HTTP is served [default: as configured]
    #[arg(long, value_name = "URL")]
    pub database_http_url: Option<String>,
}

/// Applies what is missing, and says so.
pub async fn run(options: &Migrate) -> anyhow::Result<()> {
    let applied = match (&options.database_url, &options.database_http_url) {
        (Some(url), None) => {
            let postgres = Postgres::connect(url).await?;
            let applied = postgres.migrate(MIGRATIONS).await;
            postgres.close().await;
            applied?
        }
        (url, http) => {
            let configured = Configuration::read(&options.source, |name| std::env::var(name).ok())?;
            let url = url.as_deref().unwrap_or(configured.get("database_url"));
            let http = http.as_deref().unwrap_or(configured.get("database_http_url"));
            ensure!(!http.is_empty(), "There is no database_http_url: give --database-http-url, or set it.");
            over_http(&Remote::new(http, url)).await?
        }
    };
    println!("{applied} migrations were applied; all {} are there now.", MIGRATIONS.len());
    Ok(())
}

/// Applies what is missing, over HTTP; answers with how many that were.
///
/// # Errors
/// Names the migration that failed, or that was edited after it had been applied.
pub async fn over_http(database: &Remote) -> anyhow::Result<usize> {
    database.query(MIGRATIONS_TABLE, &[]).await.context("the table of migrations")?;
    let known = applied(database).await?;
    let mut count = 0;
    for (name, sql) in MIGRATIONS {
        let hash = migration_hash(sql);
        match known.get(*name) {
            Some(known) if *known == hash => continue,
            Some(_) => bail!("The migration {name} was edited after it had been applied; restore its text."),
            None => {}
        }
        // A name and a hash need no quoting: neither has a quote in it.
        let note = format!("insert into public.makegood_migrations (name, sha256) values ('{name}', '{hash}')");
        let mut script = vec![MIGRATIONS_LOCK.to_owned()];
        script.extend(statements(sql).into_iter().map(str::to_owned));
        script.push(note);
        database.transaction(&script).await.with_context(|| format!("{name}; nothing of it was applied"))?;
        count += 1;
    }
    Ok(count)
}

/// The names of what was applied, with the hash of each.
pub async fn applied(database: &Remote) -> Result<BTreeMap<String, String>, crate::remote::Fault> {
    let rows = database.query("select name, sha256 from public.makegood_migrations order by name", &[]).await?;
    let pair = |row: Vec<Option<String>>| {
        let [name, hash] = <[Option<String>; 2]>::try_from(row).ok()?;
        Some((name?, hash?))
    };
    Ok(rows.rows.into_iter().filter_map(pair).collect())
}
