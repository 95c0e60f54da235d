//! From a schema of `schemars` to the subset of JSON Schema that is checked: `core::tool::schema`.
//!
//! What only says the same in other words is brought into ours: a choice of constants is an `enum`, a choice
//! with `null` is a type that may be `null`, and formats that only name a size of number say nothing that
//! `minimum` and `maximum` do not. Whatever would be lost is an error that names the place.

use std::fmt;

use makegood_core::tool::Schema;
use serde_json::{Map, Value};

/// One place that the subset has no words for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outside {
    /// A JSON pointer into the schema, as in `/properties/currency`.
    pub path: String,
    /// A sentence.
    pub message: String,
}

/// All such places.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct OutsideSubset(pub Vec<Outside>);

impl OutsideSubset {
    /// The same, of one side of a tool.
    pub(crate) fn of(self, tool: &str, side: &str) -> Self {
        let places = self.0.into_iter();
        Self(places.map(|at| Outside { path: format!("{tool} {side} {}", at.path), ..at }).collect())
    }
}

impl fmt::Display for OutsideSubset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the schema has what cannot be checked")?;
        self.0.iter().try_for_each(|Outside { path, message }| write!(f, "\n  {path}: {message}"))
    }
}

/// Which JSON Schema ours is a subset of.
const DIALECT: &str = "https://json-schema.org/draft/2020-12/schema";

/// Brings a schema into the subset.
///
/// # Errors
/// Every place at which that cannot be done.
pub fn within(mut schema: Value) -> Result<Schema, OutsideSubset> {
    let mut faults = Vec::new();
    if let Value::Object(keywords) = &mut schema
        && keywords.get("$schema").is_some_and(|dialect| dialect == DIALECT)
    {
        keywords.remove("$schema");
    }
    let mut schema = level(schema, "", &mut faults);
    if let Value::Object(keywords) = &mut schema {
        // The name of the Rust type, which nobody outside knows.
        keywords.remove("title");
    }
    if !faults.is_empty() {
        return Err(OutsideSubset(faults));
    }
    serde_json::from_value(schema)
        .map_err(|error| OutsideSubset(vec![Outside { path: "/".to_owned(), message: format!("{error}.") }]))
}

/// The keywords of `core::tool::schema` that hold no further schema.
const PLAIN: &[&str] = &[
    "title",
    "description",
    "type",
    "enum",
    "const",
    "default",
    "examples",
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "multipleOf",
    "minLength",
    "maxLength",
    "minItems",
    "maxItems",
    "uniqueItems",
    "required",
];

const FORMATS: &[&str] = &["date", "time", "date-time", "email"];

/// Sizes of numbers, which schemars names beside the bounds that they have.
const SIZES: &[&str] = &["int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "float", "double"];

fn level(schema: Value, path: &str, faults: &mut Vec<Outside>) -> Value {
    let keywords = match schema {
        Value::Object(keywords) => keywords,
        Value::Bool(true) => return Value::Object(Map::new()),
        Value::Bool(false) | Value::Null | Value::Number(_) | Value::String(_) | Value::Array(_) => {
            faults.push(outside(path, "no value would do here."));
            return schema;
        }
    };
    let mut ours = Map::new();
    for (name, value) in merged(keywords) {
        let at = format!("{path}/{name}");
        match (name.as_str(), value) {
            ("properties", Value::Object(properties)) => {
                let each = |(field, schema)| {
                    let schema = level(schema, &format!("{at}/{field}"), faults);
                    (field, schema)
                };
                let properties = properties.into_iter().map(each).collect();
                ours.insert(name, Value::Object(properties));
            }
            ("additionalProperties", value @ Value::Bool(_)) => drop(ours.insert(name, value)),
            ("items" | "additionalProperties", value) => {
                let value = level(value, &at, faults);
                ours.insert(name, value);
            }
            ("format", Value::String(format)) if SIZES.contains(&format.as_str()) => {}
            ("format", value) => {
                if !value.as_str().is_some_and(|format| FORMATS.contains(&format)) {
                    let known = FORMATS.join(", ");
                    faults.push(outside(path, &format!("the format {value} is not checked; {known} are.")));
                }
                ours.insert(name, value);
            }
            (plain, value) if PLAIN.contains(&plain) => drop(ours.insert(name, value)),
            ("$ref", _) => faults.push(outside(path, "the type holds itself, which the subset cannot say.")),
            ("oneOf" | "anyOf" | "allOf", _) => faults.push(outside(
                path,
                &format!("`{name}` is not checked; an enum without fields is, and so is an `Option`. Use a struct."),
            )),
            ("pattern", _) => faults.push(outside(
                path,
                "`pattern` is not checked: functions have no regular expressions. Say `length`, and have the tool refuse.",
            )),
            _ => faults.push(outside(path, &format!("`{name}` is not checked."))),
        }
    }
    Value::Object(ours)
}

fn outside(path: &str, message: &str) -> Outside {
    Outside { path: if path.is_empty() { "/".to_owned() } else { path.to_owned() }, message: message.to_owned() }
}

/// Writes a choice as one level where that says the same.
fn merged(mut keywords: Map<String, Value>) -> Map<String, Value> {
    for choice in ["oneOf", "anyOf"] {
        let Some(Value::Array(options)) = keywords.get(choice) else { continue };
        if let Some(constants) = constants(options) {
            keywords.remove(choice);
            keywords.entry("type").or_insert_with(|| "string".into());
            keywords.insert("enum".to_owned(), Value::Array(constants));
        } else if let Some(optional) = optional(options) {
            keywords.remove(choice);
            for (name, value) in optional {
                keywords.entry(name).or_insert(value);
            }
        }
    }
    keywords
}

/// The values of a choice between texts, each with or without words about it.
fn constants(options: &[Value]) -> Option<Vec<Value>> {
    let of = |option: &Value| -> Option<Vec<Value>> {
        let option = option.as_object()?;
        let known = ["const", "enum", "type", "title", "description"];
        let plain = option.keys().all(|key| known.contains(&key.as_str()));
        let text = option.get("type").is_none_or(|kind| kind == "string");
        let values = match (option.get("const"), option.get("enum")) {
            (Some(value), None) => vec![value.clone()],
            (None, Some(Value::Array(values))) => values.clone(),
            _ => return None,
        };
        (plain && text && values.iter().all(Value::is_string)).then_some(values)
    };
    options.iter().map(of).collect::<Option<Vec<_>>>().map(|values| values.concat())
}

/// The other option of a choice with `null`, as a type that may be `null`.
fn optional(options: &[Value]) -> Option<Map<String, Value>> {
    let null = |option: &Value| option.get("type").is_some_and(|kind| kind == "null");
    let (option, _) = match options {
        [option, other] if null(other) => (option, other),
        [other, option] if null(other) => (option, other),
        _ => return None,
    };
    let mut option = merged(option.as_object()?.clone());
    let kind = option.get("type")?.as_str()?.to_owned();
    option.insert("type".to_owned(), Value::from(vec![kind, "null".to_owned()]));
    if let Some(Value::Array(values)) = option.get_mut("enum") {
        values.push(Value::Null);
    }
    Some(option)
}
