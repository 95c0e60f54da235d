//! Traces as OTLP/HTTP has them, in JSON, and what a receiver's answer means. Logs and metrics are beside it.
//!
//! Receivers differ in what they forgive. So times and numbers go as decimal text, ids as hexadecimal digits and enums
//! as numbers, as the specification has it, and no field is sent that is not needed. What users and partners said
//! leaves only where it is asked for; how sagas and steps are called, and the codes of errors, always do.

pub mod logs;
pub mod metrics;

use makegood_core::time::Millis;
use makegood_core::trace::{self, Attribute, CONTENTS, Span, Status, Trace, TraceId, What};
use serde_json::{Map, Value, json};

use crate::headers::Headers;
use crate::tool::retry_after;
use crate::{Malformed, Request, Response, excerpt};

/// What produced the spans, the log records and the metrics.
#[derive(Clone, Copy, Debug, Default)]
pub struct Resource<'a> {
    pub version: &'a str,
    /// `production`, `staging`; empty: not said.
    pub environment: &'a str,
    /// Where it runs; empty: not said.
    pub region: &'a str,
}

/// The body of an `ExportTraceServiceRequest`, and of an answer that shows traces. `contents`: with what users and
/// partners said.
#[must_use]
pub fn written(traces: &[Trace], resource: Resource<'_>, contents: bool) -> Value {
    let mut spans: Vec<Value> = Vec::new();
    for trace in traces {
        spans.extend(trace.spans.iter().map(|span| of_span(trace, span, contents)));
    }
    json!({"resourceSpans": [{
        "resource": {"attributes": described(resource)},
        "scopeSpans": [{"scope": {"name": "makegood", "version": resource.version}, "spans": spans}],
    }]})
}

fn described(resource: Resource<'_>) -> Vec<Value> {
    let Resource { version, environment, region } = resource;
    let mut attributes = vec![pair("service.name", text("makegood")), pair("service.version", text(version))];
    for (name, value) in [("deployment.environment.name", environment), ("cloud.region", region)] {
        if !value.is_empty() {
            attributes.push(pair(name, text(value)));
        }
    }
    attributes
}

fn of_span(trace: &Trace, span: &Span, contents: bool) -> Value {
    let mut written = Map::new();
    let mut put = |name: &str, value: Value| written.insert(name.to_owned(), value);
    put("traceId", json!(trace.id.to_string()));
    put("spanId", json!(span.id.to_string()));
    if let Some(parent) = span.parent {
        put("parentSpanId", json!(parent.to_string()));
    }
    put("name", json!(span.name));
    put("kind", json!(kind(span)));
    put("startTimeUnixNano", nanos(span.start));
    // What is under way has none.
    if let Some(end) = span.end {
        put("endTimeUnixNano", nanos(end));
    }
    let told = span.attributes.iter().filter(|(name, _)| contents || !CONTENTS.contains(name));
    let mut attributes: Vec<Value> = told.map(|(name, value)| pair(name, any(value))).collect();
    if let (What::Attempt | What::UndoAttempt, Some(inv)) = (span.what, span.inv) {
        attributes.push(pair("makegood.invocation", any(&Attribute::Number(inv.into()))));
    }
    put("attributes", json!(attributes));
    if !span.links.is_empty() {
        let link = |id: &trace::SpanId| json!({"traceId": trace.id.to_string(), "spanId": id.to_string()});
        put("links", span.links.iter().map(link).collect());
    }
    let code = match span.status {
        Status::Unset => 0,
        Status::Ok => 1,
        Status::Error => 2,
    };
    let mut status = json!({"code": code});
    if contents && !span.message.is_empty() {
        status["message"] = json!(span.message);
    }
    put("status", status);
    Value::Object(written)
}

/// Internal, server, client, consumer.
const fn kind(span: &Span) -> u8 {
    match span.what {
        What::Saga if span.parent.is_some() => 2,
        What::Attempt | What::UndoAttempt | What::Model => 3,
        What::Invocation => 5,
        What::Saga | What::Step | What::Wait | What::Approval | What::Undo | What::Other => 1,
    }
}

fn nanos(at: Millis) -> Value {
    json!(at.0.saturating_mul(1_000_000).to_string())
}

fn any(value: &Attribute) -> Value {
    match value {
        Attribute::Text(value) => text(value),
        Attribute::Number(number) => json!({"intValue": number.to_string()}),
        Attribute::Flag(flag) => json!({"boolValue": flag}),
    }
}

fn text(text: &str) -> Value {
    json!({"stringValue": text})
}

fn pair(name: &str, value: Value) -> Value {
    json!({"key": name, "value": value})
}

/// Who collects traces, logs and metrics.
#[derive(Clone, Debug, PartialEq)]
pub struct Collector {
    endpoint: String,
    headers: Headers,
    /// The share of traces that is told, from 0 to 1.
    share: f64,
}

impl Collector {
    /// `None` where there is no endpoint. `headers`: `name=value` with commas between, percent-encoded, as
    /// `OTEL_EXPORTER_OTLP_HEADERS` has them. `share`: a number from 0 to 1; empty: 1.
    ///
    /// # Errors
    /// What is wrong, and quotes nothing of the headers.
    pub fn read(endpoint: &str, headers: &str, share: &str) -> Result<Option<Self>, &'static str> {
        if endpoint.is_empty() {
            return Ok(None);
        }
        let collector = Self::at(endpoint, headers)?;
        let share: Option<f64> = if share.is_empty() { Some(1.0) } else { share.parse().ok() };
        let share =
            share.filter(|share| (0.0..=1.0).contains(share)).ok_or("`otlp_sample` is no number from 0 to 1")?;
        Ok(Some(Self { share, ..collector }))
    }

    /// One that is told everything: for who tells no traces, and carries no reader of a share.
    ///
    /// # Errors
    /// As [`Collector::read`].
    pub fn at(endpoint: &str, headers: &str) -> Result<Self, &'static str> {
        let headers =
            Headers::read(headers).ok_or("`otlp_headers` is not `name=value` with commas between, percent-encoded")?;
        Ok(Self { endpoint: endpoint.trim_end_matches('/').to_owned(), headers, share: 1.0 })
    }

    /// Whether a trace is told: by its id, so that all who are asked say the same; what failed or was undone always is.
    #[must_use]
    pub fn wants(&self, trace: &Trace) -> bool {
        trace.is_kept() || is_drawn(trace.id, self.share)
    }

    /// Makes the request that tells [`written`] traces.
    ///
    /// # Errors
    /// Where the address is none, or a header cannot be sent.
    pub fn tell(&self, traces: &Value) -> Result<Request, Malformed> {
        self.send("traces", traces)
    }

    /// The same for [`metrics`].
    ///
    /// # Errors
    /// As [`Collector::tell`].
    pub fn measure(&self, metrics: &Value) -> Result<Request, Malformed> {
        self.send("metrics", metrics)
    }

    /// The same for [`logs`].
    ///
    /// # Errors
    /// As [`Collector::tell`].
    pub fn note(&self, logs: Vec<u8>) -> Result<Request, Malformed> {
        self.post("/v1/logs", logs)
    }

    fn send(&self, signal: &str, told: &Value) -> Result<Request, Malformed> {
        self.post(&format!("/v1/{signal}"), told.to_string().into_bytes())
    }

    fn post(&self, path: &str, body: Vec<u8>) -> Result<Request, Malformed> {
        self.headers.request(http::Method::POST, &[self.endpoint.as_str(), path].concat(), body)
    }

    /// Reads an answer. Of what we are known by nothing is in what is said of it.
    #[must_use]
    pub fn heard(&self, response: &Response) -> Heard {
        let said = self.headers.struck(response);
        match response.status().as_u16() {
            200..=299 => rejected(&said),
            status @ (429 | 502 | 503 | 504) => Heard::Later(format!("it answered {status}"), retry_after(response)),
            status => Heard::Refused(format!("it answered {status}: {}", excerpt(said.as_bytes()))),
        }
    }
}

/// By the last 56 bits of the id, which are random, as OpenTelemetry's samplers do.
fn is_drawn(trace: TraceId, share: f64) -> bool {
    let [.., b0, b1, b2, b3, b4, b5, b6] = trace.0;
    let drawn = u64::from_be_bytes([0, b0, b1, b2, b3, b4, b5, b6]);
    // The highest are rounded up, and none is drawn of nothing.
    share > 0.0 && drawn as f64 >= (1.0 - share) * (1_u64 << 56) as f64
}

/// What a receiver's answer means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Heard {
    Taken,
    /// Some were not, and never will be: how many, and why.
    Partly(u64, String),
    /// To be told again, and how long its receiver wants to be left alone.
    Later(String, Option<Millis>),
    /// They will never be taken.
    Refused(String),
}

fn rejected(body: &str) -> Heard {
    // Whatever else it says, it has taken them.
    let answer: Value = serde_json::from_str(body).unwrap_or_default();
    let partial = &answer["partialSuccess"];
    let count = |name: &str| {
        let number = &partial[name];
        number.as_u64().or_else(|| number.as_str()?.parse().ok())
    };
    let number = ["rejectedSpans", "rejectedDataPoints"].into_iter().find_map(count);
    let why = partial["errorMessage"].as_str().unwrap_or_default();
    match number {
        None | Some(0) => Heard::Taken,
        Some(number) => Heard::Partly(number, why.chars().take(300).collect()),
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use makegood_core::trace::SpanId;

    use super::*;

    fn trace() -> Trace {
        let span = |id: u8, parent: Option<u8>, what: What, status: Status| Span {
            id: SpanId([0, 0, 0, 0, 0, 0, 0, id]),
            parent: parent.map(|id| SpanId([0, 0, 0, 0, 0, 0, 0, id])),
            what,
            name: format!("span {id}"),
            start: Millis(1_777_636_800_250),
            end: Some(Millis(1_777_636_800_251)),
            status,
            message: "said".to_owned(),
            node: Some(3),
            inv: None,
            attributes: vec![
                ("gen_ai.tool.name", Attribute::Text("book".to_owned())),
                ("makegood.attempt", Attribute::Number(i64::MAX)),
                ("makegood.found", Attribute::Flag(true)),
                ("gen_ai.tool.call.arguments", Attribute::Text("{\"to\":\"Sam\"}".to_owned())),
            ],
            links: vec![SpanId([9; 8])],
        };
        let spans = vec![span(1, None, What::Saga, Status::Unset), span(2, Some(1), What::Attempt, Status::Error)];
        Trace { id: TraceId([1; 16]), remote_parent: None, spans }
    }

    #[test]
    fn a_trace_is_written_as_the_specification_has_it() {
        let resource = Resource { version: "0.1.0", environment: "staging", region: "" };
        let mut written = written(&[trace()], resource, false);
        assert_eq!(
            written["resourceSpans"][0]["resource"]["attributes"],
            json!([
                {"key": "service.name", "value": {"stringValue": "makegood"}},
                {"key": "service.version", "value": {"stringValue": "0.1.0"}},
                {"key": "deployment.environment.name", "value": {"stringValue": "staging"}},
            ])
        );
        let spans = written["resourceSpans"][0]["scopeSpans"][0]["spans"].take();
        assert_eq!(
            spans[1],
            json!({
                "traceId": "01".repeat(16), "spanId": "0000000000000002", "parentSpanId": "0000000000000001",
                "name": "span 2", "kind": 3,
                "startTimeUnixNano": "1777636800250000000", "endTimeUnixNano": "1777636800251000000",
                "attributes": [
                    {"key": "gen_ai.tool.name", "value": {"stringValue": "book"}},
                    {"key": "makegood.attempt", "value": {"intValue": "9223372036854775807"}},
                    {"key": "makegood.found", "value": {"boolValue": true}},
                ],
                "links": [{"traceId": "01".repeat(16), "spanId": "0909090909090909"}],
                "status": {"code": 2},
            })
        );
        assert_eq!((&spans[0]["kind"], spans[0].get("parentSpanId")), (&json!(1), None));
    }

    #[test]
    fn what_was_said_leaves_only_where_it_is_asked_for() {
        let told = |contents| written(&[trace()], Resource::default(), contents).to_string();
        assert!(!told(false).contains("Sam") && !told(false).contains("said"));
        assert!(told(true).contains("Sam") && told(true).contains("said"));
    }

    #[test]
    fn what_is_under_way_has_no_end_and_a_callers_span_makes_it_served() {
        let mut trace = trace();
        (trace.spans[0].end, trace.spans[0].parent) = (None, Some(SpanId([7; 8])));
        let written = written(&[trace], Resource::default(), false);
        let root = &written["resourceSpans"][0]["scopeSpans"][0]["spans"][0];
        assert_eq!((root.get("endTimeUnixNano"), &root["kind"]), (None, &json!(2)));
    }

    #[test]
    fn a_collector_is_told_at_its_address_with_its_headers() {
        assert_eq!(Collector::read("", "nonsense", "nonsense"), Ok(None));
        let read = |headers: &str, share: &str| Collector::read("https://o.test:4318/x/", headers, share);
        let collector = read("api-key=a%2Cb, x=1", "").unwrap().unwrap();
        let request = collector.tell(&json!({})).unwrap();
        assert_eq!(request.uri(), "https://o.test:4318/x/v1/traces");
        assert_eq!(collector.measure(&json!({})).unwrap().uri(), "https://o.test:4318/x/v1/metrics");
        assert_eq!(collector.note(Vec::new()).unwrap().uri(), "https://o.test:4318/x/v1/logs");
        assert_eq!(Collector::at("https://o.test:4318/x/", "api-key=a%2Cb, x=1"), Ok(collector));
        assert_eq!(request.headers()["api-key"], "a,b");
        assert_eq!(request.headers()["x"], "1");
        assert!(request.headers()["api-key"].is_sensitive());
        assert_eq!(request.headers()["content-type"], "application/json");
        for (headers, share) in
            [("hush", ""), ("a=b,hush hush", ""), ("", "1.1"), ("", "-0.1"), ("", "NaN"), ("", "all")]
        {
            let error = read(headers, share).unwrap_err();
            assert!(!error.contains("hush"), "{error}");
        }
    }

    #[test]
    fn so_many_are_drawn_and_what_failed_always_is() {
        let collector = |share: &str| Collector::read("https://o.test", "", share).unwrap().unwrap();
        let mut trace = trace();
        assert!(collector("0").wants(&trace), "a call failed");
        trace.spans[1].status = Status::Ok;
        assert!(!collector("0").wants(&trace));
        trace.spans[1].what = What::Undo;
        assert!(collector("0").wants(&trace), "something was undone");
        let mut drawn = 0;
        for number in 0..4_000_u64 {
            let random = number.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes();
            let mut id = [1; 16];
            id[8..].copy_from_slice(&random);
            assert!(is_drawn(TraceId(id), 1.0) && !is_drawn(TraceId(id), 0.0));
            drawn += u32::from(is_drawn(TraceId(id), 0.25));
            assert!(!is_drawn(TraceId(id), 0.25) || is_drawn(TraceId(id), 0.5), "who tells more tells these too");
        }
        assert!((900..1_100).contains(&drawn), "{drawn}");
    }

    #[test]
    fn only_what_may_pass_is_told_again() {
        let answer = |status: u16, body: &'static str| {
            let response = http::Response::builder().status(status).header("retry-after", "7");
            let collector = Collector::read("https://o.test", "api-key=hush", "").unwrap().unwrap();
            collector.heard(&response.body(Bytes::from_static(body.as_bytes())).unwrap())
        };
        for body in ["", "{}", "not json", r#"{"partialSuccess":null}"#, r#"{"partialSuccess":{}}"#] {
            assert_eq!(answer(200, body), Heard::Taken, "{body}");
        }
        for body in [
            r#"{"partialSuccess":{"rejectedSpans":"2","errorMessage":"No."}}"#,
            r#"{"partialSuccess":{"rejectedSpans":2,"errorMessage":"No."}}"#,
            r#"{"partialSuccess":{"rejectedDataPoints":"2","errorMessage":"No."}}"#,
        ] {
            assert_eq!(answer(200, body), Heard::Partly(2, "No.".to_owned()));
        }
        for status in [429, 502, 503, 504] {
            assert!(matches!(answer(status, ""), Heard::Later(_, Some(Millis(7_000)))), "{status}");
        }
        assert_eq!(answer(401, "No hush here."), Heard::Refused("it answered 401: No [secret] here.".to_owned()));
        for status in [400, 401, 404, 413, 500, 501, 301] {
            assert!(matches!(answer(status, "why"), Heard::Refused(why) if why.ends_with("why")), "{status}");
        }
    }
}
