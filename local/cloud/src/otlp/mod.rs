//! A receiver of OTLP over HTTP: traces, log records and metrics, in JSON and protobuf, kept within bounds. Traces
//! are read as from Tempo.
//!
//! Deliberately not here: gRPC, profiles, and keeping metrics (they are counted). Of TraceQL there is the simplest
//! form ([`parse_traceql`]); of Tempo no values of tags, metrics or streaming.

mod api;
mod attribute;
mod check;
mod field;
mod id;
mod logfmt;
mod logs;
mod metric;
mod read;
mod record;
mod reply;
mod search;
mod segment;
mod span;
mod traceql;
mod traces;
mod wire;

use std::{
    collections::BTreeSet,
    fs::File,
    io,
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use serde::Serialize;

pub use crate::folder::Error;
pub use attribute::{AnyValue, ArrayValue, InstrumentationScope, KeyValue, KeyValueList, Resource, Value};
pub use id::TraceId;
pub use logs::{Entry, Wanted};
pub use search::{Found, FoundSpan, Search, SpanSet};
pub use segment::Bounds;
pub use span::{Event, Link, ResourceSpans, ScopeSpans, Span, Status, TracesData};
pub use traceql::{Condition, Literal, Operator, Subject, parse as parse_traceql};

use crate::folder;
use logs::Logs;
use metric::MetricsData;
use record::LogsData;
use reply::{Refusal, Rejected};
use traces::Traces;

/// How a receiver is to be.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where what was received is kept over a restart; none: in memory only.
    pub data_dir: Option<PathBuf>,
    pub traces: Bounds,
    pub logs: Bounds,
    /// Of a trace that would weigh more, new spans are rejected, as by Tempo.
    pub max_trace_bytes: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            data_dir: None,
            traces: Bounds { bytes: 128 << 20, number: 20_000 },
            logs: Bounds { bytes: 64 << 20, number: 200_000 },
            max_trace_bytes: 5_000_000,
        }
    }
}

/// What came in since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Counts {
    pub spans: usize,
    pub rejected_spans: usize,
    pub log_records: usize,
    pub rejected_log_records: usize,
    pub data_points: usize,
}

/// A receiver that can be served. Clones share what it keeps.
#[derive(Clone)]
pub struct Otlp {
    inner: Arc<Inner>,
}

struct Inner {
    traces: Mutex<Traces>,
    logs: Mutex<Logs>,
    counts: Mutex<Counts>,
    /// Held for as long as the folder is in use.
    _lock: Option<File>,
}

impl Otlp {
    /// Reads what was kept.
    ///
    /// # Errors
    /// When the folder cannot be used, is in use by another process, or holds a file that is damaged elsewhere than
    /// at the end of the last.
    pub fn open(options: Options) -> Result<Self, Error> {
        let lock = options.data_dir.as_deref().map(|folder| folder::take(folder, "otlp.lock")).transpose()?;
        let under = |name: &str| options.data_dir.as_ref().map(|folder| folder.join(name));
        let traces = Traces::open(under("traces"), options.traces, options.max_trace_bytes)?;
        let logs = Logs::open(under("logs"), options.logs)?;
        let (traces, logs) = (Mutex::new(traces), Mutex::new(logs));
        Ok(Self { inner: Arc::new(Inner { traces, logs, counts: Mutex::default(), _lock: lock }) })
    }

    /// The HTTP interface: `/v1/..` to receive, `/api/..` to read.
    pub fn router(&self) -> axum::Router {
        api::router(self.clone())
    }

    /// A trace, with every span that came so far.
    pub fn trace(&self, id: &TraceId) -> Option<TracesData> {
        let pieces = lock(&self.inner.traces).get(id)?;
        Some(traces::decode(&pieces))
    }

    /// The newest traces that match, newest first. It looks through all of them.
    pub fn search(&self, search: &Search) -> Vec<Found> {
        let kept = lock(&self.inner.traces).all();
        search.run(kept)
    }

    /// The newest log records that are wanted, newest first. It looks through all of them.
    pub fn logs(&self, wanted: &Wanted) -> Vec<Entry> {
        let kept = lock(&self.inner.logs).all();
        logs::select(kept, wanted)
    }

    /// The names of all attributes that are kept: of resources, and of spans.
    pub fn attribute_names(&self) -> (BTreeSet<String>, BTreeSet<String>) {
        let kept = lock(&self.inner.traces).all();
        search::names(kept)
    }

    /// How many traces are kept.
    pub fn number_of_traces(&self) -> usize {
        lock(&self.inner.traces).len()
    }

    /// What came in since the start.
    pub fn counts(&self) -> Counts {
        *lock(&self.inner.counts)
    }

    fn take_spans(&self, request: TracesData) -> Result<Rejected, Refusal> {
        let all = request.spans().count();
        let (traces, mut rejected) = check::by_trace(request);
        lock(&self.inner.traces).add(traces, &mut rejected).map_err(|error| not_kept(&error))?;
        let mut counts = lock(&self.inner.counts);
        counts.spans += all - rejected.number;
        counts.rejected_spans += rejected.number;
        Ok(rejected)
    }

    fn take_records(&self, mut request: LogsData) -> Result<Rejected, Refusal> {
        let rejected = check::records(&mut request);
        lock(&self.inner.logs).add(&request).map_err(|error| not_kept(&error))?;
        let mut counts = lock(&self.inner.counts);
        counts.log_records += request.number();
        counts.rejected_log_records += rejected.number;
        Ok(rejected)
    }

    fn take_metrics(&self, request: &MetricsData) -> Rejected {
        lock(&self.inner.counts).data_points += request.points();
        Rejected::default()
    }
}

fn not_kept(error: &io::Error) -> Refusal {
    tracing::error!("what was sent cannot be kept: {error}");
    Refusal::unavailable("what was sent cannot be kept now; send it again")
}

/// Nothing here is left half done by a panic.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
