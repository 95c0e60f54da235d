//! A table, wished for or asked about.

use serde_json::json;

use super::Kind;
use super::draft::{Draft, said};
use super::planner::What;
use super::work::{Settled, Spot, Work, ask_when, spoken};
use crate::civil::DateTime;

use super::people;
use super::places;
use super::proviso;
use super::slot::Slot;
use super::times::Habit;
use super::tokens::Form;
use super::when::When;
use super::words::Words;

#[derive(Clone, Debug)]
pub(super) struct Table {
    pub place: Place,
    pub when: When,
    pub party: Slot<u32>,
    /// The name it is booked in, where it is not the user's.
    pub name: Option<String>,
    /// It is not booked, but waited for.
    pub waitlist: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Nowhere,
    Named(String),
    /// Spoken of before: `there`, `it`.
    There,
    /// Any restaurant of a cuisine: to be searched first.
    Cuisine(String),
    Asks(String),
}

impl Table {
    /// Whether another says only what this one does not, so that both are one wish.
    pub fn lacks_what(&self, more: &Self) -> bool {
        let nowhere = |table: &Self| matches!(table.place, Place::Nowhere | Place::There);
        let apart = |one: bool, other: bool| one || other;
        !self.waitlist
            && !more.waitlist
            && apart(nowhere(self), nowhere(more))
            && apart(self.party == Slot::Empty, more.party == Slot::Empty)
            && apart(self.when.date == Slot::Empty, more.when.date == Slot::Empty)
            && apart(self.when.time == Slot::Empty, more.when.time == Slot::Empty)
    }

    pub fn complete(&mut self, more: &Self) {
        if matches!(self.place, Place::Nowhere | Place::There) {
            self.place = more.place.clone();
        }
        self.party = self.party.clone().or(|| more.party.clone());
        self.when.date = self.when.date.clone().or(|| more.when.date.clone());
        self.when.time = self.when.time.clone().or(|| more.when.time.clone());
        self.name = self.name.take().or_else(|| more.name.clone());
    }
}

pub(super) fn read(words: &mut Words, now: DateTime) -> Table {
    let name = booked_name(words);
    let waitlist = proviso::take_waitlist(words);
    let known = places::restaurants(words);
    let when = When::read(words, now, Habit::Meal);
    let party = Slot::one(people::parties(words), |size| format!("{size} people"));
    let party = if party == Slot::Empty { last_number(words) } else { party };
    let mut names: Vec<String> = known.into_iter().map(|(_, name)| name).collect();
    names.dedup();
    let place = match names.as_slice() {
        [] => elsewhere(words),
        [name] => Place::Named(name.clone()),
        [..] => Place::Asks(format!("at {}", names.join(" or "))),
    };
    Table { place, when, party, name, waitlist }
}

/// `table tonight 8pm Sakura 2`: the one number that is left, at the end of a wish without a verb.
fn last_number(words: &mut Words) -> Slot<u32> {
    let mut numbers = (0..words.len()).filter_map(|at| Some((at, super::numbers::number(words, at)?)));
    let found = (numbers.next(), numbers.next());
    let (Some((at, (count, length))), None) = found else {
        return Slot::Empty;
    };
    let terse = words.is(0, &["table", "reservation", "dinner", "lunch"]) || !words.is_free(0);
    let ends = (at + length..words.len()).all(|at| words.is_mark(at) || words.is(at, &["please"]));
    let led = at > 0 && !words.is_free(at - 1);
    if !terse || !ends || !led || count > 20 || words.form(at) != Some(Form::Number) {
        return Slot::Empty;
    }
    match people::size(count) {
        Ok(size) => {
            words.take(at..at + length);
            Slot::Is(size)
        }
        Err(_) => Slot::Empty,
    }
}

/// The place that is no restaurant of the town, and takes its words.
fn elsewhere(words: &mut Words) -> Place {
    let generic = ["there", "it", "one", "restaurant", "place"];
    for at in (0..words.len()).filter(|at| words.is(*at, &["at", "in", "@"])) {
        let article = usize::from(words.is(at + 1, &["a", "an", "the", "some", "any", "that"]));
        let first = at + 1 + article;
        let range = words.name(at + 1, &["tonight"]);
        let has_cuisine = places::cuisine(words).is_some() && article == 1 && !words.is_capital(first + 1);
        // `the best restaurant` is no name.
        let described = article == 1 && words.quoted(first).is_none() && !words.is_capital(first);
        if described || has_cuisine || words.is(first, &generic) || words.is(at + 1, &["my", "our"]) {
            break;
        }
        if let Some(name) = words.phrase_text(range.clone()) {
            words.take(at..range.end);
            return Place::Named(name);
        }
    }
    // `at some French restaurant`
    if let Some(some) = words.find(&["some", "any"]).filter(|at| places::is_cuisine(words.at(at + 1))) {
        words.take(some..some + 1);
    }
    if let Some(cuisine) = places::take_cuisine(words) {
        return Place::Cuisine(cuisine.to_owned());
    }
    if let Some(at) = words.find(&["there", "it", "one"]) {
        words.take(at..at + 1);
        return Place::There;
    }
    if words.find(&["restaurant"]).is_some_and(|at| words.is(at - at.min(1), &["the", "that"])) {
        return Place::There;
    }
    // `book Nonna's for four`: the name right behind the verb.
    let named = (words.is_capital(1) && !words.is(1, &["i", "i'm"])).then(|| words.phrase(1, &[]));
    let name = named.and_then(|range| Some((words.phrase_text(range.clone())?, range)));
    name.map_or(Place::Nowhere, |(name, range)| {
        words.take(range);
        Place::Named(name)
    })
}

/// `under Smith`, `in the name of Smith`.
pub(super) fn booked_name(words: &mut Words) -> Option<String> {
    let starts = ["under the name of", "under the name", "in the name of", "under"];
    for at in 0..words.len() {
        if let Some(phrase) = starts.iter().find(|phrase| words.reads(at, phrase)) {
            let start = at + phrase.split(' ').count();
            // `under 50 euros`, `under the trees`
            if words.form(start) == Some(Form::Number) || words.is(start, &["the", "a", "an", "our", "no", "this"]) {
                return None;
            }
            let range = words.phrase(start, &["tomorrow", "tonight", "today"]);
            let name = words.phrase_text(range.clone())?;
            words.take(at..range.end);
            return Some(name);
        }
    }
    None
}

impl Work<'_, '_> {
    pub fn table(&mut self, at: usize, id: &str, table: &Table, book: bool) -> Draft {
        let kind = match (book, table.waitlist) {
            (false, _) => Kind::Query,
            (true, false) => Kind::Booking,
            (true, true) => Kind::Waitlist,
        };
        let mut draft = Draft::new(kind, "The table");
        let asked = self.asked_before(at, table).filter(|_| book);
        let when = self.table_when(at, table, asked.as_ref());
        let party = self.table_party(at, table, asked.as_ref());
        let name = self.venue(at, table, asked.as_ref(), &party, &mut draft);
        let party = draft.need("party_size", &party, "for how many people", |size| json!(size));
        ask_when(&mut draft, &when);
        draft.assumed += when.assumptions();
        if book {
            let booked = table.name.as_ref().unwrap_or(&self.planner.user);
            draft.set("name", said(booked));
            let moment = when.moment();
            if let (Some(moment), Some(party)) = (moment, party) {
                let place = format!("{party} at {name} on {}", spoken(moment));
                let (does, told) = if table.waitlist { ("wait for", "Waiting list, table") } else { ("book", "Table") };
                draft.summary = format!("{does} a table for {place}");
                draft.told = Some(format!("{told} for {place}, in the name of {booked}."));
            }
            draft.step(id, proviso::tool_of(table));
            if let Some(moment) = moment.filter(|_| !table.waitlist) {
                self.otherwise(at, moment, &mut draft);
            }
        } else {
            draft.summary = format!("see whether {name} has a table");
            draft.step(id, "get_availability");
        }
        if let (Some(asked), Some(step)) = (&asked, draft.steps.last_mut()) {
            step.after.push(asked.step.clone());
        }
        let restaurant = draft.parameters.get("restaurant").cloned().unwrap_or_default();
        if let Some(slot) = self.tables.get_mut(at) {
            *slot =
                Some(Settled { step: id.to_owned(), name, restaurant, when, party, booked: book && !table.waitlist });
        }
        draft
    }

    /// The free table that was asked for before, where this wish says `book it` and names no other.
    fn asked_before(&self, at: usize, table: &Table) -> Option<Settled> {
        if !matches!(table.place, Place::There | Place::Nowhere) {
            return None;
        }
        self.tables.iter().take(at).rev().flatten().find(|settled| !settled.booked).cloned()
    }

    fn table_when(&self, at: usize, table: &Table, asked: Option<&Settled>) -> When {
        let asked = asked.map(|asked| &asked.when);
        let date = asked.and_then(|when| when.date.known().copied());
        let time = asked.and_then(|when| when.time.known().copied());
        let date = table.when.date.clone().or_value(date).or_value(self.other_date(at));
        When { date, time: table.when.time.clone().or_value(time) }.settle(self.planner.now)
    }

    fn table_party(&self, at: usize, table: &Table, asked: Option<&Settled>) -> Slot<u32> {
        let before = at.checked_sub(1).and_then(|before| self.planner.wishes.get(before));
        let searched = before.and_then(|wish| match &wish.what {
            What::Search(search) => search.party.known().copied(),
            What::Table(_)
            | What::Availability(_)
            | What::Ride(_)
            | What::Delivery(_)
            | What::Payment(_)
            | What::Message(_)
            | What::Entry(_)
            | What::Weather(_)
            | What::Route(_) => None,
        });
        let asked = asked.and_then(|asked| asked.party);
        table.party.clone().or_value(asked).or_value(self.planner.said.party).or_value(searched)
    }

    /// Sets or asks for the restaurant, and returns its name for people.
    fn venue(
        &mut self,
        at: usize,
        table: &Table,
        asked: Option<&Settled>,
        party: &Slot<u32>,
        draft: &mut Draft,
    ) -> String {
        // `find an Indian restaurant and book a table for two`
        let before = at.checked_sub(1).and_then(|before| self.planner.wishes.get(before));
        let searched = before.is_some_and(|wish| matches!(wish.what, What::Search(_)));
        let there = match table.place {
            Place::There => self.spot_before(at),
            Place::Nowhere if searched => self.spot_before(at),
            Place::Nowhere | Place::Named(_) | Place::Cuisine(_) | Place::Asks(_) => None,
        };
        let venue = match (&table.place, there, asked) {
            (Place::Named(named), _, _) => Some((said(named), named.clone())),
            (Place::Cuisine(cuisine), _, _) => {
                let search = self.unique("search");
                let mut found = Draft::new(Kind::Search, "");
                found.set("cuisine", said(cuisine));
                if let Some(size) = party.known() {
                    found.set("party_size", *size);
                }
                found.step(&search, "search_restaurants");
                draft.steps.append(&mut found.steps);
                Some((json!(format!("${search}.first.name")), format!("a restaurant ({cuisine})")))
            }
            (_, Some(Spot::Search(search)), _) => {
                Some((json!(format!("${search}.first.name")), "the restaurant found".to_owned()))
            }
            (_, Some(Spot::Named(named)), _) => Some((said(&named), named)),
            (_, Some(Spot::Table(other)), _) => {
                let other = self.tables.get(other).and_then(Option::as_ref);
                other.map(|other| (other.restaurant.clone(), other.name.clone()))
            }
            (_, None, Some(asked)) => Some((asked.restaurant.clone(), asked.name.clone())),
            (Place::Asks(question), None, None) => {
                draft.ask("restaurant", question.clone());
                return "the restaurant".to_owned();
            }
            (Place::Nowhere | Place::There, None, None) => None,
        };
        // A table that was itself asked for without a restaurant gives none.
        let Some((restaurant, name)) = venue.filter(|(restaurant, _)| !restaurant.is_null()) else {
            draft.ask("restaurant", "at which restaurant");
            return "the restaurant".to_owned();
        };
        draft.set("restaurant", restaurant);
        draft.subject = format!("The table at {name}");
        name
    }
}
