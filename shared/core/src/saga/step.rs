//! The one place that decides.

use super::effect::{Effect, Ended};
use super::event::{Event, Illegal};
use super::fact::Cause;
use super::state::Saga;
use crate::time::Millis;

/// Folds `event` into `saga` at `now` and answers with what is due.
///
/// The legal pairs, by whether the saga is at rest and by event; everything else is [`Illegal`],
/// leaves the saga as it was, and is a fault of the driver or the store:
///
/// | event       | in work                                   | at rest                             |
/// |-------------|-------------------------------------------|-------------------------------------|
/// | `Wake`      | once in an invocation; calls begin here   | ends at once: a late duplicate      |
/// | `Answered`  | folded, also before the wake; stale ones are passed over | passed over: a stale worker |
/// | `Committed` | only while a commit is under way          | only for the commit of the rest     |
/// | `Paged`     | only while a page is asked for            | never                               |
/// | `Tick`      | carries on                                | passed over                         |
/// | `Cancel`    | unwinds; passed over when past the pivot or unwinding | never: it is too late   |
///
/// # Errors
/// [`Illegal`], as said.
pub fn step(saga: &mut Saga, event: Event, now: Millis) -> Result<Vec<Effect>, Illegal> {
    let rest = saga.head.phase.at_rest();
    let name = event.name();
    let illegal = |why| Err(Illegal { phase: saga.head.phase, event: name, why });
    match &event {
        Event::Wake { .. } if saga.run.awake => return illegal("an invocation wakes a saga once"),
        Event::Committed if !saga.run.committing => return illegal("no commit is under way"),
        Event::Paged(_) if !saga.run.paging => return illegal("no page was asked for"),
        Event::Paged(window) if !saga.is_next(window) => return illegal("the page lacks the nodes that come next"),
        Event::Cancel { .. } if rest => return illegal("it is at rest"),
        Event::Wake { .. }
        | Event::Answered { .. }
        | Event::Committed
        | Event::Paged(_)
        | Event::Tick
        | Event::Cancel { .. } => {}
    }

    // Time never runs backwards, whatever the clock of this machine says, and never stands still: a
    // clock that is behind the journal's is put forward for this invocation.
    if let Event::Wake { .. } = event {
        saga.run.ahead = saga.head.last_at.since(now);
    }
    let now = now + saga.run.ahead;
    saga.head.last_at = saga.head.last_at.max(now);

    match event {
        Event::Wake { until, kill, cautious } => {
            saga.run.awake = true;
            if rest {
                saga.run.ended = true;
                return Ok(vec![Effect::End(Ended::Rest)]);
            }
            saga.head.invocations = saga.head.invocations.saturating_add(1);
            let ahead = saga.run.ahead;
            (saga.run.until, saga.run.kill, saga.run.cautious) = (until + ahead, kill + ahead, cautious);
        }
        Event::Answered { call, took, outcome } => saga.fold_answer(call, took, outcome),
        Event::Committed => {
            saga.run.committing = false;
            if let Some(ended) = saga.run.ending.take() {
                saga.run.ended = true;
                return Ok(vec![Effect::End(ended)]);
            }
            let calls = std::mem::take(&mut saga.run.held_calls);
            let mut effects: Vec<Effect> = calls.into_iter().map(|call| saga.send(call)).collect();
            effects.extend(saga.advance());
            return Ok(effects);
        }
        Event::Paged(window) => {
            saga.run.paging = false;
            saga.admit(window);
        }
        Event::Tick => saga.run.sleeping = false,
        Event::Cancel { by } => saga.fail(Cause::Cancelled { by }),
    }
    Ok(saga.advance())
}
