//! What is to happen when: a heap that one sleeping task works off. Entries
//! are never removed; whoever is woken checks that it still matters.

use std::{cmp::Reverse, collections::BinaryHeap};

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Wake {
    Message(String),
    Schedule(String),
    Flow(String),
    /// A workflow step waits for an event no longer.
    Event(String),
}

#[derive(Debug, Default)]
pub struct Timers {
    heap: BinaryHeap<Reverse<(u64, u64, Wake)>>,
    sequence: u64,
}

impl Timers {
    pub fn set(&mut self, at: u64, wake: Wake) {
        self.sequence += 1;
        self.heap.push(Reverse((at, self.sequence, wake)));
    }

    pub fn next(&self) -> Option<u64> {
        self.heap.peek().map(|Reverse((at, ..))| *at)
    }

    /// The next that is not a schedule's: those go on for ever.
    pub fn next_message(&self) -> Option<u64> {
        let messages = self.heap.iter().filter(|Reverse((.., wake))| !matches!(wake, Wake::Schedule(_)));
        messages.map(|Reverse((at, ..))| *at).min()
    }

    pub fn pop_due(&mut self, now: u64) -> Option<(u64, Wake)> {
        if self.next()? > now {
            return None;
        }
        self.heap.pop().map(|Reverse((at, _, wake))| (at, wake))
    }
}
