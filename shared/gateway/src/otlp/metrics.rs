//! How many there are of what, as metrics: what `/api/debug/counts` says of everybody's sagas, and no more.

use makegood_core::time::Millis;
use serde_json::{Value, json};

use super::{Resource, described, nanos, pair, text};
use crate::views::Counts;

/// The body of an `ExportMetricsServiceRequest`. `since`: calls of tools are counted from there.
#[must_use]
pub fn written(counts: &Counts, since: Millis, now: Millis, resource: Resource<'_>) -> Value {
    let Counts { phases, paused, causes, standings, tools, oldest_unfinished } = counts;
    let by = |name: &'static str, counted: Vec<(&str, u64)>| -> Vec<Value> {
        counted.into_iter().map(|(value, number)| point(now, number, &[(name, value)])).collect()
    };
    let phases = vec![
        ("forward", phases.forward),
        ("unwinding", phases.unwinding),
        ("completed", phases.completed),
        ("made_good", phases.made_good),
        ("stuck", phases.stuck),
    ];
    let causes = vec![
        ("step", causes.step),
        ("cancelled", causes.cancelled),
        ("deadline", causes.deadline),
        ("budget", causes.budget),
    ];
    let standings = standings.iter().map(|(standing, number)| (standing.as_str(), *number)).collect();
    let age = oldest_unfinished.as_ref().map_or(0, |oldest| now.since(oldest.created_at).0);
    let (mut calls, mut took) = (Vec::new(), Vec::new());
    for tool in tools {
        let of_tool = ("gen_ai.tool.name", tool.tool.as_str());
        for (outcome, number) in [
            ("done", tool.done),
            ("refused", tool.refused),
            ("no_answer", tool.no_answer),
            ("undone", tool.undone),
            ("fenced", tool.fenced),
        ] {
            calls.push(from(since, point(now, number, &[of_tool, ("makegood.outcome", outcome)])));
        }
        took.push(from(since, point(now, tool.took.0, &[of_tool])));
    }
    let metrics = [
        gauge("makegood.sagas", "{saga}", by("makegood.phase", phases)),
        gauge("makegood.sagas.paused", "{saga}", vec![point(now, *paused, &[])]),
        gauge("makegood.sagas.turned", "{saga}", by("makegood.cause", causes)),
        gauge("makegood.steps", "{step}", by("makegood.standing", standings)),
        gauge("makegood.saga.oldest_unfinished", "ms", vec![point(now, age, &[])]),
        sum("makegood.tool.calls", "{call}", calls),
        sum("makegood.tool.took", "ms", took),
    ];
    // A metric of nothing is none.
    let metrics: Vec<Value> = metrics.into_iter().flatten().collect();
    json!({"resourceMetrics": [{
        "resource": {"attributes": described(resource)},
        "scopeMetrics": [{"scope": {"name": "makegood", "version": resource.version}, "metrics": metrics}],
    }]})
}

fn point(at: Millis, number: u64, attributes: &[(&str, &str)]) -> Value {
    let attributes: Vec<Value> = attributes.iter().map(|(name, value)| pair(name, text(value))).collect();
    json!({"timeUnixNano": nanos(at), "asInt": number.to_string(), "attributes": attributes})
}

fn from(since: Millis, mut point: Value) -> Value {
    point["startTimeUnixNano"] = nanos(since);
    point
}

fn gauge(name: &str, unit: &str, points: Vec<Value>) -> Option<Value> {
    (!points.is_empty()).then(|| json!({"name": name, "unit": unit, "gauge": {"dataPoints": points}}))
}

/// Of what only grows, and begins anew.
fn sum(name: &str, unit: &str, points: Vec<Value>) -> Option<Value> {
    let sum = json!({"aggregationTemporality": 2, "isMonotonic": true, "dataPoints": points});
    (!points.is_empty()).then(|| json!({"name": name, "unit": unit, "sum": sum}))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_written_as_the_specification_has_metrics() {
        let counts: Counts = serde_json::from_value(json!({
            "phases": {"forward": 2, "completed": 7}, "paused": 1, "causes": {"step": 3}, "standings": {},
            "tools": [{"tool": "book", "calls": 6, "done": 4, "refused": 1, "no_answer": 1, "undone": 0, "fenced": 0, "took": 90}],
            "oldest_unfinished": null,
        }))
        .unwrap();
        let written = written(&counts, Millis(1), Millis(5), Resource::default());
        let metrics = written["resourceMetrics"][0]["scopeMetrics"][0]["metrics"].as_array().unwrap();
        let names: Vec<&str> = metrics.iter().map(|metric| metric["name"].as_str().unwrap()).collect();
        assert_eq!(
            names,
            [
                "makegood.sagas",
                "makegood.sagas.paused",
                "makegood.sagas.turned",
                "makegood.saga.oldest_unfinished",
                "makegood.tool.calls",
                "makegood.tool.took",
            ],
            "and nothing of which there is none"
        );
        let of = |name: &str, value: &str| json!({"key": name, "value": {"stringValue": value}});
        assert_eq!(
            metrics[0]["gauge"]["dataPoints"][0],
            json!({"timeUnixNano": "5000000", "asInt": "2", "attributes": [of("makegood.phase", "forward")]})
        );
        let calls = &metrics[4]["sum"];
        assert_eq!((&calls["aggregationTemporality"], &calls["isMonotonic"]), (&json!(2), &json!(true)));
        assert_eq!(
            calls["dataPoints"][0],
            json!({
                "startTimeUnixNano": "1000000", "timeUnixNano": "5000000", "asInt": "4",
                "attributes": [of("gen_ai.tool.name", "book"), of("makegood.outcome", "done")],
            })
        );
        assert_eq!(metrics[5]["sum"]["dataPoints"][0]["asInt"], "90");
    }
}
