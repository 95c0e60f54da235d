//! The read models: whatever becomes of sagas, their lines and their counts are what folding the journals says; what is
//! not is named, and made anew, while sagas go on. On the embedded database and on a real one.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use futures_util::future::join_all;
use makegood_endpoints::platform::{Options, Platform, answer};
use makegood_endpoints::services::Services;
use makegood_endpoints::{binary, database, journal, poll, queue, town};
use serde_json::{Value, json};
use tokio::process::Command;

const PATIENCE: Duration = Duration::from_secs(60);
const UNFINISHED: [&str; 3] = ["forward", "unwinding", "stuck"];

/// `makegood views …`: whether it is content, and what it prints.
async fn views(platform: &Platform, arguments: &[&str]) -> (bool, String) {
    let clients = platform.data().join("clients.env").display().to_string();
    let mut command = Command::new(binary::makegood());
    command.arg("views").args(arguments).args(["--env", &clients]).current_dir(binary::root());
    let output = command.output().await.unwrap();
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    (output.status.success(), said)
}

async fn all_is_well(platform: &Platform) {
    let (content, said) = views(platform, &["check"]).await;
    assert!(content && said.contains("The views are what the journal says"), "{said}");
}

/// A statement that changes one line: it says so by what it returns.
async fn tamper(platform: &Platform, statement: &str) {
    let changed =
        database::scalar(platform, &format!("with t as ({statement} returning 1) select count(*) from t")).await;
    assert_eq!(changed.as_deref(), Some("1"), "{statement}");
}

fn at(restaurant: &str) -> Value {
    json!({"restaurant": restaurant, "party_size": 2, "date": "2031-05-01", "time": "19:00", "name": "Ann"})
}

fn table(more: &Value) -> Value {
    let mut step = json!({"id": "table", "tool": "book_restaurant_table", "params": at("Luigi's")});
    step.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    step
}

fn ride() -> Value {
    json!({"id": "ride", "tool": "request_ride", "params": {"pickup": "Home", "destination": "$table.address",
        "date": "2031-05-01", "time": "18:30", "passengers": 2}})
}

fn plan(steps: &[Value]) -> Value {
    json!({"summary": "An evening", "steps": steps})
}

fn standing(saga: &Value, step: &str) -> String {
    let found = saga["steps"].as_array().unwrap().iter().find(|one| one["id"] == step);
    found.map(|one| one["standing"].as_str().unwrap().to_owned()).unwrap_or_default()
}

async fn until(platform: &Platform, id: &str, is_so: impl Fn(&Value) -> bool) {
    let found = poll(PATIENCE, Duration::from_millis(50), || async {
        Some(journal::status(platform, id).await).filter(&is_so)
    });
    if found.await.is_none() {
        panic!("{id} never came to be so: {:#}\n{}", journal::status(platform, id).await, platform.complaints());
    }
}

/// Starts a plan, waits until it rests, and says which saga it is.
async fn carried_out(platform: &Platform, plan: &Value, phase: &str) -> String {
    let id = journal::execute(platform, plan).await;
    let saga = journal::rest(platform, &id, PATIENCE).await;
    assert_eq!(saga["phase"], phase, "{saga:#}");
    id
}

/// Sagas to which everything has happened that can, and which stand still.
async fn of_all_kinds(platform: &Platform) {
    let evening = plan(&[table(&json!({})), ride()]);
    carried_out(platform, &evening, "completed").await;
    town::fault(platform, &json!({"tool": "request_ride", "kind": "error", "count": 1})).await;
    carried_out(platform, &evening, "completed").await;
    town::no_faults(platform).await;
    town::fault(platform, &json!({"tool": "request_ride", "kind": "refuse"})).await;
    carried_out(platform, &evening, "made_good").await;
    town::fault(platform, &json!({"tool": "book_restaurant_table", "kind": "refuse", "op": "undo"})).await;
    carried_out(platform, &evening, "stuck").await;
    let resolved = carried_out(platform, &evening, "stuck").await;
    town::no_faults(platform).await;
    let word = json!({"step": "table", "done": false, "note": "By telephone."});
    platform.post(&format!("/api/execute/{resolved}/resolve"), &word, 200).await;
    assert_eq!(journal::rest(platform, &resolved, PATIENCE).await["phase"], "made_good");

    // Places that a list does not have, and a step in another's place.
    let look = json!({"id": "found", "tool": "search_restaurants", "params": {"party_size": 2}});
    let each = json!({"id": "each", "tool": "bench_effect", "params": {"n": 1, "after": "$item.name"},
        "each": {"in": "$found.restaurants", "most": 30, "concurrency": 4}});
    carried_out(platform, &plan(&[look, each]), "completed").await;
    let or = json!({"params": at("No such place"), "or": [{"params": at("Luigi's")}]});
    carried_out(platform, &plan(&[table(&or), ride()]), "completed").await;

    // One that waits for people, one that is paused while it does, and one that is called off.
    let asking = plan(&[table(&json!({"approval": {}})), ride()]);
    for verb in ["", "pause", "cancel"] {
        let id = journal::execute(platform, &asking).await;
        until(platform, &id, |saga| standing(saga, "table") == "asking").await;
        if !verb.is_empty() {
            let said = answer(platform.request("POST", &format!("/api/execute/{id}/{verb}")).json(&json!({}))).await;
            assert_eq!(said.status / 100, 2, "{verb}: {said:?}");
        }
        if verb == "cancel" {
            assert_eq!(journal::rest(platform, &id, PATIENCE).await["phase"], "made_good");
        }
    }

    // Another plan, which drops a step that waits and one that is done.
    let word = json!({"id": "word", "wait": {"event": {"name": "go", "within_ms": 3_600_000}}, "after": ["table"]});
    let id = journal::execute(platform, &plan(&[table(&json!({})), word])).await;
    until(platform, &id, |saga| standing(saga, "word") == "waiting").await;
    let other = json!({"id": "other", "wait": {"event": {"name": "stop", "within_ms": 3_600_000}}, "after": ["a"]});
    let effect = json!({"id": "a", "tool": "bench_effect", "params": {"n": 1}});
    let body = json!({"plan": plan(&[effect, other]), "note": "It rains."});
    platform.post(&format!("/api/execute/{id}/replan"), &body, 202).await;
    until(platform, &id, |saga| {
        standing(saga, "other") == "waiting" && standing(saga, "table") == "undone" && standing(saga, "a") == "done"
    })
    .await;

    // Somebody else's.
    let token = platform.token("eve").await;
    let effect = json!({"id": "a", "tool": "bench_effect", "params": {"n": 1}});
    let body = json!({"plan": plan(&[effect])});
    let started = answer(platform.request("POST", "/api/execute").bearer_auth(token).json(&body)).await;
    assert_eq!(started.status, 202, "{started:?}");
    journal::rest(platform, started.json()["saga"].as_str().unwrap(), PATIENCE).await;
}

/// Every saga as its journal tells it: its story and its report.
async fn stories(platform: &Platform) -> Vec<Value> {
    let listed = platform.get("/api/debug/sagas?owner=*&limit=200").await;
    let lines = listed["sagas"].as_array().unwrap().iter();
    join_all(
        lines.map(
            |line| async move { platform.get(&format!("/api/debug/sagas/{}", line["id"].as_str().unwrap())).await },
        ),
    )
    .await
}

/// A saga's steps: as the view has them while it is unfinished, and else as a rebuild would fold them.
async fn lines(platform: &Platform, told: &Value) -> Value {
    let id = told["story"]["id"].as_str().unwrap();
    let from = if is_unfinished(told) {
        "makegood.step_view".to_owned()
    } else {
        format!("makegood.fold_steps_2('{id}', {})", i64::MAX)
    };
    let statement = format!(
        "select json_agg(json_build_object('step', t.step, 'tool', t.tool, 'class', t.class, 'code', t.code,
            'standing', makegood.step_standing(t, v.phase),
            'calls', json_build_array(t.dos, t.statuses, t.undos), 'took', t.took) order by t.node)
          from {from} t join makegood.saga v on v.id = t.saga where t.saga = '{id}' and not t.beyond"
    );
    serde_json::from_str(&database::scalar(platform, &statement).await.unwrap()).unwrap()
}

/// The same, as the report has them.
fn steps(told: &Value) -> Value {
    let steps = told["report"]["steps"].as_array().unwrap().iter().map(|step| {
        let attempts = step["attempts"].as_array().unwrap();
        let of = |op: &str| attempts.iter().filter(|attempt| attempt["op"] == op).count();
        let took: u64 = attempts.iter().filter_map(|attempt| attempt["took"].as_u64()).sum();
        json!({"step": step["id"], "tool": step["tool"], "class": step["class"], "code": step["code"],
            "standing": step["standing"], "calls": [of("do"), of("status"), of("undo")], "took": took})
    });
    steps.collect()
}

fn is_unfinished(told: &Value) -> bool {
    UNFINISHED.contains(&told["story"]["phase"].as_str().unwrap())
}

/// What the counts must be, folded from all journals.
fn folded(stories: &[&Value]) -> Value {
    let mut phases = BTreeMap::from(["forward", "unwinding", "completed", "made_good", "stuck"].map(|name| (name, 0)));
    let mut causes = BTreeMap::from(["step", "cancelled", "deadline", "budget"].map(|name| (name, 0)));
    let mut standings: BTreeMap<&str, u64> = BTreeMap::new();
    let mut tools: BTreeMap<&str, BTreeMap<&str, u64>> = BTreeMap::new();
    for told in stories {
        let story = &told["story"];
        *phases.get_mut(story["phase"].as_str().unwrap()).unwrap() += 1;
        let records: Vec<&Value> = story["journal"].as_array().unwrap().iter().map(|entry| &entry["record"]).collect();
        if let Some(why) = records.iter().rev().find_map(|record| record["cause"]["why"].as_str()) {
            *causes.get_mut(why).unwrap() += 1;
        }
        if is_unfinished(told) {
            for step in told["report"]["steps"].as_array().unwrap() {
                *standings.entry(step["standing"].as_str().unwrap()).or_default() += 1;
            }
        }
        for record in records.into_iter().filter(|record| record["attempt"].as_u64().is_some_and(|number| number > 0)) {
            let column = match record["type"].as_str().unwrap() {
                "done" => "done",
                "refused" => "refused",
                "unsettled" => "no_answer",
                "undone" if record["found"] == true => "undone",
                "undone" => "fenced",
                _ => continue,
            };
            let node = story["nodes"].as_array().unwrap().iter().find(|node| node["ix"] == record["node"]).unwrap();
            let zeros = ["calls", "done", "refused", "no_answer", "undone", "fenced", "took"].map(|name| (name, 0));
            let counts = tools.entry(node["tool"].as_str().unwrap()).or_insert_with(|| BTreeMap::from(zeros));
            for (name, more) in [(column, 1), ("calls", 1), ("took", record["took"].as_u64().unwrap())] {
                *counts.get_mut(name).unwrap() += more;
            }
        }
    }
    let tools = tools.into_iter().map(|(tool, counts)| {
        let mut counted = json!(counts);
        counted["tool"] = json!(tool);
        counted
    });
    let paused = stories.iter().filter(|told| told["report"]["paused"].is_string()).count();
    let oldest = stories.iter().filter(|told| is_unfinished(told)).map(|told| &told["story"]);
    let oldest = oldest.min_by_key(|story| (story["created_at"].as_u64(), story["id"].to_string()));
    let oldest = oldest.map(|story| {
        json!({"id": story["id"], "owner": story["owner"], "title": story["title"], "phase": story["phase"],
            "created_at": story["created_at"]})
    });
    json!({"phases": phases, "paused": paused, "causes": causes, "standings": standings,
        "tools": tools.collect::<Vec<Value>>(), "oldest_unfinished": oldest})
}

fn of<'a>(stories: &'a [Value], owner: &str) -> Vec<&'a Value> {
    stories.iter().filter(|told| told["story"]["owner"] == owner).collect()
}

fn ids<'a>(stories: impl IntoIterator<Item = &'a Value>) -> BTreeSet<String> {
    stories.into_iter().map(|story| story["id"].as_str().unwrap().to_owned()).collect()
}

async fn lines_and_counts_are_what_folding_the_journals_says(platform: &Platform) {
    let stories = stories(platform).await;
    let counted = platform.get("/api/debug/counts?owner=*").await;
    let all = folded(&stories.iter().collect::<Vec<_>>());
    assert_eq!(counted, json!({"owner": "*", "counts": all}));
    // Counting has brought along whatever was behind.
    for told in &stories {
        assert_eq!(lines(platform, told).await, steps(told), "{told:#}");
    }
    // The bag is as mixed as it is meant to be.
    let seen = |column: &str| all["tools"].as_array().unwrap().iter().any(|tool| tool[column].as_u64() > Some(0));
    assert!(["done", "refused", "no_answer", "undone", "fenced"].into_iter().all(seen), "{all:#}");
    assert_eq!((&all["phases"]["stuck"], &all["paused"]), (&json!(1), &json!(1)), "{all:#}");

    let eve = platform.token("eve").await;
    let asked = |path: &str| answer(platform.request("GET", path).bearer_auth(&eve));
    let own = asked("/api/debug/counts").await;
    assert_eq!(own.json(), json!({"owner": "eve", "counts": folded(&of(&stories, "eve"))}));
    assert_eq!(asked("/api/debug/counts?owner=*").await.status, 403);
    assert_eq!(asked("/api/debug/counts?owner=anonymous").await.status, 403);

    // The list is of a phase, and of a tool.
    for phase in ["forward", "completed", "made_good", "stuck"] {
        let listed = platform.get(&format!("/api/debug/sagas?owner=*&limit=200&phase={phase}")).await;
        let wanted = stories.iter().map(|told| &told["story"]).filter(|story| story["phase"] == phase);
        assert_eq!(ids(listed["sagas"].as_array().unwrap()), ids(wanted), "{phase}");
    }
    for tool in ["request_ride", "bench_effect", "no_such_tool"] {
        let has = |told: &&Value| told["story"]["nodes"].as_array().unwrap().iter().any(|node| node["tool"] == tool);
        let path = format!("/api/debug/sagas?limit=200&tool={tool}");
        let wanted = ids(of(&stories, "anonymous").into_iter().filter(has).map(|told| &told["story"]));
        assert_eq!(ids(platform.get(&path).await["sagas"].as_array().unwrap()), wanted, "{tool}");
        let wanted = ids(of(&stories, "eve").into_iter().filter(has).map(|told| &told["story"]));
        assert_eq!(ids(asked(&path).await.json()["sagas"].as_array().unwrap()), wanted, "{tool}");
    }
}

/// Each is a statement that changes a line, and what a check says of it.
const TAMPERED: [(&str, &str); 6] = [
    (
        "update makegood.view_cursor set cause = 'budget' where saga in (
            select id from makegood.saga where phase = 'stuck')",
        "`cause` is \"budget\"",
    ),
    (
        "update makegood.step_view set standing = 'done' where standing = 'held' and saga in (
            select saga from makegood.saga_view where phase = 'stuck')",
        "the journal says \"held\"",
    ),
    (
        "delete from makegood.step_view where (saga, node) =
            (select t.saga, t.node from makegood.step_view t join makegood.saga_view v on v.saga = t.saga
              where t.standing = 'held' and v.phase = 'stuck')",
        "/table: the line is missing",
    ),
    (
        "insert into makegood.view_cursor (saga, version, rests) values ('sg_nobodys', 1, true)",
        "view_cursor, sg_nobodys: the journal knows of no such thing",
    ),
    (
        "update makegood.tool_view set calls = calls + 1 where (owner, tool, day) =
            (select owner, tool, day from makegood.tool_view where tool = 'request_ride' limit 1)",
        "tool_view, request_ride of anonymous on ",
    ),
    (
        "delete from makegood.tool_view where (owner, tool, day) =
            (select owner, tool, day from makegood.tool_view where tool = 'book_restaurant_table' limit 1)",
        "the line is missing",
    ),
];

async fn what_is_tampered_with_is_named_and_made_anew(platform: &Platform) {
    for (statement, named) in TAMPERED {
        tamper(platform, statement).await;
        let (content, said) = views(platform, &["check"]).await;
        assert!(!content && said.contains(named) && said.contains("1 lines"), "{statement}: {said}");
        let (content, said) = views(platform, &["check", "--json"]).await;
        assert!(!content && said.contains("\"differ\": 1"), "{statement}: {said}");
        let (content, said) = views(platform, &["rebuild"]).await;
        assert!(content && said.contains("and 1 lines or sagas written anew"), "{statement}: {said}");
        all_is_well(platform).await;
    }
    database::scalar(platform, "truncate makegood.view_cursor, makegood.step_view, makegood.tool_view").await;
    let (content, said) = views(platform, &["check"]).await;
    assert!(!content && said.contains("the line is missing"), "{said}");
    let (content, said) = views(platform, &["rebuild", "--json"]).await;
    assert!(content && !said.contains("\"mended\": 0"), "{said}");
    all_is_well(platform).await;
    // What stood still while its lines were lost goes on, and they with it.
    let stuck = platform.get("/api/debug/sagas?phase=stuck").await["sagas"][0]["id"].as_str().unwrap().to_owned();
    let retried = answer(platform.request("POST", &format!("/api/execute/{stuck}/retry")).json(&json!({}))).await;
    assert_eq!(retried.status / 100, 2, "{retried:?}");
    assert_eq!(journal::rest(platform, &stuck, PATIENCE).await["phase"], "made_good");
    all_is_well(platform).await;
    let left = format!("select count(*) from makegood.step_view where saga = '{stuck}'");
    assert_eq!(database::scalar(platform, &left).await.as_deref(), Some("0"), "it is made good");
}

/// A commit writes nothing for the views, and the sweep what commits have left.
async fn the_sweep_brings_them_along(platform: &Platform) {
    let effect = json!({"id": "a", "tool": "bench_effect", "params": {"n": 1}});
    let id = carried_out(platform, &plan(&[effect]), "completed").await;
    let told = format!("select version from makegood.view_cursor where saga = '{id}' and rests");
    // One that comes while the platform's own is at it leaves them to that.
    let swept = poll(PATIENCE, Duration::from_millis(200), || async {
        let swept = answer(queue::delivery(platform, "/api/execute/sweep", "", "msg_sweep")).await;
        assert_eq!(swept.status, 200, "{swept:?}");
        database::scalar(platform, &told).await
    });
    assert!(swept.await.is_some());
}

/// A child that is completed is made good with its parent, and comes to stand still while it is.
async fn one_that_is_called_back_after_its_end_is_told_again(platform: &Platform) {
    let mut params = at("Luigi's");
    params["date"] = json!("2031-05-03");
    let inside = plan(&[table(&json!({"params": params}))]);
    let evening = json!({"id": "evening", "tool": "run_saga", "params": {"plan": inside}});
    let word = json!({"id": "word", "wait": {"event": {"name": "go", "within_ms": 3_600_000}}, "after": ["evening"]});
    let parent = journal::execute(platform, &plan(&[evening, word])).await;
    until(platform, &parent, |saga| standing(saga, "word") == "waiting").await;
    let saga = journal::status(platform, &parent).await;
    let ran = saga["steps"].as_array().unwrap().iter().find(|step| step["id"] == "evening").unwrap();
    let child = ran["output"]["saga"].as_str().unwrap().to_owned();
    all_is_well(platform).await;
    let rests = format!("select version from makegood.view_cursor where saga = '{child}' and rests");
    assert!(database::scalar(platform, &rests).await.is_some(), "it is completed, and that is told");

    town::fault(platform, &json!({"tool": "book_restaurant_table", "kind": "refuse", "op": "undo"})).await;
    let said = answer(platform.request("POST", &format!("/api/execute/{parent}/cancel")).json(&json!({}))).await;
    assert_eq!(said.status / 100, 2, "{said:?}");
    until(platform, &child, |saga| saga["phase"] == "stuck").await;
    all_is_well(platform).await;
    let held = format!("select count(*) from makegood.step_view where saga = '{child}' and standing = 'held'");
    assert_eq!(database::scalar(platform, &held).await.as_deref(), Some("1"));
    town::no_faults(platform).await;
    let said = answer(platform.request("POST", &format!("/api/execute/{child}/retry")).json(&json!({}))).await;
    assert_eq!(said.status / 100, 2, "{said:?}");
    until(platform, &parent, |saga| saga["phase"] == "made_good").await;
    all_is_well(platform).await;
    assert!(database::scalar(platform, &rests).await.is_some(), "it is made good, and that is told");
}

async fn sagas_go_on_while_they_are_checked_and_made_anew(platform: &Platform) {
    let steps: Vec<Value> =
        (0..12).map(|n| json!({"id": format!("e{n}"), "tool": "bench_effect", "params": {"n": n}})).collect();
    let sagas = join_all((0..12).map(|_| async {
        let id = journal::execute(platform, &plan(&steps)).await;
        journal::rest(platform, &id, PATIENCE).await["phase"].clone()
    }));
    let meanwhile = async {
        for _ in 0..3 {
            let wrong = "update makegood.tool_view set took = took + 1 where tool = 'bench_effect'";
            database::scalar(platform, wrong).await;
            let (content, said) = views(platform, &["rebuild"]).await;
            assert!(content, "{said}");
            all_is_well(platform).await;
        }
    };
    let (phases, ()) = tokio::join!(sagas, meanwhile);
    assert!(phases.iter().all(|phase| phase == "completed"), "{phases:?}");
    all_is_well(platform).await;
}

async fn the_views_hold(platform: &Platform) {
    of_all_kinds(platform).await;
    all_is_well(platform).await;
    lines_and_counts_are_what_folding_the_journals_says(platform).await;
    what_is_tampered_with_is_named_and_made_anew(platform).await;
    the_sweep_brings_them_along(platform).await;
    one_that_is_called_back_after_its_end_is_told_again(platform).await;
    sagas_go_on_while_they_are_checked_and_made_anew(platform).await;
}

#[tokio::test]
async fn lists_and_counts_say_what_the_journals_say_and_are_made_anew_where_they_do_not() {
    the_views_hold(&Platform::start(Options::default()).await).await;
}

#[tokio::test]
async fn lists_and_counts_say_what_the_journals_say_on_real_postgres() {
    let Some(services) = tokio::task::spawn_blocking(Services::start).await.unwrap() else {
        println!("left out: MAKEGOOD_NO_SYSTEM_SERVICES=1");
        return;
    };
    let environment = vec![("DATABASE_URL".to_owned(), services.database_url.clone())];
    the_views_hold(&Platform::start(Options { environment, ..Options::default() }).await).await;
}
