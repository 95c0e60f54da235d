//! A trace that was read from Tempo, on the page that shows one of ours: it has spans and what they say of themselves,
//! and neither a plan nor a journal. Whoever wrote it, it is shown as text, and no more of it than fits.

use std::collections::BTreeMap;

use makegood_edge::core::saga::{Phase, Priority};
use makegood_edge::core::time::Millis;
use makegood_edge::core::trace::{Attribute, Span, TraceId, What, critical_path};
use makegood_edge::gateway::store::{Counters, Story};
use makegood_edge::gateway::tempo::{Note, Told};
use maud::{Markup, html};

use super::detail::LONGEST_ATTRIBUTE;
use super::lines::Row;
use super::{Chart, Loaded, Origin};
use crate::figures::{clip, count};
use crate::traces::Source;

/// Of one span, in its row.
const MOST_ATTRIBUTES: usize = 16;
const LONGEST_NAME: usize = 80;

/// What is known besides the spans.
pub struct Read {
    /// One of the trace's sagas is shown.
    pub of_saga: bool,
    notes: BTreeMap<[u8; 8], Note>,
    left_out: usize,
    partial: bool,
}

impl Read {
    /// Who did what is not ours.
    pub fn service(&self, span: &Span) -> Option<&str> {
        let note = self.notes.get(&span.id.0).filter(|_| span.what == What::Other)?;
        Some(note.service.as_str()).filter(|service| !service.is_empty())
    }
}

pub fn loaded(told: Told) -> Loaded {
    let story = story(&told);
    let critical = critical_path(&told.trace);
    let Told { trace, saga, others, report, notes, left_out, partial } = told;
    let read = Read { of_saga: saga.is_some(), notes, left_out, partial };
    Loaded { story, report, trace, critical, others, origin: Origin::Tempo(read) }
}

/// As much of a story as spans tell.
fn story(told: &Told) -> Story {
    let root = told.trace.spans.first();
    let created_at = root.map_or(Millis(0), |root| root.start);
    let updated_at = told.trace.spans.iter().filter_map(|span| span.end).max().unwrap_or(created_at);
    let (id, title, phase) = match &told.saga {
        Some(saga) => (saga.id.clone(), saga.title.clone().unwrap_or_default(), saga.phase),
        None => (told.trace.id.saga(), root.map(|root| root.name.clone()).unwrap_or_default(), Phase::Completed),
    };
    Story {
        id,
        owner: String::new(),
        title,
        message: None,
        reading: None,
        phase,
        version: 0,
        priority: Priority::Normal,
        created_at,
        updated_at,
        wake_at: None,
        counters: Counters::default(),
        traceparent: None,
        nodes: Vec::new(),
        journal: Vec::new(),
    }
}

/// Where it was read, and what is missing.
pub fn remark(read: &Read, asked: Source, trace: TraceId) -> Markup {
    html! {
        p {
            strong { "Read from Tempo." }
            @if asked == Source::Tempo { " " a href={ "/debug/traces/" (trace) } { "As the journal has it" } }
            @if read.left_out > 0 {
                " " (count(read.left_out, "span")) " left out: too many, or nothing that could be shown."
            }
            @if read.partial { " Tempo itself has a part of it only." }
        }
    }
}

/// What a span says of itself, and where it is all of its row, its only part.
pub fn detail(chart: &Chart<'_>, read: &Read, row: &Row<'_>) -> Option<Markup> {
    let parts = row.parts.iter().copied().filter(|_| row.is_one());
    let mut shown = html! {};
    for span in std::iter::once(row.span).chain(parts) {
        let note = read.notes.get(&span.id.0)?;
        shown = html! {
            (shown)
            @if !span.message.is_empty() { dt; "Error" dd; (clip(&span.message, chart.text)) }
            @if let Some(service) = read.service(span) { dt; "Service" dd; (service) }
            @for (name, value) in note.attributes.iter().take(MOST_ATTRIBUTES) {
                dt; (clip(name, LONGEST_NAME)) dd;
                @match value {
                    Attribute::Text(text) => { (clip(text, LONGEST_ATTRIBUTE)) },
                    Attribute::Number(number) => { (number) },
                    Attribute::Flag(flag) => { (flag) },
                }
            }
        };
    }
    (!shown.0.is_empty()).then(|| html! { dl { (shown) } })
}
