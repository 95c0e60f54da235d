//! Scripts on their way to a real Redis, which does not know the flag
//! `allow-key-locking`: without it they have another digest, while clients go
//! on to name the one they know.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use bytes::Bytes;
use sha1::{Digest as _, Sha1};

use super::{Command, reply::Reply, shebang};
use crate::text::hexadecimal;

/// By the digest that clients know, the one that the server knows.
#[derive(Default)]
pub struct Digests(Mutex<HashMap<String, String>>);

/// The two digests of one script.
pub struct Renamed {
    known: String,
    own: String,
}

impl Digests {
    /// Makes `command` one the server understands.
    pub fn rewrite(&self, command: &mut Command) -> Option<Renamed> {
        let word = |i: usize| command.get(i).map(|word| word.to_ascii_uppercase()).unwrap_or_default();
        match (word(0).as_slice(), word(1).as_slice()) {
            (b"EVAL" | b"EVAL_RO", _) => self.script(command.get_mut(1)?),
            (b"EVALSHA" | b"EVALSHA_RO", _) => self.digest(command.get_mut(1)?),
            (b"SCRIPT", b"LOAD") => self.script(command.get_mut(2)?),
            (b"SCRIPT", b"EXISTS") => {
                for digest in &mut command[2..] {
                    self.digest(digest);
                }
                None
            }
            _ => None,
        }
    }

    fn script(&self, script: &mut Bytes) -> Option<Renamed> {
        let rewritten = shebang::without_upstash_flag(script)?;
        let known = hexadecimal(&Sha1::digest(&script[..]));
        let own = hexadecimal(&Sha1::digest(&rewritten));
        *script = rewritten.into();
        let mut digests = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        digests.insert(known.clone(), own.clone());
        Some(Renamed { known, own })
    }

    fn digest(&self, digest: &mut Bytes) -> Option<Renamed> {
        let known = String::from_utf8_lossy(digest).to_ascii_lowercase();
        let own = self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&known)?.clone();
        *digest = own.clone().into();
        Some(Renamed { known, own })
    }
}

impl Renamed {
    /// Names the script in the server's reply as the client does.
    pub fn restore(&self, reply: Reply) -> Reply {
        match reply {
            Reply::Bulk(text) if text == self.own => Reply::bulk(self.known.clone()),
            Reply::Error(text) => Reply::Error(text.replace(&self.own, &self.known)),
            Reply::Status(_) | Reply::Int(_) | Reply::Bulk(_) | Reply::Nil | Reply::Array(_) => reply,
        }
    }
}
