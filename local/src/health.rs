//! `makegood health`: whether a service is well, for the health checks of containers.

use std::time::Duration;

use anyhow::{Context, ensure};

use crate::cli::Health;

/// Longer than this, and it is not well.
const PATIENCE: Duration = Duration::from_secs(5);

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
