//! The subset of JSON Schema 2020-12 that the inputs and outputs of tools are declared in.
//!
//! A schema is read once, when a tool is registered: a keyword outside the subset is an error that
//! names it, never something silently skipped. Left out on purpose: `pattern`, because a regular
//! expression engine would weigh more than all the rest of a function; `$ref` and the combinators
//! (`allOf`, `anyOf`, ...), because a plan-time proof that `$step.path` resolves must stay simple.

use std::cmp::Ordering;
use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use crate::civil::{Date, Time};
use crate::ordered::{self, FlatMap};
use serde::de::value::SeqAccessDeserializer;
use serde::de::{IntoDeserializer, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Number, Value};

/// How deep a schema may nest. Checking descends only as far as the schema does, so this bounds it.
const MAX_DEPTH: u8 = 32;

/// How many violations are reported; more would only drown the first ones.
const MAX_VIOLATIONS: usize = 32;

/// A schema, known to be within the subset. A copy costs nothing: definitions are handed around whole.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Schema {
    /// `None` where nothing is demanded.
    keywords: Option<Arc<Keywords>>,
    depth: u8,
}

/// One place where a value breaks its schema.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Violation {
    /// A JSON pointer (RFC 6901) into the value; empty for the value itself.
    pub path: String,
    /// A sentence. It never quotes the value, which may be secret.
    pub message: String,
}

/// The keywords of one level, under their JSON Schema names.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Keywords {
    #[serde(skip_serializing_if = "Option::is_none")]
    title: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<String>,
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    types: Option<Types>,
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
    multiple_of: Option<Number>,

    #[serde(skip_serializing_if = "Option::is_none")]
    min_length: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_length: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    format: Option<Format>,

    #[serde(skip_serializing_if = "Option::is_none")]
    items: Option<Schema>,
    #[serde(skip_serializing_if = "Option::is_none")]
    min_items: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_items: Option<usize>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    unique_items: bool,

    #[serde(default, skip_serializing_if = "FlatMap::is_empty")]
    properties: FlatMap<String, Schema>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    required: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    additional_properties: Option<Additional>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
enum Types {
    One(Type),
    Any(Vec<Type>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Type {
    Null,
    Boolean,
    Integer,
    Number,
    String,
    Array,
    Object,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Format {
    Date,
    /// Wider than RFC 3339's `full-time`: seconds and offset may be missing, as in `19:30`.
    Time,
    DateTime,
    Email,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
enum Additional {
    Allowed(bool),
    Each(Schema),
}

impl Schema {
    /// The schema that every value satisfies.
    #[must_use]
    pub fn any() -> Self {
        Self::default()
    }

    /// Every place where `value` breaks the schema, at most 32; none means that it is valid.
    #[must_use]
    pub fn check(&self, value: &Value) -> Vec<Violation> {
        let mut report = Report { path: String::new(), violations: Vec::new() };
        self.check_into(value, &mut report);
        report.violations
    }

    fn check_into(&self, value: &Value, report: &mut Report) {
        if let Some(keywords) = &self.keywords {
            keywords.check(value, report);
        }
    }

    /// Whether it demands nothing.
    #[must_use]
    pub const fn is_any(&self) -> bool {
        self.keywords.is_none()
    }

    /// Whether an object may satisfy it: what a step hands to a tool is always one.
    #[must_use]
    pub fn takes_objects(&self) -> bool {
        let types = self.keywords.as_ref().and_then(|keywords| keywords.types.as_ref());
        types.is_none_or(|types| types.all().contains(&Type::Object))
    }

    /// Every place that no value can satisfy, at most 32: bounds that cross, choices of which there are none. Paths
    /// are those of values, with `*` for each item and for each field without a name.
    #[must_use]
    pub fn faults(&self) -> Vec<Violation> {
        let mut report = Report { path: String::new(), violations: Vec::new() };
        self.faults_into(&mut report);
        report.violations
    }

    fn faults_into(&self, report: &mut Report) {
        if let Some(keywords) = &self.keywords {
            keywords.faults(report);
        }
    }

    /// The schema of what stands at `path` in a valid value: names of declared properties, and
    /// indices into `items`. `None` where the schema does not say that there can be such a place.
    #[must_use]
    pub fn field(&self, path: &[&str]) -> Option<&Self> {
        let Some((first, rest)) = path.split_first() else {
            return Some(self);
        };
        let keywords = self.keywords.as_deref()?;
        let inner = match (keywords.properties.get(*first), &keywords.additional_properties) {
            (Some(property), _) => property,
            (None, Some(Additional::Each(each))) => each,
            (None, Some(Additional::Allowed(_)) | None) => {
                keywords.items.as_ref().filter(|_| first.parse::<usize>().is_ok())?
            }
        };
        inner.field(rest)
    }
}

impl Serialize for Schema {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.keywords {
            Some(keywords) => keywords.serialize(serializer),
            None => Keywords::default().serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Schema {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let keywords = Keywords::deserialize(deserializer)?;
        let depth = keywords.inner().map(|schema| schema.depth).max().map_or(0, |depth| depth + 1);
        if depth >= MAX_DEPTH {
            return Err(serde::de::Error::custom(format!("a schema nests at most {MAX_DEPTH} levels")));
        }
        let step = keywords.multiple_of.as_ref().and_then(Number::as_f64);
        if step.is_some_and(|step| step <= 0.0) {
            return Err(serde::de::Error::custom("`multipleOf` must be above zero"));
        }
        let keywords = (keywords != Keywords::default()).then(|| Arc::new(keywords));
        Ok(Self { keywords, depth })
    }
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

struct Report {
    path: String,
    violations: Vec<Violation>,
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
    fn inner(&self) -> impl Iterator<Item = &Schema> {
        let each = match &self.additional_properties {
            Some(Additional::Each(each)) => Some(each),
            Some(Additional::Allowed(_)) | None => None,
        };
        self.properties.values().chain(&self.items).chain(each)
    }

    fn faults(&self, report: &mut Report) {
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

    fn check(&self, value: &Value, report: &mut Report) {
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
    fn all(&self) -> &[Type] {
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

impl Format {
    fn matches(self, text: &str) -> bool {
        match self {
            Self::Date => is_date(text),
            Self::Time => is_time(text, false),
            Self::DateTime => {
                text.split_once(['T', 't']).is_some_and(|(date, time)| is_date(date) && is_time(time, true))
            }
            Self::Email => is_email(text),
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Date => "a date such as 2026-12-24",
            Self::Time => "a time such as 19:30",
            Self::DateTime => "a date and time such as 2026-12-24T19:30:00Z",
            Self::Email => "an e-mail address",
        }
    }
}

fn is_date(text: &str) -> bool {
    let mut parts = text.splitn(3, '-').filter_map(|part| part.parse::<i16>().ok());
    let (Some(year), Some(month), Some(day)) = (parts.next(), parts.next(), parts.next()) else { return false };
    let small = |part: i16| i8::try_from(part).unwrap_or_default();
    has_shape(text, "0000-00-00") && Date::new(year, small(month), small(day)).is_some()
}

/// `HH:MM` or `HH:MM:SS`. The sixtieth second is there where one is put in.
fn is_clock(text: &str) -> bool {
    let mut parts = text.splitn(3, ':').map(|part| part.parse::<i8>().ok());
    let (Some(Some(hour)), Some(Some(minute))) = (parts.next(), parts.next()) else { return false };
    let Some(second) = parts.next().unwrap_or(Some(0)) else { return false };
    let shaped = has_shape(text, "00:00") || has_shape(text, "00:00:00");
    shaped && Time::new(hour, minute, if second == 60 { 59 } else { second }).is_some()
}

/// `HH:MM`, `HH:MM:SS` or with a fraction, and an offset; RFC 3339 wants seconds and offset.
fn is_time(text: &str, strict: bool) -> bool {
    let (clock, zoned) = match text.strip_suffix(['Z', 'z']) {
        Some(clock) => (clock, true),
        None => match text.rfind(['+', '-']).map(|at| text.split_at(at)) {
            Some((clock, offset)) if has_shape(&offset[1..], "00:00") && is_clock(&offset[1..]) => (clock, true),
            Some(_) => return false,
            None => (text, false),
        },
    };
    let (whole, fraction) = clock.split_once('.').unwrap_or((clock, "0"));
    let fraction = !fraction.is_empty() && fraction.bytes().all(|byte| byte.is_ascii_digit());
    let seconds = has_shape(whole, "00:00:00");
    let shaped = seconds || (!strict && has_shape(clock, "00:00"));
    shaped && fraction && (zoned || !strict) && is_clock(whole)
}

fn is_email(text: &str) -> bool {
    let Some((local, domain)) = text.rsplit_once('@') else {
        return false;
    };
    let label = |label: &str| {
        !label.is_empty()
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.chars().all(|c| c.is_alphanumeric() || c == '-')
    };
    let local_ok = !local.is_empty()
        && local.len() <= 64
        && local.split('.').all(|part| !part.is_empty())
        && local.chars().all(|c| c.is_alphanumeric() || "!#$%&'*+/=?^_`{|}~.-".contains(c));
    text.len() <= 254 && local_ok && domain.contains('.') && domain.split('.').all(label)
}

/// Whether `text` has a digit wherever `shape` has a `0`, and is `shape` elsewhere.
fn has_shape(text: &str, shape: &str) -> bool {
    text.len() == shape.len()
        && text.bytes().zip(shape.bytes()).all(
            |(byte, shape)| {
                if shape == b'0' { byte.is_ascii_digit() } else { byte == shape }
            },
        )
}

/// The number as an integer, also when it is written `3.0`: JSON Schema makes no difference.
fn integer(number: &Number) -> Option<i128> {
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

fn compare(left: &Number, right: &Number) -> Ordering {
    if let (Some(left), Some(right)) = (integer(left), integer(right)) {
        left.cmp(&right)
    } else {
        let floats = left.as_f64().zip(right.as_f64());
        floats.and_then(|(left, right)| left.partial_cmp(&right)).unwrap_or(Ordering::Equal)
    }
}

fn is_multiple(number: &Number, step: &Number) -> bool {
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

fn same(left: &Value, right: &Value) -> bool {
    left == right || canonical(left) == canonical(right)
}

/// The value with `3.0` written as `3`, so that equal numbers are equal values.
fn canonical(value: &Value) -> Value {
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

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn schema(value: Value) -> Schema {
        serde_json::from_value(value).unwrap()
    }

    fn refusal(value: Value) -> String {
        serde_json::from_value::<Schema>(value).unwrap_err().to_string()
    }

    fn paths(schema: &Schema, value: &Value) -> Vec<String> {
        schema.check(value).into_iter().map(|violation| violation.path).collect()
    }

    fn table() -> Schema {
        schema(json!({
            "type": "object",
            "title": "A table",
            "properties": {
                "restaurant": { "type": "string", "minLength": 1, "maxLength": 80 },
                "date": { "type": "string", "format": "date" },
                "time": { "type": "string", "format": "time" },
                "party_size": { "type": "integer", "minimum": 1, "maximum": 20 },
                "guests": { "type": "array", "items": { "type": "string" }, "uniqueItems": true, "maxItems": 3 },
            },
            "required": ["restaurant", "date"],
            "additionalProperties": false,
        }))
    }

    #[test]
    fn a_valid_value_has_no_violations() {
        let value = json!({ "restaurant": "Luigi's", "date": "2026-12-24", "time": "19:00", "party_size": 4.0 });
        assert_eq!(table().check(&value), []);
    }

    #[test]
    fn each_violation_names_its_place_and_what_is_expected() {
        let value = json!({ "date": "2026-02-30", "time": "25:00", "party_size": 21, "a/b": 1, "guests": ["x", 1] });
        let found = table().check(&value);
        let expected = [
            ("/restaurant", "is required"),
            ("/a~1b", "is not a known field"),
            ("/date", "must be a date such as 2026-12-24"),
            ("/guests/1", "must be text"),
            ("/party_size", "must be at most 20"),
            ("/time", "must be a time such as 19:30"),
        ];
        let found: Vec<_> = found.iter().map(|v| (v.path.as_str(), v.message.as_str())).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn an_unsupported_keyword_is_refused_by_name() {
        assert!(refusal(json!({ "type": "string", "pattern": "^a+$" })).contains("`pattern`"));
        assert!(refusal(json!({ "properties": { "a": { "$ref": "#" } } })).contains("`$ref`"));
        assert!(refusal(json!({ "additionalProperties": { "anyOf": [] } })).contains("`anyOf`"));
        assert!(refusal(json!({ "format": "ipv4" })).contains("`ipv4`"));
        assert!(refusal(json!({ "multipleOf": 0 })).contains("multipleOf"));
    }

    #[test]
    fn a_schema_comes_back_as_it_was_written() {
        let source = json!({
            "type": ["object", "null"], "default": null, "examples": [1],
            "properties": { "a": { "const": null }, "b": { "enum": ["x", 2] } },
            "additionalProperties": { "type": "number", "exclusiveMinimum": 0, "multipleOf": 0.5 },
        });
        assert_eq!(serde_json::to_value(schema(source.clone())).unwrap(), source);
        assert_eq!(serde_json::to_value(Schema::any()).unwrap(), json!({}));
    }

    #[test]
    fn a_schema_nests_32_levels_and_no_more() {
        let nested = |levels: usize| (1..levels).fold(json!({}), |inner, _| json!({ "items": inner }));
        assert!(serde_json::from_value::<Schema>(nested(32)).is_ok());
        assert!(refusal(nested(33)).contains("at most 32 levels"));
    }

    #[test]
    fn a_deep_value_is_checked_only_as_far_as_the_schema_goes() {
        let deep = (0..100).fold(json!(1), |inner, _| json!([inner]));
        assert_eq!(paths(&schema(json!({ "items": { "items": { "type": "string" } } })), &deep), ["/0/0"]);
    }

    #[test]
    fn reports_stay_short_whatever_the_value() {
        let many: Value = (0..100_000).map(Value::from).collect();
        let found = schema(json!({ "items": { "type": "string" }, "uniqueItems": true })).check(&many);
        assert_eq!(found.len(), MAX_VIOLATIONS);
    }

    #[test]
    fn references_resolve_through_properties_and_indices() {
        let output = schema(json!({ "properties": {
            "restaurants": { "items": { "properties": { "name": { "type": "string" } } } },
            "prices": { "additionalProperties": { "type": "integer" } },
        } }));
        assert!(output.field(&[]).is_some());
        assert!(output.field(&["restaurants", "0", "name"]).is_some());
        assert!(output.field(&["prices", "pizza"]).is_some());
        assert!(output.field(&["restaurants", "name"]).is_none());
        assert!(output.field(&["nothing"]).is_none());
        assert!(Schema::any().field(&["anything"]).is_none());
    }

    #[test]
    fn numbers_compare_exactly_where_floats_would_not() {
        let limit = schema(json!({ "maximum": 9_007_199_254_740_992_u64 }));
        assert_eq!(limit.check(&json!(9_007_199_254_740_993_u64)).len(), 1);
        let cents = schema(json!({ "multipleOf": 0.01, "exclusiveMaximum": 1 }));
        assert_eq!(cents.check(&json!(0.07)), []);
        assert_eq!(cents.check(&json!(1)).len(), 1);
        assert_eq!(cents.check(&json!(0.005)).len(), 1);
        assert_eq!(schema(json!({ "multipleOf": 3 })).check(&json!(i64::MIN)).len(), 1);
    }

    #[test]
    fn every_amount_in_cents_is_a_multiple_of_a_cent_and_nothing_between_is() {
        let cents = schema(json!({ "multipleOf": 0.01 }));
        assert_eq!(cents.check(&json!(111_848.18)), []);
        // From a cent to ten thousand millions, every place of the decimal system many times over.
        let (mut amount, mut steps) = (1_u64, 0);
        while amount <= 1_000_000_000_000 {
            let written = format!("{}.{:02}", amount / 100, amount % 100);
            for text in [written.clone(), format!("-{written}")] {
                let value: Value = serde_json::from_str(&text).unwrap();
                assert_eq!(cents.check(&value), [], "{text}");
            }
            for beyond in ["5", "1", "9"] {
                let text = format!("{written}{beyond}");
                let value: Value = serde_json::from_str(&text).unwrap();
                assert_eq!(cents.check(&value).len(), 1, "{text}");
            }
            amount += 1 + amount / 997;
            steps += 1;
        }
        assert!(steps > 10_000, "{steps}");
        for (step, value) in [(0.01, 1e-300), (0.01, 0.0099), (1e-300, 1e300)] {
            assert_eq!(schema(json!({ "multipleOf": step })).check(&json!(value)).len(), 1, "{value} by {step}");
        }
        assert_eq!(cents.check(&json!(0)), []);
    }

    #[test]
    fn a_schema_that_allows_nothing_says_where() {
        for (fault, place) in [
            (json!({ "properties": { "a": { "minimum": 3, "maximum": 2 } } }), "/a"),
            (json!({ "items": { "exclusiveMinimum": 2, "exclusiveMaximum": 2 } }), "/*"),
            (json!({ "additionalProperties": { "minLength": 2, "maxLength": 1 } }), "/*"),
            (json!({ "minItems": 2, "maxItems": 1 }), ""),
            (json!({ "enum": [] }), ""),
            (json!({ "type": [] }), ""),
            (json!({ "required": ["a"], "additionalProperties": false }), "/a"),
        ] {
            let places: Vec<String> = schema(fault.clone()).faults().into_iter().map(|fault| fault.path).collect();
            assert_eq!(places, [place], "{fault}");
        }
        assert_eq!(table().faults(), []);
        assert_eq!(schema(json!({ "minimum": 2, "maximum": 2, "minLength": 1, "maxLength": 1 })).faults(), []);
        assert!(table().takes_objects() && Schema::any().takes_objects());
        assert!(!schema(json!({ "type": ["string", "null"] })).takes_objects());
    }

    #[test]
    fn equal_numbers_are_equal_items_constants_and_choices() {
        assert_eq!(schema(json!({ "uniqueItems": true })).check(&json!([1, 1.0])).len(), 1);
        assert_eq!(schema(json!({ "const": [3] })).check(&json!([3.0])), []);
        assert_eq!(schema(json!({ "enum": [1, 2] })).check(&json!(3)).len(), 1);
        assert_eq!(schema(json!({ "const": null })).check(&json!(0)).len(), 1);
    }

    #[test]
    fn formats_accept_what_their_standards_do() {
        let valid = [
            ("date", vec!["2024-02-29", "0001-01-01"]),
            ("time", vec!["19:30", "19:30:05.5+02:00", "23:59:60Z"]),
            ("date-time", vec!["2026-12-24T19:30:00Z", "2026-12-24t19:30:00.123-05:30"]),
            ("email", vec!["a@b.example", "first.last+tag@mail.example.org"]),
        ];
        let invalid = [
            ("date", vec!["2023-02-29", "20240101"]),
            ("time", vec!["7pm", "24:00", "12:60", "12:00:61", "12:00+24:00", "-1:00"]),
            ("date-time", vec!["2026-12-24T19:30:00", "2026-12-24 19:30:00Z"]),
            ("email", vec!["a@b", "two@at@signs.example"]),
        ];
        for (format, texts) in valid {
            for text in texts {
                assert_eq!(schema(json!({ "format": format })).check(&json!(text)), [], "{text}");
            }
        }
        for (format, texts) in invalid {
            for text in texts {
                assert_eq!(schema(json!({ "format": format })).check(&json!(text)).len(), 1, "{text}");
            }
        }
        for odd in ["", "é", "1é:30", "19:30+é0:00", "-", "+", "19:30Zé", "T", "@", "é@é.é"] {
            for format in ["date", "time", "date-time", "email"] {
                let _ = schema(json!({ "format": format })).check(&json!(odd));
            }
        }
    }
}
