//! The subset of JSON Schema 2020-12 that the inputs and outputs of tools are declared in.
//!
//! A schema is read once, when a tool is registered: a keyword outside the subset is an error that
//! names it, never something silently skipped. Left out on purpose: `pattern`, because a regular
//! expression engine would weigh more than all the rest of a function; `$ref` and the combinators
//! (`allOf`, `anyOf`, ...), because a plan-time proof that `$step.path` resolves must stay simple.

mod format;
mod keywords;
mod number;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Number, Value};

use keywords::{Additional, Keywords, Report, Type};

/// How deep a schema may nest. Checking descends only as far as the schema does, so this bounds it.
const MAX_DEPTH: u8 = 32;

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
