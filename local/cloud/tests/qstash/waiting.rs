//! Messages that must wait: for their time, their queue, their flow key.

use std::{
    sync::atomic::Ordering,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use makegood_cloud::{Clock, qstash::Options};
use serde_json::json;

use super::harness::*;

#[tokio::test]
async fn nothing_is_delivered_before_start() {
    let inbox = Inbox::new(|_, _| reply(200));
    let qstash = open(&inbox, Default::default());
    publish(&qstash, "http://h/p", &[], "").await;
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert!(inbox.seen().is_empty());
    qstash.start();
    inbox.wait(1).await;
}

#[tokio::test]
async fn not_before_beats_delay_and_is_never_early() {
    let inbox = Inbox::new(|_, _| reply(200));
    let qstash = fast(&inbox, 1.0);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let at = now.as_secs() + 2;
    let headers = [("upstash-not-before", at.to_string()), ("upstash-delay", "1h".to_owned())];
    let headers: Vec<(&str, &str)> = headers.iter().map(|(n, v)| (*n, v.as_str())).collect();
    publish(&qstash, "http://h/p", &headers, "").await;
    inbox.wait(1).await;
    let came = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    assert!(came >= Duration::from_secs(at) && came < Duration::from_millis(at * 1000 + 300));
}

#[tokio::test]
async fn an_earlier_message_overtakes_the_sleeping_timer() {
    let inbox = Inbox::new(|_, _| reply(200));
    let qstash = fast(&inbox, 10.0);
    publish(&qstash, "http://h/late", &[("upstash-delay", "1h")], "").await;
    publish(&qstash, "http://h/soon", &[("upstash-delay", "1s")], "").await;
    assert_eq!(inbox.wait(1).await[0].url, "http://h/soon");
}

#[tokio::test]
async fn where_time_is_skipped_days_pass_at_once_and_a_schedule_does_not_make_up_for_them() {
    let inbox = Inbox::new(|_, _| reply(200));
    let clock = Clock::real();
    let qstash = open(&inbox, Options { clock: clock.clone(), skip_time: true, ..Options::default() });
    qstash.start();
    let every_minute = [("upstash-cron", "* * * * *")];
    call(&qstash, "POST", "/v2/schedules/http://h/minute", &every_minute, "").await;
    let began = clock.now();
    for (url, delay) in [("http://h/6", "6d"), ("http://h/2", "2d")] {
        publish(&qstash, url, &[("upstash-delay", delay)], "").await;
    }
    drained(&qstash).await;
    let days: Vec<_> = inbox.seen().into_iter().map(|seen| seen.url).filter(|url| url != "http://h/minute").collect();
    assert_eq!(days, ["http://h/2", "http://h/6"]);
    assert!(clock.now() >= began + 6 * 86_400_000);
    assert!(inbox.to("http://h/minute").len() <= 4, "once for each time that was skipped");
}

#[tokio::test]
async fn a_queue_delivers_in_order_and_waits_for_retries_and_callbacks_of_its_head() {
    let inbox = Inbox::new(|seen, n| reply(if seen.url == "http://h/1" && n == 0 { 500 } else { 200 }).after(20));
    let qstash = fast(&inbox, 1_000.0);
    for i in 1..=3 {
        let path = format!("/v2/enqueue/q/http://h/{i}");
        call(&qstash, "POST", &path, &[("upstash-callback", "http://h/cb")], "").await;
    }
    assert_eq!(get(&qstash, "/v2/queues/q").await["lag"], 3);
    drained(&qstash).await;
    assert_eq!(inbox.seen().len(), 8);
    let order: Vec<String> = inbox.seen().into_iter().map(|seen| seen.url).collect();
    let first = |url: &str| order.iter().position(|u| u == url).unwrap();
    assert_eq!(order.iter().rposition(|u| u == "http://h/1").unwrap() + 1, first("http://h/2") - 1);
    assert_eq!(order[first("http://h/2") + 1..], ["http://h/cb", "http://h/3", "http://h/cb"]);
    assert_eq!(get(&qstash, "/v2/queues/q").await["lag"], 0);
}

#[tokio::test]
async fn a_queues_parallelism_is_honoured_and_a_paused_queue_stands_still() {
    let inbox = Inbox::new(|_, _| reply(200).after(30));
    let qstash = fast(&inbox, 1.0);
    let queue = json!({"queueName": "q", "parallelism": 3, "paused": true});
    call(&qstash, "POST", "/v2/queues", &[], queue.to_string()).await;
    for i in 0..9 {
        call(&qstash, "POST", &format!("/v2/enqueue/q/http://h/{i}"), &[], "").await;
    }
    tokio::time::sleep(Duration::from_millis(40)).await;
    assert!(inbox.seen().is_empty());
    call(&qstash, "POST", "/v2/queues/q/resume", &[], "").await;
    drained(&qstash).await;
    assert_eq!(inbox.seen().len(), 9);
    assert_eq!(inbox.most_inside.load(Ordering::SeqCst), 3);
}

#[tokio::test]
async fn flow_control_limits_parallelism_and_rate_across_messages_of_a_key() {
    let inbox = Inbox::new(|_, _| reply(200).after(20));
    let qstash = fast(&inbox, 1.0);
    let wide = [("upstash-flow-control-key", "a"), ("upstash-flow-control-value", "parallelism=2")];
    for i in 0..6 {
        publish(&qstash, &format!("http://h/{i}"), &wide, "").await;
    }
    drained(&qstash).await;
    assert_eq!(inbox.most_inside.load(Ordering::SeqCst), 2);

    let slow = [("upstash-flow-control-key", "b"), ("upstash-flow-control-value", "rate=2, period=1s")];
    for _ in 0..3 {
        publish(&qstash, "http://h/rate", &slow, "").await;
    }
    inbox.wait(9).await;
    let seen = inbox.to("http://h/rate");
    assert!(seen[1].at - seen[0].at < Duration::from_millis(300));
    assert!(seen[2].at - seen[0].at >= Duration::from_millis(990));
}

#[tokio::test]
async fn a_schedule_fires_every_minute_until_it_is_deleted() {
    let inbox = Inbox::new(|_, _| reply(200));
    // A minute takes a tenth of a second.
    let qstash = fast(&inbox, 600.0);
    let headers = [("upstash-cron", "* * * * *"), ("upstash-schedule-id", "sweep")];
    let (_, answer) = call(&qstash, "POST", "/v2/schedules/http://h/sweep?x=1", &headers, "b").await;
    assert_eq!(answer, json!({"scheduleId": "sweep"}));
    let schedule = get(&qstash, "/v2/schedules/sweep").await;
    assert_eq!((&schedule["destination"], &schedule["cron"]), (&json!("http://h/sweep?x=1"), &json!("* * * * *")));
    // Overwriting under the same id must not double the firings.
    call(&qstash, "POST", "/v2/schedules/http://h/sweep?x=1", &headers, "b").await;
    let seen = inbox.wait(3).await;
    let apart = seen[2].at - seen[0].at;
    assert!(apart > Duration::from_millis(150) && apart < Duration::from_millis(320), "{apart:?}");
    assert_eq!(seen[0].header("upstash-schedule-id"), "sweep");
    call(&qstash, "DELETE", "/v2/schedules/sweep", &[], "").await;
    let count = inbox.seen().len();
    tokio::time::sleep(Duration::from_millis(250)).await;
    assert!(inbox.seen().len() <= count + 1);
    assert_eq!(get(&qstash, "/v2/schedules").await, json!([]));
}

#[tokio::test]
async fn a_paused_schedule_lets_its_times_pass_until_it_is_resumed() {
    let inbox = Inbox::new(|_, _| reply(200));
    let qstash = fast(&inbox, 600.0);
    let headers = [("upstash-cron", "* * * * *"), ("upstash-schedule-id", "s")];
    call(&qstash, "POST", "/v2/schedules/http://h/s", &headers, "").await;
    let first = inbox.wait(1).await[0].header("upstash-message-id").to_owned();
    for method in ["POST", "PATCH"] {
        assert_eq!(call(&qstash, method, "/v2/schedules/s/pause", &[], "").await.0, 200);
        assert_eq!(get(&qstash, "/v2/schedules/s").await["isPaused"], true);
        drained(&qstash).await;
        let count = inbox.seen().len();
        tokio::time::sleep(Duration::from_millis(250)).await;
        assert_eq!(inbox.seen().len(), count);
        assert_eq!(call(&qstash, method, "/v2/schedules/s/resume", &[], "").await.0, 200);
        let seen = inbox.wait(count + 1).await;
        assert_ne!(seen[count].header("upstash-message-id"), first, "every firing is a message of its own");
    }
    call(&qstash, "POST", "/v2/schedules/s/pause", &[], "").await;
    call(&qstash, "POST", "/v2/schedules/http://h/s", &headers, "").await;
    assert_eq!(get(&qstash, "/v2/schedules/s").await["isPaused"], false, "it was overwritten whole");
    for (method, path) in [("POST", "/v2/schedules/t/pause"), ("GET", "/v2/schedules/t"), ("DELETE", "/v2/schedules/t")]
    {
        assert_eq!(call(&qstash, method, path, &[], "").await.0, 404, "{method} {path}");
    }
}

#[tokio::test]
async fn the_attempts_of_one_firing_carry_one_message_id() {
    let inbox = Inbox::new(|_, n| reply(if n < 2 { 503 } else { 200 }));
    let qstash = fast(&inbox, 600.0);
    let headers = [("upstash-cron", "* * * * *"), ("upstash-schedule-id", "s"), ("upstash-retry-delay", "1000")];
    call(&qstash, "POST", "/v2/schedules/http://h/s", &headers, "").await;
    let seen = inbox.wait(3).await;
    let ids: Vec<&str> = seen.iter().take(3).map(|seen| seen.header("upstash-message-id")).collect();
    assert!(ids[0] == ids[1] && ids[1] == ids[2], "{ids:?}");
    assert_eq!([seen[0].header("upstash-retried"), seen[2].header("upstash-retried")], ["0", "2"]);
}

#[tokio::test]
async fn time_in_which_nothing_is_due_is_skipped_and_a_schedule_fires_once_for_it() {
    let inbox = Inbox::new(|_, _| reply(200).after(20));
    let qstash = open(&inbox, Options { skip_time: true, ..Options::default() });
    qstash.start();
    call(&qstash, "POST", "/v2/schedules/http://h/s", &[("upstash-cron", "* * * * *")], "").await;
    publish(&qstash, "http://h/soon", &[], "").await;
    for url in ["http://h/1", "http://h/2"] {
        publish(&qstash, url, &[("upstash-delay", "6h")], "").await;
    }
    // Twice, from idleness and from the end of a delivery.
    inbox.wait(4).await;
    publish(&qstash, "http://h/3", &[("upstash-delay", "6h")], "").await;
    inbox.wait(6).await;
    drained(&qstash).await;
    let scheduled = inbox.to("http://h/s").len();
    assert!((2..=3).contains(&scheduled), "{scheduled}; a whole minute may have begun meanwhile");
    for url in ["http://h/soon", "http://h/1", "http://h/2", "http://h/3"] {
        assert_eq!(inbox.to(url).len(), 1, "{url}");
    }
}

#[tokio::test]
async fn time_that_is_put_forward_brings_back_offs_and_delays_at_once_and_messages_carry_it() {
    let inbox = Inbox::new(|seen, n| reply(if seen.url == "http://h/flaky" && n < 2 { 500 } else { 200 }));
    let qstash = fast(&inbox, 1.0);
    let real = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    publish(&qstash, "http://h/flaky", &[], "").await;
    publish(&qstash, "http://h/tomorrow", &[("upstash-delay", "1d")], "").await;
    let advance = async |by: &str| {
        let body = json!({"advance": by}).to_string();
        call(&qstash, "POST", "/v2/_emulator/clock", &[], body).await
    };
    // The delays before the first and the second retry, and then what is left of the day.
    for (by, seen) in [("12s", 2), ("2m28s", 3), ("23h57m20s", 4)] {
        inbox.wait(seen - 1).await;
        // An attempt's end is noted a moment after the attempt has been seen.
        tokio::time::sleep(Duration::from_millis(50)).await;
        assert_eq!(inbox.seen().len(), seen - 1);
        assert_eq!(advance(by).await.0, 200);
        inbox.wait(seen).await;
    }
    drained(&qstash).await;
    let told = get(&qstash, "/v2/_emulator/clock").await;
    assert_eq!(told["ahead"], 86_400_000);
    let id = publish(&qstash, "http://h/held", &[("upstash-delay", "1h")], "").await;
    let created = get(&qstash, &format!("/v2/messages/{id}")).await["createdAt"].as_u64().unwrap() / 1000;
    assert!((real + 86_400..real + 86_410).contains(&created), "{created}");
    // Whoever checks the signature goes by real time.
    let signature = inbox.to("http://h/tomorrow")[0].header("upstash-signature").to_owned();
    let claims = URL_SAFE_NO_PAD.decode(signature.split('.').nth(1).unwrap()).unwrap();
    let issued = serde_json::from_slice::<serde_json::Value>(&claims).unwrap()["iat"].as_u64().unwrap();
    assert!((real..real + 10).contains(&issued), "{issued}");

    for bad in ["", "10", "-1s", "400d"] {
        assert_eq!(advance(bad).await.0, 400, "{bad}");
    }
    assert_eq!(call(&qstash, "POST", "/v2/_emulator/clock", &[], r#"{"speed": 60}"#).await.0, 400);
}
