//! Tells subscribers what they have yet to be told of a saga, event by event and in order.
//!
//! Whoever takes a cursor has it until after the platform would have ended them, so that two never tell one subscriber of
//! the same saga. What was taken is written at the end: who dies before that has it told once more. What is not taken is
//! tried again later and later, and nothing of that saga overtakes it. Who takes nothing, of whatever saga, is not given
//! here for a while: the database counts that.

use futures_util::future::join_all;
use makegood_core::error::Error;
use makegood_core::id::SagaId;
use makegood_core::time::Millis;
use makegood_gateway::ably;
use makegood_gateway::subscriptions::{self, Cursor, Failed, Row, Standing, Taken, To, Told};
use makegood_gateway::webhook::outgoing::{self, Heard};
use serde_json::Value;

use super::Means;
use crate::host::{FetchError, Host, Level};
use crate::outbound;
use crate::queue::{self, SLACK};
use crate::settings::Settings;
use crate::store::Store;

/// Subscribers that one run tells of a saga, all at once.
const MOST: u32 = 8;
/// Events that one run tells a subscriber, one after the other.
const PAGE: u32 = 50;
/// By so much a function's clock may be behind that of whoever committed.
pub(crate) const SKEW: Millis = Millis(1_000);
/// The longest that a subscriber may take over an event.
const PATIENCE: Millis = Millis(10_000);
/// Between two tries of an event: four times as long each time, from the first to the last.
const FIRST: Millis = Millis(2_000);
const LAST: Millis = Millis::from_secs(6 * 3_600);
/// After so long in which an event was not taken nothing is brought any more. Of Ably, who is never disabled, the sweep
/// forgets what is older.
pub(crate) const FOR_GOOD: Millis = Millis::from_secs(5 * 24 * 3_600);
/// What is kept of why an event was not taken, in characters.
const LONGEST_WHY: usize = 200;

/// What came of one event.
enum Came {
    Taken,
    /// Nothing is to be brought there ever again.
    Gone,
    /// Why, and how long its receiver wants to be left alone.
    Refused(String, Option<Millis>),
}

/// A word that the queue is to bring again: what tells it apart, and when.
type Word = (String, Option<Millis>);

/// Tells all subscribers that are due. Answers with how many there were.
///
/// # Errors
/// Where what was told could not be written: the queue is to say it again, and those who were told are told once more.
pub async fn bring<H: Host>(host: &H, settings: &Settings, saga: &SagaId) -> Result<usize, Error> {
    let means = Means::read(host)?;
    let began = host.now();
    let held = began + settings.kill + SLACK;
    let store = Store::new(host, settings);
    let taken: Option<Taken> = store.ask(&subscriptions::take(saga, began + SKEW, held, MOST, PAGE)).await?;
    let Some(taken) = taken else { return Ok(0) };
    // What was told is written in the last quarter, whoever is silent.
    let patience = Millis(settings.kill.0 / 2).min(PATIENCE);
    let until = began + Millis(settings.kill.0 / 4 * 3);
    let run = Run { host, settings, means: &means, store: &store, saga, taken: &taken, held, patience, until };
    if taken.rest {
        queue::bring(host, settings, saga, &format!("rest{}", held.0), None).await;
    }
    let mut problem = None;
    for came in join_all(taken.cursors.iter().map(|cursor| run.serve(cursor))).await {
        problem = came.err().or(problem);
    }
    problem.map_or(Ok(taken.cursors.len()), Err)
}

struct Run<'a, H> {
    host: &'a H,
    settings: &'a Settings,
    means: &'a Means,
    store: &'a Store<'a, H>,
    saga: &'a SagaId,
    taken: &'a Taken,
    held: Millis,
    patience: Millis,
    /// Nothing is begun that could last longer.
    until: Millis,
}

impl<H: Host> Run<'_, H> {
    /// Tells one subscriber, and has the queue say what is left: at once, for another may be silent for long.
    async fn serve(&self, cursor: &Cursor) -> Result<(), Error> {
        if let Some((mark, at)) = self.tell(cursor).await? {
            queue::bring(self.host, self.settings, self.saga, &mark, at).await;
        }
        Ok(())
    }

    /// Tells one subscriber, as far as the time goes, and writes down how far that was.
    async fn tell(&self, cursor: &Cursor) -> Result<Option<Word>, Error> {
        let subscription = &cursor.subscription;
        let (mut seq, mut brought, mut whole) = (cursor.seq, false, !cursor.more);
        for (number, event) in self.taken.events(self.saga, cursor) {
            if subscription.wants(event["type"].as_str().unwrap_or_default()) {
                if brought && self.host.now() + self.patience > self.until {
                    whole = false;
                    break;
                }
                match self.send(subscription, number, &event).await {
                    Came::Taken => brought = true,
                    Came::Gone => return self.gone(self.told(cursor, seq, None, brought)).await,
                    Came::Refused(why, after) => {
                        return self.refused(cursor, self.told(cursor, seq, None, brought), &why, after).await;
                    }
                }
            }
            seq = number;
        }
        let upto = whole.then_some(cursor.upto);
        self.settle(self.told(cursor, seq, upto, brought)).await
    }

    fn told<'c>(&'c self, cursor: &'c Cursor, seq: u64, upto: Option<u32>, taken: bool) -> Told<'c> {
        Told { subscription: &cursor.subscription.id, saga: self.saga, held: self.held, seq, upto, taken }
    }

    async fn settle(&self, told: Told<'_>) -> Result<Option<Word>, Error> {
        let standing: Option<Standing> = self.store.ask(&subscriptions::settle(told, self.host.now())).await?;
        Ok(match standing {
            Some(Standing::More) => Some((format!("{}:{}", told.subscription, told.seq), None)),
            Some(Standing::Told | Standing::Lost) | None => None,
        })
    }

    /// Has the event tried again later, or gives its subscriber up.
    async fn refused(
        &self,
        cursor: &Cursor,
        told: Told<'_>,
        why: &str,
        after: Option<Millis>,
    ) -> Result<Option<Word>, Error> {
        let now = self.host.now();
        // What was taken meanwhile begins a new count.
        let (tries, since) =
            if told.taken { (1, now) } else { (cursor.tries.saturating_add(1), cursor.failing_since.unwrap_or(now)) };
        // Where little is brought, because nothing is taken, no one event may have been tried for so long.
        let nothing_since = cursor.subscription.failing_since.filter(|_| !told.taken).map_or(since, |at| at.min(since));
        if cursor.subscription.kind == To::Webhook && now.since(nothing_since) >= FOR_GOOD {
            let days = FOR_GOOD.0 / (24 * 3_600 * 1_000);
            let why = format!("an event was not taken for {days} days; at last: {}", plain(why));
            return self.disable(told, &why).await;
        }
        let (due_at, why) = (now + wait(tries, after), plain(why));
        let line = format!("{}: {} did not take what comes after {}: {why}", self.saga, told.subscription, told.seq);
        self.host.log(Level::Info, &line);
        let failed =
            Failed { tries, failing_since: since, due_at, error: &why, after: after.map(|after| after.min(LAST)) };
        let due_at: Option<Millis> = self.store.ask(&subscriptions::fail(told, failed, now)).await?;
        let mark = format!("{}:{}:try{tries}", told.subscription, told.seq);
        Ok(due_at.map(|due_at| (mark, Some(due_at))))
    }

    async fn gone(&self, told: Told<'_>) -> Result<Option<Word>, Error> {
        self.disable(told, "its address answered 410 Gone").await
    }

    /// Brings nothing there any more. What was told is written first, so that nothing of it is told again when somebody
    /// has it go on.
    async fn disable(&self, told: Told<'_>, why: &str) -> Result<Option<Word>, Error> {
        let now = self.host.now();
        let failed = Failed { tries: 0, failing_since: now, due_at: now, error: why, after: None };
        self.store.ask::<Millis>(&subscriptions::fail(told, failed, now)).await?;
        self.store.ask::<bool>(&subscriptions::disable(told.subscription, why, now)).await?;
        self.host.log(Level::Warn, &format!("{} is disabled: {why}", told.subscription));
        Ok(None)
    }

    async fn send(&self, subscription: &Row, number: u64, event: &Value) -> Came {
        let id = outgoing::id(self.saga, number);
        let at = format!("{}/api/execute/{}/events", self.settings.public_url, self.saga);
        match subscription.kind {
            To::Webhook => deliver(self.host, self.means, subscription, (&id, event, &at), self.patience).await,
            To::Ably => self.publish(&id, event, &at).await,
        }
    }

    async fn publish(&self, id: &str, event: &Value, at: &str) -> Came {
        // Without one it is nobody's news.
        let Some(ably) = &self.means.ably else { return Came::Taken };
        let channel = ably::channel(&self.taken.owner, self.saga);
        let request = match ably.publish(&channel, id, event, at) {
            Ok(request) => request,
            Err(error) => return Came::Refused(error.0, None),
        };
        match self.host.fetch(request, self.patience).await {
            Err(error) => Came::Refused(error.to_string(), None),
            Ok(response) => match ably::published(&response) {
                Ok(()) => Came::Taken,
                Err(error) => Came::Refused(error.0, None),
            },
        }
    }
}

/// Brings one event to an address. What its owner is told of a failure says nothing of where the address led.
async fn deliver<H: Host>(
    host: &H,
    means: &Means,
    subscription: &Row,
    (id, event, at): (&str, &Value, &str),
    patience: Millis,
) -> Came {
    let now = host.now();
    let generations = subscription.generations(now);
    let signed = (means.key.as_str(), subscription.id.as_str(), generations.as_slice());
    let request = match outgoing::bring((&subscription.url, id, event, at), signed, now) {
        Ok(request) => request,
        Err(error) => return Came::Refused(error.0, None),
    };
    match outbound::fetch(host, means.bound(&subscription.url), request, patience).await {
        Ok(response) => match outgoing::heard(&response) {
            Heard::Taken => Came::Taken,
            Heard::Gone => Came::Gone,
            Heard::Refused { status, after } => Came::Refused(format!("its address answered {status}"), after),
        },
        Err(error) => {
            host.log(Level::Info, &format!("{}: {error}", subscription.id));
            let why = match error {
                FetchError::NotSent(_) => "its address was not reached",
                FetchError::Unknown(_) => "its address gave no answer in time",
            };
            Came::Refused(why.to_owned(), None)
        }
    }
}

/// What is told of a trial: nothing where it was taken, or else why not.
pub(super) async fn try_out<H: Host>(
    host: &H,
    means: &Means,
    subscription: &Row,
    (id, event): (&str, &Value),
    patience: Millis,
) -> Option<String> {
    // It is short: nobody has to read it elsewhere.
    match deliver(host, means, subscription, (id, event, ""), patience.min(PATIENCE)).await {
        Came::Taken => None,
        Came::Gone => Some("its address answered 410 Gone".to_owned()),
        Came::Refused(why, _) => Some(plain(&why)),
    }
}

/// What others say is kept short, and as text that can be stored.
fn plain(why: &str) -> String {
    why.chars().filter(|char| !char.is_control()).take(LONGEST_WHY).collect()
}

/// How long is waited after so many tries. Who asks for more time gets it, up to the longest wait.
pub(crate) fn wait(tries: u32, after: Option<Millis>) -> Millis {
    let wait = FIRST.0.saturating_mul(4_u64.saturating_pow(tries.saturating_sub(1)));
    Millis(wait).max(after.unwrap_or_default()).min(LAST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_fourfold_to_six_hours_and_heed_what_is_asked_for() {
        let waits: Vec<u64> = (1..=9).map(|tries| wait(tries, None).0 / 1000).collect();
        assert_eq!(waits, [2, 8, 32, 128, 512, 2_048, 8_192, 21_600, 21_600]);
        assert_eq!(wait(u32::MAX, None), LAST);
        assert_eq!(wait(1, Some(Millis(60_000))), Millis(60_000));
        assert_eq!(wait(4, Some(Millis(1_000))), Millis(128_000), "nobody is asked sooner for asking");
        assert_eq!(wait(1, Some(Millis::from_secs(24 * 3_600))), LAST);
    }
}
