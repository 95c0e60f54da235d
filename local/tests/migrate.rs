//! `makegood migrate` and what `makegood doctor` says of a database on the way there.

use makegood_core::time::Millis;
use makegood_gateway::store::MIGRATIONS;
use makegood_local::configuration::Configuration;
use makegood_local::doctor::examine;
use makegood_local::migrate::{over_http, statements};
use makegood_local::remote::Remote;
use makegood_postgres::{MIGRATIONS_TABLE, Postgres};
use tempfile::TempDir;

/// What the doctor says about one thing.
async fn said(url: &str, connection: &str, about: &str) -> String {
    let values =
        [("database_http_url", url), ("database_url", connection), ("database_host", url.trim_end_matches("/sql"))];
    let values = values.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let findings = examine(&Configuration(values.into()), Millis(0)).await;
    let found = findings.iter().find(|finding| finding.about == about);
    found.map(ToString::to_string).unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_is_migrated_over_http_once_and_each_state_on_the_way_is_told() {
    let folder = TempDir::new().unwrap();
    let postgres = Postgres::embedded(folder.path()).await.unwrap();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/sql", listener.local_addr().unwrap());
    let server = tokio::spawn(axum::serve(listener, postgres.router()).into_future());
    let connection = postgres.connection_string().to_owned();
    let remote = Remote::new(&url, &connection);

    let none = said(&url, &connection, "migrations").await;
    assert!(none.contains("none of") && none.contains("makegood migrate"), "{none}");

    assert_eq!(over_http(&remote).await.unwrap(), MIGRATIONS.len());
    assert_eq!(over_http(&remote).await.unwrap(), 0, "once");
    assert_eq!(postgres.migrate(MIGRATIONS).await.unwrap(), 0, "both keep the same record");
    let all = said(&url, &connection, "migrations").await;
    assert!(all.starts_with("ok "), "{all}");
    let tools = said(&url, &connection, "tools").await;
    assert!(tools.contains("WRONG") && tools.contains("none is registered"), "{tools}");

    let (last, sql) = MIGRATIONS.last().unwrap();
    postgres.batch(&format!("delete from makegood_migrations where name = '{last}'")).await.unwrap();
    let some = said(&url, &connection, "migrations").await;
    assert!(some.contains(&format!("{last} is the first that is missing")), "{some}");
    let hash = makegood_postgres::migration_hash(sql);
    let put =
        |name: &str, hash: &str| format!("insert into makegood_migrations (name, sha256) values ('{name}', '{hash}')");
    postgres.batch(&put(last, "0")).await.unwrap();
    let edited = said(&url, &connection, "migrations").await;
    assert!(edited.contains("was edited after it had been applied"), "{edited}");
    let error = over_http(&remote).await.unwrap_err().to_string();
    assert!(error.contains(last) && error.contains("edited"), "{error}");
    postgres.batch(&format!("update makegood_migrations set sha256 = '{hash}' where name = '{last}'")).await.unwrap();
    postgres.batch(&put("makegood/9999_tomorrow", "1")).await.unwrap();
    let newer = said(&url, &connection, "migrations").await;
    assert!(newer.starts_with("note") && newer.contains("makegood/9999_tomorrow"), "{newer}");

    server.abort();
    postgres.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn statements_one_by_one_make_the_same_functions_as_the_whole_script() {
    let (whole, parts) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let bodies = "select p.proname || md5(p.prosrc) from pg_proc p join pg_namespace n on n.oid = p.pronamespace
        where n.nspname = 'makegood' union all
        select c.relname || a.attname || format_type(a.atttypid, a.atttypmod) from pg_attribute a
        join pg_class c on c.oid = a.attrelid join pg_namespace n on n.oid = c.relnamespace
        where n.nspname = 'makegood' and a.attnum > 0 order by 1";
    let postgres = Postgres::embedded(whole.path()).await.unwrap();
    postgres.migrate(MIGRATIONS).await.unwrap();
    let wanted = postgres.query(bodies, &[]).await.unwrap().rows;
    postgres.close().await;

    let postgres = Postgres::embedded(parts.path()).await.unwrap();
    postgres.query(MIGRATIONS_TABLE, &[]).await.unwrap();
    for (name, sql) in MIGRATIONS {
        for statement in statements(sql) {
            postgres.query(statement, &[]).await.unwrap_or_else(|error| panic!("{name}: {error}\n{statement}"));
        }
    }
    assert_eq!(postgres.query(bodies, &[]).await.unwrap().rows, wanted);
    assert!(wanted.len() > 50, "there is something to compare");
    postgres.close().await;
}
