//! The key space: typed values with optional deadlines. Expiry is exact: due
//! keys are dropped before every command, so no accessor checks the time.
//! It notices by itself what is changed, for what is kept ([`super::effects`])
//! and for what is being rewritten ([`super::rewrite`]).

use std::{
    collections::{BTreeSet, HashMap, HashSet, VecDeque},
    mem,
};

use bytes::Bytes;

use super::{effects::Effects, fault::Fault, hub::Hub, lua::Scripts, streams::Stream, zset::Zset};

pub type Hash = HashMap<Bytes, Bytes>;
pub type List = VecDeque<Bytes>;
pub type Set = HashSet<Bytes>;

#[derive(Debug, PartialEq)]
pub enum Value {
    String(Bytes),
    Hash(Hash),
    List(List),
    Set(Set),
    Zset(Zset),
    Stream(Stream),
}

#[derive(Debug, PartialEq)]
struct Entry {
    value: Value,
    /// Unix milliseconds.
    deadline: Option<i64>,
}

#[derive(Default)]
pub struct Store {
    entries: HashMap<Bytes, Entry>,
    deadlines: BTreeSet<(i64, Bytes)>,
    now: i64,
    /// Whether anything changed since this was last asked.
    changed: bool,
    /// The keys that changed since they were asked for, while somebody asks.
    touched: Option<HashSet<Bytes>>,
    pub effects: Effects,
    /// Scripts outlive the data.
    pub scripts: Scripts,
    pub hub: Hub,
}

impl Store {
    pub fn advance(&mut self, now: i64) {
        self.now = self.now.max(now);
    }

    /// Unix milliseconds.
    pub fn now(&self) -> i64 {
        self.now
    }

    pub fn expire_due(&mut self) {
        while self.deadlines.first().is_some_and(|(at, _)| *at <= self.now) {
            if let Some((_, key)) = self.deadlines.pop_first() {
                self.entries.remove(&key);
                self.touch(&key);
            }
        }
    }

    fn touch(&mut self, key: &Bytes) {
        if let Some(touched) = &mut self.touched {
            touched.insert(key.clone());
        }
    }

    fn change(&mut self, key: &Bytes) {
        self.changed = true;
        self.touch(key);
    }

    /// Whether anything changed since the last call.
    pub fn take_changed(&mut self) -> bool {
        mem::take(&mut self.changed)
    }

    /// The keys that changed since the last call, from the first one on.
    pub fn take_touched(&mut self) -> HashSet<Bytes> {
        self.touched.replace(HashSet::new()).unwrap_or_default()
    }

    /// No more is [`Store::take_touched`] going to be asked.
    pub fn forget_touched(&mut self) {
        self.touched = None;
    }

    pub fn len(&self) -> usize {
        self.entries.len()
    }

    pub fn clear(&mut self) {
        self.changed |= !self.entries.is_empty();
        if let Some(touched) = &mut self.touched {
            touched.extend(self.entries.keys().cloned());
        }
        self.entries.clear();
        self.deadlines.clear();
    }

    pub fn keys(&self) -> impl Iterator<Item = (&Bytes, &Value)> {
        self.entries.iter().map(|(key, entry)| (key, &entry.value))
    }

    pub fn contains(&self, key: &[u8]) -> bool {
        self.entries.contains_key(key)
    }

    pub fn value(&self, key: &[u8]) -> Option<&Value> {
        self.entries.get(key).map(|entry| &entry.value)
    }

    /// Replaces whatever was there and clears its deadline.
    pub fn put(&mut self, key: &Bytes, value: impl Into<Value>) {
        self.put_until(key, value, None);
    }

    pub fn put_until(&mut self, key: &Bytes, value: impl Into<Value>, deadline: Option<i64>) {
        self.change(key);
        let value = value.into();
        let old = self.entries.insert(key.clone(), Entry { value, deadline });
        if let Some(at) = old.and_then(|entry| entry.deadline) {
            self.deadlines.remove(&(at, key.clone()));
        }
        if let Some(at) = deadline {
            self.deadlines.insert((at, key.clone()));
        }
    }

    /// Replaces a value and keeps its deadline.
    pub fn update(&mut self, key: &Bytes, value: impl Into<Value>) {
        match self.entries.get_mut(key) {
            Some(entry) => {
                entry.value = value.into();
                self.change(key);
            }
            None => self.put(key, value),
        }
    }

    pub fn take(&mut self, key: &[u8]) -> Option<(Value, Option<i64>)> {
        let (key, entry) = self.entries.remove_entry(key)?;
        self.change(&key);
        if let Some(at) = entry.deadline {
            self.deadlines.remove(&(at, key));
        }
        Some((entry.value, entry.deadline))
    }

    pub fn remove(&mut self, key: &[u8]) -> bool {
        self.take(key).is_some()
    }

    /// The deadline of a key: `None` no key, `Some(None)` it never expires.
    pub fn deadline(&self, key: &[u8]) -> Option<Option<i64>> {
        self.entries.get(key).map(|entry| entry.deadline)
    }

    /// Sets or clears the deadline of a key, if it exists.
    pub fn set_deadline(&mut self, key: &Bytes, deadline: Option<i64>) {
        let Some(entry) = self.entries.get_mut(key) else {
            return;
        };
        let old = mem::replace(&mut entry.deadline, deadline);
        if old == deadline {
            return;
        }
        self.change(key);
        if let Some(at) = old {
            self.deadlines.remove(&(at, key.clone()));
        }
        if let Some(at) = deadline {
            self.deadlines.insert((at, key.clone()));
        }
    }

    /// Whether both hold the same keys, values and deadlines.
    #[cfg(test)]
    pub fn holds_what(&self, other: &Self) -> Result<(), String> {
        let differing = |key: &&Bytes| self.entries.get(*key) != other.entries.get(*key);
        let keys: BTreeSet<&Bytes> = self.entries.keys().chain(other.entries.keys()).filter(differing).collect();
        let shown =
            keys.iter().map(|key| format!("{key:?}: {:?} / {:?}", self.entries.get(*key), other.entries.get(*key)));
        let shown: Vec<String> = shown.collect();
        if shown.is_empty() && self.deadlines == other.deadlines { Ok(()) } else { Err(shown.join("\n")) }
    }

    /// The value at `key`, if there is one.
    pub fn read<K: Kind>(&self, key: &[u8]) -> Result<Option<&K>, Fault> {
        match self.value(key) {
            None => Ok(None),
            Some(value) => K::of(value).map(Some).ok_or(Fault::WRONG_TYPE),
        }
    }

    /// Edits the collection at `key`, if there is one; an emptied collection
    /// ceases to exist.
    pub fn edit<K: Kind, R>(&mut self, key: &Bytes, edit: impl FnOnce(&mut K) -> R) -> Result<Option<R>, Fault> {
        let Some(entry) = self.entries.get_mut(key) else {
            return Ok(None);
        };
        let collection = K::of_mut(&mut entry.value).ok_or(Fault::WRONG_TYPE)?;
        let result = edit(collection);
        let emptied = collection.is_empty();
        self.change(key);
        if emptied {
            self.remove(key);
        }
        Ok(Some(result))
    }

    /// As [`Store::edit`], on a new collection where there was none.
    pub fn edit_or_create<K: Kind, R>(&mut self, key: &Bytes, edit: impl FnOnce(&mut K) -> R) -> Result<R, Fault> {
        if self.contains(key) {
            let edited = self.edit(key, edit)?;
            return edited.ok_or(Fault::NO_KEY);
        }
        let mut collection = K::default();
        let result = edit(&mut collection);
        if !collection.is_empty() {
            self.put(key, collection);
        }
        Ok(result)
    }
}

/// A type a value can have.
pub trait Kind: Default + Into<Value> {
    fn of(value: &Value) -> Option<&Self>;
    fn of_mut(value: &mut Value) -> Option<&mut Self>;
    /// Whether a key with this value must not exist.
    fn is_empty(&self) -> bool;
}

macro_rules! kinds {
    ($($variant:ident($type:ty) $empty:expr;)*) => {$(
        impl Kind for $type {
            fn of(value: &Value) -> Option<&Self> {
                if let Value::$variant(inner) = value { Some(inner) } else { None }
            }
            fn of_mut(value: &mut Value) -> Option<&mut Self> {
                if let Value::$variant(inner) = value { Some(inner) } else { None }
            }
            fn is_empty(&self) -> bool {
                $empty(self)
            }
        }
        impl From<$type> for Value {
            fn from(inner: $type) -> Self {
                Value::$variant(inner)
            }
        }
    )*};
}

kinds! {
    String(Bytes) |_: &Bytes| false;
    Hash(Hash) Hash::is_empty;
    List(List) List::is_empty;
    Set(Set) Set::is_empty;
    Zset(Zset) Zset::is_empty;
    Stream(Stream) |_: &Stream| false;
}
