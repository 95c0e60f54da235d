//! One case: what somebody said, when, and what should become of it.

use jiff::civil::DateTime;
use jiff::tz::Offset;
use makegood_core::intent::Context;
use makegood_core::saga::{Alternative, Condition};
use makegood_core::time::Millis;
use serde::Deserialize;
use serde_json::{Map, Value};

/// A line of `data/*.jsonl`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    pub id: String,
    /// As in ISO 639-1: `en`, `de`, `es`.
    pub language: String,
    pub tags: Vec<String>,
    /// The person's wall clock: `2026-07-15T09:30`.
    pub now: String,
    /// East of Greenwich is positive.
    pub utc_offset_minutes: i32,
    pub user: String,
    /// What the same person said before, oldest first.
    #[serde(default)]
    pub earlier: Vec<String>,
    pub message: String,
    pub expect: Expect,
}

/// What should become of the message.
#[derive(Clone, Debug, Deserialize)]
#[serde(tag = "reading", rename_all = "snake_case", deny_unknown_fields)]
pub enum Expect {
    Plan {
        steps: Vec<Wanted>,
    },
    Ask {
        /// Names of the parameters that must be asked for, in any order.
        missing: Vec<String>,
        /// The tools that the plan would call, where they are known.
        #[serde(default)]
        tools: Vec<String>,
    },
    /// Nothing here that the agent can do.
    Unclear {},
    /// Something that must not be done.
    Refuse {},
}

/// A step of the plan that is wanted. Ids are free; references and `after` use them.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wanted {
    pub id: String,
    pub tool: String,
    pub params: Map<String, Value>,
    #[serde(default)]
    pub after: Vec<String>,
    /// What it hangs on.
    #[serde(default)]
    pub when: Option<Condition>,
    /// What is to be tried in place of it, where somebody said so. Without it, it is the planner's own to say what is
    /// tried, and nothing of that counts.
    #[serde(default)]
    pub or: Option<Vec<Alternative>>,
}

impl Case {
    /// What the message is read against.
    ///
    /// # Errors
    /// Where the clock or the offset is none.
    pub fn context(&self) -> Result<Context, String> {
        let offset = Offset::from_seconds(self.utc_offset_minutes.saturating_mul(60))
            .map_err(|_| format!("{}: {} is no offset", self.id, self.utc_offset_minutes))?;
        let now: DateTime = self.now.parse().map_err(|error: jiff::Error| format!("{}: {error}", self.id))?;
        let now = offset.to_timestamp(now).map_err(|error| format!("{}: {error}", self.id))?;
        let now = u64::try_from(now.as_millisecond()).map_err(|_| format!("{}: before 1970", self.id))?;
        Ok(Context { now: Millis(now), utc_offset_minutes: self.utc_offset_minutes, user: self.user.clone() })
    }
}

/// The cases of a file, a line each.
///
/// # Errors
/// Where a line is no case, with the number of the line.
pub fn parse(text: &str) -> Result<Vec<Case>, String> {
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    lines
        .map(|(at, line)| serde_json::from_str(line).map_err(|error| format!("line {}: {error}: {line}", at + 1)))
        .collect()
}
