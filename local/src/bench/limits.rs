//! `makegood bench limits`: what the limits cost a request, in CPU and in time.
//!
//! The same request, one statement of `debug`, three times: without limits, under limits that refuse nobody, and of a
//! user who is refused. CPU is that of the whole process, clients and emulators with it: what one has more than another
//! is what the check costs, the round trip to the embedded Redis included.

use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use clap::Args;
use serde_json::{Value, json};

use super::{bring_up, round, round4, usage};
use crate::cli::{Place, given};
use crate::platform::Platform;
use crate::up::Services;

#[derive(Clone, Debug, Args)]
pub struct BenchLimits {
    #[command(flatten)]
    pub place: Place,
    #[command(flatten)]
    pub services: Services,
    /// How long each is measured
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=600))]
    pub seconds: u64,
    /// Clients at once
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub clients: u32,
}

const WARM_UP: Duration = Duration::from_secs(2);

/// Runs all three, and prints a line for each.
pub async fn run(options: &BenchLimits) -> anyhow::Result<()> {
    let strict = json!({"api": {"rate": 1, "per_s": 3_600}, "throttle_ms": 0}).to_string();
    let cases = [("off", Some("off".to_owned()), 200), ("on", None, 200), ("refused", Some(strict), 429)];
    for (name, limits, status) in cases {
        let mut services = options.services.clone();
        services.limits = limits;
        let (platform, _scratch) = bring_up(&options.place, &services).await?;
        let line = measure(&platform, options, name, status).await;
        platform.stop().await;
        println!("{}", line?);
    }
    Ok(())
}

async fn measure(platform: &Platform, options: &BenchLimits, name: &str, status: u16) -> anyhow::Result<Value> {
    let (url, token) = (format!("{}/api/debug/models", platform.url), super::token_of(platform, "bench")?);
    let client = reqwest::Client::builder().tcp_nodelay(true).no_proxy().build()?;
    // Every instance has refused once, and every connection stands.
    load(&client, &url, &token, options.clients, WARM_UP, None).await?;
    let redis = given(options.services.redis_url.as_ref());
    let servers = usage::Servers::find(&platform.postgres, redis).await;
    let before = usage::own_ms()? + servers.ms();
    let began = Instant::now();
    let span = Duration::from_secs(options.seconds);
    let mut times = load(&client, &url, &token, options.clients, span, Some(status)).await?;
    let (cpu, seconds) = (usage::own_ms()? + servers.ms() - before, began.elapsed().as_secs_f64());
    times.sort_unstable_by(f64::total_cmp);
    let count = times.len() as f64;
    let at = |part: usize| times.get(times.len() * part / 100).copied().map(round4).context("nothing was answered");
    Ok(json!({
        "limits": name, "requests": times.len(), "requests_per_s": round(count / seconds),
        "cpu_ms_per_request": round4(cpu / count), "p50_ms": at(50)?, "p95_ms": at(95)?,
        "databases_counted": servers.describe(), "build": if cfg!(debug_assertions) { "debug" } else { "release" },
    }))
}

/// Asks for so long; how long each answer took, in milliseconds.
async fn load(
    client: &reqwest::Client,
    url: &str,
    token: &str,
    clients: u32,
    span: Duration,
    status: Option<u16>,
) -> anyhow::Result<Vec<f64>> {
    let end = Instant::now() + span;
    let one = || async move {
        let mut times = Vec::new();
        while Instant::now() < end {
            let sent = Instant::now();
            let answer = client.get(url).bearer_auth(token).send().await?;
            let is = answer.status().as_u16();
            answer.bytes().await?;
            ensure!(status.is_none_or(|wanted| wanted == is), "answered with {is}, not with {status:?}");
            times.push(sent.elapsed().as_secs_f64() * 1_000.0);
        }
        anyhow::Ok(times)
    };
    let mut all = Vec::new();
    for times in futures_util::future::join_all((0..clients).map(|_| one())).await {
        all.extend(times?);
    }
    Ok(all)
}
