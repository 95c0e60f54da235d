//! What a fault is set to: which calls it strikes, how often, and how.

use std::time::Duration;

use axum::http::StatusCode;
use serde::{Deserialize, Serialize};

use crate::problem::Problem;
use crate::tool::Tool;

const MAX_DELAY_MS: u64 = 600_000;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Op {
    #[default]
    Do,
    Undo,
    Status,
    #[serde(rename = "*")]
    Any,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Kind {
    /// A definite refusal; that of a do is stored under its key.
    Refuse,
    /// 500, without effect.
    Error,
    /// No answer, without effect.
    Timeout,
    /// Acts, but late.
    Slow,
    /// Acts, but the answer is lost.
    ApplyThenLose,
    /// The call arrives twice, at the same time.
    Duplicate,
    /// 429, without effect.
    Busy,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Fault {
    /// A tool's name, or `*`.
    tool: String,
    #[serde(default)]
    op: Op,
    pub(crate) kind: Kind,
    /// How often it strikes; without it, until it is cleared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) count: Option<u64>,
    #[serde(default = "always")]
    pub(crate) probability: f64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    delay_ms: Option<u64>,
    /// Of a refusal, or of the answer that stands for the lost one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) status: Option<u16>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    code: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
    #[serde(default = "rand::random")]
    pub(crate) seed: u32,
}

fn always() -> f64 {
    1.0
}

impl Fault {
    /// Fails with what is wrong and what would be right.
    pub(crate) fn check(&self) -> Result<(), Problem> {
        let wrong = |what: String| Err(Problem::bad_request("invalid_fault", what));
        if self.tool != "*" && Tool::named(&self.tool).is_err() {
            return wrong(format!("There is no tool {:?}. Use * for all, or one of {}.", self.tool, Tool::names()));
        }
        if self.count == Some(0) {
            return wrong("A count is at least 1; leave it out for no limit.".to_owned());
        }
        if !(0.0..=1.0).contains(&self.probability) {
            return wrong("A probability is from 0 to 1.".to_owned());
        }
        let delays = matches!(self.kind, Kind::Slow | Kind::Timeout | Kind::ApplyThenLose);
        if self.delay_ms.is_some_and(|ms| !delays || ms > MAX_DELAY_MS) {
            return wrong(format!("delay_ms is for slow, timeout and apply_then_lose, and at most {MAX_DELAY_MS}."));
        }
        if (self.code.is_some() || self.detail.is_some()) && self.kind != Kind::Refuse {
            return wrong("code and detail are for refuse only.".to_owned());
        }
        let texts = [(&self.code, 64), (&self.detail, 500)];
        if texts.into_iter().any(|(text, most)| {
            text.as_ref().is_some_and(|text| text.is_empty() || text.len() > most || text.contains('\0'))
        }) {
            return wrong("A code has 1 to 64 bytes, a detail 1 to 500.".to_owned());
        }
        if matches!(self.code.as_deref(), Some("in_progress" | "undone" | "key_reused")) {
            return wrong("This code has a meaning of its own; give another.".to_owned());
        }
        match (self.status, self.kind) {
            (None, _) | (Some(500..=599), Kind::ApplyThenLose) => Ok(()),
            (Some(status @ 400..=499), Kind::Refuse) if !matches!(status, 408 | 425 | 429) => Ok(()),
            _ => wrong(
                "status is 400 to 499 for refuse, but not 408, 425 or 429, which promise no \
                 refusal; 500 to 599 for apply_then_lose; and for no other kind."
                    .to_owned(),
            ),
        }
    }

    pub(super) fn matches(&self, tool: Tool, op: Op) -> bool {
        (self.tool == "*" || self.tool == tool.name()) && (self.op == Op::Any || self.op == op)
    }

    pub(crate) fn delay(&self) -> Option<Duration> {
        self.delay_ms.map(Duration::from_millis)
    }

    /// What a call is refused with.
    pub(crate) fn refusal(&self) -> Problem {
        Problem {
            status: self.status.unwrap_or(StatusCode::UNPROCESSABLE_ENTITY.as_u16()),
            code: self.code.clone().unwrap_or_else(|| "refused".to_owned()),
            detail: self.detail.clone().unwrap_or_else(|| "The partner does not want to, today.".to_owned()),
        }
    }

    /// What comes in place of a lost answer.
    pub(crate) fn loss(&self) -> Problem {
        let problem = Problem::internal();
        Problem { status: self.status.unwrap_or(problem.status), ..problem }
    }
}
