//! The audit log: its statements, and whether what the database tells of it holds together.
//!
//! The database makes the chain (`migrations/0017_audit.sql`); here it is made once more, by another hand and from the
//! rows alone, so that neither a row that was changed nor a function that was is believed. What a chain alone cannot
//! tell is that its end was cut off: for that somebody keeps a [`Head`] elsewhere.

use std::fmt;
use std::str::FromStr;

use makegood_core::time::Millis;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::hexadecimal;
use crate::store::{Statement, text};

pub const LIST: &str = "select makegood.list_audit($1,$2)";
pub const FOLLOW: &str = "select makegood.follow_audit($1,$2)";
pub const NOTE: &str = "select makegood.note_audit($1,$2,$3,$4,$5)";

/// One row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema), schemars(rename = "AuditEntry"))]
pub struct Entry {
    /// From 1, without gaps.
    pub seq: u64,
    /// By the database's clock.
    pub at: Millis,
    /// A user, or `database:` and the name of whoever was connected to it.
    pub who: String,
    /// `saga.approve`, `tool.register` and the like.
    pub verb: String,
    /// What it was done to: a saga and perhaps its step, a tool and its version, a migration.
    pub target: String,
    /// The address that it was asked from; empty where nobody knows.
    pub origin: String,
    pub outcome: String,
    /// The hash of the row before; zeros in the first.
    pub previous: String,
    /// SHA-256 over all of these.
    pub hash: String,
}

impl Entry {
    /// The hash that the row must have: over each field as its length in bytes, a colon, itself and a comma.
    #[must_use]
    pub fn digest(&self) -> String {
        let (seq, at) = (self.seq.to_string(), self.at.0.to_string());
        let fields = [&self.previous, &seq, &at, &self.who, &self.verb, &self.target, &self.origin, &self.outcome];
        let mut digest = Sha256::new();
        for field in fields {
            digest.update(field.len().to_string());
            digest.update(":");
            digest.update(field);
            digest.update(",");
        }
        hexadecimal(&digest.finalize())
    }
}

/// The last row of a chain: all before it follows from this.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema), schemars(rename = "AuditHead"))]
pub struct Head {
    pub seq: u64,
    pub hash: String,
}

impl fmt::Display for Head {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.seq, self.hash)
    }
}

impl FromStr for Head {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const WANTED: &str = "a head is a number, a colon and 64 digits, as `makegood audit verify` prints it";
        let (seq, hash) = text.trim().split_once(':').ok_or(WANTED)?;
        let whole = hash.len() == 64 && hash.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
        let seq = seq.parse().ok().filter(|_| whole).ok_or(WANTED)?;
        Ok(Self { seq, hash: hash.to_owned() })
    }
}

/// The first row that does not hold, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broken {
    pub seq: u64,
    pub why: &'static str,
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "row {}: {}", self.seq, self.why)
    }
}

/// A chain that is looked at row by row, from its first.
#[derive(Clone, Debug)]
pub struct Chain {
    head: Head,
    at: Millis,
    /// What somebody kept, as long as it was not come by.
    kept: Option<Head>,
}

impl Chain {
    /// `kept`: the head that there was when somebody looked before.
    #[must_use]
    pub fn new(kept: Option<Head>) -> Self {
        Self { head: Head { seq: 0, hash: "0".repeat(64) }, at: Millis(0), kept }
    }

    /// The last row that was looked at; number 0 where there was none.
    #[must_use]
    pub const fn head(&self) -> &Head {
        &self.head
    }

    /// Looks at the next row.
    ///
    /// # Errors
    /// Where it is not the one that follows.
    pub fn follow(&mut self, entry: &Entry) -> Result<(), Broken> {
        let seq = self.head.seq + 1;
        let broken = |why| Err(Broken { seq, why });
        if entry.seq != seq {
            return broken("it is missing: the next row that there is has another number");
        }
        if entry.previous != self.head.hash {
            return broken("it does not follow the row before it: that one was another when this was written");
        }
        if entry.digest() != entry.hash {
            return broken("what stands in it is not what was hashed: it was changed");
        }
        if entry.at < self.at {
            return broken("it is older than the row before it");
        }
        if self.kept.as_ref().is_some_and(|kept| kept.seq == seq && kept.hash != entry.hash) {
            return broken("it is not the one whose hash was kept: everything up to here was written anew");
        }
        self.kept.take_if(|kept| kept.seq == seq);
        (self.head, self.at) = (Head { seq, hash: entry.hash.clone() }, entry.at);
        Ok(())
    }

    /// Says that there are no more rows.
    ///
    /// # Errors
    /// Where there were more when the head was kept.
    pub fn end(&self) -> Result<(), Broken> {
        match &self.kept {
            Some(kept) if kept.seq > self.head.seq => Err(Broken {
                seq: self.head.seq + 1,
                why: "it is missing: there were more rows when the head was kept, and the end was cut off",
            }),
            Some(_) | None => Ok(()),
        }
    }
}

/// A page of the log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema), schemars(rename = "AuditPage"))]
pub struct Page {
    /// The newest first.
    pub entries: Vec<Entry>,
    /// The newest of all.
    pub head: Option<Head>,
}

/// At most `limit` rows before one, the newest first: a [`Page`].
#[must_use]
pub fn list(before: u64, limit: u32) -> Statement {
    Statement { sql: LIST, params: vec![text(before), text(limit)] }
}

/// At most `limit` rows after one, in their order.
#[must_use]
pub fn follow(after: u64, limit: u32) -> Statement {
    Statement { sql: FOLLOW, params: vec![text(after), text(limit)] }
}

/// What no table tells of, and so no trigger.
#[derive(Clone, Copy, Debug)]
pub struct Note<'a> {
    pub who: &'a str,
    pub verb: &'a str,
    pub target: &'a str,
    pub origin: &'a str,
    pub outcome: &'a str,
}

#[must_use]
pub fn note(note: Note<'_>) -> Statement {
    let Note { who, verb, target, origin, outcome } = note;
    Statement { sql: NOTE, params: vec![text(who), text(verb), text(target), text(origin), text(outcome)] }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chain(count: u64) -> Vec<Entry> {
        let mut entries: Vec<Entry> = Vec::new();
        for seq in 1..=count {
            let previous = entries.last().map_or("0".repeat(64), |entry| entry.hash.clone());
            let mut entry = Entry {
                seq,
                at: Millis(1_000 + seq),
                who: "ann".to_owned(),
                verb: "saga.approve".to_owned(),
                target: format!("sg_{seq}/table"),
                origin: "192.0.2.1".to_owned(),
                outcome: "ok".to_owned(),
                previous,
                hash: String::new(),
            };
            entry.hash = entry.digest();
            entries.push(entry);
        }
        entries
    }

    fn looked_at(entries: &[Entry], kept: Option<Head>) -> Result<Head, Broken> {
        let mut chain = Chain::new(kept);
        entries.iter().try_for_each(|entry| chain.follow(entry))?;
        chain.end().map(|()| chain.head().clone())
    }

    fn head(entry: &Entry) -> Head {
        Head { seq: entry.seq, hash: entry.hash.clone() }
    }

    #[test]
    fn a_chain_holds_and_so_does_an_empty_one() {
        let entries = chain(5);
        assert_eq!(looked_at(&entries, None), Ok(head(&entries[4])));
        for kept in &entries {
            assert_eq!(looked_at(&entries, Some(head(kept))), Ok(head(&entries[4])));
        }
        assert_eq!(looked_at(&[], None).unwrap().seq, 0);
    }

    #[test]
    fn whatever_is_changed_in_a_row_it_is_the_first_that_does_not_hold() {
        let changes: [fn(&mut Entry); 8] = [
            |entry| entry.at.0 += 1,
            |entry| entry.who.push('a'),
            |entry| entry.verb = "saga.reject".to_owned(),
            |entry| entry.target.clear(),
            |entry| entry.origin = "192.0.2.2".to_owned(),
            |entry| entry.outcome = "no".to_owned(),
            |entry| entry.hash.replace_range(..1, if entry.hash.starts_with('0') { "1" } else { "0" }),
            // What two fields say together is not what each of them says.
            |entry| (entry.who, entry.verb) = ("annsaga".to_owned(), ".approve".to_owned()),
        ];
        for change in changes {
            for place in 0..5 {
                let mut entries = chain(5);
                change(&mut entries[place]);
                assert_eq!(looked_at(&entries, None).unwrap_err().seq, place as u64 + 1);
            }
        }
    }

    #[test]
    fn a_row_that_is_gone_or_put_between_or_moved_is_seen() {
        let entries = chain(5);
        for place in 0..4 {
            let mut less = entries.clone();
            less.remove(place);
            assert_eq!(looked_at(&less, None).unwrap_err().seq, place as u64 + 1);
            let mut twice = entries.clone();
            twice.insert(place, entries[place].clone());
            assert_eq!(looked_at(&twice, None).unwrap_err().seq, place as u64 + 2);
            let mut moved = entries.clone();
            moved.swap(place, place + 1);
            assert_eq!(looked_at(&moved, None).unwrap_err().seq, place as u64 + 1);
        }
    }

    #[test]
    fn an_end_that_was_cut_off_and_a_chain_that_was_made_anew_are_seen_by_a_head_that_was_kept() {
        let entries = chain(5);
        assert_eq!(looked_at(&entries[..3], None), Ok(head(&entries[2])), "without one nobody knows");
        assert_eq!(looked_at(&entries[..3], Some(head(&entries[4]))).unwrap_err().seq, 4);
        assert_eq!(looked_at(&[], Some(head(&entries[0]))).unwrap_err().seq, 1);
        let mut anew = chain(5);
        for place in 1..5 {
            anew[place].who = "bob".to_owned();
            anew[place].previous = anew[place - 1].hash.clone();
            anew[place].hash = anew[place].digest();
        }
        assert!(looked_at(&anew, None).is_ok(), "whoever makes it anew makes it well");
        assert_eq!(looked_at(&anew, Some(head(&entries[3]))).unwrap_err().seq, 4);
    }

    #[test]
    fn a_head_is_read_as_it_is_written_and_nothing_else_is_one() {
        let one = head(&chain(1)[0]);
        assert_eq!(one.to_string().parse(), Ok(one.clone()));
        for wrong in ["", "1", "1:", "x:y", &one.to_string()[..60], &one.to_string().to_uppercase()] {
            assert!(wrong.parse::<Head>().is_err(), "{wrong}");
        }
    }
}
