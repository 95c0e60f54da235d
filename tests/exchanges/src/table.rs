//! What came of it: a table of case and host.

use std::fmt;
use std::time::Duration;

use crate::host::Kind;

/// How a case went on a host.
#[derive(Clone, Debug)]
pub enum Outcome {
    Passed(Duration),
    Failed(String),
    LeftOut(&'static str),
    /// A figure in place of a time.
    Measured(String),
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Passed(took) => write!(f, "{:.1} s", took.as_secs_f64()),
            Self::Failed(why) => write!(f, "FAILED: {why}"),
            Self::LeftOut(why) => write!(f, "left out: {why}"),
            Self::Measured(what) => f.write_str(what),
        }
    }
}

#[derive(Debug, Default)]
pub struct Table {
    hosts: Vec<Kind>,
    absent: Vec<(Kind, String)>,
    rows: Vec<(&'static str, Vec<(Kind, Outcome)>)>,
}

impl Table {
    /// A whole host is not there.
    pub fn leave_out(&mut self, kind: Kind, why: String) {
        self.absent.push((kind, why));
    }

    pub fn note(&mut self, case: &'static str, kind: Kind, outcome: Outcome) {
        if !self.hosts.contains(&kind) {
            self.hosts.push(kind);
        }
        match self.rows.iter_mut().find(|(name, _)| *name == case) {
            Some((_, outcomes)) => outcomes.push((kind, outcome)),
            None => self.rows.push((case, vec![(kind, outcome)])),
        }
    }

    /// Whether something ran, and nothing failed.
    pub fn all_is_well(&self) -> bool {
        let mut outcomes = self.rows.iter().flat_map(|(_, outcomes)| outcomes);
        !self.rows.is_empty() && !outcomes.any(|(_, outcome)| matches!(outcome, Outcome::Failed(_)))
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let widest = self.rows.iter().map(|(name, _)| name.len()).max().unwrap_or_default();
        write!(f, "\n{:widest$}", "case")?;
        for host in &self.hosts {
            write!(f, "  {:>9}", host.name())?;
        }
        let mut notes: Vec<&str> = Vec::new();
        for (name, outcomes) in &self.rows {
            write!(f, "\n{name:widest$}")?;
            for host in &self.hosts {
                let outcome = outcomes.iter().find(|(kind, _)| kind == host).map(|(_, outcome)| outcome);
                let cell = match outcome {
                    None => String::new(),
                    Some(Outcome::Failed(_)) => "FAILED".to_owned(),
                    Some(Outcome::LeftOut(why)) => {
                        let at = notes.iter().position(|note| note == why).unwrap_or_else(|| {
                            notes.push(why);
                            notes.len() - 1
                        });
                        format!("({})", at + 1)
                    }
                    Some(outcome @ (Outcome::Passed(_) | Outcome::Measured(_))) => outcome.to_string(),
                };
                write!(f, "  {cell:>9}")?;
            }
        }
        for (number, note) in notes.iter().enumerate() {
            write!(f, "\n({}) left out: {note}", number + 1)?;
        }
        for (kind, why) in &self.absent {
            write!(f, "\n{} is left out: {why}", kind.name())?;
        }
        Ok(())
    }
}
