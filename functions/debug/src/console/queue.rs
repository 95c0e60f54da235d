//! `/debug/queue`: what waits to be woken, what the queue may not have been told of, and what came to nothing. It is what
//! the database holds; the queue itself is not asked, for this function does not reach it.

use makegood_edge::core::error::Error;
use makegood_edge::core::time::Millis;
use makegood_edge::gateway::console::{Dead, Kind, Place, Places, Queue, Spot, Subscriber, Waking, Work};
use makegood_edge::serde::Serialize;
use makegood_edge::store::Store;
use makegood_edge::{Host, Reply, Request, host};
use maud::{Markup, html};

use super::{END, LINES, LONGEST, ago, few, following, follows, head, limit, marked, open, saga_of};
use crate::View;
use crate::figures::{clip, grouped, moment};
use crate::page::{Page, Section, within};
use crate::query::{Query, encoded};
use crate::verdict::badge;

/// The sweep comes every minute: what waits for longer than two, nobody wakes.
pub const LATE: Millis = Millis(120_000);
/// So many lines are counted, and no more.
const COUNTED: u64 = 1_000;

/// What waits, and where its lists go on.
#[derive(Serialize)]
#[cfg_attr(
    not(target_arch = "wasm32"),
    derive(makegood_edge::schemars::JsonSchema),
    schemars(crate = "makegood_edge::schemars", rename = "ConsoleQueuePage")
)]
#[serde(crate = "makegood_edge::serde")]
pub struct Told {
    /// What times are compared with.
    pub now: Millis,
    /// For how long the saga waits that should have been woken first.
    pub age: Millis,
    pub queue: Queue,
    /// `after` and `saga` of the next page of sagas; `null` at the end.
    pub next: Option<Place>,
    /// `due` and `work` of the next page of what else is to be done; `null` at the end.
    pub next_work: Option<Spot>,
    /// `before` and `letter` of the next page of dead deliveries; `null` at the end.
    pub next_dead: Option<Spot>,
    /// `changed` and `subscriber` of the next page of subscribers; `null` at the end.
    pub next_subscribers: Option<Spot>,
}

pub async fn show<H: Host>(request: &Request, host: &H, view: View) -> Result<Reply, Error> {
    let (settings, query) = open(request, host).await?;
    let limit = match view {
        View::Json => limit(&query)?,
        View::Page => few(LINES),
    };
    let from = places(&query)?;
    // One more than is shown tells whether there is more.
    let queue = Store::new(host, &settings).queue(&from, limit + 1).await?;
    let told = told(queue, host.now(), limit as usize);
    Ok(match view {
        View::Json => host::json(200, &told),
        View::Page => within(Section::Queue, &page(&told, &from, follows(&query))),
    })
}

/// Where each list begins.
fn places(query: &Query) -> Result<Places, Error> {
    let first = Places::default();
    let spot = |time: &str, mark: &str, first: Spot| -> Result<Spot, Error> {
        let at = query.number(time, 0, END)?;
        let mark = query.get(mark).unwrap_or_default();
        Ok(at.map_or(first, |at| Spot { at: Millis(at), mark: mark.to_owned() }))
    };
    Ok(Places {
        sagas: place(query)?,
        work: spot("due", "work", first.work)?,
        dead: spot("before", "letter", first.dead)?,
        subscribers: spot("changed", "subscriber", first.subscribers)?,
    })
}

/// Where a list of sagas is to go on.
pub fn place(query: &Query) -> Result<Place, Error> {
    let after = query.number("after", 0, END)?.unwrap_or_default();
    Ok(Place { after: Millis(after), saga: query.get("saga").unwrap_or_default().to_owned() })
}

pub fn told(mut queue: Queue, now: Millis, limit: usize) -> Told {
    let next = cut(&mut queue.sagas, limit).map(|last| Place { after: last.wake_at, saga: last.id.to_string() });
    let next_work = cut(&mut queue.waiting, limit).map(|last| Spot { at: last.due_at, mark: last.mark.clone() });
    let dead = cut(&mut queue.dead, limit);
    let next_dead = dead.map(|last| Spot { at: last.received_at, mark: format!("{}/{}", last.source, last.key) });
    let subscribers = cut(&mut queue.subscribers, limit);
    let next_subscribers = subscribers.map(|last| Spot { at: last.updated_at, mark: last.id.clone() });
    let age = queue.oldest.map_or(Millis(0), |oldest| now.since(oldest));
    Told { now, age, queue, next, next_work, next_dead, next_subscribers }
}

/// The last line of a page that is not the last one.
fn cut<T>(lines: &mut Vec<T>, limit: usize) -> Option<&T> {
    let more = lines.len() > limit;
    lines.truncate(limit);
    lines.last().filter(|_| more)
}

/// `from`: where its lists begin.
pub fn page(told: &Told, from: &Places, follow: bool) -> Page {
    let (queue, now, first) = (&told.queue, told.now, Places::default());
    let later = told.next.as_ref().map(|next| format!("?after={}&saga={}", next.after.0, encoded(&next.saga)));
    let later_work = told.next_work.as_ref().map(|next| format!("?due={}&work={}", next.at.0, encoded(&next.mark)));
    let older_dead = told.next_dead.as_ref();
    let older_dead = older_dead.map(|next| format!("?before={}&letter={}", next.at.0, encoded(&next.mark)));
    let older = told.next_subscribers.as_ref();
    let older = older.map(|next| format!("?changed={}&subscriber={}", next.at.0, encoded(&next.mark)));
    let [turned, turned_work] = [from.sagas != first.sagas, from.work != first.work];
    let [turned_dead, turned_subscribers] = [from.dead != first.dead, from.subscribers != first.subscribers];
    let body = html! {
        h1 { "Queue" }
        (verdict(told))
        (following(follow))
        dl class="figures" {
            div { dt { "Queue age" } dd { (told.age.in_words()) } }
            div { dt { "Overdue sagas" } dd { (counted(queue.overdue)) } }
        }
        section aria-labelledby="waking" {
            h2 id="waking" { "Sagas, by when they are woken" }
            @if queue.sagas.is_empty() {
                p {
                    @if turned { "There are no more." } @else {
                        "Nothing waits: every saga has come to rest. One that goes on stands here with the time by which \
                         somebody looks after it."
                    }
                }
            } @else { (sagas(&queue.sagas, now)) }
            (pages("sagas", "#waking", turned, later, "Later"))
        }
        section aria-labelledby="waiting" {
            h2 id="waiting" { "Other work" }
            p class="muted" {
                "Written down, and the queue may not have been told of it: the sweep finds it, whatever became of the message."
            }
            @if queue.waiting.is_empty() { (none(turned_work, "There is none.")) } @else { (work(&queue.waiting, now)) }
            (besides(queue.waiting.len(), queue.waiting_in_all, turned_work, "Later"))
            (pages("other work", "#waiting", turned_work, later_work, "Later"))
        }
        section aria-labelledby="dead" {
            h2 id="dead" { "Dead letters" }
            p class="muted" { "Deliveries of which nothing can come: " code { "makegood webhooks" } " and docs/WEBHOOKS.md say more." }
            @if queue.dead.is_empty() { (none(turned_dead, "There are none.")) } @else { (dead(&queue.dead)) }
            (pages("dead letters", "#dead", turned_dead, older_dead, "Older"))
            (the_queues_own())
        }
        section aria-labelledby="subscribers" {
            h2 id="subscribers" { "Subscribers who take nothing" }
            @if queue.subscribers.is_empty() {
                (none(turned_subscribers, "There are none: what subscribers were brought last, they took."))
            } @else { (subscribers(&queue.subscribers, now)) }
            (besides(queue.subscribers.len(), queue.subscribers_in_all, turned_subscribers, "Older"))
            (pages("subscribers", "#subscribers", turned_subscribers, older, "Older"))
        }
        p class="muted" { a href="/api/debug/queue" { "The same as JSON" } }
    };
    Page { title: "Queue".to_owned(), again: follow, body }
}

/// In the place of a list that has no lines.
fn none(turned: bool, says: &str) -> Markup {
    html! { p { @if turned { "There are no more." } @else { (says) } } }
}

/// How much there is besides what is shown, where that is not all. `word`: what leads on is called so.
fn besides(shown: usize, all: u64, turned: bool, word: &str) -> Markup {
    let more = all.saturating_sub(u64::try_from(shown).unwrap_or(u64::MAX));
    html! {
        @if turned {
            p class="muted" { (counted(all)) " in all, on all pages." }
        } @else if more > 0 {
            p class="muted" {
                "And " (grouped(more)) @if all >= COUNTED { " or more" } " besides: “" (word) "” leads to them."
            }
        }
    }
}

/// What was counted as far as anything is.
fn counted(number: u64) -> Markup {
    html! { (grouped(number)) @if number >= COUNTED { " or more" } }
}

/// What leads to the first page of a list, and to the next one.
fn pages(what: &str, anchor: &str, turned: bool, next: Option<String>, word: &str) -> Markup {
    html! {
        nav aria-label={ "Pages of " (what) } {
            @if turned { a href={ "/debug/queue" (anchor) } { "The first" } }
            @if let Some(next) = next { a rel="next" href={ (next) (anchor) } { (word) } }
        }
    }
}

fn verdict(told: &Told) -> Markup {
    let late = told.age >= LATE;
    html! {
        section class={ "verdict " (if late { "stuck" } else { "completed" }) } aria-label="Whether sagas are woken" {
            @if late {
                p class="cause" { (marked("refused", "!", "Sagas are not woken")) }
                p {
                    "One should have been woken " (told.age.in_words()) " ago, and the sweep has not found it either. Is the queue \
                     reachable, and does its schedule call " code { "POST /api/execute/sweep" } "? " code { "makegood doctor" } " says."
                }
            } @else {
                p { (marked("done", "✓", "Nothing is overdue")) }
            }
        }
    }
}

fn sagas(lines: &[Waking], now: Millis) -> Markup {
    html! {
        table class="cards" role="table" aria-labelledby="waking" {
            (head(&["Saga", "Phase", "Woken", "Last commit", "#Swept", "#Idle wakes"]))
            tbody role="rowgroup" {
                @for line in lines {
                    tr role="row" {
                        th role="rowheader" scope="row" { (saga_of(&line.id, &line.title, &line.owner)) }
                        td role="cell" data-label="Phase" { (badge(line.phase)) }
                        td role="cell" data-label="Woken" { (due(line.wake_at, now)) }
                        td role="cell" data-label="Last commit" { (now.since(line.updated_at).in_words()) " ago" }
                        td role="cell" class="number" data-label="Swept" { (line.sweeps) }
                        td role="cell" class="number" data-label="Idle wakes" { (line.idle_wakes) }
                    }
                }
            }
        }
    }
}

/// When somebody comes, or should have.
fn due(at: Millis, now: Millis) -> Markup {
    html! {
        @if at > now {
            "in " (at.since(now).in_words())
        } @else {
            @let over = now.since(at);
            @let (kind, sign) = if over >= LATE { ("refused", "!") } else { ("lost", "…") };
            (marked(kind, sign, &format!("{} overdue", over.in_words())))
        }
        div class="muted" { (moment(at)) }
    }
}

fn work(lines: &[Work], now: Millis) -> Markup {
    html! {
        table class="cards" role="table" aria-labelledby="waiting" {
            (head(&["What", "Of", "Saga", "Since", "Looked for", "#Tries"]))
            tbody role="rowgroup" {
                @for line in lines {
                    tr role="row" {
                        th role="rowheader" scope="row" { (called(line.what)) div class="id" { (line.name) } }
                        td role="cell" data-label="Of" { (line.owner) }
                        td role="cell" data-label="Saga" {
                            @if let Some(id) = &line.saga { a class="id" href={ "/debug/sagas/" (id) } { (id) } }
                        }
                        td role="cell" data-label="Since" { (ago(line.since, now)) }
                        td role="cell" data-label="Looked for" { (due(line.due_at, now)) }
                        td role="cell" class="number" data-label="Tries" { (line.tries) }
                    }
                }
            }
        }
    }
}

const fn called(what: Kind) -> &'static str {
    match what {
        Kind::Schedule => "A schedule that the queue does not know as it is",
        Kind::Delivery => "A delivery to be acted on",
        Kind::Wish => "What a message asks of a saga",
        Kind::News => "Events for a subscriber",
        Kind::Trace => "A trace to be told",
    }
}

fn dead(lines: &[Dead]) -> Markup {
    html! {
        table class="cards" role="table" aria-labelledby="dead" {
            (head(&["Delivery", "Of", "Came", "Rule", "Saga", "Why"]))
            tbody role="rowgroup" {
                @for line in lines {
                    tr role="row" {
                        th role="rowheader" scope="row" {
                            (line.source) @if let Some(kind) = &line.kind { " " (clip(kind, LONGEST)) }
                            div class="id" { (clip(line.id.as_ref().unwrap_or(&line.key), LONGEST)) }
                        }
                        td role="cell" data-label="Of" { (line.owner) }
                        td role="cell" data-label="Came" { (moment(line.received_at)) }
                        td role="cell" data-label="Rule" { @if let Some(rule) = &line.rule { code { (rule) } } }
                        td role="cell" data-label="Saga" {
                            @if let Some(id) = &line.saga { a class="id" href={ "/debug/sagas/" (id) } { (id) } }
                        }
                        td role="cell" data-label="Why" {
                            (marked("refused", "✗", "dead"))
                            @if let Some(why) = &line.why { div { (clip(why, LONGEST)) } }
                        }
                    }
                }
            }
        }
    }
}

/// The queue keeps messages that it could not deliver, and this function does not reach it.
fn the_queues_own() -> Markup {
    html! {
        p {
            "Messages that the queue itself has given up are kept by it, and not shown here. Nothing is lost with them: what \
             one was to wake, the sweep wakes. To list them:"
        }
        pre tabindex="0" { code { "curl -H \"authorization: Bearer $QSTASH_TOKEN\" \"$QSTASH_URL/v2/dlq\"" } }
    }
}

fn subscribers(lines: &[Subscriber], now: Millis) -> Markup {
    html! {
        table class="cards" role="table" aria-labelledby="subscribers" {
            (head(&["Subscriber", "Of", "Standing", "Since", "#Sagas behind", "Why"]))
            tbody role="rowgroup" {
                @for line in lines {
                    tr role="row" {
                        th role="rowheader" scope="row" {
                            @if line.url.is_empty() { (line.kind) } @else { (clip(&line.url, LONGEST)) }
                            div class="id" { (line.id) }
                        }
                        td role="cell" data-label="Of" { (line.owner) }
                        td role="cell" data-label="Standing" { (stands(line, now)) }
                        td role="cell" data-label="Since" { (ago(line.failing_since.unwrap_or(line.updated_at), now)) }
                        td role="cell" class="number" data-label="Sagas behind" {
                            (counted(line.behind))
                        }
                        td role="cell" data-label="Why" { @if let Some(why) = &line.why { (clip(why, LONGEST)) } }
                    }
                }
            }
        }
    }
}

fn stands(line: &Subscriber, now: Millis) -> Markup {
    html! {
        @if line.state == "disabled" {
            (marked("refused", "✗", "given up"))
            div class="muted" { "to have it go on: " code { "POST /api/subscriptions/" (line.id) "/enable" } }
        } @else {
            (marked("lost", "…", "tried again"))
            @if let Some(until) = line.shut_until.filter(|until| *until > now) {
                div class="muted" { "in " (until.since(now).in_words()) }
            }
        }
    }
}
