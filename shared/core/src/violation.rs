//! What is wrong with a plan: the step, the rule that it breaks, and a sentence.
//!
//! Plans of people, of the offline planner and of models are told of with the same words; a program reads `rule`, a
//! person `message`.

use serde::{Deserialize, Serialize};

use crate::error::Code;

/// So many are told of at most: more would only drown the first ones.
pub const MOST_VIOLATIONS: usize = 16;

/// A rule that a plan breaks. Stable names: they stand in the journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Rule {
    /// It is no JSON object, or one that is too large or too deep.
    Json,
    /// A field is missing, has another type, or is none that a model may set.
    Shape,
    /// Too many steps, or too much in them.
    Steps,
    /// A step's id is none, or stands twice.
    Id,
    /// The tool is not registered, or was not offered.
    Tool,
    /// A parameter breaks the tool's input schema.
    Parameters,
    /// A reference names no step, or no field of what its tool gives.
    Reference,
    /// `after` names no step.
    Order,
    /// Steps wait for each other.
    Cycle,
    /// What can be undone stands after what cannot.
    Class,
    /// One of its tool's own rules: what it must not follow, must follow, or needs agreement to.
    Sequence,
    /// A wait, a retry, a list or an alternative that cannot be.
    Policy,
    /// It costs more than is allowed.
    Budget,
    /// Its approval cannot be, or nobody could be asked before the first effect, or about all that it is made with.
    Approval,
    /// Anything else for which a plan is refused.
    Plan,
}

impl Rule {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Shape => "shape",
            Self::Steps => "steps",
            Self::Id => "id",
            Self::Tool => "tool",
            Self::Parameters => "parameters",
            Self::Reference => "reference",
            Self::Order => "order",
            Self::Cycle => "cycle",
            Self::Class => "class",
            Self::Sequence => "sequence",
            Self::Policy => "policy",
            Self::Budget => "budget",
            Self::Approval => "approval",
            Self::Plan => "plan",
        }
    }

    /// The code of an error that is only this.
    #[must_use]
    pub const fn code(self) -> Code {
        match self {
            Self::Steps => Code::PlanTooLarge,
            Self::Tool => Code::UnknownTool,
            Self::Parameters => Code::InvalidParameters,
            Self::Budget => Code::OverBudget,
            Self::Json
            | Self::Shape
            | Self::Id
            | Self::Reference
            | Self::Order
            | Self::Cycle
            | Self::Class
            | Self::Sequence
            | Self::Policy
            | Self::Approval
            | Self::Plan => Code::InvalidPlan,
        }
    }
}

/// One rule that is broken, and where.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
pub struct Violation {
    /// The step's id, or `#` and its place in the list where it has none; `None` for the whole plan.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<String>,
    pub rule: Rule,
    /// A JSON pointer (RFC 6901) into the step's parameters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// A sentence: what is wrong and what would be right. It quotes no parameter.
    pub message: String,
}

impl Violation {
    pub(crate) fn whole(rule: Rule, message: impl Into<String>) -> Self {
        Self { step: None, rule, path: None, message: message.into() }
    }

    pub(crate) fn of(step: &str, rule: Rule, message: impl Into<String>) -> Self {
        Self { step: Some(short(step)), rule, path: None, message: message.into() }
    }
}

impl std::fmt::Display for Violation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.step {
            Some(step) => write!(f, "step `{step}`, ")?,
            None => write!(f, "the answer, ")?,
        }
        write!(f, "rule {}", self.rule.as_str())?;
        self.path.as_ref().map_or(Ok(()), |path| write!(f, ", at {path}"))?;
        write!(f, ": {}", self.message)
    }
}

/// A name that somebody made up, as far as it is shown.
pub(crate) fn short(name: &str) -> String {
    name.chars().filter(|c| !c.is_control()).take(64).collect()
}
