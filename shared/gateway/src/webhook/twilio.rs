//! Twilio: `X-Twilio-Signature`, a base64 HMAC-SHA1 of the full address followed by the form's fields in the order of
//! their names, each as its name and its value. A body that is no form is named in the address by its SHA-256,
//! `bodySHA256`, and then the address alone is signed.

use http::header::CONTENT_TYPE;
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::signature::{Algorithm, Encoding, Secret, fits, make};
use super::{Delivery, Distrust, Signed, Told, Trust, only, text};
use crate::{form, hexadecimal};

const SIGNATURE: &str = "x-twilio-signature";

pub fn verify(trust: &Trust, delivery: &Delivery<'_>) -> Result<Signed, Distrust> {
    let signature = only(delivery.headers, SIGNATURE)?;
    let signature = Encoding::Base64.decode(signature).ok_or(Distrust::Header(SIGNATURE))?;
    if hash_in(delivery.url).is_none() && !delivery.body.is_empty() && !says_form(delivery) {
        // It would be read as something else than what is signed.
        return Err(Distrust::Header("content-type"));
    }
    let bytes = signed(delivery.url, delivery.body).ok_or(Distrust::Signature)?;
    if !fits(Algorithm::Sha1, &trust.secrets, &[&bytes], &signature) {
        return Err(Distrust::Signature);
    }
    Ok(Signed { id: None, at: None, bytes })
}

fn hash_in(url: &str) -> Option<&str> {
    let (_, query) = url.split_once('?')?;
    query.split('&').find_map(|field| field.strip_prefix("bodySHA256="))
}

/// What names a body in the address, as `bodySHA256`.
#[must_use]
pub fn body_hash(body: &[u8]) -> String {
    hexadecimal(&Sha256::digest(body))
}

fn says_form(delivery: &Delivery<'_>) -> bool {
    let kind = delivery.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    kind.to_ascii_lowercase().starts_with("application/x-www-form-urlencoded")
}

/// What is signed; `None` where the body is not what it has to be.
fn signed(url: &str, body: &[u8]) -> Option<Vec<u8>> {
    if let Some(hash) = hash_in(url) {
        // It is signed with the address, so that it may be compared as it is.
        return (hash.to_ascii_lowercase() == body_hash(body)).then(|| url.as_bytes().to_vec());
    }
    // Decoded fields are signed: of the ways to write one, only Twilio's own is taken.
    let small = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_lowercase);
    if body.windows(3).any(|window| window[0] == b'%' && (small(window.get(1)) || small(window.get(2)))) {
        return None;
    }
    let mut fields = form::read(body)?;
    fields.sort();
    // Twilio's own libraries take a field that comes twice with the same value once.
    fields.dedup();
    let mut bytes = url.as_bytes().to_vec();
    for (name, value) in &fields {
        bytes.extend_from_slice(name.as_bytes());
        bytes.extend_from_slice(value.as_bytes());
    }
    Some(bytes)
}

pub fn tell(body: &Value) -> Told {
    let status = ["MessageStatus", "CallStatus", "EventType"].into_iter().find_map(|name| text(body, name));
    Told { kind: status, ..Told::default() }
}

pub fn sign(secret: &Secret, url: &str, body: &[u8]) -> Option<Vec<(&'static str, String)>> {
    let made = make(Algorithm::Sha1, secret, &[&signed(url, body)?]);
    Some(vec![(SIGNATURE, Encoding::Base64.encode(&made))])
}
