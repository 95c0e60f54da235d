//! `/debug/approvals`: what waits for somebody's decision, and what needs a person to go on. Nothing is decided here:
//! the page of the saga says by which request that is done.

use makegood_edge::core::error::Error;
use makegood_edge::core::guard::role::APPROVERS;
use makegood_edge::core::time::Millis;
use makegood_edge::gateway::console::{Asking, Standing};
use makegood_edge::serde::Serialize;
use makegood_edge::serde_json::to_string_pretty;
use makegood_edge::store::Store;
use makegood_edge::{Host, Reply, Request, host};
use maud::{Markup, html};

use super::queue::place;
use super::{LINES, LONGEST, LONGEST_TITLE, ago, few, following, follows, head, limit, marked, open};
use crate::View;
use crate::figures::{clip, moment};
use crate::list::title;
use crate::page::{Page, Section, within};
use crate::query::encoded;
use crate::steps::{class, op};

/// Characters of the parameters of one step.
const LONGEST_PARAMS: usize = 400;

/// Who is waited for, and where the list goes on.
#[derive(Serialize)]
#[cfg_attr(
    not(target_arch = "wasm32"),
    derive(makegood_edge::schemars::JsonSchema),
    schemars(crate = "makegood_edge::schemars", rename = "ConsolePeople")
)]
#[serde(crate = "makegood_edge::serde")]
pub struct Told {
    /// What times are compared with.
    pub now: Millis,
    /// Those first that changed longest ago.
    pub steps: Vec<Asking>,
    /// `after`, `saga` and `node` of the next page; `null` at the end.
    pub next: Option<Next>,
}

/// The last step of a page.
#[derive(Serialize)]
#[cfg_attr(
    not(target_arch = "wasm32"),
    derive(makegood_edge::schemars::JsonSchema),
    schemars(crate = "makegood_edge::schemars", rename = "ConsolePeopleNext")
)]
#[serde(crate = "makegood_edge::serde")]
pub struct Next {
    pub after: Millis,
    pub saga: String,
    pub node: u32,
}

pub async fn show<H: Host>(request: &Request, host: &H, view: View) -> Result<Reply, Error> {
    let (settings, query) = open(request, host).await?;
    let limit = match view {
        View::Json => limit(&query)?,
        View::Page => few(LINES),
    };
    let from = place(&query)?;
    let node = query.number("node", 0, u64::from(u16::MAX))?;
    let node = node.and_then(|node| i64::try_from(node).ok()).unwrap_or(-1);
    // One more than is shown tells whether there is more.
    let steps = Store::new(host, &settings).people(&from, node, limit + 1).await?;
    let told = told(steps, host.now(), limit as usize);
    Ok(match view {
        View::Json => host::json(200, &told),
        View::Page => within(Section::Approvals, &page(&told, from.after > Millis(0), follows(&query))),
    })
}

pub fn told(mut steps: Vec<Asking>, now: Millis, limit: usize) -> Told {
    let more = steps.len() > limit;
    steps.truncate(limit);
    let last = steps.last().filter(|_| more);
    let next = last.map(|last| Next { after: last.changed_at, saga: last.saga.to_string(), node: last.node });
    Told { now, steps, next }
}

/// `turned`: it is not the first page.
pub fn page(told: &Told, turned: bool, follow: bool) -> Page {
    let of = |standing: Standing| told.steps.iter().filter(move |step| step.standing == standing).collect::<Vec<_>>();
    let (asking, held) = (of(Standing::Asking), of(Standing::Held));
    let none = if turned { "There are none on this page." } else { "There are none." };
    let body = html! {
        h1 { "Approvals" }
        p class="muted" { "What waits for a person; what changed longest ago comes first." }
        (following(follow))
        section aria-labelledby="asking" {
            h2 id="asking" { "Waiting for a decision" }
            @if asking.is_empty() {
                p { (none) " A plan asks with " code { "\"approval\": {\"by\": [\"ann\"]}" } " at a step, a tool for all steps that call it." }
            } @else { (decisions(&asking, told.now)) }
        }
        section aria-labelledby="held" {
            h2 id="held" { "Needing a person" }
            @if held.is_empty() {
                p { (none) " A step stands here that can go neither forward nor back by itself." }
            } @else { (helds(&held, told.now)) }
        }
        nav aria-label="Pages" {
            @if turned { a href="/debug/approvals" { "The first" } }
            @if let Some(next) = &told.next {
                a rel="next" href={ "?after=" (next.after.0) "&saga=" (encoded(&next.saga)) "&node=" (next.node) } { "Later" }
            }
        }
        p class="muted" { a href="/api/debug/approvals" { "The same as JSON" } }
    };
    Page { title: "Approvals".to_owned(), again: follow, body }
}

fn name(step: &Asking) -> Markup {
    html! {
        a href={ "/debug/sagas/" (step.saga) "#step-" (step.node) } { code { (step.step) } }
        div class="muted" { (clip(title(&step.title), LONGEST_TITLE)) ", of " (step.owner) }
        div class="id" { (step.saga) }
    }
}

fn decisions(steps: &[&Asking], now: Millis) -> Markup {
    html! {
        table class="cards" role="table" aria-labelledby="asking" {
            (head(&["Step", "What would be done", "Asked", "Until", "Who decides"]))
            tbody role="rowgroup" {
                @for step in steps {
                    tr role="row" {
                        th role="rowheader" scope="row" { (name(step)) }
                        td role="cell" data-label="What" {
                            code { (step.tool) } " (" (class(step.class)) ")"
                            details {
                                summary { "With what" span class="unseen" { ": " (step.step) } }
                                @let params = to_string_pretty(&step.params).unwrap_or_default();
                                pre tabindex="0" { code { (clip(&params, LONGEST_PARAMS)) } }
                            }
                        }
                        td role="cell" data-label="Asked" { (ago(step.since, now)) }
                        td role="cell" data-label="Until" { (until(step, now)) }
                        td role="cell" data-label="Who decides" { (who(step)) }
                    }
                }
            }
        }
    }
}

fn until(step: &Asking, now: Millis) -> Markup {
    html! {
        @match step.until {
            Some(until) if until > now => {
                "another " (until.since(now).in_words())
                div class="muted" { (moment(until)) }
            },
            Some(until) => {
                (marked("lost", "…", "over"))
                div class="muted" { (moment(until)) }
            },
            None => { "–" },
        }
    }
}

/// Who may decide, and how far they are.
fn who(step: &Asking) -> Markup {
    let Some(asked) = &step.approval else {
        return html! { (step.owner) };
    };
    html! {
        @if asked.by.is_empty() { (step.owner) }
        @for (place, name) in asked.by.iter().take(8).enumerate() {
            @if place > 0 { ", " }
            @if name == APPROVERS { "whoever is an approver" } @else { (clip(name, LONGEST_TITLE)) }
        }
        @if asked.by.len() > 8 { " and " (asked.by.len() - 8) " more" }
        div class="muted" {
            (step.agreed.len()) " of " (asked.quorum) " agreed"
            @for (place, name) in step.agreed.iter().take(8).enumerate() {
                @if place == 0 { ": " } @else { ", " }
                (clip(name, LONGEST_TITLE))
            }
        }
        @if !asked.question.is_empty() { div { "“" (clip(&asked.question, LONGEST)) "”" } }
    }
}

fn helds(steps: &[&Asking], now: Millis) -> Markup {
    html! {
        table class="cards" role="table" aria-labelledby="held" {
            (head(&["Step", "Tool", "Held", "Said", "What to do"]))
            tbody role="rowgroup" {
                @for step in steps {
                    tr role="row" {
                        th role="rowheader" scope="row" { (name(step)) }
                        td role="cell" data-label="Tool" {
                            code { (step.tool) } @if let Some(asked) = step.op { ", its " (op(asked)) }
                        }
                        td role="cell" data-label="Held" { (marked("refused", "!", "needs a person")) div { (ago(step.since, now)) } }
                        td role="cell" data-label="Said" {
                            @if let Some(code) = &step.code { code { (code) } " " }
                            @if let Some(detail) = &step.detail { (clip(detail, LONGEST)) }
                        }
                        td role="cell" data-label="What to do" {
                            "Look at what its partner has, then do what its page offers: "
                            a href={ "/debug/sagas/" (step.saga) "#deeds" } { "What you can do" }
                        }
                    }
                }
            }
        }
    }
}
