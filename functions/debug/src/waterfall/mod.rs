//! `/debug/traces/{trace_id}`: a saga as a waterfall. What became of it and what to do next stand on top; below, in the
//! order of time, its invocations, its steps with their attempts and waits, and under each step what undid it.
//!
//! It is a table, made here and whole without a script: its last column is drawn, and all that is drawn stands as text
//! beside it. The script adds a keyboard, zoom, a panel, the reader's zone, and what is new. Nothing is decided here, and
//! nothing is stored for it: a trace is made of the journal, or read from Tempo.

mod bars;
mod detail;
mod frame;
mod lines;
mod next;
mod table;
mod tempo;
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
use makegood_edge::tempo::configured;
use makegood_edge::{Host, Reply, Request, Settings, host};
use maud::{Markup, html};

use crate::figures::{count, grouped, moment};
use crate::list;
use crate::page::{self, kept};
use crate::query::Query;
use crate::timeline::axis::Axis;
use crate::traces::{Found, Source};
use crate::verdict::{badge, verdict};
use crate::{View, reader, traces};
use lines::{Line, lines};
use tempo::Read;

const STYLESHEET: &str = include_str!("waterfall.css");
const SCRIPT: &str = include_str!("waterfall.js");

/// Rows on one page: what a browser lays out in no time that anybody notices.
const MOST_LINES: usize = 500;
/// Characters of parameters and outputs on one page, and at most and at least of one of them: the more rows there are,
/// the less each of them opens to.
const MOST_TEXT: usize = 16_000;
const LONGEST_TEXT: usize = 4_000;
const SHORTEST_TEXT: usize = 36;

/// A trace, and the journal that it is made of; of what was read from Tempo, what spans tell of one.
pub struct Loaded {
    pub story: Story,
    pub report: Report,
    pub trace: Trace,
    /// In the order of time.
    pub critical: Vec<SpanId>,
    /// The other sagas of the trace.
    pub others: Vec<SagaId>,
    pub origin: Origin,
}

/// Where a trace was read.
pub enum Origin {
    /// `tempo`: there is one that may have it too.
    Journal {
        tempo: bool,
    },
    Tempo(Read),
}

impl Origin {
    /// The beginning of a query that asks there again.
    const fn query(&self) -> &'static str {
        match self {
            Self::Journal { .. } => "?",
            Self::Tempo(_) => "?source=tempo&",
        }
    }

    fn service(&self, span: &Span) -> Option<&str> {
        if let Self::Tempo(read) = self { read.service(span) } else { None }
    }
}

impl Loaded {
    const fn read(&self) -> Option<&Read> {
        if let Origin::Tempo(read) = &self.origin { Some(read) } else { None }
    }

    /// Whether a saga of ours is shown, and not a trace that has none.
    fn is_saga(&self) -> bool {
        self.read().is_none_or(|read| read.of_saga)
    }

    /// Whether there may be more to see later.
    const fn is_open(&self) -> bool {
        self.read().is_none() && !self.story.phase.at_rest()
    }
}

/// The saga of the trace that is asked for, or its first.
async fn load<H: Host>(host: &H, settings: &Settings, trace: &str, asked: &Asked) -> Result<Loaded, Error> {
    let (story, others) = match traces::one(host, settings, trace, asked.saga.as_deref(), asked.source).await? {
        Found::Here(story, others) => (story, others),
        Found::InTempo(told) => return Ok(tempo::loaded(told)),
    };
    let report = report(&story.nodes, story.phase, story.journal.iter().map(|entry| &entry.record));
    let trace = traced(&story);
    let critical = critical_path(&trace);
    let origin = Origin::Journal { tempo: matches!(configured(host), Ok(Some(_))) };
    Ok(Loaded { story, report, trace, critical, others, origin })
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
    let again = asked.follow && loaded.is_open();
    Ok(frame::page(list::title(&loaded.story.title), again, &page(&loaded, &asked, host.now())))
}

/// One sheet, so that nothing is asked for twice before the page is drawn.
fn styles() -> String {
    [page::FRAME, STYLESHEET].concat()
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
    source: Source,
}

impl Asked {
    /// # Errors
    /// Those of [`Query::of`], [`Query::number`] and [`Source::of`].
    fn of(uri: &Uri) -> Result<Self, Error> {
        let query = Query::of(uri)?;
        Ok(Self {
            from: query.number("from", 0, 1_000_000)?.and_then(|from| usize::try_from(from).ok()).unwrap_or_default(),
            unfolded: query.get("all") == Some("1"),
            span: query.get("span").map(str::to_owned),
            follow: query.get("follow") == Some("1"),
            saga: query.get("saga").map(str::to_owned),
            source: Source::of(&query)?,
        })
    }
}

/// What the rows are drawn with.
struct Chart<'a> {
    story: &'a Story,
    origin: &'a Origin,
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
        // Whoever called the saga may have begun before it.
        let start = spans.iter().map(|span| span.start).min().unwrap_or(story.created_at);
        let until = spans.first().and_then(|root| root.end).unwrap_or(if story.phase.at_rest() {
            story.updated_at
        } else {
            now
        });
        let mut above: BTreeSet<[u8; 8]> = BTreeSet::new();
        above.extend(spans.iter().filter_map(|span| span.parent.map(|parent| parent.0)));
        // Only calls are work, and what others did last: all else that takes long may be nothing but a wait, and be
        // squeezed.
        let works = |span: &Span| is_call(span) || span.what == What::Other && !above.contains(&span.id.0);
        let busy = spans.iter().flat_map(|span| {
            let (from, to) = (span.start, span.end.unwrap_or(until));
            if works(span) { [(from, to), (to, to)] } else { [(from, from), (to, to)] }
        });
        let mut chart = Self {
            story,
            origin: &loaded.origin,
            steps: BTreeMap::new(),
            entries: BTreeMap::new(),
            critical: BTreeSet::new(),
            start,
            until,
            axis: Axis::new(start, busy, bars::WIDTH),
            text: (MOST_TEXT / 2 / rows.max(1)).clamp(SHORTEST_TEXT, LONGEST_TEXT),
            span: asked.span.as_deref(),
            here: loaded.origin.query().to_owned(),
        };
        if asked.saga.is_some() {
            chart.here.push_str(&format!("saga={}&", story.id));
        }
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
    let open = loaded.is_open();
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
                    @if loaded.read().is_none() {
                        a href={ "/debug/sagas/" (story.id) } { span class="id" { (story.id) } } " / "
                    } @else if loaded.is_saga() {
                        span class="id" { (story.id) } " / "
                    }
                    "trace " span class="id" { (trace.id) }
                }
                div class="headline" {
                    h1 { (list::title(&story.title)) }
                    @if loaded.is_saga() { (badge(story.phase)) }
                }
                @if let Some(read) = loaded.read() { (tempo::remark(read, asked.source, trace.id)) }
                p class="muted" {
                    @if loaded.read().is_none() { "For " strong { (story.owner) } ", " }
                    (moment(chart.start)) ", "
                    @if open { "so far " } @else { "over in " }
                    (chart.until.since(chart.start).in_words()) ", " (count(trace.spans.len(), "span")) ". "
                    a href={ "/api/debug/traces/" (trace.id) @if loaded.read().is_some() { "?source=tempo" } } {
                        "As OTLP"
                    }
                    @if let Origin::Journal { tempo: true } = loaded.origin {
                        " " a href="?source=tempo" { "As Tempo has it" }
                    }
                }
                @if !loaded.others.is_empty() {
                    p class="muted" {
                        "Also of this trace:"
                        @for saga in &loaded.others {
                            " " a href={ (loaded.origin.query()) "saga=" (saga) } { span class="id" { (saga) } }
                        }
                    }
                }
                @if loaded.is_saga() {
                    div class="triage" {
                        (verdict(story.phase, &loaded.report))
                        @if loaded.read().is_none() { (next::section(&chart, &loaded.report, now)) }
                    }
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
