//! What is said of it.

use makegood_core::id::SagaId;
use makegood_core::intent::Band;
use makegood_core::saga::Plan;
use makegood_gateway::conversations::Keyed;

use super::answer::{Answer, Turn};
use super::hearing::Hearing;
use super::state::{What, Wish};
use super::words::{self, Asked};
use super::{Heard, Move};
use crate::host::Host;
use crate::reading::{Outcome, Reading};
use crate::settings::Settings;

impl<H: Host> Hearing<'_, H> {
    /// What became of a wish of the saga, in words.
    pub fn told(&self, wish: &Wish) -> String {
        let asked = match &wish.what {
            What::Cancel => Asked::Cancel,
            What::Change(plan) => Asked::Change(plan["summary"].as_str().unwrap_or_default()),
            What::Decide { approve: true, .. } => Asked::Yes,
            What::Decide { approve: false, .. } => Asked::No,
        };
        words::became(self.tongue(), wish.saga.as_str(), asked, wish.became, wish.why.as_deref())
    }

    /// What would be started, or asked of the saga, in words; `None` where nothing would.
    pub fn would(&self, next: &Move) -> Option<String> {
        let (saga, asked) = match next {
            Move::Start(outcome) => {
                let Reading::Plan { plan, .. } = &outcome.reading else { return None };
                return Some(words::understood(self.tongue(), &summary(plan)));
            }
            Move::Wish(saga, What::Cancel, _) => (saga, Asked::Cancel),
            Move::Wish(saga, What::Change(plan), _) => {
                (saga, Asked::Change(plan["summary"].as_str().unwrap_or_default()))
            }
            Move::Wish(saga, What::Decide { approve, .. }, _) => (saga, if *approve { Asked::Yes } else { Asked::No }),
            Move::Show(..)
            | Move::Ask(_)
            | Move::Unclear(_)
            | Move::Refuse(_)
            | Move::Drop
            | Move::Unasked
            | Move::TooMuch => return None,
        };
        Some(words::would_ask(self.tongue(), saga.as_str(), asked))
    }

    /// What is answered, as far as it is known before anything is done.
    pub fn answer_to(&self, next: &Move) -> Answer {
        let (tongue, id) = (self.tongue(), Some(self.conversation.id.clone()));
        let blank = |turn: Turn, band: Band| Answer::new(turn, band, &self.settings.public_url, id.clone());
        let of = |turn: Turn, outcome: &Outcome, say: String| Answer {
            say,
            preview: Some(outcome.preview()),
            ..blank(turn, outcome.band)
        };
        let summary = |outcome: &Outcome| match &outcome.reading {
            Reading::Plan { plan, .. } => summary(plan),
            Reading::Ask { question: text, .. }
            | Reading::Unclear { message: text }
            | Reading::Refused { message: text } => text.clone(),
        };
        let saga = self.conversation.saga.as_ref();
        let and_saga = |text: String| match saga {
            Some(saga) => format!("{text} {}", words::goes_on(tongue, saga.as_str())),
            None => text,
        };
        let mut answer = match next {
            Move::Start(outcome) if outcome.how.confirm.is_some() => {
                of(Turn::Started, outcome, words::waits(tongue, &summary(outcome)))
            }
            Move::Start(outcome) => of(Turn::Started, outcome, words::started(tongue, &summary(outcome))),
            Move::Show(outcome, changes) => {
                let whose = saga.filter(|_| *changes).map(SagaId::as_str);
                of(Turn::Confirm, outcome, words::confirm(tongue, &summary(outcome), whose))
            }
            Move::Ask(outcome) => of(Turn::Asked, outcome, summary(outcome)),
            Move::Unclear(outcome) => of(Turn::Unclear, outcome, and_saga(summary(outcome))),
            Move::Refuse(outcome) => of(Turn::Refused, outcome, and_saga(summary(outcome))),
            Move::Drop => {
                Answer { say: and_saga(words::dropped(tongue).to_owned()), ..blank(Turn::Dropped, Band::Refuse) }
            }
            Move::Wish(_, what, outcome) => Answer {
                preview: outcome.as_ref().map(|outcome| outcome.preview()),
                ..blank(Turn::of(what), outcome.as_ref().map_or(Band::Act, |outcome| outcome.band))
            },
            Move::Unasked => {
                let say = words::nothing_waits(tongue, self.conversation.state.asked.as_deref());
                Answer { say, ..blank(Turn::Unclear, Band::Clarify) }
            }
            Move::TooMuch => Answer { say: words::too_much(tongue).to_owned(), ..blank(Turn::Unclear, Band::Clarify) },
        };
        if !matches!(next, Move::Start(_)) {
            answer.saga = saga.cloned();
        }
        answer
    }
}

/// The answer to a message whose key stands for a saga already.
pub fn started_before(settings: &Settings, keyed: Keyed) -> Heard {
    let answer = Answer {
        status: 202,
        say: keyed.title,
        saga: Some(keyed.saga),
        created: Some(false),
        confirm: keyed.confirm,
        ..Answer::new(Turn::Started, Band::Act, &settings.public_url, keyed.conversation)
    };
    answer.heard(true)
}

/// A plan in words: its summary, or, where a model made it, its tools.
fn summary(plan: &Plan) -> String {
    if !plan.summary.is_empty() {
        return plan.summary.clone();
    }
    let tools: Vec<&str> = plan.steps.iter().map(|step| step.tool.as_str()).collect();
    format!("{}.", tools.join(", "))
}
