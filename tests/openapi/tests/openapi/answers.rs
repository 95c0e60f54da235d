//! Every operation on a running platform, well and badly: each answer is as the document says it.

use std::time::Duration;

use makegood_endpoints::form::form;
use makegood_endpoints::platform::Platform;
use makegood_endpoints::{hooks, poll, queue, sse, town};
use reqwest::RequestBuilder;
use serde_json::{Value, json};

use crate::contract::Contract;

const PATIENCE: Duration = Duration::from_secs(30);
const NOBODYS: &str = "sg_01k0000000000000000000zzzz";
const DINNER: &str = "Book a table for 4 at Luigi's tomorrow at 7pm, get us a ride there, and text Sam the details";

struct Run {
    platform: Platform,
    contract: Contract,
}

impl Run {
    async fn start() -> Self {
        let platform = Platform::start(hooks::options()).await;
        let contract = Contract::of(&platform).await;
        Self { platform, contract }
    }

    fn get(&self, path: &str) -> RequestBuilder {
        self.platform.request("GET", path)
    }

    fn post(&self, path: &str, body: &Value) -> RequestBuilder {
        self.platform.request("POST", path).json(body)
    }

    /// Asks, and asserts the status as well.
    async fn told(&self, request: RequestBuilder, status: u16) -> Value {
        let (got, body) = self.contract.ask(request).await;
        assert_eq!(got, status, "{body}");
        body
    }

    async fn begin(&self, plan: Value) -> String {
        let started = self.told(self.post("/api/execute", &json!({"plan": plan})), 202).await;
        started["saga"].as_str().unwrap().to_owned()
    }

    /// Waits until the saga is so, and answers with how it stands; every look is held against the document.
    async fn until(&self, saga: &str, is_so: impl Fn(&Value) -> bool) -> Value {
        let path = format!("/api/execute/{saga}");
        let found = poll(PATIENCE, Duration::from_millis(50), || async {
            Some(self.told(self.get(&path), 200).await).filter(&is_so)
        });
        found.await.unwrap_or_else(|| panic!("{saga} never came to be so: {}", self.platform.complaints()))
    }

    async fn rest(&self, saga: &str) -> Value {
        let rested = self.until(saga, makegood_endpoints::journal::at_rest).await;
        self.told(self.get(&format!("/api/debug/sagas/{saga}")), 200).await;
        self.told(self.get(&format!("/debug/sagas/{saga}")), 200).await;
        let story = self.told(self.get(&format!("/api/debug/sagas/{saga}")), 200).await;
        let trace = story["trace_id"].as_str().unwrap_or_default().to_owned();
        self.told(self.get(&format!("/api/debug/traces/{trace}")), 200).await;
        self.told(self.get(&format!("/debug/traces/{trace}")), 200).await;
        rested
    }

    /// Waits until a subscription has been brought something that was not taken.
    async fn until_told(&self, subscription: &str) {
        let failing = poll(PATIENCE, Duration::from_millis(50), || async {
            Some(self.told(self.get(subscription), 200).await).filter(|shown| shown.get("last_error").is_some())
        });
        failing.await.unwrap_or_else(|| panic!("{subscription} was told nothing: {}", self.platform.complaints()));
    }

    async fn stands(&self, saga: &str, step: &str, standing: &str) -> Value {
        let of = |saga: &Value| saga["steps"].as_array().unwrap().iter().find(|one| one["id"] == step).unwrap().clone();
        of(&self.until(saga, |saga| of(saga)["standing"] == standing).await)
    }
}

fn table(more: &Value) -> Value {
    let mut step = json!({"id": "table", "tool": "book_restaurant_table",
        "params": {"restaurant": "Luigi's", "party_size": 2, "date": "2031-05-01", "time": "19:00", "name": "Ann"}});
    step.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    step
}

fn bench(id: &str) -> Value {
    json!({"id": id, "tool": "bench_effect", "params": {"n": 1}})
}

#[tokio::test]
async fn every_operation_answers_as_the_document_says() {
    let run = Run::start().await;
    messages(&run).await;
    sagas(&run).await;
    people(&run).await;
    trouble(&run).await;
    schedules(&run).await;
    breakers(&run).await;
    callbacks(&run).await;
    strangers(&run).await;
    subscriptions(&run).await;
    operators(&run).await;
    agents(&run).await;
    observation(&run).await;
    badly(&run).await;

    let seen = run.contract.seen();
    for id in run.contract.operations() {
        let statuses = seen.get(id).map(Vec::as_slice).unwrap_or_default();
        let good = statuses.iter().any(|status| *status < 400);
        assert!(good, "{id} was answered with {statuses:?} only");
    }
}

async fn messages(run: &Run) {
    for message in [
        DINNER,
        "Book a table at Luigi's",
        "Wibble the frobnicator, my dear",
        "Don't pay Anna",
        "Text Sam \"hello\"",
        "Book a table and a ride tomorrow",
    ] {
        run.told(run.post("/api/intent", &json!({"message": message})), 200).await;
    }
    let asked = run.told(run.post("/api/chat", &json!({"message": "Book a table at Luigi's"})), 200).await;
    let conversation = asked["conversation"].as_str().expect("it goes on").to_owned();
    run.told(run.post("/api/intent", &json!({"message": "for 4 tomorrow at 7pm", "conversation": conversation})), 200)
        .await;
    let keyed = json!({"message": DINNER, "key": "dinner", "time_zone": "Europe/Berlin", "locale": "de"});
    let started = run.told(run.post("/api/chat", &keyed), 202).await;
    run.told(run.post("/api/chat", &keyed), 202).await;
    run.told(run.post("/api/chat", &json!({"message": "Text Sam \"bye\"", "key": "dinner"})), 422).await;
    run.rest(started["saga"].as_str().unwrap()).await;
    let undone = json!({"message": "Cancel that", "conversation": started["conversation"]});
    run.contract.ask(run.post("/api/chat", &undone)).await;
    run.told(run.post("/api/chat", &json!({"message": "Yes", "conversation": "cv_01k0000000000000000000zzzz"})), 404)
        .await;

    let stream = run.post("/api/chat", &json!({"message": DINNER})).header("accept", "text/event-stream");
    let (status, text) = run.contract.ask(stream).await;
    assert_eq!(status, 200);
    let events = sse::events(text.as_str().unwrap());
    assert_eq!(events.last().map(|event| event.name.as_str()), Some("end"), "{events:#?}");
    let question =
        run.post("/api/chat", &json!({"message": "Book a table at Luigi's"})).header("accept", "text/event-stream");
    let (_, text) = run.contract.ask(question).await;
    for event in events.into_iter().chain(sse::events(text.as_str().unwrap())) {
        run.contract.event(&event.name, &event.data);
    }
}

async fn sagas(run: &Run) {
    let many = json!({"id": "many", "tool": "bench_effect", "params": {"n": "$item"}, "each": {"in": [1, 2], "concurrency": 1}});
    let either = json!({"id": "either", "tool": "bench_effect", "params": {"n": 1}, "or": [{"params": {"n": 2}}]});
    let paid = json!({"id": "paid", "wait": {"event": {"name": "paid", "within_ms": 30_000}}, "after": ["many"]});
    let last = json!({"id": "last", "tool": "bench_query", "params": {"n": 1},
        "when": {"left": "$paid.amount", "is": ">", "right": 100}, "retry": {"attempts": 2, "base_ms": 10, "cap_ms": 10}});
    let whole = json!({"plan": {"summary": "All kinds", "steps": [many, either, paid, last]}, "key": "all-kinds",
        "deadline_ms": 60_000, "budget": {"calls": 50, "cost_minor": 100_000}, "priority": "high"});
    let started = run.told(run.post("/api/execute", &whole), 202).await;
    assert_eq!(run.told(run.post("/api/execute", &whole), 202).await["created"], false);
    let id = started["saga"].as_str().unwrap();
    run.stands(id, "paid", "waiting").await;
    let verb = |verb: &str| format!("/api/execute/{id}/{verb}");
    run.told(run.post(&verb("pause"), &json!({})), 202).await;
    run.told(run.platform.request("POST", &verb("resume")), 202).await;
    let (status, _) =
        run.contract.ask(run.post(&verb("events"), &json!({"name": "paid", "payload": {"amount": 1}}))).await;
    assert!([200, 202].contains(&status));
    run.rest(id).await;
    run.told(run.post(&verb("cancel"), &json!({})), 200).await;
    let told = run.told(run.get(&verb("events")), 200).await;
    let told = sse::numbered(told.as_str().unwrap());
    told.iter().for_each(|event| run.contract.data("CloudEvent", &event.data));
    let last = told.last().expect("something happened").id;
    run.told(run.get(&verb("events")).header("last-event-id", last), 204).await;
    run.told(run.get(&verb("events")).header("last-event-id", "x"), 400).await;

    let nap = json!({"summary": "Nap", "steps": [table(&json!({})), {"id": "nap", "wait": {"for_ms": 60_000}, "after": ["table"]}]});
    let id = run.begin(nap).await;
    run.stands(&id, "nap", "waiting").await;
    let another = json!({"plan": {"summary": "Less", "steps": [bench("a"), {"id": "nap", "wait": {"for_ms": 60_000}}]}, "note": "Less"});
    let (status, body) = run.contract.ask(run.post(&format!("/api/execute/{id}/replan"), &another)).await;
    assert!([200, 202].contains(&status), "{status} {body}");
    let (status, body) = run.contract.ask(run.post(&format!("/api/execute/{id}/cancel"), &json!({}))).await;
    assert!([200, 202].contains(&status), "{status} {body}");
    assert_eq!(run.rest(&id).await["phase"], "made_good");
}

async fn people(run: &Run) {
    let plan = |approval: Value| json!({"summary": "A table", "steps": [table(&json!({"approval": approval}))]});
    let id = run.begin(plan(json!({"question": "Shall I?"}))).await;
    let asked = run.stands(&id, "table", "asking").await;
    let yes = json!({"step": "table", "hash": asked["approval"]["hash"], "note": "Do."});
    run.told(
        run.post(&format!("/api/execute/{id}/approve"), &json!({"step": "table", "hash": "0123456789abcdef"})),
        409,
    )
    .await;
    let (status, _) = run.contract.ask(run.post(&format!("/api/execute/{id}/approve"), &yes)).await;
    assert!([200, 202].contains(&status));
    run.rest(&id).await;

    let id = run.begin(plan(json!({}))).await;
    run.stands(&id, "table", "asking").await;
    let (status, _) = run.contract.ask(run.post(&format!("/api/execute/{id}/reject"), &json!({"step": "table"}))).await;
    assert!([200, 202].contains(&status));
    assert_eq!(run.rest(&id).await["phase"], "made_good");

    let id = run.begin(plan(json!({}))).await;
    run.stands(&id, "table", "asking").await;
    let link =
        run.told(run.post(&format!("/api/execute/{id}/links"), &json!({"step": "table", "for": "ann"})), 201).await;
    let token = json!({"token": link["token"]});
    run.told(run.post("/api/execute/decisions/look", &token), 200).await;
    let decision = json!({"token": link["token"], "approve": true, "note": "Yes."});
    run.told(run.post("/api/execute/decisions", &decision), 200).await;
    run.told(run.post("/api/execute/decisions", &json!({"token": "nonsense", "approve": true})), 404).await;
    run.rest(&id).await;
    pages(run, &plan(json!({}))).await;
}

/// The same by the link's page.
async fn pages(run: &Run, plan: &Value) {
    let id = run.begin(plan.clone()).await;
    run.stands(&id, "table", "asking").await;
    let link = async |body: Value| {
        let made = run.told(run.post(&format!("/api/execute/{id}/links"), &body), 201).await;
        made["token"].as_str().unwrap().to_owned()
    };
    let token = link(json!({"step": "table", "for": "ann"})).await;
    let brief = link(json!({"step": "table", "for": "ann", "expires_ms": 1})).await;
    run.told(run.get("/api/execute/decisions/form"), 405).await;
    for path in ["/approve", "/approve/approve.css", "/approve/approve.js"] {
        run.told(run.get(path), 200).await;
        run.told(run.platform.request("PUT", path), 405).await;
    }
    let (shows, decides) = ("/approve", "/api/execute/decisions/form");
    let form = |path: &str, token: &str, decision: &str| {
        form(run.platform.request("POST", path), &[("token", token), ("decision", decision)])
    };
    run.told(form(shows, &token, ""), 200).await;
    for path in [shows, decides] {
        run.told(form(path, &brief, "approve"), 410).await;
        run.told(form(path, "nonsense", "approve"), 404).await;
        run.told(form(path, &token, "approve").header("origin", "https://evil.example"), 403).await;
        run.told(form(path, &"a".repeat(1 << 17), "approve"), 413).await;
    }
    run.told(form(decides, &token, "perhaps"), 400).await;
    run.told(form(decides, &token, "approve"), 200).await;
    for path in [shows, decides] {
        run.told(form(path, &token, "reject"), 409).await;
    }
    run.rest(&id).await;
}

/// Sagas that turn round, and one that needs a person.
async fn trouble(run: &Run) {
    let ride = json!({"id": "ride", "tool": "request_ride", "after": ["table"], "params": {
        "pickup": "Home", "destination": "Luigi's", "date": "2031-05-01", "time": "18:30", "passengers": 2}});
    let plan = json!({"summary": "Out", "steps": [table(&json!({})), ride]});
    town::fault(&run.platform, &json!({"tool": "request_ride", "kind": "refuse"})).await;
    let id = run.begin(plan.clone()).await;
    assert_eq!(run.rest(&id).await["phase"], "made_good");
    town::fault(&run.platform, &json!({"tool": "book_restaurant_table", "kind": "refuse", "op": "undo"})).await;
    let id = run.begin(plan.clone()).await;
    assert_eq!(run.rest(&id).await["phase"], "stuck");
    run.contract.ask(run.post(&format!("/api/execute/{id}/retry"), &json!({"step": "table"}))).await;
    run.rest(&id).await;
    let word = json!({"step": "table", "done": false, "note": "I rang them."});
    run.contract.ask(run.post(&format!("/api/execute/{id}/resolve"), &word)).await;
    run.rest(&id).await;
    town::no_faults(&run.platform).await;
    town::fault(&run.platform, &json!({"tool": "request_ride", "kind": "slow", "delay_ms": 300})).await;
    let id = run.begin(plan).await;
    run.rest(&id).await;
    town::no_faults(&run.platform).await;
}

async fn schedules(run: &Run) {
    let plan = json!({"summary": "Every morning", "steps": [bench("a")]});
    let daily =
        json!({"id": "daily", "cron": "0 9 * * *", "plan": plan, "deadline_ms": 60_000, "budget": {"calls": 3}});
    run.told(run.post("/api/execute/schedules", &daily), 201).await;
    run.told(run.post("/api/execute/schedules", &daily), 200).await;
    run.told(run.post("/api/execute/schedules", &json!({"id": "daily", "cron": "1 9 * * *", "plan": plan})), 409).await;
    run.told(run.post("/api/execute/schedules", &json!({"id": "never", "cron": "0 0 30 2 *", "plan": plan})), 400)
        .await;
    let all = queue::ask(&run.platform, "GET", "schedules", &[], "").await.json();
    let ours = all.as_array().unwrap().iter().find(|one| one["scheduleId"] != "makegood-sweeper").unwrap();
    let firing = json!({"schedule": ours["scheduleId"]}).to_string();
    let fire = |message| queue::delivery(&run.platform, "/api/execute/scheduled", &firing, message);
    let fired = run.told(fire("msg_1"), 200).await;
    run.told(fire("msg_1"), 200).await;
    run.rest(fired["saga"].as_str().unwrap()).await;
    run.told(run.get("/api/execute/schedules"), 200).await;
    run.told(run.get("/api/execute/schedules/daily"), 200).await;
    run.told(run.post("/api/execute/schedules/daily/pause", &json!({})), 200).await;
    assert_eq!(run.told(fire("msg_2"), 200).await["why"], "paused");
    run.told(run.platform.request("POST", "/api/execute/schedules/daily/resume"), 200).await;
    run.told(run.platform.request("DELETE", "/api/execute/schedules/daily"), 200).await;
    run.told(run.get("/api/execute/schedules/daily"), 404).await;
    run.told(fire("msg_3"), 200).await;
}

async fn breakers(run: &Run) {
    let path = |verb: &str| format!("/api/execute/breakers/request_ride/{verb}");
    for (verb, stands) in [("open", "forced_open"), ("close", "forced_closed"), ("reset", "closed")] {
        let told = run.told(run.post(&path(verb), &json!({})), 200).await;
        let one = told["breakers"].as_array().unwrap().iter().find(|one| one["name"] == "request_ride").unwrap();
        assert_eq!(one["stands"], stands, "{told}");
    }
    run.told(run.platform.request("POST", &path("reset")), 200).await;
    run.told(run.get("/api/execute/breakers"), 200).await;
    run.told(run.post("/api/execute/breakers/a%20b/open", &json!({})), 400).await;
    run.told(run.post(&path("open"), &json!({"unheard_of": 1})), 400).await;
    run.told(run.post(&path("open"), &json!({})).bearer_auth("nonsense"), 401).await;
    run.told(run.get(&path("open")), 405).await;
}

async fn callbacks(run: &Run) {
    let id = run.begin(json!({"summary": "One", "steps": [bench("a")]})).await;
    let rested = run.rest(&id).await;
    let wake = json!({"saga": id, "version": rested["version"]}).to_string();
    run.told(queue::delivery(&run.platform, "/api/execute/step", &wake, "msg_a"), 200).await;
    let nobody = json!({"saga": NOBODYS, "version": 1}).to_string();
    assert_eq!(
        run.told(queue::delivery(&run.platform, "/api/execute/step", &nobody, "msg_b"), 200).await["ended"],
        "unknown"
    );
    run.told(queue::delivery(&run.platform, "/api/execute/step", "{}", "msg_c"), 400).await;
    run.told(queue::delivery(&run.platform, "/api/execute/sweep", "", "msg_d"), 200).await;
    let word = json!({"conversation": "cv_01k0000000000000000000zzzz", "owner": "ann", "at": 1}).to_string();
    run.told(queue::delivery(&run.platform, "/api/execute/wish", &word, "msg_e"), 200).await;
    let due = json!({"source": "github", "key": "nobody's"}).to_string();
    run.told(queue::delivery(&run.platform, "/api/execute/delivery", &due, "msg_f"), 200).await;
    for path in ["step", "sweep", "scheduled", "wish", "delivery"] {
        run.told(run.post(&format!("/api/execute/{path}"), &json!({})), 401).await;
    }
}

async fn strangers(run: &Run) {
    for (source, body) in [
        ("github", r#"{"by": "start", "data": "Hello"}"#),
        ("standard", r#"{"by": "nobody"}"#),
        ("slack", r#"{"event_id": "e1"}"#),
        ("twilio", "Body=Hello"),
    ] {
        let delivery = hooks::signed(&run.platform.url, source, ("id1", "push"), body.as_bytes());
        run.told(delivery.request(&run.platform), 200).await;
        run.told(delivery.request(&run.platform), 200).await;
    }
    run.told(run.post("/api/webhook/github", &json!({})), 401).await;
    let listed = run.told(run.get("/api/debug/webhooks?limit=10"), 200).await;
    assert_eq!(listed["deliveries"].as_array().unwrap().len(), 4, "{listed}");
    run.told(run.get("/api/debug/webhooks?limit=0"), 400).await;
}

async fn subscriptions(run: &Run) {
    // Nobody takes events there.
    let body = json!({"url": format!("{}/nowhere", run.platform.url), "types": ["makegood.saga.*"]});
    let made = run.told(run.post("/api/subscriptions", &body), 201).await;
    let one = format!("/api/subscriptions/{}", made["subscription"].as_str().unwrap());
    let listed = run.told(run.get("/api/subscriptions"), 200).await;
    assert_eq!(listed["subscriptions"].as_array().unwrap().len(), 1, "{listed}");
    let tried = run.told(run.post(&format!("{one}/test"), &json!({})), 200).await;
    assert_eq!(tried["taken"], false, "{tried}");
    let saga = run.begin(json!({"summary": "One", "steps": [bench("a")]})).await;
    run.rest(&saga).await;
    run.until_told(&one).await;
    let rotated = run.told(run.platform.request("POST", &format!("{one}/rotate")), 200).await;
    assert_ne!(rotated["secret"], made["secret"]);
    run.told(run.post(&format!("{one}/enable"), &json!({})), 200).await;
    run.told(run.post(&format!("{one}/enable"), &json!({"unheard_of": 1})), 400).await;
    run.told(run.get("/api/subscriptions/ably"), 200).await;
    let news = json!({"saga": saga}).to_string();
    run.told(queue::delivery(&run.platform, "/api/subscriptions/bring", &news, "msg_g"), 200).await;
    run.told(queue::delivery(&run.platform, "/api/subscriptions/bring", "{}", "msg_h"), 400).await;
    run.told(run.post("/api/subscriptions/bring", &json!({})), 401).await;
    run.told(run.post("/api/subscriptions", &json!({"url": "nowhere"})), 400).await;
    run.told(run.platform.request("DELETE", &one), 200).await;
    for verb in ["rotate", "enable", "test"] {
        run.told(run.post(&format!("{one}/{verb}"), &json!({})), 404).await;
    }
    run.told(run.get(&one), 404).await;
    run.told(run.platform.request("PUT", &one), 405).await;
}

async fn operators(run: &Run) {
    let page = run.told(run.get("/api/audit?limit=5"), 200).await;
    assert_eq!(page["entries"].as_array().unwrap().len(), 5, "{page}");
    assert_eq!(page["entries"][0]["hash"], page["head"]["hash"], "{page}");
    run.told(run.get("/api/audit?limit=0"), 400).await;
    let token = run.platform.token("eve").await;
    run.told(run.get("/api/audit").bearer_auth(&token), 403).await;
}

async fn agents(run: &Run) {
    let ask = |body: Value| run.post("/mcp", &body).header("accept", "application/json, text/event-stream");
    run.told(ask(json!({"jsonrpc": "2.0", "id": 1, "method": "tools/list"})), 200).await;
    run.told(ask(json!({"jsonrpc": "2.0", "id": "a", "method": "ping"})), 200).await;
    run.told(ask(json!({"jsonrpc": "2.0", "id": 2, "method": "nonsense"})), 200).await;
    run.told(ask(json!({"jsonrpc": "2.0", "method": "notifications/initialized"})), 202).await;
    run.told(ask(json!({"jsonrpc": "1.0", "id": 3, "method": "ping"})), 400).await;
    run.told(ask(json!([])), 400).await;
    run.told(run.post("/mcp", &json!({})), 406).await;
    let form = run.platform.request("POST", "/mcp").header("accept", "application/json, text/event-stream");
    run.told(form.header("content-type", "text/plain").body("{}"), 415).await;
    run.told(run.get("/mcp"), 405).await;
}

async fn observation(run: &Run) {
    for path in [
        "/api/debug/health",
        "/api/debug/sagas",
        "/api/debug/sagas?limit=2&before=99999999999999&saga=sg_01k0000000000000000000zzzz",
        "/api/debug/sagas?phase=completed&tool=book_restaurant_table",
        "/api/debug/sagas?phase=person&text=Luigi&span=week&by=changed&from=2026-01-01&to=2099-12-31T23:59",
        "/api/debug/counts",
        "/api/debug/counts?owner=*&days=2",
        "/api/debug/models",
        "/api/debug/models?days=2",
        "/api/debug/queue",
        "/api/debug/queue?limit=1&after=5&saga=sg_01k0000000000000000000zzzz&before=99999999999999",
        "/api/debug/approvals",
        "/api/debug/approvals?limit=1&after=5&saga=sg_01k0000000000000000000zzzz&node=3",
        "/api/debug/breakers",
        "/debug/queue",
        "/debug/queue?follow=1&before=5",
        "/debug/queue?due=5&work=schedule/daily&before=5&letter=github/72d3162e&changed=5&subscriber=sub_1",
        "/debug/approvals",
        "/debug/limits",
        "/debug/tools",
        "/debug/tools?days=2&after=book_restaurant_table",
        "/debug/health",
        "/debug/security",
        "/debug/security?before=3",
        "/",
        "/debug/chat.css",
        "/debug/chat.js",
        "/debug/card.js",
        "/debug",
        "/debug/sagas",
        "/debug/login",
        "/debug/debug.css",
        "/debug/docs.css",
        "/debug/waterfall.css",
        "/debug/waterfall.js",
        "/debug/console.css",
        "/debug/console.js",
        "/api/docs",
        "/api/openapi.json",
    ] {
        run.told(run.get(path), 200).await;
    }
    let token = run.platform.token_with("olga", &["--role", "operator"]).await;
    let form = |token: &str| {
        let request = run.platform.request("POST", "/debug/login");
        request.header("content-type", "application/x-www-form-urlencoded").body(format!("token={token}"))
    };
    run.told(form(&token), 303).await;
    run.told(run.get("/debug/sagas").header("cookie", format!("__session={token}")), 200).await;
    run.told(run.platform.request("POST", "/debug/logout"), 303).await;
    run.told(run.get("/debug/traces/nonsense"), 400).await;
    run.told(run.get(&format!("/debug/traces/{}", "1".repeat(32))), 404).await;
    for address in ["/debug/traces", "/api/debug/traces"] {
        // There is no Tempo.
        run.told(run.get(&format!("{address}/{}?source=tempo", "1".repeat(32))), 400).await;
    }
    run.told(run.get("/api/debug/sagas?phase=over"), 400).await;
    run.told(run.get("/api/debug/sagas?from=yesterday"), 400).await;
    run.told(run.get("/api/debug/counts?days=0"), 400).await;
    run.told(run.get("/api/debug/counts?owner=eve").bearer_auth(run.platform.token("ann").await), 403).await;
    run.told(form("nonsense"), 401).await;
    run.told(form(&run.platform.token("eve").await), 403).await;
    run.told(form(&token).header("origin", "https://evil.example"), 403).await;
    run.told(run.get("/api/debug/webhooks?owner=eve").bearer_auth(&token), 200).await;
    let page = run.platform.request("GET", "/api/docs").send().await.unwrap();
    assert!(page.headers()["content-security-policy"].to_str().unwrap().contains("frame-ancestors 'none'"));
}

async fn badly(run: &Run) {
    let token = run.platform.token("eve").await;
    let saga = format!("/api/execute/{NOBODYS}");
    let mut posts = vec!["/api/chat".to_owned(), "/api/intent".to_owned(), "/api/execute".to_owned()];
    posts.extend(["/api/execute/schedules".to_owned(), "/api/subscriptions".to_owned()]);
    posts.extend(["events", "resolve", "approve", "reject", "replan", "links"].map(|verb| format!("{saga}/{verb}")));
    for path in &posts {
        run.told(run.platform.request("POST", path).bearer_auth("nonsense").body("{}"), 401).await;
        run.told(run.post(path, &json!({})).header("origin", "https://evil.example"), 403).await;
        let (status, _) = run.contract.ask(run.platform.request("POST", path).body("a".repeat((1 << 20) + 1))).await;
        // Whose saga it is comes before what is said of it.
        assert!([413, 404].contains(&status), "{path}: {status}");
        run.contract.ask(run.platform.request("POST", path).body("{")).await;
        run.contract.ask(run.post(path, &json!({"unheard_of": 1}))).await;
        run.told(run.platform.request("PATCH", path), 405).await;
    }
    for plan in [json!({"steps": []}), json!({"steps": [{"id": "a", "tool": "launch_rocket"}]})] {
        run.told(run.post("/api/execute", &json!({"plan": plan})), 422).await;
    }
    let poor = json!({"plan": {"steps": [table(&json!({}))]}, "budget": {"calls": 0}});
    run.contract.ask(run.post("/api/execute", &poor)).await;
    for path in [&saga, "/api/execute/schedules/none", &format!("/api/debug/sagas/{NOBODYS}")] {
        run.told(run.get(path).bearer_auth(&token), 404).await;
        run.told(run.platform.request("PUT", path), 405).await;
    }
    for path in [
        "/api/execute/nonsense",
        "/api/debug/sagas/nonsense",
        "/debug/sagas/nonsense",
        "/api/debug/sagas?limit=0",
        "/api/debug/queue?limit=0",
        "/api/debug/approvals?node=x",
        "/debug/security?before=x",
        "/debug/tools?days=0",
    ] {
        run.told(run.get(path), 400).await;
    }
    for path in [
        "/api/debug/sagas?owner=bob",
        "/api/debug/webhooks?owner=bob",
        "/api/debug/queue",
        "/api/debug/approvals",
        "/api/debug/breakers",
        "/debug/sagas",
        "/debug/queue",
        "/debug/approvals",
        "/debug/limits",
        "/debug/tools",
        "/debug/health",
        "/debug/security",
    ] {
        run.told(run.get(path).bearer_auth(&token), 403).await;
    }
    let page = format!("/debug/sagas/{NOBODYS}");
    run.told(run.get(&page).bearer_auth(&token), 403).await;
    run.told(run.get(&page), 404).await;
    run.told(run.platform.request("PUT", &page), 405).await;
    for verb in ["cancel", "pause", "resume", "retry"] {
        run.told(run.post(&format!("{saga}/{verb}"), &json!({})), 404).await;
        run.told(run.post(&format!("/api/execute/nonsense/{verb}"), &json!({})), 400).await;
    }
    run.told(run.post("/api/webhook/nobody", &json!({})), 404).await;
    run.told(run.get("/api/webhook/stripe"), 405).await;
}
