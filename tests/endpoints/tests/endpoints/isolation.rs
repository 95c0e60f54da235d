//! Sagas that meet at one booking: they do not see each other, the partner does.

use std::time::Duration;

use makegood_endpoints::platform::{Options, Platform, answer};
use makegood_endpoints::{audit, journal, poll, town};
use serde_json::{Value, json};

const PATIENCE: Duration = Duration::from_secs(60);

fn find<'a>(saga: &'a Value, step: &str) -> &'a Value {
    saga["steps"].as_array().unwrap().iter().find(|one| one["id"] == step).unwrap_or_else(|| panic!("{step}: {saga:#}"))
}

/// Waits until the saga waits for its word.
async fn waiting(platform: &Platform, id: &str) {
    let path = format!("/api/execute/{id}");
    let waits = poll(PATIENCE, Duration::from_millis(50), || async {
        (find(&platform.get(&path).await, "word")["standing"] == "waiting").then_some(())
    });
    waits.await.expect("it waits for its word");
}

/// A table for eight, by a saga of its own.
async fn booked(platform: &Platform) -> String {
    let table = json!({"id": "table", "tool": "book_restaurant_table", "params": {
        "restaurant": "Luigi's", "party_size": 8, "date": "2031-05-01", "time": "19:00", "name": "Ann"}});
    let saga = journal::execute(platform, &json!({"summary": "A table", "steps": [table]})).await;
    let saga = journal::rest(platform, &saga, PATIENCE).await;
    find(&saga, "table")["output"]["reservation_id"].as_str().unwrap().to_owned()
}

/// A saga that reads the booking, orders a ride, and changes the booking as it was read; it waits for a word
/// before it changes it, or after.
async fn change(platform: &Platform, booking: &str, party_size: u32, word_first: bool) -> String {
    let ride = json!({"id": "ride", "tool": "request_ride", "after": ["look"], "params": {
        "pickup": "Home", "destination": "Luigi's", "date": "2031-05-01", "time": "18:30", "passengers": 2}});
    let mut word = json!({"id": "word", "wait": {"event": {"name": "go", "within_ms": 3_600_000}}});
    let mut change = json!({"id": "change", "tool": "change_reservation", "after": ["ride"], "params": {
        "reservation_id": booking, "generation": "$look.generation", "party_size": party_size}});
    if word_first {
        (word["after"], change["after"]) = (json!(["ride"]), json!(["word"]));
    } else {
        word["after"] = json!(["change"]);
    }
    let look = json!({"id": "look", "tool": "get_reservation", "params": {"reservation_id": booking}});
    journal::execute(platform, &json!({"summary": "Others come", "steps": [look, ride, word, change]})).await
}

async fn ask(platform: &Platform, id: &str, verb: &str, body: &Value) {
    let answer = answer(platform.request("POST", &format!("/api/execute/{id}/{verb}")).json(body)).await;
    assert!(answer.status < 300, "{verb}: {answer:?}");
}

async fn go(platform: &Platform, id: &str) -> Value {
    ask(platform, id, "events", &json!({"name": "go"})).await;
    journal::rest(platform, id, PATIENCE).await
}

async fn guests(platform: &Platform) -> Value {
    town::world(platform).await["reservations"][0]["party_size"].clone()
}

#[tokio::test]
async fn of_two_sagas_that_read_the_same_booking_one_changes_it_and_the_other_is_made_good() {
    let platform = Platform::start(Options::default()).await;
    let booking = booked(&platform).await;
    let first = change(&platform, &booking, 5, true).await;
    let second = change(&platform, &booking, 6, true).await;
    waiting(&platform, &first).await;
    waiting(&platform, &second).await;
    let saga = go(&platform, &first).await;
    assert_eq!(saga["phase"], "completed", "{saga:#}");
    let saga = go(&platform, &second).await;
    assert_eq!((&saga["phase"], &find(&saga, "change")["code"]), (&json!("made_good"), &json!("changed_since")));
    assert_eq!(find(&saga, "ride")["standing"], "undone", "{saga:#}");
    assert_eq!(guests(&platform).await, 5);
    assert_eq!(town::active(&platform).await, [1, 1, 0, 0, 0, 0]);
    audit::agree(&platform, &journal::all_at_rest(&platform, PATIENCE).await).await;
}

#[tokio::test]
async fn an_undo_that_would_lose_a_later_change_is_left_to_a_person() {
    let platform = Platform::start(Options::default()).await;
    let booking = booked(&platform).await;
    let early = change(&platform, &booking, 6, false).await;
    waiting(&platform, &early).await;
    let late = change(&platform, &booking, 2, false).await;
    waiting(&platform, &late).await;
    assert_eq!(go(&platform, &late).await["phase"], "completed");
    ask(&platform, &early, "cancel", &json!({})).await;
    let saga = journal::rest(&platform, &early, PATIENCE).await;
    assert_eq!(saga["phase"], "stuck", "{saga:#}");
    let left = saga["left"].as_array().unwrap().iter().find(|one| one["step"] == "change").unwrap();
    assert_eq!((&left["standing"], &left["code"]), (&json!("held"), &json!("changed_since")), "{saga:#}");
    assert_eq!(guests(&platform).await, 2, "the later change stands");
    let word = json!({"step": "change", "done": false, "note": "They are two now, and that is fine."});
    ask(&platform, &early, "resolve", &word).await;
    let saga = journal::rest(&platform, &early, PATIENCE).await;
    assert_eq!((&saga["phase"], &find(&saga, "ride")["standing"]), (&json!("made_good"), &json!("undone")), "{saga:#}");
    assert_eq!(guests(&platform).await, 2);
}
