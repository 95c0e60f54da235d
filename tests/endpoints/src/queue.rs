//! The queue, from both sides: asked as its owner asks it, and called in its name.

use std::time::{SystemTime, UNIX_EPOCH};

use makegood_gateway::jwt;
use serde_json::{Value, json};

use crate::platform::{Answer, Platform, answer};

fn secret(platform: &Platform, name: &str) -> String {
    let secrets = std::fs::read_to_string(platform.data().join("secrets.json")).unwrap();
    let secrets: Value = serde_json::from_str(&secrets).unwrap();
    secrets[name].as_str().unwrap().to_owned()
}

/// The key with which the queue signs what it brings.
#[must_use]
pub fn signing_key(platform: &Platform) -> String {
    secret(platform, "qstash_current_key")
}

/// Asks the queue something.
pub async fn ask(platform: &Platform, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
    let mut request = platform.request(method, &format!("/emulators/qstash/v2/{path}"));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    answer(request.bearer_auth(secret(platform, "qstash_token")).body(body.to_owned())).await
}

/// A delivery of a message, as the queue signs it.
pub fn delivery(platform: &Platform, path: &str, body: &str, message: &str) -> reqwest::RequestBuilder {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let claims = json!({
        "iss": "Upstash", "sub": format!("{}{path}", platform.url), "exp": now + 300, "nbf": now, "iat": now,
        "jti": "jwt_1", "body": jwt::body_hash(body.as_bytes()),
    });
    let signature = jwt::sign(&claims, &signing_key(platform));
    let request = platform.request("POST", path).header("upstash-signature", signature);
    request.header("upstash-message-id", message).body(body.to_owned())
}
