//! A sentence becomes a saga that is finished, or made good.

use std::time::Duration;

use makegood_endpoints::platform::{Options, Platform, answer};
use makegood_endpoints::{journal, sse, town};
use serde_json::json;

const BODY: &str =
    r#"{"message":"Book a table for 4 at Luigi's tomorrow at 7pm, get us a ride there, and text Sam the details"}"#;
const PATIENCE: Duration = Duration::from_secs(20);

/// As curl sends it: `-N -H 'accept: text/event-stream' URL -d BODY`.
async fn curl(platform: &Platform) -> Vec<sse::Event> {
    let request = platform
        .request("POST", "/api/chat")
        .header("accept", "text/event-stream")
        .header("content-type", "application/x-www-form-urlencoded")
        .header("user-agent", "curl/8.14.1");
    let answer = answer(request.body(BODY)).await;
    assert_eq!((answer.status, answer.content_type.as_str()), (200, "text/event-stream"), "{answer:?}");
    sse::events(&answer.text)
}

#[tokio::test]
async fn a_message_streams_to_completed_and_acts_once_on_each_partner() {
    let platform = Platform::start(Options::default()).await;
    let events = curl(&platform).await;
    let names: Vec<&str> = events.iter().map(|event| event.name.as_str()).collect();
    assert_eq!((names.first(), names.last()), (Some(&"saga"), Some(&"end")), "{events:#?}");
    let steps = events[0].data["steps"].as_array().unwrap();
    for step in steps {
        let done = |event: &sse::Event| {
            event.name == "step" && event.data["step"] == step["id"] && event.data["standing"] == "done"
        };
        assert_eq!(events.iter().filter(|event| done(event)).count(), 1, "{step} in {events:#?}");
    }
    let end = &events.last().unwrap().data;
    assert_eq!((&end["phase"], &end["saga"]), (&json!("completed"), &events[0].data["saga"]));

    // One reservation, one ride, one message.
    assert_eq!(town::active(&platform).await, [1, 1, 1, 0, 0, 0]);
    let world = town::world(&platform).await;
    let [table, ride, message] = ["reservations", "rides", "messages"].map(|kind| &world[kind][0]);
    assert_eq!(
        (&table["restaurant"], &table["party_size"], &table["time"]),
        (&json!("Luigi's"), &json!(4), &json!("19:00"))
    );
    assert_eq!((&ride["date"], &message["to"]), (&table["date"], &json!("Sam")));
    for thing in [table, ride, message] {
        assert_eq!(thing["saga"], end["saga"], "{thing}");
    }
}

#[tokio::test]
async fn a_message_is_answered_at_once_with_where_to_look() {
    let platform = Platform::start(Options::default()).await;
    let accepted = answer(platform.request("POST", "/api/chat").header("accept", "application/json").body(BODY)).await;
    assert_eq!((accepted.status, accepted.content_type.as_str()), (202, "application/json"), "{accepted:?}");
    let accepted = accepted.json();
    let id = accepted["saga"].as_str().unwrap();
    assert_eq!(accepted["created"], true);
    assert_eq!(accepted["status_url"], format!("{}/api/execute/{id}", platform.url));
    let saga = journal::rest(&platform, id, PATIENCE).await;
    assert_eq!(saga["phase"], "completed", "{saga:#}");
    assert_eq!(town::active(&platform).await, [1, 1, 1, 0, 0, 0]);
}

#[tokio::test]
async fn a_refused_ride_is_made_good_and_the_reader_is_told_why_and_in_which_order() {
    let platform = Platform::start(Options::default()).await;
    town::fault(
        &platform,
        &json!({"tool": "request_ride", "kind": "refuse", "code": "no_driver", "detail": "All drivers are at sea."}),
    )
    .await;
    let events = curl(&platform).await;
    let end = &events.last().unwrap().data;
    assert_eq!(end["phase"], "made_good", "{events:#?}");

    // Nothing is left, and no message was sent: not even one that nobody sees any more.
    assert_eq!(town::active(&platform).await, [0; 6]);
    let ledger = town::ledger(&platform).await;
    assert!(ledger.iter().all(|entry| entry["tool"] != "send_message"), "{ledger:#?}");

    let id = end["saga"].as_str().unwrap();
    let saga = journal::status(&platform, id).await;
    let step = |tool: &str| saga["steps"].as_array().unwrap().iter().find(|step| step["tool"] == tool).unwrap();
    let (table, ride, message) = (step("book_restaurant_table"), step("request_ride"), step("send_message"));
    let cause = saga["cause"].as_str().unwrap();
    assert!(cause.contains("no_driver") && cause.contains("All drivers are at sea."), "{cause}");
    assert!(cause.contains(ride["id"].as_str().unwrap()), "{cause}");
    assert_eq!(message["standing"], "abandoned", "{saga:#}");
    let undone: Vec<&str> = saga["undone"].as_array().unwrap().iter().map(|id| id.as_str().unwrap()).collect();
    assert!(undone.contains(&table["id"].as_str().unwrap()), "{saga:#}");
    assert_eq!(table["standing"], "undone", "{saga:#}");

    let page = answer(platform.request("GET", &format!("/debug/sagas/{id}"))).await;
    assert_eq!((page.status, page.content_type.starts_with("text/html")), (200, true), "{page:?}");
    assert!(page.text.contains("All drivers are at sea."), "{}", page.text);
    let order = &page.text[page.text.find("Undone in this order").expect("the page tells the order")..];
    let mut from = 0;
    for id in undone {
        from += order[from..].find(id).unwrap_or_else(|| panic!("`{id}` in its place in {order}"));
    }
}

#[tokio::test]
async fn before_the_first_saga_the_page_says_how_to_make_one_here() {
    let platform = Platform::start(Options::default()).await;
    let page = answer(platform.request("GET", "/debug").header("accept", "text/html")).await;
    assert_eq!(page.status, 200);
    assert!(page.text.contains(&format!("{}/api/chat", platform.url)), "{}", page.text);
}

#[tokio::test]
async fn a_key_stands_for_one_request_and_a_repeated_cancel_is_answered_as_the_first() {
    let platform = Platform::start(Options::default()).await;
    let ask =
        |message: &str| platform.request("POST", "/api/chat").body(json!({"message": message, "key": "k"}).to_string());
    let first = answer(ask("Text Sam \"hello\"")).await;
    let again = answer(ask("Text Sam \"hello\"")).await;
    assert_eq!((first.status, again.status), (202, 202), "{first:?} {again:?}");
    assert_eq!((&first.json()["saga"], &again.json()["created"]), (&again.json()["saga"], &json!(false)));
    let other = answer(ask("Text Anna \"goodbye\"")).await;
    assert_eq!((other.status, &other.json()["code"]), (422, &json!("key_reused")), "{other:?}");

    let id = first.json()["saga"].as_str().unwrap().to_owned();
    journal::rest(&platform, &id, PATIENCE).await;
    assert_eq!(town::active(&platform).await, [0, 0, 1, 0, 0, 0]);
    for _ in 0..2 {
        let cancelled = answer(platform.request("POST", &format!("/api/execute/{id}/cancel"))).await;
        assert_eq!((cancelled.status, &cancelled.json()["phase"]), (200, &json!("completed")), "{cancelled:?}");
    }
}

#[tokio::test]
async fn a_partner_that_refuses_the_fence_of_a_refused_step_leaves_nobody_stuck() {
    let platform = Platform::start(Options::default()).await;
    town::fault(&platform, &json!({"tool": "request_ride", "kind": "refuse", "op": "*"})).await;
    let events = curl(&platform).await;
    assert_eq!(events.last().unwrap().data["phase"], "made_good", "{events:#?}");
    assert_eq!(town::active(&platform).await, [0; 6]);
}

#[tokio::test]
async fn a_stuck_saga_says_what_is_left_and_why() {
    let platform = Platform::start(Options::default()).await;
    town::fault(&platform, &json!({"tool": "request_ride", "kind": "refuse"})).await;
    town::fault(&platform, &json!({"tool": "book_restaurant_table", "kind": "refuse", "op": "undo"})).await;
    let events = curl(&platform).await;
    let end = &events.last().unwrap().data;
    assert_eq!((&end["phase"], &end["left"][0]["step"]), (&json!("stuck"), &json!("table")), "{events:#?}");
    assert_eq!((&end["left"][0]["standing"], end["left"].as_array().unwrap().len()), (&json!("held"), 1), "{end:#}");
    assert!(end["cause"].as_str().is_some_and(|cause| cause.contains("ride")), "{end:#}");
}
