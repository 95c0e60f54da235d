//! The script of tools' rates, on the embedded engine and on a real Redis.

use std::num::NonZeroU32;
use std::time::{Duration, Instant};

use axum::Router;
use makegood_cloud::Redis;
use makegood_core::time::Millis;
use makegood_core::tool::Rate;
use makegood_gateway::rate::{Who, told, words};
use makegood_gateway::redis::is_unknown;
use serde_json::json;

use super::{TOKEN, post, server::Server};

async fn routers(server: Option<&Server>) -> Vec<Router> {
    let mut routers = vec![Redis::embedded().router(TOKEN)];
    if let Some(server) = server {
        routers.push(Redis::connect(&server.url).await.unwrap().router(TOKEN));
    }
    routers
}

/// Asks as the functions do.
async fn ask(router: &Router, tool: &str, rate: Rate, who: Who) -> Millis {
    let (_, mut answer) = post(router, "/", json!(words(tool, rate, who, false))).await;
    if answer["error"].as_str().is_some_and(is_unknown) {
        answer = post(router, "/", json!(words(tool, rate, who, true))).await.1;
    }
    told(&answer["result"]).unwrap_or_else(|| panic!("{answer}"))
}

fn rate(calls: u32, per_ms: u64) -> Rate {
    Rate { calls: NonZeroU32::new(calls).unwrap(), per_ms: Millis(per_ms) }
}

#[tokio::test]
async fn so_many_leave_and_the_others_are_sent_away_one_behind_the_other() {
    let server = Server::start();
    for router in routers(server.as_ref()).await {
        let three = rate(3, 60_000);
        for _ in 0..3 {
            assert_eq!(ask(&router, "book", three, Who::First).await, Millis(0));
        }
        let mut last = Millis(0);
        for place in 0..5 {
            let wait = ask(&router, "book", three, Who::First).await;
            assert!(wait > last && wait > Millis(50_000 + place * 20_000), "{place}: {wait}");
            assert!(wait <= Millis(60_000 + place * 20_000), "{place}: {wait}");
            last = wait;
        }
        assert!(ask(&router, "book", three, Who::Again).await > last, "who comes back too early goes to the end");
        assert_eq!(ask(&router, "cancel", three, Who::First).await, Millis(0), "another tool is another count");
    }
}

#[tokio::test]
async fn an_undo_leaves_all_the_same_and_counts() {
    let server = Server::start();
    for router in routers(server.as_ref()).await {
        let one = rate(1, 60_000);
        for _ in 0..3 {
            assert_eq!(ask(&router, "undone", one, Who::Anyway).await, Millis(0));
        }
        assert!(ask(&router, "undone", one, Who::First).await > Millis(50_000));
    }
}

#[tokio::test]
async fn versions_of_other_rates_forget_nothing_of_each_other() {
    let server = Server::start();
    for router in routers(server.as_ref()).await {
        let (seldom, often) = (rate(3, 60_000), rate(1, 1_000));
        for _ in 0..2 {
            assert_eq!(ask(&router, "both", seldom, Who::First).await, Millis(0));
        }
        assert_eq!(ask(&router, "both", often, Who::Anyway).await, Millis(0));
        let wait = ask(&router, "both", seldom, Who::First).await;
        assert!(wait > Millis(50_000), "three have left in this minute: {wait}");
        let (_, left) = post(&router, "/", json!(["PTTL", "makegood:rate:both"])).await;
        assert!(left["result"].as_u64() > Some(50_000), "they are remembered for the longer span: {left}");
    }
}

#[tokio::test]
async fn when_the_span_is_over_those_who_were_sent_away_go_before_newcomers() {
    let server = Server::start();
    for router in routers(server.as_ref()).await {
        let (span, began) = (1_500, Instant::now());
        let two = rate(2, span);
        for _ in 0..2 {
            assert_eq!(ask(&router, "line", two, Who::First).await, Millis(0));
        }
        let waits = [ask(&router, "line", two, Who::First).await, ask(&router, "line", two, Who::First).await];
        assert!(waits.iter().all(|wait| *wait > Millis(0)), "{waits:?}");
        let mut asked = 0;
        while ask(&router, "line", two, Who::Again).await > Millis(0) {
            asked += 1;
            assert!(began.elapsed() < Duration::from_secs(30), "nobody leaves any more, after {asked} questions");
        }
        // Redis counts in whole milliseconds of a clock that is set right now and then; this one is not.
        assert!(began.elapsed() >= Duration::from_millis(span - 20), "no more than two in any span");
        assert!(ask(&router, "line", two, Who::First).await > Millis(0), "others have waited longer");
    }
}
