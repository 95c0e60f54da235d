//! What a delivery looks like.

use base64::{
    Engine as _,
    engine::general_purpose::{URL_SAFE, URL_SAFE_NO_PAD},
};
use hmac::{Hmac, KeyInit as _, Mac as _};
use makegood_cloud::qstash::Options;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::harness::*;

/// Verifies a signature as a receiver would, from the documentation alone.
fn claims(token: &str, key: &str) -> Value {
    let parts: Vec<&str> = token.split('.').collect();
    let [header, payload, signature] = parts[..] else {
        panic!("not a compact JWT: {token}");
    };
    let mut mac = Hmac::<Sha256>::new_from_slice(key.as_bytes()).unwrap();
    mac.update(format!("{header}.{payload}").as_bytes());
    mac.verify_slice(&URL_SAFE_NO_PAD.decode(signature).unwrap()).expect("the signature is wrong");
    let header: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(header).unwrap()).unwrap();
    assert_eq!(header, json!({"alg": "HS256", "typ": "JWT"}));
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap()
}

#[tokio::test]
async fn a_delivery_is_signed_over_exact_url_and_body_and_carries_its_headers() {
    let inbox = Inbox::new(|_, _| reply(200));
    let qstash = fast(&inbox, 1.0);
    let url = "http://host.example//a/./b?x=%2F&u=http://z/";
    let headers = [
        ("content-type", "text/plain"),
        ("upstash-forward-x-tenant", "7"),
        ("upstash-method", "PUT"),
        ("upstash-label", "one"),
    ];
    let id = publish(&qstash, url, &headers, "héllo\n").await;
    let seen = inbox.wait(1).await.remove(0);
    assert_eq!((seen.url.as_str(), seen.method.as_str()), (url, "PUT"));
    assert_eq!(seen.body, "héllo\n");
    for (name, value) in [
        ("content-type", "text/plain"),
        ("x-tenant", "7"),
        ("user-agent", "Upstash-QStash"),
        ("upstash-message-id", id.as_str()),
        ("upstash-retried", "0"),
        ("upstash-label", "one"),
        ("upstash-caller-ip", "127.0.0.1"),
    ] {
        assert_eq!(seen.header(name), value, "{name}");
    }
    let claims = claims(seen.header("upstash-signature"), &Options::default().current_key);
    assert_eq!(claims["iss"], "Upstash");
    assert_eq!(claims["sub"], url);
    assert_eq!(claims["body"], URL_SAFE.encode(Sha256::digest("héllo\n")));
    assert_eq!(claims["exp"].as_u64().unwrap(), claims["iat"].as_u64().unwrap() + 300);
    assert!(claims["jti"].as_str().unwrap().starts_with("jwt_"));
    drained(&qstash).await;
}

#[tokio::test]
async fn after_a_rotation_the_next_key_signs() {
    let inbox = Inbox::new(|_, _| reply(200));
    let qstash = fast(&inbox, 1.0);
    let options = Options::default();
    let before = json!({"current": options.current_key, "next": options.next_key});
    assert_eq!(get(&qstash, "/v2/keys").await, before);
    let (_, rotated) = call(&qstash, "POST", "/v2/keys/rotate", &[], "").await;
    assert_eq!(rotated["current"], options.next_key);
    publish(&qstash, "http://h/p", &[], "").await;
    let seen = inbox.wait(1).await.remove(0);
    claims(seen.header("upstash-signature"), &options.next_key);
}

#[tokio::test]
async fn the_history_tells_a_messages_life_newest_first() {
    let inbox = Inbox::new(|_, n| reply(if n == 0 { 500 } else { 200 }));
    let qstash = fast(&inbox, 1_000.0);
    let id = publish(&qstash, "http://h/p", &[], "b").await;
    drained(&qstash).await;
    let history = get(&qstash, &format!("/v2/events?messageId={id}")).await;
    let states: Vec<&str> =
        history["events"].as_array().unwrap().iter().map(|e| e["state"].as_str().unwrap()).collect();
    assert_eq!(states, ["DELIVERED", "ACTIVE", "RETRY", "ERROR", "ACTIVE", "CREATED"]);
    assert_eq!(get(&qstash, &format!("/v2/logs?messageId={id}")).await["logs"], history["events"]);
    assert!(history.get("logs").is_none(), "each body is told once");
}

#[tokio::test]
async fn a_callback_is_a_message_of_its_own_that_tells_every_attempt() {
    let inbox = Inbox::new(|seen, n| reply(if seen.url.ends_with("/p") && n == 0 { 503 } else { 200 }));
    let qstash = fast(&inbox, 1_000.0);
    let headers = [("upstash-callback", "http://h/cb"), ("upstash-callback-forward-x-a", "1")];
    let id = publish(&qstash, "http://h/p", &headers, "payload").await;
    inbox.wait(4).await;
    drained(&qstash).await;
    let reports = inbox.to("http://h/cb");
    let bodies: Vec<Value> = reports.iter().map(|seen| serde_json::from_slice(&seen.body).unwrap()).collect();
    assert_eq!((&bodies[0]["status"], &bodies[0]["retried"]), (&json!(503), &json!(0)));
    assert_eq!((&bodies[1]["status"], &bodies[1]["retried"]), (&json!(200), &json!(1)));
    assert_eq!(bodies[1]["sourceMessageId"], id);
    assert_eq!(bodies[1]["sourceBody"], "cGF5bG9hZA==");
    assert_eq!(bodies[1]["body"], "YW5zd2Vy");
    assert_eq!(reports[0].header("x-a"), "1");
    assert_eq!(reports[0].header("content-type"), "application/json");
    assert_ne!(reports[0].header("upstash-message-id"), id);
    claims(reports[0].header("upstash-signature"), &Options::default().current_key);
}
