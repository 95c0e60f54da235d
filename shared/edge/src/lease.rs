//! A lease in Redis on one version of a saga. It only saves work: two workers at once are harmless,
//! and without Redis everybody is let in.

use makegood_core::time::Millis;
use makegood_gateway::breakers::SHUT;

use crate::breakers;
use crate::host::{Host, Level};
use crate::queue::Message;
use crate::redis;
use crate::settings::Settings;

const PATIENCE: Millis = Millis(1_000);

fn name(message: &Message) -> String {
    // The word that a turn has come must not keep the version's own wake out, nor that the word.
    let turn = message.turn.map(|node| format!(":turn{node}")).unwrap_or_default();
    format!("makegood:lease:{}:{}{turn}", message.saga, message.version)
}

/// Whether this worker may go on. A yield brings a new version and so a new lease: there is nothing to give back
/// when all goes well. How the breakers stand is asked along with it, where that is not known.
pub async fn take<H: Host>(host: &H, settings: &Settings, message: &Message) -> bool {
    let span = settings.kill.0.to_string();
    let name = name(message);
    let lease = ["SET", &name, "1", "NX", "PX", &span];
    let taken = if breakers::wants_news(host, settings) {
        let news = ["HGETALL", SHUT];
        let answers = redis::run_all(host, settings, &[&lease[..], &news[..]], PATIENCE).await;
        breakers::hear(host, answers.as_ref().ok().and_then(|answers| answers.get(1)));
        answers.map(|answers| answers.into_iter().next().unwrap_or_default())
    } else {
        redis::run(host, settings, &lease, PATIENCE).await
    };
    match taken {
        Ok(answer) => !answer.is_null(),
        Err(cause) => {
            host.log(Level::Warn, &format!("no lease, going on without: {cause}"));
            true
        }
    }
}

/// Lets the next delivery in at once, after this one failed.
pub async fn give_up<H: Host>(host: &H, settings: &Settings, message: &Message) {
    if let Err(cause) = redis::run(host, settings, &["DEL", &name(message)], PATIENCE).await {
        host.log(Level::Warn, &format!("the lease stays until it ends by itself: {cause}"));
    }
}
