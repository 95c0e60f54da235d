//! The list of sagas. Where there are none yet, it says how the first one is made.

use makegood_edge::core::time::Millis;
use makegood_edge::gateway::views::{Line, State};
use makegood_edge::http::header::HOST;
use makegood_edge::{Request, Settings};
use maud::{Markup, html};

use crate::figures::{clip, count, grouped, moment};
use crate::operate::{bulk, door, filter, news};
use crate::page::Page;
use crate::sagas::{Asked, Listing};
use crate::verdict::badge;

/// Characters of the steps' names that a need is about.
const LONGEST_ABOUT: usize = 60;

/// `with_token`: the reader came with one, and so will the first request.
pub fn list(listing: &Listing, asked: &Asked, with_token: bool, address: &str) -> Page {
    let body = html! {
        h1 { "Sagas" }
        (filter::views(asked))
        (filter::form(asked))
        p class="muted" { (filter::told(asked)) }
        (news())
        @if !listing.sagas.is_empty() {
            (bulk::bar())
            (table(&listing.sagas, asked.owner.is_none(), asked.now))
        } @else if listing.partly {
            p { "There are none among the newest that were looked at." }
        } @else if asked.before.is_some() {
            p { "There are no older ones." }
        } @else if asked.is_narrow() {
            (none(asked))
        } @else {
            (first(with_token, address))
        }
        @if listing.partly {
            p class="muted" {
                "A text, or when something changed, no index knows: the newest 10 000 of these sagas were looked at. "
                "“Older” looks at those before."
            }
        }
        nav aria-label="Pages" {
            @if asked.before.is_some() {
                a href=(filter::address(asked, None)) { "Newest" }
            }
            @if let Some(before) = listing.next_before {
                a rel="next" href=(filter::address(asked, Some((before, listing.next_saga.as_ref())))) { "Older" }
            }
        }
        (door())
    };
    Page { title: "Sagas".to_owned(), again: false, body }
}

/// Where there is none of those that were asked for.
fn none(asked: &Asked) -> Markup {
    html! {
        section class="first" {
            h2 { "There are none." }
            @if asked.state == Some(State::Person) {
                p { "No saga needs a person. One that comes to is here at once where it is stuck, and within a minute where it goes on." }
            } @else {
                p { "No saga is like that. Leave something out above, or look at " a href="/debug/sagas" { "all of them" } "." }
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
                            (bulk::pick(line))
                            a href={ "/debug/sagas/" (line.id) } { (title(&line.title)) }
                            div class="id" { (line.id) }
                            @if of_everybody { div class="muted" { "of " (line.owner) } }
                        }
                        td role="cell" data-label="Phase" {
                            (badge(line.phase))
                            @if let Some(needs) = &line.needs { (need(needs, line.about.as_deref())) }
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

/// What a saga needs a person for, in the words of alerts, and the steps that this is about.
fn need(why: &str, about: Option<&str>) -> Markup {
    html! {
        div class="need" {
            span aria-hidden="true" { "! " } (why)
            @if let Some(about) = about { ": " (clip(about, LONGEST_ABOUT)) }
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
            p { "Or say it on " a href="/" { "the page of the agent" } ", or have a plan of your own carried out: "
                code { "POST /api/execute" } "." }
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
