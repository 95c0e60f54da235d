//! What the host keeps for tools that remember nothing.

use http::{Request, StatusCode};
use makegood_conformance::{Kit, Sample};
use serde_json::json;

use crate::setting::{Setting, limits, odd, odd_in, split_bill};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_example_keeps_what_it_declares() {
    let setting = Setting::new().await;
    let definition = setting.add(split_bill()).await.definition;
    let sample = include_str!("../../tools/split_bill/sample.json");
    let kit = Kit {
        transport: setting.host(limits()).0,
        base: "http://host.test/tools".to_owned(),
        definition,
        sample: Sample::read(sample).unwrap(),
    };
    let verdict = kit.run().await.unwrap();
    assert!(verdict.passed() && verdict.left.is_empty(), "{verdict}");
    setting.db.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_tool_says_is_told_as_it_says_it() {
    let setting = Setting::new().await;
    setting.add(odd()).await;
    let host = setting.host(limits());

    let later = host.act("s:0:later", &json!({ "do": "later" })).await;
    assert_eq!((later.status, later.retry_after.as_deref()), (StatusCode::TOO_MANY_REQUESTS, Some("3")));
    assert_eq!(host.status("s:0:later").await.body["state"], "none", "nothing is kept");
    assert_eq!(host.act("s:0:later", &json!({})).await.status, StatusCode::OK);

    for what in ["refuse", "refuse as if in progress"] {
        let (key, params) = (format!("s:0:{}", what.len()), json!({ "do": what }));
        let first = host.act(&key, &params).await;
        assert_eq!(first.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert_eq!(first.body["detail"], "It is odd. Ask for something else.");
        let again = host.act(&key, &json!({})).await;
        assert_eq!((again.status, &again.body), (first.status, &first.body), "it is kept, whatever comes later");
        let state = host.status(&key).await.body;
        assert_eq!((&state["state"], &state["code"]), (&json!("refused"), &first.body["code"]));
    }

    let misfit = host.ask(Request::post("/tools/odd/do").header("idempotency-key", "k"), "[]".to_owned()).await;
    assert_eq!((misfit.status, misfit.code()), (StatusCode::BAD_REQUEST, "invalid_json"));
    let stays = json!({ "undo": "refuse" });
    assert_eq!(host.act("s:0:stays", &stays).await.status, StatusCode::OK);
    assert_eq!(host.undo("s:0:stays", &stays).await.code(), "stays");
    assert_eq!(host.status("s:0:stays").await.body["state"], "done", "a refused undo leaves it as it is");
    let trapped = host.undo("s:0:trapped", &json!({})).await;
    assert_eq!(trapped.body, json!({ "undone": false }));
    let trap = json!({ "undo": "trap" });
    assert_eq!(host.act("s:0:trap", &trap).await.status, StatusCode::OK);
    assert_eq!(host.undo("s:0:trap", &trap).await.code(), "tool_trapped");
    assert_eq!(host.status("s:0:trap").await.body["state"], "done");
    setting.db.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_a_tool_does_not_know_it_is_asked() {
    let setting = Setting::new().await;
    setting.add(odd()).await;
    let host = setting.host(limits());
    let unknown = json!({ "do": "unknown" });
    for (key, state) in [("s:0:done", "done"), ("s:0:lost", "none")] {
        let told = host.act(key, &unknown).await;
        assert_eq!((told.status, told.code()), (StatusCode::INTERNAL_SERVER_ERROR, "unknown"));
        assert!(!told.body.to_string().contains("who knows"), "that is for the log");
        assert_eq!(host.status(key).await.body["state"], state);
        assert_eq!(host.act(key, &json!({})).await.code(), "key_reused");
        assert_eq!(host.act(key, &unknown).await.code(), "unknown", "done again, under its key");
        // The tool undoes it: it may have acted.
        assert_eq!(host.undo(key, &unknown).await.body, json!({ "undone": false }));
        assert_eq!(host.status(key).await.body["state"], "undone");
    }
    assert_eq!(host.act("s:0:wrong", &unknown).await.code(), "unknown");
    assert_eq!(host.status("s:0:wrong").await.code(), "bad_answer");

    // One that must not be repeated is not.
    setting.add(&odd_in("mode:never")).await;
    let host = setting.host(limits());
    assert_eq!(host.act("s:1:0", &unknown).await.code(), "unknown");
    assert_eq!(host.act("s:1:0", &unknown).await.code(), "unknown");
    setting.db.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_dead_host_left_under_way_is_done_or_undone() {
    let setting = Setting::new().await;
    let pin = setting.add(odd()).await;
    let left = "insert into tool_host.keys (tool, key, state, component, params, claim, claimed_until) \
                values ('odd', $1, 'working', $2, '{}', 'dead', clock_timestamp() - interval '1 ms')";
    for key in ["s:0:1", "s:0:2"] {
        setting.db.query(left, &[Some(key), Some(&pin.sha256)]).await.unwrap();
    }
    let host = setting.host(limits());
    assert_eq!(host.status("s:0:1").await.body["state"], "none");
    assert_eq!(host.act("s:0:1", &json!({})).await.status, StatusCode::OK);
    assert_eq!(host.undo("s:0:1", &json!({})).await.body, json!({ "undone": true }));
    assert_eq!(host.undo("s:0:2", &json!({})).await.body, json!({ "undone": false }));
    assert_eq!(host.act("s:0:2", &json!({})).await.code(), "undone");
    setting.db.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_query_needs_no_key_and_leaves_nothing() {
    let setting = Setting::new().await;
    setting.add(&odd_in("mode:query")).await;
    let host = setting.host(limits());
    for _ in 0..2 {
        let told = host.ask(Request::post("/tools/odd/do"), "{}".to_owned()).await;
        assert_eq!((told.status, told.body), (StatusCode::OK, json!({ "ok": true })));
    }
    assert_eq!(host.undo("k", &json!({})).await.code(), "not_undoable");
    assert_eq!(host.status("k").await.code(), "not_remembered");
    assert_eq!(setting.db.query("select count(*) from tool_host.keys", &[]).await.unwrap().first(), Some("0"));
    setting.db.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_earlier_code_did_it_undoes() {
    let setting = Setting::new().await;
    setting.add(odd()).await;
    assert_eq!(setting.host(limits()).act("s:0:1", &json!({})).await.status, StatusCode::OK);
    setting.add(&odd_in("mode:no undo")).await;
    let host = setting.host(limits());
    assert_eq!(host.act("s:0:2", &json!({})).await.status, StatusCode::OK);
    assert_eq!(host.undo("s:0:2", &json!({})).await.code(), "not_mine");
    assert_eq!(host.undo("s:0:1", &json!({})).await.body, json!({ "undone": true }));
    setting.db.close().await;
}
