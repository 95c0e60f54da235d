//! Steps that stand for several: one for each item of a list, one in another's place, one that is left
//! to a person; and how long calls take, which is learned.

use std::time::Duration;

use makegood_endpoints::platform::{Options, Platform, answer};
use makegood_endpoints::{audit, journal, poll, town};
use serde_json::{Value, json};

const PATIENCE: Duration = Duration::from_secs(90);

fn find<'a>(saga: &'a Value, step: &str) -> &'a Value {
    saga["steps"].as_array().unwrap().iter().find(|one| one["id"] == step).unwrap_or_else(|| panic!("{step}: {saga:#}"))
}

fn table(id: &str, restaurant: &str, extra: &Value) -> Value {
    let mut step = json!({"id": id, "tool": "book_restaurant_table", "params": table_params(restaurant, 2)});
    for (name, value) in extra.as_object().unwrap() {
        step[name] = value.clone();
    }
    step
}

fn table_params(restaurant: &str, party_size: u32) -> Value {
    json!({"restaurant": restaurant, "party_size": party_size, "date": "2031-05-01", "time": "19:00", "name": "Ann"})
}

async fn carried_out(platform: &Platform, steps: &Value) -> Value {
    let id = journal::execute(platform, &json!({"summary": "Parts", "steps": steps})).await;
    journal::rest(platform, &id, PATIENCE).await
}

#[tokio::test]
async fn two_hundred_items_are_gone_through_and_undone_where_what_follows_is_refused() {
    let platform = Platform::start(Options::arguments(&["--time-budget-ms", "500"])).await;
    let items: Vec<Value> = (0..200).map(|n| json!({"n": n})).collect();
    let all = json!({"id": "all", "tool": "bench_effect", "each": {"in": items, "concurrency": 8},
        "params": {"n": "$item.n"}});
    let sum = json!({"id": "sum", "tool": "bench_query", "params": {"n": "$all.199.n"}});
    let saga = carried_out(&platform, &json!([all, sum])).await;
    assert_eq!(saga["phase"], "completed", "{}", saga["cause"]);
    assert_eq!(find(&saga, "sum")["output"]["n"], 199);
    assert_eq!(find(&saga, "all")["output"].as_array().unwrap().len(), 200);
    println!("200 items: {}", saga["counters"]);

    let fate = table("fate", "No such place", &json!({"after": ["all"]}));
    let saga = carried_out(&platform, &json!([all, fate])).await;
    assert_eq!(saga["phase"], "made_good", "{}", saga["cause"]);
    assert_eq!(saga["undone"].as_array().unwrap().iter().filter(|id| *id != "fate").count(), 200);
    println!("200 items, undone: {}", saga["counters"]);
}

#[tokio::test]
async fn a_list_that_a_step_gives_makes_as_many_steps_as_it_has_items() {
    let platform = Platform::start(Options::default()).await;
    let look = json!({"id": "found", "tool": "search_restaurants", "params": {"party_size": 2}});
    let each = |most: u32| json!({"each": {"in": "$found.restaurants", "most": most, "concurrency": 2}});
    let saga = carried_out(&platform, &json!([look, table("tables", "$item.name", &each(30))])).await;
    assert_eq!(saga["phase"], "completed", "{saga:#}");
    let places = find(&saga, "found")["output"]["restaurants"].as_array().unwrap().len();
    assert!(places > 2);
    assert_eq!(town::active(&platform).await[0], places);
    // What is shown has a line for each item there is, and one for all of them.
    assert_eq!(saga["steps"].as_array().unwrap().len(), places + 2);

    let saga = carried_out(&platform, &json!([look, table("tables", "$item.name", &each(1))])).await;
    assert_eq!(saga["phase"], "made_good", "{saga:#}");
    assert!(saga["cause"].as_str().unwrap().contains("too_many_items"), "{}", saga["cause"]);
    assert_eq!(town::active(&platform).await[0], places);
}

#[tokio::test]
async fn another_step_is_made_in_the_place_of_one_that_is_refused_and_that_one_is_fenced() {
    let platform = Platform::start(Options::default()).await;
    let or = json!({"or": [{"params": table_params("Nor this", 2)}, {"params": table_params("Luigi's", 2)}]});
    let ride = json!({"id": "ride", "tool": "request_ride", "params": {"pickup": "Home", "destination": "$table.address",
        "date": "2031-05-01", "time": "18:30", "passengers": 2}});
    let saga = carried_out(&platform, &json!([table("table", "No such place", &or), ride])).await;
    assert_eq!(saga["phase"], "completed", "{saga:#}");
    let standings = ["table~1", "table~2", "table~3", "table"].map(|step| find(&saga, step)["standing"].clone());
    assert_eq!(standings, ["fenced", "fenced", "done", "done"]);
    assert_eq!(find(&saga, "ride")["params"]["destination"], find(&saga, "table~3")["output"]["address"]);
    assert_eq!(town::active(&platform).await, [1, 1, 0, 0, 0, 0]);
    audit::agree(&platform, &journal::all_at_rest(&platform, PATIENCE).await).await;
}

#[tokio::test]
async fn a_refusal_that_is_left_to_a_person_undoes_nothing_until_they_say_so() {
    let platform = Platform::start(Options::default()).await;
    let steps = json!([table("first", "Luigi's", &json!({})),
        table("second", "No such place", &json!({"escalate": true, "after": ["first"]})),
        {"id": "then", "tool": "bench_query", "params": {"n": 1}, "after": ["second"]}]);
    for (done, phase, tables) in [(true, "completed", 1), (false, "made_good", 1)] {
        let saga = carried_out(&platform, &steps).await;
        assert_eq!((&saga["phase"], &find(&saga, "second")["standing"]), (&json!("stuck"), &json!("held")), "{saga:#}");
        assert_eq!(find(&saga, "first")["standing"], "done");
        let id = saga["saga"].as_str().unwrap();
        let word = json!({"step": "second", "done": done, "output": {"table": 7}, "note": "I called them."});
        let said = answer(platform.request("POST", &format!("/api/execute/{id}/resolve")).json(&word)).await;
        assert!(said.status < 300, "{said:?}");
        let saga = journal::rest(&platform, id, PATIENCE).await;
        assert_eq!(saga["phase"], phase, "{saga:#}");
        assert_eq!(town::active(&platform).await[0], tables);
    }
}

#[tokio::test]
async fn only_the_risky_ones_are_put_before_people() {
    let platform = Platform::start(Options::default()).await;
    let rule = json!({"approval": {"within_ms": 1500, "when": {"left": "$params.party_size", "is": ">", "right": 6}}});
    let mut step = table("table", "Luigi's", &rule);
    let saga = carried_out(&platform, &json!([step])).await;
    assert_eq!((&saga["phase"], &find(&saga, "table")["approval"]), (&json!("completed"), &Value::Null), "{saga:#}");
    step["params"]["party_size"] = json!(7);
    let saga = carried_out(&platform, &json!([step])).await;
    assert_eq!((&saga["phase"], &find(&saga, "table")["code"]), (&json!("made_good"), &json!("approval_expired")));
}

#[tokio::test]
async fn how_long_calls_take_is_learned_from_what_was_done() {
    let mut platform = Platform::start(Options::default()).await;
    let items: Vec<u32> = (0..20).collect();
    let steps = json!([{"id": "all", "tool": "bench_query", "each": {"in": items}, "params": {"n": "$item"}}]);
    assert_eq!(carried_out(&platform, &steps).await["phase"], "completed");
    // A start sweeps at once, and a sweep learns.
    platform.kill().await;
    platform.start_again().await;
    let password = std::fs::read_to_string(platform.data().join("postgres/password")).unwrap();
    let database = format!("postgres://makegood:{password}@localhost/makegood");
    let learned = poll(PATIENCE, Duration::from_millis(200), || async {
        let query = json!({"query": "select took from makegood.tool_time where tool = 'bench_query'", "params": []});
        let request = platform.request("POST", "/emulators/neon/sql").header("neon-connection-string", &database);
        let rows = answer(request.json(&query)).await.json()["rows"].clone();
        rows[0]["took"].as_str().map(|took| took.parse::<u64>().unwrap())
    });
    let took = learned.await.expect("something is learned");
    println!("nine of ten calls of bench_query take {took} ms");
    assert!(took < 1000);
}
