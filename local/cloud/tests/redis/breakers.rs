//! The script of the shared breakers against the state machine that it is written after, on the embedded engine
//! and on a real Redis.

use axum::Router;
use http::StatusCode;
use makegood_cloud::Redis;
use makegood_core::guard::breaker::{Breaker, Forced, Leave, Rules, Tally, Window};
use makegood_core::time::Millis;
use makegood_gateway::breakers::{self, Asked, SCRIPT, SHUT, STATES};
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use serde_json::{Value, json};

use super::{TOKEN, post, server::Server};

const NOW: u64 = 1_790_000_000_000;
/// Sequences, and questions in each.
const SEQUENCES: u64 = 60;
const QUESTIONS: usize = 60;

async fn routers(server: Option<&Server>) -> Vec<Router> {
    let mut routers = vec![Redis::embedded().router(TOKEN)];
    if let Some(server) = server {
        routers.push(Redis::connect(&server.url).await.unwrap().router(TOKEN));
    }
    routers
}

async fn result(router: &Router, words: &Value) -> Value {
    let (status, answer) = post(router, "/", words.clone()).await;
    assert_eq!(status, StatusCode::OK, "{answer}");
    answer["result"].clone()
}

fn rules(dice: &mut StdRng) -> Rules {
    let window = if dice.random() {
        Window::Ms(dice.random_range(10..20_000))
    } else {
        Window::Calls(dice.random_range(10..100))
    };
    Rules {
        window,
        row: dice.random_range(1..8),
        calls: dice.random_range(1..6),
        failed_percent: dice.random_range(1..110),
        slow_percent: dice.random_range(1..110),
        open_ms: Millis(dice.random_range(1..2_000)),
        cap_ms: Millis(dice.random_range(1..5_000)),
        permits: dice.random_range(1..4),
        lease_ms: Millis(dice.random_range(1..5_000)),
        successes: dice.random_range(1..4),
        ..Rules::USUAL
    }
}

/// What is asked, of which of two breakers.
fn asked(dice: &mut StdRng, permits: &mut Vec<Millis>) -> Asked {
    match dice.random_range(0..20) {
        0..9 => Asked::Ask,
        9..19 => {
            let permit = if dice.random() { permits.pop() } else { None };
            let seen = Tally {
                calls: dice.random_range(0..4),
                failed: dice.random_range(0..3),
                slow: dice.random_range(0..3),
            };
            Asked::Tell { seen, permit, jitter: dice.random_range(0..=1_000) }
        }
        _ => Asked::Force([None, None, Some(Forced::Open), Some(Forced::Closed)][dice.random_range(0..4)]),
    }
}

fn expected(breaker: &mut Breaker, rules: &Rules, now: Millis, asked: Asked) -> Leave {
    match asked {
        Asked::Ask => return breaker.ask(rules, now),
        Asked::Tell { seen, permit, jitter } => breaker.tell(rules, now, seen, permit, jitter),
        Asked::Force(forced) => breaker.force(forced),
    }
    Leave::Go
}

#[tokio::test]
async fn the_script_does_what_the_state_machine_does() {
    let server = Server::start();
    let mut stood = std::collections::BTreeSet::new();
    for router in routers(server.as_ref()).await {
        for seed in 0..SEQUENCES {
            result(&router, &json!(["DEL", STATES, SHUT])).await;
            let mut dice = StdRng::seed_from_u64(seed);
            let (rules, mut now) = (rules(&mut dice), Millis(NOW));
            let (mut own, mut permits) = ([Breaker::default(), Breaker::default()], Vec::new());
            for _ in 0..QUESTIONS {
                now = now + Millis(dice.random_range(0..1_500));
                let questions: Vec<(usize, Asked)> = (0..dice.random_range(1..3))
                    .map(|_| (dice.random_range(0..2), asked(&mut dice, &mut permits)))
                    .collect();
                let named: Vec<(&str, &Rules, Asked)> =
                    questions.iter().map(|(which, asked)| (["a", "mcp.b"][*which], &rules, *asked)).collect();
                let answer = result(&router, &json!(breakers::words(&named, Some(now), true))).await;
                let told = breakers::read(&answer, named.len()).unwrap_or_else(|| panic!("{answer}"));
                let wanted: Vec<Leave> =
                    questions.iter().map(|(which, asked)| expected(&mut own[*which], &rules, now, *asked)).collect();
                assert_eq!(told.answers, wanted, "seed {seed}: {named:?} {own:?}");
                for (name, own) in ["a", "mcp.b"].iter().zip(&own) {
                    stood.insert(own.stands(now));
                    let text = result(&router, &json!(["HGET", STATES, name])).await;
                    let text = text.as_str().map_or_else(|| Breaker::default().to_text(), str::to_owned);
                    assert_eq!(text, own.to_text(), "seed {seed}, {name} after {named:?}");
                    let shut = own.shut().map(|until| until.map(|until| until.since(now)));
                    assert_eq!(told.shut.get(*name).copied(), shut, "seed {seed}, {name}");
                }
                permits.extend(told.answers.iter().filter_map(|leave| match leave {
                    Leave::Probe { permit } => Some(*permit),
                    Leave::Go | Leave::Shut { .. } => None,
                }));
            }
        }
    }
    assert_eq!(stood.len(), 5, "all states were met: {stood:?}");
}

#[tokio::test]
async fn it_goes_by_redis_own_clock_and_is_known_by_its_digest() {
    let server = Server::start();
    let rules = Rules::USUAL;
    let fails = Asked::Tell { seen: Tally { calls: 9, failed: 9, slow: 0 }, permit: None, jitter: 0 };
    let asked = [("pay", &rules, fails), ("pay", &rules, Asked::Ask)];
    for router in routers(server.as_ref()).await {
        let (status, unknown) = post(&router, "/", json!(breakers::words(&asked, None, false))).await;
        assert!(
            status == StatusCode::BAD_REQUEST && unknown["error"].as_str().unwrap().contains("NOSCRIPT"),
            "{unknown}"
        );
        assert_eq!(result(&router, &json!(["SCRIPT", "LOAD", SCRIPT.text])).await, json!(SCRIPT.digest));
        let answer = result(&router, &json!(breakers::words(&asked, None, false))).await;
        let told = breakers::read(&answer, 2).unwrap();
        assert_eq!(told.answers, [Leave::Go, Leave::Shut { after: rules.open_ms }]);
        // As an instance reads it that only takes a lease.
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_millis();
        let shut = result(&router, &json!(["HGETALL", SHUT])).await;
        let shut = breakers::read_shut(&shut, Millis(u64::try_from(now).unwrap())).unwrap();
        assert!(shut["pay"].unwrap() <= rules.open_ms, "{shut:?}");
    }
}
