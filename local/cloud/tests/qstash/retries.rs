//! Failures: back-off, final answers, dead letters.

use serde_json::{Value, json};

use super::harness::*;

/// Seconds on QStash's clock between consecutive requests.
fn gaps(seen: &[Seen], scale: f64) -> Vec<f64> {
    let gap = |pair: &[Seen]| (pair[1].at - pair[0].at).as_secs_f64() * scale;
    seen.windows(2).map(gap).collect()
}

/// Never early, and at most 80 ms of real time late.
fn assert_waits(seen: &[Seen], scale: f64, expected: &[f64]) {
    let gaps = gaps(seen, scale);
    assert_eq!(gaps.len(), expected.len(), "{gaps:?}");
    for (gap, expected) in gaps.iter().zip(expected) {
        let late = gap - expected;
        assert!(late > -0.01 * scale && late < 0.08 * scale, "{gaps:?} for {expected}");
    }
}

#[tokio::test]
async fn the_first_retry_comes_after_twelve_seconds_then_much_later() {
    let inbox = Inbox::new(|_, n| reply(if n < 2 { 500 } else { 204 }));
    let qstash = fast(&inbox, 400.0);
    let id = publish(&qstash, "http://h/p", &[], "same").await;
    let seen = inbox.wait(3).await;
    assert_waits(&seen, 400.0, &[12.18, 148.4]);
    for (i, seen) in seen.iter().enumerate() {
        assert_eq!(seen.header("upstash-retried"), i.to_string());
        assert_eq!(seen.header("upstash-message-id"), id);
        assert_eq!(seen.body, "same");
    }
    drained(&qstash).await;
}

#[tokio::test]
async fn a_retry_delay_expression_replaces_the_backoff() {
    let inbox = Inbox::new(|_, _| reply(500));
    let qstash = fast(&inbox, 50.0);
    let headers = [("upstash-retry-delay", "1000 * (1 + retried) * 5"), ("upstash-retries", "2")];
    publish(&qstash, "http://h/p", &headers, "").await;
    drained(&qstash).await;
    assert_waits(&inbox.seen(), 50.0, &[5.0, 10.0]);
}

#[tokio::test]
async fn retry_after_overrules_the_publisher() {
    let inbox = Inbox::new(|_, _| reply(429).with("retry-after", 20));
    let qstash = fast(&inbox, 100.0);
    let headers = [("upstash-retry-delay", "1"), ("upstash-retries", "1")];
    publish(&qstash, "http://h/p", &headers, "").await;
    drained(&qstash).await;
    assert_waits(&inbox.seen(), 100.0, &[20.0]);
}

#[tokio::test]
async fn only_489_with_its_header_ends_the_retries() {
    let plain = Inbox::new(|_, _| reply(489));
    let qstash = fast(&plain, 1e6);
    publish(&qstash, "http://h/p", &[("upstash-retries", "1")], "").await;
    drained(&qstash).await;
    assert_eq!(plain.seen().len(), 2);

    let last = Inbox::new(|_, _| reply(489).with("upstash-nonretryable-error", true));
    let qstash = fast(&last, 1e6);
    publish(&qstash, "http://h/p", &[], "").await;
    drained(&qstash).await;
    assert_eq!(last.seen().len(), 1);
    let dlq = get(&qstash, "/v2/dlq").await;
    assert_eq!(dlq["messages"][0]["responseStatus"], 489);
}

#[tokio::test]
async fn redirects_refused_connections_and_time_outs_are_failures() {
    for (answer, error) in [
        (reply(302).with("location", "http://h/else"), None),
        (reply(0), Some("connection refused")),
        (reply(200).after(1_500), Some("no answer within 1s")),
    ] {
        let inbox = Inbox::new(move |_, _| answer.clone());
        let qstash = fast(&inbox, 1.0);
        let headers = [("upstash-retries", "0"), ("upstash-timeout", "1s")];
        publish(&qstash, "http://h/p", &headers, "").await;
        drained(&qstash).await;
        let dlq = get(&qstash, "/v2/dlq").await;
        assert_eq!(dlq["messages"].as_array().unwrap().len(), 1);
        assert_eq!(dlq["messages"][0]["error"].as_str(), error);
    }
}

#[tokio::test]
async fn exhausted_messages_die_tell_the_failure_callback_and_can_be_retried() {
    let inbox = Inbox::new(|seen, n| reply(if seen.url.ends_with("/p") && n < 2 { 500 } else { 200 }));
    let qstash = fast(&inbox, 1e5);
    let headers = [("upstash-retries", "1"), ("upstash-failure-callback", "http://h/failed")];
    publish(&qstash, "http://h/p", &headers, "work").await;
    drained(&qstash).await;

    let dlq = get(&qstash, "/v2/dlq").await;
    assert_eq!(dlq["cursor"], "");
    let letter = &dlq["messages"][0];
    let dlq_id = letter["dlqId"].as_str().unwrap();
    assert_eq!(letter["body"], "work");
    assert_eq!(letter["responseBody"], "answer");
    let reports = inbox.to("http://h/failed");
    assert_eq!(reports.len(), 1);
    let report: Value = serde_json::from_slice(&reports[0].body).unwrap();
    assert_eq!(report["dlqId"], dlq_id);
    assert_eq!((&report["status"], &report["retried"]), (&json!(500), &json!(1)));

    let path = format!("/v2/dlq/retry?dlqIds={dlq_id}");
    let (status, answer) = call(&qstash, "POST", &path, &[], "").await;
    assert_eq!(status, 201);
    let revived = answer["responses"][0]["messageId"].as_str().unwrap();
    drained(&qstash).await;
    let last = inbox.to("http://h/p").pop().unwrap();
    assert_eq!(last.header("upstash-message-id"), revived);
    assert_eq!((last.header("upstash-retried"), &last.body[..]), ("0", &b"work"[..]));
    assert_eq!(get(&qstash, "/v2/dlq").await["messages"], json!([]));
    let (status, _) = call(&qstash, "GET", &format!("/v2/dlq/{dlq_id}"), &[], "").await;
    assert_eq!(status, 404);
}

#[tokio::test]
async fn a_dead_letter_can_be_deleted() {
    let inbox = Inbox::new(|_, _| reply(500));
    let qstash = fast(&inbox, 1.0);
    publish(&qstash, "http://h/p", &[("upstash-retries", "0")], "").await;
    drained(&qstash).await;
    let dlq = get(&qstash, "/v2/dlq").await;
    let path = format!("/v2/dlq/{}", dlq["messages"][0]["dlqId"].as_str().unwrap());
    assert_eq!(call(&qstash, "DELETE", &path, &[], "").await.0, 200);
    assert_eq!(call(&qstash, "DELETE", &path, &[], "").await.0, 404);
}

#[tokio::test]
async fn who_retries_page_by_page_meets_no_letter_that_came_back_meanwhile() {
    let inbox = Inbox::new(|_, _| reply(500));
    let qstash = fast(&inbox, 1.0);
    for n in 0..5 {
        publish(&qstash, &format!("http://h/{n}"), &[("upstash-retries", "0")], "").await;
    }
    drained(&qstash).await;
    let (mut cursor, mut retried) = (String::new(), 0);
    for _ in 0..3 {
        let path = format!("/v2/dlq/retry?count=2{cursor}");
        let (_, told) = call(&qstash, "POST", &path, &[], "").await;
        retried += told["responses"].as_array().unwrap().len();
        // All of them have died once more before the next page is asked for.
        drained(&qstash).await;
        cursor = format!("&cursor={}", told["cursor"].as_str().unwrap());
    }
    assert_eq!((retried, cursor.as_str()), (5, "&cursor="));
    assert_eq!(inbox.seen().len(), 10);
    assert_eq!(call(&qstash, "GET", "/v2/dlq?cursor=there", &[], "").await.0, 400);
}

#[tokio::test]
async fn a_filter_that_the_service_does_not_know_there_is_refused() {
    let inbox = Inbox::new(|_, _| reply(500));
    let qstash = fast(&inbox, 1.0);
    publish(&qstash, "http://h/p", &[("upstash-retries", "0")], "").await;
    drained(&qstash).await;
    for (method, path) in [
        ("GET", "/v2/dlq?host=h"),
        ("DELETE", "/v2/dlq?path=/p"),
        ("DELETE", "/v2/dlq?messageIds=m"),
        ("POST", "/v2/dlq/retry?host=h"),
        ("POST", "/v2/dlq/retry?state=FAILED"),
        ("DELETE", "/v2/messages?messageId=m"),
        ("DELETE", "/v2/messages?responseStatus=500"),
    ] {
        assert_eq!(call(&qstash, method, path, &[], "").await.0, 400, "{method} {path}");
    }
    assert_eq!(get(&qstash, "/v2/dlq").await["messages"].as_array().unwrap().len(), 1);
    // Whoever names letters says all; the rest is not looked at.
    let named = get(&qstash, "/v2/dlq?dlqIds=dlq_none&url=http://h/p").await;
    assert_eq!(named["messages"], json!([]));
}
