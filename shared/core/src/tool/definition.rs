//! What a tool declares: its class, how its partner behaves when asked twice, and its limits.

use std::num::NonZeroU32;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};

use super::{Example, Mcp, PlanRule, Schema};
use crate::saga::{Approval, is_zero};
use crate::time::Millis;

/// What an effect of this tool means for a saga (Richardson, *Microservices Patterns*, ch. 4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// Reads only. Never undone, and costs no commit of its own.
    Query,
    /// Can be undone.
    Compensatable,
    /// Cannot be undone, and may refuse: the point of no return. At most one in a plan.
    Pivot,
    /// Cannot be undone, and stands after the pivot: it is repeated until it succeeds.
    Retriable,
}

/// Whether the same call may be sent again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Repeat {
    /// The partner remembers the key for `ttl` and answers a repeat with the first result.
    Keyed { ttl_ms: Millis },
    /// A repeat would act twice: one attempt only.
    Never,
}

/// How long after the end of its invocation a call may still arrive, by what the journal says of the time: ten seconds
/// on its way, four that two machines' clocks are apart, and one to spare. So long before a partner forgets a key
/// nothing is repeated under it any more.
pub const UNDER_WAY: Millis = Millis(15_000);

/// How often and how fast a call that may succeed later is tried again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Retry {
    /// Attempts in all, the first included.
    pub attempts: u32,
    /// The wait before the second attempt; it doubles from there.
    pub base_ms: Millis,
    /// The longest wait.
    pub cap_ms: Millis,
    /// Codes of failures that another attempt would not mend: a partner's own, or `http_503` and the like.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub never: Vec<String>,
}

impl Retry {
    /// The wait after attempt number `attempt` (from 1): exponential, capped, without jitter.
    #[must_use]
    pub fn wait(&self, attempt: u32) -> Millis {
        self.wait_up_to(self.cap_ms, attempt)
    }

    /// The same, with another cap.
    #[must_use]
    pub fn wait_up_to(&self, cap: Millis, attempt: u32) -> Millis {
        let doublings = attempt.saturating_sub(1).min(32);
        Millis(self.base_ms.0.saturating_mul(1 << doublings)).min(cap)
    }
}

impl Default for Retry {
    fn default() -> Self {
        Self { attempts: 5, base_ms: Millis(200), cap_ms: Millis(5_000), never: Vec::new() }
    }
}

/// How many calls may be under way at once, over all sagas.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limit {
    pub limit: NonZeroU32,
    #[serde(default)]
    pub per: Per,
}

/// How many calls may leave in any span of so long, over all sagas.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rate {
    pub calls: NonZeroU32,
    pub per_ms: Millis,
}

/// What is counted together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Per {
    /// All calls of the tool.
    #[default]
    Tool,
    /// Those of sagas of one owner.
    User,
}

/// One limit, or a list of them.
fn limits<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Limit>, D::Error> {
    let value = Value::deserialize(deserializer)?;
    let limits = if value.is_object() { Value::Array(vec![value]) } else { value };
    serde_json::from_value(limits).map_err(|error| D::Error::custom(format!("`concurrency`: {error}")))
}

/// A tool as it is registered. A registered version is never changed: a change is a new version.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Definition {
    /// Lower snake case.
    pub name: String,
    /// Any text; compared for equality only.
    pub version: String,
    /// For people, a few words.
    pub title: String,
    /// For people and models, a sentence or two.
    pub description: String,
    /// What people say for it. Models are shown them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub examples: Vec<Example>,
    pub class: Class,
    pub repeat: Repeat,
    /// The partner can say by key what became of a call.
    pub status: bool,
    /// An undo of what was never done leaves a tombstone that refuses a late do.
    pub fence: bool,
    /// The longest a call may take before its outcome counts as unknown.
    pub timeout_ms: Millis,
    /// How long a call usually takes: what decides whether it still fits in an invocation.
    pub estimate_ms: Millis,
    #[serde(default)]
    pub retry: Retry,
    /// What a call costs, in cents of the demo currency; for display and budgets.
    #[serde(default)]
    pub cost_minor: i64,
    /// How many tokens of a model a call may take: so many of the budget are set aside before it leaves.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub cost_tokens: u64,
    /// Who must agree to every step that calls it, whatever the plan says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approval: Option<Approval>,
    /// What every plan that calls it keeps to.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<PlanRule>,
    /// How many calls of it may be under way at once: `{"limit": N, "per": "tool"}` or `"user"`, or a list of
    /// both. Undos and statuses count, and never wait.
    #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "limits")]
    pub concurrency: Vec<Limit>,
    /// How many calls of it may leave in a span of time: `{"calls": N, "per_ms": M}`. Undos and statuses count, and
    /// never wait.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate: Option<Rate>,
    /// The headers that its calls have for its partner to let them in, in lower case, each with the name of a secret of
    /// the operator's, a text. No value stands in a definition.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub secrets: Map<String, Value>,
    /// The hosts that its calls may go to, in lower case and without ports. Where there are none it is called where the
    /// operator has tools called, wherever that is.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hosts: Vec<String>,
    /// It is a tool of an MCP server; without this it is called over HTTP, below the tools' address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mcp: Option<Mcp>,
    pub input: Schema,
    pub output: Schema,
}

/// What a definition says about calls: all that a saga needs of it once its plan is frozen. It is read
/// from the stored definition, and what stands there besides is passed over unread.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Terms {
    pub repeat: Repeat,
    pub status: bool,
    pub fence: bool,
    pub timeout_ms: Millis,
    pub estimate_ms: Millis,
    #[serde(default)]
    pub retry: Retry,
    #[serde(default)]
    pub cost_minor: i64,
    #[serde(default, skip_serializing_if = "is_zero")]
    pub cost_tokens: u64,
    #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "limits")]
    pub concurrency: Vec<Limit>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate: Option<Rate>,
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub secrets: Map<String, Value>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hosts: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mcp: Option<Mcp>,
    pub input: Schema,
    /// Demands nothing where the database is older than this field.
    #[serde(default, skip_serializing_if = "Schema::is_any")]
    pub output: Schema,
}

impl From<Definition> for Terms {
    fn from(definition: Definition) -> Self {
        let Definition {
            repeat,
            status,
            fence,
            timeout_ms,
            estimate_ms,
            retry,
            cost_minor,
            cost_tokens,
            concurrency,
            rate,
            secrets,
            hosts,
            mcp,
            input,
            output,
            ..
        } = definition;
        Self {
            repeat,
            status,
            fence,
            timeout_ms,
            estimate_ms,
            retry,
            cost_minor,
            cost_tokens,
            concurrency,
            rate,
            secrets,
            hosts,
            mcp,
            input,
            output,
        }
    }
}
