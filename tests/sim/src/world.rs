//! One simulated world: the services, the network between them and the workers, and everything that
//! goes wrong there.

mod alerts;
mod invocations;
mod network;
mod sagas;
mod turns;

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use makegood_core::saga::{Answer, Fact, Job, Kind, Op, Outcome, Phase};
use makegood_core::time::Millis;
use makegood_core::tool::Class;
use makegood_edge::{FetchError, Isolate};
use makegood_gateway::api_keys::{Holder, key_of};
use makegood_gateway::{Request, Response, tool};

use crate::agenda::{Agenda, Filler, Polled, TaskId, Tasks};
use crate::check::Journal;
use crate::coverage::Coverage;
use crate::people::Asking;
use crate::postgres::{Change, Postgres};
use crate::queue::{self, Queue};
use crate::redis::Redis;
use crate::rng::Rng;
use crate::scenario::{APPROVERS, DAWN, Scenario};
use crate::town::Town;

const PUBLIC: &str = "http://me";
/// The sweeper's schedule.
const SWEEP_EVERY: u64 = 10_000;
/// A saga must rest this long after the last fault: undos wait up to 75 s, wakes are swept.
const PATIENCE: u64 = 3_600_000;
/// After the storm a saga is not left alone for longer than this when its time has come. An id of
/// deduplication is remembered for ten minutes.
const LONELY: u64 = 400_000;
/// More events than any sound world has.
const MOST_EVENTS: u64 = 400_000;
/// More events than any sound invocation folds before it waits for something.
const MOST_AT_ONCE: u32 = 10_000;

/// More nodes than any plan here has: the nodes of the n-th saga are numbered from n times this.
pub const SPAN: u32 = 10_000;

pub type Fetched = Result<Response, FetchError>;
/// A node, the epoch of its key, and what it was told to be.
type Heard = (u32, u32, &'static str);

/// Why an invocation runs.
#[derive(Clone, Debug, PartialEq)]
pub enum Errand {
    Start,
    /// Somebody's, to the saga with this number, to be tried so often.
    Ask {
        base: u32,
        asking: Asking,
        tries: u32,
    },
    /// Of another saga than the first, by its number among them.
    Rival(usize),
    Cancel,
    Wake(u64),
    Sweep,
}

pub struct World {
    pub scenario: Scenario,
    now: Cell<u64>,
    rng: RefCell<Rng>,
    /// What the fault that strikes now draws from, so that others come out the same without it.
    fate: RefCell<Rng>,
    /// Questions put to fate so far.
    asked: Cell<u64>,
    /// The numbers of those that it answered with yes.
    pub struck: RefCell<Vec<u64>>,
    agenda: RefCell<Agenda>,
    tasks: Tasks,
    errands: RefCell<BTreeMap<TaskId, Errand>>,
    /// The nodes, with the epochs of their keys, of which a worker was told that they are done, or refused.
    heard: RefCell<BTreeMap<TaskId, Vec<Heard>>>,
    /// When a worker first turned to the database: one that was woken has so long from there.
    awake: RefCell<BTreeMap<TaskId, u64>>,
    next_task: Cell<TaskId>,
    doomed: Cell<bool>,
    pub database: RefCell<Postgres>,
    queue: RefCell<Queue>,
    redis: RefCell<Redis>,
    pub town: RefCell<Town>,
    /// Of the first saga, and of those that run for steps of others.
    journals: RefCell<Vec<Journal>>,
    /// The ids of the sagas, in the order of `journals`.
    pub sagas: RefCell<Vec<String>>,
    /// The saga must rest this long after.
    due_by: Cell<u64>,
    /// By when a wake of each saga must have led to something.
    heard_by: RefCell<Vec<u64>>,
    /// When the schedule sweeps next.
    sweep_at: Cell<u64>,
    /// Times that somebody looked after a stuck saga.
    pub interventions: Cell<u32>,
    /// Nobody looks again before this time.
    pub look_at: Cell<u64>,
    pub violation: RefCell<Option<String>>,
    trace: Option<RefCell<Vec<String>>>,
    pub seen: RefCell<Coverage>,
    /// Folded by workers since something last happened.
    at_once: Cell<u32>,
    /// Calls of which only so many may be.
    under_way: RefCell<turns::UnderWay>,
    /// What people are to see to, by saga.
    needs: RefCell<BTreeMap<String, alerts::Need>>,
    /// What they were told of: saga and mark.
    told: RefCell<BTreeSet<(String, String)>>,
    /// Bytes of requests to and answers from the database by the wakes.
    pub wire: Cell<u64>,
    /// What the next worker knows.
    pub isolate: RefCell<Rc<Isolate>>,
}

/// A request that has arrived, and the way back to who sent it.
#[derive(Clone)]
pub struct Exchange {
    request: Rc<Request>,
    back: Filler<Fetched>,
    /// Who sent it.
    worker: TaskId,
    /// Its number among the calls of which only so many may be.
    counted: Option<u64>,
}

impl Exchange {
    /// Sends the answer on its way.
    pub fn answer(&self, world: &Rc<World>, after: u64, response: Response) {
        let exchange = self.clone();
        let travel = world.draw(|rng| rng.between(1, 10));
        world.later(after + travel, move |world| exchange.arrive(world, Ok(response)));
    }

    fn arrive(&self, world: &World, fetched: Fetched) {
        if !self.back.is_awaited() {
            return;
        }
        let to_partner = self.request.uri().host() == Some("tools");
        let outcome = to_partner.then(|| world.outcome(&self.request, &fetched)).flatten();
        world.call_is_over(self.counted);
        if self.back.fill(fetched)
            && let Some(((node, round), op, outcome)) = outcome
        {
            world.saw_answer(node, op, &outcome);
            let told = match outcome {
                Outcome::Ok(Answer::Output(_)) => "done",
                Outcome::Refused(_) => "refused",
                Outcome::Ok(_) | Outcome::Later { .. } | Outcome::Unknown { .. } => return,
            };
            if op == Op::Do {
                world.heard.borrow_mut().entry(self.worker).or_default().push((node, round, told));
            }
        }
    }
}

/// One that knows whom the keys of people stand for, and nothing else yet. `nth`: no two of a world have the same, so
/// that no two of their commits have.
pub fn fresh_isolate(nth: TaskId) -> Rc<Isolate> {
    Isolate::knowing(APPROVERS.iter().map(|name| (key_of(name), Holder::user(name)))).marking_from((nth + 1) << 32)
}

impl World {
    pub fn new(scenario: Scenario, traced: bool) -> Rc<Self> {
        let database = Postgres::new(&scenario);
        Rc::new(Self {
            now: Cell::new(DAWN),
            rng: RefCell::new(Rng::new(scenario.seed ^ 0x5eed)),
            fate: RefCell::new(Rng::new(scenario.seed)),
            asked: Cell::new(0),
            struck: RefCell::default(),
            agenda: RefCell::default(),
            tasks: Tasks::default(),
            errands: RefCell::default(),
            heard: RefCell::default(),
            awake: RefCell::default(),
            next_task: Cell::new(1),
            doomed: Cell::new(false),
            database: RefCell::new(database),
            queue: RefCell::default(),
            redis: RefCell::default(),
            town: RefCell::default(),
            journals: RefCell::new(vec![Journal::default()]),
            sagas: RefCell::default(),
            due_by: Cell::new(scenario.calm_at.max(DAWN + scenario.outage.as_ref().map_or(0, |outage| outage.until))),
            heard_by: RefCell::new(vec![u64::MAX]),
            sweep_at: Cell::new(0),
            interventions: Cell::new(0),
            look_at: Cell::new(0),
            violation: RefCell::default(),
            trace: traced.then(RefCell::default),
            seen: RefCell::default(),
            at_once: Cell::new(0),
            under_way: RefCell::default(),
            needs: RefCell::default(),
            told: RefCell::default(),
            wire: Cell::new(0),
            isolate: RefCell::new(fresh_isolate(0)),
            scenario,
        })
    }

    pub fn now(&self) -> u64 {
        self.now.get()
    }

    pub fn draw<T>(&self, draw: impl FnOnce(&mut Rng) -> T) -> T {
        draw(&mut self.rng.borrow_mut())
    }

    pub fn later(&self, span: u64, act: impl FnOnce(&Rc<Self>) + 'static) {
        let tie = self.draw(Rng::next);
        self.agenda.borrow_mut().add(self.now.get().saturating_add(span), tie, Box::new(act));
    }

    pub fn trace(&self, line: impl FnOnce() -> String) {
        if let Some(trace) = &self.trace {
            trace.borrow_mut().push(format!("{:>8}  {}", self.now.get() - DAWN, line()));
        }
    }

    pub fn take_trace(&self) -> Vec<String> {
        self.trace.as_ref().map(RefCell::take).unwrap_or_default()
    }

    /// The first one counts; the world stops at it.
    pub fn violation(&self, what: String) {
        self.trace(|| format!("VIOLATION {what}"));
        self.violation.borrow_mut().get_or_insert(what);
    }

    fn expect(&self, verdict: Result<(), String>) {
        if let Err(what) = verdict {
            self.violation(what);
        }
    }

    /// Things may still go wrong.
    pub fn stormy(&self) -> bool {
        self.now.get() < self.scenario.calm_at
    }

    /// Whether something goes wrong here and now. Each question has a number, by which a schedule can
    /// name the faults that strike.
    pub fn strikes(&self, per_mille: u64) -> bool {
        if !self.stormy() {
            return false;
        }
        let number = self.asked.get();
        self.asked.set(number + 1);
        let mut fate = Rng::new(self.scenario.seed.rotate_left(32) ^ number);
        let by_rate = fate.chance(per_mille);
        let strikes = self.scenario.struck.as_ref().map_or(by_rate, |struck| struck.binary_search(&number).is_ok());
        if strikes {
            self.struck.borrow_mut().push(number);
            *self.fate.borrow_mut() = fate;
        }
        strikes
    }

    /// Draws for the fault that has just struck.
    pub fn fate<T>(&self, draw: impl FnOnce(&mut Rng) -> T) -> T {
        draw(&mut self.fate.borrow_mut())
    }

    /// Tells of the fault that has just struck.
    pub fn tell_fault(&self, what: impl FnOnce() -> String) {
        self.trace(|| {
            let number = self.struck.borrow().last().copied().unwrap_or_default();
            format!("fault    {number}: {}", what())
        });
    }

    /// What goes wrong at a partner: a refusal, or one of `kinds`.
    pub fn partner_fault<T: Copy>(&self, kinds: &[T], refuse: T) -> Option<T> {
        let faults = self.scenario.faults;
        if self.strikes(faults.partner) {
            let refused = self.fate(|rng| rng.chance(faults.refuse));
            return Some(if refused { refuse } else { self.fate(|rng| *rng.pick(kinds)) });
        }
        None
    }

    /// This step's partner says no, storm or calm.
    pub fn refuses(&self, node: u32) -> bool {
        self.scenario.refused.is_some() && self.journal(node).id(node) == self.scenario.refused.as_deref()
    }

    pub fn config(&self, name: &str) -> Option<String> {
        Some(match name {
            "database_http_url" => "http://db/sql".to_owned(),
            "database_url" => "postgres://u:p@db/makegood".to_owned(),
            "redis_rest_url" => "http://redis".to_owned(),
            "qstash_url" => "http://queue".to_owned(),
            "qstash_current_signing_key" => queue::CURRENT_KEY.to_owned(),
            "qstash_next_signing_key" => queue::NEXT_KEY.to_owned(),
            "public_url" => PUBLIC.to_owned(),
            "tools_url" => "http://tools".to_owned(),
            "allow_anonymous" => "true".to_owned(),
            // What is proved here is of sagas.
            "limits" => "off".to_owned(),
            "time_budget_ms" => self.scenario.time_budget.to_string(),
            "user_concurrency" => self.scenario.user_concurrency.unwrap_or(0).to_string(),
            "kill_ms" => self.scenario.kill.to_string(),
            "breakers" => {
                let rules = self.scenario.outage.as_ref().and_then(|outage| outage.rules);
                rules.map_or_else(|| "off".to_owned(), |rules| serde_json::json!({"default": rules}).to_string())
            }
            _ => return None,
        })
    }

    /// Runs until nothing is under way any more; so many things happened.
    pub fn run(self: &Rc<Self>) -> u64 {
        self.start();
        for (nth, rival) in self.scenario.rivals.iter().enumerate() {
            self.later(rival.after, move |world| world.rival(nth));
        }
        self.sweep_after(SWEEP_EVERY);
        if let Some(at) = self.scenario.cancel_at {
            self.later(at - DAWN, |world| world.cancel(2));
        }
        if let Some((tool, after)) = self.scenario.drift.clone() {
            self.later(after, move |world| {
                world.database.borrow_mut().drifted.insert(tool);
            });
        }
        let mut events = 0_u64;
        while self.violation.borrow().is_none() {
            if let Some((id, polled)) = self.tasks.turn() {
                if self.doomed.take() || polled == Polled::Crashed {
                    self.tasks.end(id);
                    self.trace(|| format!("worker   {id} crashes"));
                    self.ended(id, None);
                }
                continue;
            }
            let next = self.agenda.borrow_mut().next();
            let Some((at, act)) = next else { break };
            self.now.set(at);
            events += 1;
            self.at_once.set(0);
            if events > MOST_EVENTS {
                self.violation("it goes on and on without an end (live lock)".to_owned());
            }
            let patience = if self.scenario.poison_lasts { 20 * PATIENCE } else { PATIENCE };
            let late = self.heard_by.borrow().iter().any(|heard_by| at > *heard_by);
            if late && !self.scenario.poison_lasts && !self.at_rest() {
                self.violation("its time has come, and nobody woke it".to_owned());
            }
            if at > self.due_by.get() + patience && !self.at_rest() {
                // Who waits for one that nobody sees to, waits; all others do not.
                let phase = match self.restless() {
                    Some(phase) => Some(phase.as_str()),
                    None if self.held_up().is_empty() => self.phase(0),
                    None => break,
                };
                self.violation(format!("it is still {phase:?} long after the last fault"));
            }
            act(self);
        }
        if self.violation.borrow().is_none() {
            self.judge();
        }
        events
    }

    /// Drops what is left: tasks and the agenda hold the world, and the world holds them.
    pub fn close(&self) {
        self.tasks.close();
        self.agenda.take();
    }

    fn judge(&self) {
        let (database, town, journals) = (self.database.borrow(), self.town.borrow(), self.journals.borrow());
        if self.sagas.borrow().is_empty() {
            return self.violation("no saga was ever created".to_owned());
        }
        self.check_told();
        let held_up = self.held_up();
        for (id, journal) in self.sagas.borrow().iter().zip(journals.iter()) {
            let Some(row) = database.sagas.get(id) else { continue };
            if held_up.contains(id) && !row.head.phase.at_rest() {
                continue;
            }
            match journal.end(row, &town, &self.scenario.tools) {
                Ok(rest) if rest != "completed" && self.scenario.only_time_is_lost() => {
                    self.violation(format!("nothing but time was lost, and it is {rest}"));
                }
                Ok(rest) => *self.seen.borrow_mut().rests.entry(rest).or_default() += 1,
                Err(what) => self.violation(what),
            }
        }
    }

    /// All of them are.
    pub fn at_rest(&self) -> bool {
        let database = self.database.borrow();
        let begun = database.sagas.values().filter(|row| row.head.parent.is_none()).count();
        begun > self.scenario.rivals.len() && database.sagas.values().all(|row| row.head.phase.at_rest())
    }

    /// Those that wait for one that runs for a step of theirs, and is stuck.
    fn held_up(&self) -> BTreeSet<String> {
        let database = self.database.borrow();
        let parent = |id: &str| Some(database.sagas.get(id)?.head.parent.as_ref()?.saga.as_str().to_owned());
        let mut held_up = BTreeSet::new();
        for stuck in database.sagas.values().filter(|row| row.head.phase == Phase::Stuck) {
            let mut waits = parent(&stuck.id);
            while let Some(id) = waits {
                waits = parent(&id);
                held_up.insert(id);
            }
        }
        held_up
    }

    /// The phase of one that is not at rest, though nothing holds it up.
    fn restless(&self) -> Option<Phase> {
        let held_up = self.held_up();
        let database = self.database.borrow();
        let restless = database.sagas.values().find(|row| !row.head.phase.at_rest() && !held_up.contains(&row.id));
        restless.map(|row| row.head.phase)
    }

    fn follow(self: &Rc<Self>, change: Change) {
        match change {
            Change::None | Change::Loaded | Change::Paged => {}
            Change::Turn(asked) => self.turn_asked(&asked),
            Change::Left(saga, nodes) => self.places_left(&saga, &nodes),
            Change::Created(id) => self.is_created(&id),
            Change::Outrun(id) => {
                self.trace(|| "journal  another was first".to_owned());
                if let Some(row) = self.database.borrow().sagas.get(&id) {
                    self.seen.borrow_mut().outrun(row.head.phase);
                }
            }
            Change::Committed(id) => {
                let database = self.database.borrow();
                let Some(row) = database.sagas.get(&id) else { return };
                self.trace(|| {
                    let facts: Vec<String> = row.fresh().map(|record| format!("{:?}", record.fact)).collect();
                    format!(
                        "journal  {} {}\n            head {}",
                        row.version,
                        facts.join("\n            "),
                        row.head_text
                    )
                });
                let base = self.base(&id).unwrap_or(0);
                self.follow_child(row);
                self.follow_need(row);
                let pivot_acted = self.pivot_acted(base);
                let verdict = self.journal_mut(base).commit(row, &self.scenario.tools, pivot_acted);
                let fresh: Vec<&Fact> = row.fresh().map(|record| &record.fact).collect();
                let waits = fresh.iter().filter_map(|fact| {
                    let (Fact::Waiting { until, .. } | Fact::Asked { until, .. }) = fact else { return None };
                    Some(until.0)
                });
                let begun = fresh.iter().any(|fact| {
                    matches!(
                        fact,
                        Fact::Done { .. } | Fact::Retried { .. } | Fact::Resolved { .. } | Fact::Replanned { .. }
                    )
                });
                let due_by = waits.chain(begun.then(|| self.now())).max().unwrap_or(0);
                self.due_by.set(self.due_by.get().max(due_by));
                self.people_hear(base, row, &fresh);
                let heard_by = row.wake_at.map(|at| at.max(self.scenario.calm_at).max(self.now()) + LONELY);
                if let Some(known) = self.heard_by.borrow_mut().get_mut(usize::try_from(base / SPAN).unwrap_or(0)) {
                    *known = heard_by.unwrap_or(u64::MAX);
                }
                if let Some(at) = row.wake_at {
                    self.sweep_before(at);
                }
                drop(database);
                self.expect(verdict);
            }
        }
    }

    /// One effect has one key, in all its attempts, whoever makes them: the number of its node.
    pub fn check_key(&self, key: &str) -> Option<(u32, u32)> {
        let node = self.read_key(key);
        let fits = node.filter(|(node, round)| *round <= self.journal(*node).rounds(*node));
        if fits.is_none() {
            self.violation(format!("a call came with the key {key}"));
        }
        fits
    }

    /// Node and round of a key.
    fn read_key(&self, key: &str) -> Option<(u32, u32)> {
        let mut parts = key.split(':');
        let (saga, round, ix) = (parts.next()?, parts.next()?, parts.next()?);
        Some((self.base(saga)? + ix.parse::<u32>().ok()?, round.parse().ok()?))
    }

    /// A call that leaves is of the round that the journal tells of: whoever has a refused step asked for
    /// anew wants a new key, and undoes what was done under it.
    pub fn check_round(&self, worker: TaskId, request: &Request) {
        let key = request.headers().get("idempotency-key").and_then(|key| key.to_str().ok()).unwrap_or_default();
        let (Some((node, round)), Some(verb)) = (self.read_key(key), request.uri().path().rsplit('/').next()) else {
            return;
        };
        self.trace(|| format!("leaves   {verb} of {node} in round {round}, from worker {worker}"));
        let verdict = self.journal_mut(node).leaves(verb, node, round);
        self.expect(verdict);
        let database = self.database.borrow();
        let row = self.saga(node).and_then(|saga| database.sagas.get(&saga));
        if let Some(row) = row.filter(|_| verb == "do") {
            self.expect(self.journal(node).is_paid(&row.head, &self.scenario.tools));
        }
    }

    /// A call leaves with no more time than its worker has: the platform would end both.
    pub fn check_time(&self, worker: TaskId, timeout: Millis) {
        let awake = self.awake.borrow().get(&worker).copied();
        let woken = matches!(self.errands.borrow().get(&worker), Some(Errand::Wake(_)));
        let left = awake.map(|awake| (awake + self.scenario.kill).saturating_sub(self.now.get()));
        if let Some(left) = left.filter(|left| woken && timeout.0 > *left) {
            self.violation(format!("a call leaves with {timeout} for its answer, and its worker has {left} ms"));
        }
    }

    pub fn check_do(&self, node: u32) {
        let verdict = self.journal(node).do_arrives(node);
        self.expect(verdict);
    }

    pub fn check_undo(&self, node: u32) {
        let verdict = self.journal(node).undo_arrives(node, &self.town.borrow());
        self.expect(verdict);
    }

    /// An effect has happened.
    pub fn check_act(&self, node: u32, applied: u32) {
        if applied > 1 {
            self.violation(format!("{node} was done {applied} times under one key"));
        }
        let journal = self.journal(node);
        if journal.unwinding && journal.is_pivot(node) {
            self.violation(format!("the pivot {node} happened while the saga was being undone"));
        }
    }

    fn outcome(&self, request: &Request, fetched: &Fetched) -> Option<((u32, u32), Op, Outcome)> {
        let key = request.headers().get("idempotency-key")?.to_str().ok()?;
        let op = match request.uri().path().rsplit('/').next()? {
            "do" => Op::Do,
            "undo" => Op::Undo,
            _ => Op::Status,
        };
        let outcome = match fetched {
            Ok(response) => tool::outcome(op, response),
            Err(FetchError::NotSent(reason)) => {
                Outcome::Later { after: None, code: "not_sent".to_owned(), reason: reason.clone() }
            }
            Err(FetchError::Unknown(reason)) => {
                Outcome::Unknown { code: "no_answer".to_owned(), reason: reason.clone() }
            }
        };
        Some((self.read_key(key)?, op, outcome))
    }

    /// What a worker has heard who lived to its end is in the journal: nobody goes on asking for it. A
    /// query may have been asked under results that did not come to stand.
    fn check_heard(&self, worker: TaskId, heard: &[Heard]) {
        let database = self.database.borrow();
        for (node, round, told) in heard {
            let row = self.saga(*node).and_then(|saga| database.sagas.get(&saga));
            let Some(open) = row.and_then(|row| row.head.open.get(&(node % SPAN))) else { continue };
            let wanted = match open.job {
                Job::Do | Job::Ask => true,
                Job::Held => open.op == Some(Op::Do) && open.doubt,
                Job::Pending | Job::Wait | Job::Undo => false,
            };
            let journal = self.journal(*node);
            let effect = journal.class(*node) != Class::Query;
            if effect && wanted && journal.epoch(*node) + open.round == *round {
                self.violation(format!(
                    "worker {worker} was told that {node} is {told}, and the journal knows nothing of it"
                ));
            }
        }
    }

    /// A worker has folded an event. The world comes to its turn only when the worker waits, so that one that never does
    /// has to be stopped from within.
    ///
    /// # Panics
    /// Where it turns in a circle.
    pub fn folded(&self, phase: Phase, kind: Kind) {
        self.seen.borrow_mut().event(phase, kind);
        let at_once = self.at_once.get() + 1;
        self.at_once.set(at_once);
        assert!(at_once <= MOST_AT_ONCE, "a worker folds event after event and never waits (circle)");
    }

    fn saw_answer(&self, node: u32, op: Op, outcome: &Outcome) {
        self.trace(|| format!("answer   {op:?} of {node}: {outcome:?}"));
        let Some(saga) = self.saga(node) else { return };
        let database = self.database.borrow();
        let row = database.sagas.get(&saga);
        let job = row.and_then(|row| row.head.open.get(&(node % SPAN))).map(|open| open.job);
        self.seen.borrow_mut().answer(job, op, outcome);
    }
}
