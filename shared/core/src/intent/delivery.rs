//! Something ordered, and brought.

use serde_json::json;

use super::Kind;
use super::draft::{Draft, listed, said};
use super::times;
use super::work::{Spot, Work};
use crate::civil::DateTime;

use super::numbers::number;
use super::places::{self, Place};
use super::slot::Slot;
use super::times::Habit;
use super::tokens::Form;
use super::when::When;
use super::words::Words;

#[derive(Clone, Debug)]
pub(super) struct Delivery {
    pub vendor: Option<Place>,
    pub items: Slot<Vec<Item>>,
    pub address: Option<Place>,
    pub when: When,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Item {
    /// As it was said: `pizzas`.
    pub name: String,
    pub quantity: u32,
}

/// The things stand `from` a word on: behind the verb, where there is one.
pub(super) fn read(words: &mut Words, now: DateTime, from: usize) -> Delivery {
    let when = When::read(words, now, Habit::Delivery);
    let (vendor, from) = match sender(words) {
        Some((vendor, from)) => (Some(vendor), from),
        None => (vendor(words), from),
    };
    let address = places::after(words, &["to"])
        .or_else(|| places::after(words, &["at"]))
        .or_else(|| words.has(&["home", "here"]).then_some(Place::Home));
    if words.is(1, &["me", "us"]) {
        words.take(1..2);
    }
    let items = items(words, from);
    Delivery { vendor, items, address, when }
}

/// `have Bloom deliver roses`: who brings it, and where the things begin.
fn sender(words: &mut Words) -> Option<(Place, usize)> {
    if !words.is(0, &["have", "get"]) || !words.is_capital(1) {
        return None;
    }
    let verb = (2..words.len().min(6)).find(|at| words.is(*at, &["deliver", "bring", "send"]))?;
    let name = places::restaurant(words, 1).map_or_else(|| words.text(1..verb).to_owned(), |(name, _)| name.to_owned());
    words.take(1..verb + 1);
    Some((Place::Named(name), verb + 1))
}

fn vendor(words: &mut Words) -> Option<Place> {
    let at = words.find(&["from"])?;
    if let Some((name, length)) = places::restaurant(words, at + 1) {
        words.take(at..at + 1 + length);
        return Some(Place::Named(name.to_owned()));
    }
    if words.is(at + 1, &["there", "them", "it"]) {
        words.take(at..at + 2);
        return Some(Place::There);
    }
    let article = usize::from(words.is(at + 1, &["the", "a"]));
    if article == 1 && words.is(at + 2, &["place", "restaurant", "shop", "one", "same"]) {
        return None;
    }
    // `from Nonna's two pizzas`: a count begins the items.
    let count = (at + 2 + article..words.len()).find(|at| number(words, *at).is_some());
    let range = words.name(at + 1, &["tonight", "tomorrow", "today", "delivered"]);
    let end = count.map_or(range.end, |count| range.end.min(count));
    let name = words.phrase_text(at + 1..end)?;
    words.take(at..end);
    Some(Place::Named(name))
}

/// The things to be brought, from a place on, each a plain noun with its quantity; takes them.
pub(super) fn items(words: &mut Words, from: usize) -> Slot<Vec<Item>> {
    let skipped = ["please", "me", "us", "some", "delivered", "deliver", "delivery", "it", "also", "brought", "then"];
    let ends = ["delivered", "also", "please", "plus", "here", "home", "brought", "sent"];
    let mut items = Vec::new();
    // `send Anna a dozen roses`: for whom they are was not understood, and stays.
    let whom = words.is_capital(from) && (number(words, from + 1).is_some() || words.is(from + 1, &["a", "an"]));
    let mut at = from + usize::from(whom);
    // An item stands at the beginning, or behind a comma or `and`.
    let (mut expected, mut bare) = (true, true);
    while at < words.len() {
        if words.is(at, &["and", ",", "&", "plus"]) {
            // `to 5 Elm Street, third floor` is no thing.
            bare = words.at(at) != "," || at == 0 || words.is_free(at - 1);
            expected = true;
            at += 1;
            continue;
        }
        if !expected || !words.is_free(at) || words.is(at, &skipped) || words.is_mark(at) {
            at += 1;
            continue;
        }
        let (quantity, length) = match number(words, at) {
            Some(counted) => counted,
            None => (1, usize::from(words.is(at, &["a", "an", "the"]))),
        };
        let start = at + length + usize::from(length > 0 && words.is(at + length, &["of"]));
        let range = words.phrase(start, &[&ends[..], &["without"]].concat());
        // `bouquet of roses` is one thing, and so is `pizzas with olives`.
        let of = words.is(range.end, &["of"]).then(|| words.phrase(range.end + 1, &ends).end);
        let range = range.start..of.unwrap_or(range.end);
        let with = words.is(range.end, &["with", "without"]).then(|| words.phrase(range.end + 1, &ends));
        let end = with.clone().filter(|with| !with.is_empty()).map_or(range.end, |with| with.end);
        let addition = |with: std::ops::Range<usize>| {
            with.len() <= 2 && !with.clone().any(|at| words.is_capital(at)) && is_plain(words, with)
        };
        let short = length > 0 || bare && range.len() <= 2;
        let plain = short && is_plain(words, range.clone()) && with.is_none_or(addition);
        if range.is_empty() || !plain {
            at = end.max(at + 1);
            expected = false;
            continue;
        }
        let name = words.phrase_text(range.start..end).unwrap_or_default();
        if quantity == 0 || quantity > 100 {
            return Slot::Asks(format!("“{quantity} {name}” cannot be ordered: how many"));
        }
        words.take(at..end);
        items.push(Item { name, quantity });
        expected = false;
        at = end;
    }
    if items.is_empty() { Slot::Empty } else { Slot::Is(items) }
}

/// Up to four words, of which none counts, compares or excludes.
fn is_plain(words: &Words, range: std::ops::Range<usize>) -> bool {
    const TELLING: [&str; 61] = [
        "no",
        "not",
        "extra",
        "only",
        "max",
        "min",
        "maximum",
        "minimum",
        "cheapest",
        "best",
        "same",
        "usual",
        "whatever",
        "anything",
        "something",
        "everything",
        "enough",
        "half",
        "double",
        "twice",
        "maybe",
        "perhaps",
        "about",
        "more",
        "less",
        "most",
        "least",
        "any",
        "every",
        "each",
        "daily",
        "weekly",
        "except",
        "unless",
        "until",
        "once",
        "under",
        "over",
        "per",
        "x",
        "times",
        "later",
        "than",
        "food",
        "minus",
        "it",
        "me",
        "us",
        "him",
        "her",
        "them",
        "leave",
        "bring",
        "put",
        "call",
        "ring",
        "ask",
        "tell",
        "knock",
        "keep",
        "make",
    ];
    range.len() <= 4
        && range.clone().all(|at| {
            words.quoted(at).is_some()
                || (words.form(at) == Some(Form::Word) && number(words, at).is_none() && !words.is(at, &TELLING))
        })
}

impl Work<'_, '_> {
    pub fn delivery(&self, at: usize, id: &str, delivery: &Delivery) -> Draft {
        let mut draft = Draft::new(Kind::Delivery, "The delivery");
        let mut vendor_name = String::new();
        let vendor = match &delivery.vendor {
            Some(Place::Named(name)) => Some((said(name), name.clone())),
            Some(Place::There) => match self.spot_before(at) {
                Some(Spot::Search(search)) => {
                    Some((json!(format!("${search}.first.name")), "the restaurant found".to_owned()))
                }
                Some(Spot::Named(name)) => Some((said(&name), name)),
                Some(Spot::Table(other)) => self
                    .tables
                    .get(other)
                    .and_then(Option::as_ref)
                    .map(|table| (table.restaurant.clone(), table.name.clone())),
                None => None,
            },
            Some(Place::Home) | None => None,
        };
        match vendor {
            Some((vendor, name)) => {
                draft.subject = format!("The delivery from {name}");
                draft.set("vendor", vendor);
                vendor_name = name;
            }
            None => draft.ask("vendor", "from which shop or restaurant"),
        }
        let items = draft.need("items", &delivery.items, "what shall it bring", |items| {
            items.iter().map(|item| json!({ "name": said(&item.name), "quantity": item.quantity })).collect()
        });
        let mut address_name = String::new();
        match delivery.address.as_ref().and_then(|address| self.place(at, address)) {
            Some((address, name)) => {
                draft.set("address", address);
                address_name = name;
            }
            None => draft.ask("address", "to which address"),
        }
        let mut when = delivery.when.clone();
        if when.time != Slot::Empty {
            when.date = when.date.or_value(self.other_date(at)).or_value(Some(self.planner.now.date()));
        }
        let when = when.settle(self.planner.now);
        if when.date != Slot::Empty {
            draft.need("date", &when.date, "", |date| json!(date.to_string()));
        }
        if when.time != Slot::Empty {
            draft.need("time", &when.time, "", |clock| json!(times::spoken(clock.time)));
        }
        draft.assumed += when.assumptions();
        let items: Vec<String> =
            items.unwrap_or_default().iter().map(|item| format!("{} {}", item.quantity, item.name)).collect();
        let items = listed(&items);
        draft.summary = format!("order {items} from {vendor_name}");
        draft.told = Some(format!("Delivery from {vendor_name} to {address_name}: {items}."));
        draft.step(id, "dispatch_delivery");
        draft
    }
}
