//! Server-sent events: whole, disturbed, and left.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use makegood_endpoints::sse::{Event, numbered};
use serde_json::json;

use super::DINNER;
use super::bodies::refuses_or_hangs_up;
use crate::case::Case;
use crate::site::{Site, piece, rest_of};

pub fn cases() -> Vec<Case> {
    vec![
        Case::new("a stream tells of a saga from start to end", from_start_to_end),
        Case::new("a stream tells what happens when it happens", as_it_happens),
        Case::new("what is missing is asked for in a stream that ends", a_question),
        Case::new("bad requests beside a stream do not cut it", bad_requests_beside_it),
        Case::new("who hangs up in midstream harms nobody", hanging_up),
        Case::new("a stream ends in time, and says where it goes on", out_of_time),
        Case::new("events that are cut and taken up again come once each, and in order", events_cut),
    ]
}

/// Asserts that a stream told of a saga from its start to this end, each step as done once.
fn assert_whole(events: &[Event], phase: &str) -> String {
    let names: Vec<&str> = events.iter().map(|event| event.name.as_str()).collect();
    assert_eq!((names.first(), names.last()), (Some(&"saga"), Some(&"end")), "{events:#?}");
    let end = &events.last().unwrap().data;
    assert_eq!(end["phase"], phase, "{events:#?}");
    end["saga"].as_str().unwrap().to_owned()
}

async fn from_start_to_end(site: Arc<Site>) {
    let events = site.follow(DINNER).await;
    assert_whole(&events, "completed");
    for step in events[0].data["steps"].as_array().unwrap() {
        let done = |event: &&Event| event.data["step"] == step["id"] && event.data["standing"] == "done";
        assert_eq!(events.iter().filter(done).count(), 1, "{step} in {events:#?}");
    }
    assert_eq!(site.active().await, [1, 1, 1, 0, 0, 0]);
}

async fn as_it_happens(site: Arc<Site>) {
    site.fault(&json!({"tool": "request_ride", "kind": "slow", "delay_ms": 3000})).await;
    let began = Instant::now();
    let mut stream = site.stream(DINNER).send().await.unwrap();
    let first = piece(&mut stream).await;
    let told = began.elapsed();
    assert!(first.starts_with("event: saga\n"), "{first}");
    assert_whole(&rest_of(stream, first).await, "completed");
    let ended = began.elapsed();
    assert!(ended >= Duration::from_secs(3) && told < ended / 2, "the first event after {told:?}, the last {ended:?}");
}

async fn a_question(site: Arc<Site>) {
    let events = site.follow("Book a table at Luigi's").await;
    assert_eq!((events.len(), events[0].name.as_str()), (1, "answer"), "{events:#?}");
    assert_eq!(events[0].data["kind"], "question", "{events:#?}");
}

async fn bad_requests_beside_it(site: Arc<Site>) {
    site.fault(&json!({"tool": "request_ride", "kind": "slow", "delay_ms": 3000})).await;
    let mut stream = site.stream(DINNER).send().await.unwrap();
    let first = piece(&mut stream).await;
    let too_long = vec![b' '; 2 * 1024 * 1024];
    let id = "sg_01k0000000000000000000zzzz";
    for _ in 0..3 {
        site.refuses(site.request("POST", "/api/chat").body("{"), 400, "invalid_json").await;
        site.refuses(site.request("POST", "/api/chat").body(vec![0xff; 64]), 400, "invalid_json").await;
        refuses_or_hangs_up(site.request("POST", "/api/chat").body(too_long.clone())).await;
        site.refuses(site.stream(DINNER).bearer_auth("nonsense"), 401, "unauthenticated").await;
        site.refuses(site.stream("  "), 400, "invalid_request").await;
        site.refuses(site.request("PUT", "/api/chat"), 405, "method_not_allowed").await;
        site.refuses(site.request("POST", "/api/execute/step").body("{}"), 401, "bad_signature").await;
        site.refuses(site.request("POST", &format!("/api/execute/{id}/cancel")), 404, "not_found").await;
    }
    assert_whole(&rest_of(stream, first).await, "completed");
}

async fn hanging_up(site: Arc<Site>) {
    site.fault(&json!({"tool": "send_message", "kind": "slow", "delay_ms": 2000})).await;
    let mut stays = site.stream("Text Sam \"I stay\"").send().await.unwrap();
    let first = piece(&mut stays).await;
    let mut left = BTreeSet::new();
    for n in 0..10 {
        let mut leaves = site.stream(&format!("Text Sam \"I leave, {n}\"")).send().await.unwrap();
        let told = makegood_endpoints::sse::events(&piece(&mut leaves).await);
        left.insert(told[0].data["saga"].as_str().unwrap().to_owned());
        drop(leaves);
    }
    assert_whole(&rest_of(stays, first).await, "completed");
    for saga in &left {
        assert_eq!(site.rest(saga).await["phase"], "completed");
    }
    assert_eq!(left.len(), 10);
    assert_eq!(site.active().await, [0, 0, 11, 0, 0, 0]);
    // And whoever comes after them is served.
    site.clear().await;
    assert_whole(&site.follow(DINNER).await, "completed");
}

async fn out_of_time(site: Arc<Site>) {
    let plan = "Text Sam \"hello\"";
    // The journal has it, and nobody carries it on: the queue does not take the wake.
    site.disturb("qstash", &json!({"kind": "error", "status": 503})).await;
    let began = Instant::now();
    let events = site.follow(plan).await;
    let took = began.elapsed();
    let last = events.last().unwrap();
    assert_eq!(last.name, "pause", "{events:#?}");
    let resume = last.data["resume"].as_str().unwrap();
    assert!(resume.starts_with(&format!("{}/api/execute/sg_", site.url)), "{resume}");
    assert!((8..15).contains(&took.as_secs()), "{took:?}");
    // No sweep is to find it in the midst of another case.
    site.clear().await;
    let saga = last.data["saga"].as_str().unwrap();
    assert!(site.ask(saga, "cancel", &json!({})).await.status < 300);
    site.rest(saga).await;
}

async fn events_cut(site: Arc<Site>) {
    site.fault(&json!({"tool": "request_ride", "kind": "slow", "delay_ms": 1500})).await;
    let table = json!({"id": "table", "tool": "book_restaurant_table", "params": {
        "restaurant": "Luigi's", "party_size": 2, "date": "2031-05-01", "time": "19:00", "name": "Ann"}});
    let ride = json!({"id": "ride", "tool": "request_ride", "after": ["table"], "params": {
        "pickup": "Home", "destination": "Luigi's", "date": "2031-05-01", "time": "18:30", "passengers": 2}});
    let id = site.execute(&json!({"summary": "Out", "steps": [table, ride]})).await;
    let follow =
        |last: u64| site.request("GET", &format!("/api/execute/{id}/events")).header("last-event-id", last.to_string());
    let (mut ids, mut cuts, mut last) = (Vec::new(), 0, 0);
    loop {
        let mut stream = follow(last).send().await.unwrap();
        if stream.status().as_u16() == 204 {
            break;
        }
        assert_eq!(stream.status().as_u16(), 200);
        let mut text = String::new();
        while numbered(&text).is_empty() {
            let Some(piece) = stream.chunk().await.expect("it is not cut") else { break };
            text += std::str::from_utf8(&piece).unwrap();
        }
        ids.extend(numbered(&text).into_iter().map(|event| event.id));
        last = ids.last().copied().unwrap_or_default();
        cuts += 1;
        assert!(cuts < 100, "it has an end");
    }
    assert!(cuts > 1, "{cuts}");
    let story = site.get(&format!("/api/debug/sagas/{id}")).await;
    let journal = story["story"]["journal"].as_array().unwrap().iter().map(|entry| entry["seq"].as_u64().unwrap());
    assert_eq!(ids, std::iter::once(1).chain(journal).collect::<Vec<u64>>());
    // A question of another saga's owner is answered as for one that never was.
    site.refuses(follow(0).bearer_auth(site.token("eve").await), 404, "not_found").await;
}
