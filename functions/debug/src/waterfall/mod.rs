//! `/debug/traces/{trace_id}`: a saga as a waterfall. What became of it and what to do next stand on top; below, in the
//! order of time, its invocations, its steps with their attempts and waits, and under each step what undid it.
//!
//! It is a table, made here and whole without a script: its last column is drawn, and all that is drawn stands as text
//! beside it. The script adds a keyboard, zoom, a panel, the reader's zone, and what is new. Nothing is decided here, and
//! nothing is stored for it: a trace is made of the journal.

mod bars;
mod detail;
mod frame;
mod lines;
mod next;
mod table;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use makegood_edge::core::error::Error;
use makegood_edge::core::id::SagaId;
use makegood_edge::core::saga::{Report, StepReport, report};
use makegood_edge::core::time::Millis;
use makegood_edge::core::trace::{Span, SpanId, Trace, What, critical_path};
use makegood_edge::gateway::store::{Entry, Story};
use makegood_edge::gateway::traces::traced;
use makegood_edge::http::Uri;
use makegood_edge::{Host, Reply, Request, Settings, host};
use maud::{Markup, html};

use crate::figures::{count, grouped, moment};
use crate::list;
use crate::page::{self, kept};
use crate::query::Query;
use crate::timeline::axis::Axis;
use crate::verdict::{badge, verdict};
use crate::{View, reader, traces};
use lines::{Line, lines};

const STYLESHEET: &str = include_str!("waterfall.css");
const SCRIPT: &str = include_str!("waterfall.js");

/// Rows on one page: what a browser lays out in no time that anybody notices.
const MOST_LINES: usize = 500;
/// Characters of parameters and outputs on one page, and at most and at least of one of them: the more rows there are,
/// the less each of them opens to.
const MOST_TEXT: usize = 16_000;
const LONGEST_TEXT: usize = 4_000;
const SHORTEST_TEXT: usize = 32;

/// A trace, and the journal that it is made of.
pub struct Loaded {
    pub story: Story,
    pub report: Report,
    pub trace: Trace,
    /// In the order of time.
    pub critical: Vec<SpanId>,
    /// The other sagas of the trace.
    pub others: Vec<SagaId>,
}

/// The saga of the trace that is asked for, or its first.
async fn load<H: Host>(host: &H, settings: &Settings, trace: &str, asked: &Asked) -> Result<Loaded, Error> {
    let (story, others) = traces::one(host, settings, trace, asked.saga.as_deref()).await?;
    let report = report(&story.nodes, story.phase, story.journal.iter().map(|entry| &entry.record));
    let trace = traced(&story);
    let critical = critical_path(&trace);
    Ok(Loaded { story, report, trace, critical, others })
}

/// Shows one trace, to an operator.
///
/// # Errors
/// Those of [`traces::one`], and where the query cannot be read.
pub async fn show<H: Host>(request: &Request, host: &H, id: &str) -> Result<Reply, Error> {
    let settings = Settings::read(host)?;
    reader(request, host, &settings, View::Page).await?;
    let asked = Asked::of(request.uri())?;
    let loaded = load(host, &settings, id, &asked).await?;
    let again = asked.follow && !loaded.story.phase.at_rest();
    Ok(frame::page(list::title(&loaded.story.title), again, &page(&loaded, &asked, host.now())))
}

/// One sheet, so that nothing is asked for twice before the page is drawn.
fn styles() -> String {
    format!("{}{STYLESHEET}", page::frame())
}

pub fn stylesheet() -> Reply {
    kept(host::reply(200, "text/css; charset=utf-8", styles()))
}

pub fn script() -> Reply {
    kept(host::reply(200, "text/javascript; charset=utf-8", SCRIPT))
}

/// Which rows.
#[derive(Default)]
pub struct Asked {
    /// The place of the first one.
    from: usize,
    /// All that is alike as well.
    unfolded: bool,
    /// Those among which this span is, its id as text.
    span: Option<String>,
    /// Look again by itself, without a script.
    follow: bool,
    /// Of this saga, where the trace has several.
    saga: Option<String>,
}

impl Asked {
    /// # Errors
    /// Those of [`Query::of`] and [`Query::number`].
    fn of(uri: &Uri) -> Result<Self, Error> {
        let query = Query::of(uri)?;
        Ok(Self {
            from: query.number("from", 0, 1_000_000)?.and_then(|from| usize::try_from(from).ok()).unwrap_or_default(),
            unfolded: query.get("all") == Some("1"),
            span: query.get("span").map(str::to_owned),
            follow: query.get("follow") == Some("1"),
            saga: query.get("saga").map(str::to_owned),
        })
    }
}

/// What the rows are drawn with.
struct Chart<'a> {
    story: &'a Story,
    steps: BTreeMap<u32, &'a StepReport>,
    /// What the journal has of each node.
    entries: BTreeMap<u32, Vec<&'a Entry>>,
    critical: BTreeSet<[u8; 8]>,
    start: Millis,
    /// To where it is drawn what is under way.
    until: Millis,
    axis: Axis,
    /// Characters of one value.
    text: usize,
    /// The span that was asked for, its id as text.
    span: Option<&'a str>,
    /// The beginning of a query that asks for this saga again.
    here: String,
}

impl<'a> Chart<'a> {
    /// `rows`: so many are shown.
    fn of(loaded: &'a Loaded, asked: &'a Asked, now: Millis, rows: usize) -> Self {
        let (story, spans) = (&loaded.story, &loaded.trace.spans);
        let start = spans.first().map_or(story.created_at, |root| root.start);
        let until = spans.first().and_then(|root| root.end).unwrap_or(if story.phase.at_rest() {
            story.updated_at
        } else {
            now
        });
        // Only calls are work: all else that takes long may be nothing but a wait, and be squeezed.
        let busy = spans.iter().flat_map(|span| {
            let (from, to) = (span.start, span.end.unwrap_or(until));
            if is_call(span) { [(from, to), (to, to)] } else { [(from, from), (to, to)] }
        });
        let mut chart = Self {
            story,
            steps: BTreeMap::new(),
            entries: BTreeMap::new(),
            critical: BTreeSet::new(),
            start,
            until,
            axis: Axis::new(start, busy, bars::WIDTH),
            text: (MOST_TEXT / 2 / rows.max(1)).clamp(SHORTEST_TEXT, LONGEST_TEXT),
            span: asked.span.as_deref(),
            here: asked.saga.as_ref().map_or_else(|| "?".to_owned(), |_| format!("?saga={}&", story.id)),
        };
        chart.steps.extend(loaded.report.steps.iter().map(|step| (step.ix, step)));
        chart.critical.extend(loaded.critical.iter().map(|id| id.0));
        for entry in &story.journal {
            if let Some(node) = entry.record.fact.node() {
                chart.entries.entry(node).or_default().push(entry);
            }
        }
        chart
    }

    fn step(&self, span: &Span) -> Option<&'a StepReport> {
        self.steps.get(&span.node?).copied()
    }

    fn end(&self, span: &Span) -> Millis {
        span.end.unwrap_or(self.until).max(span.start)
    }
}

fn is_call(span: &Span) -> bool {
    matches!(span.what, What::Attempt | What::UndoAttempt | What::Model)
}

/// The page, but for its frame.
fn page(loaded: &Loaded, asked: &Asked, now: Millis) -> Markup {
    let (story, trace) = (&loaded.story, &loaded.trace);
    let open = !story.phase.at_rest();
    let all = lines(trace, &loaded.report, asked.unfolded || asked.span.is_some());
    let from = first(&all, asked);
    let shown = all.get(from..).unwrap_or_default();
    let shown = shown.get(..MOST_LINES).unwrap_or(shown);
    let chart = Chart::of(loaded, asked, now, shown.len());
    html! {
        main data-live[open] {
            div id="top" {
                p class="trail" {
                    a href="/debug/sagas" { "Sagas" } " / "
                    a href={ "/debug/sagas/" (story.id) } { span class="id" { (story.id) } }
                    " / trace " span class="id" { (trace.id) }
                }
                div class="headline" { h1 { (list::title(&story.title)) } (badge(story.phase)) }
                p class="muted" {
                    "For " strong { (story.owner) } ", " (moment(chart.start)) ", "
                    @if open { "so far " } @else { "over in " }
                    (chart.until.since(chart.start).in_words()) ", " (count(trace.spans.len(), "span")) ". "
                    a href={ "/api/debug/traces/" (trace.id) } { "As OTLP" }
                }
                @if !loaded.others.is_empty() {
                    p class="muted" {
                        "Also of this trace:"
                        @for saga in &loaded.others { " " a href={ "?saga=" (saga) } { span class="id" { (saga) } } }
                    }
                }
                div class="triage" {
                    (verdict(story.phase, &loaded.report))
                    (next::section(&chart, &loaded.report, now))
                }
            }
            @if open { noscript { p { (following(asked.follow, &chart.here)) } } }
            (table::tools())
            (table::table(&chart, shown))
            (turn(&chart, asked, from, shown.len(), all.len()))
        }
        (table::panel())
        (table::keys())
    }
}

fn following(follow: bool, here: &str) -> Markup {
    html! {
        @if follow {
            "This page looks again every five seconds. " a href=(here) { "Stop" }
        } @else {
            a href={ (here) "follow=1" } { "Follow it" } " until it rests."
        }
    }
}

/// The place of the first row that is shown.
fn first(all: &[Line<'_>], asked: &Asked) -> usize {
    let wanted = |line: &Line<'_>| match (line, &asked.span) {
        (Line::Row(row), Some(id)) => {
            row.span.id.to_string() == *id || row.parts.iter().any(|part| part.id.to_string() == *id)
        }
        (Line::Row(_) | Line::Many(_) | Line::Idle(_), _) => false,
    };
    let place = asked.span.as_ref().and_then(|_| all.iter().position(wanted));
    place.map_or(asked.from, |place| place / MOST_LINES * MOST_LINES)
}

/// Where the other rows are.
fn turn(chart: &Chart<'_>, asked: &Asked, from: usize, shown: usize, all: usize) -> Markup {
    let unfolded = if asked.unfolded || asked.span.is_some() { "all=1&" } else { "" };
    let at = |from: usize| format!("{}{unfolded}from={from}", chart.here);
    html! {
        @if shown < all {
            nav aria-label="Pages" {
                @if from > 0 { a rel="prev" href=(at(from.saturating_sub(MOST_LINES))) { "Earlier rows" } }
                span class="muted" { "Rows " (from + 1) " to " (from + shown) " of " (grouped(all as u64)) }
                @if from + shown < all { a rel="next" href=(at(from + shown)) { "Later rows" } }
            }
        }
    }
}
