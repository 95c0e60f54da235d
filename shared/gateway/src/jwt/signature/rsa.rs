//! RSASSA-PKCS1-v1_5 with SHA-256 (RFC 8017, section 8.2.2). The message that a signature should give is written out
//! and compared whole, so that nothing can hide in its padding; all that is left to compute is one power.

use sha2::{Digest, Sha256};

use super::number::Modulus;

/// Of the modulus, in bits. NIST SP 800-131A asks for the least; the most is what a function has time for.
const BITS: std::ops::RangeInclusive<usize> = 2048..=4096;
/// FIPS 186-5 asks for more than 2^16.
const LEAST_EXPONENT: u32 = 0x1_0001;
/// `DigestInfo` of SHA-256 (RFC 8017, section 9.2, note 1).
const PREFIX: [u8; 19] =
    [0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0x04, 0x20];

/// Whether a key is one that signatures can be trusted under. `n` is big-endian.
#[must_use]
pub fn is_strong(n: &[u8], e: u32) -> bool {
    let zeros = n.iter().take_while(|byte| **byte == 0).count();
    let bits = (8 * (n.len() - zeros)).saturating_sub(n.get(zeros).map_or(0, |first| first.leading_zeros() as usize));
    let odd = n.last().is_some_and(|last| last % 2 == 1);
    BITS.contains(&bits) && odd && e >= LEAST_EXPONENT && e % 2 == 1
}

/// `n` is big-endian, without zeros before it.
#[must_use]
pub fn fits(n: &[u8], e: u32, message: &[u8], signature: &[u8]) -> bool {
    if signature.len() != n.len() || signature >= n {
        return false;
    }
    power(signature, e, n) == encoded(message, n.len())
}

/// EMSA-PKCS1-v1_5.
fn encoded(message: &[u8], length: usize) -> Vec<u8> {
    let hash = Sha256::digest(message);
    let mut encoded = vec![0xff; length - PREFIX.len() - hash.len()];
    encoded[0] = 0;
    encoded[1] = 1;
    if let Some(last) = encoded.last_mut() {
        *last = 0;
    }
    encoded.extend(PREFIX);
    encoded.extend_from_slice(&hash);
    encoded
}

/// `base` to the power of `e`, modulo the odd `n`, as long as `n`; `base` is less than `n`.
#[must_use]
pub fn power(base: &[u8], e: u32, n: &[u8]) -> Vec<u8> {
    let modulus = Modulus::new(n);
    let power = modulus.leave(&modulus.power(&modulus.enter(base), &e.to_be_bytes()));
    power[power.len() - n.len()..].to_vec()
}
