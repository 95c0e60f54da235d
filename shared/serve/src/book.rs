//! What is known of keys, and who may change it.

use makegood_core::saga::Refusal;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What is known of a key; as JSON, what a store keeps.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum Entry {
    /// A do began with this input, and how it ended is not known.
    Begun {
        input: Value,
    },
    Done {
        input: Value,
        output: Value,
    },
    Refused {
        refusal: Refusal,
    },
    /// An undo began of what was done, and how it ended is not known.
    Undoing {
        input: Value,
        output: Option<Value>,
    },
    /// Undone, or a tombstone of what was never done: `found` tells them apart.
    Undone {
        found: bool,
    },
}

/// A claim on a key, and what was known of it before.
#[derive(Debug)]
pub enum Taken<C> {
    Yours {
        claim: C,
        entry: Option<Entry>,
    },
    /// Another call has it.
    Busy,
}

/// What is known of a key to somebody who does not take it.
#[derive(Clone, Debug, PartialEq)]
pub enum Seen {
    Entry(Option<Entry>),
    /// A call has it.
    Busy,
}

/// The store did not answer, or not in time. What was to be written may have been or not.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the store of keys: {0}")]
pub struct Lost(pub String);

/// Remembers keys, for at least as long as the tool's `ttl_ms` says; those of what was done for as long as it may
/// be undone. A database does so with a row a key, and an advisory lock or a lease as the claim.
pub trait Store: Send + Sync + 'static {
    /// The right to write under one key. Dropping it gives it back. Where its holder dies it must end too, but
    /// never while a call of the holder's may still be acting.
    type Claim: Send + 'static;

    /// Takes a key, if no other call has it.
    fn take(&self, tool: &str, key: &str) -> impl Future<Output = Result<Taken<Self::Claim>, Lost>> + Send;

    /// Writes what is known of the key that was taken, durably; `None` that nothing is. The claim goes on.
    fn write(&self, claim: &mut Self::Claim, entry: Option<&Entry>) -> impl Future<Output = Result<(), Lost>> + Send;

    /// Looks, and takes nothing.
    fn look(&self, tool: &str, key: &str) -> impl Future<Output = Result<Seen, Lost>> + Send;
}
