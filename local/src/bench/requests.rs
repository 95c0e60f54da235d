//! `makegood bench requests`: how many requests one saga costs at each service, for whoever pays by the request.
//!
//! The README's main job, three times: a line of JSON for each. What the clock does besides, the sweep of every
//! minute, is left out: a run that it fell into is made again.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use clap::Args;
use serde_json::{Value, json};

use super::bring_up;
use crate::cli::Place;
use crate::delivery::Answered;
use crate::platform::Platform;
use crate::up::Services;

#[derive(Clone, Debug, Args)]
pub struct BenchRequests {
    #[command(flatten)]
    pub place: Place,
    #[command(flatten)]
    pub services: Services,
}

const JOB: &str = "Book a table for 4 at Luigi's tomorrow at 7pm, get us a ride there, and text Sam the details";
const RUNS: usize = 3;
/// A saga of three steps takes a tenth of that, on a busy machine.
const LONGEST: Duration = Duration::from_secs(30);

type Calls = Arc<Mutex<BTreeMap<&'static str, u64>>>;

/// Runs the job, and prints a line for each run.
pub async fn run(options: &BenchRequests) -> anyhow::Result<()> {
    let (platform, _scratch) = bring_up(&options.place, &options.services).await?;
    let result = measure_all(&platform).await;
    platform.stop().await;
    result
}

async fn measure_all(platform: &Platform) -> anyhow::Result<()> {
    let calls = Calls::default();
    let counted = Arc::clone(&calls);
    platform.functions.wrap_local(|router| {
        router.layer(from_fn(move |request: Request, next: Next| {
            let counted = Arc::clone(&counted);
            let service = service(request.uri().path());
            *counted.lock().unwrap_or_else(PoisonError::into_inner).entry(service).or_default() += 1;
            next.run(request)
        }))
    });
    let (mut told, mut tries) = (0, 0);
    while told < RUNS {
        tries += 1;
        ensure!(tries <= 3 * RUNS, "the sweep fell into every run; try again");
        if let Some(line) = measure(platform, &calls).await? {
            println!("{line}");
            told += 1;
        }
    }
    Ok(())
}

/// What is called, by its address under our own.
fn service(path: &str) -> &'static str {
    let known = [
        ("/emulators/neon/", "database"),
        ("/emulators/redis", "redis"),
        ("/emulators/qstash/", "queue"),
        ("/tools/", "tools"),
    ];
    known.into_iter().find(|(start, _)| path.starts_with(start)).map_or("other", |(_, name)| name)
}

/// One saga; nothing where something else was at work as well.
async fn measure(platform: &Platform, calls: &Calls) -> anyhow::Result<Option<Value>> {
    let mut answers = platform.delivery.watch();
    let before = invocations(platform);
    calls.lock().unwrap_or_else(PoisonError::into_inner).clear();
    let client = reqwest::Client::builder().no_proxy().build()?;
    let request = client.post(format!("{}/api/chat", platform.url)).json(&json!({"message": JOB}));
    let started: Value = request.send().await?.error_for_status()?.json().await?;
    let saga = started["saga"].as_str().context("no saga was started")?.to_owned();
    let (mut delivered, mut spoiled) = (0_u64, false);
    loop {
        let answer: Answered =
            tokio::time::timeout(LONGEST, answers.recv()).await.context("the saga did not come to rest")??;
        let body: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
        if body["saga"] != saga.as_str() {
            spoiled = true;
            continue;
        }
        delivered += 1;
        match body["ended"].as_str() {
            Some("rest") => break,
            Some(_) => {}
            None => bail!("a wake was answered with {}", answer.status),
        }
    }
    if spoiled {
        return Ok(None);
    }
    let ran: BTreeMap<String, u64> = invocations(platform)
        .into_iter()
        .map(|(name, now)| (name.clone(), now - before.get(&name).copied().unwrap_or_default()))
        .filter(|(_, count)| *count > 0)
        .collect();
    let calls = calls.lock().unwrap_or_else(PoisonError::into_inner).clone();
    Ok(Some(json!({"job": "table, ride, message", "requests_to": calls, "deliveries": delivered, "invocations": ran})))
}

fn invocations(platform: &Platform) -> BTreeMap<String, u64> {
    platform.functions.stats().into_iter().map(|(name, stats)| (name, stats.invocations)).collect()
}
