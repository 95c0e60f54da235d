//! The rules of a proposed plan, one after the other, so that all that is wrong is said at once.
//!
//! `freeze` has the last word: what it would refuse of anybody's plan, it refuses here, with the offered
//! tools as the only ones there are.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{Bounds, Rule, Violation, short};
use crate::error::{Code, Error};
use crate::saga::{Limits, Node, Plan, Step, each_reference, freeze, references_at};
use crate::tool::{Class, Definition};

pub(super) fn check(plan: &Plan, bounds: &Bounds<'_>) -> Result<Vec<Node>, Vec<Violation>> {
    let mut found = Vec::new();
    let mut places = BTreeMap::new();
    for (place, step) in plan.steps.iter().enumerate() {
        if places.insert(step.id.as_str(), place).is_some() {
            found.push(Violation::of(&step.id, Rule::Id, "Two steps have this id."));
        }
    }
    let edges: Vec<BTreeSet<usize>> =
        plan.steps.iter().map(|step| one(step, plan, &places, bounds, &mut found)).collect();
    if found.is_empty() {
        let reach = reach(&edges);
        circle(plan, &reach, &mut found);
        order_of_classes(plan, &reach, bounds, &mut found);
        affordable(plan, bounds, &mut found);
    }
    if !found.is_empty() {
        return Err(found);
    }
    let limits = Limits { steps: bounds.steps, ..Limits::default() };
    freeze(plan, bounds.tools, limits).map_err(|error| vec![told(&error)])
}

/// What is wrong with one step, and which steps it waits for.
fn one(
    step: &Step,
    plan: &Plan,
    places: &BTreeMap<&str, usize>,
    bounds: &Bounds<'_>,
    found: &mut Vec<Violation>,
) -> BTreeSet<usize> {
    let mut before = BTreeSet::new();
    let tool = bounds.tools.get(&step.tool);
    match tool {
        Some(tool) => parameters(step, tool, found),
        None => {
            let message = format!("The tool `{}` was not offered. Take one of those that were.", short(&step.tool));
            found.push(Violation::of(&step.id, Rule::Tool, message));
        }
    }
    for id in &step.after {
        match places.get(id.as_str()) {
            Some(place) => _ = before.insert(*place),
            None => {
                let message = format!("It is to come after `{}`, which is no step.", short(id));
                found.push(Violation::of(&step.id, Rule::Order, message));
            }
        }
    }
    for value in step.params.values() {
        each_reference(value, &mut |reference| {
            let Some(place) = places.get(reference.step) else {
                let message =
                    format!("It refers to `${}`, which is no step. For a plain `$` write `$$`.", short(reference.step));
                found.push(Violation::of(&step.id, Rule::Reference, message));
                return;
            };
            before.insert(*place);
            let path: Vec<&str> = reference.path().collect();
            let producer = plan.steps.get(*place).and_then(|step| bounds.tools.get(&step.tool));
            if producer.is_some_and(|tool| tool.output.field(&path).is_none()) {
                let message = format!(
                    "It refers to `{}` of `{}`, whose tool gives no such field.",
                    short(&path.join(".")),
                    short(reference.step)
                );
                found.push(Violation::of(&step.id, Rule::Reference, message));
            }
        });
    }
    before
}

/// All that its schema says of a step's parameters, but for those that come from other steps.
fn parameters(step: &Step, tool: &Definition, found: &mut Vec<Violation>) {
    let violations = tool.input.check(&Value::Object(step.params.clone()));
    if violations.is_empty() {
        return;
    }
    let later = references_at(&step.params);
    let now = violations.into_iter().filter(|violation| !later.contains(&violation.path));
    found.extend(now.map(|violation| Violation {
        path: Some(violation.path.chars().take(200).collect()),
        ..Violation::of(&step.id, Rule::Parameters, violation.message)
    }));
}

/// For each step, all that come before it, through others too. A plan has a few dozen steps at most.
fn reach(edges: &[BTreeSet<usize>]) -> Vec<BTreeSet<usize>> {
    let mut reach = edges.to_vec();
    loop {
        let mut grew = false;
        for place in 0..reach.len() {
            let further: BTreeSet<usize> =
                reach.get(place).into_iter().flatten().filter_map(|dep| reach.get(*dep)).flatten().copied().collect();
            if let Some(own) = reach.get_mut(place) {
                let before = own.len();
                own.extend(further);
                grew |= own.len() > before;
            }
        }
        if !grew {
            return reach;
        }
    }
}

fn circle(plan: &Plan, reach: &[BTreeSet<usize>], found: &mut Vec<Violation>) {
    let in_circle =
        plan.steps.iter().enumerate().filter(|(place, _)| reach.get(*place).is_some_and(|r| r.contains(place)));
    found.extend(
        in_circle.map(|(_, step)| Violation::of(&step.id, Rule::Cycle, "It waits for itself, through others.")),
    );
}

/// What can be undone, and the point of no return, do not wait for what cannot be undone.
fn order_of_classes(plan: &Plan, reach: &[BTreeSet<usize>], bounds: &Bounds<'_>, found: &mut Vec<Violation>) {
    let class = |place: usize| {
        plan.steps.get(place).and_then(|step| bounds.tools.get(&step.tool)).map_or(Class::Query, |tool| tool.class)
    };
    for (place, step) in plan.steps.iter().enumerate() {
        let wrong = |earlier: &&usize| match (class(**earlier), class(place)) {
            (Class::Pivot | Class::Retriable, Class::Compensatable) | (Class::Retriable, Class::Pivot) => true,
            (Class::Query | Class::Compensatable | Class::Pivot | Class::Retriable, _) => false,
        };
        let earlier = reach.get(place).into_iter().flatten().filter(|earlier| **earlier != place).find(wrong);
        if let Some(earlier) = earlier.and_then(|earlier| plan.steps.get(*earlier)) {
            let message = format!(
                "It may still be refused, and stands after `{}`, which cannot be undone. Put that one last.",
                short(&earlier.id)
            );
            found.push(Violation::of(&step.id, Rule::Class, message));
        }
    }
}

fn affordable(plan: &Plan, bounds: &Bounds<'_>, found: &mut Vec<Violation>) {
    let Some(most) = bounds.cost_minor else { return };
    let mut cost = 0_i64;
    for step in &plan.steps {
        let own = bounds.tools.get(&step.tool).map_or(0, |tool| tool.cost_minor);
        let within = cost <= most;
        cost = cost.saturating_add(own);
        if within && cost > most {
            let message = format!("With it the plan costs more than the {most} that are allowed.");
            found.push(Violation::of(&step.id, Rule::Budget, message));
        }
    }
}

/// What `freeze` says, with the step that its sentence names.
pub(super) fn told(error: &Error) -> Violation {
    let rule = match error.code() {
        Code::UnknownTool => Rule::Tool,
        Code::InvalidParameters => Rule::Parameters,
        Code::PlanTooLarge => Rule::Steps,
        Code::OverBudget => Rule::Budget,
        Code::InvalidJson
        | Code::InvalidRequest
        | Code::InvalidId
        | Code::InvalidPlan
        | Code::KeyReused
        | Code::BodyTooLarge
        | Code::Unauthenticated
        | Code::Forbidden
        | Code::BadSignature
        | Code::NotFound
        | Code::MethodNotAllowed
        | Code::Conflict
        | Code::RateLimited
        | Code::Unavailable
        | Code::Internal => Rule::Plan,
    };
    let step = error.message().strip_prefix("Step `").and_then(|rest| rest.split_once('`')).map(|(id, _)| short(id));
    Violation { step, ..Violation::whole(rule, error.message()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proposal::samples::tools;
    use serde_json::json;

    fn rules(steps: Value) -> Vec<(String, Rule)> {
        let plan: Plan = serde_json::from_value(json!({"steps": steps})).unwrap();
        let tools = tools();
        let bounds = Bounds { tools: &tools, steps: 6, cost_minor: Some(500) };
        let found = check(&plan, &bounds).err().unwrap_or_default();
        found.into_iter().map(|violation| (violation.step.unwrap_or_default(), violation.rule)).collect()
    }

    fn one(step: &str, rule: Rule) -> Vec<(String, Rule)> {
        vec![(step.to_owned(), rule)]
    }

    #[test]
    fn each_rule_names_its_step() {
        let table = json!({"id": "a", "tool": "book", "params": {"place": "Luigi's", "people": 2}});
        let send = |after: Value| json!({"id": "m", "tool": "send", "params": {"text": "hi"}, "after": after});
        assert_eq!(rules(json!([table, send(json!(["a"]))])), []);
        assert_eq!(rules(json!([table, table])), one("a", Rule::Id));
        assert_eq!(rules(json!([{"id": "a", "tool": "wipe"}])), one("a", Rule::Tool));
        let many = json!({"id": "a", "tool": "book", "params": {"place": 7, "people": 200}});
        assert_eq!(rules(json!([many])), [one("a", Rule::Parameters), one("a", Rule::Parameters)].concat());
        assert_eq!(rules(json!([{"id": "a", "tool": "send", "params": {"text": "$b.x"}}])), one("a", Rule::Reference));
        let wrong_field = json!({"id": "m", "tool": "send", "params": {"text": "$a.colour"}});
        assert_eq!(rules(json!([table, wrong_field])), one("m", Rule::Reference));
        assert_eq!(rules(json!([send(json!(["x"]))])), one("m", Rule::Order));
        let round = json!([
            {"id": "a", "tool": "find", "params": {}, "after": ["b"]}, {"id": "b", "tool": "find", "params": {}, "after": ["a"]}
        ]);
        assert_eq!(rules(round), [one("a", Rule::Cycle), one("b", Rule::Cycle)].concat());
        let late = json!({"id": "a", "tool": "book", "params": {"place": "x", "people": 2}, "after": ["m"]});
        assert_eq!(rules(json!([send(json!([])), late])), one("a", Rule::Class));
        let pay = json!({"id": "p", "tool": "pay", "params": {"minor": 5}, "after": ["m"]});
        assert_eq!(rules(json!([send(json!([])), pay])), one("p", Rule::Class));
        let books: Vec<Value> = (0..6)
            .map(|n| json!({"id": format!("s{n}"), "tool": "book", "params": {"place": "x", "people": 2}}))
            .collect();
        assert_eq!(rules(json!(books)), one("s5", Rule::Budget));
        assert_eq!(rules(json!([{"id": "1", "tool": "find", "params": {}}])), [(String::new(), Rule::Plan)]);
    }

    #[test]
    fn a_reference_that_comes_later_is_no_wrong_parameter_yet() {
        let plan = json!([
            {"id": "f", "tool": "find", "params": {}},
            {"id": "a", "tool": "book", "params": {"place": "$f.name", "people": 2}},
        ]);
        assert_eq!(rules(plan), []);
    }
}
