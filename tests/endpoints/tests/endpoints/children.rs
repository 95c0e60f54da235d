//! A step that is a saga of its own: done with it, refused with it, and undone with it.

use std::time::Duration;

use makegood_endpoints::platform::{Options, Platform, answer};
use makegood_endpoints::{journal, poll, town};
use serde_json::{Value, json};

const PATIENCE: Duration = Duration::from_secs(60);

fn table(id: &str, restaurant: &str, after: &[&str]) -> Value {
    let params =
        json!({"restaurant": restaurant, "party_size": 2, "date": "2031-05-01", "time": "19:00", "name": "Ann"});
    json!({"id": id, "tool": "book_restaurant_table", "params": params, "after": after})
}

/// An evening as a saga of its own: a table, and whatever else is in it.
fn evening(id: &str, more: &[Value]) -> Value {
    let steps: Vec<Value> = [table("table", "Luigi's", &[])].into_iter().chain(more.iter().cloned()).collect();
    let plan = json!({"summary": "An evening", "steps": steps});
    json!({"id": id, "tool": "run_saga", "params": {"plan": plan, "output": {"table": "$$table.reservation_id"}}})
}

fn find<'a>(saga: &'a Value, step: &str) -> &'a Value {
    saga["steps"].as_array().unwrap().iter().find(|one| one["id"] == step).unwrap_or_else(|| panic!("{step}: {saga:#}"))
}

async fn carried_out(platform: &Platform, steps: &Value) -> Value {
    let id = journal::execute(platform, &json!({"summary": "Both", "steps": steps})).await;
    journal::rest(platform, &id, PATIENCE).await
}

#[tokio::test]
async fn a_saga_runs_as_a_step_of_another_and_gives_what_it_was_asked_for() {
    let platform = Platform::start(Options::default()).await;
    let params = json!({"to": "Sam", "text": "$evening.output.table"});
    let told = json!({"id": "told", "tool": "send_message", "params": params});
    let saga = carried_out(&platform, &json!([evening("evening", &[]), told])).await;
    assert_eq!(saga["phase"], "completed", "{saga:#}");
    let output = &find(&saga, "evening")["output"];
    assert!(output["output"]["table"].is_string(), "{output}");
    let child = journal::status(&platform, output["saga"].as_str().unwrap()).await;
    assert_eq!((child["phase"].as_str(), child["title"].as_str()), (Some("completed"), Some("An evening")));
    // Told by its child, it has not waited for long: a few invocations, and not a poll a second.
    assert!(saga["counters"]["invocations"].as_u64().unwrap() <= 4, "{}", saga["counters"]);
    assert_eq!(town::active(&platform).await[0], 1);
}

#[tokio::test]
async fn a_completed_child_is_made_good_with_its_parent() {
    let platform = Platform::start(Options::default()).await;
    let fate = table("fate", "No such place", &["evening"]);
    let saga = carried_out(&platform, &json!([evening("evening", &[]), fate])).await;
    assert_eq!(saga["phase"], "made_good", "{saga:#}");
    let child = find(&saga, "evening")["output"]["saga"].as_str().unwrap().to_owned();
    assert_eq!(journal::status(&platform, &child).await["phase"], "made_good");
    assert_eq!(town::active(&platform).await[0], 0);
}

#[tokio::test]
async fn a_child_that_is_made_good_is_a_refusal_with_its_cause() {
    let platform = Platform::start(Options::default()).await;
    let evening = evening("evening", &[table("fate", "No such place", &["table"])]);
    let saga = carried_out(&platform, &json!([table("first", "Luigi's", &[]), evening])).await;
    assert_eq!(saga["phase"], "made_good", "{saga:#}");
    let cause = saga["cause"].as_str().unwrap();
    assert!(cause.contains("was made good") && cause.contains("No such place"), "{cause}");
    assert_eq!(town::active(&platform).await[0], 0);
}

#[tokio::test]
async fn who_cancels_the_parent_cancels_the_child() {
    let platform = Platform::start(Options::default()).await;
    let wait = json!({"id": "late", "wait": {"for_ms": 86_400_000}, "after": ["table"]});
    let id = journal::execute(&platform, &json!({"summary": "Both", "steps": [evening("evening", &[wait])]})).await;
    let booked =
        poll(PATIENCE, Duration::from_millis(50), || async { (town::active(&platform).await[0] == 1).then_some(()) });
    booked.await.expect("the child's table was never booked");
    let answered = answer(platform.request("POST", &format!("/api/execute/{id}/cancel"))).await;
    assert!(matches!(answered.status, 200 | 202), "{answered:?}");
    let saga = journal::rest(&platform, &id, PATIENCE).await;
    assert_eq!(saga["phase"], "made_good", "{saga:#}");
    assert_eq!(town::active(&platform).await[0], 0);
}

#[tokio::test]
async fn what_cannot_be_undone_is_not_run_as_what_can() {
    let platform = Platform::start(Options::default()).await;
    let text = json!({"id": "text", "tool": "send_message", "params": {"to": "Sam", "text": "Hello."}});
    let plan = |tool: &str| {
        let params = json!({"plan": {"summary": "A word", "steps": [text]}});
        json!({"plan": {"summary": "x", "steps": [{"id": "word", "tool": tool, "params": params}]}})
    };
    let said = platform.post("/api/execute", &plan("run_saga"), 422).await;
    assert_eq!(said["code"], "invalid_plan", "{said}");
    assert!(said["detail"].as_str().unwrap().contains("run_saga_for_good"), "{said}");
    let said = platform.post("/api/execute", &plan("run_saga_for_good"), 202).await;
    let saga = journal::rest(&platform, said["saga"].as_str().unwrap(), PATIENCE).await;
    assert_eq!(saga["phase"], "completed", "{saga:#}");
}
