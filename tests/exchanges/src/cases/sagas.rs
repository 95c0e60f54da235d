//! Whole sagas: with yields, with people, forward and back.

use std::sync::Arc;
use std::time::Duration;

use makegood_endpoints::form::form;
use makegood_endpoints::platform::answer;
use serde_json::{Value, json};

use super::DINNER;
use crate::case::{Case, Pace};
use crate::site::{Site, step};

pub fn cases() -> Vec<Case> {
    vec![
        Case::new("a refused step has what was done made good", refused),
        Case::new("a saga that is cancelled is made good", cancelled),
        Case::new("a stuck saga says what is left, and goes on when a person has seen to it", stuck),
        Case::new("a step waits for an event, and one that is paused for being resumed", waiting),
        Case::new("a link decides once", link),
        Case::new("a link's page shows what will happen, and decides by its button only", link_page),
        Case::new("a saga with little time yields, is approved, and completes", approved).hurried(),
        Case::new("a saga with little time yields, is rejected, and unwinds", rejected).hurried(),
        Case::new("a chain of ten effects with little time does each of them once", chain).hurried(),
    ]
}

fn table(extra: &Value) -> Value {
    let mut step = json!({"id": "table", "tool": "book_restaurant_table", "params": {
        "restaurant": "Luigi's", "party_size": 2, "date": "2031-05-01", "time": "19:00", "name": "Ann"}});
    for (name, value) in extra.as_object().unwrap() {
        step[name] = value.clone();
    }
    step
}

fn ride() -> Value {
    json!({"id": "ride", "tool": "request_ride", "after": ["table"], "params": {
        "pickup": "Home", "destination": "Luigi's", "date": "2031-05-01", "time": "18:30", "passengers": 2}})
}

/// A table, a ride, and a message that somebody has to agree to.
fn evening() -> Value {
    let text = json!({"id": "text", "tool": "send_message", "after": ["ride"], "approval": {"question": "Send it?"},
        "params": {"to": "Sam", "text": "See you at Luigi's"}});
    json!({"summary": "An evening", "steps": [table(&json!({})), ride(), text]})
}

/// Where invocations have hardly any time, a saga of three partners took several.
fn assert_yielded(site: &Site, saga: &Value) {
    let invocations = saga["counters"]["invocations"].as_u64().unwrap();
    assert!(site.pace == Pace::Normal || invocations >= 3, "it never yielded: {saga:#}");
}

async fn approved(site: Arc<Site>) {
    let id = site.execute(&evening()).await;
    let asked = site.stands(&id, "text", "asking").await;
    assert_eq!(site.active().await, [1, 1, 0, 0, 0, 0], "it asks before it sends");
    assert_eq!(asked["approval"]["question"], "Send it?");
    let other = json!({"step": "text", "hash": "0123456789abcdef"});
    assert_eq!(site.ask(&id, "approve", &other).await.status, 409, "other parameters");
    let yes = json!({"step": "text", "hash": asked["approval"]["hash"], "note": "Fine."});
    let heard = site.ask(&id, "approve", &yes).await;
    assert!(heard.status < 300, "{heard:?}");
    let saga = site.rest(&id).await;
    assert_eq!(saga["phase"], "completed", "{saga:#}");
    assert_yielded(&site, &saga);
    assert_eq!(site.active().await, [1, 1, 1, 0, 0, 0]);
}

async fn rejected(site: Arc<Site>) {
    let id = site.execute(&evening()).await;
    site.stands(&id, "text", "asking").await;
    let heard = site.ask(&id, "reject", &json!({"step": "text", "note": "Too dear."})).await;
    assert!(heard.status < 300, "{heard:?}");
    let saga = site.rest(&id).await;
    assert_eq!((&saga["phase"], &saga["undone"]), (&json!("made_good"), &json!(["ride", "table"])), "{saga:#}");
    assert!(saga["cause"].as_str().unwrap().contains("Too dear."), "{saga:#}");
    assert_yielded(&site, &saga);
    assert_eq!(site.active().await, [0; 6]);
}

async fn chain(site: Arc<Site>) {
    let link = |n: usize| match n {
        0 => json!({"id": "s0", "tool": "bench_effect", "params": {"n": 0}}),
        _ => {
            json!({"id": format!("s{n}"), "tool": "bench_effect", "params": {"n": n, "after": format!("$s{}.n", n - 1)}})
        }
    };
    let steps: Vec<Value> = (0..10).map(link).collect();
    let id = site.execute(&json!({"summary": "A chain", "steps": steps})).await;
    let saga = site.rest(&id).await;
    assert_eq!(saga["phase"], "completed", "{saga:#}");
    assert_yielded(&site, &saga);
    assert!(saga["steps"].as_array().unwrap().iter().all(|step| step["standing"] == "done"), "{saga:#}");
}

async fn refused(site: Arc<Site>) {
    let why = json!({"tool": "request_ride", "kind": "refuse", "code": "no_driver", "detail": "All are at sea."});
    site.fault(&why).await;
    let events = site.follow(DINNER).await;
    let end = &events.last().unwrap().data;
    assert_eq!(end["phase"], "made_good", "{events:#?}");
    assert!(end["cause"].as_str().unwrap().contains("All are at sea."), "{end:#}");
    assert_eq!(end["undone"], json!(["ride", "table"]), "{end:#}");
    assert_eq!(site.active().await, [0; 6]);
}

async fn cancelled(site: Arc<Site>) {
    site.fault(&json!({"tool": "request_ride", "kind": "slow", "delay_ms": 2000})).await;
    let plan = json!({"summary": "Out", "steps": [table(&json!({})), ride()]});
    let id = site.execute(&plan).await;
    site.stands(&id, "table", "done").await;
    let asked = site.ask(&id, "cancel", &json!({})).await;
    assert!(asked.status < 300, "{asked:?}");
    let saga = site.rest(&id).await;
    assert_eq!(saga["phase"], "made_good", "{saga:#}");
    assert_eq!(site.active().await, [0; 6]);
    // The ride was on its way when it was undone: it arrives late, and finds that it is not wanted.
    tokio::time::sleep(Duration::from_millis(2500)).await;
    assert_eq!(site.active().await, [0; 6], "the late ride");
}

async fn stuck(site: Arc<Site>) {
    site.fault(&json!({"tool": "request_ride", "kind": "refuse"})).await;
    site.fault(&json!({"tool": "book_restaurant_table", "kind": "refuse", "op": "undo"})).await;
    let events = site.follow(DINNER).await;
    let end = &events.last().unwrap().data;
    assert_eq!((&end["phase"], &end["left"][0]["step"]), (&json!("stuck"), &json!("table")), "{events:#?}");
    let id = end["saga"].as_str().unwrap();
    let word = json!({"step": "table", "done": false, "note": "I have called them."});
    let taken = site.ask(id, "resolve", &word).await;
    assert!(taken.status < 300, "{taken:?}");
    let saga = site.rest(id).await;
    assert_eq!(saga["phase"], "made_good", "{saga:#}");
}

async fn waiting(site: Arc<Site>) {
    let paid = json!({"id": "paid", "wait": {"event": {"name": "paid", "within_ms": 60_000}}});
    let table = table(&json!({"when": {"left": "$paid.amount", "is": ">=", "right": 100}}));
    let id = site.execute(&json!({"summary": "Paid first", "steps": [paid, table]})).await;
    site.stands(&id, "paid", "waiting").await;
    assert!(site.ask(&id, "pause", &json!({})).await.status < 300);
    let event = json!({"name": "paid", "payload": {"amount": 120}});
    assert!(site.ask(&id, "events", &event).await.status < 300);
    assert_eq!(site.status(&id).await["phase"], "forward");
    assert_eq!(site.active().await, [0; 6], "it is paused");
    assert!(site.ask(&id, "resume", &json!({})).await.status < 300);
    let saga = site.rest(&id).await;
    assert_eq!((&saga["phase"], &step(&saga, "table")["standing"]), (&json!("completed"), &json!("done")), "{saga:#}");
}

async fn link(site: Arc<Site>) {
    let plan = json!({"summary": "A table", "steps": [table(&json!({"approval": {"by": ["ann"]}}))]});
    let id = site.execute(&plan).await;
    site.stands(&id, "table", "asking").await;
    let made = site.ask(&id, "links", &json!({"step": "table", "for": "ann"})).await;
    assert_eq!(made.status, 201, "{made:?}");
    let token = made.json()["token"].clone();
    let look = answer(site.post("/api/execute/decisions/look", &json!({"token": token}))).await;
    assert_eq!(look.status, 200, "{look:?}");
    let decide = |approve: bool| site.post("/api/execute/decisions", &json!({"token": token, "approve": approve}));
    assert_eq!(answer(decide(true)).await.status, 200);
    site.refuses(decide(false), 404, "not_found").await;
    assert_eq!(site.rest(&id).await["phase"], "completed");
    assert_eq!(site.active().await, [1, 0, 0, 0, 0, 0]);
}

async fn link_page(site: Arc<Site>) {
    let plan = json!({"summary": "A table", "steps": [table(&json!({"approval": {"by": ["ann"]}}))]});
    let id = site.execute(&plan).await;
    site.stands(&id, "table", "asking").await;
    let made = site.ask(&id, "links", &json!({"step": "table", "for": "ann"})).await.json();
    let token = made["token"].as_str().unwrap().to_owned();
    assert_eq!(made["page"], json!(format!("{}/approve#{token}", site.url)));
    // What fetches ahead of a reader has a form, and not what it is about.
    for method in ["GET", "HEAD"] {
        let fetched = site.request(method, "/approve").send().await.unwrap();
        assert_eq!(fetched.status().as_u16(), 200, "{method}");
        assert_eq!(fetched.headers()["referrer-policy"], "same-origin", "{method}");
        assert!(fetched.headers()["content-security-policy"].to_str().unwrap().contains("form-action 'self'"));
    }
    let ours = |path: &str, decision: &str| {
        let request = form(site.request("POST", path), &[("token", token.as_str()), ("decision", decision)]);
        request.header("origin", &site.url).header("sec-fetch-site", "same-origin")
    };
    let shown = answer(ours("/approve", "")).await;
    assert_eq!((shown.status, shown.content_type.as_str()), (200, "text/html; charset=utf-8"), "{shown:?}");
    assert!(shown.text.contains("<dt>Restaurant</dt><dd><bdi>Luigi's</bdi></dd>"), "{shown:?}");
    let decide = "/api/execute/decisions/form";
    let foreign = form(site.request("POST", decide), &[("token", token.as_str()), ("decision", "approve")]);
    let foreign = foreign.header("sec-fetch-site", "cross-site");
    assert_eq!(answer(foreign).await.status, 403);
    assert_eq!(site.active().await, [0, 0, 0, 0, 0, 0]);
    let agreed = answer(ours(decide, "approve")).await;
    assert_eq!(agreed.status, 200, "{agreed:?}");
    assert!(agreed.text.contains("<h1>You agreed</h1>"), "{agreed:?}");
    let used = answer(ours(decide, "reject")).await;
    assert_eq!(used.status, 409, "{used:?}");
    assert_eq!(site.rest(&id).await["phase"], "completed");
    assert_eq!(site.active().await, [1, 0, 0, 0, 0, 0]);
}
