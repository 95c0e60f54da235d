//! `makegood tools reflect` over HTTP, as it is run against a deployment's database.

use std::path::Path;

use anyhow::Context;
use clap::Parser;
use makegood_local::cli::{Cli, Command};
use makegood_local::tools;
use makegood_postgres::Postgres;
use tempfile::TempDir;

const ORDERS: &str = "create table public.orders (
    id bigint generated always as identity primary key,
    key text not null,
    pizza text not null check (pizza in ('margherita', 'funghi')),
    pieces int not null default 1 check (pieces between 1 and 12)
)";

async fn reflect(url: &str, connection: &str, out: &Path, more: &[&str]) -> anyhow::Result<()> {
    let out = out.to_str().context("the folder is not UTF-8")?;
    let asked = ["makegood", "tools", "reflect", "--table", "public.orders", "--filled", "key", "--out", out];
    let place = ["--database-http-url", url, "--database-url", connection];
    let cli = Cli::try_parse_from(asked.iter().chain(&place).chain(more))?;
    let Some(Command::Tools(options)) = cli.command else { panic!("another command") };
    tools::run(&options).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_table_is_reflected_and_a_drift_fails_the_check_and_changes_nothing() {
    let (folder, out) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let postgres = Postgres::embedded(folder.path()).await.unwrap();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/sql", listener.local_addr().unwrap());
    let server = tokio::spawn(axum::serve(listener, postgres.router()).into_future());
    let connection = postgres.connection_string().to_owned();
    let run = async |more: &[&str]| reflect(&url, &connection, out.path(), more).await;

    let missing = run(&[]).await.unwrap_err().to_string();
    assert!(missing.contains("no table public.orders"), "{missing}");
    postgres.batch(ORDERS).await.unwrap();
    let unwritten = run(&["--check"]).await.unwrap_err().to_string();
    assert!(unwritten.contains("is not as the database is"), "{unwritten}");
    run(&[]).await.unwrap();
    run(&["--check"]).await.unwrap();
    let read = || std::fs::read_to_string(out.path().join("orders.rs")).unwrap();
    let before = read();
    assert!(before.contains("pub struct OrdersInput {\n    #[serde(default, skip_serializing_if"), "{before}");

    postgres.batch("alter table public.orders rename pieces to slices").await.unwrap();
    let drift = run(&["--check"]).await.unwrap_err().to_string();
    assert!(drift.contains("Run the same without --check"), "{drift}");
    assert_eq!(read(), before);
    run(&[]).await.unwrap();
    assert!(read().contains("pub slices: Option<i32>,"));

    server.abort();
    postgres.close().await;
}
