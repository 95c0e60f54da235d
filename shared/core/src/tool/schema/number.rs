//! Numbers as JSON Schema compares them, and values by these: `3.0` is `3`.

use std::cmp::Ordering;

use serde_json::{Number, Value};

use crate::ordered;

/// The number as an integer, also when it is written `3.0`: JSON Schema makes no difference.
pub(super) fn integer(number: &Number) -> Option<i128> {
    if let Some(whole) = number.as_i64() {
        return Some(whole.into());
    }
    if let Some(whole) = number.as_u64() {
        return Some(whole.into());
    }
    let float = number.as_f64().filter(|float| float.fract() == 0.0 && float.abs() < 1e30)?;
    #[expect(clippy::cast_possible_truncation, reason = "whole and below 1e30, so it fits")]
    Some(float as i128)
}

pub(super) fn compare(left: &Number, right: &Number) -> Ordering {
    if let (Some(left), Some(right)) = (integer(left), integer(right)) {
        left.cmp(&right)
    } else {
        let floats = left.as_f64().zip(right.as_f64());
        floats.and_then(|(left, right)| left.partial_cmp(&right)).unwrap_or(Ordering::Equal)
    }
}

pub(super) fn is_multiple(number: &Number, step: &Number) -> bool {
    if let (Some(number), Some(step)) = (integer(number), integer(step)) {
        number.checked_rem(step) == Some(0)
    } else {
        let Some((number, step)) = number.as_f64().zip(step.as_f64()) else {
            return false;
        };
        // `0.01` is no float, nor is most of what is a multiple of it: the nearest multiple may be off by as much as
        // number, step and their product are rounded. What is too large to be divided is off by more.
        let nearest = (number / step).round() * step;
        (nearest - number).abs() <= 4.0 * f64::EPSILON * number.abs()
    }
}

pub(super) fn same(left: &Value, right: &Value) -> bool {
    left == right || canonical(left) == canonical(right)
}

/// The value with `3.0` written as `3`, so that equal numbers are equal values.
pub(super) fn canonical(value: &Value) -> Value {
    match value {
        Value::Number(number) => {
            integer(number).and_then(|whole| i64::try_from(whole).ok()).map_or_else(|| value.clone(), Value::from)
        }
        Value::Array(items) => items.iter().map(canonical).collect(),
        Value::Object(fields) => {
            Value::Object(ordered::object(fields.iter().map(|(name, value)| (name.clone(), canonical(value)))))
        }
        Value::Null | Value::Bool(_) | Value::String(_) => value.clone(),
    }
}
