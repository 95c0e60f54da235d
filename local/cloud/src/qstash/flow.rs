//! Flow control: messages of one key share a parallelism and a rate; those
//! over the limit wait, in order, and are never dropped.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::duration;

/// The longest period, in milliseconds: a rate per month is the slowest that there is.
pub const MAX_PERIOD: u64 = 31 * 86_400_000;

/// `Upstash-Flow-Control-Key` and `-Value` of one message.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Flow {
    pub key: String,
    pub parallelism: Option<usize>,
    /// Deliveries begun per period.
    pub rate: Option<usize>,
    /// Milliseconds.
    pub period: u64,
}

impl Flow {
    /// Of a key that no message has come with yet.
    pub const fn unlimited(key: String) -> Self {
        Self { key, parallelism: None, rate: None, period: 1000 }
    }

    pub fn parse(key: String, value: &str) -> Result<Self, String> {
        let wrong = |pair: &str| format!("invalid Upstash-Flow-Control-Value at '{pair}'");
        let mut flow = Self::unlimited(key);
        for pair in value.split(',').map(str::trim) {
            let (name, value) = pair.split_once('=').ok_or_else(|| wrong(pair))?;
            let value = value.trim();
            let number = || value.parse().ok().filter(|n| *n > 0).ok_or_else(|| wrong(pair));
            match name.trim() {
                "parallelism" => flow.parallelism = Some(number()?),
                "rate" => flow.rate = Some(number()?),
                "period" => {
                    let seconds = value.parse::<u64>().ok().map(|s| s.saturating_mul(1000));
                    let period = seconds.or_else(|| duration::parse(value));
                    flow.period = period.filter(|p| (1..=MAX_PERIOD).contains(p)).ok_or_else(|| wrong(pair))?;
                }
                _ => return Err(wrong(pair)),
            }
        }
        if flow.parallelism.is_none() && flow.rate.is_none() {
            return Err("Upstash-Flow-Control-Value needs parallelism or rate".to_owned());
        }
        Ok(flow)
    }
}

/// What an operator says of a key, whatever its messages say.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Hold {
    pub paused: bool,
    pub parallelism: Option<usize>,
    /// How many per how many milliseconds.
    pub rate: Option<(usize, u64)>,
}

/// The state of one key. The latest message's limits count, where an operator has not said otherwise.
#[derive(Debug)]
pub struct Gate {
    limits: Flow,
    pub hold: Hold,
    waiting: VecDeque<String>,
    active: usize,
    begun: VecDeque<u64>,
}

/// What a gate allows now.
#[derive(Debug, PartialEq)]
pub enum Passage {
    Go(String),
    /// Nothing before this time.
    At(u64),
    Closed,
}

impl Gate {
    pub fn new(limits: Flow, hold: Hold) -> Self {
        Self { limits, hold, waiting: VecDeque::new(), active: 0, begun: VecDeque::new() }
    }

    pub fn join(&mut self, id: String, limits: &Flow) {
        self.limits = limits.clone();
        self.waiting.push_back(id);
    }

    /// Takes the next message through, if the limits allow.
    pub fn pass(&mut self, now: u64) -> Passage {
        let full = self.parallelism().is_some_and(|most| self.active >= most);
        if self.waiting.is_empty() || self.hold.paused || full {
            return Passage::Closed;
        }
        if let Some((rate, period)) = self.rate() {
            while self.begun.front().is_some_and(|at| at.saturating_add(period) <= now) {
                self.begun.pop_front();
            }
            if let Some(oldest_that_counts) = self.begun.len().checked_sub(rate).map(|at| self.begun[at]) {
                return Passage::At(oldest_that_counts.saturating_add(period));
            }
            self.begun.push_back(now);
        }
        let Some(id) = self.waiting.pop_front() else {
            return Passage::Closed;
        };
        self.active += 1;
        Passage::Go(id)
    }

    fn parallelism(&self) -> Option<usize> {
        self.hold.parallelism.or(self.limits.parallelism)
    }

    fn rate(&self) -> Option<(usize, u64)> {
        self.hold.rate.or(self.limits.rate.map(|rate| (rate, self.limits.period)))
    }

    /// Begins the period anew.
    pub fn reset_rate(&mut self) {
        self.begun.clear();
    }

    /// How the key stands, as the service tells it.
    pub fn to_json(&self, now: u64) -> Value {
        let (rate, period) = self.rate().unwrap_or_default();
        let counted = self.begun.iter().filter(|at| at.saturating_add(period) > now);
        json!({
            "flowControlKey": self.limits.key,
            "waitListSize": self.waiting.len(),
            "parallelismMax": self.parallelism().unwrap_or(0),
            "parallelismCount": self.active,
            "rateMax": rate,
            "rateCount": counted.clone().count(),
            "ratePeriod": period / 1000,
            "ratePeriodStart": counted.min().map_or(0, |at| at / 1000),
            "isPaused": self.hold.paused,
            "isPinnedParallelism": self.hold.parallelism.is_some(),
            "isPinnedRate": self.hold.rate.is_some(),
        })
    }

    /// Of a message that was cancelled while it waited.
    pub fn forget(&mut self, id: &str) {
        self.waiting.retain(|waiting| waiting != id);
    }

    pub fn leave(&mut self) {
        self.active = self.active.saturating_sub(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gate_holds_back_what_exceeds_rate_and_parallelism() {
        let flow = Flow::parse("k".into(), "parallelism=2, rate=3, period=1m").unwrap();
        let mut gate = Gate::new(flow.clone(), Hold::default());
        for id in ["a", "b", "c", "d"] {
            gate.join(id.into(), &flow);
        }
        assert_eq!(gate.pass(0), Passage::Go("a".into()));
        assert_eq!(gate.pass(10), Passage::Go("b".into()));
        assert_eq!(gate.pass(20), Passage::Closed);
        gate.leave();
        gate.leave();
        assert_eq!(gate.pass(30), Passage::Go("c".into()));
        assert_eq!(gate.pass(40), Passage::At(60_000));
        assert_eq!(gate.pass(60_000), Passage::Go("d".into()));
    }
}
