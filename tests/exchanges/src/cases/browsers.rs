//! What browsers are told: how an answer may be used, and which other sites' pages may read it.

use std::sync::Arc;

use makegood_endpoints::platform::answer;
use serde_json::json;

use super::DINNER;
use crate::case::Case;
use crate::host::FRIEND;
use crate::site::Site;

pub fn cases() -> Vec<Case> {
    vec![
        Case::new("every answer says how it may be used", headers),
        Case::new("a method that is not there is told which are", methods),
        Case::new("the pages of a site that is named may call, and no others", pages),
        Case::new("the API is described where it is served", described),
        Case::new("who opens the address in a browser can talk to the agent", talk),
    ]
}

async fn headers(site: Arc<Site>) {
    for (method, path) in [
        ("POST", "/api/chat"),
        ("POST", "/api/intent"),
        ("GET", "/api/execute/nonsense"),
        ("POST", "/api/webhook/stripe"),
        ("GET", "/api/subscriptions"),
        ("GET", "/api/debug/health"),
        ("GET", "/debug"),
        ("GET", "/api/openapi.json"),
    ] {
        let answer = site.request(method, path).send().await.unwrap();
        let header = |name: &str| answer.headers().get(name).map(|value| value.to_str().unwrap()).unwrap_or_default();
        let told = format!("{method} {path}: {:?}", answer.headers());
        assert_eq!(header("x-content-type-options"), "nosniff", "{told}");
        assert_eq!(header("referrer-policy"), "no-referrer", "{told}");
        assert_eq!(header("cross-origin-resource-policy"), "same-origin", "{told}");
        let policy = header("content-security-policy");
        assert!(policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"), "{told}");
        let kept = if path.ends_with(".json") { "public, max-age=60" } else { "no-store" };
        assert_eq!(header("cache-control"), kept, "{told}");
        assert_eq!(header("strict-transport-security"), "", "this is http: {told}");
    }
}

async fn methods(site: Arc<Site>) {
    for (method, path, has) in [
        ("GET", "/api/chat", "POST"),
        ("DELETE", "/api/intent", "POST"),
        ("PUT", "/api/execute/schedules", "GET, POST"),
        ("POST", "/api/execute/schedules/daily", "GET, DELETE"),
        ("OPTIONS", "/api/execute", "POST"),
        ("GET", "/api/webhook/stripe", "POST"),
        ("PUT", "/api/subscriptions", "GET, POST"),
        ("POST", "/api/debug/health", "GET, HEAD"),
    ] {
        let answer = site.request(method, path).send().await.unwrap();
        let told = format!("{method} {path}: {answer:?}");
        assert_eq!(answer.status().as_u16(), 405, "{told}");
        assert_eq!(answer.headers()["allow"], has, "{told}");
    }
}

async fn pages(site: Arc<Site>) {
    let preflight = |origin: &str, path: &str| {
        let request = site.request("OPTIONS", path).header("origin", origin);
        request
            .header("access-control-request-method", "POST")
            .header("access-control-request-headers", "authorization")
    };
    let preview = |origin: &str| site.post("/api/intent", &json!({"message": DINNER})).header("origin", origin);
    for path in ["/api/chat", "/api/intent", "/api/execute"] {
        let friend = preflight(FRIEND, path).send().await.unwrap();
        assert_eq!(friend.status().as_u16(), 204, "{friend:?}");
        assert_eq!(friend.headers()["access-control-allow-origin"], FRIEND);
        assert!(friend.headers()["access-control-allow-headers"].to_str().unwrap().contains("authorization"));
        assert!(friend.headers()["access-control-allow-methods"].to_str().unwrap().contains("POST"));
        assert_eq!(friend.headers()["vary"], "origin");
        assert!(!friend.headers().contains_key("access-control-allow-credentials"));
    }
    let read = preview(FRIEND).header("sec-fetch-site", "cross-site").send().await.unwrap();
    assert_eq!(
        (read.status().as_u16(), &read.headers()["access-control-allow-origin"]),
        (200, &FRIEND.parse().unwrap())
    );
    let refused = site.request("GET", "/api/execute/nonsense").header("origin", FRIEND).send().await.unwrap();
    assert_eq!(refused.headers()["access-control-allow-origin"], FRIEND, "what is wrong may be read as well");

    for stranger in ["https://evil.example", "null", "*", "https://friend.example.evil"] {
        let asked = preflight(stranger, "/api/chat").send().await.unwrap();
        assert_eq!(asked.status().as_u16(), 405, "{stranger}: {asked:?}");
        assert!(!asked.headers().contains_key("access-control-allow-origin"), "{stranger}: {asked:?}");
        site.refuses(preview(stranger), 403, "forbidden").await;
        let signed = preview(stranger).bearer_auth(site.token("ana").await).send().await.unwrap();
        assert_eq!(signed.status().as_u16(), 200, "whoever has a token may ask,");
        assert!(!signed.headers().contains_key("access-control-allow-origin"), "but no page may read the answer");
        assert_eq!(signed.headers()["vary"], "origin", "a cache must not mix them up");
    }
}

async fn described(site: Arc<Site>) {
    let document = site.get("/api/openapi.json").await;
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1"), "{}", document["openapi"]);
    assert!(document["paths"]["/api/chat"]["post"].is_object());
    let page = answer(site.request("GET", "/api/docs")).await;
    assert_eq!((page.status, page.content_type.as_str()), (200, "text/html; charset=utf-8"), "{page:?}");
    assert!(page.text.contains("/api/execute/{saga}/cancel"));
    let style = answer(site.request("GET", "/debug/docs.css")).await;
    assert_eq!((style.status, style.content_type.starts_with("text/css")), (200, true), "{style:?}");
}

async fn talk(site: Arc<Site>) {
    let page = answer(site.request("GET", "/")).await;
    assert_eq!((page.status, page.content_type.as_str()), (200, "text/html; charset=utf-8"), "{page:?}");
    assert!(page.text.contains("src=\"/debug/chat.js\""), "{page:?}");
    for (path, kind) in [("/debug/chat.js", "text/javascript"), ("/debug/card.js", "text/javascript")] {
        let script = answer(site.request("GET", path)).await;
        assert_eq!((script.status, script.content_type.starts_with(kind)), (200, true), "{script:?}");
    }
    let lost = answer(site.request("GET", "/nothing")).await;
    assert_eq!(lost.status, 404, "the address alone is the page's: {lost:?}");
}
