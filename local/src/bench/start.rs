//! `makegood bench start`: from nothing to ready, and how much memory the platform holds when nothing happens.
//!
//! Each start is a process of its own, the same program as this one. Ready is when `/api/debug/health`, which is a
//! function that asks the database, answers 200.

use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use clap::Args;
use serde_json::json;

use super::{Scratch, round, usage};
use crate::cli::Place;
use crate::host::manifest::Manifest;
use crate::{host, up};

#[derive(Clone, Debug, Args)]
pub struct BenchStart {
    #[command(flatten)]
    pub place: Place,
    /// How often; the medians are told
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=100))]
    pub times: u32,
}

/// How long it is left alone before its memory is looked at.
const IDLE: Duration = Duration::from_secs(5);
const READY_WITHIN: Duration = Duration::from_secs(120);

/// Starts it so many times in an empty folder each, and as many times again in one that is there.
pub async fn start(options: &BenchStart) -> anyhow::Result<()> {
    let manifest = options.place.manifest()?;
    up::build(&manifest).await?;
    let built = Manifest::read(&manifest)?;
    tokio::task::spawn_blocking(move || host::compile(&built)).await??;
    let mut fresh = Vec::new();
    let mut existing = Vec::new();
    for _ in 0..options.times {
        let scratch = Scratch::new(None);
        fresh.push(Started::measure(&manifest, &scratch.path).await?);
        existing.push(Started::measure(&manifest, &scratch.path).await?);
    }
    for (name, started) in [("fresh", fresh), ("existing", existing)] {
        let median = |of: fn(&Started) -> f64| {
            let mut values: Vec<f64> = started.iter().map(of).collect();
            values.sort_unstable_by(f64::total_cmp);
            values.get(values.len() / 2).copied().map(round).unwrap_or_default()
        };
        let line = json!({
            "folder": name,
            "times": started.len(),
            "ready_s": median(|started| started.ready.as_secs_f64()),
            "cpu_s": median(|started| started.cpu_s),
            "idle_mib": median(|started| started.idle_mib),
            "idle_cpu_percent": median(|started| started.idle_cpu_percent),
            "build": if cfg!(debug_assertions) { "debug" } else { "release" },
        });
        println!("{line}");
    }
    Ok(())
}

/// One start.
struct Started {
    ready: Duration,
    /// Until it was ready.
    cpu_s: f64,
    /// Resident.
    idle_mib: f64,
    idle_cpu_percent: f64,
}

impl Started {
    async fn measure(manifest: &Path, folder: &Path) -> anyhow::Result<Self> {
        let began = Instant::now();
        let mut child = Command::new(std::env::current_exe()?)
            .args(["up", "--no-build", "--port", "0", "--manifest"])
            .arg(manifest)
            .arg("--data-dir")
            .arg(folder)
            .env_remove("DATABASE_URL")
            .env_remove("REDIS_URL")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .context("the platform cannot be started")?;
        let told = child.stdout.take().context("its output is not there")?;
        let mut platform = Platform { child, told: BufReader::new(told) };
        let url = platform.url()?;
        let client = reqwest::Client::new();
        loop {
            let answer = client.get(format!("{url}/api/debug/health")).send().await;
            if answer.is_ok_and(|answer| answer.status().is_success()) {
                break;
            }
            if began.elapsed() > READY_WITHIN {
                bail!("The platform was not ready within {READY_WITHIN:?}.");
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let ready = began.elapsed();
        let pid = platform.child.id().to_string();
        let spent = || usage::process_ms(&pid).context("/proc tells nothing; the benchmark needs Linux");
        let before = spent()?;
        tokio::time::sleep(IDLE).await;
        let idle_mib = usage::resident_mib(&pid).context("the platform has ended")?;
        let idle_cpu_percent = (spent()? - before) / IDLE.as_millis() as f64 * 100.0;
        platform.end()?;
        Ok(Self { ready, cpu_s: before / 1000.0, idle_mib, idle_cpu_percent })
    }
}

/// A platform in a process of its own, which does not outlive this.
struct Platform {
    child: Child,
    /// Held, so that it can go on telling.
    told: BufReader<ChildStdout>,
}

impl Platform {
    /// Where it listens, as it says when it is up.
    fn url(&mut self) -> anyhow::Result<String> {
        for line in self.told.by_ref().lines() {
            if let Some((_, rest)) = line?.split_once("http://") {
                let (address, _) = rest.split_once('/').unwrap_or((rest, ""));
                return Ok(format!("http://{address}"));
            }
        }
        bail!("The platform did not come up: see above.")
    }

    /// As Ctrl-C would.
    fn end(mut self) -> anyhow::Result<()> {
        Command::new("kill").arg(self.child.id().to_string()).status()?;
        self.child.wait()?;
        Ok(())
    }
}

impl Drop for Platform {
    fn drop(&mut self) {
        // Nothing where it has ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
