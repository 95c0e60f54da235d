//! `/debug/security`: who did what, and what somebody was not let do: the audit log, the newest first. Who was not let in
//! at a door stands in the log of the function whose door it was, for nobody knows who that is.

use makegood_edge::core::error::Error;
use makegood_edge::gateway::audit;
use makegood_edge::store::Store;
use makegood_edge::{Host, Reply, Request};
use maud::{Markup, html};

use super::{END, LONGEST, following, follows, head, open};
use crate::figures::{clip, grouped, moment};
use crate::page::{Page, Section, within};

/// Rows of one page.
const ROWS: u32 = 50;

pub async fn show<H: Host>(request: &Request, host: &H) -> Result<Reply, Error> {
    let (settings, query) = open(request, host).await?;
    let before = query.number("before", 0, END)?;
    let log = Store::new(host, &settings).audit(before.unwrap_or(END), ROWS).await?;
    Ok(within(Section::Security, &page(&log, before.is_some(), follows(&query))))
}

/// `turned`: it is not the first page.
pub fn page(log: &audit::Page, turned: bool, follow: bool) -> Page {
    // Rows are numbered from 1, without gaps.
    let before = log.entries.last().map(|last| last.seq).filter(|seq| *seq > 1);
    let body = html! {
        h1 { "Security" }
        p class="muted" { "Who did what, and what somebody was not let do, the newest first." }
        (following(follow))
        @if log.entries.is_empty() {
            p { @if turned { "There are no older ones." } @else { "Nobody has done anything yet that is written down here." } }
        } @else { (table(&log.entries)) }
        nav aria-label="Pages" {
            @if turned { a href="/debug/security" { "Newest" } }
            @if let Some(before) = before { a rel="next" href={ "?before=" (before) } { "Older" } }
        }
        @if let Some(head) = &log.head {
            p class="muted" {
                "Each of the " (grouped(head.seq)) " rows holds the hash of the one before. To have the chain checked: "
                code { "makegood audit verify" } " (docs/AUDIT.md)."
            }
        }
        p class="muted" {
            "Who was not let in at a door, and who came too often, stands in the functions' logs. "
            a href="/api/audit" { "The same as JSON" }
        }
    };
    Page { title: "Security".to_owned(), again: follow, body }
}

fn table(entries: &[audit::Entry]) -> Markup {
    html! {
        table class="cards" role="table" {
            caption class="unseen" { "Rows of the audit log" }
            (head(&["What", "Who", "To what", "When", "From", "What came of it"]))
            tbody role="rowgroup" {
                @for entry in entries {
                    tr role="row" {
                        th role="rowheader" scope="row" { code { (entry.verb) } div class="id" { "row " (entry.seq) } }
                        td role="cell" data-label="Who" { (clip(&entry.who, LONGEST)) }
                        td role="cell" data-label="To what" { (target(&entry.target)) }
                        td role="cell" data-label="When" { (moment(entry.at)) }
                        td role="cell" data-label="From" { (entry.origin) }
                        td role="cell" data-label="Came of it" { (outcome(&entry.outcome)) }
                    }
                }
            }
        }
    }
}

/// A saga is led to; of its step nothing but the name is known.
fn target(target: &str) -> Markup {
    let (saga, step) = target.split_once('/').map_or((target, None), |(saga, step)| (saga, Some(step)));
    html! {
        @if saga.starts_with("sg_") {
            a class="id" href={ "/debug/sagas/" (saga) } { (saga) }
            @if let Some(step) = step { " " code { (clip(step, LONGEST)) } }
        } @else { span class="id" { (clip(target, LONGEST)) } }
    }
}

fn outcome(outcome: &str) -> Markup {
    let (kind, sign) = match outcome {
        refused if refused.starts_with("refused") => ("refused", "✗"),
        "ok" => ("done", "✓"),
        _ => ("idle", "·"),
    };
    html! { span class=(kind) { span aria-hidden="true" { (sign) " " } (clip(outcome, LONGEST)) } }
}
