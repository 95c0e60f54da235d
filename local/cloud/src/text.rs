//! Texts that several emulators make of bytes and of chance.

use std::fmt::Write as _;

use rand::Rng as _;

/// Bytes as hexadecimal digits.
pub fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// A prefix and 28 random characters of the base58 alphabet.
pub fn random_id(prefix: &str) -> String {
    const ALPHABET: &[u8] = b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
    let mut rng = rand::rng();
    let mut id = String::with_capacity(prefix.len() + 28);
    id.push_str(prefix);
    id.extend((0..28).map(|_| char::from(ALPHABET[rng.random_range(0..ALPHABET.len())])));
    id
}
