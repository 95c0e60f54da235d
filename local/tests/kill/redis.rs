//! Redis: counters, lists, pipelines, transactions and scripts.

use std::collections::HashSet;

use serde_json::{Value, json};

use super::{CLIENTS, Emulator, answer, kills};

/// How a client reaches it.
#[derive(Clone)]
struct Redis {
    client: reqwest::Client,
    url: String,
    token: String,
}

impl Redis {
    fn of(emulator: &Emulator) -> Self {
        let variable = |name: &str| emulator.variables[name].clone();
        Self {
            client: reqwest::Client::new(),
            url: variable("UPSTASH_REDIS_REST_URL"),
            token: variable("UPSTASH_REDIS_REST_TOKEN"),
        }
    }

    async fn send(&self, path: &str, body: &Value) -> Option<Value> {
        answer(self.client.post(format!("{}{path}", self.url)).bearer_auth(&self.token).json(body)).await
    }

    async fn list(&self, key: &str) -> Vec<String> {
        let answer = self.send("/", &json!(["LRANGE", key, 0, -1])).await.unwrap();
        serde_json::from_value(answer["result"].clone()).unwrap()
    }

    async fn number(&self, key: &str) -> usize {
        let answer = self.send("/", &json!(["GET", key])).await.unwrap();
        answer["result"].as_str().map_or(0, |number| number.parse().unwrap())
    }
}

/// Which numbers of one client were acknowledged, over all its lives.
#[derive(Clone, Default)]
struct Acknowledged {
    next: usize,
    all: Vec<usize>,
}

/// Writes a number after the other, each in every way there is, until there is no answer.
async fn write(redis: Redis, me: usize, mut acknowledged: Acknowledged) -> Acknowledged {
    let script = "redis.call('RPUSH', KEYS[1], ARGV[1]) return redis.call('INCR', KEYS[2])";
    let filler = "x".repeat(8 << 10);
    loop {
        let n = acknowledged.next;
        acknowledged.next += 1;
        // The filler has the file rewritten now and then.
        let pipeline = json!([
            ["RPUSH", format!("pipeline:{me}"), n],
            ["SET", format!("filler:{me}"), filler],
            ["RPUSH", format!("pipeline:{me}"), format!("{n}, again")],
        ]);
        let transaction = json!([
            ["RPUSH", format!("atomic:{me}"), n],
            ["HSET", format!("hash:{me}"), n, n],
            ["INCR", format!("atomic:{me}:count")],
        ]);
        let eval = json!(["EVAL", script, 2, format!("script:{me}"), format!("script:{me}:count"), n]);
        let incr = json!(["INCR", format!("single:{me}")]);
        for (path, body) in [("/", &incr), ("/pipeline", &pipeline), ("/multi-exec", &transaction), ("/", &eval)] {
            let Some(answer) = redis.send(path, body).await else { return acknowledged };
            assert!(!answer.to_string().contains("error"), "{answer}");
        }
        acknowledged.all.push(n);
    }
}

async fn check(redis: &Redis, me: usize, acknowledged: &Acknowledged) {
    let expected: Vec<String> = acknowledged.all.iter().map(ToString::to_string).collect();
    let again: Vec<String> = expected.iter().map(|n| format!("{n}, again")).collect();
    let numbers = |list: &[String], wanted: &[String]| {
        let known: HashSet<&String> = wanted.iter().collect();
        let there: Vec<&String> = list.iter().filter(|item| known.contains(item)).collect();
        assert_eq!(there, wanted.iter().collect::<Vec<_>>(), "client {me}: lost, doubled or in another order");
    };
    assert!(redis.number(&format!("single:{me}")).await >= expected.len(), "client {me}");

    let pipeline = redis.list(&format!("pipeline:{me}")).await;
    numbers(&pipeline, &expected);
    numbers(&pipeline, &again);

    let (atomic, script) = (redis.list(&format!("atomic:{me}")).await, redis.list(&format!("script:{me}")).await);
    numbers(&atomic, &expected);
    numbers(&script, &expected);
    let length = redis.send("/", &json!(["HLEN", format!("hash:{me}")])).await.unwrap();
    assert_eq!(length["result"], json!(atomic.len()), "client {me}: a part of a transaction");
    assert_eq!(redis.number(&format!("atomic:{me}:count")).await, atomic.len(), "client {me}: a part of a transaction");
    assert_eq!(redis.number(&format!("script:{me}:count")).await, script.len(), "client {me}: a part of a script");
    // At each death one number may have been under way.
    assert!(atomic.len() <= acknowledged.next, "client {me}: out of nothing");
}

#[tokio::test]
async fn every_acknowledged_redis_write_survives_kill_9() {
    let mut emulator = Emulator::start("redis");
    let mut acknowledged = vec![Acknowledged::default(); CLIENTS];
    for kill in 1..=kills() {
        let redis = Redis::of(&emulator);
        let clients = acknowledged.into_iter().enumerate();
        acknowledged = emulator.killed_under(clients.map(|(me, before)| write(redis.clone(), me, before))).await;
        emulator.restart();
        let redis = Redis::of(&emulator);
        for (me, acknowledged) in acknowledged.iter().enumerate() {
            check(&redis, me, acknowledged).await;
        }
        let rounds: usize = acknowledged.iter().map(|client| client.all.len()).sum();
        eprintln!("kill {kill}: {rounds} numbers acknowledged, each written in four ways; all are there");
    }
    assert!(acknowledged.iter().all(|client| !client.all.is_empty()), "nothing was acknowledged");
}
