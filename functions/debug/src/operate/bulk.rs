//! Several sagas at once: they are ticked on the list, and a verb is put to each. What came of it is told for each.

use makegood_edge::core::saga::Phase;
use makegood_edge::gateway::views::Line;
use maud::{Markup, html};

use crate::list::title;

/// A verb, what its button says, and what will happen.
const VERBS: [(&str, &str, &str); 2] = [
    (
        "retry",
        "Try again",
        "Each has all of its held steps taken up again, as far as that is safe. One that has none is left as it is.",
    ),
    (
        "cancel",
        "Cancel",
        "Each is made good: what was done is undone, the latest first, and what was not begun never is. \
         There is no way back from that. One that is past its point of no return is carried out all the same.",
    ),
];

/// Before a saga's name, where there is something to be done about it.
pub fn pick(line: &Line) -> Markup {
    html! {
        @if matches!(line.phase, Phase::Forward | Phase::Stuck) {
            input type="checkbox" class="pick" autocomplete="off" value=(line.id) aria-label={ "Choose " (title(&line.title)) } data-script
                hidden;
        }
    }
}

/// Above the list.
pub fn bar() -> Markup {
    html! {
        div class="bulk" role="group" aria-label="Several at once" data-script hidden {
            label { input type="checkbox" id="all" autocomplete="off"; " All of this page" }
            span id="picked" role="status" {}
            @for (verb, label, says) in VERBS {
                button type="button" data-bulk=(verb) data-says=(says) disabled { (label) }
            }
        }
        dialog id="bulk" aria-labelledby="bulk-title" {
            form method="dialog" id="bulk-form" {
                h2 id="bulk-title" {}
                p id="bulk-says" {}
                p class="muted" { "Each is put to its saga by itself, and noted in its journal and in the audit log under your name." }
                ul id="bulk-list" {}
                p id="bulk-told" role="status" {}
                div class="choice" {
                    button type="submit" {}
                    button type="button" data-close { "Leave them" }
                }
            }
        }
    }
}
