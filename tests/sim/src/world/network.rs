//! The network between the workers and the services, and what goes wrong in it.

use std::rc::Rc;

use makegood_core::time::Millis;
use makegood_core::tool::UNDER_WAY;
use makegood_edge::FetchError;
use makegood_gateway::{Request, Response};
use serde_json::json;

use super::{Exchange, Fetched, World};
use crate::agenda::{Slot, TaskId};
use crate::answer;
use crate::postgres::Change;
use crate::scenario::DAWN;
use crate::town;

/// What becomes of a request, in the order of the arms in `send`.
const MISHAPS: [&str; 6] = [
    "is not sent",
    "fails, perhaps after it arrived",
    "is lost",
    "arrives, and its answer is lost",
    "is answered 502",
    "is late",
];

impl World {
    /// Sends a request to whichever service it is for.
    pub fn send(self: &Rc<Self>, worker: TaskId, request: Request, timeout: Millis) -> Slot<Fetched> {
        let (slot, back) = Slot::new();
        let is_do = request.uri().host() == Some("tools") && request.uri().path().ends_with("/do");
        let counted = is_do.then(|| self.call_leaves(&request, timeout.0)).flatten();
        let exchange = Exchange { request: Rc::new(request), back, worker, counted };
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
        if service == "db" {
            self.awake.borrow_mut().entry(worker).or_insert(self.now.get());
        }
        if service == "tools" {
            self.check_round(worker, &exchange.request);
            self.check_time(worker, timeout);
        }
        if service == "tools" && (self.stormy() || self.scenario.poison_lasts) && self.poisoned(&exchange.request) {
            self.doomed.set(true);
        }
        let travel = self.draw(|rng| rng.between(1, 8));
        if service == "redis" && self.scenario.no_redis {
            self.later(travel, move |world| exchange.arrive(world, Err(FetchError::NotSent("no Redis".to_owned()))));
            return slot;
        }
        if service == "tools" && self.is_away(&exchange.request) {
            self.trace(|| format!("outage   nobody is there for {}", exchange.request.uri().path()));
            let refused = FetchError::NotSent("connection refused".to_owned());
            match self.draw(|rng| rng.below(3)) {
                0 => self.later(travel, move |world| exchange.arrive(world, Err(refused))),
                1 => self.later(travel, move |world| exchange.arrive(world, Ok(answer(503, &json!({}))))),
                // Only the time-out tells.
                _ => {}
            }
            return slot;
        }
        if service == "db" && faults.again > 0 && self.strikes(faults.again) {
            self.tell_fault(|| "a statement is carried out twice, and the second answer counts".to_owned());
            let (_, nobody) = Slot::new();
            let first = Exchange { request: Rc::clone(&exchange.request), back: nobody, worker, counted: None };
            self.later(travel, move |world| world.arrive(&first));
            let behind = travel + self.fate(|rng| rng.between(1, 40));
            self.later(behind, move |world| world.arrive(&exchange));
            return slot;
        }
        if service == "tools" && faults.late > 0 && self.strikes(faults.late) {
            let delay = self.fate(|rng| rng.between(1_000, UNDER_WAY.0 - 500));
            self.tell_fault(|| {
                format!("a request to tools{} is under way for {delay} ms", exchange.request.uri().path())
            });
            self.later(delay, move |world| world.arrive(&exchange));
            return slot;
        }
        if !self.strikes(rate) {
            self.later(travel, move |world| world.arrive(&exchange));
            return slot;
        }
        let kind = self.fate(|rng| rng.below(6));
        self.tell_fault(|| {
            let way = exchange.request.uri().path();
            format!("a request to {service}{way} {}", MISHAPS[usize::try_from(kind).unwrap_or(0)])
        });
        match kind {
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
                world.arrive(&Exchange { request: Rc::clone(&exchange.request), back: nobody, worker, counted: None });
            }),
            // The gateway before it is out of order.
            4 => self.later(travel, move |world| exchange.arrive(world, Ok(answer(502, &json!("bad gateway"))))),
            _ => {
                let delay = self.fate(|rng| rng.between(50, 6_000));
                self.later(delay, move |world| world.arrive(&exchange));
            }
        }
        slot
    }

    pub(super) fn poisoned(&self, request: &Request) -> bool {
        let tool = request.uri().path().trim_matches('/').split('/').next();
        self.scenario.poison.is_some() && self.scenario.poison.as_deref() == tool
    }

    /// The partner of the tool that is called is away.
    fn is_away(&self, request: &Request) -> bool {
        let tool = request.uri().path().trim_matches('/').split('/').next();
        let now = self.now.get() - DAWN;
        self.scenario
            .outage
            .as_ref()
            .is_some_and(|outage| Some(outage.tool.as_str()) == tool && (outage.from..outage.until).contains(&now))
    }

    /// The same request once more, later; nobody waits for the answer.
    pub fn repeat_later(self: &Rc<Self>, exchange: &Exchange) {
        let request = Rc::clone(&exchange.request);
        let delay = self.draw(|rng| rng.between(1, 8_000));
        self.later(delay, move |world| {
            let (_, nobody) = Slot::new();
            world.arrive(&Exchange { request, back: nobody, worker: 0, counted: None });
        });
    }

    pub(super) fn arrive(self: &Rc<Self>, exchange: &Exchange) {
        let request = &exchange.request;
        match request.uri().host() {
            Some("db") => {
                self.database.borrow_mut().now = self.now.get();
                let (response, change) = self.database.borrow_mut().serve(request);
                self.count(request, &response, &change);
                self.follow(change);
                exchange.answer(self, 0, response);
            }
            Some("redis") => {
                if self.strikes(self.scenario.faults.redis / 4) {
                    self.tell_fault(|| "Redis forgets everything".to_owned());
                    self.redis.borrow_mut().flush();
                }
                let response = self.redis.borrow_mut().serve(request, self.now.get());
                exchange.answer(self, 0, response);
            }
            Some("queue") => self.publish(exchange),
            _ => town::serve(self, request, exchange),
        }
    }

    pub(super) fn count(&self, request: &Request, response: &Response, change: &Change) {
        if !matches!(change, Change::None | Change::Created(_)) {
            self.wire.set(self.wire.get() + (request.body().len() + response.body().len()) as u64);
        }
    }

    pub(super) fn publish(self: &Rc<Self>, exchange: &Exchange) {
        let now = self.now.get();
        let (response, id) = self.queue.borrow_mut().serve(&exchange.request, now);
        exchange.answer(self, 0, response);
        let Some(id) = id else {
            return self.trace(|| "queue    drops a duplicate".to_owned());
        };
        let not_before = self.queue.borrow().messages.get(&id).map_or(0, |message| message.not_before);
        let mut wait = not_before.saturating_sub(now) + self.draw(|rng| rng.between(1, 10));
        self.trace(|| format!("queue    takes message {id}, due in {wait} ms"));
        if self.strikes(self.scenario.faults.twice) {
            let again = wait + self.fate(|rng| rng.between(0, 60));
            self.tell_fault(|| format!("message {id} comes twice at about the same time"));
            self.later(again, move |world| world.deliver(id));
        }
        if self.strikes(self.scenario.faults.queue) {
            match self.fate(|rng| rng.below(3)) {
                0 => return self.tell_fault(|| format!("message {id} is lost")),
                1 => {
                    let again = wait + self.fate(|rng| rng.between(1, 5_000));
                    self.tell_fault(|| format!("message {id} comes twice"));
                    self.later(again, move |world| world.deliver(id));
                }
                _ => {
                    wait += self.fate(|rng| rng.between(1, 20_000));
                    self.tell_fault(|| format!("message {id} comes late"));
                }
            }
        }
        self.later(wait, move |world| world.deliver(id));
    }
}
