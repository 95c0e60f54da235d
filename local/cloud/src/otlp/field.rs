//! How single fields are written in JSON: as OTLP has it when they come in, as protobuf's own JSON when they go
//! out, which is what Tempo answers with.
//!
//! In: ids are hexadecimal, integers are numbers or strings, enums are numbers, doubles may be `"NaN"`, and `null`
//! is an absent field. Out: ids are base64, 64-bit integers strings, and enums have names (see each message).

use std::fmt;
use std::marker::PhantomData;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::{
    Deserialize, Deserializer, Serializer,
    de::{self, Error as _, MapAccess, value::MapAccessDeserializer},
};
use serde_json::Value;

use super::id;

/// Whether a field has its default, so that it is not written.
pub fn absent<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// A text or a flag.
pub fn plain<'de, D: Deserializer<'de>, T: Default + Deserialize<'de>>(from: D) -> Result<T, D::Error> {
    Option::deserialize(from).map(Option::unwrap_or_default)
}

/// A message that may be absent.
pub fn message<'de, D: Deserializer<'de>, T: Deserialize<'de>>(from: D) -> Result<Option<T>, D::Error> {
    Ok(Option::<Object<T>>::deserialize(from)?.map(|object| object.0))
}

/// A list of messages.
pub fn messages<'de, D: Deserializer<'de>, T: Deserialize<'de>>(from: D) -> Result<Vec<T>, D::Error> {
    let objects = Option::<Vec<Object<T>>>::deserialize(from)?.unwrap_or_default();
    Ok(objects.into_iter().map(|object| object.0).collect())
}

/// An integer, as a number or as a decimal string.
pub fn integer<'de, D: Deserializer<'de>, T: Default + TryFrom<i128>>(from: D) -> Result<T, D::Error> {
    let value = Value::deserialize(from)?;
    let read = match &value {
        Value::Null => return Ok(T::default()),
        Value::Number(number) => number.as_i128(),
        Value::String(text) => text.parse().ok(),
        Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    };
    read.and_then(|number| T::try_from(number).ok())
        .ok_or_else(|| D::Error::custom(format!("{value} is no integer that fits here")))
}

/// An enum, as its number: OTLP does not take names.
pub fn enumeration<'de, D: Deserializer<'de>>(from: D) -> Result<i32, D::Error> {
    plain(from)
}

/// The id of a trace or a span.
pub fn hexadecimal<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<u8>, D::Error> {
    let text: String = plain(from)?;
    id::bytes(&text).ok_or_else(|| D::Error::custom(format!("{text:?} is no id: ids are pairs of hexadecimal digits")))
}

pub fn base64<S: Serializer>(bytes: &[u8], to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(&STANDARD.encode(bytes))
}

/// A 64-bit integer.
pub fn decimal<S: Serializer, T: fmt::Display>(number: &T, to: S) -> Result<S::Ok, S::Error> {
    to.collect_str(number)
}

/// An enum by its names, from number 0 on; a number that has none stays one.
pub fn name<S: Serializer>(names: &[&str], number: i32, to: S) -> Result<S::Ok, S::Error> {
    match usize::try_from(number).ok().and_then(|at| names.get(at)) {
        Some(name) => to.serialize_str(name),
        None => to.serialize_i32(number),
    }
}

/// A message that is written as an object. On its own, serde would also take a list of a message's fields.
pub struct Object<T>(pub T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Visitor<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> de::Visitor<'de> for Visitor<T> {
            type Value = Object<T>;

            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
                T::deserialize(MapAccessDeserializer::new(map)).map(Object)
            }
        }

        from.deserialize_map(Visitor(PhantomData))
    }
}
