//! One call of a tool, and what the switchboard makes of it.
//!
//! A call that acts late, or whose answer is lost, is carried on by a task of its own: as with a real
//! partner, hanging up does not stop it.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::http::StatusCode;
use serde_json::Value;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::sleep;

use crate::Town;
use crate::fault::{Fault, Kind, Op};
use crate::key::Key;
use crate::params;
use crate::problem::Problem;
use crate::query;
use crate::store::{Answer, Verdict};
use crate::tool::Tool;

/// How many calls may be held back at once; one more is told to come later.
const MAX_HELD: usize = 4096;

/// How long a call without an answer is held where the fault does not say.
const NEVER: Duration = Duration::from_secs(120);

/// What is asked of a tool.
#[derive(Clone)]
pub(crate) enum Request {
    Ask { params: Value },
    Do { key: Key, params: Value },
    Undo { key: Key },
    Status { key: Key },
}

#[derive(Clone)]
pub(crate) struct Call {
    town: Arc<Town>,
    tool: Tool,
    request: Request,
}

impl Call {
    pub(crate) fn new(town: Arc<Town>, tool: Tool, request: Request) -> Self {
        Self { town, tool, request }
    }

    pub(crate) async fn answer(self) -> Answer {
        let op = match self.request {
            Request::Ask { .. } | Request::Do { .. } => Op::Do,
            Request::Undo { .. } => Op::Undo,
            Request::Status { .. } => Op::Status,
        };
        match self.town.faults.strike(self.tool, op).await? {
            None => self.carry_out(None).await,
            Some(fault) => self.suffer(&fault).await,
        }
    }

    async fn suffer(self, fault: &Fault) -> Answer {
        let town = Arc::clone(&self.town);
        match fault.kind {
            Kind::Refuse => self.carry_out(Some(fault.refusal())).await,
            Kind::Error => Err(Problem::internal()),
            Kind::Busy => Err(Problem::busy()),
            Kind::Timeout => {
                let _held = town.slow.hold()?;
                sleep(fault.delay().unwrap_or(NEVER)).await;
                Err(Problem::new(StatusCode::GATEWAY_TIMEOUT, "timeout", "No answer came in time. Ask status."))
            }
            Kind::Slow => {
                let delay = fault.delay().unwrap_or(Duration::from_secs(1));
                finish(tokio::spawn(self.carry_out_after(delay))).await
            }
            Kind::ApplyThenLose => {
                let _held = town.slow.hold()?;
                let applied = tokio::spawn(async move { self.carry_out(None).await }).await;
                if let Err(error) = applied {
                    tracing::error!(%error, "a call of the town ended early");
                }
                let at_once = fault.status.map(|_| Duration::ZERO);
                sleep(fault.delay().or(at_once).unwrap_or(NEVER)).await;
                Err(fault.loss())
            }
            Kind::Duplicate => {
                let twin = self.clone();
                let twin = tokio::spawn(async move { twin.carry_out(None).await });
                let answer = self.carry_out(None).await;
                // Both have ended before the answer leaves; the twin's is what nobody asked for.
                drop(finish(twin).await);
                answer
            }
        }
    }

    async fn carry_out_after(self, delay: Duration) -> Answer {
        let town = Arc::clone(&self.town);
        let _held = town.slow.hold()?;
        // An undo is let through meanwhile: its tombstone is what the late do must meet.
        if let Request::Do { key, .. } = &self.request {
            let marked = town.slow.mark(self.tool, key)?;
            sleep(delay).await;
            drop(marked);
        } else {
            sleep(delay).await;
        }
        self.carry_out(None).await
    }

    /// Does what is asked. `refusal` stands for what the partner would have refused it with.
    async fn carry_out(&self, refusal: Option<Problem>) -> Answer {
        let Town { store, bench, slow, .. } = &*self.town;
        let tool = self.tool;
        match &self.request {
            Request::Ask { params } => match refusal {
                Some(refusal) => Err(refusal),
                None => query::answer(store, tool, params).await,
            },
            Request::Do { key, .. } if slow.works_on(tool, key) => Err(Problem::in_progress()),
            Request::Do { key, params } if tool == Tool::BenchEffect => bench.act(key, params, refusal).of_do(),
            Request::Do { key, params } => {
                let refusal = refusal.or_else(|| params::check(tool, params).err());
                let verdict = store.act(tool, key, params, refusal.as_ref()).await?;
                verdict.of_do()
            }
            Request::Undo { .. } | Request::Status { .. } if refusal.is_some() => {
                refusal.map_or_else(|| Err(Problem::internal()), Err)
            }
            Request::Undo { key } if tool == Tool::BenchEffect => bench.undo(key).of_undo(),
            Request::Undo { key } => store.undo(tool, key).await?.of_undo(),
            Request::Status { key } if slow.works_on(tool, key) => Verdict::InProgress.of_status(),
            Request::Status { key } if tool == Tool::BenchEffect => bench.status(key).of_status(),
            Request::Status { key } => store.status(tool, key).await?.of_status(),
        }
    }
}

async fn finish(task: tokio::task::JoinHandle<Answer>) -> Answer {
    task.await.unwrap_or_else(|error| {
        tracing::error!(%error, "a call of the town ended early");
        Err(Problem::internal())
    })
}

/// The calls that are held back, and the keys that are worked on meanwhile.
pub(crate) struct Slow {
    held: Semaphore,
    keys: Mutex<HashSet<(Tool, Key)>>,
}

impl Default for Slow {
    fn default() -> Self {
        Self { held: Semaphore::new(MAX_HELD), keys: Mutex::default() }
    }
}

impl Slow {
    fn hold(&self) -> Result<SemaphorePermit<'_>, Problem> {
        self.held.try_acquire().map_err(|_| Problem::busy())
    }

    fn mark(&self, tool: Tool, key: &Key) -> Result<Marked<'_>, Problem> {
        let entry = (tool, key.clone());
        if !self.keys().insert(entry.clone()) {
            return Err(Problem::in_progress());
        }
        Ok(Marked { slow: self, entry })
    }

    fn works_on(&self, tool: Tool, key: &Key) -> bool {
        let keys = self.keys();
        !keys.is_empty() && keys.contains(&(tool, key.clone()))
    }

    fn keys(&self) -> MutexGuard<'_, HashSet<(Tool, Key)>> {
        self.keys.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A key that is worked on, until this is dropped.
struct Marked<'a> {
    slow: &'a Slow,
    entry: (Tool, Key),
}

impl Drop for Marked<'_> {
    fn drop(&mut self) {
        self.slow.keys().remove(&self.entry);
    }
}
