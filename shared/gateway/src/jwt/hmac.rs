//! Tokens signed with HMAC-SHA256 under a key that both sides have: what the queue signs its deliveries with. No user's
//! token is ever checked with these.

use base64::Engine;
use base64::engine::general_purpose::{URL_SAFE, URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::Distrust;

#[derive(Deserialize)]
struct Header {
    alg: String,
}

/// Signs `claims`.
#[must_use]
pub fn sign(claims: &impl Serialize, key: &str) -> String {
    let claims = serde_json::to_vec(claims).unwrap_or_default();
    let header = URL_SAFE_NO_PAD.encode(br#"{"alg":"HS256","typ":"JWT"}"#);
    let signed = format!("{header}.{}", URL_SAFE_NO_PAD.encode(claims));
    let signature = URL_SAFE_NO_PAD.encode(mac(&signed, key).finalize().into_bytes());
    format!("{signed}.{signature}")
}

/// Reads the claims of a token that one of `keys` has signed. Times are the caller's to check.
///
/// # Errors
/// [`Distrust::Malformed`] or [`Distrust::Signature`].
pub fn verify<C: DeserializeOwned>(token: &str, keys: &[&str]) -> Result<C, Distrust> {
    let (signed, signature) = token.rsplit_once('.').ok_or(Distrust::Malformed)?;
    let (header, claims) = signed.split_once('.').ok_or(Distrust::Malformed)?;
    let decode = |part: &str| URL_SAFE_NO_PAD.decode(part).map_err(|_| Distrust::Malformed);
    let header: Header = serde_json::from_slice(&decode(header)?).map_err(|_| Distrust::Malformed)?;
    if header.alg != "HS256" {
        return Err(Distrust::Malformed);
    }
    let signature = decode(signature)?;
    let fits = |key: &&str| !key.is_empty() && mac(signed, key).verify_slice(&signature).is_ok();
    if !keys.iter().any(fits) {
        return Err(Distrust::Signature);
    }
    serde_json::from_slice(&decode(claims)?).map_err(|_| Distrust::Malformed)
}

fn mac(signed: &str, key: &str) -> Hmac<Sha256> {
    // HMAC takes keys of any length; the error type exists for other MACs.
    let mut mac = Hmac::<Sha256>::new_from_slice(key.as_bytes()).unwrap_or_else(|_| Hmac::new(&Default::default()));
    mac.update(signed.as_bytes());
    mac
}

/// SHA-256 in base64url with padding, as the queue writes a body's hash.
#[must_use]
pub fn body_hash(body: &[u8]) -> String {
    URL_SAFE.encode(Sha256::digest(body))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    #[test]
    fn a_token_is_believed_under_its_own_key_only() {
        let token = sign(&json!({"sub": "ana"}), "key-1");
        assert_eq!(verify::<Value>(&token, &["key-0", "key-1"]).unwrap()["sub"], "ana");
        assert_eq!(verify::<Value>(&token, &["key-2"]), Err(Distrust::Signature));
        assert_eq!(verify::<Value>(&token, &[""]), Err(Distrust::Signature));
        let changed = token.replace('.', ".x");
        assert!(verify::<Value>(&changed, &["key-1"]).is_err());
    }

    #[test]
    fn no_algorithm_is_no_signature() {
        let header = URL_SAFE_NO_PAD.encode(br#"{"alg":"none"}"#);
        let claims = URL_SAFE_NO_PAD.encode(br#"{"sub":"ana"}"#);
        assert_eq!(verify::<Value>(&format!("{header}.{claims}."), &["k"]), Err(Distrust::Malformed));
    }
}
