//! Slack: `X-Slack-Signature: v0=…`, a hexadecimal HMAC-SHA256 of `v0:timestamp:body`. Events have an id in their body;
//! commands and buttons are forms that have none. An address is tried with `url_verification`, whose challenge is
//! answered once it is known to be Slack's.

use makegood_core::time::Millis;
use serde_json::Value;

use super::signature::{Algorithm, Encoding, Secret, fits, make};
use super::{Delivery, Distrust, LONGEST_ID, Signed, Told, Trust, only, recent, text};

const SIGNATURE: &str = "x-slack-signature";
const TIMESTAMP: &str = "x-slack-request-timestamp";

pub fn verify(trust: &Trust, delivery: &Delivery<'_>, now: Millis) -> Result<Signed, Distrust> {
    let timestamp = only(delivery.headers, TIMESTAMP)?;
    let at = recent(timestamp, TIMESTAMP, trust.tolerance, now)?;
    let given = only(delivery.headers, SIGNATURE)?.strip_prefix("v0=");
    let signature = given.and_then(|given| Encoding::Hex.decode(given)).ok_or(Distrust::Header(SIGNATURE))?;
    let parts: [&[u8]; 4] = [b"v0:", timestamp.as_bytes(), b":", delivery.body];
    if !fits(Algorithm::Sha256, &trust.secrets, &parts, &signature) {
        return Err(Distrust::Signature);
    }
    Ok(Signed { id: None, at: Some(at), bytes: delivery.body.to_vec() })
}

pub fn tell(body: &Value) -> Told {
    let kind = body.get("event").and_then(|event| text(event, "type")).or_else(|| text(body, "type"));
    let challenge = text(body, "challenge").filter(|_| text(body, "type").as_deref() == Some("url_verification"));
    Told {
        id: text(body, "event_id"),
        id_is_signed: true,
        kind: kind.or_else(|| text(body, "command")),
        challenge: challenge.filter(|challenge| challenge.len() <= LONGEST_ID),
    }
}

pub fn sign(secret: &Secret, seconds: &str, body: &[u8]) -> Vec<(&'static str, String)> {
    let made = make(Algorithm::Sha256, secret, &[b"v0:", seconds.as_bytes(), b":", body]);
    vec![(TIMESTAMP, seconds.to_owned()), (SIGNATURE, format!("v0={}", Encoding::Hex.encode(&made)))]
}
