//! The traces that are kept: as they came, encoded, so that their bound is what they weigh.

use std::{
    collections::{HashMap, HashSet},
    io,
    path::PathBuf,
};

use bytes::{BufMut as _, Bytes, BytesMut};
use prost::Message as _;

use super::Error;
use super::id::TraceId;
use super::reply::Rejected;
use super::segment::{Bounds, Segments};
use super::span::TracesData;

#[derive(Debug)]
pub struct Traces {
    segments: Segments,
    traces: HashMap<TraceId, Trace>,
    max_trace_bytes: usize,
}

#[derive(Debug)]
struct Trace {
    /// The segment in which it began: with that one, all of it goes.
    began: u64,
    bytes: usize,
    pieces: Vec<Bytes>,
}

impl Traces {
    pub fn open(folder: Option<PathBuf>, bounds: Bounds, max_trace_bytes: usize) -> Result<Self, Error> {
        let mut traces: HashMap<TraceId, Trace> = HashMap::new();
        let mut oldest = None;
        let mut segments = Segments::open(folder, bounds, |serial, payload| {
            let piece = Piece::read(&payload)?;
            // The rest of a trace whose beginning is gone.
            if piece.began < *oldest.get_or_insert(serial) {
                return Ok(0);
            }
            Ok(usize::from(keep(&mut traces, piece)))
        })?;
        let oldest = segments.trim();
        traces.retain(|_, trace| trace.began >= oldest);
        Ok(Self { segments, traces, max_trace_bytes })
    }

    /// Keeps what has come of some traces. Of a trace that would be too large, what is new is rejected.
    pub fn add(&mut self, new: HashMap<TraceId, TracesData>, rejected: &mut Rejected) -> io::Result<()> {
        let current = self.segments.current()?;
        let mut pieces = Vec::with_capacity(new.len());
        let mut begun = 0;
        for (id, data) in new {
            let known = self.traces.get(&id);
            let bytes = known.map_or(0, |trace| trace.bytes) + data.encoded_len();
            if bytes > self.max_trace_bytes {
                let most = self.max_trace_bytes;
                rejected.add(data.spans().count(), || format!("TRACE_TOO_LARGE: a trace has at most {most} bytes"));
                continue;
            }
            begun += usize::from(known.is_none());
            pieces.push(Piece::new(known.map_or(current, |trace| trace.began), id, &data));
        }
        let payloads: Vec<Bytes> = pieces.iter().map(|piece| piece.payload.clone()).collect();
        self.segments.append(&payloads, begun)?;
        for piece in pieces {
            keep(&mut self.traces, piece);
        }
        let oldest = self.segments.trim();
        self.traces.retain(|_, trace| trace.began >= oldest);
        Ok(())
    }

    /// What is kept of a trace; [`decode`] reads it.
    pub fn get(&self, id: &TraceId) -> Option<Vec<Bytes>> {
        Some(self.traces.get(id)?.pieces.clone())
    }

    /// All of them, in no order.
    pub fn all(&self) -> Vec<(TraceId, Vec<Bytes>)> {
        self.traces.iter().map(|(id, trace)| (*id, trace.pieces.clone())).collect()
    }

    pub fn len(&self) -> usize {
        self.traces.len()
    }
}

/// A whole trace, in which a span that came twice is once: exporters repeat what was not acknowledged in time.
pub fn decode(pieces: &[Bytes]) -> TracesData {
    let mut whole = TracesData::default();
    let mut seen = HashSet::new();
    for piece in pieces {
        // It was encoded here, and its checksum was right.
        let Ok(mut data) = TracesData::decode(piece.clone()) else { continue };
        for of_resource in &mut data.resource_spans {
            for of_scope in &mut of_resource.scope_spans {
                of_scope.spans.retain(|span| seen.insert((span.span_id.clone(), span.kind)));
            }
            of_resource.scope_spans.retain(|of_scope| !of_scope.spans.is_empty());
        }
        data.resource_spans.retain(|of_resource| !of_resource.scope_spans.is_empty());
        whole.resource_spans.append(&mut data.resource_spans);
    }
    whole
}

/// What a request brings of a trace: the segment in which the trace began, its id, and the spans.
struct Piece {
    began: u64,
    id: TraceId,
    payload: Bytes,
}

impl Piece {
    const HEAD: usize = size_of::<u64>() + size_of::<TraceId>();

    fn new(began: u64, id: TraceId, data: &TracesData) -> Self {
        let mut payload = BytesMut::with_capacity(Self::HEAD + data.encoded_len());
        payload.put_u64_le(began);
        payload.put_slice(&id);
        payload.put_slice(&data.encode_to_vec());
        Self { began, id, payload: payload.freeze() }
    }

    fn read(payload: &Bytes) -> Result<Self, String> {
        let head = payload.split_first_chunk::<8>();
        let head = head.and_then(|(began, rest)| Some((u64::from_le_bytes(*began), *rest.first_chunk::<16>()?)));
        let (began, id) = head.ok_or("a piece of a trace is too short")?;
        Ok(Self { began, id, payload: payload.clone() })
    }
}

/// Whether it was new.
fn keep(traces: &mut HashMap<TraceId, Trace>, piece: Piece) -> bool {
    let known = traces.contains_key(&piece.id);
    let trace = traces.entry(piece.id).or_insert(Trace { began: piece.began, bytes: 0, pieces: Vec::new() });
    let spans = piece.payload.slice(Piece::HEAD..);
    trace.bytes += spans.len();
    trace.pieces.push(spans);
    !known
}
