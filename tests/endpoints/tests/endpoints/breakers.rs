//! Circuit breakers on the real platform: a partner is down for a minute, and sagas wait for it without calling it.

use std::time::{Duration, Instant};

use makegood_endpoints::platform::{Options, Platform};
use makegood_endpoints::{database, journal, poll, town};
use serde_json::{Value, json};

/// How long the partner is down, and how often a saga that needs it is started meanwhile.
const DOWN: Duration = Duration::from_secs(60);
const EVERY: Duration = Duration::from_millis(500);
/// By when all of them have come to their end after its return.
const SOON: Duration = Duration::from_secs(10);
const TOOL: &str = "add_calendar_event";

fn plan(number: usize) -> Value {
    let params =
        json!({"title": format!("Walk {number}"), "date": "2031-05-01", "time": "19:00", "duration_minutes": 60});
    let weather = json!({"place": "Harbour", "date": "2031-05-01"});
    json!({"summary": format!("Walk {number}"), "steps": [
        {"id": "weather", "tool": "get_weather_data", "params": weather},
        {"id": "event", "tool": TOOL, "params": params, "after": ["weather"]},
    ]})
}

/// What an outage came to.
#[derive(Debug)]
struct Outage {
    /// Calls that reached the partner while it was down.
    calls: u64,
    sagas: usize,
    completed: usize,
    /// From its return until the last saga was at rest.
    finished: Duration,
    /// Of the saga that had the most: attempts that failed, and records of waiting for a breaker.
    most_failures: usize,
    most_waits: usize,
    /// The longest journal, in records.
    longest: usize,
}

async fn outage(arguments: &[&str]) -> Outage {
    let platform = Platform::start(Options::arguments(arguments)).await;
    let set = platform.post("/demo/faults", &json!({"tool": TOOL, "op": "*", "kind": "error"}), 201).await;
    let (began, mut sagas) = (Instant::now(), Vec::new());
    while began.elapsed() < DOWN {
        sagas.push(journal::execute(&platform, &plan(sagas.len())).await);
        tokio::time::sleep((EVERY * u32::try_from(sagas.len()).unwrap()).saturating_sub(began.elapsed())).await;
    }
    let faults = platform.get("/demo/faults").await;
    let hits = faults["faults"].as_array().unwrap().iter().find(|fault| fault["id"] == set["id"]).unwrap();
    let calls = hits["hits"].as_u64().unwrap();
    town::no_faults(&platform).await;
    let back = Instant::now();
    let rested = poll(Duration::from_secs(150), Duration::from_millis(100), || async {
        Some(journal::list(&platform).await).filter(|sagas| sagas.iter().all(journal::at_rest))
    });
    let Some(rested) = rested.await else { panic!("{}", journal::tell_all(&platform).await) };
    let finished = back.elapsed();
    let mut came = Outage {
        calls,
        sagas: sagas.len(),
        completed: rested.iter().filter(|saga| saga["phase"] == "completed").count(),
        finished,
        most_failures: 0,
        most_waits: 0,
        longest: 0,
    };
    assert_eq!(rested.len(), sagas.len(), "none is lost");
    for saga in &sagas {
        let records = journal::records(&platform, saga).await;
        let count = |kind: &str| records.iter().filter(|record| record["type"] == kind).count();
        came.most_failures = came.most_failures.max(count("unsettled"));
        came.most_waits = came.most_waits.max(count("shut"));
        came.longest = came.longest.max(records.len());
    }
    came
}

#[tokio::test]
async fn sagas_wait_for_a_partner_that_is_down_and_finish_soon_after_its_return() {
    let (with, without) = tokio::join!(outage(&[]), outage(&["--breakers", "off"]));
    println!("with breakers: {with:?}\nwithout: {without:?}");
    assert_eq!(with.completed, with.sagas, "{with:?}");
    assert!(with.finished <= SOON, "{with:?}");
    assert!(with.calls * 20 <= without.calls, "calls fall by 95 %: {} with, {} without", with.calls, without.calls);
    // Five attempts are what the tool gives a step.
    assert!(without.completed < without.sagas, "without breakers attempts are used up: {without:?}");
}

/// How a breaker stands, as an operator sees it.
async fn stands(platform: &Platform, name: &str) -> Option<String> {
    let all = platform.get("/api/execute/breakers").await;
    let found = all["breakers"].as_array().unwrap().iter().find(|one| one["name"] == name)?;
    Some(found["stands"].as_str().unwrap().to_owned())
}

async fn calls(platform: &Platform) -> usize {
    town::ledger(platform).await.iter().filter(|entry| entry["tool"] == TOOL).count()
}

#[tokio::test]
async fn an_operator_holds_a_breaker_open_and_what_waits_goes_on_after_the_reset() {
    let platform = Platform::start(Options::default()).await;
    platform.post(&format!("/api/execute/breakers/{TOOL}/open"), &json!({}), 200).await;
    let saga = journal::execute(&platform, &plan(1)).await;
    let waits = poll(Duration::from_secs(10), Duration::from_millis(50), || async {
        let records = journal::records(&platform, &saga).await;
        records.iter().any(|record| record["type"] == "shut" && record["name"] == TOOL).then_some(())
    });
    waits.await.expect("it meets the breaker");
    // Longer than several of its looks at the breaker.
    tokio::time::sleep(Duration::from_secs(9)).await;
    let records = journal::records(&platform, &saga).await;
    let shut = records.iter().filter(|record| record["type"] == "shut").count();
    assert_eq!((shut, calls(&platform).await), (1, 0), "{records:?}");
    assert_eq!(stands(&platform, TOOL).await.as_deref(), Some("forced_open"));
    platform.post(&format!("/api/execute/breakers/{TOOL}/reset"), &json!({}), 200).await;
    let rested = journal::rest(&platform, &saga, SOON).await;
    assert_eq!(rested["phase"], "completed", "{rested}");
}

#[tokio::test]
async fn what_was_done_is_undone_only_when_the_partner_is_back_and_no_undo_is_sent_in_vain_meanwhile() {
    let platform = Platform::start(Options::default()).await;
    let mut plan = plan(2);
    // The last step is refused, and the partner of the one before is down from then on.
    let ride = json!({"pickup": "home", "destination": "4 Elm Street", "date": "2031-05-01", "time": "18:30", "passengers": 4});
    plan["steps"]
        .as_array_mut()
        .unwrap()
        .push(json!({"id": "ride", "tool": "request_ride", "params": ride, "after": ["event"]}));
    town::fault(&platform, &json!({"tool": "request_ride", "kind": "refuse"})).await;
    town::fault(&platform, &json!({"tool": TOOL, "op": "undo", "kind": "error"})).await;
    let saga = journal::execute(&platform, &plan).await;
    tokio::time::sleep(Duration::from_secs(20)).await;
    let faults = platform.get("/demo/faults").await;
    let hits: u64 = faults["faults"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|fault| fault["op"] == "undo")
        .filter_map(|fault| fault["hits"].as_u64())
        .sum();
    assert!((3..=12).contains(&hits), "some failures, and then probes only: {hits}");
    town::no_faults(&platform).await;
    let rested = journal::rest(&platform, &saga, SOON).await;
    assert_eq!(rested["phase"], "made_good", "{rested}");
}

#[tokio::test]
async fn nobody_but_whoever_runs_an_installation_forces_its_breakers() {
    let platform = Platform::start(Options::default()).await;
    let path = format!("/api/execute/breakers/{TOOL}/open");
    let foreign = platform.request("POST", &path).header("origin", "http://elsewhere.test");
    assert_eq!(makegood_endpoints::platform::answer(foreign).await.status, 403);
    for (path, status) in [("/api/execute/breakers/a%20b/open", 400), ("/api/execute/breakers/x/shake", 404)] {
        assert_eq!(makegood_endpoints::platform::answer(platform.request("POST", path)).await.status, status, "{path}");
    }
    assert_eq!(stands(&platform, TOOL).await, None);
}

#[tokio::test]
async fn what_redis_has_lost_is_found_out_anew() {
    let platform = Platform::start(Options::default()).await;
    platform.post(&format!("/api/execute/breakers/{TOOL}/open"), &json!({}), 200).await;
    let secrets = std::fs::read_to_string(platform.data().join("secrets.json")).unwrap();
    let secrets: Value = serde_json::from_str(&secrets).unwrap();
    let flush = platform.request("POST", "/emulators/redis").bearer_auth(secrets["redis_token"].as_str().unwrap());
    let flushed = makegood_endpoints::platform::answer(flush.json(&json!(["FLUSHALL"]))).await;
    assert_eq!(flushed.status, 200, "{flushed:?}");
    let saga = journal::execute(&platform, &plan(3)).await;
    let rested = journal::rest(&platform, &saga, SOON).await;
    assert_eq!(rested["phase"], "completed", "{rested}");
    assert_eq!(database::scalar(&platform, "select count(*)::text from makegood.saga").await.as_deref(), Some("1"));
}
