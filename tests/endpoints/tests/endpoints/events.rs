//! A saga's events over `GET /api/execute/{saga}/events`: cut, taken up again, and for its owner and operators only.

use std::time::{Duration, Instant};

use makegood_endpoints::platform::{Answer, Options, Platform, answer};
use makegood_endpoints::sse::{Numbered, numbered};
use makegood_endpoints::{journal, poll, town};
use serde_json::{Value, json};

const PATIENCE: Duration = Duration::from_secs(60);

fn table() -> Value {
    json!({"id": "table", "tool": "book_restaurant_table", "params":
        {"restaurant": "Luigi's", "party_size": 2, "date": "2031-05-01", "time": "19:00", "name": "Ann"}})
}

fn ride() -> Value {
    json!({"id": "ride", "tool": "request_ride", "after": ["table"], "params":
        {"pickup": "Home", "destination": "Luigi's", "date": "2031-05-01", "time": "18:30", "passengers": 2}})
}

fn request(platform: &Platform, id: &str, last: Option<u64>) -> reqwest::RequestBuilder {
    let request = platform.request("GET", &format!("/api/execute/{id}/events"));
    match last {
        Some(last) => request.header("last-event-id", last.to_string()),
        None => request,
    }
}

/// The whole answer, which ends by itself.
async fn whole(platform: &Platform, id: &str, last: Option<u64>) -> Answer {
    answer(request(platform, id, last)).await
}

/// Reads until an event has come, and hangs up: what came with it is lost on the way. `None` where there are no more.
async fn cut(platform: &Platform, id: &str, last: Option<u64>) -> Option<Vec<Numbered>> {
    let mut stream = request(platform, id, last).send().await.unwrap();
    if stream.status() == 204 {
        return None;
    }
    assert_eq!(stream.status(), 200);
    assert_eq!(stream.headers()["content-type"], "text/event-stream");
    let mut text = String::new();
    while let Some(piece) = stream.chunk().await.unwrap() {
        text += std::str::from_utf8(&piece).unwrap();
        if !numbered(&text).is_empty() {
            break;
        }
    }
    let mut events = numbered(&text);
    events.truncate(1);
    Some(events)
}

/// The numbers that there must be: those before the journal, and the journal's.
async fn expected(platform: &Platform, id: &str, before: &[u64]) -> Vec<u64> {
    let told = platform.get(&format!("/api/debug/sagas/{id}")).await;
    let journal = told["story"]["journal"].as_array().unwrap();
    before.iter().copied().chain(journal.iter().map(|entry| entry["seq"].as_u64().unwrap())).collect()
}

fn numbers(events: &[Numbered]) -> Vec<u64> {
    events.iter().map(|event| event.id).collect()
}

fn kinds(events: &[Numbered]) -> Vec<&str> {
    events.iter().map(|event| event.data["type"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn a_stream_that_is_cut_and_taken_up_again_tells_every_event_once_and_in_order() {
    let platform = Platform::start(Options::default()).await;
    // Slow, and refused at the end: events come while the stream is open, and the saga is made good.
    town::fault(&platform, &json!({"tool": "book_restaurant_table", "kind": "slow", "delay_ms": 700})).await;
    town::fault(&platform, &json!({"tool": "request_ride", "kind": "refuse"})).await;
    let nap = json!({"id": "nap", "wait": {"for_ms": 1500}, "after": ["table"]});
    let mut late = ride();
    late["after"] = json!(["nap"]);
    let id = journal::execute(&platform, &json!({"summary": "Out", "steps": [table(), nap, late]})).await;

    let (mut all, mut cuts) = (Vec::new(), 0);
    let mut last = None;
    while let Some(events) = cut(&platform, &id, last).await {
        last = events.last().map_or(last, |event| Some(event.id));
        all.extend(events);
        cuts += 1;
        assert!(cuts < 200, "it has an end");
    }
    assert!(cuts > 2, "it was cut: {cuts}");
    assert_eq!(journal::rest(&platform, &id, PATIENCE).await["phase"], "made_good");
    assert_eq!(numbers(&all), expected(&platform, &id, &[1]).await);
    let kinds = kinds(&all);
    assert_eq!(kinds.first(), Some(&"makegood.saga.started.v1"), "{kinds:?}");
    assert_eq!(kinds.last(), Some(&"makegood.saga.made_good.v1"), "{kinds:?}");
    for kind in ["step.started", "step.done", "step.waiting", "step.refused", "saga.unwinding", "step.undone"] {
        assert!(kinds.contains(&format!("makegood.{kind}.v1").as_str()), "{kind} in {kinds:?}");
    }
    for event in &all {
        assert_eq!(event.data["id"], json!(event.id.to_string()));
        assert_eq!(event.data["source"], json!(format!("/api/execute/{id}")));
        assert_eq!(event.data["specversion"], "1.0");
    }
    // From its middle, at once, and from its beginning.
    let middle = all[all.len() / 2].id;
    let rest = whole(&platform, &id, Some(middle)).await;
    assert_eq!(numbers(&numbered(&rest.text)), numbers(&all[all.len() / 2 + 1..]));
    assert_eq!(numbers(&numbered(&whole(&platform, &id, None).await.text)), numbers(&all));
    let nothing = whole(&platform, &id, last).await;
    assert_eq!((nothing.status, nothing.text.as_str()), (204, ""), "a browser stops here");
}

#[tokio::test]
async fn a_stream_ends_before_its_invocation_would_and_goes_on_with_the_next() {
    let platform = Platform::start(Options::default()).await;
    let word = json!({"id": "word", "wait": {"event": {"name": "go", "within_ms": 600_000}}, "after": ["table"]});
    let id = journal::execute(&platform, &json!({"summary": "Long", "steps": [table(), word]})).await;
    let began = Instant::now();
    let first = whole(&platform, &id, None).await;
    let took = began.elapsed();
    assert_eq!(first.status, 200);
    // `kill_ms` is 10 s.
    assert!((6..10).contains(&took.as_secs()), "{took:?}");
    assert!(first.text.starts_with("retry: 1000\n\n"), "{}", first.text);
    assert!(first.text.contains("\n\n: still here\n\n"), "{}", first.text);
    let before = numbered(&first.text);
    let last = before.last().map(|event| event.id);

    // What comes while the reader listens is told when it comes.
    let mut stream = request(&platform, &id, last).send().await.unwrap();
    let brought = platform.request("POST", &format!("/api/execute/{id}/events")).json(&json!({"name": "go"}));
    assert_eq!(answer(brought).await.status / 100, 2);
    let mut text = String::new();
    while let Some(piece) = stream.chunk().await.unwrap() {
        text += std::str::from_utf8(&piece).unwrap();
    }
    let all: Vec<Numbered> = before.into_iter().chain(numbered(&text)).collect();
    assert_eq!(journal::rest(&platform, &id, PATIENCE).await["phase"], "completed");
    assert_eq!(numbers(&all), expected(&platform, &id, &[1]).await);
    assert_eq!(kinds(&all).last(), Some(&"makegood.saga.completed.v1"));
}

#[tokio::test]
async fn only_its_owner_and_operators_are_told_what_happens_to_a_saga() {
    let platform = Platform::start(Options::arguments(&["--anonymous-role", "user"])).await;
    let (ann, eve) = (platform.token("ann").await, platform.token("eve").await);
    let olga = platform.token_with("olga", &["--role", "operator"]).await;
    let plan = json!({"plan": {"summary": "A table", "steps": [table()]}});
    let started = answer(platform.request("POST", "/api/execute").json(&plan).bearer_auth(&ann)).await;
    let id = started.json()["saga"].as_str().unwrap().to_owned();
    for reader in [&ann, &olga] {
        let told = answer(request(&platform, &id, None).bearer_auth(reader)).await;
        assert_eq!(told.status, 200, "{told:?}");
    }
    let none = "sg_01k0000000000000000000zzzz";
    let unknown = answer(request(&platform, none, None).bearer_auth(&eve)).await;
    for refused in [answer(request(&platform, &id, None).bearer_auth(&eve)).await, whole(&platform, &id, None).await] {
        assert_eq!((refused.status, &refused.text), (404, &unknown.text), "{refused:?}");
    }
    for bad in ["x", "-1", "1.5", "99999999999999999999"] {
        let request = request(&platform, &id, None).bearer_auth(&ann).header("last-event-id", bad);
        let refused = answer(request).await;
        assert_eq!((refused.status, &refused.json()["code"]), (400, &json!("invalid_request")), "{bad}");
    }
}

#[tokio::test]
async fn what_was_said_and_what_people_are_asked_and_what_needs_them_is_told() {
    let platform = Platform::start(Options::default()).await;
    let said =
        platform.post("/api/chat", &json!({"message": "Book a table for 2 at Luigi's tomorrow at 7pm"}), 202).await;
    let id = said["saga"].as_str().unwrap();
    journal::rest(&platform, id, PATIENCE).await;
    let events = numbered(&whole(&platform, id, None).await.text);
    assert_eq!(numbers(&events), expected(&platform, id, &[1, 2]).await);
    assert_eq!(kinds(&events)[1], "makegood.intent.understood.v1");
    assert_eq!(events[1].data["data"]["message"], "Book a table for 2 at Luigi's tomorrow at 7pm");

    // A step that people are asked about, another plan in its place, and an undo that is refused.
    let mut asked = ride();
    asked["approval"] = json!({"by": ["anonymous"], "question": "Worth it?"});
    let id = journal::execute(&platform, &json!({"summary": "Asked", "steps": [table(), asked]})).await;
    let found = poll(PATIENCE, Duration::from_millis(50), || async {
        let saga = journal::status(&platform, &id).await;
        (saga["steps"][1]["standing"] == "asking").then_some(())
    });
    found.await.expect("somebody is asked");
    let mut other = ride();
    (other["id"], other["approval"]) = (json!("other"), json!({"by": ["anonymous"]}));
    let plan = json!({"plan": {"summary": "Other", "steps": [table(), other]}});
    let answered = answer(platform.request("POST", &format!("/api/execute/{id}/replan")).json(&plan)).await;
    assert!(answered.status < 300, "{answered:?}");
    town::fault(&platform, &json!({"tool": "book_restaurant_table", "kind": "refuse", "op": "undo"})).await;
    let found = poll(PATIENCE, Duration::from_millis(50), || async {
        let body = json!({"step": "other"});
        let said = answer(platform.request("POST", &format!("/api/execute/{id}/reject")).json(&body)).await;
        (said.status < 300).then_some(())
    });
    found.await.expect("the new step is asked about");
    assert_eq!(journal::rest(&platform, &id, PATIENCE).await["phase"], "stuck");
    let events = numbered(&whole(&platform, &id, None).await.text);
    assert_eq!(numbers(&events), expected(&platform, &id, &[1]).await);
    let of = |kind: &str| -> Vec<&Value> {
        let kind = format!("makegood.{kind}.v1");
        events.iter().map(|event| &event.data).filter(|data| data["type"] == json!(kind)).collect()
    };
    let asked = of("approval.asked");
    assert_eq!((&asked[0]["subject"], &asked[0]["data"]["question"]), (&json!("ride"), &json!("Worth it?")));
    assert_eq!(asked[1]["subject"], "other", "of the plan that came later");
    assert_eq!(of("approval.decided")[0]["data"]["approve"], false);
    assert_eq!(of("saga.replanned").len(), 1);
    assert_eq!(of("health.held")[0]["subject"], "table");
    assert_eq!(of("health.stuck")[0]["data"]["steps"], json!(["table"]));
}
