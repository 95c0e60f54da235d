//! Stripe: `Stripe-Signature: t=…,v1=…`, a hexadecimal HMAC-SHA256 of `t.body`. `v0` is for its tests, and passed over.
//! The id is the event's own, in the body, and so it is signed.

use makegood_core::time::Millis;
use serde_json::Value;

use super::signature::{Algorithm, Encoding, Secret, fits, make};
use super::{Delivery, Distrust, Signed, Told, Trust, only, recent, text};

const SIGNATURE: &str = "stripe-signature";

pub fn verify(trust: &Trust, delivery: &Delivery<'_>, now: Millis) -> Result<Signed, Distrust> {
    let header = only(delivery.headers, SIGNATURE)?;
    let fields = || header.split(',').filter_map(|field| field.split_once('='));
    let mut times = fields().filter(|(name, _)| *name == "t").map(|(_, value)| value);
    let (Some(timestamp), None) = (times.next(), times.next()) else { return Err(Distrust::Header(SIGNATURE)) };
    let at = recent(timestamp, SIGNATURE, trust.tolerance, now)?;
    let parts: [&[u8]; 3] = [timestamp.as_bytes(), b".", delivery.body];
    let mut signatures =
        fields().filter(|(name, _)| *name == "v1").filter_map(|(_, value)| Encoding::Hex.decode(value));
    if !signatures.any(|signature| fits(Algorithm::Sha256, &trust.secrets, &parts, &signature)) {
        return Err(Distrust::Signature);
    }
    Ok(Signed { id: None, at: Some(at), bytes: delivery.body.to_vec() })
}

pub fn tell(body: &Value) -> Told {
    Told { id: text(body, "id"), id_is_signed: true, kind: text(body, "type"), challenge: None }
}

pub fn sign(secret: &Secret, seconds: &str, body: &[u8]) -> Vec<(&'static str, String)> {
    let made = make(Algorithm::Sha256, secret, &[seconds.as_bytes(), b".", body]);
    vec![(SIGNATURE, format!("t={seconds},v1={}", Encoding::Hex.encode(&made)))]
}
