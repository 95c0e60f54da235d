//! Strangers who deliver webhooks: one of each scheme, and what they send.

use std::time::{SystemTime, UNIX_EPOCH};

use makegood_core::time::Millis;
use makegood_gateway::webhook::sources::{Sources, read};
use makegood_gateway::webhook::{Encoding, Scheme, body_hash, sign};
use serde_json::{Value, json};

use crate::platform::{Answer, Options, Platform, answer};

/// The variable, as the platform takes it from its environment.
pub const VARIABLE: &str = "SPIN_VARIABLE_WEBHOOK_SOURCES";

/// Every scheme once, by its name, all for `anonymous` and with the same rules. `hasty` gives up after a second.
#[must_use]
pub fn sources() -> Value {
    let rules = json!([
        {"name": "by id", "when": {"body": {"$body.by": "id"}}, "then": {"event": {
            "saga": "$body.saga", "name": "paid", "payload": "$body.data"}}},
        {"name": "by key", "when": {"body": {"$body.by": "key"}}, "then": {"event": {
            "key": "$body.order", "name": "paid", "payload": "$body.data"}}},
        {"name": "by name", "when": {"body": {"$body.by": "name"}}, "then": {"event": {
            "name": "$body.name", "payload": "$body.data"}}},
        {"name": "text", "when": {"body": {"$body.by": "start"}}, "then": {"start": {"plan": {
            "summary": "A text that a webhook asked for", "steps": [
                {"id": "text", "tool": "send_message", "params": {"to": "Sam", "text": "$body.data"}}]}}}},
    ]);
    let source = |scheme: &str, secret: &str| json!({"scheme": scheme, "secrets": ["an old secret", secret], "owner": "anonymous", "rules": rules});
    let whsec = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    let mut all = json!({});
    for scheme in ["stripe", "github", "slack", "twilio", "shopify", "hmac"] {
        all[scheme] = source(scheme, "the secret of now");
    }
    all["hmac"]["hmac"] = json!({"header": "x-signature", "id": "$body.id"});
    for scheme in ["standard", "svix"] {
        all[scheme] = source(scheme, whsec);
        all[scheme]["secrets"] = json!([whsec]);
    }
    all["hasty"] = all["standard"].clone();
    all["hasty"]["patience_s"] = json!(1);
    all["ann"] = all["standard"].clone();
    all["ann"]["owner"] = json!("ann");
    all
}

/// A platform that takes these in.
#[must_use]
pub fn options() -> Options {
    Options { environment: vec![(VARIABLE.to_owned(), sources().to_string())], ..Options::default() }
}

/// The same as a setting that no program reads otherwise than another.
#[must_use]
pub fn in_base64() -> String {
    Encoding::Base64.encode(sources().to_string().as_bytes())
}

/// A delivery, signed as its sender signs it now, with the newest secret.
#[derive(Clone, Debug)]
pub struct Delivery {
    pub path: String,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

/// What a source's sender sends to an installation at `url`. `id`, `kind`: where its scheme has them in headers.
#[must_use]
pub fn signed(url: &str, source: &str, (id, kind): (&str, &str), body: &[u8]) -> Delivery {
    let mut all: Sources = read(&sources().to_string()).unwrap();
    let mut trust = all.remove(source).unwrap().trust;
    trust.secrets.reverse();
    let mut path = format!("/api/webhook/{source}");
    let form = body.first() != Some(&b'{');
    if trust.scheme == Scheme::Twilio && !form {
        path += &format!("?bodySHA256={}", body_hash(body));
    }
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let mut headers = sign(&trust, &format!("{url}{path}"), (id, kind), body, Millis::from_secs(now)).unwrap();
    let kind = if form { "application/x-www-form-urlencoded" } else { "application/json" };
    headers.push(("content-type".to_owned(), kind.to_owned()));
    Delivery { path, headers, body: body.to_vec() }
}

impl Delivery {
    pub async fn send(&self, platform: &Platform) -> Answer {
        answer(self.request(platform)).await
    }

    pub fn request(&self, platform: &Platform) -> reqwest::RequestBuilder {
        self.put(platform.request("POST", &self.path))
    }

    /// Adds what is delivered to a request to its path.
    pub fn put(&self, mut request: reqwest::RequestBuilder) -> reqwest::RequestBuilder {
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        request.body(self.body.clone())
    }
}

/// What was delivered for a user, the newest first; nobody named: `anonymous`.
pub async fn list(platform: &Platform, token: Option<&str>) -> Vec<Value> {
    let mut request = platform.request("GET", "/api/debug/webhooks?limit=200");
    if let Some(token) = token {
        request = request.bearer_auth(token);
    }
    let listed = answer(request).await;
    assert_eq!(listed.status, 200, "{listed:?}");
    listed.json()["deliveries"].as_array().unwrap().clone()
}
