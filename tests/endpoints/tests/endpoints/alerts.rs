//! Alerts: people are told of a saga that needs one, once, again when it lasts, and when it is over.

use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::http::HeaderMap;
use axum::routing::post;
use makegood_endpoints::platform::{Options, Platform, answer};
use makegood_endpoints::{database, journal, poll, queue, town};
use makegood_gateway::jwt;
use serde_json::{Value, json};

const PATIENCE: Duration = Duration::from_secs(30);
/// Long enough for a message that should not be there.
const QUIET: Duration = Duration::from_secs(2);

/// Whoever is told.
struct Pager {
    url: String,
    got: Arc<Mutex<Vec<(HeaderMap, String)>>>,
}

impl Pager {
    async fn start() -> Self {
        let got = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&got);
        let takes = async move |headers: HeaderMap, body: String| kept.lock().unwrap().push((headers, body));
        let router = axum::Router::new().route("/pager", post(takes));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/pager", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url, got }
    }

    async fn platform(&self) -> Platform {
        Platform::start(Options::arguments(&["--alert-url", &self.url])).await
    }

    /// The messages, when so many have come, and no more come.
    async fn messages(&self, count: usize) -> Vec<Value> {
        let came = poll(PATIENCE, Duration::from_millis(50), || async {
            (self.got.lock().unwrap().len() >= count).then_some(())
        });
        came.await.unwrap_or_else(|| panic!("{count} were expected, and came {:?}", self.got.lock().unwrap()));
        tokio::time::sleep(QUIET).await;
        let got = self.got.lock().unwrap();
        assert_eq!(got.len(), count, "{got:#?}");
        got.iter().map(|(_, body)| serde_json::from_str(body).unwrap()).collect()
    }
}

async fn sweep(platform: &Platform) {
    let swept = answer(queue::delivery(platform, "/api/execute/sweep", "", "msg_sweep")).await;
    assert_eq!(swept.status, 200, "{swept:?}");
}

/// A table, and a ride that nobody drives.
fn evening() -> Value {
    json!({"summary": "An evening", "steps": [
        {"id": "table", "tool": "book_restaurant_table", "params": {
            "restaurant": "Luigi's", "party_size": 2, "date": "2031-05-01", "time": "19:00", "name": "Ann"}},
        {"id": "ride", "tool": "request_ride", "params": {
            "pickup": "Home", "destination": "$table.address", "date": "2031-05-01", "time": "18:30", "passengers": 2}},
    ]})
}

#[tokio::test]
async fn people_are_told_of_a_stuck_saga_once_and_when_it_is_over() {
    let pager = Pager::start().await;
    let platform = pager.platform().await;
    town::fault(&platform, &json!({"tool": "request_ride", "kind": "refuse"})).await;
    town::fault(&platform, &json!({"tool": "book_restaurant_table", "kind": "refuse", "op": "undo"})).await;
    let id = journal::execute(&platform, &evening()).await;
    assert_eq!(journal::rest(&platform, &id, PATIENCE).await["phase"], "stuck");
    for _ in 0..3 {
        sweep(&platform).await;
    }
    let told = &pager.messages(1).await[0];
    let page = format!("{}/debug/sagas/{id}", platform.url);
    assert_eq!((&told["alert"], &told["saga"], &told["said"]), (&json!("stuck"), &json!(id), &json!(0)), "{told:#}");
    assert_eq!((&told["owner"], &told["title"]), (&json!("anonymous"), &json!("An evening")), "{told:#}");
    assert_eq!(told["page"], page.as_str());
    assert!(told["text"].as_str().unwrap().contains(&page), "{told:#}");
    assert!(platform.complaints().contains(&format!("alert: {id} stuck")), "the log says it too");

    // Who gets it can see that the queue sent it.
    let (headers, body) = pager.got.lock().unwrap()[0].clone();
    let signature = headers["upstash-signature"].to_str().unwrap();
    let claims: Value = jwt::verify(signature, &[&queue::signing_key(&platform)]).unwrap();
    assert_eq!((&claims["sub"], &claims["body"]), (&json!(pager.url), &json!(jwt::body_hash(body.as_bytes()))));

    // An hour later it is said again.
    let hour: u64 = database::scalar(&platform, "select due_at from makegood.need").await.unwrap().parse().unwrap();
    let now = u64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis()).unwrap();
    assert!(hour.abs_diff(now + 3_600_000) < 120_000, "{hour}, and it is {now}");
    database::scalar(&platform, "update makegood.need set due_at = 0").await;
    sweep(&platform).await;
    assert_eq!(pager.messages(2).await[1]["said"], 1);

    let word = json!({"step": "table", "done": false, "note": "Luigi has put it back."});
    let resolved = answer(platform.request("POST", &format!("/api/execute/{id}/resolve")).json(&word)).await;
    assert!(resolved.status < 300, "{resolved:?}");
    assert_eq!(journal::rest(&platform, &id, PATIENCE).await["phase"], "made_good");
    for _ in 0..2 {
        sweep(&platform).await;
    }
    let over = &pager.messages(3).await[2];
    assert_eq!((&over["alert"], &over["phase"]), (&json!("over"), &json!("made_good")), "{over:#}");
}

#[tokio::test]
async fn people_are_told_of_a_saga_that_has_been_unwinding_for_an_hour() {
    let pager = Pager::start().await;
    let platform = pager.platform().await;
    town::fault(&platform, &json!({"tool": "request_ride", "kind": "refuse"})).await;
    town::fault(&platform, &json!({"tool": "book_restaurant_table", "kind": "busy", "op": "undo"})).await;
    let id = journal::execute(&platform, &evening()).await;
    let turned = poll(PATIENCE, Duration::from_millis(50), || async {
        Some(journal::status(&platform, &id).await).filter(|saga| saga["phase"] == "unwinding")
    });
    turned.await.expect("it turns round");
    sweep(&platform).await;
    pager.messages(0).await;
    database::scalar(&platform, "update makegood.need set due_at = due_at - 3600000, since = since - 3600000").await;
    for _ in 0..2 {
        sweep(&platform).await;
    }
    let told = &pager.messages(1).await[0];
    assert_eq!((&told["alert"], &told["saga"]), (&json!("unwinding"), &json!(id)), "{told:#}");
    assert!(told["text"].as_str().unwrap().contains("has been unwinding for 1 h"), "{told:#}");

    // One of which nobody was told before it was undone is no news.
    database::scalar(&platform, "update makegood.need set said = 0").await;
    town::no_faults(&platform).await;
    assert_eq!(journal::rest(&platform, &id, Duration::from_secs(90)).await["phase"], "made_good");
    sweep(&platform).await;
    assert_eq!(database::scalar(&platform, "select count(*) from makegood.need").await.as_deref(), Some("0"));
    pager.messages(1).await;
}

/// A saga that goes forward and waits for days, and does nothing meanwhile.
async fn waiting(platform: &Platform) -> String {
    let plan = json!({"summary": "Patience", "steps": [
        {"id": "paid", "wait": {"event": {"name": "paid", "within_ms": 86_400_000}}}]});
    let id = journal::execute(platform, &plan).await;
    let waits = poll(PATIENCE, Duration::from_millis(50), || async {
        let saga = journal::status(platform, &id).await;
        (saga["wake_at"].as_u64() > Some(now() + 3_600_000)).then_some(())
    });
    waits.await.expect("it waits");
    id
}

fn now() -> u64 {
    u64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis()).unwrap()
}

#[tokio::test]
async fn people_are_told_of_what_goes_forward_and_needs_them() {
    let pager = Pager::start().await;
    let platform = pager.platform().await;
    let old = now() - 7_200_000;
    // How each stands, what it is then told to need a person for, and what people are told to do.
    let cases = [
        (
            json!({"paused": true, "drifting": "book_restaurant_table"}),
            "",
            "drifting",
            "book_restaurant_table has changed",
        ),
        (json!({"open": {"0": {"j": "held", "n": 1, "s": old, "o": "status"}}}), "", "held", "needs a person for paid"),
        (json!({"open": {"0": {"j": "ask", "n": 9, "s": old}}}), "", "unsettled", "has tried to settle paid for 2 h"),
        // A build that is older than its head.
        (json!({"v": 99}), ", idle_wakes = 10", "silent", "has been woken for 2 h"),
        (json!({"cause": {"why": "deadline"}}), "", "failing", "is to be undone"),
        // These need nobody.
        (json!({}), ", idle_wakes = 2", "", ""),
        (json!({"open": {"0": {"j": "held", "n": 1, "s": old}}}), "", "", ""),
        (json!({"open": {"0": {"j": "ask", "n": 9, "s": now()}}}), "", "", ""),
    ];
    let mut wanted = Vec::new();
    for (head, more, why, words) in cases {
        let id = waiting(&platform).await;
        let changed = format!(
            "update makegood.saga set head = (head::jsonb || '{head}')::json, created_at = {old}, updated_at = {old}{more} \
             where id = '{id}'"
        );
        database::scalar(&platform, &changed).await;
        wanted.push((id, why, words));
    }
    for _ in 0..2 {
        sweep(&platform).await;
    }
    pager.messages(4).await;
    // What may come right by itself is left an hour to do so.
    database::scalar(&platform, "update makegood.need set due_at = 0 where why = 'failing'").await;
    sweep(&platform).await;
    let told = pager.messages(5).await;
    let listed = platform.get("/api/debug/sagas?owner=*&phase=person&limit=100").await;
    for (id, why, words) in wanted {
        // The console's list says the same, for it has the same patience.
        let line = listed["sagas"].as_array().unwrap().iter().find(|line| line["id"] == id.as_str());
        assert_eq!(line.and_then(|line| line["needs"].as_str()), Some(why).filter(|why| !why.is_empty()), "{listed:#}");
        let of_it: Vec<&Value> = told.iter().filter(|told| told["saga"] == id.as_str()).collect();
        if why.is_empty() {
            assert!(of_it.is_empty(), "{of_it:#?}");
            continue;
        }
        let [told] = of_it[..] else { panic!("{why}: {of_it:#?}") };
        assert_eq!((&told["alert"], &told["phase"]), (&json!(why), &json!("forward")), "{told:#}");
        assert!(told["text"].as_str().unwrap().contains(words), "{told:#}");
        assert!(platform.complaints().contains(&format!("alert: {id} {why}")), "the log says it too");
    }
}
