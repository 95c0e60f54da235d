//! An HMAC of the raw body in a header: what senders do that have no scheme of their own. How it is written, and where
//! id and kind stand, the source says.

use http::HeaderMap;
use serde::Deserialize;
use serde_json::Value;

use super::rules::Path;
use super::signature::{Algorithm, Encoding, Secret, fits, make};
use super::{Delivery, Distrust, Signed, Told, Trust, one};

/// How a sender writes its signature.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plain {
    /// The header that holds it.
    pub header: String,
    #[serde(default)]
    pub encoding: Encoding,
    /// What stands before it, as `sha256=`.
    #[serde(default)]
    pub prefix: String,
    #[serde(default)]
    pub algorithm: Algorithm,
    /// Where the delivery's id stands in the body. Without one it is told by the hash of the body.
    pub id: Option<Path>,
    /// Where the kind of event stands in the body; `$body.type` if nothing is said.
    pub r#type: Option<Path>,
    /// The header that says the kind instead. It is not signed.
    pub type_header: Option<String>,
}

const UNSAID: Distrust = Distrust::Header("of the signature");

pub fn verify(trust: &Trust, delivery: &Delivery<'_>) -> Result<Signed, Distrust> {
    let plain = trust.plain.as_ref().ok_or(UNSAID)?;
    let given = one(delivery.headers, &plain.header).and_then(|given| given.strip_prefix(plain.prefix.as_str()));
    let signature = given.and_then(|given| plain.encoding.decode(given)).ok_or(UNSAID)?;
    if !fits(plain.algorithm, &trust.secrets, &[delivery.body], &signature) {
        return Err(Distrust::Signature);
    }
    Ok(Signed { id: None, at: None, bytes: delivery.body.to_vec() })
}

pub fn tell(plain: Option<&Plain>, headers: &HeaderMap, body: &Value) -> Told {
    let at = |path: &Path| match path.find(body)? {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    };
    let Some(plain) = plain else { return Told::default() };
    let kind = match (&plain.type_header, &plain.r#type) {
        (Some(header), _) => one(headers, header).map(str::to_owned),
        (None, Some(path)) => at(path),
        (None, None) => super::text(body, "type"),
    };
    Told { id: plain.id.as_ref().and_then(at), id_is_signed: true, kind, challenge: None }
}

pub fn sign<'a>(secret: &Secret, plain: &'a Plain, kind: &str, body: &[u8]) -> Vec<(&'a str, String)> {
    let made = make(plain.algorithm, secret, &[body]);
    let mut headers = vec![(plain.header.as_str(), format!("{}{}", plain.prefix, plain.encoding.encode(&made)))];
    headers.extend(plain.type_header.iter().map(|header| (header.as_str(), kind.to_owned())));
    headers
}
