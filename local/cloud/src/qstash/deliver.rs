//! The part that runs: sends what is ready, sleeps until the next timer.
//! There is no polling; one task sleeps, each attempt under way is a task.

use std::{
    future::Future,
    io,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use bytes::Bytes;
use tokio::{sync::Notify, task::JoinHandle, time::sleep_until};

use super::{
    Error, Options,
    attempt::{self, Outcome},
    intake::Launch,
    record::Record,
    state::State,
};
use crate::clock::since_epoch;

/// Carries a request to its destination. Implemented by the host, so that
/// calls to its own port need not cross TCP. Must not follow redirects.
pub trait Deliver: Send + Sync + 'static {
    /// The answer, or why there was none. Dropping the future gives up.
    fn deliver(
        &self,
        request: http::Request<Bytes>,
    ) -> Pin<Box<dyn Future<Output = Result<http::Response<Bytes>, String>> + Send + '_>>;
}

pub struct Courier {
    pub token: String,
    pub max_message_bytes: usize,
    skip_time: bool,
    clock_is_shared: bool,
    state: Mutex<State>,
    deliver: Arc<dyn Deliver>,
    sleeper: Mutex<Option<JoinHandle<()>>>,
    /// The earliest timer may have changed.
    rearm: Notify,
    /// An attempt has ended.
    landed: Notify,
}

impl Courier {
    pub fn open(options: Options, deliver: Arc<dyn Deliver>) -> Result<Self, Error> {
        Ok(Self {
            token: options.token.clone(),
            max_message_bytes: options.max_message_bytes,
            skip_time: options.skip_time,
            clock_is_shared: options.clock_is_shared,
            state: Mutex::new(State::open(options)?),
            deliver,
            sleeper: Mutex::new(None),
            rearm: Notify::new(),
            landed: Notify::new(),
        })
    }

    /// After a panic elsewhere the state is still whole: every change is
    /// committed before it is applied.
    pub fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the state, then sets in motion what that made possible.
    pub fn with<R>(self: &Arc<Self>, change: impl FnOnce(&mut State) -> R) -> R {
        let mut state = self.state();
        let before = state.timers.next();
        let idle_before = self.idle(&state);
        let result = change(&mut state);
        let launches = state.pump();
        let sooner = match (before, state.timers.next()) {
            (Some(before), Some(now)) => now < before,
            (None, now) => now.is_some(),
            (Some(_), None) => false,
        };
        for launch in launches {
            self.launch(&mut state, launch);
        }
        // The last delivery has landed, or there is something to skip to now. Whoever sleeps is not woken
        // for what is as it was: it would wake itself, and never come to sleep until the time to skip.
        let idle = self.idle(&state);
        let may_skip = idle.is_some() && idle != idle_before;
        drop(state);
        if sooner || may_skip {
            self.rearm.notify_one();
        }
        result
    }

    /// Where time is skipped and nothing is under way: when the next message is due.
    fn idle(&self, state: &State) -> Option<u64> {
        (self.skip_time && state.in_flight.is_empty()).then(|| state.timers.next_message()).flatten()
    }

    /// Lets time pass at once, and all that becomes due with it.
    ///
    /// # Errors
    /// When that could not be written: time that has passed does not come back after a restart.
    pub fn advance(self: &Arc<Self>, millis: u64) -> io::Result<()> {
        self.with(|state| {
            let ahead = state.clock.skipped().saturating_add(millis);
            state.commit(vec![Record::Ahead { millis: ahead }])?;
            state.wake();
            Ok::<_, io::Error>(())
        })?;
        // What is not due yet comes sooner in real time.
        self.rearm.notify_one();
        Ok(())
    }

    fn launch(self: &Arc<Self>, state: &mut State, launch: Launch) {
        let Launch { message, retried, key, twice } = launch;
        let now = if self.clock_is_shared { state.clock.outside() } else { since_epoch() }.as_secs();
        let attempt = |key| attempt::perform(self.deliver.clone(), message.clone(), retried, key, now);
        if twice {
            // Nobody waits for the duplicate's outcome.
            tokio::spawn(attempt(key.clone()));
        }
        let attempt = attempt(key);
        let landing = Landing { courier: self.clone(), id: message.id.clone(), outcome: None };
        let task = tokio::spawn(async move {
            // Moved in whole, so that dropping the task drops it.
            let mut landing = landing;
            landing.outcome = Some(attempt.await);
        });
        state.in_flight.insert(message.id.clone(), Some(task.abort_handle()));
    }
}

/// Settles an attempt even where the host's code panicked; not where the
/// attempt was given up, for then it counts as never made.
struct Landing {
    courier: Arc<Courier>,
    id: String,
    outcome: Option<Outcome>,
}

impl Drop for Landing {
    fn drop(&mut self) {
        let panicked = || Outcome::failed("the delivery panicked".to_owned());
        let outcome = self.outcome.take();
        if let Some(outcome) = outcome.or_else(|| std::thread::panicking().then(panicked)) {
            self.courier.with(|state| state.settle(&self.id, outcome));
            self.courier.landed.notify_waiters();
        }
    }
}

pub fn start(courier: &Arc<Courier>) {
    let mut sleeper = courier.sleeper.lock().unwrap_or_else(PoisonError::into_inner);
    if sleeper.is_none() {
        courier.with(|state| state.running = true);
        let courier = courier.clone();
        *sleeper = Some(tokio::spawn(async move {
            loop {
                sleep(&courier).await;
                courier.with(State::wake);
            }
        }));
    }
}

/// Where time is skipped: so long nothing must have been under way.
const QUIET: Duration = Duration::from_millis(100);

/// Sleeps until the earliest timer, or until that may have changed.
async fn sleep(courier: &Courier) {
    let (next, skips) = {
        let state = courier.state();
        let skips = courier.idle(&state).is_some();
        (state.timers.next().map(|at| state.clock.instant(at)), skips)
    };
    let until = next.map(|at| if skips { at.min(Instant::now() + QUIET) } else { at });
    match until {
        None => courier.rearm.notified().await,
        Some(at) => {
            tokio::select! {
                () = sleep_until(at.into()) => {
                    if skips {
                        skip(&courier.state());
                    }
                }
                () = courier.rearm.notified() => {}
            }
        }
    }
}

/// Leaves out the time in which nothing would happen.
fn skip(state: &State) {
    if let Some(at) = state.timers.next_message().filter(|_| state.in_flight.is_empty()) {
        state.clock.skip_to(at);
    }
}

pub async fn stop(courier: &Arc<Courier>, grace: Duration) {
    courier.state().running = false;
    let all_landed = async {
        loop {
            let landed = courier.landed.notified();
            tokio::pin!(landed);
            landed.as_mut().enable();
            if courier.state().in_flight.is_empty() {
                return;
            }
            landed.await;
        }
    };
    // Whatever is still under way is delivered again after the next start.
    let _ = tokio::time::timeout(grace, all_landed).await;
    abandon(courier);
}

/// Ends all tasks at once.
pub fn abandon(courier: &Arc<Courier>) {
    let sleeper = courier.sleeper.lock().unwrap_or_else(PoisonError::into_inner).take();
    if let Some(sleeper) = sleeper {
        sleeper.abort();
    }
    let mut state = courier.state();
    state.running = false;
    let given_up: Vec<String> = state
        .in_flight
        .drain()
        .map(|(id, task)| {
            if let Some(task) = task {
                task.abort();
            }
            id
        })
        .collect();
    state.ready.extend(given_up);
}
