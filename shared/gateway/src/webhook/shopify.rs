//! Shopify: `X-Shopify-Hmac-Sha256`, a base64 HMAC-SHA256 of the body. As with GitHub, nothing else is signed: neither
//! ids, nor the time, nor the topic.

use http::HeaderMap;

use super::signature::{Algorithm, Encoding, Secret, fits, make};
use super::{Delivery, Distrust, Signed, Told, Trust, one, only};

const SIGNATURE: &str = "x-shopify-hmac-sha256";
const ID: &str = "x-shopify-webhook-id";
const TOPIC: &str = "x-shopify-topic";

pub fn verify(trust: &Trust, delivery: &Delivery<'_>) -> Result<Signed, Distrust> {
    let given = only(delivery.headers, SIGNATURE)?;
    let signature = Encoding::Base64.decode(given).ok_or(Distrust::Header(SIGNATURE))?;
    if !fits(Algorithm::Sha256, &trust.secrets, &[delivery.body], &signature) {
        return Err(Distrust::Signature);
    }
    Ok(Signed { id: None, at: None, bytes: delivery.body.to_vec() })
}

pub fn tell(headers: &HeaderMap) -> Told {
    let header = |name| one(headers, name).map(str::to_owned);
    Told { id: header(ID), id_is_signed: false, kind: header(TOPIC), challenge: None }
}

pub fn sign(secret: &Secret, id: &str, kind: &str, body: &[u8]) -> Vec<(&'static str, String)> {
    let made = make(Algorithm::Sha256, secret, &[body]);
    vec![(ID, id.to_owned()), (TOPIC, kind.to_owned()), (SIGNATURE, Encoding::Base64.encode(&made))]
}
