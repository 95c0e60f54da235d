//! The fault switch.

use std::time::Duration;

use serde_json::json;

use super::harness::*;

async fn with_faults(faults: serde_json::Value) -> (std::sync::Arc<Inbox>, makegood_cloud::QStash) {
    let inbox = Inbox::new(|_, _| reply(200));
    let qstash = fast(&inbox, 20.0);
    let (status, answer) = call(&qstash, "POST", "/v2/_emulator/faults", &[], faults.to_string()).await;
    assert_eq!(status, 200, "{answer}");
    (inbox, qstash)
}

#[tokio::test]
async fn duplicate_sends_an_attempt_twice() {
    let (inbox, qstash) = with_faults(json!({"duplicate": 1.0})).await;
    let id = publish(&qstash, "http://h/p", &[], "").await;
    let seen = inbox.wait(2).await;
    drained(&qstash).await;
    assert!(seen.iter().all(|seen| seen.header("upstash-message-id") == id));
    assert_eq!(inbox.seen().len(), 2);
}

#[tokio::test]
async fn drop_ack_delivers_again_what_was_answered_with_200() {
    let (inbox, qstash) = with_faults(json!({"drop_ack": 1.0})).await;
    publish(&qstash, "http://h/p", &[], "").await;
    drained(&qstash).await;
    assert_eq!(inbox.seen().len(), 2);
}

#[tokio::test]
async fn lose_accepts_and_forgets() {
    let (inbox, qstash) = with_faults(json!({"lose": 1.0})).await;
    publish(&qstash, "http://h/p", &[], "").await;
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert!(inbox.seen().is_empty());
    assert_eq!(qstash.depth(), 0);
}

#[tokio::test]
async fn reorder_lets_later_messages_come_first() {
    let (inbox, qstash) = with_faults(json!({"reorder": 4_000})).await;
    for i in 0..40 {
        publish(&qstash, &format!("http://h/{i}"), &[], "").await;
    }
    drained(&qstash).await;
    let order: Vec<String> = inbox.seen().into_iter().map(|seen| seen.url).collect();
    let published: Vec<String> = (0..40).map(|i| format!("http://h/{i}")).collect();
    assert_eq!(order.len(), 40);
    assert_ne!(order, published);
}

#[tokio::test]
async fn faults_out_of_range_or_unknown_are_refused() {
    let (_, qstash) = with_faults(json!({"lose": 0.5})).await;
    for bad in [json!({"lose": 2}), json!({"typo": 1}), json!([])] {
        let path = "/v2/_emulator/faults";
        assert_eq!(call(&qstash, "POST", path, &[], bad.to_string()).await.0, 400, "{bad}");
    }
    let faults = get(&qstash, "/v2/_emulator/faults").await;
    assert_eq!(faults, json!({"duplicate": 0.0, "drop_ack": 0.0, "reorder": 0, "lose": 0.5}));
}
