//! Which sagas: views that are ready made, the reader's own, and a form. A view is nothing but its address, so that it can
//! be kept as a bookmark, and sent to somebody else. One's own are kept by the script, in the browser.

use makegood_edge::core::id::SagaId;
use makegood_edge::core::time::Millis;
use makegood_edge::gateway::views::State;
use maud::{Markup, html};

use crate::query::encoded;
use crate::sagas::{Asked, LINES, Span};
use crate::verdict::word;

const HERE: &str = "/debug/sagas";

/// A view's name, and its query.
const VIEWS: [(&str, &str); 7] = [
    ("All", ""),
    ("Needs a person", "phase=person"),
    ("Unfinished", "phase=unfinished"),
    ("Running", "phase=forward"),
    ("Being undone", "phase=unwinding"),
    ("Ended in the last day", "phase=ended&span=day&by=changed"),
    ("Made good in the last week", "phase=made_good&span=week&by=changed"),
];

/// The same list, from a time on, or from a saga of just that time; `None` for the newest.
pub fn address(asked: &Asked, from: Option<(Millis, Option<&SagaId>)>) -> String {
    let before = from.map(|(before, _)| format!("before={}", before.0));
    let saga = from.and_then(|(_, saga)| saga).map(|saga| format!("saga={saga}"));
    let query = [before, saga, Some(query(asked))];
    let query: Vec<String> = query.into_iter().flatten().filter(|part| !part.is_empty()).collect();
    if query.is_empty() { HERE.to_owned() } else { format!("{HERE}?{}", query.join("&")) }
}

/// What was asked for, whatever page of it.
fn query(asked: &Asked) -> String {
    let text = |name: &str, value: &Option<String>| value.as_ref().map(|value| format!("{name}={}", encoded(value)));
    let times = &asked.times;
    let given = [
        (asked.limit != LINES).then(|| format!("limit={}", asked.limit)),
        text("owner", &asked.owner),
        asked.state.map(|state| format!("phase={}", state.as_str())),
        text("tool", &asked.tool),
        text("text", &asked.text),
        times.span.map(|span| format!("span={}", span.as_str())),
        text("from", &times.from),
        text("to", &times.to),
        times.changed.then(|| "by=changed".to_owned()),
    ];
    given.into_iter().flatten().collect::<Vec<_>>().join("&")
}

/// Links to views. The script adds the reader's own, and has them kept.
pub fn views(asked: &Asked) -> Markup {
    let here = query(asked);
    html! {
        nav class="views" aria-label="Views" {
            ul {
                @for (name, query) in VIEWS {
                    @let sign = if query.is_empty() { "" } else { "?" };
                    @let current = (query == here).then_some("true");
                    li { a href={ (HERE) (sign) (query) } aria-current=[current] { (name) } }
                }
            }
            ul id="own" aria-label="Your own views" hidden {}
        }
    }
}

/// How a saga stands, as lists are asked for it.
const fn standing(state: State) -> &'static str {
    match state {
        State::In(phase) => word(phase),
        State::Unfinished => "unfinished",
        State::Ended => "ended",
        State::Person => "needs a person",
    }
}

const fn back(span: Span) -> &'static str {
    match span {
        Span::Hour => "the last hour",
        Span::Day => "the last day",
        Span::Week => "the last week",
    }
}

/// What the list is of, in words.
pub fn told(asked: &Asked) -> Markup {
    let times = &asked.times;
    html! {
        @if let Some(owner) = &asked.owner { "of " strong { (owner) } } @else { "of everybody" }
        @if let Some(state) = asked.state { ", " (standing(state)) }
        @if let Some(tool) = &asked.tool { ", with a step of " code { (tool) } }
        @if let Some(text) = &asked.text { ", with “" (text) "” in their title or id" }
        @if !times.are_all() {
            @if times.changed { ", changed last" } @else { ", created" }
            @if let Some(span) = times.span { " in " (back(span)) }
            @if let Some(from) = &times.from { " from " (from) }
            @if let Some(to) = &times.to { " to " (to) }
        }
        ", newest first"
    }
}

/// The form, with what was asked for filled in. It is sent as any form, and its answer is a page.
pub fn form(asked: &Asked) -> Markup {
    let times = &asked.times;
    html! {
        form class="filter" role="search" aria-label="Sagas" method="get" action=(HERE) {
            div {
                label for="phase" { "How they stand" }
                select id="phase" name="phase" {
                    option value="" { "any" }
                    @for state in State::ALL {
                        // Once is enough: what is stuck is among those that need somebody.
                        @let name = if state.as_str() == "stuck" { "stuck" } else { standing(state) };
                        option value=(state.as_str()) selected[asked.state == Some(state)] { (name) }
                    }
                }
            }
            (field("owner", "Owner", asked.owner.as_deref(), "text"))
            (field("tool", "Tool", asked.tool.as_deref(), "text"))
            (field("text", "In title or id", asked.text.as_deref(), "search"))
            div {
                label for="span" { "Time" }
                select id="span" name="span" {
                    option value="" { "any" }
                    @for span in Span::ALL {
                        option value=(span.as_str()) selected[times.span == Some(span)] { (back(span)) }
                    }
                }
            }
            div {
                label for="by" { "Of which" }
                select id="by" name="by" {
                    option value="" { "they were created" }
                    option value="changed" selected[times.changed] { "they changed last, or ended" }
                }
            }
            (field("from", "From (UTC)", times.from.as_deref(), "date"))
            (field("to", "To (UTC)", times.to.as_deref(), "date"))
            @if asked.limit != LINES { input type="hidden" name="limit" value=(asked.limit); }
            div class="choice" {
                button type="submit" { "Show" }
                button type="button" data-opens="save" data-script hidden { "Keep as a view" }
            }
        }
        dialog id="save" aria-labelledby="save-title" {
            form method="dialog" id="keep" {
                h2 id="save-title" { "Keep this view" }
                p { "It is kept in this browser, by its address: whoever has that sees the same." }
                p { label for="name" { "Name" } input id="name" maxlength="60" required; }
                div class="choice" {
                    button type="submit" { "Keep it" }
                    button type="button" data-close { "Leave it" }
                }
            }
        }
    }
}

/// `kind` is the input's. A day that was given with a time is a text, or a browser would drop it.
fn field(name: &str, label: &str, value: Option<&str>, kind: &str) -> Markup {
    let kind = if value.is_some_and(|value| kind == "date" && value.contains('T')) { "text" } else { kind };
    html! {
        div {
            label for=(name) { (label) }
            input id=(name) name=(name) type=(kind) value=[value] autocomplete="off";
        }
    }
}
