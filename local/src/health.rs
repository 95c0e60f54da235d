//! `makegood health`: whether a service is well, for the health checks of containers.

use std::time::Duration;

use anyhow::{Context, ensure};
use clap::Args;

/// Longer than this, and it is not well.
const PATIENCE: Duration = Duration::from_secs(5);

#[derive(Debug, Args)]
pub struct Health {
    /// What is asked, with GET
    #[arg(value_name = "URL")]
    pub url: String,
    /// The token to send
    #[arg(long, value_name = "TOKEN")]
    pub bearer: Option<String>,
    /// The status of a service that is well [default: any from 200 to 299]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(100..=599))]
    pub status: Option<u16>,
}

/// Asks once. An error where nobody answers, or with another status than a service that is well.
pub async fn ask(options: &Health) -> anyhow::Result<()> {
    let client = reqwest::Client::builder().timeout(PATIENCE).no_proxy().build()?;
    let mut request = client.get(&options.url);
    if let Some(token) = &options.bearer {
        request = request.bearer_auth(token);
    }
    let response = request.send().await.with_context(|| format!("{} does not answer", options.url))?;
    let status = response.status();
    let well = options.status.map_or(status.is_success(), |wanted| status.as_u16() == wanted);
    ensure!(well, "{} answers {status}", options.url);
    Ok(())
}
