//! The simulator as a test. More: `MAKEGOOD_SEEDS=1000000 cargo test -p makegood-sim`, or the command
//! `cargo run -p makegood-sim -- --seeds N --from S`.

use makegood_core::guard::breaker::Rules;
use makegood_core::saga::{Plan, Priority, Step};
use makegood_core::time::Millis;
use makegood_core::tool::Retry;
use makegood_sim::campaign::{self, Options};
use makegood_sim::scenario::{Outage, Rival};
use makegood_sim::{Outcome, Scenario, corpus, run};

fn calm(scenario: Scenario) -> Outcome {
    let outcome = run(scenario, true);
    assert_eq!(outcome.violation, None, "{}", outcome.trace.join("\n"));
    outcome
}

#[test]
fn every_saga_comes_to_a_true_rest_whatever_goes_wrong() {
    let seeds = std::env::var("MAKEGOOD_SEEDS").ok().and_then(|seeds| seeds.parse().ok()).unwrap_or(200_000_u64);
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let mut told = Vec::new();
    let fine = campaign::command(&Options { seeds, from: 0, threads, keep_going: false }, &mut told, None).unwrap();
    assert!(fine, "{}", String::from_utf8_lossy(&told));
}

#[test]
fn the_same_seed_gives_the_same_trace_byte_for_byte() {
    for seed in [1, 54, 508, 4_711] {
        let (first, second) = (run(Scenario::random(seed), true), run(Scenario::random(seed), true));
        assert!(first.trace.len() > 5);
        assert_eq!(first.trace.join("\n"), second.trace.join("\n"), "seed {seed}");
    }
}

#[test]
fn ten_effects_in_a_chain_cost_twelve_commits() {
    let outcome = calm(Scenario::chain(10, "table", 60_000));
    assert_eq!(outcome.seen.rests.get("completed"), Some(&1));
    assert_eq!((outcome.commits, outcome.invocations, outcome.yields), (12, 1, 0));
}

#[test]
fn ten_queries_in_a_chain_cost_two_commits() {
    let outcome = calm(Scenario::chain(10, "look", 60_000));
    assert_eq!(outcome.seen.rests.get("completed"), Some(&1));
    assert_eq!((outcome.commits, outcome.invocations), (2, 1));
}

#[test]
fn a_query_that_is_refused_has_what_stands_before_it_undone() {
    let mut scenario = Scenario::chain(3, "table", 60_000);
    scenario.plan.steps[2].tool = "look".to_owned();
    scenario.refuse_last();
    let outcome = calm(scenario);
    assert_eq!(outcome.seen.rests.get("made_good"), Some(&1));
    let undone = outcome.trace.iter().filter(|line| line.contains("is undone (found: true)")).count();
    assert_eq!(undone, 2, "{}", outcome.trace.join("\n"));
}

/// A saga a second for as long as a partner is away, which is a minute.
fn away_for_a_minute(rules: Option<Rules>) -> Outcome {
    let mut scenario = Scenario::chain(3, "table", 8_500);
    if let Some(table) = scenario.tools.get_mut("table") {
        table.retry = Retry { attempts: 5, base_ms: Millis(200), cap_ms: Millis(5_000), never: Vec::new() };
    }
    let step = Step { id: "s0".to_owned(), tool: "table".to_owned(), ..Step::default() };
    let plan = Plan { summary: "another".to_owned(), steps: vec![step] };
    let rival = |nth: u64| Rival { plan: plan.clone(), priority: Priority::Normal, after: nth * 1_000 };
    scenario.rivals = (0..60).map(rival).collect();
    scenario.outage = Some(Outage { tool: "table".to_owned(), from: 0, until: 60_000, rules, anew: 1_000 });
    run(scenario, true)
}

#[test]
fn sagas_wait_for_a_partner_that_is_away_without_calling_it_and_are_done_ten_seconds_after_its_return() {
    let (with, without) = (away_for_a_minute(Some(Rules::USUAL)), away_for_a_minute(None));
    let calls =
        |outcome: &Outcome| outcome.trace.iter().filter(|line| line.contains("outage   nobody is there")).count();
    // When each was completed, after the dawn.
    let ends = |outcome: &Outcome| -> Vec<u64> {
        let done = outcome.trace.iter().filter(|told| told.contains("journal  ") && told.contains("Completed"));
        done.map(|told| told.split_whitespace().next().unwrap().parse().unwrap()).collect()
    };
    for outcome in [&with, &without] {
        assert_eq!(outcome.violation, None, "{}", outcome.trace.join("\n"));
    }
    assert_eq!(ends(&with).len(), 61, "all of them are done");
    assert!(ends(&with).iter().all(|at| *at <= 70_000), "{:?}", ends(&with));
    assert!(ends(&without).len() < 61, "without breakers attempts are used up");
    let (with, without) = (calls(&with), calls(&without));
    assert!(with * 10 <= without, "{with} calls with breakers, {without} without");
}

#[test]
fn without_redis_sagas_come_to_a_true_rest_all_the_same() {
    let mut rests = 0;
    for seed in 0..500 {
        let mut scenario = Scenario::random(seed);
        scenario.no_redis = true;
        rests += calm(scenario).seen.rests.values().sum::<u64>();
    }
    assert!(rests >= 400, "{rests}");
}

#[test]
fn a_step_costs_the_same_bytes_in_a_long_chain_as_in_a_short_one() {
    for (tool, undone) in [("table", false), ("look", false), ("table", true)] {
        let per_step = [10, 30, 300].map(|steps| {
            let mut scenario = Scenario::chain(steps, tool, 1);
            if undone {
                scenario.refuse_last();
            }
            let outcome = calm(scenario);
            let rest = if undone { "made_good" } else { "completed" };
            assert_eq!(outcome.seen.rests.get(rest), Some(&1));
            assert!(outcome.invocations >= u32::try_from(steps).unwrap(), "it yields at every step");
            outcome.wire as f64 / steps as f64
        });
        let (least, most) =
            (per_step.iter().copied().fold(f64::MAX, f64::min), per_step.iter().copied().fold(0.0, f64::max));
        assert!(most <= 1.3 * least, "{tool}, undone: {undone}: {per_step:?} bytes per step");
    }
}

#[test]
fn without_a_fault_a_saga_commits_at_most_twice_for_each_effect() {
    for seed in 0..500 {
        let mut scenario = Scenario::random(seed);
        (scenario.faults, scenario.poison, scenario.skews) = (Default::default(), None, vec![0]);
        (scenario.deadline, scenario.cancel_at, scenario.hasty) = (None, None, false);
        (scenario.pause_after, scenario.drift, scenario.budget, scenario.replan) = (None, None, None, None);
        // What people say is committed when they say it.
        if scenario.plan.steps.iter().any(|step| step.wait.is_some() || step.approval.is_some()) {
            continue;
        }
        let outcome = calm(scenario);
        let most = 2 * u32::try_from(outcome.nodes).unwrap() + outcome.yields + 3;
        assert!(
            outcome.commits <= most,
            "seed {seed}: {} commits, {} yields, {} nodes",
            outcome.commits,
            outcome.yields,
            outcome.nodes
        );
    }
}

#[test]
fn what_was_once_found_is_not_found_again() {
    let schedules = corpus::all().unwrap();
    assert!(!schedules.is_empty());
    for (name, schedule) in schedules {
        if schedule.is_refused() {
            continue;
        }
        let outcome = run(schedule.scenario, true);
        assert_eq!(outcome.violation, None, "{}\n{name}: {}", outcome.trace.join("\n"), schedule.caught);
    }
}
