//! The switchboard in front of a service that counts what it carries out.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

use axum::{Router, body::Body, response::IntoResponse as _};
use futures_util::{StreamExt as _, stream};
use http::{Request, StatusCode};
use makegood_cloud::faults::{Door, Words, in_front_of};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tower::ServiceExt as _;

/// `/count` counts, and says how many there were; `/events` is a stream of four.
fn service() -> (Router, Arc<AtomicU32>) {
    let count = Arc::new(AtomicU32::new(0));
    let counted = count.clone();
    let router = Router::new().fallback(move |request: axum::extract::Request| async move {
        let number = counted.fetch_add(1, Ordering::SeqCst) + 1;
        if request.uri().path() != "/events" {
            return axum::Json(json!({ "number": number, "text": "a text that is not short" })).into_response();
        }
        let events = (0..4).map(|i| Ok::<_, std::io::Error>(format!("data: {{\"event\":{i}}}\n\n")));
        ([("content-type", "text/event-stream")], Body::from_stream(stream::iter(events))).into_response()
    });
    (in_front_of(router, Words::Upstash, Door::Open), count)
}

async fn send(router: &Router, method: &str, path: &str, body: &str) -> http::Response<Body> {
    let request = Request::builder().method(method).uri(path).body(Body::from(body.to_owned())).unwrap();
    router.clone().oneshot(request).await.unwrap()
}

/// The body, and whether it ended well.
async fn text(response: http::Response<Body>) -> (String, bool) {
    let mut whole = Vec::new();
    let mut stream = response.into_body().into_data_stream();
    while let Some(piece) = stream.next().await {
        match piece {
            Ok(piece) => whole.extend_from_slice(&piece),
            Err(_) => return (String::from_utf8(whole).unwrap(), false),
        }
    }
    (String::from_utf8(whole).unwrap(), true)
}

async fn call(router: &Router, method: &str, path: &str, body: &str) -> (StatusCode, Value) {
    let response = send(router, method, path, body).await;
    let status = response.status();
    (status, serde_json::from_str(&text(response).await.0).unwrap_or(Value::Null))
}

async fn set(router: &Router, fault: Value) -> Value {
    let (status, set) = call(router, "POST", "/_emulator/faults", &fault.to_string()).await;
    assert_eq!(status, 201, "{set}");
    set
}

#[tokio::test]
async fn a_refusal_is_in_the_service_s_words_and_nothing_happens() {
    let (router, count) = service();
    set(&router, json!({ "kind": "error", "status": 503, "retry_after": 7, "count": 1 })).await;
    let response = send(&router, "GET", "/count", "").await;
    assert_eq!((response.status().as_u16(), response.headers()["retry-after"].to_str().unwrap()), (503, "7"));
    assert_eq!(text(response).await.0, r#"{"error":"A failure as asked for."}"#);
    assert_eq!(count.load(Ordering::SeqCst), 0);
    // It was for one request only.
    assert_eq!(call(&router, "GET", "/count", "").await.1["number"], 1);
}

#[tokio::test]
async fn json_rpc_is_refused_under_the_id_of_the_request() {
    let router = in_front_of(Router::new().fallback(|| async {}), Words::JsonRpc, Door::Open);
    set(&router, json!({ "kind": "error", "status": 503 })).await;
    for (body, id) in [
        (json!({ "jsonrpc": "2.0", "id": "a-7", "method": "tools/list" }).to_string(), json!("a-7")),
        (json!({ "jsonrpc": "2.0", "id": 7, "method": "tools/list" }).to_string(), json!(7)),
        // It is asked wrongly, and by a name that can be answered to.
        (json!({ "jsonrpc": "1.0", "id": 7 }).to_string(), json!(7)),
        (json!({ "jsonrpc": "2.0", "method": "notifications/initialized" }).to_string(), Value::Null),
        (json!({ "jsonrpc": "2.0", "id": [7], "method": "tools/list" }).to_string(), Value::Null),
        ("{".to_owned(), Value::Null),
    ] {
        let (status, answer) = call(&router, "POST", "/", &body).await;
        let expected =
            json!({ "jsonrpc": "2.0", "id": id, "error": { "code": -32000, "message": "A failure as asked for." } });
        assert_eq!((status.as_u16(), answer), (503, expected), "{body}");
    }
    call(&router, "DELETE", "/_emulator/faults", "").await;
    set(&router, json!({ "kind": "throttle", "per_second": 1 })).await;
    let body = json!({ "jsonrpc": "2.0", "id": "b", "method": "ping" }).to_string();
    call(&router, "POST", "/", &body).await;
    let (status, answer) = call(&router, "POST", "/", &body).await;
    assert_eq!((status.as_u16(), &answer["id"]), (429, &json!("b")));
}

#[tokio::test]
async fn only_those_are_struck_that_match() {
    let (router, _) = service();
    let only = json!({ "method": "post", "path": "/count", "contains": "unlucky" });
    set(&router, json!({ "kind": "error", "match": only })).await;
    for (method, path, body, status) in [
        ("POST", "/count/1", "an unlucky one", 500),
        ("POST", "/count", "another", 200),
        ("POST", "/other", "unlucky", 200),
        ("PUT", "/count", "unlucky", 200),
    ] {
        assert_eq!(call(&router, method, path, body).await.0, status, "{method} {path} {body}");
    }
}

#[tokio::test]
async fn a_rate_strikes_so_many_and_a_seed_strikes_the_same() {
    let mut runs = Vec::new();
    for _ in 0..2 {
        let (router, _) = service();
        set(&router, json!({ "kind": "error", "rate": 0.3, "seed": 5 })).await;
        let mut struck = Vec::new();
        for _ in 0..200 {
            struck.push(call(&router, "GET", "/count", "").await.0 == 500);
        }
        let hits = struck.iter().filter(|struck| **struck).count();
        assert!((40..80).contains(&hits), "{hits} of 200");
        let (_, listed) = call(&router, "GET", "/_emulator/faults", "").await;
        assert_eq!((&listed["faults"][0]["seen"], &listed["faults"][0]["struck"]), (&json!(200), &json!(hits)));
        runs.push(struck);
    }
    assert_eq!(runs[0], runs[1]);
}

#[tokio::test]
async fn latency_adds_to_whatever_else_strikes() {
    let (router, _) = service();
    set(&router, json!({ "kind": "latency", "delay_ms": 60 })).await;
    set(&router, json!({ "kind": "latency", "delay_ms": 60 })).await;
    set(&router, json!({ "kind": "error" })).await;
    let began = Instant::now();
    assert_eq!(call(&router, "GET", "/count", "").await.0, 500);
    assert!(began.elapsed() >= Duration::from_millis(120));
}

#[tokio::test]
async fn beyond_a_number_a_second_there_is_429() {
    let (router, _) = service();
    set(&router, json!({ "kind": "throttle", "per_second": 5 })).await;
    let mut refused = 0;
    for _ in 0..20 {
        let response = send(&router, "GET", "/count", "").await;
        if response.status() == 429 {
            assert_eq!(response.headers()["retry-after"], "1");
            refused += 1;
        }
    }
    assert!((10..=15).contains(&refused), "{refused}");
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(call(&router, "GET", "/count", "").await.0, 200);
}

#[tokio::test]
async fn what_is_dropped_has_no_answer_and_may_have_happened() {
    let (router, count) = service();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let served = router.clone();
    tokio::spawn(async move { axum::serve(listener, served).await });
    for (kind, happened) in [("drop_request", 0), ("drop_answer", 1)] {
        set(&router, json!({ "kind": kind, "count": 1 })).await;
        let mut socket = tokio::net::TcpStream::connect(address).await.unwrap();
        socket.write_all(b"POST /count HTTP/1.1\r\nhost: here\r\ncontent-length: 0\r\n\r\n").await.unwrap();
        let mut answer = Vec::new();
        let _ = socket.read_to_end(&mut answer).await;
        assert_eq!(String::from_utf8_lossy(&answer), "", "{kind}");
        assert_eq!(count.load(Ordering::SeqCst), happened, "{kind}");
    }
}

#[tokio::test]
async fn a_duplicate_is_carried_out_twice() {
    let (router, count) = service();
    set(&router, json!({ "kind": "duplicate" })).await;
    assert_eq!(call(&router, "POST", "/count", "body").await.0, 200);
    assert_eq!(count.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn one_that_is_held_is_overtaken_by_the_next_and_waits_for_none_for_ever() {
    let (router, _) = service();
    set(&router, json!({ "kind": "reorder", "delay_ms": 10_000 })).await;
    let began = Instant::now();
    let held = {
        let router = router.clone();
        tokio::spawn(async move { call(&router, "GET", "/count", "").await.1 })
    };
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert_eq!(call(&router, "GET", "/count", "").await.1["number"], 1);
    assert_eq!(held.await.unwrap()["number"], 2);
    assert!(began.elapsed() < Duration::from_secs(5));
    call(&router, "DELETE", "/_emulator/faults", "").await;
    set(&router, json!({ "kind": "reorder", "delay_ms": 50 })).await;
    assert_eq!(call(&router, "GET", "/count", "").await.1["number"], 3);
}

#[tokio::test]
async fn answers_break_off_or_are_broken() {
    let (router, _) = service();
    set(&router, json!({ "kind": "cut" })).await;
    let (some, ended) = text(send(&router, "GET", "/count", "").await).await;
    assert!(!ended && some.starts_with("{\"number\"") && !some.ends_with('}'), "{some}");
    let (some, ended) = text(send(&router, "GET", "/events", "").await).await;
    assert_eq!((some.matches("data:").count(), ended), (2, false));
    call(&router, "DELETE", "/_emulator/faults", "").await;
    set(&router, json!({ "kind": "malformed" })).await;
    let response = send(&router, "GET", "/count", "").await;
    let length = response.headers().get("content-length").map(|length| length.to_str().unwrap().to_owned());
    let (broken, ended) = text(response).await;
    assert!(length.is_none_or(|length| length == broken.len().to_string()));
    assert!(ended && serde_json::from_str::<Value>(&broken).is_err(), "{broken}");
    let (events, ended) = text(send(&router, "GET", "/events", "").await).await;
    let data: Vec<_> = events.split_terminator("\n\n").map(|event| event.trim_start_matches("data: ")).collect();
    assert!(ended && data.len() == 4, "{events}");
    assert!(serde_json::from_str::<Value>(data[0]).is_ok() && serde_json::from_str::<Value>(data[1]).is_err());
}

#[tokio::test]
async fn an_answer_trickles_in_and_is_whole_in_the_end() {
    let (router, _) = service();
    let whole = text(send(&router, "GET", "/events", "").await).await;
    set(&router, json!({ "kind": "trickle", "delay_ms": 2 })).await;
    let began = Instant::now();
    let response = send(&router, "GET", "/events", "").await;
    assert!(began.elapsed() < Duration::from_secs(1), "its head comes at once");
    assert_eq!(text(response).await, whole);
    assert!(began.elapsed() >= Duration::from_millis(2 * whole.0.len() as u64), "{:?}", began.elapsed());
}

#[tokio::test]
async fn nonsense_is_refused_and_sets_nothing() {
    let (router, _) = service();
    for (wrong, why) in [
        (json!({}), "kind"),
        (json!({ "kind": "eror" }), "eror"),
        (json!({ "kind": "error", "rate": 2 }), "`rate`"),
        (json!({ "kind": "error", "status": 200 }), "`status`"),
        (json!({ "kind": "error", "delay_ms": 1 }), "`delay_ms` is not for"),
        (json!({ "kind": "latency" }), "needs `delay_ms`"),
        (json!({ "kind": "trickle" }), "needs `delay_ms`"),
        (json!({ "kind": "latency", "delay_ms": 600_001 }), "at most"),
        (json!({ "kind": "throttle", "per_second": 0 }), "at least 1"),
        (json!({ "kind": "cut", "retry_after": 1 }), "`retry_after`"),
        (json!({ "kind": "cut", "match": { "pat": "/" } }), "pat"),
    ] {
        let (status, answer) = call(&router, "POST", "/_emulator/faults", &wrong.to_string()).await;
        assert_eq!(status, 400, "{wrong}");
        assert!(answer["error"].as_str().unwrap().contains(why), "{wrong}: {answer}");
    }
    assert_eq!(call(&router, "POST", "/_emulator/faults", "{").await.0, 400);
    assert_eq!(call(&router, "GET", "/_emulator/faults", "").await.1, json!({ "faults": [] }));
    assert_eq!(call(&router, "DELETE", "/_emulator/faults/9", "").await.0, 404);
    let request = Request::post("/_emulator/faults").header("origin", "https://evil.example");
    let request = request.body(Body::from(r#"{"kind":"error"}"#)).unwrap();
    assert_eq!(router.clone().oneshot(request).await.unwrap().status(), 403);
}

#[tokio::test]
async fn one_is_removed_by_its_id_and_all_at_once() {
    let (router, _) = service();
    let first = set(&router, json!({ "kind": "error", "status": 501 })).await;
    set(&router, json!({ "kind": "error", "status": 502 })).await;
    assert_eq!(call(&router, "GET", "/count", "").await.0, 501);
    let path = format!("/_emulator/faults/{}", first["id"]);
    assert_eq!(call(&router, "DELETE", &path, "").await, (StatusCode::OK, json!({ "removed": 1 })));
    assert_eq!(call(&router, "GET", "/count", "").await.0, 502);
    assert_eq!(call(&router, "DELETE", "/_emulator/faults", "").await.1, json!({ "removed": 1 }));
    assert_eq!(call(&router, "GET", "/count", "").await.0, 200);
}

#[tokio::test]
async fn who_leaves_while_held_leaves_the_place_to_the_next() {
    let (router, _) = service();
    set(&router, json!({ "kind": "reorder", "delay_ms": 10_000, "count": 2 })).await;
    let held = |router: &Router| {
        let router = router.clone();
        tokio::spawn(async move { call(&router, "GET", "/count", "").await.1 })
    };
    let left = held(&router);
    tokio::time::sleep(Duration::from_millis(50)).await;
    left.abort();
    let _ = left.await;
    // The last that the count allows is held, and overtaken, all the same.
    let stays = held(&router);
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert!(!stays.is_finished());
    assert_eq!(call(&router, "GET", "/count", "").await.1["number"], 1);
    assert_eq!(stays.await.unwrap()["number"], 2);
    assert_eq!(call(&router, "GET", "/_emulator/faults", "").await.1["faults"][0]["struck"], 2);
}

#[tokio::test]
async fn one_that_is_refused_overtakes_too() {
    let (router, _) = service();
    set(&router, json!({ "kind": "error", "match": { "contains": "refused" } })).await;
    set(&router, json!({ "kind": "reorder", "delay_ms": 10_000 })).await;
    let began = Instant::now();
    let held = {
        let router = router.clone();
        tokio::spawn(async move { call(&router, "GET", "/count", "").await.0 })
    };
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert_eq!(call(&router, "POST", "/count", "refused").await.0, 500);
    assert_eq!(held.await.unwrap(), 200);
    assert!(began.elapsed() < Duration::from_secs(5));
}

#[tokio::test]
async fn many_at_once_leave_no_word_behind_for_the_next_that_is_held() {
    let (router, _) = service();
    set(&router, json!({ "kind": "reorder", "delay_ms": 200 })).await;
    for _ in 0..5 {
        let calls = (0..20).map(|_| call(&router, "GET", "/count", ""));
        futures_util::future::join_all(calls).await;
        let began = Instant::now();
        call(&router, "GET", "/count", "").await;
        assert!(began.elapsed() >= Duration::from_millis(200), "{:?}", began.elapsed());
    }
}

#[tokio::test]
async fn what_is_late_goes_on_when_the_fault_is_removed() {
    let (router, _) = service();
    set(&router, json!({ "kind": "latency", "delay_ms": 600_000 })).await;
    set(&router, json!({ "kind": "latency", "delay_ms": 600_000 })).await;
    let late = {
        let router = router.clone();
        tokio::spawn(async move { call(&router, "GET", "/count", "").await.0 })
    };
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert!(!late.is_finished());
    call(&router, "DELETE", "/_emulator/faults", "").await;
    assert_eq!(tokio::time::timeout(Duration::from_secs(5), late).await.unwrap().unwrap(), 200);
}

#[tokio::test]
async fn what_is_late_and_loses_its_answer_is_carried_out_without_its_sender() {
    let (router, count) = service();
    set(&router, json!({ "kind": "latency", "delay_ms": 100 })).await;
    set(&router, json!({ "kind": "drop_answer" })).await;
    let sender = {
        let router = router.clone();
        tokio::spawn(async move { send(&router, "POST", "/count", "").await })
    };
    tokio::time::sleep(Duration::from_millis(30)).await;
    sender.abort();
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(count.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_stranger_sets_no_faults() {
    for (door, token, status) in [
        (Door::Closed, "Bearer a", 403),
        (Door::Token("a".to_owned()), "Bearer b", 401),
        (Door::Token("a".to_owned()), "a", 401),
        (Door::Token("a".to_owned()), "Bearer a", 201),
    ] {
        let router = in_front_of(Router::new(), Words::Upstash, door.clone());
        let request = Request::post("/_emulator/faults").header("authorization", token);
        let request = request.body(Body::from(r#"{"kind":"error"}"#)).unwrap();
        assert_eq!(router.oneshot(request).await.unwrap().status(), status, "{door:?} {token}");
    }
}
