//! QStash: each message that was acknowledged comes, at least once.

use std::collections::HashSet;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::State;
use axum::routing::post;

use super::{CLIENTS, Emulator, answer, kills};

type Inbox = Arc<Mutex<HashSet<String>>>;

/// Where messages are delivered to; its address.
async fn receiver(inbox: Inbox) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let take = async |State(inbox): State<Inbox>, body: String| {
        inbox.lock().unwrap().insert(body);
    };
    let router = Router::new().route("/", post(take)).with_state(inbox);
    tokio::spawn(async { axum::serve(listener, router).await.unwrap() });
    address
}

/// Publishes one message after the other until there is no answer; those that were acknowledged.
async fn publish(url: String, token: String, name: String) -> Vec<String> {
    let client = reqwest::Client::new();
    let mut acknowledged = Vec::new();
    for n in 0.. {
        let body = format!("{name}, {n}");
        // Some are still waiting when it dies.
        let delay = if n % 3 == 0 { "1s" } else { "0s" };
        let request = client.post(&url).bearer_auth(&token).header("upstash-delay", delay).body(body.clone());
        let Some(answer) = answer(request).await else { break };
        assert!(answer["messageId"].is_string(), "{answer}");
        acknowledged.push(body);
    }
    acknowledged
}

#[tokio::test]
async fn every_acknowledged_message_is_delivered_after_kill_9() {
    let inbox = Inbox::default();
    let target = receiver(inbox.clone()).await;
    let mut emulator = Emulator::start("qstash");
    let mut acknowledged = Vec::new();
    for kill in 1..=kills() {
        let (url, token) = (emulator.variables["QSTASH_URL"].clone(), emulator.variables["QSTASH_TOKEN"].clone());
        let clients = (0..CLIENTS)
            .map(|client| publish(format!("{url}/v2/publish/{target}"), token.clone(), format!("{kill}, {client}")));
        acknowledged.extend(emulator.killed_under(clients).await.concat());
        emulator.restart();
        eprintln!("kill {kill}: {} messages acknowledged", acknowledged.len());
    }
    assert!(!acknowledged.is_empty(), "nothing was acknowledged");
    let missing = || {
        let inbox = inbox.lock().unwrap();
        acknowledged.iter().filter(|body| !inbox.contains(*body)).cloned().collect::<Vec<_>>()
    };
    let begin = Instant::now();
    while !missing().is_empty() && begin.elapsed() < Duration::from_secs(60) {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(missing(), Vec::<String>::new(), "of {} messages", acknowledged.len());
    eprintln!("all of them came");
}
