//! What the code sends, and what is wrong with a query that names something else.

use std::collections::BTreeSet;

use makegood_gateway::otlp::metrics::table::{ALL, Kind};
use makegood_gateway::otlp::{Resource, written};

use crate::files::{Language, Query, read, sources};
use crate::prometheus::{self, label, matchers, past, series};
use crate::tokens::{Token, tokens};

/// What Prometheus adds to every series: the name of the service.
const ADDED: &str = "job";
/// The label that Loki makes of the name of the service.
const STREAM: &str = "service_name";
const PARSERS: [&str; 1] = ["logfmt"];
const LOG_FUNCTIONS: [&str; 5] = ["count_over_time", "quantile_over_time", "rate", "sum", "max"];
/// Of a span and its trace, in TraceQL.
const INTRINSICS: [&str; 7] = ["status", "duration", "name", "kind", "rootName", "trace:duration", "span:duration"];
const TRACE_WORDS: [&str; 5] = ["error", "ok", "unset", "true", "false"];

/// What the code sends.
pub struct Emitted {
    /// Of the functions and what they are made of.
    sources: String,
    /// Of what makes spans.
    spans: String,
    /// Of the line that tells of an answer.
    line: String,
    /// The attributes of what sends.
    resource: BTreeSet<String>,
}

/// Of the resource, what docker/prometheus.yaml puts on every series.
const PROMOTED: [&str; 2] = ["deployment.environment.name", "cloud.region"];

impl Emitted {
    pub fn read() -> Self {
        let ours =
            ["shared/core/src", "shared/gateway/src", "shared/gateway/migrations", "shared/edge/src", "functions"];
        let all = Resource { version: "0", environment: "test", region: "test" };
        let told = written(&[], all, true);
        let attributes = told["resourceSpans"][0]["resource"]["attributes"].as_array().unwrap();
        Self {
            sources: ours.map(sources).concat(),
            spans: sources("shared/core/src/trace"),
            line: read("shared/edge/src/addresses.rs"),
            resource: attributes.iter().map(|pair| pair["key"].as_str().unwrap().to_owned()).collect(),
        }
    }

    /// What a query names that nobody sends.
    pub fn wrong(&self, query: &Query) -> Vec<String> {
        match query.language {
            Language::Prometheus => self.wrong_metrics(&query.text, &query.legend),
            Language::Loki => self.wrong_lines(&query.text, &query.legend),
            Language::Tempo => self.wrong_spans(&query.text),
        }
    }

    fn wrong_metrics(&self, text: &str, legend: &str) -> Vec<String> {
        let named = match prometheus::read(text) {
            Ok(named) => named,
            Err(why) => return vec![why],
        };
        let mut wrong = Vec::new();
        let mut all = BTreeSet::new();
        for name in &named.metrics {
            match self.labels(name) {
                Some(labels) => all.extend(labels),
                None => wrong.push(format!("{name} is no metric that is sent")),
            }
        }
        for (metric, label, value) in &named.chosen {
            if self.labels(metric).is_some_and(|labels| !labels.contains(label)) {
                wrong.push(format!("{metric} has no label {label}"));
            }
            wrong.extend(self.wrong_values(value));
        }
        let shown = in_braces(legend);
        for label in named.grouped.iter().chain(&shown).filter(|label| !all.contains(*label)) {
            wrong.push(format!("there is no label {label}"));
        }
        wrong
    }

    /// The labels of a series; `None` where there is none of this name.
    fn labels(&self, name: &str) -> Option<BTreeSet<String>> {
        let metric = ALL.iter().find(|metric| series(metric).iter().any(|known| known == name))?;
        let mut labels: BTreeSet<String> = metric.attributes.iter().map(|attribute| label(attribute)).collect();
        labels.extend(PROMOTED.iter().filter(|name| self.resource.contains(**name)).map(|attribute| label(attribute)));
        labels.insert(ADDED.to_owned());
        if matches!(metric.kind, Kind::Histogram(_)) && name.ends_with("_bucket") {
            labels.insert("le".to_owned());
        }
        Some(labels)
    }

    /// Values that no source has as a text of its own; of a pattern, its alternatives.
    fn wrong_values(&self, value: &str) -> Vec<String> {
        let values = value.split('|').filter(|value| !value.is_empty() && !value.contains(['$', '.', '*']));
        let known = |value: &&str| {
            [format!("\"{value}\""), format!("'{value}'")].iter().any(|text| self.sources.contains(text))
        };
        values.filter(|value| !known(value)).map(|value| format!("nothing is called {value}")).collect()
    }

    fn wrong_lines(&self, text: &str, legend: &str) -> Vec<String> {
        let mut wrong = Vec::new();
        let mut fields = in_braces(legend);
        let tokens = tokens(text);
        let mut at = 0;
        while let Some(token) = tokens.get(at) {
            let before = at.checked_sub(1).and_then(|before| tokens.get(before));
            at += 1;
            let next = tokens.get(at);
            if token.is('{') {
                let end = past(&tokens, at, '}');
                let streams = matchers(&tokens[at..end]).filter(|(label, _)| label != STREAM);
                wrong.extend(streams.map(|(label, _)| format!("there is no label {label}")));
                at = end;
            } else if token.is('[') {
                at = past(&tokens, at, ']');
            } else if let Token::Text(words) = token {
                // Of a field's value nothing is known.
                let of_line = at.checked_sub(3).and_then(|sign| tokens.get(sign)).is_some_and(|sign| sign.is('|'));
                if of_line && !words.contains('$') && !self.says(words) {
                    wrong.push(format!("no line says {words:?}"));
                }
            } else if let Some(word) = token.word() {
                let of_pipe = before.is_some_and(|before| before.is('|'));
                if word == "by" {
                    let end = past(&tokens, at, ')');
                    fields.extend(tokens[at..end].iter().filter_map(Token::word).map(str::to_owned));
                    at = end;
                } else if of_pipe && word == "unwrap" {
                    fields.extend(next.and_then(Token::word).map(str::to_owned));
                    at += 1;
                } else if of_pipe && !PARSERS.contains(&word) {
                    fields.push(word.to_owned());
                } else if !of_pipe && !LOG_FUNCTIONS.contains(&word) {
                    wrong.push(format!("{word} is no function that is known here"));
                }
            }
        }
        for field in
            fields.iter().filter(|field| *field != STREAM && !self.line.contains(&format!("{field}={{{field}}}")))
        {
            wrong.push(format!("no line has a field {field}"));
        }
        wrong
    }

    /// Whether some source has these words.
    fn says(&self, words: &str) -> bool {
        self.sources.contains(words)
    }

    fn wrong_spans(&self, text: &str) -> Vec<String> {
        let mut wrong = Vec::new();
        for token in tokens(text) {
            let Some(word) = token.word() else { continue };
            if let Some(name) = word.strip_prefix("span.") {
                if !self.spans.contains(&format!("\"{name}\"")) {
                    wrong.push(format!("no span has {name}"));
                }
            } else if let Some(name) = word.strip_prefix("resource.") {
                if !self.resource.contains(name) {
                    wrong.push(format!("no resource has {name}"));
                }
            } else if !INTRINSICS.contains(&word) && !TRACE_WORDS.contains(&word) {
                wrong.push(format!("{word} is no intrinsic that is known here"));
            }
        }
        wrong
    }
}

/// The names in `{{}}`.
fn in_braces(text: &str) -> Vec<String> {
    let parts = text.split("{{").skip(1);
    parts.map(|part| part.split("}}").next().unwrap_or_default().trim().to_owned()).collect()
}
