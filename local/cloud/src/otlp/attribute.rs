//! What traces and logs share: attributes and their values, resources, instrumentation scopes.
//! By `opentelemetry/proto/common/v1` and `resource/v1` of opentelemetry-proto 1.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

use super::field;

/// A value of any type, or of none.
#[derive(Clone, PartialEq, prost::Message)]
pub struct AnyValue {
    #[prost(oneof = "Value", tags = "1, 2, 3, 4, 5, 6, 7")]
    pub value: Option<Value>,
}

/// What a value may be.
#[derive(Clone, PartialEq, prost::Oneof)]
pub enum Value {
    #[prost(string, tag = "1")]
    Text(String),
    #[prost(bool, tag = "2")]
    Bool(bool),
    #[prost(int64, tag = "3")]
    Int(i64),
    #[prost(double, tag = "4")]
    Double(f64),
    #[prost(message, tag = "5")]
    List(ArrayValue),
    #[prost(message, tag = "6")]
    Map(KeyValueList),
    #[prost(bytes = "vec", tag = "7")]
    Bytes(Vec<u8>),
}

/// A list of values.
#[derive(Clone, PartialEq, prost::Message, Serialize, Deserialize)]
#[serde(default)]
pub struct ArrayValue {
    #[prost(message, repeated, tag = "1")]
    #[serde(deserialize_with = "field::messages", skip_serializing_if = "field::absent")]
    pub values: Vec<AnyValue>,
}

/// A map of values.
#[derive(Clone, PartialEq, prost::Message, Serialize, Deserialize)]
#[serde(default)]
pub struct KeyValueList {
    #[prost(message, repeated, tag = "1")]
    #[serde(deserialize_with = "field::messages", skip_serializing_if = "field::absent")]
    pub values: Vec<KeyValue>,
}

/// An attribute.
#[derive(Clone, PartialEq, prost::Message, Serialize, Deserialize)]
#[serde(default)]
pub struct KeyValue {
    #[prost(string, tag = "1")]
    #[serde(deserialize_with = "field::plain", skip_serializing_if = "field::absent")]
    pub key: String,
    #[prost(message, optional, tag = "2")]
    #[serde(deserialize_with = "field::message", skip_serializing_if = "field::absent")]
    pub value: Option<AnyValue>,
}

/// What produced the telemetry.
#[derive(Clone, PartialEq, prost::Message, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Resource {
    #[prost(message, repeated, tag = "1")]
    #[serde(deserialize_with = "field::messages", skip_serializing_if = "field::absent")]
    pub attributes: Vec<KeyValue>,
    #[prost(uint32, tag = "2")]
    #[serde(deserialize_with = "field::integer", skip_serializing_if = "field::absent")]
    pub dropped_attributes_count: u32,
}

/// The library that produced it.
#[derive(Clone, PartialEq, prost::Message, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct InstrumentationScope {
    #[prost(string, tag = "1")]
    #[serde(deserialize_with = "field::plain", skip_serializing_if = "field::absent")]
    pub name: String,
    #[prost(string, tag = "2")]
    #[serde(deserialize_with = "field::plain", skip_serializing_if = "field::absent")]
    pub version: String,
    #[prost(message, repeated, tag = "3")]
    #[serde(deserialize_with = "field::messages", skip_serializing_if = "field::absent")]
    pub attributes: Vec<KeyValue>,
    #[prost(uint32, tag = "4")]
    #[serde(deserialize_with = "field::integer", skip_serializing_if = "field::absent")]
    pub dropped_attributes_count: u32,
}

/// The value of the attribute of this name.
pub fn find<'a>(attributes: &'a [KeyValue], name: &str) -> Option<&'a Value> {
    attributes.iter().find(|attribute| attribute.key == name)?.value.as_ref()?.value.as_ref()
}

impl Resource {
    /// `service.name`, or an empty text.
    pub fn service(&self) -> &str {
        match find(&self.attributes, "service.name") {
            Some(Value::Text(name)) => name,
            Some(_) | None => "",
        }
    }
}

/// The alternatives of a value, of which one may be there.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Alternatives {
    string_value: Option<String>,
    bool_value: Option<bool>,
    int_value: Option<Int>,
    double_value: Option<Double>,
    #[serde(deserialize_with = "field::message")]
    array_value: Option<ArrayValue>,
    #[serde(deserialize_with = "field::message")]
    kvlist_value: Option<KeyValueList>,
    bytes_value: Option<String>,
}

#[derive(Deserialize)]
struct Int(#[serde(deserialize_with = "field::integer")] i64);

/// A number, or the name of one that JSON cannot write.
#[derive(Deserialize)]
#[serde(untagged)]
enum Double {
    Number(f64),
    Name(String),
}

impl Double {
    fn read(self) -> Option<f64> {
        match self {
            Self::Number(number) => Some(number),
            Self::Name(name) => match name.as_str() {
                "NaN" => Some(f64::NAN),
                "Infinity" => Some(f64::INFINITY),
                "-Infinity" => Some(f64::NEG_INFINITY),
                number => number.parse().ok().filter(|number: &f64| number.is_finite()),
            },
        }
    }
}

impl<'de> Deserialize<'de> for AnyValue {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let given = Alternatives::deserialize(from)?;
        let double =
            given.double_value.map(|double| double.read().ok_or_else(|| D::Error::custom("this is no double")));
        // Both alphabets, with padding or without, as protobuf's JSON has it.
        let bytes = given.bytes_value.map(|text| {
            let text = text.trim_end_matches('=').replace('-', "+").replace('_', "/");
            base64::engine::general_purpose::STANDARD_NO_PAD.decode(text).map_err(D::Error::custom)
        });
        let mut there = [
            given.string_value.map(Value::Text),
            given.bool_value.map(Value::Bool),
            given.int_value.map(|int| Value::Int(int.0)),
            double.transpose()?.map(Value::Double),
            given.array_value.map(Value::List),
            given.kvlist_value.map(Value::Map),
            bytes.transpose()?.map(Value::Bytes),
        ]
        .into_iter()
        .flatten();
        let value = there.next();
        match there.next() {
            Some(_) => Err(D::Error::custom("a value is of one type, and this one has several")),
            None => Ok(Self { value }),
        }
    }
}

impl Serialize for AnyValue {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let Some(value) = &self.value else { return to.collect_map::<&str, &str, _>([]) };
        let one = |name: &str, value: &str, to: S| to.collect_map([(name, value)]);
        match value {
            Value::Text(text) => one("stringValue", text, to),
            Value::Bool(flag) => to.collect_map([("boolValue", flag)]),
            Value::Int(int) => one("intValue", &int.to_string(), to),
            Value::Double(double) if double.is_nan() => one("doubleValue", "NaN", to),
            Value::Double(double) if double.is_infinite() => {
                one("doubleValue", if *double > 0.0 { "Infinity" } else { "-Infinity" }, to)
            }
            Value::Double(double) => to.collect_map([("doubleValue", double)]),
            Value::List(list) => to.collect_map([("arrayValue", list)]),
            Value::Map(map) => to.collect_map([("kvlistValue", map)]),
            Value::Bytes(bytes) => one("bytesValue", &STANDARD.encode(bytes), to),
        }
    }
}
