//! The kill test: sagas over slow and faulty partners, while the host is killed and started again.
//!
//! Nothing here hopes for a good moment. A kill counts only if the journal, read afterwards, shows a
//! step that was begun before it and not answered then.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use futures_util::future::join_all;
use serde_json::{Value, json};
use tokio::task::JoinHandle;

use crate::platform::{Options, Platform, try_answer};
use crate::services::port;
use crate::{audit, journal, poll, town};

/// For how long more steps are looked for where one is found. A call takes 150 ms at least.
const LOOKING: Duration = Duration::from_millis(40);

/// How much is done, and how often it is cut off.
#[derive(Clone, Copy, Debug)]
pub struct Storm {
    pub sagas: usize,
    pub kills: usize,
    /// Kills that must have met a step begun and unanswered. Where too few did, half as many kills more are tried.
    pub telling: usize,
}

/// What came of it.
#[derive(Debug)]
pub struct Outcome {
    pub telling: usize,
    pub completed: usize,
    pub made_good: usize,
    /// Requests that clients had to send again.
    pub repeated: usize,
    pub slowest_start: Duration,
}

/// One client's request, until it is accepted.
struct Accepted {
    key: String,
    saga: String,
    tries: usize,
}

impl Storm {
    /// Runs it on a platform of its own.
    ///
    /// Asserts that every saga is completed or made good, that the town agrees exactly, and that no
    /// client's repeat made a second saga.
    pub async fn rage(self, mut options: Options) -> Outcome {
        options.port = port();
        // Short invocations, so that what a killed one holds is free again soon.
        options.arguments.extend(["--time-budget-ms", "2500", "--kill-ms", "4000"].map(String::from));
        let mut platform = Platform::start(options).await;
        for fault in faults() {
            town::fault(&platform, &fault).await;
        }
        let each = 2;
        let mut clients: Vec<JoinHandle<Accepted>> = Vec::new();
        clients.extend((0..self.sagas - self.kills * each).map(|number| client(&platform, number)));
        let (mut telling, mut slowest_start) = (0, Duration::ZERO);
        for round in 0..self.kills + self.kills / 2 {
            if round >= self.kills && telling >= self.telling {
                break;
            }
            let busy = begun_and_unanswered(&platform).await;
            let next = clients.len();
            clients.extend((next..(next + each).min(self.sagas)).map(|number| client(&platform, number)));
            // Sometimes before a client's request arrives, sometimes while it is served, sometimes after.
            tokio::time::sleep(Duration::from_millis(round as u64 % 7 * 3)).await;
            platform.kill().await;
            let killed_at = now();
            platform.start_again().await;
            slowest_start = slowest_start.max(platform.said);
            let mut met = false;
            for saga in busy {
                met |= journal::unanswered(&journal::records(&platform, &saga).await, killed_at).is_some();
            }
            telling += usize::from(met);
        }
        let accepted =
            tokio::time::timeout(Duration::from_secs(120), join_all(clients)).await.expect("every client is heard");
        let accepted: Vec<Accepted> = accepted.into_iter().map(Result::unwrap).collect();

        let sagas = journal::all_at_rest(&platform, Duration::from_secs(150)).await;
        let count = |phase: &str| sagas.values().filter(|saga| saga["phase"] == phase).count();
        let outcome = Outcome {
            telling,
            completed: count("completed"),
            made_good: count("made_good"),
            repeated: accepted.iter().map(|accepted| accepted.tries - 1).sum(),
            slowest_start,
        };
        if outcome.completed + outcome.made_good < sagas.len() {
            panic!("some are stuck: {outcome:?}\n{}", journal::tell_all(&platform).await);
        }
        one_saga_for_each(&platform, &accepted, &sagas).await;
        audit::agree(&platform, &sagas).await;
        assert_eq!(sagas.len(), self.sagas);
        assert!(telling >= self.telling, "the journal shows {telling} kills with a step unanswered");
        outcome
    }
}

/// The key is the client's own: whatever it heard or did not hear, it made one saga.
async fn one_saga_for_each(platform: &Platform, accepted: &[Accepted], sagas: &BTreeMap<String, Value>) {
    let heard: BTreeSet<&str> = accepted.iter().map(|accepted| accepted.saga.as_str()).collect();
    assert_eq!(heard, sagas.keys().map(String::as_str).collect(), "the sagas there are, are those that clients know");
    assert_eq!(heard.len(), accepted.len());
    for Accepted { key, saga, .. } in accepted {
        let body = json!({"plan": plan(number_of(key)), "key": key});
        let again = platform.post("/api/execute", &body, 202).await;
        assert_eq!((&again["saga"], &again["created"]), (&json!(saga), &json!(false)));
    }
}

/// Waits for steps that the journal has as begun and not as answered; the sagas that have one.
async fn begun_and_unanswered(platform: &Platform) -> Vec<String> {
    let found = poll(Duration::from_secs(10), Duration::from_millis(10), || async {
        let (mut busy, mut first) = (Vec::new(), None);
        for line in journal::list(platform).await.iter().filter(|line| !journal::at_rest(line)) {
            let id = line["id"].as_str().unwrap();
            if journal::unanswered(&journal::records(platform, id).await, now()).is_some() {
                busy.push(id.to_owned());
                first.get_or_insert_with(Instant::now);
            }
            // What was seen first must not be over when the last was looked at.
            if busy.len() == 3 || first.is_some_and(|first| first.elapsed() > LOOKING) {
                break;
            }
        }
        Some(busy).filter(|busy| !busy.is_empty())
    });
    found.await.unwrap_or_default()
}

/// Asks for one saga until somebody accepts it, as a client does that cannot know what was heard.
fn client(platform: &Platform, number: usize) -> JoinHandle<Accepted> {
    let key = format!("storm-{number}");
    let request = platform.request("POST", "/api/execute").json(&json!({"plan": plan(number), "key": key}));
    tokio::spawn(async move {
        for tries in 1.. {
            if let Ok(answer) = try_answer(request.try_clone().unwrap()).await {
                match answer.status {
                    202 => {
                        let saga = answer.json()["saga"].as_str().unwrap().to_owned();
                        return Accepted { key, saga, tries };
                    }
                    503 => {}
                    _ => panic!("{key}: {answer:?}"),
                }
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        unreachable!("it asks for ever")
    })
}

fn number_of(key: &str) -> usize {
    key.rsplit('-').next().unwrap().parse().unwrap()
}

/// Each on a day of its own, so that only the faults stand in its way.
fn plan(number: usize) -> Value {
    let date = format!("2031-{:02}-{:02}", 1 + number / 28, 1 + number % 28);
    let step = |id: &str, tool: &str, params: Value, after: &[&str]| json!({"id": id, "tool": tool, "params": params, "after": after});
    let table = |after: &[&str]| {
        let params = json!({"restaurant": "Luigi's", "date": date, "time": "19:00", "party_size": 4, "name": "Ana"});
        step("table", "book_restaurant_table", params, after)
    };
    let event = |after: &[&str]| {
        let params = json!({"title": "Dinner", "date": date, "time": "19:00", "duration_minutes": 90});
        step("event", "add_calendar_event", params, after)
    };
    let delivery = |after: &[&str]| {
        let params = json!({"vendor": "Bloom", "items": [{"name": "roses", "quantity": 12}], "address": "4 Elm Street", "date": date});
        step("delivery", "dispatch_delivery", params, after)
    };
    let steps = match number % 4 {
        0 => {
            let ride = json!({"pickup": "home", "destination": "$table.address", "date": date, "time": "18:30", "passengers": 4});
            let message = json!({"to": "Sam", "text": "$table.reservation_id"});
            vec![
                table(&[]),
                step("ride", "request_ride", ride, &[]),
                step("message", "send_message", message, &["ride"]),
            ]
        }
        1 => {
            let hold = json!({"payee": "Bloom", "amount_minor": 4_200, "currency": "EUR"});
            let capture = json!({"payment_id": "$hold.payment_id"});
            let message = json!({"to": "Sam", "text": "It is paid."});
            vec![
                step("hold", "authorise_payment", hold, &[]),
                event(&[]),
                step("capture", "capture_payment", capture, &["event"]),
                step("message", "send_message", message, &["capture"]),
            ]
        }
        2 => vec![delivery(&[]), event(&[])],
        _ => {
            let weather = json!({"place": "Harbour", "date": date});
            vec![
                step("weather", "get_weather_data", weather, &[]),
                table(&["weather"]),
                delivery(&["table"]),
                event(&["delivery"]),
            ]
        }
    };
    json!({"summary": format!("Storm {number}"), "steps": steps})
}

/// What partners do to them. Of several faults the first that strikes is played: slowness is for all
/// calls that nothing else befalls.
fn faults() -> Vec<Value> {
    vec![
        json!({"tool": "request_ride", "kind": "refuse", "count": 4}),
        json!({"tool": "add_calendar_event", "kind": "refuse", "probability": 0.3, "count": 5, "seed": 2}),
        json!({"tool": "book_restaurant_table", "kind": "error", "probability": 0.2, "seed": 3}),
        json!({"tool": "dispatch_delivery", "kind": "apply_then_lose", "status": 500, "probability": 0.3, "seed": 4}),
        json!({"tool": "capture_payment", "kind": "apply_then_lose", "status": 502, "probability": 0.3, "seed": 5}),
        json!({"tool": "send_message", "kind": "duplicate", "probability": 0.3, "seed": 6}),
        json!({"tool": "*", "op": "undo", "kind": "error", "probability": 0.2, "seed": 7}),
        json!({"tool": "*", "op": "undo", "kind": "slow", "delay_ms": 300, "probability": 0.5, "seed": 8}),
        json!({"tool": "*", "kind": "slow", "delay_ms": 600, "probability": 0.3, "seed": 9}),
        json!({"tool": "*", "kind": "slow", "delay_ms": 300, "probability": 0.5, "seed": 10}),
        json!({"tool": "*", "kind": "slow", "delay_ms": 150}),
    ]
}

fn now() -> u64 {
    u64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis()).unwrap()
}
