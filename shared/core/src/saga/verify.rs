//! From a plan to frozen nodes: everything that can be known to be wrong is refused before anything
//! runs.
//!
//! Checked: ids, tools, parameters against the tool's schema, references against the producer's
//! output schema, conditions, approvals, waits, cycles, limits, and the pivot rule: at most one point of no return, everything
//! that can be undone before it, everything that cannot after it.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use serde_json::{Map, Value};

use super::approval::Approval;
use super::child::{self, Child};
use super::expand::{Gathered, expand};
use super::node::{Crowd, Gather, Node};
use super::plan::{Plan, Step};
use super::reference::{self, Reference};
use super::wait::Wait;
use crate::depth::{DEEPEST, too_deep};
use crate::error::{Code, Error};
use crate::guard::role::{APPROVERS, RESERVED};
use crate::time::Millis;
use crate::tool::{Class, Definition, Retry};

/// What a plan may cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    pub steps: usize,
    /// The parameters of all steps, as JSON text.
    pub bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { steps: 1_000, bytes: 256 * 1024 }
    }
}

/// A summary is one sentence; the longest that our own planner makes is far shorter.
const LONGEST_SUMMARY: usize = 4_000;
/// The longest that a step or a saga may be told to wait.
pub const LONGEST_WAIT: Millis = Millis(400 * 24 * 60 * 60 * 1000);
/// Characters of the name of a person or an event.
pub const LONGEST_NAME: usize = 200;
const MOST_APPROVERS: usize = 20;
const MOST_ATTEMPTS: u32 = 100;
const MOST_CODES: usize = 20;
const SHORTEST_RETRY: Millis = Millis(10);
/// Plans inside of plans.
const MOST_LEVELS: usize = 4;
const A_DAY: Millis = Millis(24 * 60 * 60 * 1000);
/// What a waiting node has for a tool's name: no tool can be called so.
const WAIT: &str = "(wait)";
/// What a gathering node has.
const GATHER: &str = "(gather)";

/// Verifies a plan and freezes it into nodes in topological order, breadth first, so that what can
/// run early has a low number.
///
/// # Errors
/// The first fault found, with the step's id: [`Code::InvalidPlan`], [`Code::UnknownTool`],
/// [`Code::InvalidParameters`] or [`Code::PlanTooLarge`].
pub fn freeze(plan: &Plan, tools: &BTreeMap<String, Definition>, limits: Limits) -> Result<Vec<Node>, Error> {
    freeze_within(plan, tools, limits, &mut Room { steps: limits.steps, levels: MOST_LEVELS })
}

/// What is left for a plan and for those that its steps run, all of them together.
pub(super) struct Room {
    pub steps: usize,
    pub levels: usize,
}

pub(super) fn freeze_within(
    plan: &Plan,
    tools: &BTreeMap<String, Definition>,
    limits: Limits,
    room: &mut Room,
) -> Result<Vec<Node>, Error> {
    check_size(plan, limits)?;
    check_ids(plan)?;
    let plan = &expand(plan, limits.steps)?;
    check_size(plan, limits)?;
    let Some(left) = room.steps.checked_sub(plan.steps.len()) else {
        let message =
            format!("With the plans that its steps run, the plan has more than {} steps. Split it.", limits.steps);
        return Err(Error::new(Code::PlanTooLarge, message));
    };
    room.steps = left;
    let places: BTreeMap<&str, usize> =
        plan.steps.iter().enumerate().map(|(at, step)| (step.id.as_str(), at)).collect();
    let mut edges = Vec::with_capacity(plan.steps.len());
    for step in &plan.steps {
        match &step.wait {
            Some(wait) => check_wait(step, wait)?,
            None if step.part.gather.is_some() => {}
            None => {
                check_params(step, tool_of(step, tools)?)?;
                if Child::is_one(&step.tool) {
                    child::check(step, tools, limits, room)?;
                }
            }
        }
        check_policies(step)?;
        check_alternatives(step, plan, &places, tools)?;
        edges.push(dependencies(step, plan, &places, tools)?);
    }
    let order = order(plan, &edges).ok_or_else(|| invalid("The steps wait for each other in a circle."))?;
    let classes = pivot_rule(plan, tools, &order, &mut edges)?;
    check_approvals(plan, tools, &classes)?;
    let order = order_after_pivot(plan, &edges)?;
    Ok(number(plan, tools, &edges, &classes, &order))
}

fn invalid(message: impl Into<String>) -> Error {
    Error::new(Code::InvalidPlan, message)
}

fn check_size(plan: &Plan, limits: Limits) -> Result<(), Error> {
    if plan.steps.is_empty() {
        return Err(invalid("The plan has no steps."));
    }
    if plan.steps.len() > limits.steps {
        let message = format!("The plan has {} steps; {} are allowed. Split it.", plan.steps.len(), limits.steps);
        return Err(Error::new(Code::PlanTooLarge, message));
    }
    if plan.summary.chars().count() > LONGEST_SUMMARY {
        return Err(Error::new(Code::PlanTooLarge, format!("The summary has more than {LONGEST_SUMMARY} characters.")));
    }
    let bytes: usize =
        plan.steps.iter().map(|step| serde_json::to_string(&step.params).map_or(0, |text| text.len())).sum();
    if bytes > limits.bytes {
        let message = format!("The parameters take {bytes} bytes; {} are allowed.", limits.bytes);
        return Err(Error::new(Code::PlanTooLarge, message));
    }
    Ok(())
}

fn check_ids(plan: &Plan) -> Result<(), Error> {
    let mut known = BTreeSet::new();
    for step in &plan.steps {
        let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
        let starts = step.id.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
        if !starts || step.id.len() > 64 || !step.id.chars().all(fits) {
            let id: String = step.id.chars().take(80).collect();
            return Err(invalid(format!(
                "The step id `{id}` is not one: a letter first, then letters, digits, `_` or `-`, 64 at most."
            )));
        }
        if !known.insert(step.id.as_str()) {
            return Err(invalid(format!("Two steps have the id `{}`.", step.id)));
        }
    }
    Ok(())
}

/// What stands in for a step is of its kind: else it would be elsewhere in the plan.
fn check_alternatives(
    step: &Step,
    plan: &Plan,
    places: &BTreeMap<&str, usize>,
    tools: &BTreeMap<String, Definition>,
) -> Result<(), Error> {
    if step.escalate && tool_of(step, tools)?.class == Class::Pivot {
        return Err(invalid(format!("Step `{}` is a point of no return, which is never escalated.", step.id)));
    }
    let Some(first) = step.part.instead_of.first().and_then(|id| plan.steps.get(*places.get(id.as_str())?)) else {
        return Ok(());
    };
    let (class, wanted) = (tool_of(step, tools)?.class, tool_of(first, tools)?.class);
    if class != wanted || class == Class::Pivot {
        return Err(invalid(format!(
            "Step `{}` would stand in for `{}`: their tools must be of the same class, and no point of no return.",
            step.id, first.id
        )));
    }
    Ok(())
}

fn tool_of<'a>(step: &Step, tools: &'a BTreeMap<String, Definition>) -> Result<&'a Definition, Error> {
    tools.get(&step.tool).ok_or_else(|| {
        let name: String = step.tool.chars().take(80).collect();
        Error::new(Code::UnknownTool, format!("Step `{}` names the tool `{name}`, which is not registered.", step.id))
    })
}

/// A wait has no partner, and nothing that belongs to one.
fn check_wait(step: &Step, wait: &Wait) -> Result<(), Error> {
    if !step.tool.is_empty() || !step.params.is_empty() || step.approval.is_some() || step.retry.is_some() {
        return Err(invalid(format!(
            "Step `{}` waits: it has no `tool`, `params`, `approval` or `retry`. Put those into a step after it.",
            step.id
        )));
    }
    let span = match wait {
        Wait::ForMs(span) => *span,
        // A time in the past is a wait that is over at once.
        Wait::Until(at) => return if at.0 < u64::MAX >> 12 { Ok(()) } else { Err(too_long(step)) },
        Wait::Event { name, within_ms } => {
            if name.is_empty() || name.chars().count() > LONGEST_NAME {
                let message = format!("Step `{}` waits for an event without a name, or with a long one.", step.id);
                return Err(invalid(message));
            }
            *within_ms
        }
    };
    if span > LONGEST_WAIT { Err(too_long(step)) } else { Ok(()) }
}

fn too_long(step: &Step) -> Error {
    let days = LONGEST_WAIT.0 / 86_400_000;
    invalid(format!("Step `{}` would wait for more than {days} days, which are the most.", step.id))
}

fn check_policies(step: &Step) -> Result<(), Error> {
    let retry = step.retry.as_ref();
    if retry.is_some_and(|retry| retry.attempts == 0 || retry.attempts > MOST_ATTEMPTS) {
        return Err(invalid(format!("Step `{}`: `retry.attempts` is between 1 and {MOST_ATTEMPTS}.", step.id)));
    }
    let slow =
        |retry: &Retry| retry.base_ms >= SHORTEST_RETRY && retry.base_ms <= retry.cap_ms && retry.cap_ms <= A_DAY;
    if retry.is_some_and(|retry| !slow(retry)) {
        return Err(invalid(format!(
            "Step `{}`: `retry` waits between {} ms and a day, and `cap_ms` is not below `base_ms`.",
            step.id, SHORTEST_RETRY.0
        )));
    }
    let fits = |code: &String| !code.is_empty() && code.chars().count() <= LONGEST_NAME;
    if retry.is_some_and(|retry| retry.never.len() > MOST_CODES || !retry.never.iter().all(fits)) {
        return Err(invalid(format!(
            "Step `{}`: `retry.never` names {MOST_CODES} codes at most, of {LONGEST_NAME} characters each.",
            step.id
        )));
    }
    if referring(step).any(too_deep) {
        return Err(invalid(format!("Step `{}`: its values are nested more than {DEEPEST} deep.", step.id)));
    }
    step.approval.as_ref().map_or(Ok(()), |approval| check_approval(step, approval))
}

fn check_approval(step: &Step, approval: &Approval) -> Result<(), Error> {
    if approval.within_ms > LONGEST_WAIT {
        return Err(too_long(step));
    }
    let mut by: Vec<&str> = approval.by.iter().map(String::as_str).collect();
    by.sort_unstable();
    by.dedup();
    if by.iter().any(|name| name.is_empty() || name.chars().count() > LONGEST_NAME) {
        return Err(invalid(format!("Step `{}`: its approval names somebody with no name, or a long one.", step.id)));
    }
    if by.iter().any(|name| name.starts_with(RESERVED) && *name != APPROVERS) {
        return Err(invalid(format!("Step `{}`: of roles its approval can name `{APPROVERS}` only.", step.id)));
    }
    // How many have a role is not known here.
    let most = if by.contains(&APPROVERS) { MOST_APPROVERS } else { by.len() };
    let named = u32::try_from(most).unwrap_or(u32::MAX).max(1);
    if by.len() != approval.by.len() || by.len() > MOST_APPROVERS || approval.quorum == 0 || approval.quorum > named {
        return Err(invalid(format!(
            "Step `{}`: its approval names each of {MOST_APPROVERS} people at most once, and its quorum is between 1 and their number.",
            step.id
        )));
    }
    let mut elsewhere = None;
    for side in approval.when.iter().flat_map(|when| [&when.left, &when.right]) {
        reference::each(side, &mut |reference| {
            if reference.step != Approval::PARAMS {
                elsewhere.get_or_insert_with(|| reference.step.to_owned());
            }
        });
    }
    if let Some(other) = elsewhere {
        return Err(invalid(format!(
            "Step `{}`: the condition of its approval refers to `${other}`; it can refer to `$params` only.",
            step.id
        )));
    }
    if approval.question.chars().count() > LONGEST_SUMMARY {
        return Err(invalid(format!("Step `{}`: the question has more than {LONGEST_SUMMARY} characters.", step.id)));
    }
    Ok(())
}

/// Who must agree to a step. What its tool demands cannot be softened by a plan.
fn approval_of(step: &Step, tools: &BTreeMap<String, Definition>) -> Option<Approval> {
    tools.get(&step.tool).and_then(|tool| tool.approval.clone()).or_else(|| step.approval.clone())
}

/// People are asked before the point of no return, or about it: after it a "no" could not be heeded.
fn check_approvals(plan: &Plan, tools: &BTreeMap<String, Definition>, classes: &[Class]) -> Result<(), Error> {
    for step in &plan.steps {
        let demanded = tools.get(&step.tool).and_then(|tool| tool.approval.as_ref());
        if demanded.is_some() && step.approval.is_some() {
            let message = "has an approval, and its tool demands one of its own. Take the step's away.";
            return Err(invalid(format!("Step `{}` {message}", step.id)));
        }
        demanded.map_or(Ok(()), |approval| check_approval(step, approval))?;
    }
    let late = plan.steps.iter().zip(classes).find(|(step, class)| {
        !matches!(class, Class::Compensatable | Class::Pivot) && approval_of(step, tools).is_some()
    });
    late.map_or(Ok(()), |(step, _)| {
        Err(invalid(format!(
            "Step `{}` needs an approval, and changes nothing or stands after the point of no return. Put the approval on a step that can be undone, or on the point of no return.",
            step.id
        )))
    })
}

/// Checks what is known at plan time; a reference is checked when its value is there.
fn check_params(step: &Step, tool: &Definition) -> Result<(), Error> {
    let violations = tool.input.check(&Value::Object(step.params.clone()));
    if violations.is_empty() {
        return Ok(());
    }
    let later = references_at(&step.params);
    let found = violations.iter().find(|violation| !later.contains(&violation.path));
    found.map_or(Ok(()), |violation| {
        let place = if violation.path.is_empty() { "its parameters" } else { violation.path.as_str() };
        let message = format!("Step `{}` ({}): {place}: {}", step.id, step.tool, violation.message);
        Err(Error::new(Code::InvalidParameters, message))
    })
}

/// JSON pointers of all references inside a step's parameters.
pub(crate) fn references_at(params: &Map<String, Value>) -> Vec<String> {
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
fn references<'a>(step: &'a Step, found: &mut impl FnMut(Reference<'a>)) {
    referring(step).for_each(|value| reference::each(value, found));
    let list = step.part.item.as_ref().and_then(|item| Reference::parse(&item.list));
    list.into_iter().for_each(found);
}

/// Whether the step at `place` gives what `path` names. What waits or a person gives is not known.
fn gives(
    place: usize,
    path: &[&str],
    plan: &Plan,
    places: &BTreeMap<&str, usize>,
    tools: &BTreeMap<String, Definition>,
) -> bool {
    let Some(step) = plan.steps.get(place) else { return false };
    let Some((gathered, members)) = &step.part.gather else {
        return tools.get(&step.tool).is_none_or(|tool| tool.output.field(path).is_some());
    };
    let gives_so = |id: &String, path: &[&str]| {
        places.get(id.as_str()).is_some_and(|place| gives(*place, path, plan, places, tools))
    };
    match (gathered, path) {
        (Gathered::First, _) => members.iter().all(|id| gives_so(id, path)),
        (Gathered::All, []) => true,
        (Gathered::All, [at, rest @ ..]) => {
            at.parse::<usize>().ok().and_then(|at| members.get(at)).is_some_and(|id| gives_so(id, rest))
        }
    }
}

fn dependencies(
    step: &Step,
    plan: &Plan,
    places: &BTreeMap<&str, usize>,
    tools: &BTreeMap<String, Definition>,
) -> Result<Vec<usize>, Error> {
    let mut deps = Vec::new();
    for id in &step.after {
        deps.push(*places.get(id.as_str()).ok_or_else(|| {
            let name: String = id.chars().take(80).collect();
            invalid(format!("Step `{}` waits for `{name}`, which is no step.", step.id))
        })?);
    }
    let mut fault = None;
    references(step, &mut |reference| match places.get(reference.step) {
        None => {
            fault.get_or_insert(format!(
                "Step `{}` refers to `${}`, which is no step. For a plain `$` write `$$`.",
                step.id, reference.step
            ));
        }
        Some(place) => {
            deps.push(*place);
            let path: Vec<&str> = reference.path().collect();
            if !gives(*place, &path, plan, places, tools) {
                fault.get_or_insert(format!(
                    "Step `{}` refers to `{}` of `{}`, whose tool gives no such field.",
                    step.id,
                    path.join("."),
                    reference.step
                ));
            }
        }
    });
    if let Some(fault) = fault {
        return Err(invalid(fault));
    }
    deps.sort_unstable();
    deps.dedup();
    Ok(deps)
}

/// Kahn's algorithm, first come first served; `None` where there is a cycle.
fn order(plan: &Plan, edges: &[Vec<usize>]) -> Option<Vec<usize>> {
    let mut missing: Vec<usize> = edges.iter().map(Vec::len).collect();
    let mut dependants = vec![Vec::new(); plan.steps.len()];
    for (place, deps) in edges.iter().enumerate() {
        for dep in deps {
            dependants.get_mut(*dep)?.push(place);
        }
    }
    let mut ready: VecDeque<usize> = (0..plan.steps.len()).filter(|place| missing.get(*place) == Some(&0)).collect();
    let mut order = Vec::with_capacity(plan.steps.len());
    while let Some(place) = ready.pop_front() {
        order.push(place);
        for dependant in dependants.get(place)? {
            let left = missing.get_mut(*dependant)?;
            *left -= 1;
            if *left == 0 {
                ready.push_back(*dependant);
            }
        }
    }
    (order.len() == plan.steps.len()).then_some(order)
}

/// Finds the point of no return, puts everything that can be undone before it and everything that
/// cannot after it.
fn pivot_rule(
    plan: &Plan,
    tools: &BTreeMap<String, Definition>,
    order: &[usize],
    edges: &mut [Vec<usize>],
) -> Result<Vec<Class>, Error> {
    let mut classes = Vec::with_capacity(plan.steps.len());
    for step in &plan.steps {
        let partner = step.wait.is_none() && step.part.gather.is_none();
        classes.push(if partner { tool_of(step, tools)?.class } else { Class::Query });
    }
    let class = |place: usize| classes.get(place).copied().unwrap_or(Class::Query);
    let first = |wanted: Class| order.iter().copied().find(|place| class(*place) == wanted);
    // What cannot be undone has a point of no return even where no tool says so. It is not one for which
    // another may stand in: refused, it would leave the others without any.
    let sure = |place: &usize| {
        let part = plan.steps.get(*place).map(|step| &step.part);
        class(*place) == Class::Retriable && part.is_some_and(|part| !part.replaceable && part.instead_of.is_empty())
    };
    let Some(pivot) = first(Class::Pivot).or_else(|| order.iter().copied().find(sure)) else {
        let unsure = first(Class::Retriable).and_then(|place| plan.steps.get(place));
        return unsure.map_or(Ok(classes), |step| {
            Err(invalid(format!(
                "Step `{}` cannot be undone, has alternatives, and no step before it is the point of no return. \
                 Take its alternatives away, or put a step without any before it.",
                step.id
            )))
        });
    };
    let undoable: Vec<usize> = (0..classes.len()).filter(|place| class(*place) == Class::Compensatable).collect();
    for place in 0..classes.len() {
        let after_pivot = place != pivot && matches!(class(place), Class::Pivot | Class::Retriable);
        let Some(deps) = edges.get_mut(place) else { continue };
        if place == pivot {
            deps.extend(&undoable);
        } else if after_pivot {
            deps.push(pivot);
        }
        deps.sort_unstable();
        deps.dedup();
    }
    for (place, class) in classes.iter_mut().enumerate() {
        if place == pivot {
            *class = Class::Pivot;
        } else if *class == Class::Pivot {
            *class = Class::Retriable;
        }
    }
    Ok(classes)
}

fn order_after_pivot(plan: &Plan, edges: &[Vec<usize>]) -> Result<Vec<usize>, Error> {
    order(plan, edges).ok_or_else(|| {
        invalid(
            "A step that cannot be undone stands before one that may still be refused. \
             Put what can be undone first, and messages and captures last.",
        )
    })
}

fn number(
    plan: &Plan,
    tools: &BTreeMap<String, Definition>,
    edges: &[Vec<usize>],
    classes: &[Class],
    order: &[usize],
) -> Vec<Node> {
    let mut numbers = vec![0_u32; order.len()];
    for (ix, place) in (0_u32..).zip(order) {
        if let Some(number) = numbers.get_mut(*place) {
            *number = ix;
        }
    }
    let number_of = |place: usize| numbers.get(place).copied().unwrap_or_default();
    let mut referred_to = BTreeSet::new();
    for step in &plan.steps {
        references(step, &mut |reference| {
            referred_to.insert(reference.step);
        });
    }
    let by_id: BTreeMap<&str, u32> =
        plan.steps.iter().enumerate().map(|(place, step)| (step.id.as_str(), number_of(place))).collect();
    let frozen = order.iter().filter_map(|place| {
        let (step, deps) = (plan.steps.get(*place)?, edges.get(*place)?);
        let mut deps: Vec<u32> = deps.iter().map(|dep| number_of(*dep)).collect();
        deps.sort_unstable();
        let mut refs = BTreeMap::new();
        references(step, &mut |reference| {
            if let Some(ix) = by_id.get(reference.step) {
                refs.insert(reference.step.to_owned(), *ix);
            }
        });
        let ixs = |ids: &[String]| ids.iter().filter_map(|id| by_id.get(id.as_str()).copied()).collect::<Vec<u32>>();
        let mut outputs_of = step.part.instead_of.clone();
        let gather = step.part.gather.as_ref().map(|(gathered, members)| match gathered {
            Gathered::First => {
                outputs_of.extend_from_slice(members);
                Gather::First(ixs(members))
            }
            Gathered::All => {
                // What nobody asks for is not gathered.
                let wanted: &[String] = if referred_to.contains(step.id.as_str()) { members } else { &[] };
                outputs_of.extend_from_slice(wanted);
                Gather::All(ixs(wanted))
            }
        });
        for id in outputs_of {
            if let Some(ix) = by_id.get(id.as_str()) {
                refs.insert(id, *ix);
            }
        }
        let partner = step.wait.is_none() && gather.is_none();
        Some(Node {
            ix: number_of(*place),
            epoch: 0,
            id: step.id.clone(),
            tool: match (&step.wait, &gather) {
                (Some(_), _) => WAIT.to_owned(),
                (None, Some(_)) => GATHER.to_owned(),
                (None, None) => step.tool.clone(),
            },
            version: if partner { tools.get(&step.tool)?.version.clone() } else { String::new() },
            class: *classes.get(*place)?,
            params: step.params.clone(),
            deps,
            refs,
            wait: step.wait.clone(),
            when: step.when.clone(),
            approval: approval_of(step, tools),
            retry: step.retry.clone(),
            item: step.part.item.clone(),
            crowd: step.part.crowd.map(|(of, concurrency)| Crowd { of, concurrency }),
            gather,
            instead_of: ixs(&step.part.instead_of),
            replaceable: step.part.replaceable,
            escalate: step.escalate,
        })
    });
    frozen.collect()
}
