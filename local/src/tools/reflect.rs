//! `makegood tools reflect`: JSON Schema and Rust types of a database's tables, written or compared with what is
//! checked in.

use anyhow::{Context, bail, ensure};
use makegood_postgres::Postgres;
use makegood_tools::reflect::{CATALOGUE, Catalogue, Folder, Wanted, files};

use super::arguments::ReflectTables;
use crate::configuration::{Configuration, Source};
use crate::remote::Remote;

/// Writes the files; with `--check`, prints how they differ, and fails where they do.
pub async fn run(options: &ReflectTables, source: &Source) -> anyhow::Result<()> {
    let wanted = Wanted { tables: options.tables.clone(), filled: options.filled.clone() };
    let catalogue = Catalogue::read(&answer(options, source, &wanted).await?)?;
    let files = files(&catalogue, &wanted)?;
    let (folder, shown) = (Folder::new(&options.out), options.out.display());
    if !options.check {
        let changed = folder.write(&files).with_context(|| format!("cannot write to {shown}"))?;
        changed.iter().for_each(|name| println!("{name}"));
        if changed.is_empty() {
            println!("Nothing has changed in {shown}.");
        }
        return Ok(());
    }
    let diff = folder.compare(&files).with_context(|| format!("cannot read {shown}"))?;
    if diff.is_empty() {
        println!("{shown} is as the database is.");
        return Ok(());
    }
    print!("{diff}");
    bail!("{shown} is not as the database is. Run the same without --check, and see to what uses the types.")
}

/// What the database says, asked straight or over HTTP as the functions do.
async fn answer(options: &ReflectTables, source: &Source, wanted: &Wanted) -> anyhow::Result<String> {
    let parameter = wanted.parameter();
    let params = [Some(parameter.as_str())];
    let scalar = match (&options.database_url, &options.database_http_url) {
        (Some(url), None) => {
            let postgres = Postgres::connect(url).await?;
            let rows = postgres.query(CATALOGUE, &params).await;
            postgres.close().await;
            rows?.first().map(str::to_owned)
        }
        (url, http) => {
            let configured = Configuration::read(source, |name| std::env::var(name).ok())?;
            let url = url.as_deref().unwrap_or(configured.get("database_url"));
            let http = http.as_deref().unwrap_or(configured.get("database_http_url"));
            ensure!(!http.is_empty(), "Say which database: --database-url, --database-http-url, or --env.");
            Remote::new(http, url).query(CATALOGUE, &params).await.context("the database")?.scalar()
        }
    };
    scalar.context("the database answered nothing")
}
