//! `/debug/health`: what this function depends on, each asked now; what the database was brought to, and how large it
//! is. What it does not reach it says so of.

use makegood_edge::core::error::{Code, Error};
use makegood_edge::core::time::Millis;
use makegood_edge::dependencies::{Answered, issuer, redis};
use makegood_edge::futures_util::future::{Either, select};
use makegood_edge::gateway::console::Sizes;
use makegood_edge::host::Level;
use makegood_edge::store::Store;
use makegood_edge::{Host, Reply, Request, Settings};
use maud::{Markup, html};

use super::queue::LATE;
use super::{following, follows, head, marked, open};
use crate::figures::{bytes, grouped, moment};
use crate::page::{Page, Section, within};

/// A database that takes longer is as good as none.
const PATIENCE: Millis = Millis(2_000);
/// What takes longer than this is felt.
const SLOW: Millis = Millis(500);

/// What was found.
pub struct Told {
    pub now: Millis,
    pub region: String,
    pub database: Answered,
    /// `None` where it does not answer.
    pub sizes: Option<Sizes>,
    pub redis: Answered,
    /// `None` where no issuer is configured.
    pub issuer: Option<Answered>,
}

pub async fn show<H: Host>(request: &Request, host: &H) -> Result<Reply, Error> {
    let (settings, query) = open(request, host).await?;
    let asked = host.now();
    let sizes = sizes(host, &settings).await;
    let database = Answered { ok: sizes.is_ok(), took: host.now().since(asked) };
    if let Err(error) = &sizes {
        host.log(Level::Error, &format!("the page of health: {error}"));
    }
    let told = Told {
        now: host.now(),
        region: host.config("region").unwrap_or_default(),
        database,
        sizes: sizes.ok(),
        redis: redis(host, &settings).await,
        issuer: issuer(host, &settings).await,
    };
    Ok(within(Section::Health, &page(&told, follows(&query))))
}

async fn sizes<H: Host>(host: &H, settings: &Settings) -> Result<Sizes, Error> {
    let store = Store::new(host, settings);
    let sizes = Box::pin(store.sizes());
    match select(sizes, Box::pin(host.sleep(PATIENCE))).await {
        Either::Left((answer, _)) => answer,
        Either::Right(((), _)) => Err(Error::new(Code::Unavailable, format!("No answer within {PATIENCE}."))),
    }
}

pub fn page(told: &Told, follow: bool) -> Page {
    let body = html! {
        h1 { "Health" }
        p class="muted" {
            "Asked now, by version " (env!("CARGO_PKG_VERSION"))
            @if !told.region.is_empty() { " in " (told.region) } "."
        }
        (following(follow))
        section aria-labelledby="dependencies" {
            h2 id="dependencies" { "What it depends on" }
            table class="cards" role="table" aria-labelledby="dependencies" {
                (head(&["What", "Answers", "#Took", "What it is for"]))
                tbody role="rowgroup" {
                    (row("Database", Some(&told.database), "The journal: without it nothing starts and nothing goes on."))
                    (row("Redis", Some(&told.redis), "Leases, limits, breakers and copies: without it all goes on, each instance for itself."))
                    (row("Issuer of tokens", told.issuer.as_ref(), "Its keys are kept for an hour: after that nobody is let in who has no API key."))
                    (woken(told))
                }
            }
            p {
                "The queue, tools, models and MCP servers are not reached from here. To ask all of them, and for what to do about those \
                 that do not answer:"
            }
            pre tabindex="0" { code { "makegood doctor" } }
        }
        section aria-labelledby="sizes" {
            h2 id="sizes" { "The database" }
            @match &told.sizes {
                Some(sizes) => (size(sizes)),
                None => p { "It does not answer. Why not stands in this function's log; " code { "makegood doctor" } " tries its address and its password." },
            }
        }
        p class="muted" { a href="/api/debug/health" { "In short, as JSON, for anyone" } }
    };
    Page { title: "Health".to_owned(), again: follow, body }
}

fn row(name: &str, answered: Option<&Answered>, purpose: &str) -> Markup {
    html! {
        tr role="row" {
            th role="rowheader" scope="row" { (name) }
            td role="cell" data-label="Answers" {
                @match answered {
                    None => (marked("idle", "·", "none is configured")),
                    Some(one) if !one.ok => (marked("refused", "✗", "does not answer")),
                    Some(one) if one.took > SLOW => (marked("lost", "…", "slowly")),
                    Some(_) => (marked("done", "✓", "well")),
                }
            }
            td role="cell" class="number" data-label="Took" { @if let Some(one) = answered { (one.took.in_words()) } }
            td role="cell" data-label="For" { (purpose) }
        }
    }
}

/// Of the queue and the sweep the database tells what became of them: whether sagas are woken.
fn woken(told: &Told) -> Markup {
    let Some(sizes) = &told.sizes else { return html! {} };
    let age = sizes.oldest.map_or(Millis(0), |oldest| told.now.since(oldest));
    html! {
        tr role="row" {
            th role="rowheader" scope="row" { "Queue and sweep" }
            td role="cell" data-label="Answers" {
                @if age >= LATE { (marked("refused", "!", "nobody is woken")) } @else { (marked("done", "✓", "nothing is overdue")) }
            }
            td role="cell" class="number" data-label="Took" {}
            td role="cell" data-label="For" {
                "By the age of the queue: " (age.in_words()) ". " a href="/debug/queue" { "What waits" }
            }
        }
    }
}

fn size(sizes: &Sizes) -> Markup {
    html! {
        dl class="figures" {
            div { dt { "Postgres" } dd { (sizes.server.split(' ').next().unwrap_or_default()) } }
            div { dt { "Brought to" } dd { @if let Some(last) = &sizes.migration { code { (last) } } @else { "no migration" } } }
            div { dt { "All of it" } dd { (bytes(sizes.bytes)) } }
            @if let Some(oldest) = sizes.oldest { div { dt { "Next wake" } dd { (moment(oldest)) } } }
        }
        p class="muted" { code { "makegood doctor" } " says whether this is what the code wants." }
        table class="cards" role="table" aria-labelledby="sizes" {
            (head(&["Table", "#Lines, estimated", "#With indexes"]))
            tbody role="rowgroup" {
                @for table in &sizes.tables {
                    tr role="row" {
                        th role="rowheader" scope="row" { code { (table.name) } }
                        td role="cell" class="number" data-label="Lines" { (grouped(table.lines)) }
                        td role="cell" class="number" data-label="Size" { (bytes(table.bytes)) }
                    }
                }
            }
        }
    }
}
