//! Dashboards, alerts and docs/METRICS.md against what is sent: whatever a query names is a metric, a label, an attribute
//! of a span, a field of a line or words of one that the code has; and every metric is shown somewhere and explained.
//! Whether a query says what its panel promises nobody checks here, and no Prometheus, Loki or Tempo is asked.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod alerts;
mod emitted;
mod files;
mod prometheus;
mod tokens;

use std::collections::BTreeSet;

use emitted::Emitted;
use files::{Language, Query, dashboards, queries, read};
use makegood_gateway::otlp::metrics::table::{ALL, Kind};

#[test]
fn every_query_of_a_dashboard_names_what_is_sent() {
    let emitted = Emitted::read();
    let mut wrong = Vec::new();
    for (file, dashboard) in dashboards() {
        let queries = queries(&dashboard);
        assert!(!queries.is_empty(), "{file} asks for nothing");
        for query in queries {
            wrong.extend(emitted.wrong(&query).into_iter().map(|what| format!("{file}: {}: {what}", query.panel)));
        }
    }
    assert_eq!(wrong, [""; 0]);
}

#[test]
fn every_metric_is_shown() {
    let mut shown = BTreeSet::new();
    for (_, dashboard) in dashboards() {
        for query in queries(&dashboard).iter().filter(|query| query.language == Language::Prometheus) {
            shown.extend(prometheus::read(&query.text).unwrap().metrics);
        }
    }
    let hidden = ALL.iter().filter(|metric| prometheus::series(metric).iter().all(|name| !shown.contains(name)));
    let hidden: Vec<&str> = hidden.map(|metric| metric.name).collect();
    assert_eq!(hidden, [""; 0], "no dashboard shows them");
}

#[test]
fn every_alert_names_what_is_sent_and_says_what_to_do() {
    let emitted = Emitted::read();
    let rules = alerts::rules(&read("docker/grafana/alerts.yaml"));
    assert!(rules.len() >= 8, "{rules:?}");
    for rule in rules {
        assert_eq!(emitted.wrong(&rule.query()), [""; 0], "{}", rule.name);
        assert!(["page", "ticket"].contains(&rule.severity.as_str()), "{}: {}", rule.name, rule.severity);
        let (file, place) = rule.runbook.split_once('#').unwrap_or_else(|| panic!("{} has no runbook", rule.name));
        let document = read(file);
        let section = alerts::section(&document, place);
        let section = section.unwrap_or_else(|| panic!("{}: {file} has no heading {place}", rule.name));
        assert!(section.split_whitespace().count() > 10, "{}: {section}", rule.name);
    }
}

#[test]
fn the_document_has_each_metric_as_the_table_has_it_and_no_other() {
    let document = read("docs/METRICS.md");
    let rows = document.lines().filter(|line| {
        let kind = line.split(" | ").nth(1);
        line.starts_with("| `") && kind.is_some_and(|kind| ["gauge", "sum", "histogram"].contains(&kind))
    });
    let mut rows: Vec<&str> = rows.collect();
    for metric in ALL {
        let kind = match metric.kind {
            Kind::Gauge => "gauge",
            Kind::Sum => "sum",
            Kind::Histogram(_) => "histogram",
        };
        let attributes: Vec<String> = metric.attributes.iter().map(|name| format!("`{name}`")).collect();
        let row = format!("| `{}` | {kind} | `{}` | {} | ", metric.name, metric.unit, attributes.join(", "));
        // A cell of nothing is one space wide.
        let row = row.replace("|  |", "| |");
        let place = rows.iter().position(|known| known.starts_with(&row));
        rows.remove(place.unwrap_or_else(|| panic!("there is no row that begins with {row}")));
    }
    assert_eq!(rows, [""; 0], "there are no such metrics");
}

#[test]
fn a_name_that_nobody_sends_is_found() {
    let emitted = Emitted::read();
    let ask = |language: Language, text: &str, legend: &str| {
        let query = Query { panel: String::new(), language, text: text.to_owned(), legend: legend.to_owned() };
        emitted.wrong(&query).join("; ")
    };
    for (language, text, legend, found) in [
        (Language::Prometheus, "max(makegood_saga)", "", "makegood_saga is no metric"),
        (Language::Prometheus, "rate(makegood_saga_duration_seconds[5m])", "", "is no metric"),
        (Language::Prometheus, "rate(makegood_tool_calls[5m])", "", "makegood_tool_calls is no metric"),
        (Language::Prometheus, r#"makegood_sagas{phase="stuck"}"#, "", "makegood_sagas has no label phase"),
        (Language::Prometheus, r#"makegood_sagas{makegood_phase="vanished"}"#, "", "nothing is called vanished"),
        (Language::Prometheus, r#"makegood_sagas{makegood_phase=~"stuck|vanished"}"#, "", "nothing is called vanished"),
        (
            Language::Prometheus,
            r#"makegood_sagas{service_version="1"}"#,
            "",
            "makegood_sagas has no label service_version",
        ),
        (Language::Prometheus, "sum by (tool) (makegood_sagas)", "", "there is no label tool"),
        (Language::Prometheus, "sum without (le) (makegood_sagas)", "", "there is no label le"),
        (Language::Prometheus, "makegood_sagas", "{{makegood_tool}}", "there is no label makegood_tool"),
        (Language::Prometheus, "summ(makegood_sagas)", "", "summ is no function"),
        (Language::Loki, r#"{app="makegood"}"#, "", "there is no label app"),
        (Language::Loki, r#"{service_name="makegood"} |= "these words are said nowhere""#, "", "no line says"),
        (Language::Loki, r#"{service_name="makegood"} | logfmt | code >= 500"#, "", "no line has a field code"),
        (Language::Loki, r#"rate({service_name="makegood"} | logfmt | unwrap took [1m])"#, "", "a field took"),
        (Language::Loki, r#"sum by (path) (rate({service_name="makegood"} | logfmt [1m]))"#, "", "a field path"),
        (Language::Tempo, r#"{ span.makegood.sagas = "$saga" }"#, "", "no span has makegood.sagas"),
        (Language::Tempo, r#"{ resource.service.nom = "makegood" }"#, "", "no resource has service.nom"),
        (Language::Tempo, "{ state = error }", "", "state is no intrinsic"),
    ] {
        let told = ask(language, text, legend);
        assert!(told.contains(found), "{text}: {told}");
    }
}
