//! `makegood bench emulators`: what the emulators of Redis and QStash bear, beside a real Redis.
//!
//! Each server is a process of its own, whose CPU and memory Linux counts; the load comes from this
//! one, on the same machine. A real Redis is spoken to natively, the emulator over REST.

mod queue;
mod redis;
mod server;

use anyhow::Context;
use clap::Args;
use serde_json::json;

use super::{Scratch, round, round4};
use redis::{Rate, Way};
use server::Server;

#[derive(Clone, Debug, Args)]
pub struct BenchEmulators {
    /// How long each Redis is measured
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=600))]
    pub seconds: u64,
    /// How many messages go through QStash
    #[arg(long, value_name = "N", default_value_t = 100_000, value_parser = clap::value_parser!(u64).range(1..))]
    pub messages: u64,
    /// Clients at once
    #[arg(long, value_name = "N", default_value_t = 16, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub clients: u32,
}

/// Measures one after the other; the last line is JSON.
pub async fn run(options: &BenchEmulators) -> anyhow::Result<()> {
    let scratch = Scratch::new(None);
    std::fs::create_dir_all(&scratch.path)?;
    let mut rates = Vec::new();
    for (name, durable) in [("redis-server", false), ("redis-server", true), ("makegood", false), ("makegood", true)] {
        let kept = if durable { "os" } else { "none" };
        eprintln!("{name}, durability {kept}: pipelines of {} for {} s ...", redis::PIPELINE, options.seconds);
        let folder = scratch.path.join(format!("{name}-{kept}"));
        let (server, way) = if name == "makegood" {
            let memory: &[&str] = if durable { &[] } else { &["--in-memory"] };
            let (server, variables) = Server::emulator("redis", &folder, memory)?;
            let variable = |name: &str| variables.get(name).cloned().context("the emulator does not say where it is");
            let (url, token) = (variable("UPSTASH_REDIS_REST_URL")?, variable("UPSTASH_REDIS_REST_TOKEN")?);
            (server, Way::Rest { url: format!("{url}/pipeline"), token })
        } else {
            let (server, port) = Server::redis(&folder, durable).await?;
            (server, Way::Native { port })
        };
        let rate = redis::measure(&server, &way, options.clients, options.seconds).await?;
        rates.push((name, kept, rate));
    }
    eprintln!("makegood's QStash: {} messages ...", options.messages);
    let delivered = queue::measure(&scratch.path.join("qstash"), options.messages, options.clients).await?;

    // Without durability on both sides, and with it.
    let ratio = |of: usize, to: usize| Some(rates.get(of)?.2.cpu_us / rates.get(to)?.2.cpu_us);
    let redis: Vec<_> = rates.iter().map(|(name, kept, rate)| of_rate(name, kept, rate)).collect();
    let summary = json!({
        "redis": redis,
        "cpu_ratio_in_memory": ratio(2, 0).map(round),
        "cpu_ratio_durable": ratio(3, 1).map(round),
        "qstash": {
            "messages": options.messages,
            "published_per_s": round(delivered.published_per_s),
            "delivered_per_s": round(delivered.delivered_per_s),
            "cpu_us_per_message": round(delivered.cpu_us),
            "resident_mb_before": round(delivered.resident_before),
            "resident_mb_after": round(delivered.resident_after),
            "durability": "os",
        },
        "clients": options.clients,
        "pipeline": redis::PIPELINE,
        "build": if cfg!(debug_assertions) { "debug" } else { "release" },
    });
    println!("{summary}");
    Ok(())
}

fn of_rate(name: &str, kept: &str, rate: &Rate) -> serde_json::Value {
    json!({
        "server": name,
        "durability": kept,
        "commands_per_s": round(rate.per_s),
        "cpu_us_per_command": round4(rate.cpu_us),
        "commands_per_cpu_s": round(1e6 / rate.cpu_us),
        "resident_mb": round(rate.resident),
    })
}
