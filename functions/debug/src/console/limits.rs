//! `/debug/limits`: which breakers are open, how often who may come, and what bounds a saga. Breakers are Redis' to
//! tell; where it is away, the page says so and shows the rest.

use makegood_edge::breakers::{self, Standing};
use makegood_edge::core::error::Error;
use makegood_edge::core::guard::rates::{Class, Limit, Rates};
use makegood_edge::core::time::Millis;
use makegood_edge::host::{Level, json};
use makegood_edge::limits::{Fallback, Mode};
use makegood_edge::serde::Serialize;
use makegood_edge::{Host, Reply, Request, Settings};
use maud::{Markup, html};

use super::{following, follows, head, marked, open};
use crate::figures::{grouped, moment};
use crate::page::{Page, Section, within};

/// Breakers on the page, those first that are not closed; the JSON has all.
const MOST_BREAKERS: usize = 100;

/// How all breakers stand that Redis knows.
#[derive(Serialize)]
#[cfg_attr(
    not(target_arch = "wasm32"),
    derive(makegood_edge::schemars::JsonSchema),
    schemars(crate = "makegood_edge::schemars", rename = "ConsoleBreakers")
)]
#[serde(crate = "makegood_edge::serde")]
pub struct Told {
    /// `false`: the setting `breakers` is `off`, and everything is called.
    pub guarded: bool,
    pub breakers: Vec<Standing>,
}

async fn told<H: Host>(host: &H, settings: &Settings) -> Result<Told, Error> {
    Ok(Told { guarded: !breakers::is_off(settings), breakers: breakers::list(host, settings).await? })
}

/// The breakers, for programs.
pub async fn breakers<H: Host>(request: &Request, host: &H) -> Result<Reply, Error> {
    let (settings, _) = open(request, host).await?;
    Ok(json(200, &told(host, &settings).await?))
}

pub async fn show<H: Host>(request: &Request, host: &H) -> Result<Reply, Error> {
    let (settings, query) = open(request, host).await?;
    let told = told(host, &settings).await;
    if let Err(error) = &told {
        host.log(Level::Warn, &format!("the page of limits has no breakers: {error}"));
    }
    Ok(within(Section::Limits, &page(told.as_ref().ok(), &settings, host.now(), follows(&query))))
}

/// `told`: `None` where Redis is away.
pub fn page(told: Option<&Told>, settings: &Settings, now: Millis, follow: bool) -> Page {
    let body = html! {
        h1 { "Limits" }
        (following(follow))
        section aria-labelledby="breakers" {
            h2 id="breakers" { "Breakers" }
            @match told {
                None => p {
                    (marked("refused", "!", "Not known"))
                    ": Redis, which holds them, does not answer. Each instance goes by its own meanwhile. "
                    a href="/debug/health" { "Health" } " says what answers."
                },
                Some(told) if !told.guarded => p {
                    (marked("lost", "…", "Off"))
                    ": the setting " code { "breakers" } " is " code { "off" } ", and everything is called."
                },
                Some(told) => (list(&told.breakers, now)),
            }
            p class="muted" { a href="/api/debug/breakers" { "The same as JSON" } }
        }
        section aria-labelledby="rates" {
            h2 id="rates" { "Who may come how often" }
            (rates(settings))
        }
        section aria-labelledby="budgets" {
            h2 id="budgets" { "What bounds a saga" }
            p {
                "Its " code { "budget" } ", of calls, money and tokens, and its " code { "deadline_ms" } " stand in the request that "
                "started it. One that comes to need more is made good, and its page says so. How many calls of a tool may be under way "
                "or leave in a span of time its definition says: " a href="/debug/tools" { "Tools" } "."
            }
        }
    };
    Page { title: "Limits".to_owned(), again: follow, body }
}

fn list(all: &[Standing], now: Millis) -> Markup {
    if all.is_empty() {
        return html! {
            p {
                "None is known: no call of a tool has failed since Redis was empty. A breaker opens after three failures in a row, and \
                 what needs it waits instead of calling."
            }
        };
    }
    let (shut, closed): (Vec<_>, Vec<_>) = all.iter().partition(|breaker| breaker.stands != "closed");
    html! {
        p {
            @if shut.is_empty() { (marked("done", "✓", "All are closed")) ": everything is called." } @else {
                (marked("refused", "!", &format!("{} of {} not closed", shut.len(), all.len())))
            }
        }
        table class="cards" role="table" aria-labelledby="breakers" {
            (head(&["Breaker", "Stands", "Tried again", "#Calls", "#Failed", "#Slow"]))
            tbody role="rowgroup" {
                @for breaker in shut.iter().chain(&closed).take(MOST_BREAKERS) {
                    tr role="row" {
                        th role="rowheader" scope="row" { code { (breaker.name) } }
                        td role="cell" data-label="Stands" {
                            (stands(breaker.stands))
                            @if let Some(by) = breaker.by { div class="muted" { "by " (by) } }
                        }
                        td role="cell" data-label="Tried again" { (tried(breaker, now)) }
                        td role="cell" class="number" data-label="Calls" { (grouped(breaker.calls)) }
                        td role="cell" class="number" data-label="Failed" { (grouped(breaker.failed)) }
                        td role="cell" class="number" data-label="Slow" { (grouped(breaker.slow)) }
                    }
                }
            }
        }
        @if all.len() > MOST_BREAKERS { p class="muted" { "And " (all.len() - MOST_BREAKERS) " more: the JSON has all." } }
        p class="muted" {
            "To force one: " code { "makegood breakers open" } ", " code { "close" } " or " code { "reset" } " and its name (docs/BREAKERS.md)."
        }
    }
}

/// How a breaker stands, in a word.
pub fn stands(word: &str) -> Markup {
    match word {
        "closed" => marked("done", "✓", "closed"),
        "open" => marked("refused", "✗", "open"),
        "half_open" => marked("lost", "…", "half open"),
        "forced_open" => marked("refused", "✗", "forced open"),
        "forced_closed" => marked("lost", "!", "forced closed"),
        other => marked("idle", "·", other),
    }
}

fn tried(breaker: &Standing, now: Millis) -> Markup {
    html! {
        @match breaker.until {
            Some(until) if until > now => { "in " (until.since(now).in_words()) div class="muted" { (moment(until)) } },
            Some(_) => { "by the next call" },
            None if breaker.stands == "forced_open" => { "when it is reset" },
            None => { "–" },
        }
    }
}

fn rates(settings: &Settings) -> Markup {
    let Rates { limits, premium, enterprise, throttle_ms, adaptive } = &settings.limits;
    html! {
        @if limits.is_empty() {
            p { (marked("lost", "!", "No limits")) ": the setting " code { "limits" } " is " code { "off" } ", and all are let in." }
        } @else {
            @if settings.limits_mode == Mode::Shadow {
                p { (marked("lost", "!", "Shadow")) ": all are let in, and the log says who would have been refused." }
            }
            table class="cards" role="table" aria-labelledby="rates" {
                (head(&["What", "#Requests", "#At once"]))
                tbody role="rowgroup" {
                    @for limit in limits.iter() { (rate(limit)) }
                }
            }
            p {
                "A user of the tier " code { "premium" } " may " (premium) " times as much, one of " code { "enterprise" } " "
                (enterprise) " times. A burst is held back by up to " (throttle_ms) " ms before it is refused"
                @if let Some(adaptive) = adaptive {
                    ", and by the load all of it is between " (adaptive.min / 10) " % and " (adaptive.max / 10) " %"
                }
                ". While Redis is away, " (fallback(settings.limits_fallback)) "."
            }
        }
        p class="muted" { "As this function is configured: docs/LIMITS.md says what counts as what." }
    }
}

fn rate(limit: &Limit) -> Markup {
    html! {
        tr role="row" {
            th role="rowheader" scope="row" {
                code { (limit.class.name()) }
                div class="muted" { (counted(limit.class)) }
            }
            td role="cell" class="number" data-label="Requests" {
                (grouped(limit.rate.into()))
                @match limit.per_s {
                    1 => " a second",
                    60 => " a minute",
                    3_600 => " an hour",
                    86_400 => " a day",
                    seconds => { " in " (seconds) " s" },
                }
            }
            td role="cell" class="number" data-label="At once" { (grouped(limit.burst.into())) }
        }
    }
}

const fn counted(class: Class) -> &'static str {
    match class {
        Class::Chat => "messages",
        Class::Intent => "messages that are only looked at",
        Class::Execute => "what starts or changes something",
        Class::Api => "what only reads, as this page",
        Class::Webhook => "deliveries of strangers",
        Class::Failed => "who was not let in",
    }
}

const fn fallback(fallback: Fallback) -> &'static str {
    match fallback {
        Fallback::Isolate => "each instance counts for itself",
        Fallback::Open => "all are let in",
        Fallback::Closed => "nobody is let in",
    }
}
