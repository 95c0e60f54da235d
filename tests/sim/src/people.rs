//! The people around a saga: they decide, send what it waits for, pause it and have it go on, and
//! look after it when it is stuck. They ask over HTTP as anybody would, and are as patient as people.
//!
//! They tell the truth: whoever says what became of a step has looked into the partner's ledger when
//! nothing was on its way any more.

use std::rc::Rc;

use bytes::Bytes;
use http::HeaderValue;
use http::header::AUTHORIZATION;
use makegood_core::saga::{Fact, Job, Op, Phase, Plan, Wait};
use makegood_core::tool::Class;
use makegood_gateway::Request;
use makegood_gateway::api_keys::key_of;
use serde_json::{Value, json};

use crate::postgres::Row;
use crate::scenario::{APPROVERS, PAID};
use crate::world::{Errand, SPAN, World};

/// So often a person tries again what had no answer.
const TRIES: u32 = 8;
/// So long after the storm nothing is on its way any more.
const STILL: u64 = 60_000;
/// So often a stuck saga is looked after.
const INTERVENTIONS: u32 = 3;

/// What somebody asks of the saga.
#[derive(Clone, Debug, PartialEq)]
pub enum Asking {
    /// `hash`: of what was shown; `stale`: of something else.
    Decide {
        step: String,
        who: Option<&'static str>,
        approve: bool,
        hash: Option<String>,
        stale: bool,
    },
    /// `key`: the same whenever it is brought again.
    Bring {
        name: String,
        key: Option<String>,
    },
    Pause,
    Resume,
    Retry {
        step: Option<String>,
    },
    Resolve {
        step: String,
        done: Option<Value>,
    },
    Replan {
        plan: Plan,
    },
}

impl Asking {
    fn verb_and_body(&self) -> (&'static str, Value) {
        match self {
            Self::Decide { step, approve, hash, .. } => {
                let verb = if *approve { "approve" } else { "reject" };
                (verb, json!({"step": step, "note": "So be it.", "hash": hash}))
            }
            Self::Bring { name, key: None } => {
                ("events", json!({"name": name, "payload": {"n": 7, "id": "from outside"}}))
            }
            Self::Bring { name, key: Some(key) } => {
                ("events", json!({"name": name, "payload": {"n": 7, "id": key}, "key": key}))
            }
            Self::Pause => ("pause", json!({})),
            Self::Resume => ("resume", json!({})),
            Self::Retry { step: Some(step) } => ("retry", json!({"step": step})),
            Self::Retry { step: None } => ("retry", json!({})),
            Self::Resolve { step, done } => {
                ("resolve", json!({"step": step, "done": done.is_some(), "output": done, "note": "I looked."}))
            }
            Self::Replan { plan } => ("replan", json!({"plan": plan, "note": "I thought again."})),
        }
    }
}

impl World {
    /// What people have in mind from the start.
    pub fn people_arrive(self: &Rc<Self>, row: &Row) {
        for (node, _) in &row.nodes {
            if let Some(Wait::Event { name, .. }) = &node.wait
                && self.scenario.people
                && self.draw(|rng| rng.chance(800))
            {
                let name = name.clone();
                let key = (name == PAID).then(|| format!("payment {}", node.ix));
                let after = self.draw(|rng| rng.between(1, 9_000));
                self.later(after, move |world| world.ask(0, Asking::Bring { name, key }, TRIES));
            }
        }
        if let Some((after, _)) = self.scenario.replan {
            self.later(after, |world| world.ask(0, Asking::Pause, 2));
        }
        if let Some(after) = self.scenario.pause_after {
            self.later(after, |world| world.ask(0, Asking::Pause, 2));
        }
    }

    /// What people do when they hear of a commit.
    pub fn people_hear(self: &Rc<Self>, base: u32, row: &Row, facts: &[&Fact]) {
        for fact in facts {
            if base == 0 && matches!(fact, Fact::Paused { .. } | Fact::Held { op: Op::Do, .. }) {
                self.replan_soon();
            }
            if let Fact::Paused { by, .. } = fact {
                // Of a saga that paused itself nobody knows who is not told.
                let slow = by == "makegood" && self.draw(|rng| rng.chance(300));
                let after = self.draw(|rng| if slow { rng.between(150_000, 300_000) } else { rng.between(100, 6_000) });
                self.later(after, move |world| world.ask(base, Asking::Resume, TRIES));
            }
            if !self.scenario.people {
                continue;
            }
            if let Fact::Held { node, op: Op::Do, .. } = fact
                && self.scenario.hasty
                && base == 0
            {
                self.ask_anew_soon(row, *node);
            }
            if let Fact::Asked { node, hash, .. } = fact {
                self.decide_soon(row, *node, *hash);
            } else if let Fact::Held { node, op, .. } = fact {
                if *op == Op::Undo && self.draw(|rng| rng.chance(300)) {
                    let (node, after) = (base + *node, self.draw(|rng| rng.between(20, 2_000)));
                    self.later(after, move |world| world.undo_by_hand(node));
                } else if base > 0 || self.draw(|rng| rng.chance(700)) {
                    let after = self.scenario.calm_at.saturating_sub(self.now()) + STILL;
                    self.later(after, move |world| world.look_after(base));
                }
            }
        }
    }

    /// Somebody has a step that is held asked for anew at once, at times of a saga that they have paused.
    fn ask_anew_soon(self: &Rc<Self>, row: &Row, ix: u32) {
        let Some((node, _)) = row.nodes.iter().find(|(node, _)| node.ix == ix) else { return };
        if self.journal(0).rounds(ix) > self.journal(0).epoch(ix) + 2 {
            return;
        }
        let (step, after) = (node.id.clone(), self.draw(|rng| rng.between(100, 2_000)));
        if self.draw(|rng| rng.chance(600)) {
            self.later(after / 2, |world| world.ask(0, Asking::Pause, 2));
        }
        self.later(after, move |world| world.ask(0, Asking::Retry { step: Some(step) }, 2));
    }

    /// Somebody has another plan, and asks for it when nothing new begins.
    fn replan_soon(self: &Rc<Self>) {
        let Some((_, plan)) = self.scenario.replan.clone() else { return };
        let after = self.draw(|rng| rng.between(20, 3_000));
        self.later(after, move |world| {
            if !world.journal(0).replanned {
                world.ask(0, Asking::Replan { plan }, 3);
            }
        });
    }

    fn decide_soon(self: &Rc<Self>, row: &Row, ix: u32, hash: u64) {
        let Some((node, _)) = row.nodes.iter().find(|(node, _)| node.ix == ix) else { return };
        let Some(approval) = &node.approval else { return };
        let named = APPROVERS.iter().filter(|who| approval.by.iter().any(|by| by == **who));
        let who: Vec<Option<&'static str>> =
            if approval.by.is_empty() { vec![None] } else { named.map(|who| Some(*who)).collect() };
        for who in who {
            // Some never answer.
            if self.draw(|rng| rng.chance(100)) {
                continue;
            }
            // Some look closely, and some at something that was another step's.
            let (stale, named) = self.draw(|rng| (rng.chance(60), rng.chance(500)));
            let hash = (stale || named).then(|| format!("{:016x}", hash ^ u64::from(stale)));
            let approve = self.draw(|rng| rng.chance(850));
            let after = self.draw(|rng| rng.between(20, 6_000));
            let step = node.id.clone();
            self.later(after, move |world| world.ask(0, Asking::Decide { step, who, approve, hash, stale }, TRIES));
        }
    }

    /// Somebody hears at once that an undo is refused. Its do is settled, so nothing about it is on its
    /// way any more.
    fn undo_by_hand(self: &Rc<Self>, node: u32) {
        let (base, ix) = (node / SPAN * SPAN, node % SPAN);
        if self.now() < self.look_at.get() {
            // One that another waits for is not left alone for that.
            if base > 0 {
                self.look_after(base);
            }
            return;
        }
        let step = {
            let database = self.database.borrow();
            let row = self.saga(node).and_then(|saga| database.sagas.get(&saga));
            let held = row.filter(|row| row.head.open.get(&ix).is_some_and(|open| open.job == Job::Held));
            held.and_then(|row| row.nodes.iter().find(|(node, _)| node.ix == ix)).map(|(node, _)| node.id.clone())
        };
        let Some(step) = step else { return };
        self.look_at.set(self.now() + 2 * STILL);
        let asking = if self.draw(|rng| rng.chance(500)) {
            Asking::Retry { step: Some(step) }
        } else {
            Asking::Resolve { step, done: None }
        };
        if let Some(deed) = self.town.borrow_mut().deeds.get_mut(&node) {
            (deed.left, deed.tombstone, deed.undo_refused) = (0, true, false);
            deed.undone_by_hand = true;
        }
        self.ask(base, asking, TRIES);
    }

    /// Somebody sees to what is held, when the storm is over. Of one that another waits for, until it is
    /// held no more.
    fn look_after(self: &Rc<Self>, base: u32) {
        if base == 0 && self.interventions.get() >= INTERVENTIONS {
            return;
        }
        // One at a time, and only when nothing is on its way.
        if self.now() < self.look_at.get() {
            return self.later(self.look_at.get() - self.now(), move |world| world.look_after(base));
        }
        self.interventions.set(self.interventions.get() + u32::from(base == 0));
        self.look_at.set(self.now() + 2 * STILL);
        let held: Vec<(u32, Option<Op>, String, Class, bool, bool)> = {
            let database = self.database.borrow();
            let Some(row) = self.saga(base).and_then(|saga| database.sagas.get(&saga)) else { return };
            let back = row.head.direction() == Phase::Unwinding;
            let held = row.head.open.iter().filter(|(_, open)| open.job == Job::Held);
            held.filter_map(|(ix, open)| {
                let (node, _) = row.nodes.iter().find(|(node, _)| node.ix == *ix)?;
                let escalated = node.escalate && !row.head.pivoted;
                Some((*ix, open.op, node.id.clone(), node.class, back, escalated))
            })
            .collect()
        };
        if held.is_empty() {
            return;
        }
        if base > 0 {
            self.later(4 * STILL, move |world| world.look_after(base));
        }
        if base == 0 && self.draw(|rng| rng.chance(100)) {
            // Enough of it: where there is a way back, it is taken.
            return self.cancel(2);
        }
        let (ix, op, step, class, back, escalated) = self.draw(|rng| rng.pick(&held).clone());
        if self.draw(|rng| rng.chance(400)) {
            let all = self.draw(|rng| rng.chance(500));
            if let Some(deed) = self.town.borrow_mut().deeds.get_mut(&(base + ix))
                && self.now().is_multiple_of(2)
            {
                // The partner was talked to.
                (deed.undo_refused, deed.status_refused) = (false, false);
            }
            return self.ask(base, Asking::Retry { step: (!all).then_some(step) }, TRIES);
        }
        let mut town = self.town.borrow_mut();
        let deed = town.deeds.entry(base + ix).or_default();
        let done = match (back, op, class) {
            // Undone by hand.
            (true, Some(Op::Undo), _) => {
                (deed.left, deed.tombstone) = (0, true);
                None
            }
            // It need not be done after all.
            (false, _, _) if escalated && deed.left == 0 && self.now().is_multiple_of(3) => None,
            (_, _, Class::Query) => Some(json!({"n": 1, "id": "by hand"})),
            (true, _, _) | (false, _, Class::Pivot) => (deed.left > 0).then(|| deed.output.clone().unwrap_or_default()),
            // Done by hand, where it is not.
            (false, _, _) => {
                if deed.left == 0 {
                    (deed.applied, deed.left, deed.by_hand) = (deed.applied + 1, 1, true);
                    deed.output = Some(json!({"n": 2, "id": "by hand"}));
                }
                deed.output.clone()
            }
        };
        drop(town);
        self.trace(|| format!("people   {step} was looked into: {done:?}"));
        self.ask(base, Asking::Resolve { step, done }, TRIES);
    }

    /// Puts it to the saga.
    fn ask(self: &Rc<Self>, base: u32, asking: Asking, tries: u32) {
        let Some(id) = self.saga(base) else { return };
        if let Asking::Bring { name, .. } = &asking {
            self.journal_mut(base).sent.insert(name.clone());
        }
        let (verb, body) = asking.verb_and_body();
        let mut request = Request::new(Bytes::from(body.to_string()));
        *request.method_mut() = http::Method::POST;
        *request.uri_mut() = format!("http://me/api/execute/{id}/{verb}").parse().unwrap_or_default();
        if let Asking::Decide { who: Some(who), .. } = &asking
            && let Ok(key) = HeaderValue::from_str(&format!("Bearer {}", key_of(who)))
        {
            request.headers_mut().insert(AUTHORIZATION, key);
        }
        self.invoke(Errand::Ask { base, asking, tries }, request);
    }

    /// What became of it.
    pub fn asked(self: &Rc<Self>, base: u32, asking: Asking, tries: u32, status: Option<u16>) {
        match status {
            Some(200 | 202) if matches!(asking, Asking::Decide { stale: true, .. }) => {
                self.violation(format!("a decision about other parameters was taken: {asking:?}"));
            }
            Some(200 | 202) => {
                self.look_out(base);
                // Some ask once more what was answered: they did not hear it.
                if matches!(asking, Asking::Bring { key: Some(_), .. }) && tries > 0 && self.draw(|rng| rng.chance(500))
                {
                    let after = self.draw(|rng| rng.between(1, 40_000));
                    self.later(after, move |world| world.ask(base, asking, 0));
                }
            }
            // Steps were under way: perhaps a little later.
            Some(409) if matches!(asking, Asking::Replan { .. }) && tries > 0 => {
                self.later(900, move |world| {
                    if !world.journal(0).replanned {
                        world.ask(base, asking, tries - 1);
                    }
                });
            }
            // Not now, or not any more.
            Some(409) => {
                if let Asking::Resolve { step, done: Some(_) } = &asking {
                    self.take_back(base, step);
                }
                self.look_out(base);
            }
            // What was done by hand is to be kept.
            Some(422) if matches!(asking, Asking::Replan { .. }) => self.look_out(base),
            Some(code) if code < 500 => self.violation(format!("{asking:?} was answered {code}")),
            Some(_) | None if tries > 0 => self.later(700, move |world| world.ask(base, asking, tries - 1)),
            Some(_) | None => self.look_out(base),
        }
    }

    /// Who did something by hand for a saga that has no use for it undoes it again.
    fn take_back(&self, base: u32, step: &str) {
        let node = {
            let database = self.database.borrow();
            let row = self.saga(base).and_then(|saga| database.sagas.get(&saga));
            row.and_then(|row| row.nodes.iter().find(|(node, _)| node.id == step)).map(|(node, _)| node.ix)
        };
        let Some(ix) = node.filter(|ix| !self.journal(base).is_by_hand(*ix)) else { return };
        if let Some(deed) = self.town.borrow_mut().deeds.get_mut(&(base + ix)).filter(|deed| deed.by_hand) {
            (deed.applied, deed.left, deed.by_hand, deed.output) = (deed.applied - 1, 0, false, None);
            self.trace(|| format!("people   took {step} back"));
        }
    }

    /// A saga that is paused does not stay so, whatever became of the request to go on.
    fn look_out(self: &Rc<Self>, base: u32) {
        let is_paused = move |world: &Self| {
            let database = world.database.borrow();
            let row = world.saga(base).and_then(|saga| database.sagas.get(&saga));
            row.is_some_and(|row| row.head.paused && !row.head.phase.at_rest())
        };
        if is_paused(self) {
            let after = self.draw(|rng| rng.between(100, 8_000));
            self.later(after, move |world| {
                if is_paused(world) {
                    world.ask(base, Asking::Resume, TRIES);
                }
            });
        }
    }
}
