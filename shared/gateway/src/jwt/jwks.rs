//! The keys that an issuer publishes (RFC 7517): those of them that a token can be checked with.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;

use super::token::{Alg, Token};
use super::{Distrust, signature};
use crate::Malformed;

/// A set of keys is at most this long, in bytes.
pub const LONGEST_SET: usize = 64 * 1024;

/// A key that can be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Jwk {
    kid: String,
    key: Key,
}

/// A public key. What algorithm it is for follows from what it is, never from the token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Key {
    /// Modulus and exponent, big-endian, without zeros before them.
    Rsa {
        n: Vec<u8>,
        e: u32,
    },
    /// The coordinates, one after the other, big-endian.
    P256([u8; 64]),
    Ed25519([u8; 32]),
}

impl Key {
    const fn alg(&self) -> Alg {
        match self {
            Self::Rsa { .. } => Alg::Rs256,
            Self::P256(_) => Alg::Es256,
            Self::Ed25519(_) => Alg::EdDsa,
        }
    }
}

/// An issuer's keys.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Jwks {
    keys: Vec<Jwk>,
}

impl Jwks {
    /// Reads a set. A key that no token can be checked with is passed over, as RFC 7517 (section 5) wants it: of another
    /// type or use, without a name, or too weak.
    ///
    /// # Errors
    /// Where it is no set of keys at all.
    pub fn read(body: &[u8]) -> Result<Self, Malformed> {
        if body.len() > LONGEST_SET {
            return Err(Malformed(format!("the set of keys has {} bytes; {LONGEST_SET} are allowed", body.len())));
        }
        let set: Option<Value> = serde_json::from_slice(body).ok();
        let keys = set.as_ref().and_then(|set| set.get("keys")).and_then(Value::as_array);
        let keys = keys.ok_or_else(|| Malformed(format!("no set of keys: {}", crate::excerpt(body))))?;
        Ok(Self { keys: keys.iter().filter_map(key).collect() })
    }

    /// Whether no token can be checked with it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// Whether a token's key is among them.
    #[must_use]
    pub fn has(&self, token: &Token<'_>) -> bool {
        self.find(token).is_some()
    }

    fn find(&self, token: &Token<'_>) -> Option<&Key> {
        let found = self.keys.iter().find(|jwk| jwk.kid == token.kid() && jwk.key.alg() == token.alg());
        found.map(|jwk| &jwk.key)
    }

    /// Whether one of these keys has signed the token.
    pub(super) fn check(&self, token: &Token<'_>) -> Result<(), Distrust> {
        let fits = match self.find(token).ok_or(Distrust::Key)? {
            Key::Rsa { n, e } => signature::rsa::fits(n, *e, token.signed.as_bytes(), &token.signature),
            Key::P256(point) => signature::p256::fits(point, token.signed.as_bytes(), &token.signature),
            Key::Ed25519(point) => signature::ed25519::fits(point, token.signed.as_bytes(), &token.signature),
        };
        if fits { Ok(()) } else { Err(Distrust::Signature) }
    }
}

fn key(jwk: &Value) -> Option<Jwk> {
    let text = |name: &str| jwk.get(name).map(|value| value.as_str().unwrap_or_default());
    let bytes = |name: &str| URL_SAFE_NO_PAD.decode(text(name)?).ok();
    let kid = text("kid").filter(|kid| !kid.is_empty())?;
    if text("use").is_some_and(|used_for| used_for != "sig") {
        return None;
    }
    let verifies = |operations: &Value| operations.as_array().is_some_and(|all| all.iter().any(|one| one == "verify"));
    if !jwk.get("key_ops").is_none_or(verifies) {
        return None;
    }
    let key = match (text("kty")?, text("crv")) {
        ("RSA", _) => {
            let n = bytes("n")?.into_iter().skip_while(|byte| *byte == 0).collect();
            let e = bytes("e")?.iter().try_fold(0_u32, |e, byte| Some(e.checked_mul(256)? | u32::from(*byte)))?;
            Some(Key::Rsa { n, e }).filter(|_| signature::rsa::is_strong(&bytes("n").unwrap_or_default(), e))
        }
        ("EC", Some("P-256")) => {
            let point = [bytes("x")?, bytes("y")?];
            let whole = point.iter().all(|coordinate| coordinate.len() == 32);
            point.concat().try_into().ok().filter(|_| whole).map(Key::P256)
        }
        ("OKP", Some("Ed25519")) => bytes("x")?.try_into().ok().map(Key::Ed25519),
        _ => None,
    }?;
    // Of another algorithm, though of the right type: RS512, or one that encrypts.
    if text("alg").is_some_and(|alg| Alg::named(alg) != Some(key.alg())) {
        return None;
    }
    Some(Jwk { kid: kid.to_owned(), key })
}
