//! What `makegood webhooks` is asked.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use crate::cli::{Answers, DEFAULT_URL};
use crate::configuration::Source;

#[derive(Debug, Args)]
pub struct Webhooks {
    #[command(flatten)]
    pub source: Source,
    /// The data of the local platform, which has a source for trying out [default: `data` beside the manifest]
    #[arg(long, value_name = "DIR", global = true)]
    pub data_dir: Option<PathBuf>,
    #[command(subcommand)]
    pub verb: WebhooksVerb,
}

#[derive(Debug, Subcommand)]
pub enum WebhooksVerb {
    /// Reads webhook_sources, and says which sources and rules there are, or what is wrong
    Check,
    /// What was delivered for you, newest first
    List(ListDeliveries),
    /// Signs a body as a source's sender would, and delivers it
    Send(SendDelivery),
}

#[derive(Debug, Args)]
pub struct ListDeliveries {
    #[command(flatten)]
    pub answers: Answers,
    /// So many at most
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=200))]
    pub limit: u32,
}

#[derive(Debug, Args)]
pub struct SendDelivery {
    /// The source; the local platform has `demo`
    #[arg(value_name = "SOURCE")]
    pub source: String,
    /// The file with what is delivered
    #[arg(long, value_name = "FILE")]
    pub body: PathBuf,
    /// Its id, for schemes that have one in a header [default: a new one]
    #[arg(long, value_name = "ID")]
    pub id: Option<String>,
    /// Its kind, for schemes that have it in a header
    #[arg(long = "type", value_name = "TYPE", default_value = "", hide_default_value = true)]
    pub kind: String,
    /// Where the installation is
    #[arg(long, env = "MAKEGOOD_URL", value_name = "URL", default_value = DEFAULT_URL)]
    pub url: String,
}
