//! Every scheme against its published vectors, and against everything that may be wrong with a delivery.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::collections::BTreeMap;

use http::{HeaderMap, HeaderName, HeaderValue};
use makegood_core::time::Millis;
use makegood_gateway::webhook::sources::read;
use makegood_gateway::webhook::{Delivery, Distrust, Scheme, Secret, Trust, Verified, sign, verify};
use serde::Deserialize;
use serde_json::{Value, json};

#[derive(Clone, Deserialize)]
struct Vector {
    scheme: String,
    secret: String,
    headers: BTreeMap<String, String>,
    #[serde(default)]
    body: String,
    #[serde(default)]
    params: BTreeMap<String, String>,
    #[serde(default = "somewhere")]
    url: String,
    #[serde(default)]
    now: u64,
    valid: bool,
}

fn somewhere() -> String {
    "https://makegood.example/api/webhook/s".to_owned()
}

/// Those of `webhook-vectors.json`; what was sent as a form is written as one.
fn vectors() -> Vec<Vector> {
    let all: Vec<Vector> = serde_json::from_str(include_str!("data/webhook-vectors.json")).unwrap();
    all.into_iter().map(written).collect()
}

fn written(mut vector: Vector) -> Vector {
    let fields: Vec<String> =
        vector.params.iter().map(|(name, value)| format!("{name}={}", value.replace('+', "%2B"))).collect();
    if !fields.is_empty() {
        vector.body = fields.join("&");
        vector.headers.insert("content-type".into(), "application/x-www-form-urlencoded".into());
    }
    vector
}

fn trust(scheme: &str, secrets: &[&str]) -> Trust {
    let hmac = (scheme == "hmac").then(|| json!({"header": "x-signature", "prefix": "sha256=", "id": "$body.id"}));
    let mut source = json!({"scheme": scheme, "secrets": secrets, "owner": "ann"});
    if let Some(hmac) = hmac {
        source["hmac"] = hmac;
    }
    read(&json!({"s": source}).to_string()).unwrap().remove("s").unwrap().trust
}

fn headers(all: &BTreeMap<String, String>) -> HeaderMap {
    let header = |(name, value): (&String, &String)| {
        (name.parse::<HeaderName>().unwrap(), HeaderValue::from_bytes(value.as_bytes()).unwrap())
    };
    all.iter().map(header).collect()
}

fn check(trust: &Trust, headers: &HeaderMap, url: &str, body: &[u8], seconds: u64) -> Result<Verified, Distrust> {
    verify(trust, &Delivery { headers, body, url }, Millis(seconds * 1000))
}

impl Vector {
    fn check(&self, trust: &Trust, seconds: u64) -> Result<Verified, Distrust> {
        check(trust, &headers(&self.headers), &self.url, self.body.as_bytes(), seconds)
    }

    fn trust(&self) -> Trust {
        trust(&self.scheme, &[&self.secret])
    }
}

#[test]
fn every_vector_is_taken_or_refused_as_its_file_says() {
    let all = vectors();
    assert_eq!(all.len(), 16, "none is left out");
    for (place, vector) in all.iter().enumerate() {
        let checked = vector.check(&vector.trust(), vector.now);
        assert_eq!(checked.is_ok(), vector.valid, "vector {place} ({}): {checked:?}", vector.scheme);
    }
}

/// A delivery of each scheme, with one signature.
fn good() -> Vec<Vector> {
    let mut all: Vec<Vector> = vectors()
        .into_iter()
        .filter(|vector| {
            vector.valid && !vector.headers.values().any(|v| v.contains("AAAA ") || v.matches("v1=").count() > 1)
        })
        .collect();
    let body = r#"{"id":"e1","type":"paid"}"#;
    let made = |scheme: &str, url: &str, body: &str| {
        let signed = sign(&trust(scheme, &["a secret"]), url, ("d1", "k"), body.as_bytes(), Millis(5_000)).unwrap();
        Vector {
            scheme: scheme.into(),
            secret: "a secret".into(),
            headers: signed.into_iter().collect(),
            body: body.into(),
            params: BTreeMap::new(),
            url: url.into(),
            now: 5,
            valid: true,
        }
    };
    all.push(made("hmac", &somewhere(), body));
    // What is no form is named in the address.
    let hash = format!("bodySHA256={}", sha256(body));
    all.push(made("twilio", &format!("https://makegood.example/api/webhook/s?{hash}"), body));
    all
}

fn sha256(text: &str) -> String {
    use sha2::{Digest, Sha256};
    makegood_gateway::hexadecimal(&Sha256::digest(text))
}

/// What is not signed is listed here, by scheme: GitHub and Shopify sign their bodies only.
fn is_signed(name: &str) -> bool {
    !["content-type", "x-github-delivery", "x-github-event", "x-shopify-webhook-id", "x-shopify-topic"].contains(&name)
}

#[test]
fn one_flipped_bit_anywhere_refuses() {
    let mut flips = 0;
    for vector in good() {
        let trust = vector.trust();
        assert!(vector.check(&trust, vector.now).is_ok(), "{}", vector.scheme);
        let all = headers(&vector.headers);
        for (place, bit) in (0..vector.body.len()).flat_map(|place| (0..8).map(move |bit| (place, bit))) {
            let mut body = vector.body.clone().into_bytes();
            body[place] ^= 1 << bit;
            let flipped = check(&trust, &all, &vector.url, &body, vector.now);
            assert!(flipped.is_err(), "{}: bit {bit} of byte {place} of the body", vector.scheme);
            flips += 1;
        }
        for (name, value) in vector.headers.iter().filter(|(name, _)| is_signed(name)) {
            for (place, bit) in (0..value.len()).flat_map(|place| (0..8).map(move |bit| (place, bit))) {
                let mut value = value.clone().into_bytes();
                value[place] ^= 1 << bit;
                // What cannot stand in a header does not come here.
                let Ok(value) = HeaderValue::from_bytes(&value) else { continue };
                let mut headers = all.clone();
                headers.insert(name.parse::<HeaderName>().unwrap(), value);
                let flipped = check(&trust, &headers, &vector.url, vector.body.as_bytes(), vector.now);
                assert!(flipped.is_err(), "{}: bit {bit} of byte {place} of {name}", vector.scheme);
                flips += 1;
            }
        }
        for (place, bit) in (0..vector.secret.len()).flat_map(|place| (0..7).map(move |bit| (place, bit))) {
            let mut secret = vector.secret.clone().into_bytes();
            secret[place] ^= 1 << bit;
            let Ok(secret) = String::from_utf8(secret) else { continue };
            let source = json!({"s": {"scheme": vector.scheme, "secrets": [secret], "owner": "ann"}});
            // Of a secret in base64 some are none at all.
            let Ok(sources) = read(&source.to_string()) else { continue };
            let flipped = vector.check(&sources["s"].trust, vector.now);
            assert!(
                flipped.is_err() || secret == vector.secret,
                "{}: bit {bit} of byte {place} of the secret",
                vector.scheme
            );
            flips += 1;
        }
    }
    assert!(flips > 10_000, "{flips}");
}

#[test]
fn twilio_signs_the_address_that_it_was_given() {
    let vectors = good();
    for vector in vectors.iter().filter(|vector| vector.scheme == "twilio") {
        let all = headers(&vector.headers);
        for (place, bit) in (0..vector.url.len()).flat_map(|place| (0..7).map(move |bit| (place, bit))) {
            let mut url = vector.url.clone().into_bytes();
            url[place] ^= 1 << bit;
            let Ok(url) = String::from_utf8(url) else { continue };
            let flipped = check(&vector.trust(), &all, &url, vector.body.as_bytes(), 0);
            assert!(flipped.is_err(), "{url}");
        }
    }
}

#[test]
fn a_header_that_is_missing_or_comes_twice_is_refused() {
    for vector in good() {
        let trust = vector.trust();
        for name in vector.headers.keys().filter(|name| is_signed(name)) {
            let name: HeaderName = name.parse().unwrap();
            let mut without = headers(&vector.headers);
            let value = without.remove(&name).unwrap();
            let missing = check(&trust, &without, &vector.url, vector.body.as_bytes(), vector.now);
            assert!(matches!(missing, Err(Distrust::Header(_))), "{} without {name}: {missing:?}", vector.scheme);
            let mut twice = headers(&vector.headers);
            twice.append(&name, value);
            let twice = check(&trust, &twice, &vector.url, vector.body.as_bytes(), vector.now);
            assert!(matches!(twice, Err(Distrust::Header(_))), "{} with {name} twice: {twice:?}", vector.scheme);
        }
    }
}

#[test]
fn what_was_signed_too_long_ago_or_in_the_future_is_refused() {
    for vector in good().into_iter().filter(|vector| ["standard", "svix", "stripe", "slack"].contains(&&*vector.scheme))
    {
        let trust = vector.trust();
        for (seconds, taken) in [(299, true), (300, true), (301, false), (100_000, false)] {
            let (late, early) = (vector.now + seconds, vector.now.saturating_sub(seconds));
            for at in [late, early] {
                let checked = vector.check(&trust, at);
                assert_eq!(checked.is_ok(), taken, "{}, {seconds} s off: {checked:?}", vector.scheme);
                assert!(taken || checked == Err(Distrust::Time), "{checked:?}");
            }
        }
        let narrow = Trust { tolerance: Millis::from_secs(10), ..trust };
        assert!(vector.check(&narrow, vector.now + 10).is_ok() && vector.check(&narrow, vector.now + 11).is_err());
    }
}

#[test]
fn times_are_digits_and_nothing_else() {
    for vector in good().into_iter().filter(|vector| ["standard", "svix", "slack"].contains(&&*vector.scheme)) {
        let name = vector.headers.keys().find(|name| name.ends_with("timestamp")).unwrap().clone();
        for written in ["", "+5", "-5", "5.0", "0x5", " 5", "5e3", "9999999999999999999999"] {
            let mut vector = vector.clone();
            vector.headers.insert(name.clone(), written.into());
            assert!(matches!(vector.check(&vector.trust(), 5), Err(Distrust::Header(_))), "{written:?}");
        }
    }
}

#[test]
fn every_active_secret_is_tried_and_no_other() {
    for vector in good() {
        let other = if ["standard", "svix"].contains(&&*vector.scheme) {
            "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
        } else {
            "another secret"
        };
        for secrets in [[other, &vector.secret], [&vector.secret, other]] {
            assert!(vector.check(&trust(&vector.scheme, &secrets), vector.now).is_ok(), "{}", vector.scheme);
        }
        let gone = vector.check(&trust(&vector.scheme, &[other]), vector.now);
        assert_eq!(gone, Err(Distrust::Signature), "{}", vector.scheme);
    }
}

#[test]
fn versions_that_are_not_known_are_passed_over() {
    let of = |scheme: &str, name: &str| {
        let vector = good().into_iter().find(|vector| vector.scheme == scheme).unwrap();
        let signature = vector.headers[name].clone();
        (vector, signature)
    };
    let cases = [
        ("standard", "webhook-signature", "v1,", ["v2,", "v0,", "v1a,", ",", "v1;", "V1,"].as_slice()),
        ("svix", "svix-signature", "v1,", ["v2,", "v1,v1,", ""].as_slice()),
        ("stripe", "stripe-signature", "v1=", ["v0=", "v2=", "v1:", "V1="].as_slice()),
        ("github", "x-hub-signature-256", "sha256=", ["sha1=", "", "sha256:"].as_slice()),
        ("slack", "x-slack-signature", "v0=", ["v1=", "", "v0:"].as_slice()),
    ];
    for (scheme, name, version, others) in cases {
        for other in others {
            let (mut vector, signature) = of(scheme, name);
            vector.headers.insert(name.into(), signature.replace(version, other));
            assert!(vector.check(&vector.trust(), vector.now).is_err(), "{scheme}: {other}");
        }
    }
}

#[test]
fn an_id_with_a_point_in_it_is_none() {
    // What is signed would be the same as for another id and another time.
    let trust = trust("standard", &["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"]);
    let signed = sign(&trust, "", ("a.5", "k"), b"{}", Millis(5_000)).unwrap();
    let all = headers(&signed.into_iter().collect());
    assert_eq!(check(&trust, &all, "", b"{}", 5), Err(Distrust::Header("webhook-id")));
}

#[test]
fn ed25519_signatures_are_taken_under_the_public_key_and_one_flipped_bit_refuses() {
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;
    use ed25519_dalek::{Signer, SigningKey};
    let key = SigningKey::from_bytes(&[7; 32]);
    let public = format!("whpk_{}", STANDARD.encode(key.verifying_key().as_bytes()));
    let trust = trust("standard", &[&public]);
    assert!(matches!(trust.secrets[..], [Secret::Public(_)]));
    let signature = key.sign(b"m1.5.{}").to_bytes();
    let with = |signature: &[u8], version: &str| {
        let all = [
            ("webhook-id", "m1".to_owned()),
            ("webhook-timestamp", "5".to_owned()),
            ("webhook-signature", format!("{version},{}", STANDARD.encode(signature))),
        ];
        headers(&all.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
    };
    assert_eq!(check(&trust, &with(&signature, "v1a"), "", b"{}", 5).unwrap().key, "m1");
    assert_eq!(check(&trust, &with(&signature, "v1"), "", b"{}", 5), Err(Distrust::Signature));
    for (place, bit) in (0..64).flat_map(|place| (0..8).map(move |bit| (place, bit))) {
        let mut flipped = signature;
        flipped[place] ^= 1 << bit;
        assert!(check(&trust, &with(&flipped, "v1a"), "", b"{}", 5).is_err(), "bit {bit} of byte {place}");
    }
    assert!(check(&trust, &with(&signature, "v1a"), "", b"{ }", 5).is_err());
    assert!(sign(&trust, "", ("m", "k"), b"{}", Millis(5)).is_err(), "who has the public half signs nothing");
}

#[test]
fn what_comes_again_has_the_same_key_and_what_is_another_has_another() {
    let key = |scheme: &str, (id, kind): (&str, &str), body: &str, at: u64| {
        let secret = if scheme == "standard" { "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw" } else { "a secret" };
        let trust = trust(scheme, &[secret]);
        let signed = sign(&trust, &somewhere(), (id, kind), body.as_bytes(), Millis(at * 1000)).unwrap();
        check(&trust, &headers(&signed.into_iter().collect()), &somewhere(), body.as_bytes(), at).unwrap().key
    };
    let one = r#"{"id":"e1","event_id":"e1"}"#;
    let two = r#"{"id":"e2","event_id":"e2"}"#;
    assert_eq!(key("standard", ("m1", ""), one, 5), key("standard", ("m1", ""), one, 9), "signed anew");
    assert_ne!(key("standard", ("m1", ""), one, 5), key("standard", ("m2", ""), one, 5));
    for scheme in ["stripe", "slack", "hmac"] {
        assert_eq!(key(scheme, ("", ""), one, 5), "e1", "{scheme}: the id in the body");
        assert_eq!(
            key(scheme, ("", ""), "{}", 5),
            key(scheme, ("", ""), "{}", 9),
            "{scheme}: without one, what is signed"
        );
        assert_ne!(key(scheme, ("", ""), one, 5), key(scheme, ("", ""), two, 5), "{scheme}");
    }
    for scheme in ["github", "shopify"] {
        assert_eq!(
            key(scheme, ("d1", "push"), one, 5),
            key(scheme, ("d2", "push"), one, 5),
            "{scheme}: an unsigned id says nothing"
        );
        assert_ne!(key(scheme, ("d1", "push"), one, 5), key(scheme, ("d1", "pull"), one, 5), "{scheme}: another kind");
    }
}

#[test]
fn kinds_and_handshakes_are_read_once_the_signature_fits() {
    let read = |scheme: &str, kind: &str, body: &Value| {
        let secret = if scheme == "standard" { "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw" } else { "a secret" };
        let trust = trust(scheme, &[secret]);
        let body = body.to_string();
        let signed = sign(&trust, &somewhere(), ("d1", kind), body.as_bytes(), Millis(5_000)).unwrap();
        check(&trust, &headers(&signed.into_iter().collect()), &somewhere(), body.as_bytes(), 5).unwrap()
    };
    let challenge = json!({"type": "url_verification", "challenge": "3eZbrw1a"});
    assert_eq!(read("slack", "", &challenge).challenge.as_deref(), Some("3eZbrw1a"));
    let event =
        json!({"type": "event_callback", "challenge": "x", "event_id": "Ev1", "event": {"type": "app_mention"}});
    let event = read("slack", "", &event);
    assert_eq!((event.challenge, event.kind.as_deref(), event.key.as_str()), (None, Some("app_mention"), "Ev1"));
    assert_eq!(read("github", "ping", &json!({"zen": "…"})).kind.as_deref(), Some("ping"));
    assert_eq!(read("shopify", "orders/create", &json!({})).kind.as_deref(), Some("orders/create"));
    assert_eq!(read("stripe", "", &json!({"id": "evt_1", "type": "charge.paid"})).kind.as_deref(), Some("charge.paid"));
    assert_eq!(read("standard", "", &json!({"type": "user.created"})).kind.as_deref(), Some("user.created"));
    assert_eq!(trust("slack", &["a secret"]).scheme, Scheme::Slack);
}
