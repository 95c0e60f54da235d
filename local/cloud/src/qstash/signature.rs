//! `Upstash-Signature`: a compact HS256 JWT over destination and body (sheet:
//! "Delivery request").

use base64::{
    Engine as _,
    engine::general_purpose::{URL_SAFE, URL_SAFE_NO_PAD},
};
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::{Digest as _, Sha256};

use crate::text::random_id;

/// base64url of `{"alg":"HS256","typ":"JWT"}`.
const HEADER: &str = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9";
const LIFETIME_SECONDS: u64 = 300;

/// Signs one attempt. The key's text itself is the key. `now`: Unix seconds by the destination's clock, see `Options`.
pub fn sign(key: &str, url: &str, body: &[u8], now: u64) -> String {
    let claims = serde_json::json!({
        "iss": "Upstash",
        "sub": url,
        "exp": now + LIFETIME_SECONDS,
        "nbf": now,
        "iat": now,
        "jti": random_id("jwt_"),
        "body": URL_SAFE.encode(Sha256::digest(body)),
    });
    let mut token = format!("{HEADER}.{}", URL_SAFE_NO_PAD.encode(claims.to_string()));
    // HMAC takes keys of any length, so this arm is never left out.
    if let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key.as_bytes()) {
        mac.update(token.as_bytes());
        let tag = mac.finalize().into_bytes();
        token.push('.');
        URL_SAFE_NO_PAD.encode_string(tag, &mut token);
    }
    token
}
