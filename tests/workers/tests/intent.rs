//! `/api/intent` on workerd.

use std::time::{Duration, Instant};

use makegood_workers::{Journal, Workerd};
use reqwest::Method;
use serde_json::json;
use tokio::time::timeout;

const PATH: &str = "/api/intent";
const DINNER: &str = "Book a table for 4 at Luigi's tomorrow at 7pm";
const CONNECTION: &str = "postgres://makegood:secret@127.0.0.1/makegood";

async fn intent(journal: &str) -> anyhow::Result<Workerd> {
    let settings = [
        ("DATABASE_HTTP_URL", journal),
        ("DATABASE_URL", CONNECTION),
        ("ALLOW_ANONYMOUS", "true"),
        // There is no Redis here.
        ("LIMITS", "off"),
    ];
    Workerd::serve("intent", &settings).await
}

fn message(text: &str) -> String {
    json!({ "message": text }).to_string()
}

#[tokio::test]
#[ignore = "needs workerd: bash tests/workers/run"]
async fn a_message_is_answered_with_the_plan_that_it_would_become() {
    let journal = Journal::serve().await.unwrap();
    let intent = intent(journal.url()).await.unwrap();
    let answer = intent.ask(Method::POST, PATH, message(DINNER)).await.unwrap();
    assert_eq!((answer.status, answer.content_type.as_str()), (200, "application/json"));
    assert_eq!(answer.body["kind"], "plan", "{}", answer.body);
    let step = &answer.body["steps"][0];
    assert_eq!((&step["tool"], &step["class"]), (&json!("book_restaurant_table"), &json!("compensatable")));
    assert_eq!(step["params"]["party_size"], 4);
    assert_eq!(answer.body["cost_minor"], 250);
    let seen = journal.seen();
    assert_eq!(seen.len(), 1, "a preview costs one statement: {seen:?}");
    assert_eq!(seen[0].connection, CONNECTION);
}

#[tokio::test]
#[ignore = "needs workerd: bash tests/workers/run"]
async fn what_is_missing_is_asked_for_without_a_look_at_the_journal() {
    let journal = Journal::serve().await.unwrap();
    let intent = intent(journal.url()).await.unwrap();
    let answer = intent.ask(Method::POST, PATH, message("Book a table at Luigi's tomorrow at 7pm")).await.unwrap();
    assert_eq!(answer.body["kind"], "question", "{}", answer.body);
    assert!(journal.seen().is_empty());
}

#[tokio::test]
#[ignore = "needs workerd: bash tests/workers/run"]
async fn bad_requests_are_answered_with_problems_and_never_reach_the_journal() {
    let journal = Journal::serve().await.unwrap();
    let intent = intent(journal.url()).await.unwrap();
    let not_json = intent.ask(Method::POST, PATH, "{\"message\": ").await.unwrap();
    not_json.problem(400, "invalid_json").unwrap();
    let unknown_field = intent.ask(Method::POST, PATH, "{\"message\": \"hi\", \"more\": 1}").await.unwrap();
    unknown_field.problem(400, "invalid_request").unwrap();
    let nothing = intent.ask(Method::POST, PATH, "").await.unwrap();
    nothing.problem(400, "invalid_json").unwrap();
    let wrong_method = intent.ask(Method::GET, PATH, "").await.unwrap();
    assert_eq!(wrong_method.problem(405, "method_not_allowed").unwrap(), "Use POST here.");
    let elsewhere = intent.ask(Method::POST, "/api/elsewhere", "{}").await.unwrap();
    elsewhere.problem(404, "not_found").unwrap();
    assert!(journal.seen().is_empty());
}

#[tokio::test]
#[ignore = "needs workerd: bash tests/workers/run"]
async fn a_body_of_one_mebibyte_is_taken_and_a_longer_one_is_not() {
    const MEBIBYTE: usize = 1024 * 1024;
    let journal = Journal::serve().await.unwrap();
    let intent = intent(journal.url()).await.unwrap();
    let mut body = message(DINNER).into_bytes();
    body.resize(MEBIBYTE, b' ');
    assert_eq!(intent.ask(Method::POST, PATH, body.clone()).await.unwrap().status, 200);
    body.push(b' ');
    intent.ask(Method::POST, PATH, body.clone()).await.unwrap().problem(413, "body_too_large").unwrap();
    body.resize(2 * MEBIBYTE, b' ');
    intent.ask(Method::POST, PATH, body).await.unwrap().problem(413, "body_too_large").unwrap();
}

#[tokio::test]
#[ignore = "needs workerd: bash tests/workers/run"]
async fn a_setting_that_was_not_given_grants_nothing() {
    let intent = Workerd::serve("intent", &[]).await.unwrap();
    let answer = intent.ask(Method::POST, PATH, message("hi")).await.unwrap();
    answer.problem(401, "unauthenticated").unwrap();
}

#[tokio::test]
#[ignore = "needs workerd: bash tests/workers/run"]
async fn a_journal_that_is_away_is_a_problem_that_passes() {
    // Nothing listens on the discard port.
    let intent = intent("http://127.0.0.1:9/sql").await.unwrap();
    let answer = intent.ask(Method::POST, PATH, message(DINNER)).await.unwrap();
    answer.problem(503, "unavailable").unwrap();
}

#[tokio::test]
#[ignore = "needs workerd: bash tests/workers/run"]
async fn a_journal_that_never_answers_is_given_up_in_time() {
    let journal = Journal::silent().await.unwrap();
    let intent = intent(journal.url()).await.unwrap();
    let since = Instant::now();
    let answer = intent.ask(Method::POST, PATH, message(DINNER)).await.unwrap();
    answer.problem(503, "unavailable").unwrap();
    assert_eq!(journal.seen().len(), 1, "the statement was taken in");
    assert!((7..20).contains(&since.elapsed().as_secs()), "{:?}", since.elapsed());
    let hung_up = timeout(Duration::from_secs(5), journal.given_up(1)).await;
    assert!(hung_up.is_ok(), "the request goes on with nobody waiting for it");
    // The instance is none the worse for it.
    let after = intent.ask(Method::GET, PATH, "").await.unwrap();
    after.problem(405, "method_not_allowed").unwrap();
}
