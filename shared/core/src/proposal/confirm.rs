//! Nobody acts on a model's word alone: before the first effect of a plan that a model proposed, the
//! saga's owner is asked.
//!
//! One step is chosen whose effect may come first, it gets an approval by the owner, and every other
//! step with an effect comes after it. So one "yes" is enough, one "no" undoes nothing, because nothing
//! was done, and what is agreed to is the step with its resolved parameters, as for every approval.
//! Queries run before, so that there is something to see. What they give reaches that step alone: of the
//! others the owner sees what stands in the plan, and a server that answers a query must not say what is
//! paid or sent after the yes.

use super::{Bounds, Rule, Violation, title};
use crate::saga::{Approval, Limits, Node, Plan, freeze};
use crate::time::Millis;
use crate::tool::Class;

/// After so long nobody has agreed, and nothing is done.
const WITHIN: Millis = Millis::from_secs(60 * 60);
/// Tools that the question names.
const MOST_NAMES: usize = 8;

/// Puts the owner's approval before the first effect; answers with the step that has it.
pub(super) fn confirm(
    plan: Plan,
    nodes: Vec<Node>,
    bounds: &Bounds<'_>,
) -> Result<(Plan, Vec<Node>, Option<String>), Violation> {
    let effects: Vec<&Node> = nodes.iter().filter(|node| node.class != Class::Query).collect();
    let Some(first) = effects.first() else { return Ok((plan, nodes, None)) };
    // Where a tool demands the agreement of others, or only now and then, nobody would have asked the owner.
    let demanded = |node: &Node| bounds.tools.get(&node.tool).and_then(|tool| tool.approval.as_ref());
    let by_owner =
        |node: &Node| demanded(node).is_none_or(|approval| approval.by.is_empty() && approval.when.is_none());
    let is_query = |ix: &u32| nodes.iter().any(|node| node.ix == *ix && node.class == Class::Query);
    let reads = |node: &Node| node.refs.values().any(is_query);
    let gates: Vec<&Node> =
        effects.iter().copied().filter(|node| by_owner(node) && comes_first(node, &nodes)).collect();
    let Some(gate) = gates.iter().copied().find(|node| reads(node)).or(gates.first().copied()) else {
        let message = format!(
            "Its tool wants the agreement of others, and the user could not be asked before. \
             Begin with another effect than `{}`, or ask.",
            first.tool
        );
        return Err(Violation::of(&first.id, Rule::Approval, message));
    };
    if let Some(unseen) = effects.iter().find(|node| node.id != gate.id && reads(node)) {
        let message = format!(
            "It refers to what a query gives, which the user does not see before agreeing: only the step that they \
             are asked about may, here `{}`. Write the value out, or ask for it.",
            gate.id
        );
        return Err(Violation::of(&unseen.id, Rule::Approval, message));
    }
    let (gate_id, own) = (gate.id.clone(), demanded(gate).is_none());
    let names: Vec<&str> = effects.iter().map(|node| title(&node.tool, bounds)).collect();
    let question = question(&names);
    let ids: Vec<&str> = effects.iter().map(|node| node.id.as_str()).collect();
    let mut plan = plan;
    for step in plan.steps.iter_mut().filter(|step| ids.contains(&step.id.as_str())) {
        if step.id != gate_id {
            if !step.after.contains(&gate_id) {
                step.after.push(gate_id.clone());
            }
        } else if own {
            step.approval = Some(Approval { within_ms: WITHIN, question: question.clone(), ..Approval::default() });
        }
    }
    let limits = Limits { steps: bounds.steps, ..Limits::default() };
    let nodes = freeze(&plan, bounds.tools, limits).map_err(|error| {
        let first = error.violations().first().cloned();
        first.unwrap_or_else(|| Violation::whole(Rule::Plan, error.message()))
    })?;
    Ok((plan, nodes, Some(gate_id)))
}

fn question(names: &[&str]) -> String {
    let more = names.len().saturating_sub(MOST_NAMES);
    let named: Vec<&str> = names.iter().take(MOST_NAMES).copied().collect();
    let more = if more == 0 { String::new() } else { format!("; and {more} more") };
    format!("A model read your message. Shall this be done: {}{more}?", named.join("; "))
}

/// Whether no other effect comes before this one. Nodes are in order, and their numbers are their places.
fn comes_first(node: &Node, nodes: &[Node]) -> bool {
    let mut open: Vec<u32> = node.deps.clone();
    let mut seen = std::collections::BTreeSet::new();
    while let Some(ix) = open.pop() {
        if !seen.insert(ix) {
            continue;
        }
        let Some(before) = nodes.iter().find(|other| other.ix == ix) else { continue };
        if before.class != Class::Query {
            return false;
        }
        open.extend(&before.deps);
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proposal::samples::tools;
    use serde_json::{Value, json};

    fn confirmed(steps: Value) -> Result<(Plan, Vec<Node>, Option<String>), Violation> {
        let plan: Plan = serde_json::from_value(json!({"steps": steps})).unwrap();
        let tools = tools();
        let bounds = Bounds { tools: &tools, steps: 10, cost_minor: None };
        let nodes = freeze(&plan, &tools, Limits::default()).unwrap();
        confirm(plan, nodes, &bounds)
    }

    #[test]
    fn every_effect_comes_after_the_one_that_is_asked_about() {
        let (plan, nodes, gate) = confirmed(json!([
            {"id": "m", "tool": "send", "params": {"text": "hi"}},
            {"id": "f", "tool": "find", "params": {}},
            {"id": "a", "tool": "book", "params": {"place": "$f.name", "people": 2}},
            {"id": "b", "tool": "book", "params": {"place": "y", "people": 2}},
        ]))
        .unwrap();
        assert_eq!(gate.as_deref(), Some("a"), "the one whose parameters a query gives");
        let asked: Vec<&str> =
            nodes.iter().filter(|node| node.approval.is_some()).map(|node| node.id.as_str()).collect();
        assert_eq!(asked, ["a"]);
        let after = |id: &str| plan.steps.iter().find(|step| step.id == id).unwrap().after.clone();
        assert_eq!((after("b"), after("m"), after("f")), (vec!["a".to_owned()], vec!["a".to_owned()], vec![]));
    }

    #[test]
    fn what_a_query_gives_reaches_the_step_that_is_asked_about_and_no_other() {
        let find = json!({"id": "f", "tool": "find", "params": {}});
        let book = |id: &str, place: &str| json!({"id": id, "tool": "book", "params": {"place": place, "people": 2}});
        let send = |text: &str| json!({"id": "m", "tool": "send", "params": {"text": text}, "after": ["a"]});
        for (steps, unseen) in [
            (json!([find, book("a", "$f.name"), book("b", "$f.name")]), "b"),
            (json!([find, book("a", "Luigi's"), send("$f.name")]), "m"),
        ] {
            let refused = confirmed(steps).unwrap_err();
            assert_eq!((refused.step.as_deref(), refused.rule), (Some(unseen), Rule::Approval), "{refused}");
        }
        // What an effect gives comes of a step that was agreed to.
        let (_, _, gate) = confirmed(json!([find, book("a", "$f.name"), send("$a.name")])).unwrap();
        assert_eq!(gate.as_deref(), Some("a"));
    }

    #[test]
    fn what_only_reads_asks_nobody() {
        let (_, nodes, gate) = confirmed(json!([{"id": "f", "tool": "find", "params": {}}])).unwrap();
        assert!(gate.is_none() && nodes.iter().all(|node| node.approval.is_none()));
    }

    #[test]
    fn a_tool_that_others_must_agree_to_is_not_the_first_effect() {
        let launch = json!({"id": "l", "tool": "launch", "params": {}});
        assert_eq!(confirmed(json!([launch])).unwrap_err().rule, Rule::Approval);
        let book = json!({"id": "a", "tool": "book", "params": {"place": "x", "people": 2}});
        let (_, nodes, gate) = confirmed(json!([launch, book])).unwrap();
        assert_eq!(gate.as_deref(), Some("a"));
        assert!(nodes.iter().all(|node| node.approval.is_some()), "the tool's own approval stays");
    }

    #[test]
    fn a_tool_that_asks_its_owner_anyway_asks_once() {
        let (_, nodes, gate) = confirmed(json!([{"id": "o", "tool": "open", "params": {}}])).unwrap();
        assert_eq!(gate.as_deref(), Some("o"));
        assert_eq!(nodes[0].approval.as_ref().unwrap().question, "Open it?");
    }
}
