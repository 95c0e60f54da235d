//! Circuit breakers around what is outside: asked before a call, told after it.
//!
//! Of the tools' the truth is in Redis, for all instances together. What an instance must know of it is brought
//! along with the lease that an invocation takes anyway, at most once a second; nothing is asked for a call
//! of what is not known to be open. A call that goes well is counted here, and told with one that does not, if
//! that comes soon; a call that fails is told at once, and the answer says how all breakers stand. So nobody
//! calls twice what has failed him without having heard of it.
//!
//! Each instance keeps breakers of its own beside them, which count the same calls. Where Redis is away they
//! are all that there is. The database, the queue and the models have no others: see [`Pass`].

use std::cell::{Cell, RefCell};

use makegood_core::error::{Code, Error};
use makegood_core::guard::breaker::{Breaker, Forced, Leave, Rulebook, Rules, Tally, counts, name};
use makegood_core::ordered::FlatMap;
use makegood_core::saga::{Call, Child, Outcome};
use makegood_core::time::Millis;
use makegood_gateway::Response;
use makegood_gateway::breakers::{self, Asked, STATES, Told};
use serde_json::Value;

use crate::host::{FetchError, Host, Level};
use crate::redis;
use crate::settings::{Settings, misconfigured};

const PATIENCE: Millis = Millis(1_000);
/// What an instance was told is good for so long; and when Redis was missed, it is not asked again for so long.
const FRESH: Millis = Millis(1_000);
/// What is shut for ever is asked about again so much later.
const FOR_EVER: Millis = Millis(4_000);
/// Calls that went well are kept for so long, to be told later: others are no news.
const KEPT: Millis = Millis(5_000);

/// What an instance knows, and keeps in its [`Isolate`]. Whoever loses it loses some counts.
#[derive(Debug, Default)]
pub(crate) struct Instance {
    /// Of what all instances guard together.
    own: FlatMap<String, Breaker>,
    /// Of what this one guards alone: a tool may have the name of a model.
    alone: FlatMap<String, Breaker>,
    /// Those that are not closed, with the time until which they are shut.
    shut: FlatMap<String, Millis>,
    /// Calls that went well and were not told yet, since when.
    kept: FlatMap<String, (Millis, Tally)>,
    /// An invocation has come to its end.
    served: bool,
    heard_at: Option<Millis>,
    /// When Redis was last asked in vain, since it last answered.
    missed_at: Option<Millis>,
    /// Counts what was heard.
    news: u64,
}

impl Instance {
    fn hear(&mut self, shut: FlatMap<String, Option<Millis>>, now: Millis) {
        let until = |after: Option<Millis>| now + after.unwrap_or(FOR_EVER);
        self.shut = shut.into_iter().map(|(name, after)| (name, until(after))).collect();
        (self.heard_at, self.missed_at) = (Some(now), None);
        self.news += 1;
    }

    /// What is to be told of calls that went well.
    fn kept(&mut self, breaker: &str, now: Millis) -> Tally {
        let kept = self.kept.remove(breaker).filter(|(since, _)| now.since(*since) <= KEPT + KEPT);
        kept.map(|(_, seen)| seen).unwrap_or_default()
    }

    fn miss(&mut self, now: Millis) {
        self.missed_at = Some(now);
        self.news += 1;
    }

    /// It was missed a moment ago, and is not asked again yet.
    fn is_missed(&self, now: Millis) -> bool {
        self.missed_at.is_some_and(|at| now.since(at) < FRESH)
    }
}

fn with<H: Host, T>(host: &H, act: impl FnOnce(&mut Instance) -> T) -> T {
    act(&mut host.isolate().breakers.borrow_mut())
}

/// Whether it must be asked how the breakers stand.
pub(crate) fn wants_news<H: Host>(host: &H, settings: &Settings) -> bool {
    let now = host.now();
    let fresh = with(host, |instance| {
        instance.missed_at.is_none() && instance.heard_at.is_some_and(|at| now.since(at) < FRESH)
    });
    !is_off(settings) && !fresh
}

/// What Redis answered to that; `None` where it did not.
pub(crate) fn hear<H: Host>(host: &H, answer: Option<&Value>) {
    let now = host.now();
    let shut = answer.and_then(|answer| breakers::read_shut(answer, now));
    with(host, |instance| match shut {
        Some(shut) => instance.hear(shut, now),
        None => instance.miss(now),
    });
}

/// Nothing at all is guarded.
/// Nothing is guarded.
#[must_use]
pub fn is_off(settings: &Settings) -> bool {
    settings.breakers.trim() == "off"
}

/// When what an instance guards for itself alone is not called: the database, the queue, a model. They stay
/// open for a short time only, for nobody else tells that they are back.
const ALONE: Rules = Rules { row: 5, open_ms: Millis(500), cap_ms: Millis(1_000), ..Rules::USUAL };

/// A call of what an instance guards for itself alone.
#[derive(Debug)]
pub(crate) struct Pass<'a> {
    name: &'a str,
    permit: Option<Millis>,
}

impl<'a> Pass<'a> {
    /// `None`: its breaker is open, and there is no sense in a call.
    pub(crate) fn ask<H: Host>(host: &H, name: &'a str) -> Option<Self> {
        let now = host.now();
        let permit = match with(host, |instance| instance.alone.or_default(name.to_owned()).ask(&ALONE, now)) {
            Leave::Go => None,
            Leave::Probe { permit } => Some(permit),
            Leave::Shut { .. } => return None,
        };
        Some(Self { name, permit })
    }

    /// Takes in what came of it: it failed where nothing came, or that the service is out of order.
    pub(crate) fn tell<H: Host>(self, host: &H, answered: &Result<Response, FetchError>) {
        let now = host.now();
        let failed = answered.as_ref().map_or(true, |response| response.status().is_server_error());
        let seen = Tally { calls: 1, failed: u64::from(failed), slow: 0 };
        with(host, |instance| instance.alone.or_default(self.name.to_owned()).tell(&ALONE, now, seen, self.permit, 0));
    }
}

/// The breakers of one invocation's calls.
pub(crate) struct Breakers<'a, H> {
    host: &'a H,
    settings: &'a Settings,
    book: Rulebook,
    /// The permits that were given for a step and not used, with their breakers.
    permits: RefCell<FlatMap<u32, (String, Millis)>>,
    /// What was told to the engine last.
    told: Cell<u64>,
}

impl<'a, H: Host> Breakers<'a, H> {
    /// # Errors
    /// Where the setting cannot be read.
    pub(crate) fn new(host: &'a H, settings: &'a Settings) -> Result<Self, Error> {
        let book = book(settings)?;
        Ok(Self { host, settings, book, permits: RefCell::default(), told: Cell::new(0) })
    }

    /// Those that are not closed, with the times at which they may be tried, if there is anything new.
    /// `anew`: to one who has heard nothing of them yet.
    pub(crate) fn news(&self, anew: bool) -> Option<FlatMap<String, Millis>> {
        let rules = &self.book;
        if rules.is_off() {
            return None;
        }
        with(self.host, |instance| {
            let mut wary = if instance.missed_at.is_some() {
                let shut = |(name, own): (&String, &Breaker)| Some((name.clone(), own.shut()??));
                instance.own.iter().filter_map(shut).collect()
            } else {
                instance.shut.clone()
            };
            for (name, forced) in rules.forced() {
                match forced {
                    Forced::Open => _ = wary.insert(name.to_owned(), self.host.now() + rules.of(name).cap_ms),
                    Forced::Closed => _ = wary.remove(name),
                }
            }
            let news = instance.news + 1;
            let fresh = self.told.replace(news) != news;
            (anew && !wary.is_empty() || !anew && fresh).then_some(wary)
        })
    }

    /// Whether a call may be made for a step; where not, when to ask again.
    pub(crate) async fn ask(&self, node: u32, breaker: &str) -> Option<Millis> {
        let rules = self.book.of(breaker);
        if let Some(forced) = rules.forced {
            return (forced == Forced::Open).then_some(rules.cap_ms);
        }
        // What is known to be shut is not asked about.
        let now = self.host.now();
        let known =
            with(self.host, |instance| instance.shut.get(breaker).copied().filter(|_| instance.missed_at.is_none()));
        if let Some(until) = known.filter(|until| *until > now) {
            return Some(until - now);
        }
        let leave = match self.exchange(&[(breaker, rules, Asked::Ask)], false).await {
            Some(told) => told.answers.first().copied().unwrap_or(Leave::Go),
            None => with(self.host, |instance| instance.own.or_default(breaker.to_owned()).ask(rules, now)),
        };
        match leave {
            Leave::Go => None,
            Leave::Probe { permit } => {
                self.permits.borrow_mut().insert(node, (breaker.to_owned(), permit));
                None
            }
            Leave::Shut { after } => Some(after),
        }
    }

    /// What a call is told under, and its permit, as it leaves.
    pub(crate) fn leaves(&self, call: &Call) -> Option<(String, Option<Millis>)> {
        if self.book.is_off() || Child::is_one(&call.tool) {
            return None;
        }
        let breaker = name(&call.tool, call.mcp.as_ref().map(|mcp| mcp.server.as_str()));
        let permit = self.permits.borrow_mut().remove(&call.node).map(|(_, permit)| permit);
        Some((breaker, permit))
    }

    /// Takes in what came of a call.
    pub(crate) async fn tell(&self, breaker: &str, permit: Option<Millis>, outcome: &Outcome, took: Millis) {
        let rules = self.book.of(breaker);
        let seen = Tally::one(counts(outcome), took, rules);
        let is_slow = rules.slow_percent <= 100 && seen.slow > 0;
        if permit.is_none() && seen.failed == 0 && !is_slow {
            let now = self.host.now();
            with(self.host, |instance| {
                instance.own.or_default(breaker.to_owned()).tell(rules, now, seen, None, 0);
                let (since, kept) = instance.kept.or_default(breaker.to_owned());
                if now.since(*since) > KEPT {
                    (*since, *kept) = (now, Tally::default());
                }
                *kept = kept.plus(seen);
            });
            return;
        }
        self.report(breaker, seen, permit).await;
    }

    /// Gives back what was not used. The first invocation of an instance tells what went well too, for there are
    /// platforms on which it is the last.
    pub(crate) async fn close(&self) {
        let now = self.host.now();
        let first = !with(self.host, |instance| std::mem::replace(&mut instance.served, true));
        if first && !self.book.is_off() {
            let names: Vec<String> = with(self.host, |instance| instance.kept.keys().cloned().collect());
            let tell = |name: &String| Asked::Tell {
                seen: with(self.host, |instance| instance.kept(name, now)),
                permit: None,
                jitter: 0,
            };
            let asked: Vec<(&str, &Rules, Asked)> =
                names.iter().map(|name| (name.as_str(), self.book.of(name), tell(name))).collect();
            if !asked.is_empty() {
                _ = self.exchange(&asked, false).await;
            }
        }
        for (breaker, permit) in self.permits.take().into_values() {
            self.report(&breaker, Tally::default(), Some(permit)).await;
        }
    }

    async fn report(&self, breaker: &str, seen: Tally, permit: Option<Millis>) {
        let (rules, now) = (self.book.of(breaker), self.host.now());
        let jitter = u64::from(self.host.random()[0]) * 1_000 / 255;
        let kept = with(self.host, |instance| {
            let own = instance.own.or_default(breaker.to_owned());
            own.tell(rules, now, seen, permit, jitter);
            instance.kept(breaker, now)
        });
        // Before what failed, so that it is not what it failed among.
        let before = Asked::Tell { seen: kept, permit: None, jitter: 0 };
        let this = Asked::Tell { seen, permit, jitter };
        let asked = [(breaker, rules, before), (breaker, rules, this)];
        let asked = if kept.calls == 0 { &asked[1..] } else { &asked[..] };
        let was_shut = with(self.host, |instance| instance.shut.contains_key(breaker));
        let Some(told) = self.exchange(asked, permit.is_some()).await else { return };
        match (was_shut, told.shut.contains_key(breaker)) {
            (false, true) => self.host.log(Level::Warn, &format!("the breaker of {breaker} is open")),
            (true, false) => self.host.log(Level::Info, &format!("the breaker of {breaker} is closed again")),
            (true, true) | (false, false) => {}
        }
    }

    /// `must`: also where Redis was missed a moment ago, for it may hold a permit that others wait for.
    async fn exchange(&self, asked: &[(&str, &Rules, Asked)], must: bool) -> Option<Told> {
        if !must && with(self.host, |instance| instance.is_missed(self.host.now())) {
            return None;
        }
        let told = exchange(self.host, self.settings, asked).await;
        if let Err(cause) = &told {
            self.host.log(Level::Warn, &format!("the breakers are this instance's own: {cause}"));
        }
        told.ok()
    }
}

fn book(settings: &Settings) -> Result<Rulebook, Error> {
    Rulebook::read(&settings.breakers)
        .map_err(|why| misconfigured(format!("the variable `breakers` cannot be read: {why}")))
}

/// Asks Redis, and hears how all of them stand.
async fn exchange<H: Host>(host: &H, settings: &Settings, asked: &[(&str, &Rules, Asked)]) -> Result<Told, String> {
    let told = run(host, settings, asked).await;
    let now = host.now();
    with(host, |instance| match &told {
        Ok(told) => instance.hear(told.shut.clone(), now),
        Err(_) => instance.miss(now),
    });
    told
}

async fn run<H: Host>(host: &H, settings: &Settings, asked: &[(&str, &Rules, Asked)]) -> Result<Told, String> {
    let answer = redis::evaluate(host, settings, |whole| breakers::words(asked, None, whole), PATIENCE).await?;
    breakers::read(&answer, asked.len()).ok_or_else(|| "Redis' answer about breakers makes no sense".to_owned())
}

/// How one stands, for people.
#[derive(Clone, Debug, serde::Serialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema), schemars(rename = "Breaker"))]
pub struct Standing {
    pub name: String,
    #[cfg_attr(
        not(target_arch = "wasm32"),
        schemars(extend("enum" = ["closed", "open", "half_open", "forced_open", "forced_closed"]))
    )]
    pub stands: &'static str,
    /// Calls in its window, as far as they were told.
    pub calls: u64,
    pub failed: u64,
    pub slow: u64,
    /// When it may be tried, where it is not closed, by Redis' clock.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<Millis>,
    /// By whom it is forced, where that is the configuration.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by: Option<&'static str>,
}

/// How all breakers stand that Redis knows.
///
/// # Errors
/// Why they cannot be read.
pub async fn list<H: Host>(host: &H, settings: &Settings) -> Result<Vec<Standing>, Error> {
    let book = book(settings)?;
    let answer = redis::run(host, settings, &["HGETALL", STATES], PATIENCE).await.map_err(unreached)?;
    let words: Vec<&str> = answer.as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let now = host.now();
    let mut all: FlatMap<String, Standing> = FlatMap::new();
    for pair in words.chunks_exact(2) {
        let Some(breaker) = Breaker::from_text(pair[1]) else { continue };
        let seen = breaker.seen();
        let until = breaker.shut().flatten();
        let (name, stands) = (pair[0].to_owned(), breaker.stands(now));
        let standing =
            Standing { name, stands, calls: seen.calls, failed: seen.failed, slow: seen.slow, until, by: None };
        all.insert(standing.name.clone(), standing);
    }
    for (name, forced) in book.forced() {
        let stands = match forced {
            Forced::Open => "forced_open",
            Forced::Closed => "forced_closed",
        };
        let by = Some("the setting `breakers`");
        let standing = Standing { name: name.to_owned(), stands, calls: 0, failed: 0, slow: 0, until: None, by };
        all.insert(name.to_owned(), standing);
    }
    Ok(all.into_values().collect())
}

/// Opens or closes one, whatever its calls say; `None`: has it begin anew.
///
/// # Errors
/// Why Redis was not told.
pub async fn force<H: Host>(host: &H, settings: &Settings, breaker: &str, forced: Option<Forced>) -> Result<(), Error> {
    let book = book(settings)?;
    let asked = [(breaker, book.of(breaker), Asked::Force(forced))];
    exchange(host, settings, &asked).await.map(|_| ()).map_err(unreached)
}

fn unreached(cause: String) -> Error {
    Error::new(Code::Unavailable, "Redis, which holds the breakers, cannot be reached. Try again.").because(cause)
}
