//! The partners. Each keeps its word as its tool declares it, and not an inch more; each keeps a
//! ledger of what was really done.

use std::collections::BTreeMap;
use std::rc::Rc;

use makegood_core::tool::{Class, Definition, Repeat, UNDER_WAY};
use makegood_gateway::{Request, Response};
use serde_json::{Value, json};

use crate::answer;
use crate::world::{Exchange, SPAN, World};

/// What a partner stored under a key.
#[derive(Clone, Debug)]
enum Result {
    Done(Value),
    Refused(&'static str),
}

/// One key, as its partner and the ledger know it.
#[derive(Clone, Debug, Default)]
pub struct Deed {
    pub tool: String,
    first_seen: u64,
    /// How often a person had it asked for anew; each time under a new key.
    round: u32,
    params: Option<Value>,
    result: Option<Result>,
    /// Dos at work.
    busy: u32,
    pub tombstone: bool,
    /// The ledger: how often it was done, and how much of that is left.
    pub applied: u32,
    pub left: u32,
    /// A person did it, and the partner does not know.
    pub by_hand: bool,
    pub output: Option<Value>,
    pub undo_refused: bool,
    /// A person undid it.
    pub undone_by_hand: bool,
    pub status_refused: bool,
    pub refused: bool,
}

/// By the number of the node, in all sagas: see [`World::journal`].
#[derive(Default)]
pub struct Town {
    pub deeds: BTreeMap<u32, Deed>,
    pub queried: BTreeMap<u32, u32>,
}

impl Town {
    /// What the saga did whose nodes are numbered from `base`.
    pub fn of(&self, base: u32) -> impl Iterator<Item = (u32, &Deed)> {
        self.deeds.range(base..base + SPAN).map(|(node, deed)| (*node, deed))
    }
}

/// How a do goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    Refuse,
    Break,
    BreakAfter,
    Busy,
    Swallow,
    LoseAnswer,
    Slow,
    Duplicate,
}

const DO_FAULTS: &[Fault] = &[
    Fault::Break,
    Fault::BreakAfter,
    Fault::Busy,
    Fault::Swallow,
    Fault::LoseAnswer,
    Fault::Slow,
    Fault::Slow,
    Fault::Duplicate,
];

fn refusal(code: &str) -> Response {
    answer(422, &json!({"code": code, "detail": "No."}))
}

fn in_progress() -> Response {
    answer(409, &json!({"code": "in_progress", "detail": "Wait."}))
}

fn busy(world: &World) -> Response {
    let mut response = answer(429, &json!({"detail": "Too many."}));
    if world.draw(|rng| rng.chance(500)) {
        let seconds = world.draw(|rng| rng.below(4));
        response.headers_mut().insert("retry-after", http::HeaderValue::from(seconds));
    }
    response
}

/// Serves one request to a partner.
pub fn serve(world: &Rc<World>, request: &Request, exchange: &Exchange) {
    let path = request.uri().path().trim_matches('/').to_owned();
    let Some((tool, verb)) = path.split_once('/') else { return };
    let key = request.headers().get("idempotency-key").and_then(|key| key.to_str().ok()).unwrap_or_default();
    let Some((node, round)) = world.check_key(key) else { return };
    let Some(definition) = world.scenario.tools.get(tool) else { return };
    let body: Value = serde_json::from_slice(request.body()).unwrap_or_default();
    world.trace(|| format!("partner  {verb} of {node} ({tool}) arrives: {body}"));
    match verb {
        "do" if definition.class == Class::Query => query(world, node, exchange),
        "do" => do_it(world, definition, (node, round), &body, exchange),
        "undo" => undo(world, definition, (node, round), &body, exchange),
        _ => status(world, definition, (node, round), exchange),
    }
}

fn tell(world: &World, verb: &str, node: u32, fault: Option<Fault>) {
    if let Some(fault) = fault {
        world.tell_fault(|| format!("the partner of {node}, at its {verb}: {fault:?}"));
    }
}

fn query(world: &Rc<World>, node: u32, exchange: &Exchange) {
    *world.town.borrow_mut().queried.entry(node).or_default() += 1;
    let output = output(world, node);
    let fault = if world.refuses(node) { Some(Fault::Refuse) } else { world.partner_fault(DO_FAULTS, Fault::Refuse) };
    tell(world, "do", node, fault);
    match fault {
        Some(Fault::Refuse) => exchange.answer(world, 0, refusal("no_such_thing")),
        Some(Fault::Break | Fault::BreakAfter) => exchange.answer(world, 0, answer(500, &json!({}))),
        Some(Fault::Busy) => exchange.answer(world, 0, busy(world)),
        Some(Fault::Swallow | Fault::LoseAnswer) => {}
        Some(Fault::Slow) => exchange.answer(world, 1_000, answer(200, &output)),
        Some(Fault::Duplicate) | None => exchange.answer(world, 0, answer(200, &output)),
    }
}

/// Outputs are never the same twice: whoever asks again under another history gets another answer.
fn output(world: &World, node: u32) -> Value {
    let number = world.draw(|rng| rng.below(1_000_000));
    let mut output = json!({"id": format!("x{node}-{number}"), "n": number});
    let length = number % 5;
    output["list"] = (0..length).map(|at| json!({"n": number + at})).collect();
    if world.draw(|rng| rng.chance(900)) {
        output["hint"] = json!("as ever");
    }
    output
}

fn do_it(world: &Rc<World>, tool: &Definition, (node, round): (u32, u32), body: &Value, exchange: &Exchange) {
    world.check_do(node);
    let now = world.now();
    let mut town = world.town.borrow_mut();
    let deed =
        town.deeds.entry(node).or_insert_with(|| Deed { tool: tool.name.clone(), first_seen: now, ..Deed::default() });
    if round < deed.round {
        return exchange.answer(world, 0, refusal("full"));
    }
    if round > deed.round {
        if deed.left > 0 || deed.busy > 0 {
            world.violation(format!("{node} is asked for anew, and it is done, or may be"));
        }
        (deed.round, deed.params, deed.result, deed.first_seen) = (round, None, None, now);
    }
    let params = deed.params.get_or_insert_with(|| body.clone());
    if params != body {
        world.violation(format!("a do of {node} came with other parameters: {params}, then {body}"));
    }
    if deed.tombstone {
        return exchange.answer(world, 0, refusal("undone_before"));
    }
    let knows = match tool.repeat {
        // To the millisecond. No definition may say less than a call is under way, and older schedules do.
        Repeat::Keyed { ttl_ms } => now < deed.first_seen + ttl_ms.max(UNDER_WAY).0,
        Repeat::Never => false,
    };
    if knows {
        match &deed.result {
            Some(Result::Done(output)) => return exchange.answer(world, 0, answer(200, output)),
            Some(Result::Refused(code)) => return exchange.answer(world, 0, refusal(code)),
            None if deed.busy > 0 => return exchange.answer(world, 0, in_progress()),
            None => {}
        }
    }
    drop(town);
    let fault = if world.refuses(node) { Some(Fault::Refuse) } else { world.partner_fault(DO_FAULTS, Fault::Refuse) };
    tell(world, "do", node, fault);
    match fault {
        Some(Fault::Refuse) => {
            let mut town = world.town.borrow_mut();
            if let Some(deed) = town.deeds.get_mut(&node) {
                (deed.result, deed.first_seen) = (Some(Result::Refused("full")), now);
                deed.refused = true;
            }
            let late_no = world.scenario.faults.late_no;
            let slow = late_no > 0 && world.strikes(late_no);
            exchange.answer(world, if slow { world.fate(|rng| rng.between(100, 1_900)) } else { 0 }, refusal("full"));
        }
        Some(Fault::Break) => exchange.answer(world, 0, answer(500, &json!({"detail": "Broken."}))),
        Some(Fault::Busy) => {
            // It may take its time to say so, and another worker lose patience.
            let span = world.draw(|rng| *rng.pick(&[0, 50, 300]));
            exchange.answer(world, span, busy(world));
        }
        Some(Fault::Swallow) => {}
        Some(Fault::BreakAfter) => {
            act(world, node);
            exchange.answer(world, 0, answer(500, &json!({"detail": "Broken afterwards."})));
        }
        Some(Fault::LoseAnswer) => {
            act(world, node);
        }
        Some(Fault::Slow) => {
            if let Some(deed) = world.town.borrow_mut().deeds.get_mut(&node) {
                deed.busy += 1;
            }
            let span = world.fate(|rng| rng.between(100, 3_000));
            let exchange = exchange.clone();
            world.later(span, move |world| {
                let stopped = world.town.borrow_mut().deeds.get_mut(&node).is_some_and(|deed| {
                    deed.busy -= 1;
                    deed.tombstone
                });
                world.trace(|| format!("partner  do of {node} ends late"));
                let response = if stopped { refusal("undone_before") } else { answer(200, &act(world, node)) };
                exchange.answer(world, 0, response);
            });
        }
        Some(Fault::Duplicate) => {
            let output = act(world, node);
            exchange.answer(world, 0, answer(200, &output));
            if tool.repeat != Repeat::Never {
                world.repeat_later(exchange);
            }
        }
        None => {
            let output = act(world, node);
            exchange.answer(world, 0, answer(200, &output));
        }
    }
}

/// The effect itself.
fn act(world: &Rc<World>, node: u32) -> Value {
    let output = output(world, node);
    let mut town = world.town.borrow_mut();
    let Some(deed) = town.deeds.get_mut(&node) else { return output };
    let output = if deed.tool == "flight" { Value::Null } else { output };
    deed.applied += 1;
    deed.left += 1;
    deed.output = Some(output.clone());
    // What it remembers, it remembers from now on: nothing was stored when it only said that it was busy.
    (deed.result, deed.first_seen) = (Some(Result::Done(output.clone())), world.now());
    let applied = deed.applied;
    drop(town);
    world.trace(|| format!("ledger   {node} is done ({applied})"));
    world.check_act(node, applied);
    output
}

fn undo(world: &Rc<World>, tool: &Definition, (node, round): (u32, u32), body: &Value, exchange: &Exchange) {
    world.check_undo(node);
    let fault = world.partner_fault(
        &[Fault::Break, Fault::BreakAfter, Fault::Busy, Fault::Swallow, Fault::LoseAnswer, Fault::Duplicate],
        Fault::Break,
    );
    tell(world, "undo", node, fault);
    let mut town = world.town.borrow_mut();
    let now = world.now();
    let deed =
        town.deeds.entry(node).or_insert_with(|| Deed { tool: tool.name.clone(), first_seen: now, ..Deed::default() });
    // A round whose call never came here may be undone in place of one that had no effect; what was done by hand has no
    // key.
    if deed.round != round && deed.left > 0 && !deed.by_hand {
        world.violation(format!("the undo of {node} has the key of round {round}, and its do that of {}", deed.round));
    }
    if let Some(params) = &deed.params
        && body.get("params") != Some(params)
    {
        world.violation(format!("the undo of {node} has other parameters than its do: {params}, then {body}"));
    }
    if let (Some(given), Some(output)) = (body.get("output").filter(|output| !output.is_null()), &deed.output)
        && given != output
    {
        world.violation(format!("the undo of {node} has another output than its do: {output}, then {given}"));
    }
    match fault {
        Some(Fault::Break | Fault::Refuse) => return exchange.answer(world, 0, answer(503, &json!({}))),
        Some(Fault::Busy) => return exchange.answer(world, 0, busy(world)),
        Some(Fault::Swallow) => return,
        Some(Fault::BreakAfter | Fault::LoseAnswer | Fault::Slow | Fault::Duplicate) | None => {}
    }
    if deed.undo_refused || (deed.left > 0 && world.strikes(world.scenario.faults.hopeless)) {
        if !deed.undo_refused {
            world.tell_fault(|| format!("the partner refuses the undo of {node} for good"));
        }
        deed.undo_refused = true;
        return exchange.answer(world, 0, refusal("too_late"));
    }
    if tool.fence && deed.busy > 0 && world.scenario.busy_blocks_undo {
        return exchange.answer(world, 0, in_progress());
    }
    let found = deed.left > 0 && !deed.by_hand;
    if !deed.by_hand {
        deed.left = 0;
    }
    deed.tombstone |= tool.fence;
    drop(town);
    world.trace(|| format!("ledger   {node} is undone (found: {found})"));
    match fault {
        Some(Fault::LoseAnswer) => {}
        Some(Fault::BreakAfter) => exchange.answer(world, 0, answer(500, &json!({}))),
        Some(Fault::Duplicate) => {
            exchange.answer(world, 0, answer(200, &json!({"undone": found})));
            world.repeat_later(exchange);
        }
        Some(Fault::Refuse | Fault::Break | Fault::Busy | Fault::Swallow | Fault::Slow) | None => {
            exchange.answer(world, 0, answer(200, &json!({"undone": found})));
        }
    }
}

fn status(world: &Rc<World>, tool: &Definition, (node, round): (u32, u32), exchange: &Exchange) {
    if !tool.status {
        world.violation(format!("the status of {node} was asked of a partner that has none"));
        return;
    }
    let fault = world.partner_fault(&[Fault::Break, Fault::Busy, Fault::Swallow], Fault::Swallow);
    tell(world, "status", node, fault);
    match fault {
        Some(Fault::Break) => return exchange.answer(world, 0, answer(500, &json!({}))),
        Some(Fault::Busy) => return exchange.answer(world, 0, busy(world)),
        Some(Fault::Swallow) => return,
        Some(Fault::Refuse | Fault::BreakAfter | Fault::LoseAnswer | Fault::Slow | Fault::Duplicate) | None => {}
    }
    let mut town = world.town.borrow_mut();
    let deed = town.deeds.entry(node).or_insert_with(|| Deed {
        tool: tool.name.clone(),
        first_seen: world.now(),
        ..Deed::default()
    });
    if deed.status_refused || world.strikes(world.scenario.faults.hopeless / 4) {
        if !deed.status_refused {
            world.tell_fault(|| format!("the partner refuses to tell of {node} for good"));
        }
        deed.status_refused = true;
        return exchange.answer(world, 0, refusal("not_yours"));
    }
    let state = if round > deed.round {
        // Of this key it has heard nothing yet; what it knows is of the one before.
        json!({"state": "none"})
    } else if deed.tombstone || (deed.applied > 0 && deed.left == 0) {
        json!({"state": "undone"})
    } else if deed.busy > 0 {
        json!({"state": "in_progress"})
    } else {
        match &deed.result {
            Some(Result::Done(output)) => json!({"state": "done", "output": output}),
            Some(Result::Refused(code)) => json!({"state": "refused", "code": code}),
            None => json!({"state": "none"}),
        }
    };
    exchange.answer(world, 0, answer(200, &state));
}
