//! Sagas that sleep for longer than anybody watches: the host's clock leaves the time out, and every
//! timer on it is kept to all the same.

use std::time::{Duration, Instant};

use makegood_endpoints::platform::{Options, Platform, answer};
use makegood_endpoints::{audit, journal, poll, town};
use serde_json::{Value, json};

const PATIENCE: Duration = Duration::from_secs(60);
/// What a month may take that is left out.
const SECONDS: Duration = Duration::from_secs(30);
const DAY: u64 = 86_400_000;
/// How late a timer may ring: the queue counts in seconds, and the machine does other things.
const LATE: u64 = 60_000;
/// The queue takes no message that is to be held back for longer.
const QUEUES_LONGEST: u64 = 7 * DAY;

async fn skipping() -> Platform {
    Platform::start(Options::arguments(&["--skip-time"])).await
}

fn table() -> Value {
    json!({"id": "table", "tool": "book_restaurant_table", "params": {
        "restaurant": "Luigi's", "party_size": 2, "date": "2031-05-01", "time": "19:00", "name": "Ann"}})
}

/// A table, a sleep, and a message that cannot be taken back.
fn plan(sleep: u64) -> Value {
    json!({"summary": "Dinner, and a word about it later", "steps": [
        table(),
        {"id": "sleep", "wait": {"for_ms": sleep}, "after": ["table"]},
        {"id": "text", "tool": "send_message", "after": ["sleep"],
            "params": {"to": "Sam", "text": "$table.reservation_id"}},
    ]})
}

fn find<'a>(records: &'a [Value], kind: &str) -> &'a Value {
    records.iter().find(|record| record["type"] == kind).unwrap_or_else(|| panic!("no {kind} in {records:#?}"))
}

fn millis(value: &Value) -> u64 {
    value.as_u64().unwrap_or_else(|| panic!("{value} is no time"))
}

/// When the queue called the functions back, by its clock, the first first.
async fn wakes(platform: &Platform) -> Vec<u64> {
    let events = history(platform).await;
    let wakes = events.iter().filter(|event| {
        event["state"] == "ACTIVE" && event["url"].as_str().is_some_and(|url| url.ends_with("/api/execute/step"))
    });
    let mut times: Vec<u64> = wakes.map(|event| millis(&event["time"])).collect();
    times.sort_unstable();
    times
}

async fn history(platform: &Platform) -> Vec<Value> {
    let request = platform.request("GET", "/emulators/qstash/v2/events").bearer_auth(queue_token(platform));
    answer(request).await.json()["events"].as_array().unwrap().clone()
}

fn queue_token(platform: &Platform) -> String {
    let secrets = std::fs::read_to_string(platform.data().join("secrets.json")).unwrap();
    let secrets: Value = serde_json::from_str(&secrets).unwrap();
    secrets["qstash_token"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn thirty_days_are_slept_through_in_seconds_and_not_a_moment_less() {
    let platform = skipping().await;
    let began = Instant::now();
    let id = journal::execute(&platform, &plan(30 * DAY)).await;
    let saga = journal::rest(&platform, &id, PATIENCE).await;
    assert_eq!(saga["phase"], "completed", "{saga:#}");
    let took = began.elapsed();
    println!("30 days took {took:?}: {}", saga["counters"]);
    assert!(took < SECONDS, "{took:?}");

    let records = journal::records(&platform, &id).await;
    let sleep = find(&records, "waiting");
    let (from, due) = (millis(&sleep["at"]), millis(&sleep["until"]));
    assert_eq!(due - from, 30 * DAY);
    let woke = records.iter().find(|record| record["type"] == "done" && record["node"] == sleep["node"]).unwrap();
    assert!((due..due + LATE).contains(&millis(&woke["at"])), "{woke}, due at {due}");
    let between = records.iter().filter(|record| (from + 1..due).contains(&millis(&record["at"])));
    assert!(between.clone().all(|record| record["type"] == "yielded"), "nothing is done in its sleep: {records:#?}");
    // The host's own clock says so too, not the saga's alone.
    let later = journal::execute(&platform, &plan(1)).await;
    assert!(millis(&journal::status(&platform, &later).await["created_at"]) >= due);
    audit::agree(&platform, &journal::all_at_rest(&platform, PATIENCE).await).await;

    // No message may be held back so long: it is woken on the way, and goes back to sleep.
    let wakes: Vec<u64> = wakes(&platform).await.into_iter().filter(|at| (from..=due + LATE).contains(at)).collect();
    let naps: Vec<u64> = wakes.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert!(naps.iter().all(|nap| *nap < QUEUES_LONGEST), "{naps:?}");
    assert!(naps.len() >= 5 && between.count() >= 4, "{naps:?}");
}

#[tokio::test]
async fn a_wake_that_comes_weeks_too_early_changes_nothing() {
    let platform = Platform::start(Options::default()).await;
    let id = journal::execute(&platform, &plan(30 * DAY)).await;
    let path = format!("/api/debug/sagas/{id}");
    let asleep = poll(PATIENCE, Duration::from_millis(50), || async {
        let story = platform.get(&path).await["story"].take();
        story["wake_at"].as_u64().is_some_and(|at| at > millis(&story["updated_at"]) + DAY).then_some(story)
    });
    let asleep = asleep.await.expect("it falls asleep");

    // The queue itself calls, so that the functions believe it.
    let step = format!("/emulators/qstash/v2/publish/{}/api/execute/step", platform.url);
    let early = platform.request("POST", &step).bearer_auth(queue_token(&platform));
    let early = answer(early.json(&json!({"saga": id, "version": asleep["version"]}))).await;
    let message = early.json()["messageId"].clone();
    let delivered = poll(PATIENCE, Duration::from_millis(50), || async {
        let events = history(&platform).await;
        events.iter().any(|event| event["messageId"] == message && event["state"] == "DELIVERED").then_some(())
    });
    delivered.await.expect("the queue delivers it");

    let saga = platform.get(&path).await["story"].take();
    assert_eq!((&saga["phase"], &saga["journal"]), (&json!("forward"), &asleep["journal"]), "{saga:#}");
    assert_eq!(town::active(&platform).await, [1, 0, 0, 0, 0, 0], "nobody was written to");
}

#[tokio::test]
async fn an_approval_that_nobody_gives_in_three_weeks_expires_and_what_was_done_is_undone() {
    let platform = skipping().await;
    let began = Instant::now();
    let ride = json!({"id": "ride", "tool": "request_ride", "after": ["table"],
        "approval": {"by": ["ann"], "within_ms": 21 * DAY}, "params": {
        "pickup": "Home", "destination": "Luigi's", "date": "2031-05-01", "time": "18:30", "passengers": 2}});
    let id = journal::execute(&platform, &json!({"summary": "Out", "steps": [table(), ride]})).await;
    let saga = journal::rest(&platform, &id, PATIENCE).await;
    let took = began.elapsed();
    assert!(took < SECONDS, "{took:?}");
    assert_eq!((&saga["phase"], &saga["undone"]), (&json!("made_good"), &json!(["table"])), "{saga:#}");

    let records = journal::records(&platform, &id).await;
    let (asked, refused) = (find(&records, "asked"), find(&records, "refused"));
    assert_eq!(refused["code"], "approval_expired");
    let (from, due) = (millis(&asked["at"]), millis(&asked["until"]));
    assert_eq!(due - from, 21 * DAY);
    assert!((due..due + LATE).contains(&millis(&refused["at"])), "{refused}, due at {due}");
    assert_eq!(town::active(&platform).await, [0, 0, 0, 0, 0, 0]);
    audit::agree(&platform, &journal::all_at_rest(&platform, PATIENCE).await).await;
}
