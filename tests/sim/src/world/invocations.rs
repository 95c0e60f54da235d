//! The invocations: who runs what, what becomes of it, and what the queue makes of that.

use std::rc::Rc;

use bytes::Bytes;
use http::Uri;
use makegood_core::saga::{Plan, Priority};
use makegood_gateway::Request;
use serde::Serialize;
use serde_json::Value;

use super::{Errand, PUBLIC, SWEEP_EVERY, World, fresh_isolate};
use crate::agenda::TaskId;
use crate::host::SimHost;
use crate::queue;
use crate::scenario::Scenario;

/// So long before the end of its budget a worker may give up, having tried.
const LAST_TRY: u64 = 1_000;

/// The body that a saga is started with.
#[derive(Serialize)]
struct Wanted<'a> {
    plan: &'a Plan,
    key: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    budget: Option<&'a Value>,
    #[serde(skip_serializing_if = "Priority::is_normal")]
    priority: Priority,
}

impl World {
    pub fn invoke(self: &Rc<Self>, errand: Errand, request: Request) {
        let id = self.next_task.get();
        self.next_task.set(id + 1);
        let skew = self.draw(|rng| *rng.pick(&self.scenario.skews));
        if let Some(outage) = &self.scenario.outage
            && self.draw(|rng| rng.chance(outage.anew))
        {
            self.isolate.replace(fresh_isolate(id));
        }
        let fuse = self.strikes(self.scenario.faults.crash).then(|| self.fate(|rng| rng.between(1, 25)));
        if let Some(fuse) = fuse {
            self.tell_fault(|| format!("worker {id} will crash at its poll {fuse}"));
        }
        self.trace(|| format!("worker   {id} begins: {errand:?} (clock {skew:+} ms, fuse {fuse:?})"));
        self.errands.borrow_mut().insert(id, errand);
        let isolate = Rc::clone(&self.isolate.borrow());
        let host = SimHost { world: Rc::clone(self), isolate, worker: id, skew };
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
    pub(super) fn ended(self: &Rc<Self>, id: TaskId, status: Option<(u16, Option<u64>)>) {
        let Some(errand) = self.errands.borrow_mut().remove(&id) else { return };
        self.trace(|| format!("worker   {id} ends: {status:?}"));
        let code = status.map(|(code, _)| code);
        let heard = self.heard.borrow_mut().remove(&id).unwrap_or_default();
        let awake = self.awake.borrow_mut().remove(&id);
        // Who gives up has no time left to write down what it has heard.
        let in_time = awake.is_some_and(|awake| self.now.get() + LAST_TRY < awake + self.scenario.time_budget);
        if matches!((&errand, code), (Errand::Wake(_), Some(200)))
            || matches!((&errand, code), (Errand::Wake(_), Some(500..)) if in_time)
        {
            self.check_heard(id, &heard);
        }
        match errand {
            Errand::Start => match code {
                Some(202) => {}
                Some(code) if code < 500 && code != 409 => self.violation(format!("the start was answered {code}")),
                Some(_) | None => self.later(300, Self::start),
            },
            Errand::Rival(nth) => match code {
                Some(202) => {}
                Some(code) if code < 500 && code != 409 => self.violation(format!("a rival was answered {code}")),
                Some(_) | None => self.later(300, move |world| world.rival(nth)),
            },
            Errand::Cancel => match code {
                Some(200 | 202 | 409) => {}
                Some(_) | None => self.later(500, |world| world.cancel(1)),
            },
            Errand::Ask { base, asking, tries } => self.asked(base, asking, tries, code),
            Errand::Wake(message) => match status {
                Some((200..300, _)) if self.scenario.faults.acks > 0 && self.strikes(self.scenario.faults.acks) => {
                    self.tell_fault(|| format!("the queue does not hear that message {message} was taken"));
                    self.redeliver(message, None);
                }
                Some((200..300, _)) => {}
                Some((_, after)) => self.redeliver(message, after),
                None => self.redeliver(message, None),
            },
            Errand::Sweep if code == Some(200) => self.swept(),
            Errand::Sweep => {}
        }
    }

    pub(super) fn start(self: &Rc<Self>) {
        let Scenario { plan, budget, priority, .. } = &self.scenario;
        self.ask_for(Errand::Start, &Wanted { plan, key: "once", budget: budget.as_ref(), priority: *priority });
    }

    /// Starts a saga that wants the same as the first.
    pub(super) fn rival(self: &Rc<Self>, nth: usize) {
        let Some(rival) = self.scenario.rivals.get(nth) else { return };
        if self.sagas.borrow().is_empty() {
            return self.later(300, move |world| world.rival(nth));
        }
        let key = format!("rival {nth}");
        let wanted = Wanted { plan: &rival.plan, key: &key, budget: None, priority: rival.priority };
        self.ask_for(Errand::Rival(nth), &wanted);
    }

    fn ask_for(self: &Rc<Self>, errand: Errand, wanted: &Wanted<'_>) {
        let mut request = Request::new(Bytes::from(serde_json::to_vec(wanted).unwrap_or_default()));
        *request.method_mut() = http::Method::POST;
        *request.uri_mut() = Uri::from_static("http://me/api/execute");
        self.invoke(errand, request);
    }

    pub fn cancel(self: &Rc<Self>, tries: u32) {
        let Some(id) = self.saga(0) else {
            if tries > 0 {
                self.later(200, move |world| world.cancel(tries - 1));
            }
            return;
        };
        let mut request = Request::new(Bytes::new());
        *request.method_mut() = http::Method::POST;
        *request.uri_mut() = format!("http://me/api/execute/{id}/cancel").parse().unwrap_or_default();
        self.invoke(Errand::Cancel, request);
    }

    /// The schedule sweeps every so often. Nothing comes of it while the saga is to sleep and people know what there
    /// is to know, and so many sweeps are left out.
    fn sweep(self: &Rc<Self>) {
        if self.at_rest() && self.all_are_told() {
            return self.sweep_at.set(u64::MAX);
        }
        if self.strikes(self.scenario.faults.queue) {
            self.tell_fault(|| "the schedule leaves a sweep out".to_owned());
        } else {
            let address = format!("{PUBLIC}/api/execute/sweep");
            let request = self.draw(|rng| queue::delivery(&address, &Bytes::new(), 0, self.now.get(), rng));
            self.invoke(Errand::Sweep, request);
        }
        let wake_at = self.database.borrow().sagas.values().filter_map(|row| row.wake_at).min().unwrap_or(0);
        let idle = if self.all_are_told() { wake_at.saturating_sub(self.now.get()) } else { 0 };
        self.sweep_after(SWEEP_EVERY.max(idle));
    }

    pub(super) fn sweep_after(self: &Rc<Self>, span: u64) {
        let at = self.now.get() + span;
        self.sweep_at.set(at);
        self.later(span, move |world| {
            if world.sweep_at.get() == at {
                world.sweep();
            }
        });
    }

    /// The saga is to be woken at this time: the schedule looks soon after.
    pub(super) fn sweep_before(self: &Rc<Self>, at: u64) {
        let soon = at.max(self.now.get()) + SWEEP_EVERY;
        if self.sweep_at.get() > soon {
            self.sweep_after(soon - self.now.get());
        }
    }

    pub(super) fn deliver(self: &Rc<Self>, id: u64) {
        let Some(message) = self.queue.borrow().messages.get(&id).cloned() else { return };
        let request =
            self.draw(|rng| queue::delivery(&message.destination, &message.body, message.retried, self.now.get(), rng));
        self.invoke(Errand::Wake(id), request);
    }

    pub(super) fn redeliver(self: &Rc<Self>, id: u64, retry_after: Option<u64>) {
        let wait = self.queue.borrow_mut().failed(id, retry_after);
        match wait {
            Some(wait) => self.later(wait, move |world| world.deliver(id)),
            None => self.trace(|| format!("queue    gives message {id} up")),
        }
    }
}
