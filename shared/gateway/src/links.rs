//! Links: tokens that decide about one step, and the statements about them. A token itself is never
//! stored; what is looked up is its hash.

use makegood_core::id::SagaId;
use makegood_core::time::Millis;
use serde::Deserialize;
use sha2::{Digest, Sha256};

use crate::hexadecimal;
use crate::store::{Statement, text};

pub const CREATE: &str = "select case when makegood.comes_from($10) then \
    makegood.create_link($1,$2,$3,$4,$5,$6,$7,$8,$9) end";
pub const FIND: &str = "select makegood.find_link($1,$2)";
pub const USE: &str = "select makegood.use_link_2($1,$2,$3,$4)";
pub const SHOW: &str = "select makegood.show_link($1)";

/// A new token: 256 random bits, in hexadecimal.
#[must_use]
pub fn token(random: [[u8; 16]; 2]) -> String {
    hexadecimal(random.as_flattened())
}

/// What is stored of a token. It is found by an index, which is quicker for one guess than for another,
/// and needs no more care than that: what could be learned of it is a hash that begins like that of the
/// guess, and no token can be made for a hash.
#[must_use]
pub fn hash(token: &str) -> String {
    hexadecimal(&Sha256::digest(token))
}

/// A link that is to be written.
#[derive(Clone, Debug)]
pub struct NewLink<'a> {
    pub token: &'a str,
    pub saga: &'a SagaId,
    pub node: u32,
    /// Of the parameters that were shown.
    pub params: &'a str,
    pub stands_for: &'a str,
    pub made_by: &'a str,
    pub expires_at: Millis,
    /// So many a saga may have.
    pub most: u32,
    /// The address that it was asked from.
    pub origin: &'a str,
}

/// Answers with false where the saga has as many as there may be.
#[must_use]
pub fn create(new: &NewLink<'_>, now: Millis) -> Statement {
    let params = vec![
        text(hash(new.token)),
        text(new.saga),
        text(new.node),
        text(new.params),
        text(new.stands_for),
        text(new.made_by),
        text(now.0),
        text(new.expires_at.0),
        text(new.most),
        text(new.origin),
    ];
    Statement { sql: CREATE, params }
}

/// A link, as [`find`] and [`redeem`] answer with it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Link {
    pub saga: SagaId,
    pub node: u32,
    pub params: String,
    pub stands_for: String,
    pub made_by: String,
    pub expires_at: Millis,
    /// What was noted with the decision that it was used for.
    #[serde(default)]
    pub note: Option<String>,
}

/// Answers with null where it is unknown, or can decide no more.
#[must_use]
pub fn find(token: &str, now: Millis) -> Statement {
    Statement { sql: FIND, params: vec![text(hash(token)), text(now.0)] }
}

/// A link, whether or not it can still decide.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Shown {
    #[serde(flatten)]
    pub link: Link,
    /// What it was used for, if it was.
    pub approve: Option<bool>,
}

/// Answers with null where there is no such link.
#[must_use]
pub fn show(token: &str) -> Statement {
    Statement { sql: SHOW, params: vec![text(hash(token))] }
}

/// Uses a link for a decision. Answers with null where it cannot be used, or was used for another; who
/// decides the same again gets the note of then.
#[must_use]
pub fn redeem(token: &str, approve: bool, note: &str, now: Millis) -> Statement {
    Statement { sql: USE, params: vec![text(hash(token)), text(approve), text(note), text(now.0)] }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_all_of_its_random_bits_and_its_hash_is_sha_256() {
        let token = token([[0; 16], [255; 16]]);
        assert_eq!(token, format!("{}{}", "0".repeat(32), "f".repeat(32)));
        assert_eq!(hash("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        let stored = create(
            &NewLink {
                token: &token,
                saga: &SagaId::new(Millis(1), [0; 10]),
                node: 0,
                params: "",
                stands_for: "ann",
                made_by: "bob",
                expires_at: Millis(2),
                most: 1,
                origin: "",
            },
            Millis(1),
        );
        assert!(stored.params.iter().flatten().all(|param| !param.contains(&token)), "it is not sent to be stored");
    }
}
