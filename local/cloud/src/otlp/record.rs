//! Log records. By `opentelemetry/proto/logs/v1` of opentelemetry-proto 1.

use serde::Deserialize;

use super::attribute::{AnyValue, InstrumentationScope, KeyValue, Resource};
use super::field;

/// Records of any resources: what an exporter sends, and what is kept of it.
#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct LogsData {
    #[prost(message, repeated, tag = "1")]
    #[serde(deserialize_with = "field::messages")]
    pub resource_logs: Vec<ResourceLogs>,
}

/// The records of one resource.
#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ResourceLogs {
    #[prost(message, optional, tag = "1")]
    #[serde(deserialize_with = "field::message")]
    pub resource: Option<Resource>,
    #[prost(message, repeated, tag = "2")]
    #[serde(deserialize_with = "field::messages")]
    pub scope_logs: Vec<ScopeLogs>,
    #[prost(string, tag = "3")]
    #[serde(deserialize_with = "field::plain")]
    pub schema_url: String,
}

/// Those of one library.
#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ScopeLogs {
    #[prost(message, optional, tag = "1")]
    #[serde(deserialize_with = "field::message")]
    pub scope: Option<InstrumentationScope>,
    #[prost(message, repeated, tag = "2")]
    #[serde(deserialize_with = "field::messages")]
    pub log_records: Vec<LogRecord>,
    #[prost(string, tag = "3")]
    #[serde(deserialize_with = "field::plain")]
    pub schema_url: String,
}

/// A record. Times are nanoseconds since 1970.
#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct LogRecord {
    #[prost(fixed64, tag = "1")]
    #[serde(deserialize_with = "field::integer")]
    pub time_unix_nano: u64,
    #[prost(fixed64, tag = "11")]
    #[serde(deserialize_with = "field::integer")]
    pub observed_time_unix_nano: u64,
    #[prost(int32, tag = "2")]
    #[serde(deserialize_with = "field::enumeration")]
    pub severity_number: i32,
    #[prost(string, tag = "3")]
    #[serde(deserialize_with = "field::plain")]
    pub severity_text: String,
    #[prost(message, optional, tag = "5")]
    #[serde(deserialize_with = "field::message")]
    pub body: Option<AnyValue>,
    #[prost(message, repeated, tag = "6")]
    #[serde(deserialize_with = "field::messages")]
    pub attributes: Vec<KeyValue>,
    #[prost(uint32, tag = "7")]
    #[serde(deserialize_with = "field::integer")]
    pub dropped_attributes_count: u32,
    #[prost(fixed32, tag = "8")]
    #[serde(deserialize_with = "field::integer")]
    pub flags: u32,
    #[prost(bytes = "vec", tag = "9")]
    #[serde(deserialize_with = "field::hexadecimal")]
    pub trace_id: Vec<u8>,
    #[prost(bytes = "vec", tag = "10")]
    #[serde(deserialize_with = "field::hexadecimal")]
    pub span_id: Vec<u8>,
    #[prost(string, tag = "12")]
    #[serde(deserialize_with = "field::plain")]
    pub event_name: String,
}

impl LogRecord {
    /// When it happened, or else when it was seen.
    pub const fn time(&self) -> u64 {
        if self.time_unix_nano == 0 { self.observed_time_unix_nano } else { self.time_unix_nano }
    }
}

impl LogsData {
    pub fn number(&self) -> usize {
        let scopes = self.resource_logs.iter().flat_map(|of_resource| &of_resource.scope_logs);
        scopes.map(|of_scope| of_scope.log_records.len()).sum()
    }
}
