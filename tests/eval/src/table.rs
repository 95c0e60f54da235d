//! Scores added up, and shown.

use std::collections::BTreeMap;
use std::io::{self, Write};

use makegood_core::intent::{Band, Reading};
use serde::Serialize;

use crate::case::Case;
use crate::score::Score;

/// How many cases of a row went well, and what became of them.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Row {
    pub cases: u32,
    pub reading: u32,
    pub intent: u32,
    pub parameters: u32,
    pub plan: u32,
    pub act: u32,
    pub confirm: u32,
    /// Asked about.
    pub clarify: u32,
    /// Nothing was understood that can be done.
    pub unclear: u32,
    pub refuse: u32,
    pub wrong_acts: u32,
}

impl Row {
    fn add(&mut self, score: &Score) {
        self.cases += 1;
        self.reading += u32::from(score.reading);
        self.intent += u32::from(score.intent);
        self.parameters += u32::from(score.parameters);
        self.plan += u32::from(score.plan);
        self.wrong_acts += u32::from(score.wrong_act);
        match (score.band, &score.got) {
            (Band::Act, _) => self.act += 1,
            (Band::Confirm, _) => self.confirm += 1,
            (Band::Refuse, _) => self.refuse += 1,
            (Band::Clarify, Reading::Unclear { .. }) => self.unclear += 1,
            (Band::Clarify, Reading::Plan { .. } | Reading::Ask { .. } | Reading::Refused { .. }) => self.clarify += 1,
        }
    }

    /// What a model would be asked about: a plan that is not even shown, a question, or nothing understood.
    #[must_use]
    pub const fn to_model(&self) -> u32 {
        self.clarify + self.unclear
    }
}

/// The rows of one set.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Table {
    pub all: Row,
    pub languages: BTreeMap<String, Row>,
    pub tags: BTreeMap<String, Row>,
    /// By the confidence of a plan, in hundredths: how many plans there are, how many have every parameter right,
    /// and how many have the right tools.
    pub reliability: BTreeMap<u32, Reliability>,
}

#[derive(Clone, Debug, Default, Serialize)]
pub struct Reliability {
    pub plans: u32,
    pub right: u32,
    pub right_tools: u32,
}

impl Table {
    pub fn add(&mut self, case: &Case, score: &Score) {
        self.all.add(score);
        self.languages.entry(case.language.clone()).or_default().add(score);
        for tag in &case.tags {
            self.tags.entry(tag.clone()).or_default().add(score);
        }
        if let Some(confidence) = score.confidence.filter(|_| matches!(score.got, Reading::Plan { .. })) {
            let bucket = self.reliability.entry(hundredths(confidence)).or_default();
            bucket.plans += 1;
            bucket.right += u32::from(score.parameters);
            bucket.right_tools += u32::from(score.intent);
        }
    }

    /// # Errors
    /// Where it cannot be written.
    pub fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        writeln!(
            out,
            "{:<16}{:>6}{:>9}{:>8}{:>12}{:>7}{:>7}{:>9}{:>9}{:>9}{:>8}{:>12}{:>10}",
            "",
            "cases",
            "reading",
            "intent",
            "parameters",
            "plan",
            "act",
            "confirm",
            "clarify",
            "unclear",
            "refuse",
            "wrong acts",
            "to model"
        )?;
        write_row(out, "all", &self.all)?;
        for (name, row) in self.languages.iter().chain(&self.tags) {
            write_row(out, name, row)?;
        }
        writeln!(out, "\nconfidence of a plan    plans   right tools   right parameters")?;
        for (confidence, bucket) in self.reliability.iter().rev() {
            writeln!(
                out,
                "{:>20}{:>9}{:>13}{:>19}",
                format!("0.{confidence:02}"),
                bucket.plans,
                share(bucket.right_tools, bucket.plans),
                share(bucket.right, bucket.plans)
            )?;
        }
        Ok(())
    }
}

fn write_row(out: &mut dyn Write, name: &str, row: &Row) -> io::Result<()> {
    let of = |count| share(count, row.cases);
    writeln!(
        out,
        "{name:<16}{:>6}{:>9}{:>8}{:>12}{:>7}{:>7}{:>9}{:>9}{:>9}{:>8}{:>12}{:>10}",
        row.cases,
        of(row.reading),
        of(row.intent),
        of(row.parameters),
        of(row.plan),
        row.act,
        row.confirm,
        row.clarify,
        row.unclear,
        row.refuse,
        row.wrong_acts,
        of(row.to_model())
    )
}

/// Per cent, to one place.
#[must_use]
pub fn share(count: u32, of: u32) -> String {
    let tenths = (u64::from(count) * 1000 + u64::from(of) / 2).checked_div(u64::from(of)).unwrap_or_default();
    format!("{}.{}", tenths / 10, tenths % 10)
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a confidence lies between 0 and 1")]
fn hundredths(confidence: f64) -> u32 {
    (confidence * 100.0).round() as u32
}
