//! The fault switch: what a queue may do at its worst, at will.

use rand::Rng as _;
use serde::{Deserialize, Serialize};

/// Probabilities lie between 0 and 1; all default to no faults.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Faults {
    /// An attempt is sent twice, at the same time.
    pub duplicate: f64,
    /// A 2xx answer gets lost, so the message comes again (once at most).
    pub drop_ack: f64,
    /// A message comes up to this many milliseconds late.
    pub reorder: u64,
    /// A message is accepted and then never delivered.
    pub lose: f64,
}

impl Faults {
    /// # Errors
    /// Names the field that is out of range.
    pub fn check(self) -> Result<Self, String> {
        let all = [("duplicate", self.duplicate), ("drop_ack", self.drop_ack), ("lose", self.lose)];
        match all.iter().find(|(_, p)| !(0.0..=1.0).contains(p)) {
            Some((name, _)) => Err(format!("{name} must lie between 0 and 1")),
            None => Ok(self),
        }
    }

    pub fn happens(probability: f64) -> bool {
        probability > 0.0 && rand::rng().random_bool(probability.min(1.0))
    }

    pub fn jitter(self) -> u64 {
        if self.reorder == 0 { 0 } else { rand::rng().random_range(0..=self.reorder) }
    }
}
