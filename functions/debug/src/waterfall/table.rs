//! The table, and what stands around it for the script: its tools, the panel, and what the keys do.

use makegood_edge::core::saga::{Phase, Standing, StepReport};
use makegood_edge::core::time::Millis;
use makegood_edge::core::trace::{Span, Status, What};
use maud::{Markup, html};

use super::lines::{Line, Many, Row};
use super::{Chart, bars, detail};
use crate::figures::clip;
use crate::steps::told;
use crate::verdict::word;

/// Of an error in a row; the panel and the saga's page have the whole.
const LONGEST_MESSAGE: usize = 160;

const COLUMNS: [&str; 6] = ["Step", "What", "Start", "Took", "Status", "Calls"];

/// What a cell says and in which colour.
type Told = (&'static str, String);

pub fn table(chart: &Chart<'_>, lines: &[Line<'_>]) -> Markup {
    html! {
        table id="w" data-start=(chart.start.0) data-starts=(starts(chart, lines)) {
            caption class="unseen" { "Spans in the order of time; what undid a step is in the row below it." }
            thead {
                tr {
                    @for name in COLUMNS { th scope="col" { (name) } }
                    th scope="col" { span class="unseen" { "Times as bars" } (bars::axis(chart)) }
                }
            }
            tbody {
                @for (place, line) in lines.iter().enumerate() {
                    @match line {
                        Line::Row(row) => { (draw(chart, row)) },
                        Line::Many(many) => { (draw_many(chart, many, place)) },
                        Line::Idle(step) => { (idle(step)) },
                    }
                }
            }
        }
    }
}

/// When each row begins, since the start and to the millisecond, for the script; nothing for what has not begun.
fn starts(chart: &Chart<'_>, lines: &[Line<'_>]) -> String {
    let start = |line: &Line<'_>| match line {
        Line::Row(row) => row.span.start.since(chart.start).0.to_string(),
        Line::Many(many) => reach(chart, many).0.since(chart.start).0.to_string(),
        Line::Idle(_) => String::new(),
    };
    lines.iter().map(start).collect::<Vec<_>>().join(",")
}

fn draw(chart: &Chart<'_>, row: &Row<'_>) -> Markup {
    let span = row.span;
    let (tone, status) = status(chart, span);
    // What most are the stylesheet knows.
    let undone = tone == "undo" && span.what != What::Undo;
    let usual = if undone || span.what == What::Undo { "undo" } else { "done" };
    let step = chart.step(span).filter(|_| span.what == What::Step);
    let start = span.start.since(chart.start);
    let wrong = span.status == Status::Error || step.is_some_and(|step| step.standing == Standing::Held);
    let calls = row.parts.iter().filter(|part| super::is_call(part)).count();
    // Without the end tags that HTML lets be left out, nor `scope`, which a first column of nothing but `th` has of
    // itself: there are many rows, and the page has to stay light.
    html! {
        tr id={ "span-" (span.id) } class=[class(chart, row, wrong, undone)];
        th id=[step.map(|step| format!("step-{}", step.ix))]; (head(chart, row, step))
        td; (what(chart, span, step))
        td; (start.in_words())
        td; (chart.end(span).since(span.start).in_words())
        @if span.end.is_none() { " so far" }
        @if bars::is_touched(chart, row) { " ◆" }
        td class=[(tone != usual).then_some(tone)]; (status)
        td; @if calls > 0 { (calls) }
        td; (bars::row(chart, row))
    }
}

/// What a row is, in letters. Its kind comes first, where it is no step; then whether something went wrong in it, whether
/// what it did was undone, and whether its bar is of the critical path.
fn class(chart: &Chart<'_>, row: &Row<'_>, wrong: bool, undone: bool) -> Option<String> {
    let kind = match row.span.what {
        What::Undo => "u",
        What::Step => "",
        What::Saga
        | What::Invocation
        | What::Attempt
        | What::Wait
        | What::Approval
        | What::UndoAttempt
        | What::Model
        | What::Other => "v",
    };
    let kind = if row.number.is_some() { "c" } else { kind };
    let mut class = kind.to_owned();
    for (letter, holds) in [(" e", wrong), (" b", undone), (" k", bars::is_of_path(chart, row))] {
        if holds {
            class.push_str(letter);
        }
    }
    Some(class.trim_start().to_owned()).filter(|class| !class.is_empty())
}

/// What it is called, and what it opens to.
fn head(chart: &Chart<'_>, row: &Row<'_>, step: Option<&StepReport>) -> Markup {
    let span = row.span;
    let name = match (span.what, row.number, step) {
        (What::Attempt | What::UndoAttempt, Some(number), _) => format!("attempt {number}"),
        (_, _, Some(step)) => step.id.clone(),
        (What::Undo, ..) => "↳ undo".to_owned(),
        _ => span.name.clone(),
    };
    html! {
        @if let Some(more) = detail::of(chart, row) {
            details { summary { (name) } (more) }
        } @else {
            (name)
        }
    }
}

fn what(chart: &Chart<'_>, span: &Span, step: Option<&StepReport>) -> Markup {
    html! {
        @if let Some(step) = step { (step.tool) } @else if !span.message.is_empty() {
            (clip(&span.message, LONGEST_MESSAGE))
        } @else if let Some(service) = chart.origin.service(span) {
            (service)
        } @else if let Some(invocation) = span.inv.filter(|_| super::is_call(span)) {
            "invocation " (invocation)
        }
    }
}

fn status(chart: &Chart<'_>, span: &Span) -> Told {
    let said = |tone, text: &str| (tone, text.to_owned());
    if span.what == What::Saga {
        let tone = match chart.story.phase {
            Phase::Forward => "busy",
            Phase::Completed => "done",
            Phase::Unwinding | Phase::MadeGood => "undo",
            Phase::Stuck => "refused",
        };
        return said(tone, word(chart.story.phase));
    }
    if let Some(step) = chart.step(span).filter(|_| span.what == What::Step) {
        let (tone, sign, word) = told(step);
        return (tone, format!("{sign} {word}"));
    }
    match (span.what, span.status, span.end) {
        (What::Approval, _, None) => said("busy", "? to be decided"),
        (What::Wait, _, None) => said("busy", "… waiting"),
        (_, _, None) => said("busy", "▸ under way"),
        (_, Status::Error, _) => said("refused", "✗ failed"),
        (What::Undo | What::UndoAttempt, Status::Ok, _) => said("undo", "↺ undone"),
        (What::Wait, ..) => said("idle", "· over"),
        (_, Status::Ok, _) => said("done", "✓ ok"),
        (_, Status::Unset, _) => said("idle", "· ended"),
    }
}

/// From when to when many lasted.
fn reach(chart: &Chart<'_>, many: &Many<'_>) -> (Millis, Option<Millis>) {
    many.forward.or(many.back).unwrap_or((chart.start, None))
}

fn draw_many(chart: &Chart<'_>, many: &Many<'_>, place: usize) -> Markup {
    let (from, to) = reach(chart, many);
    let start = from.since(chart.start);
    let ok = many.number.saturating_sub(many.failed + many.open);
    html! {
        tr id={ "many-" (place) } class=(if many.failed > 0 { "m e" } else { "m" }) {
            th { a href={ (chart.here) "all=1" } { (many.number) " more" } }
            td { "of " (many.name) }
            td { (start.in_words()) }
            td { (to.unwrap_or(chart.until).since(from).in_words()) }
            td {
                @if ok > 0 { span class="done" { "✓ " (ok) " ended " } }
                @if many.failed > 0 { span class="refused" { "✗ " (many.failed) " failed " } }
                @if many.open > 0 { span class="busy" { "▸ " (many.open) " under way " } }
                @if many.undone > 0 { span class="undo" { "↺ " (many.undone) " undone" } }
            }
            td {}
            td { (bars::many(chart, many)) }
        }
    }
}

fn idle(step: &StepReport) -> Markup {
    let (tone, sign, word) = told(step);
    let after = step.after.iter().map(String::as_str).take(3).collect::<Vec<_>>().join(", ");
    let after = if step.after.len() > 3 { format!("{after} …") } else { after };
    html! {
        tr id={ "idle-" (step.ix) } class="i" {
            th id={ "step-" (step.ix) } { (step.id) }
            td { (step.tool) @if !after.is_empty() { ", after " (after) } }
            td {}
            td {}
            td class=(tone) { (sign) " " (word) }
            td {}
            td {}
        }
    }
}

/// What the colours mean, for everybody; and for the script, which shows them, what it is operated with.
pub fn tools() -> Markup {
    let buttons = [
        ("-", "−", "zoom out"),
        ("0", "fit", "fit: show all"),
        ("+", "+", "zoom in"),
        ("e", "e", "e: next error"),
        ("?", "?", "keys"),
    ];
    html! {
        div class="tools" {
            (bars::legend())
            div id="tools" role="search" hidden {
                label { span class="unseen" { "Search" } input id="search" type="search" placeholder="Search ( / )"; }
                output id="found" {}
                @for (key, sign, name) in buttons {
                    button type="button" data-key=(key) title=(name) aria-label=(name) { (sign) }
                }
            }
        }
    }
}

/// Where the script shows what a row opens to.
pub fn panel() -> Markup {
    html! {
        aside id="panel" hidden aria-label="Details" {
            button type="button" data-key="Escape" aria-label="close" { "✕" }
            div id="more" aria-live="polite" {}
        }
    }
}

/// What the keys do.
pub fn keys() -> Markup {
    let keys = [
        ("j, k", "the next row, the one before"),
        ("Enter", "what it opens to"),
        ("e, E", "the next error, the one before"),
        ("/", "search in names, inputs, outputs and errors"),
        ("+, -, 0", "zoom in, out, all of it; also Ctrl and the wheel, or drag over the axis"),
        ("←, →", "earlier, later; also drag over the bars"),
        ("Esc", "close, or search for nothing"),
        ("?", "this"),
    ];
    html! {
        dialog id="keys" aria-labelledby="about-keys" {
            h2 id="about-keys" { "Keys" }
            dl { @for (key, what) in keys { dt { kbd { (key) } } dd { (what) } } }
            button type="button" data-key="Escape" { "Close" }
        }
    }
}
