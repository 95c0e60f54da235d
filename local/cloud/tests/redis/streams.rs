//! What of streams cannot be compared with a real Redis: ids made of the time,
//! and Upstash's own limit.

use makegood_cloud::Redis;
use serde_json::{Value, json};

use super::{TOKEN, post};

#[tokio::test]
async fn an_id_is_made_of_the_time_and_never_goes_back() {
    let router = Redis::embedded().router(TOKEN);
    let mut ids = Vec::new();
    for _ in 0..20 {
        let (_, answer) = post(&router, "/", json!(["XADD", "s", "*", "f", "v"])).await;
        let id = answer["result"].as_str().unwrap().to_owned();
        let (ms, seq) = id.split_once('-').unwrap();
        ids.push((ms.parse::<u64>().unwrap(), seq.parse::<u64>().unwrap()));
    }
    assert!(ids.is_sorted());
    ids.dedup();
    assert_eq!(ids.len(), 20);
}

#[tokio::test]
async fn a_consumer_can_have_a_thousand_entries_pending() {
    let router = Redis::embedded().router(TOKEN);
    let adds: Vec<Value> = (1..=1001).map(|i| json!(["XADD", "s", format!("{i}-0"), "f", "v"])).collect();
    post(&router, "/pipeline", json!(adds)).await;
    post(&router, "/", json!(["XGROUP", "CREATE", "s", "g", "0"])).await;
    let read = json!(["XREADGROUP", "GROUP", "g", "c", "COUNT", 1000, "STREAMS", "s", ">"]);
    assert_eq!(post(&router, "/", read.clone()).await.0, 200);
    let (_, answer) = post(&router, "/", read.clone()).await;
    assert!(answer["error"].as_str().unwrap().starts_with("ERR XReadGroup is cancelled"), "{answer}");
    post(&router, "/", json!(["XACK", "s", "g", "1-0"])).await;
    let one = json!(["XREADGROUP", "GROUP", "g", "c", "COUNT", 1, "STREAMS", "s", ">"]);
    assert_eq!(post(&router, "/", one).await.0, 200);
}
