//! What of a request is taken: single spans and records that are wrong are rejected, and the rest is kept.

use std::collections::HashMap;

use prost::Message;

use super::id::{self, TraceId};
use super::record::{LogRecord, LogsData};
use super::reply::Rejected;
use super::span::{ResourceSpans, ScopeSpans, Span, TracesData};

/// Bytes of resources and libraries that one request may have copied. They stand in it once for many spans, and are
/// kept with every trace: a small request could else become gigabytes.
const MOST_COPIED: usize = 32 << 20;

/// The spans of a request, trace by trace, each with its resource and library, without those that are wrong.
pub fn by_trace(request: TracesData) -> (HashMap<TraceId, TracesData>, Rejected) {
    let mut traces: HashMap<TraceId, TracesData> = HashMap::new();
    let mut rejected = Rejected::default();
    let mut copied = 0;
    for of_resource in request.resource_spans {
        let resource = weight(of_resource.resource.as_ref(), &of_resource.schema_url);
        let mut here: HashMap<TraceId, ResourceSpans> = HashMap::new();
        for of_scope in of_resource.scope_spans {
            let of_library = weight(of_scope.scope.as_ref(), &of_scope.schema_url);
            let mut spans: HashMap<TraceId, Vec<Span>> = HashMap::new();
            for span in of_scope.spans {
                match check_span(&span) {
                    Ok(id) => spans.entry(id).or_default().push(span),
                    Err(why) => rejected.add(1, || format!("span {:?}: {why}", span.name)),
                }
            }
            for (id, spans) in spans {
                copied += of_library;
                if !here.contains_key(&id) {
                    copied += resource;
                }
                if copied > MOST_COPIED {
                    rejected.add(spans.len(), || {
                        format!(
                            "the resource and library of a span are kept with each trace, which of one request may be \
                             {MOST_COPIED} bytes: send fewer traces at once, or smaller attributes"
                        )
                    });
                    continue;
                }
                let of_trace = here.entry(id).or_insert_with(|| ResourceSpans {
                    resource: of_resource.resource.clone(),
                    scope_spans: Vec::new(),
                    schema_url: of_resource.schema_url.clone(),
                });
                let (scope, schema_url) = (of_scope.scope.clone(), of_scope.schema_url.clone());
                of_trace.scope_spans.push(ScopeSpans { scope, spans, schema_url });
            }
        }
        for (id, of_trace) in here {
            traces.entry(id).or_default().resource_spans.push(of_trace);
        }
    }
    (traces, rejected)
}

/// What a copy of a resource or a library takes.
fn weight(described: Option<&impl Message>, schema_url: &str) -> usize {
    described.map_or(0, Message::encoded_len) + schema_url.len()
}

fn check_span(span: &Span) -> Result<TraceId, &'static str> {
    let id = id::named(&span.trace_id).ok_or("its trace id is not 16 bytes with one that is not zero")?;
    id::named::<8>(&span.span_id).ok_or("its id is not 8 bytes with one that is not zero")?;
    if !matches!(span.parent_span_id.len(), 0 | 8) {
        return Err("its parent's id is not 8 bytes");
    }
    let linked =
        |link: &super::span::Link| id::named::<16>(&link.trace_id).is_some() && id::named::<8>(&link.span_id).is_some();
    if !span.links.iter().all(linked) {
        return Err("a link's ids are not 16 and 8 bytes with one that is not zero");
    }
    Ok(id)
}

/// Takes out the records that are wrong.
pub fn records(request: &mut LogsData) -> Rejected {
    let mut rejected = Rejected::default();
    for of_resource in &mut request.resource_logs {
        for of_scope in &mut of_resource.scope_logs {
            of_scope.log_records.retain(|record| match check_record(record) {
                Ok(()) => true,
                Err(why) => {
                    rejected.add(1, || format!("log record: {why}"));
                    false
                }
            });
        }
    }
    rejected
}

/// A record need not belong to a span.
fn check_record(record: &LogRecord) -> Result<(), &'static str> {
    match (record.trace_id.len(), record.span_id.len()) {
        (0 | 16, 0 | 8) => Ok(()),
        (0 | 16, _) => Err("its span's id is not 8 bytes"),
        _ => Err("its trace's id is not 16 bytes"),
    }
}
