//! The rules of a proposed plan.
//!
//! They are those of anybody's plan, with the offered tools as the only ones there are: `freeze` says all that is wrong
//! with it at once. A model's plan has besides to be within what its sender would pay.

use super::{Bounds, Rule, Violation};
use crate::saga::{Limits, Node, Plan, freeze};

pub(super) fn check(plan: &Plan, bounds: &Bounds<'_>) -> Result<Vec<Node>, Vec<Violation>> {
    let limits = Limits { steps: bounds.steps, ..Limits::default() };
    let mut found = Vec::new();
    let nodes = freeze(plan, bounds.tools, limits).map_err(|error| found.extend_from_slice(error.violations())).ok();
    affordable(plan, bounds, &mut found);
    nodes.filter(|_| found.is_empty()).ok_or(found)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proposal::samples::tools;
    use serde_json::{Value, json};

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
        assert_eq!(rules(json!([{"id": "1", "tool": "find", "params": {}}])), one("1", Rule::Id));
    }

    #[test]
    fn a_tools_own_rules_hold_for_a_model_too() {
        let mut tools = tools();
        let rules = json!([{"name": "found-first", "only_after": ["find"]}]);
        tools.get_mut("book").unwrap().rules = serde_json::from_value(rules).unwrap();
        let bounds = Bounds { tools: &tools, steps: 6, cost_minor: None };
        let book = json!([{"id": "a", "tool": "book", "params": {"place": "x", "people": 2}}]);
        let plan: Plan = serde_json::from_value(json!({"steps": book})).unwrap();
        let found = check(&plan, &bounds).unwrap_err();
        assert_eq!((found[0].step.as_deref(), found[0].rule, found.len()), (Some("a"), Rule::Sequence, 1));
        assert!(found[0].message.contains("`found-first`"), "{}", found[0].message);
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
