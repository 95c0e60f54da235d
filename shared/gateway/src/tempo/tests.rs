//! Answers as Tempo gives them, and as it never would.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use makegood_core::id::SagaId;
use makegood_core::saga::{Node, Phase, Record, Standing, report};
use makegood_core::time::Millis;
use makegood_core::trace::{About, Attribute, SpanId, Trace, What, of};
use serde_json::{Value, json};

use super::wire::MOST_SPANS;
use super::*;
use crate::otlp::{self, Resource};

const T: u64 = 1_777_636_800_000;
const TRACE: TraceId = TraceId([7; 16]);

fn saga() -> SagaId {
    SagaId::new(Millis(T), [1; 10])
}

fn nodes() -> Vec<Node> {
    serde_json::from_value(json!([
        {"ix": 0, "id": "table", "tool": "book", "version": "1", "class": "compensatable", "params": {"for": "Ada"}},
        {"ix": 1, "id": "nap", "tool": "(wait)", "version": "", "class": "query", "params": {}, "wait": {"for_ms": 500}},
        {"ix": 2, "id": "ride", "tool": "fetch", "version": "1", "class": "pivot", "params": {}},
    ]))
    .unwrap()
}

fn journal() -> Vec<Record> {
    let told = json!([
        {"at": T + 10, "inv": 1, "type": "started", "node": 0, "attempt": 1},
        {"at": T + 30, "inv": 1, "type": "unsettled", "node": 0, "op": "do", "attempt": 1, "took": 15, "reason": "busy",
            "again": T + 90},
        {"at": T + 100, "inv": 1, "type": "done", "node": 0, "attempt": 2, "took": 8, "output": {"seat": 4}},
        {"at": T + 101, "inv": 1, "type": "waiting", "node": 1, "until": T + 601},
        {"at": T + 601, "inv": 2, "type": "done", "node": 1, "attempt": 0, "took": 0, "output": {}},
        {"at": T + 605, "inv": 2, "type": "started", "node": 2, "attempt": 1},
        {"at": T + 650, "inv": 2, "type": "refused", "node": 2, "attempt": 1, "took": 40, "code": "none",
            "detail": "No driver."},
        {"at": T + 650, "inv": 2, "type": "unwinding",
            "cause": {"why": "step", "node": 2, "code": "none", "detail": "No driver."}},
        {"at": T + 655, "inv": 2, "type": "undo_started", "node": 0, "attempt": 1},
        {"at": T + 700, "inv": 2, "type": "undone", "node": 0, "attempt": 1, "took": 40, "found": true},
        {"at": T + 700, "inv": 2, "type": "made_good"},
    ]);
    serde_json::from_value(told).unwrap()
}

/// The trace of a saga with a retry, a wait, a refusal and an undo, as its journal has it.
fn ours() -> Trace {
    let (saga, nodes) = (saga(), nodes());
    let about = About {
        saga: &saga,
        title: "Out for Ada",
        phase: Phase::MadeGood,
        created_at: Millis(T),
        nodes: &nodes,
        reading: None,
        context: None,
    };
    Trace { id: TRACE, ..of(&about, &journal()) }
}

/// The same as an exporter sends it.
fn exported(contents: bool) -> Value {
    otlp::written(&[ours()], Resource { version: "0.1.0", ..Resource::default() }, contents)
}

/// What Tempo makes of what it was sent: ids in base64, enums by name, and no field that has its default.
fn kept(sent: &Value) -> Value {
    match sent {
        Value::Object(fields) => {
            let kept = fields.iter().filter_map(|(name, value)| Some((name.clone(), field(name, value)?)));
            Value::Object(kept.collect())
        }
        Value::Array(list) => list.iter().map(kept).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => sent.clone(),
    }
}

fn field(name: &str, value: &Value) -> Option<Value> {
    let named = |names: &[&str]| value.as_u64().filter(|code| *code > 0).map(|code| json!(names[code as usize]));
    match name {
        "traceId" => TraceId::parse(value.as_str()?).map(|id| json!(STANDARD.encode(id.0))),
        "spanId" | "parentSpanId" => SpanId::parse(value.as_str()?).map(|id| json!(STANDARD.encode(id.0))),
        "kind" => named(&["", "SPAN_KIND_INTERNAL", "SPAN_KIND_SERVER", "SPAN_KIND_CLIENT", "", "SPAN_KIND_CONSUMER"]),
        "code" => named(&["", "STATUS_CODE_OK", "STATUS_CODE_ERROR"]),
        _ => Some(kept(value)),
    }
}

fn second_form(sent: &Value) -> String {
    json!({"trace": kept(sent), "metrics": {}}).to_string()
}

fn told(body: &str) -> Option<Told> {
    Told::of(&Given::read(body.as_bytes(), TRACE).unwrap(), None)
}

/// A span of somebody else's, as it is kept.
fn span(id: u64, parent: Option<u64>, start: u64) -> Value {
    let written = |id: u64| STANDARD.encode(id.to_be_bytes());
    let mut span = json!({
        "traceId": STANDARD.encode(TRACE.0), "spanId": written(id), "name": format!("work {id}"),
        "startTimeUnixNano": (start * 1_000_000).to_string(), "endTimeUnixNano": ((start + 10) * 1_000_000).to_string(),
    });
    if let Some(parent) = parent {
        span["parentSpanId"] = json!(written(parent));
    }
    span
}

fn of_service(spans: &[Value]) -> Value {
    json!({
        "resource": {"attributes": [{"key": "service.name", "value": {"stringValue": "shop"}}]},
        "scopeSpans": [{"scope": {"name": "shop.http"}, "spans": spans}],
    })
}

fn strange(spans: &[Value]) -> String {
    json!({"batches": [of_service(spans)]}).to_string()
}

fn id(number: u64) -> SpanId {
    SpanId(number.to_be_bytes())
}

#[test]
fn a_trace_that_was_sent_is_read_back_as_it_was() {
    for body in [second_form(&exported(true)), json!({"batches": kept(&exported(true))["resourceSpans"]}).to_string()] {
        let told = told(&body).unwrap();
        assert_eq!(told.saga, Some(Saga { id: saga(), title: Some("Out for Ada".to_owned()), phase: Phase::MadeGood }));
        let ours = ours();
        assert_eq!(told.trace.spans.len(), ours.spans.len());
        for (read, sent) in told.trace.spans.iter().zip(&ours.spans) {
            let shown = |span: &makegood_core::trace::Span| {
                let inv = span.inv.filter(|_| matches!(span.what, What::Attempt | What::UndoAttempt));
                let of_step = (span.what == What::Step).then_some(span.node);
                let what = (span.id, span.parent, span.what, span.name.clone(), span.status);
                (what, span.start, span.end, span.message.clone(), of_step, inv, span.links.clone())
            };
            assert_eq!(shown(read), shown(sent));
        }
        assert_eq!((told.left_out, told.partial, told.others), (0, false, vec![]));
    }
}

#[test]
fn the_steps_stand_as_the_journal_says_that_they_do() {
    let told = told(&second_form(&exported(true))).unwrap();
    let sent = report(&nodes(), Phase::MadeGood, &journal());
    let stand = |report: &makegood_core::saga::Report| {
        let steps = report.steps.iter();
        let steps = steps.map(|step| (step.ix, step.id.clone(), step.tool.clone(), step.class, step.standing));
        (steps.collect::<Vec<_>>(), report.undone.clone())
    };
    assert_eq!(stand(&told.report), stand(&sent));
    assert_eq!(told.report.steps[0].standing, Standing::Undone);
    let ride = &told.report.steps[2];
    assert_eq!((ride.code.as_deref(), ride.detail.as_deref()), (Some("none"), Some("No driver.")));
    assert_eq!(told.report.cause.as_deref(), Some("It turned round: `none`."));
    assert!(told.report.back && sent.back);
}

#[test]
fn where_no_words_were_sent_codes_stand_for_them() {
    let told = told(&second_form(&exported(false))).unwrap();
    let failed: Vec<&str> =
        told.trace.spans.iter().filter(|span| span.what == What::Attempt).map(|span| span.message.as_str()).collect();
    assert_eq!(failed, ["no_answer", "", "none"]);
    assert_eq!(told.saga.unwrap().title, None);
}

#[test]
fn what_is_given_is_told_again_as_it_was_sent() {
    let body = second_form(&exported(true));
    let given = Given::read(body.as_bytes(), TRACE).unwrap();
    assert_eq!(json!(given.otlp()), exported(true));
}

#[test]
fn what_needs_a_person_is_known_again() {
    let mut sent = exported(true);
    let spans = sent["resourceSpans"][0]["scopeSpans"][0]["spans"].as_array_mut().unwrap();
    let undo = spans.iter_mut().find(|span| span["name"] == "undo table").unwrap();
    undo["status"]["code"] = json!(2);
    let ride = spans.iter_mut().find(|span| span["name"] == "ride").unwrap();
    ride["attributes"].as_array_mut().unwrap().push(json!({"key": "makegood.held", "value": {"boolValue": true}}));
    let told = told(&second_form(&sent)).unwrap();
    let standing: Vec<Standing> = told.report.steps.iter().map(|step| step.standing).collect();
    assert_eq!(standing, [Standing::Held, Standing::Done, Standing::Held]);
}

#[test]
fn spans_of_others_are_shown_with_those_of_the_saga() {
    let mut sent = kept(&exported(true));
    let call = ours().spans.iter().find(|span| span.what == What::UndoAttempt).unwrap().id;
    let mut below = span(2, None, T + 660);
    below["parentSpanId"] = json!(STANDARD.encode(call.0));
    below["attributes"] = json!([
        {"key": "http.request.method", "value": {"stringValue": "POST"}},
        {"key": "list", "value": {"arrayValue": {"values": [{"intValue": "1"}]}}},
    ]);
    sent["resourceSpans"].as_array_mut().unwrap().push(of_service(&[span(1, None, T - 50), below]));
    let told = told(&json!({"trace": sent}).to_string()).unwrap();
    let spans = &told.trace.spans;
    assert_eq!((spans.len(), spans[0].what), (ours().spans.len() + 2, What::Saga), "the saga first, whoever called it");
    let others: Vec<_> = spans.iter().filter(|span| span.what == What::Other).map(|span| span.id).collect();
    assert_eq!(others, [id(1), id(2)]);
    let note = &told.notes[&id(2).0];
    assert_eq!(note.service, "shop");
    let list = Attribute::Text(r#"{"arrayValue":{"values":[{"intValue":"1"}]}}"#.to_owned());
    assert_eq!(note.attributes[1], ("list".to_owned(), list));
}

#[test]
fn of_a_trace_with_two_sagas_one_is_shown_and_the_other_is_named() {
    let child = SagaId::new(Millis(T), [2; 10]);
    let mut sent = exported(true);
    let spans = sent["resourceSpans"][0]["scopeSpans"][0]["spans"].as_array_mut().unwrap();
    let call = spans.iter().find(|span| span["name"] == "execute_tool fetch").unwrap()["spanId"].clone();
    let mut root = spans[0].clone();
    (root["spanId"], root["parentSpanId"]) = (json!("00000000000000aa"), call);
    root["startTimeUnixNano"] = json!(((T + 610) * 1_000_000).to_string());
    root["attributes"][1]["value"]["stringValue"] = json!(child);
    let mut step = spans.iter().find(|span| span["name"] == "nap").unwrap().clone();
    (step["spanId"], step["parentSpanId"], step["name"]) =
        (json!("00000000000000ab"), root["spanId"].clone(), json!("in"));
    spans.extend([root, step]);
    let body = second_form(&sent);
    let given = Given::read(body.as_bytes(), TRACE).unwrap();
    let first = Told::of(&given, None).unwrap();
    assert_eq!((first.trace.spans.len(), &first.others), (ours().spans.len(), &vec![child.clone()]));
    let second = Told::of(&given, Some(child.as_str())).unwrap();
    let names: Vec<&str> = second.trace.spans.iter().map(|span| span.name.as_str()).collect();
    assert_eq!((names, &second.others), (vec!["saga", "in"], &vec![saga()]));
    assert!(second.trace.remote_parent.is_some() && second.trace.spans[0].parent.is_none());
    assert_eq!(Told::of(&given, Some("sg_nobody")), None);
}

#[test]
fn a_saga_that_was_told_twice_is_as_it_was_told_last() {
    let mut again = exported(true);
    let root = &mut again["resourceSpans"][0]["scopeSpans"][0]["spans"][0];
    root["endTimeUnixNano"] = json!(((T + 9_000) * 1_000_000).to_string());
    for order in [[&exported(true), &again], [&again, &exported(true)]] {
        let batches: Vec<Value> = order.iter().map(|sent| kept(sent)["resourceSpans"][0].clone()).collect();
        let told = told(&json!({"batches": batches}).to_string()).unwrap();
        assert_eq!((told.trace.spans.len(), told.trace.spans[0].end), (ours().spans.len(), Some(Millis(T + 9_000))));
    }
}

#[test]
fn a_trace_without_a_saga_begins_where_nobody_called() {
    let told = told(&strange(&[span(3, Some(2), T + 4), span(1, None, T), span(2, Some(1), T + 2)])).unwrap();
    let ids: Vec<SpanId> = told.trace.spans.iter().map(|span| span.id).collect();
    assert_eq!((ids, told.saga), (vec![id(1), id(2), id(3)], None));
    assert!(told.report.steps.is_empty());
}

#[test]
fn what_says_that_it_is_ours_and_is_not_stays_somebody_elses() {
    let mut false_saga = span(1, None, T);
    false_saga["attributes"] = json!([
        {"key": "makegood.saga", "value": {"stringValue": "<script>"}},
        {"key": "makegood.phase", "value": {"stringValue": "completed"}},
    ]);
    let mut false_step = span(2, Some(1), T);
    false_step["attributes"] = json!([{"key": "makegood.step", "value": {"stringValue": "work 2"}}]);
    let body = json!({"batches": [{"scopeSpans": [{"scope": {"name": "shop"}, "spans": [false_saga, false_step]}]}]});
    let seen = told(&body.to_string()).unwrap();
    assert!(seen.saga.is_none() && seen.trace.spans.iter().all(|span| span.what == What::Other));
    // And where the library is ours as well, no more than a row.
    let seen = told(&body.to_string().replace("\"shop\"", "\"makegood\"")).unwrap();
    assert!(seen.saga.is_none() && seen.trace.spans[1].what == What::Step);
}

#[test]
fn parents_that_lead_in_a_circle_are_cut_loose_and_every_span_is_there() {
    for spans in [
        vec![span(1, Some(1), T)],
        vec![span(1, Some(2), T), span(2, Some(1), T)],
        vec![span(9, Some(3), T), span(1, Some(2), T), span(2, Some(3), T), span(3, Some(1), T), span(4, Some(99), T)],
    ] {
        let told = told(&strange(&spans)).unwrap();
        assert_eq!(told.trace.spans.len(), spans.len());
        for span in &told.trace.spans {
            let (mut at, mut steps) = (Some(span.id), 0);
            while let Some(here) = at {
                at = told.trace.spans.iter().find(|span| span.id == here).and_then(|span| span.parent);
                steps += 1;
                assert!(steps <= spans.len() + 1, "{:?} is below itself", span.id);
            }
        }
    }
}

#[test]
fn a_chain_as_long_as_can_be_is_walked() {
    let spans: Vec<Value> = (1..=MOST_SPANS as u64).map(|n| span(n, (n > 1).then(|| n - 1), T + n)).collect();
    let told = told(&strange(&spans)).unwrap();
    assert_eq!((told.trace.spans.len(), told.left_out), (MOST_SPANS, 0));
}

#[test]
fn of_what_is_too_much_a_part_is_read_and_the_rest_is_counted() {
    let spans: Vec<Value> = (1..=MOST_SPANS as u64 + 5).map(|n| span(n, None, T)).collect();
    let (half, rest) = spans.split_at(MOST_SPANS / 2);
    for body in [strange(&spans), json!({"trace": {"resourceSpans": [of_service(half), of_service(rest)]}}).to_string()]
    {
        let told = told(&body).unwrap();
        assert_eq!((told.trace.spans.len(), told.left_out), (MOST_SPANS, 5));
    }
    let mut wide = span(1, None, T);
    let attribute = json!({"key": "k".repeat(5_000), "value": {"stringValue": "v".repeat(50_000)}});
    wide["attributes"] = json!(vec![attribute; 500]);
    wide["name"] = json!("n".repeat(50_000));
    wide["status"] = json!({"code": "STATUS_CODE_ERROR", "message": "m".repeat(50_000)});
    let told = told(&strange(&[wide])).unwrap();
    let (span, note) = (&told.trace.spans[0], &told.notes[&id(1).0]);
    assert_eq!((span.name.len(), span.message.len(), note.attributes.len()), (200, 4_000, 64));
    let (key, value) = &note.attributes[0];
    assert!(key.len() == 200 && matches!(value, Attribute::Text(text) if text.len() == 4_000));
}

#[test]
fn times_that_make_no_sense_are_times_all_the_same() {
    let mut backwards = span(1, None, T);
    backwards["endTimeUnixNano"] = json!("1");
    let mut last = span(2, None, T);
    (last["startTimeUnixNano"], last["endTimeUnixNano"]) = (json!(u64::MAX.to_string()), json!(u64::MAX));
    let mut none = span(3, None, T);
    (none["startTimeUnixNano"], none["endTimeUnixNano"]) = (json!("yesterday"), json!("99999999999999999999999"));
    let told = told(&strange(&[backwards, last, none])).unwrap();
    let times: Vec<_> = told.trace.spans.iter().map(|span| (span.id, span.start, span.end)).collect();
    let end = Millis(u64::MAX / 1_000_000);
    let first = (id(3), Millis(0), None);
    assert_eq!(times, [first, (id(1), Millis(T), Some(Millis(T))), (id(2), end, Some(end))]);
}

#[test]
fn a_span_that_nobody_could_name_is_left_out_and_its_neighbours_are_not() {
    let mut another_trace = span(2, None, T);
    another_trace["traceId"] = json!(STANDARD.encode([9; 16]));
    let mut no_id = span(3, None, T);
    no_id["spanId"] = json!("AAAAAAAAAAA=");
    let wrong = [another_trace, no_id, json!({}), json!(7), json!({"name": 7}), json!({"attributes": {"a": "b"}})];
    let spans: Vec<Value> = std::iter::once(span(1, None, T)).chain(wrong).collect();
    let seen = told(&strange(&spans)).unwrap();
    assert_eq!((seen.trace.spans.len(), seen.left_out), (1, 6));
    // Ids in hexadecimal digits, as OTLP has them, are ids too.
    let mut digits = span(0xab, None, T);
    (digits["traceId"], digits["spanId"]) = (json!(TRACE.to_string()), json!("00000000000000AB"));
    assert_eq!(told(&strange(&[digits])).unwrap().trace.spans[0].id, id(0xab));
}

#[test]
fn what_is_no_trace_is_an_error_and_an_empty_one_is_none() {
    for nonsense in ["", "[", "not found", "7", r#"{"batches": 7}"#, r#"{"trace": {"resourceSpans": {}}}"#, "\u{1}"] {
        assert!(Given::read(nonsense.as_bytes(), TRACE).is_err(), "{nonsense}");
    }
    assert!(Given::read(b"{\"batches\": [\"\xff\"]}", TRACE).is_err());
    let deep = format!("{{\"batches\": {}{}}}", "[".repeat(100_000), "]".repeat(100_000));
    assert_eq!(told(&deep), None, "nobody goes down there");
    for empty in [
        "{}",
        r#"{"trace": {}, "metrics": {}}"#,
        r#"{"batches": []}"#,
        r#"{"batches": [{}, 7, {"scopeSpans": [{}, 7]}]}"#,
    ] {
        assert_eq!(told(empty), None, "{empty}");
    }
    let given = json!({"trace": kept(&exported(false)), "status": "PARTIAL", "message": "Trace exceeds maximum size"});
    assert!(told(&given.to_string()).unwrap().partial);
}

#[test]
fn tempo_is_asked_at_its_address_with_its_headers() {
    assert_eq!(Tempo::read("", "nonsense"), Ok(None));
    let error = Tempo::read("https://t.test", "hush").unwrap_err();
    assert!(error.contains("`tempo_headers`") && !error.contains("hush"), "{error}");
    let tempo = Tempo::read("https://t.test:3200/x/", "x-scope-orgid=a%2Cb").unwrap().unwrap();
    for (form, path) in [(Form::First, "/x/api/traces/"), (Form::Second, "/x/api/v2/traces/")] {
        let request = tempo.ask(TRACE, form).unwrap();
        assert_eq!(request.uri(), &format!("https://t.test:3200{path}{TRACE}")[..]);
        assert_eq!(request.headers()["x-scope-orgid"], "a,b");
        assert_eq!(request.headers()["accept"], "application/json");
        assert!(request.headers()["x-scope-orgid"].is_sensitive());
    }
}

#[test]
fn an_answer_is_a_trace_or_says_why_not() {
    let tempo = Tempo::read("https://t.test", "api-key=hush").unwrap().unwrap();
    let heard = |status: u16, body: Bytes| tempo.heard(&http::Response::builder().status(status).body(body).unwrap());
    assert_eq!(heard(200, Bytes::from_static(b"{}")), Heard::Trace);
    assert_eq!(heard(404, Bytes::from_static(b"trace not found")), Heard::Unknown);
    assert_eq!(heard(200, Bytes::from(vec![b' '; LONGEST + 1])), Heard::TooLong);
    assert_eq!(heard(401, Bytes::from_static(b"No hush here.")), Heard::Refused(401, "No [secret] here.".to_owned()));
    assert!(matches!(heard(302, Bytes::new()), Heard::Refused(302, _)));
}
