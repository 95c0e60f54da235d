//! With little time for each, a saga takes many short invocations, and they stay cheap.

use std::time::Duration;

use makegood_endpoints::platform::{Options, Platform};
use makegood_endpoints::{audit, journal, town};
use serde_json::{Value, json};

const PATIENCE: Duration = Duration::from_secs(60);
/// How far the bytes per step of short and long sagas may lie apart.
const SPREAD: f64 = 1.3;

async fn hurried() -> Platform {
    Platform::start(Options::arguments(&["--time-budget-ms", "1"])).await
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("{value} is no number"))
}

#[tokio::test]
async fn a_saga_with_little_time_takes_at_least_three_invocations() {
    let platform = hurried().await;
    let message = "Book a table for 4 at Luigi's tomorrow at 7pm, get us a ride there, and text Sam the details";
    let accepted = platform.post("/api/chat", &json!({"message": message}), 202).await;
    let saga = journal::rest(&platform, accepted["saga"].as_str().unwrap(), PATIENCE).await;
    assert_eq!(saga["phase"], "completed", "{saga:#}");
    let invocations = &saga["counters"]["invocations"];
    println!("the saga took {invocations} invocations");
    assert!(number(invocations) >= 3.0, "{saga:#}");
    assert_eq!(town::active(&platform).await, [1, 1, 1, 0, 0, 0]);
    audit::agree(&platform, &journal::all_at_rest(&platform, PATIENCE).await).await;
}

#[tokio::test]
async fn bytes_per_step_do_not_grow_with_the_length_of_a_saga() {
    let platform = hurried().await;
    for tool in ["bench_effect", "bench_query"] {
        let mut spent = Vec::new();
        for length in [10, 30, 300] {
            let step = |n: usize| match n {
                0 => json!({"id": "s0", "tool": tool, "params": {"n": 0}}),
                _ => {
                    json!({"id": format!("s{n}"), "tool": tool, "params": {"n": n, "after": format!("$s{}.n", n - 1)}})
                }
            };
            let plan = json!({"summary": "A chain", "steps": (0..length).map(step).collect::<Vec<_>>()});
            let id = journal::execute(&platform, &plan).await;
            let saga = journal::rest(&platform, &id, PATIENCE).await;
            assert_eq!(saga["phase"], "completed", "{saga:#}");
            let counters = &saga["counters"];
            let bytes = number(&counters["bytes_read"]) + number(&counters["bytes_written"]);
            println!("{tool}, {length} steps: {:.0} bytes a step, {counters}", bytes / length as f64);
            spent.push(bytes / length as f64);
        }
        let (least, most) = (spent.iter().copied().fold(f64::MAX, f64::min), spent.iter().copied().fold(0.0, f64::max));
        println!("{tool}: {:.2} times apart", most / least);
        assert!(most <= SPREAD * least, "{tool}: {spent:?} bytes a step");
    }
}
