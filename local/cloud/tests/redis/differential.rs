//! The embedded engine against a real Redis: seeded random sequences, sent to
//! both through the same REST face, must be answered alike. The example
//! `redis-differential` runs as many of them as one wants.

use makegood_cloud::Redis;
use serde_json::json;

use super::{TOKEN, compare::Sides, deliberate::TABLE, post, random::Sequence, server::Server};

const SEQUENCES: u64 = 2000;

#[tokio::test]
async fn random_commands_are_answered_as_by_a_real_redis() {
    let Some(server) = Server::start() else {
        return;
    };
    let sides = Sides::new(&server.url).await.unwrap();
    for seed in 0..SEQUENCES {
        let sequence = Sequence::of(seed);
        if sides.difference(&sequence).await.is_some() {
            let shrunk = sides.shrunk(sequence).await;
            let difference = sides.difference(&shrunk).await.map(|difference| difference.to_string());
            let may: Vec<String> = TABLE.iter().map(|may| format!("- {}: {}", may.what, may.why)).collect();
            let difference = difference.unwrap_or_default();
            panic!("seed {seed}: {difference}\nof {shrunk:#?}\nNot among what may differ:\n{}", may.join("\n"));
        }
    }
}

#[tokio::test]
async fn a_real_redis_runs_transactions_atomically_and_discards_ill_formed_ones() {
    let Some(server) = Server::start() else {
        return;
    };
    let real = Redis::connect(&server.url).await.unwrap().router(TOKEN);
    let own = Redis::embedded().router(TOKEN);
    for router in [&real, &own] {
        let mixed = json!([["SET", "k", "v"], ["INCR", "k"], ["GET", "k"]]);
        let (status, answer) = post(router, "/multi-exec", mixed).await;
        assert_eq!(status, 200);
        assert_eq!(answer[0], json!({"result": "OK"}));
        let not_integer = "ERR value is not an integer or out of range";
        assert_eq!(answer[1], json!({ "error": not_integer }));
        assert_eq!(answer[2], json!({"result": "v"}));

        let ill_formed = json!([["SET", "k", "w"], ["GET"]]);
        let (status, answer) = post(router, "/multi-exec", ill_formed).await;
        assert_eq!(status, 400);
        assert!(answer["error"].as_str().unwrap().starts_with("EXECABORT"), "{answer}");
        let (_, answer) = post(router, "/", json!(["GET", "k"])).await;
        assert_eq!(answer, json!({"result": "v"}));
    }
}
