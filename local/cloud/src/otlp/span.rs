//! Spans. By `opentelemetry/proto/trace/v1` of opentelemetry-proto 1.

use serde::{Deserialize, Serialize, Serializer};

use super::attribute::{InstrumentationScope, KeyValue, Resource};
use super::field;

/// The names of [`Span::kind`], from 0 on, as protobuf has them.
const KINDS: [&str; 6] = [
    "SPAN_KIND_UNSPECIFIED",
    "SPAN_KIND_INTERNAL",
    "SPAN_KIND_SERVER",
    "SPAN_KIND_CLIENT",
    "SPAN_KIND_PRODUCER",
    "SPAN_KIND_CONSUMER",
];
/// The names of [`Status::code`], from 0 on.
const CODES: [&str; 3] = ["STATUS_CODE_UNSET", "STATUS_CODE_OK", "STATUS_CODE_ERROR"];

/// Spans of any traces: what an exporter sends, and what is kept of one trace.
#[derive(Clone, PartialEq, prost::Message, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct TracesData {
    #[prost(message, repeated, tag = "1")]
    #[serde(deserialize_with = "field::messages", skip_serializing_if = "field::absent")]
    pub resource_spans: Vec<ResourceSpans>,
}

/// The spans of one resource.
#[derive(Clone, PartialEq, prost::Message, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ResourceSpans {
    #[prost(message, optional, tag = "1")]
    #[serde(deserialize_with = "field::message", skip_serializing_if = "field::absent")]
    pub resource: Option<Resource>,
    #[prost(message, repeated, tag = "2")]
    #[serde(deserialize_with = "field::messages", skip_serializing_if = "field::absent")]
    pub scope_spans: Vec<ScopeSpans>,
    #[prost(string, tag = "3")]
    #[serde(deserialize_with = "field::plain", skip_serializing_if = "field::absent")]
    pub schema_url: String,
}

/// Those of one library.
#[derive(Clone, PartialEq, prost::Message, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ScopeSpans {
    #[prost(message, optional, tag = "1")]
    #[serde(deserialize_with = "field::message", skip_serializing_if = "field::absent")]
    pub scope: Option<InstrumentationScope>,
    #[prost(message, repeated, tag = "2")]
    #[serde(deserialize_with = "field::messages", skip_serializing_if = "field::absent")]
    pub spans: Vec<Span>,
    #[prost(string, tag = "3")]
    #[serde(deserialize_with = "field::plain", skip_serializing_if = "field::absent")]
    pub schema_url: String,
}

/// A piece of work. Times are nanoseconds since 1970.
#[derive(Clone, PartialEq, prost::Message, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Span {
    #[prost(bytes = "vec", tag = "1")]
    #[serde(
        deserialize_with = "field::hexadecimal",
        serialize_with = "field::base64",
        skip_serializing_if = "field::absent"
    )]
    pub trace_id: Vec<u8>,
    #[prost(bytes = "vec", tag = "2")]
    #[serde(
        deserialize_with = "field::hexadecimal",
        serialize_with = "field::base64",
        skip_serializing_if = "field::absent"
    )]
    pub span_id: Vec<u8>,
    #[prost(string, tag = "3")]
    #[serde(deserialize_with = "field::plain", skip_serializing_if = "field::absent")]
    pub trace_state: String,
    #[prost(bytes = "vec", tag = "4")]
    #[serde(
        deserialize_with = "field::hexadecimal",
        serialize_with = "field::base64",
        skip_serializing_if = "field::absent"
    )]
    pub parent_span_id: Vec<u8>,
    #[prost(fixed32, tag = "16")]
    #[serde(deserialize_with = "field::integer", skip_serializing_if = "field::absent")]
    pub flags: u32,
    #[prost(string, tag = "5")]
    #[serde(deserialize_with = "field::plain", skip_serializing_if = "field::absent")]
    pub name: String,
    #[prost(int32, tag = "6")]
    #[serde(deserialize_with = "field::enumeration", serialize_with = "kind", skip_serializing_if = "field::absent")]
    pub kind: i32,
    #[prost(fixed64, tag = "7")]
    #[serde(
        deserialize_with = "field::integer",
        serialize_with = "field::decimal",
        skip_serializing_if = "field::absent"
    )]
    pub start_time_unix_nano: u64,
    #[prost(fixed64, tag = "8")]
    #[serde(
        deserialize_with = "field::integer",
        serialize_with = "field::decimal",
        skip_serializing_if = "field::absent"
    )]
    pub end_time_unix_nano: u64,
    #[prost(message, repeated, tag = "9")]
    #[serde(deserialize_with = "field::messages", skip_serializing_if = "field::absent")]
    pub attributes: Vec<KeyValue>,
    #[prost(uint32, tag = "10")]
    #[serde(deserialize_with = "field::integer", skip_serializing_if = "field::absent")]
    pub dropped_attributes_count: u32,
    #[prost(message, repeated, tag = "11")]
    #[serde(deserialize_with = "field::messages", skip_serializing_if = "field::absent")]
    pub events: Vec<Event>,
    #[prost(uint32, tag = "12")]
    #[serde(deserialize_with = "field::integer", skip_serializing_if = "field::absent")]
    pub dropped_events_count: u32,
    #[prost(message, repeated, tag = "13")]
    #[serde(deserialize_with = "field::messages", skip_serializing_if = "field::absent")]
    pub links: Vec<Link>,
    #[prost(uint32, tag = "14")]
    #[serde(deserialize_with = "field::integer", skip_serializing_if = "field::absent")]
    pub dropped_links_count: u32,
    #[prost(message, optional, tag = "15")]
    #[serde(deserialize_with = "field::message", skip_serializing_if = "field::absent")]
    pub status: Option<Status>,
}

/// Something that happened in a span.
#[derive(Clone, PartialEq, prost::Message, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Event {
    #[prost(fixed64, tag = "1")]
    #[serde(
        deserialize_with = "field::integer",
        serialize_with = "field::decimal",
        skip_serializing_if = "field::absent"
    )]
    pub time_unix_nano: u64,
    #[prost(string, tag = "2")]
    #[serde(deserialize_with = "field::plain", skip_serializing_if = "field::absent")]
    pub name: String,
    #[prost(message, repeated, tag = "3")]
    #[serde(deserialize_with = "field::messages", skip_serializing_if = "field::absent")]
    pub attributes: Vec<KeyValue>,
    #[prost(uint32, tag = "4")]
    #[serde(deserialize_with = "field::integer", skip_serializing_if = "field::absent")]
    pub dropped_attributes_count: u32,
}

/// Another span that has to do with this one.
#[derive(Clone, PartialEq, prost::Message, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Link {
    #[prost(bytes = "vec", tag = "1")]
    #[serde(
        deserialize_with = "field::hexadecimal",
        serialize_with = "field::base64",
        skip_serializing_if = "field::absent"
    )]
    pub trace_id: Vec<u8>,
    #[prost(bytes = "vec", tag = "2")]
    #[serde(
        deserialize_with = "field::hexadecimal",
        serialize_with = "field::base64",
        skip_serializing_if = "field::absent"
    )]
    pub span_id: Vec<u8>,
    #[prost(string, tag = "3")]
    #[serde(deserialize_with = "field::plain", skip_serializing_if = "field::absent")]
    pub trace_state: String,
    #[prost(message, repeated, tag = "4")]
    #[serde(deserialize_with = "field::messages", skip_serializing_if = "field::absent")]
    pub attributes: Vec<KeyValue>,
    #[prost(uint32, tag = "5")]
    #[serde(deserialize_with = "field::integer", skip_serializing_if = "field::absent")]
    pub dropped_attributes_count: u32,
    #[prost(fixed32, tag = "6")]
    #[serde(deserialize_with = "field::integer", skip_serializing_if = "field::absent")]
    pub flags: u32,
}

/// How it ended.
#[derive(Clone, PartialEq, prost::Message, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Status {
    #[prost(string, tag = "2")]
    #[serde(deserialize_with = "field::plain", skip_serializing_if = "field::absent")]
    pub message: String,
    #[prost(int32, tag = "3")]
    #[serde(deserialize_with = "field::enumeration", serialize_with = "code", skip_serializing_if = "field::absent")]
    pub code: i32,
}

fn kind<S: Serializer>(number: &i32, to: S) -> Result<S::Ok, S::Error> {
    field::name(&KINDS, *number, to)
}

fn code<S: Serializer>(number: &i32, to: S) -> Result<S::Ok, S::Error> {
    field::name(&CODES, *number, to)
}

impl TracesData {
    /// Every span with its resource.
    pub fn spans(&self) -> impl Iterator<Item = (Option<&Resource>, &Span)> {
        self.resource_spans.iter().flat_map(|of_resource| {
            let spans = of_resource.scope_spans.iter().flat_map(|of_scope| &of_scope.spans);
            spans.map(|span| (of_resource.resource.as_ref(), span))
        })
    }
}
