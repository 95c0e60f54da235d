//! What people do about a saga: they agree or not, send what it waits for, have it pause and go on, and
//! settle what it cannot settle itself.

use std::time::Duration;

use makegood_endpoints::platform::{Answer, Options, Platform, answer};
use makegood_endpoints::{journal, poll, town};
use serde_json::{Value, json};

const PATIENCE: Duration = Duration::from_secs(30);

/// Waits until a step of the saga stands like this.
async fn until(platform: &Platform, id: &str, step: &str, standing: &str) -> Value {
    let path = format!("/api/execute/{id}");
    let found = poll(PATIENCE, Duration::from_millis(50), || async {
        let saga = platform.get(&path).await;
        let there = find(&saga, step)["standing"] == standing;
        there.then_some(saga)
    });
    found.await.unwrap_or_else(|| panic!("{step} of {id} never came to be {standing}"))
}

fn find<'a>(saga: &'a Value, step: &str) -> &'a Value {
    saga["steps"].as_array().unwrap().iter().find(|one| one["id"] == step).unwrap()
}

async fn ask(platform: &Platform, id: &str, verb: &str, body: &Value, token: Option<&str>) -> Answer {
    let mut request = platform.request("POST", &format!("/api/execute/{id}/{verb}")).json(body);
    if let Some(token) = token {
        request = request.bearer_auth(token);
    }
    answer(request).await
}

fn table(extra: &Value) -> Value {
    let mut step = json!({"id": "table", "tool": "book_restaurant_table", "params": {
        "restaurant": "Luigi's", "party_size": 2, "date": "2031-05-01", "time": "19:00", "name": "Ann"}});
    for (name, value) in extra.as_object().unwrap() {
        step[name] = value.clone();
    }
    step
}

#[tokio::test]
async fn a_step_that_needs_two_of_three_is_made_when_two_have_agreed() {
    let platform = Platform::start(Options::default()).await;
    let (ann, bob, eve) = (platform.token("ann").await, platform.token("bob").await, platform.token("eve").await);
    let approval = json!({"by": ["ann", "bob", "cid"], "quorum": 2, "question": "Is it worth it?"});
    let plan = json!({"summary": "A table", "steps": [table(&json!({"approval": approval}))]});
    let id = journal::execute(&platform, &plan).await;
    let saga = until(&platform, &id, "table", "asking").await;
    let asked = &find(&saga, "table")["approval"];
    assert_eq!((&asked["question"], &asked["quorum"]), (&json!("Is it worth it?"), &json!(2)));
    assert_eq!(town::active(&platform).await, [0, 0, 0, 0, 0, 0]);

    let yes = json!({"step": "table", "hash": asked["hash"], "note": "Fine."});
    assert_eq!(ask(&platform, &id, "approve", &yes, Some(&eve)).await.status, 404, "a stranger");
    assert_eq!(ask(&platform, &id, "approve", &yes, None).await.status, 403, "the owner is not among those asked");
    let path = format!("/api/execute/{id}");
    assert_eq!(answer(platform.request("GET", &path).bearer_auth(&ann)).await.status, 200, "who is asked may look");
    assert_eq!(answer(platform.request("GET", &path).bearer_auth(&eve)).await.status, 404, "a stranger may not");
    let other = json!({"step": "table", "hash": "0123456789abcdef"});
    assert_eq!(ask(&platform, &id, "approve", &other, Some(&ann)).await.status, 409, "other parameters");
    assert_eq!(ask(&platform, &id, "approve", &yes, Some(&ann)).await.status, 202);
    assert_eq!(ask(&platform, &id, "approve", &yes, Some(&ann)).await.status, 409, "twice");
    assert_eq!(town::active(&platform).await, [0, 0, 0, 0, 0, 0]);
    assert!(ask(&platform, &id, "approve", &yes, Some(&bob)).await.status < 300);
    let saga = journal::rest(&platform, &id, PATIENCE).await;
    assert_eq!(saga["phase"], "completed", "{saga:#}");
    assert_eq!(town::active(&platform).await, [1, 0, 0, 0, 0, 0]);
    let remarks = find(&saga, "table")["remarks"].as_array().unwrap().len();
    assert_eq!(remarks, 2);
}

#[tokio::test]
async fn who_does_not_agree_has_what_stands_before_undone() {
    let platform = Platform::start(Options::default()).await;
    let ride = json!({"id": "ride", "tool": "request_ride", "after": ["table"], "approval": {}, "params": {
        "pickup": "Home", "destination": "Luigi's", "date": "2031-05-01", "time": "18:30", "passengers": 2}});
    let plan = json!({"summary": "Out", "steps": [table(&json!({})), ride]});
    let id = journal::execute(&platform, &plan).await;
    until(&platform, &id, "ride", "asking").await;
    assert_eq!(town::active(&platform).await, [1, 0, 0, 0, 0, 0]);
    let no = json!({"step": "ride", "note": "Too dear."});
    assert!(ask(&platform, &id, "reject", &no, None).await.status < 300);
    let saga = journal::rest(&platform, &id, PATIENCE).await;
    assert_eq!((&saga["phase"], &saga["undone"]), (&json!("made_good"), &json!(["table"])), "{saga:#}");
    assert!(saga["cause"].as_str().unwrap().contains("Too dear."), "{}", saga["cause"]);
    assert_eq!(town::active(&platform).await, [0, 0, 0, 0, 0, 0]);
}

#[tokio::test]
async fn waits_end_with_their_time_or_with_what_they_wait_for_and_conditions_pass_steps_over() {
    let platform = Platform::start(Options::default()).await;
    let plan = json!({"summary": "Waits", "steps": [
        {"id": "nap", "wait": {"for_ms": 2500}},
        {"id": "paid", "wait": {"event": {"name": "paid", "within_ms": 20000}}, "after": ["nap"]},
        table(&json!({"when": {"left": "$paid.amount", "is": ">=", "right": 100}})),
        {"id": "sorry", "tool": "bench_effect", "params": {"n": 1},
            "when": {"left": "$paid.amount", "is": "<", "right": 100}},
        {"id": "after", "tool": "bench_query", "params": {"n": 2}, "after": ["sorry", "table"]},
    ]});
    let id = journal::execute(&platform, &plan).await;
    // It comes before anybody waits for it, and is kept.
    assert!(
        ask(&platform, &id, "events", &json!({"name": "paid", "payload": {"amount": 120}}), None).await.status < 300
    );
    assert_eq!(ask(&platform, &id, "events", &json!({"name": "paid"}), None).await.status, 409, "it has come");
    let saga = journal::rest(&platform, &id, PATIENCE).await;
    assert_eq!(saga["phase"], "completed", "{saga:#}");
    assert_eq!(find(&saga, "sorry")["standing"], "skipped");
    assert_eq!(
        (&find(&saga, "table")["standing"], &find(&saga, "after")["standing"]),
        (&json!("done"), &json!("done"))
    );
    let napped = saga["updated_at"].as_u64().unwrap() - saga["created_at"].as_u64().unwrap();
    assert!(napped >= 2500, "{napped} ms");
}

#[tokio::test]
async fn an_event_that_is_brought_again_under_its_key_is_taken_once() {
    let platform = Platform::start(Options::default()).await;
    let plan = json!({"summary": "Two payments", "steps": [
        {"id": "first", "wait": {"event": {"name": "paid", "within_ms": 60_000}}},
        {"id": "second", "wait": {"event": {"name": "paid", "within_ms": 60_000}}, "after": ["first"]}]});
    let id = journal::execute(&platform, &plan).await;
    until(&platform, &id, "first", "waiting").await;
    let paid = |key: &str, amount: u32| json!({"name": "paid", "payload": {"amount": amount}, "key": key});
    assert!(ask(&platform, &id, "events", &paid("one", 10), None).await.status < 300);
    until(&platform, &id, "second", "waiting").await;
    assert!(
        ask(&platform, &id, "events", &paid("one", 10), None).await.status < 300,
        "it is answered as the first was"
    );
    assert_eq!(ask(&platform, &id, "events", &paid("one", 20), None).await.status, 409, "that is another");
    assert_eq!(ask(&platform, &id, "events", &paid("", 20), None).await.status, 400);
    let saga = platform.get(&format!("/api/execute/{id}")).await;
    assert_eq!(find(&saga, "second")["standing"], "waiting", "one payment is not two: {saga:#}");
    assert!(ask(&platform, &id, "events", &paid("two", 20), None).await.status < 300);
    let saga = journal::rest(&platform, &id, PATIENCE).await;
    assert_eq!(find(&saga, "first")["output"]["amount"], 10, "{saga:#}");
    assert_eq!(find(&saga, "second")["output"]["amount"], 20, "{saga:#}");
    assert_eq!(ask(&platform, &id, "events", &paid("two", 20), None).await.status, 200, "when all is over too");
    assert_eq!(ask(&platform, &id, "events", &paid("three", 30), None).await.status, 409);
}

#[tokio::test]
async fn a_paused_saga_starts_nothing_until_it_is_resumed() {
    let platform = Platform::start(Options::default()).await;
    let plan = json!({"summary": "Paused", "steps": [{"id": "nap", "wait": {"for_ms": 2000}}, table(&json!({"after": ["nap"]}))]});
    let id = journal::execute(&platform, &plan).await;
    until(&platform, &id, "nap", "waiting").await;
    assert_eq!(ask(&platform, &id, "pause", &json!({}), None).await.status, 202);
    tokio::time::sleep(Duration::from_secs(4)).await;
    let saga = platform.get(&format!("/api/execute/{id}")).await;
    assert_eq!((&saga["phase"], &find(&saga, "nap")["standing"]), (&json!("forward"), &json!("waiting")), "{saga:#}");
    assert_eq!(saga["paused"], "It was paused by anonymous.");
    assert_eq!(ask(&platform, &id, "pause", &json!({}), None).await.status, 409);
    assert!(ask(&platform, &id, "resume", &json!({}), None).await.status < 300);
    let saga = journal::rest(&platform, &id, PATIENCE).await;
    assert_eq!(saga["phase"], "completed", "{saga:#}");
}

#[tokio::test]
async fn a_stuck_saga_goes_on_when_a_person_has_seen_to_it() {
    let platform = Platform::start(Options::default()).await;
    let plan = json!({"summary": "A message that cannot be made", "steps": [
        {"id": "look", "tool": "bench_query", "params": {"n": 1}},
        {"id": "pay", "tool": "bench_effect", "params": {"n": 2}},
        {"id": "text", "tool": "send_message", "params": {"to": "Sam", "text": "Hello"}, "after": ["pay"]},
        {"id": "never", "wait": {"event": {"name": "never", "within_ms": 100}}, "after": ["text"]},
        {"id": "last", "tool": "send_message", "params": {"to": "Ann", "text": "$never.word"}},
    ]});
    let id = journal::execute(&platform, &plan).await;
    let saga = journal::rest(&platform, &id, PATIENCE).await;
    assert_eq!((&saga["phase"], &find(&saga, "never")["standing"]), (&json!("stuck"), &json!("held")), "{saga:#}");
    let answered = ask(&platform, &id, "resolve", &json!({"step": "text", "done": true}), None).await;
    assert_eq!(answered.status, 409, "that step is not held: {answered:?}");
    assert!(ask(&platform, &id, "retry", &json!({}), None).await.status < 300);
    let saga = journal::rest(&platform, &id, PATIENCE).await;
    assert_eq!(saga["phase"], "stuck", "nothing came this time either: {saga:#}");
    let word = json!({"step": "never", "done": true, "output": {"word": "Bye"}, "note": "He rang."});
    assert!(ask(&platform, &id, "resolve", &word, None).await.status < 300);
    let saga = journal::rest(&platform, &id, PATIENCE).await;
    assert_eq!(saga["phase"], "completed", "{saga:#}");
    assert_eq!(find(&saga, "last")["params"]["text"], "Bye");
}

#[tokio::test]
async fn a_budget_is_looked_at_before_anything_starts_and_a_deadline_undoes() {
    let platform = Platform::start(Options::default()).await;
    let plan = json!({"summary": "Dear", "steps": [table(&json!({}))]});
    let start = |extra: Value| {
        let mut body = json!({"plan": plan});
        for (name, value) in extra.as_object().unwrap() {
            body[name] = value.clone();
        }
        platform.request("POST", "/api/execute").json(&body)
    };
    let refused = answer(start(json!({"budget": {"calls": 0}}))).await;
    assert_eq!((refused.status, &refused.json()["code"]), (422, &json!("over_budget")));
    assert_eq!(answer(start(json!({"budget": {"coins": 1}}))).await.status, 400);
    assert_eq!(answer(start(json!({"deadline_ms": 0}))).await.status, 400);

    let slow = json!({"summary": "Late", "steps": [table(&json!({})),
        {"id": "nap", "wait": {"for_ms": 60000}, "after": ["table"]}]});
    let started =
        answer(platform.request("POST", "/api/execute").json(&json!({"plan": slow, "deadline_ms": 2000}))).await;
    let id = started.json()["saga"].as_str().unwrap().to_owned();
    let saga = journal::rest(&platform, &id, PATIENCE).await;
    assert_eq!((&saga["phase"], &saga["cause"]), (&json!("made_good"), &json!("Its deadline passed.")), "{saga:#}");
    assert_eq!(town::active(&platform).await, [0, 0, 0, 0, 0, 0]);
}

#[tokio::test]
async fn what_people_say_during_a_call_does_not_lose_its_answer() {
    let platform = Platform::start(Options::default()).await;
    let slow = json!({"tool": "bench_effect", "kind": "slow", "delay_ms": 3000, "count": 1});
    platform.post("/demo/faults", &slow, 201).await;
    let plan = json!({"summary": "Slow", "steps": [{"id": "slow", "tool": "bench_effect", "params": {"n": 1},
        "retry": {"attempts": 1, "base_ms": 10, "cap_ms": 10}}]});
    let id = journal::execute(&platform, &plan).await;
    until(&platform, &id, "slow", "running").await;
    assert!(ask(&platform, &id, "events", &json!({"name": "aside"}), None).await.status < 300);
    assert!(ask(&platform, &id, "pause", &json!({}), None).await.status < 300);
    assert!(ask(&platform, &id, "resume", &json!({}), None).await.status < 300);
    let saga = journal::rest(&platform, &id, PATIENCE).await;
    assert_eq!(saga["phase"], "completed", "{saga:#}");
    assert_eq!(find(&saga, "slow")["attempts"].as_array().unwrap().len(), 1, "{saga:#}");
}

#[tokio::test]
async fn what_could_not_be_read_again_is_not_taken_in() {
    let platform = Platform::start(Options::default()).await;
    let plan = json!({"summary": "Nap", "steps": [{"id": "nap", "wait": {"for_ms": 1500}}]});
    let id = journal::execute(&platform, &plan).await;
    let deep = (0..100).fold(json!(1), |inner, _| json!([inner]));
    assert_eq!(ask(&platform, &id, "events", &json!({"name": "x", "payload": deep}), None).await.status, 400);
    let large = json!({"name": "x", "payload": "x".repeat(17 * 1024)});
    assert_eq!(ask(&platform, &id, "events", &large, None).await.status, 400);
    let plan =
        json!({"summary": "Deep", "steps": [{"id": "a", "tool": "bench_effect", "params": {"n": 1, "after": deep}}]});
    let refused = answer(platform.request("POST", "/api/execute").json(&json!({"plan": plan}))).await;
    assert_eq!(refused.status, 422, "{refused:?}");
    assert_eq!(journal::rest(&platform, &id, PATIENCE).await["phase"], "completed");
}
