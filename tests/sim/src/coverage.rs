//! What a run has seen, by the words of the engine's own tables.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use makegood_core::saga::{Answer, Job, Op, Outcome};

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Coverage {
    /// (phase in the journal, event).
    pub events: BTreeMap<(&'static str, &'static str), u64>,
    /// (job in the journal, operation, outcome) of an answer that reached a live invocation.
    pub answers: BTreeMap<(&'static str, &'static str, &'static str), u64>,
    /// Rests.
    pub rests: BTreeMap<&'static str, u64>,
}

/// Every legal pair; a run that never sees one of them proves nothing about it.
pub const EVENTS: &[(&str, &[&str])] = &[
    (
        "forward",
        &[
            "wake",
            "answered",
            "committed",
            "paged",
            "tick",
            "cancel",
            "outrun",
            "pause",
            "resume",
            "decided",
            "received",
            "retry",
            "resolve",
            "replan",
            "nudged",
            "turn",
            "leave",
        ],
    ),
    (
        "unwinding",
        &[
            "wake",
            "answered",
            "committed",
            "paged",
            "tick",
            "cancel",
            "outrun",
            "retry",
            "resolve",
            "nudged",
            "turn",
            "leave",
        ],
    ),
    ("completed", &["wake", "answered", "committed", "cancel", "outrun", "revoke"]),
    ("made_good", &["wake", "answered", "committed", "cancel", "outrun"]),
    ("stuck", &["wake", "answered", "committed", "cancel", "outrun", "retry", "resolve", "replan"]),
];

/// Every job with every answer that it may get. What a stale worker's call meets besides these is
/// counted and not demanded.
pub const ANSWERS: &[(&str, &str, &[&str])] = &[
    ("do", "do", &["output", "refused", "in_progress", "later", "unknown"]),
    ("ask", "do", &["output", "unknown"]),
    ("ask", "status", &["was_done", "was_refused", "in_progress", "never_seen", "refused", "later", "unknown"]),
    ("undo", "do", &["output", "refused", "unknown"]),
    ("undo", "undo", &["undone", "nothing_to_undo", "refused", "in_progress", "later", "unknown"]),
    ("settled", "do", &["output", "refused", "later", "unknown"]),
    ("settled", "undo", &["undone", "nothing_to_undo", "later", "unknown"]),
];

/// So many legal pairs there are.
#[must_use]
pub fn pairs() -> usize {
    let events: usize = EVENTS.iter().map(|(_, events)| events.len()).sum();
    events + ANSWERS.iter().map(|(_, _, outcomes)| outcomes.len()).sum::<usize>()
}

impl Coverage {
    pub fn event(&mut self, phase: &'static str, event: &'static str) {
        *self.events.entry((phase, event)).or_default() += 1;
    }

    pub fn answer(&mut self, job: Option<Job>, op: Op, outcome: &Outcome) {
        let job = match job {
            Some(Job::Pending) => "pending",
            Some(Job::Do) => "do",
            Some(Job::Ask) => "ask",
            Some(Job::Wait) => "wait",
            Some(Job::Undo) => "undo",
            Some(Job::Held) => "held",
            None => "settled",
        };
        let op = match op {
            Op::Do => "do",
            Op::Status => "status",
            Op::Undo => "undo",
        };
        let outcome = match outcome {
            Outcome::Ok(Answer::Output(_)) => "output",
            Outcome::Ok(Answer::Undone { found: true }) => "undone",
            Outcome::Ok(Answer::Undone { found: false }) => "nothing_to_undo",
            Outcome::Ok(Answer::WasDone(_)) => "was_done",
            Outcome::Ok(Answer::WasRefused(_)) => "was_refused",
            Outcome::Ok(Answer::WasUndone) => "was_undone",
            Outcome::Ok(Answer::InProgress { .. }) => "in_progress",
            Outcome::Ok(Answer::NeverSeen) => "never_seen",
            Outcome::Refused(_) => "refused",
            Outcome::Later { .. } => "later",
            Outcome::Unknown { .. } => "unknown",
        };
        *self.answers.entry((job, op, outcome)).or_default() += 1;
    }

    pub fn merge(&mut self, other: &Self) {
        for (pair, count) in &other.events {
            *self.events.entry(*pair).or_default() += count;
        }
        for (pair, count) in &other.answers {
            *self.answers.entry(*pair).or_default() += count;
        }
        for (rest, count) in &other.rests {
            *self.rests.entry(rest).or_default() += count;
        }
    }

    /// The legal pairs that were never seen.
    #[must_use]
    pub fn missing(&self) -> Vec<String> {
        let mut missing = Vec::new();
        for (phase, events) in EVENTS {
            for event in *events {
                if !self.events.contains_key(&(*phase, *event)) {
                    missing.push(format!("{event} while {phase}"));
                }
            }
        }
        for (job, op, outcomes) in ANSWERS {
            for outcome in *outcomes {
                if !self.answers.contains_key(&(*job, *op, *outcome)) {
                    missing.push(format!("{outcome} to {op} while the job is {job}"));
                }
            }
        }
        missing
    }

    /// Both tables.
    #[must_use]
    pub fn table(&self) -> String {
        let mut text = String::from("phase      event          seen\n");
        for ((phase, event), count) in &self.events {
            let _ = writeln!(text, "{phase:<10} {event:<10} {count:>8}");
        }
        text.push_str("\njob      op      outcome             seen\n");
        for ((job, op, outcome), count) in &self.answers {
            let _ = writeln!(text, "{job:<8} {op:<7} {outcome:<15} {count:>8}");
        }
        text.push('\n');
        for (rest, count) in &self.rests {
            let _ = writeln!(text, "{rest:<10} {count:>8}");
        }
        text
    }
}
