//! The table of settings against what the functions do: a function needs a setting if, and only if, it asks for it
//! and does something else where it is something else.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use makegood_cloud::Issuer;
use makegood_core::id::SagaId;
use makegood_core::time::Millis;
use makegood_core::trace::TraceId;
use makegood_edge::futures_util::{FutureExt, StreamExt};
use makegood_edge::gateway::webhook::{self, sources};
use makegood_edge::gateway::{
    Request as Sent, Response, alerts, conversations, deliveries, jwt, store, subscriptions, traces, views,
};
use makegood_edge::host::{Body, FetchError, Level};
use makegood_edge::later::Later;
use makegood_edge::logs::gather;
use makegood_edge::outward::answer;
use makegood_edge::routes::ROUTES;
use makegood_edge::settings::{Kind, NAMES, TABLE};
use makegood_edge::{Bytes, Host, Isolate, Reply, Request, http};
use serde_json::{Value, json};

const NOW: u64 = 1_777_636_800_000;
const ISSUER: &str = "https://issuer.test";
const QUEUE_KEY: &str = "signs deliveries";
const NEXT_KEY: &str = "signs them next";
const PUBLIC: &str = "https://me.test";
/// Another site, whose pages may call.
const SITE: &str = "https://app.test";
/// Whoever is told of events: their address is nobody's setting.
const SUBSCRIBER: &str = "https://hooks.test/in";

/// A value for every setting.
fn values() -> BTreeMap<String, String> {
    let value = |name: &'static str| match name {
        "database_http_url" => "https://db.test/sql",
        "redis_rest_url" => "https://redis.test",
        "qstash_url" => "https://queue.test",
        "public_url" => PUBLIC,
        "tools_url" => "https://tools.test",
        "mcp_servers" => "{}",
        "tool_secrets" => "{}",
        "cors_origins" => SITE,
        "alert_url" => "https://alerts.test/hook",
        "jwks_url" => "https://issuer.test/.well-known/jwks.json",
        "issuers" => r#"{"https://issuer.test": {}}"#,
        "anonymous_role" => "user",
        "qstash_current_signing_key" => QUEUE_KEY,
        "qstash_next_signing_key" => NEXT_KEY,
        "allow_anonymous" => "true",
        "time_budget_ms" => "20000",
        "kill_ms" => "30000",
        "user_concurrency" => "3",
        "breakers" => "{}",
        "model_url" => "https://model.test/v1",
        "fallback_model_url" => "https://second.test/v1",
        "model_price" => "0.15/0.60",
        "fallback_model_price" => "1/2",
        "model_timeout_ms" => "5000",
        "model_cache_ms" => "60000",
        "model_silence_ms" => "1500",
        "model_tools" => "book_restaurant_table,search_restaurants",
        "webhook_sources" => {
            r#"{"any": {"scheme": "github", "secrets": ["hush"], "owner": "ada", "rules": [{"then": {"event": {"name": "n"}}}]}}"#
        }
        "subscriptions_inside" => "false",
        "ably_url" => "https://ably.test",
        "ably_key" => "app.id:hush",
        "otlp_endpoint" => "https://otlp.test",
        "otlp_headers" => "api-key=hush",
        "otlp_logs" => "debug",
        "otlp_sample" => "1",
        "tempo_url" => "https://tempo.test",
        "tempo_headers" => "api-key=hush",
        "otlp_contents" => "false",
        "trace_export" => "true",
        "limits" => r#"{"failed": {"rate": 9}}"#,
        "limits_fallback" => "isolate",
        "limits_mode" => "enforce",
        "trusted_proxy_hops" => "1",
        other => other,
    };
    NAMES.into_iter().map(|name| (name.to_owned(), value(name).to_owned())).collect()
}

/// Another one, as good.
fn other(name: &str) -> String {
    match name {
        "allow_anonymous" => "false".to_owned(),
        "anonymous_role" => "operator".to_owned(),
        "issuers" => json!({ISSUER: {"parties": ["https://app.test"]}}).to_string(),
        "jwks_url" => "https://other.test/.well-known/jwks.json".to_owned(),
        "time_budget_ms" | "kill_ms" => "60000".to_owned(),
        "model_timeout_ms" => "4000".to_owned(),
        "model_cache_ms" => "120000".to_owned(),
        "model_silence_ms" => "0".to_owned(),
        "model_price" | "fallback_model_price" => "3/4".to_owned(),
        "model_tools" => "book_restaurant_table".to_owned(),
        "user_concurrency" => "7".to_owned(),
        "webhook_sources" => values()[name].replace("hush", "another"),
        "subscriptions_inside" | "otlp_contents" => "true".to_owned(),
        "trace_export" => "false".to_owned(),
        // Their values are not shown.
        "otlp_headers" | "tempo_headers" => "other-key=hush".to_owned(),
        "otlp_logs" => "off".to_owned(),
        "otlp_sample" => "0".to_owned(),
        "limits" => "off".to_owned(),
        "limits_fallback" => "open".to_owned(),
        "limits_mode" => "shadow".to_owned(),
        "trusted_proxy_hops" => "2".to_owned(),
        "breakers" => "off".to_owned(),
        _ => format!("{}x", values()[name]),
    }
}

/// Notes what it is asked for and what is sent; its database answers as if one saga were there.
#[derive(Clone)]
struct Recorder {
    values: Rc<BTreeMap<String, String>>,
    asked: Rc<RefCell<BTreeSet<String>>>,
    trace: Rc<RefCell<Vec<String>>>,
    clock: Rc<Cell<u64>>,
    /// How often it was asked about limits.
    counted: Rc<Cell<u32>>,
    /// Nothing is due.
    quiet: bool,
    isolate: Rc<Isolate>,
    later: Later,
}

impl Recorder {
    fn with(values: BTreeMap<String, String>) -> Self {
        Self {
            values: Rc::new(values),
            asked: Rc::default(),
            trace: Rc::default(),
            clock: Rc::new(Cell::new(NOW)),
            counted: Rc::default(),
            quiet: false,
            isolate: Rc::default(),
            later: Later::default(),
        }
    }

    fn answer(&self, query: &Value) -> Value {
        let statement = query["query"].as_str().unwrap_or_default();
        match statement {
            store::TOOLS => makegood_town::definitions()
                .into_iter()
                .map(|tool| (tool["name"].as_str().unwrap().to_owned(), tool))
                .collect::<serde_json::Map<_, _>>()
                .into(),
            store::CREATE | store::CREATE_READ => json!({"id": query["params"][0], "created": true, "same": true}),
            store::CREATE_SAGA_IN => json!({
                "lost": false, "saga": {"id": query["params"][0], "created": true, "same": true},
                "conversation": query["params"][13],
            }),
            conversations::SAVE => json!(1),
            conversations::SWEEP => json!([]),
            deliveries::TAKE => json!({"new": true, "state": "pending"}),
            subscriptions::CREATE => subscription("webhook"),
            subscriptions::LIST => json!([]),
            subscriptions::OPEN_ABLY => json!(false),
            subscriptions::SETTLE => json!("told"),
            subscriptions::TAKE => {
                let cursor = |kind: &str| {
                    json!({
                        "subscription": subscription(kind), "seq": 0, "upto": 1, "tries": 0, "failing_since": null,
                        "journal": [],
                    })
                };
                json!({
                    "owner": "ada", "title": "A saga", "message": null, "reading": null, "created_at": NOW, "nodes": [],
                    "cursors": [cursor("webhook"), cursor("ably")],
                })
            }
            store::SWEEP if self.quiet => json!({"sagas": [], "schedules": []}),
            alerts::DUE if self.quiet => json!([]),
            store::SWEEP => json!({"sagas": [{"id": id(), "version": 2, "sweep": 1}], "schedules": []}),
            views::LIST => json!({"sagas": [], "upto": null}),
            store::FOLLOW => story("forward"),
            traces::TAKE => json!([{"tries": 0, "story": story("completed")}]),
            traces::OF_TRACE => json!([id()]),
            alerts::DUE => json!([
                {
                    "saga": id(), "why": "stuck", "about": "table", "phase": "stuck", "owner": "ada", "title": "A saga",
                    "since": NOW, "said": 0
                }
            ]),
            _ => Value::Null,
        }
    }
}

impl Host for Recorder {
    async fn fetch(&self, request: Sent, timeout: Millis) -> Result<Response, FetchError> {
        let body = String::from_utf8_lossy(request.body()).into_owned();
        // Whoever follows a saga that never ends comes to the end of their time.
        self.clock.set(self.clock.get() + 100);
        let line = format!("{} {} {:?} {timeout} {body}", request.method(), request.uri(), request.headers());
        self.trace.borrow_mut().push(line);
        let body = match request.uri().host() {
            Some(host) if host.starts_with("issuer") => issuer().jwks(),
            // One that has to be told the script first, then knows nobody, and after that is away.
            Some(host) if host.starts_with("redis") && body.contains("makegood:limit:") => {
                self.counted.set(self.counted.get() + 1);
                match self.counted.get() {
                    1 => json!({"error": "NOSCRIPT No matching script."}),
                    2 => json!({"result": [NOW * 1000, 1000, 0]}),
                    _ => return Err(FetchError::Unknown("nobody answers".to_owned())),
                }
            }
            // One that says that it took the lease.
            Some(host) if host.starts_with("redis") && request.uri().path().ends_with("/pipeline") => {
                json!([{"result": "OK"}, {"result": []}])
            }
            Some(host) if host.starts_with("redis") => json!({"result": "OK"}),
            // The first will not, and the second asks back: both want to be paid.
            Some(host) if host.starts_with("model") => model(&json!({"content": null, "refusal": "No."})),
            Some(host) if host.starts_with("second") => {
                model(&json!({"content": r#"{"summary": "", "steps": [], "question": "Where to?"}"#}))
            }
            Some(host) if host.starts_with("queue") => json!({"messageId": "m"}),
            _ => {
                let answer = Some(self.answer(&serde_json::from_slice(request.body()).unwrap_or_default()));
                json!({"rows": [[answer.filter(|answer| !answer.is_null()).map(|answer| answer.to_string())]]})
            }
        };
        Ok(http::Response::new(Bytes::from(body.to_string())))
    }

    fn now(&self) -> Millis {
        Millis(self.clock.get())
    }

    fn random(&self) -> [u8; 16] {
        [7; 16]
    }

    fn config(&self, name: &str) -> Option<String> {
        self.asked.borrow_mut().insert(name.to_owned());
        self.values.get(name).cloned()
    }

    fn isolate(&self) -> Rc<Isolate> {
        Rc::clone(&self.isolate)
    }

    async fn sleep(&self, span: Millis) {
        if span >= Millis(2_000) {
            // A patience: whatever is waited for comes first.
            std::future::pending::<()>().await;
        }
        self.clock.set(self.clock.get() + span.0);
    }

    fn log(&self, level: Level, line: &str) {
        self.trace.borrow_mut().push(format!("{level:?} {line}"));
        gather(self, level, line);
    }

    fn later(&self) -> Option<&Later> {
        Some(&self.later)
    }
}

fn subscription(kind: &str) -> Value {
    json!({
        "id": "sub_1", "owner": "ada", "kind": kind, "everyone": false, "url": SUBSCRIBER, "types": [],
        "state": "active", "why": null, "generation": 1, "previous_until": null, "failing_since": null,
        "last_error": null, "created_at": NOW, "updated_at": NOW,
    })
}

fn story(phase: &str) -> Value {
    json!({
        "id": id(), "owner": "ada", "title": "A saga", "message": null, "phase": phase, "version": 3,
        "created_at": NOW, "updated_at": NOW, "wake_at": null, "nodes": [{
            "ix": 0, "id": "table", "tool": "book_restaurant_table", "version": "1", "class": "compensatable", "deps": [],
            "params": {},
        }], "journal": [],
        "counters": {
            "invocations": 1, "commits": 2, "calls": 3, "bytes_read": 4, "bytes_written": 5, "sweeps": 0
        },
    })
}

/// A model's answer.
fn model(message: &Value) -> Value {
    json!({
        "choices": [{"message": message, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 100, "completion_tokens": 10},
    })
}

/// Who signs users' tokens.
fn issuer() -> Issuer {
    Issuer::new(ISSUER, "a secret")
}

fn id() -> SagaId {
    SagaId::new(Millis(NOW), [1; 10])
}

fn request(method: &str, path: &str, headers: &[(&str, &str)], body: &Value) -> Request {
    let mut request = http::Request::builder().method(method).uri(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let body = if body.is_null() { Bytes::new() } else { Bytes::from(body.to_string()) };
    request.body(body).unwrap()
}

/// One of the queue's.
fn delivered(path: &str, body: &Value, key: &str) -> Request {
    let claims = json!({
        "iss": "Upstash", "sub": format!("{PUBLIC}{path}"), "exp": NOW / 1000 + 100, "nbf": NOW / 1000 - 100,
        "body": jwt::body_hash(body.to_string().as_bytes()),
    });
    request("POST", path, &[("upstash-signature", &jwt::sign(&claims, key))], body)
}

/// A signature of GitHub's.
fn from_github(body: &Value) -> String {
    let source = &sources::read(&values()["webhook_sources"]).unwrap()["any"];
    let signed = webhook::sign(&source.trust, "", ("", ""), body.to_string().as_bytes(), Millis(NOW)).unwrap();
    signed.into_iter().find(|(name, _)| name == "x-hub-signature-256").unwrap().1
}

/// Requests that between them make each function do what it does.
fn requests(function: &str) -> Vec<Request> {
    let token = issuer().sign(json!({"sub": "ada", "exp": NOW / 1000}));
    let bearer = format!("Bearer {token}");
    let signed = bearer.as_str();
    let operator = issuer().sign(json!({"sub": "olga", "roles": "operator", "exp": NOW / 1000}));
    let operator = format!("Bearer {operator}");
    let said = json!({"message": "Book a table for 4 at Luigi's tomorrow at 7pm", "utc_offset_minutes": 0});
    let strange = json!({"message": "Wibble the frobnicator, my dear", "utc_offset_minutes": 0});
    // Nobody is signed in, and comes through two proxies.
    let from_ours = [("origin", PUBLIC), ("x-forwarded-for", "192.0.2.1, 192.0.2.2")];
    let from_theirs = [("origin", SITE)];
    match function {
        "chat" => vec![
            request("POST", "/api/chat", &from_ours, &said),
            request("POST", "/api/chat", &[("authorization", signed)], &said),
            request("POST", "/api/chat", &[("authorization", signed), ("accept", "text/event-stream")], &said),
            request("POST", "/api/chat", &from_theirs, &said),
            request("POST", "/api/chat", &[("authorization", signed)], &strange),
        ],
        "intent" => vec![
            request("POST", "/api/intent", &from_ours, &said),
            request("POST", "/api/intent", &[("authorization", signed)], &said),
            request("POST", "/api/intent", &from_theirs, &said),
            request("POST", "/api/intent", &[("authorization", signed)], &strange),
        ],
        "webhook" => vec![
            request("POST", "/api/webhook/any", &from_ours, &said),
            request("POST", "/api/webhook/any", &[("x-hub-signature-256", &from_github(&said))], &said),
            request("GET", "/api/subscriptions", &from_ours, &Value::Null),
            request("GET", "/api/subscriptions", &from_theirs, &Value::Null),
            request("POST", "/api/subscriptions", &[("authorization", signed)], &json!({"url": SUBSCRIBER})),
            request("POST", "/api/subscriptions", &[("authorization", signed)], &json!({"url": "http://127.0.0.1:9/"})),
            request("GET", "/api/subscriptions/ably", &[("authorization", signed)], &Value::Null),
            delivered("/api/subscriptions/bring", &json!({"saga": id()}), QUEUE_KEY),
            delivered("/api/subscriptions/bring", &json!({"saga": id()}), NEXT_KEY),
        ],
        "debug" => vec![
            request("GET", "/api/debug/health", &from_ours, &Value::Null),
            request("GET", "/api/debug/sagas", &[("authorization", signed)], &Value::Null),
            request(
                "GET",
                &format!("/api/debug/traces/{}", TraceId::of(&id())),
                &[("authorization", signed)],
                &Value::Null,
            ),
            request(
                "GET",
                &format!("/api/debug/traces/{}?source=tempo", TraceId::of(&id())),
                &[("authorization", operator.as_str())],
                &Value::Null,
            ),
            request("GET", "/debug", &from_ours, &Value::Null),
            request("GET", "/debug", &from_theirs, &Value::Null),
            request("GET", "/api/debug/breakers", &[("authorization", operator.as_str())], &Value::Null),
        ],
        "execute" => vec![
            request("GET", &format!("/api/execute/{}", id()), &from_ours, &Value::Null),
            request("GET", &format!("/api/execute/{}", id()), &from_theirs, &Value::Null),
            request("GET", &format!("/api/execute/{}", id()), &[("authorization", signed)], &Value::Null),
            delivered("/api/execute/step", &json!({"saga": id(), "version": 1}), QUEUE_KEY),
            delivered("/api/execute/sweep", &json!({}), NEXT_KEY),
        ],
        other => panic!("there is no function {other}"),
    }
}

/// Everything that a function does with these settings, in words.
fn behaviour(function: &str, values: BTreeMap<String, String>) -> (String, BTreeSet<String>) {
    let host = Recorder::with(values);
    let mut all = Vec::new();
    for request in requests(function) {
        // Tokens are good until now; the clock begins before that.
        host.clock.set(NOW - 10_000);
        all.push(serve(function, request, &host));
    }
    all.append(&mut host.trace.borrow_mut());
    let asked = host.asked.borrow().clone();
    (all.join("\n"), asked)
}

#[expect(clippy::expect_used, reason = "a test that cannot go on has failed")]
fn serve(function: &str, request: Request, host: &Recorder) -> String {
    // What one request had fail is not to shut the next one out.
    let host = Recorder { isolate: Rc::default(), later: Later::default(), ..host.clone() };
    let answered = async {
        let to = host.clone();
        let reply: Reply = match function {
            "chat" => answer(request, to, makegood_chat::handle).await,
            "intent" => answer(request, to, makegood_intent::handle).await,
            "execute" => answer(request, to, makegood_execute::handle).await,
            "webhook" => answer(request, to, makegood_webhook::handle).await,
            _ => answer(request, to, makegood_debug::handle).await,
        };
        let (parts, body) = reply.into_parts();
        let text = match body {
            Body::Full(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
            Body::Stream(pieces) => {
                let pieces: Vec<Bytes> = pieces.collect().await;
                pieces.iter().map(|piece| String::from_utf8_lossy(piece).into_owned()).collect()
            }
        };
        host.later.run(&host).await;
        format!("{} {:?} {text}", parts.status, parts.headers)
    };
    answered.now_or_never().expect("nothing here waits")
}

const FUNCTIONS: [&str; 5] = ["chat", "intent", "execute", "webhook", "debug"];

#[test]
fn the_table_has_every_variable_that_the_functions_ask_for_and_no_other() {
    let asked: BTreeSet<String> = FUNCTIONS.iter().flat_map(|function| behaviour(function, values()).1).collect();
    let table: BTreeSet<String> = TABLE.iter().map(|setting| setting.name.to_owned()).collect();
    assert_eq!(asked, table);
}

/// Needed by a saga under way only, which takes a whole platform: the endpoints' tests have them, as
/// `turns.rs` and `sleeping.rs`, and the driver's own those of secrets.
const UNDER_WAY: [(&str, &str); 4] = [
    ("execute", "tools_url"),
    ("execute", "tool_secrets"),
    ("execute", "time_budget_ms"),
    ("execute", "user_concurrency"),
];

#[test]
fn a_function_needs_what_makes_it_do_something_else_and_nothing_more() {
    for function in FUNCTIONS {
        let (usual, _) = behaviour(function, values());
        let needed: BTreeSet<&str> = NAMES
            .into_iter()
            .filter(|name| {
                let mut values = values();
                values.insert((*name).to_owned(), other(name));
                behaviour(function, values).0 != usual
            })
            .collect();
        let wanted: BTreeSet<&str> = TABLE
            .iter()
            .filter(|setting| setting.needed_by(function) && !UNDER_WAY.contains(&(function, setting.name)))
            .map(|setting| setting.name)
            .collect();
        assert_eq!(needed, wanted, "{function}, which usually does this:\n{usual}");
    }
}

#[test]
fn a_function_calls_the_addresses_that_the_table_says_and_no_other() {
    for function in FUNCTIONS {
        let host = Recorder::with(values());
        for request in requests(function) {
            host.clock.set(NOW - 10_000);
            serve(function, request, &host);
        }
        let trace = host.trace.borrow();
        let called: BTreeSet<&str> = trace.iter().filter_map(|line| line.split(' ').nth(1)).collect();
        let called = called.into_iter().filter(|url| url.starts_with("https://") && *url != SUBSCRIBER);
        let setting = |url: &str| {
            let all = values();
            let within = |name: &&str| url.starts_with(all[*name].as_str());
            NAMES.into_iter().find(within).unwrap_or_else(|| panic!("{function} called {url}"))
        };
        let called: BTreeSet<&str> = called.map(setting).collect();
        let wanted: BTreeSet<&str> = TABLE
            .iter()
            .filter(|setting| matches!(setting.kind, Kind::Called { .. }) && setting.needed_by(function))
            .filter(|setting| !UNDER_WAY.contains(&(function, setting.name)))
            .map(|setting| setting.name)
            .collect();
        assert_eq!(called, wanted, "{function}");
    }
}

/// What docs/DEPLOY.md says that a minute costs in which nothing happens.
#[test]
fn a_sweep_with_nothing_due_asks_the_database_six_times_and_five_without_mcp_servers() {
    let asked = |servers: &str| {
        let mut values = values();
        values.insert("mcp_servers".to_owned(), servers.to_owned());
        values.remove("otlp_endpoint");
        let host = Recorder { quiet: true, ..Recorder::with(values) };
        let reply = serve("execute", delivered("/api/execute/sweep", &json!({}), NEXT_KEY), &host);
        assert!(reply.starts_with("200"), "{reply}");
        let trace = host.trace.borrow();
        let sent: Vec<&str> = trace.iter().filter_map(|line| line.split(' ').nth(1)).collect();
        let to_the_database = sent.iter().filter(|url| url.starts_with("https://db.test/")).count();
        assert_eq!(sent.iter().filter(|url| url.starts_with("https://")).count(), to_the_database, "{sent:?}");
        to_the_database
    };
    assert_eq!(asked("{}"), 6);
    assert_eq!(asked(""), 5);
}

/// Of these lines the rate, the errors and the times of addresses are made: docs/METRICS.md.
#[test]
fn every_function_says_in_its_log_what_it_answered_and_nothing_of_what_was_asked_for() {
    for (function, path, route) in [
        ("chat", "/api/chat", "/api/chat"),
        ("intent", "/api/intent/", "/api/intent"),
        ("execute", "/api/execute/hush/cancel", "/api/execute/{saga}/cancel"),
        ("webhook", "/api/webhook/hush", "/api/webhook/{source}"),
        ("debug", "/api/debug/sagas/hush", "/api/debug/sagas/{saga}"),
        ("debug", "/api/debug/nothing/hush", "-"),
    ] {
        let mut values = values();
        values.remove("otlp_endpoint");
        let host = Recorder::with(values);
        let reply = serve(function, request("PATCH", path, &[], &Value::Null), &host);
        let status = &reply[..3];
        let line = format!("Debug answered method=PATCH route={route} status={status} ms=0");
        assert_eq!(*host.trace.borrow(), [line]);
    }
}

#[test]
fn every_route_leads_to_a_function_that_serves_it() {
    for (route, function) in ROUTES {
        let served = |path: &str| {
            let host = Recorder::with(values());
            let reply = serve(function, request("PATCH", path, &[], &Value::Null), &host);
            // Of an address that is served, the method is refused; of any other, the address.
            !reply.starts_with("404")
        };
        let path = match route.strip_suffix("...") {
            None => route.to_owned(),
            Some("/api/execute/") => "/api/execute/step".to_owned(),
            Some("/api/debug/") => "/api/debug/sagas".to_owned(),
            Some("/debug/") => "/debug".to_owned(),
            Some("/approve/") => "/approve".to_owned(),
            Some(base) => format!("{base}any"),
        };
        assert!(served(&path), "{path} is not served by {function}");
    }
}

#[test]
fn the_names_stand_in_order_and_every_setting_explains_itself() {
    assert!(NAMES.is_sorted());
    for setting in TABLE {
        assert!(!setting.meaning.is_empty() && !setting.source.is_empty(), "{}", setting.name);
    }
}
