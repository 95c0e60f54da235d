//! The offline planner in a model's place, so that all that speaks to a model can be run without one.
//!
//! What the user said last is read as `makegood_core::intent` reads it. With tools offered, the plan's steps are
//! called as soon as what they wait for has been answered; in a structured format, the answer is the reading, or
//! the plan alone, whichever the schema takes; otherwise it is the plan in a sentence, or a question. What it does
//! not understand it leaves to the script.

use std::collections::BTreeMap;

use jiff::{civil::DateTime, fmt::temporal::Pieces, tz::Offset};
use makegood_core::{
    intent::{self, Context, Reading},
    saga::{Plan, Reference, Step, resolve},
    time::Millis,
    tool::Schema,
};
use serde_json::{Value, json};

use super::{
    chat::{Chat, Format, Role},
    reply::{Call, Planner, Reply},
};
use crate::Clock;

/// The same request gets the same answer as long as a system message says what time it is, as in
/// `2026-11-28T09:00+01:00`; otherwise `tomorrow` follows the clock.
#[derive(Clone, Debug)]
pub struct OfflinePlanner {
    pub clock: Clock,
}

impl Planner for OfflinePlanner {
    fn answer(&self, chat: &Chat) -> Option<Reply> {
        let (now, utc_offset_minutes) = told_time(chat).unwrap_or_else(|| (Millis(self.clock.now()), 0));
        let context = Context { now, utc_offset_minutes, user: "Guest".to_owned() };
        let reading = intent::read(chat.last_user_text(), &context);
        let structured = |text: Option<Value>| text.map(|value| Reply::Text(value.to_string()));
        match (&chat.format, &reading) {
            (_, Reading::Unclear { .. } | Reading::Refused { .. }) => None,
            (Format::Object, _) => structured(Some(json!(reading))),
            (Format::Schema(schema), _) => structured(fitting(schema, &reading)),
            (Format::Text, Reading::Ask { question, .. }) => Some(Reply::Text(question.clone())),
            (Format::Text, Reading::Plan { plan, .. }) if chat.tools.is_empty() => {
                Some(Reply::Text(plan.summary.clone()))
            }
            (Format::Text, Reading::Plan { plan, .. }) => Some(carry_on(chat, plan)),
        }
    }
}

/// The reading, or its plan, as far as the schema takes one.
fn fitting(schema: &Value, reading: &Reading) -> Option<Value> {
    let schema: Schema = serde_json::from_value(schema.clone()).ok()?;
    let plan = match reading {
        Reading::Plan { plan, .. } => Some(json!(plan)),
        Reading::Ask { .. } | Reading::Unclear { .. } | Reading::Refused { .. } => None,
    };
    [Some(json!(reading)), plan].into_iter().flatten().find(|value| schema.check(value).is_empty())
}

/// The next calls of a plan, after what has been answered since the user spoke.
fn carry_on(chat: &Chat, plan: &Plan) -> Reply {
    if let Some(step) = plan.steps.iter().find(|step| !chat.tools.iter().any(|tool| tool.name == step.tool)) {
        return Reply::Text(format!("For that I would need the tool `{}`, which is not offered.", step.tool));
    }
    let mut answered = answers(chat);
    let mut outputs: BTreeMap<&str, Value> = BTreeMap::new();
    let mut calls = Vec::new();
    for step in &plan.steps {
        if !waits_for(step).iter().all(|id| outputs.contains_key(id.as_str())) {
            continue;
        }
        let params = match resolve(&step.params, &|id| outputs.get(id)) {
            Ok(params) => Value::Object(params),
            Err(missing) => return Reply::Text(format!("I cannot go on: no answer says what `{missing}` is.")),
        };
        let known = answered.iter().position(|(name, arguments, _)| *name == step.tool && *arguments == params);
        match known {
            Some(at) => {
                outputs.insert(&step.id, answered.swap_remove(at).2);
            }
            None => calls.push(Call { name: step.tool.clone(), arguments: params.to_string() }),
        }
    }
    if calls.is_empty() { Reply::Text(format!("Done. {}", plan.summary)) } else { Reply::Calls(calls) }
}

/// The steps that come before: those that it names, and those that its parameters refer to.
fn waits_for(step: &Step) -> Vec<String> {
    let mut before = step.after.clone();
    for value in step.params.values() {
        references(value, &mut before);
    }
    before
}

fn references(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::String(text) => found.extend(Reference::parse(text).map(|reference| reference.step.to_owned())),
        Value::Array(items) => items.iter().for_each(|item| references(item, found)),
        Value::Object(fields) => fields.values().for_each(|field| references(field, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// What was called since the user spoke last, with what, and what came of it.
fn answers(chat: &Chat) -> Vec<(&str, Value, Value)> {
    let json = |text: &str| serde_json::from_str(text).unwrap_or_else(|_| Value::String(text.to_owned()));
    let since = chat.messages.iter().rposition(|message| message.role == Role::User).unwrap_or(0);
    let messages = chat.messages.get(since..).unwrap_or_default();
    let calls = messages.iter().flat_map(|message| &message.calls);
    let answer = |id: &String| messages.iter().find(|message| message.answers.as_ref() == Some(id));
    calls.filter_map(|(id, call)| Some((call.name.as_str(), json(&call.arguments), json(&answer(id)?.text)))).collect()
}

/// The time that a system message tells, and how far its clock is from Greenwich, in minutes.
fn told_time(chat: &Chat) -> Option<(Millis, i32)> {
    let told = chat.messages.iter().filter(|message| matches!(message.role, Role::System | Role::Developer));
    let words = told.flat_map(|message| message.text.split_whitespace());
    words.map(|word| word.trim_matches([',', ';', '.', '(', ')', '"'])).find_map(|word| {
        let pieces = Pieces::parse(word).ok()?;
        let offset = pieces.to_numeric_offset().unwrap_or(Offset::UTC);
        let moment = offset.to_timestamp(DateTime::from_parts(pieces.date(), pieces.time()?)).ok()?;
        Some((Millis(u64::try_from(moment.as_millisecond()).ok()?), offset.seconds() / 60))
    })
}
