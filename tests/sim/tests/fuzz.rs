//! Nonsense, made of what is stored and sent: plans, heads and windows that were changed at random,
//! and events in any order. Nothing of it may panic, hang, or make the saga grow without end.
//!
//! It runs on stable Rust, without a fuzzer's instrumentation: the corpus in `fuzz/` holds the shapes
//! there are, and the changes are seeded. `MAKEGOOD_FUZZ=1000000` makes more of them.

use std::collections::BTreeMap;

use makegood_core::id::SagaId;
use makegood_core::ordered::{FlatMap, FlatSet};
use makegood_core::saga::{
    Answer, Decision, Effect, Event, Head, Limits, Node, Origin, Outcome, Plan, Refusal, Replan, Saga, Verdict, Window,
    freeze, report, step,
};
use makegood_core::time::Millis;
use makegood_core::tool::{Definition, Terms};
use makegood_sim::Scenario;
use serde_json::{Map, Value, json};

const CORPUS: &[(&str, &str)] = &[
    ("plain", include_str!("fuzz/plain.json")),
    ("gates", include_str!("fuzz/gates.json")),
    ("references", include_str!("fuzz/references.json")),
];
const HEADS: &[&str] = &[
    include_str!("fuzz/head_forward.json"),
    include_str!("fuzz/head_unwinding.json"),
    include_str!("fuzz/head_stuck.json"),
    include_str!("fuzz/head_waiting.json"),
    include_str!("fuzz/head_rounds.json"),
];
/// Events of one saga.
const EVENTS: usize = 60;
const NOW: u64 = 1_795_376_904_500;

struct Dice(u64);

impl Dice {
    fn roll(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ (mixed >> 31)) % end.max(1) as u64).unwrap_or(0)
    }

    fn pick<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        &items[self.roll(items.len())]
    }
}

fn times() -> u64 {
    std::env::var("MAKEGOOD_FUZZ").ok().and_then(|times| times.parse().ok()).unwrap_or(20_000)
}

fn scalar(dice: &mut Dice) -> Value {
    let known = [
        json!(null),
        json!(true),
        json!(0),
        json!(1),
        json!(-1),
        json!(u64::MAX),
        json!(i64::MIN),
        json!(u32::MAX),
        json!(1e308),
        json!(""),
        json!("$s0"),
        json!("$s1.id.x.0"),
        json!("$"),
        json!("do"),
        json!("held"),
        json!("stuck"),
        json!("x".repeat(3_000)),
        json!([]),
        json!({}),
        json!({"event": {"name": "e", "within_ms": 5}}),
        json!({"left": "$s0.n", "is": "<", "right": 3}),
    ];
    dice.pick(&known).clone()
}

/// Changes one place of a value.
fn change(value: &mut Value, dice: &mut Dice, depth: usize) {
    let here = depth == 0 || dice.roll(4) == 0;
    match value {
        Value::Array(items) if !here && !items.is_empty() => {
            let place = dice.roll(items.len());
            change(&mut items[place], dice, depth - 1);
        }
        Value::Array(items) if !items.is_empty() => match dice.roll(3) {
            0 => {
                items.remove(dice.roll(items.len()));
            }
            1 => {
                let copy = dice.pick(items).clone();
                items.push(copy);
            }
            _ => items.reverse(),
        },
        Value::Object(fields) if !here && !fields.is_empty() => {
            let name = fields.keys().nth(dice.roll(fields.len())).cloned().unwrap_or_default();
            if let Some(field) = fields.get_mut(&name) {
                change(field, dice, depth - 1);
            }
        }
        Value::Object(fields) if !fields.is_empty() && dice.roll(2) == 0 => {
            let name = fields.keys().nth(dice.roll(fields.len())).cloned().unwrap_or_default();
            let field = fields.remove(&name).unwrap_or_default();
            if dice.roll(2) == 0 {
                fields.insert(dice.roll(6).to_string(), field);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) | Value::Object(_) => {
            *value = scalar(dice);
        }
    }
}

fn changed(text: &str, dice: &mut Dice) -> Value {
    let mut value: Value = serde_json::from_str(text).unwrap_or_default();
    for _ in 0..dice.roll(4) {
        change(&mut value, dice, 6);
    }
    value
}

fn tools() -> BTreeMap<String, Definition> {
    Scenario::random(1).tools
}

#[test]
fn no_plan_makes_the_verifier_panic_and_what_it_passes_is_in_order() {
    let (tools, mut dice, mut passed) = (tools(), Dice(1), 0);
    for _ in 0..times() {
        let (_, text) = dice.pick(CORPUS);
        let Ok(plan) = serde_json::from_value::<Plan>(changed(text, &mut dice)) else { continue };
        let Ok(nodes) = freeze(&plan, &tools, Limits::default()) else { continue };
        passed += 1;
        for (place, node) in nodes.iter().enumerate() {
            assert_eq!(node.ix as usize, place);
            assert!(node.deps.iter().all(|dep| *dep < node.ix), "{node:?}");
        }
    }
    assert!(passed > 100, "only {passed} plans were whole: nothing was tried");
}

fn terms() -> FlatMap<String, Terms> {
    tools().into_iter().map(|(name, tool)| (name, tool.into())).collect()
}

fn outcome(dice: &mut Dice) -> Outcome {
    let refusal = || Refusal { code: "no".to_owned(), detail: String::new() };
    match dice.roll(11) {
        0..3 => Outcome::Ok(Answer::Output(json!({"id": "x", "n": dice.roll(9)}))),
        3 => Outcome::Ok(Answer::Undone { found: dice.roll(2) == 0 }),
        4 => Outcome::Ok(Answer::WasDone(json!({"n": 1}))),
        5 => Outcome::Ok(Answer::NeverSeen),
        6 => Outcome::Ok(Answer::WasUndone),
        7 => Outcome::Refused(refusal()),
        8 => Outcome::Later {
            after: (dice.roll(2) == 0).then(|| Millis(u64::MAX >> dice.roll(60))),
            code: "http_429".to_owned(),
            reason: String::new(),
        },
        9 => Outcome::Ok(Answer::InProgress { after: (dice.roll(2) == 0).then(|| Millis(u64::MAX >> dice.roll(60))) }),
        _ => Outcome::Unknown { code: "no_answer".to_owned(), reason: String::new() },
    }
}

/// Any event, and mostly those that answer what was asked.
fn event(effects: &mut Vec<Effect>, nodes: &[Node], total: u32, dice: &mut Dice) -> Event {
    let node = u32::try_from(dice.roll(nodes.len() + 2)).unwrap_or(0);
    let by = || "ann".to_owned();
    if !effects.is_empty() && dice.roll(8) > 0 {
        match effects.remove(dice.roll(effects.len())) {
            Effect::Call(call) => {
                return Event::Answered { call: call.id(), took: Millis(3), outcome: outcome(dice) };
            }
            Effect::AskTurn(claim) => return Event::Turn { node: claim.node, came: dice.roll(2) == 0, after: None },
            Effect::AskLeave { node, .. } => {
                let after = (dice.roll(2) == 0).then(|| Millis(u64::MAX >> dice.roll(60)));
                return Event::Leave { node, after };
            }
            Effect::Commit(_) => return Event::Committed,
            Effect::Page { from, to } => {
                let nodes = nodes.iter().filter(|node| node.ix >= from && node.ix < to).cloned().collect();
                return Event::Paged(Window { nodes, tools: terms(), ..Window::default() });
            }
            Effect::Sleep { .. } => return Event::Tick,
            Effect::Rearm(_) | Effect::End(_) => {}
        }
    }
    match dice.roll(15) {
        0 => Event::Wake { until: Millis(NOW + 9_000), kill: Millis(NOW + 9_500), cautious: dice.roll(2) == 0 },
        1 => Event::Tick,
        2 => Event::Committed,
        3 => Event::Cancel { by: by() },
        4 => Event::Pause { by: by() },
        5 => Event::Resume { by: by() },
        6 => {
            let decision =
                Decision { by: by(), approve: dice.roll(2) == 0, note: String::new(), hash: None, approver: false };
            Event::Decided { node, decision }
        }
        7 => {
            let mark = dice.roll(100).to_string();
            let by = (dice.roll(2) == 0).then(|| "webhook/e".to_owned());
            let from = (dice.roll(2) == 0).then_some(Origin { by, mark });
            Event::Received { name: "e".to_owned(), payload: scalar(dice), from }
        }
        8 => Event::Retry { by: by(), node: (dice.roll(2) == 0).then_some(node) },
        9 => Event::Nudged { node },
        10 => Event::Revoke { by: by() },
        11 => Event::Replan { by: by(), note: String::new(), plan: Box::new(another(nodes, total, dice)) },
        12 => Event::Turn { node, came: dice.roll(2) == 0, after: None },
        13 => Event::Leave { node, after: (dice.roll(2) == 0).then_some(Millis(1)) },
        _ => {
            let verdict = if dice.roll(2) == 0 { Verdict::Done(scalar(dice)) } else { Verdict::NotDone };
            Event::Resolve { by: by(), node, note: String::new(), verdict }
        }
    }
}

/// A node, there or not.
fn some(dice: &mut Dice) -> u32 {
    u32::try_from(dice.roll(12)).unwrap_or(0)
}

/// A plan in place of another: some steps of the old one once more, behind it, or mostly so.
fn another(nodes: &[Node], total: u32, dice: &mut Dice) -> Replan {
    let from = if dice.roll(4) == 0 { total.saturating_add(1) } else { total };
    let more = nodes.iter().take(dice.roll(4)).cloned().zip(from..);
    let nodes: Vec<Node> = more.map(|(node, ix)| Node { ix, epoch: 1, ..node }).collect();
    let kept: FlatSet<u32> = (0..dice.roll(4)).map(|_| some(dice)).collect();
    let retired = (0..dice.roll(3)).map(|_| (some(dice), some(dice))).collect();
    Replan { version: 1, nodes, kept, retired }
}

#[test]
fn a_head_that_was_asked_anew_more_often_than_anybody_asks_is_not_taken_up() {
    let head = include_str!("fuzz/head_rounds.json");
    assert_eq!(serde_json::from_str::<Head>(head).unwrap().check(), Ok(()), "so often it may be");
    for often in ["1000001", "4294967295"] {
        for (field, more) in [("\"r\":1000000", "\"r\":"), ("\"epoch\":1000000", "\"epoch\":")] {
            let head = head.replace(field, &format!("{more}{often}"));
            assert!(serde_json::from_str::<Head>(&head).unwrap().check().is_err(), "{head}");
        }
    }
}

#[test]
fn no_stored_head_and_no_order_of_events_makes_the_engine_panic_hang_or_grow() {
    let (tools, terms, mut dice, mut loaded) = (tools(), terms(), Dice(2), 0);
    let plan: Plan = serde_json::from_str(CORPUS[1].1).unwrap();
    let frozen = freeze(&plan, &tools, Limits::default()).unwrap();
    for _ in 0..times() {
        let head = dice.pick(HEADS);
        let Ok(head) = serde_json::from_value::<Head>(changed(head, &mut dice)) else { continue };
        if head.check().is_err() {
            continue;
        }
        loaded += 1;
        let mut nodes = frozen.clone();
        if dice.roll(3) == 0 {
            let text = serde_json::to_string(&nodes).unwrap();
            nodes = serde_json::from_value(changed(&text, &mut dice)).unwrap_or(nodes);
        }
        let outputs = FlatMap::from([(0, json!({"id": "x", "n": 1}))]);
        let window = Window { nodes: nodes.clone(), tools: terms.clone(), outputs, ..Window::default() };
        let limited = dice.roll(3) == 0;
        let mut saga = Saga::load(SagaId::new(Millis(NOW), [7; 10]), head, window).limited(limited);
        let (mut effects, mut now) = (Vec::new(), NOW);
        let mut records = Vec::new();
        let wake = Event::Wake { until: Millis(NOW + 9_000), kill: Millis(NOW + 9_500), cautious: false };
        for place in 0..EVENTS {
            let event = if place == 0 { wake.clone() } else { event(&mut effects, &nodes, saga.head.total, &mut dice) };
            now += dice.roll(4_000) as u64;
            let before = saga.head.clone();
            match step(&mut saga, event, Millis(now)) {
                Ok(more) => {
                    for effect in &more {
                        if let Effect::Commit(commit) = effect {
                            records.extend(commit.records.clone());
                        }
                    }
                    effects.extend(more);
                }
                Err(_) => assert_eq!(saga.head, before, "what is illegal changes nothing"),
            }
            assert!(effects.len() < 500 && saga.head.open.len() <= 200, "it grows: {:?}", saga.head);
        }
        let told = report(&nodes, saga.head.phase, &records);
        assert_eq!(told.steps.len(), nodes.len());
        let saved = serde_json::to_value(&saga.head).unwrap();
        assert_eq!(serde_json::from_value::<Head>(saved).unwrap(), saga.head);
    }
    assert!(loaded > 100, "only {loaded} heads could be loaded: nothing was tried");
}

#[test]
fn parameters_of_any_shape_are_checked_without_a_panic() {
    let (tools, mut dice) = (tools(), Dice(3));
    for _ in 0..times() {
        let mut value = json!({"n": 1, "hint": ["a", {"b": [1, 2]}]});
        change(&mut value, &mut dice, 6);
        for tool in tools.values() {
            let _ = tool.input.check(&value);
            let _ = tool.output.check(&Value::Object(Map::from_iter([("id".to_owned(), value.clone())])));
        }
    }
}
