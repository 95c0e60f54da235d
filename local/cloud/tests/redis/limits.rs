//! The script of the limits: it decides as the core does, on the embedded engine and on a real Redis.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use axum::Router;
use makegood_cloud::Redis;
use makegood_core::guard::gcra::{Bucket, Policy, check_all};
use makegood_gateway::limits::{Ask, SCRIPT, told, words};
use makegood_gateway::redis::is_unknown;
use rand::{Rng as _, SeedableRng as _, rngs::StdRng};
use serde_json::{Value, json};
use sha1::{Digest as _, Sha1};

use super::{TOKEN, post, server::Server};

/// The engine, and a real server where there is one.
async fn routers(server: Option<&Server>) -> Vec<(&'static str, Router)> {
    let mut routers = vec![("own", Redis::embedded().router(TOKEN))];
    if let Some(server) = server {
        routers.push(("real", Redis::connect(&server.url).await.unwrap().router(TOKEN)));
    }
    routers
}

/// Asks as the functions do.
async fn ask(router: &Router, ask: &Ask) -> Value {
    let (_, answer) = post(router, "/", json!(words(ask, false))).await;
    if answer["error"].as_str().is_some_and(is_unknown) {
        return post(router, "/", json!(words(ask, true))).await.1["result"].clone();
    }
    answer["result"].clone()
}

fn key(n: usize) -> String {
    format!("limit:{n}")
}

#[test]
fn the_script_is_known_by_its_own_digest() {
    let digest: String = Sha1::digest(SCRIPT.text).iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(digest, SCRIPT.digest);
}

/// The core folds the same questions, by the clock that Redis tells; what Redis kept must be what the core would have.
#[tokio::test]
async fn the_script_decides_and_keeps_what_the_core_does() {
    let server = Server::start();
    for (name, router) in routers(server.as_ref()).await {
        let mut rng = StdRng::seed_from_u64(5);
        let mut kept: BTreeMap<String, u64> = BTreeMap::new();
        let (mut allowed, mut refused, mut set_back) = (0, 0, 0);
        for step in 0..1_500 {
            let count = rng.random_range(1..=3);
            let first = rng.random_range(0..4);
            let policies = [
                Policy::new(1_000, 1_000_000, 3),
                Policy::new(50, 1_000_000, 1),
                Policy::new(7, 3_600_000_000, 5),
                Policy::new(300, 1_000_000, 40),
                Policy::new(1, 86_400_000_000, 31),
                Policy::new(20_000, 1_000_000, 2),
            ];
            let buckets: Vec<(String, Policy)> = (first..first + count)
                .map(|n| (key(n), policies[n % policies.len()].scaled(rng.random_range(100..2_000))))
                .collect();
            if rng.random_range(0..40) == 0 {
                // A clock that was set back leaves a bucket in the future.
                let (far, ahead) = (buckets[0].0.clone(), 4_000_000_000_000_000_u64);
                post(&router, "/", json!(["SET", far, ahead.to_string()])).await;
                kept.insert(far, ahead);
                set_back += 1;
            }
            let question = Ask { class: "chat", proposed: None, buckets };
            let answer = ask(&router, &question).await;
            let numbers: Vec<u64> = answer.as_array().unwrap().iter().map(|n| n.as_u64().unwrap()).collect();
            let now = numbers[0];
            let told = told(&question, &answer).unwrap();
            let mut model = Vec::new();
            for ((name, policy), tat) in question.buckets.iter().zip(&numbers[2..]) {
                let known = kept.get(name).copied().unwrap_or(0);
                // What is full again may have been forgotten, and nothing else.
                assert!(*tat == known || (*tat == 0 && known <= now), "{name}, step {step}: {tat}, not {known}");
                model.push(Bucket { tat: known, policy: *policy, cost: 1 });
            }
            let decisions = check_all(&model, now);
            for (((name, _), decision), told) in question.buckets.iter().zip(&decisions).zip(&told.decisions) {
                assert_eq!((decision.allowed, decision.next), (told.allowed, told.next));
                kept.insert(name.clone(), decision.new_tat);
            }
            if decisions.iter().all(|decision| decision.allowed) {
                allowed += 1;
            } else {
                refused += 1;
            }
            if step % 50 == 0 {
                tokio::time::sleep(Duration::from_millis(rng.random_range(0..60))).await;
            }
        }
        assert!(allowed > 100 && refused > 100 && set_back > 5, "{name}: {allowed} allowed, {refused} refused");
        for (bucket, tat) in kept {
            let (_, ttl) = post(&router, "/", json!(["PTTL", bucket])).await;
            let ttl = ttl["result"].as_i64().unwrap();
            assert!(ttl != -1, "{bucket} is kept for ever: {ttl}, {tat}");
        }
    }
}

#[tokio::test]
async fn the_factor_of_all_is_the_mean_of_what_each_proposes() {
    let server = Server::start();
    for (name, router) in routers(server.as_ref()).await {
        let mut factors = Vec::new();
        for proposed in [None, Some(500), Some(500), None, Some(2_000)] {
            let question = Ask { class: "api", proposed, buckets: Vec::new() };
            factors.push(told(&question, &ask(&router, &question).await).unwrap().factor);
        }
        assert_eq!(factors, [1_000, 875, 781, 781, 1_086], "{name}");
        let (_, ttl) = post(&router, "/", json!(["PTTL", "makegood:load:api"])).await;
        assert!(ttl["result"].as_i64().is_some_and(|ttl| ttl > 0 && ttl <= 60_000), "{name}: {ttl}");
    }
}

/// Two isolates, each with many requests at once and its own idea of the factor, on one bucket.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_isolates_together_admit_no_more_than_the_limit() {
    let server = Server::start();
    for (name, router) in routers(server.as_ref()).await {
        let limit = Policy::new(200, 1_000_000, 20);
        let began = Instant::now();
        let isolate = |factor: u32| {
            let router = router.clone();
            async move {
                let question =
                    Ask { class: "chat", proposed: None, buckets: vec![("one".to_owned(), limit.scaled(factor))] };
                let mut admitted = 0;
                while began.elapsed() < Duration::from_secs(1) {
                    let answers = futures_util::future::join_all((0..8).map(|_| ask(&router, &question))).await;
                    for answer in answers {
                        admitted += u64::from(told(&question, &answer).unwrap().decisions[0].allowed);
                    }
                }
                admitted
            }
        };
        let (whole, half) = tokio::join!(tokio::spawn(isolate(1_000)), tokio::spawn(isolate(500)));
        let (admitted, span) = (whole.unwrap() + half.unwrap(), began.elapsed());
        let most = 200.0_f64.mul_add(span.as_secs_f64(), 20.0);
        #[expect(clippy::cast_precision_loss, reason = "a few hundred")]
        let within = admitted as f64 <= most;
        assert!(within, "{name}: {admitted} in {span:?}, of {most}");
        assert!(admitted > 60, "{name}: {admitted} is not what a limit of 200/s lets in");
    }
}
