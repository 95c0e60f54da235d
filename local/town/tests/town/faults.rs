//! Each way of going wrong does what it says, and no more.

use std::time::{Duration, Instant};

use axum::http::Method;
use serde_json::json;
use tokio::time::{sleep, timeout};

use crate::setting::{Town, params};

const RIDE: &str = "request_ride";

pub async fn refuse_is_stored_under_the_key(town: Town) {
    let fault = json!({ "tool": RIDE, "kind": "refuse", "count": 1, "code": "strike", "status": 409 });
    let set = town.fault(fault).await;
    assert_eq!((set.status, &set.body["hits_left"]), (201, &json!(1)));
    for _ in 0..2 {
        let said = town.act(RIDE, "s:1:a", params(RIDE)).await;
        assert_eq!((said.status, said.code()), (409, "strike"));
    }
    assert_eq!(town.status(RIDE, "s:1:a").await["code"], "strike");
    assert_eq!(town.act(RIDE, "s:1:b", params(RIDE)).await.status, 200);
}

pub async fn error_and_busy_and_timeout_have_no_effect(town: Town) {
    for tool in [RIDE, "bench_effect"] {
        for (kind, status) in [("error", 500), ("busy", 429), ("timeout", 504)] {
            let mut fault = json!({ "tool": "*", "kind": kind, "count": 1 });
            if kind == "timeout" {
                fault["delay_ms"] = json!(30);
            }
            assert_eq!(town.fault(fault).await.status, 201);
            let key = format!("s:1:{kind}");
            assert_eq!(town.act(tool, &key, params(tool)).await.status, status);
            assert_eq!(town.status(tool, &key).await["state"], "none");
            assert_eq!(town.act(tool, &key, params(tool)).await.status, 200);
        }
    }
}

pub async fn slow_acts_late_even_when_the_caller_hangs_up(town: Town) {
    town.fault(json!({ "tool": RIDE, "kind": "slow", "delay_ms": 300, "count": 1 })).await;
    let hung_up = timeout(Duration::from_millis(60), town.act(RIDE, "s:1:a", params(RIDE))).await;
    assert!(hung_up.is_err());
    assert_eq!(town.status(RIDE, "s:1:a").await["state"], "in_progress");
    let meanwhile = town.act(RIDE, "s:1:a", params(RIDE)).await;
    assert_eq!((meanwhile.status, meanwhile.code()), (409, "in_progress"));
    let until = Instant::now() + Duration::from_secs(10);
    while town.status(RIDE, "s:1:a").await["state"] != "done" {
        assert!(Instant::now() < until);
        sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(town.world().await["rides"].as_array().unwrap().len(), 1);
}

pub async fn a_slow_do_meets_the_tombstone_of_its_undo(town: Town) {
    town.fault(json!({ "tool": RIDE, "kind": "slow", "delay_ms": 200, "count": 1 })).await;
    let (late, undone) = tokio::join!(town.act(RIDE, "s:1:a", params(RIDE)), async {
        sleep(Duration::from_millis(50)).await;
        town.undo(RIDE, "s:1:a").await
    });
    assert_eq!(undone.body, json!({ "undone": false }));
    assert_eq!((late.status, late.code()), (410, "undone"));
    assert_eq!(town.world().await["rides"], json!([]));
}

pub async fn apply_then_lose_acts(town: Town) {
    for (key, how) in [("s:1:a", json!({ "status": 502 })), ("s:1:b", json!({ "delay_ms": 50 }))] {
        let mut fault = json!({ "tool": RIDE, "kind": "apply_then_lose", "count": 1 });
        fault.as_object_mut().unwrap().extend(how.as_object().unwrap().clone());
        town.fault(fault.clone()).await;
        let lost = town.act(RIDE, key, params(RIDE)).await;
        assert_eq!(json!(lost.status), fault.get("status").cloned().unwrap_or(json!(500)));
        assert_eq!(town.status(RIDE, key).await["state"], "done");
        assert_eq!(town.act(RIDE, key, params(RIDE)).await.status, 200);
    }
    assert_eq!(town.world().await["rides"].as_array().unwrap().len(), 2);
}

pub async fn duplicate_acts_once(town: Town) {
    town.fault(json!({ "tool": "*", "op": "*", "kind": "duplicate" })).await;
    assert_eq!(town.act(RIDE, "s:1:a", params(RIDE)).await.status, 200);
    assert_eq!(town.ledger("s:1:a").await, [("do".to_owned(), true)]);
    assert_eq!(town.undo(RIDE, "s:1:a").await.body, json!({ "undone": true }));
    assert_eq!(town.ledger("s:1:a").await.len(), 2);
}

pub async fn undo_and_status_can_fail_too(town: Town) {
    town.act(RIDE, "s:1:a", params(RIDE)).await;
    town.fault(json!({ "tool": RIDE, "op": "undo", "kind": "refuse", "count": 1 })).await;
    town.fault(json!({ "tool": RIDE, "op": "status", "kind": "error", "count": 1 })).await;
    let path = format!("/demo/tools/{RIDE}/status");
    assert_eq!(town.send(Method::GET, &path, "s:1:a", None).await.status, 500);
    assert_eq!(town.undo(RIDE, "s:1:a").await.code(), "refused");
    assert_eq!(town.status(RIDE, "s:1:a").await["state"], "done");
    assert_eq!(town.undo(RIDE, "s:1:a").await.body, json!({ "undone": true }));
}

pub async fn a_count_outlives_a_restart_of_the_host(town: Town) {
    let set = town.fault(json!({ "tool": RIDE, "kind": "error", "count": 3 })).await;
    let path = format!("/demo/faults/{}", set.body["id"]);
    assert_eq!(town.act(RIDE, "s:1:a", params(RIDE)).await.status, 500);
    let town = town.restarted();
    let listed = town.send(Method::GET, "/demo/faults", "", None).await;
    assert_eq!(listed.body["faults"][0]["hits_left"], 2);
    assert_eq!(town.act(RIDE, "s:1:a", params(RIDE)).await.status, 500);
    let town = town.restarted();
    assert_eq!(town.act(RIDE, "s:1:a", params(RIDE)).await.status, 500);
    assert_eq!(town.act(RIDE, "s:1:a", params(RIDE)).await.status, 200);
    assert_eq!(town.send(Method::DELETE, &path, "", None).await.status, 200);
    assert_eq!(town.send(Method::DELETE, &path, "", None).await.status, 404);
    let listed = town.restarted().send(Method::GET, "/demo/faults", "", None).await;
    assert_eq!(listed.body, json!({ "faults": [] }));
}

pub async fn a_seed_decides_which_calls_are_struck(town: Town) {
    let mut runs = Vec::new();
    for seed in [7, 7, 8] {
        town.send(Method::DELETE, "/demo/faults", "", None).await;
        let fault = json!({ "tool": "bench_query", "kind": "error", "probability": 0.5, "seed": seed });
        town.fault(fault).await;
        let mut struck = Vec::new();
        for n in 0..40 {
            struck.push(town.ask("bench_query", json!({ "n": n })).await.status == 500);
        }
        runs.push(struck);
    }
    assert_eq!(runs[0], runs[1]);
    assert_ne!(runs[0], runs[2]);
    let hits = runs[0].iter().filter(|struck| **struck).count();
    assert!((8..=32).contains(&hits), "{hits}");
}

pub async fn a_wrong_fault_is_refused_by_name(town: Town) {
    let wrong = [
        (json!({ "tool": "teleport", "kind": "error" }), "request_ride"),
        (json!({ "tool": "*", "kind": "explode" }), "apply_then_lose"),
        (json!({ "tool": "*", "kind": "error", "colour": 1 }), "probability"),
        (json!({ "tool": "*", "kind": "error", "op": "redo" }), "undo"),
        (json!({ "tool": "*", "kind": "error", "probability": 2 }), "from 0 to 1"),
        (json!({ "tool": "*", "kind": "error", "count": 0 }), "at least 1"),
        (json!({ "tool": "*", "kind": "error", "delay_ms": 1 }), "slow"),
        (json!({ "tool": "*", "kind": "refuse", "status": 429 }), "429"),
        (json!({ "kind": "error" }), "tool"),
        (json!([]), "expected"),
    ];
    for (fault, named) in wrong {
        let said = town.fault(fault.clone()).await;
        assert_eq!((said.status, said.code()), (400, "invalid_fault"), "{fault}");
        assert!(said.body["detail"].as_str().unwrap().contains(named), "{said:?}");
    }
    let listed = town.send(Method::GET, "/demo/faults", "", None).await;
    assert_eq!(listed.body, json!({ "faults": [] }));
}
