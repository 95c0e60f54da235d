//! What is behind a function is slow, wrong or gone.

use std::sync::Arc;
use std::time::{Duration, Instant};

use makegood_endpoints::platform::answer;
use makegood_endpoints::poll;
use serde_json::{Value, json};

use super::DINNER;
use crate::case::Case;
use crate::site::{PATIENCE, Site};

pub fn cases() -> Vec<Case> {
    vec![
        Case::new("a slow partner is waited for, and acts once", slow_partner),
        Case::new("a partner whose answers are lost acts once", lost_answers),
        Case::new("a partner that fails or is busy is asked again", failing_partner),
        Case::new("a journal that is gone is a problem that passes", journal_gone),
        Case::new("a journal that never answers is given up in time", journal_silent),
        Case::new("an answer that trickles in is given up in time", journal_trickles),
        Case::new("without Redis everything goes on", redis_gone),
        Case::new("a copy is kept after the answer, and after that of a stream", copies),
        Case::new("what the queue did not take is found by the sweep", queue_gone),
    ]
}

async fn slow_partner(site: Arc<Site>) {
    site.fault(&json!({"tool": "*", "kind": "slow", "delay_ms": 1500})).await;
    let began = Instant::now();
    let events = site.follow(DINNER).await;
    assert!(began.elapsed() >= Duration::from_secs(3), "the partners were slow: {:?}", began.elapsed());
    let saga = events[0].data["saga"].as_str().unwrap();
    assert_eq!(site.rest(saga).await["phase"], "completed");
    assert_eq!(site.active().await, [1, 1, 1, 0, 0, 0]);
}

async fn lost_answers(site: Arc<Site>) {
    site.fault(&json!({"tool": "request_ride", "kind": "apply_then_lose", "count": 2, "delay_ms": 10})).await;
    let events = site.follow(DINNER).await;
    let saga = events[0].data["saga"].as_str().unwrap();
    assert_eq!(site.rest(saga).await["phase"], "completed");
    assert_eq!(site.active().await, [1, 1, 1, 0, 0, 0]);
}

async fn failing_partner(site: Arc<Site>) {
    site.fault(&json!({"tool": "request_ride", "kind": "error", "count": 1})).await;
    site.fault(&json!({"tool": "send_message", "kind": "busy", "count": 1})).await;
    let events = site.follow(DINNER).await;
    let saga = events[0].data["saga"].as_str().unwrap();
    assert_eq!(site.rest(saga).await["phase"], "completed");
    assert_eq!(site.active().await, [1, 1, 1, 0, 0, 0]);
}

async fn journal_gone(site: Arc<Site>) {
    for fault in [
        json!({"kind": "drop_request"}),
        json!({"kind": "error", "status": 503}),
        json!({"kind": "cut"}),
        json!({"kind": "malformed"}),
    ] {
        site.disturb("neon", &fault).await;
        for path in ["/api/chat", "/api/intent"] {
            let refused = site.refuses(site.post(path, &json!({"message": DINNER})), 503, "unavailable").await;
            assert!(!refused.text.contains("neon") && !refused.text.contains("127.0.0.1"), "{refused:?}");
        }
        let status = site.request("GET", "/api/execute/sg_01k0000000000000000000zzzz");
        site.refuses(status, 503, "unavailable").await;
        let health = answer(site.request("GET", "/api/debug/health")).await;
        assert_eq!((health.status, &health.json()["status"]), (503, &json!("degraded")), "{fault}: {health:?}");
        site.clear().await;
    }
    assert_eq!(site.get("/api/debug/health").await["status"], "ok", "it came back");
    assert_eq!(answer(site.post("/api/intent", &json!({"message": DINNER}))).await.status, 200);
}

async fn journal_silent(site: Arc<Site>) {
    site.disturb("neon", &json!({"kind": "latency", "delay_ms": 30_000})).await;
    let began = Instant::now();
    site.refuses(site.post("/api/intent", &json!({"message": DINNER})), 503, "unavailable").await;
    let took = began.elapsed();
    assert!((7..20).contains(&took.as_secs()), "{took:?}");
    let began = Instant::now();
    let health = answer(site.request("GET", "/api/debug/health")).await;
    assert_eq!(health.status, 503, "{health:?}");
    assert!(began.elapsed() < Duration::from_secs(6), "{:?}", began.elapsed());
}

/// Each pause is short; it is the whole that takes too long.
async fn journal_trickles(site: Arc<Site>) {
    site.disturb("neon", &json!({"kind": "trickle", "delay_ms": 400})).await;
    let began = Instant::now();
    site.refuses(site.post("/api/intent", &json!({"message": DINNER})), 503, "unavailable").await;
    let took = began.elapsed();
    assert!((7..20).contains(&took.as_secs()), "{took:?}");
}

async fn redis_gone(site: Arc<Site>) {
    site.disturb("redis", &json!({"kind": "drop_request"})).await;
    let events = site.follow(DINNER).await;
    let saga = events[0].data["saga"].as_str().unwrap();
    assert_eq!(site.rest(saga).await["phase"], "completed");
    assert_eq!(site.active().await, [1, 1, 1, 0, 0, 0]);
}

/// The work that a function leaves for after its answer is done on every platform.
async fn copies(site: Arc<Site>) {
    let asked = answer(site.post("/api/chat", &json!({"message": "Book a table at Luigi's tomorrow at 7pm"}))).await;
    assert_eq!(asked.status, 200, "it asks for how many: {asked:?}");
    assert!(copy_of(&site, &asked.json()["conversation"]).await, "none after {asked:?}");
    let events = site.follow(DINNER).await;
    assert!(copy_of(&site, &events[0].data["conversation"]).await, "none after {events:?}");
}

/// Whether Redis gets to hold a copy of a conversation.
async fn copy_of(site: &Site, conversation: &Value) -> bool {
    let key = format!("makegood:conversation:{}", conversation.as_str().expect("an answer names its conversation"));
    let found = poll(PATIENCE, Duration::from_millis(50), || async {
        let request = site.services.request("POST", "/emulators/redis").bearer_auth(site.secret("redis_token"));
        let copy = answer(request.json(&json!(["GET", key]))).await;
        assert_eq!(copy.status, 200, "{copy:?}");
        copy.json()["result"].is_string().then_some(())
    });
    found.await.is_some()
}

async fn queue_gone(site: Arc<Site>) {
    site.disturb("qstash", &json!({"kind": "error", "status": 503})).await;
    let accepted = answer(site.post("/api/chat", &json!({"message": "Text Sam \"hello\""}))).await;
    assert_eq!(accepted.status, 202, "it is durable without the queue: {accepted:?}");
    let saga = accepted.json()["saga"].as_str().unwrap().to_owned();
    assert_eq!(site.status(&saga).await["phase"], "forward");
    site.clear().await;
    // It is overdue a few seconds after it should have been woken.
    let found = poll(PATIENCE, Duration::from_millis(500), || async {
        let swept = answer(site.delivered("/api/execute/sweep", "")).await;
        assert_eq!(swept.status, 200, "{swept:?}");
        Some(site.status(&saga).await).filter(|saga| saga["phase"] == "completed")
    });
    assert!(found.await.is_some(), "{:#}", site.status(&saga).await);
    assert_eq!(site.active().await, [0, 0, 1, 0, 0, 0]);
}
