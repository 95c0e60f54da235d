//! Maps, sets and JSON objects, put together entry by entry.
//!
//! `collect` sorts what it is given before it builds the tree, and so brings a stable sort of its own, of several
//! kilobytes, into a function's Wasm for every type of entry. What is put together here is small.

mod flat;

pub use flat::{FlatMap, FlatSet};

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

pub fn map<K: Ord, V>(entries: impl IntoIterator<Item = (K, V)>) -> BTreeMap<K, V> {
    let mut map = BTreeMap::new();
    map.extend(entries);
    map
}

pub fn set<T: Ord>(items: impl IntoIterator<Item = T>) -> BTreeSet<T> {
    let mut set = BTreeSet::new();
    set.extend(items);
    set
}

pub fn object(fields: impl IntoIterator<Item = (String, Value)>) -> Map<String, Value> {
    let mut object = Map::new();
    object.extend(fields);
    object
}

/// The first error ends it.
///
/// # Errors
/// Those of the fields.
pub fn try_object<E>(fields: impl IntoIterator<Item = Result<(String, Value), E>>) -> Result<Map<String, Value>, E> {
    let mut object = Map::new();
    for field in fields {
        let (name, value) = field?;
        object.insert(name, value);
    }
    Ok(object)
}
