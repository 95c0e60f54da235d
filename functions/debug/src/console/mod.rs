//! The console beside the sagas themselves: what waits to be woken, who is waited for, what is not called, what there is
//! of tools, what answers, and who did what. Each is a page for operators; what no other address has is JSON as well.
//! Nothing here changes anything: a page says which request does. What operators do about sagas is in `operate/`; the
//! frame of those pages, with the console's script, is here.

pub mod dependencies;
pub mod frame;
pub mod limits;
pub mod people;
pub mod queue;
pub mod security;
pub mod tools;

#[cfg(test)]
mod tests;

use makegood_edge::core::error::Error;
use makegood_edge::core::guard::{Role, Scope};
use makegood_edge::core::id::SagaId;
use makegood_edge::core::time::Millis;
use makegood_edge::limits::{Class, admit};
use makegood_edge::{Host, Request, Settings};
use maud::{Markup, html};

use crate::figures::{clip, moment};
use crate::list::title;
use crate::query::Query;

/// So many lines of each list on a page; a program may ask for more.
const LINES: u64 = 25;
const USUAL: u64 = 50;
const MOST: u64 = 200;
/// The latest time that the database can hold.
const END: u64 = i64::MAX as u64;
/// Characters of one text of somebody else's.
const LONGEST: usize = 300;
const LONGEST_TITLE: usize = 100;

/// What an operator asks, and by which settings.
///
/// # Errors
/// Where they are none, or come too often, or the query cannot be read.
async fn open<H: Host>(request: &Request, host: &H) -> Result<(Settings, Query), Error> {
    let settings = Settings::read(host)?;
    admit(request, host, &settings, &[Class::Api], Scope::Read).await?.needs(Role::Operator)?;
    Ok((settings, Query::of(request.uri())?))
}

/// How many lines a program asks for.
fn limit(query: &Query) -> Result<u32, Error> {
    Ok(few(query.number("limit", 1, MOST)?.unwrap_or(USUAL)))
}

fn few(number: u64) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

/// The page is to look again by itself.
fn follows(query: &Query) -> bool {
    query.get("follow") == Some("1")
}

/// Whether it does, and how to have it otherwise.
fn following(follow: bool) -> Markup {
    html! {
        p class="muted" {
            @if follow {
                "This page looks again every two seconds. " a href="?" { "Stop" }
            } @else {
                a href="?follow=1" { "Look again every two seconds" }
            }
        }
    }
}

/// The head of a table whose rows are cards on a narrow screen; a column of numbers is named with a `#` in front.
fn head(names: &[&str]) -> Markup {
    html! {
        thead role="rowgroup" {
            tr role="row" {
                @for name in names {
                    @let number = name.strip_prefix('#');
                    th role="columnheader" scope="col" class=[number.map(|_| "number")] { (number.unwrap_or(name)) }
                }
            }
        }
    }
}

/// A word that stands out, whether or not colours are seen.
fn marked(kind: &str, sign: &str, word: &str) -> Markup {
    html! { span class={ "standing " (kind) } { span aria-hidden="true" { (sign) " " } (word) } }
}

/// A saga, by what it is called.
fn saga_of(id: &SagaId, called: &str, owner: &str) -> Markup {
    html! {
        a href={ "/debug/sagas/" (id) } { (clip(title(called), LONGEST_TITLE)) }
        div class="id" { (id) }
        div class="muted" { "of " (owner) }
    }
}

/// For how long, and since when.
fn ago(at: Millis, now: Millis) -> Markup {
    html! {
        (now.since(at).in_words())
        div class="muted" { "since " (moment(at)) }
    }
}
