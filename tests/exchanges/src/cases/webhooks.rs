//! What strangers deliver, to the bytes as they sent them.

use std::sync::Arc;
use std::time::Duration;

use makegood_endpoints::hooks::signed;
use makegood_endpoints::platform::answer;
use makegood_endpoints::poll;
use serde_json::{Value, json};

use crate::case::Case;
use crate::host::Kind;
use crate::site::{PATIENCE, Site};

pub fn cases() -> Vec<Case> {
    let untold = |kind| {
        let why = "`wrangler dev` hands on those secrets only that its config lists, and the sources are optional";
        (kind == Kind::Wrangler).then_some(why)
    };
    vec![
        Case::new("a delivery of each scheme starts one saga, and with a flipped bit none", schemes).unless(untold),
        Case::new("a delivery wakes the saga that waits for it", event).unless(untold),
    ]
}

async fn schemes(site: Arc<Site>) {
    let schemes = ["standard", "svix", "stripe", "github", "slack", "twilio", "shopify", "hmac"];
    for scheme in schemes {
        // Bytes that a host may want to mend.
        let body = json!({"id": "e1", "event_id": "e1", "by": "start", "data": "Gr\u{fc}\u{df}e \r\n\u{1f9c0}"});
        let delivery = signed(&site.url, scheme, ("d1", "k"), format!("{body}\r\n ").as_bytes());
        let request = || delivery.put(site.request("POST", &delivery.path));
        let mut flipped = delivery.clone();
        *flipped.body.last_mut().unwrap() ^= 1;
        site.refuses(flipped.put(site.request("POST", &flipped.path)), 401, "bad_signature").await;
        for _ in 0..2 {
            let heard = answer(request()).await;
            assert_eq!(heard.status, 200, "{scheme}: {heard:?}");
        }
    }
    let sagas = until_done(&site, &schemes).await;
    for saga in &sagas {
        assert_eq!(site.rest(saga).await["phase"], "completed");
    }
    assert_eq!(site.active().await, [0, 0, schemes.len(), 0, 0, 0], "one each");
}

/// The sagas that came of these sources' deliveries.
async fn until_done(site: &Site, sources: &[&str]) -> Vec<String> {
    let done = poll(PATIENCE, Duration::from_millis(200), || async {
        let lines = site.get("/api/debug/webhooks?limit=200").await["deliveries"].as_array().unwrap().clone();
        let of = |source: &&str| lines.iter().find(|line| line["source"] == **source && line["state"] == "done");
        let found: Vec<&Value> = sources.iter().filter_map(of).collect();
        let sagas = found.iter().map(|line| line["saga"].as_str().unwrap().to_owned());
        (found.len() == sources.len()).then(|| sagas.collect::<Vec<String>>())
    });
    match done.await {
        Some(sagas) => sagas,
        None => panic!("{:#}\n{}", site.get("/api/debug/webhooks").await, site.complaints()),
    }
}

async fn event(site: Arc<Site>) {
    let saga = site
        .execute(&json!({"steps": [
            {"id": "paid", "wait": {"event": {"name": "paid", "within_ms": 600_000}}},
            {"id": "text", "tool": "send_message", "params": {"to": "Sam", "text": "$paid.note"}}]}))
        .await;
    let body = json!({"by": "id", "saga": saga, "data": {"note": "It is paid"}}).to_string();
    let delivery = signed(&site.url, "standard", (&saga, ""), body.as_bytes());
    let heard = answer(delivery.put(site.request("POST", &delivery.path))).await;
    assert_eq!((heard.status, &heard.json()["duplicate"]), (200, &json!(false)), "{heard:?}");
    let rested = site.rest(&saga).await;
    assert_eq!((&rested["phase"], &rested["steps"][0]["output"]["note"]), (&json!("completed"), &json!("It is paid")));
}
