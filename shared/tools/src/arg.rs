//! What a plan gives for one field: a value, or a reference to what an earlier step gives.

use std::fmt;
use std::marker::PhantomData;

use makegood_core::saga::Reference;
use serde_json::{Map, Value};

use crate::shape::{Ref, Shape};

/// For a field of the type `T`. Made by `into` of a `T`, of a `&Ref<T>`, or of a struct of arguments; for an
/// `Option<T>` also of what makes one for a `T`, and by [`Arg::none`]. What serde writes as `null` is left out.
pub struct Arg<T> {
    /// As the plan has it; `None` where the field is left out; an error where serde could not write it.
    json: Result<Option<Value>, String>,
    of: PhantomData<fn() -> T>,
}

impl<T> Arg<T> {
    fn new(json: Result<Option<Value>, String>) -> Self {
        Self { json, of: PhantomData }
    }

    /// An object of fields by name. Their types are not checked: this is for what `#[derive(Shape)]` writes.
    #[doc(hidden)]
    pub fn object<const N: usize>(fields: [(&str, Parameter); N]) -> Self {
        let mut object = Map::new();
        for (name, field) in fields {
            match field.0 {
                Ok(Some(value)) => drop(object.insert(name.to_owned(), value)),
                Ok(None) => {}
                Err(why) => return Self::new(Err(format!("`{name}`: {why}"))),
            }
        }
        Self::new(Ok(Some(Value::Object(object))))
    }

    /// Without its type.
    #[doc(hidden)]
    pub fn into_parameter(self) -> Parameter {
        Parameter(self.json)
    }

    /// As the plan has it.
    pub(crate) fn into_json(self) -> Result<Option<Value>, String> {
        self.json
    }
}

impl<T> Arg<Option<T>> {
    /// Leaves the field out.
    #[must_use]
    pub fn none() -> Self {
        Self::new(Ok(None))
    }
}

impl<T: Shape> Arg<Vec<T>> {
    /// A list, each item of which is a value or a reference.
    pub fn list<I: Into<Arg<T>>>(items: impl IntoIterator<Item = I>) -> Self {
        let items = items.into_iter().map(|item| item.into().json.map(Option::unwrap_or_default));
        Self::new(items.collect::<Result<_, _>>().map(|items| Some(Value::Array(items))))
    }
}

impl<T> Clone for Arg<T> {
    fn clone(&self) -> Self {
        Self::new(self.json.clone())
    }
}

impl<T> fmt::Debug for Arg<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.json, f)
    }
}

/// An argument whose type was checked.
#[doc(hidden)]
pub struct Parameter(Result<Option<Value>, String>);

/// Writes a value so that no text of it is taken for a reference.
fn value<T: Shape>(of: &T) -> Result<Option<Value>, String> {
    serde_json::to_value(of).map(|value| Some(plain(value))).map_err(|error| error.to_string())
}

/// The inverse of what a plan's references are resolved by: `$$` at the start stands for `$`.
fn plain(value: Value) -> Value {
    match value {
        Value::String(text) if text.starts_with("$$") || Reference::parse(&text).is_some() => {
            Value::String(format!("${text}"))
        }
        Value::Array(items) => items.into_iter().map(plain).collect(),
        Value::Object(fields) => Value::Object(fields.into_iter().map(|(name, field)| (name, plain(field))).collect()),
        Value::String(_) | Value::Null | Value::Bool(_) | Value::Number(_) => value,
    }
}

impl<T: Shape> From<T> for Arg<T> {
    fn from(of: T) -> Self {
        match value(&of) {
            Ok(Some(Value::Null)) => Self::new(Ok(None)),
            json => Self::new(json),
        }
    }
}

impl<T: Shape> From<T> for Arg<Option<T>> {
    fn from(of: T) -> Self {
        Self::new(value(&of))
    }
}

impl<T> From<&Ref<T>> for Arg<T> {
    fn from(of: &Ref<T>) -> Self {
        Self::new(of.written().map(Some))
    }
}

impl<T> From<&Ref<T>> for Arg<Option<T>> {
    fn from(of: &Ref<T>) -> Self {
        Self::new(of.written().map(Some))
    }
}

impl From<&str> for Arg<String> {
    fn from(of: &str) -> Self {
        Self::from(of.to_owned())
    }
}

impl From<&str> for Arg<Option<String>> {
    fn from(of: &str) -> Self {
        Self::from(of.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn json<T>(arg: Arg<T>) -> Option<Value> {
        arg.into_json().unwrap()
    }

    #[test]
    fn a_text_that_looks_like_a_reference_stays_a_text() {
        for (text, written) in
            [("$table.address", "$$table.address"), ("$$5", "$$$5"), ("$25", "$25"), ("a $b", "a $b")]
        {
            assert_eq!(json(Arg::<String>::from(text)), Some(json!(written)));
        }
        assert_eq!(json(Arg::<Value>::from(json!({"a": ["$b.c"]}))), Some(json!({"a": ["$$b.c"]})));
    }

    #[test]
    fn what_is_none_is_left_out() {
        assert_eq!(json(Arg::<Option<String>>::none()), None);
        assert_eq!(json(Arg::<Option<u8>>::from(None)), None);
        assert_eq!(json(Arg::<Option<u8>>::from(3)), Some(json!(3)));
    }

    #[test]
    fn what_a_reference_cannot_name_is_an_error_and_no_text() {
        let odd = Ref::<String>::root("a").field::<String>("Odd Name");
        assert!(Arg::<String>::from(&odd).into_json().unwrap_err().contains("`$a.Odd Name`"));
        assert!(odd.equals("x").0.is_err());
        assert!(Arg::<Vec<String>>::list([&odd]).into_json().is_err());
    }

    #[test]
    fn a_list_mixes_values_and_references() {
        let name = Ref::<String>::root("a").field::<String>("name");
        let list = Arg::<Vec<String>>::list([Arg::from("x"), Arg::from(&name)]);
        assert_eq!(json(list), Some(json!(["x", "$a.name"])));
    }
}
