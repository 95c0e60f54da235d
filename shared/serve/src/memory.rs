//! Keys in memory: for tests, and for tools whose effects do not outlive their process either.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::book::{Entry, Lost, Seen, Store, Taken};

/// A store that forgets everything with its process. A copy is the same store.
#[derive(Clone, Debug, Default)]
pub struct Memory {
    book: Arc<Mutex<Book>>,
}

type Name = (String, String);

#[derive(Debug, Default)]
struct Book {
    entries: BTreeMap<Name, Entry>,
    held: BTreeSet<Name>,
}

/// A claim on a key, until it is dropped.
#[derive(Debug)]
pub struct Held {
    memory: Memory,
    name: Name,
}

impl Memory {
    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.memory.book().held.remove(&self.name);
    }
}

impl Store for Memory {
    type Claim = Held;

    async fn take(&self, tool: &str, key: &str) -> Result<Taken<Held>, Lost> {
        let name = (tool.to_owned(), key.to_owned());
        let mut book = self.book();
        if !book.held.insert(name.clone()) {
            return Ok(Taken::Busy);
        }
        let entry = book.entries.get(&name).cloned();
        Ok(Taken::Yours { claim: Held { memory: self.clone(), name }, entry })
    }

    async fn write(&self, claim: &mut Held, entry: Option<&Entry>) -> Result<(), Lost> {
        let mut book = self.book();
        match entry {
            Some(entry) => book.entries.insert(claim.name.clone(), entry.clone()),
            None => book.entries.remove(&claim.name),
        };
        Ok(())
    }

    async fn look(&self, tool: &str, key: &str) -> Result<Seen, Lost> {
        let name = (tool.to_owned(), key.to_owned());
        let book = self.book();
        if book.held.contains(&name) {
            return Ok(Seen::Busy);
        }
        Ok(Seen::Entry(book.entries.get(&name).cloned()))
    }
}
