//! One answer a key, whoever asks and how often.

use axum::http::Method;
use serde_json::json;

use crate::setting::{TOOLS_WITH_EFFECT, Town, all, params, table};

pub async fn a_do_twice_acts_once_and_answers_the_same(town: Town) {
    for tool in TOOLS_WITH_EFFECT.into_iter().chain(["send_message"]) {
        let key = format!("saga-1:1:{tool}");
        let first = town.act(tool, &key, params(tool)).await;
        assert_eq!(first.status, 200, "{tool}: {first:?}");
        assert_eq!(town.act(tool, &key, params(tool)).await, first);
        if tool != "bench_effect" {
            assert_eq!(town.ledger(&key).await, [("do".to_owned(), true)]);
        }
    }
}

pub async fn a_refusal_is_repeated_whatever_the_params(town: Town) {
    let refused = town.act("book_restaurant_table", "s:1:a", table("Nowhere", "19:00", 2)).await;
    assert_eq!((refused.status, refused.code()), (404, "unknown_restaurant"));
    for other in [table("Luigi's", "19:00", 2), json!({}), table("Nowhere", "19:00", 2)] {
        assert_eq!(town.act("book_restaurant_table", "s:1:a", other).await, refused);
    }
    let invalid = town.act("bench_effect", "s:1:a", json!({ "m": 1 })).await;
    assert_eq!((invalid.status, invalid.code()), (422, "invalid_params"));
    assert_eq!(town.act("bench_effect", "s:1:a", json!({ "n": 1 })).await, invalid);
    assert_eq!(town.world().await["reservations"], json!([]));
}

pub async fn a_key_with_other_params_is_refused(town: Town) {
    for tool in TOOLS_WITH_EFFECT {
        let done = town.act(tool, "s:1:a", params(tool)).await;
        let mut other = params(tool);
        match tool {
            "bench_effect" => other["n"] = json!(8),
            "dispatch_delivery" => other["vendor"] = json!("Other"),
            "authorise_payment" => other["amount_minor"] = json!(1),
            _ => other["time"] = json!("20:15"),
        }
        let reused = town.act(tool, "s:1:a", other).await;
        assert_eq!((reused.status, reused.code()), (422, "key_reused"), "{tool}");
        assert_eq!(town.act(tool, "s:1:a", params(tool)).await, done);
    }
}

pub async fn an_undo_twice_says_the_same(town: Town) {
    for tool in TOOLS_WITH_EFFECT {
        town.act(tool, "s:1:a", params(tool)).await;
        for _ in 0..3 {
            let undone = town.undo(tool, "s:1:a").await;
            assert_eq!((undone.status, undone.body), (200, json!({ "undone": true })), "{tool}");
        }
        let late = town.act(tool, "s:1:a", params(tool)).await;
        assert_eq!((late.status, late.code()), (410, "undone"));
    }
    let rows = town.ledger("s:1:a").await;
    assert_eq!(rows.len(), 2 * (TOOLS_WITH_EFFECT.len() - 1));
    assert!(rows.iter().all(|(_, applied)| *applied));
}

pub async fn a_reset_empties_the_town_and_forgets_no_key(town: Town) {
    for tool in TOOLS_WITH_EFFECT {
        town.act(tool, "s:1:done", params(tool)).await;
        town.undo(tool, "s:1:fenced").await;
        let refused = town.act(tool, "s:1:refused", json!({})).await;
        assert_eq!(refused.status, 422, "{tool}");
    }
    let before =
        town.act("authorise_payment", "s:1:paid", params("authorise_payment")).await.body["payment_id"].clone();
    for _ in 0..2 {
        assert_eq!(town.send(Method::POST, "/demo/reset", "", None).await.status, 200);
    }
    for tool in TOOLS_WITH_EFFECT {
        for key in ["s:1:done", "s:1:fenced"] {
            let late = town.act(tool, key, params(tool)).await;
            assert_eq!((late.status, late.code()), (410, "undone"), "{tool} {key}");
            assert_eq!(town.status(tool, key).await, json!({ "state": "undone" }), "{tool} {key}");
        }
        assert_eq!(town.undo(tool, "s:1:done").await.body, json!({ "undone": true }), "{tool}");
        assert_eq!(town.undo(tool, "s:1:fenced").await.body, json!({ "undone": false }), "{tool}");
        assert_eq!(town.act(tool, "s:1:refused", params(tool)).await.status, 422, "{tool}");
    }
    let world = town.world().await;
    for kind in ["reservations", "rides", "messages", "payments", "deliveries", "events"] {
        assert_eq!((&world[kind], &world["history"][kind]), (&json!([]), &json!([])), "{kind}");
    }
    assert_eq!(world["ledger"], 0);
    // What a saga was told of before is nobody else's afterwards.
    let after = town.act("authorise_payment", "s:2:paid", params("authorise_payment")).await.body["payment_id"].clone();
    assert_ne!(before, after);
    let capture = town.act("capture_payment", "s:1:capture", json!({ "payment_id": before })).await;
    assert_eq!(capture.status, 404, "{capture:?}");
}

pub async fn an_undo_before_its_do_leaves_a_tombstone(town: Town) {
    for tool in TOOLS_WITH_EFFECT {
        for _ in 0..2 {
            let undone = town.undo(tool, "s:1:a").await;
            assert_eq!((undone.status, undone.body), (200, json!({ "undone": false })), "{tool}");
        }
        let late = town.act(tool, "s:1:a", params(tool)).await;
        assert_eq!((late.status, late.code()), (410, "undone"), "{tool}");
    }
    let world = town.world().await;
    for kind in ["reservations", "rides", "deliveries", "events", "payments"] {
        assert_eq!(world[kind], json!([]));
        assert_eq!(world["history"][kind], json!([]));
    }
}

pub async fn an_undo_of_a_refused_do_leaves_a_tombstone(town: Town) {
    town.act("request_ride", "s:1:a", json!({})).await;
    assert_eq!(town.undo("request_ride", "s:1:a").await.body, json!({ "undone": false }));
    let late = town.act("request_ride", "s:1:a", params("request_ride")).await;
    assert_eq!(late.status, 410);
}

pub async fn status_tells_each_state(town: Town) {
    for tool in TOOLS_WITH_EFFECT {
        assert_eq!(town.status(tool, "s:1:a").await, json!({ "state": "none" }));
        let done = town.act(tool, "s:1:a", params(tool)).await;
        let state = json!({ "state": "done", "output": done.body });
        assert_eq!(town.status(tool, "s:1:a").await, state);
        town.undo(tool, "s:1:a").await;
        assert_eq!(town.status(tool, "s:1:a").await, json!({ "state": "undone" }));

        let refused = town.act(tool, "s:1:b", json!({ "no": 1 })).await;
        let state = town.status(tool, "s:1:b").await;
        assert_eq!(state["state"], "refused");
        for field in ["status", "code", "detail"] {
            assert_eq!(state[field], refused.body[field], "{tool}");
        }
    }
}

pub async fn fifty_at_once_with_one_key_act_once(town: Town) {
    for tool in TOOLS_WITH_EFFECT.into_iter().chain(["send_message"]) {
        let key = format!("s:1:{tool}");
        let calls = (0..50).map(|_| {
            let (town, key) = (town.clone(), key.clone());
            async move { town.act(tool, &key, params(tool)).await }
        });
        let mut answers = all(calls).await;
        answers.retain(|said| said.code() != "in_progress");
        assert_eq!(answers[0].status, 200, "{tool}: {:?}", answers[0]);
        assert!(answers.iter().all(|said| *said == answers[0]), "{tool}");
        if tool != "bench_effect" {
            assert_eq!(town.ledger(&key).await, [("do".to_owned(), true)]);
        }
    }
    let world = town.world().await;
    for kind in ["reservations", "rides", "messages", "deliveries", "events", "payments"] {
        assert_eq!(world[kind].as_array().unwrap().len(), 1, "{kind}");
    }
}

pub async fn a_do_racing_its_undo_is_undone_or_never_done(town: Town) {
    let races = (0..20).map(|n| {
        let town = town.clone();
        async move {
            let key = format!("s{n}:1:a");
            let (_, undone) =
                tokio::join!(town.act("request_ride", &key, params("request_ride")), town.undo("request_ride", &key));
            assert_eq!(undone.status, 200);
            assert_eq!(town.status("request_ride", &key).await["state"], "undone");
        }
    });
    all(races).await;
    assert_eq!(town.world().await["rides"], json!([]));
}

pub async fn what_cannot_be_undone_says_so(town: Town) {
    let tools = [
        "capture_payment",
        "refund_payment",
        "send_message",
        "get_weather_data",
        "get_route_estimate",
        "bench_query",
        "search_restaurants",
        "get_availability",
        "get_reservation",
    ];
    for tool in tools {
        let said = town.undo(tool, "s:1:a").await;
        assert_eq!((said.status, said.code()), (405, "not_undoable"), "{tool}");
    }
    let said = town.send(Method::GET, "/demo/tools/bench_query/status", "s:1:a", None).await;
    assert_eq!((said.status, said.code()), (405, "no_status"));
}
