//! Pub/sub and monitoring over server-sent events, on both back ends.

use std::time::Duration;

use axum::{Router, body::Body};
use futures_util::StreamExt as _;
use http::Request;
use makegood_cloud::Redis;
use serde_json::json;
use tower::ServiceExt as _;

use super::{TOKEN, post, server::Server};

struct Events(axum::body::BodyDataStream);

impl Events {
    async fn open(router: &Router, path: &str) -> Self {
        let request = Request::post(path).header("authorization", format!("Bearer {TOKEN}"));
        let response = router.clone().oneshot(request.body(Body::from("[]")).unwrap()).await.unwrap();
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        Self(response.into_body().into_data_stream())
    }

    async fn next(&mut self) -> String {
        let chunk = tokio::time::timeout(Duration::from_secs(5), self.0.next()).await.unwrap().unwrap().unwrap();
        String::from_utf8(chunk.to_vec()).unwrap()
    }
}

async fn publish(router: &Router, channel: &str, message: &str) -> i64 {
    post(router, "/", json!(["PUBLISH", channel, message])).await.1["result"].as_i64().unwrap()
}

async fn both(check: impl AsyncFn(Router)) {
    check(Redis::embedded().router(TOKEN)).await;
    if let Some(server) = Server::start() {
        check(Redis::connect(&server.url).await.unwrap().router(TOKEN)).await;
    }
}

#[tokio::test]
async fn messages_reach_those_who_subscribed_and_those_who_left_are_forgotten() {
    both(async |router| {
        let mut news = Events::open(&router, "/subscribe/news/today").await;
        let mut all = Events::open(&router, "/psubscribe/news*").await;
        assert_eq!(news.next().await, "data: subscribe,news/today,1\n\n");
        assert_eq!(all.next().await, "data: psubscribe,news*,1\n\n");
        assert_eq!(publish(&router, "news/today", "{\"a\":1,\"b\":2}").await, 2);
        assert_eq!(publish(&router, "elsewhere", "x").await, 0);
        assert_eq!(news.next().await, "data: message,news/today,{\"a\":1,\"b\":2}\n\n");
        assert_eq!(all.next().await, "data: pmessage,news*,news/today,{\"a\":1,\"b\":2}\n\n");
        drop(news);
        for _ in 0..100 {
            if publish(&router, "news/today", "again").await == 1 {
                assert!(all.next().await.ends_with(",again\n\n"));
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("who hung up is still counted");
    })
    .await;
}

#[tokio::test]
async fn a_monitor_sees_commands_and_what_scripts_do() {
    both(async |router| {
        let mut monitor = Events::open(&router, "/monitor").await;
        assert_eq!(monitor.next().await, "data: \"OK\"\n\n");
        post(&router, "/", json!(["SET", "k\n", "a \"b\" ä"])).await;
        let line = monitor.next().await;
        let (place, words) = line.split_once("] ").unwrap();
        assert!(place.starts_with("data: 1") && place.contains(" [0 127.0.0.1:"), "{line}");
        assert_eq!(words, "\"SET\" \"k\\n\" \"a \\\"b\\\" \\xc3\\xa4\"\n\n");
        post(&router, "/", json!(["EVAL", "return redis.call('GET', 'x')", 0])).await;
        assert!(monitor.next().await.contains("\"EVAL\""));
        assert!(monitor.next().await.ends_with("[0 lua] \"GET\" \"x\"\n\n"));
    })
    .await;
}
