//! The command line: `makegood`, alone, brings everything up.

use std::net::IpAddr;
use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::{Args, Parser, Subcommand, ValueEnum};
use makegood_core::time::Millis;

use crate::platform::Options;

/// Agents that act: a message becomes a durable saga, finished or made good.
#[derive(Debug, Parser)]
#[command(name = "makegood", version, arg_required_else_help = false)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Option<Command>,
    #[command(flatten)]
    pub up: Up,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Builds the functions where they changed and brings the platform up (the default)
    Up(Up),
    /// Builds the functions and prints their sizes
    Build(Place),
    /// Prints a development token
    Token(Token),
    /// Measures
    #[command(subcommand)]
    Bench(Bench),
}

#[derive(Clone, Debug, Args)]
pub struct Place {
    /// The manifest [default: spin.toml here or in a folder above]
    #[arg(long, value_name = "FILE")]
    pub manifest: Option<PathBuf>,
    /// Where data lies [default: `data` beside the manifest]
    #[arg(long, value_name = "DIR")]
    pub data_dir: Option<PathBuf>,
}

#[derive(Clone, Debug, Args)]
pub struct Services {
    /// A real PostgreSQL in place of the embedded one
    #[arg(long, env = "DATABASE_URL", value_name = "URL", hide_env_values = true)]
    pub database_url: Option<String>,
    /// A real Redis in place of the embedded one
    #[arg(long, env = "REDIS_URL", value_name = "URL", hide_env_values = true)]
    pub redis_url: Option<String>,
    /// How long an invocation goes on starting calls, in milliseconds
    #[arg(long, value_name = "MS")]
    pub time_budget_ms: Option<u64>,
    /// When the platform ends an invocation, in milliseconds
    #[arg(long, value_name = "MS")]
    pub kill_ms: Option<u64>,
}

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

#[derive(Debug, Args)]
pub struct Token {
    #[command(flatten)]
    pub place: Place,
    /// Who the token is for
    #[arg(long)]
    pub user: String,
    /// How long it is good
    #[arg(long, default_value_t = 12)]
    pub hours: u64,
}

#[derive(Debug, Subcommand)]
pub enum Bench {
    /// Runs N-step sagas for some seconds; the last line is JSON
    Saga(BenchSaga),
}

#[derive(Clone, Debug, Args)]
pub struct BenchSaga {
    #[command(flatten)]
    pub place: Place,
    #[command(flatten)]
    pub services: Services,
    /// Steps of each saga, one after the other
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=500))]
    pub steps: u32,
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

impl Place {
    /// The manifest: as given, or found here or above.
    pub fn manifest(&self) -> anyhow::Result<PathBuf> {
        if let Some(given) = &self.manifest {
            return given.canonicalize().with_context(|| format!("There is no manifest at {}.", given.display()));
        }
        let here = std::env::current_dir()?;
        let mut above = here.ancestors().map(|folder| folder.join("spin.toml"));
        above
            .find(|path| path.is_file())
            .with_context(|| format!("There is no spin.toml in {} or above. Name it with --manifest.", here.display()))
    }

    pub fn data_dir(&self, manifest: &Path) -> PathBuf {
        self.data_dir.clone().unwrap_or_else(|| manifest.with_file_name("data"))
    }
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
    pub fn options(&self, manifest: PathBuf, data_dir: PathBuf, bind: IpAddr, port: u16, region: &str) -> Options {
        let given = |url: &Option<String>| url.clone().filter(|url| !url.is_empty());
        Options {
            manifest,
            data_dir,
            fresh: false,
            bind,
            port,
            region: region.to_owned(),
            database_url: given(&self.database_url),
            redis_url: given(&self.redis_url),
            time_budget: self.time_budget_ms.map(Millis),
            kill: self.kill_ms.map(Millis),
        }
    }
}
