//! The critical path: what a saga would have had to do without to end earlier.

use std::cmp::Reverse;

use super::{Span, SpanId, Trace, What};
use crate::time::Millis;

/// In time order: the spans without which the saga would have ended earlier, or would be further by now. Of calls,
/// waits and questions the last that ended is on it, and of those that had ended when it began the last one again, to
/// the start: a plan's order is not asked, for what a step waited for is what ended before it.
#[must_use]
pub fn critical_path(trace: &Trace) -> Vec<SpanId> {
    let takes_time = |span: &&Span| span.end.is_none_or(|end| end > span.start);
    let end = |span: &Span| span.end.unwrap_or(Millis(u64::MAX));
    // From the last that ended; of those that end together, the one that took the longest, and of equals the last.
    let mut leaves: Vec<&Span> =
        trace.spans.iter().rev().filter(|span| is_leaf(span.what)).filter(takes_time).collect();
    leaves.sort_by_key(|span| (Reverse(end(span)), span.start));
    let (mut path, mut until) = (Vec::new(), Millis(u64::MAX));
    for span in leaves {
        if end(span) <= until && span.start < until {
            path.push(span.id);
            until = span.start;
        }
    }
    path.reverse();
    path
}

const fn is_leaf(what: What) -> bool {
    match what {
        What::Attempt | What::UndoAttempt | What::Wait | What::Approval | What::Model => true,
        What::Saga | What::Invocation | What::Step | What::Undo | What::Other => false,
    }
}
