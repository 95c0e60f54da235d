//! One command to Redis, which coordinates and remembers nothing: whoever asks goes on without it.

use makegood_core::time::Millis;
use makegood_gateway::redis;
use serde_json::Value;

use crate::host::Host;
use crate::settings::Settings;

/// What Redis answers within `patience`; else why there is no answer, for the log.
pub(crate) async fn run<H: Host>(
    host: &H,
    settings: &Settings,
    words: &[&str],
    patience: Millis,
) -> Result<Value, String> {
    let request = redis::command(&settings.redis, words).map_err(|error| error.0)?;
    let response = host.fetch(request, patience).await.map_err(|error| error.to_string())?;
    redis::result(&response).map_err(|error| error.0)
}
