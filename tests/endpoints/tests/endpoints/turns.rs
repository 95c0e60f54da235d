//! Only so many calls at once, over all sagas: they do not overlap, and the more urgent goes first. And only so many in
//! a span of time.

use std::time::Duration;

use makegood_endpoints::platform::{Options, Platform};
use makegood_endpoints::{database, journal, poll, town};
use serde_json::{Value, json};

const PATIENCE: Duration = Duration::from_secs(60);
/// How long a call takes here: longer than an invocation waits for a turn before it says so.
const SLOW: u64 = 3_000;

/// A platform on which every call of a tool takes its time, and only so many of them are made at once.
async fn limited(tool: &str, concurrency: Option<Value>, options: Options) -> Platform {
    let platform = Platform::start(options).await;
    town::fault(&platform, &json!({"tool": tool, "kind": "slow", "delay_ms": SLOW})).await;
    if let Some(concurrency) = concurrency {
        register(&platform, tool, &json!({"concurrency": concurrency, "version": "limited"})).await;
    }
    platform
}

/// Registers a tool as its next version would have it.
async fn register(platform: &Platform, tool: &str, more: &Value) {
    let sql = format!(
        "select makegood.register_tool((definition::jsonb || '{more}')::json, 1) \
         from makegood.tool where name = '{tool}' and current"
    );
    assert_eq!(database::scalar(platform, &sql).await.as_deref(), Some("t"));
}

fn event(id: &str) -> Value {
    json!({"id": id, "tool": "add_calendar_event", "params":
        {"title": format!("Walk {id}"), "date": "2031-05-01", "time": "19:00", "duration_minutes": 60}})
}

async fn start(platform: &Platform, title: &str, steps: &[Value], priority: &str) -> String {
    let body = json!({"plan": {"summary": title, "steps": steps}, "priority": priority});
    platform.post("/api/execute", &body, 202).await["saga"].as_str().unwrap().to_owned()
}

/// When each of a saga's calls was under way, from when it left to its answer.
async fn calls(platform: &Platform, saga: &str) -> Vec<(u64, u64)> {
    let done = journal::records(platform, saga).await.into_iter().filter(|record| record["type"] == "done");
    let span = |record: Value| {
        let (at, took) = (record["at"].as_u64().unwrap(), record["took"].as_u64().unwrap());
        (at - took, at)
    };
    done.map(span).collect()
}

/// The most that were under way at once.
fn most_at_once(calls: &[(u64, u64)]) -> usize {
    let at = |time: u64| calls.iter().filter(|(began, ended)| (*began..*ended).contains(&time)).count();
    calls.iter().map(|(began, _)| at(*began)).max().unwrap_or(0)
}

async fn until_step(platform: &Platform, saga: &str, standing: &str) {
    let stands = poll(PATIENCE, Duration::from_millis(20), || async {
        let saga = journal::status(platform, saga).await;
        saga["steps"].as_array().unwrap().iter().any(|step| step["standing"] == standing).then_some(())
    });
    stands.await.unwrap_or_else(|| panic!("no step of {saga} was ever {standing}"));
}

#[tokio::test]
async fn calls_of_a_limited_tool_never_overlap_and_the_more_urgent_saga_goes_first() {
    let platform = limited("add_calendar_event", Some(json!({"limit": 1})), Options::default()).await;
    let first = start(&platform, "First", &[event("a"), event("b")], "normal").await;
    until_step(&platform, &first, "running").await;
    let low = start(&platform, "Low", &[event("c")], "low").await;
    until_step(&platform, &low, "queued").await;
    let high = start(&platform, "High", &[event("d")], "high").await;
    let mut all = Vec::new();
    for saga in [&first, &low, &high] {
        let rested = journal::rest(&platform, saga, PATIENCE).await;
        assert_eq!(
            (rested["phase"].as_str(), &rested["counters"]["calls"]),
            (Some("completed"), &json!(if saga == &first { 2 } else { 1 }))
        );
        all.extend(calls(&platform, saga).await);
    }
    assert_eq!((all.len(), most_at_once(&all)), (4, 1), "{all:?}");
    let (low, high) = (calls(&platform, &low).await[0], calls(&platform, &high).await[0]);
    assert!(high < low, "the urgent one at {high:?}, the other at {low:?}");
    assert_eq!(database::scalar(&platform, "select count(*) from makegood.turn").await.as_deref(), Some("0"));
}

#[tokio::test]
async fn a_user_makes_no_more_calls_at_once_than_the_installation_allows_and_others_are_not_held_up() {
    let options = Options::arguments(&["--user-concurrency", "2"]);
    let platform = limited("add_calendar_event", None, options).await;
    let mine = start(&platform, "Mine", &["a", "b", "c", "d", "e"].map(event), "normal").await;
    until_step(&platform, &mine, "queued").await;
    let token = platform.token("bob").await;
    let body = json!({"plan": {"summary": "Bob's", "steps": [event("z")]}});
    let request = platform.request("POST", "/api/execute").bearer_auth(&token).json(&body);
    let his = makegood_endpoints::platform::answer(request).await.json()["saga"].as_str().unwrap().to_owned();
    assert_eq!(journal::rest(&platform, &mine, PATIENCE).await["phase"], "completed");
    let mine = calls(&platform, &mine).await;
    assert_eq!((mine.len(), most_at_once(&mine)), (5, 2), "{mine:?}");
    let sql = format!("select body->>'at' from makegood.fact where saga = '{his}' and kind = 'done'");
    let his: u64 = database::scalar(&platform, &sql).await.unwrap().parse().unwrap();
    assert!(his < mine.iter().map(|(_, ended)| *ended).max().unwrap(), "bob waited for another's calls");
}

#[tokio::test]
async fn a_step_that_waits_for_its_turn_has_not_happened_and_needs_no_undo() {
    let platform = limited("add_calendar_event", Some(json!([{"limit": 1, "per": "user"}])), Options::default()).await;
    let first = start(&platform, "First", &[event("a")], "normal").await;
    until_step(&platform, &first, "running").await;
    let second = start(&platform, "Second", &[event("b")], "high").await;
    until_step(&platform, &second, "queued").await;
    let shown = journal::status(&platform, &second).await;
    assert_eq!((&shown["priority"], &shown["counters"]["calls"]), (&json!("high"), &json!(0)), "{shown}");
    assert!(journal::status(&platform, &first).await["priority"].is_null());
    platform.post(&format!("/api/execute/{second}/cancel"), &json!({}), 200).await;
    let records = journal::records(&platform, &second).await;
    let undone = records.iter().any(|record| record["type"] == "undo_started" || record["type"] == "started");
    assert!(!undone, "{records:?}");
    assert_eq!(journal::rest(&platform, &second, PATIENCE).await["phase"], "made_good");
    assert_eq!(journal::rest(&platform, &first, PATIENCE).await["phase"], "completed");
}

#[tokio::test]
async fn a_parent_and_its_child_never_wait_for_each_others_turns() {
    let platform =
        limited("add_calendar_event", Some(json!({"limit": 1})), Options::arguments(&["--user-concurrency", "1"]))
            .await;
    let plan = json!({"summary": "Inside", "steps": [event("a"), event("b")]});
    let child = json!({"id": "child", "tool": "run_saga", "params": {"plan": plan}});
    let parent = start(&platform, "Both", &[event("c"), child], "high").await;
    let rested = journal::rest(&platform, &parent, PATIENCE).await;
    assert_eq!(rested["phase"], "completed", "{rested:#}");
    let steps = rested["steps"].as_array().unwrap();
    let child = steps.iter().find(|step| step["id"] == "child").unwrap()["output"]["saga"].as_str().unwrap();
    assert_eq!(journal::status(&platform, child).await["priority"], "high");
}

#[tokio::test]
async fn no_more_calls_leave_in_a_span_than_a_tools_rate_says_and_who_comes_too_early_uses_up_nothing() {
    let platform = Platform::start(Options::default()).await;
    let more = json!({"rate": {"calls": 2, "per_ms": 4_000}, "version": "rated"});
    register(&platform, "add_calendar_event", &more).await;
    let first = start(&platform, "First", &[event("a"), event("b"), event("c")], "normal").await;
    let second = start(&platform, "Second", &[event("d"), event("e"), event("f")], "normal").await;
    let (mut left, mut queued) = (Vec::new(), 0);
    for saga in [&first, &second] {
        let rested = journal::rest(&platform, saga, PATIENCE).await;
        assert_eq!((rested["phase"].as_str(), &rested["counters"]["calls"]), (Some("completed"), &json!(3)));
        left.extend(calls(&platform, saga).await.into_iter().map(|(began, _)| began));
        queued += journal::records(&platform, saga).await.iter().filter(|record| record["type"] == "queued").count();
    }
    left.sort_unstable();
    assert_eq!((left.len(), queued), (6, 4), "two leave at once, and the others wait, once each");
    // They are counted when they are let out, and leave when that stands in the journal.
    assert!(left.windows(3).all(|three| three[2] - three[0] > 3_000), "{left:?}");
}

#[tokio::test]
async fn a_priority_that_is_none_is_refused() {
    let platform = Platform::start(Options::default()).await;
    let body = json!({"plan": {"summary": "x", "steps": [event("a")]}, "priority": "urgent"});
    let said = platform.post("/api/execute", &body, 400).await;
    assert!(said["detail"].as_str().unwrap().contains("`low`, `normal`, `high`"), "{said}");
}
