//! The driver: performs what [`step`](makegood_core::saga::step) asks for, and tells it what came of it. It decides
//! nothing.
//!
//! One invocation is one call of [`drive`]: load, wake, and then effects and events in turn until
//! the saga rests or yields. When another worker committed first, everything learned here is folded
//! into what that one left: answers are never thrown away because of a race.

mod invocation;

use futures_util::stream::StreamExt;
use makegood_core::error::{Code, Error};
use makegood_core::id::SagaId;
use makegood_core::saga::{Ended, Event, Saga};
use makegood_core::time::Millis;

use crate::breakers::Breakers;
use crate::host::{Host, Level};
use crate::settings::Settings;
use crate::store::Store;
use crate::turns::Line;
use crate::{child, queue};
use invocation::{Invocation, PAUSE, Task, Tasks, Turn, is_worth_a_try};

/// So many repeated deliveries without a commit make the next invocation a cautious one.
const IDLE_WAKES: u32 = 3;
/// So many lost races end an invocation: someone else is busy with this saga.
const RACES: u32 = 8;

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
