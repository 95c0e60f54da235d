//! How a plan was made: who read the message, what was asked of whom, and what it took. It is kept with
//! the saga, so its words are an API: a field is added with a default, and none changes its meaning.

use serde::{Deserialize, Serialize};

use super::Violation;

/// How a message came to what it led to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
pub struct Provenance {
    /// Who read it in the end.
    pub by: By,
    /// The model whose answer it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// Why a model was asked at all, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// The version of the prompt that it was asked with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prompt: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache: Option<Cache>,
    /// Every request to a model, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub asked: Vec<Asked>,
    /// What the first answer broke, which the model was told once.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub violations: Vec<Violation>,
    /// Why the models' answers were not taken, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fallback: Option<String>,
    /// The step that the owner is asked about before any effect.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confirm: Option<String>,
    #[serde(default, skip_serializing_if = "is_none")]
    pub tokens_in: u64,
    #[serde(default, skip_serializing_if = "is_none")]
    pub tokens_out: u64,
    /// In billionths of the currency that the prices are in: a price per million tokens has at most three
    /// decimals, so that this is exact.
    #[serde(default, skip_serializing_if = "is_none")]
    pub cost_nanos: u64,
    /// From the message to this.
    #[serde(default, skip_serializing_if = "is_none")]
    pub took_ms: u64,
}

fn is_none<T: Default + PartialEq>(number: &T) -> bool {
    *number == T::default()
}

/// Who read a message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum By {
    #[default]
    Offline,
    Model,
}

/// What the cache said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Cache {
    Hit,
    Miss,
    /// It did not answer.
    Away,
}

/// One request to a model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema), schemars(rename = "ModelRequest"))]
pub struct Asked {
    pub model: String,
    pub round: Round,
    /// `answered`, or a code for what went wrong: `rate_limited`, `timed_out`, `http_503`, `refused` …
    pub outcome: String,
    pub took_ms: u64,
    #[serde(default, skip_serializing_if = "is_none")]
    pub tokens_in: u64,
    #[serde(default, skip_serializing_if = "is_none")]
    pub tokens_out: u64,
    #[serde(default, skip_serializing_if = "is_none")]
    pub cost_nanos: u64,
}

/// What it was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Round {
    Plan,
    /// To mend its first answer.
    Repair,
}

impl Provenance {
    /// Of a message that was read without a model.
    #[must_use]
    pub fn offline(took_ms: u64) -> Self {
        Self { took_ms, ..Self::default() }
    }

    /// Notes a request, and what it took.
    pub fn note(&mut self, asked: Asked) {
        self.tokens_in = self.tokens_in.saturating_add(asked.tokens_in);
        self.tokens_out = self.tokens_out.saturating_add(asked.tokens_out);
        self.cost_nanos = self.cost_nanos.saturating_add(asked.cost_nanos);
        self.asked.push(asked);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_an_earlier_build_wrote_is_read() {
        let first: Provenance = serde_json::from_value(json!({"by": "offline"})).unwrap();
        assert_eq!(first, Provenance::default());
        assert_eq!(json!(Provenance::offline(0)), json!({"by": "offline"}));
    }
}
