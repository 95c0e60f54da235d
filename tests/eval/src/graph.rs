//! Two plans as graphs: equal up to the names of their steps.

use std::collections::{BTreeMap, BTreeSet};

use makegood_core::saga::{Alternative, Condition, Step};
use serde_json::{Map, Value};

use crate::case::Wanted;

/// A step, whichever side it comes from.
#[derive(Clone, Debug)]
pub struct Node {
    pub id: String,
    pub tool: String,
    pub params: Map<String, Value>,
    pub after: Vec<String>,
    pub when: Option<Condition>,
    /// `None` where it does not matter.
    pub or: Option<Vec<Alternative>>,
}

impl From<&Step> for Node {
    fn from(step: &Step) -> Self {
        Self {
            id: step.id.clone(),
            tool: step.tool.clone(),
            params: step.params.clone(),
            after: step.after.clone(),
            when: step.when.clone(),
            or: Some(step.or.clone()),
        }
    }
}

impl From<&Wanted> for Node {
    fn from(step: &Wanted) -> Self {
        Self {
            id: step.id.clone(),
            tool: step.tool.clone(),
            params: step.params.clone(),
            after: step.after.clone(),
            when: step.when.clone(),
            or: step.or.clone(),
        }
    }
}

/// Which step of one plan stands for which of the other.
type Names<'a> = BTreeMap<&'a str, &'a str>;

/// Whether the plans have the same steps: the tools, and where `exact` says so of a tool, every parameter.
#[must_use]
pub fn same_steps(got: &[Node], wanted: &[Node], exact: &dyn Fn(&str) -> bool) -> bool {
    matched(got, wanted, exact, &|_| true)
}

/// Whether the plans are the same graph: tools, parameters, and what waits for what, directly or not.
#[must_use]
pub fn same_graph(got: &[Node], wanted: &[Node]) -> bool {
    let wanted_order = order(wanted);
    matched(got, wanted, &|_| true, &|names| {
        let name = |id: &String| names.get(id.as_str()).map_or_else(|| id.clone(), |name| (*name).to_owned());
        order(got).iter().map(|(before, behind)| (name(before), name(behind))).collect::<BTreeSet<_>>() == wanted_order
    })
}

fn matched(got: &[Node], wanted: &[Node], exact: &dyn Fn(&str) -> bool, accept: &dyn Fn(&Names) -> bool) -> bool {
    got.len() == wanted.len()
        && assign(got, wanted, &mut Names::new(), &|names| {
            let by_id = |id: &str| wanted.iter().find(|node| node.id == id);
            let equal = got.iter().all(|node| {
                let other = names.get(node.id.as_str()).and_then(|id| by_id(id));
                !exact(&node.tool) || other.is_some_and(|other| same(node, other, names))
            });
            equal && accept(names)
        })
}

/// Whether a step calls with the same parameters, under the same condition. What is tried in place of it counts where
/// the other says what it is to be.
fn same(node: &Node, other: &Node, names: &Names) -> bool {
    let when = node.when.as_ref().map(|when| Condition {
        left: value(&when.left, names),
        is: when.is,
        right: value(&when.right, names),
    });
    renamed(&node.params, names) == other.params && when == other.when && (other.or.is_none() || node.or == other.or)
}

/// Tries every assignment of steps to steps of the same tool.
fn assign<'a>(got: &'a [Node], wanted: &'a [Node], names: &mut Names<'a>, accept: &dyn Fn(&Names) -> bool) -> bool {
    let Some((first, rest)) = got.split_first() else {
        return accept(names);
    };
    for other in wanted.iter().filter(|other| other.tool == first.tool) {
        if names.values().any(|taken| *taken == other.id) {
            continue;
        }
        names.insert(&first.id, &other.id);
        if assign(rest, wanted, names, accept) {
            return true;
        }
        names.remove(first.id.as_str());
    }
    false
}

/// The parameters with references to the other plan's steps.
fn renamed(params: &Map<String, Value>, names: &Names) -> Map<String, Value> {
    params.iter().map(|(name, given)| (name.clone(), value(given, names))).collect()
}

fn value(given: &Value, names: &Names) -> Value {
    match reference(given) {
        Some((id, path)) => Value::from(format!("${}.{path}", names.get(id).unwrap_or(&id))),
        None => given.clone(),
    }
}

/// The step and the path that a parameter refers to. A doubled `$` is a plain one.
#[must_use]
pub fn reference(value: &Value) -> Option<(&str, &str)> {
    value.as_str()?.strip_prefix('$').filter(|rest| !rest.starts_with('$'))?.split_once('.')
}

/// Every pair of steps of which the second waits for the first, the transitive closure of references and `after`.
fn order(nodes: &[Node]) -> BTreeSet<(String, String)> {
    let mut pairs: BTreeSet<(String, String)> = BTreeSet::new();
    for node in nodes {
        let referred = node.params.values().filter_map(reference).map(|(id, _)| id.to_owned());
        pairs.extend(node.after.iter().cloned().chain(referred).map(|before| (before, node.id.clone())));
    }
    loop {
        let further: Vec<(String, String)> = pairs
            .iter()
            .flat_map(|(first, middle)| {
                pairs
                    .iter()
                    .filter(move |(start, _)| start == middle)
                    .map(move |(_, last)| (first.clone(), last.clone()))
            })
            .filter(|pair| !pairs.contains(pair))
            .collect();
        if further.is_empty() {
            return pairs;
        }
        pairs.extend(further);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn node(id: &str, tool: &str, params: Value, after: &[&str]) -> Node {
        let params = params.as_object().cloned().unwrap_or_default();
        Node {
            id: id.to_owned(),
            tool: tool.to_owned(),
            params,
            after: after.iter().map(|id| (*id).to_owned()).collect(),
            when: None,
            or: None,
        }
    }

    #[test]
    fn plans_are_equal_up_to_the_names_of_their_steps() {
        let got = [
            node("table", "book", json!({"n": 2}), &[]),
            node("ride", "ride", json!({"to": "$table.address"}), &[]),
            node("message", "send", json!({"text": "$$table.address"}), &["ride", "table"]),
        ];
        let wanted = [
            node("c", "send", json!({"text": "$$table.address"}), &["b"]),
            node("a", "book", json!({"n": 2}), &[]),
            node("b", "ride", json!({"to": "$a.address"}), &[]),
        ];
        assert!(same_graph(&got, &wanted));
    }

    #[test]
    fn another_parameter_tool_step_or_order_makes_another_plan() {
        let plan = [node("a", "book", json!({"n": 2}), &[]), node("b", "send", json!({"text": "x"}), &["a"])];
        let changed = |change: &dyn Fn(&mut Vec<Node>)| {
            let mut other = plan.to_vec();
            change(&mut other);
            other
        };
        assert!(!same_graph(&plan, &changed(&|plan| plan[0].params = Map::new())));
        assert!(!same_graph(&plan, &changed(&|plan| plan[1].tool = "text".to_owned())));
        assert!(!same_graph(&plan, &changed(&|plan| plan.truncate(1))));
        let unordered = changed(&|plan| plan[1].after.clear());
        assert!(!same_graph(&plan, &unordered));
        assert!(same_steps(&plan, &unordered, &|_| true));
    }

    #[test]
    fn a_condition_counts_and_what_is_tried_counts_where_it_was_said() {
        let rain: Condition = serde_json::from_value(json!({"left": "$w.sky", "is": "==", "right": "rain"})).unwrap();
        let dry = Condition { right: json!("sunny"), ..rain.clone() };
        let plan = |id: &str, when: Option<&Condition>, or: Option<Vec<Alternative>>| {
            let when = when.map(|when| Condition { left: json!(format!("${id}.sky")), ..when.clone() });
            let table = Node { when, or, ..node("a", "book", json!({}), &[id]) };
            [node(id, "look", json!({}), &[]), table]
        };
        assert!(same_graph(&plan("v", Some(&rain), None), &plan("w", Some(&rain), None)));
        assert!(!same_graph(&plan("v", Some(&dry), None), &plan("w", Some(&rain), None)));
        assert!(!same_graph(&plan("v", None, None), &plan("w", Some(&rain), None)));
        let at = |hour: &str| Some(vec![serde_json::from_value(json!({"params": {"time": hour}})).unwrap()]);
        assert!(same_graph(&plan("v", None, at("8")), &plan("w", None, None)), "nobody said what is tried");
        assert!(same_graph(&plan("v", None, at("8")), &plan("w", None, at("8"))));
        assert!(!same_graph(&plan("v", None, at("8")), &plan("w", None, at("9"))));
    }

    #[test]
    fn steps_of_one_tool_are_told_apart_by_their_parameters() {
        let got = [node("a", "send", json!({"to": "Ann"}), &[]), node("b", "send", json!({"to": "Bob"}), &["a"])];
        let wanted = [node("x", "send", json!({"to": "Bob"}), &["y"]), node("y", "send", json!({"to": "Ann"}), &[])];
        assert!(same_graph(&got, &wanted));
    }
}
