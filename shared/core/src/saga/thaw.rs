//! From frozen nodes back to a plan: what a person begins with who gives a saga another one.
//!
//! It is the whole of the plan that a saga has now, with what is done: [`adapt`](super::adapt) undoes what a new plan
//! does not name. Frozen again as it is, it gives the same nodes, so that all that was done is kept. Of what freezing adds
//! by itself the order before the point of no return comes back as `after`.

use super::expand::Part;
use super::fact::{Fact, Record};
use super::node::Node;
use super::plan::{Plan, Step};
use crate::ordered::FlatMap;
use crate::tool::Class;

/// `None` where the plan, given again as it is, would have done anew what nobody changed. Another plan keeps what is done,
/// and not what was passed over or refused, nor what refers to such a step, as what gathers a list or alternatives does.
#[must_use]
pub fn thaw<'a>(nodes: &[Node], records: impl IntoIterator<Item = &'a Record>) -> Option<Plan> {
    if nodes.iter().any(is_written_out) {
        return None;
    }
    let mut current: Vec<&Node> = nodes.iter().collect();
    for record in records {
        if matches!(record.fact, Fact::Skipped { .. } | Fact::Refused { .. }) {
            return None;
        }
        if let Fact::Replanned { from, kept, .. } = &record.fact {
            current.retain(|node| node.ix >= *from || kept.contains(&node.ix));
        }
    }
    let by_ix: FlatMap<u32, &Node> = current.iter().map(|node| (node.ix, *node)).collect();
    let steps: Vec<Step> = current.into_iter().map(|node| step(node, &by_ix)).collect();
    (!steps.is_empty()).then(|| Plan { summary: String::new(), steps })
}

/// It is a part of a list or an alternative, or gathers them.
fn is_written_out(node: &Node) -> bool {
    node.gather.is_some() || node.item.is_some() || node.replaceable || !node.instead_of.is_empty()
}

/// The step that a node was made of.
fn step(node: &Node, plan: &FlatMap<u32, &Node>) -> Step {
    Step {
        id: node.id.clone(),
        tool: if node.has_partner() { node.tool.clone() } else { String::new() },
        params: node.params.clone(),
        after: after(node, plan),
        wait: node.wait.clone(),
        when: node.when.clone(),
        approval: node.approval.clone(),
        retry: node.retry.clone(),
        each: None,
        or: Vec::new(),
        escalate: node.escalate,
        part: Part::default(),
    }
}

/// The steps before it, but for those that it refers to, and those that a point of no return follows in any case. What
/// another plan dropped, it waits for only to be out of the way.
fn after(node: &Node, plan: &FlatMap<u32, &Node>) -> Vec<String> {
    let in_any_case = |before: &Node| node.class == Class::Pivot && before.class == Class::Compensatable;
    let referred_to = |before: &Node| node.refs.values().any(|ix| *ix == before.ix);
    let before = node.deps.iter().filter_map(|dep| plan.get(dep));
    before.filter(|before| !in_any_case(before) && !referred_to(before)).map(|before| before.id.clone()).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::{Value, json};

    use super::*;
    use crate::saga::{Limits, adapt, definitions, freeze};
    use crate::tool::Definition;

    fn tools() -> BTreeMap<String, Definition> {
        let tool = |name: &str, class: Class| {
            let mut tool = definitions()[0].clone();
            (tool.name, tool.class) = (name.to_owned(), class);
            tool.input = serde_json::from_value(json!({})).unwrap();
            let guests = json!({"items": {"properties": {"phone": {}, "name": {}}}});
            tool.output = serde_json::from_value(json!({"properties": {"id": {}, "guests": guests}})).unwrap();
            (tool.name.clone(), tool)
        };
        let all = [
            tool("find", Class::Query),
            tool("book", Class::Compensatable),
            tool("pay", Class::Pivot),
            tool("send", Class::Retriable),
        ];
        all.into()
    }

    fn plan(steps: Value) -> Plan {
        serde_json::from_value(json!({ "steps": steps })).unwrap()
    }

    fn frozen(plan: &Plan) -> Vec<Node> {
        freeze(plan, &tools(), Limits::default()).unwrap()
    }

    fn record(fact: Value) -> Record {
        let mut record = json!({"at": 1, "inv": 1});
        record.as_object_mut().unwrap().extend(fact.as_object().unwrap().clone());
        serde_json::from_value(record).unwrap()
    }

    /// All that is done is kept where the plan is given back as it is.
    fn comes_back(steps: Value) -> Plan {
        let nodes = frozen(&plan(steps));
        let thawed = thaw(&nodes, []).unwrap();
        let done =
            |node: &Node| record(json!({"type": "done", "node": node.ix, "attempt": 1, "took": 1, "output": {}}));
        let records: Vec<Record> = nodes.iter().map(done).collect();
        // As it is sent, and not as it stands here.
        let sent: Plan = serde_json::from_str(&serde_json::to_string(&thawed).unwrap()).unwrap();
        let replan = adapt(&nodes, &records, frozen(&sent), 1).unwrap();
        assert_eq!((replan.kept.len(), replan.nodes.len(), replan.retired.len()), (nodes.len(), 0, 0), "{thawed:#?}");
        thawed
    }

    #[test]
    fn a_plan_comes_back_as_it_was_written() {
        let steps = json!([
            {"id": "weather", "tool": "find", "params": {"day": "Monday"}},
            {"id": "table", "tool": "book", "params": {"n": 4}, "after": ["weather"], "approval": {"by": ["bob"]},
             "retry": {"attempts": 2, "base_ms": 100, "cap_ms": 1_000}, "escalate": true},
            {"id": "paid", "wait": {"event": {"name": "paid", "within_ms": 1_000}}, "after": ["table"]},
            {"id": "pay", "tool": "pay", "params": {"for": "$table.id"}, "after": ["paid"]},
            {"id": "text", "tool": "send", "params": {"to": "Sam", "of": ["$table.id"]}, "after": ["pay"],
             "when": {"left": "$weather.id", "is": "!=", "right": 7}},
        ]);
        assert_eq!(comes_back(steps.clone()), plan(steps));
    }

    #[test]
    fn what_an_older_plan_left_is_no_part_of_it() {
        let first = frozen(&plan(json!([
            {"id": "table", "tool": "book", "params": {"n": 2}}, {"id": "ride", "tool": "book", "after": ["table"]},
        ])));
        let started = record(json!({"type": "started", "node": 0, "attempt": 1}));
        let done = record(json!({"type": "done", "node": 0, "attempt": 1, "took": 1, "output": {}}));
        let second = plan(json!([
            {"id": "table", "tool": "book", "params": {"n": 4}}, {"id": "text", "tool": "send", "after": ["table"]},
        ]));
        let replan = adapt(&first, [&started, &done], frozen(&second), 1).unwrap();
        let replanned = record(json!({"type": "replanned", "by": "ann", "epoch": 1, "from": 2, "kept": [],
            "retired": [0]}));
        let nodes = [first, replan.nodes].concat();
        let thawed = thaw(&nodes, [&started, &done, &replanned]).unwrap();
        // `text` is the point of no return, which follows the table in any case; and what it made way for is named nowhere.
        let named: Vec<(&str, usize)> = thawed.steps.iter().map(|step| (step.id.as_str(), step.after.len())).collect();
        assert_eq!(named, [("table", 0), ("text", 0)]);
        assert_eq!(thawed.steps[0].params, second.steps[0].params);
    }

    #[test]
    fn what_would_be_done_anew_is_not_written_back() {
        let steps = json!([{"id": "who", "tool": "find"}, {"id": "text", "tool": "book", "after": ["who"]}]);
        let nodes = frozen(&plan(steps));
        assert!(thaw(&nodes, []).is_some());
        for left in [
            json!({"type": "skipped", "node": 0, "why": "no"}),
            json!({"type": "refused", "node": 0, "attempt": 1, "took": 1, "code": "full", "detail": "No."}),
        ] {
            assert_eq!(thaw(&nodes, [&record(left)]), None);
        }
        for more in [
            json!({"each": {"in": ["Ann", "Bob"]}, "params": {"to": "$item"}}),
            json!({"each": {"in": "$who.guests", "most": 2}, "params": {"to": "$item.phone"}}),
            json!({"each": {"in": []}}),
            json!({"or": [{"params": {"n": 2}}]}),
        ] {
            let mut step = json!({"id": "text", "tool": "book"});
            step.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            assert_eq!(thaw(&frozen(&plan(json!([{"id": "who", "tool": "find"}, step]))), []), None, "{more}");
        }
        assert_eq!(thaw(&[], []), None);
    }
}
