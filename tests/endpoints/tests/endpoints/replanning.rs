//! Another plan in the place of what is left, on the real host and database.

use std::time::Duration;

use makegood_endpoints::platform::{Options, Platform};
use makegood_endpoints::{binary, journal, poll, town};
use serde_json::{Value, json};
use tokio::process::Command;

const PATIENCE: Duration = Duration::from_secs(60);
/// More than one window of nodes, so that the rest of the plan is paged in.
const MANY: usize = 60;

fn table(party_size: u32) -> Value {
    json!({"id": "table", "tool": "book_restaurant_table", "params": {"restaurant": "Luigi's",
        "party_size": party_size, "date": "2031-05-01", "time": "19:00", "name": "Ann"}})
}

fn delivery() -> Value {
    json!({"id": "roses", "tool": "dispatch_delivery", "params": {"vendor": "Bloom",
        "items": [{"name": "roses", "quantity": 12}], "address": "4 Elm Street", "date": "2031-05-01"}})
}

fn chain(after: &str) -> Vec<Value> {
    let step = |n: usize| {
        let before = if n == 0 { after.to_owned() } else { format!("e{}", n - 1) };
        json!({"id": format!("e{n}"), "tool": "bench_effect", "params": {"n": n}, "after": [before]})
    };
    (0..MANY).map(step).collect()
}

fn standing(saga: &Value, id: &str) -> Vec<String> {
    let steps = saga["steps"].as_array().unwrap().iter().filter(|step| step["id"] == id);
    steps.map(|step| step["standing"].as_str().unwrap().to_owned()).collect()
}

/// A table and roses, and a word that is waited for before anybody is written to.
fn with_a_word(party_size: u32) -> Value {
    let word =
        json!({"id": "word", "wait": {"event": {"name": "go", "within_ms": 3_600_000}}, "after": ["table", "roses"]});
    let text =
        json!({"id": "text", "tool": "send_message", "params": {"to": "Sam", "text": "Come."}, "after": ["word"]});
    json!({"summary": "Out", "steps": [table(party_size), delivery(), word, text]})
}

/// A saga that waits for the word.
async fn waiting(platform: &Platform) -> String {
    let plan = with_a_word(2);
    let id = journal::execute(platform, &plan).await;
    let path = format!("/api/execute/{id}");
    let waits = poll(PATIENCE, Duration::from_millis(50), || async {
        (standing(&platform.get(&path).await, "word") == ["waiting"]).then_some(())
    });
    waits.await.expect("it waits for the word");
    id
}

async fn replan(platform: &Platform, id: &str, steps: &[Value]) {
    let body = json!({"plan": {"summary": "Out, but otherwise", "steps": steps}, "note": "It rains."});
    platform.post(&format!("/api/execute/{id}/replan"), &body, 202).await;
}

/// The same, as a person does it.
async fn replan_by_command(platform: &Platform, id: &str, steps: &[Value]) {
    let file = platform.data().with_file_name("plan.json");
    std::fs::write(&file, json!({"summary": "Out, but otherwise", "steps": steps}).to_string()).unwrap();
    let mut command = Command::new(binary::makegood());
    command.args(["saga", "replan", id, "--note", "We are more.", "--url", &platform.url, "--plan"]).arg(&file);
    let output = command.output().await.unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.contains("has the other plan now"), "{output:?}");
}

#[tokio::test]
async fn another_plan_keeps_the_table_undoes_the_roses_and_goes_on_to_its_end() {
    let platform = Platform::start(Options::arguments(&["--time-budget-ms", "300"])).await;
    let id = waiting(&platform).await;
    let before = town::active(&platform).await;
    let steps: Vec<Value> = std::iter::once(table(2)).chain(chain("table")).collect();
    replan(&platform, &id, &steps).await;
    let saga = journal::rest(&platform, &id, PATIENCE).await;
    assert_eq!(saga["phase"], "completed", "{saga:#}");
    assert_eq!(standing(&saga, "table"), ["done"]);
    assert_eq!(standing(&saga, "roses"), ["undone"]);
    assert_eq!(
        (standing(&saga, "word"), standing(&saga, "text")),
        (vec!["abandoned".into()], vec!["abandoned".into()])
    );
    assert_eq!(standing(&saga, &format!("e{}", MANY - 1)), ["done"]);
    assert_eq!(saga["replanned"][0]["note"], "It rains.");
    assert_eq!(town::active(&platform).await.iter().sum::<usize>(), before.iter().sum::<usize>() - 1);
}

#[tokio::test]
async fn what_an_earlier_plan_did_is_undone_with_what_the_later_one_did() {
    let platform = Platform::start(Options::arguments(&["--time-budget-ms", "300"])).await;
    let id = waiting(&platform).await;
    town::fault(&platform, &json!({"tool": "request_ride", "kind": "refuse"})).await;
    let ride = json!({"id": "ride", "tool": "request_ride", "after": [format!("e{}", MANY - 1)], "params": {
        "pickup": "Home", "destination": "$table.address", "date": "2031-05-01", "time": "18:30", "passengers": 2}});
    let steps: Vec<Value> = std::iter::once(table(2)).chain(chain("table")).chain([ride]).collect();
    replan(&platform, &id, &steps).await;
    let saga = journal::rest(&platform, &id, PATIENCE).await;
    assert_eq!(saga["phase"], "made_good", "{saga:#}");
    assert_eq!((standing(&saga, "table"), standing(&saga, "roses")), (vec!["undone".into()], vec!["undone".into()]));
    assert_eq!(town::active(&platform).await, [0, 0, 0, 0, 0, 0]);
}

#[tokio::test]
async fn a_step_with_other_parameters_is_undone_and_then_made_anew() {
    let platform = Platform::start(Options::default()).await;
    let id = waiting(&platform).await;
    replan_by_command(&platform, &id, &[table(4), delivery()]).await;
    let saga = journal::rest(&platform, &id, PATIENCE).await;
    assert_eq!(saga["replanned"][0]["note"], "We are more.");
    assert_eq!(saga["phase"], "completed", "{saga:#}");
    assert_eq!(standing(&saga, "table"), ["undone", "done"]);
    let tables = town::world(&platform).await["reservations"].clone();
    assert_eq!(tables.as_array().unwrap().len(), 1, "{tables}");
    assert_eq!(tables[0]["party_size"], 4);
}

#[tokio::test]
async fn whoever_has_not_seen_the_plan_that_came_meanwhile_changes_nothing() {
    let platform = Platform::start(Options::default()).await;
    let id = waiting(&platform).await;
    let path = format!("/api/execute/{id}/replan");
    let given = |party_size, replaces: u32| json!({"plan": with_a_word(party_size), "replaces": replaces});
    platform.post(&path, &given(3, 0), 202).await;
    let waits = poll(PATIENCE, Duration::from_millis(50), || async {
        let saga = platform.get(&format!("/api/execute/{id}")).await;
        standing(&saga, "word").contains(&"waiting".to_owned()).then_some(())
    });
    waits.await.expect("it waits for the word again");
    // Who looked at the first plan would undo the table for three.
    let refused = platform.post(&path, &given(5, 0), 409).await;
    assert_eq!(refused["code"], "conflict", "{refused}");
    assert_eq!(town::world(&platform).await["reservations"][0]["party_size"], 3);
    platform.post(&path, &given(5, 1), 202).await;
    let saga = platform.get(&format!("/api/execute/{id}")).await;
    assert_eq!(saga["replanned"].as_array().unwrap().len(), 2, "{saga:#}");
}
