//! The times of a saga as a chart: a row for each step, a bar for each call, a band for each
//! invocation. What it shows stands as text in the journal below it.

pub mod axis;
mod chart;

use std::collections::BTreeMap;

use makegood_edge::core::saga::{Attempt, Op, Report, StepReport};
use makegood_edge::core::time::Millis;
use makegood_edge::gateway::store::Story;
use maud::{Markup, html};

use crate::figures::count;

/// Calls that are drawn, and rows.
const MOST_BARS: usize = 400;

/// From an invocation's first record or call to its last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Band {
    invocation: u32,
    from: Millis,
    to: Millis,
}

/// One call.
struct Bar<'a> {
    attempt: &'a Attempt,
    from: Millis,
    to: Millis,
}

/// A step and its calls: those that carry it out, and under them those that undo it.
struct Row<'a> {
    step: &'a StepReport,
    calls: Vec<Bar<'a>>,
    undos: Vec<Bar<'a>>,
}

/// What is drawn.
struct Timeline<'a> {
    start: Millis,
    bands: Vec<Band>,
    rows: Vec<Row<'a>>,
    /// Calls that are drawn, of so many.
    drawn: usize,
    calls: usize,
}

pub fn section(story: &Story, report: &Report) -> Markup {
    let timeline = lay_out(story, report);
    html! {
        section aria-labelledby="times" {
            h2 id="times" { "Times" }
            @if timeline.drawn > 0 {
                (legend())
                div class="chart" role="region" tabindex="0" aria-labelledby="times" { (chart::draw(&timeline)) }
                @if timeline.drawn < timeline.calls {
                    p class="muted" {
                        "The first " (timeline.drawn) " of " (count(timeline.calls, "call")) " are drawn; the journal has all of them."
                    }
                }
                p class="unseen" { a href="#journal" { "The same as text" } }
            } @else {
                p class="muted" { "No call was made yet." }
            }
        }
    }
}

fn legend() -> Markup {
    let kinds =
        [("done", "done"), ("refused", "refused"), ("lost", "no answer"), ("undo", "undo"), ("open", "not answered")];
    html! {
        ul class="legend" aria-hidden="true" {
            @for (kind, name) in kinds {
                li {
                    svg class="swatch" viewBox="0 0 14 10" width="14" height="10" {
                        rect class={ "bar " (kind) } x="1" y="1" width="12" height="8" rx="2" {}
                    }
                    " " (name)
                }
            }
            li {
                svg class="swatch" viewBox="0 0 14 10" width="14" height="10" {
                    rect class="band" width="14" height="10" {}
                }
                " invocation"
            }
        }
    }
}

fn lay_out<'a>(story: &Story, report: &'a Report) -> Timeline<'a> {
    let bands = bands(story, report);
    let mut room = MOST_BARS;
    let mut rows = Vec::new();
    for step in report.steps.iter().take(MOST_BARS) {
        if room == 0 {
            break;
        }
        let shown = step.attempts.iter().take(room);
        room -= shown.len();
        let bars = shown.map(|attempt| bar(attempt, &bands));
        let (undos, calls) = bars.partition(|bar| bar.attempt.op == Op::Undo);
        rows.push(Row { step, calls, undos });
    }
    let calls = report.steps.iter().map(|step| step.attempts.len()).sum();
    Timeline { start: story.created_at, bands, rows, drawn: MOST_BARS - room, calls }
}

/// Of a call without an answer no more is known than that its invocation waited for one.
fn bar<'a>(attempt: &'a Attempt, bands: &[Band]) -> Bar<'a> {
    let to = attempt.took.map_or_else(
        || {
            let own = bands.iter().find(|band| band.invocation == attempt.invocation);
            own.map_or(attempt.began, |band| band.to.max(attempt.began))
        },
        |took| attempt.began + took,
    );
    Bar { attempt, from: attempt.began, to }
}

fn bands(story: &Story, report: &Report) -> Vec<Band> {
    let records = story.journal.iter().map(|entry| (entry.record.inv, entry.record.at, entry.record.at));
    let attempts = report.steps.iter().flat_map(|step| &step.attempts);
    let calls =
        attempts.map(|attempt| (attempt.invocation, attempt.began, attempt.began + attempt.took.unwrap_or_default()));
    let mut bands: BTreeMap<u32, Band> = BTreeMap::new();
    for (invocation, from, to) in records.chain(calls) {
        let band = bands.entry(invocation).or_insert(Band { invocation, from, to });
        (band.from, band.to) = (band.from.min(from), band.to.max(to));
    }
    bands.into_values().collect()
}
