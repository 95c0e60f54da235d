//! `makegood up`: everything, until Ctrl-C.

use std::path::Path;
use std::time::Instant;

use crate::build::{self, Budget, Outcome};
use crate::cli::{Build, Up};
use crate::clients;
use crate::data_dir::CLIENTS;
use crate::host;
use crate::host::manifest::Manifest;
use crate::memory;
use crate::platform::Platform;

pub async fn run(up: &Up) -> anyhow::Result<()> {
    let began = Instant::now();
    let options = up.options()?;
    if !up.no_build {
        build(&options.manifest).await?;
    }
    let platform = Platform::start(&options).await?;
    memory::give_back();
    say(&platform, &options.data_dir, began);
    wait_for_the_end().await?;
    eprintln!("Ending; what was accepted is kept.");
    platform.stop().await;
    Ok(())
}

/// Builds what changed, and prints the sizes where something did.
pub async fn build(manifest: &Path) -> anyhow::Result<()> {
    let manifest = Manifest::read(manifest)?;
    let outcome = tokio::task::spawn_blocking(move || build::ensure(&manifest)).await??;
    if let Outcome::Built(report) = outcome {
        eprintln!("{report}");
    }
    Ok(())
}

/// `makegood build`: builds, compiles what was built for this machine, and prints the sizes in any case; with
/// `--check-sizes`, an error where they are beyond the budget.
pub async fn build_all(options: &Build) -> anyhow::Result<()> {
    let manifest = Manifest::read(&options.place.manifest()?)?;
    // Read first: a budget that cannot be read is not found out after minutes.
    let budget = options.check_sizes.then(|| Budget::read(&manifest.folder)).transpose()?;
    let report = tokio::task::spawn_blocking(move || {
        let report = build::run(&manifest)?;
        host::compile(&manifest)?;
        anyhow::Ok(report)
    });
    let report = report.await??;
    println!("{report}");
    budget.map_or(Ok(()), |budget| budget.hold(&report))
}

fn say(platform: &Platform, data_dir: &Path, began: Instant) {
    let url = &platform.url;
    println!(
        "
Makegood is up, after {:.1} s.

  Chat        {url}/api/chat
  Sagas       {url}/debug
  The town    {url}/demo/world
  Emulators   {url}/emulators/neon, redis, qstash, llm, ably, mcp, issuer, otlp
  Data        {}; their clients: set -a; . {}

Try:
  curl -N -H 'accept: text/event-stream' {url}/api/chat \\
    -d '{{\"message\":\"Book a table for 4 at Luigi'\"'\"'s tomorrow at 7pm, get us a ride there, and text Sam the details\"}}'

Then let the ride refuse, send it again, and watch it being made good:
  curl {url}/demo/faults -d '{{\"tool\":\"request_ride\",\"kind\":\"refuse\"}}'

Ctrl-C ends it.",
        began.elapsed().as_secs_f64(),
        data_dir.display(),
        clients::quoted(&data_dir.join(CLIENTS).display().to_string()),
    );
}

/// Until somebody asks for it.
pub async fn wait_for_the_end() -> anyhow::Result<()> {
    let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
    tokio::select! {
        ended = tokio::signal::ctrl_c() => ended?,
        _ = terminate.recv() => {}
    }
    Ok(())
}
