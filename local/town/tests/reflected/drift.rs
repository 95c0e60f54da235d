//! A drift between the database and the generated files is found, and shown.

use std::path::Path;

use axum::body::Body;
use axum::http::{Request, StatusCode};
use http_body_util::BodyExt;
use makegood_postgres::Postgres;
use makegood_tools::reflect::{CATALOGUE, Catalogue, File, Folder, Wanted, files};
use serde_json::{Value, json};
use tower::ServiceExt;

use crate::setting;

/// The tables that a tool's input is a row of, and what the town fills in by itself.
fn wanted() -> Wanted {
    let filled = ["captured_by", "key", "made_at", "refunded_by", "state", "undone_at"];
    Wanted {
        tables: vec!["town.messages".to_owned(), "town.payments".to_owned()],
        filled: filled.map(str::to_owned).to_vec(),
    }
}

fn folder() -> Folder {
    Folder::new(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/reflected"))
}

fn made_of(answer: &str) -> Vec<File> {
    files(&Catalogue::read(answer).unwrap(), &wanted()).unwrap()
}

async fn reflected(db: &Postgres) -> Vec<File> {
    let rows = db.query(CATALOGUE, &[Some(&wanted().parameter())]).await.unwrap();
    made_of(rows.first().unwrap())
}

fn hold(files: &[File]) {
    let diff = folder().compare(files).unwrap();
    assert!(
        diff.is_empty(),
        "The town's tables are not what is checked in:\n{diff}\n\
         If that is meant: UPDATE_GOLDEN=1 cargo test -p makegood-town --test reflected"
    );
}

#[tokio::test]
async fn what_is_checked_in_is_what_the_database_has() {
    let database = setting::embedded().await.unwrap();
    let files = reflected(&database.db).await;
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        folder().write(&files).unwrap();
    }
    hold(&files);
    a_renamed_column_is_shown(&database.db).await;
    hold(&reflected(&database.db).await);
    database.close().await;
}

/// Another PostgreSQL, of another version, writes the same; skipped where none is installed.
#[tokio::test]
async fn a_real_postgresql_says_the_same() {
    let Some(database) = setting::real().await else { return };
    hold(&reflected(&database.db).await);
    database.close().await;
}

/// Renamed and reflected in one transaction, at whose end it has its name back.
async fn a_renamed_column_is_shown(db: &Postgres) {
    let answers = transaction(
        db,
        &[
            ("alter table town.messages rename column \"to\" to recipient", json!([])),
            (CATALOGUE, json!([wanted().parameter()])),
            ("alter table town.messages rename column recipient to \"to\"", json!([])),
        ],
    )
    .await;
    let answer = answers[1]["rows"][0][0].as_str().unwrap();
    let diff = folder().compare(&made_of(answer)).unwrap();
    for line in [
        "messages.input.json (checked in)\n+++ ",
        "messages.input.json (from the database)\n@@ ",
        "\n-    \"to\": {",
        "\n+    \"recipient\": {",
        "\n-    pub to: String,",
        "\n+    pub recipient: String,",
    ] {
        assert!(diff.contains(line), "{line:?} is not in\n{diff}");
    }
    assert!(!diff.contains("payments"), "the other table is as it was:\n{diff}");
    assert!(diff.lines().count() < 120, "nobody would read that:\n{diff}");
}

/// Several statements in one transaction, over HTTP as Neon serves it.
async fn transaction(db: &Postgres, statements: &[(&str, Value)]) -> Vec<Value> {
    let queries: Vec<Value> =
        statements.iter().map(|(query, params)| json!({"query": query, "params": params})).collect();
    let request = Request::post("/sql")
        .header("neon-connection-string", db.connection_string())
        .header("neon-raw-text-output", "true")
        .header("neon-array-mode", "true")
        .body(Body::from(json!({ "queries": queries }).to_string()))
        .unwrap();
    let response = db.router().oneshot(request).await.unwrap();
    let status = response.status();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    assert_eq!(status, StatusCode::OK, "{}", String::from_utf8_lossy(&body));
    let answer: Value = serde_json::from_slice(&body).unwrap();
    answer["results"].as_array().unwrap().clone()
}
