//! What is said of it.

use makegood_core::error::Error;
use makegood_core::id::SagaId;
use makegood_core::intent::Band;
use makegood_core::saga::{Fact, Reference};
use makegood_core::tool::Class;
use makegood_gateway::conversations::Keyed;
use serde_json::{Map, Value};

use super::answer::{Answer, Turn};
use super::hearing::Hearing;
use super::state::{What, Wish};
use super::words::{self, Asked};
use super::zone::Tongue;
use super::{Heard, Move};
use crate::host::Host;
use crate::reading::{Outcome, Reading};
use crate::settings::Settings;
use crate::store::Store;
use crate::visible::visible;

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

    /// What a step of the saga asks its owner, in words, and the hash of that; `None` where it has asked nothing yet.
    pub async fn asks(&self, saga: &SagaId, step: &str) -> Result<Option<(String, u64)>, Error> {
        let story = Store::new(self.host, self.settings).follow(saga, 0).await?;
        let Some(story) = story.filter(|story| story.owner == self.principal.name) else { return Ok(None) };
        let Some(node) = story.nodes.iter().rev().find(|node| node.id == step) else { return Ok(None) };
        let asked = story.journal.iter().rev().find_map(|entry| {
            let Fact::Asked { node: asked, params, hash, .. } = &entry.record.fact else { return None };
            (*asked == node.ix).then(|| (visible(&made_with(&node.tool, params, None)), *hash))
        });
        Ok(asked)
    }

    /// What would be started, or asked of the saga, in words; `None` where nothing would.
    pub fn would(&self, next: &Move) -> Option<String> {
        let (saga, asked) = match next {
            Move::Start(outcome) => {
                return Some(words::understood(self.tongue(), &summary(self.tongue(), outcome)));
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
            | Move::Look(..)
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
        let summary = |outcome: &Outcome| summary(tongue, outcome);
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
            Move::Look(asks, _) => {
                let say = words::confirm(tongue, &format!("{asks}."), None);
                Answer { say, ..blank(Turn::Confirm, Band::Confirm) }
            }
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

/// A reading in words. Of a plan that is: its summary; or, where a model made it and its owner is to agree, what each
/// step with an effect is made with.
fn summary(tongue: Tongue, outcome: &Outcome) -> String {
    let (plan, nodes, tools) = match &outcome.reading {
        Reading::Plan { plan, nodes, tools, .. } => (plan, nodes, tools),
        Reading::Ask { question: text, .. }
        | Reading::Unclear { message: text }
        | Reading::Refused { message: text } => return text.clone(),
    };
    let title = |name: &str| {
        let title = tools.get(name).map(|tool| tool.title.as_str()).filter(|title| !title.is_empty());
        title.unwrap_or(name).to_owned()
    };
    if outcome.how.confirm.is_some() {
        let given = |step: &str, path: &str| {
            let tool = nodes.iter().find(|node| node.id == step).map_or(step, |node| node.tool.as_str());
            words::given(tongue, &title(tool), path)
        };
        let effects = nodes.iter().filter(|node| node.class != Class::Query);
        let said = effects.map(|node| made_with(&title(&node.tool), &node.params, Some(&given)));
        return visible(&said.collect::<Vec<_>>().join("; "));
    }
    if !plan.summary.is_empty() {
        return plan.summary.clone();
    }
    let tools: Vec<&str> = plan.steps.iter().map(|step| step.tool.as_str()).collect();
    format!("{}.", tools.join(", "))
}

/// What a step gives, by its id and a path, in words.
type Given<'a> = &'a dyn Fn(&str, &str) -> String;

/// A step with its parameters. `given`: for what refers to other steps; `None` where all is resolved.
fn made_with(step: &str, params: &Map<String, Value>, given: Option<Given<'_>>) -> String {
    let params = params.iter().map(|(name, value)| format!("{name}: {}", plainly(value, given)));
    format!("{step} ({})", params.collect::<Vec<_>>().join(", "))
}

/// A parameter as people read it.
fn plainly(value: &Value, given: Option<Given<'_>>) -> String {
    match value {
        Value::String(text) => match (given, Reference::parse(text)) {
            (None, _) => text.clone(),
            (Some(given), Some(reference)) => given(reference.step, &reference.path().collect::<Vec<_>>().join(".")),
            (Some(_), None) => text.strip_prefix('$').filter(|rest| rest.starts_with('$')).unwrap_or(text).to_owned(),
        },
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(|item| plainly(item, given)).collect();
            format!("[{}]", items.join(", "))
        }
        Value::Object(fields) => {
            let fields = fields.iter().map(|(name, value)| format!("{name}: {}", plainly(value, given)));
            format!("{{{}}}", fields.collect::<Vec<_>>().join(", "))
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => value.to_string(),
    }
}
