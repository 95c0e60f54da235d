//! Schedules: the clock starts sagas, one for each firing, for their owners, and only while they want it.

use std::time::Duration;

use futures_util::future::join_all;
use makegood_endpoints::platform::{Answer, Options, Platform, answer};
use makegood_endpoints::services::Services;
use makegood_endpoints::{database, journal, poll, queue, town};
use serde_json::{Value, json};

const PATIENCE: Duration = Duration::from_secs(30);
const SCHEDULES: &str = "/api/execute/schedules";

fn plan() -> Value {
    json!({"summary": "Every morning", "steps": [{"id": "text", "tool": "send_message",
        "params": {"to": "Sam", "text": "Good morning"}}]})
}

fn daily(id: &str) -> Value {
    json!({"id": id, "cron": "0 9 * * *", "plan": plan()})
}

async fn make(platform: &Platform, body: &Value) -> Answer {
    answer(platform.request("POST", SCHEDULES).json(body)).await
}

async fn show(platform: &Platform, id: &str) -> Value {
    platform.get(&format!("{SCHEDULES}/{id}")).await
}

/// What the queue knows the only schedule by, besides the sweeper's, and how it stands there.
async fn in_queue(platform: &Platform) -> Option<(String, Value)> {
    let all = queue::ask(platform, "GET", "schedules", &[], "").await.json();
    let mut ours = all.as_array().unwrap().iter().filter(|one| one["scheduleId"] != "makegood-sweeper");
    let found = ours.next().cloned();
    assert!(ours.next().is_none(), "{all}");
    found.map(|one| (one["scheduleId"].as_str().unwrap().to_owned(), one))
}

/// A firing as the queue brings it.
async fn fire(platform: &Platform, key: &str, message: &str) -> Answer {
    let body = json!({"schedule": key}).to_string();
    answer(queue::delivery(platform, "/api/execute/scheduled", &body, message)).await
}

async fn sweep(platform: &Platform) {
    let swept = answer(queue::delivery(platform, "/api/execute/sweep", "", "msg_sweep")).await;
    assert_eq!(swept.status, 200, "{swept:?}");
}

#[tokio::test]
async fn the_queues_clock_starts_a_saga_that_completes() {
    let platform = Platform::start(Options::arguments(&["--skip-time"])).await;
    let made = make(&platform, &json!({"id": "often", "cron": "* * * * *", "plan": plan()})).await;
    assert_eq!(made.status, 201, "{made:?}");
    assert_eq!((&made.json()["schedule"], &made.json()["armed"]), (&json!("often"), &json!(true)));
    // Somebody else's wait makes the clock leap over some minutes: once for all of them.
    let nap = json!({"summary": "Nap", "steps": [{"id": "nap", "wait": {"for_ms": 600_000}}]});
    journal::execute(&platform, &nap).await;
    let fired = poll(PATIENCE, Duration::from_millis(100), || async {
        let schedule = show(&platform, "often").await;
        schedule["firings"][0]["saga"].as_str().map(str::to_owned)
    });
    let Some(saga) = fired.await else {
        let logs = queue::ask(&platform, "GET", "logs", &[], "").await.text;
        panic!("it did not fire: {:#}\n{logs}\n{}", show(&platform, "often").await, platform.complaints());
    };
    let saga = journal::rest(&platform, &saga, PATIENCE).await;
    assert_eq!((&saga["phase"], &saga["title"]), (&json!("completed"), &json!("Every morning")), "{saga:#}");
    let sent = town::world(&platform).await["messages"].as_array().unwrap().len();
    let schedule = show(&platform, "often").await;
    assert!(sent >= 1 && sent <= schedule["firings"].as_array().unwrap().len(), "{sent} sent, {schedule:#}");
}

/// One schedule, and its firings brought one after the other, and all at once.
async fn one_saga_for_each_firing(platform: &Platform) {
    assert_eq!(make(platform, &daily("daily")).await.status, 201);
    let (key, standing) = in_queue(platform).await.expect("the queue has it");
    assert_eq!((&standing["cron"], &standing["retries"]), (&json!("0 9 * * *"), &json!(5)));
    let body = json!({"schedule": key}).to_string();
    let unsigned = answer(platform.request("POST", "/api/execute/scheduled").body(body.clone())).await;
    assert_eq!((unsigned.status, &unsigned.json()["code"]), (401, &json!("bad_signature")));
    let elsewhere = queue::delivery(platform, "/api/execute/step", &body, "msg_0").build().unwrap();
    let moved = platform.request("POST", "/api/execute/scheduled").headers(elsewhere.headers().clone()).body(body);
    assert_eq!(answer(moved).await.status, 401, "signed for another address");

    let first = fire(platform, &key, "msg_1").await;
    assert_eq!((first.status, &first.json()["created"]), (200, &json!(true)), "{first:?}");
    let again = fire(platform, &key, "msg_1").await;
    assert_eq!((again.status, &again.json()["saga"]), (200, &first.json()["saga"]), "{again:?}");
    let at_once = join_all((0..8).map(|_| fire(platform, &key, "msg_2"))).await;
    let second = at_once[0].json()["saga"].clone();
    assert!(second.is_string() && second != first.json()["saga"]);
    for other in &at_once {
        assert_eq!((other.status, &other.json()["saga"]), (200, &second), "{other:?}");
    }
    let schedule = show(platform, "daily").await;
    let sagas: Vec<&Value> = schedule["firings"].as_array().unwrap().iter().map(|fired| &fired["saga"]).collect();
    assert_eq!(sagas, [&second, &first.json()["saga"]], "the newest first");
    for id in sagas {
        let saga = journal::rest(platform, id.as_str().unwrap(), PATIENCE).await;
        assert_eq!(saga["phase"], "completed", "{saga:#}");
    }
    assert_eq!(journal::list(platform).await.len(), 2);
    assert_eq!(town::active(platform).await, [0, 0, 2, 0, 0, 0]);
}

#[tokio::test]
async fn a_firing_that_comes_again_gives_the_same_saga() {
    one_saga_for_each_firing(&Platform::start(Options::default()).await).await;
}

#[tokio::test]
async fn a_firing_that_comes_again_gives_the_same_saga_on_real_postgres_and_redis() {
    let Some(services) = tokio::task::spawn_blocking(Services::start).await.unwrap() else {
        println!("left out: MAKEGOOD_NO_SYSTEM_SERVICES=1");
        return;
    };
    let environment = [("DATABASE_URL", &services.database_url), ("REDIS_URL", &services.redis_url)];
    let environment = environment.map(|(name, value)| (name.to_owned(), value.clone())).to_vec();
    one_saga_for_each_firing(&Platform::start(Options { environment, ..Options::default() }).await).await;
}

#[tokio::test]
async fn a_paused_schedule_starts_nothing_and_a_deleted_one_never_again() {
    let platform = Platform::start(Options::default()).await;
    assert_eq!(make(&platform, &daily("daily")).await.status, 201);
    let (key, _) = in_queue(&platform).await.expect("the queue has it");
    let turn = async |verb: &str| {
        let turned = answer(platform.request("POST", &format!("{SCHEDULES}/daily/{verb}"))).await;
        assert_eq!((turned.status, &turned.json()["armed"]), (200, &json!(true)), "{turned:?}");
        turned.json()["paused"].clone()
    };
    for _ in 0..2 {
        assert_eq!(turn("pause").await, true);
        assert_eq!(in_queue(&platform).await.unwrap().1["isPaused"], true);
    }
    // One was on its way.
    let late = fire(&platform, &key, "msg_1").await;
    assert_eq!((late.status, &late.json()["saga"]), (200, &Value::Null), "{late:?}");
    assert_eq!(turn("resume").await, false);
    assert_eq!(in_queue(&platform).await.unwrap().1["isPaused"], false);
    let started = fire(&platform, &key, "msg_2").await.json()["saga"].clone();
    assert!(started.is_string());

    let path = format!("{SCHEDULES}/daily");
    assert_eq!(answer(platform.request("DELETE", &path)).await.status, 200);
    assert!(in_queue(&platform).await.is_none());
    for (method, path) in [("GET", path.clone()), ("DELETE", path.clone()), ("POST", format!("{path}/pause"))] {
        assert_eq!(answer(platform.request(method, &path)).await.status, 404, "{method} {path}");
    }
    // The queue has not heard of it: what it brings starts nothing, and it is told once more.
    let address = format!("schedules/{}/api/execute/scheduled", platform.url);
    let headers = [("upstash-cron", "0 9 * * *"), ("upstash-schedule-id", key.as_str())];
    assert_eq!(queue::ask(&platform, "POST", &address, &headers, "{}").await.status, 200);
    let late = fire(&platform, &key, "msg_3").await;
    assert_eq!((late.status, &late.json()["saga"]), (200, &Value::Null), "{late:?}");
    assert!(in_queue(&platform).await.is_none());
    // By the same id another can be made, and what the old one still brings is not taken for its own.
    assert_eq!(make(&platform, &daily("daily")).await.status, 201);
    assert_ne!(in_queue(&platform).await.unwrap().0, key);
    assert_eq!(fire(&platform, &key, "msg_4").await.json()["saga"], Value::Null);
    assert!(in_queue(&platform).await.is_some(), "the new one stays");
    assert_eq!(journal::list(&platform).await.len(), 1);
}

#[tokio::test]
async fn what_the_queue_does_not_know_it_is_told_by_the_sweep_or_by_a_repeat() {
    let platform = Platform::start(Options::default()).await;
    assert_eq!(make(&platform, &daily("daily")).await.status, 201);
    let (key, _) = in_queue(&platform).await.expect("the queue has it");
    let lose = async || {
        assert_eq!(queue::ask(&platform, "DELETE", &format!("schedules/{key}"), &[], "").await.status, 200);
    };
    // It was lost there, and the time to look has come.
    lose().await;
    database::scalar(&platform, "update makegood.schedule set look_at = 0").await;
    sweep(&platform).await;
    assert_eq!(in_queue(&platform).await.expect("it is there again").0, key);
    // It was written, and the queue was never told; or it was paused, and the queue was not told of that.
    lose().await;
    database::scalar(&platform, "update makegood.schedule set armed = false, paused = true, look_at = 0").await;
    sweep(&platform).await;
    assert_eq!(in_queue(&platform).await.expect("it is there again").1["isPaused"], true);
    assert_eq!(show(&platform, "daily").await["armed"], true);
    // Not the sweep but the same request once more.
    lose().await;
    database::scalar(&platform, "update makegood.schedule set armed = false, paused = false").await;
    let again = make(&platform, &daily("daily")).await;
    assert_eq!((again.status, &again.json()["armed"]), (200, &json!(true)), "{again:?}");
    assert_eq!(in_queue(&platform).await.expect("it is there again").0, key);
    // It was deleted, and the queue was not told.
    database::scalar(&platform, "update makegood.schedule set gone = true, armed = false, look_at = 0").await;
    sweep(&platform).await;
    assert!(in_queue(&platform).await.is_none());
    assert_eq!(database::scalar(&platform, "select count(*) from makegood.schedule").await.as_deref(), Some("0"));
}

#[tokio::test]
async fn a_firing_that_its_tools_no_longer_allow_is_told_of_and_not_tried_again() {
    let platform = Platform::start(Options::default()).await;
    let plan = json!({"summary": "Old", "steps": [{"id": "a", "tool": "bench_effect", "params": {"n": 1}}]});
    assert_eq!(make(&platform, &json!({"id": "old", "cron": "0 9 * * *", "plan": plan})).await.status, 201);
    let (key, _) = in_queue(&platform).await.unwrap();
    let newer = "select makegood.register_tool((jsonb_set(jsonb_set(definition::jsonb, '{version}', '\"next\"'), \
                 '{input,required}', '[\"n\",\"after\"]'))::json, 1) from makegood.tool \
                 where name = 'bench_effect' and current";
    assert_eq!(database::scalar(&platform, newer).await.as_deref(), Some("t"));
    for _ in 0..2 {
        let fired = fire(&platform, &key, "msg_1").await;
        assert_eq!((fired.status, &fired.json()["saga"]), (200, &Value::Null), "{fired:?}");
    }
    let schedule = show(&platform, "old").await;
    assert!(schedule["last_error"].as_str().is_some_and(|error| error.contains("after")), "{schedule:#}");
    assert_eq!(schedule["firings"].as_array().unwrap().len(), 1, "{schedule:#}");
    assert_eq!(schedule["firings"][0]["error"], schedule["last_error"]);
    // The tool is as it was: the next firing starts, and nothing is wrong any more.
    let back = "with newer as (update makegood.tool set current = false where name = 'bench_effect' and current) \
                select 1";
    database::scalar(&platform, back).await;
    database::scalar(
        &platform,
        "update makegood.tool set current = true where name = 'bench_effect' and version <> 'next'",
    )
    .await;
    assert!(fire(&platform, &key, "msg_2").await.json()["saga"].is_string());
    let schedule = show(&platform, "old").await;
    assert_eq!((&schedule["last_error"], schedule["firings"].as_array().unwrap().len()), (&Value::Null, 2));
}

#[tokio::test]
async fn what_is_no_schedule_is_refused_and_leaves_nothing() {
    let platform = Platform::start(Options::default()).await;
    let with = |name: &str, value: Value| {
        let mut body = daily("daily");
        body[name] = value;
        body
    };
    let unknown = json!({"summary": "", "steps": [{"id": "a", "tool": "launch_rocket"}]});
    for (body, status, code) in [
        (with("cron", json!("every morning")), 400, "invalid_request"),
        (with("cron", json!("0 25 * * *")), 400, "invalid_request"),
        (with("cron", json!("0 9 * *")), 400, "invalid_request"),
        (with("cron", json!("* * * * * *")), 400, "invalid_request"),
        (with("cron", json!("0 0 31 2 *")), 400, "invalid_request"),
        (with("cron", json!("CRON_TZ=Mars/Base 0 9 * * *")), 400, "invalid_request"),
        (with("cron", json!(7)), 400, "invalid_request"),
        (with("id", json!("")), 400, "invalid_request"),
        (with("id", json!("../a")), 400, "invalid_request"),
        (with("id", json!("a".repeat(101))), 400, "invalid_request"),
        (with("plan", json!({"steps": []})), 422, "invalid_plan"),
        (with("plan", unknown), 422, "unknown_tool"),
        (with("deadline_ms", json!(0)), 400, "invalid_request"),
        (with("budget", json!({"calls": 0})), 422, "over_budget"),
        (with("key", json!("k")), 400, "invalid_request"),
    ] {
        let refused = make(&platform, &body).await;
        assert_eq!((refused.status, &refused.json()["code"]), (status, &json!(code)), "{body} {refused:?}");
    }
    assert_eq!(platform.get(SCHEDULES).await, json!({"schedules": []}));
    assert!(in_queue(&platform).await.is_none());
    let told = make(&platform, &with("cron", json!("0 25 * * *"))).await.json();
    assert!(told["detail"].as_str().unwrap().contains("the hour is between 0 and 23"), "{told}");
    let berlin = make(&platform, &with("cron", json!("CRON_TZ=Europe/Berlin  0 9 * * mon"))).await;
    assert_eq!((berlin.status, &berlin.json()["cron"]), (201, &json!("CRON_TZ=Europe/Berlin 0 9 * * mon")));
}

#[tokio::test]
async fn schedules_are_their_owners_and_there_is_an_end_to_their_number() {
    let platform = Platform::start(Options::default()).await;
    let (ann, eve) = (platform.token("ann").await, platform.token("eve").await);
    let as_user = async |token: &str, method: &str, path: &str, body: &Value| {
        answer(platform.request(method, path).bearer_auth(token).json(body)).await
    };
    let made = as_user(&ann, "POST", SCHEDULES, &daily("daily")).await;
    assert_eq!(made.status, 201, "{made:?}");
    assert_eq!(as_user(&ann, "POST", SCHEDULES, &daily("daily")).await.status, 200, "the same once more");
    let mut other = daily("daily");
    other["cron"] = json!("0 10 * * *");
    let refused = as_user(&ann, "POST", SCHEDULES, &other).await;
    assert_eq!((refused.status, &refused.json()["code"]), (409, &json!("conflict")), "{refused:?}");
    let path = format!("{SCHEDULES}/daily");
    for (method, path) in [
        ("GET", path.clone()),
        ("DELETE", path.clone()),
        ("POST", format!("{path}/pause")),
        ("POST", format!("{path}/resume")),
    ] {
        let theirs = as_user(&eve, method, &path, &json!({})).await;
        let never = as_user(&eve, method, &path.replace("daily", "never"), &json!({})).await;
        assert_eq!((theirs.status, &theirs.text), (404, &never.text), "{method} {path}");
    }
    // An id is its owner's: Eve's is another.
    assert_eq!(as_user(&eve, "POST", SCHEDULES, &daily("daily")).await.status, 201);
    assert_eq!(as_user(&eve, "DELETE", &path, &json!({})).await.status, 200);
    let shown = as_user(&ann, "GET", &path, &json!({})).await.json();
    assert_eq!((&shown["plan"]["summary"], &shown["firings"]), (&json!("Every morning"), &json!([])), "{shown:#}");
    // What it starts belongs to Ann.
    let (key, _) = in_queue(&platform).await.unwrap();
    let saga = fire(&platform, &key, "msg_1").await.json()["saga"].as_str().unwrap().to_owned();
    let path = format!("/api/execute/{saga}");
    assert_eq!(as_user(&ann, "GET", &path, &json!({})).await.status, 200);
    assert_eq!(as_user(&eve, "GET", &path, &json!({})).await.status, 404);

    let many = (1..100).map(|n| {
        let body = daily(&format!("s{n}"));
        async { as_user(&ann, "POST", SCHEDULES, &{ body }).await.status }
    });
    assert!(join_all(many).await.into_iter().all(|status| status == 201));
    let beyond = as_user(&ann, "POST", SCHEDULES, &daily("beyond")).await;
    assert_eq!((beyond.status, &beyond.json()["code"]), (409, &json!("conflict")), "{beyond:?}");
    assert_eq!(as_user(&eve, "POST", SCHEDULES, &daily("other")).await.status, 201, "others have room");
    let all = as_user(&ann, "GET", SCHEDULES, &json!({})).await.json();
    assert_eq!(all["schedules"].as_array().unwrap().len(), 100);
}
