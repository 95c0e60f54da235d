//! What an installation tells of its sagas, as far as the command line reads it. Fields that it does
//! not know are passed over, and words that it does not know become `Other`: the installation may be
//! newer than the command.

use makegood_core::time::Millis;
use serde::Deserialize;
use serde_json::Value;

/// One saga: the answer to `GET /api/execute/{id}`.
#[derive(Clone, Debug, Deserialize)]
pub struct View {
    pub saga: String,
    pub phase: Phase,
    #[serde(default)]
    pub title: String,
    /// Where it is not the usual one.
    pub priority: Option<String>,
    pub created_at: Millis,
    pub updated_at: Millis,
    pub wake_at: Option<Millis>,
    /// Why it turned round, or got stuck.
    pub cause: Option<String>,
    /// It is being undone, or was when it came to rest.
    #[serde(default)]
    pub back: bool,
    pub paused: Option<String>,
    /// The plans that took the place of the first, in their order.
    #[serde(default)]
    pub replanned: Vec<Remark>,
    /// The steps' ids, in the order in which they were undone.
    #[serde(default)]
    pub undone: Vec<String>,
    /// What a stuck saga leaves for a person.
    #[serde(default)]
    pub left: Vec<Left>,
    /// Whatever a step comes after stands before it.
    #[serde(default)]
    pub steps: Vec<Step>,
    #[serde(default)]
    pub counters: Counters,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    Forward,
    Unwinding,
    Completed,
    MadeGood,
    Stuck,
    #[serde(other)]
    Other,
}

#[derive(Clone, Debug, Deserialize)]
pub struct Step {
    pub id: String,
    pub tool: String,
    pub class: Class,
    pub standing: Standing,
    #[serde(default)]
    pub after: Vec<String>,
    #[serde(default)]
    pub params: Value,
    /// Present where it was done, `null` or not.
    #[serde(default, deserialize_with = "present")]
    pub output: Option<Value>,
    pub code: Option<String>,
    pub detail: Option<String>,
    #[serde(default)]
    pub attempts: Vec<Attempt>,
    /// What a held step was held at.
    pub held: Option<Op>,
    pub approval: Option<Approval>,
    /// What it waits for, where it calls nobody.
    pub wait: Option<Wait>,
    #[serde(default)]
    pub remarks: Vec<Remark>,
}

fn present<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    Query,
    Compensatable,
    Pivot,
    Retriable,
    #[serde(other)]
    Other,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    Pending,
    Running,
    Waiting,
    Queued,
    Asking,
    Skipped,
    Done,
    Refused,
    Undoing,
    Undone,
    Fenced,
    Abandoned,
    Held,
    #[serde(other)]
    Other,
}

#[derive(Clone, Debug, Deserialize)]
pub struct Attempt {
    pub op: Op,
    pub took: Option<Millis>,
    #[serde(default)]
    pub outcome: String,
    #[serde(default)]
    pub detail: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Op {
    Do,
    Status,
    Undo,
    #[serde(other)]
    Other,
}

#[derive(Clone, Debug, Deserialize)]
pub struct Approval {
    #[serde(default)]
    pub question: String,
    /// Nobody named stands for the saga's owner.
    #[serde(default)]
    pub by: Vec<String>,
    pub quorum: usize,
    pub until: Millis,
    pub hash: String,
}

/// As plans have it.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Wait {
    ForMs(Millis),
    Until(Millis),
    Event {
        name: String,
    },
    #[serde(untagged)]
    Other(Value),
}

#[derive(Clone, Debug, Deserialize)]
pub struct Remark {
    pub at: Millis,
    pub by: String,
    pub what: String,
    #[serde(default)]
    pub note: String,
}

#[derive(Clone, Debug, Deserialize)]
pub struct Left {
    pub step: String,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
pub struct Counters {
    #[serde(default)]
    pub invocations: u64,
    #[serde(default)]
    pub commits: u64,
    #[serde(default)]
    pub calls: u64,
}

/// One page of the caller's sagas: the answer to `GET /api/debug/sagas`.
#[derive(Clone, Debug, Deserialize)]
pub struct Listing {
    pub sagas: Vec<Line>,
    /// Where the next page begins.
    pub next_before: Option<Millis>,
    /// Among the sagas of just that time, where it does not begin before all of them.
    pub next_saga: Option<String>,
}

#[derive(Clone, Debug, Deserialize)]
pub struct Line {
    pub id: String,
    #[serde(default)]
    pub title: String,
    pub phase: Phase,
    pub priority: Option<String>,
    pub created_at: Millis,
    #[serde(default)]
    pub calls: u64,
}

impl Phase {
    pub const fn at_rest(self) -> bool {
        matches!(self, Self::Completed | Self::MadeGood | Self::Stuck)
    }

    pub const fn word(self) -> &'static str {
        match self {
            Self::Forward => "under way",
            Self::Unwinding => "unwinding",
            Self::Completed => "completed",
            Self::MadeGood => "made good",
            Self::Stuck => "stuck",
            Self::Other => "(not known here)",
        }
    }
}

impl View {
    pub fn step(&self, id: &str) -> Option<&Step> {
        self.steps.iter().find(|step| step.id == id)
    }

    pub fn is_paused(&self) -> bool {
        self.phase == Phase::Forward && self.paused.is_some()
    }

    /// Whether what is held, but for the pivot itself, must be done: it is past its pivot, or nobody knows whether it is.
    pub fn must_go_on(&self) -> bool {
        !self.back && (self.is_past_its_pivot() || self.has_pivot(&[Standing::Held]))
    }

    /// Whether the pivot has succeeded, or was passed over: what is done is not undone any more.
    pub fn is_past_its_pivot(&self) -> bool {
        self.has_pivot(&[Standing::Done, Standing::Skipped])
    }

    fn has_pivot(&self, standings: &[Standing]) -> bool {
        self.steps.iter().any(|step| step.class == Class::Pivot && standings.contains(&step.standing))
    }

    pub fn count(&self, standing: Standing) -> usize {
        self.steps.iter().filter(|step| step.standing == standing).count()
    }
}

impl Step {
    /// Of a held step: whether its undo is what is open, and not its do.
    pub fn undo_is_open(&self) -> bool {
        self.held == Some(Op::Undo)
    }

    pub fn tries(&self, op: Op) -> usize {
        self.attempts.iter().filter(|attempt| attempt.op == op).count()
    }

    /// Those who have agreed to it.
    pub fn agreed(&self) -> Vec<&str> {
        let agreed = self.remarks.iter().filter(|remark| remark.what == "approved");
        agreed.map(|remark| remark.by.as_str()).collect()
    }

    /// What it asks of people and they have not answered yet.
    pub fn asks(&self) -> Option<&Approval> {
        let open = |approval: &&Approval| self.agreed().len() < approval.quorum;
        self.approval.as_ref().filter(|_| self.standing == Standing::Asking).filter(open)
    }

    /// The name of the event that it waits for.
    pub fn event(&self) -> Option<&str> {
        match &self.wait {
            Some(Wait::Event { name }) if self.standing == Standing::Waiting => Some(name),
            Some(Wait::Event { .. } | Wait::ForMs(_) | Wait::Until(_) | Wait::Other(_)) | None => None,
        }
    }
}
