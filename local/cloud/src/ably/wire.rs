//! JSON and MessagePack, both by way of one value.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use rmpv::Value;
use serde_json::Value as Json;

use super::fault::Fault;

/// As rmpv counts, which is about twice the levels; JSON may have 127.
const MAX_DEPTH: usize = 256;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wire {
    Json,
    MessagePack,
}

impl Wire {
    /// By a media type, or a list of them; JSON unless the other is named.
    pub fn of(media: Option<&str>) -> Self {
        if media.is_some_and(|media| media.contains("application/x-msgpack")) { Self::MessagePack } else { Self::Json }
    }

    /// Exactly this: the official client compares.
    pub const fn media(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::MessagePack => "application/x-msgpack",
        }
    }

    pub fn read(self, bytes: &[u8]) -> Result<Value, Fault> {
        match self {
            Self::Json => serde_json::from_slice(bytes)
                .map(from_json)
                .map_err(|error| Fault::bad(format!("invalid JSON: {error}"))),
            Self::MessagePack => {
                let mut left = bytes;
                let value = rmpv::decode::read_value_with_max_depth(&mut left, MAX_DEPTH)
                    .map_err(|error| Fault::bad(format!("invalid MessagePack: {error}")))?;
                if left.is_empty() { Ok(value) } else { Err(Fault::bad("invalid MessagePack: more than one value")) }
            }
        }
    }

    pub fn write(self, value: &Value) -> Vec<u8> {
        match self {
            Self::Json => to_json(value).to_string().into_bytes(),
            Self::MessagePack => {
                let mut bytes = Vec::new();
                // Writing into memory does not fail.
                let _ = rmpv::encode::write_value(&mut bytes, value);
                bytes
            }
        }
    }
}

/// A field that is there and not null.
pub fn field<'a>(map: &'a Value, name: &str) -> Option<&'a Value> {
    let (_, value) = map.as_map()?.iter().find(|(key, _)| key.as_str() == Some(name))?;
    (!value.is_nil()).then_some(value)
}

pub fn from_json(json: Json) -> Value {
    match json {
        Json::Null => Value::Nil,
        Json::Bool(flag) => flag.into(),
        Json::Number(number) => match (number.as_i64(), number.as_u64()) {
            (Some(number), _) => number.into(),
            (None, Some(number)) => number.into(),
            (None, None) => number.as_f64().unwrap_or_default().into(),
        },
        Json::String(text) => text.into(),
        Json::Array(values) => Value::Array(values.into_iter().map(from_json).collect()),
        Json::Object(fields) => {
            Value::Map(fields.into_iter().map(|(name, value)| (name.into(), from_json(value))).collect())
        }
    }
}

/// Bytes become base64.
pub fn to_json(value: &Value) -> Json {
    match value {
        Value::Nil => Json::Null,
        Value::Boolean(flag) => Json::Bool(*flag),
        Value::Integer(number) => match (number.as_i64(), number.as_u64()) {
            (Some(number), _) => number.into(),
            (None, number) => number.into(),
        },
        Value::F32(number) => f64::from(*number).into(),
        Value::F64(number) => (*number).into(),
        Value::String(text) => Json::String(String::from_utf8_lossy(text.as_bytes()).into_owned()),
        Value::Binary(bytes) | Value::Ext(_, bytes) => Json::String(STANDARD.encode(bytes)),
        Value::Array(values) => Json::Array(values.iter().map(to_json).collect()),
        Value::Map(fields) => Json::Object(
            fields
                .iter()
                .map(|(name, value)| (name.as_str().map_or_else(|| name.to_string(), str::to_owned), to_json(value)))
                .collect(),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_nested_too_deeply_is_refused_and_the_rest_is_borne() {
        let nested = |levels: usize| {
            let mut bytes = vec![0x91; levels];
            bytes.push(0xc0);
            bytes
        };
        let deep = Wire::MessagePack.read(&nested(100)).unwrap();
        assert_eq!(to_json(&deep).to_string().len(), 204);
        assert!(Wire::MessagePack.read(&nested(100_000)).is_err());
        assert!(Wire::Json.read("[".repeat(100_000).as_bytes()).is_err());
    }

    #[test]
    fn an_announced_length_alone_takes_no_memory() {
        for head in
            [&[0xdd, 0xff, 0xff, 0xff, 0xff][..], &[0xc6, 0xff, 0xff, 0xff, 0xff], &[0xdf, 0xff, 0xff, 0xff, 0xff]]
        {
            assert!(Wire::MessagePack.read(head).is_err());
        }
    }
}
