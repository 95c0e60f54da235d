//! One wish on its way to an intent and steps.

use serde_json::{Map, Value};

use super::language::Language;
use super::slot::Slot;
use super::{Intent, Kind, voice};
use crate::saga::Step;

pub(super) struct Draft {
    pub kind: Kind,
    /// What it is about, to begin a question with: `The table at Luigi's`.
    pub subject: String,
    /// What it does, for the summary: `book a table for 4 at Luigi's`.
    pub summary: String,
    /// What a message tells of it, as a sentence.
    pub told: Option<String>,
    pub parameters: Map<String, Value>,
    pub gaps: Vec<Gap>,
    pub assumed: u32,
    pub steps: Vec<Step>,
    /// What is tried in place of it, for the summary: `at 19:30, then the waiting list`.
    pub otherwise: Option<String>,
}

pub(super) struct Gap {
    pub parameter: &'static str,
    pub question: String,
}

impl Draft {
    pub fn new(kind: Kind, subject: impl Into<String>) -> Self {
        Self {
            kind,
            subject: subject.into(),
            summary: String::new(),
            told: None,
            parameters: Map::new(),
            gaps: Vec::new(),
            assumed: 0,
            steps: Vec::new(),
            otherwise: None,
        }
    }

    pub fn set(&mut self, parameter: &str, value: impl Into<Value>) {
        self.parameters.insert(parameter.to_owned(), value.into());
    }

    pub fn ask(&mut self, parameter: &'static str, question: impl Into<String>) {
        self.gaps.push(Gap { parameter, question: question.into() });
    }

    /// Sets the parameter where it is known, and asks for it where it is not.
    pub fn need<T: Clone>(
        &mut self,
        parameter: &'static str,
        slot: &Slot<T>,
        question: &str,
        value: impl Fn(&T) -> Value,
    ) -> Option<T> {
        match slot {
            Slot::Is(known) => {
                self.set(parameter, value(known));
                return Some(known.clone());
            }
            Slot::Empty => self.ask(parameter, question),
            Slot::Asks(question) => self.ask(parameter, question.clone()),
        }
        None
    }

    /// Adds the one step that takes the parameters as they are.
    pub fn step(&mut self, id: &str, tool: &str) {
        let step =
            Step { id: id.to_owned(), tool: tool.to_owned(), params: self.parameters.clone(), ..Step::default() };
        self.steps.push(step);
    }

    pub fn question(&self, language: Language) -> Option<String> {
        let gaps: Vec<_> = self.gaps.iter().map(|gap| voice::say(&gap.question, language)).collect();
        let opens = if language == Language::Spanish { "¿" } else { "" };
        (!gaps.is_empty()).then(|| {
            format!("{}: {opens}{}?", voice::say(&self.subject, language), joined(&gaps, voice::and(language)))
        })
    }

    pub fn intent(&self, text: &str) -> Intent {
        let hundredths = 95_u32.saturating_sub(5 * self.assumed).max(50);
        let hundredths = if self.gaps.is_empty() { hundredths } else { hundredths.min(50) };
        Intent {
            kind: self.kind,
            confidence: f64::from(hundredths) / 100.0,
            parameters: self.parameters.clone(),
            text: text.to_owned(),
        }
    }
}

/// What the user said, as a parameter. A leading `$` would make it a reference to another step's
/// output, so it is doubled, which stands for a plain one.
pub(super) fn said(text: &str) -> Value {
    if text.starts_with('$') { Value::from(format!("${text}")) } else { Value::from(text) }
}

/// `one, two and three`.
pub(super) fn listed(parts: &[String]) -> String {
    joined(parts, "and")
}

fn joined(parts: &[String], and: &str) -> String {
    match parts {
        [] => String::new(),
        [one] => one.clone(),
        [most @ .., last] => format!("{} {and} {last}", most.join(", ")),
    }
}
