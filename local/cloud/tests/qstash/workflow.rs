//! Workflow runs as the queue keeps them. `tests/clients/workflow.test.mjs` has the SDK drive them.

use std::{fs, path::Path, sync::Arc};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use makegood_cloud::QStash;
use serde_json::{Value, json};

use super::{durability::Folder, harness::*};

const URL: &str = "http://h/flow";

/// Submits to a run, and returns the message's id; `init` begins it.
async fn submit(qstash: &QStash, run: &str, init: bool, more: &[(&str, &str)], body: &str) -> String {
    let init = if init { "true" } else { "false" };
    let mut headers = vec![("upstash-workflow-runid", run), ("upstash-workflow-init", init)];
    headers.extend([("upstash-workflow-url", URL), ("upstash-forward-upstash-workflow-sdk-version", "1")]);
    headers.extend(more);
    publish(qstash, URL, &headers, body).await
}

fn step(id: u32) -> String {
    json!({"stepId": id, "stepName": format!("step {id}"), "stepType": "Run", "out": "1", "concurrent": 1}).to_string()
}

/// The bodies of the steps that a delivery brought.
fn brought(seen: &Seen) -> Vec<String> {
    let steps: Vec<Value> = serde_json::from_slice(&seen.body).unwrap();
    let text = |step: &Value| String::from_utf8(STANDARD.decode(step["body"].as_str().unwrap()).unwrap()).unwrap();
    steps.iter().map(text).collect()
}

async fn log(qstash: &QStash, run: &str) -> Value {
    get(qstash, &format!("/v2/workflows/logs?workflowRunId={run}")).await["runs"][0].take()
}

fn stored(folder: &Path, inbox: &Arc<Inbox>) -> QStash {
    let qstash = open(inbox, stored_in(folder));
    qstash.start();
    qstash
}

#[tokio::test]
async fn a_delivery_brings_the_steps_up_to_its_own_and_what_the_trigger_said_holds_for_all() {
    let inbox = Inbox::new(|_, n| reply(if n == 1 { 500 } else { 200 }));
    let qstash = fast(&inbox, 1_000.0);
    let trigger = [
        ("upstash-retries", "1"),
        ("upstash-retry-delay", "1000"),
        ("upstash-forward-x-own", "mine"),
        ("upstash-label", "a,b"),
        ("upstash-flow-control-key", "narrow"),
        ("upstash-flow-control-value", "parallelism=3"),
        ("upstash-delay", "1s"),
    ];
    submit(&qstash, "wfr_1", true, &trigger, "payload").await;
    inbox.wait(1).await;
    // The second step waits, so the third is delivered before it, and with it.
    let waiting = submit(&qstash, "wfr_1", false, &[("upstash-delay", "1h")], &step(1)).await;
    let waiting = get(&qstash, &format!("/v2/messages/{waiting}")).await;
    assert_eq!((&waiting["flowControlKey"], &waiting["maxRetries"]), (&json!("narrow"), &json!(1)));
    submit(&qstash, "wfr_1", false, &[], &step(2)).await;
    let seen = inbox.wait(3).await;
    assert_eq!(brought(&seen[0]), ["payload"]);
    assert_eq!(brought(&seen[1]), ["payload".to_owned(), step(1), step(2)]);
    assert_eq!(seen[1].body, seen[2].body, "its retry");
    assert_eq!(brought(&inbox.wait(4).await[3]), ["payload".to_owned(), step(1)]);
    for seen in inbox.seen() {
        assert_eq!((seen.header("x-own"), seen.header("upstash-label")), ("mine", "a,b"));
        assert_eq!(seen.header("upstash-workflow-runid"), "wfr_1");
        assert_eq!(seen.header("upstash-workflow-sdk-version"), "1");
    }
}

#[tokio::test]
async fn what_an_ended_run_had_under_way_is_dropped() {
    let inbox = Inbox::new(|_, _| reply(200));
    let qstash = fast(&inbox, 1.0);
    submit(&qstash, "wfr_1", true, &[], "").await;
    inbox.wait(1).await;
    submit(&qstash, "wfr_1", false, &[("upstash-delay", "1h")], &step(1)).await;
    let end = "/v2/workflows/runs/wfr_1?cancel=false";
    assert_eq!(call(&qstash, "DELETE", end, &[], "\"result\"").await.0, 200);
    drained(&qstash).await;
    assert_eq!(call(&qstash, "DELETE", end, &[], "").await.0, 404);
    let run = log(&qstash, "wfr_1").await;
    assert_eq!((&run["workflowState"], &run["workflowRunResponse"]), (&json!("RUN_SUCCESS"), &json!("\"result\"")));
}

#[tokio::test]
async fn messages_of_runs_are_not_cancelled_one_by_one() {
    let inbox = Inbox::new(|_, _| reply(200));
    let qstash = fast(&inbox, 1.0);
    let id = submit(&qstash, "wfr_1", true, &[("upstash-delay", "1h")], "").await;
    assert_eq!(call(&qstash, "DELETE", &format!("/v2/messages/{id}"), &[], "").await.0, 400);
    assert_eq!(call(&qstash, "DELETE", "/v2/messages", &[], "").await.1, json!({"cancelled": 0}));
    assert_eq!(qstash.depth(), 1);
}

#[tokio::test]
async fn runs_waiters_events_and_failures_survive() {
    let folder = Folder::new("runs");
    let inbox =
        Inbox::new(|seen, _| reply(if seen.header("upstash-workflow-runid") == "wfr_dead" { 500 } else { 200 }));
    let qstash = stored(&folder.0, &inbox);
    submit(&qstash, "wfr_1", true, &[("upstash-retries", "7")], "payload").await;
    submit(&qstash, "wfr_1", false, &[], &step(1)).await;
    submit(&qstash, "wfr_1", false, &[("upstash-delay", "1h")], &step(2)).await;
    submit(&qstash, "wfr_dead", true, &[("upstash-retries", "0")], "lost").await;
    submit(&qstash, "wfr_ended", true, &[], "").await;
    inbox.wait(4).await;
    call(&qstash, "DELETE", "/v2/workflows/runs/wfr_ended?cancel=false", &[], "7").await;
    let wait = json!({"url": URL, "timeout": "1h", "step": {"stepId": 3, "stepName": "w", "stepType": "Wait"}});
    let of_run = [("upstash-workflow-runid", "wfr_1")];
    assert_eq!(call(&qstash, "POST", "/v2/wait/open", &of_run, wait.to_string()).await.0, 200);
    call(&qstash, "POST", "/v2/notify/wfr_1/kept", &[], "said").await;
    qstash.stop().await;
    let questions = ["/v2/workflows/runs/wfr_1", "/v2/workflows/logs", "/v2/waiters/open", "/v2/dlq?source=workflow"];
    let mut before = Vec::new();
    for path in questions {
        before.push(get(&qstash, path).await);
    }
    drop(qstash);

    let qstash = stored(&folder.0, &inbox);
    for (path, told) in questions.into_iter().zip(&before) {
        assert_eq!(&get(&qstash, path).await, told, "{path}");
    }
    // What is only in the journal's own words now reads the same.
    let body = "x".repeat(100_000);
    for n in 0..100 {
        publish(&qstash, "http://h/other", &[], &body).await;
        inbox.wait(5 + n).await;
    }
    qstash.stop().await;
    drop(qstash);
    assert!(fs::metadata(folder.journal()).unwrap().len() < 6 << 20, "it has been rewritten");
    let qstash = stored(&folder.0, &inbox);
    for (path, told) in questions.into_iter().zip(&before) {
        assert_eq!(&get(&qstash, path).await, told, "{path}");
    }
    let wait = json!({"url": URL, "timeout": "1h", "step": {"stepId": 4, "stepName": "w", "stepType": "Wait"}});
    call(&qstash, "POST", "/v2/wait/kept", &of_run, wait.to_string()).await;
    let told = call(&qstash, "POST", "/v2/notify/open", &[], "now").await;
    assert_eq!(told.1.as_array().unwrap().len(), 1);
    let woken: Vec<Seen> = inbox.wait(106).await.split_off(104);
    let out = woken.iter().map(|seen| serde_json::from_str(&brought(seen).pop().unwrap()).unwrap());
    let out: Vec<Value> = out.collect();
    let mut said: Vec<(u64, Vec<u8>, bool)> = out
        .iter()
        .map(|step| {
            let text = STANDARD.decode(step["out"].as_str().unwrap()).unwrap();
            (step["stepId"].as_u64().unwrap(), text, step["waitTimeout"].as_bool().unwrap())
        })
        .collect();
    said.sort();
    assert_eq!(said, [(3, b"now".to_vec(), false), (4, b"said".to_vec(), false)]);
}

#[tokio::test]
async fn a_delivery_that_was_made_twice_waits_once() {
    let inbox = Inbox::new(|_, _| reply(200));
    let qstash = fast(&inbox, 1.0);
    submit(&qstash, "wfr_1", true, &[], "").await;
    inbox.wait(1).await;
    let wait = json!({"url": URL, "timeout": "1h", "step": {"stepId": 1, "stepName": "w", "stepType": "Wait"}});
    let of_run = [("upstash-workflow-runid", "wfr_1")];
    for _ in 0..2 {
        call(&qstash, "POST", "/v2/wait/e", &of_run, wait.to_string()).await;
    }
    assert_eq!(call(&qstash, "POST", "/v2/notify/e", &[], "1").await.1.as_array().unwrap().len(), 1);
    inbox.wait(2).await;
    // Its result has come: whoever asks again for it waits for nothing.
    call(&qstash, "POST", "/v2/wait/e", &of_run, wait.to_string()).await;
    assert_eq!(get(&qstash, "/v2/waiters/e").await, json!([]));
}

#[tokio::test]
async fn a_wait_comes_back_to_an_address_and_not_to_a_name() {
    let inbox = Inbox::new(|_, _| reply(200));
    let qstash = fast(&inbox, 1.0);
    submit(&qstash, "wfr_1", true, &[], "").await;
    inbox.wait(1).await;
    let wait = json!({"url": "a-group", "timeout": "1h", "step": {"stepId": 1, "stepName": "w", "stepType": "Wait"}});
    let of_run = [("upstash-workflow-runid", "wfr_1")];
    let (status, refused) = call(&qstash, "POST", "/v2/wait/e", &of_run, wait.to_string()).await;
    assert_eq!(status, 400);
    assert!(refused["error"].as_str().unwrap().contains("must begin with http:// or https://"), "{refused}");
    assert_eq!(get(&qstash, "/v2/waiters/e").await, json!([]));
}
