//! Why it does not go on, and what somebody who was woken up can do about it: step by step, with the request that does
//! it. What became of it so far is the verdict's.

use makegood_edge::core::saga::{Ask, Fact, Op, Phase, Report, Standing, StepReport, Wait};
use makegood_edge::core::time::Millis;
use makegood_edge::gateway::store::Story;
use makegood_edge::serde_json::json;
use maud::{Markup, html};

use super::Chart;
use crate::figures::{clip, count, moment};

/// Steps that are told of; the table has all.
const MOST_TOLD: usize = 8;
const LONGEST_REASON: usize = 200;

/// Nothing where there is nothing to wait for, and nothing to do.
pub fn section(chart: &Chart<'_>, report: &Report, now: Millis) -> Markup {
    let story = chart.story;
    let told: Vec<Markup> = report.steps.iter().filter_map(|step| tell(chart, step, now)).collect();
    let wake = story.wake_at.filter(|_| !story.phase.at_rest());
    let resting = story.phase.at_rest() && story.phase != Phase::Stuck;
    html! {
        @if !resting && (!told.is_empty() || report.paused.is_some() || wake.is_some()) {
            section class="next" aria-labelledby="next" {
                h2 id="next" { @if story.phase == Phase::Stuck { "What to do" } @else { "What it waits for" } }
                ul {
                    @if report.paused.is_some() { li { "To be resumed: " (request(story, "resume", None)) } }
                    @for line in told.iter().take(MOST_TOLD) { li { (line) } }
                    @if told.len() > MOST_TOLD { li { "And " (count(told.len() - MOST_TOLD, "more step")) "." } }
                    @if let Some(at) = wake {
                        li class="muted" { "It is looked after again by " (moment(at)) "." }
                    }
                }
            }
        }
    }
}

fn tell(chart: &Chart<'_>, step: &StepReport, now: Millis) -> Option<Markup> {
    match step.standing {
        Standing::Held => Some(held(chart.story, step)),
        Standing::Asking => step.approval.as_ref().map(|ask| asked(chart.story, step, ask)),
        Standing::Queued => Some(html! {
            (name(step)) " waits for its turn: as many calls of " code { (step.tool) } " are under way, or have left, as may be."
        }),
        Standing::Waiting | Standing::Running | Standing::Undoing => Some(waiting(chart, step, now)),
        Standing::Pending
        | Standing::Skipped
        | Standing::Done
        | Standing::Refused
        | Standing::Undone
        | Standing::Fenced
        | Standing::Abandoned => None,
    }
}

fn name(step: &StepReport) -> Markup {
    html! { a href={ "#step-" (step.ix) } { code { (step.id) } } }
}

/// The request that does it, as a person would write it.
fn request(story: &Story, verb: &str, body: Option<String>) -> Markup {
    html! {
        code { "POST /api/execute/" (story.id) "/" (verb) @if let Some(body) = body { " " (body) } }
    }
}

fn held(story: &Story, step: &StepReport) -> Markup {
    let undo = step.held == Some(Op::Undo);
    html! {
        @if undo { "Undoing " (name(step)) " came to nothing" } @else { (name(step)) " cannot go on" }
        @if let Some(code) = &step.code { " (" code { (code) } ")" }
        ". Look at what its partner has under its key. To have it tried again: "
        (request(story, "retry", Some(json!({"step": step.id}).to_string())))
        @if undo { "; once you have undone it by hand: " } @else { "; once you know whether it happened: " }
        (request(story, "resolve", Some(json!({"step": step.id, "done": !undo}).to_string())))
        @if !undo { ", or the same with " code { "false" } }
    }
}

fn asked(story: &Story, step: &StepReport, ask: &Ask) -> Markup {
    html! {
        (name(step)) " waits for "
        @if ask.by.is_empty() { (story.owner) } @else { (clip(&ask.by.join(", "), LONGEST_REASON)) }
        " to decide until " (moment(ask.until))
        @if !ask.question.is_empty() { ": " (clip(&ask.question, LONGEST_REASON)) }
        " " (request(story, "approve", Some(json!({"step": step.id, "hash": ask.hash}).to_string())))
    }
}

fn waiting(chart: &Chart<'_>, step: &StepReport, now: Millis) -> Markup {
    let last = chart.entries.get(&step.ix).and_then(|entries| entries.last()).map(|entry| &entry.record.fact);
    let undo = step.standing == Standing::Undoing;
    let op = if undo { Op::Undo } else { Op::Do };
    let calls = step.attempts.iter().filter(|attempt| (attempt.op == Op::Undo) == undo);
    let lost = calls.clone().filter(|attempt| attempt.outcome == "no answer").count();
    let open = calls.clone().next_back().filter(|attempt| attempt.took.is_none());
    html! {
        @if undo { "The undo of " }
        (name(step))
        @if let Some(Fact::Shut { name, .. }) = last {
            " waits: the breaker of " code { (name) } " is open (" code { "GET /api/execute/breakers" } ")."
        } @else if let (Some(Fact::Waiting { until, .. }), Some(Wait::Event { name, .. })) = (last, &step.wait) {
            " waits for " code { (name) } " from outside, until " (moment(*until)) ". To bring it: "
            (request(chart.story, "events", Some(json!({"name": name, "payload": {}}).to_string())))
        } @else if let Some(Fact::Waiting { until, .. }) = last {
            " waits until " (moment(*until)) "."
        } @else if let Some(attempt) = open {
            " was called " (now.since(attempt.began).in_words()) " ago, in invocation " (attempt.invocation)
            ", and has not answered."
        } @else if let Some(Fact::Unsettled { again, reason, .. }) = last {
            @if let Some(again) = again { " is tried again " (moment(*again)) } @else { " is to be tried again" }
            ", after: " (clip(reason, LONGEST_REASON)) "."
        } @else {
            " is to be tried again."
        }
        @if lost > 0 { " So far " (count(lost, "call")) " of its " (crate::steps::op(op)) " had no answer." }
    }
}
