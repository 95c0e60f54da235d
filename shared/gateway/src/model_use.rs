//! What each user has used of models, by day and model.

use std::collections::BTreeMap;

use makegood_core::proposal::Asked;
use makegood_core::time::Millis;
use serde::{Deserialize, Serialize};

use crate::store::{Statement, json, text};

pub const NOTE: &str = "select makegood.note_model_use($1,$2,$3)";
pub const LIST: &str = "select makegood.list_model_use($1,$2)";

/// What was used of one model.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
pub struct Used {
    pub model: String,
    /// Those that were not answered count.
    pub requests: u64,
    pub tokens_in: u64,
    pub tokens_out: u64,
    /// In billionths of the currency that the prices are in.
    pub cost_nanos: u64,
}

impl Used {
    /// The sums of some requests, by model.
    #[must_use]
    pub fn of(asked: &[Asked]) -> Vec<Self> {
        let mut sums: BTreeMap<&str, Self> = BTreeMap::new();
        for one in asked {
            let sum = sums.entry(&one.model).or_insert_with(|| Self { model: one.model.clone(), ..Self::default() });
            sum.requests += 1;
            sum.tokens_in = sum.tokens_in.saturating_add(one.tokens_in);
            sum.tokens_out = sum.tokens_out.saturating_add(one.tokens_out);
            sum.cost_nanos = sum.cost_nanos.saturating_add(one.cost_nanos);
        }
        sums.into_values().collect()
    }
}

/// Adds to what a user has used today.
#[must_use]
pub fn note(owner: &str, used: &[Used], now: Millis) -> Statement {
    Statement { sql: NOTE, params: vec![text(owner), Some(json(used)), text(now.0)] }
}

/// The days of a user from `since` on, the newest first.
#[must_use]
pub fn list(owner: &str, since: Millis) -> Statement {
    Statement { sql: LIST, params: vec![text(owner), text(since.0)] }
}

/// One model on one day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
pub struct Day {
    /// In UTC, as `2026-11-28`.
    pub day: String,
    #[serde(flatten)]
    pub used: Used,
}

#[cfg(test)]
mod tests {
    use super::*;
    use makegood_core::proposal::Round;

    #[test]
    fn requests_are_summed_by_model() {
        let asked = |model: &str, tokens: u64| Asked {
            model: model.to_owned(),
            round: Round::Plan,
            outcome: "answered".to_owned(),
            took_ms: 1,
            tokens_in: tokens,
            tokens_out: 1,
            cost_nanos: 10 * tokens,
        };
        let used = Used::of(&[asked("b", 5), asked("a", 1), asked("b", 2)]);
        let of = |model: &str, requests, tokens_in, tokens_out, cost_nanos| Used {
            model: model.to_owned(),
            requests,
            tokens_in,
            tokens_out,
            cost_nanos,
        };
        assert_eq!(used, [of("a", 1, 1, 1, 10), of("b", 2, 7, 2, 70)]);
    }
}
