//! Identifiers. They are made of time and randomness that come in from outside.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::error::{Code, Error};
use crate::time::Millis;

/// Crockford's base 32: no I, L, O, U, so that an id can be read aloud.
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// One durable execution of a plan: `sg_` and 26 characters, ordered by time of creation (the layout
/// of a ULID: 48 bits of milliseconds, 80 bits of randomness).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct SagaId(String);

impl SagaId {
    const PREFIX: &'static str = "sg_";

    /// Makes an id from the time and ten random bytes.
    #[must_use]
    pub fn new(now: Millis, random: [u8; 10]) -> Self {
        Self(written(Self::PREFIX, now, random))
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What its digits say: time and randomness.
    #[must_use]
    pub fn bits(&self) -> u128 {
        let digits = self.0.bytes().skip(Self::PREFIX.len());
        digits.fold(0, |bits, digit| {
            let value = ALPHABET.iter().position(|known| *known == digit).unwrap_or_default();
            (bits << 5) | value as u128
        })
    }

    /// The id whose digits say this.
    #[must_use]
    pub fn from_bits(bits: u128) -> Self {
        Self(digits(Self::PREFIX, bits))
    }
}

impl TryFrom<String> for SagaId {
    type Error = Error;

    fn try_from(text: String) -> Result<Self, Error> {
        if is_written(Self::PREFIX, &text) {
            Ok(Self(text))
        } else {
            Err(Error::new(Code::InvalidId, "A saga id is `sg_` and 26 characters of base 32."))
        }
    }
}

impl From<SagaId> for String {
    fn from(id: SagaId) -> Self {
        id.0
    }
}

impl fmt::Display for SagaId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A prefix, and time and randomness as 26 digits.
fn written(prefix: &str, now: Millis, random: [u8; 10]) -> String {
    let mut bits = u128::from(now.0 & 0xffff_ffff_ffff) << 80;
    for (place, byte) in random.iter().enumerate() {
        bits |= u128::from(*byte) << (72 - 8 * place);
    }
    digits(prefix, bits)
}

/// A prefix, and 128 bits as 26 digits.
fn digits(prefix: &str, bits: u128) -> String {
    let mut text = String::with_capacity(prefix.len() + 26);
    text.push_str(prefix);
    for place in (0..26).rev() {
        let digit = (bits >> (5 * place)) & 31;
        text.push(char::from(ALPHABET[digit as usize]));
    }
    text
}

fn is_written(prefix: &str, text: &str) -> bool {
    let digits = text.strip_prefix(prefix).unwrap_or_default();
    digits.len() == 26 && digits.bytes().all(|byte| ALPHABET.contains(&byte))
}

/// What somebody says, message by message: `cv_` and 26 characters, as those of a [`SagaId`].
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ConversationId(String);

impl ConversationId {
    const PREFIX: &'static str = "cv_";

    /// Makes an id from the time and ten random bytes.
    #[must_use]
    pub fn new(now: Millis, random: [u8; 10]) -> Self {
        Self(written(Self::PREFIX, now, random))
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for ConversationId {
    type Error = Error;

    fn try_from(text: String) -> Result<Self, Error> {
        if is_written(Self::PREFIX, &text) {
            Ok(Self(text))
        } else {
            Err(Error::new(
                Code::InvalidId,
                "A conversation's id is `cv_` and 26 characters of base 32: the one that an answer of /api/chat gave. \
                 Leave it out to begin a new one.",
            ))
        }
    }
}

impl From<ConversationId> for String {
    fn from(id: ConversationId) -> Self {
        id.0
    }
}

impl fmt::Display for ConversationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The key under which a partner knows one effect, in all its attempts: saga, epoch and node, never
/// the attempt. It is known before the call leaves.
#[must_use]
pub fn idempotency_key(saga: &SagaId, epoch: u32, node: u32) -> String {
    format!("{saga}:{epoch}:{node}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_sort_by_the_time_they_were_made() {
        let earlier = SagaId::new(Millis(1_700_000_000_000), [255; 10]);
        let later = SagaId::new(Millis(1_700_000_000_001), [0; 10]);
        assert!(earlier < later);
        assert_eq!(SagaId::try_from(earlier.to_string()).unwrap(), earlier);
        let conversation = ConversationId::new(Millis(1_700_000_000_000), [255; 10]);
        assert_eq!(ConversationId::try_from(conversation.to_string()).unwrap(), conversation);
        assert!(SagaId::try_from(conversation.to_string()).is_err(), "one is no other");
    }

    #[test]
    fn nonsense_is_not_an_id() {
        for text in ["", "sg_", "sg_0", "sg_' or 1=1 --aaaaaaaaaaaaaa", "SG_00000000000000000000000000"] {
            assert!(SagaId::try_from(text.to_owned()).is_err(), "{text}");
            assert!(ConversationId::try_from(text.to_owned()).is_err(), "{text}");
        }
    }
}
