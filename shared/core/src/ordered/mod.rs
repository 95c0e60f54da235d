//! Maps, sets and JSON objects that bring little code.
//!
//! A function travels as Wasm, and a tree of the standard library brings five kilobytes and more into it for every type
//! of entry; so what the engine holds are sorted lists. An object is a tree, which `collect` would sort first, with a
//! stable sort of its own: here it is put together field by field.

mod flat;

pub use flat::{FlatMap, FlatSet};

use serde_json::{Map, Value};

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
