//! The first thing a reader wants to know: how did it go, why, and in which order was it undone.

use makegood_edge::core::saga::{Op, Phase, Report, Standing, StepReport};
use maud::{Markup, html};

use crate::figures::{count, sentence};

/// Names in one sentence; the table below has all of them.
const MOST_NAMES: usize = 12;

/// A phase as people say it.
pub const fn word(phase: Phase) -> &'static str {
    match phase {
        Phase::Forward => "under way",
        Phase::Unwinding => "unwinding",
        Phase::Completed => "completed",
        Phase::MadeGood => "made good",
        Phase::Stuck => "needs a person",
    }
}

/// The same so that it stands out, whether or not colours are seen.
pub fn badge(phase: Phase) -> Markup {
    html! { span class={ "badge " (phase.as_str()) } { (word(phase)) } }
}

/// What became of the saga, in a few sentences.
pub fn verdict(phase: Phase, report: &Report) -> Markup {
    let named = |standing: Standing| names(report, &[standing]);
    let done = report.steps.iter().filter(|step| step.standing == Standing::Done).count();
    let busy = names(report, &[Standing::Running, Standing::Waiting, Standing::Undoing]);
    html! {
        section class={ "verdict " (phase.as_str()) } aria-label="What became of it" {
            @if let Some(cause) = &report.cause {
                p class="cause" { (sentence(cause)) }
            }
            @if let Some(paused) = &report.paused {
                p class="cause" { (sentence(paused)) " Nothing new is started until it is resumed." }
            }
            @match phase {
                Phase::Forward => p { (done) " of " (count(report.steps.len(), "step")) " done so far." },
                Phase::Unwinding => p { "What was done is being undone, the latest first." },
                Phase::Completed => p { "All is done: " (count(report.steps.len(), "step")) "." },
                Phase::MadeGood => p { "It was made good: nothing of it is left." },
                Phase::Stuck => p { "Some of it can go neither forward nor back without a person." },
            }
            (line("At work on", &busy))
            @if !report.undone.is_empty() {
                p { @if phase == Phase::Unwinding { "Undone so far, in this order:" } @else { "Undone in this order:" } }
                ol {
                    @for id in report.undone.iter().take(MOST_NAMES) { (undone(report, id)) }
                }
                @if report.undone.len() > MOST_NAMES { p { "and " (report.undone.len() - MOST_NAMES) " more." } }
            }
            (line("Waiting for their turn", &named(Standing::Queued)))
            (line("Waiting for a decision", &named(Standing::Asking)))
            (line("Passed over", &named(Standing::Skipped)))
            (line("Never begun", &named(Standing::Abandoned)))
            @for step in report.steps.iter().filter(|step| step.standing == Standing::Held) {
                p {
                    strong { "Needs a person: " } a href={ "#step-" (step.ix) } { code { (step.id) } }
                    @if let Some(code) = &step.code { " (" (code) ")" }
                    @if let Some(detail) = &step.detail { ": " (detail) }
                }
            }
        }
    }
}

fn names<'a>(report: &'a Report, standings: &[Standing]) -> Vec<&'a StepReport> {
    report.steps.iter().filter(|step| standings.contains(&step.standing)).collect()
}

fn line(what: &str, steps: &[&StepReport]) -> Markup {
    html! {
        @if !steps.is_empty() {
            p {
                (what) ": "
                @for (place, step) in steps.iter().take(MOST_NAMES).enumerate() {
                    @if place > 0 { ", " }
                    a href={ "#step-" (step.ix) } { code { (step.id) } }
                }
                @if steps.len() > MOST_NAMES { " and " (steps.len() - MOST_NAMES) " more" }
                "."
            }
        }
    }
}

fn undone(report: &Report, id: &str) -> Markup {
    let Some(step) = report.steps.iter().find(|step| step.id == id) else {
        return html! { li { code { (id) } } };
    };
    let took = step.attempts.iter().rev().find(|attempt| attempt.op == Op::Undo).and_then(|attempt| attempt.took);
    html! {
        li {
            a href={ "#step-" (step.ix) } { code { (step.id) } }
            @if step.standing == Standing::Fenced {
                " had had no effect; a late one is kept out"
            } @else if let Some(took) = took {
                span class="muted" { " in " (took.in_words()) }
            }
        }
    }
}
