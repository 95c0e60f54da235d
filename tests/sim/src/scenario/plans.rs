//! Plans as they are drawn: mostly plain steps, and of all that a step can be besides now and then some.

use std::collections::BTreeMap;

use makegood_core::saga::{
    Alternative, Approval, Comparison, Condition, Each, Limits, Plan, RUN_SAGA, RUN_SAGA_FOR_GOOD, Step, Wait, freeze,
};
use makegood_core::time::Millis;
use makegood_core::tool::{Definition, Retry};
use serde_json::{Map, Value, json};

use super::tools::{COMPENSATABLE, CONTRACTS, PIVOTS, QUERIES, RETRIABLE};
use super::{APPROVERS, DAWN};
use crate::rng::Rng;

pub(super) fn random_plan(rng: &mut Rng) -> Plan {
    // A long plan costs as much as six short ones, and shows what is paged.
    let steps = match rng.below(40) {
        0 => 40,
        1 => 20,
        2..=7 => rng.between(1, 4),
        _ => rng.between(4, 9),
    };
    let pivot = rng.chance(500).then(|| rng.below(steps));
    let density = *rng.pick(&[100, 300, 600, 900]);
    // How much there is besides plain steps.
    let richness = *rng.pick(&[0, 0, 100, 300]);
    let mut plan = Plan { summary: "simulated".to_owned(), steps: Vec::new() };
    for place in 0..steps {
        let range = match pivot {
            Some(pivot) if pivot == place => PIVOTS,
            _ if rng.chance(250) => QUERIES,
            Some(pivot) if place > pivot && rng.chance(50) => PIVOTS,
            Some(pivot) if place > pivot => RETRIABLE,
            Some(_) | None => COMPENSATABLE,
        };
        let choices: Vec<usize> = range.collect();
        let tool = CONTRACTS[*rng.pick(&choices)].0.to_owned();
        let mut step = Step { id: format!("s{place}"), tool, ..Step::default() };
        let waits = richness > 0 && pivot != Some(place) && rng.chance(richness / 2);
        if waits {
            step.tool.clear();
            step.wait = Some(random_wait(rng, place));
        } else {
            step.params.insert("n".to_owned(), json!(place));
        }
        let is_pivot = pivot == Some(place);
        let undoable = pivot.is_none_or(|pivot| place < pivot);
        if !waits && richness > 0 && (is_pivot || undoable) && rng.chance(richness / 3) {
            run_saga(rng, &mut step, is_pivot, &plan);
        }
        let plain = step.params.contains_key("n");
        // Behind the point of no return an approval has no place: such a plan is refused, and another made.
        let in_place = pivot.is_none_or(|pivot| place <= pivot) || rng.chance(50);
        if !waits && in_place && rng.chance(richness / 2) {
            step.approval = Some(random_approval(rng));
        }
        if !waits && rng.chance(richness / 4) {
            step.retry = Some(Retry { attempts: 2, base_ms: Millis(50), cap_ms: Millis(100), never: Vec::new() });
        }
        if place > 0 && rng.chance(richness) {
            let before = rng.below(place);
            let known = plan.steps.get(usize::try_from(before).unwrap_or(0));
            if known.is_some_and(|step| !is_nameless(step) && !matches!(step.wait, Some(Wait::ForMs(_)))) {
                step.when = Some(Condition {
                    left: json!(format!("$s{before}.n")),
                    is: Comparison::Less,
                    right: json!(*rng.pick(&[300_000, 700_000, 2_000_000])),
                });
            }
        }
        if plain && rng.chance(100) {
            step.params.insert("price".to_owned(), json!("$$5"));
        }
        if plain && rng.chance(richness / 2) {
            step.each = random_each(rng, &plan);
            if step.each.is_some() {
                step.params.insert("item".to_owned(), json!(*rng.pick(&["$item", "$item.n"])));
            }
        }
        if plain && pivot != Some(place) && rng.chance(richness / 2) {
            for nth in 0..rng.between(1, 2) {
                let tool = CONTRACTS[*rng.pick(&choices)].0.to_owned();
                step.or.push(Alternative {
                    tool,
                    params: Map::from_iter([("n".to_owned(), json!(place + 100 * (nth + 1)))]),
                });
            }
        }
        step.escalate = !waits && rng.chance(richness / 4);
        for nth in 0..3_u64 {
            if place == 0 || !rng.chance(density) {
                continue;
            }
            // Mostly near ones, so that there are chains and not only stars.
            let before = if rng.chance(700) { place - 1 - rng.below(place.min(4)) } else { rng.below(place) };
            let nameless = plan.steps.get(usize::try_from(before).unwrap_or(0)).is_some_and(is_nameless);
            if !plain || rng.chance(500) {
                step.after.push(format!("s{before}"));
                continue;
            }
            let path = if nameless { "" } else { *rng.pick(&[".id", ".id", ".id", ".n", ".n", "", ".hint"]) };
            step.params.insert(format!("p{nth}"), json!(format!("$s{before}{path}")));
        }
        plan.steps.push(step);
    }
    plan
}

/// Whether other steps can refer to it as a whole only.
fn is_nameless(step: &Step) -> bool {
    step.tool == "flight" || step.tool.is_empty() || step.tool.starts_with(RUN_SAGA)
}

/// Makes it a step that is a saga of its own, of a few steps; now and then with one that is one again.
fn run_saga(rng: &mut Rng, step: &mut Step, for_good: bool, before: &Plan) {
    let deeper = !for_good && rng.chance(150);
    let inner = small_plan(rng, for_good, deeper);
    step.tool = (if for_good { RUN_SAGA_FOR_GOOD } else { RUN_SAGA }).to_owned();
    let mut params = Map::from_iter([("plan".to_owned(), escaped(inner))]);
    if rng.chance(100) {
        params.insert("deadline_ms".to_owned(), json!(rng.between(100, 6_000)));
    }
    // What its parent hands down.
    let given = before.steps.iter().rev().find(|step| !is_nameless(step) && step.each.is_none() && step.or.is_empty());
    if let (Some(given), true) = (given, rng.chance(400)) {
        params["plan"]["steps"][0]["params"]["given"] = json!(format!("${}.id", given.id));
    }
    step.params = params;
}

fn small_plan(rng: &mut Rng, for_good: bool, deeper: bool) -> Value {
    let many = rng.between(1, 3);
    let mut steps = Vec::new();
    for place in 0..many {
        let last = place + 1 == many;
        let range = match (for_good && last, rng.chance(200)) {
            (true, _) => PIVOTS,
            (false, true) => QUERIES,
            (false, false) => COMPENSATABLE,
        };
        let choices: Vec<usize> = range.collect();
        let tool = CONTRACTS[*rng.pick(&choices)].0;
        let after: Vec<String> = place.checked_sub(1).map(|before| format!("c{before}")).into_iter().collect();
        let after = if rng.chance(600) { after } else { Vec::new() };
        steps.push(json!({"id": format!("c{place}"), "tool": tool, "params": {"n": place}, "after": after}));
        if place > 0 && rng.chance(300) {
            steps[usize::try_from(place).unwrap_or(0)]["params"]["p"] = json!(format!("$c{}", place - 1));
        }
    }
    if deeper {
        let inner = escaped(small_plan(rng, false, false));
        steps.push(json!({"id": "deeper", "tool": RUN_SAGA, "params": {"plan": inner}}));
    }
    json!({"summary": "a part", "steps": steps})
}

/// With a `$` more before each reference: it is another plan's.
fn escaped(value: Value) -> Value {
    match value {
        Value::String(text) if text.starts_with('$') => json!(format!("${text}")),
        Value::Array(items) => items.into_iter().map(escaped).collect(),
        Value::Object(fields) => fields.into_iter().map(|(name, field)| (name, escaped(field))).collect(),
        other @ (Value::String(_) | Value::Null | Value::Bool(_) | Value::Number(_)) => other,
    }
}

/// The same plan with steps less, more or different, as somebody would have it who has thought again.
pub(super) fn random_replan(rng: &mut Rng, plan: &Plan, tools: &BTreeMap<String, Definition>) -> Option<(u64, Plan)> {
    let after = rng.between(10, 4_000);
    for _ in 0..4 {
        let mut other = plan.clone();
        let many = other.steps.len() as u64;
        if rng.chance(500) {
            other.steps.truncate(usize::try_from(rng.between(1, many)).unwrap_or(1));
        }
        for step in &mut other.steps {
            if step.params.contains_key("n") && rng.chance(200) {
                step.params.insert("n".to_owned(), json!(rng.between(1_000, 9_000)));
            }
        }
        if rng.chance(600) {
            let (id, tool) =
                (format!("s{many}"), CONTRACTS[*rng.pick(&COMPENSATABLE.collect::<Vec<_>>())].0.to_owned());
            let params = Map::from_iter([("n".to_owned(), json!(many))]);
            let last = other.steps.last().map(|step| step.id.clone());
            let after = last.into_iter().filter(|_| rng.chance(500)).collect();
            other.steps.push(Step { id, tool, params, after, ..Step::default() });
        }
        if other != *plan && freeze(&other, tools, Limits::default()).is_ok() {
            return Some((after, other));
        }
    }
    None
}

/// A list that is written out, or one that an earlier step gives: at times a longer one than may be.
fn random_each(rng: &mut Rng, plan: &Plan) -> Option<Each> {
    let concurrency = rng.chance(400).then(|| u32::try_from(rng.between(1, 2)).unwrap_or(1));
    let before = plan
        .steps
        .iter()
        .filter(|step| step.wait.is_none() && step.each.is_none() && step.or.is_empty() && !is_nameless(step));
    let before: Vec<&Step> = before.collect();
    if rng.chance(300) || before.is_empty() {
        let items = (0..rng.below(4)).map(|n| json!({ "n": n }));
        return Some(Each { list: items.collect(), most: None, concurrency });
    }
    let list = json!(format!("${}.list", rng.pick(&before).id));
    Some(Each { list, most: Some(*rng.pick(&[2, 4, 5])), concurrency })
}

fn random_wait(rng: &mut Rng, place: u64) -> Wait {
    match rng.below(4) {
        0 => Wait::ForMs(Millis(rng.between(1, 3_000))),
        1 => Wait::ForMs(Millis(*rng.pick(&[20_000, 86_400_000, 30 * 86_400_000]))),
        2 => Wait::Until(Millis(DAWN + rng.below(10_000))),
        _ => Wait::Event { name: format!("event {place}"), within_ms: Millis(rng.between(500, 20_000)) },
    }
}

fn random_approval(rng: &mut Rng) -> Approval {
    let by: Vec<String> = match rng.below(3) {
        0 => Vec::new(),
        1 => APPROVERS[..1].iter().map(|who| (*who).to_owned()).collect(),
        _ => APPROVERS.iter().map(|who| (*who).to_owned()).collect(),
    };
    let most = u64::try_from(by.len()).unwrap_or(1).max(1);
    let quorum = u32::try_from(rng.between(1, most)).unwrap_or(1);
    // Only the later ones are risky.
    let when = rng.chance(200).then(|| Condition {
        left: json!("$params.n"),
        is: Comparison::More,
        right: json!(rng.below(8)),
    });
    Approval { by, quorum, within_ms: Millis(rng.between(1_000, 12_000)), question: String::new(), when }
}
