//! Which metrics there are: one table, of which what is sent is made, and against which the dashboards, the alerts and
//! docs/METRICS.md are held (`tests/dashboards`). What is not in it is not sent.

/// How a metric is told.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Kind {
    /// As it is now.
    Gauge,
    /// All of the day (UTC), cumulative: it begins anew each day.
    Sum,
    /// How what came since the last time lies between these bounds: delta.
    Histogram(&'static [f64]),
}

/// One of them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Metric {
    pub name: &'static str,
    /// By UCUM; what is counted stands in braces.
    pub unit: &'static str,
    pub kind: Kind,
    /// In the order in which their values are given.
    pub attributes: &'static [&'static str],
}

const fn of(kind: Kind, name: &'static str, unit: &'static str, attributes: &'static [&'static str]) -> Metric {
    Metric { name, unit, kind, attributes }
}

const PHASE: &str = "makegood.phase";
const TOOL: &str = "gen_ai.tool.name";
const OUTCOME: &str = "makegood.outcome";
const MODEL: &str = "gen_ai.request.model";

/// What is answered at once, and what is waited for.
const CALL: Kind = Kind::Histogram(&[0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0]);
/// From a second to a week.
const LIFE: Kind = Kind::Histogram(&[1.0, 5.0, 15.0, 60.0, 300.0, 900.0, 3_600.0, 21_600.0, 86_400.0, 604_800.0]);
const NUMBER: Kind = Kind::Histogram(&[1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1_000.0]);
const TOKENS: Kind = Kind::Histogram(&[0.0, 300.0, 1_000.0, 3_000.0, 10_000.0, 30_000.0, 100_000.0]);
const MONEY: Kind = Kind::Histogram(&[0.0, 0.000_1, 0.001, 0.01, 0.1, 1.0]);

pub const SAGAS: Metric = of(Kind::Gauge, "makegood.sagas", "{saga}", &[PHASE]);
pub const PAUSED: Metric = of(Kind::Gauge, "makegood.sagas.paused", "{saga}", &[]);
pub const TURNED: Metric = of(Kind::Gauge, "makegood.sagas.turned", "{saga}", &["makegood.cause"]);
pub const STEPS: Metric = of(Kind::Gauge, "makegood.steps", "{step}", &["makegood.standing"]);
pub const OLDEST_UNFINISHED: Metric = of(Kind::Gauge, "makegood.saga.oldest_unfinished", "s", &[]);
pub const OLDEST_UNWINDING: Metric = of(Kind::Gauge, "makegood.saga.oldest_unwinding", "s", &[]);
pub const OLDEST_APPROVAL: Metric = of(Kind::Gauge, "makegood.approval.oldest", "s", &[]);
pub const OVERDUE: Metric = of(Kind::Gauge, "makegood.queue.overdue", "{saga}", &[]);
pub const OLDEST_OVERDUE: Metric = of(Kind::Gauge, "makegood.queue.oldest_overdue", "s", &[]);
pub const WOKEN_IN_VAIN: Metric = of(Kind::Gauge, "makegood.queue.woken_in_vain", "{saga}", &[]);
pub const DEAD_LETTERS: Metric = of(Kind::Gauge, "makegood.queue.dead_letters", "{message}", &[]);
pub const DELIVERIES: Metric = of(Kind::Gauge, "makegood.deliveries", "{delivery}", &["makegood.state"]);
/// 0: closed; 1: half open; 2: open.
pub const BREAKER: Metric = of(Kind::Gauge, "makegood.breaker.state", "{state}", &["makegood.breaker"]);
/// 1 where it answered.
pub const DEPENDENCY: Metric = of(Kind::Gauge, "makegood.dependency.up", "{dependency}", &["makegood.dependency"]);

pub const TOOL_CALLS: Metric = of(Kind::Sum, "makegood.tool.calls", "{call}", &[TOOL, OUTCOME]);
pub const TOOL_TOOK: Metric = of(Kind::Sum, "makegood.tool.took", "s", &[TOOL]);
pub const MODEL_REQUESTS: Metric = of(Kind::Sum, "makegood.model.requests", "{request}", &[MODEL]);
pub const MODEL_TOKENS: Metric = of(Kind::Sum, "makegood.model.tokens", "{token}", &[MODEL, "gen_ai.token.type"]);
pub const MODEL_COST: Metric = of(Kind::Sum, "makegood.model.cost", "{currency}", &[MODEL]);

pub const TOOL_DURATION: Metric = of(CALL, "makegood.tool.duration", "s", &[TOOL, "makegood.op", OUTCOME]);
/// The one that has OpenTelemetry's own name.
pub const MODEL_DURATION: Metric =
    of(CALL, "gen_ai.client.operation.duration", "s", &["gen_ai.operation.name", MODEL, "error.type"]);
pub const SAGA_DURATION: Metric = of(LIFE, "makegood.saga.duration", "s", &[PHASE]);
pub const SAGA_COMMITS: Metric = of(NUMBER, "makegood.saga.commits", "{commit}", &[PHASE]);
pub const SAGA_RECORDS: Metric = of(NUMBER, "makegood.saga.records", "{record}", &[PHASE]);
pub const SAGA_CALLS: Metric = of(NUMBER, "makegood.saga.calls", "{call}", &[PHASE]);
pub const SAGA_INVOCATIONS: Metric = of(NUMBER, "makegood.saga.invocations", "{invocation}", &[PHASE]);
pub const SAGA_TOKENS: Metric = of(TOKENS, "makegood.saga.tokens", "{token}", &[PHASE]);
pub const SAGA_COST: Metric = of(MONEY, "makegood.saga.cost", "{currency}", &[PHASE]);

/// All of them.
pub const ALL: [Metric; 28] = [
    SAGAS,
    PAUSED,
    TURNED,
    STEPS,
    OLDEST_UNFINISHED,
    OLDEST_UNWINDING,
    OLDEST_APPROVAL,
    OVERDUE,
    OLDEST_OVERDUE,
    WOKEN_IN_VAIN,
    DEAD_LETTERS,
    DELIVERIES,
    BREAKER,
    DEPENDENCY,
    TOOL_CALLS,
    TOOL_TOOK,
    MODEL_REQUESTS,
    MODEL_TOKENS,
    MODEL_COST,
    TOOL_DURATION,
    MODEL_DURATION,
    SAGA_DURATION,
    SAGA_COMMITS,
    SAGA_RECORDS,
    SAGA_CALLS,
    SAGA_INVOCATIONS,
    SAGA_TOKENS,
    SAGA_COST,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_rise_and_no_two_metrics_have_one_name() {
        for (nth, metric) in ALL.iter().enumerate() {
            assert!(ALL[..nth].iter().all(|other| other.name != metric.name), "{}", metric.name);
            if let Kind::Histogram(bounds) = metric.kind {
                assert!(bounds.is_sorted_by(|one, next| one < next), "{}", metric.name);
            }
        }
    }
}
