//! One saga as a page: what became of it and why, what its reader can do, its plan and what it did to the world; then its
//! times, its steps, its costs, and at the end every word of the journal.

use makegood_edge::core::saga::Report;
use makegood_edge::door::Principal;
use makegood_edge::gateway::store::{Counters, Story};
use makegood_edge::gateway::traces;
use maud::{Markup, html};

use crate::figures::{bytes, grouped, moment};
use crate::operate::{deeds, door, news};
use crate::page::Page;
use crate::verdict::{badge, verdict};
use crate::{effects, journal, list, plan, reading, steps, timeline};

/// `reader`: what they can do stands there.
pub fn saga(story: &Story, report: &Report, reader: &Principal, follow: bool) -> Page {
    let open = !story.phase.at_rest();
    let title = list::title(&story.title);
    let body = html! {
        p class="trail" { a href="/debug/sagas" { "Sagas" } " / " span class="id" { (story.id) } }
        (news())
        @if open {
            noscript {
                p {
                    @if follow {
                        "This page looks again every two seconds. " a href="?" { "Stop" }
                    } @else {
                        a href="?follow=1" { "Follow it" } " until it rests."
                    }
                }
            }
        }
        // The script replaces it by what is new.
        div id="live" data-live[open] {
            div class="headline" {
                h1 { (title) }
                (badge(story.phase))
            }
            @if let Some(message) = &story.message {
                blockquote { (message) }
            }
            p class="muted" {
                "For " strong { (story.owner) } ", " (moment(story.created_at)) ", "
                @if open { "so far " } @else { "over in " }
                (story.updated_at.since(story.created_at).in_words()) "."
                @if let Some(at) = story.wake_at.filter(|_| open) {
                    " It is looked after again by " (moment(at)) "."
                }
                @if !story.priority.is_normal() { " Its priority is " (story.priority.as_str()) "." }
            }
            (reading::section(story))
            (verdict(story.phase, report))
            (deeds::section(story, report, reader))
            p { a href=(waterfall(story)) { "In time: the waterfall" } ", with what it waits for" }
            (plan::section(report))
            (effects::section(report))
            (timeline::section(story, report))
            (steps::section(report))
            (costs(&story.counters))
            (journal::section(story))
            p class="muted" { a href={ "/api/debug/sagas/" (story.id) } { "The same as JSON" } }
        }
        (door())
    };
    Page { title: title.to_owned(), again: open && follow, body }
}

/// Where it is shown as a trace: where it came with one, other sagas may be of it too.
fn waterfall(story: &Story) -> String {
    let address = format!("/debug/traces/{}", traces::id(story));
    if story.traceparent.is_some() { format!("{address}?saga={}", story.id) } else { address }
}

fn costs(counters: &Counters) -> Markup {
    let figures = [
        ("Invocations", grouped(counters.invocations.into())),
        ("Journal commits", grouped(counters.commits.into())),
        ("Tool calls", grouped(counters.calls)),
        ("Read from the journal", bytes(counters.bytes_read)),
        ("Written to it", bytes(counters.bytes_written)),
        ("Sweeps", grouped(counters.sweeps.into())),
    ];
    html! {
        section aria-labelledby="costs" {
            h2 id="costs" { "What it cost" }
            dl class="figures" {
                @for (name, figure) in figures {
                    div { dt { (name) } dd { (figure) } }
                }
            }
        }
    }
}
