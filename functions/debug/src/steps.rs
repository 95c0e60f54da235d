//! The steps as a table: how each of them stands, and what was said in every attempt.

use makegood_edge::core::saga::{Attempt, Op, Report, Standing, StepReport};
use makegood_edge::core::time::Millis;
use makegood_edge::core::tool::Class;
use makegood_edge::serde_json::{Value, to_string_pretty};
use maud::{Markup, html};

use crate::figures::clip;

/// Characters of one JSON value on the page.
const MOST_JSON: usize = 4_000;
const COLUMNS: [&str; 8] = ["Step", "Tool", "Class", "Standing", "After", "Attempts", "Took", "Said"];

pub fn section(report: &Report) -> Markup {
    html! {
        section aria-labelledby="steps" {
            h2 id="steps" { "Steps" }
            @if report.steps.is_empty() {
                p class="muted" { "The plan of this saga is not in the journal." }
            } @else {
                table class="cards" role="table" aria-labelledby="steps" {
                    thead role="rowgroup" {
                        tr role="row" {
                            @for name in COLUMNS {
                                th role="columnheader" scope="col" { (name) }
                            }
                        }
                    }
                    @for step in &report.steps { (row(step)) }
                }
            }
        }
    }
}

fn row(step: &StepReport) -> Markup {
    html! {
        tbody role="rowgroup" id={ "step-" (step.ix) } {
            tr role="row" {
                th role="rowheader" scope="row" { code { (step.id) } }
                td role="cell" data-label="Tool" { code { (step.tool) } }
                td role="cell" data-label="Class" { (class(step.class)) }
                td role="cell" data-label="Standing" { (standing(step)) }
                td role="cell" data-label="After" {
                    @if step.after.is_empty() { span class="muted" { "–" } }
                    @for (place, id) in step.after.iter().enumerate() {
                        @if place > 0 { ", " }
                        code { (id) }
                    }
                }
                td role="cell" data-label="Attempts" { (attempts(&step.attempts)) }
                td role="cell" data-label="Took" { (took(&step.attempts)) }
                td role="cell" data-label="Said" {
                    @if let Some(code) = &step.code { code { (code) } " " }
                    @if let Some(detail) = &step.detail { (detail) }
                }
            }
            tr role="row" class="more" {
                td role="cell" colspan=(COLUMNS.len()) { (details(step)) }
            }
        }
    }
}

fn details(step: &StepReport) -> Markup {
    html! {
        details {
            summary { "Parameters, output, attempts" span class="unseen" { " of " (step.id) } }
            div class="sides" {
                div { h3 { "Parameters" } (value(&step.params)) }
                @if let Some(output) = &step.output {
                    div { h3 { "Output" } (value(output)) }
                }
            }
            @if !step.attempts.is_empty() {
                h3 { "Attempts" }
                ul {
                    @for attempt in &step.attempts {
                        li {
                            (op(attempt.op)) " " (attempt.number) ": " strong { (attempt.outcome) }
                            @if let Some(took) = attempt.took { " after " (took.in_words()) }
                            ", invocation " (attempt.invocation)
                            @if !attempt.detail.is_empty() { ": " (attempt.detail) }
                        }
                    }
                }
            }
        }
    }
}

fn value(value: &Value) -> Markup {
    let text = clip(&to_string_pretty(value).unwrap_or_default(), MOST_JSON);
    html! { pre tabindex="0" { code { (text) } } }
}

fn attempts(attempts: &[Attempt]) -> String {
    let told = [(Op::Do, "do"), (Op::Status, "status"), (Op::Undo, "undo")]
        .map(|(op, name)| (attempts.iter().filter(|attempt| attempt.op == op).count(), name));
    let told: Vec<String> = told.into_iter().filter(|(n, _)| *n > 0).map(|(n, name)| format!("{n} {name}")).collect();
    if told.is_empty() { "none".to_owned() } else { told.join(", ") }
}

/// The time in calls, all attempts together.
fn took(attempts: &[Attempt]) -> String {
    let known: Vec<Millis> = attempts.iter().filter_map(|attempt| attempt.took).collect();
    if known.is_empty() {
        return "–".to_owned();
    }
    known.into_iter().fold(Millis(0), |sum, took| sum + took).in_words()
}

pub const fn op(op: Op) -> &'static str {
    match op {
        Op::Do => "do",
        Op::Status => "status",
        Op::Undo => "undo",
    }
}

pub const fn class(class: Class) -> &'static str {
    match class {
        Class::Query => "query",
        Class::Compensatable => "compensatable",
        Class::Pivot => "pivot",
        Class::Retriable => "retriable",
    }
}

/// How a step stands: the class that colours it, a sign for who sees no colours, and the word.
pub fn told(step: &StepReport) -> (&'static str, &'static str, &'static str) {
    match step.standing {
        Standing::Pending => ("idle", "·", "not begun"),
        Standing::Running => ("busy", "▸", "running"),
        Standing::Waiting if step.attempts.is_empty() => ("busy", "…", "waiting"),
        Standing::Waiting => ("busy", "…", "to be tried again"),
        Standing::Queued => ("busy", "…", "waits for its turn"),
        Standing::Asking => ("busy", "?", "waiting for a decision"),
        Standing::Skipped => ("idle", "⤼", "passed over"),
        Standing::Done => ("done", "✓", "done"),
        Standing::Refused => ("refused", "✗", "refused"),
        Standing::Undoing => ("undo", "↺", "being undone"),
        Standing::Undone => ("undo", "↺", "undone"),
        Standing::Fenced if step.code.is_some() => ("refused", "✗", "refused, kept out"),
        Standing::Fenced => ("undo", "⊘", "no effect, kept out"),
        Standing::Abandoned => ("idle", "·", "never begun"),
        Standing::Held => ("refused", "!", "needs a person"),
    }
}

fn standing(step: &StepReport) -> Markup {
    let (kind, sign, word) = told(step);
    html! { span class={ "standing " (kind) } { span aria-hidden="true" { (sign) " " } (word) } }
}
