//! The invocations: who runs what, what becomes of it, and what the queue makes of that.

use std::rc::Rc;

use bytes::Bytes;
use http::Uri;
use makegood_gateway::Request;
use serde_json::json;

use super::{Errand, PUBLIC, SWEEP_EVERY, World};
use crate::agenda::TaskId;
use crate::host::SimHost;
use crate::queue;

impl World {
    pub(super) fn invoke(self: &Rc<Self>, errand: Errand, request: Request) {
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
    pub(super) fn ended(self: &Rc<Self>, id: TaskId, status: Option<(u16, Option<u64>)>) {
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

    pub(super) fn start(self: &Rc<Self>) {
        let body = json!({"plan": self.scenario.plan, "key": "once"}).to_string();
        let mut request = Request::new(Bytes::from(body));
        *request.method_mut() = http::Method::POST;
        *request.uri_mut() = Uri::from_static("http://me/api/execute");
        self.invoke(Errand::Start, request);
    }

    pub(super) fn cancel(self: &Rc<Self>, tries: u32) {
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

    pub(super) fn sweep(self: &Rc<Self>) {
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
