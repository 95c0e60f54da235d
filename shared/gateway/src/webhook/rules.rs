//! What becomes of a delivery: rules are data, and the first that fits a delivery says it.
//!
//! ```json
//! {"name": "paid", "when": {"type": "payment.succeeded", "body": {"$body.data.currency": "eur"}},
//!  "then": {"event": {"saga": "$body.data.metadata.saga", "name": "payment", "payload": "$body.data"}}}
//! ```
//!
//! `$body.a.0.b` names a part of what was delivered, as `$step.path` does in plans what a step gave. What comes out is an
//! [`Act`], with everything from the body filled in; from there on nobody looks at the rule again. Text from the body
//! stays text: in a plan none of it becomes a reference.

use std::collections::BTreeMap;

use makegood_core::depth::too_deep;
use makegood_core::id::SagaId;
use makegood_core::saga::{Budget, LARGEST_MAIL, LONGEST_NAME, Plan, Priority, RUN_SAGA, RUN_SAGA_FOR_GOOD, Reference};
use makegood_core::time::Millis;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Verified;

/// A part of what was delivered, `$body` or `$body.path`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(try_from = "String")]
pub struct Path(String);

impl TryFrom<String> for Path {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        if Reference::parse(&text).is_some_and(|reference| reference.step == BODY) {
            return Ok(Self(text));
        }
        Err(format!("`{text}` is not `$body` or `$body.path`, with names and positions between points"))
    }
}

const BODY: &str = "body";

impl Path {
    #[must_use]
    pub fn find<'v>(&self, body: &'v Value) -> Option<&'v Value> {
        Reference::parse(&self.0)?.find(body)
    }
}

/// A rule as it is written.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// For people; its place in the list where it has none.
    #[serde(default)]
    pub name: String,
    #[serde(default)]
    when: When,
    then: Then,
}

/// What a delivery must be. Nothing said: any.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct When {
    /// Its kind, or one of several.
    r#type: Option<OneOrMore>,
    /// Parts of its body, and what they must be.
    #[serde(default)]
    body: BTreeMap<Path, Value>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
enum OneOrMore {
    One(String),
    More(Vec<String>),
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Then {
    Event(Bring),
    Start(Start),
}

/// Brings something to a saga of the source's owner: the one named by `saga`, or the one that was started with the
/// `key`, or the one that waits for `name`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Bring {
    saga: Option<Path>,
    key: Option<Path>,
    /// Text, or a part of the body.
    name: String,
    /// All of it if nothing is said.
    payload: Option<Path>,
}

/// Starts a plan as the source's owner. In `params` and `when` of its steps, `$body.path` stands for a part of the body.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Start {
    plan: Value,
    deadline_ms: Option<Millis>,
    budget: Option<Budget>,
    #[serde(default)]
    priority: Priority,
}

/// What is to be done about a delivery, with nothing left to be looked up in it. It is stored: a field is added with a
/// default, and none changes its meaning.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Act {
    Event {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        saga: Option<SagaId>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        key: Option<String>,
        name: String,
        payload: Value,
    },
    Start {
        plan: Value,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        deadline_ms: Option<Millis>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        budget: Option<Budget>,
        #[serde(default, skip_serializing_if = "Priority::is_normal")]
        priority: Priority,
    },
}

/// What the rules say of a delivery.
#[derive(Clone, Debug, PartialEq)]
pub enum Matched {
    /// Nothing: it is kept, and that is all.
    Nothing,
    /// `rule`: its name.
    Act { rule: String, act: Box<Act> },
    /// The rule fits, and the delivery is not what it needs: `why` is for people.
    Broken { rule: String, why: String },
}

impl Rule {
    /// Reads and checks a rule.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn read(value: Value, place: usize) -> Result<Self, String> {
        let mut rule: Self = serde_json::from_value(value).map_err(|error| error.to_string())?;
        if rule.name.is_empty() {
            rule.name = (place + 1).to_string();
        }
        match &rule.then {
            Then::Event(bring) => bring.check()?,
            Then::Start(start) => start.check()?,
        }
        Ok(rule)
    }

    fn fits(&self, delivery: &Verified) -> bool {
        let kind = delivery.kind.as_deref();
        let is_kind = match &self.when.r#type {
            None => true,
            Some(OneOrMore::One(wanted)) => kind == Some(wanted),
            Some(OneOrMore::More(wanted)) => wanted.iter().any(|wanted| kind == Some(wanted)),
        };
        is_kind
            && self.when.body.iter().all(|(path, wanted)| path.find(&delivery.body).unwrap_or(&Value::Null) == wanted)
    }

    fn act(&self, body: &Value) -> Result<Act, String> {
        let act = match &self.then {
            Then::Event(bring) => bring.act(body)?,
            Then::Start(start) => Act::Start {
                plan: shallow(start.filled(body))?,
                deadline_ms: start.deadline_ms,
                budget: start.budget,
                priority: start.priority,
            },
        };
        let written = serde_json::to_string(&act).unwrap_or_default();
        if holds_nul(&written) {
            return Err("the body holds the character U+0000, which cannot be stored".to_owned());
        }
        Ok(act)
    }
}

/// The first rule that fits has the word.
#[must_use]
pub fn decide(rules: &[Rule], delivery: &Verified) -> Matched {
    let Some(rule) = rules.iter().find(|rule| rule.fits(delivery)) else { return Matched::Nothing };
    let name = rule.name.clone();
    match rule.act(&delivery.body) {
        Ok(act) => Matched::Act { rule: name, act: Box::new(act) },
        Err(why) => Matched::Broken { rule: name, why },
    }
}

impl Bring {
    fn check(&self) -> Result<(), String> {
        if self.saga.is_some() && self.key.is_some() {
            return Err("`event` has `saga` or `key`, not both".to_owned());
        }
        if self.name.is_empty() || self.name.chars().count() > LONGEST_NAME {
            return Err(format!("`name` has between 1 and {LONGEST_NAME} characters"));
        }
        match Reference::parse(&self.name) {
            Some(reference) if reference.step != BODY => {
                Err(format!("`{}` names nothing: write `$body.path`", self.name))
            }
            Some(_) | None => Ok(()),
        }
    }

    fn act(&self, body: &Value) -> Result<Act, String> {
        let said = |path: &Path| text_at(path, body);
        let saga = self.saga.as_ref().map(said).transpose()?;
        let saga = saga
            .map(|id| SagaId::try_from(id).map_err(|_| "what stands there is not a saga's id".to_owned()))
            .transpose()?;
        let name = match Path::try_from(self.name.clone()) {
            Ok(path) => text_at(&path, body)?,
            Err(_) => self.name.strip_prefix('$').filter(|rest| rest.starts_with('$')).unwrap_or(&self.name).to_owned(),
        };
        if name.chars().count() > LONGEST_NAME {
            return Err(format!("the event's name has more than {LONGEST_NAME} characters"));
        }
        let payload = match &self.payload {
            Some(path) => path.find(body).cloned().unwrap_or_default(),
            None => body.clone(),
        };
        if payload.to_string().len() > LARGEST_MAIL {
            return Err("what is to be brought has more than 16 KiB: name a part of it as `payload`".to_owned());
        }
        Ok(Act::Event { saga, key: self.key.as_ref().map(said).transpose()?, name, payload: shallow(payload)? })
    }
}

fn shallow(value: Value) -> Result<Value, String> {
    if too_deep(&value) { Err("the body is nested too deep".to_owned()) } else { Ok(value) }
}

/// Text, or a number as text: ids are either.
fn text_at(path: &Path, body: &Value) -> Result<String, String> {
    let found = match path.find(body) {
        Some(Value::String(text)) => Some(text.clone()),
        Some(Value::Number(number)) => Some(number.to_string()),
        Some(Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_)) | None => None,
    };
    found.filter(|text| !text.is_empty()).ok_or_else(|| format!("`{}` names no text in the body", path.0))
}

impl Start {
    fn check(&self) -> Result<(), String> {
        let plan: Plan =
            serde_json::from_value(self.filled(&Value::Null)).map_err(|error| format!("`plan`: {error}"))?;
        if plan.steps.is_empty() {
            return Err("`plan` has no steps".to_owned());
        }
        if plan.steps.iter().any(|step| step.id == BODY) {
            return Err("`plan` has a step `body`, which `$body` would name: call it otherwise".to_owned());
        }
        let steps = self.plan.get("steps").and_then(Value::as_array).into_iter().flatten();
        for step in steps {
            let id = step.get("id").and_then(Value::as_str).unwrap_or_default();
            let tool = step.get("tool").and_then(Value::as_str).unwrap_or_default();
            // What is text here would be read once more there.
            if [RUN_SAGA, RUN_SAGA_FOR_GOOD].contains(&tool) && refers(step) {
                return Err(format!("the step `{id}` runs a saga, in which `$body` cannot be used"));
            }
            let mut rest = step.clone();
            for part in parts(&mut rest) {
                *part = Value::Null;
            }
            if refers(&rest) {
                return Err(format!(
                    "the step `{id}` uses `$body` elsewhere than in `params`, `when`, or `or`'s `params`"
                ));
            }
        }
        Ok(())
    }

    /// The plan, with everything from the body in it.
    fn filled(&self, body: &Value) -> Value {
        let mut plan = self.plan.clone();
        let steps = plan.get_mut("steps").and_then(Value::as_array_mut);
        for step in steps.into_iter().flatten() {
            for part in parts(step) {
                fill(part, body);
            }
        }
        plan
    }
}

/// Where a step of a plan may refer to the body.
fn parts(step: &mut Value) -> Vec<&mut Value> {
    let Some(fields) = step.as_object_mut() else { return Vec::new() };
    let mut parts = Vec::new();
    for (name, value) in fields {
        match name.as_str() {
            "params" | "when" => parts.push(value),
            "or" => {
                let others = value.as_array_mut().into_iter().flatten();
                parts.extend(others.filter_map(|other| other.get_mut("params")));
            }
            _ => {}
        }
    }
    parts
}

fn body_path(text: &str) -> Option<Reference<'_>> {
    Reference::parse(text).filter(|reference| reference.step == BODY)
}

fn refers(value: &Value) -> bool {
    match value {
        // A child's references have a `$` more.
        Value::String(text) => {
            let plain = text.trim_start_matches('$');
            plain.len() < text.len() && (plain == BODY || plain.starts_with("body."))
        }
        Value::Array(items) => items.iter().any(refers),
        Value::Object(fields) => fields.values().any(refers),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

fn fill(value: &mut Value, body: &Value) {
    match value {
        Value::String(text) => {
            if let Some(reference) = body_path(text) {
                let mut found = reference.find(body).cloned().unwrap_or_default();
                make_plain(&mut found);
                *value = found;
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| fill(item, body)),
        Value::Object(fields) => fields.values_mut().for_each(|field| fill(field, body)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Has text stand for itself in a plan: `$` is written `$$` there.
fn make_plain(value: &mut Value) {
    match value {
        Value::String(text) if text.starts_with('$') => text.insert(0, '$'),
        Value::Array(items) => items.iter_mut().for_each(make_plain),
        Value::Object(fields) => fields.values_mut().for_each(make_plain),
        Value::String(_) | Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Whether JSON holds U+0000, which it has as an escape only.
fn holds_nul(json: &str) -> bool {
    let bytes = json.as_bytes();
    let escaped = |at: usize| bytes.iter().take(at).rev().take_while(|byte| **byte == b'\\').count() % 2 == 1;
    bytes.windows(6).enumerate().any(|(at, window)| window == br"\u0000" && !escaped(at))
}

#[cfg(test)]
#[path = "rules_tests.rs"]
mod tests;
