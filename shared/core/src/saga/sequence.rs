//! The rules that tools have for the plans that call them: what a step must not follow, must follow, or needs agreement
//! to.
//!
//! What must not follow is looked for in the sagas that steps run too, however deep: to the plan around it such a saga is
//! all that it calls. What a step must follow, and agreement to it, are its own plan's: a saga inside of a saga is
//! started by that alone.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::approval::Approval;
use super::checks::{approval_of, references};
use super::child::{self, Inside};
use super::condition::Condition;
use super::plan::{Plan, Step};
use super::reference;
use super::verify::Faults;
use crate::tool::{Definition, PlanRule};
use crate::violation::{Rule, Violation, short};

/// Checks the rules of all tools, and puts what must not be late before what it must not follow.
pub(super) fn keep(plan: &Plan, tools: &BTreeMap<String, Definition>, edges: &mut [Vec<usize>], faults: &mut Faults) {
    let inside: Vec<Vec<Inside>> = plan.steps.iter().map(child::inside).collect();
    let rules = |tool: &str| tools.get(tool).into_iter().flat_map(|tool| &tool.rules);
    for (place, step) in plan.steps.iter().enumerate() {
        for one in inside.get(place).into_iter().flatten() {
            for rule in rules(&one.tool).filter(|rule| !one.whole || holds(rule, &one.params)) {
                let subject = Subject { place, step: &step.id, path: &one.path, tool: &one.tool };
                put_first(subject, rule, plan, &inside, edges, faults);
            }
        }
        for rule in rules(&step.tool).filter(|rule| holds(rule, &step.params)) {
            let subject = Subject { place, step: &step.id, path: &step.id, tool: &step.tool };
            put_first(subject, rule, plan, &inside, edges, faults);
            let before = before(place, edges);
            let earlier = || plan.steps.iter().zip(&before).filter(|(_, before)| **before).map(|(step, _)| step);
            let follows = |one: &Step| rule.only_after.contains(&one.tool) && (is_sure(one) || hangs_on(step, one));
            if !rule.only_after.is_empty() && !earlier().any(follows) {
                let what = format!("it comes after `{}`, and nothing else will do.", rule.only_after.join("` or `"));
                faults.extend([breach(subject, rule, &what)]);
            }
            let agreed = || {
                let own = approval_of(step, tools);
                own.is_some_and(|own| own.when == rule.when || asks(&own, &step.params))
                    || earlier().any(|one| {
                        is_sure(one) && approval_of(one, tools).is_some_and(|asked| asks(&asked, &one.params))
                    })
            };
            if rule.approved && !agreed() {
                let what = "somebody has to agree to it, or to a step before it. Give it an `approval`.";
                faults.extend([breach(subject, rule, what)]);
            }
        }
    }
}

/// Whose rule is looked at: a step, or one of a saga that the step at this place runs.
#[derive(Clone, Copy)]
struct Subject<'a> {
    place: usize,
    step: &'a str,
    path: &'a str,
    tool: &'a str,
}

/// Has the others that its rule forbids before it, or what they run, wait for it; or says which comes before it.
fn put_first(
    subject: Subject<'_>,
    rule: &PlanRule,
    plan: &Plan,
    inside: &[Vec<Inside>],
    edges: &mut [Vec<usize>],
    faults: &mut Faults,
) {
    if rule.never_after.is_empty() {
        return;
    }
    let before = before(subject.place, edges);
    for (other, (late, inside)) in plan.steps.iter().zip(inside).enumerate() {
        let forbids = |tool: &String| rule.never_after.contains(tool);
        let within = || inside.iter().find(|one| forbids(&one.tool)).map(|one| &one.path);
        let found = if forbids(&late.tool) { Some(&late.id) } else { within() };
        let Some(path) = found.filter(|_| other != subject.place) else { continue };
        if before.get(other) == Some(&true) {
            let what = format!("it comes after `{path}`, and never may. Put it first.");
            faults.extend([breach(subject, rule, &what)]);
        } else if let Some(deps) = edges.get_mut(other) {
            deps.push(subject.place);
            deps.sort_unstable();
            deps.dedup();
        }
    }
}

/// Whether a rule is for these parameters, or may be.
fn holds(rule: &PlanRule, params: &Map<String, Value>) -> bool {
    rule.when.as_ref().is_none_or(|when| decided(when, params) != Some(false))
}

fn breach(subject: Subject<'_>, rule: &PlanRule, what: &str) -> Violation {
    let Subject { step, path, tool, .. } = subject;
    let message = format!("Step `{path}` ({tool}) breaks the rule `{}`: {what}", short(&rule.name));
    Violation::of(step, Rule::Sequence, message)
}

/// Which places come before one, through others too.
fn before(place: usize, edges: &[Vec<usize>]) -> Vec<bool> {
    let mut before = vec![false; edges.len()];
    let mut open = vec![place];
    while let Some(place) = open.pop() {
        for dep in edges.get(place).into_iter().flatten() {
            if let Some(seen) = before.get_mut(*dep).filter(|seen| !**seen) {
                *seen = true;
                open.push(*dep);
            }
        }
    }
    before
}

/// Whether a step is made in any case, if the plan comes so far.
fn is_sure(step: &Step) -> bool {
    step.when.is_none() && step.part.instead_of.is_empty() && step.part.item.is_none()
}

/// Whether a step is passed over where the other is.
fn hangs_on(step: &Step, other: &Step) -> bool {
    let mut refers = false;
    references(step, &mut |reference| refers |= reference.step == other.id);
    refers || (step.when.is_some() && step.when == other.when)
}

/// Whether people are asked for sure about a step with these parameters.
fn asks(approval: &Approval, params: &Map<String, Value>) -> bool {
    approval.when.as_ref().is_none_or(|when| decided(when, params) == Some(true))
}

/// Whether a condition holds of a step's parameters; `None` where they are not known yet.
fn decided(when: &Condition, params: &Map<String, Value>) -> Option<bool> {
    let mut known = Map::new();
    for (name, value) in params {
        if let Ok(value) = reference::resolve_value(value, &|_| None) {
            known.insert(name.clone(), value);
        }
    }
    let mut open = false;
    for side in [&when.left, &when.right] {
        reference::each(side, &mut |reference| {
            let name = reference.path().next();
            let later = name.is_none_or(|name| params.contains_key(name) && !known.contains_key(name));
            open |= reference.step != Approval::PARAMS || later;
        });
    }
    let known = Value::Object(known);
    (!open).then(|| when.holds(&|name| (name == Approval::PARAMS).then_some(&known)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::saga::{Limits, Node, definitions, freeze};
    use crate::tool::Class;
    use serde_json::json;

    fn tools(rules: Value) -> BTreeMap<String, Definition> {
        let tool = |name: &str, class: Class, rules: Value| {
            let mut tool = definitions()[0].clone();
            (tool.name, tool.class) = (name.to_owned(), class);
            tool.input = serde_json::from_value(json!({})).unwrap();
            tool.output = serde_json::from_value(json!({"properties": {"id": {}}})).unwrap();
            tool.rules = serde_json::from_value(rules).unwrap();
            (tool.name.clone(), tool)
        };
        [
            tool("look", Class::Query, json!([])),
            tool("book", Class::Compensatable, rules),
            tool("note", Class::Compensatable, json!([])),
        ]
        .into_iter()
        .chain(definitions().map(|tool| (tool.name.clone(), tool)))
        .collect()
    }

    fn frozen(rules: Value, steps: Value) -> Result<Vec<Node>, Vec<String>> {
        let plan: Plan = serde_json::from_value(json!({ "steps": steps })).unwrap();
        freeze(&plan, &tools(rules), Limits::default()).map_err(|error| {
            assert_eq!(error.code().as_str(), "invalid_plan");
            let named = |fault: &Violation| {
                assert_eq!(fault.rule, Rule::Sequence);
                format!("{}: {}", fault.step.as_deref().unwrap_or_default(), fault.message)
            };
            error.violations().iter().map(named).collect()
        })
    }

    #[test]
    fn what_must_not_come_after_is_refused_there_and_put_first_where_nothing_is_said() {
        let rules = json!([{"name": "booked-then-noted", "never_after": ["note"]}]);
        let plan = |after: Value, before: Value| json!([{"id": "n", "tool": "note", "after": before}, {"id": "b", "tool": "book", "after": after}]);
        let refused = frozen(rules.clone(), plan(json!(["n"]), json!([]))).unwrap_err();
        assert_eq!(
            refused,
            [
                "b: Step `b` (book) breaks the rule `booked-then-noted`: it comes after `n`, and never may. Put it first."
            ]
        );
        for before in [json!([]), json!(["b"])] {
            let nodes = frozen(rules.clone(), plan(json!([]), before)).unwrap();
            let ids: Vec<&str> = nodes.iter().map(|node| node.id.as_str()).collect();
            assert_eq!((ids, &nodes[1].deps), (vec!["b", "n"], &vec![0]));
        }
        let through = json!([{"id": "n", "tool": "note"}, {"id": "l", "tool": "look", "after": ["n"]},
            {"id": "b", "tool": "book", "after": ["l"]}]);
        assert_eq!(frozen(rules, through).unwrap_err().len(), 1, "through others too");
    }

    #[test]
    fn what_a_saga_inside_does_counts_for_the_plan_around_it_and_the_other_way() {
        let rules = json!([{"name": "booked-then-noted", "never_after": ["note"]}]);
        let runs = |id: &str, inner: Value, after: Value| json!({"id": id, "tool": "run_saga", "after": after, "params": {"plan": {"steps": inner}}});
        let (note, book) = (json!([{"id": "n", "tool": "note"}]), json!([{"id": "b", "tool": "book"}]));
        let own = |id: &str, tool: &str, after: Value| json!({"id": id, "tool": tool, "after": after});
        let says = |path: &str, late: &str| {
            format!(
                "Step `{path}` (book) breaks the rule `booked-then-noted`: it comes after `{late}`, and never may. Put it first."
            )
        };
        let deep = |inner: &Value| json!([runs("in", inner.clone(), json!([]))]);
        for (steps, step, told) in [
            // A step after one that runs what it must not follow, however deep, and directly or through others.
            (
                json!([runs("trip", note.clone(), json!([])), own("b", "book", json!(["trip"]))]),
                "b",
                says("b", "trip/n"),
            ),
            (
                json!([runs("trip", deep(&note), json!([])), own("b", "book", json!(["trip"]))]),
                "b",
                says("b", "trip/in/n"),
            ),
            // One that runs it after such a step.
            (
                json!([own("n", "note", json!([])), runs("trip", book.clone(), json!(["n"]))]),
                "trip",
                says("trip/b", "n"),
            ),
            (
                json!([
                    own("n", "note", json!([])),
                    own("l", "look", json!(["n"])),
                    runs("trip", deep(&book), json!(["l"]))
                ]),
                "trip",
                says("trip/in/b", "n"),
            ),
            // From the one to the other.
            (
                json!([runs("one", note.clone(), json!([])), runs("two", book.clone(), json!(["one"]))]),
                "two",
                says("two/b", "one/n"),
            ),
        ] {
            assert_eq!(frozen(rules.clone(), steps).unwrap_err(), [format!("{step}: {told}")]);
        }
        // Where nothing is said it is put first; and what is inside is in order there.
        for steps in [
            json!([runs("n", note.clone(), json!([])), own("b", "book", json!([]))]),
            json!([own("n", "note", json!([])), runs("b", book.clone(), json!([]))]),
            json!([runs("n", note, json!([])), runs("b", book, json!(["l"])), own("l", "look", json!([]))]),
        ] {
            let nodes = frozen(rules.clone(), steps).unwrap();
            let place = |id: &str| nodes.iter().position(|node| node.id == id).unwrap();
            assert!(place("b") < place("n") && nodes[place("n")].deps.contains(&nodes[place("b")].ix), "{nodes:?}");
        }
        let twice = json!([{"id": "b", "tool": "book"}, {"id": "n", "tool": "note"}]);
        let both = json!([runs("one", twice.clone(), json!([])), runs("two", twice, json!([]))]);
        assert_eq!(frozen(rules, both).unwrap_err(), [format!("two: {}", says("two/b", "one/n"))]);
    }

    #[test]
    fn what_a_saga_inside_is_yet_to_be_given_counts_as_if_a_rule_were_for_it() {
        let when = json!({"left": "$params.minor", "is": ">", "right": 500});
        let rules = json!([{"name": "large-first", "never_after": ["note"], "when": when}]);
        let plan = |minor: &str| {
            let params = json!({"minor": minor.parse::<u32>().map_or(json!(minor), Value::from)});
            let book = json!([{"id": "l", "tool": "look"}, {"id": "b", "tool": "book", "params": params}]);
            json!([{"id": "n", "tool": "note"}, {"id": "trip", "tool": "run_saga", "after": ["n"],
                "params": {"plan": {"steps": book}}}])
        };
        let refused = |minor: &str| frozen(rules.clone(), plan(minor)).is_err();
        assert!(refused("501") && !refused("500"));
        assert!(refused("$n.id"), "the parent gives it");
        assert!(refused("$$l.id"), "another step of the child gives it");
    }

    #[test]
    fn two_rules_that_leave_no_order_are_refused_and_do_not_make_a_circle() {
        let steps = json!([{"id": "a", "tool": "book"}, {"id": "b", "tool": "book"}]);
        let refused = frozen(json!([{"name": "alone", "never_after": ["book"]}]), steps).unwrap_err();
        assert_eq!(refused.len(), 1, "{refused:?}");
        assert!(refused[0].starts_with("b: "), "the first stays first: {refused:?}");
    }

    #[test]
    fn what_must_come_after_something_does() {
        let rules = json!([{"name": "looked", "only_after": ["look"]}]);
        let plan = |look: Value, params: Value| {
            let mut look = look;
            look["id"] = json!("l");
            look["tool"] = json!("look");
            json!([look, {"id": "b", "tool": "book", "params": params}])
        };
        let (alone, refers) = (json!({}), json!({"x": "$l.id"}));
        let when = json!({"when": {"left": 1, "is": "==", "right": 1}});
        assert_eq!(frozen(rules.clone(), plan(json!({}), alone)).unwrap_err().len(), 1);
        assert!(frozen(rules.clone(), plan(json!({}), refers.clone())).is_ok());
        assert!(frozen(rules.clone(), plan(when.clone(), refers)).is_ok(), "it is passed over with it");
        let after =
            json!([{"id": "l", "tool": "look", "when": when["when"]}, {"id": "b", "tool": "book", "after": ["l"]}]);
        assert!(frozen(rules, after).is_err(), "what may be passed over is no step before it");
    }

    #[test]
    fn large_sums_need_agreement_and_what_is_not_known_counts_as_large() {
        let large = json!({"left": "$params.minor", "is": ">", "right": 500});
        let rules = json!([{"name": "large-sums", "approved": true, "when": large}]);
        let book = |minor: Value, approval: Value| {
            let mut step = json!({"id": "b", "tool": "book", "params": {"minor": minor}});
            if !approval.is_null() {
                step["approval"] = approval;
            }
            json!([{"id": "l", "tool": "look"}, step])
        };
        let fine = |minor: Value, approval: Value| frozen(rules.clone(), book(minor, approval)).is_ok();
        assert!(fine(json!(500), Value::Null));
        assert!(!fine(json!(501), Value::Null) && !fine(json!("$l.id"), Value::Null));
        assert!(fine(json!(501), json!({})) && fine(json!("$l.id"), json!({})));
        // One that is asked for just where the rule wants it covers it, one for more than that does not.
        let from = |right: u32| json!({"when": {"left": "$params.minor", "is": ">", "right": right}});
        assert!(fine(json!("$l.id"), from(500)) && !fine(json!("$l.id"), from(1_000)));
        assert!(fine(json!(501), from(100)) && !fine(json!(501), from(1_000)));
        let noted = json!([{"id": "n", "tool": "note", "approval": {}},
            {"id": "b", "tool": "book", "params": {"minor": 900}, "after": ["n"]}]);
        assert!(frozen(rules, noted).is_ok(), "a yes to a step before it is one");
    }

    #[test]
    fn every_breach_is_told_at_once() {
        let rules = json!([{"name": "one", "only_after": ["look"]}, {"name": "two", "approved": true}]);
        let refused = frozen(rules, json!([{"id": "a", "tool": "book"}, {"id": "b", "tool": "book"}])).unwrap_err();
        let told: Vec<bool> = refused.iter().map(|fault| fault.contains("`one`")).collect();
        assert_eq!(told, [true, false, true, false]);
    }
}
