//! What `makegood doctor` says of services that answer, and not as they should. Those that are well, that are away and
//! that do not let us in are real ones: `tests/endpoints`.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use makegood_core::time::Millis;
use makegood_gateway::store::MIGRATIONS;
use makegood_local::configuration::Configuration;
use makegood_local::doctor::examine;
use makegood_postgres::migration_hash;
use serde_json::{Value, json};

const NOW: u64 = 1_777_636_800_000;

/// What is answered, by the path of a request, or by words of a statement.
type Answers = BTreeMap<&'static str, (u16, Value)>;

fn rows(rows: Value) -> (u16, Value) {
    (200, json!({"fields": [], "rows": rows, "rowCount": 1}))
}

fn refused(sqlstate: &str) -> (u16, Value) {
    (400, json!({"message": "no", "code": sqlstate}))
}

const CLOCK: &str = "clock_timestamp()";
const APPLIED: &str = "makegood_migrations";
const TOOLS: &str = "makegood.list_tools";
const SWEEPER: &str = "/v2/schedules/makegood-sweeper";

/// All is well, but for the tools of which there are none.
fn well(url: &str) -> Answers {
    let applied: Vec<Value> = MIGRATIONS.iter().map(|(name, sql)| json!([name, migration_hash(sql)])).collect();
    [
        (CLOCK, rows(json!([[NOW.to_string()]]))),
        (APPLIED, rows(json!(applied))),
        (TOOLS, rows(json!([["{}"]]))),
        ("/redis", (200, json!({"result": "PONG"}))),
        ("/v2/keys", (200, json!({"current": "c", "next": "n"}))),
        (SWEEPER, (200, json!({"destination": format!("{url}/api/execute/sweep"), "isPaused": false}))),
        ("/api/debug/health", (200, json!({}))),
        ("/tools", (404, json!({}))),
    ]
    .into()
}

async fn answer(State(answers): State<Arc<Answers>>, request: Request) -> (StatusCode, String) {
    let path = request.uri().path().to_owned();
    let body = axum::body::to_bytes(request.into_body(), 1 << 20).await.unwrap();
    let asked = if path == "/sql" { String::from_utf8_lossy(&body).into_owned() } else { path };
    let (status, body) = answers
        .iter()
        .find(|(words, _)| asked.contains(**words))
        .map_or_else(|| panic!("nothing is planned for {asked}"), |(_, answer)| answer.clone());
    (StatusCode::from_u16(status).unwrap(), body.to_string())
}

/// What is said about a thing where one answer is another.
async fn said(planted: &'static str, with: (u16, Value), about: &str) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let mut answers = well(&url);
    answers.insert(planted, with);
    let router = Router::new().fallback(answer).with_state(Arc::new(answers));
    let server = tokio::spawn(axum::serve(listener, router).into_future());
    let values = [
        ("database_http_url", format!("{url}/sql")),
        ("database_url", "postgres://ada:secret@db.test/makegood".to_owned()),
        ("redis_rest_url", format!("{url}/redis")),
        ("qstash_url", url.clone()),
        ("qstash_token", "token".to_owned()),
        ("qstash_current_signing_key", "c".to_owned()),
        ("qstash_next_signing_key", "n".to_owned()),
        ("public_url", url.clone()),
        ("tools_url", format!("{url}/tools")),
    ];
    let values = values.map(|(name, value)| (name.to_owned(), value)).into();
    let findings = examine(&Configuration(values), Millis(NOW)).await;
    server.abort();
    let found = findings.iter().find(|finding| finding.about == about);
    found.map_or_else(|| panic!("nothing is said about {about}: {findings:#?}"), ToString::to_string)
}

#[tokio::test]
async fn services_that_are_well_are_said_to_be() {
    for about in ["database", "clock", "migrations", "redis", "queue", "signing keys", "sweeper", "functions"] {
        let told = said("/tools", (404, json!({})), about).await;
        assert!(told.starts_with("ok "), "{told}");
    }
}

#[tokio::test]
async fn a_database_that_answers_and_not_as_it_should_is_told_by_what_it_says() {
    let told = said(CLOCK, refused("3D000"), "database").await;
    assert!(told.starts_with("WRONG  database: it refuses the connection string: no (3D000)"), "{told}");
    let told = said(CLOCK, rows(json!([])), "clock").await;
    assert!(told.starts_with("note   clock: the database does not say what time it is"), "{told}");
    let told = said(APPLIED, refused("42501"), "migrations").await;
    assert!(told.starts_with("WRONG  migrations: they cannot be read") && told.contains("42501"), "{told}");
    let told = said(TOOLS, refused("42501"), "tools").await;
    assert!(told.starts_with("WRONG  tools: they cannot be read") && told.contains("42501"), "{told}");
    let told = said(TOOLS, rows(json!([["{}"]])), "tools").await;
    assert!(told.starts_with("WRONG  tools: none is registered"), "{told}");
}

#[tokio::test]
async fn what_answers_in_the_place_of_redis_is_not_taken_for_it() {
    let told = said("/redis", (200, json!("hello")), "redis").await;
    assert!(told.starts_with("WRONG  redis: ") && told.contains("not as Redis does"), "{told}");
}

#[tokio::test]
async fn a_sweeper_without_a_schedule_or_with_one_that_rests_is_told() {
    let told = said(SWEEPER, (404, json!({"error": "not found"})), "sweeper").await;
    assert!(told.starts_with("note   sweeper: the queue has no schedule") && told.contains("docs/DEPLOY.md"), "{told}");
    let told = said(SWEEPER, (200, json!({"destination": "x", "isPaused": true})), "sweeper").await;
    assert!(told.starts_with("WRONG  sweeper: its schedule is paused"), "{told}");
    let told = said(SWEEPER, (500, json!({"error": "busy"})), "sweeper").await;
    assert!(told.starts_with("note   sweeper: the queue answered 500"), "{told}");
}

#[tokio::test]
async fn functions_without_their_database_and_tools_that_are_broken_are_wrong() {
    let told = said("/api/debug/health", (503, json!({})), "functions").await;
    assert!(told.starts_with("WRONG  functions: ") && told.contains("do not reach their database"), "{told}");
    let told = said("/tools", (502, json!({})), "tools' address").await;
    assert!(told.starts_with("WRONG  tools' address: ") && told.contains("answers 502"), "{told}");
}
