//! Draws a timeline as SVG, with attributes and classes only: the pages' policy allows no style of
//! their own.

use makegood_edge::core::saga::{Attempt, Op, Standing};
use makegood_edge::core::time::Millis;
use maud::{Markup, html};

use super::axis::{Axis, Piece};
use super::{Bar, Row, Timeline};
use crate::figures::{clip, count};
use crate::steps::op;

const WIDTH: f64 = 1_040.0;
/// The names' column, the last captions', and the room above and below.
const LEFT: f64 = 176.0;
const RIGHT: f64 = 84.0;
const TOP: f64 = 26.0;
const BOTTOM: f64 = 24.0;
/// One line of bars.
const LANE: f64 = 24.0;
const BAR: f64 = 14.0;
/// What is shorter is drawn as wide as this.
const NARROWEST: f64 = 3.0;
/// A letter's width, near enough.
const LETTER: f64 = 6.6;

pub fn draw(timeline: &Timeline<'_>) -> Markup {
    let busy = timeline.bands.iter().flat_map(|band| [(band.from, band.from), (band.to, band.to)]);
    let bars = timeline.rows.iter().flat_map(|row| row.calls.iter().chain(&row.undos));
    let axis = Axis::new(timeline.start, busy.chain(bars.map(|bar| (bar.from, bar.to))), WIDTH - LEFT - RIGHT);
    let lanes: usize = timeline.rows.iter().map(lanes).sum();
    let floor = TOP + LANE * lanes as f64;
    let height = floor + BOTTOM;
    let told = format!(
        "{} in {}. The journal below has the same as text.",
        count(timeline.rows.len(), "step"),
        count(timeline.bands.len(), "invocation"),
    );
    html! {
        svg viewBox={ "0 0 " (WIDTH) " " (height) } width=(WIDTH) height=(height) role="img" aria-label=(told) {
            (bands(timeline, &axis, floor))
            @for (time, place) in axis.marks() {
                line class="mark" x1=(at(LEFT + place)) x2=(at(LEFT + place)) y1=(TOP) y2=(floor) {}
                text class="small" x=(at(LEFT + place)) y=(floor + 16.0) { (time.in_words()) }
            }
            @for piece in axis.pieces.iter().filter(|piece| piece.squeezed) {
                (wait(piece, floor))
            }
            @for (row, top) in timeline.rows.iter().zip(tops(&timeline.rows)) {
                (draw_row(row, &axis, top))
            }
        }
    }
}

fn at(place: f64) -> String {
    format!("{place:.1}")
}

fn lanes(row: &Row<'_>) -> usize {
    if row.undos.is_empty() { 1 } else { 2 }
}

fn tops(rows: &[Row<'_>]) -> impl Iterator<Item = f64> {
    rows.iter().scan(TOP, |next, row| {
        let top = *next;
        *next += LANE * lanes(row) as f64;
        Some(top)
    })
}

fn bands(timeline: &Timeline<'_>, axis: &Axis, floor: f64) -> Markup {
    // A label stands where the one before it ends.
    let mut free = 0.0;
    let drawn = timeline.bands.iter().enumerate().map(|(place, band)| {
        let (left, right) = (axis.place(band.from), axis.place(band.to));
        let width = (right - left).max(NARROWEST);
        let long = format!("invocation {}", band.invocation);
        let label = if long.len() as f64 * LETTER <= width { long } else { format!("#{}", band.invocation) };
        let fits = left >= free;
        if fits {
            free = left + label.len() as f64 * LETTER + 4.0;
        }
        html! {
            rect class=(if place % 2 == 0 { "band" } else { "band odd" })
                x=(at(LEFT + left)) y=(TOP - 4.0) width=(at(width)) height=(floor - TOP + 4.0) {
                title {
                    "invocation " (band.invocation) ", from " (band.from.since(timeline.start).in_words())
                    " to " (band.to.since(timeline.start).in_words())
                }
            }
            @if fits {
                text class="small" x=(at(LEFT + left)) y=(TOP - 10.0) { (label) }
            }
        }
    });
    html! { @for band in drawn { (band) } }
}

/// A wait that is not to scale says how long it is.
fn wait(piece: &Piece, floor: f64) -> Markup {
    let label = piece.to.since(piece.from).in_words();
    let (middle, width) = (LEFT + f64::midpoint(piece.left, piece.right), piece.right - piece.left);
    html! {
        g class="wait" {
            rect x=(at(LEFT + piece.left)) y=(TOP) width=(at(width)) height=(floor - TOP) {
                title { (label) " in which nothing happened; not to scale" }
            }
            @if width >= label.len() as f64 * LETTER {
                text class="small" x=(at(middle)) y=(at(f64::midpoint(TOP, floor) + 4.0)) text-anchor="middle" { (label) }
            }
        }
    }
}

fn draw_row(row: &Row<'_>, axis: &Axis, top: f64) -> Markup {
    let idle = row.calls.is_empty() && row.undos.is_empty();
    html! {
        line class="rule" x1="0" x2=(WIDTH) y1=(at(top)) y2=(at(top)) {}
        text class=(if idle { "name idle" } else { "name" }) x="0" y=(at(top + 16.0)) {
            (clip(&row.step.id, 22)) title { (row.step.id) ", " (row.step.tool) }
        }
        @if idle && row.step.standing == Standing::Abandoned {
            text class="small" x=(at(LEFT + 4.0)) y=(at(top + 16.0)) { "never begun" }
        }
        (lane(row, &row.calls, axis, top))
        @if !row.undos.is_empty() {
            text class="small" x="14" y=(at(top + LANE + 14.0)) { "↳ undo" }
            (lane(row, &row.undos, axis, top + LANE))
        }
    }
}

fn lane(row: &Row<'_>, bars: &[Bar<'_>], axis: &Axis, top: f64) -> Markup {
    let middle = at(top + LANE / 2.0);
    let waits = bars.windows(2).filter_map(|pair| match pair {
        [earlier, later] if later.from > earlier.to => Some((earlier.to, later.from)),
        _ => None,
    });
    html! {
        @for (from, to) in waits {
            line class="pause" x1=(at(LEFT + axis.place(from))) x2=(at(LEFT + axis.place(to))) y1=(middle) y2=(middle) {
                title { "waited " (to.since(from).in_words()) }
            }
        }
        @for bar in bars {
            rect class={ "bar " (kind(bar.attempt)) } rx="2"
                x=(at(LEFT + axis.place(bar.from))) y=(at(top + (LANE - BAR) / 2.0))
                width=(at(width(bar, axis))) height=(BAR) {
                title { (tell(row, bar.attempt)) }
            }
        }
        @if let Some(last) = bars.last() { (caption(row, last, axis, top)) }
    }
}

fn width(bar: &Bar<'_>, axis: &Axis) -> f64 {
    (axis.place(bar.to) - axis.place(bar.from)).max(NARROWEST)
}

/// How the last call of a lane ended: to its right, or where there is no room, to its left.
fn caption(row: &Row<'_>, bar: &Bar<'_>, axis: &Axis, top: f64) -> Markup {
    let took = bar.attempt.took.map(Millis::in_words).unwrap_or_default();
    let text = match (bar.attempt.outcome, &row.step.code) {
        ("ok", _) => took,
        ("refused", Some(code)) => format!("{} · {took}", clip(code, 28)),
        (outcome, _) if took.is_empty() => outcome.to_owned(),
        (outcome, _) => format!("{outcome} · {took}"),
    };
    let left = axis.place(bar.from);
    let right = left + width(bar, axis);
    let fits = right + text.chars().count() as f64 * LETTER + 6.0 <= WIDTH - LEFT;
    let (place, anchor) = if fits { (right + 5.0, "start") } else { (left - 5.0, "end") };
    html! {
        text class="small caption" x=(at(LEFT + place)) y=(at(top + 16.0)) text-anchor=(anchor) { (text) }
    }
}

fn tell(row: &Row<'_>, attempt: &Attempt) -> String {
    let took = attempt.took.map(|took| format!(" after {}", took.in_words())).unwrap_or_default();
    let detail = if attempt.detail.is_empty() { String::new() } else { format!(": {}", clip(&attempt.detail, 200)) };
    format!(
        "{}, {} {}: {}{took}, invocation {}{detail}",
        row.step.id,
        op(attempt.op),
        attempt.number,
        attempt.outcome,
        attempt.invocation,
    )
}

fn kind(attempt: &Attempt) -> &'static str {
    match (attempt.outcome, attempt.op) {
        ("under way", _) => "open",
        ("no answer", _) => "lost",
        ("refused", _) => "refused",
        (_, Op::Undo) => "undo",
        (_, Op::Do | Op::Status) => "done",
    }
}
