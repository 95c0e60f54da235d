//! The log records that are kept, request by request, encoded.

use std::{collections::VecDeque, io, path::PathBuf, sync::Arc};

use bytes::Bytes;
use prost::Message as _;
use serde::Serialize;

use super::Error;
use super::attribute::{AnyValue, InstrumentationScope, KeyValue, Resource};
use super::id::{self, TraceId};
use super::record::{LogRecord, LogsData};
use super::segment::{Bounds, Segments};
use crate::text::hexadecimal;

#[derive(Debug)]
pub struct Logs {
    segments: Segments,
    /// Oldest first, each with the segment that it is in.
    pieces: VecDeque<(u64, Bytes)>,
}

/// Which records are wanted.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// Those of one trace.
    pub trace: Option<TraceId>,
    /// Those from this time on, in nanoseconds since 1970.
    pub since: u64,
    /// So many at most.
    pub limit: usize,
}

/// A record with what it came with. Ids are hexadecimal, as in OTLP's JSON; values are as there.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Entry {
    /// Nanoseconds since 1970, as a decimal string: when it happened, or else when it was seen.
    pub time_unix_nano: String,
    pub trace_id: Option<String>,
    pub span_id: Option<String>,
    /// From 1 (trace) to 24 (fatal); 0 where it was not said.
    pub severity_number: i32,
    pub severity_text: String,
    pub event_name: String,
    pub body: Option<AnyValue>,
    pub attributes: Vec<KeyValue>,
    pub resource: Arc<Resource>,
    pub scope: Arc<InstrumentationScope>,
}

impl Logs {
    pub fn open(folder: Option<PathBuf>, bounds: Bounds) -> Result<Self, Error> {
        let mut pieces = VecDeque::new();
        let mut segments = Segments::open(folder, bounds, |serial, payload| {
            let number = LogsData::decode(payload.clone()).map_err(|error| error.to_string())?.number();
            pieces.push_back((serial, payload));
            Ok(number)
        })?;
        let oldest = segments.trim();
        pieces.retain(|(serial, _)| *serial >= oldest);
        Ok(Self { segments, pieces })
    }

    pub fn add(&mut self, new: &LogsData) -> io::Result<()> {
        let number = new.number();
        if number == 0 {
            return Ok(());
        }
        let current = self.segments.current()?;
        let piece = Bytes::from(new.encode_to_vec());
        self.segments.append(std::slice::from_ref(&piece), number)?;
        self.pieces.push_back((current, piece));
        let oldest = self.segments.trim();
        self.pieces.retain(|(serial, _)| *serial >= oldest);
        Ok(())
    }

    /// All of them; [`select`] reads them.
    pub fn all(&self) -> Vec<Bytes> {
        self.pieces.iter().map(|(_, piece)| piece.clone()).collect()
    }
}

/// The newest of the records that are wanted, newest first.
pub fn select(pieces: Vec<Bytes>, wanted: &Wanted) -> Vec<Entry> {
    let mut found = Vec::new();
    for piece in pieces {
        // It was encoded here, and its checksum was right.
        let Ok(data) = LogsData::decode(piece) else { continue };
        for of_resource in data.resource_logs {
            let resource = Arc::new(of_resource.resource.unwrap_or_default());
            for of_scope in of_resource.scope_logs {
                let scope = Arc::new(of_scope.scope.unwrap_or_default());
                let records = of_scope.log_records.into_iter().filter(|record| {
                    record.time() >= wanted.since && wanted.trace.is_none_or(|id| record.trace_id == id)
                });
                found.extend(records.map(|record| (record, Arc::clone(&resource), Arc::clone(&scope))));
            }
        }
    }
    // Later ones first, also of those that have one time.
    found.reverse();
    found.sort_by_key(|(record, ..)| std::cmp::Reverse(record.time()));
    found.truncate(wanted.limit);
    found.into_iter().map(|(record, resource, scope)| entry(record, resource, scope)).collect()
}

fn entry(record: LogRecord, resource: Arc<Resource>, scope: Arc<InstrumentationScope>) -> Entry {
    Entry {
        time_unix_nano: record.time().to_string(),
        trace_id: id::named::<16>(&record.trace_id).map(|id| hexadecimal(&id)),
        span_id: id::named::<8>(&record.span_id).map(|id| hexadecimal(&id)),
        severity_number: record.severity_number,
        severity_text: record.severity_text,
        event_name: record.event_name,
        body: record.body,
        attributes: record.attributes,
        resource,
        scope,
    }
}
