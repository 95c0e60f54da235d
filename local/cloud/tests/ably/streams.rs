//! Streams: where they begin, what they say, how they end.

use std::time::Duration;

use serde_json::{Value, json};

use super::{KEY, ably, call, json as answer, read_until, send};

async fn publish(ably: &axum::Router, channel: &str, data: &str) {
    assert_eq!(call(ably, "POST", &format!("/channels/{channel}/messages"), &json!({"data": data})).await.0, 201);
}

/// The payloads of server-sent events without envelopes.
fn payloads(text: &str) -> Vec<&str> {
    text.lines().filter_map(|line| line.strip_prefix("data: ")).collect()
}

#[tokio::test]
async fn a_stream_begins_as_far_back_as_each_channel_asks() {
    let ably = ably();
    for data in ["a1", "a2"] {
        publish(&ably, "a", data).await;
        publish(&ably, "b", &data.replace('a', "b")).await;
    }
    let path = "/sse?channels=%5B%3Frewind%3D1%5Da,b&rewind=2&enveloped=false";
    let response = send(&ably, "GET", path, &[("authorization", KEY)], String::new()).await;
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    let reader = tokio::spawn(read_until(response, "data: live"));
    tokio::time::sleep(Duration::from_millis(20)).await;
    publish(&ably, "c", "not for you").await;
    publish(&ably, "a", "live").await;
    assert_eq!(payloads(&reader.await.unwrap()), ["b1", "a2", "b2", "live"]);
}

#[tokio::test]
async fn a_stream_goes_on_after_the_last_event_that_was_read() {
    let ably = ably();
    for data in ["1", "2", "3"] {
        publish(&ably, "a", data).await;
    }
    let first = send(&ably, "GET", "/sse?channel=a&rewind=3&key=appid.keyid:secret", &[], String::new()).await;
    let text = read_until(first, r#""data":"3""#).await;
    let ids: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("id: ")).collect();
    assert_eq!(ids.len(), 3);
    let headers = [("authorization", KEY), ("last-event-id", ids[0])];
    let again = send(&ably, "GET", "/sse?channel=a&rewind=3&enveloped=false", &headers, String::new()).await;
    assert_eq!(payloads(&read_until(again, "data: 3").await), ["2", "3"]);
}

#[tokio::test]
async fn lines_of_json_are_to_be_had_too() {
    let ably = ably();
    publish(&ably, "a", "two\nlines").await;
    let headers = [("authorization", KEY)];
    let lines = send(&ably, "GET", "/event-stream?channels=a&rewind=1&enveloped=false", &headers, String::new()).await;
    let text = read_until(lines, "two").await;
    let line: Value = serde_json::from_str(text.trim()).unwrap();
    assert_eq!((&line["event"], &line["data"]), (&json!("message"), &json!("two\nlines")));
    let headers = [("authorization", KEY), ("accept", "text/event-stream")];
    let events = send(&ably, "GET", "/event-stream?channels=a&rewind=1&enveloped=false", &headers, String::new()).await;
    assert!(read_until(events, "lines").await.contains("data: two\ndata: lines\n\n"));
}

#[tokio::test]
async fn a_stream_ends_with_its_token() {
    let ably = ably();
    let request = json!({"keyName": "appid.keyid", "ttl": 150});
    let (status, details) = call(&ably, "POST", "/keys/appid.keyid/requestToken", &request).await;
    assert_eq!(status, 201, "{details}");
    let path = format!("/sse?channels=a&accessToken={}", details["token"].as_str().unwrap());
    let text = read_until(send(&ably, "GET", &path, &[], String::new()).await, "never").await;
    assert!(text.starts_with(":keepalive\n\n") && text.contains("event: error\n") && text.contains("40142"), "{text}");
    let (status, body) = answer(send(&ably, "GET", &path, &[], String::new()).await).await;
    assert_eq!((status, &body["error"]["code"]), (401, &json!(40142)));
}

#[tokio::test]
async fn readers_are_counted_while_they_read() {
    let ably = ably();
    let stream = send(&ably, "GET", "/sse?channels=a", &[("authorization", KEY)], String::new()).await;
    let readers = async || {
        call(&ably, "GET", "/channels/a", &Value::Null).await.1["status"]["occupancy"]["metrics"]["subscribers"].clone()
    };
    assert_eq!(readers().await, 1);
    drop(stream);
    assert_eq!(readers().await, 0);
}

#[tokio::test]
async fn what_is_no_stream_is_refused_before_it_begins() {
    let ably = ably();
    for (query, status) in [
        ("", 400),
        ("channels=:x", 400),
        ("channels=a,%5Bfoo", 400),
        ("channels=n%0Al", 400),
        ("channels=%5B%3Frewind%3D1%5D", 400),
        ("channels=a&rewind=x", 400),
        ("channels=a&lastEvent=x", 400),
        ("channels=a&enveloped=1", 400),
    ] {
        let response = send(&ably, "GET", &format!("/sse?{query}"), &[("authorization", KEY)], String::new()).await;
        assert_eq!(response.status().as_u16(), status, "{query}");
    }
    assert_eq!(send(&ably, "GET", "/sse?channels=a", &[], String::new()).await.status(), 401);
}
