//! What wishes share while they are drafted: each other's tables and searches, and what `there`, `it`
//! and `him` stand for.

use std::collections::BTreeSet;

use crate::civil::{Date, DateTime};
use serde_json::{Value, json};

use super::delivery::Delivery;
use super::draft::{Draft, said};
use super::lookup::{Route, Weather};
use super::names::Person;
use super::places::Place;
use super::planner::{Planner, What, Wish};
use super::ride::Ride;
use super::when::When;
use super::{Kind, dates, times};

/// A table as others refer to it.
#[derive(Clone)]
pub(super) struct Settled {
    pub step: String,
    /// For people.
    pub name: String,
    /// The parameter: a name, or a reference to a search; null where it is not known.
    pub restaurant: Value,
    pub when: When,
    pub party: Option<u32>,
    pub booked: bool,
}

/// Wishes half drafted.
pub(super) struct Work<'p, 'm> {
    pub planner: &'p Planner<'m>,
    pub ids: Vec<String>,
    pub used: BTreeSet<String>,
    pub tables: Vec<Option<Settled>>,
    pub searches: Vec<Option<String>>,
    pub drafts: Vec<Option<Draft>>,
}

/// Where `there` is.
pub(super) enum Spot {
    Table(usize),
    Search(String),
    Named(String),
}

impl Work<'_, '_> {
    pub fn unique(&mut self, name: &str) -> String {
        let mut id = name.to_owned();
        let mut count = 1;
        while !self.used.insert(id.clone()) {
            count += 1;
            id = format!("{name}_{count}");
        }
        id
    }

    pub fn draft(&mut self, at: usize) -> Draft {
        let planner = self.planner;
        let id = self.ids.get(at).cloned().unwrap_or_default();
        let Some(wish) = planner.wishes.get(at) else {
            return Draft::new(Kind::Unknown, "");
        };
        match &wish.what {
            What::Table(table) => self.table(at, &id, table, true),
            What::Availability(table) => self.table(at, &id, table, false),
            What::Search(search) => self.search(at, &id, search),
            What::Ride(ride) => self.ride(at, &id, ride),
            What::Delivery(delivery) => self.delivery(at, &id, delivery),
            What::Payment(payment) => self.payment(at, &id, payment),
            What::Message(message) => self.message(at, &id, message),
            What::Entry(entry) => self.entry(at, &id, entry),
            What::Weather(weather) => self.weather(at, &id, weather),
            What::Route(route) => self.route(at, &id, route),
        }
    }

    /// The table that stands nearest before, or else after.
    pub fn table_near(&self, at: usize) -> Option<&Settled> {
        let before = self.tables.iter().take(at).rev().flatten().find(|table| table.booked);
        before.or_else(|| self.tables.iter().skip(at).flatten().find(|table| table.booked))
    }

    /// The day that another wish or a statement names.
    pub fn other_date(&self, at: usize) -> Option<Date> {
        let date = |wish: &Wish| match &wish.what {
            What::Table(table) | What::Availability(table) => table.when.date.known().copied(),
            What::Search(search) => search.when.date.known().copied(),
            What::Ride(ride) => ride.when.date.known().copied(),
            What::Delivery(delivery) => delivery.when.date.known().copied(),
            What::Entry(entry) => entry.when.date.known().copied(),
            What::Payment(_) | What::Message(_) | What::Weather(_) | What::Route(_) => None,
        };
        let wishes = &self.planner.wishes;
        let before = wishes.iter().take(at).rev().find_map(date);
        self.planner.said.date.or(before).or_else(|| wishes.iter().skip(at).find_map(date))
    }

    pub fn spot_before(&self, at: usize) -> Option<Spot> {
        let booked = self.tables.iter().take(at).flatten().any(|table| table.booked);
        (0..at).rev().find_map(|other| match &self.planner.wishes.get(other)?.what {
            What::Table(_) | What::Availability(_) => self.tables.get(other)?.as_ref().map(|_| Spot::Table(other)),
            What::Search(_) => self.searches.get(other)?.clone().map(Spot::Search),
            What::Ride(Ride { to: Some(Place::Named(name)), .. })
            | What::Weather(Weather { place: Some(Place::Named(name)), .. })
            | What::Route(Route { to: Some(Place::Named(name)), .. }) => Some(Spot::Named(name.clone())),
            // Nobody goes to the shop that delivers, where there is a table to go to.
            What::Delivery(Delivery { vendor: Some(Place::Named(name)), .. }) if !booked => {
                Some(Spot::Named(name.clone()))
            }
            What::Ride(_)
            | What::Weather(_)
            | What::Route(_)
            | What::Delivery(_)
            | What::Payment(_)
            | What::Message(_)
            | What::Entry(_) => None,
        })
    }

    /// A place as a parameter: the address of a table, an address, `home`.
    pub fn place(&self, at: usize, place: &Place) -> Option<(Value, String)> {
        match place {
            Place::Home => Some((json!("home"), "home".to_owned())),
            Place::Named(name) => {
                let mut booked = self.tables.iter().flatten().filter(|table| table.booked);
                match booked.find(|table| table.name.eq_ignore_ascii_case(name)) {
                    Some(table) => Some((json!(format!("${}.address", table.step)), table.name.clone())),
                    None => Some((said(name), name.clone())),
                }
            }
            Place::There => match self.spot_before(at) {
                Some(Spot::Search(search)) => {
                    Some((json!(format!("${search}.first.address")), "the restaurant found".to_owned()))
                }
                Some(Spot::Named(name)) => Some((said(&name), name)),
                Some(Spot::Table(other)) => {
                    let table = self.tables.get(other)?.as_ref()?;
                    if table.booked {
                        Some((json!(format!("${}.address", table.step)), table.name.clone()))
                    } else {
                        Some((table.restaurant.clone(), table.name.clone()))
                    }
                }
                None => {
                    self.table_near(at).map(|table| (json!(format!("${}.address", table.step)), table.name.clone()))
                }
            },
        }
    }

    /// The name of a person, or of the one spoken of before.
    pub fn person(&self, at: usize, person: &Person) -> Option<String> {
        match person {
            Person::Named(name) => Some(name.clone()),
            Person::Before => (0..at)
                .rev()
                .find_map(|other| match &self.planner.wishes.get(other)?.what {
                    What::Message(message) => message.to.iter().rev().find_map(|to| self.person(other, to)),
                    What::Payment(payment) => payment.payee.known().and_then(|payee| self.person(other, payee)),
                    What::Table(_)
                    | What::Availability(_)
                    | What::Search(_)
                    | What::Ride(_)
                    | What::Delivery(_)
                    | What::Entry(_)
                    | What::Weather(_)
                    | What::Route(_) => None,
                })
                .or_else(|| self.planner.said.person.clone()),
        }
    }
}

pub(super) fn ask_when(draft: &mut Draft, when: &When) {
    draft.need("date", &when.date, "on which day", |date| json!(date.to_string()));
    draft.need("time", &when.time, "at what time", |clock| json!(times::spoken(clock.time)));
}

/// `Thursday, 24 December 2026 at 19:00`.
pub(super) fn spoken(moment: DateTime) -> String {
    format!("{} at {}", dates::spoken(moment.date()), times::spoken(moment.time()))
}
