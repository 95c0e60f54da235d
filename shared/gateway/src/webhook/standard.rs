//! Standard Webhooks, and Svix and Clerk, which have it under other names of the headers.
//!
//! `id.timestamp.body` is signed; the header holds signatures with spaces between, `v1,` for HMAC-SHA256 and `v1a,` for
//! Ed25519, each with base64. Other versions are passed over.

use makegood_core::time::Millis;
use serde_json::Value;

use super::signature::{Algorithm, Encoding, Secret, fits, fits_public, make};
use super::{Delivery, Distrust, LONGEST_ID, Signed, Told, Trust, only, recent, text};

/// The names of the three headers.
pub struct Names {
    pub(super) id: &'static str,
    pub(super) timestamp: &'static str,
    pub(super) signature: &'static str,
}

pub const STANDARD: Names = Names { id: "webhook-id", timestamp: "webhook-timestamp", signature: "webhook-signature" };
pub const SVIX: Names = Names { id: "svix-id", timestamp: "svix-timestamp", signature: "svix-signature" };

pub fn verify(trust: &Trust, delivery: &Delivery<'_>, now: Millis, names: &Names) -> Result<Signed, Distrust> {
    // Svix's libraries take either, whole: never one header of each.
    let names = if delivery.headers.contains_key(names.id) { names } else { &STANDARD };
    let id = only(delivery.headers, names.id)?;
    // With a point in it, what is signed could be read as another id with another time.
    let plain = |byte: u8| byte.is_ascii_graphic() && byte != b'.';
    if id.is_empty() || id.len() > LONGEST_ID || !id.bytes().all(plain) {
        return Err(Distrust::Header(names.id));
    }
    let timestamp = only(delivery.headers, names.timestamp)?;
    let at = recent(timestamp, names.timestamp, trust.tolerance, now)?;
    let parts: [&[u8]; 5] = [id.as_bytes(), b".", timestamp.as_bytes(), b".", delivery.body];
    let fits = |given: &str| match given.split_once(',') {
        Some(("v1", signature)) => Encoding::Base64
            .decode(signature)
            .is_some_and(|signature| fits(Algorithm::Sha256, &trust.secrets, &parts, &signature)),
        Some(("v1a", signature)) => {
            Encoding::Base64.decode(signature).is_some_and(|signature| fits_public(&trust.secrets, &parts, &signature))
        }
        Some(_) | None => false,
    };
    if !only(delivery.headers, names.signature)?.split(' ').any(fits) {
        return Err(Distrust::Signature);
    }
    Ok(Signed { id: Some(id.to_owned()), at: Some(at), bytes: Vec::new() })
}

pub fn tell(signed: &Signed, body: &Value) -> Told {
    let kind = text(body, "type").or_else(|| text(body, "event_type"));
    Told { id: signed.id.clone(), id_is_signed: true, kind, challenge: None }
}

pub fn sign(
    secret: &Secret,
    names: &Names,
    id: &str,
    seconds: &str,
    body: &[u8],
) -> Result<Vec<(&'static str, String)>, &'static str> {
    if matches!(secret, Secret::Public(_)) {
        return Err("a public key signs nothing: put a shared secret first");
    }
    let made = make(Algorithm::Sha256, secret, &[id.as_bytes(), b".", seconds.as_bytes(), b".", body]);
    Ok(vec![
        (names.id, id.to_owned()),
        (names.timestamp, seconds.to_owned()),
        (names.signature, format!("v1,{}", Encoding::Base64.encode(&made))),
    ])
}
