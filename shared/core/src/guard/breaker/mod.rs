//! A circuit breaker: whether something outside is called at all, judged by how the last calls of it went.
//!
//! It is a value: whoever keeps one asks it before a call ([`Breaker::ask`]) and tells it afterwards
//! ([`Breaker::tell`]). The same is written in Lua, for the state that all instances share (`breaker.lua` in
//! the gateway); a test holds the two together, so all arithmetic is of whole numbers below 2^53.
//!
//! | stands | asked | told of a call |
//! |---|---|---|
//! | closed | go | counted; opens after some failures in a row, or where too many of the window's calls failed or were slow |
//! | open | shut, until it may be tried | nothing: the call left before it opened |
//! | half open: open, and its time is past | a probe, as long as a permit is left; else shut | of a probe: closes after enough good ones, opens for longer after a bad one; of another: nothing |
//! | forced open | shut | nothing |
//! | forced closed | go | nothing |
//!
//! Deliberately absent: what a failure is. Whoever calls knows ([`counts`] says it for tools).

#[cfg(test)]
mod tests;
mod text;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::saga::Outcome;
use crate::time::Millis;

/// The parts of a window: the oldest is forgotten as a whole.
pub const BUCKETS: u64 = 10;
/// After so many openings in a row it does not stay open for longer.
const MOST_TRIPS: u32 = 20;

/// What is looked at: the calls of the last so many milliseconds, or the last so many calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Window {
    Ms(u64),
    Calls(u64),
}

/// What somebody has decided, whatever the calls say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Forced {
    Open,
    Closed,
}

/// When a breaker opens, and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Rules {
    pub window: Window,
    /// It opens after so many failures in a row, however many calls went well before.
    pub row: u64,
    /// It opens for a rate on no fewer calls in the window.
    pub calls: u64,
    /// It opens where at least so many of a hundred failed; above 100: never for that.
    pub failed_percent: u64,
    /// It opens where at least so many of a hundred were slow; above 100: never for that.
    pub slow_percent: u64,
    /// A call that took this long is slow.
    pub slow_ms: Millis,
    /// For how long it opens first; it doubles with each failed probe.
    pub open_ms: Millis,
    /// The longest that it stays open before it is tried.
    pub cap_ms: Millis,
    /// So many probes may be under way at once.
    pub permits: u64,
    /// A probe that is not heard of for so long is lost, and its permit free.
    pub lease_ms: Millis,
    /// So many good probes close it.
    pub successes: u64,
    /// Whatever the calls say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub forced: Option<Forced>,
}

impl Rules {
    /// What is usual.
    pub const USUAL: Self = Self {
        window: Window::Ms(10_000),
        row: 3,
        calls: 10,
        failed_percent: 50,
        slow_percent: 101,
        slow_ms: Millis(5_000),
        open_ms: Millis(1_000),
        cap_ms: Millis(4_000),
        permits: 1,
        lease_ms: Millis(3_000),
        successes: 1,
        forced: None,
    };
}

impl Default for Rules {
    fn default() -> Self {
        Self::USUAL
    }
}

/// The rules of all breakers, as the setting `breakers` has them: `off`, or by name those that differ from
/// what is usual.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rulebook {
    off: bool,
    own: BTreeMap<String, Rules>,
    usual: Rules,
}

impl Rulebook {
    /// Reads `off`, nothing, or `{"default": {…}, "book_table": {"calls": 10}}`. What an entry leaves out is
    /// as in the code, not as in `default`.
    ///
    /// # Errors
    /// What is wrong with it, and where.
    pub fn read(text: &str) -> Result<Self, String> {
        match text.trim() {
            "" => return Ok(Self::default()),
            "off" => return Ok(Self { off: true, ..Self::default() }),
            _ => {}
        }
        let mut own: BTreeMap<String, Rules> =
            serde_json::from_slice(text.as_bytes()).map_err(|error| error.to_string())?;
        for (name, rules) in &own {
            rules.check().map_err(|why| format!("`{name}`: {why}"))?;
        }
        let usual = own.remove("default").unwrap_or_default();
        if usual.forced.is_some() {
            return Err("`default`: what is forced open or closed is named by itself".to_owned());
        }
        Ok(Self { off: false, own, usual })
    }

    /// Nothing is guarded.
    #[must_use]
    pub const fn is_off(&self) -> bool {
        self.off
    }

    #[must_use]
    pub fn of(&self, name: &str) -> &Rules {
        self.own.get(name).unwrap_or(&self.usual)
    }

    /// Those that somebody has configured to be open or closed.
    pub fn forced(&self) -> impl Iterator<Item = (&str, Forced)> {
        self.own.iter().filter_map(|(name, rules)| Some((name.as_str(), rules.forced?)))
    }
}

impl Rules {
    fn check(&self) -> Result<(), &'static str> {
        const MOST: u64 = 86_400_000;
        let spans = [self.open_ms.0, self.cap_ms.0, self.lease_ms.0, self.slow_ms.0];
        let width = match self.window {
            Window::Ms(span) => span,
            Window::Calls(calls) => calls,
        };
        if !(BUCKETS..=MOST).contains(&width) || spans.iter().any(|span| !(1..=MOST).contains(span)) {
            return Err("a window has 10 or more, a span is not 0, and both are at most a day");
        }
        let counts = [self.row, self.calls, self.permits, self.successes];
        if counts.iter().any(|count| !(1..=1_000_000).contains(count)) {
            return Err("`row`, `calls`, `permits` and `successes` are from 1 to 1000000");
        }
        if [self.failed_percent, self.slow_percent].iter().any(|percent| !(1..=1_000).contains(percent)) {
            return Err("a percentage is from 1, and above 100 for never");
        }
        Ok(())
    }

    /// Whether so many of the calls are too many.
    fn is_too_much(&self, seen: Tally) -> bool {
        let reaches = |some: u64, percent: u64| percent <= 100 && some * 100 >= percent * seen.calls;
        seen.calls >= self.calls && (reaches(seen.failed, self.failed_percent) || reaches(seen.slow, self.slow_percent))
    }
}

/// Calls, and how many of them went ill.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    pub calls: u64,
    pub failed: u64,
    pub slow: u64,
}

impl Tally {
    /// Of one call.
    #[must_use]
    pub fn one(failed: bool, took: Millis, rules: &Rules) -> Self {
        Self { calls: 1, failed: u64::from(failed), slow: u64::from(took >= rules.slow_ms) }
    }

    #[must_use]
    pub const fn plus(self, more: Self) -> Self {
        Self { calls: self.calls + more.calls, failed: self.failed + more.failed, slow: self.slow + more.slow }
    }
}

/// Whether a call may leave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Leave {
    Go,
    /// It may, to find out. The permit, which is named by its end, is given back with what came of the call.
    Probe {
        permit: Millis,
    },
    /// It may not. Asked again so much later, it may be otherwise.
    Shut {
        after: Millis,
    },
}

/// A part of the window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Slot {
    at: u64,
    seen: Tally,
}

/// The breaker of one thing outside. How it is stored: [`Breaker::to_text`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Breaker {
    forced: Option<Forced>,
    /// How often it has opened in a row; 0: it is closed.
    trips: u32,
    /// Not tried before.
    until: Millis,
    /// Good probes since.
    good: u64,
    /// Failures in a row.
    row: u64,
    /// When each permit that is out ends.
    permits: Vec<Millis>,
    /// The oldest first.
    slots: Vec<Slot>,
}

impl Breaker {
    /// Whether a call may leave now.
    pub fn ask(&mut self, rules: &Rules, now: Millis) -> Leave {
        match self.forced {
            Some(Forced::Open) => return Leave::Shut { after: rules.cap_ms },
            Some(Forced::Closed) => return Leave::Go,
            None if self.trips == 0 => return Leave::Go,
            None if now < self.until => return Leave::Shut { after: self.until - now },
            None => {}
        }
        self.permits.retain(|end| *end > now);
        if (self.permits.len() as u64) < rules.permits {
            let permit = now + rules.lease_ms;
            self.permits.push(permit);
            return Leave::Probe { permit };
        }
        let free = self.permits.iter().min().map_or(rules.open_ms, |end| *end - now);
        Leave::Shut { after: free.min(rules.open_ms) }
    }

    /// Takes in what came of calls. `permit`: of the one that was a probe; with no call it is given back
    /// unused. `jitter`: from 0 to 1000, by how much of a quarter an opening is shorter.
    pub fn tell(&mut self, rules: &Rules, now: Millis, seen: Tally, permit: Option<Millis>, jitter: u64) {
        if let Some(place) = permit.and_then(|permit| self.permits.iter().position(|end| *end == permit)) {
            self.permits.remove(place);
        }
        if self.forced.is_some() || seen.calls == 0 {
            return;
        }
        if self.trips == 0 {
            self.count(rules, now, seen);
            if self.row >= rules.row || rules.is_too_much(self.seen()) {
                self.open(rules, now, jitter);
            }
            return;
        }
        if permit.is_none() || now < self.until {
            return;
        }
        if seen.failed > 0 || (rules.slow_percent <= 100 && seen.slow > 0) {
            return self.open(rules, now, jitter);
        }
        self.good += 1;
        if self.good >= rules.successes {
            *self = Self::default();
        }
    }

    /// Opens or closes it, whatever the calls say; `None`: begins anew, closed and with nothing counted.
    pub fn force(&mut self, forced: Option<Forced>) {
        *self = Self { forced, ..Self::default() };
    }

    /// Not closed: until when it is shut, or `None` for ever. The outer `None`: it is closed.
    #[must_use]
    pub const fn shut(&self) -> Option<Option<Millis>> {
        match self.forced {
            Some(Forced::Open) => Some(None),
            Some(Forced::Closed) => None,
            None if self.trips == 0 => None,
            None => Some(Some(self.until)),
        }
    }

    /// For people: `closed`, `open`, `half_open`, `forced_open` or `forced_closed`.
    #[must_use]
    pub fn stands(&self, now: Millis) -> &'static str {
        match self.forced {
            Some(Forced::Open) => "forced_open",
            Some(Forced::Closed) => "forced_closed",
            None if self.trips == 0 => "closed",
            None if now < self.until => "open",
            None => "half_open",
        }
    }

    /// What its window holds.
    #[must_use]
    pub fn seen(&self) -> Tally {
        self.slots.iter().fold(Tally::default(), |all, slot| all.plus(slot.seen))
    }

    fn open(&mut self, rules: &Rules, now: Millis, jitter: u64) {
        let trips = (self.trips + 1).min(MOST_TRIPS);
        let span = rules.open_ms.0.saturating_mul(1 << (trips - 1)).min(rules.cap_ms.0);
        let span = (span - span / 4 * jitter.min(1_000) / 1_000).max(1);
        *self = Self { trips, until: now + Millis(span), ..Self::default() };
    }

    fn count(&mut self, rules: &Rules, now: Millis, seen: Tally) {
        self.row = if seen.failed < seen.calls { 0 } else { self.row + seen.calls };
        let last = self.slots.last().copied();
        let known = last.map_or(0, |slot| slot.at);
        let at = match rules.window {
            Window::Ms(span) => (now.0 / (span / BUCKETS).max(1)).max(known),
            Window::Calls(calls) => {
                known + u64::from(last.is_some_and(|slot| slot.seen.calls >= calls.div_ceil(BUCKETS)))
            }
        };
        match self.slots.last_mut().filter(|slot| slot.at == at) {
            Some(slot) => slot.seen = slot.seen.plus(seen),
            None => self.slots.push(Slot { at, seen }),
        }
        self.slots.retain(|slot| slot.at + BUCKETS > at);
    }
}

/// Whether a call of a tool failed, as its breaker sees it: nothing was sent, nothing came back, or what a
/// server says that is out of order. A partner that says no, or that it is busy, is there.
#[must_use]
pub fn counts(outcome: &Outcome) -> bool {
    match outcome {
        Outcome::Ok(_) | Outcome::Refused(_) => false,
        Outcome::Later { code, .. } => code == "not_sent",
        Outcome::Unknown { .. } => true,
    }
}

/// The name of the breaker that a tool's calls have: the server's, of a tool of an MCP server, for all of
/// its tools are behind one door; else the tool's own, since many partners may stand behind one address.
#[must_use]
pub fn name(tool: &str, server: Option<&str>) -> String {
    server.map_or_else(|| tool.to_owned(), |server| format!("mcp.{server}"))
}
