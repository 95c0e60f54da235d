//! Requests for tokens, and what tokens are good for.

use std::time::{SystemTime, UNIX_EPOCH};

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Value, json};
use sha2::Sha256;

use super::{ably, call, json as answer, send};

const PATH: &str = "/keys/appid.keyid/requestToken";

fn now() -> u64 {
    u64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis()).unwrap()
}

fn request(timestamp: u64, nonce: &str, capability: &str, client_id: &str) -> Value {
    let mut hmac = Hmac::<Sha256>::new_from_slice(b"secret").unwrap();
    hmac.update(format!("appid.keyid\n60000\n{capability}\n{client_id}\n{timestamp}\n{nonce}\n").as_bytes());
    json!({"keyName": "appid.keyid", "ttl": 60000, "capability": capability, "clientId": client_id,
           "timestamp": timestamp, "nonce": nonce, "mac": STANDARD.encode(hmac.finalize().into_bytes())})
}

async fn ask(ably: &axum::Router, body: &Value) -> (u16, Value) {
    answer(send(ably, "POST", PATH, &[], body.to_string()).await).await
}

#[tokio::test]
async fn a_signed_request_is_granted_once_and_only_while_it_is_new() {
    let ably = ably();
    let good = request(now(), "n1", r#"{"*":["*"]}"#, "ada");
    let (status, details) = ask(&ably, &good).await;
    assert_eq!((status, &details["clientId"], &details["keyName"]), (201, &json!("ada"), &json!("appid.keyid")));
    assert_eq!(details["expires"].as_u64().unwrap() - details["issued"].as_u64().unwrap(), 60_000);
    assert_eq!(ask(&ably, &good).await.1["error"]["code"], 40105);
    let old = request(now() - 180_000, "n2", r#"{"*":["*"]}"#, "ada");
    assert_eq!(ask(&ably, &old).await.1["error"]["code"], 40104);
    let mut forged = request(now(), "n3", r#"{"a":["subscribe"]}"#, "ada");
    forged["capability"] = json!(r#"{"*":["*"]}"#);
    assert_eq!(ask(&ably, &forged).await.1["error"]["code"], 40101);
    forged["mac"] = Value::Null;
    assert_eq!(ask(&ably, &forged).await.1["error"]["code"], 40101);
}

#[tokio::test]
async fn a_token_does_what_it_is_for_and_in_its_clients_name() {
    let ably = ably();
    let capability = r#"{"in":["publish","history"],"out":["subscribe"]}"#;
    let (_, details) = ask(&ably, &request(now(), "n", capability, "ada")).await;
    let bearer = format!("Bearer {}", STANDARD.encode(details["token"].as_str().unwrap()));
    let token = [("authorization", bearer.as_str())];
    let publish = async |channel: &str, body: Value| {
        answer(send(&ably, "POST", &format!("/channels/{channel}/messages"), &token, body.to_string()).await).await
    };
    assert_eq!(publish("in", json!({"data": "x"})).await.0, 201);
    let (_, page) = answer(send(&ably, "GET", "/channels/in/messages", &token, String::new()).await).await;
    assert_eq!(page[0]["clientId"], "ada");
    let (status, refused) = publish("out", json!({"data": "x"})).await;
    assert_eq!((status, &refused["error"]["code"]), (401, &json!(40160)));
    assert_eq!(publish("in", json!({"data": "x", "clientId": "bob"})).await.1["error"]["code"], 40012);
    let response = send(&ably, "GET", "/sse?channels=out,in", &token, String::new()).await;
    assert_eq!(response.headers()["x-ably-errorcode"], "40160");
}

/// As an application signs it for itself.
fn jwt(claims: &Value) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let signed = format!("{}.{}", part(&json!({"typ": "JWT", "alg": "HS256", "kid": "appid.keyid"})), part(claims));
    let mut hmac = Hmac::<Sha256>::new_from_slice(b"secret").unwrap();
    hmac.update(signed.as_bytes());
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(hmac.finalize().into_bytes()))
}

async fn publish_with(ably: &axum::Router, token: &str, channel: &str, body: &Value) -> (u16, Value) {
    let headers = [("authorization", format!("Bearer {}", STANDARD.encode(token)))];
    let headers = headers.each_ref().map(|(name, value)| (*name, value.as_str()));
    answer(send(ably, "POST", &format!("/channels/{channel}/messages"), &headers, body.to_string()).await).await
}

#[tokio::test]
async fn a_request_with_a_wrong_type_is_refused_rather_than_granted_more() {
    let ably = ably();
    for wrong in [
        json!({"capability": {"a": ["subscribe"]}}),
        json!({"capability": ["a"]}),
        json!({"capability": "a"}),
        json!({"ttl": -5}),
        json!({"ttl": "abc"}),
        json!({"ttl": 1.5}),
        json!({"ttl": 0}),
        json!({"ttl": true}),
        json!({"clientId": 7}),
        json!({"keyName": 7}),
        json!({"mac": 7}),
        json!({"timestamp": "now"}),
        json!([]),
    ] {
        let (status, refused) = call(&ably, "POST", PATH, &wrong).await;
        let code = refused["error"]["code"].as_u64();
        assert!(status == 400 && matches!(code, Some(40000 | 40003)), "{wrong}: {status} {refused}");
    }
    for right in [json!({}), json!({"ttl": "60000"}), json!({"ttl": null, "capability": null})] {
        assert_eq!(call(&ably, "POST", PATH, &right).await.0, 201, "{right}");
    }
}

#[tokio::test]
async fn a_jwt_says_when_it_was_issued_and_ends_and_its_rights_as_text() {
    let ably = ably();
    let seconds = now() / 1000;
    let good = json!({"iat": seconds, "exp": seconds + 60, "x-ably-capability": r#"{"a":["publish"]}"#});
    let with = |claim: &str, value: Value| {
        let mut claims = good.clone();
        claims[claim] = value;
        claims
    };
    let without = |claim: &str| {
        let mut claims = good.clone();
        claims.as_object_mut().unwrap().remove(claim);
        claims
    };
    for wrong in [
        with("x-ably-capability", json!({"a": ["publish"]})),
        with("x-ably-capability", json!(["a"])),
        with("x-ably-capability", Value::Null),
        with("x-ably-capability", json!("a")),
        with("x-ably-clientId", json!(7)),
        with("iat", json!("now")),
        with("exp", json!("later")),
        without("iat"),
        without("exp"),
    ] {
        let (status, refused) = publish_with(&ably, &jwt(&wrong), "a", &json!({"data": "x"})).await;
        assert_eq!((status, &refused["error"]["code"]), (401, &json!(40144)), "{wrong}");
    }
    assert_eq!(publish_with(&ably, &jwt(&good), "a", &json!({"data": "x"})).await.0, 201);
    assert_eq!(publish_with(&ably, &jwt(&good), "b", &json!({"data": "x"})).await.1["error"]["code"], 40160);
    assert_eq!(publish_with(&ably, &jwt(&without("x-ably-capability")), "b", &json!({"data": "x"})).await.0, 201);
}

#[tokio::test]
async fn a_token_for_anybody_may_say_who_it_is() {
    let ably = ably();
    let (_, details) = call(&ably, "POST", PATH, &json!({"clientId": "*"})).await;
    let token = details["token"].as_str().unwrap();
    for message in [json!({"data": "x", "clientId": "eve"}), json!({"data": "x"})] {
        assert_eq!(publish_with(&ably, token, "a", &message).await.0, 201);
    }
    let (_, page) = call(&ably, "GET", "/channels/a/messages", &Value::Null).await;
    assert_eq!((&page[1]["clientId"], page[0].get("clientId")), (&json!("eve"), None));
}

#[tokio::test]
async fn a_capability_for_queues_or_metachannels_is_not_for_channels() {
    let ably = ably();
    for (resource, channel, status) in [
        ("[meta]*", "a", 401),
        ("[queue]*", "a", 401),
        ("*", "%5Bmeta%5Dlog", 401),
        ("[meta]*", "%5Bmeta%5Dlog", 201),
        ("[*]*", "%5Bmeta%5Dlog", 201),
        ("[*]*", "a", 201),
        ("*", "%5B%3Frewind%3D1%5Da", 201),
        ("foo:*:baz", "foo:bar:baz", 201),
        ("foo:*:baz", "foo:bar:bam:baz", 401),
    ] {
        let capability = json!({resource: ["publish"]}).to_string();
        let (_, details) = call(&ably, "POST", PATH, &json!({"capability": capability})).await;
        let answer = publish_with(&ably, details["token"].as_str().unwrap(), channel, &json!({"data": "x"})).await;
        assert_eq!(answer.0, status, "{resource} on {channel}: {}", answer.1);
    }
}
