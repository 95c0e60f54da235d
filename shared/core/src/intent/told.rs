//! What the sentences around the wishes say: `it is for tomorrow`, `we are four`, `I owe Tom twenty pounds`.

use crate::civil::{Date, DateTime};

use super::clauses::Clause;
use super::money;
use super::openings::Act;
use super::planner::{Said, What, Wish};
use super::slot::Slot;
use super::table::{self, Place};
use super::times::{Clock, Habit};
use super::tokens::Token;
use super::when::When;
use super::words::Words;
use super::{chatter, people, places, unread};

/// What was heard so far.
#[derive(Default)]
pub(super) struct Told {
    pub said: Said,
    /// A day and an hour that may be those of the wish.
    date: Option<Date>,
    time: Option<Clock>,
    /// The restaurant that somebody wants to go to, where the wish names none.
    place: Option<String>,
    /// In which the table is to be booked.
    name: Option<String>,
}

impl Told {
    /// Takes up a sentence that asks for nothing; what holds the message where it may change a wish. `after`: a wish
    /// stands before it.
    pub fn hear(
        &mut self,
        message: &str,
        inner: &[Token],
        now: DateTime,
        after: bool,
        clauses: &[Clause],
        asks: bool,
    ) -> Option<Vec<String>> {
        let mut words = Words::new(message, inner);
        let whole = words.clone();
        let name = table::booked_name(&mut words);
        // Before the courtesies, of which `and` is one: `my wife and I`.
        let party = Slot::one(people::parties(&mut words), ToString::to_string);
        unread::take_courtesies(&mut words, 0);
        self.said.doubts += u32::from(unread::take_occasion(&mut words));
        let owed = self.owed(&mut words, &whole, clauses);
        let mut named = places::restaurants(&mut words);
        named.dedup_by(|one, other| one.1 == other.1);
        let when = When::read(&mut words, now, Habit::Meal);
        let visits: &[&str] = if named.is_empty() { &[] } else { &VISITING };
        let left = unread::left(&words, &[&IDLE[..], visits].concat());
        let dated = clauses
            .iter()
            .any(|clause| !clause.negated && !matches!(clause.act, None | Some(Act::Payment | Act::Message)));
        if matches!(party, Slot::Asks(_)) || (matches!(when.date, Slot::Asks(_)) && (left.is_empty() || after)) {
            return Some(left);
        }
        if name.is_some() && (!left.is_empty() || self.name.is_some()) {
            return Some(left);
        }
        if left.is_empty() {
            self.name = name;
            // A day for what is done at once belongs to no wish.
            if when.date != Slot::Empty && !dated {
                return Some(left);
            }
            self.said.party = self.said.party.or(party.known().copied());
            self.said.date = self.said.date.or(when.date.known().copied());
            match &named[..] {
                [] => {}
                [(_, name)] if self.place.is_none() => self.place = Some(name.clone()),
                [..] => return Some(left),
            }
            self.time = self.time.or(when.time.known().copied());
            return matches!(when.time, Slot::Asks(_)).then_some(left);
        }
        // What is asked for is no chatter, and an hour or a day behind a wish is said of it.
        if asks {
            return Some(left);
        }
        if after && (when.time != Slot::Empty || when.date != Slot::Empty || party != Slot::Empty) {
            return Some(left);
        }
        if chatter::holds(&words, after) {
            return Some(left);
        }
        self.said.party = self.said.party.or(party.known().copied());
        self.date = self.date.or(when.date.known().copied());
        self.said.doubts = (self.said.doubts + if owed { 0 } else { chatter::UNSURE }).min(2 * chatter::UNSURE);
        None
    }

    /// The amount and the person of `I owe Tom 20 pounds`, where one wish pays without saying how much.
    fn owed(&mut self, words: &mut Words, whole: &Words, clauses: &[Clause]) -> bool {
        if !clauses.iter().any(|clause| clause.act == Some(Act::Payment) && !clause.negated) {
            return false;
        }
        let person = chatter::person(whole);
        if let Some(person) = &person {
            self.said.person = self.said.person.take().or_else(|| Some(person.clone()));
        }
        let priced = whole.is(0, &["it's", "that's", "its"]);
        if !(priced || whole.has(&["owe", "owes"])) || self.said.amount.is_some() {
            return false;
        }
        let mut taken = words.clone();
        match &money::amounts(&mut taken)[..] {
            [Ok(amount)] if priced || person.is_some() => {
                self.said.amount = Some(amount.clone());
                *words = taken;
                true
            }
            [..] => false,
        }
    }

    /// Gives the wishes what they lack; whether all that was told goes together with them.
    pub fn settle(&mut self, wishes: &mut [Wish]) -> bool {
        let dateless = |wish: &Wish| match &wish.what {
            What::Table(table) | What::Availability(table) => table.when.date == Slot::Empty,
            What::Ride(ride) => ride.when.date == Slot::Empty,
            What::Entry(entry) => entry.when.date == Slot::Empty,
            What::Delivery(_)
            | What::Search(_)
            | What::Payment(_)
            | What::Message(_)
            | What::Weather(_)
            | What::Route(_) => false,
        };
        let dated = |wish: &Wish| match &wish.what {
            What::Table(table) | What::Availability(table) => table.when.date != Slot::Empty,
            What::Ride(ride) => ride.when.date != Slot::Empty,
            What::Entry(entry) => entry.when.date != Slot::Empty,
            What::Delivery(delivery) => delivery.when.date != Slot::Empty,
            What::Search(_) | What::Payment(_) | What::Message(_) | What::Weather(_) | What::Route(_) => false,
        };
        if self.said.date.is_none() && self.date.is_some() && !wishes.iter().any(dated) && wishes.iter().any(dateless) {
            self.said.date = self.date;
            self.said.doubts += chatter::UNSURE - 1;
        }
        let mut tables = wishes.iter_mut().filter_map(|wish| match &mut wish.what {
            What::Table(table) => Some(table),
            What::Availability(_)
            | What::Search(_)
            | What::Ride(_)
            | What::Delivery(_)
            | What::Payment(_)
            | What::Message(_)
            | What::Entry(_)
            | What::Weather(_)
            | What::Route(_) => None,
        });
        let (table, other) = (tables.next(), tables.next());
        let party = self.said.party;
        let agrees = |table: &table::Table| match (table.party.known(), party) {
            (Some(said), Some(told)) => *said == told,
            (_, _) => true,
        };
        let Some(table) = table else {
            return self.time.is_none() && self.place.is_none() && self.name.is_none();
        };
        let alone = other.is_none();
        if let Some(place) = self.place.take() {
            match &table.place {
                Place::Nowhere | Place::There if alone => table.place = Place::Named(place),
                Place::Named(name) if *name == place => {}
                Place::Nowhere | Place::There | Place::Named(_) | Place::Cuisine(_) | Place::Asks(_) => return false,
            }
        }
        if let Some(name) = self.name.take() {
            if !alone || table.name.as_ref().is_some_and(|said| *said != name) {
                return false;
            }
            table.name = Some(name);
        }
        if let Some(time) = self.time {
            match &table.when.time {
                Slot::Empty if alone => table.when.time = Slot::Is(time),
                Slot::Is(clock) if clock.time == time.time => {}
                Slot::Empty | Slot::Is(_) | Slot::Asks(_) => return false,
            }
        }
        agrees(table)
    }
}

/// Whether a sentence is nothing but a part of a wish: `under the name Ortega`, `8pm would be perfect`.
pub(super) fn is_detail(message: &str, inner: &[Token], now: DateTime) -> bool {
    let mut words = Words::new(message, inner);
    let named = table::booked_name(&mut words).is_some();
    let counted = !people::parties(&mut words).is_empty();
    unread::take_courtesies(&mut words, 0);
    let placed = !places::restaurants(&mut words).is_empty();
    let when = When::read(&mut words, now, Habit::Meal);
    let dated = when.date != Slot::Empty || when.time != Slot::Empty;
    (named || counted || placed || dated) && unread::left(&words, &IDLE).is_empty()
}

/// Words of statements that ask for nothing.
const IDLE: [&str; 60] = [
    "many",
    "lot",
    "a",
    "it's",
    "its",
    "i'm",
    "we're",
    "we",
    "are",
    "i",
    "it",
    "is",
    "am",
    "there",
    "there's",
    "this",
    "that's",
    "my",
    "our",
    "birthday",
    "anniversary",
    "sorry",
    "great",
    "happy",
    "hungry",
    "good",
    "perfect",
    "hi",
    "hello",
    "hey",
    "dear",
    "morning",
    "evening",
    "day",
    "afternoon",
    "friday",
    "lovely",
    "much",
    "very",
    "so",
    "be",
    "will",
    "would",
    "nice",
    "ok",
    "okay",
    "celebrating",
    "works",
    "suits",
    "ideal",
    "best",
    "fine",
    "please",
    "me",
    "us",
    "everyone",
    "time",
    "today",
    "wedding",
    "party",
];

/// Words of going to a restaurant.
const VISITING: [&str; 30] = [
    "taking",
    "take",
    "bringing",
    "fancy",
    "going",
    "go",
    "feel",
    "feeling",
    "like",
    "eat",
    "eating",
    "dine",
    "dining",
    "dinner",
    "lunch",
    "out",
    "do",
    "want",
    "love",
    "let's",
    "meal",
    "celebrate",
    "i'd",
    "we'd",
    "to",
    "i've",
    "with",
    "all",
    "and",
    "off",
];
