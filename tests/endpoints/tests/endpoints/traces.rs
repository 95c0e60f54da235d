//! Traces out, and back: what a collector was told is what the platform shows, with the caller's trace and over its
//! children; what functions log is told beside it; and what Tempo gives of it is shown as the journal's own.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::routing::post;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use makegood_core::trace::CONTENTS;
use makegood_endpoints::platform::{Options, Platform, answer};
use makegood_endpoints::{database, journal, poll, queue, town};
use makegood_gateway::hexadecimal;
use serde_json::{Value, json};

const PATIENCE: Duration = Duration::from_secs(60);
const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const CALLER: &str = "b7ad6b7169203331";
const OTHER: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

fn table() -> Value {
    json!({"id": "table", "tool": "book_restaurant_table", "params":
        {"restaurant": "Luigi's", "party_size": 2, "date": "2031-05-01", "time": "19:00", "name": "Ann"}})
}

fn ride() -> Value {
    json!({"id": "ride", "tool": "request_ride", "after": ["nap"], "params":
        {"pickup": "Home", "destination": "Luigi's", "date": "2031-05-01", "time": "18:30", "passengers": 2}})
}

async fn told_on(environment: &[(&str, &str)]) -> Platform {
    let environment = environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    let export = ("SPIN_VARIABLE_TRACE_EXPORT".to_owned(), "true".to_owned());
    let platform =
        Platform::start(Options { environment: environment.chain([export]).collect(), ..Options::default() });
    let platform = platform.await;
    // From here on the database notes what comes to rest.
    sweep(&platform).await;
    platform
}

async fn sweep(platform: &Platform) {
    let swept = answer(queue::delivery(platform, "/api/execute/sweep", "", "msg_sweep")).await;
    assert_eq!(swept.status, 200, "{swept:?}");
}

async fn started(platform: &Platform, plan: &Value, trace: &str) -> String {
    let request = platform.request("POST", "/api/execute").header("traceparent", trace);
    let answer = answer(request.json(&json!({"plan": plan}))).await;
    assert_eq!(answer.status, 202, "{answer:?}");
    answer.json()["saga"].as_str().unwrap().to_owned()
}

async fn trace_of(platform: &Platform, saga: &str) -> String {
    let story = platform.get(&format!("/api/debug/sagas/{saga}")).await;
    story["trace_id"].as_str().unwrap().to_owned()
}

fn spans(told: &Value) -> Vec<&Value> {
    let resources = told["resourceSpans"].as_array().unwrap();
    let scopes = resources.iter().flat_map(|resource| resource["scopeSpans"].as_array().unwrap());
    scopes.flat_map(|scope| scope["spans"].as_array().unwrap()).collect()
}

/// The spans of a trace as the platform shows them, in the words of both.
async fn shown(platform: &Platform, trace: &str) -> Vec<Value> {
    worded(&platform.get(&format!("/api/debug/traces/{trace}")).await)
}

/// Without what users and partners said.
fn worded(told: &Value) -> Vec<Value> {
    let word = |span: &Value| {
        let link = |link: &Value| link["spanId"].clone();
        let attributes = span["attributes"].as_array().unwrap().iter();
        let attributes = attributes.filter(|pair| !CONTENTS.contains(&pair["key"].as_str().unwrap()));
        json!({
            "id": span["spanId"], "parent": span["parentSpanId"], "name": span["name"], "kind": span["kind"],
            "start": span["startTimeUnixNano"], "end": span["endTimeUnixNano"],
            "attributes": attributes.collect::<Vec<_>>(),
            "links": span["links"].as_array().into_iter().flatten().map(link).collect::<Vec<_>>(),
            "status": span["status"]["code"],
        })
    };
    sorted(spans(told).into_iter().map(word).collect())
}

/// The same as the collector has them, which answers as Tempo does; `None` where it knows of no such trace.
async fn collected(platform: &Platform, trace: &str) -> Option<Vec<Value>> {
    let answer = answer(platform.request("GET", &format!("/emulators/otlp/api/v2/traces/{trace}"))).await;
    if answer.status == 404 {
        return None;
    }
    assert_eq!(answer.status, 200, "{answer:?}");
    let id = |id: &Value| id.as_str().map(|text| hexadecimal(&STANDARD.decode(text).unwrap()));
    let place = |names: &[&str], name: &Value| {
        names.iter().position(|known| name.as_str().unwrap_or(names[0]).ends_with(known)).unwrap()
    };
    let word = |span: &Value| {
        let link = |link: &Value| id(&link["spanId"]);
        json!({
            "id": id(&span["spanId"]), "parent": id(&span["parentSpanId"]), "name": span["name"],
            "kind": place(&["UNSPECIFIED", "INTERNAL", "SERVER", "CLIENT", "PRODUCER", "CONSUMER"], &span["kind"]),
            "start": span["startTimeUnixNano"], "end": span["endTimeUnixNano"], "attributes": span["attributes"],
            "links": span["links"].as_array().into_iter().flatten().map(link).collect::<Vec<_>>(),
            "status": place(&["UNSET", "OK", "ERROR"], &span["status"]["code"]),
        })
    };
    Some(sorted(spans(&answer.json()["trace"]).into_iter().map(word).collect()))
}

fn sorted(mut spans: Vec<Value>) -> Vec<Value> {
    spans.sort_by_key(|span| span["id"].as_str().unwrap().to_owned());
    spans
}

/// What the collector has when it has been told of so many spans at least.
async fn until_told(platform: &Platform, trace: &str, spans: usize) -> Vec<Value> {
    let told = poll(PATIENCE, Duration::from_millis(500), || async {
        // A sweep looks for what is overdue.
        sweep(platform).await;
        collected(platform, trace).await.filter(|told| told.len() >= spans)
    });
    match told.await {
        Some(told) => told,
        None => panic!("{trace} was not told: {:?}\n{}", collected(platform, trace).await, platform.complaints()),
    }
}

fn names(spans: &[Value]) -> Vec<&str> {
    spans.iter().map(|span| span["name"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn a_saga_with_retries_and_an_unwinding_is_told_as_it_is_shown() {
    let platform = told_on(&[]).await;
    town::fault(&platform, &json!({"tool": "book_restaurant_table", "kind": "error", "count": 2})).await;
    town::fault(&platform, &json!({"tool": "request_ride", "kind": "refuse"})).await;
    let nap = json!({"id": "nap", "wait": {"for_ms": 2500}, "after": ["table"]});
    let plan = json!({"summary": "Out for Ada", "steps": [table(), nap, ride()]});
    let saga = started(&platform, &plan, &format!("00-{TRACE}-{CALLER}-01")).await;
    assert_eq!(journal::rest(&platform, &saga, PATIENCE).await["phase"], "made_good");

    assert_eq!(trace_of(&platform, &saga).await, TRACE);
    let shown = shown(&platform, TRACE).await;
    let count = |name: &str| names(&shown).into_iter().filter(|known| *known == name).count();
    let calls = count("execute_tool book_restaurant_table") + count("status book_restaurant_table");
    assert!(calls >= 3, "{shown:#?}");
    assert!(count("wait retry") >= 1 && count("invocation 2") == 1, "it was tried again, and slept: {shown:#?}");
    assert_eq!((count("wait timer"), count("undo table")), (1, 1), "{shown:#?}");
    let root = shown.iter().find(|span| span["name"] == "saga").unwrap();
    assert_eq!((&root["parent"], &root["kind"], &root["status"]), (&json!(CALLER), &json!(2), &json!(2)));

    let told = until_told(&platform, TRACE, shown.len()).await;
    assert_eq!(told, shown);
    assert!(!json!(told).to_string().contains("Ada"), "what users said stays here");
}

#[tokio::test]
async fn a_child_is_of_its_parents_trace_below_the_call_that_runs_it() {
    let platform = told_on(&[]).await;
    let evening =
        json!({"id": "evening", "tool": "run_saga", "params": {"plan": {"summary": "An evening", "steps": [table()]}}});
    let saga = journal::execute(&platform, &json!({"summary": "Both", "steps": [evening]})).await;
    assert_eq!(journal::rest(&platform, &saga, PATIENCE).await["phase"], "completed");
    let trace = trace_of(&platform, &saga).await;
    let shown = shown(&platform, &trace).await;
    let ids: BTreeSet<&str> = shown.iter().map(|span| span["id"].as_str().unwrap()).collect();
    assert_eq!(ids.len(), shown.len(), "each has its own");
    let roots: Vec<&Value> = shown.iter().filter(|span| span["name"] == "saga").collect();
    assert_eq!(roots.len(), 2, "{shown:#?}");
    let child = roots.iter().find(|root| !root["parent"].is_null()).unwrap();
    let runs = shown.iter().find(|span| span["id"] == child["parent"]).unwrap();
    assert_eq!(runs["name"], "execute_tool run_saga");
    assert_eq!(until_told(&platform, &trace, shown.len()).await, shown);
}

#[tokio::test]
async fn what_a_message_starts_is_of_its_senders_trace_and_what_is_no_trace_is_passed_over() {
    let platform = Platform::start(Options::default()).await;
    let said = json!({"message": "Book a table for 4 at Luigi's tomorrow at 7pm", "utc_offset_minutes": 0});
    let request = platform.request("POST", "/api/chat").header("traceparent", format!("00-{TRACE}-{CALLER}-01"));
    let heard = answer(request.json(&said)).await;
    assert_eq!(heard.status, 202, "{heard:?}");
    assert_eq!(trace_of(&platform, heard.json()["saga"].as_str().unwrap()).await, TRACE);
    let plan = json!({"summary": "One", "steps": [table()]});
    let saga = started(&platform, &plan, &format!("00-{TRACE}-{CALLER}-1")).await;
    assert_ne!(trace_of(&platform, &saga).await, TRACE);
}

#[tokio::test]
async fn who_may_not_see_a_saga_sees_no_trace_of_it() {
    let platform = told_on(&[]).await;
    let saga = journal::execute(&platform, &json!({"summary": "One", "steps": [table()]})).await;
    journal::rest(&platform, &saga, PATIENCE).await;
    let address = format!("/api/debug/traces/{}", trace_of(&platform, &saga).await);
    let token = platform.token("bob").await;
    assert_eq!(answer(platform.request("GET", &address).bearer_auth(&token)).await.status, 404);
    let operator = platform.token_with("olga", &["--role", "operator"]).await;
    assert_eq!(answer(platform.request("GET", &address).bearer_auth(&operator)).await.status, 200);
    for nobodys in ["00000000000000000000000000000000", "sg_1", "0AF7651916CD43DD8448EB211C80319C"] {
        let answer = answer(platform.request("GET", &format!("/api/debug/traces/{nobodys}"))).await;
        assert_eq!(answer.status, 400, "{nobodys}: {answer:?}");
    }
}

#[tokio::test]
async fn what_went_well_is_told_by_its_share_and_what_was_undone_always() {
    let platform = told_on(&[("SPIN_VARIABLE_OTLP_SAMPLE", "0")]).await;
    let well = journal::execute(&platform, &json!({"summary": "One", "steps": [table()]})).await;
    assert_eq!(journal::rest(&platform, &well, PATIENCE).await["phase"], "completed");
    town::fault(&platform, &json!({"tool": "request_ride", "kind": "refuse"})).await;
    let mut ride = ride();
    ride["after"] = json!(["table"]);
    let undone = journal::execute(&platform, &json!({"summary": "Two", "steps": [table(), ride]})).await;
    assert_eq!(journal::rest(&platform, &undone, PATIENCE).await["phase"], "made_good");
    // They are told in the order in which they came to rest.
    until_told(&platform, &trace_of(&platform, &undone).await, 1).await;
    assert_eq!(collected(&platform, &trace_of(&platform, &well).await).await, None);
}

/// What the collector has of the log that was logged in a trace: the function, the words, and the span.
async fn logged(platform: &Platform, trace: &str) -> Vec<[String; 3]> {
    let told = platform.get(&format!("/emulators/otlp/api/logs?trace={trace}&limit=1000")).await;
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let line = |entry: &Value| {
        let attributes = entry["attributes"].as_array().unwrap();
        let function = attributes.iter().find(|pair| pair["key"] == "faas.name").unwrap();
        [text(&function["value"]["stringValue"]), text(&entry["body"]["stringValue"]), text(&entry["spanId"])]
    };
    told["logs"].as_array().unwrap().iter().map(line).collect()
}

#[tokio::test]
async fn what_a_request_logs_is_told_with_its_trace_and_what_others_said_is_not() {
    let platform = told_on(&[("SPIN_VARIABLE_OTLP_LOGS", "debug")]).await;
    let saga =
        started(&platform, &json!({"summary": "One", "steps": [table()]}), &format!("00-{TRACE}-{CALLER}-01")).await;
    assert_eq!(journal::rest(&platform, &saga, PATIENCE).await["phase"], "completed");
    // Somebody who only says to be the queue.
    let refused =
        platform.request("POST", "/api/execute/step").header("traceparent", format!("00-{OTHER}-{CALLER}-01"));
    assert_eq!(answer(refused.body("{}")).await.status, 401);

    let root = shown(&platform, TRACE).await.into_iter().find(|span| span["name"] == "saga").unwrap();
    let root = root["id"].as_str().unwrap().to_owned();
    let told = poll(PATIENCE, Duration::from_millis(100), || async {
        let (ours, others) = (logged(&platform, TRACE).await, logged(&platform, OTHER).await);
        let has = |lines: &[[String; 3]], words: &str, span: &str| {
            lines.iter().any(|[function, body, of]| function == "execute" && body.starts_with(words) && of == span)
        };
        // The wake is below the saga, and so is what it says.
        let all = has(&ours, "answered method=POST route=/api/execute status=202", CALLER)
            && has(&ours, "answered method=POST route=/api/execute/step status=200", &root)
            && has(&others, "bad_signature: …", CALLER);
        all.then_some(())
    });
    told.await.unwrap_or_else(|| panic!("{}", platform.complaints()));
}

/// A collector that takes everything, and keeps the metrics.
struct Meter {
    url: String,
    told: Arc<Mutex<Vec<Value>>>,
}

impl Meter {
    async fn start() -> Self {
        let told = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&told);
        let takes = async move |body: String| {
            kept.lock().unwrap().push(serde_json::from_str(&body).unwrap());
            "{}"
        };
        let router = axum::Router::new().route("/v1/metrics", post(takes)).route("/v1/traces", post(async || "{}"));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url, told }
    }

    /// The data points of a metric, of all that came: the values of their attributes in one line, and the point.
    fn points(&self, name: &str) -> Vec<(String, Value)> {
        let told = self.told.lock().unwrap();
        let mut found = Vec::new();
        for body in told.iter() {
            let metrics = body["resourceMetrics"][0]["scopeMetrics"][0]["metrics"].as_array().unwrap();
            for metric in metrics.iter().filter(|metric| metric["name"] == name) {
                let kind = ["gauge", "sum", "histogram"].into_iter().find(|kind| !metric[kind].is_null()).unwrap();
                for point in metric[kind]["dataPoints"].as_array().unwrap() {
                    let values = point["attributes"].as_array().unwrap().iter();
                    let values: Vec<&str> = values.map(|pair| pair["value"]["stringValue"].as_str().unwrap()).collect();
                    found.push((values.join(" "), point.clone()));
                }
            }
        }
        found
    }

    /// How many were counted of a metric with these values.
    fn counted(&self, name: &str, values: &str) -> u64 {
        let points = self.points(name);
        let counts = points.iter().filter(|(known, _)| known == values).map(|(_, point)| &point["count"]);
        counts.map(|count| count.as_u64().unwrap()).sum()
    }
}

#[tokio::test]
async fn what_was_told_of_is_measured_once_and_how_everything_stands_is_told_beside_it() {
    let meter = Meter::start().await;
    let host = ("SPIN_VARIABLE_OTLP_HOST", meter.url.as_str());
    let platform = told_on(&[host, ("SPIN_VARIABLE_OTLP_ENDPOINT", meter.url.as_str())]).await;
    town::fault(&platform, &json!({"tool": "request_ride", "kind": "refuse"})).await;
    let mut ride = ride();
    ride["after"] = json!(["table"]);
    let saga = journal::execute(&platform, &json!({"summary": "Out for Ada", "steps": [table(), ride]})).await;
    assert_eq!(journal::rest(&platform, &saga, PATIENCE).await["phase"], "made_good");

    let yes = json!(1);
    let told = poll(PATIENCE, Duration::from_millis(500), || async {
        // How everything stands is told every five minutes: here, whenever a machine was busy, once more.
        database::scalar(&platform, "update makegood.trace_told set counted_at = 0").await;
        sweep(&platform).await;
        let up = meter.points("makegood.dependency.up");
        let last = up.get(up.len().saturating_sub(3)..).unwrap_or_default();
        let stands = last.len() == 3 && last.iter().all(|(_, point)| point["asInt"] == yes);
        (stands && meter.counted("makegood.saga.duration", "made_good") > 0).then_some(())
    });
    told.await.unwrap_or_else(|| panic!("{:#?}\n{}", meter.told.lock().unwrap(), platform.complaints()));

    assert_eq!(meter.counted("makegood.saga.commits", "made_good"), 1);
    for call in ["book_restaurant_table do done", "request_ride do refused", "book_restaurant_table undo undone"] {
        assert_eq!(
            meter.counted("makegood.tool.duration", call),
            1,
            "{call}: {:#?}",
            meter.points("makegood.tool.duration")
        );
    }
    let up = meter.points("makegood.dependency.up");
    let up: Vec<&str> = up[up.len() - 3..].iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(up, ["database", "redis", "queue"]);
    for age in ["makegood.queue.oldest_overdue", "makegood.saga.oldest_unwinding", "makegood.approval.oldest"] {
        assert!(meter.points(age)[0].1["asDouble"].as_f64().is_some_and(|seconds| seconds >= 0.0), "{age}");
    }
    assert_eq!(meter.points("makegood.queue.dead_letters").last().unwrap().1["asInt"], 0);
    let told = json!(*meter.told.lock().unwrap()).to_string();
    assert!(!told.contains("Ada") && !told.contains("Ann") && !told.contains(&saga), "nobody is named: {told}");
}

/// A page of an operator's.
async fn page(platform: &Platform, address: &str, operator: &str) -> String {
    let answer = answer(platform.request("GET", address).bearer_auth(operator)).await;
    assert_eq!(answer.status, 200, "{address}: {answer:?}");
    answer.text
}

/// The rows of a waterfall: of each its span, what it looks like, its name, and all that stands behind that, bars
/// included. What it opens to is another matter.
fn rows(page: &str) -> Vec<[&str; 4]> {
    fn row(text: &str) -> Option<[&str; 4]> {
        let (id, row) = text.split_once('"')?;
        let (look, row) = row.split_once('>')?;
        let (head, rest) = row.split_once("<td>")?;
        let named = head.split_once("</summary>").or_else(|| head.split_once("</a>")).map_or(head, |(named, _)| named);
        Some([id, look, named.rsplit('>').next()?, rest.split("<tr").next()?])
    }
    let (_, table) = page.split_once("<tbody>").unwrap();
    let (table, _) = table.split_once("</tbody>").unwrap();
    table.split("<tr id=\"span-").skip(1).map(|text| row(text).unwrap()).collect()
}

#[tokio::test]
async fn a_trace_that_tempo_has_is_the_page_that_the_journal_makes() {
    let platform = told_on(&[("SPIN_VARIABLE_OTLP_CONTENTS", "true")]).await;
    let operator = platform.token_with("olga", &["--role", "operator"]).await;
    town::fault(&platform, &json!({"tool": "book_restaurant_table", "kind": "error", "count": 2})).await;
    town::fault(&platform, &json!({"tool": "request_ride", "kind": "refuse"})).await;
    let nap = json!({"id": "nap", "wait": {"for_ms": 2500}, "after": ["table"]});
    let plan = json!({"summary": "Out for Ada", "steps": [table(), nap, ride()]});
    let saga = started(&platform, &plan, &format!("00-{TRACE}-{CALLER}-01")).await;
    assert_eq!(journal::rest(&platform, &saga, PATIENCE).await["phase"], "made_good");
    let ours = shown(&platform, TRACE).await;
    until_told(&platform, TRACE, ours.len()).await;

    let address = format!("/debug/traces/{TRACE}");
    let made = page(&platform, &address, &operator).await;
    let read = page(&platform, &format!("{address}?source=tempo"), &operator).await;
    assert!(!made.contains("Read from Tempo.") && read.contains("Read from Tempo."), "{read}");
    assert!(read.contains("Out for Ada") && read.contains("made good"), "{read}");
    assert!(rows(&made).len() > 6, "{made}");
    assert_eq!(rows(&read), rows(&made));

    let told = platform.request("GET", &format!("/api/debug/traces/{TRACE}?source=tempo")).bearer_auth(&operator);
    assert_eq!(worded(&answer(told).await.json()), ours);
}

#[tokio::test]
async fn a_trace_of_others_is_an_operators_to_see() {
    let platform = told_on(&[]).await;
    let span = json!({
        "traceId": TRACE, "spanId": CALLER, "name": "<b>GET</b> /menu", "kind": 2,
        "startTimeUnixNano": "1777636800000000000", "endTimeUnixNano": "1777636800040000000",
        "attributes": [{"key": "http.route", "value": {"stringValue": "/menu"}}], "status": {},
    });
    let resource = json!({"attributes": [{"key": "service.name", "value": {"stringValue": "shop"}}]});
    let scopes = json!([{"scope": {"name": "shop.http"}, "spans": [span]}]);
    let sent = json!({"resourceSpans": [{"resource": resource, "scopeSpans": scopes}]});
    platform.post("/emulators/otlp/v1/traces", &sent, 200).await;

    let operator = platform.token_with("olga", &["--role", "operator"]).await;
    let read = page(&platform, &format!("/debug/traces/{TRACE}"), &operator).await;
    for there in ["Read from Tempo.", "&lt;b&gt;GET&lt;/b&gt; /menu", "http.route", "shop"] {
        assert!(read.contains(there), "{there}: {read}");
    }
    let token = platform.token("bob").await;
    let asked = |address: String, token: String| {
        let request = platform.request("GET", &address).bearer_auth(token);
        async move { answer(request).await.status }
    };
    let address = format!("/api/debug/traces/{TRACE}");
    assert_eq!(asked(address.clone(), operator.clone()).await, 200);
    assert_eq!(asked(address.clone(), token.clone()).await, 404);
    assert_eq!(asked(format!("{address}?source=tempo"), token).await, 403);
    assert_eq!(asked(format!("/debug/traces/{}", "1".repeat(32)), operator).await, 404);
}
