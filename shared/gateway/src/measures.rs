//! How much of what waits, and for how long, and what models were used for today: what metrics say beside the
//! [counts](crate::views). One statement that only reads, by indexes that are there for others (docs/METRICS.md).

use makegood_core::time::Millis;
use serde::Deserialize;

use crate::model_use::Used;
use crate::store::{Statement, text};

/// A day's deliveries that are dead; older ones were seen, or will not be any more.
const DEAD_SINCE: Millis = Millis::from_secs(24 * 3_600);

/// Written out, and no function of the database's: nothing is committed by it, and it is asked once in five minutes.
pub const MEASURE: &str = "select json_build_object(\
    'unwinding_since', (select min(u.at) from (\
        select max((f.body->>'at')::bigint) as at from makegood.saga s join makegood.fact f \
        on f.saga = s.id and f.epoch = 0 and f.node = -1 and f.kind = 'unwinding' \
        where s.phase = 'unwinding' group by s.id) u),\
    'overdue', (select count(*) from makegood.saga s where s.wake_at <= $1::bigint),\
    'overdue_since', (select min(s.wake_at) from makegood.saga s where s.wake_at <= $1::bigint),\
    'woken_in_vain', (select count(*) from makegood.saga s where s.wake_at is not null and s.idle_wakes > 0),\
    'asked_since', (select min(t.changed_at) from makegood.step_view t join makegood.saga s on s.id = t.saga \
        where s.phase = 'forward' and t.standing = 'asking' and not t.beyond),\
    'deliveries_pending', (select count(*) from makegood.delivery d where d.due_at is not null),\
    'deliveries_dead', (select count(*) from makegood.delivery d \
        where d.received_at > $2::bigint and d.state = 'dead'),\
    'models', (select coalesce(json_agg(row_to_json(m)), '[]') from (\
        select u.model, sum(u.requests)::bigint as requests, sum(u.tokens_in)::bigint as tokens_in, \
            sum(u.tokens_out)::bigint as tokens_out, sum(u.cost_nanos)::bigint as cost_nanos \
        from makegood.model_use u where u.day = (to_timestamp($1::bigint / 1000) at time zone 'utc')::date \
        group by u.model order by u.model) m))";

/// The answer is [`Measures`].
#[must_use]
pub fn measure(now: Millis) -> Statement {
    Statement { sql: MEASURE, params: vec![text(now.0), text((now - DEAD_SINCE).0)] }
}

/// What it answers with, of everybody's.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct Measures {
    /// Since when the saga has been turned round that is being undone for longest.
    pub unwinding_since: Option<Millis>,
    /// Sagas whose wake is late, so that the next sweep wakes them.
    pub overdue: u64,
    pub overdue_since: Option<Millis>,
    /// Sagas that were woken since their last commit, and committed nothing.
    pub woken_in_vain: u64,
    /// Since when the question stands that people have left open for longest.
    pub asked_since: Option<Millis>,
    pub deliveries_pending: u64,
    pub deliveries_dead: u64,
    pub models: Vec<Used>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_statement_has_its_parameters_and_its_answer_is_read() {
        let Statement { sql, params } = measure(Millis(90_000_000));
        assert_eq!(params, [Some("90000000".to_owned()), Some("3600000".to_owned())]);
        assert!(sql.contains("$1") && sql.contains("$2") && !sql.contains("$3"), "{sql}");
        let answer = r#"{"unwinding_since":null,"overdue":2,"overdue_since":5,"woken_in_vain":1,"asked_since":null,
            "deliveries_pending":0,"deliveries_dead":3,
            "models":[{"model":"small","requests":1,"tokens_in":2,"tokens_out":3,"cost_nanos":4}]}"#;
        let read: Measures = serde_json::from_str(answer).unwrap();
        assert_eq!((read.overdue, read.overdue_since, read.models[0].tokens_out), (2, Some(Millis(5)), 3));
    }
}
