//! EdDSA over edwards25519 (RFC 8032), strictly: a key or a signature of small order fits nothing.

use ed25519_dalek::{Signature, VerifyingKey};

/// `point` is the key, compressed.
#[must_use]
pub fn fits(point: &[u8; 32], message: &[u8], signature: &[u8]) -> bool {
    let Ok(signature) = Signature::from_slice(signature) else { return false };
    VerifyingKey::from_bytes(point).is_ok_and(|key| key.verify_strict(message, &signature).is_ok())
}
