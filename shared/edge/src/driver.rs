//! The driver: performs what [`step`] asks for, and tells it what came of it. It decides nothing.
//!
//! One invocation is one call of [`drive`]: load, wake, and then effects and events in turn until
//! the saga rests or yields. When another worker committed first, everything learned here is folded
//! into what that one left: answers are never thrown away because of a race.

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
use crate::child;
use crate::host::{Host, Level};
use crate::mcp;
use crate::queue::{self, Message};
use crate::settings::Settings;
use crate::store::Store;
use crate::tool;
use crate::turns::Line;

/// So many repeated deliveries without a commit make the next invocation a cautious one.
const IDLE_WAKES: u32 = 3;
/// So many lost races end an invocation: someone else is busy with this saga.
const RACES: u32 = 8;
/// The wait before the journal is tried once more, where it could not be reached.
const PAUSE: Millis = Millis(300);

/// Something that was started and has come to its end.
enum Task {
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

type Tasks<'a> = FuturesUnordered<LocalBoxFuture<'a, Task>>;

/// What has to be started anew, and how.
enum Turn {
    Over(Ended),
    /// Another worker was first.
    Lost,
}

/// Carries one saga on for one invocation. `repeated`: the queue delivered this wake before.
///
/// # Errors
/// [`Code::NotFound`], [`Code::Unavailable`], or [`Code::Internal`] for a fault of ours. In each
/// case nothing is lost: the wake is delivered again, or the sweeper finds the saga.
pub async fn drive<H: Host>(host: &H, settings: &Settings, id: &SagaId, repeated: bool) -> Result<Ended, Error> {
    drive_with(host, settings, id, repeated, None).await
}

/// The same, with something that somebody asks of the saga.
///
/// # Errors
/// As [`drive`], and [`Code::Conflict`] where the saga is at rest.
pub async fn drive_with<H: Host>(
    host: &H,
    settings: &Settings,
    id: &SagaId,
    repeated: bool,
    asked: Option<Event>,
) -> Result<Ended, Error> {
    let request = if asked.is_none() { Request::None } else { Request::Pending };
    carry_on(host, settings, id, repeated, asked.into_iter().collect(), request, None).await
}

/// The same for what a person asks from an address: the audit log has both.
///
/// # Errors
/// As [`drive_with`].
pub async fn drive_for<H: Host>(
    host: &H,
    settings: &Settings,
    id: &SagaId,
    asked: Event,
    origin: &str,
) -> Result<Ended, Error> {
    carry_on(host, settings, id, false, vec![asked], Request::Pending, Some(origin)).await
}

/// The same for a wake that says that a step's turn has come. If it does not wait any more, it is a wake like
/// any other.
///
/// # Errors
/// As [`drive`].
pub async fn drive_in_turn<H: Host>(
    host: &H,
    settings: &Settings,
    id: &SagaId,
    repeated: bool,
    node: u32,
) -> Result<Ended, Error> {
    carry_on(host, settings, id, repeated, vec![Event::Nudged { node }], Request::None, None).await
}

/// `learned`: what no commit holds yet, in the order in which it came: what is asked for, and answers.
async fn carry_on<H: Host>(
    host: &H,
    settings: &Settings,
    id: &SagaId,
    repeated: bool,
    mut learned: Vec<Event>,
    mut request: Request,
    origin: Option<&str>,
) -> Result<Ended, Error> {
    let began = host.now();
    let store = Store::new(host, settings).asked_from(origin);
    let line = Line::new(&store, settings, id, began + settings.kill);
    let breakers = Breakers::new(host, settings)?;
    let until = began + settings.time_budget;
    for race in 0..RACES {
        let loaded = loop {
            match store.load(id, repeated && race == 0).await {
                // What was learned is not given up as long as there is time to write it down.
                Err(error) if race > 0 && is_worth_a_try(host, &error, until) => host.sleep(PAUSE).await,
                loaded => break loaded?,
            }
        };
        let loaded = loaded.ok_or_else(|| Error::new(Code::NotFound, "There is no such saga."))?;
        loaded
            .head
            .check()
            .map_err(|why| Error::new(Code::Internal, "The saga cannot be read. It is kept as it is.").because(why))?;
        // It was made from what was read: a compare-and-set like that of a commit.
        if let Some(Event::Replan { plan, .. }) = learned.first()
            && plan.version != loaded.version
        {
            return Err(Error::new(Code::Conflict, "It has moved on meanwhile. Look at it, and ask again."));
        }
        let subscribed = loaded.subscribed;
        // What somebody asks for is committed before anything is tried that may end this invocation.
        let cautious = loaded.idle_wakes >= IDLE_WAKES || matches!(request, Request::Pending);
        let mut turn = Invocation {
            host,
            settings,
            store: &store,
            line: &line,
            breakers: &breakers,
            saga: Saga::load(id.clone(), loaded.head, loaded.window).limited(settings.user_concurrency.is_some()),
            version: loaded.version,
            owner: loaded.owner,
            until,
            covered: 0,
            committed: false,
            left: Tasks::new(),
        };
        line.found(turn.saga.in_line());
        if let Some(wary) = breakers.news(true) {
            turn.saga.beware(wary);
        }
        let wake = Event::Wake {
            until: if settings.time_budget == Millis(0) { Millis(0) } else { until },
            kill: began + settings.kill,
            cautious,
        };
        // What is known already comes first: the wake acts on it, and commits it.
        let first = learned.iter().cloned().chain([wake]).collect();
        let came = turn.run(first, &mut learned).await;
        let mut come = Vec::new();
        while let Some(task) = turn.left.next().await {
            if let Task::Left(next) = task {
                come.extend(next);
            }
        }
        breakers.close().await;
        if matches!(came, Ok(Turn::Lost)) {
            line.tell(come).await;
        } else {
            line.close(turn.saga.in_line(), come).await;
        }
        if matches!(came, Ok(Turn::Over(Ended::Rest)))
            && turn.committed
            && let Some(parent) = &turn.saga.head.parent
        {
            child::tell_parent(host, settings, id, parent).await;
        }
        if turn.committed && subscribed {
            queue::bring(host, settings, id, &turn.version.to_string(), None).await;
        }
        if turn.committed && matches!(request, Request::Pending) {
            request = Request::Heard;
        }
        match (came, &request) {
            (Ok(Turn::Over(_)), Request::Refused(why)) => return Err(why.clone()),
            (Ok(Turn::Over(ended)), Request::None | Request::Pending | Request::Heard) => return Ok(ended),
            (Ok(Turn::Lost), _) => {}
            // It has no place any more; what was learned since it was asked for is kept.
            (Err(error), Request::Pending) if error.code() == Code::Conflict && learned.len() > 1 => {
                learned.remove(0);
                request = Request::Refused(error);
            }
            // Nobody asked for it: a step was told that its turn has come, and does not wait any more.
            (Err(error), Request::None)
                if error.code() == Code::Conflict && matches!(learned.first(), Some(Event::Nudged { .. })) =>
            {
                learned.remove(0);
            }
            // It counts, whatever became of the rest: the sweeper finds what is left.
            (Err(error), Request::Heard) => {
                host.log(Level::Warn, &format!("{id}: left to the sweeper: {error}"));
                return Ok(Ended::Yield);
            }
            (Err(error), Request::None | Request::Pending | Request::Refused(_)) => return Err(error),
        }
    }
    if matches!(request, Request::Heard) {
        return Ok(Ended::Yield);
    }
    Err(Error::new(Code::Conflict, "Others are busy with this saga. Try again."))
}

/// What became of what somebody asked for.
enum Request {
    /// Nobody asked for anything.
    None,
    /// No commit holds it yet.
    Pending,
    /// A commit holds it.
    Heard,
    /// It had no place any more when another worker's commit had come first.
    Refused(Error),
}

struct Invocation<'a, H> {
    host: &'a H,
    settings: &'a Settings,
    store: &'a Store<'a, H>,
    line: &'a Line<'a, H>,
    breakers: &'a Breakers<'a, H>,
    saga: Saga,
    version: u32,
    owner: String,
    /// So long the journal is tried again where it cannot be reached.
    until: Millis,
    /// How many of the learned events the commit under way holds.
    covered: usize,
    /// Something was committed.
    committed: bool,
    /// What is being told to the count of turns: it is heard to its end, though the saga's work may end before.
    left: Tasks<'a>,
}

impl<'a, H: Host> Invocation<'a, H> {
    async fn run(&mut self, first: Vec<Event>, learned: &mut Vec<Event>) -> Result<Turn, Error> {
        let mut tasks: Tasks<'a> = FuturesUnordered::new();
        for event in first {
            if let Some(ended) = self.fold(event, learned.len(), &mut tasks).await? {
                return Ok(Turn::Over(ended));
            }
        }
        while let Some(task) = self.next(&mut tasks).await {
            let event = match task {
                Task::Answered(event) => {
                    self.give_back(&event);
                    self.tell_of_a_misfit(&event);
                    learned.push(event.clone());
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
                self.give_back(&event);
                learned.push(event);
            }
        }
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
fn is_worth_a_try<H: Host>(host: &H, error: &Error, until: Millis) -> bool {
    error.code() == Code::Unavailable && host.now() + PAUSE < until
}
