//! The command line: `makegood`, alone, brings everything up. What a command is asked stands beside what it does; here is
//! what several have in common.

use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::{Args, Parser, Subcommand};
use makegood_core::guard::{Role, Tier};
use makegood_core::time::Millis;

use crate::audit::Audit;
use crate::bench::Bench;
use crate::breakers::Breakers;
use crate::chat::Chat;
use crate::deploy::Deploy;
use crate::doctor::Doctor;
use crate::emulate::Emulate;
use crate::health::Health;
use crate::keys::{self, Keys};
use crate::migrate::Migrate;
use crate::saga::Saga;
use crate::saga::client::Installation;
use crate::sim::Sim;
use crate::subscriptions::Subscriptions;
use crate::tools::Tools;
use crate::up::{Build, Up};
use crate::views::Views;
use crate::webhooks::Webhooks;

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
    Build(Build),
    /// Checks that what is deployed fits the code
    Deploy(Deploy),
    /// Asks a deployment's services whether its configuration is good, and says what to do where it is not
    Doctor(Doctor),
    /// Brings a deployment's database to what this code needs
    Migrate(Migrate),
    /// Serves one emulator alone, until Ctrl-C
    Emulate(Emulate),
    /// Asks an address whether its service is well, and fails where it is not: for containers, which have no curl
    Health(Health),
    /// Prints a development token
    Token(Token),
    /// The API keys of an installation: makes, shows and revokes them
    Keys(Keys),
    /// Measures
    #[command(subcommand)]
    Bench(Bench),
    /// Talks to a running installation: says a message, or, without one, what you type, line by line
    Chat(Chat),
    /// Looks at the sagas of a running installation, and answers what they ask of people
    Saga(Saga),
    /// Simulates sagas in which everything that can go wrong does; the last line is JSON
    Sim(Sim),
    /// The tools of an installation: shows, registers and tests them
    Tools(Tools),
    /// The circuit breakers of a running installation: lists them, and holds one open or closed
    Breakers(Breakers),
    /// Webhooks: checks their sources, shows what was delivered, and delivers something to try one out
    Webhooks(Webhooks),
    /// Subscriptions to events: says where a running installation brings them, and has it bring them elsewhere
    Subscriptions(Subscriptions),
    /// The audit log: shows who did what, and checks that nobody has changed it
    Audit(Audit),
    /// The read models that lists and counts are made of: holds them against the journal, and makes them anew
    Views(Views),
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

#[derive(Debug, Args)]
pub struct Token {
    #[command(flatten)]
    pub place: Place,
    /// Who the token is for
    #[arg(long)]
    pub user: String,
    /// What they may do: user, approver, operator, admin
    #[arg(long, default_value = "user", value_parser = keys::role)]
    pub role: Role,
    /// What they have paid for: free, premium, enterprise
    #[arg(long, default_value = "free", value_parser = keys::tier)]
    pub tier: Tier,
    /// How long it is good: 90s, 15m, 12h, 30d
    #[arg(long, value_name = "SPAN", default_value = "12h", value_parser = keys::span)]
    pub ttl: Millis,
}

/// Where an installation is that `makegood up` has started.
pub const DEFAULT_URL: &str = "http://127.0.0.1:3000";

// Where a running installation is, and who asks it. (A comment of the documentation would be the help of whatever
// command has this among its arguments.)
#[derive(Clone, Debug, Args)]
pub struct Asking {
    /// Where the installation is
    #[arg(long, env = "MAKEGOOD_URL", value_name = "URL", default_value = DEFAULT_URL, global = true)]
    pub url: String,
    /// Who asks, as `makegood token` prints it
    #[arg(long, env = "MAKEGOOD_TOKEN", value_name = "TOKEN", hide_env_values = true, global = true)]
    pub token: Option<String>,
}

// The same, where an answer can be had for programs.
#[derive(Clone, Debug, Args)]
pub struct Answers {
    #[command(flatten)]
    pub asking: Asking,
    /// Prints the answer as it came
    #[arg(long, global = true)]
    pub json: bool,
}

/// An empty variable says nothing.
pub fn given(value: Option<&String>) -> Option<&str> {
    value.map(String::as_str).filter(|value| !value.is_empty())
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

impl Asking {
    pub(crate) fn installation(&self) -> anyhow::Result<Installation> {
        Installation::new(&self.url, self.token.as_deref())
    }
}
