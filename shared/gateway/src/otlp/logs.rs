//! What a function has logged, as OTLP's log records, each with the trace that its request came with, or else with that
//! of the saga that it names.
//!
//! A line is a sentence of ours, and what others said stands behind its colon: causes, addresses, names of people. What
//! users and partners said leaves by the rule that spans leave by, so there a line ends where it is not asked for. Only
//! `alert` and a saga's id stand before a colon of their own.

use makegood_core::id::SagaId;
use makegood_core::time::Millis;
use makegood_core::trace::Context;

use super::Resource;
use crate::quoting::escape;

/// How much a line matters, as the number and the name that OTLP has for it.
pub type Severity = (u8, &'static str);

pub const DEBUG: Severity = (5, "DEBUG");
pub const INFO: Severity = (9, "INFO");
pub const WARN: Severity = (13, "WARN");
pub const ERROR: Severity = (17, "ERROR");

/// Between what a line says of itself, what it says, and what others said.
const COLON: &str = ": ";

/// A line of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    pub at: Millis,
    pub severity: Severity,
    pub text: String,
}

/// Whose lines they are.
#[derive(Clone, Copy, Debug, Default)]
pub struct Origin<'a> {
    /// `chat`, `execute`.
    pub function: &'a str,
    /// Where in which trace its request was made, where that said so.
    pub context: Option<Context>,
}

/// The body of an `ExportLogsServiceRequest`. `left_out`: so many lines there was no room for, which a record of their
/// own says. `contents`: with what users and partners said.
///
/// Every function carries this, and all that it says is text: so it is written as text, which takes least code.
#[must_use]
pub fn written(lines: &[Line], left_out: u32, origin: Origin<'_>, resource: Resource<'_>, contents: bool) -> Vec<u8> {
    let mut out = Vec::with_capacity(1024);
    add(&mut out, r#"{"resourceLogs":[{"resource":{"attributes":["#);
    attribute(&mut out, r#"{"key":"service.name","value":{"stringValue":""#, "makegood");
    attribute(&mut out, r#",{"key":"service.version","value":{"stringValue":""#, resource.version);
    for (key, value) in [
        (r#",{"key":"deployment.environment.name","value":{"stringValue":""#, resource.environment),
        (r#",{"key":"cloud.region","value":{"stringValue":""#, resource.region),
    ] {
        if !value.is_empty() {
            attribute(&mut out, key, value);
        }
    }
    add(&mut out, r#"]},"scopeLogs":[{"scope":{"name":"makegood","version":""#);
    add(&mut out, resource.version);
    add(&mut out, r#""},"logRecords":["#);
    for line in lines {
        record(&mut out, line, origin, 0, contents);
    }
    if left_out > 0 {
        let at = lines.last().map_or(Millis(0), |line| line.at);
        let line = Line { at, severity: WARN, text: "there was no room for more lines of this invocation".to_owned() };
        record(&mut out, &line, origin, left_out, contents);
    }
    add(&mut out, "]}]}]}");
    out
}

fn record(out: &mut Vec<u8>, line: &Line, origin: Origin<'_>, left_out: u32, contents: bool) {
    let own = own(&line.text);
    let saga = named(own);
    if out.last() == Some(&b'}') {
        out.push(b',');
    }
    add(out, r#"{"timeUnixNano":""#);
    number(out, line.at.0);
    // In nanoseconds.
    add(out, r#"000000","severityNumber":"#);
    let (severity, name) = line.severity;
    number(out, severity.into());
    add(out, r#","severityText":""#);
    add(out, name);
    add(out, r#"","body":{"stringValue":""#);
    if contents || own.len() == line.text.len() {
        escape(&line.text, out);
    } else {
        escape(own, out);
        add(out, ": …");
    }
    attribute(out, r#""},"attributes":[{"key":"faas.name","value":{"stringValue":""#, origin.function);
    if let Some(saga) = &saga {
        attribute(out, r#",{"key":"makegood.saga","value":{"stringValue":""#, saga.as_str());
    }
    if left_out > 0 {
        add(out, r#",{"key":"makegood.left_out","value":{"intValue":""#);
        number(out, left_out.into());
        add(out, r#""}}"#);
    }
    add(out, "]");
    let context = origin.context.or_else(|| Some(Context::of_saga(saga.as_ref()?, None)));
    if let Some(context) = context {
        // `00-trace-span-flags`, each of its own length.
        let written = context.written();
        let part = |from: usize, to: usize| written.get(from..to).unwrap_or_default();
        for (name, part) in [(r#","traceId":""#, part(3, 35)), (r#"","spanId":""#, part(36, 52))] {
            add(out, name);
            add(out, part);
        }
        add(out, r#"","flags":"#);
        number(out, context.flags.into());
    }
    add(out, "}");
}

fn add(out: &mut Vec<u8>, text: &str) {
    out.extend_from_slice(text.as_bytes());
}

/// `key`: all that stands before the value.
fn attribute(out: &mut Vec<u8>, key: &str, value: &str) {
    add(out, key);
    escape(value, out);
    add(out, r#""}}"#);
}

fn number(out: &mut Vec<u8>, number: u64) {
    add(out, &number.to_string());
}

/// Without what others said.
fn own(line: &str) -> &str {
    let begins = match line.split_once(COLON) {
        Some((first, _)) if first == "alert" || saga(first).is_some() => first.len() + COLON.len(),
        Some(_) | None => 0,
    };
    let ends = line.get(begins..).and_then(|said| said.find(COLON)).map_or(line.len(), |at| begins + at);
    line.get(..ends).unwrap_or_default()
}

/// The first saga that a line names.
fn named(line: &str) -> Option<SagaId> {
    line.split(|char: char| !char.is_ascii_alphanumeric() && char != '_').find_map(saga)
}

fn saga(word: &str) -> Option<SagaId> {
    if word.starts_with("sg_") { SagaId::try_from(word.to_owned()).ok() } else { None }
}

#[cfg(test)]
mod tests {
    use makegood_core::trace::{SpanId, TraceId};
    use serde_json::{Value, json};

    use super::*;

    const SAGA: &str = "sg_01jt4vcxkb041061050r3gg28a";
    const CALLER: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    const EXECUTE: Origin<'static> = Origin { function: "execute", context: None };

    fn line(text: &str) -> Line {
        Line { at: Millis(1_777_636_800_250), severity: WARN, text: text.to_owned() }
    }

    fn read(told: &[u8]) -> Value {
        serde_json::from_slice(told).unwrap()
    }

    /// What is told of one line.
    fn told(line: &Line, origin: Origin<'_>, contents: bool) -> Value {
        let mut body = read(&written(std::slice::from_ref(line), 0, origin, Resource::default(), contents));
        body["resourceLogs"][0]["scopeLogs"][0]["logRecords"][0].take()
    }

    fn words(text: &str, contents: bool) -> String {
        told(&line(text), EXECUTE, contents)["body"]["stringValue"].as_str().unwrap().to_owned()
    }

    #[test]
    fn a_line_is_written_as_the_specification_has_it() {
        let resource = Resource { version: "0.1.0", environment: "staging", region: "" };
        let origin = Origin { context: Context::parse(CALLER), ..EXECUTE };
        let lines = [line(&format!("{SAGA}: its first wake is left to the sweeper"))];
        let all = read(&written(&lines, 0, origin, resource, false));
        let told = &all["resourceLogs"][0];
        let spans = super::super::written(&[], resource, false);
        assert_eq!(told["resource"], spans["resourceSpans"][0]["resource"]);
        assert_eq!(told["scopeLogs"][0]["scope"], spans["resourceSpans"][0]["scopeSpans"][0]["scope"]);
        assert_eq!(
            told["scopeLogs"][0]["logRecords"],
            json!([{
                "timeUnixNano": "1777636800250000000", "severityNumber": 13, "severityText": "WARN",
                "body": {"stringValue": format!("{SAGA}: its first wake is left to the sweeper")},
                "attributes": [
                    {"key": "faas.name", "value": {"stringValue": "execute"}},
                    {"key": "makegood.saga", "value": {"stringValue": SAGA}},
                ],
                "traceId": "0af7651916cd43dd8448eb211c80319c", "spanId": "b7ad6b7169203331", "flags": 1,
            }])
        );
    }

    #[test]
    fn a_line_of_no_request_with_a_trace_has_that_of_the_saga_that_it_names_or_none() {
        let saga = SagaId::try_from(SAGA.to_owned()).unwrap();
        for text in [format!("{SAGA}: no turn"), format!("alert: {SAGA} stuck: page"), format!("of {SAGA}, not there")]
        {
            let told = told(&line(&text), EXECUTE, false);
            assert_eq!(told["traceId"], TraceId::of(&saga).to_string(), "{text}");
            assert_eq!(told["spanId"], SpanId::of_saga(&saga).to_string(), "{text}");
        }
        // What others said names nothing.
        for text in [format!("it is away: {SAGA}"), "sg_1: no turn".to_owned(), "no limits".to_owned()] {
            let told = told(&line(&text), EXECUTE, true);
            assert_eq!((told.get("traceId"), told.get("flags")), (None, None), "{text}");
            assert_eq!(told["attributes"].as_array().unwrap().len(), 1, "{text}");
        }
    }

    #[test]
    fn what_others_said_leaves_only_where_it_is_asked_for() {
        for (text, kept) in [
            ("unavailable: they said: hush".to_owned(), "unavailable: …".to_owned()),
            (format!("{SAGA}: no turn for 3: hush"), format!("{SAGA}: no turn for 3: …")),
            (format!("alert: {SAGA} stuck: hush"), format!("alert: {SAGA} stuck: …")),
            ("alerts: hush".to_owned(), "alerts: …".to_owned()),
            ("sg_hush: no: hush".to_owned(), "sg_hush: …".to_owned()),
            (": hush".to_owned(), ": …".to_owned()),
        ] {
            assert_eq!(words(&text, false), kept);
            assert_eq!(words(&text, true), text);
        }
        let quoted = "said \"no\"\nand \\ left";
        assert_eq!(words(quoted, false), quoted);
        for whole in ["", "swept", "alert: ", "at https://a.test:443/x", "ends in a colon:"] {
            assert_eq!(words(whole, false), whole);
        }
    }

    #[test]
    fn what_there_was_no_room_for_is_counted_in_a_record_of_its_own() {
        let records = |left_out| {
            let mut all = read(&written(&[line("one")], left_out, EXECUTE, Resource::default(), false));
            let records = all["resourceLogs"][0]["scopeLogs"][0]["logRecords"].take();
            records.as_array().unwrap().clone()
        };
        assert_eq!(records(0).len(), 1);
        let last = &records(7)[1];
        assert_eq!(last["attributes"][1], json!({"key": "makegood.left_out", "value": {"intValue": "7"}}));
        assert_eq!((&last["severityNumber"], &last["timeUnixNano"]), (&json!(13), &json!("1777636800250000000")));
    }
}
