//! `/debug/tools`: what there is of tools, what each may do, and how its calls went. Of those of MCP servers, whether
//! what the server says now was approved.

use makegood_edge::breakers;
use makegood_edge::core::error::Error;
use makegood_edge::core::guard::breaker::name;
use makegood_edge::core::time::Millis;
use makegood_edge::core::tool::{Class, Per};
use makegood_edge::gateway::console::Tool;
use makegood_edge::host::Level;
use makegood_edge::store::Store;
use makegood_edge::{Host, Reply, Request};
use maud::{Markup, html};

use super::limits::stands;
use super::{LINES, LONGEST, few, head, marked, open};
use crate::figures::{clip, grouped, moment};
use crate::models::first_day;
use crate::page::{Page, Section, within};
use crate::query::encoded;
use crate::steps::class;

/// What is asked for, and what is known of it.
pub struct Told {
    pub tools: Vec<Tool>,
    /// There are more, after the last of these.
    pub more: bool,
    /// How the breakers stand that are known, by name; `None` where Redis is away.
    pub breakers: Option<Vec<breakers::Standing>>,
    /// Calls count from that day on.
    pub since: Millis,
    /// It is not the first page.
    pub turned: bool,
}

pub async fn show<H: Host>(request: &Request, host: &H) -> Result<Reply, Error> {
    let (settings, query) = open(request, host).await?;
    let since = first_day(&query, host.now())?;
    let after = query.get("after").unwrap_or_default();
    // One more than is shown tells whether there is more.
    let mut tools = Store::new(host, &settings).tool_lines(after, since, few(LINES) + 1).await?;
    let more = tools.len() > LINES as usize;
    tools.truncate(LINES as usize);
    let breakers = breakers::list(host, &settings).await;
    if let Err(error) = &breakers {
        host.log(Level::Warn, &format!("the page of tools has no breakers: {error}"));
    }
    let told = Told { tools, more, breakers: breakers.ok(), since, turned: !after.is_empty() };
    Ok(within(Section::Tools, &page(&told)))
}

pub fn page(told: &Told) -> Page {
    let body = html! {
        h1 { "Tools" }
        p class="muted" { "In the order of their names, with what became of their calls since " (moment(told.since)) "." }
        @if told.tools.is_empty() {
            @if told.turned { p { "There are no more." } } @else { (none()) }
        } @else { (table(told)) }
        nav aria-label="Pages" {
            @if told.turned { a href="/debug/tools" { "The first" } }
            @if let Some(last) = told.tools.last().filter(|_| told.more) {
                a rel="next" href={ "?after=" (encoded(&last.name)) } { "Next" }
            }
        }
        p class="muted" { a href="/api/debug/counts?owner=*" { "The counts as JSON" } }
    };
    Page { title: "Tools".to_owned(), again: false, body }
}

fn none() -> Markup {
    html! {
        p { "None is registered, and no plan can be made. Describe one, and have it registered:" }
        pre tabindex="0" { code { "makegood tools add tool.json" } }
        p class="muted" { "docs/TOOLS.md says what stands in it, and how its partner is tried out before." }
    }
}

fn table(told: &Told) -> Markup {
    html! {
        table class="cards" role="table" {
            caption class="unseen" { "Tools" }
            (head(&["Tool", "Standing", "Class", "Bounds", "Breaker", "#Calls", "#Failed", "#Mean"]))
            tbody role="rowgroup" {
                @for tool in &told.tools {
                    tr role="row" {
                        th role="rowheader" scope="row" {
                            code { (tool.name) }
                            div class="muted" { (clip(&tool.title, LONGEST)) }
                            div class="id" { "version " (clip(&tool.version, LONGEST)) }
                        }
                        td role="cell" data-label="Standing" { (standing(tool)) }
                        td role="cell" data-label="Class" {
                            (class(tool.class))
                            div class="muted" { (undo(tool.class)) @if tool.approval { "; asks a person first" } }
                        }
                        td role="cell" data-label="Bounds" { (bounds(tool)) }
                        td role="cell" data-label="Breaker" { (breaker(tool, told)) }
                        td role="cell" class="number" data-label="Calls" { (grouped(tool.calls)) }
                        td role="cell" class="number" data-label="Failed" {
                            (grouped(tool.no_answer))
                            div class="muted" { (grouped(tool.refused_calls)) " refused" }
                        }
                        td role="cell" class="number" data-label="Mean" {
                            @match tool.took.0.checked_div(tool.calls) {
                                Some(mean) => (Millis(mean).in_words()),
                                None => "–",
                            }
                        }
                    }
                }
            }
        }
    }
}

/// Whether it can be planned with; of a server's tool, whether it still is what was approved.
fn standing(tool: &Tool) -> Markup {
    html! {
        @if tool.current { (marked("done", "✓", "in use")) } @else if tool.server.is_some() && !is_removed(tool) {
            (marked("refused", "!", "waits for approval"))
        } @else { (marked("idle", "·", "out of use")) }
        @if let Some(why) = tool.refused.as_ref().filter(|_| !tool.current && !is_removed(tool)) {
            div { (clip(why, LONGEST)) }
            div class="muted" { "If it is as it should be: " code { "makegood tools add" } }
        }
        @if let Some(server) = &tool.server {
            div class="muted" {
                "of the MCP server " code { (clip(server, LONGEST)) }
                @if let Some(at) = tool.looked_at { ", which said the same at " (moment(at)) }
            }
        }
    }
}

/// Somebody has taken it out of use by hand.
fn is_removed(tool: &Tool) -> bool {
    tool.refused.as_deref().is_none_or(|why| why == "removed")
}

const fn undo(class: Class) -> &'static str {
    match class {
        Class::Query => "changes nothing",
        Class::Compensatable => "can be undone",
        Class::Pivot | Class::Retriable => "cannot be undone",
    }
}

fn bounds(tool: &Tool) -> Markup {
    html! {
        div { (tool.timeout_ms.in_words()) " a call" }
        @for limit in &tool.concurrency {
            div { (limit.limit) " at once" @if limit.per == Per::User { " for a user" } }
        }
        @if let Some(rate) = &tool.rate { div { (rate.calls) " in " (rate.per_ms.in_words()) } }
    }
}

fn breaker(tool: &Tool, told: &Told) -> Markup {
    let Some(known) = &told.breakers else {
        return marked("lost", "…", "not known");
    };
    let name = name(&tool.name, tool.server.as_deref());
    let found = known.iter().find(|breaker| breaker.name == name);
    stands(found.map_or("closed", |breaker| breaker.stands))
}
