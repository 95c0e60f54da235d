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
    if !body.is_map() {
        return Err(Fault::bad("a request for a token must be an object"));
    }
    let text = |name: &str| match field(body, name) {
        None => Ok(None),
        Some(value) => value.as_str().map(Some).ok_or_else(|| Fault::parameter(format!("the {name} must be a string"))),
    };
    if key_name != inner.key_name || text("keyName")?.is_some_and(|name| name != key_name) {
        return Err(Fault::unauthorised(40101, "invalid credentials: no such key"));
    }
    let (mac, nonce) = (text("mac")?, text("nonce")?);
    let (capability, client_id) = (text("capability")?, text("clientId")?);
    let now = inner.clock.now();
    let number = |name: &str| match field(body, name).map(to_json) {
        None => Ok(None),
        Some(Json::String(text)) if text.is_empty() => Ok(None),
        Some(given) => {
            let number = given.as_str().map_or_else(|| given.as_u64(), |text| text.parse().ok());
            number
                .map(Some)
                .ok_or_else(|| Fault::parameter(format!("the {name} must be whole milliseconds, not {given}")))
        }
    };
    let (ttl, timestamp) = (number("ttl")?, number("timestamp")?);
    match mac {
        None if basic => {}
        None => return Err(Fault::unauthorised(40101, "invalid credentials: no mac")),
        Some(mac) => {
            let plain = |number: Option<u64>| number.map(|number| number.to_string()).unwrap_or_default();
            let signed = [
                key_name,
                &plain(ttl),
                capability.unwrap_or(""),
                client_id.unwrap_or(""),
                &plain(timestamp),
                nonce.unwrap_or(""),
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
            let nonce = nonce.ok_or_else(|| Fault::parameter("the nonce is missing"))?;
            if !lock(&inner.nonces).first(nonce, timestamp, now) {
                return Err(Fault::unauthorised(40105, "nonce value replayed"));
            }
        }
    }
    let ttl = ttl.unwrap_or(DEFAULT_TTL);
    if ttl == 0 || ttl > MAX_TTL {
        return Err(Fault::parameter(format!("the ttl must lie between 1 and {MAX_TTL}")));
    }
    let capability = capability.filter(|text| !text.is_empty()).unwrap_or(Capability::ALL);
    Capability::parse(capability)?;
    let (client_id, expires) = (client_id.filter(|id| !id.is_empty()), now + ttl);
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
    let wrong = |claim: &str, what: &str| Fault::token_format(format!("invalid JWT: {claim} must be {what}"));
    claims["iat"].as_f64().ok_or_else(|| wrong("iat", "a number of seconds"))?;
    let expires = claims["exp"].as_f64().ok_or_else(|| wrong("exp", "a number of seconds"))?;
    let expires = (expires * 1000.0).round() as u64;
    if expires <= inner.clock.now() {
        return Err(Fault::expired());
    }
    let capability = match claims.get("x-ably-capability") {
        None => Capability::all(),
        Some(Json::String(text)) => {
            Capability::parse(text).map_err(|fault| Fault::token_format(format!("invalid JWT: {}", fault.message)))?
        }
        Some(_) => return Err(wrong("x-ably-capability", "a string of JSON")),
    };
    let client_id = match claims.get("x-ably-clientId") {
        None | Some(Json::Null) => None,
        Some(Json::String(id)) => Some(id.clone()),
        Some(_) => return Err(wrong("x-ably-clientId", "a string")),
    };
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
