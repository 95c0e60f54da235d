//! Metrics: what `/api/debug/counts` says of everybody's sagas, what waits, how what is outside stands, and how long
//! things took. Which there are is the [table]'s to say; docs/METRICS.md says what each means.

pub mod table;
pub mod tally;

use makegood_core::time::Millis;
use serde_json::{Map, Value, json};

use self::table::{
    BREAKER, DEAD_LETTERS, DELIVERIES, DEPENDENCY, Kind, MODEL_COST, MODEL_REQUESTS, MODEL_TOKENS, Metric,
    OLDEST_APPROVAL, OLDEST_OVERDUE, OLDEST_UNFINISHED, OLDEST_UNWINDING, OVERDUE, PAUSED, SAGA_DURATION, SAGAS, STEPS,
    TOOL_CALLS, TOOL_TOOK, TURNED, WOKEN_IN_VAIN,
};
use self::tally::{Series, Tally};
use super::{Resource, described, nanos, pair, text};
use crate::measures::Measures;
use crate::views::Counts;

/// How everything stands at one moment.
#[derive(Clone, Debug, PartialEq)]
pub struct Moment {
    pub at: Millis,
    /// Tools and models are counted from there.
    pub day: Millis,
    pub counts: Counts,
    pub measures: Measures,
    /// Each by its name, in the words of `makegood breakers list`; `None`: Redis did not tell.
    pub breakers: Option<Vec<(String, &'static str)>>,
    /// `None`: the queue did not tell.
    pub dead_letters: Option<usize>,
}

/// The body of an `ExportMetricsServiceRequest`: how everything stands, where it is time to tell that, and what was
/// counted between `since` and `until`.
#[must_use]
pub fn written(
    moment: Option<&Moment>,
    mut tally: Tally,
    (since, until): (Millis, Millis),
    resource: Resource<'_>,
) -> Value {
    let mut told = Told::default();
    if let Some(moment) = moment {
        told.moment(moment);
        for phase in ["completed", "made_good", "stuck"] {
            tally.series(SAGA_DURATION, &[phase]);
        }
    }
    // Of a span that ends where it begins receivers differ in what they make.
    let until = until.max(since + Millis(1));
    for series in &tally.0 {
        told.series(series, since, until);
    }
    json!({"resourceMetrics": [{
        "resource": {"attributes": described(resource)},
        "scopeMetrics": [{"scope": {"name": "makegood", "version": resource.version}, "metrics": told.0}],
    }]})
}

/// The metrics that have a data point: one of nothing is none.
#[derive(Default)]
struct Told(Vec<Value>);

impl Told {
    fn moment(&mut self, moment: &Moment) {
        let Moment { at: now, day, counts, measures, breakers, dead_letters } = moment;
        let gauge = |number: u64| whole(number, None, *now);
        let sum = |number: u64| whole(number, Some(*day), *now);
        let age = |since: Option<Millis>| real(since.map_or(0.0, |since| seconds(now.since(since))), None, *now);

        let Counts { phases, paused, causes, standings, tools, oldest_unfinished } = counts;
        for (phase, number) in [
            ("forward", phases.forward),
            ("unwinding", phases.unwinding),
            ("completed", phases.completed),
            ("made_good", phases.made_good),
            ("stuck", phases.stuck),
        ] {
            self.tell(SAGAS, &[phase], gauge(number));
        }
        self.tell(PAUSED, &[], gauge(*paused));
        for (cause, number) in [
            ("step", causes.step),
            ("cancelled", causes.cancelled),
            ("deadline", causes.deadline),
            ("budget", causes.budget),
        ] {
            self.tell(TURNED, &[cause], gauge(number));
        }
        for (standing, number) in standings {
            self.tell(STEPS, &[standing], gauge(*number));
        }
        // Where the last of them is over that is told too, for who waits for a number keeps the one before.
        for none in ["held", "asking"] {
            if !standings.iter().any(|(known, _)| known == none) {
                self.tell(STEPS, &[none], gauge(0));
            }
        }
        self.tell(OLDEST_UNFINISHED, &[], age(oldest_unfinished.as_ref().map(|oldest| oldest.created_at)));
        for tool in tools {
            for (outcome, number) in [
                ("done", tool.done),
                ("refused", tool.refused),
                ("no_answer", tool.no_answer),
                ("undone", tool.undone),
                ("fenced", tool.fenced),
            ] {
                self.tell(TOOL_CALLS, &[&tool.tool, outcome], sum(number));
            }
        }
        for tool in tools {
            self.tell(TOOL_TOOK, &[&tool.tool], real(seconds(tool.took), Some(*day), *now));
        }

        self.tell(OLDEST_UNWINDING, &[], age(measures.unwinding_since));
        self.tell(OLDEST_APPROVAL, &[], age(measures.asked_since));
        self.tell(OVERDUE, &[], gauge(measures.overdue));
        self.tell(OLDEST_OVERDUE, &[], age(measures.overdue_since));
        self.tell(WOKEN_IN_VAIN, &[], gauge(measures.woken_in_vain));
        self.tell(DELIVERIES, &["pending"], gauge(measures.deliveries_pending));
        self.tell(DELIVERIES, &["dead"], gauge(measures.deliveries_dead));
        for used in &measures.models {
            self.tell(MODEL_REQUESTS, &[&used.model], sum(used.requests));
        }
        for used in &measures.models {
            self.tell(MODEL_TOKENS, &[&used.model, "input"], sum(used.tokens_in));
            self.tell(MODEL_TOKENS, &[&used.model, "output"], sum(used.tokens_out));
        }
        for used in &measures.models {
            self.tell(MODEL_COST, &[&used.model], real(units(used.cost_nanos), Some(*day), *now));
        }

        for (name, stands) in breakers.iter().flatten() {
            let state = match *stands {
                "open" | "forced_open" => 2,
                "half_open" => 1,
                _ => 0,
            };
            self.tell(BREAKER, &[name], gauge(state));
        }
        if let Some(letters) = dead_letters {
            self.tell(DEAD_LETTERS, &[], gauge(*letters as u64));
        }
        // Whoever is told anything at all has the database's answer.
        for (name, up) in [("database", true), ("redis", breakers.is_some()), ("queue", dead_letters.is_some())] {
            self.tell(DEPENDENCY, &[name], gauge(up.into()));
        }
    }

    fn series(&mut self, series: &Series, since: Millis, until: Millis) {
        let Kind::Histogram(bounds) = series.metric.kind else { return };
        // Counts go as numbers, which all must take: of those that are written as text, as OTLP itself writes them, rotel
        // makes a metric of nothing, and says that it has taken it.
        let point = json!({
            "startTimeUnixNano": nanos(since), "timeUnixNano": nanos(until), "count": series.count,
            "sum": series.sum, "bucketCounts": series.buckets, "explicitBounds": bounds,
        });
        let values: Vec<&str> = series.values.iter().map(String::as_str).collect();
        self.tell(series.metric, &values, point);
    }

    /// Adds a data point to its metric. `values`: of the metric's attributes, in their order; an empty one is left out.
    fn tell(&mut self, metric: Metric, values: &[&str], mut point: Value) {
        let given = metric.attributes.iter().zip(values).filter(|(_, value)| !value.is_empty());
        point["attributes"] = given.map(|(name, value)| pair(name, text(value))).collect();
        let name = match metric.kind {
            Kind::Gauge => "gauge",
            Kind::Sum => "sum",
            Kind::Histogram(_) => "histogram",
        };
        if let Some(known) = self.0.iter_mut().find(|known| known["name"] == metric.name) {
            if let Some(points) = known[name]["dataPoints"].as_array_mut() {
                points.push(point);
            }
            return;
        }
        let mut data = Map::new();
        data.insert("dataPoints".to_owned(), json!([point]));
        match metric.kind {
            Kind::Gauge => {}
            Kind::Sum => {
                data.insert("aggregationTemporality".to_owned(), json!(2));
                data.insert("isMonotonic".to_owned(), json!(true));
            }
            Kind::Histogram(_) => {
                data.insert("aggregationTemporality".to_owned(), json!(1));
            }
        }
        self.0.push(json!({"name": metric.name, "unit": metric.unit, name: data}));
    }
}

/// As a number, not as the text that the mapping has too: rotel 0.0.1a15 takes that, and keeps no value of it.
fn whole(number: u64, since: Option<Millis>, now: Millis) -> Value {
    point(json!({"asInt": number}), since, now)
}

fn real(number: f64, since: Option<Millis>, now: Millis) -> Value {
    point(json!({"asDouble": number}), since, now)
}

fn point(mut point: Value, since: Option<Millis>, now: Millis) -> Value {
    if let Some(since) = since {
        point["startTimeUnixNano"] = nanos(since);
    }
    point["timeUnixNano"] = nanos(now);
    point
}

fn seconds(span: Millis) -> f64 {
    span.0 as f64 / 1_000.0
}

/// Billionths as wholes.
fn units(nanos: u64) -> f64 {
    nanos as f64 / 1e9
}

#[cfg(test)]
mod tests {
    use super::table::ALL;
    use super::*;

    fn moment() -> Moment {
        let counts = json!({
            "phases": {"forward": 2, "completed": 7}, "paused": 1, "causes": {"step": 3}, "standings": {"held": 1},
            "tools": [{"tool": "book", "calls": 6, "done": 4, "refused": 1, "no_answer": 1, "undone": 0, "fenced": 0, "took": 90}],
            "oldest_unfinished": null,
        });
        let measures = json!({
            "unwinding_since": 2_500, "overdue": 1, "overdue_since": 4_000, "woken_in_vain": 0, "asked_since": null,
            "deliveries_pending": 0, "deliveries_dead": 2,
            "models": [{"model": "small", "requests": 1, "tokens_in": 20, "tokens_out": 3, "cost_nanos": 4_000_000}],
        });
        Moment {
            at: Millis(5_000),
            day: Millis(1),
            counts: serde_json::from_value(counts).unwrap(),
            measures: serde_json::from_value(measures).unwrap(),
            breakers: Some(vec![("book".to_owned(), "half_open"), ("mcp.travel".to_owned(), "forced_open")]),
            dead_letters: None,
        }
    }

    fn metrics(moment: Option<&Moment>, tally: Tally) -> Vec<Value> {
        let written = written(moment, tally, (Millis(4), Millis(4)), Resource::default());
        written["resourceMetrics"][0]["scopeMetrics"][0]["metrics"].as_array().unwrap().clone()
    }

    fn of(name: &str, value: &str) -> Value {
        json!({"key": name, "value": {"stringValue": value}})
    }

    fn find<'a>(metrics: &'a [Value], name: &str) -> &'a Value {
        metrics.iter().find(|metric| metric["name"] == name).unwrap_or(&Value::Null)
    }

    #[test]
    fn a_moment_is_written_as_the_specification_has_metrics() {
        let metrics = metrics(Some(&moment()), Tally::default());
        let sagas = find(&metrics, "makegood.sagas");
        assert_eq!(
            sagas["gauge"]["dataPoints"][0],
            json!({"timeUnixNano": "5000000000", "asInt": 2, "attributes": [of("makegood.phase", "forward")]})
        );
        assert_eq!(sagas["unit"], "{saga}");
        let calls = &find(&metrics, "makegood.tool.calls")["sum"];
        assert_eq!((&calls["aggregationTemporality"], &calls["isMonotonic"]), (&json!(2), &json!(true)));
        assert_eq!(
            calls["dataPoints"][0],
            json!({
                "startTimeUnixNano": "1000000", "timeUnixNano": "5000000000", "asInt": 4,
                "attributes": [of("gen_ai.tool.name", "book"), of("makegood.outcome", "done")],
            })
        );
        let age = |name: &str| find(&metrics, name)["gauge"]["dataPoints"][0]["asDouble"].clone();
        assert_eq!(age("makegood.saga.oldest_unwinding"), 2.5);
        assert_eq!(age("makegood.queue.oldest_overdue"), 1.0);
        assert_eq!(age("makegood.saga.oldest_unfinished"), 0.0, "there is none");
        assert_eq!(find(&metrics, "makegood.model.cost")["sum"]["dataPoints"][0]["asDouble"], 0.004);
    }

    #[test]
    fn breakers_are_numbers_and_who_did_not_answer_is_down() {
        let metrics = metrics(Some(&moment()), Tally::default());
        let numbers = |name: &str| -> Vec<Value> {
            let points = find(&metrics, name)["gauge"]["dataPoints"].as_array().unwrap();
            points.iter().map(|point| point["asInt"].clone()).collect()
        };
        assert_eq!(numbers("makegood.breaker.state"), [1, 2]);
        assert_eq!(numbers("makegood.dependency.up"), [1, 1, 0]);
        assert_eq!(find(&metrics, "makegood.queue.dead_letters"), &Value::Null, "nobody knows");
    }

    #[test]
    fn what_was_counted_is_a_delta_and_what_is_rare_begins_at_nothing() {
        let mut tally = Tally::default();
        tally.series(SAGA_DURATION, &["stuck"]).count = 3;
        let alone = metrics(None, tally);
        assert_eq!(
            alone,
            [json!({"name": "makegood.saga.duration", "unit": "s", "histogram": {
                "aggregationTemporality": 1,
                "dataPoints": [{
                    "startTimeUnixNano": "4000000", "timeUnixNano": "5000000", "count": 3, "sum": 0.0,
                    "bucketCounts": [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
                    "explicitBounds": [1.0, 5.0, 15.0, 60.0, 300.0, 900.0, 3600.0, 21600.0, 86400.0, 604800.0],
                    "attributes": [of("makegood.phase", "stuck")],
                }],
            }})]
        );
        let metrics = metrics(Some(&moment()), Tally::default());
        let points = find(&metrics, "makegood.saga.duration")["histogram"]["dataPoints"].as_array().unwrap();
        assert_eq!(points.len(), 3, "each way to rest");
    }

    #[test]
    fn every_metric_of_the_table_is_told_with_its_attributes() {
        let mut tally = Tally::default();
        for metric in ALL {
            if let Kind::Histogram(_) = metric.kind {
                tally.series(metric, &["some"; 3][..metric.attributes.len()]);
            }
        }
        let told = metrics(Some(&Moment { dead_letters: Some(0), ..moment() }), tally);
        for metric in ALL {
            let kind = match metric.kind {
                Kind::Gauge => "gauge",
                Kind::Sum => "sum",
                Kind::Histogram(_) => "histogram",
            };
            let point = &find(&told, metric.name)[kind]["dataPoints"][0];
            let attributes = point["attributes"].as_array().unwrap_or_else(|| panic!("{} is not told", metric.name));
            let names: Vec<&Value> = attributes.iter().map(|attribute| &attribute["key"]).collect();
            assert_eq!(names, metric.attributes, "{}", metric.name);
        }
        assert_eq!(told.len(), ALL.len());
    }
}
