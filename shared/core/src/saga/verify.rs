//! From a plan to frozen nodes: everything that can be known to be wrong is refused before anything
//! runs.
//!
//! Checked: ids, tools, parameters against the tool's schema, references against the producer's
//! output schema, conditions, approvals, waits, cycles, limits, the tools' own rules, and the pivot rule: at most one
//! point of no return, everything that can be undone before it, everything that cannot after it.
//!
//! All that is wrong is said at once, each with its step and its rule, as far as one fault does not hide the next: the
//! order of steps is looked at when each of them is right.

use std::collections::{BTreeMap, VecDeque};

use super::checks::{approval_of, check_approvals, check_params, check_policies, check_wait, references, tool_of};
use super::child::{self, Child};
use super::expand::{Gathered, expand};
use super::node::{Crowd, Gather, Node};
use super::plan::{Plan, Step};
use super::sequence;
use crate::error::Error;
use crate::ordered::{FlatMap, FlatSet};
use crate::time::Millis;
use crate::tool::{Class, Definition};
use crate::violation::{MOST_VIOLATIONS, Rule, Violation, short};

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
pub(super) const LONGEST_SUMMARY: usize = 4_000;
/// The longest that a step or a saga may be told to wait.
pub const LONGEST_WAIT: Millis = Millis(400 * 24 * 60 * 60 * 1000);
/// Characters of the name of a person or an event.
pub const LONGEST_NAME: usize = 200;
/// Plans inside of plans.
const MOST_LEVELS: usize = 4;
/// What a waiting node has for a tool's name: no tool can be called so.
const WAIT: &str = "(wait)";
/// What a gathering node has.
const GATHER: &str = "(gather)";

/// Verifies a plan and freezes it into nodes in topological order, breadth first, so that what can
/// run early has a low number.
///
/// # Errors
/// All that is wrong, up to [`MOST_VIOLATIONS`], as [`Error::violations`]; the code is that of the first:
/// `invalid_plan`, `unknown_tool`, `invalid_parameters` or `plan_too_large`.
pub fn freeze(plan: &Plan, tools: &BTreeMap<String, Definition>, limits: Limits) -> Result<Vec<Node>, Error> {
    freeze_within(plan, tools, limits, &mut Room { steps: limits.steps, levels: MOST_LEVELS })
}

/// What is left for a plan and for those that its steps run, all of them together.
pub(super) struct Room {
    pub steps: usize,
    pub levels: usize,
}

/// What was found so far.
#[derive(Default)]
pub(super) struct Faults(Vec<Violation>);

impl Faults {
    pub fn note(&mut self, outcome: Result<(), Violation>) {
        self.extend(outcome.err());
    }

    pub fn extend(&mut self, found: impl IntoIterator<Item = Violation>) {
        let room = MOST_VIOLATIONS.saturating_sub(self.0.len());
        self.0.extend(found.into_iter().take(room));
    }

    /// Whether there is no sense in looking further. What is too large is not gone through to its end.
    pub fn enough(&self) -> bool {
        self.0.len() >= MOST_VIOLATIONS || self.0.iter().any(|fault| fault.rule == Rule::Steps)
    }

    pub fn none(&mut self) -> Result<(), Error> {
        Error::broken(std::mem::take(&mut self.0)).map_or(Ok(()), Err)
    }
}

pub(super) fn freeze_within(
    plan: &Plan,
    tools: &BTreeMap<String, Definition>,
    limits: Limits,
    room: &mut Room,
) -> Result<Vec<Node>, Error> {
    check_size(plan, limits)?;
    check_ids(plan)?;
    let mut faults = Faults::default();
    let plan = &expand(plan, limits.steps, &mut faults);
    faults.none()?;
    check_size(plan, limits)?;
    let Some(left) = room.steps.checked_sub(plan.steps.len()) else {
        let message =
            format!("With the plans that its steps run, the plan has more than {} steps. Split it.", limits.steps);
        return Err(Violation::whole(Rule::Steps, message).into());
    };
    room.steps = left;
    let places: FlatMap<&str, usize> = plan.steps.iter().enumerate().map(|(at, step)| (step.id.as_str(), at)).collect();
    let mut edges = Vec::with_capacity(plan.steps.len());
    for step in &plan.steps {
        match &step.wait {
            Some(wait) => faults.note(check_wait(step, wait)),
            None if step.part.gather.is_some() => {}
            None => match tool_of(step, tools) {
                Ok(tool) => {
                    faults.extend(check_params(step, tool));
                    if Child::is_one(&step.tool) {
                        faults.extend(child::check(step, tools, limits, room));
                    }
                }
                Err(fault) => faults.extend([fault]),
            },
        }
        faults.note(check_policies(step));
        faults.note(check_alternatives(step, plan, &places, tools));
        edges.push(dependencies(step, plan, &places, tools, &mut faults));
        if faults.enough() {
            break;
        }
    }
    faults.none()?;
    let order = in_order(&edges);
    if order.len() < edges.len() {
        faults.extend(circles(plan, &edges, &order));
        faults.none()?;
    }
    let (classes, pivot) = pivot_rule(plan, tools, &order)?;
    for (step, class) in plan.steps.iter().zip(&classes) {
        faults.note(check_approvals(step, *class, tools));
    }
    class_order(plan, &order, &edges, &classes, &mut faults);
    faults.none()?;
    if let Some(pivot) = pivot {
        around(pivot, &classes, &mut edges);
    }
    sequence::keep(plan, tools, &mut edges, &mut faults);
    faults.none()?;
    let order = in_order(&edges);
    Ok(number(plan, tools, &edges, &classes, &order))
}

fn check_size(plan: &Plan, limits: Limits) -> Result<(), Violation> {
    if plan.steps.is_empty() {
        return Err(Violation::whole(Rule::Plan, "The plan has no steps."));
    }
    let too_large = |message: String| Err(Violation::whole(Rule::Steps, message));
    if plan.steps.len() > limits.steps {
        return too_large(format!("The plan has {} steps; {} are allowed. Split it.", plan.steps.len(), limits.steps));
    }
    if plan.summary.chars().count() > LONGEST_SUMMARY {
        return too_large(format!("The summary has more than {LONGEST_SUMMARY} characters."));
    }
    let bytes: usize =
        plan.steps.iter().map(|step| serde_json::to_string(&step.params).map_or(0, |text| text.len())).sum();
    if bytes > limits.bytes {
        return too_large(format!("The parameters take {bytes} bytes; {} are allowed.", limits.bytes));
    }
    Ok(())
}

fn check_ids(plan: &Plan) -> Result<(), Error> {
    let mut faults = Faults::default();
    let mut known = FlatSet::new();
    for (place, step) in plan.steps.iter().enumerate() {
        let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
        let starts = step.id.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
        if !starts || step.id.len() > 64 || !step.id.chars().all(fits) {
            let message = format!(
                "The step id `{}` is not one: a letter first, then letters, digits, `_` or `-`, 64 at most.",
                short(&step.id)
            );
            let named = if step.id.is_empty() { format!("#{place}") } else { step.id.clone() };
            faults.extend([Violation::of(&named, Rule::Id, message)]);
        } else if !known.insert(step.id.as_str()) {
            let message = format!("Two steps have the id `{}`.", step.id);
            faults.extend([Violation::of(&step.id, Rule::Id, message)]);
        }
    }
    faults.none()
}

/// What stands in for a step is of its kind: else it would be elsewhere in the plan.
fn check_alternatives(
    step: &Step,
    plan: &Plan,
    places: &FlatMap<&str, usize>,
    tools: &BTreeMap<String, Definition>,
) -> Result<(), Violation> {
    // That it is not registered is said already.
    let Some(tool) = tools.get(&step.tool) else { return Ok(()) };
    if step.escalate && tool.class == Class::Pivot {
        let message = format!("Step `{}` is a point of no return, which is never escalated.", step.id);
        return Err(Violation::of(&step.id, Rule::Policy, message));
    }
    let Some(first) = step.part.instead_of.first().and_then(|id| plan.steps.get(*places.get(id.as_str())?)) else {
        return Ok(());
    };
    let Some(wanted) = tools.get(&first.tool) else { return Ok(()) };
    if tool.class != wanted.class || tool.class == Class::Pivot {
        let message = format!(
            "Step `{}` would stand in for `{}`: their tools must be of the same class, and no point of no return.",
            step.id, first.id
        );
        return Err(Violation::of(&step.id, Rule::Policy, message));
    }
    Ok(())
}

/// Whether the step at `place` gives what `path` names. What waits or a person gives is not known.
fn gives(
    place: usize,
    path: &[&str],
    plan: &Plan,
    places: &FlatMap<&str, usize>,
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

/// The places that a step waits for. Of what is wrong with them, the rest is right.
fn dependencies(
    step: &Step,
    plan: &Plan,
    places: &FlatMap<&str, usize>,
    tools: &BTreeMap<String, Definition>,
    faults: &mut Faults,
) -> Vec<usize> {
    let mut deps = Vec::new();
    for id in &step.after {
        match places.get(id.as_str()) {
            Some(place) => deps.push(*place),
            None => {
                let message = format!("Step `{}` waits for `{}`, which is no step.", step.id, short(id));
                faults.extend([Violation::of(&step.id, Rule::Order, message)]);
            }
        }
    }
    references(step, &mut |reference| {
        let Some(place) = places.get(reference.step) else {
            let message = format!(
                "Step `{}` refers to `${}`, which is no step. For a plain `$` write `$$`.",
                step.id,
                short(reference.step)
            );
            faults.extend([Violation::of(&step.id, Rule::Reference, message)]);
            return;
        };
        deps.push(*place);
        let path: Vec<&str> = reference.path().collect();
        if !gives(*place, &path, plan, places, tools) {
            let message = format!(
                "Step `{}` refers to `{}` of `{}`, whose tool gives no such field.",
                step.id,
                short(&path.join(".")),
                reference.step
            );
            faults.extend([Violation::of(&step.id, Rule::Reference, message)]);
        }
    });
    deps.sort_unstable();
    deps.dedup();
    deps
}

/// Kahn's algorithm, first come first served. What waits in a circle, or for one, is left out.
fn in_order(edges: &[Vec<usize>]) -> Vec<usize> {
    let mut missing: Vec<usize> = edges.iter().map(Vec::len).collect();
    let mut dependants = vec![Vec::new(); edges.len()];
    for (place, deps) in edges.iter().enumerate() {
        for dep in deps {
            if let Some(dependants) = dependants.get_mut(*dep) {
                dependants.push(place);
            }
        }
    }
    let mut ready: VecDeque<usize> = (0..edges.len()).filter(|place| missing.get(*place) == Some(&0)).collect();
    let mut order = Vec::with_capacity(edges.len());
    while let Some(place) = ready.pop_front() {
        order.push(place);
        for dependant in dependants.get(place).into_iter().flatten() {
            if let Some(left) = missing.get_mut(*dependant) {
                *left -= 1;
                if *left == 0 {
                    ready.push_back(*dependant);
                }
            }
        }
    }
    order
}

/// The steps that wait for each other in circles. Of what `in_order` left out each waits for another such, so that who
/// follows one of these in each comes round.
fn circles(plan: &Plan, edges: &[Vec<usize>], order: &[usize]) -> Vec<Violation> {
    let placed: FlatSet<usize> = order.iter().copied().collect();
    let next = |place: usize| edges.get(place)?.iter().copied().find(|dep| !placed.contains(dep));
    let mut seen = FlatSet::new();
    let mut round = FlatMap::new();
    for start in (0..edges.len()).filter(|place| !placed.contains(place)) {
        let mut path = Vec::new();
        let mut at = Some(start);
        while let Some(place) = at.filter(|place| seen.insert(*place)) {
            path.push(place);
            at = next(place);
        }
        // Where it came to a place of an earlier walk, that walk has told of the circle.
        let begins = path.iter().position(|place| Some(*place) == at);
        for place in path.iter().skip(begins.unwrap_or(path.len())) {
            round.insert(*place, next(*place));
        }
    }
    let id = |place: usize| plan.steps.get(place).map_or("", |step| step.id.as_str());
    let told = round.into_iter().map(|(place, next)| {
        let (step, next) = (id(place), next.map_or("", id));
        let message =
            format!("Step `{step}` waits for `{next}`, in a circle. Let one of the circle wait for none of it.");
        Violation::of(step, Rule::Cycle, message)
    });
    told.collect()
}

/// Finds the point of no return. Every class as it is in this plan: one pivot at most, and what else cannot be undone
/// stands behind it.
fn pivot_rule(
    plan: &Plan,
    tools: &BTreeMap<String, Definition>,
    order: &[usize],
) -> Result<(Vec<Class>, Option<usize>), Violation> {
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
        return unsure.map_or(Ok((classes, None)), |step| {
            let message = format!(
                "Step `{}` cannot be undone, has alternatives, and no step before it is the point of no return. \
                 Take its alternatives away, or put a step without any before it.",
                step.id
            );
            Err(Violation::of(&step.id, Rule::Class, message))
        });
    };
    for (place, class) in classes.iter_mut().enumerate() {
        if place == pivot {
            *class = Class::Pivot;
        } else if *class == Class::Pivot {
            *class = Class::Retriable;
        }
    }
    Ok((classes, Some(pivot)))
}

/// What can be undone, and the point of no return, do not wait for what cannot be undone.
fn class_order(plan: &Plan, order: &[usize], edges: &[Vec<usize>], classes: &[Class], faults: &mut Faults) {
    let is_final = |place: &usize| matches!(classes.get(*place), Some(Class::Pivot | Class::Retriable));
    // For each step, one that cannot be undone and comes before it.
    let mut behind: Vec<Option<usize>> = vec![None; edges.len()];
    for place in order {
        let deps = edges.get(*place).into_iter().flatten();
        let found =
            deps.copied().find_map(|dep| Some(dep).filter(is_final).or_else(|| behind.get(dep).copied().flatten()));
        if let Some(behind) = behind.get_mut(*place) {
            *behind = found;
        }
    }
    for ((step, class), behind) in plan.steps.iter().zip(classes).zip(behind) {
        let early = matches!(class, Class::Compensatable | Class::Pivot);
        if let Some(before) = behind.filter(|_| early).and_then(|place| plan.steps.get(place)) {
            let message = format!(
                "Step `{}` may still be refused, and stands after `{}`, which cannot be undone. Put what can be undone \
                 first, and messages and captures last.",
                step.id, before.id
            );
            faults.extend([Violation::of(&step.id, Rule::Class, message)]);
        }
    }
}

/// Puts everything that can be undone before the point of no return, and everything that cannot after it.
fn around(pivot: usize, classes: &[Class], edges: &mut [Vec<usize>]) {
    let undoable: Vec<usize> =
        (0..classes.len()).filter(|place| classes.get(*place) == Some(&Class::Compensatable)).collect();
    for (place, deps) in edges.iter_mut().enumerate() {
        if place == pivot {
            deps.extend(&undoable);
        } else if classes.get(place) == Some(&Class::Retriable) {
            deps.push(pivot);
        }
        deps.sort_unstable();
        deps.dedup();
    }
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
    let mut referred_to = FlatSet::new();
    for step in &plan.steps {
        references(step, &mut |reference| {
            referred_to.insert(reference.step);
        });
    }
    let by_id: FlatMap<&str, u32> =
        plan.steps.iter().enumerate().map(|(place, step)| (step.id.as_str(), number_of(place))).collect();
    let frozen = order.iter().filter_map(|place| {
        let (step, deps) = (plan.steps.get(*place)?, edges.get(*place)?);
        let mut deps: Vec<u32> = deps.iter().map(|dep| number_of(*dep)).collect();
        deps.sort_unstable();
        let mut refs = FlatMap::new();
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::saga::{Approval, definitions};
    use serde_json::{Value, json};

    fn faults(steps: Value) -> Vec<(String, Rule)> {
        let tool = |name: &str, class: Class| {
            let mut tool = definitions()[0].clone();
            (tool.name, tool.class) = (name.to_owned(), class);
            tool.input = serde_json::from_value(json!({"properties": {"n": {"type": "integer"}}})).unwrap();
            tool.output = serde_json::from_value(json!({"properties": {"id": {}}})).unwrap();
            (tool.name.clone(), tool)
        };
        let tools = [tool("book", Class::Compensatable), tool("pay", Class::Pivot), tool("send", Class::Retriable)];
        let plan: Plan = serde_json::from_value(json!({ "steps": steps })).unwrap();
        let error = freeze(&plan, &tools.into(), Limits::default()).unwrap_err();
        assert_eq!(error.code(), error.violations()[0].rule.code());
        error.violations().iter().map(|fault| (fault.step.clone().unwrap_or_default(), fault.rule)).collect()
    }

    fn told(expected: &[(&str, Rule)]) -> Vec<(String, Rule)> {
        expected.iter().map(|(step, rule)| ((*step).to_owned(), *rule)).collect()
    }

    #[test]
    fn all_that_is_wrong_is_said_at_once_each_with_its_step_and_rule() {
        let steps = json!([
            {"id": "a", "tool": "lost", "after": ["nobody"]},
            {"id": "b", "tool": "book", "params": {"n": "x"}, "approval": {"quorum": 0}},
            {"id": "c", "tool": "book", "params": {"n": "$a.id", "m": "$none.id", "o": "$b.none"}},
            {"id": "d", "wait": {"for_ms": 1}, "tool": "book"},
        ]);
        let expected = [
            ("a", Rule::Tool),
            ("a", Rule::Order),
            ("b", Rule::Parameters),
            ("b", Rule::Approval),
            ("c", Rule::Reference),
            ("c", Rule::Reference),
            ("d", Rule::Policy),
        ];
        assert_eq!(faults(steps), told(&expected));
        let ids = json!([{"id": "", "tool": "book"}, {"id": "a", "tool": "book"}, {"id": "a", "tool": "book"}]);
        assert_eq!(faults(ids), told(&[("#0", Rule::Id), ("a", Rule::Id)]));
    }

    #[test]
    fn who_waits_in_a_circle_is_named_and_who_waits_for_one_is_not() {
        let step = |id: &str, after: &[&str]| json!({"id": id, "tool": "book", "after": after});
        let steps = json!([
            step("behind", &["a"]),
            step("a", &["b"]),
            step("b", &["c", "free"]),
            step("c", &["a"]),
            step("free", &[]),
            step("self", &["self"]),
        ]);
        let expected = [("a", Rule::Cycle), ("b", Rule::Cycle), ("c", Rule::Cycle), ("self", Rule::Cycle)];
        assert_eq!(faults(steps), told(&expected));
    }

    #[test]
    fn what_stands_after_what_cannot_be_undone_is_named_with_it() {
        let steps = json!([
            {"id": "pay", "tool": "pay"}, {"id": "wait", "wait": {"for_ms": 1}, "after": ["pay"]},
            {"id": "a", "tool": "book", "after": ["wait"]}, {"id": "b", "tool": "book", "after": ["a"]},
            {"id": "late", "tool": "send", "approval": {}},
        ]);
        assert_eq!(faults(steps), told(&[("late", Rule::Approval), ("a", Rule::Class), ("b", Rule::Class)]));
        let early = json!([{"id": "m", "tool": "send"}, {"id": "p", "tool": "pay", "after": ["m"]}]);
        assert_eq!(faults(early), told(&[("p", Rule::Class)]));
    }

    #[test]
    fn an_approval_that_a_tool_demands_may_be_said_again_and_not_otherwise() {
        let demanded = Approval { question: "Shall it be paid?".to_owned(), ..Approval::default() };
        let mut tool = definitions()[0].clone();
        (tool.name, tool.approval) = ("book".to_owned(), Some(demanded.clone()));
        tool.input = serde_json::from_value(json!({})).unwrap();
        let tools = BTreeMap::from([("book".to_owned(), tool)]);
        let frozen = |approval: Value| {
            let steps = json!([{"id": "a", "tool": "book", "approval": approval}]);
            let plan: Plan = serde_json::from_value(json!({ "steps": steps })).unwrap();
            freeze(&plan, &tools, Limits::default())
        };
        let same = frozen(json!(demanded)).unwrap();
        assert_eq!(same.first().and_then(|node| node.approval.clone()), Some(demanded));
        let softer = frozen(json!({"question": "Well?"})).unwrap_err();
        assert_eq!(softer.violations().iter().map(|fault| fault.rule).collect::<Vec<_>>(), [Rule::Approval]);
    }

    #[test]
    fn no_more_is_said_than_is_of_use() {
        let steps: Vec<Value> = (0..100).map(|n| json!({"id": format!("s{n}"), "tool": "lost"})).collect();
        assert_eq!(faults(json!(steps)).len(), MOST_VIOLATIONS);
    }
}
