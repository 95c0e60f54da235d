//! Tokens. They are signed rather than kept: Ably's own JWTs, so that those
//! which an application signs for itself are admitted alike.

use std::collections::HashMap;

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use hmac::{Hmac, KeyInit as _, Mac as _};
use rmpv::Value;
use serde_json::{Value as Json, json};
use sha2::Sha256;

use super::{
    Inner,
    auth::Grant,
    capability::Capability,
    fault::Fault,
    lock,
    wire::{field, to_json},
};

const DEFAULT_TTL: u64 = 60 * 60 * 1000;
const MAX_TTL: u64 = 24 * DEFAULT_TTL;
/// How far the clock of who signed a request may be off.
const MAX_SKEW: u64 = 2 * 60 * 1000;

/// Which requests for tokens were granted, while they could come again.
#[derive(Default)]
pub struct Nonces(HashMap<String, u64>);

impl Nonces {
    /// Notes a nonce; false when it was there.
    fn first(&mut self, nonce: &str, timestamp: u64, now: u64) -> bool {
        self.0.retain(|_, signed_at| signed_at.saturating_add(MAX_SKEW) >= now);
        self.0.insert(nonce.to_owned(), timestamp).is_none()
    }
}

/// Grants a token. `basic` when the request came with the key itself, and so needs no signature.
pub fn grant(inner: &Inner, key_name: &str, body: &Value, basic: bool) -> Result<Value, Fault> {
    let text = |name: &str| field(body, name).and_then(Value::as_str);
    if key_name != inner.key_name || text("keyName").is_some_and(|name| name != key_name) {
        return Err(Fault::unauthorised(40101, "invalid credentials: no such key"));
    }
    let now = inner.clock.now();
    let number = |name: &str| match field(body, name).map(to_json) {
        None => Ok(None),
        Some(Json::Number(number)) => Ok(number.as_u64()),
        Some(Json::String(text)) => Ok(text.parse().ok()),
        Some(_) => Err(Fault::parameter(format!("invalid {name}"))),
    };
    let (ttl, timestamp) = (number("ttl")?, number("timestamp")?);
    match text("mac") {
        None if basic => {}
        None => return Err(Fault::unauthorised(40101, "invalid credentials: no mac")),
        Some(mac) => {
            let plain = |number: Option<u64>| number.map(|number| number.to_string()).unwrap_or_default();
            let signed = [
                key_name,
                &plain(ttl),
                text("capability").unwrap_or(""),
                text("clientId").unwrap_or(""),
                &plain(timestamp),
                text("nonce").unwrap_or(""),
                "",
            ]
            .join("\n");
            let mac = STANDARD.decode(mac).unwrap_or_default();
            if !verified(&inner.secret, &signed, &mac) {
                return Err(Fault::unauthorised(40101, "invalid credentials: the mac does not match"));
            }
            let timestamp = timestamp.ok_or_else(|| Fault::parameter("the timestamp is missing"))?;
            if timestamp.abs_diff(now) > MAX_SKEW {
                return Err(Fault::unauthorised(40104, "timestamp not current"));
            }
            let nonce = text("nonce").ok_or_else(|| Fault::parameter("the nonce is missing"))?;
            if !lock(&inner.nonces).first(nonce, timestamp, now) {
                return Err(Fault::unauthorised(40105, "nonce value replayed"));
            }
        }
    }
    let ttl = ttl.unwrap_or(DEFAULT_TTL);
    if ttl == 0 || ttl > MAX_TTL {
        return Err(Fault::parameter(format!("the ttl must lie between 1 and {MAX_TTL}")));
    }
    let capability = text("capability").filter(|text| !text.is_empty()).unwrap_or(Capability::ALL);
    Capability::parse(capability)?;
    let (client_id, expires) = (text("clientId").filter(|id| !id.is_empty()), now + ttl);
    let claims = json!({
        // Seconds, and the milliseconds after the point (RFC 7519, "NumericDate").
        "iat": now as f64 / 1000.0, "exp": expires as f64 / 1000.0, "x-ably-capability": capability,
        "x-ably-clientId": client_id, "jti": format!("{:032x}", rand::random::<u128>()),
    });
    let mut answer: Vec<(Value, Value)> = vec![
        ("token".into(), sign(inner, &claims).into()),
        ("keyName".into(), key_name.into()),
        ("issued".into(), now.into()),
        ("expires".into(), expires.into()),
        ("capability".into(), capability.into()),
    ];
    answer.extend(client_id.map(|id| ("clientId".into(), id.into())));
    Ok(Value::Map(answer))
}

/// What a token is good for.
pub fn admit(inner: &Inner, token: &str) -> Result<Grant, Fault> {
    let invalid = || Fault::unauthorised(40140, "invalid token");
    let (signed, mac) = token.rsplit_once('.').ok_or_else(invalid)?;
    let (header, claims) = signed.split_once('.').ok_or_else(invalid)?;
    let read = |part: &str| {
        let bytes = URL_SAFE_NO_PAD.decode(part).map_err(|_| invalid())?;
        serde_json::from_slice::<Json>(&bytes).map_err(|_| invalid())
    };
    let (header, claims) = (read(header)?, read(claims)?);
    let mac = URL_SAFE_NO_PAD.decode(mac).map_err(|_| invalid())?;
    let known = header["alg"] == "HS256" && header["kid"] == inner.key_name.as_str();
    if !known || !verified(&inner.secret, signed, &mac) {
        return Err(invalid());
    }
    let expires = (claims["exp"].as_f64().ok_or_else(invalid)? * 1000.0).round() as u64;
    if expires <= inner.clock.now() {
        return Err(Fault::expired());
    }
    let capability = match claims["x-ably-capability"].as_str() {
        Some(text) => Capability::parse(text)?,
        None => Capability::all(),
    };
    let client_id = claims["x-ably-clientId"].as_str().map(str::to_owned);
    Ok(Grant { capability, client_id, expires: Some(expires) })
}

fn sign(inner: &Inner, claims: &Json) -> String {
    let header = json!({"typ": "JWT", "alg": "HS256", "kid": inner.key_name});
    let encode = |part: &Json| URL_SAFE_NO_PAD.encode(part.to_string());
    let signed = format!("{}.{}", encode(&header), encode(claims));
    let mac = signature(&inner.secret, &signed).map(|hmac| hmac.finalize().into_bytes()).unwrap_or_default();
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(mac))
}

fn verified(secret: &str, text: &str, mac: &[u8]) -> bool {
    signature(secret, text).is_some_and(|hmac| hmac.verify_slice(mac).is_ok())
}

/// HMAC takes a key of any length, so there always is one.
fn signature(secret: &str, text: &str) -> Option<Hmac<Sha256>> {
    let mut hmac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).ok()?;
    hmac.update(text.as_bytes());
    Some(hmac)
}
