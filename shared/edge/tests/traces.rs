//! Telling a collector of traces: what is due, once it is taken; later where it is not, and never what was said.
//! Database, queue and collector are made up.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;

use bytes::Bytes;
use futures_util::FutureExt;
use makegood_core::id::SagaId;
use makegood_core::time::Millis;
use makegood_core::trace::TraceId;
use makegood_edge::host::{FetchError, Host, Level};
use makegood_edge::traces::tell;
use makegood_edge::{Isolate, Settings};
use makegood_gateway::traces::{COUNT, FAIL, SETTLE, TAKE};
use makegood_gateway::{measures, views};
use serde_json::{Value, json};

const NOW: u64 = 1_777_636_800_000;
const DAY: u64 = 24 * 3_600_000;

type Values = BTreeMap<&'static str, &'static str>;
/// A statement, and its parameters.
type Written = (String, Vec<Value>);

#[derive(Clone)]
struct World {
    values: Rc<Values>,
    /// What is due.
    due: Rc<Value>,
    /// What is due after that, each time.
    next: Option<SagaId>,
    now: Rc<Cell<u64>>,
    /// How long the collector takes.
    takes: u64,
    /// What the collector answers, and how long it wants to be left alone; `None`: it gives no answer.
    answer: Option<(u16, &'static str)>,
    /// What it was told: the header that it knows us by, and the body.
    told: Rc<RefCell<Vec<(String, Value)>>>,
    /// It is time to tell how many there are of what.
    is_time: bool,
    measured: Rc<RefCell<Vec<Value>>>,
    /// The queue's page of dead letters; `None`: it is away.
    dead: Option<&'static str>,
    /// What was written: the statement, and its parameters.
    written: Rc<RefCell<Vec<Written>>>,
    /// The sagas of which the queue was given word.
    words: Rc<RefCell<Vec<Value>>>,
    said: Rc<RefCell<Vec<String>>>,
    isolate: Rc<Isolate>,
}

impl Host for World {
    async fn fetch(
        &self,
        request: makegood_gateway::Request,
        _timeout: Millis,
    ) -> Result<makegood_gateway::Response, FetchError> {
        let body: Value = serde_json::from_slice(request.body()).unwrap_or_default();
        let rows = |answer: &Value| {
            let answer = (!answer.is_null()).then(|| answer.to_string());
            Ok(http::Response::new(Bytes::from(json!({"rows": [[answer]]}).to_string())))
        };
        match request.uri().host() {
            Some("db.test") => {
                let statement = body["query"].as_str().unwrap().to_owned();
                if statement == TAKE {
                    return rows(&self.due);
                }
                if statement == COUNT {
                    return rows(&json!(self.is_time));
                }
                if statement == views::COUNT {
                    return rows(
                        &json!({"phases": {"stuck": 4}, "paused": 0, "causes": {}, "standings": {}, "tools": [],
                        "oldest_unfinished": null}),
                    );
                }
                if statement == measures::MEASURE {
                    return rows(&json!({"unwinding_since": NOW - 90_000, "overdue": 0, "overdue_since": null,
                        "woken_in_vain": 0, "asked_since": null, "deliveries_pending": 0, "deliveries_dead": 0,
                        "models": []}));
                }
                let answer = if statement == SETTLE { json!(self.next) } else { json!(0) };
                self.written.borrow_mut().push((statement, body["params"].as_array().unwrap().clone()));
                rows(&answer)
            }
            Some("redis.test") => Ok(http::Response::new(Bytes::from_static(br#"{"result":[]}"#))),
            Some("queue.test") if request.uri().path() == "/v2/dlq" => match self.dead {
                Some(page) => Ok(http::Response::new(Bytes::from_static(page.as_bytes()))),
                None => Err(FetchError::NotSent("it is away".to_owned())),
            },
            Some("queue.test") => {
                self.words.borrow_mut().push(body["saga"].clone());
                Ok(http::Response::new(Bytes::from_static(b"{}")))
            }
            _ if request.uri() == "https://otlp.test/v1/metrics" => {
                self.measured.borrow_mut().push(body);
                Ok(http::Response::new(Bytes::from_static(b"{}")))
            }
            _ => {
                assert_eq!(request.uri(), "https://otlp.test/v1/traces");
                let key = request.headers()["api-key"].to_str().unwrap().to_owned();
                self.told.borrow_mut().push((key, body));
                self.now.set(self.now.get() + self.takes);
                let Some((status, after)) = self.answer else {
                    return Err(FetchError::Unknown("nobody answers".to_owned()));
                };
                let response = http::Response::builder().status(status).header("retry-after", after);
                Ok(response.body(Bytes::from_static(b"{}")).unwrap())
            }
        }
    }

    fn now(&self) -> Millis {
        Millis(self.now.get())
    }

    fn random(&self) -> [u8; 16] {
        [7; 16]
    }

    fn config(&self, name: &str) -> Option<String> {
        self.values.get(name).map(|value| (*value).to_owned())
    }

    async fn sleep(&self, _span: Millis) {
        std::future::pending::<()>().await;
    }

    fn log(&self, _level: Level, line: &str) {
        self.said.borrow_mut().push(line.to_owned());
    }

    fn isolate(&self) -> Rc<Isolate> {
        Rc::clone(&self.isolate)
    }
}

fn saga(number: u8) -> SagaId {
    SagaId::new(Millis(NOW), [number; 10])
}

fn due(number: u8, phase: &str, tries: u32) -> Value {
    json!({"tries": tries, "story": {
        "id": saga(number), "owner": "ann", "title": "For Sam", "message": null, "phase": phase, "version": 3,
        "created_at": NOW - 50, "updated_at": NOW, "wake_at": null,
        "counters": {"invocations": 1, "commits": 2, "calls": 3, "bytes_read": 4, "bytes_written": 5, "sweeps": 0},
        "nodes": [], "journal": [{"seq": 3_000_000, "record": {"type": phase, "at": NOW, "inv": 1}}],
    }})
}

/// A collector that is told of these.
fn world(due: &[Value]) -> World {
    World {
        values: Rc::new(values(&[])),
        due: Rc::new(json!(due)),
        next: None,
        now: Rc::new(Cell::new(NOW)),
        takes: 0,
        answer: Some((200, "")),
        told: Rc::default(),
        is_time: false,
        measured: Rc::default(),
        dead: Some(r#"{"messages":[{}]}"#),
        written: Rc::default(),
        words: Rc::default(),
        said: Rc::default(),
        isolate: Rc::default(),
    }
}

fn values(more: &[(&'static str, &'static str)]) -> Values {
    let mut values = Values::from([
        ("database_http_url", "https://db.test/sql"),
        ("qstash_url", "https://queue.test"),
        ("redis_rest_url", "https://redis.test"),
        ("public_url", "https://me.test"),
        ("otlp_endpoint", "https://otlp.test"),
        ("otlp_headers", "api-key=hush"),
    ]);
    values.extend(more.iter().copied());
    values
}

fn tells(host: &World) -> usize {
    let settings = Settings::read(host).unwrap();
    tell(host, &settings, host.now()).now_or_never().unwrap().unwrap()
}

/// The traces that the collector was told of.
fn traces(host: &World) -> Vec<String> {
    let told = host.told.borrow();
    let spans =
        told.iter().flat_map(|(_, body)| body["resourceSpans"][0]["scopeSpans"][0]["spans"].as_array().unwrap());
    let roots = spans.filter(|span| span["name"] == "saga");
    roots.map(|span| span["traceId"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn what_is_due_is_told_in_one_request_and_settled_and_the_next_is_asked_for() {
    let all = [due(1, "completed", 0), due(2, "made_good", 0)];
    let host = World { next: Some(saga(9)), takes: 9_000, ..world(&all) };
    assert_eq!(tells(&host), 2);
    assert_eq!(traces(&host), [1, 2].map(|number| TraceId::of(&saga(number)).to_string()));
    assert_eq!(host.told.borrow().len(), 1);
    let (key, body) = host.told.borrow()[0].clone();
    assert_eq!(key, "hush");
    assert!(!body.to_string().contains("Sam"), "what was said stays here: {body}");
    let written = host.written.borrow();
    let [(statement, params)] = written.as_slice() else { panic!("{written:?}") };
    assert_eq!(statement, SETTLE);
    let told: Value = serde_json::from_str(params[1].as_str().unwrap()).unwrap();
    assert_eq!(told, json!([{"saga": saga(1), "version": 3}, {"saga": saga(2), "version": 3}]));
    assert_eq!(*host.words.borrow(), [json!(saga(9))]);
}

#[test]
fn what_is_not_taken_is_due_later_and_what_never_will_be_is_let_go() {
    for (answer, waits) in [(Some((503, "")), 8_000), (Some((429, "60")), 60_000), (None, 8_000)] {
        let host = World { answer, next: Some(saga(9)), ..world(&[due(1, "completed", 1), due(2, "completed", 0)]) };
        assert_eq!(tells(&host), 2);
        let written = host.written.borrow();
        let [(statement, params)] = written.as_slice() else { panic!("{written:?}") };
        assert_eq!(statement, FAIL);
        let number = |place: usize| params[place].as_str().unwrap().parse::<u64>().unwrap();
        assert_eq!((number(2), number(3)), (NOW + waits, NOW - 5 * DAY), "{answer:?}");
        assert!(host.words.borrow().is_empty(), "the sweep finds it");
        assert!(host.measured.borrow().is_empty(), "it is counted when it is told");
    }
    let host = World { answer: Some((400, "")), ..world(&[due(1, "completed", 0)]) };
    assert_eq!(tells(&host), 1);
    assert_eq!(host.written.borrow()[0].0, SETTLE);
    assert!(host.said.borrow().iter().any(|line| line.contains("400")), "{:?}", host.said);
}

#[test]
fn one_message_tells_as_many_one_by_one_as_a_quarter_of_its_time_bears() {
    let host = World { next: Some(saga(9)), takes: 1_000, ..world(&[due(1, "completed", 1)]) };
    assert_eq!(tells(&host), 3, "of ten seconds");
    assert_eq!(host.told.borrow().len(), 3);
    assert!(host.written.borrow().iter().all(|(statement, _)| statement == SETTLE), "each before the next is taken");
    assert_eq!(*host.words.borrow(), [json!(saga(9))]);
}

#[test]
fn what_is_not_drawn_is_settled_untold_and_what_was_undone_is_told() {
    let all = [due(1, "completed", 0), due(2, "made_good", 0)];
    let host = World { values: Rc::new(values(&[("otlp_sample", "0")])), ..world(&all) };
    assert_eq!(tells(&host), 2);
    assert_eq!(traces(&host), [TraceId::of(&saga(2)).to_string()]);
    let host = World { values: Rc::new(values(&[("otlp_sample", "0")])), ..world(&all[..1]) };
    assert_eq!(tells(&host), 1);
    assert!(host.told.borrow().is_empty());
    assert_eq!(host.written.borrow()[0].0, SETTLE);
}

#[test]
fn what_was_said_is_told_where_it_is_asked_for() {
    let host = World { values: Rc::new(values(&[("otlp_contents", "true")])), ..world(&[due(1, "completed", 0)]) };
    tells(&host);
    assert!(host.told.borrow()[0].1.to_string().contains("For Sam"));
}

/// The data points of a metric that was told.
fn points(body: &Value, metric: &str) -> Vec<Value> {
    let metrics = body["resourceMetrics"][0]["scopeMetrics"][0]["metrics"].as_array().unwrap();
    let told = metrics.iter().find(|told| told["name"] == metric);
    let kinds = ["gauge", "sum", "histogram"];
    let points = told.and_then(|told| kinds.iter().find_map(|kind| told[kind]["dataPoints"].as_array()));
    points.cloned().unwrap_or_default()
}

#[test]
fn how_everything_stands_is_told_when_it_is_time_whether_or_not_a_trace_is_due() {
    for (is_time, times) in [(true, 1), (false, 0)] {
        let host = World { is_time, ..world(&[]) };
        assert_eq!(tells(&host), 0);
        let measured = host.measured.borrow();
        assert_eq!(measured.len(), times, "{measured:?}");
        for body in measured.iter() {
            assert_eq!(points(body, "makegood.sagas")[4]["asInt"], 4);
            assert_eq!(points(body, "makegood.saga.oldest_unwinding")[0]["asDouble"], 90.0);
            assert_eq!(points(body, "makegood.queue.dead_letters")[0]["asInt"], 1);
        }
    }
}

#[test]
fn what_does_not_answer_is_down_and_the_rest_is_told_all_the_same() {
    let host = World { is_time: true, dead: None, ..world(&[]) };
    tells(&host);
    let measured = host.measured.borrow();
    let up: Vec<Value> =
        points(&measured[0], "makegood.dependency.up").iter().map(|point| point["asInt"].clone()).collect();
    assert_eq!(up, [1, 1, 0], "the database, Redis, and not the queue");
    assert_eq!(points(&measured[0], "makegood.queue.dead_letters"), [] as [Value; 0]);
    assert!(host.said.borrow().iter().any(|line| line.contains("it is away")), "{:?}", host.said);
}

#[test]
fn what_was_told_is_counted_also_where_it_is_not_drawn() {
    let all = [due(1, "completed", 0), due(2, "made_good", 0)];
    let host = World { values: Rc::new(values(&[("otlp_sample", "0")])), ..world(&all) };
    tells(&host);
    let measured = host.measured.borrow();
    let [body] = measured.as_slice() else { panic!("{measured:?}") };
    let durations = points(body, "makegood.saga.duration");
    let counts: Vec<&Value> = durations.iter().map(|point| &point["count"]).collect();
    assert_eq!(counts, [1, 1], "{durations:?}");
    assert!(points(body, "makegood.sagas").is_empty(), "it is not time to tell that");
}

#[test]
fn without_a_collector_nothing_is_asked_and_a_wrong_setting_says_which_it_is() {
    let host = World { values: Rc::new(values(&[("otlp_endpoint", "")])), ..world(&[due(1, "completed", 0)]) };
    assert_eq!(tells(&host), 0);
    assert!(host.written.borrow().is_empty() && host.told.borrow().is_empty());
    let host = World { values: Rc::new(values(&[("otlp_headers", "hush")])), ..world(&[]) };
    let settings = Settings::read(&host).unwrap();
    let error = tell(&host, &settings, host.now()).now_or_never().unwrap().unwrap_err();
    assert!(error.to_string().contains("otlp_headers") && !error.to_string().contains("hush"), "{error}");
}
