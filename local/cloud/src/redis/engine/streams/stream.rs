//! A stream: entries in the order of their ids, and groups that read them.

use std::collections::BTreeMap;

use bytes::Bytes;

use super::{Reply, id::Id};

#[derive(Debug, Default, PartialEq)]
pub struct Stream {
    /// Names and values in turn.
    pub entries: BTreeMap<Id, Vec<Bytes>>,
    pub last: Id,
    pub max_deleted: Id,
    /// How many there ever were.
    pub added: u64,
    pub groups: BTreeMap<Bytes, Group>,
}

#[derive(Debug, PartialEq)]
pub struct Group {
    pub last: Id,
    /// How many entries it was given, where that is known.
    pub read: Option<u64>,
    pub pending: BTreeMap<Id, Pending>,
    pub consumers: BTreeMap<Bytes, Consumer>,
}

/// An entry that was delivered and not yet acknowledged.
#[derive(Debug, PartialEq)]
pub struct Pending {
    pub consumer: Bytes,
    pub delivered: i64,
    pub times: u64,
}

#[derive(Debug, PartialEq)]
pub struct Consumer {
    pub seen: i64,
}

impl Stream {
    pub fn append(&mut self, id: Id, fields: Vec<Bytes>) {
        self.entries.insert(id, fields);
        self.last = id;
        self.added += 1;
    }

    pub fn delete(&mut self, id: Id) -> bool {
        let was_there = self.entries.remove(&id).is_some();
        if was_there {
            self.max_deleted = self.max_deleted.max(id);
        }
        was_there
    }

    pub fn entry(&self, id: Id) -> Option<Reply> {
        self.entries.get(&id).map(|fields| shown(id, fields))
    }

    pub fn first(&self) -> Id {
        self.entries.first_key_value().map_or(Id::ZERO, |(id, _)| *id)
    }

    fn len(&self) -> u64 {
        u64::try_from(self.entries.len()).unwrap_or(u64::MAX)
    }

    /// Whether something was deleted at `from` or later.
    pub fn has_gaps_from(&self, from: Id) -> bool {
        // What was deleted before the first entry leaves no gap.
        !self.entries.is_empty() && self.max_deleted >= self.first() && from <= self.max_deleted
    }

    /// How many entries there ever were up to `id`, where that can be said
    /// (`streamEstimateDistanceFromFirstEverEntry`).
    pub fn distance(&self, id: Id) -> Option<u64> {
        if self.added == 0 {
            return Some(0);
        }
        if self.entries.is_empty() && id <= self.last || id == self.last {
            return Some(self.added);
        }
        if id > self.last {
            return None;
        }
        let first = self.first();
        let gone = self.added.saturating_sub(self.len());
        if self.max_deleted == Id::ZERO || self.max_deleted < first {
            if id < first {
                return Some(gone);
            }
            if id == first {
                return Some(gone + 1);
            }
        }
        None
    }

    /// How many entries a group has yet to be given, where that can be said;
    /// negative when `XGROUP SETID` was told a number that cannot be.
    pub fn lag(&self, group: &Group) -> Option<i64> {
        if self.added == 0 {
            return Some(0);
        }
        let read = match group.read {
            Some(read) if !self.has_gaps_from(group.last) => Some(read),
            Some(_) | None => self.distance(group.last),
        };
        read.map(|read| self.added.cast_signed().saturating_sub(read.cast_signed()))
    }
}

impl Group {
    pub const fn new(last: Id, read: Option<u64>) -> Self {
        Self { last, read, pending: BTreeMap::new(), consumers: BTreeMap::new() }
    }

    /// The consumer of this name was here; whether it is new.
    pub fn meet(&mut self, consumer: &Bytes, now: i64) -> bool {
        self.consumers.insert(consumer.clone(), Consumer { seen: now }).is_none()
    }

    pub fn pending_of(&self, consumer: &Bytes) -> usize {
        self.pending.values().filter(|pending| pending.consumer == *consumer).count()
    }
}

pub fn shown(id: Id, fields: &[Bytes]) -> Reply {
    Reply::Array(vec![id.into(), Reply::Array(fields.iter().cloned().map(Reply::Bulk).collect())])
}
