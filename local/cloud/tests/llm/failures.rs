//! Failures by directive, and the record of what was asked.

use serde_json::{Value, json};

use super::{ask, call, complete, model, send};

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
