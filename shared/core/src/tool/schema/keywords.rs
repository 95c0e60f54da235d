//! The keywords of one level of a schema, and how a value is checked by them.

use std::cmp::Ordering;
use std::collections::BTreeSet;
use std::fmt;

use serde::de::value::SeqAccessDeserializer;
use serde::de::{IntoDeserializer, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Number, Value};

use super::format::Format;
use super::number::{canonical, compare, integer, is_multiple, same};
use super::{Schema, Violation};
use crate::ordered::FlatMap;

/// How many violations are reported; more would only drown the first ones.
pub(super) const MAX_VIOLATIONS: usize = 32;

/// The keywords of one level, under their JSON Schema names.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Keywords {
    #[serde(skip_serializing_if = "Option::is_none")]
    title: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<String>,
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub(super) types: Option<Types>,
    #[serde(rename = "enum", skip_serializing_if = "Option::is_none")]
    values: Option<Vec<Value>>,
    #[serde(rename = "const", default, deserialize_with = "even_null", skip_serializing_if = "Option::is_none")]
    constant: Option<Value>,
    #[serde(default, deserialize_with = "even_null", skip_serializing_if = "Option::is_none")]
    default: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    examples: Option<Vec<Value>>,

    #[serde(skip_serializing_if = "Option::is_none")]
    minimum: Option<Number>,
    #[serde(skip_serializing_if = "Option::is_none")]
    maximum: Option<Number>,
    #[serde(skip_serializing_if = "Option::is_none")]
    exclusive_minimum: Option<Number>,
    #[serde(skip_serializing_if = "Option::is_none")]
    exclusive_maximum: Option<Number>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) multiple_of: Option<Number>,

    #[serde(skip_serializing_if = "Option::is_none")]
    min_length: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_length: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    format: Option<Format>,

    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) items: Option<Schema>,
    #[serde(skip_serializing_if = "Option::is_none")]
    min_items: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_items: Option<usize>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    unique_items: bool,

    #[serde(default, skip_serializing_if = "FlatMap::is_empty")]
    pub(super) properties: FlatMap<String, Schema>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    required: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) additional_properties: Option<Additional>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub(super) enum Types {
    One(Type),
    Any(Vec<Type>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Type {
    Null,
    Boolean,
    Integer,
    Number,
    String,
    Array,
    Object,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub(super) enum Additional {
    Allowed(bool),
    Each(Schema),
}

impl<'de> Deserialize<'de> for Types {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Names;
        impl<'de> Visitor<'de> for Names {
            type Value = Types;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the name of a type, or a list of such names")
            }
            fn visit_str<E: serde::de::Error>(self, name: &str) -> Result<Types, E> {
                Type::deserialize(name.into_deserializer()).map(Types::One)
            }
            fn visit_seq<A: SeqAccess<'de>>(self, names: A) -> Result<Types, A::Error> {
                Vec::deserialize(SeqAccessDeserializer::new(names)).map(Types::Any)
            }
        }
        deserializer.deserialize_any(Names)
    }
}

impl<'de> Deserialize<'de> for Additional {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        if let Value::Bool(allowed) = value {
            return Ok(Self::Allowed(allowed));
        }
        let each = Schema::deserialize(value).map_err(serde::de::Error::custom)?;
        Ok(Self::Each(each))
    }
}

/// `"const": null` is a constant; a missing `const` is none.
fn even_null<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}

pub(super) struct Report {
    pub(super) path: String,
    pub(super) violations: Vec<Violation>,
}

impl Report {
    fn add(&mut self, message: impl Into<String>) {
        if !self.is_full() {
            self.violations.push(Violation { path: self.path.clone(), message: message.into() });
        }
    }

    fn is_full(&self) -> bool {
        self.violations.len() >= MAX_VIOLATIONS
    }

    fn within(&mut self, name: &str, check: impl FnOnce(&mut Self)) {
        let length = self.path.len();
        self.path.push('/');
        self.path.push_str(&name.replace('~', "~0").replace('/', "~1"));
        check(self);
        self.path.truncate(length);
    }
}

impl Keywords {
    pub(super) fn inner(&self) -> impl Iterator<Item = &Schema> {
        let each = match &self.additional_properties {
            Some(Additional::Each(each)) => Some(each),
            Some(Additional::Allowed(_)) | None => None,
        };
        self.properties.values().chain(&self.items).chain(each)
    }

    pub(super) fn faults(&self, report: &mut Report) {
        let crossed =
            |least: Option<usize>, most: Option<usize>| least.zip(most).is_some_and(|(least, most)| least > most);
        let order = |least: &Option<Number>, most: &Option<Number>| {
            least.as_ref().zip(most.as_ref()).map(|(least, most)| compare(least, most))
        };
        let none = order(&self.minimum, &self.maximum) == Some(Ordering::Greater)
            || order(&self.exclusive_minimum, &self.exclusive_maximum).is_some_and(Ordering::is_ge);
        if none {
            report.add("has bounds between which there is no number");
        }
        if crossed(self.min_length, self.max_length) {
            report.add("must be longer than it may be");
        }
        if crossed(self.min_items, self.max_items) {
            report.add("must have more items than it may have");
        }
        if self.values.as_ref().is_some_and(Vec::is_empty) {
            report.add("has an empty `enum`");
        }
        if self.types.as_ref().is_some_and(|types| types.all().is_empty()) {
            report.add("has an empty `type`");
        }
        if self.additional_properties == Some(Additional::Allowed(false)) {
            for name in self.required.iter().filter(|name| !self.properties.contains_key(*name)) {
                report.within(name, |report| report.add("is required, and no field that may be there"));
            }
        }
        for (name, schema) in &self.properties {
            report.within(name, |report| schema.faults_into(report));
        }
        let each = match &self.additional_properties {
            Some(Additional::Each(each)) => Some(each),
            Some(Additional::Allowed(_)) | None => None,
        };
        for schema in self.items.iter().chain(each) {
            report.within("*", |report| schema.faults_into(report));
        }
    }

    pub(super) fn check(&self, value: &Value, report: &mut Report) {
        if let Some(types) = &self.types
            && !types.allow(value)
        {
            report.add(format!("must be {}", types.name()));
            return;
        }
        if let Some(values) = &self.values
            && !values.iter().any(|allowed| same(allowed, value))
        {
            let names: Vec<_> = values.iter().take(12).map(Value::to_string).collect();
            report.add(format!("must be one of {}", names.join(", ")));
        }
        if let Some(constant) = &self.constant
            && !same(constant, value)
        {
            report.add(format!("must be {constant}"));
        }
        match value {
            Value::Null | Value::Bool(_) => {}
            Value::Number(number) => self.check_number(number, report),
            Value::String(text) => self.check_text(text, report),
            Value::Array(items) => self.check_items(items, report),
            Value::Object(fields) => self.check_fields(fields, report),
        }
    }

    fn check_number(&self, number: &Number, report: &mut Report) {
        use Ordering::{Greater, Less};
        let bounds = [
            (&self.minimum, "at least", [Less, Less]),
            (&self.maximum, "at most", [Greater, Greater]),
            (&self.exclusive_minimum, "more than", [Less, Ordering::Equal]),
            (&self.exclusive_maximum, "less than", [Greater, Ordering::Equal]),
        ];
        for (bound, words, breaks) in bounds {
            if let Some(bound) = bound
                && breaks.contains(&compare(number, bound))
            {
                report.add(format!("must be {words} {bound}"));
            }
        }
        if let Some(step) = &self.multiple_of
            && !is_multiple(number, step)
        {
            report.add(format!("must be a multiple of {step}"));
        }
    }

    fn check_text(&self, text: &str, report: &mut Report) {
        let length = text.chars().count();
        if let Some(least) = self.min_length.filter(|least| length < *least) {
            report.add(format!("must have at least {least} characters"));
        }
        if let Some(most) = self.max_length.filter(|most| length > *most) {
            report.add(format!("must have at most {most} characters"));
        }
        if let Some(format) = self.format.filter(|format| !format.matches(text)) {
            report.add(format!("must be {}", format.name()));
        }
    }

    fn check_items(&self, items: &[Value], report: &mut Report) {
        if let Some(least) = self.min_items.filter(|least| items.len() < *least) {
            report.add(format!("must have at least {least} items"));
        }
        if let Some(most) = self.max_items.filter(|most| items.len() > *most) {
            report.add(format!("must have at most {most} items"));
            return;
        }
        if self.unique_items {
            let mut seen = BTreeSet::new();
            if !items.iter().all(|item| seen.insert(canonical(item).to_string())) {
                report.add("must not have the same item twice");
            }
        }
        let Some(schema) = &self.items else { return };
        for (index, item) in items.iter().enumerate() {
            if report.is_full() {
                return;
            }
            report.within(&index.to_string(), |report| {
                schema.check_into(item, report);
            });
        }
    }

    fn check_fields(&self, fields: &serde_json::Map<String, Value>, report: &mut Report) {
        for name in &self.required {
            if !fields.contains_key(name) {
                report.within(name, |report| report.add("is required"));
            }
        }
        for (name, value) in fields {
            if report.is_full() {
                return;
            }
            match (self.properties.get(name), &self.additional_properties) {
                (Some(schema), _) => {
                    report.within(name, |report| schema.check_into(value, report));
                }
                (None, Some(Additional::Each(schema))) => {
                    report.within(name, |report| schema.check_into(value, report));
                }
                (None, Some(Additional::Allowed(false))) => {
                    report.within(name, |report| report.add("is not a known field"));
                }
                (None, Some(Additional::Allowed(true)) | None) => {}
            }
        }
    }
}

impl Types {
    pub(super) fn all(&self) -> &[Type] {
        match self {
            Self::One(one) => std::slice::from_ref(one),
            Self::Any(any) => any,
        }
    }

    fn allow(&self, value: &Value) -> bool {
        self.all().iter().any(|one| one.allows(value))
    }

    fn name(&self) -> String {
        let names: Vec<_> = self.all().iter().map(|one| one.name()).collect();
        names.join(" or ")
    }
}

impl Type {
    fn allows(self, value: &Value) -> bool {
        match self {
            Self::Null => value.is_null(),
            Self::Boolean => value.is_boolean(),
            Self::Integer => value.as_number().is_some_and(|number| integer(number).is_some()),
            Self::Number => value.is_number(),
            Self::String => value.is_string(),
            Self::Array => value.is_array(),
            Self::Object => value.is_object(),
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Boolean => "true or false",
            Self::Integer => "a whole number",
            Self::Number => "a number",
            Self::String => "text",
            Self::Array => "a list",
            Self::Object => "an object",
        }
    }
}
