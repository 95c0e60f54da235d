//! One command to Redis, which coordinates and remembers nothing: whoever asks goes on without it.

use makegood_core::time::Millis;
use makegood_gateway::redis;
use serde_json::Value;

use crate::host::Host;
use crate::settings::Settings;

/// What Redis answers to several commands within `patience`; else why there is no answer, for the log.
pub(crate) async fn run_all<H: Host>(
    host: &H,
    settings: &Settings,
    commands: &[&[&str]],
    patience: Millis,
) -> Result<Vec<Value>, String> {
    let request = redis::pipeline(&settings.redis, commands).map_err(|error| error.0)?;
    let response = host.fetch(request, patience).await.map_err(|error| error.to_string())?;
    redis::results(&response).map_err(|error| error.0)
}

/// What a script answers. `words`: its command, with the whole of it where Redis has not seen it yet.
pub(crate) async fn evaluate<H: Host>(
    host: &H,
    settings: &Settings,
    words: impl Fn(bool) -> Vec<String>,
    patience: Millis,
) -> Result<Value, String> {
    let send = async |whole| {
        let words = words(whole);
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        run(host, settings, &words, patience).await
    };
    match send(false).await {
        Err(cause) if redis::is_unknown(&cause) => send(true).await,
        said => said,
    }
}

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
