//! Alerts: telling people of sagas that need one: what is stuck, what goes forward and cannot go on by itself, and what
//! has been unwinding for long.
//!
//! The sweeper finds them, before it wakes anybody: a queue that takes nothing is one more reason to tell. What is told
//! is a line of the log, and, where the installation names an address (`alert_url`), a message that the queue brings
//! there, signed as all that it brings. A message is noted after the queue has it: one that is told of twice is the same
//! one to the queue.

use makegood_core::error::Error;
use makegood_core::time::Millis;
use makegood_gateway::alerts::{Alert, Why, due, said};
use makegood_gateway::qstash::Publish;
use serde_json::{Value, json};

use crate::credentials::struck;
use crate::host::{Host, Level};
use crate::queue::{SLACK, send};
use crate::settings::Settings;
use crate::store::Store;

/// A saga may be unwinding, a step unsettled, or a wake in vain, for so long before anybody is told, and lists say that it
/// needs somebody.
pub const PATIENCE: Millis = Millis::from_secs(3600);
/// Alerts that one sweep sends.
const BATCH: u32 = 20;
/// The longest that a receiver may take.
const TIMEOUT: Millis = Millis::from_secs(30);
/// Of a title, which is anybody's words.
const LONGEST: usize = 100;

/// The wait after which an alert is said again, by how often it was said: an hour, four, then a day.
fn again(said: u32) -> Millis {
    let hours = match said {
        0 => 1,
        1 => 4,
        _ => 24,
    };
    Millis::from_secs(hours * 3600)
}

/// Tells of all that is due, as far as the time of this invocation goes. What nobody could be told of is due
/// again at the next sweep.
pub async fn tell<H: Host>(host: &H, settings: &Settings) {
    let now = host.now();
    let due: Option<Vec<Alert>> = match Store::new(host, settings).ask(&due(now, PATIENCE, BATCH)).await {
        Ok(due) => due,
        Err(error) => return host.log(Level::Warn, &format!("nobody knows whom to tell of: {error}")),
    };
    for alert in due.into_iter().flatten() {
        if let Err(error) = tell_of(host, settings, &alert).await {
            // Who knows the address may write to whoever is told: the queue, refusing it, may say it again.
            let why = struck(&error.to_string(), &settings.alert_url);
            host.log(Level::Warn, &format!("nobody was told of {}: {why}", alert.saga));
        }
        if host.now() > now + Millis(settings.time_budget.0 / 4) {
            break;
        }
    }
}

/// Tells of one saga, and notes that somebody was told.
async fn tell_of<H: Host>(host: &H, settings: &Settings, alert: &Alert) -> Result<(), Error> {
    let now = host.now();
    let over = alert.why == Why::Over;
    let body = message(settings, alert, now);
    // Without the title, which is the user's own.
    let line = format!("alert: {} {}: {}", alert.saga, alert.why, page(settings, alert));
    host.log(if over { Level::Info } else { Level::Error }, &line);
    if !settings.alert_url.is_empty() {
        let publish = Publish {
            destination: &settings.alert_url,
            body: body.to_string().into_bytes(),
            deduplication: &format!("alert:{}:{}:{}:{}", alert.saga, alert.why, alert.since.0, alert.said),
            at: None,
            timeout: TIMEOUT + SLACK,
            trace: None,
        };
        send(host, settings, publish).await?;
    }
    let due = (!over).then(|| now + again(alert.said));
    let _known: Option<bool> = Store::new(host, settings).ask(&said(alert, due)).await?;
    Ok(())
}

fn page(settings: &Settings, alert: &Alert) -> String {
    format!("{}/debug/sagas/{}", settings.public_url, alert.saga)
}

/// A title on one line, in which no chat finds a command or a link of its own.
fn plain(title: &str) -> String {
    title.chars().filter(|char| !char.is_control() && !"<>&@[]`*".contains(*char)).take(LONGEST).collect()
}

/// The message, whose `text` is what common chat webhooks show: what there is, and what to do.
fn message(settings: &Settings, alert: &Alert, now: Millis) -> Value {
    let Alert { saga, why, about, phase, owner, title, since, said } = alert;
    let (page, name, what) = (page(settings, alert), plain(title), plain(about));
    let span = now.since(*since).in_words();
    let lasts = if *said == 0 { String::new() } else { format!(", for {span} now") };
    let told = match why {
        Why::Stuck => format!(
            "is stuck and needs a person{lasts}: find out what became of what is held ({what}), then retry or resolve it"
        ),
        Why::Unwinding => format!("has been unwinding for {span}, and is not undone yet: see why, and to its partners"),
        Why::Drifting => format!(
            "has paused and needs a person{lasts}, since the tool {what} has changed: see whether its plan still fits, \
             then resume, replan or cancel it"
        ),
        Why::Held => format!(
            "goes on, and needs a person for {what}{lasts}: find out what became of it, then retry or resolve it"
        ),
        Why::Failing => format!(
            "is to be undone, and has not known for {span} whether it still can: have the partner of {what} answer"
        ),
        Why::Unsettled => format!("has tried to settle {what} for {span}: have its partner answer"),
        Why::Silent => format!(
            "has been woken for {span}, and nothing came of it: see what the log says of it, and whether the queue works"
        ),
        Why::Over => format!("needs nobody any more, and is {phase}"),
    };
    json!({
        "alert": why, "saga": saga, "phase": phase, "about": about, "owner": owner, "title": title,
        "since": since, "at": now, "said": said, "page": page, "text": format!("{saga} ({name}) {told}: {page}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_said_again_more_and_more_seldom() {
        assert_eq!([0, 1, 2, 3, 1_000].map(|said| again(said).0 / 3_600_000), [1, 4, 24, 24, 24]);
    }

    #[test]
    fn a_title_brings_nothing_about_in_a_chat_or_a_log() {
        assert_eq!(plain("Dinner\n<!channel> @all `x` [a](b)"), "Dinner!channel all x a(b)");
        assert_eq!(plain(&"x".repeat(4_000)).len(), LONGEST);
    }
}
