//! Alerts: telling people of sagas that need one, and of those that have been unwinding for long.
//!
//! The sweeper finds them. What is told is a line of the log, and, where the installation names an
//! address (`alert_url`), a message that the queue brings there, signed as all that it brings. A
//! message is noted after the queue has it: one that is told of twice is the same one to the queue.

use makegood_core::error::Error;
use makegood_core::saga::Phase;
use makegood_core::time::Millis;
use makegood_gateway::alerts::{Alert, said};
use makegood_gateway::qstash::Publish;
use serde_json::{Value, json};

use crate::host::{Host, Level};
use crate::queue::{SLACK, send};
use crate::settings::Settings;
use crate::store::Store;

/// A saga may be unwinding for so long before anybody is told.
pub const PATIENCE: Millis = Millis::from_secs(3600);
/// Alerts that one sweep sends.
pub const BATCH: u32 = 20;
/// The longest that a receiver may take.
const TIMEOUT: Millis = Millis::from_secs(30);

/// The wait after which an alert is said again, by how often it was said: an hour, four, then a day.
fn again(said: u32) -> Millis {
    let hours = match said {
        0 => 1,
        1 => 4,
        _ => 24,
    };
    Millis::from_secs(hours * 3600)
}

/// Tells of one saga, and notes that somebody was told.
///
/// # Errors
/// Where the queue or the journal cannot be reached: it stays due, and the next sweep tells of it.
pub async fn tell<H: Host>(host: &H, settings: &Settings, alert: &Alert) -> Result<(), Error> {
    let now = host.now();
    let over = !matches!(alert.phase, Phase::Stuck | Phase::Unwinding);
    let body = message(settings, alert, now);
    host.log(if over { Level::Info } else { Level::Error }, &format!("alert: {}", body["text"].as_str().unwrap_or("")));
    if !settings.alert_url.is_empty() {
        let publish = Publish {
            destination: &settings.alert_url,
            body: body.to_string().into_bytes(),
            deduplication: &format!("alert:{}:{}:{}:{}", alert.saga, alert.phase, alert.since.0, alert.said),
            at: None,
            timeout: TIMEOUT + SLACK,
        };
        send(host, settings, publish).await?;
    }
    let due = (!over).then(|| now + again(alert.said));
    Store::new(host, settings).said_alert(&said(alert, due)).await
}

/// The message, whose `text` is what common chat webhooks show.
fn message(settings: &Settings, alert: &Alert, now: Millis) -> Value {
    let Alert { saga, phase, owner, title, since, said } = alert;
    let span = now.since(*since).in_words();
    let page = format!("{}/debug/sagas/{saga}", settings.public_url);
    let text = match phase {
        Phase::Stuck => format!("{saga} ({title}) is stuck and needs a person, for {span} now: {page}"),
        Phase::Unwinding => format!("{saga} ({title}) has been unwinding for {span}, and is not undone yet: {page}"),
        Phase::Forward | Phase::Completed | Phase::MadeGood => {
            format!("{saga} ({title}) needs nobody any more, and is {phase}: {page}")
        }
    };
    let alert = match phase {
        Phase::Stuck => "stuck",
        Phase::Unwinding => "unwinding",
        Phase::Forward | Phase::Completed | Phase::MadeGood => "over",
    };
    json!({
        "alert": alert, "saga": saga, "phase": phase, "owner": owner, "title": title,
        "since": since, "at": now, "said": said, "page": page, "text": text,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_said_again_more_and_more_seldom() {
        assert_eq!([0, 1, 2, 3, 1_000].map(|said| again(said).0 / 3_600_000), [1, 4, 24, 24, 24]);
    }
}
