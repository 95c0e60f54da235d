//! Every record of the journal, in order: the chart's text, and the last word in a dispute.

use makegood_edge::core::saga::{Cause, Fact};
use makegood_edge::core::time::Millis;
use makegood_edge::gateway::store::{Entry, Story};
use maud::{Markup, html};

use crate::figures::{count, grouped};
use crate::steps::op;

/// Records on the page; the JSON has all of them.
const MOST_RECORDS: usize = 2_000;
/// A journal up to this long lies open.
const SHORT: usize = 60;

pub fn section(story: &Story) -> Markup {
    let journal = &story.journal;
    html! {
        section aria-labelledby="journal" {
            h2 id="journal" { "Journal" }
            @if journal.is_empty() {
                p class="muted" { "Nothing is written yet: no invocation has committed anything." }
            } @else {
                details open[journal.len() <= SHORT] {
                    summary { (count(journal.len(), "record")) ", in the order in which they were committed" }
                    @if journal.len() > MOST_RECORDS {
                        p class="muted" {
                            "The first " (grouped(MOST_RECORDS as u64)) " of them; "
                            a href={ "/api/debug/sagas/" (story.id) } { "the JSON" } " has all."
                        }
                    }
                    (table(story, journal))
                }
            }
        }
    }
}

fn table(story: &Story, journal: &[Entry]) -> Markup {
    html! {
        table class="journal" aria-labelledby="journal" {
            thead {
                tr {
                    th scope="col" class="number" { abbr title="place in the journal" { "Seq" } }
                    th scope="col" class="number" { abbr title="milliseconds since the saga was created" { "ms" } }
                    th scope="col" class="number" { abbr title="the invocation that learned it" { "Inv." } }
                    th scope="col" { "What" }
                }
            }
            tbody {
                @for entry in journal.iter().take(MOST_RECORDS) {
                    tr {
                        td class="number" { (entry.seq) }
                        td class="number" { (grouped(entry.record.at.since(story.created_at).0)) }
                        td class="number" { (entry.record.inv) }
                        td { (what(story, &entry.record.fact)) }
                    }
                }
            }
        }
    }
}

/// The step's id, or its number where the plan does not have it.
fn name(story: &Story, ix: u32) -> Markup {
    let node = story.nodes.iter().find(|node| node.ix == ix);
    html! { code { @if let Some(node) = node { (node.id) } @else { "#" (ix) } } }
}

fn what(story: &Story, fact: &Fact) -> Markup {
    let step = fact.node().map(|ix| name(story, ix)).unwrap_or_else(|| html! {});
    let since = |at: Millis| grouped(at.since(story.created_at).0);
    match fact {
        Fact::Started { attempt, .. } => html! { (step) " begins, attempt " (attempt) },
        Fact::Done { took, .. } => {
            html! { (step) " is " span class="done" { "done" } " after " (took.in_words()) }
        }
        Fact::Refused { took, code, detail, .. } => html! {
            (step) " is " span class="refused" { "refused" } " (" (code) ") after " (took.in_words()) ": " (detail)
        },
        Fact::Unsettled { op: asked, took, reason, again, .. } => html! {
            (step) ": " span class="lost" { "no answer" } " to its " (op(*asked)) " after " (took.in_words()) ": " (reason)
            @if let Some(again) = again { "; again at " (since(*again)) " ms" }
        },
        Fact::UndoStarted { attempt, .. } => {
            html! { "undo of " (step) " begins, attempt " (attempt) }
        }
        Fact::Undone { took, found, .. } => html! {
            (step) " is " span class="undo" { "undone" } " after " (took.in_words())
            @if !found { "; there was nothing to undo, and a late effect is kept out" }
        },
        Fact::Held { op: asked, code, detail, .. } => html! {
            (step) " " span class="refused" { "needs a person" } ": its " (op(*asked)) " (" (code) "): " (detail)
        },
        Fact::Waiting { until, .. } => html! { (step) " waits until " (since(*until)) " ms" },
        Fact::Queued { .. } => html! { (step) " waits for its turn" },
        Fact::Shut { name, .. } => html! { (step) " waits: the breaker of " (name) " is open" },
        Fact::Skipped { why, .. } => html! { (step) " is passed over: " (why) },
        Fact::Asked { until, .. } => html! {
            (step) " waits for " strong { "a decision" } ", until " (since(*until)) " ms"
        },
        Fact::Decided { by, approve, note, .. } => html! {
            (by) @if *approve { " agrees to " } @else { " does not agree to " } (step)
            @if !note.is_empty() { ": " (note) }
        },
        Fact::Retried { by, .. } => html! { (by) " has " (step) " taken up again" },
        Fact::Resolved { by, note, done, .. } => html! {
            (by) " says that " (step) @if *done { " is done" } @else { " is not done" }
            @if !note.is_empty() { ": " (note) }
        },
        Fact::Received { name, by: None } => html! { code { (name) } " comes from outside, and is kept" },
        Fact::Received { name, by: Some(by) } => html! { code { (name) } " is brought by " code { (by) } },
        Fact::Paused { by, why } => html! {
            strong { "Paused" } " by " (by) @if !why.is_empty() { ": " (why) }
        },
        Fact::Resumed { by } => html! { strong { "Resumed" } " by " (by) },
        Fact::Replanned { by, note, epoch, kept, retired, .. } => html! {
            strong { "Another plan" } " (" (epoch) ") by " (by) ": " (kept.len()) " steps are kept, "
            (retired.len()) " are undone"
            @if !note.is_empty() { ": " (note) }
        },
        Fact::Unwinding { cause } => {
            html! { strong { "From here on it is undone" } ": " (why(story, cause)) }
        }
        Fact::Yielded { until } => {
            html! { "the invocation yields; the next one is due at " (since(*until)) " ms" }
        }
        Fact::Completed => html! { strong { "Completed" } },
        Fact::MadeGood => html! { strong { "Made good" } },
        Fact::Stuck { nodes } => html! {
            strong { "Stuck" } " on "
            @for (place, ix) in nodes.iter().enumerate() {
                @if place > 0 { ", " }
                (name(story, *ix))
            }
        },
    }
}

fn why(story: &Story, cause: &Cause) -> Markup {
    match cause {
        Cause::Step { node, code, .. } => {
            html! { (name(story, *node)) " was refused (" (code) ")" }
        }
        Cause::Cancelled { by } => html! { "cancelled by " (by) },
        Cause::Deadline => html! { "its deadline passed" },
        Cause::Budget { node, what } => html! { "its budget does not pay for " (name(story, *node)) ": " (what) },
    }
}
