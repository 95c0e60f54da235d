//! Hosts among themselves: what one has begun another carries on.

use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use makegood_endpoints::platform::answer;
use makegood_endpoints::{poll, queue, services};
use makegood_workers::{Workerd, config_of_all};
use serde_json::{Value, json};

use super::DINNER;
use crate::case::{Case, Pace};
use crate::host::{self, Kind};
use crate::site::{PATIENCE, Site, step};

/// Longer than an unanswered call is taken to be under way: the platform's kill, and a sweep.
const LONG: Duration = Duration::from_secs(90);

pub fn cases() -> Vec<Case> {
    let between = |kind| (kind == Kind::Local).then_some("it is the local host that takes over");
    let by_the_clock =
        |kind| (kind != Kind::Workerd).then_some("only Workers has a clock, and only workerd lets a test set it off");
    let ends = |kind| match kind {
        Kind::Local => Some("it is the local host that takes over"),
        Kind::Wrangler => Some("it would end the one start that all cases share"),
        Kind::Workerd | Kind::Spin => None,
    };
    vec![
        Case::new("the platform's clock has what was forgotten woken", clock).unless(by_the_clock),
        Case::new("what is begun here and approved at the local host completes there", approved_there).unless(between),
        Case::new("what is begun here, killed, and taken up by the local host completes there", taken_up)
            .hurried()
            .unless(ends),
    ]
}

/// Calls the function `execute` as the platform's clock does.
const CLOCK: &str = r#"
    (name = "clock", worker = (
      compatibilityDate = "2026-11-01",
      compatibilityFlags = ["service_binding_extra_handlers"],
      modules = [(name = "clock.js", esModule =
        "export default { async fetch(request, env) { const { outcome } = await env.EXECUTE.scheduled({ cron: '* * * * *', scheduledTime: new Date() }); return new Response(outcome); } };")],
      bindings = [(name = "EXECUTE", service = "execute")],
    )),"#;

async fn clock(site: Arc<Site>) {
    // The same functions once more, with a worker that sets their clock off in place of the gateway.
    let config = config_of_all().unwrap();
    let text = std::fs::read_to_string(&config).unwrap();
    let text = text.replacen("services = [", &format!("services = [{CLOCK}"), 1);
    let text = text.replacen("service = \"gateway\")", "service = \"clock\")", 1);
    let beside = config.with_file_name("clock.capnp");
    std::fs::write(&beside, text).unwrap();
    let settings = host::settings(&site.services, &site.url, Pace::Normal);
    let clock = start(&beside, &settings).await;

    site.disturb("qstash", &json!({"kind": "error", "status": 503})).await;
    let accepted = answer(site.post("/api/chat", &json!({"message": "Text Sam \"by the clock\""}))).await;
    assert_eq!(accepted.status, 202, "{accepted:?}");
    let saga = accepted.json()["saga"].as_str().unwrap().to_owned();
    site.clear().await;
    let woken = poll(PATIENCE, Duration::from_millis(500), || async {
        let outcome = answer(reqwest::Client::new().get(clock.url())).await;
        assert_eq!((outcome.status, outcome.text.as_str()), (200, "ok"), "{outcome:?}");
        Some(site.status(&saga).await).filter(|saga| saga["phase"] == "completed")
    });
    assert!(woken.await.is_some(), "{:#}", site.status(&saga).await);
    assert_eq!(site.active().await, [0, 0, 1, 0, 0, 0]);
}

async fn start(config: &Path, settings: &[(String, String)]) -> Workerd {
    Workerd::start(config, services::port(), &["--experimental"], settings, Stdio::inherit()).await.unwrap()
}

async fn approved_there(site: Arc<Site>) {
    let plan = json!({"summary": "Two messages", "steps": [
        {"id": "one", "tool": "bench_effect", "params": {"n": 1}},
        {"id": "text", "tool": "send_message", "after": ["one"], "approval": {}, "params": {"to": "Sam", "text": "Hi"}}]});
    let id = site.execute(&plan).await;
    let asked = site.stands(&id, "text", "asking").await;
    let yes = json!({"step": "text", "hash": asked["approval"]["hash"]});
    let there = &site.services;
    let heard = answer(there.request("POST", &format!("/api/execute/{id}/approve")).json(&yes)).await;
    assert!(heard.status < 300, "{heard:?}");
    let saga = site.rest(&id).await;
    assert_eq!(saga["phase"], "completed", "{saga:#}");
    assert_eq!(there.get(&format!("/api/execute/{id}")).await["steps"], saga["steps"], "both hosts tell the same");
    assert_eq!(site.active().await, [0, 0, 1, 0, 0, 0]);
}

async fn taken_up(site: Arc<Site>) {
    site.fault(&json!({"tool": "request_ride", "kind": "slow", "delay_ms": 3000})).await;
    let accepted = answer(site.post("/api/chat", &json!({"message": DINNER}))).await;
    assert_eq!(accepted.status, 202, "{accepted:?}");
    let id = accepted.json()["saga"].as_str().unwrap().to_owned();
    let begun = poll(PATIENCE, Duration::from_millis(50), || async {
        let saga = site.status(&id).await;
        let done = |id: &str| step(&saga, id)["standing"] == "done";
        let under_way = step(&saga, "ride")["standing"] != "pending";
        (done("table") && under_way && !done("ride")).then_some(())
    });
    assert!(begun.await.is_some(), "{:#}", site.status(&id).await);
    site.kill();
    assert!(site.request("GET", "/api/debug/health").send().await.is_err(), "it is gone");

    // The local host's own sweep, as the queue would bring it in a minute.
    let there = &site.services;
    let path = format!("/api/execute/{id}");
    let status = async || -> Value { there.get(&path).await };
    let completed = poll(LONG, Duration::from_secs(1), || async {
        let swept = answer(queue::delivery(there, "/api/execute/sweep", "", "msg_sweep")).await;
        assert_eq!(swept.status, 200, "{swept:?}");
        Some(status().await).filter(makegood_endpoints::journal::at_rest)
    });
    let saga = completed.await.unwrap_or_else(|| panic!("it did not rest"));
    assert_eq!(saga["phase"], "completed", "{saga:#}");
    assert_eq!(site.active().await, [1, 1, 1, 0, 0, 0], "each partner acted once");
    let logs = site.queue_logs().await;
    for url in [&site.url, &there.url] {
        assert!(logs.contains(&format!("{url}/api/execute/step")), "{url} took part: {logs}");
    }
}
