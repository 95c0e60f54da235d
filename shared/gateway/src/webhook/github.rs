//! GitHub: `X-Hub-Signature-256: sha256=…`, a hexadecimal HMAC-SHA256 of the body. Neither a time nor the delivery's id
//! nor its kind is signed: what comes again is told by what is signed.

use http::HeaderMap;

use super::signature::{Algorithm, Encoding, Secret, fits, make};
use super::{Delivery, Distrust, Signed, Told, Trust, one, only};

const SIGNATURE: &str = "x-hub-signature-256";
const ID: &str = "x-github-delivery";
const KIND: &str = "x-github-event";

pub fn verify(trust: &Trust, delivery: &Delivery<'_>) -> Result<Signed, Distrust> {
    let given = only(delivery.headers, SIGNATURE)?.strip_prefix("sha256=");
    let signature = given.and_then(|given| Encoding::Hex.decode(given)).ok_or(Distrust::Header(SIGNATURE))?;
    if !fits(Algorithm::Sha256, &trust.secrets, &[delivery.body], &signature) {
        return Err(Distrust::Signature);
    }
    Ok(Signed { id: None, at: None, bytes: delivery.body.to_vec() })
}

pub fn tell(headers: &HeaderMap) -> Told {
    let header = |name| one(headers, name).map(str::to_owned);
    Told { id: header(ID), id_is_signed: false, kind: header(KIND), challenge: None }
}

pub fn sign(secret: &Secret, id: &str, kind: &str, body: &[u8]) -> Vec<(&'static str, String)> {
    let made = make(Algorithm::Sha256, secret, &[body]);
    vec![(ID, id.to_owned()), (KIND, kind.to_owned()), (SIGNATURE, format!("sha256={}", Encoding::Hex.encode(&made)))]
}
