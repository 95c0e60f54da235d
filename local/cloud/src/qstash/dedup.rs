//! Ids remembered for ten minutes, whatever became of their message.

use std::collections::{HashMap, VecDeque};

use super::record::Record;

/// Milliseconds.
pub const WINDOW: u64 = 600_000;

#[derive(Debug, Default)]
pub struct Dedup {
    known: HashMap<String, (String, u64)>,
    order: VecDeque<(u64, String)>,
}

impl Dedup {
    pub fn remember(&mut self, key: String, id: String, until: u64) {
        self.order.push_back((until, key.clone()));
        self.known.insert(key, (id, until));
    }

    /// The message that was accepted under this key, within the window.
    pub fn find(&mut self, key: &str, now: u64) -> Option<&str> {
        while self.order.front().is_some_and(|(until, _)| *until <= now) {
            if let Some((until, key)) = self.order.pop_front()
                && self.known.get(&key).is_some_and(|(_, u)| *u == until)
            {
                self.known.remove(&key);
            }
        }
        self.known.get(key).map(|(id, _)| id.as_str())
    }

    pub fn records(&self) -> impl Iterator<Item = Record> + '_ {
        self.known.iter().map(|(key, (id, until))| Record::Dedup { key: key.clone(), id: id.clone(), until: *until })
    }
}
