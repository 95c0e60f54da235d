//! What a function has logged, as OTLP's log records, each with the trace that its request came with, or else with that
//! of the saga that it names.
//!
//! A line is a sentence of ours, and what others said stands behind its colon: causes, addresses, names of people. What
//! users and partners said leaves by the rule that spans leave by, so there a line ends where it is not asked for. Only
//! `alert` and a saga's id stand before a colon of their own.

use makegood_core::id::SagaId;
use makegood_core::time::Millis;
use makegood_core::trace::Context;
use serde_json::{Map, Value, json};

use super::{Resource, described, nanos, pair, text};

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
#[must_use]
pub fn written(lines: &[Line], left_out: u32, origin: Origin<'_>, resource: Resource<'_>, contents: bool) -> Value {
    let mut records: Vec<Value> = lines.iter().map(|line| record(line, origin, contents)).collect();
    if left_out > 0 {
        let at = lines.last().map_or(Millis(0), |line| line.at);
        let line = Line { at, severity: WARN, text: "there was no room for more lines of this invocation".to_owned() };
        let mut last = record(&line, origin, contents);
        if let Some(attributes) = last["attributes"].as_array_mut() {
            attributes.push(pair("makegood.left_out", json!({"intValue": left_out.to_string()})));
        }
        records.push(last);
    }
    json!({"resourceLogs": [{
        "resource": {"attributes": described(resource)},
        "scopeLogs": [{"scope": {"name": "makegood", "version": resource.version}, "logRecords": records}],
    }]})
}

fn record(line: &Line, origin: Origin<'_>, contents: bool) -> Value {
    let own = own(&line.text);
    let is_whole = contents || own.len() == line.text.len();
    let body = if is_whole { line.text.clone() } else { format!("{own}{COLON}…") };
    let saga = named(own);
    let mut attributes = vec![pair("faas.name", text(origin.function))];
    if let Some(saga) = &saga {
        attributes.push(pair("makegood.saga", text(saga.as_str())));
    }
    let (number, name) = line.severity;
    let mut record = Map::new();
    let mut put = |name: &str, value: Value| record.insert(name.to_owned(), value);
    put("timeUnixNano", nanos(line.at));
    put("severityNumber", number.into());
    put("severityText", name.into());
    put("body", text(&body));
    put("attributes", attributes.into());
    let context = origin.context.or_else(|| Some(Context::of_saga(saga.as_ref()?, None)));
    if let Some(Context { trace, parent, flags }) = context {
        put("traceId", trace.to_string().into());
        put("spanId", parent.to_string().into());
        put("flags", flags.into());
    }
    Value::Object(record)
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

    use super::*;

    const SAGA: &str = "sg_01jt4vcxkb041061050r3gg28a";
    const CALLER: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    const EXECUTE: Origin<'static> = Origin { function: "execute", context: None };

    fn line(text: &str) -> Line {
        Line { at: Millis(1_777_636_800_250), severity: WARN, text: text.to_owned() }
    }

    /// What is told of one line.
    fn told(line: &Line, origin: Origin<'_>, contents: bool) -> Value {
        let mut body = written(std::slice::from_ref(line), 0, origin, Resource::default(), contents);
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
        let all = written(&lines, 0, origin, resource, false);
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
        for whole in ["", "swept", "alert: ", "at https://a.test:443/x", "ends in a colon:"] {
            assert_eq!(words(whole, false), whole);
        }
    }

    #[test]
    fn what_there_was_no_room_for_is_counted_in_a_record_of_its_own() {
        let records = |left_out| {
            let mut all = written(&[line("one")], left_out, EXECUTE, Resource::default(), false);
            let records = all["resourceLogs"][0]["scopeLogs"][0]["logRecords"].take();
            records.as_array().unwrap().clone()
        };
        assert_eq!(records(0).len(), 1);
        let last = &records(7)[1];
        assert_eq!(last["attributes"][1], json!({"key": "makegood.left_out", "value": {"intValue": "7"}}));
        assert_eq!((&last["severityNumber"], &last["timeUnixNano"]), (&json!(13), &json!("1777636800250000000")));
    }
}
