//! Messages through QStash: published one by one, delivered to this process.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use axum::Router;
use axum::body::Bytes;
use axum::routing::post;

use super::server::Server;
use crate::serve::NoDelay;

/// A message's body.
const BODY: &str = r#"{"saga":"0198f3c2-7b1e-7c40-9d3a-5f2e8c1b7a90","step":"ride"}"#;
/// When the last one is given up.
const LONGEST: Duration = Duration::from_secs(300);

pub struct Delivered {
    pub published_per_s: f64,
    /// From the first that is published to the last that comes.
    pub delivered_per_s: f64,
    /// Of the emulator, microseconds a message.
    pub cpu_us: f64,
    /// Megabytes.
    pub resident_before: f64,
    pub resident_after: f64,
}

pub async fn measure(folder: &Path, messages: u64, clients: u32) -> anyhow::Result<Delivered> {
    let (server, variables) = Server::emulator("qstash", folder, &[])?;
    let variable = |name: &str| variables.get(name).cloned().context("the emulator does not say where it is");
    let came = Arc::new(AtomicU64::new(0));
    let target = receiver(Arc::clone(&came)).await?;
    let url = format!("{}/v2/publish/{target}", variable("QSTASH_URL")?);
    let token = variable("QSTASH_TOKEN")?;

    let (begin, cpu, resident_before) = (Instant::now(), server.cpu_ms()?, server.resident_mb()?);
    let sent = Arc::new(AtomicU64::new(0));
    let clients: Vec<_> =
        (0..clients).map(|_| tokio::spawn(publish(url.clone(), token.clone(), Arc::clone(&sent), messages))).collect();
    for client in clients {
        client.await??;
    }
    let published = begin.elapsed();
    while came.load(Relaxed) < messages {
        ensure!(begin.elapsed() < LONGEST, "only {} of {messages} messages came", came.load(Relaxed));
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let delivered = begin.elapsed();
    let count = messages as f64;
    Ok(Delivered {
        published_per_s: count / published.as_secs_f64(),
        delivered_per_s: count / delivered.as_secs_f64(),
        cpu_us: (server.cpu_ms()? - cpu) * 1000.0 / count,
        resident_before,
        resident_after: server.resident_mb()?,
    })
}

/// Counts what is delivered; its address.
async fn receiver(came: Arc<AtomicU64>) -> anyhow::Result<String> {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let address = format!("http://{}", listener.local_addr()?);
    let take = move |_: Bytes| {
        came.fetch_add(1, Relaxed);
        async {}
    };
    tokio::spawn(async { axum::serve(NoDelay(listener), Router::new().route("/", post(take))).await });
    Ok(address)
}

async fn publish(url: String, token: String, sent: Arc<AtomicU64>, messages: u64) -> anyhow::Result<()> {
    let client = reqwest::Client::builder().tcp_nodelay(true).build()?;
    while sent.fetch_add(1, Relaxed) < messages {
        let request = client.post(&url).bearer_auth(&token).header("content-type", "application/json").body(BODY);
        request.send().await?.error_for_status()?.bytes().await?;
    }
    Ok(())
}
