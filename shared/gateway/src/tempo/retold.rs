//! A trace that was given, as OTLP has it.

use makegood_core::trace::SpanId;
use serde::Serialize;
use serde_json::value::RawValue;

use super::wire::{Given, Pair, Span};

impl Given<'_> {
    /// The body of an `ExportTraceServiceRequest` that would tell the same.
    #[must_use]
    pub fn otlp(&self) -> impl Serialize {
        let trace_id = self.trace.to_string();
        let resource_spans = self.groups.iter().map(|group| {
            let spans = group.spans.iter().map(|span| of_span(span, &trace_id)).collect();
            Resources { resource: group.resource, scope_spans: [Scopes { scope: group.scope, spans }] }
        });
        Traces { resource_spans: resource_spans.collect() }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Traces<'a> {
    resource_spans: Vec<Resources<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Resources<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    resource: Option<&'a RawValue>,
    scope_spans: [Scopes<'a>; 1],
}

#[derive(Serialize)]
struct Scopes<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    scope: Option<&'a RawValue>,
    spans: Vec<OfSpan<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct OfSpan<'a> {
    trace_id: String,
    span_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    parent_span_id: Option<String>,
    name: &'a str,
    kind: usize,
    start_time_unix_nano: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    end_time_unix_nano: Option<String>,
    attributes: &'a [Pair<'a>],
    #[serde(skip_serializing_if = "Vec::is_empty")]
    links: Vec<Linked>,
    status: OfStatus<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Linked {
    trace_id: String,
    span_id: String,
}

#[derive(Serialize)]
struct OfStatus<'a> {
    code: usize,
    #[serde(skip_serializing_if = "str::is_empty")]
    message: &'a str,
}

fn of_span<'a>(span: &'a Span<'a>, trace_id: &str) -> OfSpan<'a> {
    let link = |id: &SpanId| Linked { trace_id: trace_id.to_owned(), span_id: id.to_string() };
    OfSpan {
        trace_id: trace_id.to_owned(),
        span_id: span.id.to_string(),
        parent_span_id: span.parent.map(|parent| parent.to_string()),
        name: &span.name,
        kind: span.kind,
        start_time_unix_nano: span.start.to_string(),
        end_time_unix_nano: span.end.map(|end| end.to_string()),
        attributes: &span.attributes,
        links: span.links.iter().map(link).collect(),
        status: OfStatus { code: span.code, message: &span.message },
    }
}
