//! `makegood up`: everything, until Ctrl-C.

use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use clap::Args;
use makegood_core::guard::Role;
use makegood_core::time::Millis;

use crate::build::{self, Budget, Outcome};
use crate::cli::{Place, given};
use crate::clients;
use crate::data_dir::CLIENTS;
use crate::host;
use crate::host::manifest::Manifest;
use crate::keys;
use crate::memory;
use crate::platform::{Options, Platform};
use crate::tool_host::sandbox::Limits;

#[derive(Clone, Debug, Args)]
pub struct Up {
    #[command(flatten)]
    pub place: Place,
    #[command(flatten)]
    pub services: Services,
    /// The port to listen on; 0 takes any free one
    #[arg(long, default_value_t = 3000)]
    pub port: u16,
    /// The address to listen on; beyond loopback every request needs a token
    #[arg(long, default_value = "127.0.0.1")]
    pub bind: IpAddr,
    /// Removes the data folder's contents first
    #[arg(long)]
    pub fresh: bool,
    /// Serves the functions as they are, without looking for changes
    #[arg(long)]
    pub no_build: bool,
    /// The region's name
    #[arg(long, default_value = "local")]
    pub region: String,
}

#[derive(Clone, Debug, Args)]
pub struct Services {
    /// A real PostgreSQL in place of the embedded one
    #[arg(long, env = "DATABASE_URL", value_name = "URL", hide_env_values = true)]
    pub database_url: Option<String>,
    /// Its password as it is, where the URL names none
    #[arg(long, env = "PGPASSWORD", value_name = "PASSWORD", hide_env_values = true)]
    pub database_password: Option<String>,
    /// A real Redis in place of the embedded one
    #[arg(long, env = "REDIS_URL", value_name = "URL", hide_env_values = true)]
    pub redis_url: Option<String>,
    /// Where people are told of sagas that need one: gets a POST of JSON whose `text` says it
    #[arg(long, env = "MAKEGOOD_ALERT_URL", value_name = "URL", hide_env_values = true)]
    pub alert_url: Option<String>,
    /// MCP servers besides the town: `{"name": {"url": …, "token": …}}`; spin.toml must allow their hosts
    #[arg(long, env = "MAKEGOOD_MCP_SERVERS", value_name = "JSON", hide_env_values = true)]
    pub mcp_servers: Option<String>,
    /// Another issuer of users' tokens in place of the platform's own: where its keys are
    #[arg(long, env = "MAKEGOOD_JWKS_URL", value_name = "URL")]
    pub jwks_url: Option<String>,
    /// What is said of issuers: `{"https://issuer": {"parties": […], …}}`, as docs/AUTH.md has it
    #[arg(long, env = "MAKEGOOD_ISSUERS", value_name = "JSON")]
    pub issuers: Option<String>,
    /// What who sends no token may do, on loopback: user, approver, operator, admin
    #[arg(long, value_name = "ROLE", default_value = "operator", value_parser = keys::role)]
    pub anonymous_role: Role,
    /// How long an invocation goes on starting calls, in milliseconds
    #[arg(long, value_name = "MS")]
    pub time_budget_ms: Option<u64>,
    /// When the platform ends an invocation, in milliseconds
    #[arg(long, value_name = "MS")]
    pub kill_ms: Option<u64>,
    /// When circuit breakers open: `{"default": {"calls": 10}}`, or `off` [default: as docs/BREAKERS.md says]
    #[arg(long, value_name = "JSON")]
    pub breakers: Option<String>,
    /// So many calls of one user's sagas are under way at once, at most [default: as many as they want]
    #[arg(long, value_name = "N")]
    pub user_concurrency: Option<u32>,
    /// Who may come how often, as JSON or `off` (docs/LIMITS.md) [default: a million requests a minute]
    #[arg(long, env = "SPIN_VARIABLE_LIMITS", value_name = "JSON")]
    pub limits: Option<String>,
    /// Who is told of traces, where a command says so itself.
    #[arg(skip)]
    pub collector: Option<String>,
    /// Leave out the time in which nothing would happen: a wait of a month ends at once
    #[arg(long)]
    pub skip_time: bool,
    /// What a call of a tool in Wasm may have of memory, in MiB
    #[arg(long, value_name = "MIB", default_value_t = 64, value_parser = clap::value_parser!(u32).range(1..=4_096))]
    pub tool_memory_mib: u32,
    /// How long a call of a tool in Wasm may take, in milliseconds
    #[arg(long, value_name = "MS", default_value_t = 5_000, value_parser = clap::value_parser!(u64).range(1..=600_000))]
    pub tool_time_ms: u64,
}

#[derive(Clone, Debug, Args)]
pub struct Build {
    #[command(flatten)]
    pub place: Place,
    /// Fails where a function is larger than its budget allows
    #[arg(long)]
    pub check_sizes: bool,
}

impl Up {
    pub fn options(&self) -> anyhow::Result<Options> {
        let manifest = self.place.manifest()?;
        let data_dir = self.place.data_dir(&manifest);
        let options = self.services.options(manifest, data_dir, self.bind, self.port, &self.region);
        Ok(Options { fresh: self.fresh, ..options })
    }
}

impl Services {
    fn tool_limits(&self) -> Limits {
        let memory = usize::try_from(self.tool_memory_mib).unwrap_or(usize::MAX).saturating_mul(1 << 20);
        Limits { memory, time: Duration::from_millis(self.tool_time_ms), ..Limits::default() }
    }

    pub fn options(&self, manifest: PathBuf, data_dir: PathBuf, bind: IpAddr, port: u16, region: &str) -> Options {
        let given = |value: &Option<String>| given(value.as_ref()).map(str::to_owned);
        Options {
            manifest,
            data_dir,
            fresh: false,
            bind,
            port,
            region: region.to_owned(),
            database_url: given(&self.database_url),
            database_password: given(&self.database_password),
            redis_url: given(&self.redis_url),
            alert_url: given(&self.alert_url),
            mcp_servers: given(&self.mcp_servers),
            jwks_url: given(&self.jwks_url),
            issuers: given(&self.issuers),
            anonymous_role: self.anonymous_role,
            time_budget: self.time_budget_ms.map(Millis),
            kill: self.kill_ms.map(Millis),
            breakers: self.breakers.clone(),
            user_concurrency: self.user_concurrency,
            limits: given(&self.limits),
            collector: self.collector.clone(),
            skip_time: self.skip_time,
            tools: self.tool_limits(),
        }
    }
}

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

  Talk to it  {url}
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
