//! Secrets, and what is signed with them. Every comparison takes the same time wherever two differ.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::{Signature, VerifyingKey};
use hmac::{Hmac, KeyInit, Mac};
use serde::Deserialize;
use sha1::Sha1;
use sha2::{Sha256, Sha512};

use crate::hexadecimal;

/// What a sender signs with.
#[derive(Clone, PartialEq, Eq)]
pub enum Secret {
    /// The key of an HMAC, as bytes.
    Shared(Vec<u8>),
    /// A public key of Ed25519.
    Public([u8; 32]),
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Shared(_) => "Shared(…)",
            Self::Public(_) => "Public(…)",
        })
    }
}

impl Secret {
    fn shared(&self) -> Option<&[u8]> {
        match self {
            Self::Shared(key) => Some(key),
            Self::Public(_) => None,
        }
    }
}

/// The hash below an HMAC.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Algorithm {
    /// For senders that have nothing better: as an HMAC it is not broken.
    Sha1,
    #[default]
    Sha256,
    Sha512,
}

/// How a signature is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Encoding {
    #[default]
    Hex,
    Base64,
}

impl Encoding {
    /// The bytes; `None` where it is written otherwise, also in capitals: a signature has one way to be written.
    pub fn decode(self, text: &str) -> Option<Vec<u8>> {
        match self {
            Self::Hex => {
                let digit = |byte: u8| match byte {
                    b'0'..=b'9' => Some(byte - b'0'),
                    b'a'..=b'f' => Some(byte - b'a' + 10),
                    _ => None,
                };
                let (pairs, rest) = text.as_bytes().as_chunks::<2>();
                let decoded = pairs.iter().map(|[high, low]| Some(digit(*high)? * 16 + digit(*low)?));
                decoded.collect::<Option<Vec<u8>>>().filter(|_| rest.is_empty())
            }
            Self::Base64 => STANDARD.decode(text).ok(),
        }
    }

    pub fn encode(self, bytes: &[u8]) -> String {
        match self {
            Self::Hex => hexadecimal(bytes),
            Self::Base64 => STANDARD.encode(bytes),
        }
    }
}

fn mac<M: Mac + KeyInit>(key: &[u8], parts: &[&[u8]]) -> Option<M> {
    // HMAC takes keys of any length; the error type exists for other MACs.
    let mut mac = <M as KeyInit>::new_from_slice(key).ok()?;
    parts.iter().for_each(|part| mac.update(part));
    Some(mac)
}

/// Whether one of the secrets has signed these parts, one behind the other.
pub fn fits(algorithm: Algorithm, secrets: &[Secret], parts: &[&[u8]], signature: &[u8]) -> bool {
    let fits = |key: &[u8]| match algorithm {
        Algorithm::Sha1 => mac::<Hmac<Sha1>>(key, parts).is_some_and(|mac| mac.verify_slice(signature).is_ok()),
        Algorithm::Sha256 => mac::<Hmac<Sha256>>(key, parts).is_some_and(|mac| mac.verify_slice(signature).is_ok()),
        Algorithm::Sha512 => mac::<Hmac<Sha512>>(key, parts).is_some_and(|mac| mac.verify_slice(signature).is_ok()),
    };
    secrets.iter().filter_map(Secret::shared).any(|key| !key.is_empty() && fits(key))
}

/// Whether the private half of one of the public keys has signed these parts (RFC 8032; strict, so that a signature has
/// one form only).
pub fn fits_public(secrets: &[Secret], parts: &[&[u8]], signature: &[u8]) -> bool {
    let Ok(signature) = Signature::from_slice(signature) else { return false };
    let message = parts.concat();
    secrets.iter().any(|secret| match secret {
        Secret::Public(key) => {
            VerifyingKey::from_bytes(key).is_ok_and(|key| key.verify_strict(&message, &signature).is_ok())
        }
        Secret::Shared(_) => false,
    })
}

/// The HMAC of these parts; empty where the secret makes none.
pub fn make(algorithm: Algorithm, secret: &Secret, parts: &[&[u8]]) -> Vec<u8> {
    let made = |key: &[u8]| match algorithm {
        Algorithm::Sha1 => mac::<Hmac<Sha1>>(key, parts).map(|mac| mac.finalize().into_bytes().to_vec()),
        Algorithm::Sha256 => mac::<Hmac<Sha256>>(key, parts).map(|mac| mac.finalize().into_bytes().to_vec()),
        Algorithm::Sha512 => mac::<Hmac<Sha512>>(key, parts).map(|mac| mac.finalize().into_bytes().to_vec()),
    };
    secret.shared().and_then(made).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_has_one_way_to_be_written() {
        assert_eq!(Encoding::Hex.decode("0aff"), Some(vec![10, 255]));
        for text in ["0AFF", "0af", "0a f", "0g", "+1"] {
            assert_eq!(Encoding::Hex.decode(text), None, "{text}");
        }
        assert_eq!(Encoding::Base64.decode("AAE="), Some(vec![0, 1]));
        // Without its padding, with bits behind its end, or in the other alphabet.
        for text in ["AAE", "AAF=", "A-_=", " AAE="] {
            assert_eq!(Encoding::Base64.decode(text), None, "{text}");
        }
    }

    #[test]
    fn secrets_are_not_told() {
        assert_eq!(format!("{:?}", Secret::Shared(b"hush".to_vec())), "Shared(…)");
    }

    #[test]
    fn an_empty_secret_signs_nothing() {
        let made = make(Algorithm::Sha256, &Secret::Shared(Vec::new()), &[b"a"]);
        assert!(!fits(Algorithm::Sha256, &[Secret::Shared(Vec::new())], &[b"a"], &made));
    }
}
