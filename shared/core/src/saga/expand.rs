//! What a step stands for: one node, one for each item of a list, or one for each alternative.
//!
//! A step that is made for each item of a list becomes a node per item, `text[0]`, `text[1]` and so on,
//! and one, `text`, that gathers what they give. A step with alternatives becomes one node for each,
//! `ride~1`, `ride~2`, and one, `ride`, that gives what the first of them gave that was done. So the
//! engine knows nodes only, and how many of them there can be is known before anything runs.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::condition::Condition;
use super::node::Item;
use super::plan::{Plan, Step};
use super::reference::{self, Reference};
use super::verify::Faults;
use crate::ordered;
use crate::violation::{Rule, Violation};

/// The step is made for each item of a list, in which `$item` stands for the item.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Each {
    /// A list, or a reference to one.
    #[serde(rename = "in")]
    pub list: Value,
    /// The most items that a list that is referred to may have; more are refused, with the code
    /// `too_many_items`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub most: Option<u32>,
    /// So many are under way at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub concurrency: Option<u32>,
}

/// What is tried instead where a step is refused for good.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Alternative {
    /// Left out where it is the same tool with other parameters.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub tool: String,
    #[serde(default)]
    pub params: Map<String, Value>,
}

/// What an expanded step is of the step that was written.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Part {
    /// It is for this item of a list that is known only when its turn comes.
    pub item: Option<Item>,
    /// Which step of the plan it belongs to, and how many of its parts are under way at once.
    pub crowd: Option<(u32, u32)>,
    /// It only gathers what these steps gave: all of them, in order, or the first that was done.
    pub gather: Option<(Gathered, Vec<String>)>,
    /// It is made only if none of these steps was done.
    pub instead_of: Vec<String>,
    /// Another step stands in for it where it is refused.
    pub replaceable: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gathered {
    All,
    First,
}

const ITEM: &str = "item";

/// The id of the step that a node was made of.
pub(super) fn step_of(id: &str) -> &str {
    id.split(['[', '~']).next().unwrap_or(id)
}

/// Writes a plan out, with one step for each node. Where there are faults it is not all of it.
pub(super) fn expand(plan: &Plan, most: usize, faults: &mut Faults) -> Plan {
    let mut steps = Vec::with_capacity(plan.steps.len());
    let ambiguous = plan.steps.iter().any(|step| step.id == ITEM) && plan.steps.iter().any(|step| step.each.is_some());
    if ambiguous {
        let message = "No step is called `item` where another has `each`: there `$item` is the item.";
        faults.extend([invalid(ITEM, message)]);
    }
    for (place, step) in (0_u32..).zip(&plan.steps) {
        let written = check(step, most).and_then(|()| match &step.each {
            None => {
                alternatives(step.clone(), &mut steps);
                Ok(())
            }
            Some(each) => items(step, each, place, most.saturating_sub(steps.len()), &mut steps),
        });
        faults.note(written);
        if steps.len() > most {
            let message = format!(
                "The plan has more than {most} steps, counting one for each item and each alternative. Split it."
            );
            faults.extend([Violation::whole(Rule::Steps, message)]);
        }
        if faults.enough() {
            break;
        }
    }
    Plan { summary: plan.summary.clone(), steps }
}

fn invalid(id: &str, message: impl Into<String>) -> Violation {
    Violation::of(id, Rule::Policy, message)
}

fn check(step: &Step, most: usize) -> Result<(), Violation> {
    let id = &step.id;
    if step.wait.is_some() && (step.each.is_some() || !step.or.is_empty() || step.escalate) {
        return Err(invalid(id, format!("Step `{id}` waits: it has no `each`, `or` or `escalate`.")));
    }
    let Some(each) = &step.each else { return Ok(()) };
    let within = |count: Option<u32>| count.is_none_or(|count| count > 0 && count as usize <= most);
    if !within(each.most) || !within(each.concurrency) {
        return Err(invalid(id, format!("Step `{id}`: `most` and `concurrency` are between 1 and {most}.")));
    }
    match &each.list {
        Value::Array(_) if each.most.is_some() => {
            Err(invalid(id, format!("Step `{id}`: `most` is for a list that is referred to; this one is written out.")))
        }
        Value::Array(_) => Ok(()),
        Value::String(text) if Reference::parse(text).is_some_and(|reference| reference.step != ITEM) => {
            let missing =
                || invalid(id, format!("Step `{id}`: say in `most` how long the list `{text}` may be at most."));
            each.most.map(|_| ()).ok_or_else(missing)
        }
        Value::String(_) | Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => Err(invalid(
            id,
            format!("Step `{id}`: `each.in` is a list, or a reference to one such as `$guests.names`."),
        )),
    }
}

/// One step for each item, and one that gathers.
fn items(step: &Step, each: &Each, place: u32, room: usize, steps: &mut Vec<Step>) -> Result<(), Violation> {
    let of_list: Vec<(Value, Option<Item>)> = if let Value::Array(items) = &each.list {
        items.iter().map(|item| (item.clone(), None)).collect()
    } else {
        let list = each.list.as_str().unwrap_or_default();
        let most = each.most.unwrap_or_default();
        let item = |at| Item { list: list.to_owned(), at, most };
        (0..most).map(|at| (Value::from(format!("{list}.{at}")), Some(item(at)))).collect()
    };
    if of_list.len() >= room.max(1) {
        let message = format!("Step `{}` is for {} items, and that makes the plan too long.", step.id, of_list.len());
        return Err(Violation::of(&step.id, Rule::Steps, message));
    }
    let mut members = Vec::with_capacity(of_list.len());
    let plain = Step { each: None, ..step.clone() };
    for (at, (value, item)) in of_list.into_iter().enumerate() {
        let id = format!("{}[{at}]", step.id);
        let put = |params: &Map<String, Value>| -> Result<Map<String, Value>, Violation> {
            ordered::try_object(params.iter().map(|(name, param)| Ok((name.clone(), with_item(param, &value, &id)?))))
        };
        let of_item = Step {
            params: put(&step.params)?,
            when: step.when.as_ref().map(|when| condition(when, &value, &id)).transpose()?,
            or: step
                .or
                .iter()
                .map(|other| Ok(Alternative { tool: other.tool.clone(), params: put(&other.params)? }))
                .collect::<Result<_, Violation>>()?,
            part: Part { item, crowd: each.concurrency.map(|most| (place, most)), ..Part::default() },
            id: id.clone(),
            ..plain.clone()
        };
        alternatives(of_item, steps);
        members.push(id);
    }
    let whole = step.when.clone().filter(|when| ![&when.left, &when.right].into_iter().any(names_item));
    let list = matches!(each.list, Value::String(_)).then(|| Item {
        list: each.list.as_str().unwrap_or_default().to_owned(),
        at: 0,
        most: each.most.unwrap_or_default(),
    });
    let after = step.after.iter().chain(&members).cloned().collect();
    let part = Part { gather: Some((Gathered::All, members)), item: list, ..Part::default() };
    steps.push(Step { id: step.id.clone(), when: whole, after, part, ..Step::default() });
    Ok(())
}

/// One step for each alternative, and one that gives what the first gave that was done.
fn alternatives(step: Step, steps: &mut Vec<Step>) {
    if step.or.is_empty() {
        steps.push(step);
        return;
    }
    let first = Alternative { tool: step.tool.clone(), params: step.params.clone() };
    let all: Vec<&Alternative> = std::iter::once(&first).chain(&step.or).collect();
    let mut members: Vec<String> = Vec::with_capacity(all.len());
    for (nth, alternative) in (1..).zip(&all) {
        let last = nth == all.len();
        let id = format!("{}~{nth}", step.id);
        let tool = if alternative.tool.is_empty() { &step.tool } else { &alternative.tool };
        steps.push(Step {
            id: id.clone(),
            tool: tool.clone(),
            params: alternative.params.clone(),
            after: step.after.iter().chain(&members).cloned().collect(),
            or: Vec::new(),
            escalate: step.escalate && last,
            part: Part { instead_of: members.clone(), replaceable: !last, ..step.part.clone() },
            ..step.clone()
        });
        members.push(id);
    }
    let part = Part { gather: Some((Gathered::First, members.clone())), ..Part::default() };
    steps.push(Step { id: step.id, after: members, part, ..Step::default() });
}

fn condition(when: &Condition, item: &Value, id: &str) -> Result<Condition, Violation> {
    let (left, right) = (with_item(&when.left, item, id)?, with_item(&when.right, item, id)?);
    Ok(Condition { left, right, is: when.is })
}

fn names_item(value: &Value) -> bool {
    let mut named = false;
    reference::each(value, &mut |reference| named |= reference.step == ITEM);
    named
}

/// Puts the item, or a reference to it, in the place of `$item`.
fn with_item(value: &Value, item: &Value, id: &str) -> Result<Value, Violation> {
    Ok(match value {
        Value::String(text) => match Reference::parse(text).filter(|reference| reference.step == ITEM) {
            None => value.clone(),
            Some(reference) => part_of(item, &reference).ok_or_else(|| {
                invalid(id, format!("Step `{id}`: `{text}` names nothing in its item. Every item must have it."))
            })?,
        },
        Value::Array(values) => {
            Value::Array(values.iter().map(|value| with_item(value, item, id)).collect::<Result<_, _>>()?)
        }
        Value::Object(fields) => Value::Object(
            fields
                .iter()
                .map(|(name, field)| Ok((name.clone(), with_item(field, item, id)?)))
                .collect::<Result<_, Violation>>()?,
        ),
        Value::Null | Value::Bool(_) | Value::Number(_) => value.clone(),
    })
}

/// A part of an item: of one that is a reference itself, a longer reference.
fn part_of(item: &Value, reference: &Reference<'_>) -> Option<Value> {
    let path: Vec<&str> = reference.path().collect();
    match item {
        Value::String(text) if !path.is_empty() => {
            Reference::parse(text).map(|_| Value::from(format!("{text}.{}", path.join("."))))
        }
        Value::String(_) | Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
            reference.find(item).cloned()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Error;
    use serde_json::json;

    fn expanded(steps: Value) -> Result<Vec<Step>, Error> {
        let plan: Plan = serde_json::from_value(json!({ "steps": steps })).unwrap();
        let mut faults = Faults::default();
        let plan = expand(&plan, 100, &mut faults);
        faults.none()?;
        Ok(plan.steps)
    }

    fn ids(steps: &[Step]) -> Vec<&str> {
        steps.iter().map(|step| step.id.as_str()).collect()
    }

    #[test]
    fn a_written_list_makes_a_step_for_each_item_and_one_that_gathers() {
        let steps = expanded(json!([{"id": "text", "tool": "send", "each": {"in": [{"to": "Ann"}, "$who.first"]},
            "params": {"to": "$item.to", "all": ["$item"]}}]))
        .unwrap();
        assert_eq!(ids(&steps), ["text[0]", "text[1]", "text"]);
        assert_eq!(Value::from(steps[0].params.clone()), json!({"to": "Ann", "all": [{"to": "Ann"}]}));
        assert_eq!(Value::from(steps[1].params.clone()), json!({"to": "$who.first.to", "all": ["$who.first"]}));
        assert_eq!(steps[2].after, ["text[0]", "text[1]"]);
    }

    #[test]
    fn a_list_that_is_referred_to_makes_as_many_steps_as_it_may_have_items() {
        let steps = expanded(json!([{"id": "text", "tool": "send", "each": {"in": "$guests.names", "most": 3},
            "params": {"to": "$item.phone"}}]))
        .unwrap();
        assert_eq!(ids(&steps), ["text[0]", "text[1]", "text[2]", "text"]);
        assert_eq!(steps[2].params["to"], "$guests.names.2.phone");
        assert_eq!(steps[2].part.item, Some(Item { list: "$guests.names".to_owned(), at: 2, most: 3 }));
    }

    #[test]
    fn each_alternative_is_a_step_that_follows_the_one_it_stands_in_for() {
        let steps = expanded(json!([{"id": "ride", "tool": "taxi", "params": {"n": 1}, "after": ["table"],
            "or": [{"params": {"n": 2}}, {"tool": "bus"}]}]))
        .unwrap();
        assert_eq!(ids(&steps), ["ride~1", "ride~2", "ride~3", "ride"]);
        assert_eq!((steps[1].tool.as_str(), &steps[1].params["n"]), ("taxi", &json!(2)));
        assert_eq!((steps[2].tool.as_str(), &steps[2].part.instead_of), ("bus", &steps[2].after[1..].to_vec()));
        assert!(steps[1].part.replaceable && !steps[2].part.replaceable);
        assert!(steps.iter().take(3).all(|step| step.after[0] == "table"));
    }

    #[test]
    fn what_cannot_be_written_out_is_refused() {
        let message = |steps: Value| expanded(steps).unwrap_err().to_string();
        let each = |each: Value| message(json!([{"id": "a", "tool": "t", "each": each, "params": {"x": "$item.x"}}]));
        assert!(each(json!({"in": "$b.list"})).contains("say in `most`"));
        assert!(each(json!({"in": "plain", "most": 2})).contains("a list, or a reference"));
        assert!(each(json!({"in": [{"x": 1}, {"y": 1}]})).contains("`a[1]`: `$item.x` names nothing"));
        assert!(each(json!({"in": [1], "concurrency": 0})).contains("between 1"));
        assert!(each(json!({"in": "$b", "most": 100})).contains("100 items"));
        assert!(message(json!([{"id": "a", "wait": {"for_ms": 1}, "escalate": true}])).contains("waits"));
        let two = expanded(json!([
            {"id": "a", "tool": "t", "each": {"in": "$b.list"}}, {"id": "b", "wait": {"for_ms": 1}, "escalate": true}
        ]));
        let two = two.unwrap_err();
        let steps: Vec<Option<&str>> = two.violations().iter().map(|fault| fault.step.as_deref()).collect();
        assert_eq!(steps, [Some("a"), Some("b")], "each is told of");
    }
}
