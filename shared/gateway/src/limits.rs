//! Token buckets in Redis: all that one request is under, in one round trip.
//!
//! The script does what [`check_all`](makegood_core::guard::gcra::check_all) does, by the clock of Redis, so that the
//! isolates' own do not matter. It answers with what it found, and whoever asked comes to the same decision by the
//! same arithmetic. It also keeps the factor that the load gives a class of requests: the mean of what the isolates
//! propose, each proposal a quarter.

use makegood_core::guard::gcra::{Bucket, Decision, Micros, Policy, check_all};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::redis::Script;
use crate::{Malformed, hexadecimal};

/// A test holds the two together.
pub const SCRIPT: Script =
    Script { text: include_str!("limits.lua"), digest: "77f585c332035a1d42f91b4fed3a7bfd827e131f" };

/// What one request asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ask {
    /// Names the class whose factor is asked for.
    pub class: &'static str,
    /// The factor that this isolate proposes, in thousandths, if it does.
    pub proposed: Option<u32>,
    /// The buckets, by [`key`].
    pub buckets: Vec<(String, Policy)>,
}

/// What Redis says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// For each bucket; all allow, or none was touched.
    pub decisions: Vec<Decision>,
    /// What all isolates propose on the whole, in thousandths.
    pub factor: u32,
}

/// The name of a bucket: a hash in which nobody can read who it is of. `salt` is a secret, for addresses are few
/// enough to try them all.
#[must_use]
pub fn key(salt: &str, class: &str, place: usize, who: &[u8]) -> (u64, String) {
    let mut hash = Sha256::new();
    for part in [salt.as_bytes(), class.as_bytes(), &place.to_le_bytes(), who] {
        hash.update(part.len().to_le_bytes());
        hash.update(part);
    }
    let hash: [u8; 32] = hash.finalize().into();
    let name = format!("makegood:limit:{class}:{}", hexadecimal(&hash[8..24]));
    let short = hash.iter().take(8).fold(0, |short, byte| (short << 8) | u64::from(*byte));
    (short, name)
}

/// The words of the command: by the script's digest, or with the whole of it where Redis has not seen it yet.
#[must_use]
pub fn words(ask: &Ask, whole: bool) -> Vec<String> {
    let load = format!("makegood:load:{}", ask.class);
    let keys: Vec<&str> =
        std::iter::once(load.as_str()).chain(ask.buckets.iter().map(|(key, _)| key.as_str())).collect();
    let mut words = SCRIPT.words(&keys, whole);
    words.push(ask.proposed.unwrap_or(0).to_string());
    for (_, policy) in &ask.buckets {
        words.extend([policy.advance(1), policy.capacity(1)].map(|span| span.to_string()));
    }
    words
}

/// Reads what Redis found, and decides.
///
/// # Errors
/// Where it is anything else.
pub fn told(ask: &Ask, answer: &Value) -> Result<Told, Malformed> {
    let unclear = || Malformed("Redis answered nothing of limits".to_owned());
    let numbers = answer.as_array().ok_or_else(unclear)?;
    let numbers: Option<Vec<Micros>> = numbers.iter().map(Value::as_u64).collect();
    let numbers = numbers.filter(|numbers| numbers.len() == ask.buckets.len() + 2).ok_or_else(unclear)?;
    let [now, factor, tats @ ..] = numbers.as_slice() else { return Err(unclear()) };
    let buckets = tats.iter().zip(&ask.buckets);
    let buckets: Vec<Bucket> =
        buckets.map(|(tat, (_, policy))| Bucket { tat: *tat, policy: *policy, cost: 1 }).collect();
    let factor = u32::try_from(*factor).map_err(|_| unclear())?;
    Ok(Told { decisions: check_all(&buckets, *now), factor })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask() -> Ask {
        let policy = Policy::new(60, 60_000_000, 10);
        Ask { class: "chat", proposed: Some(900), buckets: vec![("a".to_owned(), policy), ("b".to_owned(), policy)] }
    }

    #[test]
    fn a_question_names_every_bucket_with_what_it_takes_and_holds() {
        let words = words(&ask(), false);
        let spans = ["1000000", "10000000", "1000000", "10000000"];
        assert_eq!(words[..7], ["EVALSHA", SCRIPT.digest, "3", "makegood:load:chat", "a", "b", "900"]);
        assert_eq!(words[7..], spans);
    }

    #[test]
    fn an_answer_is_decided_as_redis_did() {
        let told = told(&ask(), &serde_json::json!([50_000_000, 875, 0, 60_000_000])).unwrap();
        assert_eq!(told.factor, 875);
        assert_eq!(told.decisions.iter().map(|decision| decision.allowed).collect::<Vec<_>>(), [true, false]);
        for unclear in ["\"OK\"", "[]", "[1, 2, 3]", "[1, 2, 3, -4]", "[1, 2, 3, 4.5]", "null"] {
            assert!(super::told(&ask(), &serde_json::from_str(unclear).unwrap()).is_err(), "{unclear}");
        }
    }

    #[test]
    fn a_key_tells_nothing_and_is_one_persons_alone() {
        let (short, name) = key("salt", "chat", 0, b"uana@example.com");
        assert!(name.starts_with("makegood:limit:chat:") && !name.contains("ana"), "{name}");
        assert_eq!(name.len(), "makegood:limit:chat:".len() + 32);
        for other in [
            key("salt", "chat", 0, b"uann@example.com"),
            key("salt", "chat", 1, b"uana@example.com"),
            key("salt", "api", 0, b"uana@example.com"),
            key("sal", "tchat", 0, b"uana@example.com"),
        ] {
            assert!(other.0 != short && other.1 != name);
        }
    }
}
