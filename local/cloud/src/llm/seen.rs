//! Which requests were seen before, for failures that happen only once.

use std::collections::VecDeque;

const KEPT: usize = 1_000;

/// The hashes of the last requests that were to fail once.
#[derive(Default)]
pub struct Seen {
    hashes: VecDeque<[u8; 32]>,
}

impl Seen {
    /// Notes a request; true when it is new.
    pub fn first(&mut self, hash: [u8; 32]) -> bool {
        if self.hashes.contains(&hash) {
            return false;
        }
        if self.hashes.len() == KEPT {
            self.hashes.pop_front();
        }
        self.hashes.push_back(hash);
        true
    }
}
