//! What can be wrong with one step of a plan, whatever stands around it: its wait, its policies, its approval, its
//! parameters, and what it refers to.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::approval::Approval;
use super::plan::Step;
use super::reference::{self, Reference};
use super::verify::{LONGEST_NAME, LONGEST_SUMMARY, LONGEST_WAIT};
use super::wait::Wait;
use crate::depth::{DEEPEST, too_deep};
use crate::guard::role::{APPROVERS, RESERVED};
use crate::time::Millis;
use crate::tool::{Class, Definition, Retry};
use crate::violation::{Rule, Violation, short};

const MOST_APPROVERS: usize = 20;
const MOST_ATTEMPTS: u32 = 100;
const MOST_CODES: usize = 20;
const SHORTEST_RETRY: Millis = Millis(10);
const A_DAY: Millis = Millis(24 * 60 * 60 * 1000);

/// A breach of `rule` by a step, of which `message` says how, after its id.
fn breach(step: &Step, rule: Rule, message: impl std::fmt::Display) -> Violation {
    Violation::of(&step.id, rule, format!("Step `{}`{message}", step.id))
}

pub(super) fn tool_of<'a>(step: &Step, tools: &'a BTreeMap<String, Definition>) -> Result<&'a Definition, Violation> {
    tools.get(&step.tool).ok_or_else(|| {
        let name = short(&step.tool);
        breach(step, Rule::Tool, format_args!(" names the tool `{name}`, which is not registered. Take one that is."))
    })
}

/// A wait has no partner, and nothing that belongs to one.
pub(super) fn check_wait(step: &Step, wait: &Wait) -> Result<(), Violation> {
    if !step.tool.is_empty() || !step.params.is_empty() || step.approval.is_some() || step.retry.is_some() {
        let message = " waits: it has no `tool`, `params`, `approval` or `retry`. Put those into a step after it.";
        return Err(breach(step, Rule::Policy, message));
    }
    let span = match wait {
        Wait::ForMs(span) => *span,
        // A time in the past is a wait that is over at once.
        Wait::Until(at) => return if at.0 < u64::MAX >> 12 { Ok(()) } else { Err(too_long(step)) },
        Wait::Event { name, within_ms } => {
            if name.is_empty() || name.chars().count() > LONGEST_NAME {
                let message = " waits for an event without a name, or with a long one.";
                return Err(breach(step, Rule::Policy, message));
            }
            *within_ms
        }
    };
    if span > LONGEST_WAIT { Err(too_long(step)) } else { Ok(()) }
}

fn too_long(step: &Step) -> Violation {
    let days = LONGEST_WAIT.0 / 86_400_000;
    breach(step, Rule::Policy, format_args!(" would wait for more than {days} days, which are the most."))
}

pub(super) fn check_policies(step: &Step) -> Result<(), Violation> {
    let wrong = |message: std::fmt::Arguments| Err(breach(step, Rule::Policy, message));
    let retry = step.retry.as_ref();
    if retry.is_some_and(|retry| retry.attempts == 0 || retry.attempts > MOST_ATTEMPTS) {
        return wrong(format_args!(": `retry.attempts` is between 1 and {MOST_ATTEMPTS}."));
    }
    let slow =
        |retry: &Retry| retry.base_ms >= SHORTEST_RETRY && retry.base_ms <= retry.cap_ms && retry.cap_ms <= A_DAY;
    if retry.is_some_and(|retry| !slow(retry)) {
        return wrong(format_args!(
            ": `retry` waits between {} ms and a day, and `cap_ms` is not below `base_ms`.",
            SHORTEST_RETRY.0
        ));
    }
    let fits = |code: &String| !code.is_empty() && code.chars().count() <= LONGEST_NAME;
    if retry.is_some_and(|retry| retry.never.len() > MOST_CODES || !retry.never.iter().all(fits)) {
        return wrong(format_args!(
            ": `retry.never` names {MOST_CODES} codes at most, of {LONGEST_NAME} characters each."
        ));
    }
    if referring(step).any(too_deep) {
        return wrong(format_args!(": its values are nested more than {DEEPEST} deep."));
    }
    step.approval.as_ref().map_or(Ok(()), |approval| check_approval(step, approval))
}

fn check_approval(step: &Step, approval: &Approval) -> Result<(), Violation> {
    let wrong = |message: std::fmt::Arguments| Err(breach(step, Rule::Approval, message));
    if approval.within_ms > LONGEST_WAIT {
        return Err(too_long(step));
    }
    let mut by: Vec<&str> = approval.by.iter().map(String::as_str).collect();
    by.sort_unstable();
    by.dedup();
    if by.iter().any(|name| name.is_empty() || name.chars().count() > LONGEST_NAME) {
        return wrong(format_args!(": its approval names somebody with no name, or a long one."));
    }
    if by.iter().any(|name| name.starts_with(RESERVED) && *name != APPROVERS) {
        return wrong(format_args!(": of roles its approval can name `{APPROVERS}` only."));
    }
    // How many have a role is not known here.
    let most = if by.contains(&APPROVERS) { MOST_APPROVERS } else { by.len() };
    let named = u32::try_from(most).unwrap_or(u32::MAX).max(1);
    if by.len() != approval.by.len() || by.len() > MOST_APPROVERS || approval.quorum == 0 || approval.quorum > named {
        return wrong(format_args!(
            ": its approval names each of {MOST_APPROVERS} people at most once, and its quorum is between 1 and their number."
        ));
    }
    let mut elsewhere = None;
    for side in approval.when.iter().flat_map(|when| [&when.left, &when.right]) {
        reference::each(side, &mut |reference| {
            if reference.step != Approval::PARAMS {
                elsewhere.get_or_insert_with(|| short(reference.step));
            }
        });
    }
    if let Some(other) = elsewhere {
        return wrong(format_args!(
            ": the condition of its approval refers to `${other}`; it can refer to `$params` only."
        ));
    }
    if approval.question.chars().count() > LONGEST_SUMMARY {
        return wrong(format_args!(": the question has more than {LONGEST_SUMMARY} characters."));
    }
    Ok(())
}

/// Who must agree to a step. What its tool demands cannot be softened by a plan.
pub(super) fn approval_of(step: &Step, tools: &BTreeMap<String, Definition>) -> Option<Approval> {
    tools.get(&step.tool).and_then(|tool| tool.approval.clone()).or_else(|| step.approval.clone())
}

/// People are asked before the point of no return, or about it: after it a "no" could not be heeded.
pub(super) fn check_approvals(
    step: &Step,
    class: Class,
    tools: &BTreeMap<String, Definition>,
) -> Result<(), Violation> {
    let demanded = tools.get(&step.tool).and_then(|tool| tool.approval.as_ref());
    if demanded.is_some() && step.approval.is_some() && step.approval.as_ref() != demanded {
        let message = " has an approval, and its tool demands another. Take the step's away.";
        return Err(breach(step, Rule::Approval, message));
    }
    demanded.map_or(Ok(()), |approval| check_approval(step, approval))?;
    if !matches!(class, Class::Compensatable | Class::Pivot) && approval_of(step, tools).is_some() {
        let message = " needs an approval, and changes nothing or stands after the point of no return. Put the \
                       approval on a step that can be undone, or on the point of no return.";
        return Err(breach(step, Rule::Approval, message));
    }
    Ok(())
}

/// All that its schema says of a step's parameters; what comes by reference is checked when its value is there.
pub(super) fn check_params(step: &Step, tool: &Definition) -> Vec<Violation> {
    let violations = tool.input.check(&Value::Object(step.params.clone()));
    if violations.is_empty() {
        return Vec::new();
    }
    let later = references_at(&step.params);
    let now = violations.into_iter().filter(|violation| !later.contains(&violation.path));
    now.map(|violation| {
        let path: Option<String> = (!violation.path.is_empty()).then(|| violation.path.chars().take(200).collect());
        let place = path.as_deref().unwrap_or("its parameters");
        let message = format!(" ({}): {place}: {}", step.tool, violation.message);
        Violation { path, ..breach(step, Rule::Parameters, message) }
    })
    .collect()
}

/// JSON pointers of all references inside a step's parameters.
fn references_at(params: &Map<String, Value>) -> Vec<String> {
    let mut found = Vec::new();
    params.iter().for_each(|(name, value)| pointers(value, &format!("/{name}"), &mut found));
    found
}

/// JSON pointers of all references inside `value`.
fn pointers(value: &Value, at: &str, found: &mut Vec<String>) {
    match value {
        Value::String(text) if Reference::parse(text).is_some() => found.push(at.to_owned()),
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(place, item)| pointers(item, &format!("{at}/{place}"), found));
        }
        Value::Object(fields) => {
            fields.iter().for_each(|(name, field)| pointers(field, &format!("{at}/{name}"), found))
        }
        Value::String(_) | Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// All values of a step that may refer to others.
fn referring(step: &Step) -> impl Iterator<Item = &Value> {
    let when = step.when.iter().flat_map(|when| [&when.left, &when.right]);
    step.params.values().chain(when)
}

/// Calls `found` with every reference that a step makes.
pub(super) fn references<'a>(step: &'a Step, found: &mut impl FnMut(Reference<'a>)) {
    referring(step).for_each(|value| reference::each(value, found));
    let list = step.part.item.as_ref().and_then(|item| Reference::parse(&item.list));
    list.into_iter().for_each(found);
}
