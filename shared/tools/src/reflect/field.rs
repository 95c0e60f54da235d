//! A column, as a field of what is written or read.

use serde_json::{Map, Number, Value, json};

use super::catalogue::{Catalogue, Column, Table, Type};
use super::check::{Condition, Limit, constant};
use super::expression::read;
use super::kind::{self, Items};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    /// What is written: what has a default may be left out.
    Input,
    /// What is read: everything is there.
    Row,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Field {
    pub name: String,
    pub comment: Option<String>,
    pub schema: Map<String, Value>,
    /// With its `Option`.
    pub rust: String,
    pub required: bool,
    /// What the schema does not say.
    pub notes: Vec<String>,
    /// Of the types that its own is made of.
    pub enums: Vec<(String, Vec<String>)>,
}

impl Field {
    pub(super) fn new(catalogue: &Catalogue, column: &Column, checks: &[Condition], side: Side) -> Self {
        let mut enums: Vec<&Type> = Vec::new();
        let items = if side == Side::Row { Items::MayBeNull } else { Items::Present };
        let kind = kind::of(catalogue, column.kind, column.modifier, items, &mut enums);
        let (mut schema, mut notes) = (kind.schema, kind.notes);
        let own = checks.iter().filter(|check| check.columns.as_slice() == [column.name.as_str()]);
        for check in kind.checks.iter().chain(own) {
            let said = check.limits.as_ref().and_then(|limits| limited(&schema, kind.is_text, limits));
            match said {
                Some(said) => schema = said,
                None => notes.push(check.text.clone()),
            }
        }
        if let Some(comment) = &column.comment {
            schema.insert("description".to_owned(), comment.trim().into());
        }
        let null = !column.not_null && !kind.not_null;
        if null {
            kind::or_null(&mut schema);
        }
        let default = column.default.as_deref().filter(|_| side == Side::Input);
        if let Some(default) = default {
            match read(default).as_ref().and_then(constant).filter(|value| is_of(&schema, value)) {
                Some(value) => drop(schema.insert("default".to_owned(), value)),
                None => notes.push(format!("left out, it is {default}")),
            }
            if null {
                notes.push("NULL in place of the default can be said in JSON only".to_owned());
            }
        }
        let required = side == Side::Row || !(null || column.fills_itself());
        let optional = if side == Side::Row { null } else { !required };
        let rust = if optional { format!("Option<{}>", kind.rust) } else { kind.rust };
        let enums = enums.into_iter().map(|kind| (kind.name.clone(), kind.labels.clone())).collect();
        let comment = column.comment.as_ref().map(|comment| comment.trim().to_owned());
        Self { name: column.name.clone(), comment, schema, rust, required, notes, enums }
    }
}

/// Whether a value is of the schema's type; that of an array is written as a text in SQL, and is not.
fn is_of(schema: &Map<String, Value>, value: &Value) -> bool {
    let wanted = match value {
        Value::String(_) => ["string", ""],
        Value::Number(_) => ["integer", "number"],
        Value::Bool(_) => ["boolean", ""],
        Value::Null | Value::Array(_) | Value::Object(_) => return false,
    };
    match schema.get("type") {
        Some(Value::Array(kinds)) => kinds.iter().any(|kind| kind.as_str().is_some_and(|kind| wanted.contains(&kind))),
        kind => kind.and_then(Value::as_str).is_some_and(|kind| wanted.contains(&kind)),
    }
}

/// The schema with what the limits say; `None` where one of them says nothing of such a type. Of what is no text in the
/// database, as bytes, a length there is not the length of what it is written as here.
fn limited(schema: &Map<String, Value>, is_text: bool, limits: &[Limit]) -> Option<Map<String, Value>> {
    let mut schema = schema.clone();
    let kind = schema.get("type").and_then(Value::as_str).unwrap_or_default().to_owned();
    let number = ["integer", "number"].contains(&kind.as_str());
    for limit in limits {
        match limit {
            Limit::Least { bound, exclusive } if number => {
                tighten(&mut schema, if *exclusive { "exclusiveMinimum" } else { "minimum" }, bound, |new, old| {
                    new > old
                });
            }
            Limit::Most { bound, exclusive } if number => {
                tighten(&mut schema, if *exclusive { "exclusiveMaximum" } else { "maximum" }, bound, |new, old| {
                    new < old
                });
            }
            Limit::MinLength(least) if is_text => {
                tighten(&mut schema, "minLength", &Number::from(*least), |new, old| new > old);
            }
            Limit::MaxLength(most) if is_text => {
                tighten(&mut schema, "maxLength", &Number::from(*most), |new, old| new < old);
            }
            Limit::MinItems(least) if kind == "array" => {
                tighten(&mut schema, "minItems", &Number::from(*least), |new, old| new > old);
            }
            Limit::MaxItems(most) if kind == "array" => {
                tighten(&mut schema, "maxItems", &Number::from(*most), |new, old| new < old);
            }
            Limit::OneOf(values) => {
                let fits =
                    |value: &Value| if number { value.is_number() } else { kind == "string" && value.is_string() };
                let known = schema.get("enum").and_then(Value::as_array).cloned();
                let allowed = |value: &&Value| known.as_ref().is_none_or(|known| known.contains(value));
                if !values.iter().all(fits) {
                    return None;
                }
                let mut values: Vec<Value> = values.iter().filter(allowed).cloned().collect();
                values.dedup();
                schema.insert("enum".to_owned(), Value::Array(values));
            }
            Limit::Least { .. }
            | Limit::Most { .. }
            | Limit::MinLength(_)
            | Limit::MaxLength(_)
            | Limit::MinItems(_)
            | Limit::MaxItems(_) => return None,
        }
    }
    Some(schema)
}

/// Of two bounds the one that lets less through.
fn tighten(schema: &mut Map<String, Value>, keyword: &str, bound: &Number, tighter: fn(f64, f64) -> bool) {
    let known = schema.get(keyword).and_then(Value::as_f64);
    if known.is_none_or(|known| bound.as_f64().is_some_and(|bound| tighter(bound, known))) {
        schema.insert(keyword.to_owned(), Value::Number(bound.clone()));
    }
    // Two keywords for one side would say the same twice.
    let other = match keyword {
        "minimum" => "exclusiveMinimum",
        "exclusiveMinimum" => "minimum",
        "maximum" => "exclusiveMaximum",
        "exclusiveMaximum" => "maximum",
        _ => return,
    };
    if let (Some(new), Some(old)) = (bound.as_f64(), schema.get(other).and_then(Value::as_f64)) {
        let stays = tighter(old, new) || (!tighter(new, old) && other.starts_with("exclusive"));
        schema.remove(if stays { keyword } else { other });
    }
}

/// The schema of the whole: a closed object.
pub(super) fn schema(table: &Table, fields: &[Field]) -> Value {
    let properties: Map<String, Value> =
        fields.iter().map(|field| (field.name.clone(), Value::Object(field.schema.clone()))).collect();
    let mut required: Vec<&str> =
        fields.iter().filter(|field| field.required).map(|field| field.name.as_str()).collect();
    required.sort_unstable();
    let mut schema = json!({
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": false,
    });
    if let (Some(comment), Value::Object(keywords)) = (&table.comment, &mut schema) {
        keywords.insert("description".to_owned(), comment.trim().into());
    }
    schema
}
