//! A step that is a saga of its own. To its parent it is a call like any other, of one of two built-in
//! tools: it is started under the step's key, it is done when the child is completed, refused when the
//! child was made good, and undone by making the child good.
//!
//! The child's plan is a parameter. As in every parameter, `$step.path` names what a step of the parent
//! gave; what the child's own steps give is written `$$step.path`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::node::Node;
use super::plan::{Plan, Step, object};
use super::reference::{self, Reference};
use super::state::Budget;
use super::verify::{LONGEST_WAIT, Limits, Room, freeze, freeze_within};
use crate::depth::too_deep;
use crate::error::{Code, Error};
use crate::id::SagaId;
use crate::ordered;
use crate::time::Millis;
use crate::tool::{Class, Definition, Repeat, Retry, Schema};
use crate::violation::{Rule, Violation};

/// Runs a plan all of whose steps can be undone, as a step that can be undone.
pub const RUN_SAGA: &str = "run_saga";
/// Runs any plan, as a step that is the point of no return.
pub const RUN_SAGA_FOR_GOOD: &str = "run_saga_for_good";

/// The definition's version; what is stored with it never changes.
const VERSION: &str = "1";
/// Longer than any saga may wait.
const MEMORY: Millis = Millis(10 * 366 * 24 * 60 * 60 * 1000);

/// The step of another saga that a saga runs for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parent {
    pub saga: SagaId,
    pub node: u32,
}

/// What the step's parameters say.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Child {
    #[serde(deserialize_with = "object")]
    pub plan: Plan,
    /// As for a saga that is started from outside; the parent's own do not cover it.
    #[serde(default)]
    pub deadline_ms: Option<Millis>,
    #[serde(default)]
    pub budget: Option<Budget>,
    /// What the step gives as `output`: references to what the child's steps gave.
    #[serde(default)]
    pub output: Map<String, Value>,
}

impl Child {
    /// Whether a tool is one of the two.
    #[must_use]
    pub fn is_one(tool: &str) -> bool {
        tool == RUN_SAGA || tool == RUN_SAGA_FOR_GOOD
    }

    /// Reads resolved parameters.
    ///
    /// # Errors
    /// [`Code::InvalidPlan`], with what is wrong.
    pub fn read(params: &Map<String, Value>) -> Result<Self, Error> {
        let child: Self = serde_json::from_value(Value::Object(params.clone())).map_err(|error| {
            let message: String = error.to_string().chars().take(300).collect();
            invalid(format!("the plan it runs cannot be read: {message}."))
        })?;
        if child.deadline_ms.is_some_and(|span| span.0 == 0 || span > LONGEST_WAIT) {
            return Err(invalid("`deadline_ms` is between 1 ms and 400 days."));
        }
        Ok(child)
    }

    /// Every tool that it calls, with those of children of its own.
    pub fn tools(&self) -> Vec<String> {
        tools_of(&self.plan)
    }

    /// Freezes the plan, as it will run.
    ///
    /// # Errors
    /// Those of [`freeze`], and [`Code::InvalidPlan`] where `tool` cannot run it.
    pub fn freeze(&self, tool: &str, tools: &BTreeMap<String, Definition>, limits: Limits) -> Result<Vec<Node>, Error> {
        self.check(tool, freeze(&self.plan, tools, limits)?)
    }

    /// What a plan must be besides, to be run by `tool`.
    fn check(&self, tool: &str, nodes: Vec<Node>) -> Result<Vec<Node>, Error> {
        let for_good = nodes.iter().find(|node| matches!(node.class, Class::Pivot | Class::Retriable));
        if tool == RUN_SAGA
            && let Some(node) = for_good
        {
            let message = format!("its step `{}` cannot be undone. Use `{RUN_SAGA_FOR_GOOD}`.", node.id);
            return Err(invalid(message));
        }
        for value in self.output.values() {
            let mut unknown = None;
            reference::each(value, &mut |reference| {
                if !self.plan.steps.iter().any(|step| step.id == reference.step) {
                    unknown.get_or_insert_with(|| reference.step.to_owned());
                }
            });
            if let Some(step) = unknown {
                return Err(invalid(format!("`output` refers to `$${step}`, which is no step of the plan it runs.")));
            }
        }
        Ok(nodes)
    }

    /// What the step gives once the child is completed. `output_of` is asked for a step's output.
    #[must_use]
    pub fn output<'v>(&self, id: &SagaId, output_of: &dyn Fn(&str) -> Option<&'v Value>) -> Value {
        let given = self.output.iter().map(|(name, value)| {
            // Of a step that was passed over there is none.
            (name.clone(), reference::resolve_value(value, output_of).unwrap_or_default())
        });
        json!({"saga": id, "output": ordered::object(given)})
    }
}

/// Fills a parent's results into the parameters of a step that runs a saga. What they hold is data to the
/// child too: a text in them that looks like a reference is none.
///
/// # Errors
/// The first reference that names nothing.
pub(super) fn hand_down<'v>(
    params: &Map<String, Value>,
    output_of: &dyn Fn(&str) -> Option<&'v Value>,
) -> Result<Map<String, Value>, String> {
    fill_params(params, output_of, 1)
}

/// `level`: how many plans will read the text, one after the other.
fn fill_params<'v>(
    params: &Map<String, Value>,
    output_of: &dyn Fn(&str) -> Option<&'v Value>,
    level: usize,
) -> Result<Map<String, Value>, String> {
    ordered::try_object(params.iter().map(|(name, value)| Ok((name.clone(), fill(value, output_of, level)?))))
}

fn fill<'v>(value: &Value, output_of: &dyn Fn(&str) -> Option<&'v Value>, level: usize) -> Result<Value, String> {
    match value {
        Value::String(text) if Reference::parse(text).is_some() => {
            Ok(quoted(reference::resolve_value(value, output_of)?, level))
        }
        Value::Array(items) => items.iter().map(|item| fill(item, output_of, level)).collect(),
        Value::Object(fields) => {
            let deeper = fields.get("tool").and_then(Value::as_str).is_some_and(Child::is_one);
            let filled = fields.iter().map(|(name, field)| {
                let field = match field.as_object().filter(|_| deeper && name == "params") {
                    Some(params) => Value::Object(fill_params(params, output_of, level + 1)?),
                    None => fill(field, output_of, level)?,
                };
                Ok((name.clone(), field))
            });
            ordered::try_object(filled).map(Value::Object)
        }
        Value::String(_) | Value::Null | Value::Bool(_) | Value::Number(_) => {
            reference::resolve_value(value, output_of)
        }
    }
}

/// So that as many plans, each taking one `$` away, read what stands there now.
fn quoted(value: Value, level: usize) -> Value {
    match value {
        Value::String(text) if text.starts_with("$$") || Reference::parse(&text).is_some() => {
            Value::String("$".repeat(level) + &text)
        }
        Value::Array(items) => items.into_iter().map(|item| quoted(item, level)).collect(),
        Value::Object(fields) => {
            Value::Object(ordered::object(fields.into_iter().map(|(name, field)| (name, quoted(field, level)))))
        }
        Value::String(_) | Value::Null | Value::Bool(_) | Value::Number(_) => value,
    }
}

/// Every tool that a plan's steps call, alternatives and children included, each once.
#[must_use]
pub fn tools_of(plan: &Plan) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for step in &plan.steps {
        for (tool, params) in calls(step) {
            if Child::is_one(tool)
                && let Ok((child, _)) = sketch(params)
            {
                names.extend(child.tools());
            }
            names.push(tool.clone());
        }
    }
    names.sort_unstable();
    names.dedup();
    names
}

/// What a step calls, and what may stand in for that, each with its parameters.
fn calls(step: &Step) -> impl Iterator<Item = (&String, &Map<String, Value>)> {
    // An alternative that names no tool has the step's.
    let or = step.or.iter().map(move |other| {
        let tool = if other.tool.is_empty() { &step.tool } else { &other.tool };
        (tool, &other.params)
    });
    std::iter::once((&step.tool, &step.params)).chain(or)
}

/// A call that a saga inside of a saga makes.
pub(super) struct Inside {
    /// From the step that runs the saga to the one that calls, with slashes between.
    pub path: String,
    pub tool: String,
    pub params: Map<String, Value>,
    /// Nothing is missing in them that a saga around it is to give.
    pub whole: bool,
}

/// All that is called by the saga that a step runs, and by those inside of it; nothing where it runs none.
pub(super) fn inside(step: &Step) -> Vec<Inside> {
    let mut found = Vec::new();
    if Child::is_one(&step.tool) {
        collect(&step.id, &step.params, true, &mut found);
    }
    found
}

fn collect(path: &str, params: &Map<String, Value>, whole: bool, found: &mut Vec<Inside>) {
    let Ok((child, complete)) = sketch(params) else { return };
    let whole = whole && complete;
    for step in &child.plan.steps {
        let path = format!("{path}/{}", step.id);
        for (tool, params) in calls(step) {
            if Child::is_one(tool) {
                collect(&path, params, whole, found);
            }
            found.push(Inside { path: path.clone(), tool: tool.clone(), params: params.clone(), whole });
        }
    }
}

/// Checks at plan time what will run then. What is wrong with the child's steps is wrong with the step that runs it.
pub(super) fn check(
    step: &Step,
    tools: &BTreeMap<String, Definition>,
    limits: Limits,
    room: &mut Room,
) -> Vec<Violation> {
    let of_step = |rule, message: &str| Violation::of(&step.id, rule, format!("Step `{}`: {message}", step.id));
    match check_within(step, tools, limits, room) {
        Ok(()) => Vec::new(),
        Err(error) if error.violations().is_empty() => vec![of_step(Rule::Plan, error.message())],
        Err(error) => error.violations().iter().map(|inner| of_step(inner.rule, &inner.message)).collect(),
    }
}

fn check_within(
    step: &Step,
    tools: &BTreeMap<String, Definition>,
    limits: Limits,
    room: &mut Room,
) -> Result<(), Error> {
    let Some(levels) = room.levels.checked_sub(1) else {
        return Err(Violation::whole(Rule::Steps, "It runs a plan too deep inside of others.").into());
    };
    let (child, complete) = sketch(&step.params)?;
    let mut lenient = None;
    let tools = if complete {
        tools
    } else {
        // What the parent will give is not known: everything but the values is checked.
        let known = lenient.insert(tools.clone());
        known.values_mut().for_each(|tool| tool.input = Schema::default());
        known
    };
    let mut deeper = Room { steps: room.steps, levels };
    let nodes = freeze_within(&child.plan, tools, limits, &mut deeper);
    room.steps = deeper.steps;
    child.check(&step.tool, nodes?).map(|_| ())
}

/// The child as far as it is known before its parent runs, and whether that is all of it: what the parent
/// is to give is `null`.
fn sketch(params: &Map<String, Value>) -> Result<(Child, bool), Error> {
    if params.values().any(too_deep) {
        return Err(invalid("the plan it runs is nested too deep."));
    }
    let mut complete = true;
    for value in params.values() {
        reference::each(value, &mut |_| complete = false);
    }
    Ok((Child::read(&without_references(params))?, complete))
}

fn without_references(params: &Map<String, Value>) -> Map<String, Value> {
    ordered::object(params.iter().map(|(name, value)| (name.clone(), without(value))))
}

fn without(value: &Value) -> Value {
    match value {
        Value::String(_) => reference::resolve_value(value, &|_| None).unwrap_or_default(),
        Value::Array(items) => items.iter().map(without).collect(),
        Value::Object(fields) => Value::Object(without_references(fields)),
        Value::Null | Value::Bool(_) | Value::Number(_) => value.clone(),
    }
}

fn invalid(message: impl Into<String>) -> Error {
    Error::new(Code::InvalidPlan, message)
}

/// The two tools, as the database holds them from the start.
#[must_use]
pub fn definitions() -> [Definition; 2] {
    let schema = |value: Value| serde_json::from_value::<Schema>(value).unwrap_or_default();
    let tool = |name: &str, title: &str, description: &str, class: Class, fence: bool| Definition {
        name: name.to_owned(),
        version: VERSION.to_owned(),
        title: title.to_owned(),
        description: description.to_owned(),
        examples: Vec::new(),
        class,
        repeat: Repeat::Keyed { ttl_ms: MEMORY },
        status: false,
        fence,
        timeout_ms: Millis(5_000),
        estimate_ms: Millis(100),
        retry: Retry { attempts: 5, base_ms: Millis(200), cap_ms: Millis(60_000), never: Vec::new() },
        cost_minor: 0,
        cost_tokens: 0,
        approval: None,
        rules: Vec::new(),
        concurrency: Vec::new(),
        rate: None,
        secrets: Map::new(),
        hosts: Vec::new(),
        mcp: None,
        input: schema(json!({
            "type": "object", "required": ["plan"], "additionalProperties": false,
            "properties": {"plan": {"type": "object"}, "deadline_ms": {"type": "integer"},
                "budget": {"type": "object"}, "output": {"type": "object"}}
        })),
        output: schema(json!({
            "type": "object",
            "properties": {"saga": {"type": "string"}, "output": {"additionalProperties": {}}}
        })),
    };
    let undoable = "Carries a plan out as a saga of its own, all of whose steps can be undone.";
    let for_good = "Carries a plan out as a saga of its own, after which there is no way back.";
    [
        tool(RUN_SAGA, "Run a saga", undoable, Class::Compensatable, true),
        tool(RUN_SAGA_FOR_GOOD, "Run a saga for good", for_good, Class::Pivot, false),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tools() -> BTreeMap<String, Definition> {
        let mut book = definitions()[0].clone();
        book.name = "book".to_owned();
        book.input = serde_json::from_value(json!({"properties": {"n": {"type": "integer"}}})).unwrap();
        book.output = serde_json::from_value(json!({"properties": {"id": {}}})).unwrap();
        let mut pay = book.clone();
        (pay.name, pay.class) = ("pay".to_owned(), Class::Pivot);
        let [run, for_good] = definitions();
        [book, pay, run, for_good].into_iter().map(|tool| (tool.name.clone(), tool)).collect()
    }

    fn frozen(steps: &Value) -> Result<Vec<Node>, Error> {
        let plan: Plan = serde_json::from_value(json!({ "steps": steps })).unwrap();
        freeze(&plan, &tools(), Limits::default())
    }

    fn run(tool: &str, params: &Value) -> Result<Vec<Node>, Error> {
        frozen(&json!([{"id": "first", "tool": "book"}, {"id": "trip", "tool": tool, "params": params}]))
    }

    #[test]
    fn a_plan_inside_a_plan_is_checked_as_a_plan_is() {
        let plan = |inner: Value| json!({"plan": {"steps": inner}});
        let fine = json!([{"id": "a", "tool": "book"}, {"id": "b", "tool": "book", "params": {"x": "$$a.id"}}]);
        assert_eq!(run(RUN_SAGA, &plan(fine)).unwrap().len(), 2);
        for (inner, says) in [
            (json!([{"id": "a", "tool": "lost"}]), "names the tool `lost`"),
            (json!([{"id": "a", "tool": "book", "params": {"n": "x"}}]), "Step `trip`: Step `a` (book): /n"),
            (json!([{"id": "a", "tool": "book", "params": {"x": "$$b.id"}}]), "refers to `$b`"),
            (json!([]), "has no steps"),
            (json!([{"id": "a", "tool": "pay"}]), "Use `run_saga_for_good`"),
        ] {
            let error = run(RUN_SAGA, &plan(inner)).unwrap_err();
            assert!(error.message().contains(says), "{} and not {says}", error.message());
        }
        assert!(run(RUN_SAGA, &json!({"plan": 1})).is_err());
        assert!(run(RUN_SAGA_FOR_GOOD, &plan(json!([{"id": "a", "tool": "pay"}]))).is_ok());
    }

    #[test]
    fn plans_inside_of_plans_share_one_limit() {
        let inner = json!({"steps": [{"id": "b", "tool": "book"}]});
        let list: Vec<u32> = (0..30).collect();
        let middle = json!({"steps": [{"id": "a", "tool": RUN_SAGA, "each": {"in": list}, "params": {"plan": inner}}]});
        let steps = json!([{"id": "top", "tool": RUN_SAGA, "each": {"in": list}, "params": {"plan": middle}}]);
        assert_eq!(frozen(&steps).unwrap_err().code(), Code::PlanTooLarge);
        let mut deep = inner;
        for _ in 0..5 {
            deep = json!({"steps": [{"id": "a", "tool": RUN_SAGA, "params": {"plan": deep}}]});
        }
        assert_eq!(frozen(&deep["steps"]).unwrap_err().code(), Code::PlanTooLarge);
    }

    #[test]
    fn what_the_parent_gives_is_checked_when_it_is_there() {
        let params = json!({"plan": {"steps": [{"id": "a", "tool": "book", "params": {"n": "$first.id"}}]}});
        let nodes = run(RUN_SAGA, &params).unwrap();
        assert_eq!(nodes.last().unwrap().refs.keys().collect::<Vec<_>>(), ["first"]);
    }

    #[test]
    fn what_a_partner_gave_is_never_a_reference_of_the_childs() {
        let given = json!({"a": "$b.id", "b": ["$$c", "$25", "plain"], "c": 1});
        let output_of = |step: &str| (step == "first").then_some(&given);
        let inner = json!({"steps": [{"id": "z", "tool": "book", "params": {"deep": "$first.a"}}]});
        let params = json!({"plan": {"steps": [
            {"id": "x", "tool": "book", "params": {"all": "$first", "mine": "$$y.id"}},
            {"id": "y", "tool": RUN_SAGA, "params": {"plan": inner}}]}});
        let child = hand_down(params.as_object().unwrap(), &output_of).unwrap();
        let steps = &child["plan"]["steps"];
        let read = |params: &Value| reference::resolve(params.as_object().unwrap(), &|_| None);
        assert_eq!(steps[0]["params"]["mine"], "$y.id");
        let all = json!({"all": steps[0]["params"]["all"]});
        assert_eq!(read(&all).unwrap()["all"], given);
        let deeper = read(&steps[1]["params"]).unwrap();
        let deep = read(&deeper["plan"]["steps"][0]["params"]).unwrap();
        assert_eq!(deep["deep"], "$b.id");
    }

    #[test]
    fn a_child_gives_what_its_plan_says_it_gives() {
        let params = json!({"plan": {"steps": [{"id": "a", "tool": "book"}]}, "output": {"room": "$a.id"}});
        let child = Child::read(params.as_object().unwrap()).unwrap();
        let (id, given) = (SagaId::new(Millis(1), [0; 10]), json!({"id": 7}));
        let output = child.output(&id, &|step| (step == "a").then_some(&given));
        assert_eq!(output, json!({"saga": id, "output": {"room": 7}}));
        let unknown = json!({"plan": {"steps": [{"id": "a", "tool": "book"}]}, "output": {"room": "$$b.id"}});
        assert!(run(RUN_SAGA, &unknown).is_err());
    }

    #[test]
    fn the_tools_of_a_plan_are_those_of_its_children_too() {
        let inner = json!({"steps": [{"id": "b", "tool": "book"}]});
        let outer = json!({"steps": [{"id": "a", "tool": RUN_SAGA, "params": {"plan": inner}}]});
        let plan: Plan = serde_json::from_value(outer).unwrap();
        assert_eq!(tools_of(&plan), ["book", RUN_SAGA]);
    }
}
