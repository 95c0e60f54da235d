//! What the kit found, in words for the author of the tool.

use std::fmt;

use serde::Serialize;

/// The result of one run over one tool.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Verdict {
    pub tool: String,
    pub version: String,
    pub checks: Vec<Check>,
    /// What the run did in the tool's world and could not undo.
    pub left: Vec<Left>,
}

/// One thing that was asked of the tool.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Check {
    /// A sentence with `_` between its words; stable, for programs.
    pub name: &'static str,
    pub outcome: Outcome,
}

/// How a check ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    Passed,
    Failed(Fault),
    /// With the reason: mostly that the tool does not declare what the check is about.
    NotAsked(String),
}

/// What a tool gets wrong: parts of sentences, without their full stops.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Fault {
    pub did: String,
    pub expected: String,
    pub came: String,
    /// What would become of a saga.
    pub matters: String,
}

impl Fault {
    pub(crate) fn new(
        did: impl Into<String>,
        expected: impl Into<String>,
        came: impl Into<String>,
        matters: impl Into<String>,
    ) -> Self {
        Self { did: did.into(), expected: expected.into(), came: came.into(), matters: matters.into() }
    }
}

/// An effect that stays.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Left {
    pub tool: String,
    pub key: String,
    pub why: String,
}

impl Verdict {
    /// Whether no check failed.
    #[must_use]
    pub fn passed(&self) -> bool {
        self.failed().next().is_none()
    }

    /// The names of the checks that failed, with what was found.
    pub fn failed(&self) -> impl Iterator<Item = (&'static str, &Fault)> {
        self.checks.iter().filter_map(|check| match &check.outcome {
            Outcome::Failed(fault) => Some((check.name, fault)),
            Outcome::Passed | Outcome::NotAsked(_) => None,
        })
    }

    /// How the check of this name ended.
    #[must_use]
    pub fn of(&self, name: &str) -> Option<&Outcome> {
        self.checks.iter().find(|check| check.name == name).map(|check| &check.outcome)
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} {}", self.tool, self.version)?;
        for check in &self.checks {
            writeln!(f, "{check}")?;
        }
        for (tool, why, keys) in self.left_by_reason() {
            let first = keys.first().copied().unwrap_or_default();
            writeln!(f, "  left        {} × {tool}, {why}: the first has the key {first}", keys.len())?;
        }
        let count = |wanted: fn(&Outcome) -> bool| self.checks.iter().filter(|check| wanted(&check.outcome)).count();
        write!(
            f,
            "{} passed, {} failed, {} not asked",
            count(|outcome| matches!(outcome, Outcome::Passed)),
            count(|outcome| matches!(outcome, Outcome::Failed(_))),
            count(|outcome| matches!(outcome, Outcome::NotAsked(_))),
        )
    }
}

impl Verdict {
    fn left_by_reason(&self) -> Vec<(&str, &str, Vec<&str>)> {
        let mut groups: Vec<(&str, &str, Vec<&str>)> = Vec::new();
        for left in &self.left {
            match groups.iter_mut().find(|(tool, why, _)| (*tool, *why) == (&left.tool, &left.why)) {
                Some((_, _, keys)) => keys.push(&left.key),
                None => groups.push((&left.tool, &left.why, vec![&left.key])),
            }
        }
        groups
    }
}

impl fmt::Display for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.name.replace('_', " ");
        match &self.outcome {
            Outcome::Passed => write!(f, "  passed      {name}"),
            Outcome::NotAsked(why) => write!(f, "  not asked   {name}: {why}"),
            Outcome::Failed(fault) => write!(f, "  FAILED      {name}\n              {fault}"),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { did, expected, came, matters } = self;
        write!(f, "{did}. Expected was {expected}; what came was {came}. This matters: {matters}.")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_verdict_reads_as_sentences() {
        let fault = Fault::new(
            "The same do was sent twice under one key",
            "the same output twice",
            "another output the second time",
            "a lost answer would book the table twice",
        );
        let left =
            |key: &str| Left { tool: "book".to_owned(), key: key.to_owned(), why: "it cannot be undone".to_owned() };
        let verdict = Verdict {
            tool: "book".to_owned(),
            version: "1".to_owned(),
            checks: vec![
                Check { name: "a_do_succeeds", outcome: Outcome::Passed },
                Check { name: "a_repeat_is_answered_alike", outcome: Outcome::Failed(fault) },
                Check { name: "status_knows", outcome: Outcome::NotAsked("it declares no status".to_owned()) },
            ],
            left: vec![left("a"), left("b")],
        };
        assert!(!verdict.passed());
        assert_eq!(
            verdict.to_string(),
            "book 1\n  \
             passed      a do succeeds\n  \
             FAILED      a repeat is answered alike\n              \
             The same do was sent twice under one key. Expected was the same output twice; what came was another \
             output the second time. This matters: a lost answer would book the table twice.\n  \
             not asked   status knows: it declares no status\n  \
             left        2 × book, it cannot be undone: the first has the key a\n\
             1 passed, 1 failed, 1 not asked"
        );
    }
}
