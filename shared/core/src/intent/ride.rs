//! A ride.

use serde_json::json;

use super::Kind;
use super::draft::Draft;
use super::planner::{BEFORE_TABLE_MINUTES, TABLE_MINUTES, What};
use super::times::{self, Clock};
use super::work::{Settled, Work, ask_when, spoken};
use crate::civil::DateTime;

use super::people;
use super::places::{self, Place};
use super::slot::Slot;
use super::times::Habit;
use super::when::When;
use super::words::Words;

#[derive(Clone, Debug)]
pub(super) struct Ride {
    pub from: Option<Place>,
    pub to: Option<Place>,
    pub when: When,
    /// How many minutes before the table it leaves, where that is said.
    pub lead_minutes: Option<u32>,
    pub passengers: Slot<u32>,
    /// Several people ride, and it is not said how many.
    pub us: bool,
}

pub(super) fn read(words: &mut Words, now: DateTime) -> Ride {
    for at in 0..words.len() {
        for phrase in ["after dinner", "after lunch", "after the meal", "after that", "afterwards"] {
            if words.reads(at, phrase) {
                words.take(at..at + phrase.split(' ').count());
            }
        }
    }
    for at in 0..words.len() {
        if words.at(at) == "back" && words.is(at + 1, &["to", "home"]) {
            words.take(at..at + 1);
        }
    }
    let lead_minutes = lead(words);
    // When somebody has to be there is not when they leave.
    let arrives = words.is(0, &["be"]) && words.is(1, &["at", "in"]);
    let us = words.has(&["us"]);
    let pick = words.has(&["pick", "picked", "collect"]);
    let mut when = When::read(words, now, Habit::Errand);
    if arrives {
        when.time = Slot::Empty;
        let by = (0..words.len()).filter(|at| words.is(*at, &["by"])).collect::<Vec<_>>();
        by.into_iter().for_each(|at| words.take(at..at + 1));
    }
    let from = places::after(words, if pick { &["from", "at"] } else { &["from"] });
    let to = places::after(words, if arrives { &["at", "in"] } else { &["to"] });
    let passengers = Slot::one(people::parties(words), |size| format!("{size} people"));
    let to = to.or_else(|| words.has(&["there"]).then_some(Place::There)).or_else(|| {
        let home = words.find(&["home", "back"])?;
        words.take(home..home + 1 + usize::from(words.is(home + 1, &["home"])));
        Some(Place::Home)
    });
    let to = to.or_else(|| unled(words));
    Ride { from, to, when, lead_minutes, passengers, us }
}

/// `taxi airport tomorrow 7am`: where it goes, with nothing before it; takes the words.
fn unled(words: &mut Words) -> Option<Place> {
    let ride = words.find(&super::openings::RIDES).filter(|at| *at == 0)?;
    let plain = words.form(ride + 1) == Some(super::tokens::Form::Word)
        && !words.is(ride + 1, &["for", "from", "at", "on", "in", "with", "please", "and", "now", "asap"]);
    let (place, length) = plain.then(|| places::place(words, ride + 1)).flatten()?;
    words.take(ride + 1..ride + 1 + length);
    Some(place)
}

/// `45 minutes before`, and takes it.
fn lead(words: &mut Words) -> Option<u32> {
    let (at, minutes, length) = (0..words.len()).find_map(|at| {
        let (minutes, length) = times::span(words, at)?;
        let before = words.is(at + length, &["before", "earlier", "beforehand", "ahead"]);
        before.then_some((at, minutes, length))
    })?;
    words.take(at..at + length + 1);
    Some(minutes)
}

impl Work<'_, '_> {
    pub fn ride(&self, at: usize, id: &str, ride: &Ride) -> Draft {
        let mut draft = Draft::new(Kind::Booking, "The ride");
        let table = self.table_near(at);
        let homeward = ride.to == Some(Place::Home);
        let to = ride.to.clone().or_else(|| table.map(|_| Place::There));
        // From home, where the way does not lead there.
        let from = ride.from.clone().unwrap_or(if homeward { Place::There } else { Place::Home });
        let mut from_name = String::new();
        let mut to_name = String::new();
        match self.place(at, &from) {
            Some((pickup, name)) => {
                draft.set("pickup", pickup);
                from_name = name;
            }
            None => draft.ask("pickup", "from where"),
        }
        match to.and_then(|to| self.place(at, &to)) {
            Some((destination, name)) => {
                draft.set("destination", destination);
                to_name = name;
            }
            None => draft.ask("destination", "where to"),
        }
        if !to_name.is_empty() && to_name == from_name {
            draft.parameters.remove("destination");
            draft.ask("destination", format!("it begins and ends at {to_name}: where to"));
        }
        let when = self.ride_when(at, ride, table, homeward).settle(self.planner.now);
        ask_when(&mut draft, &when);
        draft.assumed += ride.when.assumptions();
        let party = table.and_then(|table| table.party);
        let passengers = match (&ride.passengers, party.or(self.planner.said.party)) {
            (Slot::Is(_) | Slot::Asks(_), _) => ride.passengers.clone(),
            (Slot::Empty, Some(party)) => Slot::Is(party),
            (Slot::Empty, None) if ride.us => self.riders_before(at),
            (Slot::Empty, None) => Slot::Is(1),
        };
        let passengers = match passengers {
            Slot::Is(count @ 9..) => {
                Slot::Asks(format!("{count} are more than the 8 that one ride takes: for how many"))
            }
            Slot::Is(_) | Slot::Empty | Slot::Asks(_) => passengers,
        };
        draft.need("passengers", &passengers, "for how many people", |count| json!(count));
        if let Some(moment) = when.moment() {
            let way = if homeward { format!("from {from_name} home") } else { format!("to {to_name}") };
            draft.summary = format!("get a ride {way} at {}", times::spoken(moment.time()));
            draft.told = Some(format!("Ride from {from_name} to {to_name} on {}.", spoken(moment)));
        }
        draft.step(id, "request_ride");
        draft
    }

    /// As many as rode before.
    fn riders_before(&self, at: usize) -> Slot<u32> {
        let before = self.planner.wishes.iter().take(at).rev().find_map(|wish| match &wish.what {
            What::Ride(ride) => ride.passengers.known().copied(),
            What::Table(_)
            | What::Availability(_)
            | What::Search(_)
            | What::Delivery(_)
            | What::Payment(_)
            | What::Message(_)
            | What::Entry(_)
            | What::Weather(_)
            | What::Route(_) => None,
        });
        before.map_or(Slot::Empty, Slot::Is)
    }

    pub fn ride_when(&self, at: usize, ride: &Ride, table: Option<&Settled>, homeward: bool) -> When {
        let moment = table.and_then(|table| table.when.moment());
        if let (Some(moment), Slot::Empty) = (moment, &ride.when.time) {
            let minutes = if homeward {
                i64::from(TABLE_MINUTES)
            } else {
                -ride.lead_minutes.map_or(BEFORE_TABLE_MINUTES, i64::from)
            };
            let leave = times::later(moment, minutes);
            // A ride to a table of this very hour leaves at once, not in the past.
            let leave = if moment >= self.planner.now { leave.max(self.planner.now) } else { leave };
            let time = Clock { time: leave.time().to_minute(), next_day: false, assumed: false, approximate: false };
            let date = ride.when.date.clone().or_value(Some(leave.date()));
            return When { date, time: Slot::Is(time) };
        }
        let mut when = ride.when.clone();
        // Beside an evening table, `at 7` is in the evening too.
        if let (Some(moment), Slot::Is(clock)) = (moment, &mut when.time)
            && clock.assumed
            && moment.hour() >= 12
            && clock.time.hour() < 12
        {
            clock.time = clock.time.wrapping_add_hours(12);
        }
        when.date = when.date.or_value(moment.map(DateTime::date)).or_value(self.other_date(at));
        when
    }
}
