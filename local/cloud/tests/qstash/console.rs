//! The page that shows what there is.

use axum::body::Body;
use http::Request;
use tower::ServiceExt as _;

use super::harness::*;

#[tokio::test]
async fn the_page_is_whole_in_itself_and_only_its_own_script_runs_in_it() {
    let inbox = Inbox::new(|_, _| reply(200));
    let qstash = fast(&inbox, 1.0);
    let (policy, html) = page(&qstash).await;
    let nonce = policy.split("script-src 'nonce-").nth(1).and_then(|rest| rest.split('\'').next()).unwrap();
    assert!(policy.starts_with("default-src 'none';") && policy.contains("connect-src 'self'"), "{policy}");
    assert_eq!(html.matches(&format!("nonce=\"{nonce}\"")).count(), 2, "a style and a script");
    assert!(!html.contains("{{nonce}}"));
    for foreign in
        ["http://", "https://", "src=", "innerHTML", "insertAdjacentHTML", "document.write", "style=\"", "onclick"]
    {
        assert!(!html.contains(foreign), "{foreign}");
    }
    assert_ne!(page(&qstash).await.0, policy, "no nonce is used twice");
}

#[tokio::test]
async fn every_call_that_the_page_makes_is_one_that_there_is() {
    let inbox = Inbox::new(|_, _| reply(200));
    let qstash = fast(&inbox, 1.0);
    let (_, html) = page(&qstash).await;
    let calls: Vec<(String, &str)> = html.split("api(").skip(1).filter_map(api_call).collect();
    assert!(calls.len() >= 12, "{calls:?}");
    for (path, method) in calls {
        let (status, answer) = call(&qstash, method, &format!("/v2/{path}"), &[], "").await;
        let known = status == 200 || (path.contains("/some") && status == 404);
        assert!(known && !answer.to_string().contains("not offered"), "{method} {path}: {status} {answer}");
    }
}

/// The path and the method of `api("path", "METHOD")`, with something in the place of what is filled in.
fn api_call(text: &str) -> Option<(String, &str)> {
    let quote = text.chars().next().filter(|quote| "\"`".contains(*quote))?;
    let (path, rest) = text[1..].split_once(quote)?;
    let method = rest.strip_prefix(", \"").and_then(|rest| rest.split('"').next()).unwrap_or("GET");
    Some((path.replace("${id}", "some"), method))
}

async fn page(qstash: &makegood_cloud::QStash) -> (String, String) {
    let request = Request::builder().uri("/console").body(Body::empty()).unwrap();
    let response = qstash.router().oneshot(request).await.unwrap();
    assert_eq!(response.status(), 200);
    let policy = response.headers()["content-security-policy"].to_str().unwrap().to_owned();
    let body = axum::body::to_bytes(response.into_body(), usize::MAX).await.unwrap();
    (policy, String::from_utf8(body.to_vec()).unwrap())
}
