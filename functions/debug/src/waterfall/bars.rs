//! The last column: bars and the axis above them, drawn with attributes in shares of the column's width, so that the
//! stylesheet gives their height and zoom is one number for all of them. What undoes a step hangs below its bar, as that
//! stands above it, and points back.
//!
//! What most bars are, the stylesheet knows without being told: a call, and in the row of an undo its call. There are
//! many of them, and the page has to stay light.

use makegood_edge::core::time::Millis;
use makegood_edge::core::trace::{Span, Status, What};
use maud::{Markup, html};

use super::Chart;
use super::lines::{Many, Row};

/// What the axis is laid out for; a hundredth of a per cent more or less is not seen.
pub const WIDTH: f64 = 1_000.0;

/// From here on there is no room for a label.
const LAST_LABEL: f64 = 940.0;

/// What is hatched, for who sees no colours: waits one way, what failed both ways.
const WAIT: &str = "url(#h)";
const FAILED: &str = "url(#x)";

fn at(chart: &Chart<'_>, time: Millis) -> f64 {
    chart.axis.place(time) * 100.0 / WIDTH
}

fn share(place: f64) -> String {
    let digits = format!("{place:.2}");
    format!("{}%", digits.trim_end_matches('0').trim_end_matches('.'))
}

/// The class of a bar, and what it is filled with where that is more than a colour. `of_undo`: in the row of one.
fn look(span: &Span, of_undo: bool) -> (&'static str, Option<&'static str>) {
    match (span.what, span.status, span.end) {
        (What::Saga, ..) => ("g", None),
        (What::Invocation, ..) => ("v", None),
        (What::Step | What::Undo, ..) => ("s", None),
        (What::Wait | What::Approval, ..) => ("w", Some(WAIT)),
        (What::Attempt | What::UndoAttempt | What::Model | What::Other, _, None) => ("o", None),
        (What::Attempt | What::UndoAttempt | What::Model | What::Other, Status::Error, _) => ("f", Some(FAILED)),
        (What::UndoAttempt, ..) if !of_undo => ("u", None),
        (What::Attempt | What::UndoAttempt | What::Model, ..) => ("", None),
        (What::Other, ..) => ("v", None),
    }
}

fn bar(chart: &Chart<'_>, span: &Span, row: &Row<'_>, critical: bool) -> Markup {
    let (class, fill) = look(span, row.span.what == What::Undo);
    let class = if critical { format!("{class} k") } else { class.to_owned() };
    let class = Some(class.trim_start()).filter(|class| !class.is_empty());
    // Of what has no row of its own, an id is there for who asks for it.
    let id = chart.span.filter(|id| span.id != row.span.id && row.is_one() && span.id.to_string() == **id);
    let (left, width) = extent(chart, span.start, chart.end(span));
    html! { rect id=[id.map(|id| format!("span-{id}"))] class=[class] fill=[fill] x=(left) width=(width) {} }
}

fn extent(chart: &Chart<'_>, from: Millis, to: Millis) -> (String, String) {
    let (left, right) = (at(chart, from), at(chart, to));
    // Of no width it would not be drawn at all; its outline is seen.
    (share(left), share((right - left).max(0.01)))
}

/// The bar of a row.
pub fn row(chart: &Chart<'_>, row: &Row<'_>) -> Markup {
    let (whole, one) = (is_whole(row), has_one_bar(row));
    html! {
        svg {
            @if !whole { (bar(chart, row.span, row, !one && is_critical(chart, row.span))) }
            @for part in row.parts.iter().filter(|part| part.what != What::Other) {
                (bar(chart, part, row, !one && is_critical(chart, part)))
            }
            @if let Some(step) = row.undoes { (stood(chart, step, row.span)) }
        }
    }
}

/// Whether its only part lasted as long as it did, so that one bar is both.
fn is_whole(row: &Row<'_>) -> bool {
    let same = |part: &Span| (part.start, part.end) == (row.span.start, row.span.end);
    row.is_one() && row.parts.iter().all(|part| same(part))
}

fn has_one_bar(row: &Row<'_>) -> bool {
    row.parts.iter().all(|part| part.what == What::Other) || is_whole(row)
}

/// Whether the critical path goes through a row that has one bar; of several bars each says so itself.
pub fn is_of_path(chart: &Chart<'_>, row: &Row<'_>) -> bool {
    has_one_bar(row) && is_touched(chart, row)
}

/// Whether it goes through anything in the row.
pub fn is_touched(chart: &Chart<'_>, row: &Row<'_>) -> bool {
    std::iter::once(&row.span).chain(&row.parts).any(|span| is_critical(chart, span))
}

/// Whether the critical path goes through it.
fn is_critical(chart: &Chart<'_>, span: &Span) -> bool {
    chart.critical.contains(&span.id.0)
}

/// How long an effect stood before it was undone. At its end the stylesheet puts the head by which an undo points back.
fn stood(chart: &Chart<'_>, step: &Span, undo: &Span) -> Markup {
    let (from, to) = (share(at(chart, chart.end(step))), share(at(chart, undo.start)));
    html! { line x1=(from) x2=(to) {} }
}

/// What stands for many.
pub fn many(chart: &Chart<'_>, many: &Many<'_>) -> Markup {
    let reaches = [(many.forward, "m"), (many.back, "m u")];
    html! {
        svg {
            @for (reach, class) in reaches {
                @if let Some((from, to)) = reach {
                    @let (left, width) = extent(chart, from, to.unwrap_or(chart.until));
                    rect class=(class) x=(left) width=(width) {}
                }
            }
        }
    }
}

/// Round times since the start, and the waits that are squeezed: both reach down over all rows.
pub fn axis(chart: &Chart<'_>) -> Markup {
    html! {
        svg aria-hidden="true" {
            marker id="b" markerUnits="userSpaceOnUse" overflow="visible" { path d="M-1 0 7-8v16z" {} }
            pattern id="h" width="6" height="6" patternUnits="userSpaceOnUse" {
                path class="h" d="M-1 7 7-1M-1 1 1-1M5 7 7 5" {}
            }
            pattern id="x" width="6" height="6" patternUnits="userSpaceOnUse" {
                rect class="f" width="6" height="6" {}
                path class="x" d="M0 0 6 6M6 0 0 6" {}
            }
            @for piece in chart.axis.pieces.iter().filter(|piece| piece.squeezed) {
                @let (left, width) = extent(chart, piece.from, piece.to);
                rect class="z" x=(left) width=(width) {}
                text class="z" x=(left) y="12" { "≈ " (piece.to.since(piece.from).in_words()) }
            }
            @for (time, place) in chart.axis.marks() {
                @let label = (place < LAST_LABEL).then(|| time.in_words());
                @let place = share(place * 100.0 / WIDTH);
                line class="t" x1=(place) x2=(place) y1="14" y2="100000" {}
                @if let Some(label) = label { text x=(place) y="26" { (label) } }
            }
        }
    }
}

/// What a colour stands for.
pub fn legend() -> Markup {
    let kinds = [
        ("", None, "call"),
        ("f", Some(FAILED), "failed, or no answer"),
        ("o", None, "under way"),
        ("w", Some(WAIT), "wait, decision"),
        ("u", None, "undo"),
        ("k", None, "critical path (◆): without it, it would have been over earlier"),
    ];
    html! {
        ul class="legend" aria-hidden="true" {
            @for (class, fill, name) in kinds {
                li { svg class="swatch" width="20" height="14" { rect class=(class) fill=[fill] width="20" {} } " " (name) }
            }
        }
    }
}
