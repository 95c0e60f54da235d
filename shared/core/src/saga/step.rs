//! The one place that decides.

use super::effect::{Effect, Ended};
use super::event::{Event, Illegal};
use super::fact::Cause;
use super::legal::Place;
use super::state::{Phase, Saga};
use crate::time::Millis;

/// Folds `event` into `saga` at `now` and answers with what is due.
///
/// Which event has its place in which phase stands in one table, [`Kind::place`](super::Kind::place); everything else
/// is [`Illegal`], leaves the saga as it was, and is a fault of the driver or the store, or of who asked. What becomes
/// of those that have one:
///
/// | event       | in work                                   | at rest                             |
/// |-------------|-------------------------------------------|-------------------------------------|
/// | `Wake`      | once in an invocation; calls begin here   | ends at once: a late duplicate      |
/// | `Answered`  | folded, also before the wake; stale ones are passed over | stuck: may settle a step held as unknown; else passed over |
/// | `Turn`      | folded; passed over where nobody asked    | passed over                         |
/// | `Leave`     | folded; passed over where nobody asked    | passed over                         |
/// | `Committed` | only while a commit is under way          | only for the commit of the rest     |
/// | `Paged`     | only while a page is asked for            |                                     |
/// | `Tick`      | carries on                                | passed over                         |
/// | `Cancel`    | unwinds; passed over when past the pivot or unwinding | stuck before the pivot: unwinds |
/// | `Pause`     | forward and not paused                    |                                     |
/// | `Resume`    | paused                                    |                                     |
/// | `Decided`   | a step waits for this person's decision   |                                     |
/// | `Received`  | a step waits for it, or it is kept; what was heard before is passed over | only what was heard before: passed over |
/// | `Retry`     | a held step is taken up again             | stuck: the same                     |
/// | `Replan`    | forward, before the pivot, nothing under way | stuck, going forward: the same   |
/// | `Nudged`    | a step waits for its child, or its turn   |                                     |
/// | `Revoke`    |                                           | completed, with nothing that cannot be undone |
/// | `Resolve`   | a held step is settled                    | stuck: the same                     |
///
/// # Errors
/// [`Illegal`], as said.
pub fn step(saga: &mut Saga, event: Event, now: Millis) -> Result<Vec<Effect>, Illegal> {
    let (phase, kind) = (saga.head.phase, event.kind());
    let rest = phase.at_rest();
    let illegal = |why| Illegal { phase, event: kind, why };
    if kind.place(phase) == Place::Illegal {
        return Err(illegal(kind.why_not(phase)));
    }
    match &event {
        Event::Wake { .. } if saga.run.awake => return Err(illegal("an invocation wakes a saga once")),
        Event::Committed if !saga.run.committing => return Err(illegal("no commit is under way")),
        Event::Paged(_) if !saga.run.paging => return Err(illegal("no page was asked for")),
        Event::Paged(window) if !saga.is_next(window) => {
            return Err(illegal("the page lacks the nodes that come next"));
        }
        Event::Cancel { .. } if rest && !saga.may_turn_back() => return Err(illegal("it is at rest")),
        Event::Received { from, .. } if rest && !saga.has_heard(from.as_ref()) => {
            return Err(illegal("it is at rest"));
        }
        Event::Revoke { .. } if saga.head.pivoted => return Err(illegal("its point of no return is behind it")),
        Event::Wake { .. }
        | Event::Answered { .. }
        | Event::Turn { .. }
        | Event::Leave { .. }
        | Event::Committed
        | Event::Paged(_)
        | Event::Tick
        | Event::Cancel { .. }
        | Event::Pause { .. }
        | Event::Resume { .. }
        | Event::Decided { .. }
        | Event::Received { .. }
        | Event::Retry { .. }
        | Event::Replan { .. }
        | Event::Nudged { .. }
        | Event::Revoke { .. }
        | Event::Resolve { .. } => {}
    }

    // Time never runs backwards, whatever the clock of this machine says, and never stands still: a
    // clock that is behind the journal's is put forward for this invocation.
    if let Event::Wake { .. } = event {
        saga.run.ahead = saga.head.last_at.since(now);
    }
    let now = now + saga.run.ahead;
    let before = saga.head.last_at;
    saga.head.last_at = before.max(now);

    let heeded = match event {
        Event::Wake { until, kill, cautious } => {
            saga.run.awake = true;
            if rest {
                saga.run.ended = true;
                return Ok(vec![Effect::End(Ended::Rest)]);
            }
            saga.head.invocations = saga.head.invocations.saturating_add(1);
            saga.run.seen = saga.head.last_at;
            let ahead = saga.run.ahead;
            (saga.run.until, saga.run.kill, saga.run.cautious) = (until + ahead, kill + ahead, cautious);
            // An invocation without any time starts nothing: it hands on what it was brought.
            saga.run.full |= until == Millis(0);
            Ok(())
        }
        Event::Answered { call, took, outcome } => {
            saga.fold_answer(call, took, outcome);
            Ok(())
        }
        Event::Turn { node, came, after } => {
            saga.fold_turn(node, came, after);
            Ok(())
        }
        Event::Leave { node, after } => {
            saga.fold_leave(node, after);
            Ok(())
        }
        Event::Committed => {
            saga.run.committing = false;
            saga.run.seen = saga.run.committed_at;
            if let Some(ended) = saga.run.ending.take() {
                saga.run.ended = true;
                return Ok(vec![Effect::End(ended)]);
            }
            let calls = std::mem::take(&mut saga.run.held_calls);
            let mut effects: Vec<Effect> = calls.into_iter().filter_map(|call| saga.send_held(call)).collect();
            effects.extend(saga.advance());
            return Ok(effects);
        }
        Event::Paged(window) => {
            saga.run.paging = false;
            saga.admit(window);
            Ok(())
        }
        Event::Tick => {
            saga.run.sleeping = false;
            Ok(())
        }
        Event::Cancel { by } => {
            saga.head.phase = saga.head.direction();
            saga.fail(Cause::Cancelled { by });
            Ok(())
        }
        Event::Pause { by } => saga.pause(by, String::new()),
        Event::Resume { by } => saga.resume(by),
        Event::Decided { node, decision } => saga.decide(node, decision),
        Event::Received { name, payload, from } => saga.receive(name, payload, from),
        Event::Retry { by, node } => saga.retry(&by, node),
        Event::Replan { by, note, plan } => saga.replan(by, note, *plan),
        Event::Nudged { node } => saga.nudged(node),
        Event::Revoke { by } => {
            saga.head.phase = Phase::Forward;
            saga.fail(Cause::Cancelled { by });
            Ok(())
        }
        Event::Resolve { by, node, note, verdict } => saga.resolve(node, &by, &note, verdict),
    };
    match heeded {
        Ok(()) => Ok(saga.advance()),
        Err(why) => {
            saga.head.last_at = before;
            Err(illegal(why))
        }
    }
}
