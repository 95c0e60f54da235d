//! The list of sagas. Where there are none yet, it says how the first one is made.

use makegood_edge::core::saga::Phase;
use makegood_edge::core::time::Millis;
use makegood_edge::gateway::views::Line;
use makegood_edge::http::header::HOST;
use makegood_edge::{Request, Settings};
use maud::{Markup, html};

use crate::figures::{count, grouped, moment};
use crate::page::Page;
use crate::query::encoded;
use crate::sagas::{Asked, LINES, Listing, PHASES};
use crate::verdict::{badge, word};

/// `with_token`: the reader came with one, and so will the first request.
pub fn list(listing: &Listing, asked: &Asked, now: Millis, with_token: bool, address: &str) -> Page {
    let body = html! {
        h1 { "Sagas" }
        p class="muted" {
            @if let Some(owner) = &asked.owner { "of " strong { (owner) } } @else { "of everybody" }
            @if let Some(tool) = &asked.tool { ", with a step of " code { (tool) } }
            ", newest first"
        }
        (phases(asked))
        @if !listing.sagas.is_empty() {
            (table(&listing.sagas, asked.owner.is_none(), now))
        } @else if asked.before.is_some() {
            p { "There are no older ones." }
        } @else if asked.phase.is_some() || asked.tool.is_some() {
            p { "There are none." }
        } @else {
            (first(with_token, address))
        }
        nav aria-label="Pages" {
            @if asked.before.is_some() {
                a href=(listed_at(asked, asked.phase, None)) { "Newest" }
            }
            @if let Some(before) = listing.next_before {
                a rel="next" href=(listed_at(asked, asked.phase, Some(before))) { "Older" }
            }
        }
    };
    Page { title: "Sagas".to_owned(), again: false, body }
}

/// The same list, of a phase, and from a time on.
fn listed_at(asked: &Asked, phase: Option<Phase>, before: Option<Millis>) -> String {
    let given = [
        before.map(|before| format!("before={}", before.0)),
        (asked.limit != LINES).then(|| format!("limit={}", asked.limit)),
        asked.owner.as_ref().map(|owner| format!("owner={}", encoded(owner))),
        phase.map(|phase| format!("phase={phase}")),
        asked.tool.as_ref().map(|tool| format!("tool={}", encoded(tool))),
    ];
    let query: Vec<String> = given.into_iter().flatten().collect();
    if query.is_empty() { "/debug/sagas".to_owned() } else { format!("/debug/sagas?{}", query.join("&")) }
}

/// What the list can be of; where it is of that already, it is no link.
fn phases(asked: &Asked) -> Markup {
    let all = std::iter::once(None).chain(PHASES.map(Some));
    html! {
        nav aria-label="Phases" {
            @for phase in all {
                @let name = phase.map_or("all", word);
                @if phase == asked.phase {
                    strong { (name) }
                } @else {
                    a href=(listed_at(asked, phase, None)) { (name) }
                }
            }
        }
    }
}

fn table(lines: &[Line], of_everybody: bool, now: Millis) -> Markup {
    html! {
        table class="cards" role="table" {
            caption class="unseen" { (count(lines.len(), "saga")) }
            thead role="rowgroup" {
                tr role="row" {
                    @for name in ["Saga", "Phase", "Created", "Lasted"] {
                        th role="columnheader" scope="col" { (name) }
                    }
                    @for name in ["Invocations", "Commits", "Calls"] {
                        th role="columnheader" scope="col" class="number" { (name) }
                    }
                }
            }
            tbody role="rowgroup" {
                @for line in lines {
                    tr role="row" {
                        th role="rowheader" scope="row" {
                            a href={ "/debug/sagas/" (line.id) } { (title(&line.title)) }
                            div class="id" { (line.id) }
                            @if of_everybody { div class="muted" { "of " (line.owner) } }
                        }
                        td role="cell" data-label="Phase" {
                            (badge(line.phase))
                            @if !line.priority.is_normal() { div class="muted" { (line.priority.as_str()) " priority" } }
                        }
                        td role="cell" data-label="Created" {
                            (now.since(line.created_at).in_words()) " ago"
                            div class="muted" { (moment(line.created_at)) }
                        }
                        td role="cell" data-label="Lasted" {
                            (line.updated_at.since(line.created_at).in_words())
                            @if !line.phase.at_rest() { div class="muted" { "so far" } }
                        }
                        td role="cell" class="number" data-label="Invocations" { (line.invocations) }
                        td role="cell" class="number" data-label="Commits" { (line.commits) }
                        td role="cell" class="number" data-label="Calls" { (grouped(line.calls)) }
                    }
                }
            }
        }
    }
}

/// What a saga is called; a link needs a word to stand on.
pub fn title(title: &str) -> &str {
    if title.trim().is_empty() { "(untitled)" } else { title }
}

fn first(with_token: bool, address: &str) -> Markup {
    html! {
        section class="first" {
            h2 { "Nothing has been asked for yet" }
            p { "Say what you want done. It gets done, or it is made good; this page tells how:" }
            pre tabindex="0" {
                code {
                    "curl -N " (address) "/api/chat \\\n  -H 'accept: text/event-stream' \\\n"
                    @if with_token {
                        "  -H \"authorization: Bearer $TOKEN\" \\\n"
                    }
                    "  -d '{\"message\": \"Book a table for 4 at Luigi\\u0027s tomorrow at 7pm, \
                     get us a ride there, and text Sam the details\"}'"
                }
            }
            p class="muted" { "Then load this page again." }
        }
    }
}

/// Where the reader reaches us: as configured, or else as they did. It stands in a command that is
/// pasted into a shell, so that only what a host and port are made of is let through.
pub fn our_address(request: &Request, settings: &Settings) -> String {
    if !settings.public_url.is_empty() {
        return settings.public_url.clone();
    }
    let plain = |host: &&str| host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-:[]".contains(&byte));
    let host = request.headers().get(HOST).and_then(|host| host.to_str().ok()).filter(plain);
    format!("http://{}", host.unwrap_or("127.0.0.1:3000"))
}
