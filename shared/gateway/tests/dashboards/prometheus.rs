//! How Prometheus calls what is sent to it, and what a query names.

use makegood_gateway::otlp::metrics::table::{Kind, Metric};

use crate::tokens::{Token, tokens};

const GROUPING: [&str; 6] = ["by", "without", "on", "ignoring", "group_left", "group_right"];
const OPERATORS: [&str; 7] = ["and", "or", "unless", "bool", "offset", "inf", "nan"];
/// Those that are used; whoever uses another adds it.
const FUNCTIONS: [&str; 11] = [
    "absent_over_time",
    "avg",
    "count",
    "histogram_quantile",
    "increase",
    "last_over_time",
    "max",
    "min",
    "rate",
    "sum",
    "topk",
];

/// The series of a metric: its name in letters, digits and `_`, its unit, and what its kind adds. What stands in braces
/// is no unit.
pub fn series(metric: &Metric) -> Vec<String> {
    let mut name = label(metric.name);
    match metric.unit {
        "s" => name.push_str("_seconds"),
        unit => assert!(unit.starts_with('{'), "{unit} is called otherwise by Prometheus: say here how"),
    }
    match metric.kind {
        Kind::Gauge => vec![name],
        Kind::Sum => vec![format!("{name}_total")],
        Kind::Histogram(_) => ["bucket", "sum", "count"].map(|part| format!("{name}_{part}")).to_vec(),
    }
}

/// An attribute as a label.
pub fn label(name: &str) -> String {
    name.replace(|letter: char| !letter.is_ascii_alphanumeric(), "_")
}

/// What a query names.
#[derive(Debug, Default)]
pub struct Named {
    pub metrics: Vec<String>,
    /// The labels that a metric is chosen by, with the values.
    pub chosen: Vec<(String, String, String)>,
    /// Those that results are grouped by.
    pub grouped: Vec<String>,
}

/// Reads a query, as far as names stand in it.
///
/// # Errors
/// The word that is none of the language.
pub fn read(query: &str) -> Result<Named, String> {
    let mut named = Named::default();
    let tokens = tokens(query);
    let mut at = 0;
    while let Some(token) = tokens.get(at) {
        at += 1;
        let next = tokens.get(at);
        let called = next.is_some_and(|next| next.is('('));
        // A function may be told first what to group by.
        let groups = next.and_then(Token::word).is_some_and(|next| ["by", "without"].contains(&next));
        if token.is('[') {
            at = past(&tokens, at, ']');
        }
        let Some(word) = token.word().filter(|word| !word.starts_with('$') && !OPERATORS.contains(word)) else {
            continue;
        };
        if GROUPING.contains(&word) {
            // Not all of them need names.
            if called {
                let end = past(&tokens, at, ')');
                named.grouped.extend(tokens[at..end].iter().filter_map(Token::word).map(str::to_owned));
                at = end;
            }
        } else if called || groups {
            if !FUNCTIONS.contains(&word) {
                return Err(format!("{word} is no function that is known here"));
            }
        } else {
            named.metrics.push(word.to_owned());
            if next.is_some_and(|next| next.is('{')) {
                let end = past(&tokens, at, '}');
                named.chosen.extend(matchers(&tokens[at..end]).map(|(label, value)| (word.to_owned(), label, value)));
                at = end;
            }
        }
    }
    Ok(named)
}

/// Labels and the values that they are to have.
pub fn matchers(tokens: &[Token]) -> impl Iterator<Item = (String, String)> {
    let labels = tokens.iter().filter_map(Token::word);
    let values = tokens.iter().filter_map(|token| if let Token::Text(text) = token { Some(text) } else { None });
    labels.zip(values).map(|(label, value)| (label.to_owned(), value.clone()))
}

/// The place after the next such sign.
pub fn past(tokens: &[Token], from: usize, sign: char) -> usize {
    let found = tokens.iter().skip(from).position(|token| token.is(sign));
    found.map_or(tokens.len(), |found| from + found + 1)
}

#[test]
fn series_are_called_as_prometheus_calls_them() {
    use makegood_gateway::otlp::metrics::table::{MODEL_COST, MODEL_DURATION, OLDEST_APPROVAL, SAGAS, TOOL_TOOK};

    assert_eq!(series(&SAGAS), ["makegood_sagas"]);
    assert_eq!(series(&OLDEST_APPROVAL), ["makegood_approval_oldest_seconds"]);
    assert_eq!(series(&TOOL_TOOK), ["makegood_tool_took_seconds_total"]);
    assert_eq!(series(&MODEL_COST), ["makegood_model_cost_total"]);
    let durations = ["bucket", "sum", "count"].map(|part| format!("gen_ai_client_operation_duration_seconds_{part}"));
    assert_eq!(series(&MODEL_DURATION), durations);
    assert_eq!(label("error.type"), "error_type");
}

#[test]
fn a_query_is_read_as_far_as_names_stand_in_it() {
    let query = r#"histogram_quantile(0.95, sum by (le, tool) (rate(a_bucket{x="1", y!~"2|3"}[$__rate_interval])))
        / ignoring(z) group_left max(last_over_time(b[15m])) > 14.4 * 0.001 and c"#;
    let named = read(query).unwrap();
    assert_eq!(named.metrics, ["a_bucket", "b", "c"]);
    assert_eq!(named.grouped, ["le", "tool", "z"]);
    let chosen: Vec<[&str; 3]> =
        named.chosen.iter().map(|(metric, label, value)| [metric.as_str(), label, value]).collect();
    assert_eq!(chosen, [["a_bucket", "x", "1"], ["a_bucket", "y", "2|3"]]);
    assert!(read("nonsense(a)").is_err());
}
