//! What the queue brings: signed by it, or refused.

use std::sync::Arc;

use makegood_endpoints::platform::answer;
use makegood_endpoints::queue;
use makegood_gateway::jwt;
use reqwest::RequestBuilder;
use serde_json::{Value, json};

use crate::case::Case;
use crate::site::Site;

const SAGA: &str = "sg_01k0000000000000000000zzzz";
const SCHEDULES: &str = "/api/execute/schedules";

pub fn cases() -> Vec<Case> {
    vec![
        Case::new("only the queue may call back", only_the_queue),
        Case::new("what the queue signs is taken, under either key", either_key),
        Case::new("a schedule is kept, and a firing that comes twice starts one saga", firings),
        Case::new("every wake came to this host", wakes_came_here),
    ]
}

async fn only_the_queue(site: Arc<Site>) {
    let key = site.secret("qstash_current_key");
    let wake = json!({"saga": SAGA, "version": 1}).to_string();
    let firing = r#"{"schedule":"sc_01k0000000000000000000zzzz"}"#;
    let word = r#"{"conversation":"cv_01k0000000000000000000zzzz","owner":"ann","at":1}"#;
    let addresses = [
        ("/api/execute/step", wake.as_str()),
        ("/api/execute/sweep", ""),
        ("/api/execute/scheduled", firing),
        ("/api/execute/wish", word),
        ("/api/execute/delivery", r#"{"source":"stripe","key":"evt_1"}"#),
    ];
    for (path, body) in addresses {
        let refused = async |request: RequestBuilder| {
            site.refuses(request, 401, "bad_signature").await;
        };
        let bare = || site.request("POST", path).body(body.to_owned());
        let signed = |key: &str, change: fn(&mut Value)| site.delivery(path, body, key, change);
        refused(bare()).await;
        refused(bare().header("upstash-signature", "nonsense")).await;
        refused(bare().bearer_auth(site.secret("qstash_token"))).await;
        refused(signed("another key", |_| {})).await;
        refused(signed("", |_| {})).await;
        refused(signed(&site.secret("jwt"), |_| {})).await;
        refused(signed(&key, |claims| claims["body"] = json!(jwt::body_hash(b"another body")))).await;
        refused(signed(&key, |claims| claims["sub"] = json!("http://127.0.0.1:3000/api/elsewhere"))).await;
        refused(signed(&key, |claims| claims["iss"] = json!("Somebody"))).await;
        refused(signed(&key, |claims| claims["exp"] = json!(claims["nbf"].as_u64().unwrap() - 60))).await;
        refused(signed(&key, |claims| claims["nbf"] = json!(claims["exp"]))).await;
        let other = if path.ends_with("step") { "/api/execute/sweep" } else { "/api/execute/step" };
        let elsewhere = site.delivery(other, body, &key, |_| {}).build().unwrap();
        refused(bare().headers(elsewhere.headers().clone())).await;
    }
}

async fn either_key(site: Arc<Site>) {
    let nonsense = r#"{"saga":"nonsense","version":1}"#;
    site.refuses(site.delivered("/api/execute/step", nonsense), 400, "invalid_request").await;
    for (version, key) in ["qstash_current_key", "qstash_next_key"].into_iter().enumerate() {
        // Each has a lease of its own.
        let unknown = json!({"saga": SAGA, "version": version + 1}).to_string();
        let taken = answer(site.delivery("/api/execute/step", &unknown, &site.secret(key), |_| {})).await;
        assert_eq!((taken.status, &taken.json()["ended"]), (200, &json!("unknown")), "{key}: {taken:?}");
        let swept = answer(site.delivery("/api/execute/sweep", "", &site.secret(key), |_| {})).await;
        assert_eq!((swept.status, &swept.json()["woken"]), (200, &json!(0)), "{key}: {swept:?}");
    }
}

async fn firings(site: Arc<Site>) {
    let plan = json!({"summary": "Every morning", "steps": [
        {"id": "text", "tool": "send_message", "params": {"to": "Sam", "text": "Good morning"}}]});
    let made = answer(site.post(SCHEDULES, &json!({"id": "daily", "cron": "0 9 * * *", "plan": plan}))).await;
    assert_eq!((made.status, &made.json()["armed"]), (201, &json!(true)), "{made:?}");
    let all = queue::ask(&site.services, "GET", "schedules", &[], "").await.json();
    let ours = all.as_array().unwrap().iter().find(|one| one["scheduleId"] != "makegood-sweeper").unwrap();
    assert_eq!(ours["destination"], format!("{}/api/execute/scheduled", site.url), "{ours}");
    let body = json!({"schedule": ours["scheduleId"]}).to_string();
    let fire = || site.delivered("/api/execute/scheduled", &body).header("upstash-message-id", "msg_exchange");
    let (first, again) = (answer(fire()).await, answer(fire()).await);
    assert_eq!((first.status, again.status), (200, 200), "{first:?} {again:?}");
    let saga = first.json()["saga"].as_str().unwrap().to_owned();
    assert_eq!(again.json()["saga"], *saga, "{again:?}");
    assert_eq!(site.rest(&saga).await["phase"], "completed");
    assert_eq!(site.active().await, [0, 0, 1, 0, 0, 0]);

    let daily = format!("{SCHEDULES}/daily");
    assert_eq!(site.get(&daily).await["firings"][0]["saga"], *saga);
    assert_eq!(answer(site.post(&format!("{daily}/pause"), &json!({}))).await.status, 200);
    let paused = site.delivered("/api/execute/scheduled", &body).header("upstash-message-id", "msg_paused");
    assert_eq!(answer(paused).await.json()["why"], "paused");
    assert!(answer(site.request("DELETE", &daily)).await.status < 300);
    site.refuses(site.request("GET", &daily), 404, "not_found").await;
}

async fn wakes_came_here(site: Arc<Site>) {
    let events = site.follow("Text Sam \"hello\"").await;
    assert_eq!(events.last().unwrap().data["phase"], "completed", "{events:#?}");
    let logs = site.queue_logs().await;
    let step = |url: &str| logs.contains(&format!("{url}/api/execute/step"));
    assert!(step(&site.url), "the queue woke {}: {logs}", site.url);
    let elsewhere = site.services.url != site.url && step(&site.services.url);
    assert!(!elsewhere, "a saga was carried on at {}, not here", site.services.url);
}
