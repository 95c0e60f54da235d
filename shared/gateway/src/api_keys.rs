//! API keys: what a machine shows in place of a user's token, and the statements about them. `mk_`, 16 hexadecimal
//! digits by which people name the key, `_`, and 64 that are the secret. A key itself is never stored; what is looked
//! up is its hash.

use makegood_core::guard::{Role, Tier};
use makegood_core::time::Millis;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::hexadecimal;
use crate::store::{Statement, text};

pub const CREATE: &str = "select makegood.create_key($1,$2,$3,$4,$5,$6,$7,$8,$9)";
pub const USE: &str = "select makegood.use_key($1,$2,$3)";
pub const LIST: &str = "select makegood.list_keys($1)";
pub const REVOKE: &str = "select makegood.revoke_key($1,$2)";

/// What every key begins with, so that one is known where it has no business, in a log or a repository.
pub const MARK: &str = "mk_";
const ID: usize = 16;
const SECRET: usize = 64;

/// A new key, of 320 random bits.
#[must_use]
pub fn key(random: [[u8; 16]; 3]) -> String {
    let text = hexadecimal(random.as_flattened());
    format!("{MARK}{}_{}", &text[..ID], &text[ID..ID + SECRET])
}

/// A key that anybody can make again who knows the name: for worlds in which nobody is to be kept out.
#[must_use]
pub fn key_of(name: &str) -> String {
    let digest: [u8; 32] = Sha256::digest(name).into();
    let mut random = [[0; 16]; 3];
    random.as_flattened_mut()[..32].copy_from_slice(&digest);
    key(random)
}

/// A key that is written as keys are: its id, and what is stored of it. It is found by an index, as links are; what
/// could be learned of the time that takes is how the hash of a guess begins, and no key can be made for a hash.
#[must_use]
pub fn read(key: &str) -> Option<(&str, String)> {
    let (id, secret) = key.strip_prefix(MARK)?.split_once('_')?;
    let plain = |part: &str, length: usize| {
        part.len() == length && part.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    };
    (plain(id, ID) && plain(secret, SECRET)).then(|| (id, hexadecimal(&Sha256::digest(key))))
}

/// A key that is to be written.
#[derive(Clone, Debug)]
pub struct NewKey<'a> {
    pub key: &'a str,
    pub owner: &'a str,
    pub role: Role,
    pub tier: Tier,
    /// As [`makegood_core::guard::Scopes::read`] reads them.
    pub scopes: &'a str,
    pub note: &'a str,
    /// `None`: until it is revoked.
    pub expires_at: Option<Millis>,
}

/// `None` where the key is none.
#[must_use]
pub fn create(new: &NewKey<'_>, now: Millis) -> Option<Statement> {
    let (id, hash) = read(new.key)?;
    let params = vec![
        text(id),
        text(hash),
        text(new.owner),
        text(new.role.as_str()),
        text(new.tier.as_str()),
        text(new.scopes),
        text(new.note),
        text(now.0),
        new.expires_at.map(|at| at.0.to_string()),
    ];
    Some(Statement { sql: CREATE, params })
}

/// Whom a key stands for.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Holder {
    pub owner: String,
    pub role: Role,
    pub tier: Tier,
    pub scopes: String,
    pub expires_at: Option<Millis>,
}

impl Holder {
    /// Somebody who may do everything with what is theirs.
    #[must_use]
    pub fn user(name: &str) -> Self {
        Self {
            owner: name.to_owned(),
            role: Role::User,
            tier: Tier::Free,
            scopes: "read,start,approve,operate".to_owned(),
            expires_at: None,
        }
    }
}

/// Answers with a [`Holder`]; with null where the key is none, has expired, or was revoked.
#[must_use]
pub fn look_up(id: &str, hash: &str, now: Millis) -> Statement {
    Statement { sql: USE, params: vec![text(id), text(hash), text(now.0)] }
}

/// A key as people see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shown {
    pub id: String,
    pub owner: String,
    pub role: Role,
    pub tier: Tier,
    pub scopes: String,
    pub note: String,
    pub created_at: Millis,
    pub expires_at: Option<Millis>,
    pub revoked_at: Option<Millis>,
    /// As `2026-11-29`.
    pub used_on: Option<String>,
}

/// Every key, or one owner's, as a list of [`Shown`].
#[must_use]
pub fn list(owner: Option<&str>) -> Statement {
    Statement { sql: LIST, params: vec![owner.map(str::to_owned)] }
}

/// Takes a key back; answers with false where there is none that could be.
#[must_use]
pub fn revoke(id: &str, now: Millis) -> Statement {
    Statement { sql: REVOKE, params: vec![text(id), text(now.0)] }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_read_as_it_is_written_and_nothing_like_it_is() {
        let key = key([[0x0a; 16], [0xff; 16], [0x10; 16]]);
        let (id, hash) = read(&key).unwrap();
        assert_eq!((id, hash.len(), key.len()), ("0a0a0a0a0a0a0a0a", 64, 84));
        assert_eq!(hash, hexadecimal(&Sha256::digest(&key)));
        for other in [
            "",
            "mk_",
            &key[1..],
            &key[..83],
            &format!("{key}0"),
            &key.to_uppercase(),
            &key.replacen('a', "g", 1),
            &key.replace("mk_", "sk_"),
        ] {
            assert_eq!(read(other), None, "{other}");
        }
    }

    #[test]
    fn a_key_is_not_sent_to_be_stored() {
        let key = key([[1; 16], [2; 16], [3; 16]]);
        let secret = key.rsplit('_').next().unwrap();
        let new = NewKey {
            key: &key,
            owner: "robot",
            role: Role::User,
            tier: Tier::Free,
            scopes: "read",
            note: "",
            expires_at: None,
        };
        let stored = create(&new, Millis(1)).unwrap();
        assert!(stored.params.iter().flatten().all(|param| !param.contains(secret)), "{stored:?}");
        assert_eq!(create(&NewKey { key: "mk_x_y", ..new }, Millis(1)), None);
    }
}
