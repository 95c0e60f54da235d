//! Which traces match, and what is said of each.

use std::collections::BTreeSet;

use bytes::Bytes;
use serde::Serialize;

use super::attribute::{KeyValue, Resource, Value, find};
use super::field;
use super::id::{self, TraceId};
use super::logfmt;
use super::span::{Span, TracesData};
use super::traceql::{self, Condition, Whole};
use super::traces;
use crate::text::hexadecimal;

/// What Tempo says where it knows no better.
const NO_ROOT: &str = "<root span not yet received>";

/// What is looked for.
#[derive(Clone, Debug)]
pub struct Search {
    /// Conditions that hold of one span.
    pub conditions: Vec<Condition>,
    /// Whether it was TraceQL, and the spans that match are wanted.
    pub with_spans: bool,
    /// Each is an attribute, with its value as text, of some span or its resource.
    pub tags: Vec<(String, String)>,
    /// How long the trace took, in nanoseconds.
    pub duration: std::ops::RangeInclusive<u64>,
    /// When it was under way, in nanoseconds since 1970.
    pub start: u64,
    pub end: u64,
    /// So many traces at most, and spans of each.
    pub limit: usize,
    pub spans: usize,
}

impl Default for Search {
    fn default() -> Self {
        Self {
            conditions: Vec::new(),
            with_spans: false,
            tags: Vec::new(),
            duration: 0..=u64::MAX,
            start: 0,
            end: u64::MAX,
            limit: 20,
            spans: 3,
        }
    }
}

/// A trace that matches, as Tempo writes it.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Found {
    #[serde(rename = "traceID")]
    pub trace_id: String,
    pub root_service_name: String,
    pub root_trace_name: String,
    #[serde(serialize_with = "field::decimal")]
    pub start_time_unix_nano: u64,
    #[serde(skip_serializing_if = "field::absent")]
    pub duration_ms: u64,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub span_sets: Vec<SpanSet>,
}

/// The spans that match, of one trace.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SpanSet {
    pub spans: Vec<FoundSpan>,
    /// How many there are in all.
    pub matched: usize,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FoundSpan {
    #[serde(rename = "spanID")]
    pub span_id: String,
    pub name: String,
    #[serde(serialize_with = "field::decimal")]
    pub start_time_unix_nano: u64,
    #[serde(serialize_with = "field::decimal")]
    pub duration_nanos: u64,
    /// Those that were asked about.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub attributes: Vec<KeyValue>,
}

impl Search {
    /// Reads the parameters of `GET /api/search`.
    pub fn read(query: &[(String, String)]) -> Result<Self, String> {
        let given = |name: &str| {
            query.iter().find(|(key, value)| key == name && !value.is_empty()).map(|(_, value)| value.as_str())
        };
        let number = |name: &str| {
            let wrong = |_| format!("invalid {name}: must be a whole number");
            given(name).map(|text| text.parse::<u32>().map_err(wrong)).transpose()
        };
        let duration = |name: &str| {
            let wrong = || format!("invalid {name}: must be a duration such as 100ms or 1.5s");
            given(name).map(|text| traceql::duration(text).ok_or_else(wrong)).transpose()
        };
        if given("q").is_some() && given("tags").is_some() {
            return Err("invalid request: can't specify tags and q in the same query".to_owned());
        }
        let defaults = Self::default();
        let seconds = |seconds: u32| u64::from(seconds) * 1_000_000_000;
        let (start, end) = (number("start")?, number("end")?);
        if let (Some(start), Some(end)) = (start, end)
            && end <= start
        {
            return Err(format!(
                "invalid start: http parameter start must be before end. received start={start} end={end}"
            ));
        }
        let limit = number("limit")?;
        if limit == Some(0) {
            return Err("invalid limit: must be a positive number".to_owned());
        }
        let shortest = duration("minDuration")?.unwrap_or_default();
        let longest = duration("maxDuration")?.unwrap_or(u64::MAX);
        if longest < shortest {
            return Err("invalid maxDuration: must be greater than minDuration".to_owned());
        }
        Ok(Self {
            conditions: given("q").map(traceql::parse).transpose()?.unwrap_or_default(),
            with_spans: given("q").is_some(),
            tags: given("tags").map(logfmt::pairs).transpose()?.unwrap_or_default(),
            duration: shortest..=longest,
            start: start.map_or(defaults.start, seconds),
            end: end.map_or(defaults.end, seconds),
            limit: limit.map_or(defaults.limit, |limit| limit as usize),
            spans: number("spss")?.map_or(defaults.spans, |spans| spans as usize),
        })
    }

    /// The newest that match, newest first.
    pub fn run(&self, kept: Vec<(TraceId, Vec<Bytes>)>) -> Vec<Found> {
        let mut found: Vec<Found> =
            kept.into_iter().filter_map(|(id, pieces)| self.look(&id, &traces::decode(&pieces))).collect();
        found.sort_by(|a, b| {
            b.start_time_unix_nano.cmp(&a.start_time_unix_nano).then_with(|| a.trace_id.cmp(&b.trace_id))
        });
        found.truncate(self.limit);
        found
    }

    fn look(&self, id: &TraceId, trace: &TracesData) -> Option<Found> {
        let (whole, start) = summary(trace);
        let under_way = start <= self.end && start.saturating_add(whole.duration) >= self.start;
        if !under_way || !self.duration.contains(&whole.duration) {
            return None;
        }
        let nothing = Resource::default();
        let spans = || trace.spans().map(|(resource, span)| (resource.unwrap_or(&nothing), span));
        let tagged =
            |(name, value): &(String, String)| spans().any(|(resource, span)| has(resource, span, name, value));
        if !self.tags.iter().all(tagged) {
            return None;
        }
        let matching: Vec<(&Resource, &Span)> = spans()
            .filter(|(resource, span)| self.conditions.iter().all(|condition| condition.holds(span, resource, &whole)))
            .collect();
        if matching.is_empty() {
            return None;
        }
        let span_sets = match self.with_spans {
            true => {
                let spans = matching.iter().take(self.spans).map(|(resource, span)| self.found(resource, span));
                vec![SpanSet { spans: spans.collect(), matched: matching.len() }]
            }
            false => Vec::new(),
        };
        Some(Found {
            trace_id: id::for_search(id),
            root_service_name: whole.root_service,
            root_trace_name: whole.root_name,
            start_time_unix_nano: start,
            duration_ms: whole.duration / 1_000_000,
            span_sets,
        })
    }

    fn found(&self, resource: &Resource, span: &Span) -> FoundSpan {
        let names: BTreeSet<&str> = self.conditions.iter().filter_map(Condition::attribute).collect();
        let attributes = names.iter().filter_map(|name| {
            let mut all = span.attributes.iter().chain(&resource.attributes);
            all.find(|attribute| attribute.key == *name).cloned()
        });
        FoundSpan {
            span_id: hexadecimal(&span.span_id),
            name: span.name.clone(),
            start_time_unix_nano: span.start_time_unix_nano,
            duration_nanos: span.end_time_unix_nano.saturating_sub(span.start_time_unix_nano),
            attributes: attributes.collect(),
        }
    }
}

/// What can be asked of a trace as a whole, and when it began.
fn summary(trace: &TracesData) -> (Whole, u64) {
    let start = trace.spans().map(|(_, span)| span.start_time_unix_nano).min().unwrap_or_default();
    let end = trace.spans().map(|(_, span)| span.end_time_unix_nano).max().unwrap_or_default();
    let root = trace.spans().find(|(_, span)| span.parent_span_id.iter().all(|byte| *byte == 0));
    let (root_name, root_service) = match root {
        Some((resource, span)) => (span.name.clone(), resource.map_or("", Resource::service).to_owned()),
        None => (String::new(), NO_ROOT.to_owned()),
    };
    (Whole { root_name, root_service, duration: end.saturating_sub(start) }, start)
}

/// Whether a span, or its resource, has this attribute with this value as text.
fn has(resource: &Resource, span: &Span, name: &str, value: &str) -> bool {
    let written = |attributes| find(attributes, name).and_then(text).is_some_and(|text| text == value);
    let code = span.status.as_ref().map_or(0, |status| status.code);
    match name {
        "name" => span.name == value,
        "status" | "status.code" => ["unset", "ok", "error"].get(usize::try_from(code).unwrap_or(3)) == Some(&value),
        "error" if value == "true" && code == 2 => true,
        _ => written(&span.attributes) || written(&resource.attributes),
    }
}

/// A value as people write it. Lists, maps and bytes are not written.
pub fn text(value: &Value) -> Option<String> {
    match value {
        Value::Text(text) => Some(text.clone()),
        Value::Bool(flag) => Some(flag.to_string()),
        Value::Int(int) => Some(int.to_string()),
        Value::Double(double) => Some(double.to_string()),
        Value::List(_) | Value::Map(_) | Value::Bytes(_) => None,
    }
}

/// The names of all attributes: of resources, and of spans.
pub fn names(kept: Vec<(TraceId, Vec<Bytes>)>) -> (BTreeSet<String>, BTreeSet<String>) {
    let (mut of_resources, mut of_spans) = (BTreeSet::new(), BTreeSet::new());
    for (_, pieces) in kept {
        for (resource, span) in traces::decode(&pieces).spans() {
            let attributes = resource.map_or(&[][..], |resource| &resource.attributes);
            of_resources.extend(attributes.iter().map(|attribute| attribute.key.clone()));
            of_spans.extend(span.attributes.iter().map(|attribute| attribute.key.clone()));
        }
    }
    (of_resources, of_spans)
}
