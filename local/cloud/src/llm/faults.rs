//! The fault switch: what a model may do at its worst, at will.

use std::time::Duration;

use http::StatusCode;
use serde::{Deserialize, Serialize};

use super::refusal::Refusal;

const MAX_DELAY_MS: u64 = 600_000;

/// Rates lie between 0 and 1; all default to no faults.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Faults {
    /// How often a request fails, with `status` and `retry_after`.
    error: f64,
    /// 500 unless it is set.
    status: Option<u16>,
    /// Seconds.
    retry_after: Option<u64>,
    /// How long a request waits for its answer, and how often (always, unless that is set).
    delay_ms: u64,
    delay: Option<f64>,
    /// How often a stream breaks off in its middle.
    cut: f64,
    /// How often an answer is broken JSON.
    malformed: f64,
    /// Which requests are meant; all unless it is set.
    #[serde(rename = "match")]
    only: Only,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Only {
    model: Option<String>,
    /// A part of what the user said last (of embeddings: of the first text).
    contains: Option<String>,
}

/// What befalls one request.
#[derive(Default)]
pub struct Fate {
    pub delay: Option<Duration>,
    pub error: Option<Refusal>,
    pub cut: bool,
    pub malformed: bool,
}

impl Faults {
    /// # Errors
    /// Names the field that is out of range.
    pub fn check(self) -> Result<Self, Refusal> {
        let rates = [
            ("error", self.error),
            ("delay", self.delay.unwrap_or_default()),
            ("cut", self.cut),
            ("malformed", self.malformed),
        ];
        if let Some((name, _)) = rates.iter().find(|(_, rate)| !(0.0..=1.0).contains(rate)) {
            return Err(Refusal::unsuitable(name, format!("'{name}' must lie between 0 and 1.")));
        }
        if self.status.is_some_and(|status| !(400..600).contains(&status)) {
            return Err(Refusal::unsuitable("status", "'status' must lie between 400 and 599."));
        }
        if self.delay_ms > MAX_DELAY_MS {
            return Err(Refusal::unsuitable("delay_ms", format!("'delay_ms' must be at most {MAX_DELAY_MS}.")));
        }
        Ok(self)
    }

    /// Throws the dice for a request.
    pub fn befall(&self, model: &str, text: &str) -> Fate {
        let meant = self.only.model.as_deref().is_none_or(|wanted| wanted == model)
            && self.only.contains.as_deref().is_none_or(|wanted| text.contains(wanted));
        if !meant {
            return Fate::default();
        }
        let status = self.status.and_then(|status| StatusCode::from_u16(status).ok());
        let status = status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        Fate {
            delay: (self.delay_ms > 0 && happens(self.delay.unwrap_or(1.0)))
                .then(|| Duration::from_millis(self.delay_ms)),
            error: happens(self.error).then(|| Refusal::staged(status, self.retry_after)),
            cut: happens(self.cut),
            malformed: happens(self.malformed),
        }
    }
}

fn happens(rate: f64) -> bool {
    rate > 0.0 && rand::random::<f64>() < rate
}
