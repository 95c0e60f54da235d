//! Queues: first in, first out, at most `parallelism` at a time. A place is
//! held until the message and its callbacks have come to their end.

use std::collections::{HashMap, VecDeque};

use serde::{Deserialize, Serialize};

/// What the journal keeps of a queue.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct QueueConfig {
    pub name: String,
    pub parallelism: usize,
    pub paused: bool,
    pub created_at: u64,
    pub updated_at: u64,
}

#[derive(Debug)]
pub struct Queue {
    pub config: QueueConfig,
    waiting: VecDeque<String>,
    /// Holders of a place, with the number of unfinished messages in it.
    places: HashMap<String, usize>,
}

impl Queue {
    pub fn new(config: QueueConfig) -> Self {
        Self { config, waiting: VecDeque::new(), places: HashMap::new() }
    }

    pub fn join(&mut self, id: String) {
        self.waiting.push_back(id);
    }

    pub fn holds(&self, id: &str) -> bool {
        self.places.contains_key(id)
    }

    /// One more message in the place of `holder`.
    pub fn occupy(&mut self, holder: &str) {
        *self.places.entry(holder.to_owned()).or_default() += 1;
    }

    /// One message less; the last one frees the place.
    pub fn leave(&mut self, holder: &str) {
        match self.places.get_mut(holder) {
            None => self.waiting.retain(|id| id != holder),
            Some(count) if *count > 1 => *count -= 1,
            Some(_) => {
                self.places.remove(holder);
            }
        }
    }

    /// Messages waiting or under way.
    pub fn lag(&self) -> usize {
        self.waiting.len() + self.places.len()
    }

    /// Takes everybody out who still waits.
    pub fn dissolve(&mut self) -> VecDeque<String> {
        std::mem::take(&mut self.waiting)
    }

    /// The next message whose turn has come.
    pub fn next(&mut self) -> Option<String> {
        if self.config.paused || self.places.len() >= self.config.parallelism {
            return None;
        }
        let id = self.waiting.pop_front()?;
        self.occupy(&id);
        Some(id)
    }
}
