//! How deep JSON is nested. What is stored is stored inside of something else, and is read again by a
//! parser that goes 128 deep: what comes in is held well below that.

use serde_json::Value;

/// The deepest value that is taken in.
pub const DEEPEST: usize = 64;

/// Whether a value is nested deeper than [`DEEPEST`].
#[must_use]
pub fn too_deep(value: &Value) -> bool {
    deeper_than(value, DEEPEST)
}

fn deeper_than(value: &Value, left: usize) -> bool {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
        Value::Array(items) => left == 0 || items.iter().any(|item| deeper_than(item, left - 1)),
        Value::Object(fields) => left == 0 || fields.values().any(|field| deeper_than(field, left - 1)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sixty_four_levels_are_taken_and_one_more_is_not() {
        let nested = |levels: usize| (0..levels).fold(Value::Null, |inner, _| Value::Array(vec![inner]));
        assert!(!too_deep(&nested(DEEPEST)));
        assert!(too_deep(&nested(DEEPEST + 1)));
    }
}
