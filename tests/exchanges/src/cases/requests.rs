//! Every address once well and once badly.

use std::sync::Arc;

use makegood_endpoints::platform::answer;
use serde_json::{Value, json};

use super::DINNER;
use crate::case::Case;
use crate::host::Kind;
use crate::site::Site;

const SAGA: &str = "sg_01k0000000000000000000zzzz";

pub fn cases() -> Vec<Case> {
    vec![
        Case::new("every function answers", every_function_answers),
        Case::new("what is no request is refused", what_is_no_request_is_refused),
        Case::new("an address of no function is refused", no_function).unless(|kind| {
            (kind == Kind::Spin).then_some("Spin answers for addresses without a route itself, and without a body")
        }),
        Case::new("addresses and methods that a function does not have are refused", nothing_there),
        Case::new("a token is a user, and a bad one nobody", tokens),
        Case::new("the page of another site is refused", other_sites),
    ]
}

async fn every_function_answers(site: Arc<Site>) {
    let health = site.get("/api/debug/health").await;
    assert_eq!((&health["status"], &health["database"]["ok"]), (&json!("ok"), &json!(true)), "{health}");

    let preview = answer(site.post("/api/intent", &json!({"message": DINNER}))).await;
    assert_eq!((preview.status, &preview.json()["kind"]), (200, &json!("plan")), "{preview:?}");
    let steps = preview.json()["steps"].as_array().unwrap().len();
    assert_eq!((steps, site.active().await), (3, [0; 6]), "a preview does nothing");

    let accepted = answer(site.post("/api/chat", &json!({"message": DINNER}))).await;
    assert_eq!((accepted.status, accepted.content_type.as_str()), (202, "application/json"), "{accepted:?}");
    let id = accepted.json()["saga"].as_str().unwrap().to_owned();
    assert_eq!(accepted.json()["status_url"], format!("{}/api/execute/{id}", site.url));
    assert_eq!(site.rest(&id).await["phase"], "completed");
    assert_eq!(site.active().await, [1, 1, 1, 0, 0, 0]);

    let listed = site.get("/api/debug/sagas?limit=200").await;
    assert!(listed["sagas"].as_array().unwrap().iter().any(|saga| saga["id"] == *id), "{listed}");
    let story = site.get(&format!("/api/debug/sagas/{id}")).await;
    assert!(!story["story"]["journal"].as_array().unwrap().is_empty(), "{story}");
    let (ana, olga) = (site.token("ana").await, site.operator("olga").await);
    for path in ["/debug".to_owned(), format!("/debug/sagas/{id}")] {
        let refused = answer(site.request("GET", &path).bearer_auth(&ana)).await;
        assert_eq!((refused.status, refused.content_type.starts_with("text/html")), (403, true), "{path}: {refused:?}");
        let page = answer(site.request("GET", &path).bearer_auth(&olga)).await;
        assert_eq!((page.status, page.content_type.starts_with("text/html")), (200, true), "{path}: {page:?}");
        assert!(page.text.contains(&id), "{path}");
        let head = answer(site.request("HEAD", &path).bearer_auth(&olga)).await;
        assert_eq!((head.status, head.text.as_str()), (200, ""), "{path}");
    }
    let style = answer(site.request("GET", "/debug/debug.css")).await;
    assert_eq!((style.status, style.content_type.starts_with("text/css")), (200, true), "{style:?}");
    site.refuses(site.post("/api/webhook/nowhere", &json!({})), 404, "not_found").await;
    site.refuses(site.post("/api/subscriptions", &json!({"url": "nowhere"})), 400, "invalid_request").await;
    site.refuses(site.request("GET", "/api/debug/webhooks?limit=0"), 400, "invalid_request").await;
    site.refuses(site.request("GET", "/api/audit?limit=0").bearer_auth(&olga), 400, "invalid_request").await;
}

async fn what_is_no_request_is_refused(site: Arc<Site>) {
    for path in ["/api/chat", "/api/intent", "/api/execute"] {
        for body in ["", "{", "nonsense", "[1,", "\u{0}"] {
            site.refuses(site.request("POST", path).body(body), 400, "invalid_json").await;
        }
        site.refuses(site.request("POST", path).body(vec![0xff, 0xfe]), 400, "invalid_json").await;
        for body in ["null", "[]", "{}", r#"{"message":"hi","plan":1,"unheard_of":1}"#] {
            site.refuses(site.request("POST", path).body(body), 400, "invalid_request").await;
        }
    }
    let plan = |steps: Value| site.post("/api/execute", &json!({"plan": {"summary": "Bad", "steps": steps}}));
    site.refuses(plan(json!([])), 422, "invalid_plan").await;
    site.refuses(plan(json!([{"id": "a", "tool": "launch_rocket"}])), 422, "unknown_tool").await;
    let bad = json!([{"id": "a", "tool": "bench_effect", "params": {"n": "one"}}]);
    site.refuses(plan(bad), 422, "invalid_parameters").await;
    assert_eq!(site.active().await, [0; 6]);
}

async fn no_function(site: Arc<Site>) {
    for path in ["/nothing", "/api", "/api/nothing", "/api/chat/more", "/api/chatter", "/api/intent/more"] {
        site.refuses(site.request("GET", path), 404, "not_found").await;
    }
}

async fn nothing_there(site: Arc<Site>) {
    for path in ["/api/execute/step/more/still", "/api/debug/nothing", "/api/debug/sagas/a/b"] {
        site.refuses(site.request("GET", path), 404, "not_found").await;
    }
    for (method, path) in [
        ("GET", "/api/chat"),
        ("PUT", "/api/chat"),
        ("DELETE", "/api/intent"),
        ("GET", "/api/execute/step"),
        ("PATCH", "/api/execute"),
        ("GET", "/api/webhook/stripe"),
        ("POST", "/api/debug/health"),
        ("PROPFIND", "/api/chat"),
        ("PROPFIND", "/api/debug/health"),
    ] {
        site.refuses(site.request(method, path), 405, "method_not_allowed").await;
    }
    site.refuses(site.request("GET", &format!("/api/execute/{SAGA}")), 404, "not_found").await;
    site.refuses(site.request("GET", "/api/execute/nonsense"), 400, "invalid_id").await;
    let page = answer(site.request("GET", "/debug/nothing")).await;
    assert_eq!((page.status, page.content_type.starts_with("text/html")), (404, true), "{page:?}");
}

async fn tokens(site: Arc<Site>) {
    let (ana, eve) = (site.token("ana").await, site.token("eve").await);
    let plan =
        json!({"plan": {"summary": "Ana's", "steps": [{"id": "a", "tool": "bench_effect", "params": {"n": 1}}]}});
    let started = answer(site.post("/api/execute", &plan).bearer_auth(&ana)).await;
    assert_eq!(started.status, 202, "{started:?}");
    let path = format!("/api/execute/{}", started.json()["saga"].as_str().unwrap());
    assert_eq!(answer(site.request("GET", &path).bearer_auth(&ana)).await.status, 200);
    site.refuses(site.request("GET", &path).bearer_auth(&eve), 404, "not_found").await;
    for token in ["Bearer", "Bearer nonsense", "Basic YW5hOmFuYQ==", &format!("Bearer {ana}x")] {
        for path in ["/api/chat", "/api/intent", "/api/execute"] {
            let request = site.post(path, &json!({"message": DINNER})).header("authorization", token);
            site.refuses(request, 401, "unauthenticated").await;
        }
        site.refuses(site.request("GET", &path).header("authorization", token), 401, "unauthenticated").await;
    }
}

async fn other_sites(site: Arc<Site>) {
    for (name, value) in [("origin", "https://evil.example"), ("origin", "null"), ("sec-fetch-site", "cross-site")] {
        for path in ["/api/chat", "/api/intent", "/api/execute"] {
            site.refuses(site.post(path, &json!({"message": DINNER})).header(name, value), 403, "forbidden").await;
        }
    }
    let ours = site.post("/api/intent", &json!({"message": DINNER})).header("origin", &site.url);
    assert_eq!(answer(ours).await.status, 200, "our own page may");
}
