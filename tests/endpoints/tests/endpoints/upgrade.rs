//! What an earlier build left in the middle of its work is carried to its end by this one: a dump of its
//! database, made as `fixtures/issue-2.rs` says, under today's migrations, functions and host.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use makegood_endpoints::platform::{Options, Platform, answer};
use makegood_endpoints::services::Services;
use makegood_endpoints::{audit, binary, journal, poll, town};
use serde_json::{Value, json};

const PATIENCE: Duration = Duration::from_secs(60);
const DUMP: &str = "tests/endpoints/fixtures/issue-2.sql";

/// The sagas by their titles, and what becomes of each.
const FATES: [(&str, &str); 8] = [
    ("Completed", "completed"),
    ("Made good", "made_good"),
    ("Stuck", "stuck"),
    ("Unwinding", "made_good"),
    ("A long chain", "completed"),
    ("Delivered, and nobody heard", "completed"),
    ("Captured, and nobody heard", "completed"),
    ("Asked, and never heard", "completed"),
];
/// Those that were at rest before: nothing of them may change.
const AT_REST: usize = 3;

/// The dump, as if it had been made ten seconds ago: partners remember a key for a day, and what is older is rightly
/// given up.
fn dump() -> String {
    let dump = std::fs::read_to_string(binary::root().join(DUMP)).unwrap();
    let words = || dump.split_inclusive(|c: char| !c.is_ascii_alphanumeric());
    let last = words().filter_map(|word| time(word).map(|(time, _)| time)).max().expect("there are times in it");
    let later = now() - 10_000 - last;
    let moved = words().map(|word| match time(word) {
        Some((time, rest)) => format!("{}{rest}", time + later),
        None => word.to_owned(),
    });
    moved.collect()
}

/// A moment of the day on which the dump was made, in Unix milliseconds, and what follows it.
fn time(word: &str) -> Option<(u64, &str)> {
    let digits = word.trim_end_matches(|c: char| !c.is_ascii_alphanumeric());
    let time = digits.parse().ok().filter(|_| digits.len() == 13 && digits.starts_with("17958"))?;
    Some((time, &word[digits.len()..]))
}

/// Today's host on what an earlier one left; `None` where this machine is to have no PostgreSQL.
async fn upgraded(dump: String) -> Option<(Platform, Services)> {
    let services = tokio::task::spawn_blocking(move || {
        let services = Services::start()?;
        services.load(&dump);
        Some(services)
    });
    let Some(services) = services.await.unwrap() else {
        println!("left out: MAKEGOOD_NO_SYSTEM_SERVICES=1");
        return None;
    };
    let environment = vec![("DATABASE_URL".to_owned(), services.database_url.clone())];
    Some((Platform::start(Options { environment, ..Options::default() }).await, services))
}

/// Waits until all rest, and answers with each by its title.
async fn at_rest(platform: &Platform) -> BTreeMap<String, Value> {
    journal::all_at_rest(platform, PATIENCE).await.into_values().map(|saga| (title(&saga).to_owned(), saga)).collect()
}

fn title(saga: &Value) -> &str {
    saga["title"].as_str().unwrap()
}

fn id(saga: &Value) -> &str {
    saga["saga"].as_str().unwrap()
}

fn now() -> u64 {
    u64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis()).unwrap()
}

#[tokio::test]
async fn what_the_last_issues_build_left_half_done_comes_to_its_true_rest() {
    let began = now();
    let Some((platform, _services)) = upgraded(dump()).await else { return };
    let sagas = at_rest(&platform).await;
    assert_eq!(sagas.len(), FATES.len());
    for (number, (title, phase)) in FATES.into_iter().enumerate() {
        let saga = &sagas[title];
        assert_eq!(saga["phase"], phase, "{saga:#}\n{}", platform.complaints());
        let changed = saga["updated_at"].as_u64().unwrap() > began;
        assert_eq!(changed, number >= AT_REST, "what was at rest is left alone, and the rest goes on: {saga:#}");
        let page = answer(platform.request("GET", &format!("/debug/sagas/{}", id(saga)))).await;
        assert!(page.status == 200 && page.text.contains(title), "{page:?}");
    }

    // What was lost on the way back is not done again, and what never arrived is done.
    let ledger = town::ledger(&platform).await;
    let done = |tool: &str| {
        ledger.iter().filter(|one| one["tool"] == tool && one["op"] == "do" && one["applied"] == true).count()
    };
    let counts = ["dispatch_delivery", "capture_payment", "request_ride", "add_calendar_event"].map(done);
    assert_eq!(counts, [1, 1, 1, 37]);

    // A stuck one can be taken up again, which the earlier build could not.
    let stuck = &sagas["Stuck"];
    assert_eq!(stuck["left"][0]["step"], "hold", "{stuck:#}");
    let retry = platform.request("POST", &format!("/api/execute/{}/retry", id(stuck)));
    let retried = answer(retry.json(&json!({"step": "hold"}))).await;
    assert!(retried.status < 300, "{retried:?}");
    let mended = journal::rest(&platform, id(stuck), PATIENCE).await;
    assert_eq!(mended["phase"], "made_good", "its payment is voided, now that the partner lets it: {mended:#}");
    assert_eq!(mended["undone"].as_array().unwrap().last(), Some(&json!("hold")), "{mended:#}");
    audit::agree(&platform, &journal::all_at_rest(&platform, PATIENCE).await).await;
}

#[tokio::test]
async fn a_tool_that_changed_with_the_upgrade_holds_its_saga_until_a_person_has_it_go_on() {
    // As if the calendar had been another when the plans were made.
    let older = ["add_calendar_event\t1\t", "\"add_calendar_event\",\"version\":\"1\""].into_iter();
    let older = older.fold(dump(), |dump, now| dump.replace(now, &now.replace('1', "0")));
    assert_ne!(older, dump());
    let Some((platform, _services)) = upgraded(older).await else { return };
    let lines = journal::list(&platform).await;
    let [chain, unwinding] = ["A long chain", "Unwinding"]
        .map(|wanted| lines.iter().find(|line| line["title"] == wanted).unwrap()["id"].as_str().unwrap());

    let paused = poll(PATIENCE, Duration::from_millis(50), || async {
        Some(journal::status(&platform, chain).await).filter(|saga| saga["paused"].is_string())
    });
    let paused = paused.await.expect("the chain holds on");
    let why = "The tool `add_calendar_event` has changed since the plan was made with 0.";
    assert_eq!((&paused["phase"], &paused["paused"]), (&json!("forward"), &json!(why)), "{paused:#}");
    let other = journal::rest(&platform, unwinding, PATIENCE).await;
    assert_eq!(other["phase"], "made_good", "what is undone is undone as it was made: {other:#}");

    let resumed = answer(platform.request("POST", &format!("/api/execute/{chain}/resume")).json(&json!({}))).await;
    assert!(resumed.status < 300, "{resumed:?}");
    assert_eq!(journal::rest(&platform, chain, PATIENCE).await["phase"], "completed");
    let walks = town::world(&platform).await["events"].as_array().unwrap().len();
    assert_eq!(walks, 36);
}
