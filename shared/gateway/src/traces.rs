//! The statements about traces (`migrations/0027_traces.sql` and `0028_bounded_work.sql`): which sagas are of one, and
//! which have yet to be told to whoever collects them. How they are told is [`otlp`](crate::otlp).

use makegood_core::id::SagaId;
use makegood_core::proposal::Provenance;
use makegood_core::time::Millis;
use makegood_core::trace::{self, About, Context, Trace, TraceId};
use serde::{Deserialize, Serialize};

use crate::store::{COUNTED, Statement, Story, json, text};

pub const OF_TRACE: &str = "select makegood.sagas_of_trace($1,$2,$3)";
pub const TAKE: &str = "select makegood.take_traces($1,$2,$3)";
pub const SETTLE: &str = "select makegood.settle_traces($1,$2,$3)";
pub const COUNT: &str = "select makegood.time_to_count($1,$2)";
pub const FAIL: &str = "select makegood.fail_traces($1,$2,$3,$4)";

/// The trace of a saga that was read from its beginning.
#[must_use]
pub fn traced(story: &Story) -> Trace {
    let reading: Option<Provenance> = story.reading.clone().and_then(|reading| serde_json::from_value(reading).ok());
    let about = About {
        saga: &story.id,
        title: &story.title,
        phase: story.phase,
        created_at: story.created_at,
        nodes: &story.nodes,
        reading: reading.as_ref(),
        context: caller(story),
    };
    trace::of(&about, story.journal.iter().map(|entry| &entry.record))
}

/// What a saga's caller came with.
fn caller(story: &Story) -> Option<Context> {
    story.traceparent.as_deref().and_then(Context::parse)
}

/// The trace that a saga is of.
#[must_use]
pub fn id(story: &Story) -> TraceId {
    Context::of_saga(&story.id, caller(story)).trace
}

/// The ids of a trace's sagas, at most so many, as a list of [`SagaId`].
#[must_use]
pub fn of_trace(trace: TraceId, most: u32) -> Statement {
    Statement { sql: OF_TRACE, params: vec![text(trace), text(trace.saga()), text(most)] }
}

/// Takes the sagas whose traces are due, to be told by `held`: a list of [`Due`], or null.
#[must_use]
pub fn take(now: Millis, held: Millis, most: u32) -> Statement {
    Statement { sql: TAKE, params: vec![text(now.0), text(held.0), text(most)] }
}

/// A saga whose trace is to be told.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Due {
    /// How often somebody began to tell it before.
    pub tries: u32,
    /// `None` where it is gone.
    pub story: Option<Story>,
}

/// A saga whose trace was told, or was to be, as it stood at this version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Told {
    pub saga: SagaId,
    pub version: u32,
}

/// Those were told. Answers with a saga that is due now, or with null.
#[must_use]
pub fn settle(held: Millis, told: &[Told], now: Millis) -> Statement {
    Statement { sql: SETTLE, params: vec![text(held.0), Some(json(told)), text(now.0)] }
}

/// Answers with whether it is time to tell how many there are of what.
#[must_use]
pub fn count(now: Millis) -> Statement {
    Statement { sql: COUNT, params: vec![text(now.0), text((now - COUNTED).0)] }
}

/// Those were not taken, and are due again then. What has been due since before `forget` is given up: answers with how
/// many were.
#[must_use]
pub fn fail(held: Millis, told: &[Told], due_at: Millis, forget: Millis) -> Statement {
    Statement { sql: FAIL, params: vec![text(held.0), Some(json(told)), text(due_at.0), text(forget.0)] }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_statement_has_its_parameters() {
        let told = [Told { saga: SagaId::new(Millis(1), [0; 10]), version: 3 }];
        let trace = TraceId::of(&told[0].saga);
        for Statement { sql, params } in [
            of_trace(trace, 1),
            take(Millis(1), Millis(2), 3),
            settle(Millis(1), &told, Millis(2)),
            fail(Millis(1), &told, Millis(2), Millis(3)),
            count(Millis(1)),
        ] {
            assert!(sql.ends_with(&format!("${})", params.len())), "{sql}");
        }
        assert_eq!(of_trace(trace, 1).params[1].as_deref(), Some(told[0].saga.as_str()));
    }
}
