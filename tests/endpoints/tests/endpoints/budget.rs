//! With little time for each, a saga takes many short invocations, and they stay cheap.

use std::time::Duration;

use makegood_endpoints::platform::{Options, Platform};
use makegood_endpoints::{audit, journal, poll, town};
use serde_json::{Value, json};

const PATIENCE: Duration = Duration::from_secs(60);
/// How far the bytes per step of short and long sagas may lie apart.
const SPREAD: f64 = 1.3;
/// How far their CPU per step may: it counts whatever else the host does meanwhile.
const CPU_SPREAD: f64 = 2.0;

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

fn chain(tool: &str, length: usize) -> Value {
    let step = |n: usize| match n {
        0 => json!({"id": "s0", "tool": tool, "params": {"n": 0}}),
        _ => json!({"id": format!("s{n}"), "tool": tool, "params": {"n": n, "after": format!("$s{}.n", n - 1)}}),
    };
    json!({"summary": "A chain", "steps": (0..length).map(step).collect::<Vec<_>>()})
}

#[tokio::test]
async fn bytes_per_step_do_not_grow_with_the_length_of_a_saga() {
    let platform = hurried().await;
    for tool in ["bench_effect", "bench_query"] {
        let mut spent = Vec::new();
        for length in [10, 30, 300] {
            let id = journal::execute(&platform, &chain(tool, length)).await;
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

/// Runs so many chains of one length at once, and answers with the CPU and the bytes of a step.
async fn cost_of_a_step(platform: &Platform, length: usize, chains: usize) -> (f64, f64) {
    let before = platform.cpu();
    let mut ids = Vec::new();
    for _ in 0..chains {
        ids.push(journal::execute(platform, &chain("bench_effect", length)).await);
    }
    // The list is cheap to ask for; a report of a thousand steps would be in the figure.
    let rested = poll(PATIENCE, Duration::from_millis(100), || async {
        let sagas = journal::list(platform).await;
        ids.iter().all(|id| sagas.iter().any(|saga| saga["id"] == *id && journal::at_rest(saga))).then_some(())
    });
    rested.await.expect("all come to rest");
    let steps = (length * chains) as f64;
    let cpu = (platform.cpu() - before).as_secs_f64() * 1e3 / steps;
    let mut bytes = 0.0;
    for id in &ids {
        let saga = journal::status(platform, id).await;
        assert_eq!(saga["phase"], "completed", "{}", saga["cause"]);
        bytes += number(&saga["counters"]["bytes_read"]) + number(&saga["counters"]["bytes_written"]);
    }
    (cpu, bytes / steps)
}

#[tokio::test]
async fn a_step_of_a_thousand_costs_what_a_step_of_ten_does() {
    let platform = Platform::start(Options::default()).await;
    cost_of_a_step(&platform, 10, 5).await;
    let mut costs = Vec::new();
    for (length, chains) in [(10, 100), (300, 3), (1000, 1)] {
        let (cpu, bytes) = cost_of_a_step(&platform, length, chains).await;
        println!("{chains} chains of {length}: {cpu:.2} ms of CPU and {bytes:.0} bytes a step");
        costs.push((cpu, bytes));
    }
    let (short, longer) = costs.split_first().unwrap();
    for (cpu, bytes) in longer {
        assert!(*cpu <= CPU_SPREAD * short.0, "milliseconds of CPU, and bytes: {costs:?}");
        assert!(*bytes <= SPREAD * short.1, "milliseconds of CPU, and bytes: {costs:?}");
    }
}
