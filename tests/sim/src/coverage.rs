//! What a run has seen, by the words of the engine's own tables.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use makegood_core::saga::{Answer, Job, Kind, Op, Outcome, Phase, Place};

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Coverage {
    /// What `step` has folded: the event, and the phase that it met. What stands in the table as late is counted and not
    /// demanded.
    pub events: BTreeMap<(Phase, Kind), u64>,
    /// Commits that came too late, by the phase that another worker's had led to.
    pub outruns: BTreeMap<Phase, u64>,
    /// (job in the journal, operation, outcome) of an answer that reached a live invocation.
    pub answers: BTreeMap<(&'static str, &'static str, &'static str), u64>,
    /// Rests.
    pub rests: BTreeMap<&'static str, u64>,
}

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

/// The pairs of phase and event that a run must see: one that it never sees proves nothing about it.
fn demanded() -> impl Iterator<Item = (Phase, Kind)> {
    let pairs = Phase::ALL.into_iter().flat_map(|phase| Kind::ALL.map(|kind| (phase, kind)));
    pairs.filter(|(phase, kind)| kind.place(*phase) == Place::Folded)
}

/// So many there are, with the answers and the lost races.
#[must_use]
pub fn pairs() -> usize {
    let answers: usize = ANSWERS.iter().map(|(_, _, outcomes)| outcomes.len()).sum();
    demanded().count() + Phase::ALL.len() + answers
}

impl Coverage {
    pub fn event(&mut self, phase: Phase, kind: Kind) {
        *self.events.entry((phase, kind)).or_default() += 1;
    }

    pub fn outrun(&mut self, phase: Phase) {
        *self.outruns.entry(phase).or_default() += 1;
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
        for (phase, count) in &other.outruns {
            *self.outruns.entry(*phase).or_default() += count;
        }
        for (pair, count) in &other.answers {
            *self.answers.entry(*pair).or_default() += count;
        }
        for (rest, count) in &other.rests {
            *self.rests.entry(rest).or_default() += count;
        }
    }

    /// What must be seen and never was.
    #[must_use]
    pub fn missing(&self) -> Vec<String> {
        let unseen = demanded().filter(|pair| !self.events.contains_key(pair));
        let mut missing: Vec<String> = unseen.map(|(phase, kind)| format!("{} while {phase}", kind.name())).collect();
        let never = Phase::ALL.into_iter().filter(|phase| !self.outruns.contains_key(phase));
        missing.extend(never.map(|phase| format!("a commit outrun while {phase}")));
        for (job, op, outcomes) in ANSWERS {
            for outcome in *outcomes {
                if !self.answers.contains_key(&(*job, *op, *outcome)) {
                    missing.push(format!("{outcome} to {op} while the job is {job}"));
                }
            }
        }
        missing
    }

    /// All tables: of the engine's events each legal pair, seen or not.
    #[must_use]
    pub fn table(&self) -> String {
        let mut text = String::from("phase      event          seen\n");
        for (phase, kind) in Phase::ALL.into_iter().flat_map(|phase| Kind::ALL.map(|kind| (phase, kind))) {
            let count = self.events.get(&(phase, kind)).copied().unwrap_or_default();
            let note = match kind.place(phase) {
                Place::Folded => "",
                Place::Late => "  passed over",
                Place::Illegal if count == 0 => continue,
                Place::Illegal => "  ILLEGAL",
            };
            let _ = writeln!(text, "{:<10} {:<10} {count:>8}{note}", phase.as_str(), kind.name());
        }
        text.push_str("\nphase      commits outrun\n");
        for (phase, count) in &self.outruns {
            let _ = writeln!(text, "{:<10} {count:>14}", phase.as_str());
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
