//! What `makegood doctor` says of services that answer, and not as they should. Those that are well, that are away and
//! that do not let us in are real ones: `tests/endpoints`.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::http::header::LOCATION;
use axum::response::{AppendHeaders, IntoResponse, Response};
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
const HEALTH: &str = "/api/debug/health";
const MODELS: &str = "/v1/models";
const SWEEPER: &str = "/v2/schedules/makegood-sweeper";

fn health(status: &str) -> (u16, Value) {
    let code = if status == "ok" { 200 } else { 503 };
    (code, json!({"status": status, "database": {"ok": status == "ok"}, "version": "0.1.0", "region": "fra"}))
}

/// All is well, but for the tools of which there are none.
fn well(url: &str) -> Answers {
    let applied: Vec<Value> = MIGRATIONS.iter().map(|(name, sql)| json!([name, migration_hash(sql)])).collect();
    [
        (CLOCK, rows(json!([[NOW.to_string()]]))),
        (APPLIED, rows(json!(applied))),
        (TOOLS, rows(json!([["{}"]]))),
        ("/redis", (200, json!({"result": "OK"}))),
        ("/v2/keys", (200, json!({"current": "c", "next": "n"}))),
        (SWEEPER, (200, json!({"destination": format!("{url}/api/execute/sweep"), "isPaused": false}))),
        (HEALTH, health("ok")),
        ("/tools", (404, json!({}))),
        (MODELS, (200, json!({"object": "list", "data": [{"id": "small", "object": "model"}]}))),
        ("/mcp", (404, json!({}))),
    ]
    .into()
}

async fn answer(State(answers): State<Arc<Answers>>, request: Request) -> Response {
    let path = request.uri().path().to_owned();
    let body = axum::body::to_bytes(request.into_body(), 1 << 20).await.unwrap();
    let asked = if path == "/sql" { String::from_utf8_lossy(&body).into_owned() } else { path };
    let (status, body) = answers
        .iter()
        .find(|(words, _)| asked.contains(**words))
        .map_or_else(|| panic!("nothing is planned for {asked}"), |(_, answer)| answer.clone());
    let status = StatusCode::from_u16(status).unwrap();
    // Whoever follows comes to what says that all is well.
    let place = status.is_redirection().then_some([(LOCATION, "/elsewhere/api/debug/health")]);
    (status, place.map(AppendHeaders), body.to_string()).into_response()
}

/// What is said about a thing where one answer is another.
async fn said(planted: &'static str, with: (u16, Value), about: &str) -> String {
    told(planted, with, &[], about).await
}

/// The same where values are others, too; `URL` in one stands for where the services are.
async fn told(planted: &'static str, with: (u16, Value), set: &[(&str, &str)], about: &str) -> String {
    told_by(planted, with, set, about, str::to_owned).await
}

/// `at` says what the services' address is called in `set`.
async fn told_by(
    planted: &'static str,
    with: (u16, Value),
    set: &[(&str, &str)],
    about: &str,
    at: impl Fn(&str) -> String,
) -> String {
    let listener = tokio::net::TcpListener::bind("0.0.0.0:0").await.unwrap();
    let url = format!("http://127.0.0.1:{}", listener.local_addr().unwrap().port());
    let mut answers = well(&url);
    answers.insert("/elsewhere/api/debug/health", health("ok"));
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
        ("jwks_url", "https://issuer.test/.well-known/jwks.json".to_owned()),
        ("jwks_host", "https://issuer.test".to_owned()),
        ("redis_rest_token", "token".to_owned()),
    ];
    let mut values: BTreeMap<String, String> = values.map(|(name, value)| (name.to_owned(), value)).into();
    values.extend(set.iter().map(|(name, value)| ((*name).to_owned(), value.replace("URL", &at(&url)))));
    let findings = examine(&Configuration(values), Millis(NOW)).await;
    server.abort();
    let found: Vec<String> =
        findings.iter().filter(|finding| finding.about == about).map(ToString::to_string).collect();
    assert!(!found.is_empty(), "nothing is said about {about}: {findings:#?}");
    found.join("\n")
}

#[tokio::test]
async fn services_that_are_well_are_said_to_be() {
    for about in
        ["variables", "database", "clock", "migrations", "redis", "queue", "signing keys", "sweeper", "functions"]
    {
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
    let told = said("/redis", (200, json!({"result": "PONG"})), "redis").await;
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
async fn a_token_of_redis_that_only_reads_is_told() {
    let refused = json!({"error": "NOPERM this user has no permissions to run the 'set' command"});
    let told = said("/redis", (400, refused), "redis").await;
    assert!(told.starts_with("WRONG  redis: redis_rest_token may read, and not write"), "{told}");
}

#[tokio::test]
async fn functions_without_their_database_and_tools_that_are_broken_are_wrong() {
    let told = said(HEALTH, health("degraded"), "functions").await;
    assert!(told.starts_with("WRONG  functions: ") && told.contains("do not reach their database"), "{told}");
    let told = said("/tools", (502, json!({})), "tools' address").await;
    assert!(told.starts_with("WRONG  tools' address: ") && told.contains("answers 502"), "{told}");
}

#[tokio::test]
async fn what_answers_in_the_place_of_the_functions_is_not_taken_for_them() {
    for body in [json!("<!doctype html><title>Welcome</title>"), json!({}), json!({"status": "ok"})] {
        let told = said(HEALTH, (200, body), "functions").await;
        assert!(told.starts_with("WRONG  functions: ") && told.contains("something else is deployed there"), "{told}");
    }
    let told = said(HEALTH, (503, json!("busy")), "functions").await;
    assert!(told.starts_with("WRONG  functions: ") && told.contains("something else is deployed there"), "{told}");
    let told = said(HEALTH, (301, json!("")), "functions").await;
    assert!(told.contains("sends elsewhere, to /elsewhere/api/debug/health, and the queue does not follow"), "{told}");
}

const MODEL: [(&str, &str); 3] = [("model_url", "URL/v1"), ("model_name", "small"), ("model_key", "a-key-of-a-model")];

#[tokio::test]
async fn a_model_is_asked_whether_it_is_there_and_takes_the_key() {
    let list = || (200, json!({"data": [{"id": "small"}]}));
    let said = |with, name| async move {
        let mut set = MODEL;
        set[1].1 = name;
        let told = told(MODELS, with, &set, "models").await;
        assert!(!told.contains("a-key-of-a-model"), "{told}");
        told
    };
    let told = said(list(), "small").await;
    assert!(told.starts_with("ok     models: ") && told.contains("has `small`"), "{told}");
    let told = said(list(), "smaller").await;
    assert!(told.starts_with("WRONG  models: ") && told.contains("has no model `smaller` among 1"), "{told}");
    let told = said((401, json!({})), "small").await;
    assert!(told.starts_with("WRONG  models: ") && told.contains("does not take the key"), "{told}");
    let told = said((404, json!({})), "small").await;
    assert!(told.starts_with("note   models: ") && told.contains("were not looked at"), "{told}");
    let told = said((200, json!("<html>")), "small").await;
    assert!(told.starts_with("WRONG  models: ") && told.contains("not with a list of models"), "{told}");
}

#[tokio::test]
async fn each_mcp_server_is_asked_for_its_tools() {
    let servers = r#"{"hotel": {"url": "URL/mcp", "token": "a-token-of-a-server"}}"#;
    let told = told("/mcp", (404, json!({})), &[("mcp_servers", servers)], "MCP servers").await;
    assert!(told.starts_with("WRONG  MCP servers: `hotel` does not answer as one"), "{told}");
    assert!(!told.contains("a-token-of-a-server"), "{told}");
}

#[tokio::test]
async fn what_the_functions_would_refuse_is_told_before_they_do() {
    for (name, value, words) in [
        ("model_price", "0.15", "is not as in `0.15/0.60`"),
        ("mcp_servers", "this is not JSON", "the servers are no JSON"),
        ("user_concurrency", "5000000000", "not a number of calls"),
        ("time_budget_ms", "9999", "it leaves an invocation 1 ms"),
        ("tools_url", "https://tools.example.com", "it is still an example's address"),
    ] {
        let told = told("/tools", (404, json!({})), &[(name, value)], name).await;
        assert!(told.starts_with(&format!("WRONG  {name}: ")) && told.contains(words), "{told}");
    }
    let told = told("/tools", (404, json!({})), &[MODEL[0]], "model_name").await;
    assert!(told.contains("functions answer 500"), "{told}");
}

#[tokio::test]
async fn whether_the_queue_may_reach_us_is_told_with_what_was_looked_at() {
    let cloud = |public: &'static str| async move {
        // An address of this machine that is none of a private network, in the cloud's place.
        let port = |url: &str| url.replace("http://127.0.0.1", "http://0.0.0.0");
        let set = [("public_url", public), ("qstash_url", "URL")];
        told_by("/tools", (404, json!({})), &set, "public_url", port).await
    };
    let told = cloud("http://127.0.0.1:3000").await;
    assert!(told.contains("WRONG  public_url: it is on this machine"), "{told}");
    for private in ["https://192.168.1.7", "https://10.1.2.3", "https://[fd00::1]", "https://makegood.internal"] {
        let told = cloud(private).await;
        assert!(told.contains("WRONG  public_url: it is in a private network"), "{private}: {told}");
    }
    let told = cloud("https://203.0.113.7").await;
    assert!(told.contains("ok     public_url: it is a public address; no delivery was tried"), "{told}");
    let told = said("/tools", (404, json!({})), "public_url").await;
    assert!(told.contains("ok     public_url: the queue and it are both on this machine"), "{told}");
}
