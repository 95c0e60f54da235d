//! One simulated world: the services, the network between them and the workers, and everything that
//! goes wrong there.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;

use bytes::Bytes;
use makegood_core::saga::{Op, Outcome};
use makegood_core::time::Millis;
use makegood_edge::FetchError;
use makegood_gateway::{Request, Response, tool};
use serde_json::json;

use crate::agenda::{Agenda, Filler, Polled, Slot, TaskId, Tasks};
use crate::check::Journal;
use crate::coverage::Coverage;
use crate::host::SimHost;
use crate::postgres::{Change, Postgres};
use crate::queue::{self, Queue};
use crate::redis::Redis;
use crate::rng::Rng;
use crate::scenario::{DAWN, Scenario};
use crate::town::{self, Town};

const PUBLIC: &str = "http://me";
/// The sweeper's schedule.
const SWEEP_EVERY: u64 = 10_000;
/// A saga must rest this long after the last fault: undos wait up to 75 s, wakes are swept.
const PATIENCE: u64 = 3_600_000;
/// More events than any sound world has.
const MOST_EVENTS: u64 = 400_000;

pub type Fetched = Result<Response, FetchError>;

/// Why an invocation runs.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Errand {
    Start,
    Cancel(&'static str),
    Wake(u64),
    Sweep,
}

pub struct World {
    pub scenario: Scenario,
    now: Cell<u64>,
    rng: RefCell<Rng>,
    agenda: RefCell<Agenda>,
    tasks: Tasks,
    errands: RefCell<BTreeMap<TaskId, Errand>>,
    next_task: Cell<TaskId>,
    doomed: Cell<bool>,
    pub database: RefCell<Postgres>,
    queue: RefCell<Queue>,
    redis: RefCell<Redis>,
    pub town: RefCell<Town>,
    pub journal: RefCell<Journal>,
    saga: RefCell<Option<String>>,
    pub violation: RefCell<Option<String>>,
    trace: Option<RefCell<Vec<String>>>,
    pub seen: RefCell<Coverage>,
    pub faults: Cell<u64>,
    /// Bytes of requests to and answers from the database by the wakes.
    pub wire: Cell<u64>,
}

/// A request that has arrived, and the way back to who sent it.
#[derive(Clone)]
pub struct Exchange {
    request: Rc<Request>,
    back: Filler<Fetched>,
}

impl Exchange {
    /// Sends the answer on its way.
    pub fn answer(&self, world: &Rc<World>, after: u64, response: Response) {
        let exchange = self.clone();
        let travel = world.draw(|rng| rng.between(1, 10));
        world.later(after + travel, move |world| exchange.arrive(world, Ok(response)));
    }

    fn arrive(&self, world: &World, fetched: Fetched) {
        let to_partner = self.request.uri().host() == Some("tools");
        let outcome = to_partner.then(|| world.outcome(&self.request, &fetched)).flatten();
        if self.back.fill(fetched)
            && let Some((node, op, outcome)) = outcome
        {
            world.saw_answer(node, op, &outcome);
        }
    }
}

impl World {
    pub fn new(scenario: Scenario, traced: bool) -> Rc<Self> {
        let database =
            Postgres { tools: scenario.tools.clone(), deadline: scenario.deadline, ..Postgres::default() };
        Rc::new(Self {
            now: Cell::new(DAWN),
            rng: RefCell::new(Rng::new(scenario.seed ^ 0x5eed)),
            agenda: RefCell::default(),
            tasks: Tasks::default(),
            errands: RefCell::default(),
            next_task: Cell::new(1),
            doomed: Cell::new(false),
            database: RefCell::new(database),
            queue: RefCell::default(),
            redis: RefCell::default(),
            town: RefCell::default(),
            journal: RefCell::default(),
            saga: RefCell::default(),
            violation: RefCell::default(),
            trace: traced.then(RefCell::default),
            seen: RefCell::default(),
            faults: Cell::new(0),
            wire: Cell::new(0),
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

    fn strikes(&self, per_mille: u64) -> bool {
        let strikes = self.stormy() && self.draw(|rng| rng.chance(per_mille));
        if strikes {
            self.faults.set(self.faults.get() + 1);
        }
        strikes
    }

    /// What goes wrong at a partner: a refusal, or one of `kinds`.
    pub fn partner_fault<T: Copy>(&self, kinds: &[T], refuse: T) -> Option<T> {
        let faults = self.scenario.faults;
        if self.strikes(faults.partner) {
            let refused = self.draw(|rng| rng.chance(faults.refuse));
            return Some(if refused { refuse } else { self.draw(|rng| *rng.pick(kinds)) });
        }
        None
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
            "time_budget_ms" => self.scenario.time_budget.to_string(),
            "kill_ms" => self.scenario.kill.to_string(),
            _ => return None,
        })
    }

    /// Runs until nothing is under way any more.
    pub fn run(self: &Rc<Self>) {
        self.start();
        self.later(SWEEP_EVERY, Self::sweep);
        if let Some(at) = self.scenario.cancel_at {
            self.later(at - DAWN, |world| world.cancel(2));
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
            if events > MOST_EVENTS {
                self.violation("it goes on and on without an end (live lock)".to_owned());
            }
            if at > self.scenario.calm_at + PATIENCE && !self.at_rest() {
                let phase = self.phase();
                self.violation(format!("it is still {phase:?} long after the last fault"));
            }
            act(self);
        }
        if self.violation.borrow().is_none() {
            self.judge();
        }
    }

    /// Drops what is left: tasks and the agenda hold the world, and the world holds them.
    pub fn close(&self) {
        self.tasks.close();
        self.agenda.take();
    }

    fn judge(&self) {
        let (database, town) = (self.database.borrow(), self.town.borrow());
        let Some(row) = self.saga.borrow().as_ref().and_then(|id| database.sagas.get(id)) else {
            return self.violation("no saga was ever created".to_owned());
        };
        match self.journal.borrow().end(row, &town, &self.scenario.tools) {
            Ok(rest) => *self.seen.borrow_mut().rests.entry(rest).or_default() += 1,
            Err(what) => self.violation(what),
        }
    }

    fn phase(&self) -> Option<&'static str> {
        let database = self.database.borrow();
        let saga = database.sagas.values().next()?;
        Some(saga.head.phase.as_str())
    }

    fn at_rest(&self) -> bool {
        matches!(self.phase(), Some("completed" | "made_good" | "stuck"))
    }

    // The invocations.

    fn invoke(self: &Rc<Self>, errand: Errand, request: Request) {
        let id = self.next_task.get();
        self.next_task.set(id + 1);
        let skew = self.draw(|rng| *rng.pick(&self.scenario.skews));
        let fuse = self.strikes(self.scenario.faults.crash).then(|| self.draw(|rng| rng.between(1, 25)));
        self.trace(|| format!("worker   {id} begins: {errand:?} (clock {skew:+} ms, fuse {fuse:?})"));
        self.errands.borrow_mut().insert(id, errand);
        let host = SimHost { world: Rc::clone(self), skew };
        let world = Rc::downgrade(self);
        let future = Box::pin(async move {
            let reply = makegood_execute::handle(request, host).await;
            if let Some(world) = world.upgrade() {
                let retry = reply.headers().get("retry-after").and_then(|after| after.to_str().ok()?.parse().ok());
                world.ended(id, Some((reply.status().as_u16(), retry)));
            }
        });
        self.tasks.spawn(id, fuse.and_then(|fuse| u32::try_from(fuse).ok()), future);
        self.later(self.scenario.kill, move |world| {
            if world.tasks.end(id) {
                world.trace(|| format!("worker   {id} is killed by the platform"));
                world.ended(id, None);
            }
        });
    }

    /// `status`: `None` where the invocation died.
    fn ended(self: &Rc<Self>, id: TaskId, status: Option<(u16, Option<u64>)>) {
        let Some(errand) = self.errands.borrow_mut().remove(&id) else { return };
        self.trace(|| format!("worker   {id} ends: {status:?}"));
        let code = status.map(|(code, _)| code);
        match errand {
            Errand::Start => match code {
                Some(202) => {}
                Some(code) if code < 500 && code != 409 => self.violation(format!("the start was answered {code}")),
                Some(_) | None => self.later(300, Self::start),
            },
            Errand::Cancel(phase) => match code {
                Some(200 | 202 | 409) => self.seen.borrow_mut().event(phase, "cancel"),
                Some(_) | None => self.later(500, |world| world.cancel(1)),
            },
            Errand::Wake(message) => match status {
                Some((200..300, _)) => {}
                Some((_, after)) => self.redeliver(message, after),
                None => self.redeliver(message, None),
            },
            Errand::Sweep => {}
        }
    }

    fn start(self: &Rc<Self>) {
        let body = json!({"plan": self.scenario.plan, "key": "once"}).to_string();
        let mut request = Request::new(Bytes::from(body));
        *request.method_mut() = http::Method::POST;
        *request.uri_mut() = http::Uri::from_static("http://me/api/execute");
        self.invoke(Errand::Start, request);
    }

    fn cancel(self: &Rc<Self>, tries: u32) {
        let Some(id) = self.saga.borrow().clone() else {
            if tries > 0 {
                self.later(200, move |world| world.cancel(tries - 1));
            }
            return;
        };
        let mut request = Request::new(Bytes::new());
        *request.method_mut() = http::Method::POST;
        *request.uri_mut() = format!("http://me/api/execute/{id}/cancel").parse().unwrap_or_default();
        let phase = self.phase().unwrap_or("forward");
        self.invoke(Errand::Cancel(phase), request);
    }

    fn sweep(self: &Rc<Self>) {
        if self.at_rest() {
            return;
        }
        if !self.strikes(self.scenario.faults.queue) {
            let address = format!("{PUBLIC}/api/execute/sweep");
            let request = self.draw(|rng| queue::delivery(&address, &Bytes::new(), 0, self.now.get(), rng));
            self.invoke(Errand::Sweep, request);
        }
        self.later(SWEEP_EVERY, Self::sweep);
    }

    fn deliver(self: &Rc<Self>, id: u64) {
        let Some(message) = self.queue.borrow().messages.get(&id).cloned() else { return };
        let request =
            self.draw(|rng| queue::delivery(&message.destination, &message.body, message.retried, self.now.get(), rng));
        self.invoke(Errand::Wake(id), request);
    }

    fn redeliver(self: &Rc<Self>, id: u64, retry_after: Option<u64>) {
        let wait = self.queue.borrow_mut().failed(id, retry_after);
        match wait {
            Some(wait) => self.later(wait, move |world| world.deliver(id)),
            None => self.trace(|| format!("queue    gives message {id} up")),
        }
    }

    // The network.

    /// Sends a request to whichever service it is for.
    pub fn send(self: &Rc<Self>, request: Request, timeout: Millis) -> Slot<Fetched> {
        let (slot, back) = Slot::new();
        let exchange = Exchange { request: Rc::new(request), back };
        let late = exchange.clone();
        self.later(timeout.0, move |world| late.arrive(world, Err(FetchError::Unknown("timed out".to_owned()))));
        let service = exchange.request.uri().host().unwrap_or_default().to_owned();
        let faults = self.scenario.faults;
        let rate = match service.as_str() {
            "db" => faults.database,
            "queue" => faults.queue,
            "redis" => faults.redis,
            _ => faults.partner / 4,
        };
        if service == "tools" && self.stormy() && self.poisoned(&exchange.request) {
            self.doomed.set(true);
        }
        let travel = self.draw(|rng| rng.between(1, 8));
        if !self.strikes(rate) {
            self.later(travel, move |world| world.arrive(&exchange));
            return slot;
        }
        match self.draw(|rng| rng.below(5)) {
            0 => self.later(travel, move |world| {
                exchange.arrive(world, Err(FetchError::NotSent("connection refused".to_owned())));
            }),
            1 => self.later(travel, move |world| {
                exchange.arrive(world, Err(FetchError::Unknown("connection reset".to_owned())));
            }),
            // Lost on the way there: only the time-out tells.
            2 => {}
            // Lost on the way back.
            3 => self.later(travel, move |world| {
                let (_, nobody) = Slot::new();
                world.arrive(&Exchange { request: Rc::clone(&exchange.request), back: nobody });
            }),
            _ => {
                let delay = self.draw(|rng| rng.between(50, 6_000));
                self.later(delay, move |world| world.arrive(&exchange));
            }
        }
        slot
    }

    fn poisoned(&self, request: &Request) -> bool {
        let tool = request.uri().path().trim_matches('/').split('/').next();
        self.scenario.poison.is_some() && self.scenario.poison.as_deref() == tool
    }

    /// The same request once more, later; nobody waits for the answer.
    pub fn repeat_later(self: &Rc<Self>, exchange: &Exchange) {
        let request = Rc::clone(&exchange.request);
        let delay = self.draw(|rng| rng.between(1, 8_000));
        self.later(delay, move |world| {
            let (_, nobody) = Slot::new();
            world.arrive(&Exchange { request, back: nobody });
        });
    }

    fn arrive(self: &Rc<Self>, exchange: &Exchange) {
        let request = &exchange.request;
        match request.uri().host() {
            Some("db") => {
                let (response, change) = self.database.borrow_mut().serve(request);
                self.count(request, &response, &change);
                self.follow(change);
                exchange.answer(self, 0, response);
            }
            Some("redis") => {
                if self.strikes(self.scenario.faults.redis / 4) {
                    self.redis.borrow_mut().flush();
                }
                let response = self.redis.borrow_mut().serve(request, self.now.get());
                exchange.answer(self, 0, response);
            }
            Some("queue") => self.publish(exchange),
            _ => town::serve(self, request, exchange),
        }
    }

    fn count(&self, request: &Request, response: &Response, change: &Change) {
        if !matches!(change, Change::None | Change::Created(_)) {
            self.wire.set(self.wire.get() + (request.body().len() + response.body().len()) as u64);
        }
    }

    fn publish(self: &Rc<Self>, exchange: &Exchange) {
        let now = self.now.get();
        let (response, id) = self.queue.borrow_mut().serve(&exchange.request, now);
        exchange.answer(self, 0, response);
        let Some(id) = id else {
            return self.trace(|| "queue    drops a duplicate".to_owned());
        };
        let not_before = self.queue.borrow().messages.get(&id).map_or(0, |message| message.not_before);
        let mut wait = not_before.saturating_sub(now) + self.draw(|rng| rng.between(1, 10));
        self.trace(|| format!("queue    takes message {id}, due in {wait} ms"));
        if self.strikes(self.scenario.faults.queue) {
            match self.draw(|rng| rng.below(3)) {
                0 => return self.trace(|| format!("queue    loses message {id}")),
                1 => {
                    let again = wait + self.draw(|rng| rng.between(1, 5_000));
                    self.later(again, move |world| world.deliver(id));
                }
                _ => wait += self.draw(|rng| rng.between(1, 20_000)),
            }
        }
        self.later(wait, move |world| world.deliver(id));
    }

    // What is checked when.

    fn follow(self: &Rc<Self>, change: Change) {
        match change {
            Change::None => {}
            Change::Created(id) => {
                let database = self.database.borrow();
                let nodes = database.sagas.get(&id).map(|row| row.nodes.iter().map(|(node, _)| node.clone()).collect());
                *self.journal.borrow_mut() = Journal::new(nodes.unwrap_or_default());
                *self.saga.borrow_mut() = Some(id);
            }
            Change::Loaded => self.saw_event("wake"),
            Change::Paged => self.saw_event("paged"),
            Change::Outrun => {
                self.trace(|| "journal  another was first".to_owned());
                self.saw_event("outrun");
            }
            Change::Committed(id) => {
                let database = self.database.borrow();
                let Some(row) = database.sagas.get(&id) else { return };
                self.trace(|| {
                    let facts = row.facts.iter().rev().take_while(|(seq, _)| seq / 1024 == u64::from(row.version));
                    let facts: Vec<String> = facts.map(|(_, record)| format!("{:?}", record.fact)).collect();
                    let facts: Vec<&str> = facts.iter().rev().map(String::as_str).collect();
                    format!("journal  {} {}\n            head {}", row.version, facts.join("\n            "), row.head_text)
                });
                let pivot_acted = self.pivot_acted();
                let verdict = self.journal.borrow_mut().commit(row, &self.scenario.tools, pivot_acted);
                drop(database);
                self.saw_event("committed");
                self.expect(verdict);
            }
        }
    }

    fn pivot_acted(&self) -> bool {
        let (journal, town) = (self.journal.borrow(), self.town.borrow());
        town.deeds.iter().any(|(ix, deed)| deed.left > 0 && journal.is_pivot(*ix))
    }

    pub fn check_do(&self, node: u32) {
        let verdict = self.journal.borrow().do_arrives(node);
        self.expect(verdict);
    }

    pub fn check_undo(&self, node: u32) {
        let verdict = self.journal.borrow().undo_arrives(node, &self.town.borrow());
        self.expect(verdict);
    }

    /// An effect has happened.
    pub fn check_act(&self, node: u32, applied: u32) {
        if applied > 1 {
            self.violation(format!("{node} was done {applied} times under one key"));
        }
        let journal = self.journal.borrow();
        if journal.unwinding && journal.is_pivot(node) {
            self.violation(format!("the pivot {node} happened while the saga was being undone"));
        }
    }

    pub fn saw_event(&self, event: &'static str) {
        let phase = self.phase().unwrap_or("forward");
        self.seen.borrow_mut().event(phase, event);
    }

    fn outcome(&self, request: &Request, fetched: &Fetched) -> Option<(u32, Op, Outcome)> {
        let key = request.headers().get("idempotency-key")?.to_str().ok()?;
        let op = match request.uri().path().rsplit('/').next()? {
            "do" => Op::Do,
            "undo" => Op::Undo,
            _ => Op::Status,
        };
        let outcome = match fetched {
            Ok(response) => tool::outcome(op, response),
            Err(FetchError::NotSent(reason)) => Outcome::Later { after: None, reason: reason.clone() },
            Err(FetchError::Unknown(reason)) => Outcome::Unknown { reason: reason.clone() },
        };
        Some((key.rsplit(':').next()?.parse().ok()?, op, outcome))
    }

    fn saw_answer(&self, node: u32, op: Op, outcome: &Outcome) {
        self.trace(|| format!("answer   {op:?} of {node}: {outcome:?}"));
        self.saw_event("answered");
        let database = self.database.borrow();
        let job = database.sagas.values().next().and_then(|row| row.head.open.get(&node)).map(|open| open.job);
        self.seen.borrow_mut().answer(job, op, outcome);
    }
}
