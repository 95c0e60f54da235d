//! `makegood bench traces`: what it costs a step that traces are told to a collector, in CPU.
//!
//! The same sagas, on a platform that tells their traces and on one that tells nobody, in turn. A trace is made of the
//! journal after the saga's rest, so that the clock goes on until the collector has been told of the last one. CPU is
//! that of the whole process, clients and emulators with it, but for the collector's. What the sweep does once a minute,
//! one of the messages by which it has traces told, is sent here after the last saga, in either case.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use anyhow::{Context, ensure};
use clap::Args;
use futures_util::future::join_all;
use reqwest::Client;
use serde_json::{Value, json};

use super::load::{Shared, Starter, wait, watch};
use super::sink::Sink;
use super::{bring_up, chain, counters, round, round4, usage};
use crate::cli::{Place, given};
use crate::platform::Platform;
use crate::up::Services;

#[derive(Clone, Debug, Args)]
pub struct BenchTraces {
    #[command(flatten)]
    pub place: Place,
    #[command(flatten)]
    pub services: Services,
    /// Sagas of each round
    #[arg(long, default_value_t = 300, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub sagas: u32,
    /// Steps of each saga, one after the other
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    pub steps: u32,
    /// Sagas at once
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub concurrency: u32,
    /// Rounds of either kind; the medians are told
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=100))]
    pub rounds: u32,
}

const OWNER: &str = "bench";
/// Sagas before anything is measured.
const WARM_UP: u32 = 20;
const LONGEST: Duration = Duration::from_secs(60);
const PAUSE: Duration = Duration::from_millis(20);

/// Runs the rounds, and prints a line for either kind and one for both.
pub async fn run(options: &BenchTraces) -> anyhow::Result<()> {
    let sink = Sink::start()?;
    let (mut off, mut on) = (Vec::new(), Vec::new());
    for turn in 0..options.rounds {
        // In turn, and each as often the first, so that what else happens on this machine happens to both.
        let order = if turn.is_multiple_of(2) { [false, true] } else { [true, false] };
        for told in order {
            eprintln!("round {} of {}, traces {} ...", turn + 1, options.rounds, if told { "on" } else { "off" });
            let cost = measure_one(options, &sink, told).await?;
            if told { on.push(cost) } else { off.push(cost) }
        }
    }
    for (name, costs) in [("off", &off), ("on", &on)] {
        println!("{}", line(options, name, costs));
    }
    let (with, without) = (median(&on, |cost| cost.cpu_ms), median(&off, |cost| cost.cpu_ms));
    let least = |costs: &[Cost]| costs.iter().map(|cost| cost.cpu_ms).fold(f64::INFINITY, f64::min);
    println!("{}", json!({"on_to_off": round4(with / without), "of_the_least": round4(least(&on) / least(&off))}));
    Ok(())
}

/// What one round took, for a step.
struct Cost {
    cpu_ms: f64,
    collector_ms: f64,
    spans: f64,
}

fn median(costs: &[Cost], of: fn(&Cost) -> f64) -> f64 {
    let mut values: Vec<f64> = costs.iter().map(of).collect();
    values.sort_unstable_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}

fn line(options: &BenchTraces, name: &str, costs: &[Cost]) -> Value {
    json!({
        "traces": name, "rounds": costs.len(), "sagas": options.sagas, "steps": options.steps,
        "cpu_ms_per_step": round4(median(costs, |cost| cost.cpu_ms)),
        "of_each_round": costs.iter().map(|cost| round4(cost.cpu_ms)).collect::<Vec<_>>(),
        "collector_ms_per_step": round4(median(costs, |cost| cost.collector_ms)),
        "spans_per_step": round(median(costs, |cost| cost.spans)),
        "build": if cfg!(debug_assertions) { "debug" } else { "release" },
    })
}

/// A round on a platform of its own.
async fn measure_one(options: &BenchTraces, sink: &Sink, told: bool) -> anyhow::Result<Cost> {
    let mut services = options.services.clone();
    services.collector = Some(if told { sink.url.clone() } else { String::new() });
    let (platform, _scratch) = bring_up(&options.place, &services).await?;
    let cost = measure(&platform, options, sink, told).await;
    platform.stop().await;
    cost
}

async fn measure(platform: &Platform, options: &BenchTraces, sink: &Sink, told: bool) -> anyhow::Result<Cost> {
    // What comes to rest is noted from the first sweep on.
    let noted = u64::from(told);
    tokio::time::timeout(LONGEST, async {
        while number(platform, "select count(*) from makegood.trace_told").await? != noted {
            tokio::time::sleep(PAUSE).await;
        }
        anyhow::Ok(())
    })
    .await
    .context("the sweep did not see that traces are told, or are not")??;
    let client = Client::builder().tcp_nodelay(true).no_proxy().build()?;
    let starter = Starter::new(platform, OWNER, &chain(options.steps, "bench_effect"))?;
    let ends = Shared::default();
    let watcher = tokio::spawn(watch(platform.delivery.watch(), Arc::clone(&ends)));
    let servers = usage::Servers::find(&platform.postgres, given(options.services.redis_url.as_ref())).await;
    // Every instance has run once, and every connection stands.
    let load = Sagas { starter: &starter, client: &client, ends: &ends, at_once: options.concurrency };
    tell(platform, &client, &load.run(WARM_UP).await?).await?;
    let spent = || anyhow::Ok(usage::own_ms()? + servers.ms());
    let (spans, of_collector, cpu) = (sink.spans(), sink.cpu_ms(), spent()?);
    let last = load.run(options.sagas).await?;
    tell(platform, &client, &last).await?;
    let (spans, of_collector, cpu) = (sink.spans() - spans, sink.cpu_ms() - of_collector, spent()? - cpu);
    watcher.abort();
    // Each of them was completed.
    counters(platform, OWNER).await?;
    // A saga, its invocation, its steps, and an attempt at each: what was not told would have cost nothing.
    let least = u64::from(options.sagas) * (2 + 2 * u64::from(options.steps));
    let whole = if told { spans >= least } else { spans == 0 };
    ensure!(whole, "the collector was told of {spans} spans; of these sagas there are {least} at least");
    let steps = f64::from(options.sagas) * f64::from(options.steps);
    Ok(Cost { cpu_ms: (cpu - of_collector) / steps, collector_ms: of_collector / steps, spans: spans as f64 / steps })
}

/// Clients, each of which starts a saga when its last one rests.
struct Sagas<'a> {
    starter: &'a Starter,
    client: &'a Client,
    ends: &'a Shared,
    at_once: u32,
}

impl Sagas<'_> {
    /// Runs so many to their rest: the id of one of them.
    async fn run(&self, number: u32) -> anyhow::Result<String> {
        let left = &AtomicU32::new(number);
        let one = || async move {
            let mut last = None;
            while left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_ok() {
                let saga = self.starter.start(self.client).await?;
                wait(self.ends, saga.clone()).await?;
                last = Some(saga);
            }
            anyhow::Ok(last)
        };
        let mut last = None;
        for saga in join_all((0..self.at_once).map(|_| one())).await {
            last = saga?.or(last);
        }
        last.context("no saga was started")
    }
}

/// Has the queue ask for what is due to be told, until nothing is.
async fn tell(platform: &Platform, client: &Client, saga: &str) -> anyhow::Result<()> {
    let mut answers = platform.delivery.watch();
    let publish = format!("{0}/emulators/qstash/v2/publish/{0}/api/subscriptions/bring", platform.url);
    let request = client.post(publish).bearer_auth(&platform.secrets.qstash_token).json(&json!({"saga": saga}));
    request.send().await?.error_for_status().context("the queue did not take a message")?;
    loop {
        let answer = tokio::time::timeout(LONGEST, answers.recv()).await.context("nobody told of traces")??;
        let brought = serde_json::from_slice::<Value>(&answer.body).is_ok_and(|body| body.get("told").is_some());
        // Each run tells of some, and has the queue ask again for the rest.
        if brought && number(platform, "select count(*) from makegood.trace_due").await? == 0 {
            return Ok(());
        }
    }
}

async fn number(platform: &Platform, sql: &str) -> anyhow::Result<u64> {
    let rows = platform.postgres.query(sql, &[]).await?;
    let value = rows.rows.into_iter().next().and_then(|row| row.into_iter().next()?);
    Ok(value.context("a count has no row")?.parse()?)
}
