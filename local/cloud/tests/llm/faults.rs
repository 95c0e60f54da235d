//! Faults on demand, and the record of what was asked.

use serde_json::{Value, json};

use super::{ask, call, complete, model, send, text};

const FAULTS: &str = "/v1/_emulator/faults";
const REQUESTS: &str = "/v1/_emulator/requests";

#[tokio::test]
async fn a_failure_for_once_is_over_when_the_request_comes_again() {
    let (model, body) = (model(), ask("fail: 429 7 once", json!({})));
    let response = send(&model, "POST", "/v1/chat/completions", body.to_string()).await;
    assert_eq!((response.status().as_u16(), &response.headers()["retry-after"]), (429, &"7".parse().unwrap()));
    let (_, again) = complete(&model, &body).await;
    assert_eq!(again["choices"][0]["message"]["content"], "recovered");
    let (status, _) = complete(&model, &ask("fail: 429 7 once", json!({"seed": 1}))).await;
    assert_eq!(status, 429);
}

#[tokio::test]
async fn faults_befall_whom_they_are_meant_for_until_they_are_cleared() {
    let model = model();
    let faults = json!({"error": 1.0, "status": 503, "retry_after": 2, "match": {"contains": "unlucky"}});
    assert_eq!(call(&model, "POST", FAULTS, &faults).await.0, 200);
    assert_eq!(complete(&model, &ask("unlucky one", json!({}))).await.0, 503);
    assert_eq!(complete(&model, &ask("another", json!({}))).await.0, 200);
    call(&model, "DELETE", FAULTS, &Value::Null).await;
    assert_eq!(complete(&model, &ask("unlucky one", json!({}))).await.0, 200);
    for wrong in [json!({"error": 2}), json!({"eror": 1}), json!({"status": 200}), json!({"delay_ms": 1e9 as u64})] {
        assert_eq!(call(&model, "POST", FAULTS, &wrong).await.0, 400, "{wrong}");
    }
}

#[tokio::test]
async fn streams_are_cut_and_answers_broken() {
    let model = model();
    call(&model, "POST", FAULTS, &json!({"cut": 1.0})).await;
    let stream = ask("long: 30", json!({"stream": true})).to_string();
    let (some, ended) = text(send(&model, "POST", "/v1/chat/completions", stream.clone()).await).await;
    assert!(!ended && some.starts_with("data: {") && !some.contains("[DONE]"));
    call(&model, "POST", FAULTS, &json!({"malformed": 1.0, "delay_ms": 1})).await;
    let plain = ask("long: 30", json!({})).to_string();
    let (broken, _) = text(send(&model, "POST", "/v1/chat/completions", plain).await).await;
    assert!(serde_json::from_str::<Value>(&broken).is_err());
    let (broken, _) = text(send(&model, "POST", "/v1/chat/completions", stream).await).await;
    assert!(broken.split_terminator("\n\n").any(|event| {
        let data = event.strip_prefix("data: ").unwrap();
        data != "[DONE]" && serde_json::from_str::<Value>(data).is_err()
    }));
}

#[tokio::test]
async fn the_last_hundred_requests_are_kept() {
    let model = model();
    for i in 0..103 {
        complete(&model, &ask(&format!("echo: {i}"), json!({}))).await;
    }
    let (_, noted) = call(&model, "GET", REQUESTS, &Value::Null).await;
    let noted = noted["requests"].as_array().unwrap();
    assert_eq!(noted.len(), 100);
    assert_eq!(noted[0]["body"]["messages"][0]["content"], "echo: 3");
    assert_eq!((&noted[99]["status"], &noted[99]["path"]), (&json!(200), &json!("/v1/chat/completions")));
    call(&model, "DELETE", REQUESTS, &Value::Null).await;
    assert_eq!(call(&model, "GET", REQUESTS, &Value::Null).await.1["requests"], json!([]));
}
