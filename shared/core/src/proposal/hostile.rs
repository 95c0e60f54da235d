//! Whatever a model says, no plan of it names a tool that was not offered, passes a parameter that the
//! tool's schema refuses, or has an effect before the owner agreed, or one with what a query gave and they did
//! not see; and nothing panics.
//!
//! Answers are made by a seeded generator: good ones, the same with one to four changes to their
//! structure, and those with bytes flipped, cut and doubled. Each plan that comes through is then run in
//! the engine itself, to a rest, and every call that leaves is looked at.

use std::collections::{BTreeMap, VecDeque};

use serde_json::{Value, json};

use super::samples::tools;
use super::{Bounds, MOST_VIOLATIONS, Proposal, Rule, read};
use crate::id::SagaId;
use crate::ordered::FlatMap;
use crate::saga::{
    Answer, Call, Commit, Decision, Effect, Ended, Event, Fact, Head, Job, Node, Op, Outcome, Past, Phase, Plan, Saga,
    Window, step,
};
use crate::time::Millis;
use crate::tool::{Class, Definition};

/// SplitMix64 (Steele, Lea and Flood, 2014).
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, most: usize) -> usize {
        usize::try_from(self.next() % most.max(1) as u64).unwrap()
    }

    fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }

    fn pick<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        &items[self.below(items.len())]
    }
}

const OFFERED: [&str; 5] = ["find", "book", "pay", "send", "open"];

/// What is offered: not `launch`, which the database would know all the same.
fn offered() -> BTreeMap<String, Definition> {
    tools().into_iter().filter(|(name, _)| OFFERED.contains(&name.as_str())).collect()
}

/// A plan as a good model would make it.
fn good(dice: &mut Dice) -> Value {
    let mut steps: Vec<Value> = Vec::new();
    let names = ["find", "open", "book", "book", "pay", "send", "send"];
    let mut from = 0;
    while from < names.len() && steps.len() < 5 {
        from += dice.below(3);
        let Some(tool) = names.get(from) else { break };
        let earlier: Vec<String> = steps.iter().map(|step| step["id"].as_str().unwrap().to_owned()).collect();
        let mut text = |plain: &str| match dice.one_in(3) && !earlier.is_empty() {
            true => json!(format!("${}.name", dice.pick(&earlier))),
            false => json!(plain),
        };
        let params = match *tool {
            "find" => json!({"cuisine": "thai"}),
            "book" => json!({"place": text("Luigi's"), "people": 4}),
            "pay" => json!({"minor": 250}),
            "send" => json!({"text": text("on my way")}),
            _ => json!({}),
        };
        let after: Vec<&String> = earlier.iter().filter(|_| dice.one_in(4)).collect();
        steps.push(json!({"id": format!("s{}", steps.len()), "tool": tool, "params": params, "after": after}));
        from += 1;
    }
    json!({"summary": "As you wish", "steps": steps})
}

/// Anything.
fn junk(dice: &mut Dice, depth: usize) -> Value {
    match dice.below(if depth > 3 { 6 } else { 9 }) {
        0 => Value::Null,
        1 => json!(dice.one_in(2)),
        2 => json!(dice.next() as i64),
        3 => json!(f64::from_bits(dice.next())),
        4 => json!(*dice.pick(&[
            "",
            "$s0",
            "$s0.name",
            "$s1.minor",
            "$self.x",
            "$$",
            "\u{0}",
            "s0",
            "launch",
            "ü".repeat(300).as_str()
        ])),
        5 => json!(dice.below(30)),
        6 => (0..dice.below(4)).map(|_| junk(dice, depth + 1)).collect(),
        7 => (0..dice.below(90)).fold(Value::Null, |inner, _| json!([inner])),
        _ => {
            let names = ["id", "tool", "params", "after", "place", "people", "text", "approval", "wait", "or", "x"];
            Value::Object(
                (0..dice.below(5)).map(|_| ((*dice.pick(&names)).to_owned(), junk(dice, depth + 1))).collect(),
            )
        }
    }
}

/// One change to the structure of an answer.
fn spoil(dice: &mut Dice, answer: &mut Value) {
    let junk_now = junk(dice, 0);
    let Some(steps) = answer.get_mut("steps").and_then(Value::as_array_mut).filter(|steps| !steps.is_empty()) else {
        answer["steps"] = junk_now;
        return;
    };
    let at = dice.below(steps.len());
    // What an earlier change left is an object again.
    if !steps[at].is_object() {
        steps[at] = json!({"id": "s0", "tool": "open", "params": {}});
    }
    match dice.below(16) {
        0 => steps[at]["tool"] = json!(*dice.pick(&["launch", "run_saga", "Book", "", "book ", "wipe"])),
        1 => steps[at]["tool"] = json!(*dice.pick(&OFFERED)),
        2 => steps[at]["id"] = json!(*dice.pick(&["s0", "", "0", "s 1", "params", "ü", "self"])),
        3 => steps[at]["params"] = junk_now,
        4 => steps[at]["after"] = json!([format!("s{}", dice.below(7))]),
        5 => steps[at]["after"] = junk_now,
        6 => {
            let copy = steps[at].clone();
            steps.push(copy);
        }
        7 => steps.reverse(),
        8 => _ = steps.remove(at),
        9 => {
            let name = *dice.pick(&["approval", "when", "wait", "each", "or", "retry", "escalate", "part"]);
            if let Some(fields) = steps[at].as_object_mut() {
                fields.insert(name.to_owned(), junk_now);
            }
        }
        10 => {
            if let Some(fields) = steps[at].as_object_mut() {
                fields.remove(*dice.pick(&["id", "tool", "params", "after"]));
            }
        }
        11 | 12 => {
            let name = *dice.pick(&["place", "people", "minor", "text", "cuisine", "x"]);
            if let Some(params) = steps[at].get_mut("params").and_then(Value::as_object_mut) {
                params.insert(name.to_owned(), junk_now);
            }
        }
        13 => steps[at]["params"] = json!({"text": {"deep": [{"er": format!("$s{}.name", dice.below(5))}]}}),
        14 => {
            (0..dice.below(60)).for_each(|n| steps.push(json!({"id": format!("x{n}"), "tool": "open", "params": {}})))
        }
        _ => answer["steps"] = junk_now,
    }
}

fn bytes_of(dice: &mut Dice, answer: &Value) -> Vec<u8> {
    let mut bytes = answer.to_string().into_bytes();
    if dice.one_in(6) {
        bytes = [b"```json\n".as_slice(), &bytes, b"\n```"].concat();
    }
    if dice.one_in(4) {
        for _ in 0..=dice.below(4) {
            let at = dice.below(bytes.len());
            match dice.below(4) {
                0 => bytes.truncate(at),
                1 => bytes.insert(at, dice.next() as u8),
                2 => bytes.extend_from_within(at..),
                _ => {
                    if let Some(byte) = bytes.get_mut(at) {
                        *byte ^= 1 << dice.below(8);
                    }
                }
            }
        }
    }
    if dice.one_in(50) {
        bytes = (0..dice.below(200)).map(|_| dice.next() as u8).collect();
    }
    bytes
}

/// What can be known before anything runs.
fn is_sound(nodes: &[Node], plan: &Plan, confirm: Option<&str>, tools: &BTreeMap<String, Definition>) {
    assert_eq!(nodes.len(), plan.steps.len());
    for node in nodes {
        let tool = tools.get(&node.tool).unwrap_or_else(|| panic!("`{}` was not offered", node.tool));
        assert!(OFFERED.contains(&node.tool.as_str()) && node.version == tool.version);
        assert!(node.wait.is_none() && node.when.is_none() && node.retry.is_none() && node.item.is_none());
        assert_eq!(node.approval.is_some(), Some(node.id.as_str()) == confirm || tool.approval.is_some());
        let unseen = node.class != Class::Query && Some(node.id.as_str()) != confirm;
        let reads = |ix: &u32| nodes.iter().any(|other| other.ix == *ix && other.class == Class::Query);
        assert!(!unseen || !node.refs.values().any(reads), "{} is made with what a query gave", node.id);
    }
    assert_eq!(confirm.is_some(), nodes.iter().any(|node| node.class != Class::Query));
}

/// A saga between two invocations: what the database would hold.
struct World<'a> {
    tools: &'a BTreeMap<String, Definition>,
    nodes: Vec<Node>,
    head: Head,
    outputs: FlatMap<u32, Value>,
    past: FlatMap<u32, Past>,
    now: Millis,
    agreed: bool,
    effects: usize,
}

impl World<'_> {
    fn window(&self, from: u32, to: u32) -> Window {
        let tools = self.tools.iter().map(|(name, tool)| (name.clone(), tool.clone().into())).collect();
        let wanted = |node: &&Node| (from..to).contains(&node.ix) || self.head.open.contains_key(&node.ix);
        let nodes = self.nodes.iter().filter(wanted).cloned().collect();
        Window { nodes, tools, outputs: self.outputs.clone(), past: self.past.clone(), ..Window::default() }
    }

    /// One invocation, in which every partner answers with something.
    fn invoke(&mut self, dice: &mut Dice, asked: Option<Event>) -> Ended {
        let (from, to) = match self.head.phase {
            Phase::Unwinding => (0, self.head.floor),
            Phase::Forward | Phase::Completed | Phase::MadeGood | Phase::Stuck => (self.head.cursor, self.head.total),
        };
        let mut saga = Saga::load(SagaId::new(Millis(1), [3; 10]), self.head.clone(), self.window(from, to));
        let until = self.now + Millis(60_000);
        let wake = Event::Wake { until, kill: until + Millis(1_000), cautious: false };
        let mut events: VecDeque<Event> = asked.into_iter().chain([wake]).collect();
        while let Some(event) = events.pop_front() {
            for effect in step(&mut saga, event, self.now).expect("the event has its place") {
                match effect {
                    Effect::Commit(commit) => {
                        self.note(&commit);
                        self.head = saga.head.clone();
                        events.push_back(Event::Committed);
                    }
                    Effect::Call(call) => {
                        self.look_at(&call);
                        self.now = self.now + Millis(12);
                        let answer = match call.op {
                            Op::Do => Answer::Output(json!({"name": junk(dice, 2), "minor": junk(dice, 3)})),
                            Op::Status => Answer::NeverSeen,
                            Op::Undo => Answer::Undone { found: true },
                        };
                        let outcome = Outcome::Ok(answer);
                        events.push_back(Event::Answered { call: call.id(), took: Millis(12), outcome });
                    }
                    Effect::Page { from, to } => events.push_back(Event::Paged(self.window(from, to))),
                    Effect::Sleep { until } => {
                        self.now = self.now.max(until);
                        events.push_back(Event::Tick);
                    }
                    Effect::End(ended) => return ended,
                    Effect::Rearm(_) | Effect::AskTurn(_) | Effect::AskLeave { .. } => {}
                }
            }
        }
        panic!("it was left {} with nothing under way", saga.head.phase);
    }

    fn note(&mut self, commit: &Commit) {
        for record in &commit.records {
            if let Fact::Started { node, params, .. } = &record.fact {
                let past = self.past.or_default(*node);
                (past.started, past.params) = (true, params.clone());
            }
            if let Fact::Done { node, output, .. } = &record.fact {
                self.outputs.insert(*node, output.clone());
                let past = self.past.or_default(*node);
                (past.done, past.output) = (true, Some(output.clone()));
            }
        }
    }

    /// Every call is of an offered tool, with parameters that it takes, and an effect comes after a yes.
    fn look_at(&mut self, call: &Call) {
        let tool = self.tools.get(&call.tool).unwrap_or_else(|| panic!("`{}` was not offered", call.tool));
        if call.op != Op::Do {
            return;
        }
        let wrong = tool.input.check(&Value::Object(call.params.clone()));
        assert!(wrong.is_empty(), "{} with {:?}: {wrong:?}", call.tool, call.params);
        if tool.class != Class::Query {
            assert!(self.agreed, "{} before anybody agreed", call.tool);
            self.effects += 1;
        }
    }
}

/// Runs a plan to its rest; `None` where it does not come to one in a few invocations. Answers with how many
/// effects there were.
fn run(dice: &mut Dice, nodes: Vec<Node>, tools: &BTreeMap<String, Definition>, agrees: bool) -> Option<usize> {
    let total = u32::try_from(nodes.len()).unwrap();
    let head = Head::new(total, Millis(1_000), None);
    let mut world = World {
        tools,
        nodes,
        head,
        outputs: FlatMap::new(),
        past: FlatMap::new(),
        now: Millis(1_000),
        agreed: false,
        effects: 0,
    };
    let mut asked = None;
    for _ in 0..30 {
        if world.invoke(dice, asked.take()) == Ended::Rest {
            return Some(world.effects);
        }
        let open = world.head.open.iter().find(|(_, open)| open.asked.is_some() && open.job == Job::Wait);
        if let Some((node, _)) = open {
            let decision =
                Decision { by: "me".to_owned(), approve: agrees, note: String::new(), hash: None, approver: false };
            asked = Some(Event::Decided { node: *node, decision });
            world.agreed |= agrees;
        } else {
            world.now = world.now + Millis(30_000);
        }
    }
    None
}

/// Answers that are tried: enough to meet every kind of change many times.
const TRIES: u64 = if cfg!(debug_assertions) { 30_000 } else { 300_000 };

#[test]
fn no_answer_of_a_model_gets_past_what_was_offered() {
    let tools = offered();
    let (mut plans, mut changed_plans, mut effects, mut refusals) = (0, 0, 0, BTreeMap::<Rule, usize>::new());
    for seed in 0..TRIES {
        let mut dice = Dice(seed);
        let mut answer = good(&mut dice);
        let changes = dice.below(5);
        (0..changes).for_each(|_| spoil(&mut dice, &mut answer));
        let bytes = if changes == 0 { answer.to_string().into_bytes() } else { bytes_of(&mut dice, &answer) };
        let cost_minor = dice.one_in(3).then_some(300);
        let bounds = Bounds { tools: &tools, steps: 6, cost_minor };
        match read(&bytes, &bounds) {
            Err(violations) => {
                assert!((1..=MOST_VIOLATIONS).contains(&violations.len()), "seed {seed}");
                for violation in &violations {
                    assert!(!violation.message.is_empty() && violation.to_string().len() < 1_000, "seed {seed}");
                    *refusals.entry(violation.rule).or_default() += 1;
                }
            }
            Ok(Proposal::Ask { question }) => assert!(!question.is_empty() && question.chars().count() <= 500),
            Ok(Proposal::Nothing) => {}
            Ok(Proposal::Plan { plan, nodes, confirm }) => {
                plans += 1;
                changed_plans += usize::from(changes > 0);
                assert!(plan.steps.len() <= 6, "seed {seed}");
                is_sound(&nodes, &plan, confirm.as_deref(), &tools);
                let agrees = !dice.one_in(4);
                let acted = run(&mut dice, nodes, &tools, agrees).unwrap_or_else(|| panic!("seed {seed} does not end"));
                assert!(agrees || acted == 0, "seed {seed}");
                effects += acted;
            }
        }
    }
    // The generator is of use only while all of this comes about.
    assert!(plans > 1_000 && changed_plans > 500 && effects > 1_000, "{plans} {changed_plans} {effects}");
    for rule in [
        Rule::Json,
        Rule::Shape,
        Rule::Steps,
        Rule::Id,
        Rule::Tool,
        Rule::Parameters,
        Rule::Reference,
        Rule::Order,
        Rule::Cycle,
        Rule::Class,
        Rule::Budget,
        Rule::Approval,
    ] {
        assert!(refusals.get(&rule).is_some_and(|times| *times > 10), "{rule:?} in {refusals:?}");
    }
}
