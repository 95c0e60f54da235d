//! The last requests, for tests that want to know what was asked.

use std::collections::VecDeque;

use serde::Serialize;
use serde_json::Value;

const KEPT: usize = 100;
/// Of a longer body only its length is kept.
const MAX_BODY_BYTES: usize = 64 << 10;

#[derive(Default)]
pub struct Journal {
    entries: VecDeque<Entry>,
}

#[derive(Clone, Debug, Serialize)]
pub struct Entry {
    pub id: String,
    pub path: String,
    /// What was answered; of a stream that was cut, its beginning.
    pub status: u16,
    /// Which repeat the client says this is, 0 for the first.
    pub retry: Option<u64>,
    pub bytes: usize,
    /// The body, or `null` when it was not JSON or too long to keep.
    pub body: Value,
}

impl Journal {
    pub fn note(&mut self, mut entry: Entry) {
        if entry.bytes > MAX_BODY_BYTES {
            entry.body = Value::Null;
        }
        if self.entries.len() == KEPT {
            self.entries.pop_front();
        }
        self.entries.push_back(entry);
    }

    /// Oldest first.
    pub fn entries(&self) -> Vec<Entry> {
        self.entries.iter().cloned().collect()
    }
}
