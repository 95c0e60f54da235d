//! How often who may come: the limits of each kind of request, and how they are configured.
//!
//! The setting is one JSON object, of which every part may be left out:
//! `{"chat": {"rate": 60, "per_s": 60, "burst": 10}, "execute": [{…}, {…}], "tiers": {"premium": 3, "enterprise": 10},
//! "throttle_ms": 250, "adaptive": {"min": 10, "max": 200, "threshold": 80}}`. The word `off` sets none at all.
//! docs/LIMITS.md shows it.

use std::borrow::Cow;

use serde_json::{Map, Value};

use crate::guard::Tier;
use crate::guard::gcra::{Micros, Policy};

const SECOND: Micros = 1_000_000;
/// The longest span that a rate can be counted in: a day, in seconds.
const LONGEST_SPAN: u64 = 86_400;
/// The longest time that a bucket may take to fill, in seconds: a month.
const LONGEST_BURST: u64 = 31 * 86_400;
const LARGEST: u64 = 1_000_000;
/// Of all classes together.
pub const MOST_LIMITS: usize = 16;
pub const CLASSES: usize = 6;

/// A kind of request. Each has its own buckets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// A message.
    Chat,
    /// A message that is only looked at.
    Intent,
    /// What starts or changes something.
    Execute,
    /// What is read, and a message of another agent.
    Api,
    /// A delivery from outside, by source and address.
    Webhook,
    /// Who was not let in, by address.
    Failed,
}

impl Class {
    pub const ALL: [Self; CLASSES] = [Self::Chat, Self::Intent, Self::Execute, Self::Api, Self::Webhook, Self::Failed];

    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Chat => "chat",
            Self::Intent => "intent",
            Self::Execute => "execute",
            Self::Api => "api",
            Self::Webhook => "webhook",
            Self::Failed => "failed",
        }
    }

    /// Its place in tables.
    #[must_use]
    pub const fn index(self) -> usize {
        self as usize
    }
}

/// One limit of a class.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    pub class: Class,
    /// So many requests in each span,
    pub rate: u32,
    /// of so many seconds,
    pub per_s: u32,
    /// and so many at once.
    pub burst: u32,
}

impl Limit {
    /// As a bucket, for a user of whom the tier makes `times` as many.
    #[must_use]
    pub fn policy(&self, times: u32) -> Policy {
        let (rate, burst) = (self.rate.saturating_mul(times), self.burst.saturating_mul(times));
        Policy::new(rate, u64::from(self.per_s) * SECOND, burst)
    }
}

/// How limits move with the load.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Adaptive {
    /// No less and no more than these thousandths of what is configured.
    pub min: u32,
    pub max: u32,
    /// Requests may take `1000 / threshold` times as long as usual before limits fall, in thousandths.
    pub threshold: u32,
}

/// All limits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rates {
    /// Empty: there are none.
    pub limits: Cow<'static, [Limit]>,
    /// How many times as much a premium and an enterprise user may.
    pub premium: u32,
    pub enterprise: u32,
    /// The longest that a burst is held back before it is refused, in milliseconds.
    pub throttle_ms: u32,
    pub adaptive: Option<Adaptive>,
}

const fn limit(class: Class, rate: u32, burst: u32) -> Limit {
    Limit { class, rate, per_s: 60, burst }
}

/// What holds where nothing is said.
static USUAL: [Limit; CLASSES] = [
    limit(Class::Chat, 60, 10),
    limit(Class::Intent, 60, 10),
    limit(Class::Execute, 30, 5),
    limit(Class::Api, 100, 20),
    limit(Class::Webhook, 100, 20),
    limit(Class::Failed, 30, 10),
];

impl Default for Rates {
    fn default() -> Self {
        Self {
            limits: Cow::Borrowed(&USUAL),
            premium: 3,
            enterprise: 10,
            throttle_ms: 250,
            adaptive: Some(Adaptive { min: 100, max: 2_000, threshold: 800 }),
        }
    }
}

impl Rates {
    /// Reads the setting.
    ///
    /// # Errors
    /// Where it is none: what is wrong, and where.
    pub fn read(text: &str) -> Result<Self, String> {
        let mut rates = Self::default();
        match text.trim() {
            "" => return Ok(rates),
            "off" => return Ok(Self { limits: Cow::Borrowed(&[]), ..rates }),
            _ => {}
        }
        let Ok(Value::Object(fields)) = serde_json::from_slice(text.as_bytes()) else {
            return Err("it is neither a JSON object nor `off`".to_owned());
        };
        let mut limits = rates.limits.to_vec();
        for (name, value) in &fields {
            match name.as_str() {
                "tiers" => {
                    let tiers = object(name, value, &["premium", "enterprise"])?;
                    rates.premium = number(tiers, "premium", rates.premium, 1, 1_000)?;
                    rates.enterprise = number(tiers, "enterprise", rates.enterprise, 1, 1_000)?;
                }
                "throttle_ms" => rates.throttle_ms = number(&fields, name, 0, 0, 2_000)?,
                "adaptive" if value.as_str() == Some("off") => rates.adaptive = None,
                "adaptive" => {
                    let given = object(name, value, &["min", "max", "threshold"])?;
                    let min = number(given, "min", 10, 1, 100)? * 10;
                    let max = number(given, "max", 200, 100, 1_000)? * 10;
                    rates.adaptive =
                        Some(Adaptive { min, max, threshold: number(given, "threshold", 80, 10, 100)? * 10 });
                }
                name => {
                    let class = Class::ALL.into_iter().find(|class| class.name() == name);
                    let class = class.ok_or_else(|| format!("`{name}` is no kind of request"))?;
                    limits.retain(|limit| limit.class != class);
                    let given = value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice);
                    for value in given.iter().filter(|_| value.as_str() != Some("off")) {
                        let value = object(name, value, &["rate", "per_s", "burst"])?;
                        let rate = number(value, "rate", 0, 1, LARGEST)?;
                        let per_s = number(value, "per_s", 60, 1, LONGEST_SPAN)?;
                        let burst = number(value, "burst", 1, 1, LARGEST)?;
                        // Redis counts in doubles, which are whole up to 2^53 microseconds.
                        if u64::from(per_s) * u64::from(burst) / u64::from(rate) > LONGEST_BURST {
                            return Err(format!("the `burst` of `{name}` is more than comes in {LONGEST_BURST} s"));
                        }
                        limits.push(Limit { class, rate, per_s, burst });
                    }
                }
            }
        }
        if limits.len() > MOST_LIMITS {
            return Err(format!("it has more than {MOST_LIMITS} limits"));
        }
        rates.limits = Cow::Owned(limits);
        Ok(rates)
    }

    /// How many times as much this tier may.
    #[must_use]
    pub const fn times(&self, tier: Tier) -> u32 {
        match tier {
            Tier::Free => 1,
            Tier::Premium => self.premium,
            Tier::Enterprise => self.enterprise,
        }
    }

    /// The limits of a class, with their places among all.
    pub fn of(&self, class: Class) -> impl Iterator<Item = (usize, &Limit)> {
        self.limits.iter().enumerate().filter(move |(_, limit)| limit.class == class)
    }
}

fn object<'a>(name: &str, value: &'a Value, known: &[&str]) -> Result<&'a Map<String, Value>, String> {
    let fields = value.as_object().ok_or_else(|| format!("`{name}` is no object"))?;
    match fields.keys().find(|field| !known.contains(&field.as_str())) {
        Some(field) => Err(format!("`{name}` knows no `{field}`")),
        None => Ok(fields),
    }
}

fn number(fields: &Map<String, Value>, name: &str, usual: u32, least: u64, most: u64) -> Result<u32, String> {
    let given = match fields.get(name) {
        None => Some(u64::from(usual)),
        Some(value) => value.as_u64(),
    };
    let within = given.filter(|given| (least..=most).contains(given)).and_then(|given| u32::try_from(given).ok());
    within.ok_or_else(|| format!("`{name}` is no whole number from {least} to {most}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(rates: &Rates, class: Class) -> Vec<(u32, u32, u32)> {
        rates.of(class).map(|(_, limit)| (limit.rate, limit.per_s, limit.burst)).collect()
    }

    #[test]
    fn what_is_not_said_stays_as_it_is() {
        let rates = Rates::read(
            r#"{"chat": [{"rate": 5, "per_s": 1, "burst": 2}, {"rate": 900, "per_s": 86400}],
            "api": "off", "tiers": {"premium": 4}}"#,
        );
        let rates = rates.unwrap();
        assert_eq!(of(&rates, Class::Chat), [(5, 1, 2), (900, 86_400, 1)]);
        assert_eq!(of(&rates, Class::Execute), [(30, 60, 5)]);
        assert_eq!(of(&rates, Class::Api), []);
        assert_eq!(Class::ALL.map(|class| of(&Rates::default(), class).len()), [1; CLASSES]);
        let times = [Tier::Free, Tier::Premium, Tier::Enterprise].map(|tier| rates.times(tier));
        assert_eq!(times, [1, 4, 10]);
        assert_eq!(Rates::read(" ").unwrap(), Rates::default());
        assert!(Rates::read("off").unwrap().limits.is_empty());
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (text, told) in [
            ("on", "neither a JSON object"),
            ("[]", "neither a JSON object"),
            (r#"{"chats": {}}"#, "`chats` is no kind of request"),
            (r#"{"chat": 5}"#, "`chat` is no object"),
            (r#"{"chat": {"rate": 0}}"#, "`rate` is no whole number from 1"),
            (r#"{"chat": {"per_s": 60}}"#, "`rate` is no whole number from 1"),
            (r#"{"chat": {"rate": 1.5}}"#, "`rate` is no whole number"),
            (r#"{"chat": {"rate": 5, "per_s": 86401}}"#, "`per_s` is no whole number from 1 to 86400"),
            (r#"{"chat": {"rate": 5, "bust": 5}}"#, "`chat` knows no `bust`"),
            (r#"{"chat": {"rate": 1, "per_s": 86400, "burst": 32}}"#, "the `burst` of `chat` is more than"),
            (r#"{"adaptive": {"min": 0}}"#, "`min` is no whole number from 1 to 100"),
            (r#"{"throttle_ms": 60000}"#, "`throttle_ms` is no whole number from 0 to 2000"),
        ] {
            let error = Rates::read(text).unwrap_err();
            assert!(error.contains(told), "{text}: {error}");
        }
        let many = vec![r#"{"rate": 1}"#; 20].join(",");
        assert!(Rates::read(&format!(r#"{{"chat": [{many}]}}"#)).unwrap_err().contains("more than 16"));
    }

    #[test]
    fn a_tier_multiplies_rate_and_burst() {
        let limit = Limit { class: Class::Chat, rate: 60, per_s: 60, burst: 10 };
        assert_eq!(limit.policy(3), Policy::new(180, 60_000_000, 30));
    }
}
