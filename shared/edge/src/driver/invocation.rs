//! One invocation of a saga that was loaded: its effects are started, and what comes of each is folded in, until there
//! is nothing left to do, or another worker was first.

use std::task::Poll;

use futures_util::future::{LocalBoxFuture, poll_fn};
use futures_util::stream::{FuturesUnordered, StreamExt};
use makegood_core::error::{Code, Error};
use makegood_core::id::SagaId;
use makegood_core::saga::{Call, Child, Claim, Commit, Effect, Ended, Event, Head, Op, Phase, Saga, Window, step};
use makegood_core::time::Millis;
use makegood_gateway::store::Loaded;
use makegood_gateway::turns::Next;

use crate::breakers::Breakers;
use crate::host::{Host, Level};
use crate::queue::{self, Message};
use crate::settings::Settings;
use crate::store::Store;
use crate::turns::Line;
use crate::{child, mcp, tool};

/// The wait before the journal is tried once more, where it could not be reached.
pub(super) const PAUSE: Millis = Millis(300);

/// Something that was started and has come to its end.
pub(super) enum Task {
    Answered(Event),
    /// Whether a turn has come.
    Turn(Event),
    /// Whether a breaker lets a call through.
    Leave(Event),
    /// What was given back; and the steps of this saga whose turn has come by that.
    Left(Vec<Next>),
    Committed(Result<Option<u32>, Error>, Commit),
    Paged(Result<Window, Error>),
    Slept,
}

pub(super) type Tasks<'a> = FuturesUnordered<LocalBoxFuture<'a, Task>>;

/// What has to be started anew, and how.
pub(super) enum Turn {
    Over(Ended),
    /// Another worker was first.
    Lost,
}

pub(super) struct Invocation<'a, H> {
    pub(super) host: &'a H,
    pub(super) settings: &'a Settings,
    pub(super) store: &'a Store<'a, H>,
    pub(super) line: &'a Line<'a, H>,
    pub(super) breakers: &'a Breakers<'a, H>,
    pub(super) saga: Saga,
    pub(super) version: u32,
    pub(super) owner: String,
    /// So long the journal is tried again where it cannot be reached.
    pub(super) until: Millis,
    /// How many of the learned events the commit under way holds.
    pub(super) covered: usize,
    /// Something was committed.
    pub(super) committed: bool,
    /// What is being told to the count of turns: it is heard to its end, though the saga's work may end before.
    pub(super) left: Tasks<'a>,
}

impl<'a, H: Host> Invocation<'a, H> {
    pub(super) async fn run(&mut self, first: Vec<Event>, learned: &mut Vec<Event>) -> Result<Turn, Error> {
        let mut tasks: Tasks<'a> = FuturesUnordered::new();
        for event in first {
            if let Some(ended) = self.fold(event, learned.len(), &mut tasks).await? {
                return Ok(Turn::Over(ended));
            }
        }
        while let Some(task) = self.next(&mut tasks).await {
            let event = match task {
                Task::Answered(event) => {
                    self.hear(event.clone(), learned);
                    event
                }
                Task::Turn(event) | Task::Leave(event) => event,
                Task::Left(next) => {
                    for Next { node, .. } in next {
                        if let Some(ended) = self.tell(node, learned.len(), &mut tasks).await? {
                            return Ok(Turn::Over(ended));
                        }
                    }
                    continue;
                }
                Task::Slept => Event::Tick,
                Task::Paged(Err(error)) if is_worth_a_try(self.host, &error, self.until) => {
                    self.hear_out(&mut tasks, learned).await;
                    return Ok(Turn::Lost);
                }
                Task::Paged(window) => Event::Paged(window?),
                Task::Committed(version, commit) => match version? {
                    Some(version) => {
                        (self.version, self.committed) = (version, true);
                        learned.drain(..self.covered.min(learned.len()));
                        for wake in &commit.wakes {
                            self.publish(&wake.slot.to_string(), wake.at).await?;
                        }
                        Event::Committed
                    }
                    None => {
                        self.hear_out(&mut tasks, learned).await;
                        return Ok(Turn::Lost);
                    }
                },
            };
            if let Some(ended) = self.fold(event, learned.len(), &mut tasks).await? {
                return Ok(Turn::Over(ended));
            }
        }
        let cause = format!("saga {} was left {} with nothing under way", self.saga.id, self.saga.head.phase);
        Err(Error::new(Code::Internal, "The saga came to no end. It will be tried again.").because(cause))
    }

    /// Waits for whatever is still under way: it is part of what is folded into the state that is loaded next.
    async fn hear_out(&self, tasks: &mut Tasks<'a>, learned: &mut Vec<Event>) {
        while let Some(task) = tasks.next().await {
            if let Task::Answered(event) = task {
                self.hear(event, learned);
            }
        }
    }

    /// Takes an answer in, which is kept until a commit holds it.
    fn hear(&self, event: Event, learned: &mut Vec<Event>) {
        self.give_back(&event);
        self.tell_of_a_misfit(&event);
        learned.push(event);
    }

    /// The next that comes to its end; `None` where nothing is under way.
    async fn next(&mut self, tasks: &mut Tasks<'a>) -> Option<Task> {
        poll_fn(|context| {
            for tasks in [&mut *tasks, &mut self.left] {
                if let Poll::Ready(Some(task)) = tasks.poll_next_unpin(context) {
                    return Poll::Ready(Some(task));
                }
            }
            if tasks.is_empty() && self.left.is_empty() { Poll::Ready(None) } else { Poll::Pending }
        })
        .await
    }

    async fn fold(&mut self, event: Event, learned: usize, tasks: &mut Tasks<'a>) -> Result<Option<Ended>, Error> {
        let (phase, kind) = (self.saga.head.phase, event.kind());
        if let Some(wary) = self.breakers.news(false) {
            self.saga.beware(wary);
        }
        let effects = step(&mut self.saga, event, self.host.now()).map_err(|illegal| {
            let message = if kind.is_asked() {
                format!("That cannot be done now: {}.", illegal.why)
            } else {
                "The saga met something it did not expect.".to_owned()
            };
            Error::new(illegal.code(), message).because(illegal)
        })?;
        self.host.folded(phase, kind);
        for effect in effects {
            match effect {
                Effect::Call(call) => tasks.push(self.call(*call)),
                Effect::Commit(commit) => {
                    self.covered = learned;
                    tasks.push(self.commit(commit));
                }
                Effect::AskTurn(claim) => tasks.push(self.ask_turn(claim)),
                Effect::AskLeave { node, breaker } => tasks.push(self.ask_leave(node, breaker)),
                Effect::Page { from, to } => tasks.push(self.page(from, to)),
                Effect::Sleep { until } => tasks.push(self.sleep(until)),
                Effect::Rearm(wake) => {
                    // The version's own wake may still be known to the queue: this is another one.
                    let mark = format!("early{}", self.host.now().0 / 1000);
                    self.publish(&mark, wake.at).await?;
                }
                Effect::End(ended) => return Ok(Some(ended)),
            }
        }
        Ok(None)
    }

    fn call(&self, call: Call) -> LocalBoxFuture<'a, Task> {
        let (host, settings, line) = (self.host.clone(), self.settings, self.line);
        let (saga, owner, priority) = (self.saga.id.clone(), self.owner.clone(), self.saga.head.priority);
        line.leaves(&call);
        let (breakers, guarded) = (self.breakers, self.breakers.leaves(&call));
        if call.op != Op::Do && (call.rate.is_some() || line.counts(&call)) {
            // It waits for no turn, nor for being counted.
            let (owner, call) = (owner.clone(), call.clone());
            self.left.push(Box::pin(async move {
                line.count(&owner, &call).await;
                Task::Left(Vec::new())
            }));
        }
        Box::pin(async move {
            let began = host.now();
            let outcome = if Child::is_one(&call.tool) {
                child::perform(&host, settings, (&saga, priority), &owner, &call).await
            } else if let Some(place) = &call.mcp {
                mcp::perform(&host, &settings.mcp_servers, place, &call).await
            } else {
                tool::perform(&host, &settings.tools_url, &settings.tool_secrets, &call).await
            };
            let took = host.now().since(began);
            if let Some((breaker, permit)) = guarded {
                breakers.tell(&breaker, permit, &outcome, took).await;
            }
            Task::Answered(Event::Answered { call: call.id(), took, outcome })
        })
    }

    fn ask_turn(&self, claim: Claim) -> LocalBoxFuture<'a, Task> {
        let (line, owner) = (self.line, self.owner.clone());
        Box::pin(async move {
            let (came, after) = line.ask(&owner, &claim).await;
            Task::Turn(Event::Turn { node: claim.node, came, after })
        })
    }

    fn ask_leave(&self, node: u32, breaker: String) -> LocalBoxFuture<'a, Task> {
        let breakers = self.breakers;
        Box::pin(async move {
            let after = breakers.ask(node, &breaker).await;
            Task::Leave(Event::Leave { node, after })
        })
    }

    /// A call is over: another may leave.
    fn give_back(&self, event: &Event) {
        let Event::Answered { call, .. } = event else { return };
        if let Some(left) = self.line.over(call.node, call.op) {
            let line = self.line;
            self.left.push(Box::pin(async move { Task::Left(line.leave(vec![left]).await) }));
        }
    }

    /// An effect that gave something else than its definition says is done; somebody must hear of the tool.
    fn tell_of_a_misfit(&self, event: &Event) {
        if let Event::Answered { call, outcome, .. } = event
            && let Some(misfit) = self.saga.misfit(*call, outcome)
        {
            self.host.log(Level::Warn, &format!("{}: {misfit}", self.saga.id));
        }
    }

    /// The turn of a step has come that waits in this saga itself.
    async fn tell(&mut self, node: u32, learned: usize, tasks: &mut Tasks<'a>) -> Result<Option<Ended>, Error> {
        match self.fold(Event::Nudged { node }, learned, tasks).await {
            // It does not wait any more.
            Err(error) if error.code() == Code::Conflict => Ok(None),
            told => told,
        }
    }

    fn commit(&mut self, commit: Commit) -> LocalBoxFuture<'a, Task> {
        let [last, _] = self.saga.head.marks;
        self.saga.head.marks = [self.host.isolate().mark(|| self.host.random()), last];
        let (store, until) = (self.store, self.until);
        let (id, version, head) = (self.saga.id.clone(), self.version, self.saga.head.clone());
        Box::pin(async move {
            let version = append(store, &id, version, &head, &commit, until).await;
            Task::Committed(version, commit)
        })
    }

    fn page(&self, from: u32, to: u32) -> LocalBoxFuture<'a, Task> {
        let (store, id) = (self.store, self.saga.id.clone());
        let past = self.saga.head.phase == Phase::Unwinding;
        Box::pin(async move { Task::Paged(store.page(&id, from, to, past).await) })
    }

    fn sleep(&self, until: Millis) -> LocalBoxFuture<'a, Task> {
        let host = self.host.clone();
        Box::pin(async move {
            host.sleep(until.since(host.now())).await;
            Task::Slept
        })
    }

    async fn publish(&self, mark: &str, at: Millis) -> Result<(), Error> {
        let message = Message { saga: self.saga.id.clone(), version: self.version, turn: None };
        let trace = self.saga.trace().written();
        queue::publish(self.host, self.settings, &message, Some(&trace), mark, Some(at)).await
    }
}

/// Appends to the journal, and does not give up at the first failure: what this invocation has heard is written down
/// nowhere else. Where others seem to have been first it may have been this very commit, of which no answer came or
/// which was carried out twice.
async fn append<H: Host>(
    store: &Store<'_, H>,
    id: &SagaId,
    version: u32,
    head: &Head,
    commit: &Commit,
    until: Millis,
) -> Result<Option<u32>, Error> {
    loop {
        let error = match store.commit(id, version, head, commit).await {
            Ok(Some(version)) => return Ok(Some(version)),
            Ok(None) => match store.load(id, false).await {
                Ok(found) => {
                    let stands = version.saturating_add(1);
                    let own = |found: &Loaded| {
                        let behind = found.version.saturating_sub(stands) as usize;
                        found.head.marks.get(behind) == head.marks.first()
                    };
                    return Ok(found.filter(own).map(|_| stands));
                }
                Err(error) => error,
            },
            Err(error) => error,
        };
        if !is_worth_a_try(store.host, &error, until) {
            return Err(error);
        }
        store.host.sleep(PAUSE).await;
    }
}

/// Whether the journal, which could not be reached, may be tried once more.
pub(super) fn is_worth_a_try<H: Host>(host: &H, error: &Error, until: Millis) -> bool {
    error.code() == Code::Unavailable && host.now() + PAUSE < until
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::rc::Rc;

    use futures_util::FutureExt;
    use makegood_core::saga::{Answer, CallId, Outcome};
    use makegood_gateway::{Request, Response};
    use serde_json::json;

    use super::*;
    use crate::host::FetchError;

    const NOW: Millis = Millis(1_790_000_000_000);

    /// Keeps what it logs, and reaches nobody.
    #[derive(Clone, Default)]
    struct Alone(Rc<RefCell<Vec<String>>>);

    impl Host for Alone {
        async fn fetch(&self, _: Request, _: Millis) -> Result<Response, FetchError> {
            Err(FetchError::NotSent("nobody is there".to_owned()))
        }

        fn now(&self) -> Millis {
            NOW
        }

        fn random(&self) -> [u8; 16] {
            [7; 16]
        }

        fn config(&self, _: &str) -> Option<String> {
            None
        }

        async fn sleep(&self, _: Millis) {}

        fn log(&self, _: Level, line: &str) {
            self.0.borrow_mut().push(line.to_owned());
        }
    }

    /// A saga whose only step is under way, of a tool that gives an `id`.
    fn under_way(id: &SagaId) -> Saga {
        let head = json!({"v": 1, "phase": "forward", "epoch": 0, "total": 1, "cursor": 1, "floor": 0,
            "open": {"0": {"j": "do", "n": 1, "s": NOW}}, "pivoted": false, "invocations": 1, "calls": 1,
            "last_at": NOW, "alive": NOW + Millis(10_000)});
        let terms = json!({"repeat": {"keyed": {"ttl_ms": 86_400_000}}, "status": true, "fence": false,
            "timeout_ms": 2_000, "estimate_ms": 50, "input": {},
            "output": {"type": "object", "required": ["id"], "properties": {"id": {"type": "string"}}}});
        let node = json!({"ix": 0, "id": "look", "tool": "find", "version": "1", "class": "compensatable"});
        let window = json!({"nodes": [node], "tools": {"find": terms}});
        Saga::load(id.clone(), serde_json::from_value(head).unwrap(), serde_json::from_value(window).unwrap())
    }

    #[test]
    fn of_an_answer_that_does_not_fit_the_log_tells_where_another_worker_was_first_too() {
        let host = Alone::default();
        let settings = Settings::read(&host).unwrap();
        let id = SagaId::new(NOW, [7; 10]);
        let store = Store::new(&host, &settings);
        let line = Line::new(&store, &settings, &id, NOW);
        let breakers = Breakers::new(&host, &settings).unwrap();
        let invocation = Invocation {
            host: &host,
            settings: &settings,
            store: &store,
            line: &line,
            breakers: &breakers,
            saga: under_way(&id),
            version: 1,
            owner: "ann".to_owned(),
            until: NOW,
            covered: 0,
            committed: false,
            left: Tasks::new(),
        };
        let call = CallId { node: 0, op: Op::Do, round: 0, attempt: 1, fingerprint: 0 };
        let outcome = Outcome::Ok(Answer::Output(json!({"id": 7})));
        let answered = Event::Answered { call, took: Millis(1), outcome };
        let mut tasks: Tasks<'_> = Tasks::new();
        tasks.push(Box::pin(async move { Task::Answered(answered) }));
        let mut learned = Vec::new();
        invocation.hear_out(&mut tasks, &mut learned).now_or_never().unwrap();
        assert_eq!(learned.len(), 1);
        let said = host.0.borrow();
        assert!(matches!(&said[..], [line] if line.contains("`find` 1 gave the step `look`")), "{said:?}");
    }
}
