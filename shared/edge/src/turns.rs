//! Turns: asking the database whether a call may leave where only so many may be under way at once, giving
//! them back, and waking those whose turn has come by that. Where only so many may leave in a span of time, Redis is
//! asked besides.
//!
//! The database is the truth, and what it holds are leases: whatever is not given back here ends by itself.
//! Nothing is asked of it for a tool without a limit, where the installation has none either.

use std::cell::{Cell, OnceCell, RefCell};
use std::fmt::Display;

use makegood_core::error::Error;
use makegood_core::id::SagaId;
use makegood_core::ordered::{FlatMap, FlatSet};
use makegood_core::saga::{Call, Child, Claim, Op};
use makegood_core::time::Millis;
use makegood_core::tool::{Limit, Per, Rate};
use makegood_gateway::hexadecimal;
use makegood_gateway::rate::{self, Who};
use makegood_gateway::turns::{self, Left, Next, Wanted};

use crate::host::{Host, Level};
use crate::queue::{self, Message};
use crate::redis;
use crate::settings::Settings;
use crate::store::Store;

/// How long after its invocation must have ended a call counts, and how late a step may be that asks again.
const SLACK: Millis = Millis(2_000);
const LATE: Millis = Millis(15_000);
/// So long is Redis waited for.
const PATIENCE: Millis = Millis(1_000);
/// The longest that a step is told to wait.
const LONGEST: Millis = Millis(24 * 60 * 60 * 1000);

/// What one invocation holds, and where its saga stands in line.
pub(crate) struct Line<'a, H> {
    host: &'a H,
    settings: &'a Settings,
    store: &'a Store<'a, H>,
    saga: &'a SagaId,
    /// When the invocation has ended, whatever becomes of it.
    kill: Millis,
    /// Tells it from other invocations of the same saga.
    mark: OnceCell<String>,
    asked: Cell<u32>,
    /// Each with the name under which it was asked for last; `None` where an earlier invocation did.
    stand: RefCell<FlatMap<(u32, Op), Option<String>>>,
    /// Of these, those that have their turn, or may have it: nobody could tell.
    held: RefCell<FlatSet<(u32, Op)>>,
    /// Calls that have left and are not over.
    sent: RefCell<FlatSet<(u32, Op)>>,
}

impl<'a, H: Host> Line<'a, H> {
    pub(crate) fn new(store: &'a Store<'a, H>, settings: &'a Settings, saga: &'a SagaId, kill: Millis) -> Self {
        let (mark, asked) = (OnceCell::new(), Cell::new(0));
        let host = store.host;
        Self {
            host,
            settings,
            store,
            saga,
            kill,
            mark,
            asked,
            stand: RefCell::default(),
            held: RefCell::default(),
            sent: RefCell::default(),
        }
    }

    /// Steps that an earlier invocation has left in line.
    pub(crate) fn found(&self, waiting: impl Iterator<Item = u32>) {
        let mut stand = self.stand.borrow_mut();
        for node in waiting {
            stand.or_default((node, Op::Do));
        }
    }

    /// Whether a do may leave; where not, when to ask again, if that is known. Where nobody can tell it may not.
    pub(crate) async fn ask(&self, owner: &str, claim: &Claim) -> (bool, Option<Millis>) {
        let no_turn = |why: &dyn Display| {
            self.host.log(Level::Warn, &format!("{}: no turn for {}: {why}", self.saga, claim.node));
            (false, None)
        };
        let limits = self.limits(owner, &claim.tool, &claim.limits);
        if !limits.is_empty() {
            match self.take(claim.node, Op::Do, &limits, claim.rank, claim.again + LATE).await {
                Ok(true) => {}
                Ok(false) => return (false, None),
                Err(error) => return no_turn(&error),
            }
        }
        // Last, for what is let out here has left. A turn that is not used is given back when the invocation ends.
        let Some(rate) = claim.rate else { return (true, None) };
        let who = if claim.waited { Who::Again } else { Who::First };
        match self.let_out(&claim.tool, rate, who).await {
            Ok(Millis(0)) => (true, None),
            Ok(after) => (false, Some(after.min(LONGEST))),
            Err(cause) => no_turn(&cause),
        }
    }

    async fn let_out(&self, tool: &str, rate: Rate, who: Who) -> Result<Millis, String> {
        let words = |whole| rate::words(tool, rate, who, whole);
        let answer = redis::evaluate(self.host, self.settings, words, PATIENCE).await?;
        rate::told(&answer).ok_or_else(|| "Redis' answer about a rate makes no sense".to_owned())
    }

    /// Counts an undo or a status, which leaves meanwhile.
    pub(crate) async fn count(&self, owner: &str, call: &Call) {
        let missed = |why: &dyn Display| {
            self.host.log(Level::Warn, &format!("{}: a call of {} is not counted: {why}", self.saga, call.node));
        };
        let limits = self.limits(owner, &call.tool, &call.limits);
        if !limits.is_empty()
            && let Err(error) = self.take(call.node, call.op, &limits, 0, Millis(0)).await
        {
            missed(&error);
        }
        if let Some(rate) = call.rate
            && let Err(cause) = self.let_out(&call.tool, rate, Who::Anyway).await
        {
            missed(&cause);
        }
    }

    /// Whether a call counts for anything that is given back.
    pub(crate) fn counts(&self, call: &Call) -> bool {
        (self.settings.user_concurrency.is_some() || !call.limits.is_empty()) && !Child::is_one(&call.tool)
    }

    /// A call leaves.
    pub(crate) fn leaves(&self, call: &Call) {
        if self.counts(call) {
            self.sent.borrow_mut().insert((call.node, call.op));
        }
    }

    /// What is to be given back now that a call is over.
    pub(crate) fn over(&self, node: u32, op: Op) -> Option<Left> {
        self.sent.borrow_mut().remove(&(node, op));
        let stand = self.stand.borrow();
        let holder = stand.get(&(node, op))?.clone()?;
        Some(Left(node, op, Some(holder)))
    }

    /// Gives back, and wakes others whose turn has come. Answers with the steps of this saga whose turn has.
    pub(crate) async fn leave(&self, calls: Vec<Left>) -> Vec<Next> {
        let next: Vec<Next> = match self.store.leave_turns(self.saga, &calls).await {
            Ok(next) => next,
            Err(error) => {
                self.host.log(Level::Warn, &format!("{}: its turns end by themselves: {error}", self.saga));
                return Vec::new();
            }
        };
        self.stand.borrow_mut().retain(|(node, op), holder| !calls.contains(&Left(*node, *op, holder.clone())));
        let (own, others): (Vec<Next>, Vec<Next>) = next.into_iter().partition(|next| next.saga == *self.saga);
        self.tell(others).await;
        own
    }

    /// Wakes the sagas of steps whose turn has come.
    pub(crate) async fn tell(&self, come: Vec<Next>) {
        for next in come {
            self.wake(next).await;
        }
    }

    /// Gives back all that is not used any more when the invocation ends, and has those of its own steps woken
    /// whose turn has come, `come` among them. `waiting`: what stays in line, though not with a turn that it had
    /// no time to use. A partner may still be at work on a call that was broken off: its turn ends by itself.
    pub(crate) async fn close(&self, waiting: impl Iterator<Item = u32>, mut come: Vec<Next>) {
        let waiting: FlatSet<u32> = waiting.collect();
        let sent = self.sent.take();
        let mut calls = Vec::new();
        for (&(node, op), holder) in self.stand.borrow().iter().filter(|(call, _)| !sent.contains(call)) {
            let stays = op == Op::Do && waiting.contains(&node);
            if let Some(holder) = holder
                && (!stays || self.held.borrow().contains(&(node, op)))
            {
                calls.push(Left(node, op, Some(holder.clone())));
            }
            if !stays {
                calls.push(Left(node, op, None));
            }
        }
        if !calls.is_empty() {
            come.extend(self.leave(calls).await);
        }
        come.retain(|next| waiting.contains(&next.node));
        self.tell(come).await;
    }

    async fn take(&self, node: u32, op: Op, limits: &[(String, u32)], rank: i32, wait: Millis) -> Result<bool, Error> {
        let mark = self.mark.get_or_init(|| hexadecimal(&self.host.random()));
        self.asked.set(self.asked.get() + 1);
        let holder = format!("{mark}.{}", self.asked.get());
        self.stand.borrow_mut().insert((node, op), Some(holder.clone()));
        let lease = self.kill.since(self.host.now()) + SLACK;
        let wanted = Wanted { saga: self.saga, node, op, holder: &holder, limits, rank, lease, wait };
        let came = self.store.take_turn(&wanted).await;
        let mut held = self.held.borrow_mut();
        if matches!(came, Ok(false)) {
            held.remove(&(node, op));
        } else {
            held.insert((node, op));
        }
        drop(held);
        came
    }

    /// Lost, it costs time: whoever waits asks again.
    async fn wake(&self, next: Next) {
        let message = Message { saga: next.saga, version: next.version, turn: Some(next.node) };
        let mark = format!("turn{}", next.node);
        if let Err(error) = queue::publish(self.host, self.settings, &message, None, &mark, None).await {
            self.host.log(Level::Warn, &format!("{} was not told that its turn has come: {error}", message.saga));
        }
    }

    /// What a call counts for, each once.
    fn limits(&self, owner: &str, tool: &str, limits: &[Limit]) -> Vec<(String, u32)> {
        let mut all: FlatMap<String, u32> = FlatMap::new();
        for limit in limits {
            let key = match limit.per {
                Per::Tool => format!("tool {tool}"),
                Per::User => format!("tool {tool} of {owner}"),
            };
            let most = all.or_insert(key, u32::MAX);
            *most = (*most).min(limit.limit.get());
        }
        if let Some(most) = self.settings.user_concurrency {
            all.insert(format!("user {owner}"), most.get());
        }
        all.into_iter().map(|(key, most)| (key, most.min(i32::MAX.unsigned_abs()))).collect()
    }
}

impl<H: Host> Store<'_, H> {
    async fn take_turn(&self, wanted: &Wanted<'_>) -> Result<bool, Error> {
        Ok(self.ask(&turns::take(wanted)).await?.unwrap_or_default())
    }

    async fn leave_turns(&self, saga: &SagaId, calls: &[Left]) -> Result<Vec<Next>, Error> {
        Ok(self.ask(&turns::leave(saga, calls)).await?.unwrap_or_default())
    }
}
