//! The pages of the console beside the sagas': what waits, who is waited for, what is not called, what answers, and who
//! did what, each as it is on a running platform.

use std::time::Duration;

use makegood_endpoints::hooks::{self, signed};
use makegood_endpoints::platform::{Options, Platform, answer};
use makegood_endpoints::{database, journal, poll, queue};
use serde_json::{Value, json};

const PATIENCE: Duration = Duration::from_secs(30);
const PAGES: [&str; 6] =
    ["/debug/queue", "/debug/approvals", "/debug/limits", "/debug/tools", "/debug/health", "/debug/security"];
/// What they are made of, where no other address says it.
const JSON: [&str; 3] = ["/api/debug/queue", "/api/debug/approvals", "/api/debug/breakers"];
const A_DAY: u64 = 86_400_000;
const TOOL: &str = "send_message";

/// A message that somebody has to agree to.
fn message(approval: &Value) -> Value {
    json!({"summary": "A message", "steps": [
        {"id": "text", "tool": TOOL, "approval": approval, "params": {"to": "Sam", "text": "<b>See you</b>"}}]})
}

/// A saga whose step stands so.
async fn until(platform: &Platform, id: &str, standing: &str) {
    let found = poll(PATIENCE, Duration::from_millis(50), || async {
        let saga = journal::status(platform, id).await;
        (saga["steps"][0]["standing"] == standing).then_some(())
    });
    found.await.unwrap_or_else(|| panic!("{id} never is {standing}: {}", platform.complaints()));
}

async fn asking(platform: &Platform) -> String {
    let id = journal::execute(platform, &message(&json!({"question": "Send it?"}))).await;
    until(platform, &id, "asking").await;
    id
}

async fn page(platform: &Platform, path: &str) -> String {
    let shown = answer(platform.request("GET", path)).await;
    assert_eq!((shown.status, shown.content_type.as_str()), (200, "text/html; charset=utf-8"), "{path}: {shown:?}");
    assert!(shown.text.len() < 100_000 && !shown.text.contains("<script"), "{path}: {}", shown.text.len());
    shown.text
}

#[tokio::test]
async fn who_is_asked_stands_on_the_page_until_they_have_decided() {
    let platform = Platform::start(Options::default()).await;
    assert!(page(&platform, "/debug/approvals").await.contains("There are none."));
    let id = asking(&platform).await;
    let shown = page(&platform, "/debug/approvals").await;
    for part in ["Send it?", &id, "&lt;b&gt;See you&lt;/b&gt;", "0 of 1 agreed", "anonymous"] {
        assert!(shown.contains(part), "{part} in {shown}");
    }
    let told = platform.get("/api/debug/approvals").await;
    let step = &told["steps"][0];
    assert_eq!((&step["saga"], &step["step"], &step["standing"]), (&json!(id), &json!("text"), &json!("asking")));
    assert_eq!(step["params"], json!({"to": "Sam", "text": "<b>See you</b>"}), "{told:#}");
    assert!(step["until"].as_u64() > told["now"].as_u64(), "{told:#}");

    let decided =
        answer(platform.request("POST", &format!("/api/execute/{id}/approve")).json(&json!({"step": "text"}))).await;
    assert!(decided.status < 300, "{decided:?}");
    journal::rest(&platform, &id, PATIENCE).await;
    assert!(!page(&platform, "/debug/approvals").await.contains(&id), "it is decided");
    assert_eq!(platform.get("/api/debug/approvals").await["steps"], json!([]));
}

#[tokio::test]
async fn nobody_is_asked_any_more_by_a_saga_that_was_cancelled() {
    let platform = Platform::start(Options::default()).await;
    let id = asking(&platform).await;
    let cancelled = answer(platform.request("POST", &format!("/api/execute/{id}/cancel")).json(&json!({}))).await;
    assert!(cancelled.status < 300, "{cancelled:?}");
    journal::rest(&platform, &id, PATIENCE).await;
    assert_eq!(platform.get("/api/debug/approvals").await["steps"], json!([]));
    let log = page(&platform, "/debug/security").await;
    assert!(log.contains("saga.cancel") && log.contains(&format!("/debug/sagas/{id}")), "{log}");
}

#[tokio::test]
async fn no_index_keeps_the_line_of_a_step_that_is_tried_again_from_staying_where_it_is() {
    let platform = Platform::start(Options::default()).await;
    // What every update of a line may change, but for how the step stands.
    let changing = "select string_agg(indexname, ', ') from pg_indexes where schemaname = 'makegood' and tablename = 'step_view' \
                    and indexdef ~ '\\m(beyond|code|dos|statuses|undos|under_way|began_at|changed_at|took)\\M'";
    assert_eq!(database::scalar(&platform, changing).await, None);
    let all = "select string_agg(indexname, ', ' order by indexname) from pg_indexes where schemaname = 'makegood' \
               and tablename = 'step_view'";
    assert_eq!(database::scalar(&platform, all).await.as_deref(), Some("step_view_people, step_view_pkey"));
}

#[tokio::test]
async fn lists_of_steps_that_wait_are_turned_page_by_page() {
    let platform = Platform::start(Options::default()).await;
    let mut sagas = Vec::new();
    for _ in 0..3 {
        sagas.push(asking(&platform).await);
    }
    let (mut seen, mut path) = (Vec::new(), "/api/debug/approvals?limit=1".to_owned());
    loop {
        let told = platform.get(&path).await;
        let steps = told["steps"].as_array().unwrap();
        assert_eq!(steps.len(), 1, "{told:#}");
        seen.push(steps[0]["saga"].as_str().unwrap().to_owned());
        let next = &told["next"];
        if next.is_null() {
            break;
        }
        let (after, saga) = (&next["after"], next["saga"].as_str().unwrap());
        path = format!("/api/debug/approvals?limit=1&after={after}&saga={saga}&node={}", next["node"]);
    }
    sagas.sort();
    seen.sort();
    assert_eq!(seen, sagas, "each of them once");
}

#[tokio::test]
async fn a_saga_that_nobody_wakes_is_the_age_of_the_queue() {
    let platform = Platform::start(Options::default()).await;
    let shown = page(&platform, "/debug/queue").await;
    assert!(shown.contains("every saga has come to rest") && shown.contains("/v2/dlq"), "{shown}");
    let id = asking(&platform).await;
    let told = platform.get("/api/debug/queue").await;
    assert_eq!((&told["queue"]["sagas"][0]["id"], &told["age"]), (&json!(id), &json!(0)), "{told:#}");
    // As if neither the queue nor the sweep had come for a week: once more where the platform's own comes in between.
    let late = format!("update makegood.saga set wake_at = {} where id = '{id}'", now(&told) - 7 * A_DAY);
    let seen = poll(PATIENCE, Duration::from_millis(100), || async {
        database::scalar(&platform, &late).await;
        let shown = page(&platform, "/debug/queue").await;
        let told = platform.get("/api/debug/queue").await;
        let is_late = shown.contains("Sagas are not woken") && shown.contains("7 d 0 h overdue");
        (is_late && told["queue"]["overdue"] == 1 && told["age"].as_u64() >= Some(7 * A_DAY)).then_some(told)
    });
    let late = seen.await.expect("the page and the JSON say how late it is");
    let sweeps = |told: &Value| told["queue"]["sagas"][0]["sweeps"].as_u64();
    let swept = answer(queue::delivery(&platform, "/api/execute/sweep", "", "msg_sweep")).await;
    assert_eq!(swept.status, 200, "{swept:?}");
    let told = platform.get("/api/debug/queue").await;
    assert!(told["age"] == 0 && sweeps(&told) > sweeps(&late), "{told:#}");
}

fn now(told: &Value) -> u64 {
    told["now"].as_u64().unwrap()
}

#[tokio::test]
async fn a_dead_letter_stands_on_the_page_with_why() {
    let platform = Platform::start(hooks::options()).await;
    let broken = signed(&platform.url, "github", ("d", "k"), br#"{"by":"id","saga":7}"#).send(&platform).await;
    assert_eq!(broken.json()["state"], "dead", "{broken:?}");
    let shown = page(&platform, "/debug/queue").await;
    assert!(shown.contains("github") && shown.contains("not a saga") && shown.contains("dead"), "{shown}");
    let told = platform.get("/api/debug/queue").await;
    assert_eq!(told["queue"]["dead"][0]["source"], "github", "{told:#}");
    let came = &told["queue"]["dead"][0]["received_at"];
    let before = platform.get(&format!("/api/debug/queue?before={came}")).await;
    assert_eq!(before["queue"]["dead"], json!([]), "there are no older ones");
}

/// All lines of a list of the queue, page by page of seven. `next` says where it goes on, and `names` are that in a query.
async fn turned(platform: &Platform, list: &str, next: &str, names: [&str; 2]) -> Vec<Value> {
    let (mut seen, mut path) = (Vec::new(), "/api/debug/queue?limit=7".to_owned());
    loop {
        let told = platform.get(&path).await;
        let lines = told["queue"][list].as_array().unwrap();
        assert!(lines.len() <= 7 && seen.len() <= 100, "{path}: {told:#}");
        seen.extend(lines.iter().cloned());
        if told[next].is_null() {
            return seen;
        }
        let (at, mark) = (&told[next]["at"], told[next]["mark"].as_str().unwrap());
        path = format!("/api/debug/queue?limit=7&{}={at}&{}={mark}", names[0], names[1]);
    }
}

/// Each of them once, in the order of the list.
fn are_all(lines: &[Value], name: &str, expected: impl Iterator<Item = String>) {
    let named: Vec<&str> = lines.iter().map(|line| line[name].as_str().unwrap()).collect();
    assert_eq!(named, expected.collect::<Vec<_>>());
}

#[tokio::test]
async fn what_else_is_to_be_done_is_counted_and_turned_page_by_page_though_all_of_it_is_due_at_once() {
    let platform = Platform::start(Options::default()).await;
    // Not before tomorrow, so that nobody does it meanwhile.
    let due = now(&platform.get("/api/debug/queue").await) + A_DAY;
    let wishes = format!(
        "insert into makegood.conversation (id, owner, version, state, wish_since, created_at, updated_at, expires_at) \
         select 'cv_' || n, 'ann', 1, '{{}}', {due}, 1, 1, {due} from generate_series(101, 130) n"
    );
    database::scalar(&platform, &wishes).await;
    let lines = turned(&platform, "waiting", "next_work", ["due", "work"]).await;
    are_all(&lines, "mark", (101..=130).map(|n| format!("wish/cv_{n}")));
    assert_eq!(platform.get("/api/debug/queue?limit=7").await["queue"]["waiting_in_all"], 30);
    let shown = page(&platform, "/debug/queue").await;
    let next = format!("?due={due}&amp;work=wish%2Fcv_125#waiting");
    assert!(shown.contains("And 5 besides") && shown.contains(&next), "{shown}");
    let rest = page(&platform, &format!("/debug/queue?due={due}&work=wish/cv_125")).await;
    assert!(rest.contains("cv_126") && !rest.contains("cv_125") && rest.contains("30 in all"), "{rest}");
}

#[tokio::test]
async fn dead_letters_that_came_at_one_moment_are_each_on_one_page() {
    let platform = Platform::start(Options::default()).await;
    // Of today, so that they are not too old to be kept.
    let came = now(&platform.get("/api/debug/queue").await);
    let letters = format!(
        "insert into makegood.delivery (source, key, owner, received_at, body, state) \
         select 'github', 'k' || n, 'ann', {came}, '', 'dead' from generate_series(101, 130) n"
    );
    database::scalar(&platform, &letters).await;
    let lines = turned(&platform, "dead", "next_dead", ["before", "letter"]).await;
    are_all(&lines, "key", (101..=130).rev().map(|n| format!("k{n}")));
    let shown = page(&platform, "/debug/queue").await;
    assert!(shown.contains(&format!("?before={came}&amp;letter=github%2Fk106#dead")), "{shown}");
    let rest = page(&platform, &format!("/debug/queue?before={came}&letter=github/k106")).await;
    assert!(rest.contains("k105") && rest.contains("k101") && !rest.contains("k106"), "{rest}");
}

#[tokio::test]
async fn sagas_that_were_created_at_one_moment_are_each_on_one_page() {
    let platform = Platform::start(Options::default()).await;
    let mut sagas = Vec::new();
    for _ in 0..5 {
        sagas.push(asking(&platform).await);
    }
    database::scalar(&platform, "update makegood.saga set created_at = 5000").await;
    let (mut seen, mut next) = (Vec::new(), String::new());
    // Without them it would go on for ever, or end early.
    for _ in 0..4 {
        let told = platform.get(&format!("/api/debug/sagas?owner=*&limit=2{next}")).await;
        seen.extend(told["sagas"].as_array().unwrap().iter().map(|line| line["id"].as_str().unwrap().to_owned()));
        let Some(saga) = told["next_saga"].as_str() else {
            break;
        };
        next = format!("&before={}&saga={saga}", told["next_before"]);
    }
    sagas.sort();
    sagas.reverse();
    assert_eq!(seen, sagas);
    // By the time alone it is as it was: those that were created before it.
    let before = platform.get("/api/debug/sagas?owner=*&before=5000").await;
    assert_eq!(before["sagas"], json!([]), "{before:#}");
}

#[tokio::test]
async fn subscribers_who_take_nothing_are_counted_and_turned_page_by_page_though_all_changed_at_once() {
    let platform = Platform::start(Options::default()).await;
    let subscribers = "insert into makegood.subscription (id, owner, kind, everyone, url, types, state, changed_by, created_at, \
                       updated_at) select 'sub_' || n, 'ann', 'webhook', false, 'https://hooks.test/' || n, '[]', 'disabled', \
                       'ann', 1, 5 from generate_series(101, 130) n";
    database::scalar(&platform, subscribers).await;
    let lines = turned(&platform, "subscribers", "next_subscribers", ["changed", "subscriber"]).await;
    are_all(&lines, "id", (101..=130).rev().map(|n| format!("sub_{n}")));
    assert_eq!(platform.get("/api/debug/queue?limit=7").await["queue"]["subscribers_in_all"], 30);
    let shown = page(&platform, "/debug/queue").await;
    assert!(shown.contains("And 5 besides: “Older” leads to them."), "{shown}");
}

#[tokio::test]
async fn an_open_breaker_is_shown_beside_its_tool() {
    let platform = Platform::start(Options::default()).await;
    platform.post(&format!("/api/execute/breakers/{TOOL}/open"), &json!({}), 200).await;
    let told = platform.get("/api/debug/breakers").await;
    assert_eq!(told["guarded"], true);
    assert_eq!(told["breakers"], platform.get("/api/execute/breakers").await["breakers"]);
    let limits = page(&platform, "/debug/limits").await;
    for part in ["forced open", TOOL, "1 of 1 not closed", "a minute"] {
        assert!(limits.contains(part), "{part} in {limits}");
    }
    let tools = page(&platform, "/debug/tools?after=send_messag").await;
    assert!(tools.contains("forced open") && tools.contains("in use"), "{tools}");
    platform.post(&format!("/api/execute/breakers/{TOOL}/reset"), &json!({}), 200).await;
    assert!(page(&platform, "/debug/limits").await.contains("All are closed"));
}

#[tokio::test]
async fn what_the_configuration_says_of_breakers_is_shown_too() {
    let forced = format!(r#"{{"{TOOL}": {{"forced": "open"}}}}"#);
    let platform = Platform::start(Options::arguments(&["--breakers", &forced])).await;
    let limits = page(&platform, "/debug/limits").await;
    assert!(limits.contains("forced open") && limits.contains("by the setting"), "{limits}");
    let off = Platform::start(Options::arguments(&["--breakers", "off"])).await;
    assert!(page(&off, "/debug/limits").await.contains("everything is called"));
    assert_eq!(off.get("/api/debug/breakers").await["guarded"], false);
}

#[tokio::test]
async fn health_says_what_answers_and_tools_are_told_of_with_their_calls() {
    let platform = Platform::start(Options::default()).await;
    let plan = json!({"summary": "A message", "steps": [
        {"id": "text", "tool": TOOL, "params": {"to": "Sam", "text": "Hello"}}]});
    let id = journal::execute(&platform, &plan).await;
    journal::rest(&platform, &id, PATIENCE).await;
    let health = page(&platform, "/debug/health").await;
    for part in ["Database", "Redis", "Issuer of tokens", "nothing is overdue", "makegood/00"] {
        assert!(health.contains(part), "{part} in {health}");
    }
    assert!(!health.contains("does not answer"), "{health}");
    let tools = page(&platform, "/debug/tools?after=send_messag").await;
    let (_, row) = tools.split_once(&format!("<code>{TOOL}</code>")).unwrap();
    let calls = row.split("data-label=\"Calls\">").nth(1).and_then(|rest| rest.split('<').next());
    assert_eq!(calls, Some("1"), "{row}");
}

#[tokio::test]
async fn the_console_is_for_operators_and_every_page_leads_to_the_others() {
    let platform = Platform::start(Options::arguments(&["--anonymous-role", "user"])).await;
    let eve = platform.token("eve").await;
    let olga = platform.token_with("olga", &["--role", "operator"]).await;
    for path in PAGES.iter().chain(&JSON) {
        assert_eq!(answer(platform.request("GET", path)).await.status, 403, "{path}, nobody");
        let refused = answer(platform.request("GET", path).bearer_auth(&eve)).await;
        assert_eq!(refused.status, 403, "{path}: {refused:?}");
        assert!(path.starts_with("/api/") || refused.text.contains("/debug/login"), "{path}: {refused:?}");
        let shown = answer(platform.request("GET", path).bearer_auth(&olga)).await;
        assert_eq!(shown.status, 200, "{path}: {shown:?}");
    }
    for path in PAGES.iter().chain(&["/debug"]) {
        let shown = answer(platform.request("GET", path).bearer_auth(&olga)).await;
        for other in PAGES {
            assert!(shown.text.contains(&format!("href=\"{other}\"")), "{other} from {path}: {shown:?}");
        }
        assert_eq!(shown.text.matches("aria-current=\"page\"").count(), 1, "{path} says where one is");
    }
}
