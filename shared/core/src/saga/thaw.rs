//! From frozen nodes back to a plan: what a person begins with who gives a saga another one.
//!
//! It is the whole of the plan that a saga has now, with what is done: [`adapt`](super::adapt) undoes what a new plan
//! does not name. Frozen again as it is, it gives the same nodes, so that what was done is kept; but what refers to a
//! step that was passed over or refused is done anew, as under any other plan. Steps that were written out are put
//! together again, and of what freezing adds by itself the order before the point of no return comes back as `after`.

use serde_json::{Map, Value};

use super::condition::Condition;
use super::expand::{Alternative, Each, Part, step_of};
use super::fact::{Fact, Record};
use super::node::{Gather, Node};
use super::plan::{Plan, Step};
use super::reference::Reference;
use crate::ordered::{self, FlatMap};
use crate::tool::Class;

/// `None` where there is no way back: of a list without items nobody knows any more what was to be made for each.
#[must_use]
pub fn thaw<'a>(nodes: &[Node], records: impl IntoIterator<Item = &'a Record>) -> Option<Plan> {
    let mut current: Vec<&Node> = nodes.iter().collect();
    for record in records {
        if let Fact::Replanned { from, kept, .. } = &record.fact {
            current.retain(|node| node.ix >= *from || kept.contains(&node.ix));
        }
    }
    let frozen = Frozen {
        by_ix: current.iter().map(|node| (node.ix, *node)).collect(),
        by_id: current.iter().map(|node| (node.id.as_str(), *node)).collect(),
    };
    let written = current.iter().filter(|node| step_of(&node.id) == node.id);
    let steps = written.map(|node| frozen.step(node)).collect::<Option<Vec<Step>>>()?;
    (!steps.is_empty()).then(|| Plan { summary: String::new(), steps })
}

/// The nodes of one plan.
struct Frozen<'a> {
    by_ix: FlatMap<u32, &'a Node>,
    by_id: FlatMap<&'a str, &'a Node>,
}

impl Frozen<'_> {
    /// The step that a node, which bears its name, was made of.
    fn step(&self, node: &Node) -> Option<Step> {
        match &node.gather {
            None => Some(self.plain(node)),
            Some(Gather::First(members)) => {
                let mut all = members.iter().map(|ix| self.by_ix.get(ix).map(|member| self.plain(member)));
                let mut step = all.next()??;
                for other in all {
                    let Step { tool, params, escalate, .. } = other?;
                    let tool = if tool == step.tool { String::new() } else { tool };
                    step.or.push(Alternative { tool, params });
                    // That of the last one is the step's.
                    step.escalate = escalate;
                }
                Some(Step { id: node.id.clone(), ..step })
            }
            Some(Gather::All(_)) => self.each(node),
        }
    }

    fn plain(&self, node: &Node) -> Step {
        Step {
            id: node.id.clone(),
            tool: if node.has_partner() { node.tool.clone() } else { String::new() },
            params: node.params.clone(),
            after: self.after(node),
            wait: node.wait.clone(),
            when: node.when.clone(),
            approval: node.approval.clone(),
            retry: node.retry.clone(),
            each: None,
            or: Vec::new(),
            escalate: node.escalate,
            part: Part { crowd: node.crowd.map(|crowd| (crowd.of, crowd.concurrency)), ..Part::default() },
        }
    }

    /// The steps before it, but for those that it refers to, and those that a point of no return follows in any case.
    fn after(&self, node: &Node) -> Vec<String> {
        let mut after: Vec<String> = Vec::new();
        for dep in &node.deps {
            // What another plan dropped, it waits for only to be out of the way.
            let Some(before) = self.by_ix.get(dep) else { continue };
            let id = step_of(&before.id);
            let in_any_case = node.class == Class::Pivot && before.class == Class::Compensatable;
            let referred_to = node.refs.values().any(|ix| ix == dep);
            if !in_any_case && !referred_to && id != step_of(&node.id) && !after.iter().any(|known| known == id) {
                after.push(id.to_owned());
            }
        }
        after
    }

    /// The step of which a part was made for each item of a list.
    fn each(&self, node: &Node) -> Option<Step> {
        let parts = (0_usize..).map_while(|at| self.by_id.get(format!("{}[{at}]", node.id).as_str()));
        let parts: Vec<Step> = parts.map(|part| self.step(part)).collect::<Option<_>>()?;
        let first = parts.first()?;
        let (after, concurrency) = (first.after.clone(), first.part.crowd.map(|(_, most)| most));
        let (step, list, most) = match &node.item {
            Some(item) => (of_reference(&parts, &item.list)?, Value::from(item.list.as_str()), Some(item.most)),
            None => {
                let (step, items) = of_items(&parts)?;
                (step, Value::Array(items), None)
            }
        };
        let each = Some(Each { list, most, concurrency });
        Some(Step { id: node.id.clone(), after, each, part: Part::default(), ..step })
    }
}

/// A part without what tells it from the others by itself.
fn bare(part: &Step) -> Step {
    Step { id: String::new(), after: Vec::new(), ..part.clone() }
}

/// The one step of parts that each take their place of a list that is referred to.
fn of_reference(parts: &[Step], list: &str) -> Option<Step> {
    let mut all = parts.iter().enumerate().map(|(at, part)| of_item(part, &format!("{list}.{at}")));
    let first = all.next()?;
    all.all(|other| other == first).then_some(first)
}

/// A part with `$item` in the place of the reference to its item.
fn of_item(part: &Step, item: &str) -> Step {
    let put = |params: &Map<String, Value>| {
        ordered::object(params.iter().map(|(name, param)| (name.clone(), with_item(param, item))))
    };
    let when = |when: &Condition| Condition {
        left: with_item(&when.left, item),
        right: with_item(&when.right, item),
        is: when.is,
    };
    let or = part.or.iter().map(|other| Alternative { tool: other.tool.clone(), params: put(&other.params) });
    Step { params: put(&part.params), when: part.when.as_ref().map(when), or: or.collect(), ..bare(part) }
}

fn with_item(value: &Value, item: &str) -> Value {
    match value {
        Value::String(text) => match text.strip_prefix(item).filter(|_| Reference::parse(text).is_some()) {
            Some(rest) if rest.is_empty() || rest.starts_with('.') => Value::from(format!("$item{rest}")),
            Some(_) | None => value.clone(),
        },
        Value::Array(values) => Value::Array(values.iter().map(|value| with_item(value, item)).collect()),
        Value::Object(fields) => {
            Value::Object(ordered::object(fields.iter().map(|(name, field)| (name.clone(), with_item(field, item)))))
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => value.clone(),
    }
}

/// The one step of parts that were written out, and the items of its list: of each what only it has.
fn of_items(parts: &[Step]) -> Option<(Step, Vec<Value>)> {
    let first = parts.first()?;
    let without = |part: &Step| Step { params: Map::new(), ..bare(part) };
    let step = without(first);
    let is_alike = |part: &Step| without(part) == step && part.params.keys().eq(first.params.keys());
    if !parts.iter().all(is_alike) {
        return None;
    }
    let differs = |name: &str| parts.iter().any(|part| part.params.get(name) != first.params.get(name));
    let names: Vec<&str> = first.params.keys().map(String::as_str).filter(|name| differs(name)).collect();
    // Not every name can stand in a reference.
    let can_stand = |name: &&str| {
        let text = format!("$item.{name}");
        Reference::parse(&text).is_some_and(|reference| reference.path().eq([*name]))
    };
    if !names.iter().all(can_stand) {
        return None;
    }
    let item = |part: &Step| {
        let own = names.iter().filter_map(|name| Some(((*name).to_owned(), part.params.get(*name)?.clone())));
        Value::Object(ordered::object(own))
    };
    let params = first.params.iter().map(|(name, param)| {
        let param = if differs(name) { Value::from(format!("$item.{name}")) } else { param.clone() };
        (name.clone(), param)
    });
    Some((Step { params: ordered::object(params), ..step }, parts.iter().map(item).collect()))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::json;

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
    fn what_stands_in_for_a_step_comes_back_with_it() {
        let steps = json!([
            {"id": "table", "tool": "book"},
            {"id": "ride", "tool": "book", "params": {"n": 1}, "after": ["table"], "escalate": true,
             "or": [{"params": {"n": 2}}, {"params": {"n": "$table.id"}}]},
            {"id": "text", "tool": "send", "params": {"of": "$ride.id"}},
        ]);
        let thawed = comes_back(steps.clone());
        assert_eq!(thawed.steps.get(1), plan(steps).steps.get(1));
    }

    #[test]
    fn a_step_for_each_item_of_a_list_that_is_referred_to_comes_back_as_one() {
        let steps = json!([
            {"id": "who", "tool": "find"},
            {"id": "invite", "tool": "book", "each": {"in": "$who.guests", "most": 3, "concurrency": 2},
             "params": {"to": "$item.phone", "all": [{"of": "$item"}], "host": "$who.id"},
             "when": {"left": "$item.name", "is": "!=", "right": "Eve"}, "or": [{"params": {"to": "$item.name"}}]},
            {"id": "last", "tool": "find", "params": {"of": "$invite.0.id"}},
        ]);
        assert_eq!(comes_back(steps.clone()).steps.get(1), plan(steps).steps.get(1));
    }

    #[test]
    fn a_step_for_each_item_of_a_list_that_was_written_out_comes_back_with_what_each_has() {
        let steps = json!([
            {"id": "who", "tool": "find"},
            {"id": "text", "tool": "book", "each": {"in": ["Ann", "$who.id"]}, "after": ["who"],
             "params": {"to": "$item", "body": "Come."}},
        ]);
        let thawed = comes_back(steps);
        let expected = json!([
            {"id": "who", "tool": "find"},
            {"id": "text", "tool": "book", "each": {"in": [{"to": "Ann"}, {"to": "$who.id"}]},
             "params": {"to": "$item.to", "body": "Come."}},
        ]);
        let [who, text] = thawed.steps.as_slice() else { panic!("{thawed:#?}") };
        let [same, other]: [Step; 2] = plan(expected).steps.try_into().unwrap();
        assert_eq!(*who, same);
        // The first part refers to nobody, and says whom it comes after.
        assert_eq!((&text.each, &text.params, &text.after), (&other.each, &other.params, &vec!["who".to_owned()]));
        comes_back(json!([{"id": "one", "tool": "book", "each": {"in": [{"n": 1}]}, "params": {"n": "$item.n"}}]));
        comes_back(json!([{"id": "same", "tool": "book", "each": {"in": [1, 2]}, "params": {"n": 7}}]));
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
    fn what_cannot_be_told_is_not_guessed() {
        let thawed = |steps: Value| thaw(&frozen(&plan(steps)), []);
        assert_eq!(thawed(json!([{"id": "a", "tool": "book", "each": {"in": []}}])), None);
        // The first part's text would be taken for its item, and that of the second shows that it is none.
        let steps = json!([
            {"id": "who", "tool": "find"},
            {"id": "text", "tool": "book", "each": {"in": "$who.guests", "most": 2},
             "params": {"to": "$item.phone", "host": "$who.guests.0.phone"}},
        ]);
        assert_eq!(thawed(steps), None);
        let dotted = json!([{"id": "a", "tool": "book", "each": {"in": [1, 2]}, "params": {"a.b": "$item"}}]);
        assert_eq!(thawed(dotted), None);
        assert_eq!(thaw(&[], []), None);
    }
}
