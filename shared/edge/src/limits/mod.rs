//! Who may come how often: the limits at the doors.
//!
//! A request is under the limits of its class, counted by its user, or by its address where nobody is signed in. All of
//! them are asked for in one round trip to Redis; whoever was refused is known to this isolate, and costs none until
//! their time has come. When Redis does not answer, what is configured takes its place. Deliveries of the queue come
//! through no limit; one whose signature is not good counts as somebody who was not let in, by address.
//!
//! docs/LIMITS.md has the rules, [`gcra`](makegood_core::guard::gcra) the arithmetic.

mod client;
mod mark;

use makegood_core::error::{Code, Error};
use makegood_core::guard::front::{Asked, Front};
use makegood_core::guard::gcra::Decision;
use makegood_core::guard::load::WHOLE;
use makegood_core::guard::rates::{Limit, Rates};
use makegood_core::guard::{Scope, Tier};
use makegood_core::time::Millis;
use makegood_gateway::limits::{Ask, Told, key, told, words};

use crate::door::{self, ANONYMOUS, Principal};
use crate::host::{Host, Level, Request};
use crate::redis;
use crate::settings::Settings;

pub use client::{added, come_from_where, read};
pub use makegood_core::guard::rates::Class;
pub use mark::Visit;
use mark::{Mark, micros, seconds};

/// So long is Redis waited for.
const PATIENCE: Millis = Millis(500);

/// What is done while Redis is away.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Fallback {
    /// Each isolate counts for itself.
    #[default]
    Isolate,
    /// All are let in.
    Open,
    /// Nobody is.
    Closed,
}

/// Whether limits hold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    #[default]
    Enforce,
    /// All are let in, and the log says who would not have been.
    Shadow,
}

/// A request that came within another, under whose limits it is.
#[derive(Clone, Copy, Debug)]
pub struct Counted;

/// What this instance remembers of those who come.
fn front<H: Host, T>(host: &H, look: impl FnOnce(&mut Front) -> T) -> T {
    look(&mut host.isolate().front.borrow_mut())
}

/// Lets a user in who may do this, under the limits of these classes. Who is not let in counts by address.
///
/// # Errors
/// As [`door::principal`], and [`Code::RateLimited`] or [`Code::Unavailable`].
pub async fn admit<H: Host>(
    request: &Request,
    host: &H,
    settings: &Settings,
    classes: &[Class],
    scope: Scope,
) -> Result<Principal, Error> {
    let principal = match door::principal(host, settings, request, scope).await {
        Ok(principal) => principal,
        Err(error) => {
            by_address(request, host, settings, Class::Failed).await?;
            return Err(error);
        }
    };
    if request.extensions().get::<Counted>().is_none() {
        let who = if principal.name == ANONYMOUS {
            address(request, settings)
        } else {
            [b"u", principal.name.as_bytes()].concat()
        };
        count(request, host, settings, classes, &who, principal.tier).await?;
    }
    Ok(principal)
}

/// Where a request comes from, for people: an address, or nothing where nobody knows.
#[must_use]
pub fn origin(request: &Request, settings: &Settings) -> String {
    let address = client::address(request, settings.trusted_proxy_hops);
    address.map(|address| address.to_canonical().to_string()).unwrap_or_default()
}

/// Counts a request of nobody in particular by its address.
///
/// # Errors
/// [`Code::RateLimited`] or [`Code::Unavailable`].
pub async fn by_address<H: Host>(request: &Request, host: &H, settings: &Settings, class: Class) -> Result<(), Error> {
    count(request, host, settings, &[class], &address(request, settings), Tier::Free).await
}

/// Counts a delivery of a configured source by source and address; of one that is not, by address alone, or whoever
/// makes names up would have a bucket for each.
///
/// # Errors
/// [`Code::RateLimited`] or [`Code::Unavailable`].
pub async fn by_source<H: Host>(
    request: &Request,
    host: &H,
    settings: &Settings,
    source: Option<&str>,
) -> Result<(), Error> {
    let mut who = address(request, settings);
    if let Some(source) = source {
        who.extend_from_slice(b"s");
        who.extend_from_slice(source.as_bytes());
    }
    count(request, host, settings, &[Class::Webhook], &who, Tier::Free).await
}

fn address(request: &Request, settings: &Settings) -> Vec<u8> {
    client::network(client::address(request, settings.trusted_proxy_hops))
}

/// One limit, and the bucket that this request has there.
struct Under<'a> {
    /// The limit's place among those of its class.
    nth: usize,
    limit: &'a Limit,
    asked: Asked,
    name: String,
}

async fn count<H: Host>(
    request: &Request,
    host: &H,
    settings: &Settings,
    classes: &[Class],
    who: &[u8],
    tier: Tier,
) -> Result<(), Error> {
    let rates = &settings.limits;
    let (Some(class), times, now) = (classes.first().copied(), rates.times(tier), micros(host.now())) else {
        return Ok(());
    };
    let proposed = front(host, |front| propose(front, rates, class, now));
    let under = under(host, settings, classes, who, times);
    if under.is_empty() {
        return Ok(());
    }
    let enforce = settings.limits_mode == Mode::Enforce;
    let known = front(host, |front| under.iter().map(|one| front.refused(one.asked.key, now)).max().unwrap_or(0));
    if known > 0 && enforce {
        front(host, |front| front.load(class).refused());
        let mut mark = Mark { retry_after: seconds(known), ..Mark::default() };
        for one in &under {
            let wait = front(host, |front| front.refused(one.asked.key, now));
            let none = Decision { allowed: false, remaining: 0, next: wait.max(1), reset: 0, new_tat: 0 };
            if wait > 0 {
                mark.add(one.nth, one.limit, times, one.asked.policy, none);
            }
        }
        return Err(refuse(request, mark));
    }
    let asked = ask(host, settings, &Ask { class: class.name(), proposed, buckets: buckets(&under) }, now).await;
    let (decisions, fallback) = match (asked, settings.limits_fallback) {
        (Some(told), _) => {
            front(host, |front| *front.factor(class) = if rates.adaptive.is_some() { told.factor } else { WHOLE });
            (told.decisions, None)
        }
        (None, Fallback::Isolate) => {
            let asked: Vec<Asked> = under.iter().map(|one| one.asked).collect();
            (front(host, |front| front.check(&asked, now)), Some("isolate"))
        }
        (None, Fallback::Closed) if enforce => {
            return Err(Error::new(Code::Unavailable, "It cannot be counted who comes now. Try again soon."));
        }
        (None, Fallback::Open | Fallback::Closed) => (Vec::new(), Some("open")),
    };
    let mut mark = Mark { fallback, ..Mark::default() };
    let (mut wait, mut hold) = (0, 0);
    for (one, decision) in under.iter().zip(&decisions) {
        mark.add(one.nth, one.limit, times, one.asked.policy, *decision);
        if decision.allowed {
            hold = one.asked.policy.hold(*decision, u64::from(rates.throttle_ms)).max(hold);
        } else {
            wait = decision.next.max(wait).max(1);
            front(host, |front| front.refuse(one.asked.key, decision.next, now));
        }
    }
    if wait > 0 {
        front(host, |front| front.load(class).refused());
        let shadow = if enforce { "" } else { "would have been " };
        if known == 0 {
            let name = under.first().map(|one| one.name.as_str()).unwrap_or_default();
            host.log(Level::Info, &format!("{shadow}refused by its limit for {} s: {name}", seconds(wait)));
        }
        if enforce {
            mark.retry_after = seconds(wait);
            return Err(refuse(request, mark));
        }
    }
    if !enforce {
        mark = Mark { fallback, ..Mark::default() };
    } else if wait == 0 && hold > 0 {
        host.sleep(Millis(hold)).await;
    }
    mark.served = Some((class, host.now()));
    Visit::note(request, mark);
    Ok(())
}

/// What the load of this isolate asks for. It is its own factor too, until Redis tells that of all.
fn propose(front: &mut Front, rates: &Rates, class: Class, now: u64) -> Option<u32> {
    let adaptive = rates.adaptive.as_ref()?;
    let factor = (*front.factor(class)).clamp(adaptive.min, adaptive.max);
    let proposed = front.load(class).propose(factor, adaptive, now);
    *front.factor(class) = proposed.unwrap_or(factor);
    proposed
}

/// The limits that a request is under.
fn under<'a, H: Host>(host: &H, settings: &'a Settings, classes: &[Class], who: &[u8], times: u32) -> Vec<Under<'a>> {
    let mut under = Vec::new();
    for class in classes {
        let factor = front(host, |front| *front.factor(*class));
        for (nth, (place, limit)) in settings.limits.of(*class).enumerate() {
            // By its place in its class, so that another class's limits can be changed and this one's buckets stay.
            let (key, name) = key(&settings.redis.token, class.name(), nth, who);
            let policy = limit.policy(times).scaled(factor);
            under.push(Under { nth, limit, asked: Asked { key, place, policy }, name });
        }
    }
    under
}

fn buckets(under: &[Under<'_>]) -> Vec<(String, makegood_core::guard::gcra::Policy)> {
    under.iter().map(|one| (one.name.clone(), one.asked.policy)).collect()
}

/// Asks Redis; `None` where it is away.
async fn ask<H: Host>(host: &H, settings: &Settings, ask: &Ask, now: u64) -> Option<Told> {
    if front(host, |front| front.is_away(now)) {
        return None;
    }
    let answer = redis::evaluate(host, settings, |whole| words(ask, whole), PATIENCE).await;
    match answer.and_then(|answer| told(ask, &answer).map_err(|error| error.0)) {
        Ok(told) => {
            front(host, Front::answered);
            Some(told)
        }
        Err(cause) => {
            front(host, |front| front.missed(micros(host.now())));
            let instead = settings.limits_fallback;
            host.log(Level::Warn, &format!("no limits from Redis for now, instead {instead:?}: {cause}"));
            None
        }
    }
}

fn refuse(request: &Request, mark: Mark) -> Error {
    let error = Error::new(Code::RateLimited, format!("You come too often. Come again in {} s.", mark.retry_after));
    Visit::note(request, mark);
    error
}
