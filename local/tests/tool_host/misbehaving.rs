//! What a tool does to its host, and what becomes of the call.

use std::time::{Duration, Instant};

use http::{Request, StatusCode};
use makegood_local::tool_host::sandbox::Limits;
use serde_json::json;

use crate::setting::{Setting, limits, odd};

/// Each ends without an answer that could be taken for a yes or a no; nothing is kept of it, its undo is a tombstone,
/// and the host goes on.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_a_tool_does_its_call_is_unknown_and_can_be_undone() {
    let setting = Setting::new().await;
    setting.add(odd()).await;
    let host = setting.host(limits());
    for (what, code) in [
        ("trap", "tool_trapped"),
        ("loop", "tool_time"),
        ("sleep", "tool_time"),
        ("allocate", "tool_memory"),
        ("overflow", "tool_trapped"),
        ("exit", "tool_trapped"),
        ("invalid json", "bad_answer"),
        ("wrong output", "bad_answer"),
        ("long output", "bad_answer"),
        ("longest output", "tool_trapped"),
        ("deep output", "bad_answer"),
    ] {
        let (key, params) = (format!("s:0:{}", what.replace(' ', "_")), json!({ "do": what }));
        for attempt in 1..=2 {
            let told = host.act(&key, &params).await;
            assert!(told.status.is_server_error() && told.code() == code, "{what}, {attempt}: {told:?}");
        }
        assert_eq!(host.status(&key).await.body, json!({ "state": "none" }), "{what}");
        let undone = host.undo(&key, &params).await;
        assert_eq!((undone.status, undone.body), (StatusCode::OK, json!({ "undone": false })), "{what}");
        let late = host.act(&key, &params).await;
        assert_eq!((late.status, late.code()), (StatusCode::GONE, "undone"), "{what}");
        let well = host.act(&format!("{key}:well"), &json!({})).await;
        assert_eq!((well.status, &well.body), (StatusCode::OK, &json!({ "ok": true })), "after {what}: {well:?}");
    }
    setting.db.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tools_that_loop_hold_up_nobody_else_and_only_so_many_run() {
    let setting = Setting::new().await;
    setting.add(odd()).await;
    let host = setting.host(Limits { at_once: 4, time: Duration::from_secs(4), ..limits() });
    // Compiled before the time is taken.
    assert_eq!(host.act("s:0:0", &json!({})).await.status, StatusCode::OK);
    let loops: Vec<_> = (0..4)
        .map(|n| {
            let host = host.clone();
            tokio::spawn(async move { host.act(&format!("s:1:{n}"), &json!({ "do": "loop" })).await })
        })
        .collect();
    tokio::time::sleep(Duration::from_millis(200)).await;
    let begun = Instant::now();
    let elsewhere = host.ask(Request::post("/tools/other_tool/do"), String::new()).await;
    assert_eq!(elsewhere.body, json!({ "elsewhere": "other_tool do" }));
    assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
    let fifth = host.act("s:1:5", &json!({})).await;
    assert_eq!((fifth.status, fifth.code()), (StatusCode::TOO_MANY_REQUESTS, "busy"));
    assert_eq!(fifth.retry_after.as_deref(), Some("1"));
    assert_eq!(host.act("s:1:0", &json!({ "do": "loop" })).await.code(), "in_progress", "the key is being worked on");
    for told in loops {
        assert_eq!(told.await.unwrap().code(), "tool_time");
    }
    assert_eq!(host.act("s:1:5", &json!({})).await.status, StatusCode::OK);
    setting.db.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_instance_finds_nothing_and_is_new_for_every_call() {
    let setting = Setting::new().await;
    setting.add(odd()).await;
    let host = setting.host(limits());
    for key in ["s:0:1", "s:0:2"] {
        let told = host.act(key, &json!({ "do": "look" })).await;
        let nothing = json!({ "ok": true, "variables": 0, "arguments": 0, "input": 0, "calls": 1, "has_time": true });
        assert_eq!(told.body, nothing);
    }
    // More than is logged, and no failure.
    assert_eq!(host.act("s:0:3", &json!({ "do": "print" })).await.body, json!({ "ok": true }));
    setting.db.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn less_memory_is_less_and_all_of_it_can_be_had() {
    let setting = Setting::new().await;
    setting.add(odd()).await;
    let small = setting.host(Limits { memory: 1 << 20, ..limits() });
    assert_eq!(small.act("s:0:1", &json!({})).await.code(), "tool_memory", "not enough to begin with");
    let enough = setting.host(Limits { memory: 4 << 20, ..limits() });
    assert_eq!(enough.act("s:0:1", &json!({})).await.body, json!({ "ok": true }));
    setting.db.close().await;
}
