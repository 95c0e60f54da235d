//! `makegood bench saga`: what a saga costs, on the platform as it is, by its length. What the
//! emulators alone cost: [`emulators`].
//!
//! The platform runs in this process; the load comes from one thread of its own, over TCP, whose
//! cost is counted in and stated apart. A saga's time runs from the request that starts it to the
//! answer of the invocation that brings it to rest.

pub mod cold;
pub mod emulators;
pub mod intent;
pub mod limits;
mod load;
pub mod requests;
mod sink;
pub mod start;
pub mod traces;
mod usage;

use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;

use anyhow::{Context, bail};
use clap::{Args, Subcommand, ValueEnum};
use makegood_core::guard::{Role, Tier};
use makegood_core::time::Millis;
use serde_json::{Value, json};

use crate::cli::{Place, given};
use crate::platform::Platform;
use crate::secrets::{Wanted, token};
use crate::up::{self, Services};
use cold::BenchCold;
use emulators::BenchEmulators;
use intent::BenchIntent;
use limits::BenchLimits;
use load::{Load, Starter};
use requests::BenchRequests;
use start::BenchStart;
use traces::BenchTraces;

#[derive(Debug, Subcommand)]
pub enum Bench {
    /// Runs N-step sagas for some seconds; a line of JSON for each N
    Saga(BenchSaga),
    /// Asks with and without limits, and of somebody who is refused; a line of JSON for each
    Limits(BenchLimits),
    /// Runs sagas that a collector is told of, and such that nobody is, in turn; a line of JSON for each, and their ratio
    Traces(BenchTraces),
    /// Counts the requests that one saga costs at each service; a line of JSON for each of three runs
    Requests(BenchRequests),
    /// Measures what it costs to understand messages, in CPU; one line of JSON
    Intent(BenchIntent),
    /// Brings the platform up in an empty folder and in one that is there; a line of JSON for each
    Start(BenchStart),
    /// Compares the first answer of each function with a hello-world's; a line of JSON for each
    Cold(BenchCold),
    /// Loads the emulators of Redis and QStash, and a real Redis beside them; the last line is JSON
    Emulators(BenchEmulators),
}

#[derive(Clone, Debug, Args)]
pub struct BenchSaga {
    #[command(flatten)]
    pub place: Place,
    #[command(flatten)]
    pub services: Services,
    /// Steps of each saga, one after the other; of several lengths, each is measured in turn
    #[arg(long, value_name = "N,…", value_delimiter = ',', default_value = "10",
        value_parser = clap::value_parser!(u32).range(1..=1_000))]
    pub steps: Vec<u32>,
    /// The steps are the items of one list instead, 8 of them at once
    #[arg(long)]
    pub wide: bool,
    /// What the steps are
    #[arg(long, value_enum, default_value_t = StepClass::Effect)]
    pub class: StepClass,
    /// Sagas at once
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub concurrency: u32,
    /// How long to measure
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=600))]
    pub seconds: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum StepClass {
    /// Changes the world and can be undone: every step is committed before and after
    Effect,
    /// Only reads: commits are elided
    Query,
}

const HOUR: Millis = Millis::from_secs(60 * 60);

/// A token of a user, who asks for less than an hour.
fn token_of(platform: &Platform, user: &str) -> anyhow::Result<String> {
    token(&platform.issuer, &Wanted { user, role: Role::User, tier: Tier::Free, good_for: HOUR })
}

/// Runs the benchmark and prints a line for each length.
pub async fn saga(options: &BenchSaga) -> anyhow::Result<()> {
    let (platform, _scratch) = bring_up(&options.place, &options.services).await?;
    let result = measure_all(&platform, options, given(options.services.redis_url.as_ref())).await;
    platform.stop().await;
    result
}

/// A platform of this process's own, with its functions built, and the folder in which it lies.
async fn bring_up(place: &Place, services: &Services) -> anyhow::Result<(Platform, Scratch)> {
    let manifest = place.manifest()?;
    let scratch = Scratch::new(place.data_dir.clone());
    up::build(&manifest).await?;
    let here = IpAddr::V4(Ipv4Addr::LOCALHOST);
    let wanted = services.options(manifest, scratch.path.clone(), here, 0, "bench");
    Ok((Platform::start(&wanted).await?, scratch))
}

async fn measure_all(platform: &Platform, options: &BenchSaga, redis_url: Option<&str>) -> anyhow::Result<()> {
    for steps in &options.steps {
        println!("{}", measure(platform, options, *steps, redis_url).await?);
    }
    Ok(())
}

async fn measure(
    platform: &Platform,
    options: &BenchSaga,
    length: u32,
    redis_url: Option<&str>,
) -> anyhow::Result<Value> {
    let owner = format!("bench-{}-{}", std::process::id(), now_ms()?);
    let load = Load {
        starter: Starter::new(platform, &owner, &plan(length, options))?,
        concurrency: options.concurrency,
        seconds: options.seconds,
    };
    eprintln!(
        "{} sagas at once, {length} {:?} steps each, {} s ...",
        options.concurrency, options.class, options.seconds
    );
    let servers = usage::Servers::find(&platform.postgres, redis_url).await;
    let measured = load.run(platform.delivery.watch(), servers.clone()).await?;
    let counters = counters(platform, &owner).await?;
    if measured.times.is_empty() {
        bail!("No saga came to its end in {} s.", options.seconds);
    }
    let mut times = measured.times;
    times.sort_unstable_by(f64::total_cmp);
    let at = |share: f64| {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "an index, within the list")]
        let place = ((times.len() - 1) as f64 * share).round() as usize;
        times.get(place).copied().map(round).unwrap_or_default()
    };
    let sagas = times.len() as f64;
    let steps = sagas * f64::from(length);
    Ok(json!({
        "class": format!("{:?}", options.class).to_lowercase(),
        "steps": length,
        "wide": options.wide,
        "concurrency": options.concurrency,
        "sagas": times.len(),
        "seconds": round(measured.seconds),
        "sagas_per_s": round(sagas / measured.seconds),
        "steps_per_s": round(steps / measured.seconds),
        "p50_ms": at(0.50),
        "p99_ms": at(0.99),
        "cpu_ms_per_step": round4(measured.cpu_ms / steps),
        "of_it_databases_ms": servers.known().then(|| round4(measured.servers_ms / steps)),
        "of_it_load_generator_ms": round4(measured.generator_ms / steps),
        "databases_counted": servers.describe(),
        "commits_per_saga": counters.commits,
        "invocations_per_saga": counters.invocations,
        "calls_per_saga": counters.calls,
        "bytes_per_step": round(counters.bytes / f64::from(length)),
        "durability": platform.postgres.durability().await?,
        "build": if cfg!(debug_assertions) { "debug" } else { "release" },
    }))
}

fn plan(steps: u32, options: &BenchSaga) -> Value {
    let tool = match options.class {
        StepClass::Effect => "bench_effect",
        StepClass::Query => "bench_query",
    };
    if options.wide {
        let each = json!({"in": (0..steps).collect::<Vec<_>>(), "concurrency": 8});
        let all = json!({"id": "all", "tool": tool, "each": each, "params": {"n": "$item"}});
        return json!({"summary": "A benchmark's list", "steps": [all]});
    }
    chain(steps, tool)
}

/// Steps one after the other, each of which refers to the output of the one before.
fn chain(steps: u32, tool: &str) -> Value {
    let step = |n: u32| {
        let before = n.checked_sub(1);
        let params = before.map_or_else(|| json!({"n": n}), |before| json!({"n": n, "after": format!("$s{before}.n")}));
        json!({"id": format!("s{n}"), "tool": tool, "params": params})
    };
    json!({"summary": "A benchmark's saga", "steps": (0..steps).map(step).collect::<Vec<_>>()})
}

struct Counters {
    commits: f64,
    invocations: f64,
    calls: f64,
    bytes: f64,
}

/// Averages from the sagas' own records; every one of them must have been completed.
async fn counters(platform: &Platform, owner: &str) -> anyhow::Result<Counters> {
    let sql = "select count(*) filter (where phase <> 'completed' and wake_at is null),
        avg(commits), avg(invocations), avg(calls), avg(bytes_read + bytes_written)
        from makegood.saga where owner = $1 and phase = 'completed' or owner = $1 and wake_at is null";
    let rows = platform.postgres.query(sql, &[Some(owner)]).await?;
    let row = rows.rows.first().context("the counters are missing")?;
    let number = |place: usize| -> anyhow::Result<f64> {
        Ok(row.get(place).and_then(Option::as_deref).context("no saga was completed")?.parse()?)
    };
    if number(0)? > 0.0 {
        bail!("{} sagas were not completed; their figures would mean nothing. See the log above.", number(0)?);
    }
    Ok(Counters {
        commits: round(number(1)?),
        invocations: round(number(2)?),
        calls: round(number(3)?),
        bytes: number(4)?,
    })
}

fn round(value: f64) -> f64 {
    (value * 100.0).round() / 100.0
}

fn round4(value: f64) -> f64 {
    (value * 10_000.0).round() / 10_000.0
}

fn now_ms() -> anyhow::Result<u128> {
    Ok(std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)?.as_millis())
}

/// A data folder that is removed afterwards, unless it was given.
struct Scratch {
    path: PathBuf,
    ours: bool,
}

impl Scratch {
    fn new(given: Option<PathBuf>) -> Self {
        let ours = given.is_none();
        let path = given.unwrap_or_else(|| std::env::temp_dir().join(format!("makegood-bench-{}", std::process::id())));
        Self { path, ours }
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if self.ours
            && let Err(error) = std::fs::remove_dir_all(&self.path)
        {
            tracing::warn!("{} stays behind: {error}", self.path.display());
        }
    }
}
