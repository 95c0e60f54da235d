//! What sagas that came to rest have to say, counted into buckets: each call of a tool and of a model, and what each
//! saga took. It is made of the journals that are read for their traces, so that nobody else reads or writes anything
//! for it; and it is told once, for nobody keeps it.

use makegood_core::proposal::Provenance;
use makegood_core::saga::{Fact, Node, Op};
use makegood_core::time::Millis;

use super::table::{
    Kind, MODEL_DURATION, Metric, SAGA_CALLS, SAGA_COMMITS, SAGA_COST, SAGA_DURATION, SAGA_INVOCATIONS, SAGA_RECORDS,
    SAGA_TOKENS, TOOL_DURATION,
};
use super::{seconds, units};
use crate::store::{Entry, PLACES, Story};

/// The histograms of what came since the last time.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Tally(pub(super) Vec<Series>);

/// One series of one of them.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Series {
    pub metric: Metric,
    /// Of its attributes, in their order; an empty one is left out.
    pub values: Vec<String>,
    pub count: u64,
    pub sum: f64,
    /// One more than there are bounds.
    pub buckets: Vec<u64>,
}

impl Tally {
    /// Whether there is nothing to tell.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Counts a saga that was read from its beginning, where its last commit had it rest: calls that came to an end since
    /// the rest before, and the saga as a whole. One that was stuck and is made good is counted as either.
    pub fn add(&mut self, story: &Story) {
        let journal = &story.journal;
        let Some(last) = journal.iter().rposition(rests) else { return };
        let at = &journal[last];
        // What was written after a rest is told as well, and was counted.
        if !story.phase.at_rest() || at.seq / PLACES != u64::from(story.version) {
            return;
        }
        let from = journal[..last].iter().rposition(rests).map_or(0, |before| before + 1);
        for entry in &journal[from..last] {
            self.call(&story.nodes, &entry.record.fact);
        }
        let reading: Option<Provenance> =
            story.reading.clone().and_then(|reading| serde_json::from_value(reading).ok());
        let reading = reading.unwrap_or_default();
        // They were asked before it began.
        let asked = if from == 0 { reading.asked.as_slice() } else { &[] };
        for one in asked {
            let failed = if one.outcome == "answered" { "" } else { one.outcome.as_str() };
            self.see(MODEL_DURATION, &["chat", one.model.as_str(), failed], seconds(Millis(one.took_ms)));
        }
        let tokens = reading.tokens_in.saturating_add(reading.tokens_out);
        let counters = &story.counters;
        for (metric, number) in [
            (SAGA_DURATION, seconds(at.record.at.since(story.created_at))),
            (SAGA_COMMITS, f64::from(counters.commits)),
            (SAGA_RECORDS, journal.len() as f64),
            (SAGA_CALLS, counters.calls as f64),
            (SAGA_INVOCATIONS, f64::from(counters.invocations)),
            (SAGA_TOKENS, tokens as f64),
            (SAGA_COST, units(reading.cost_nanos)),
        ] {
            self.see(metric, &[story.phase.as_str()], number);
        }
    }

    /// Counts a call that came to its end. A wait's end, and what a person said, are none.
    fn call(&mut self, nodes: &[Node], fact: &Fact) {
        let (node, attempt, took, op, outcome) = match fact {
            Fact::Done { node, attempt, took, .. } => (node, attempt, took, "do", "done"),
            Fact::Refused { node, attempt, took, .. } => (node, attempt, took, "do", "refused"),
            Fact::Unsettled { node, op, attempt, took, .. } => {
                let op = match op {
                    Op::Do => "do",
                    Op::Status => "status",
                    Op::Undo => "undo",
                };
                (node, attempt, took, op, "no_answer")
            }
            Fact::Undone { node, attempt, took, found, .. } => {
                (node, attempt, took, "undo", if *found { "undone" } else { "fenced" })
            }
            Fact::Started { .. }
            | Fact::UndoStarted { .. }
            | Fact::Held { .. }
            | Fact::Waiting { .. }
            | Fact::Queued { .. }
            | Fact::Shut { .. }
            | Fact::Skipped { .. }
            | Fact::Asked { .. }
            | Fact::Decided { .. }
            | Fact::Retried { .. }
            | Fact::Resolved { .. }
            | Fact::Received { .. }
            | Fact::Paused { .. }
            | Fact::Resumed { .. }
            | Fact::Replanned { .. }
            | Fact::Unwinding { .. }
            | Fact::Yielded { .. }
            | Fact::Completed
            | Fact::MadeGood
            | Fact::Stuck { .. } => return,
        };
        // Nodes lie in the order of their numbers.
        let Ok(place) = nodes.binary_search_by_key(node, |node| node.ix) else { return };
        if *attempt > 0 {
            self.see(TOOL_DURATION, &[nodes[place].tool.as_str(), op, outcome], seconds(*took));
        }
    }

    fn see(&mut self, metric: Metric, values: &[&str], number: f64) {
        let Kind::Histogram(bounds) = metric.kind else { return };
        let series = self.series(metric, values);
        series.count += 1;
        series.sum += number;
        // Each bound belongs to the bucket below it.
        let place = bounds.iter().position(|bound| number <= *bound).unwrap_or(bounds.len());
        series.buckets[place] += 1;
    }

    /// The series, which is there from here on: so that the first of what is rare is a rise, and no beginning.
    pub(super) fn series(&mut self, metric: Metric, values: &[&str]) -> &mut Series {
        let known = self.0.iter().position(|series| series.metric.name == metric.name && series.values == values);
        let place = known.unwrap_or_else(|| {
            let buckets = if let Kind::Histogram(bounds) = metric.kind { bounds.len() + 1 } else { 0 };
            let values = values.iter().map(|value| (*value).to_owned()).collect();
            self.0.push(Series { metric, values, count: 0, sum: 0.0, buckets: vec![0; buckets] });
            self.0.len() - 1
        });
        &mut self.0[place]
    }
}

const fn rests(entry: &Entry) -> bool {
    matches!(entry.record.fact, Fact::Completed | Fact::MadeGood | Fact::Stuck { .. })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn story(phase: &str, version: u32, journal: &[(u32, Value)]) -> Story {
        let journal = journal.iter().zip(0_u64..).map(|((version, record), place)| {
            let mut record = record.clone();
            record["at"] = json!(1_000 * u64::from(*version));
            record["inv"] = json!(1);
            json!({"seq": u64::from(*version) * PLACES + place, "record": record})
        });
        let told = json!({
            "id": "sg_01k0000000000000000000zzzz", "owner": "ann", "title": "", "message": null, "phase": phase,
            "version": version, "created_at": 500, "updated_at": 0, "wake_at": null,
            "counters": {"invocations": 1, "commits": 3, "calls": 2, "bytes_read": 0, "bytes_written": 0, "sweeps": 0},
            "nodes": [{"ix": 0, "id": "table", "tool": "book", "version": "1", "class": "pivot"}],
            "journal": journal.collect::<Vec<_>>(),
            "reading": {"by": "model", "tokens_in": 900, "tokens_out": 200, "cost_nanos": 5_000_000, "asked": [
                {"model": "small", "round": "plan", "outcome": "timed_out", "took_ms": 2_000},
                {"model": "big", "round": "plan", "outcome": "answered", "took_ms": 400, "tokens_in": 900,
                 "tokens_out": 200, "cost_nanos": 5_000_000},
            ]},
        });
        serde_json::from_value(told).unwrap()
    }

    /// The series of a metric: values, count, sum, and in which buckets there is something.
    fn of(tally: &Tally, metric: Metric) -> Vec<(String, u64, f64, Vec<usize>)> {
        let series = tally.0.iter().filter(|series| series.metric == metric);
        let filled = |series: &Series| (0..series.buckets.len()).filter(|place| series.buckets[*place] > 0).collect();
        series.map(|series| (series.values.join(" "), series.count, series.sum, filled(series))).collect()
    }

    fn refusal() -> Value {
        json!({"type": "refused", "node": 0, "attempt": 2, "took": 500, "code": "no", "detail": ""})
    }

    #[test]
    fn a_rest_is_counted_with_the_calls_that_led_to_it() {
        let mut tally = Tally::default();
        let silence =
            json!({"type": "unsettled", "node": 0, "op": "do", "attempt": 1, "took": 10, "reason": "", "again": null});
        let said = json!({"type": "done", "node": 0, "attempt": 0, "took": 0, "output": {}});
        tally.add(&story(
            "made_good",
            3,
            &[(2, silence), (2, said), (3, refusal()), (3, refusal()), (3, json!({"type": "made_good"}))],
        ));
        assert_eq!(
            of(&tally, TOOL_DURATION),
            [("book do no_answer".to_owned(), 1, 0.01, vec![0]), ("book do refused".to_owned(), 2, 1.0, vec![5])],
            "a bound belongs to the bucket below it, and what a person said is no call"
        );
        let models = of(&tally, MODEL_DURATION);
        assert_eq!(models[0].0, "chat small timed_out");
        assert_eq!((models[1].0.as_str(), models[1].2), ("chat big ", 0.4));
        for (metric, number) in [
            (SAGA_DURATION, 2.5),
            (SAGA_COMMITS, 3.0),
            (SAGA_RECORDS, 5.0),
            (SAGA_CALLS, 2.0),
            (SAGA_TOKENS, 1_100.0),
            (SAGA_COST, 0.005),
        ] {
            let told = of(&tally, metric);
            assert_eq!((told[0].0.as_str(), told[0].1, told[0].2), ("made_good", 1, number), "{}", metric.name);
        }
    }

    #[test]
    fn a_second_rest_brings_what_came_after_the_first_and_what_is_told_again_brings_nothing() {
        let stuck = (3, json!({"type": "stuck", "nodes": [0]}));
        let journal = [(2, refusal()), stuck, (5, refusal()), (5, json!({"type": "made_good"}))];
        let mut tally = Tally::default();
        tally.add(&story("stuck", 3, &journal[..2]));
        tally.add(&story("made_good", 5, &journal));
        assert_eq!(of(&tally, TOOL_DURATION)[0].1, 2, "each call once");
        assert_eq!(of(&tally, MODEL_DURATION).iter().map(|series| series.1).sum::<u64>(), 2, "each model once");
        let rests: Vec<String> = of(&tally, SAGA_DURATION).into_iter().map(|(phase, ..)| phase).collect();
        assert_eq!(rests, ["stuck", "made_good"]);
        let before = tally.clone();
        tally.add(&story("made_good", 6, &journal));
        tally.add(&story("unwinding", 3, &journal[..2]));
        tally.add(&story("unwinding", 2, &journal[..1]));
        assert_eq!(tally, before);
    }

    #[test]
    fn what_is_beyond_all_bounds_has_a_bucket() {
        let mut tally = Tally::default();
        tally.see(TOOL_DURATION, &["book", "do", "done"], 1e9);
        assert_eq!(of(&tally, TOOL_DURATION)[0].3, [12]);
    }
}
