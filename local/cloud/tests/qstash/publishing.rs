//! What the API accepts, refuses and remembers.

use axum::body::Body;
use http::Request;
use makegood_cloud::qstash::Options;
use serde_json::json;

use super::harness::*;

#[tokio::test]
async fn a_token_is_required_in_header_or_query() {
    let inbox = Inbox::new(|_, _| reply(200));
    let qstash = fast(&inbox, 1.0);
    for request in [
        Request::get("/v2/keys"),
        Request::get("/v2/keys").header("authorization", "Bearer wrong"),
        Request::get("/v2/keys?qstash_token=wrong"),
    ] {
        let (status, answer) = send(&qstash, request.body(Body::empty()).unwrap()).await;
        assert_eq!(status, 401);
        assert!(answer["error"].is_string());
    }
    let token = Options::default().token.replace('=', "%3D");
    let request = Request::post(format!("/v2/publish/http://h/p?a=1&qstash_token={token}"));
    let (status, _) = send(&qstash, request.body(Body::empty()).unwrap()).await;
    assert_eq!(status, 200);
    assert_eq!(inbox.wait(1).await[0].url, "http://h/p?a=1");
}

#[tokio::test]
async fn a_deduplication_id_holds_for_ten_minutes_even_after_delivery() {
    let inbox = Inbox::new(|_, _| reply(200));
    // Two of its minutes are one tenth of a second.
    let qstash = fast(&inbox, 1_200.0);
    let headers = [("upstash-deduplication-id", "saga:1:0")];
    let id = publish(&qstash, "http://h/p", &headers, "a").await;
    drained(&qstash).await;
    let (status, answer) = call(&qstash, "POST", "/v2/publish/http://h/q", &headers, "b").await;
    assert_eq!(status, 202);
    assert_eq!(answer, json!({"messageId": id, "deduplicated": true}));
    tokio::time::sleep(std::time::Duration::from_millis(520)).await;
    assert_ne!(publish(&qstash, "http://h/p", &headers, "a").await, id);
}

#[tokio::test]
async fn content_based_deduplication_compares_destination_body_and_headers() {
    let inbox = Inbox::new(|_, _| reply(200));
    let qstash = fast(&inbox, 1.0);
    let same = [("upstash-content-based-deduplication", "true"), ("upstash-forward-a", "1")];
    let other = [("upstash-content-based-deduplication", "true"), ("upstash-forward-a", "2")];
    publish(&qstash, "http://h/p", &same, "body").await;
    assert_eq!(call(&qstash, "POST", "/v2/publish/http://h/p", &same, "body").await.0, 202);
    for (url, headers, body) in
        [("http://h/p", &same, "else"), ("http://h/q", &same, "body"), ("http://h/p", &other, "body")]
    {
        publish(&qstash, url, headers, body).await;
    }
    drained(&qstash).await;
    assert_eq!(inbox.seen().len(), 4);
}

#[tokio::test]
async fn a_batch_is_accepted_whole_and_in_order_or_not_at_all() {
    let inbox = Inbox::new(|_, _| reply(200));
    let qstash = fast(&inbox, 1.0);
    let good = json!([
        {"destination": "http://h/1", "body": "text", "headers": {"Upstash-Deduplication-Id": "d"}},
        {"destination": "http://h/2", "body": {"an": "object"}, "queue": "q"},
        {"destination": "http://h/3", "headers": {"Upstash-Deduplication-Id": "d"}},
    ]);
    let (status, answer) = call(&qstash, "POST", "/v2/batch", &[], good.to_string()).await;
    assert_eq!(status, 200);
    assert_eq!(answer[2], json!({"messageId": answer[0]["messageId"], "deduplicated": true}));
    drained(&qstash).await;
    assert_eq!(inbox.to("http://h/2")[0].body, r#"{"an":"object"}"#);
    assert_eq!(inbox.seen().len(), 2);

    let bad = json!([{"destination": "http://h/4"}, {"destination": "ftp://nowhere"}]);
    assert_eq!(call(&qstash, "POST", "/v2/batch", &[], bad.to_string()).await.0, 400);
    assert_eq!(call(&qstash, "POST", "/v2/batch", &[], "{").await.0, 400);
    assert_eq!(qstash.depth(), 0);
    assert!(inbox.to("http://h/4").is_empty());
}

#[tokio::test]
async fn what_is_malformed_or_too_large_is_refused_and_leaves_nothing() {
    let inbox = Inbox::new(|_, _| reply(200));
    let qstash = fast(&inbox, 1.0);
    let to = "/v2/publish/http://h/p";
    for (path, header, expected) in [
        ("/v2/publish/ftp://h/", ("x-a", ""), 400),
        ("/v2/publish/group", ("x-a", ""), 404),
        (to, ("upstash-delay", "soon"), 400),
        (to, ("upstash-retry-delay", "pow(2"), 400),
        ("/v2/enqueue/bad%20name/http://h/p", ("x-a", ""), 400),
        ("/v2/schedules/http://h/p", ("upstash-cron", "* * *"), 400),
        ("/v2/schedules/http://h/p", ("x-a", ""), 400),
        ("/v2/topics/t/endpoints", ("x-a", ""), 400),
        ("/v2/trigger/http://h/p", ("x-a", ""), 404),
        ("/v3/publish", ("x-a", ""), 404),
    ] {
        let (status, answer) = call(&qstash, "POST", path, &[header], "").await;
        assert_eq!(status, expected, "{path} {header:?}");
        assert!(answer["error"].is_string());
    }
    let (status, _) = call(&qstash, "POST", to, &[], vec![0_u8; (1 << 20) + 1]).await;
    assert_eq!(status, 413);
    assert_eq!(qstash.depth(), 0);
    assert!(inbox.seen().is_empty());
}

#[tokio::test]
async fn a_waiting_message_can_be_seen_and_cancelled() {
    let inbox = Inbox::new(|_, _| reply(200));
    let qstash = fast(&inbox, 1.0);
    let id = publish(&qstash, "http://h/p", &[("upstash-delay", "1h")], "b").await;
    let path = format!("/v2/messages/{id}");
    let message = get(&qstash, &path).await;
    assert_eq!((&message["url"], &message["body"]), (&json!("http://h/p"), &json!("b")));
    let (status, answer) = call(&qstash, "DELETE", &path, &[], "").await;
    assert_eq!((status.as_u16(), answer), (200, json!({"cancelled": 1})));
    assert_eq!(call(&qstash, "GET", &path, &[], "").await.0, 404);
    assert_eq!(call(&qstash, "DELETE", &path, &[], "").await.0, 404);
    assert_eq!(qstash.depth(), 0);
}

#[tokio::test]
async fn a_groups_publish_in_which_nothing_is_new_is_answered_as_a_duplicate() {
    let inbox = Inbox::new(|_, _| reply(200));
    let qstash = fast(&inbox, 1.0);
    let add = async |url: &str| {
        let endpoints = json!({"endpoints": [{"url": url}]}).to_string();
        assert_eq!(call(&qstash, "POST", "/v2/topics/g/endpoints", &[], endpoints).await.0, 200);
    };
    let dedup = [("upstash-deduplication-id", "d")];
    let publish = async || call(&qstash, "POST", "/v2/publish/g", &dedup, "").await;
    add("http://h/1").await;
    assert_eq!(publish().await.0, 200);
    assert_eq!(publish().await.0, 202);
    add("http://h/2").await;
    let (status, told) = publish().await;
    assert_eq!((status.as_u16(), &told[0]["deduplicated"]), (200, &json!(true)), "the second is new");
}

#[tokio::test]
async fn names_have_a_longest_length() {
    let inbox = Inbox::new(|_, _| reply(200));
    let qstash = fast(&inbox, 1.0);
    let [fits, long] = [256, 257].map(|length| "n".repeat(length));
    for (name, expected) in [(&fits, 200), (&long, 400)] {
        let endpoints = json!({"endpoints": [{"url": "http://h/1", "name": name}]}).to_string();
        for (path, headers, body) in [
            (format!("/v2/enqueue/{name}/http://h/p"), vec![], ""),
            (format!("/v2/topics/{name}/endpoints"), vec![], endpoints.as_str()),
            ("/v2/topics/g/endpoints".to_owned(), vec![], endpoints.as_str()),
            (
                "/v2/schedules/http://h/p".to_owned(),
                vec![("upstash-cron", "0 0 1 1 *"), ("upstash-schedule-id", name)],
                "",
            ),
            (
                "/v2/publish/http://h/p".to_owned(),
                vec![("upstash-flow-control-key", name.as_str()), ("upstash-flow-control-value", "rate=1")],
                "",
            ),
            (format!("/v2/flowControl/{name}/pause"), vec![], ""),
        ] {
            let (status, told) = call(&qstash, "POST", &path, &headers, body.to_owned()).await;
            assert_eq!(status, expected, "{path} {told}");
        }
    }
    let odd = [("upstash-cron", "0 0 1 1 *"), ("upstash-schedule-id", "a/b")];
    assert_eq!(call(&qstash, "POST", "/v2/schedules/http://h/p", &odd, "").await.0, 400);
}

#[tokio::test]
async fn what_is_redacted_is_delivered_and_not_shown() {
    let inbox = Inbox::new(|_, _| reply(500));
    let qstash = fast(&inbox, 1.0);
    let headers = [
        ("upstash-redact-fields", "body,header[X-Key]"),
        ("upstash-forward-x-key", "secret"),
        ("upstash-forward-x-open", "seen"),
        ("upstash-retries", "0"),
    ];
    publish(&qstash, "http://h/p", &headers, "secret").await;
    drained(&qstash).await;
    let seen = inbox.to("http://h/p").remove(0);
    assert_eq!((seen.header("x-key"), &seen.body[..]), ("secret", &b"secret"[..]));
    let hash = "REDACTED:2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b";
    let letter = get(&qstash, "/v2/dlq").await["messages"][0].take();
    assert_eq!((&letter["body"], &letter["header"]["X-Key"][0]), (&json!(hash), &json!(hash)));
    assert_eq!(letter["header"]["X-Open"][0], "seen");
    for path in ["/v2/events", "/v2/dlq"] {
        let told = get(&qstash, path).await.to_string();
        assert!(!told.contains("\"secret\"") && !told.contains("c2VjcmV0\""), "{path} {told}");
    }
    let wrong = [("upstash-redact-fields", "bdy")];
    assert_eq!(call(&qstash, "POST", "/v2/publish/http://h/p", &wrong, "").await.0, 400);
}
