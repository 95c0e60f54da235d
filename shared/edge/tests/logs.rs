//! Telling a collector what was logged: after the answer, once, with the trace of the request, and without what others
//! said. The collector is made up.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::future::pending;
use std::rc::Rc;

use bytes::Bytes;
use futures_util::{FutureExt, StreamExt, stream};
use makegood_core::id::SagaId;
use makegood_core::time::Millis;
use makegood_core::trace::{SpanId, TraceId};
use makegood_edge::host::{Body, FetchError, Host, Level, Reply, Request, json, reply};
use makegood_edge::later::Later;
use makegood_edge::logs::gather;
use makegood_edge::outward::answer;
use makegood_edge::traces::written;
use serde_json::{Value, json};

const NOW: Millis = Millis(1_777_636_800_250);
const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const CALLER: &str = "b7ad6b7169203331";

/// A collector.
#[derive(Clone, Copy)]
enum Collector {
    Answers(u16, &'static str),
    Says(&'static str),
    /// It never answers.
    Hangs,
}

#[derive(Clone)]
struct World {
    values: Rc<BTreeMap<&'static str, &'static str>>,
    collector: Collector,
    /// What the collector was told: the header that it knows us by, the body, and how long it had.
    told: Rc<RefCell<Vec<(String, Value, Millis)>>>,
    /// The platform's log.
    said: Rc<RefCell<Vec<(Level, String)>>>,
    later: Later,
}

impl Host for World {
    async fn fetch(
        &self,
        request: makegood_gateway::Request,
        timeout: Millis,
    ) -> Result<makegood_gateway::Response, FetchError> {
        assert_eq!(request.uri(), "https://otlp.test/v1/logs");
        let key = request.headers()["api-key"].to_str().unwrap().to_owned();
        let body = serde_json::from_slice(request.body()).unwrap();
        self.told.borrow_mut().push((key, body, timeout));
        let (status, body) = match self.collector {
            Collector::Answers(status, body) => (status, body),
            Collector::Says(why) => return Err(FetchError::NotSent(why.to_owned())),
            Collector::Hangs => pending().await,
        };
        Ok(http::Response::builder().status(status).body(Bytes::from_static(body.as_bytes())).unwrap())
    }

    fn now(&self) -> Millis {
        NOW
    }

    fn random(&self) -> [u8; 16] {
        [7; 16]
    }

    fn config(&self, name: &str) -> Option<String> {
        self.values.get(name).map(|value| (*value).to_owned())
    }

    async fn sleep(&self, _span: Millis) {
        pending::<()>().await;
    }

    fn log(&self, level: Level, line: &str) {
        self.said.borrow_mut().push((level, line.to_owned()));
        gather(self, level, line);
    }

    fn later(&self) -> Option<&Later> {
        Some(&self.later)
    }
}

fn world(more: &[(&'static str, &'static str)]) -> World {
    let mut values = BTreeMap::from([
        ("otlp_endpoint", "https://otlp.test"),
        ("otlp_headers", "api-key=hush"),
        ("environment", "staging"),
        ("region", "fra"),
    ]);
    values.extend(more.iter().copied());
    World {
        values: Rc::new(values),
        collector: Collector::Answers(200, "{}"),
        told: Rc::default(),
        said: Rc::default(),
        later: Later::of("makegood-execute"),
    }
}

fn saga() -> SagaId {
    SagaId::new(NOW, [1; 10])
}

/// A function that says something of each kind, and has work done after its answer that has something to say too.
async fn handle(_request: Request, host: World) -> Reply {
    host.log(Level::Debug, "answered method=POST");
    host.log(Level::Info, "swept");
    host.log(Level::Warn, &format!("{}: no turn for 3: Sam says no", saga()));
    let again = host.clone();
    let work = async move {
        let last = again.clone();
        again.after(async move { last.log(Level::Error, "the last work failed") }).await;
    };
    host.after(work).await;
    json(200, &json!({}))
}

fn request(traceparent: Option<&str>) -> Request {
    let mut request = http::Request::post("https://me.test/api/execute");
    if let Some(traceparent) = traceparent {
        request = request.header("traceparent", traceparent);
    }
    request.body(Bytes::new()).unwrap()
}

/// The answer is given at once, whatever the collector does.
fn answers(host: &World, traceparent: Option<&str>) {
    let reply = answer(request(traceparent), host.clone(), handle).now_or_never().unwrap();
    assert_eq!(reply.status(), 200);
    assert!(host.told.borrow().is_empty(), "nobody is told before the answer");
}

fn is_done(host: &World) -> bool {
    host.later.run(host).now_or_never().is_some()
}

/// The records of one request.
fn records(host: &World, request: usize) -> Vec<Value> {
    let told = host.told.borrow();
    told[request].1["resourceLogs"][0]["scopeLogs"][0]["logRecords"].as_array().unwrap().clone()
}

fn bodies(host: &World, request: usize) -> Vec<String> {
    let body = |record: Value| record["body"]["stringValue"].as_str().unwrap().to_owned();
    records(host, request).into_iter().map(body).collect()
}

#[test]
fn what_was_logged_is_told_in_one_request_when_all_is_done_that_comes_after_the_answer() {
    let host = world(&[]);
    answers(&host, Some(&format!("00-{TRACE}-{CALLER}-01")));
    assert!(is_done(&host) && host.later.is_empty());
    let told = host.told.borrow().clone();
    assert_eq!(told.len(), 1);
    let (key, body, patience) = &told[0];
    assert_eq!((key.as_str(), *patience <= Millis(2_000)), ("hush", true));
    let of_spans = written(&host, &[], false);
    assert_eq!(body["resourceLogs"][0]["resource"], of_spans["resourceSpans"][0]["resource"]);
    assert_eq!(bodies(&host, 0), [format!("{}: no turn for 3: …", saga()), "the last work failed".to_owned()]);
    for (record, severity) in records(&host, 0).iter().zip(["WARN", "ERROR"]) {
        assert_eq!((&record["traceId"], &record["spanId"]), (&json!(TRACE), &json!(CALLER)));
        assert_eq!((&record["severityText"], &record["flags"]), (&json!(severity), &json!(1)));
        assert_eq!(record["attributes"][0], json!({"key": "faas.name", "value": {"stringValue": "execute"}}));
    }
}

#[test]
fn what_work_brings_is_done_too() {
    let (host, done) = (world(&[]), Rc::new(RefCell::new(Vec::new())));
    let (again, first, then) = (host.later.clone(), Rc::clone(&done), Rc::clone(&done));
    host.later.push(async move {
        first.borrow_mut().push("first");
        again.push(async move { then.borrow_mut().push("then") });
    });
    assert!(!host.later.is_empty() && done.borrow().is_empty());
    assert!(is_done(&host) && host.later.is_empty());
    assert_eq!(*done.borrow(), ["first", "then"]);
}

#[test]
fn a_request_of_no_trace_leaves_a_line_that_of_the_saga_that_it_names() {
    for traceparent in [None, Some("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-1")] {
        let host = world(&[]);
        answers(&host, traceparent);
        assert!(is_done(&host));
        let records = records(&host, 0);
        assert_eq!(records[0]["traceId"], TraceId::of(&saga()).to_string());
        assert_eq!(records[0]["spanId"], SpanId::of_saga(&saga()).to_string());
        assert_eq!(records[1].get("traceId"), None);
    }
}

#[test]
fn what_others_said_is_told_where_it_is_asked_for_and_nowhere_else() {
    let told = |contents: &'static str| {
        let host = world(&[("otlp_contents", contents)]);
        answers(&host, None);
        assert!(is_done(&host));
        assert!(host.said.borrow().iter().any(|(_, line)| line.contains("Sam says no")), "the platform's log has it");
        bodies(&host, 0).join("\n")
    };
    assert!(!told("").contains("Sam") && !told("false").contains("Sam"));
    assert!(told("true").contains("no turn for 3: Sam says no"));
}

#[test]
fn lines_are_told_from_their_level_on() {
    for (level, lines) in [("debug", 4), ("info", 3), ("", 2), ("warn", 2), ("error", 1), ("off", 0), ("loud", 0)] {
        let host = world(&[("otlp_logs", level)]);
        answers(&host, None);
        assert!(is_done(&host));
        let told = host.told.borrow().len();
        assert_eq!(told, usize::from(lines > 0), "{level}");
        assert_eq!(if told > 0 { records(&host, 0).len() } else { 0 }, lines, "{level}");
    }
    let host = world(&[("otlp_logs", "debug"), ("otlp_endpoint", "")]);
    answers(&host, None);
    assert!(is_done(&host) && host.told.borrow().is_empty());
}

#[test]
fn there_is_room_for_so_much_and_the_rest_is_counted() {
    let host = world(&[]);
    for number in 0..100 {
        host.log(Level::Warn, &format!("line {number}"));
    }
    assert!(is_done(&host));
    let all = records(&host, 0);
    assert_eq!(all.len(), 65);
    assert_eq!(all[64]["attributes"][1], json!({"key": "makegood.left_out", "value": {"intValue": "36"}}));
    // What comes then has room again.
    host.log(Level::Warn, &"ä".repeat(10_000));
    host.log(Level::Warn, "and one more");
    assert!(is_done(&host));
    assert_eq!(bodies(&host, 1), ["ä".repeat(2_000), "and one more".to_owned()]);
    for _ in 0..10 {
        host.log(Level::Warn, &"ä".repeat(2_000));
    }
    assert!(is_done(&host));
    assert_eq!(records(&host, 2).len(), 9, "eight, and how many there are more");
}

#[test]
fn a_collector_that_never_answers_keeps_nobody_waiting() {
    let host = World { collector: Collector::Hangs, ..world(&[]) };
    answers(&host, None);
    assert!(!is_done(&host), "it is waited for after the answer, for so long");
    assert!(host.told.borrow()[0].2 <= Millis(2_000));
}

#[test]
fn what_is_not_taken_is_tried_once_and_stands_in_the_platforms_log() {
    for (collector, why) in [
        (Collector::Answers(503, "hush"), "answered 503"),
        (Collector::Answers(404, "not hush here"), "answered 404"),
        (Collector::Says("it is away"), "it is away"),
    ] {
        let host = World { collector, ..world(&[("otlp_logs", "debug")]) };
        answers(&host, None);
        assert!(is_done(&host));
        host.log(Level::Error, "and one more");
        assert!(is_done(&host));
        assert_eq!(host.told.borrow().len(), 1);
        let said = host.said.borrow();
        assert_eq!(said.len(), 6, "{said:?}");
        let (level, line) = &said[4];
        assert!(*level == Level::Info && line.contains(why) && !line.contains("hush"), "{line}");
    }
    // Headers that are none are as a collector that is away.
    let host = world(&[("otlp_headers", "hush")]);
    answers(&host, None);
    assert!(is_done(&host) && host.told.borrow().is_empty());
    let said = host.said.borrow();
    assert!(said.iter().any(|(_, line)| line.contains("`otlp_headers`") && !line.contains("hush")), "{said:?}");
}

/// A function whose answer is a stream, in which it has something to say at its end.
async fn streams(_request: Request, host: World) -> Reply {
    host.log(Level::Warn, "before the stream");
    let pieces = stream::once(async move {
        host.log(Level::Warn, "in the stream");
        Bytes::from_static(b"piece")
    });
    let (parts, _) = reply(200, "text/event-stream", Bytes::new()).into_parts();
    http::Response::from_parts(parts, Body::Stream(pieces.boxed_local()))
}

#[test]
fn what_a_stream_says_is_told_when_it_has_ended() {
    let host = world(&[]);
    let reply = answer(request(None), host.clone(), streams).now_or_never().unwrap();
    assert!(is_done(&host));
    assert_eq!(bodies(&host, 0), ["before the stream"]);
    let Body::Stream(pieces) = reply.into_body() else { panic!("it is a stream") };
    assert_eq!(pieces.collect::<Vec<Bytes>>().now_or_never().unwrap().len(), 1);
    assert!(is_done(&host));
    assert_eq!((host.told.borrow().len(), bodies(&host, 1)), (2, vec!["in the stream".to_owned()]));
}
