//! Tells whoever collects traces of sagas that have come to rest, each whole; and metrics: what was counted of these
//! sagas, and now and then how everything stands.
//!
//! No saga waits for it, and no answer: the commit that has a saga rest notes it, the sweep finds what is noted, and
//! the queue has this done. What is not taken is told again later and later. A saga that goes on after its rest is told
//! anew at the next one, with the same ids.

use makegood_core::error::Error;
use makegood_core::id::SagaId;
use makegood_core::time::Millis;
use makegood_core::trace::{Trace, TraceId};
use makegood_gateway::measures::{self, Measures};
use makegood_gateway::otlp::metrics::tally::Tally;
use makegood_gateway::otlp::metrics::{self, Moment};
use makegood_gateway::otlp::{self, Collector, Heard, Resource};
use makegood_gateway::traces::{self, Due, Told, traced};
use makegood_gateway::{Malformed, Request, qstash};
use serde_json::Value;

use crate::breakers;
use crate::host::{Host, Level};
use crate::queue::{self, SLACK};
use crate::settings::{Settings, misconfigured};
use crate::store::Store;
use crate::subscriptions::{FOR_GOOD, SKEW, wait};

/// Sagas that one request tells of.
const MOST: u32 = 16;
/// The longest that a receiver may take.
const PATIENCE: Millis = Millis(10_000);
/// So long the queue is waited for, of which only a number is wanted.
const BRIEFLY: Millis = Millis(1_000);
const DAY: Millis = Millis::from_secs(24 * 3_600);

/// Traces as others are shown them. `contents`: with what users and partners said.
pub fn written<H: Host>(host: &H, traces: &[Trace], contents: bool) -> Value {
    let [environment, region] = named(host);
    otlp::written(traces, resource(&environment, &region), contents)
}

pub(crate) fn named<H: Host>(host: &H) -> [String; 2] {
    [host.config("environment"), host.config("region")].map(Option::unwrap_or_default)
}

pub(crate) const fn resource<'a>(environment: &'a str, region: &'a str) -> Resource<'a> {
    Resource { version: env!("CARGO_PKG_VERSION"), environment, region }
}

/// Tells the traces that have been due for the longest, and now and then how many there are of what. Answers with how
/// many sagas were told of.
///
/// # Errors
/// Where a setting is none, or what was told could not be written down: then it is told once more.
///
/// `since` is when the invocation began: not all of its time is left.
pub async fn tell<H: Host>(host: &H, settings: &Settings, since: Millis) -> Result<usize, Error> {
    let [endpoint, headers, share] =
        [host.config("otlp_endpoint"), host.config("otlp_headers"), host.config("otlp_sample")]
            .map(Option::unwrap_or_default);
    let collector = Collector::read(&endpoint, &headers, &share).map_err(misconfigured)?;
    let Some(collector) = collector else { return Ok(0) };
    let store = Store::new(host, settings);
    let (began, mut tally) = (host.now(), Tally::default());
    let until = (began + Millis(settings.kill.0 / 4)).min(since + Millis(settings.kill.0 / 2));
    let told = tell_all(host, settings, &collector, &store, &mut tally, until).await;
    // Also of what was told before something went wrong.
    measure(host, settings, &collector, &store, tally, began).await;
    told
}

/// Request by request, as long as another may be begun.
async fn tell_all<H: Host>(
    host: &H,
    settings: &Settings,
    collector: &Collector,
    store: &Store<'_, H>,
    tally: &mut Tally,
    until: Millis,
) -> Result<usize, Error> {
    let mut told = 0;
    loop {
        let (these, next) = tell_due(host, settings, collector, store, tally).await?;
        told += these;
        let Some(next) = next else { break };
        // What was not taken is told one by one: after an outage a message for each would be as many as there are.
        let now = host.now();
        if now >= until {
            queue::bring(host, settings, &next, &format!("traces{}", now.0), None).await;
            break;
        }
    }
    Ok(told)
}

/// One request's worth: how many sagas that was of, and one that is due now.
async fn tell_due<H: Host>(
    host: &H,
    settings: &Settings,
    collector: &Collector,
    store: &Store<'_, H>,
    tally: &mut Tally,
) -> Result<(usize, Option<SagaId>), Error> {
    let began = host.now();
    let held = began + settings.kill + SLACK;
    let due: Option<Vec<Due>> = store.ask(&traces::take(began + SKEW, held, MOST)).await?;
    let (mut told, mut wanted, mut tries, mut counted) = (Vec::new(), Vec::new(), 0, tally.clone());
    for Due { tries: so_far, story } in due.unwrap_or_default() {
        let Some(story) = story else { continue };
        let trace = traced(&story);
        if collector.wants(&trace) {
            wanted.push(trace);
        }
        tries = so_far.max(tries);
        counted.add(&story);
        told.push(Told { saga: story.id, version: story.version });
    }
    if told.is_empty() {
        return Ok((0, None));
    }
    let heard = if wanted.is_empty() { Heard::Taken } else { send(host, settings, collector, &wanted).await };
    match heard {
        Heard::Taken => {}
        Heard::Partly(number, why) => host.log(Level::Warn, &format!("{number} spans were not taken: {why}")),
        Heard::Refused(why) => host.log(Level::Warn, &format!("{} traces are not told: {why}", wanted.len())),
        Heard::Later(why, after) => {
            let now = host.now();
            let due_at = now + wait(tries.saturating_add(1), after);
            let gone: Option<u32> = store.ask(&traces::fail(held, &told, due_at, now - FOR_GOOD)).await?;
            let line =
                format!("{} traces are told later: {why}; {} are given up", told.len(), gone.unwrap_or_default());
            host.log(Level::Info, &line);
            // They are counted when they are told.
            return Ok((told.len(), None));
        }
    }
    let next: Option<SagaId> = store.ask(&traces::settle(held, &told, host.now())).await?;
    *tally = counted;
    Ok((told.len(), next))
}

impl<H: Host> Store<'_, H> {
    /// The ids of a trace's sagas, the first first, at most so many.
    ///
    /// # Errors
    /// As every statement: see [`Store::create`].
    pub async fn of_trace(&self, trace: TraceId, most: u32) -> Result<Vec<SagaId>, Error> {
        Ok(self.ask(&traces::of_trace(trace, most)).await?.unwrap_or_default())
    }
}

/// Tells what was counted, and where it is time to, how everything stands. What is not taken of the first is lost; the
/// second is told the next time.
async fn measure<H: Host>(
    host: &H,
    settings: &Settings,
    collector: &Collector,
    store: &Store<'_, H>,
    tally: Tally,
    began: Millis,
) {
    let moment = match moment(host, settings, store).await {
        Ok(moment) => moment,
        Err(error) => {
            host.log(Level::Warn, &format!("nobody was told how many sagas there are: {error}"));
            None
        }
    };
    if moment.is_none() && tally.is_empty() {
        return;
    }
    let [environment, region] = named(host);
    let span = (began, host.now());
    let told = metrics::written(moment.as_ref(), tally, span, resource(&environment, &region));
    let heard = exchange(host, settings, collector, collector.measure(&told)).await;
    if heard != Heard::Taken {
        host.log(Level::Info, &format!("how many sagas there are was not taken: {heard:?}"));
    }
}

/// How everything stands, where it is time to tell that.
async fn moment<H: Host>(host: &H, settings: &Settings, store: &Store<'_, H>) -> Result<Option<Moment>, Error> {
    let at = host.now();
    let is_time: Option<bool> = store.ask(&traces::count(at)).await?;
    if is_time != Some(true) {
        return Ok(None);
    }
    let day = Millis(at.0 - at.0 % DAY.0);
    let counts = store.counts(None, day).await?;
    let measures: Option<Measures> = store.ask(&measures::measure(at)).await?;
    let breakers = match breakers::list(host, settings).await {
        Ok(all) => Some(all.into_iter().map(|breaker| (breaker.name, breaker.stands)).collect()),
        Err(error) => {
            host.log(Level::Warn, &format!("nobody was told how breakers stand: {error}"));
            None
        }
    };
    let dead_letters = match dead_letters(host, settings).await {
        Ok(number) => Some(number),
        Err(cause) => {
            host.log(Level::Warn, &format!("nobody was told what the queue gave up: {cause}"));
            None
        }
    };
    Ok(Some(Moment { at, day, counts, measures: measures.unwrap_or_default(), breakers, dead_letters }))
}

async fn dead_letters<H: Host>(host: &H, settings: &Settings) -> Result<usize, String> {
    let request = qstash::dead_letters(&settings.queue).map_err(|error| error.0)?;
    let response = host.fetch(request, BRIEFLY).await.map_err(|error| error.to_string())?;
    qstash::counted_dead_letters(&response).map_err(|error| error.0)
}

async fn send<H: Host>(host: &H, settings: &Settings, collector: &Collector, wanted: &[Trace]) -> Heard {
    let contents = host.config("otlp_contents").is_some_and(|contents| contents == "true");
    exchange(host, settings, collector, collector.tell(&written(host, wanted, contents))).await
}

async fn exchange<H: Host>(
    host: &H,
    settings: &Settings,
    collector: &Collector,
    request: Result<Request, Malformed>,
) -> Heard {
    let request = match request {
        Ok(request) => request,
        Err(error) => return Heard::Refused(error.0),
    };
    // What came of it is written down in the time that is left.
    match host.fetch(request, PATIENCE.min(Millis(settings.kill.0 / 4))).await {
        Ok(response) => collector.heard(&response),
        Err(error) => Heard::Later(error.to_string(), None),
    }
}
