//! Questions: the weather, a way, a search for restaurants.

use serde_json::json;

use super::Kind;
use super::draft::{Draft, said};
use super::planner::What;
use super::work::Work;
use crate::civil::DateTime;

use super::people;
use super::places::{self, Place};
use super::slot::Slot;
use super::times::Habit;
use super::when::When;
use super::words::Words;

#[derive(Clone, Debug)]
pub(super) struct Weather {
    pub place: Option<Place>,
    pub when: When,
}

pub(super) fn weather(mut words: Words, now: DateTime) -> Weather {
    let when = When::read(&mut words, now, Habit::Errand);
    // `do I need in Hamburg an umbrella`, as it is said in German.
    let led = words.find(&["in", "for", "at"]).unwrap_or(words.len());
    let rain = || (led + 2..words.len()).find(|at| words.is(*at, &["rain", "snow"]));
    if let Some(umbrella) = words.find(&["umbrella"]).filter(|at| *at > 0).or_else(rain) {
        words.take(umbrella - usize::from(words.is(umbrella - 1, &["a", "an"]))..umbrella + 1);
    }
    let place = places::after(&mut words, &["in", "for", "at", "around"])
        .or_else(|| words.has(&["there"]).then_some(Place::There))
        .or_else(|| {
            // `weather berlin saturday`
            let at = words.find(&["weather", "forecast", "rain", "temperature"]).map_or(0, |at| at + 1);
            let at = at + usize::from(words.is(at, &["report"]));
            const NO_PLACES: [&str; 30] = [
                "going", "gonna", "be", "like", "is", "will", "looking", "look", "it", "the", "please", "for", "on",
                "in", "an", "a", "any", "good", "get", "do", "i", "need", "umbrella", "next", "how", "what", "what's",
                "warm", "cold", "hot",
            ];
            if words.is(at, &NO_PLACES) {
                return None;
            }
            let text = words.phrase_text(words.phrase(at, &["like", "be", "going", "today", "tomorrow"]))?;
            Some(Place::Named(text))
        });
    Weather { place, when }
}

#[derive(Clone, Debug)]
pub(super) struct Route {
    pub from: Option<Place>,
    pub to: Option<Place>,
}

pub(super) fn route(mut words: Words) -> Route {
    let from = places::after(&mut words, &["from"]).or_else(|| {
        // `distance home to Sakura`
        let start = words.find(&["distance", "directions", "route"]).filter(|at| *at == 0)? + 1;
        let (place, length) = places::place(&words, start)?;
        (words.at(start + length) == "to").then(|| words.take(start..start + length)).map(|()| place)
    });
    // `how long does it take to get to the airport`: the last `to` is the way.
    let to = (0..words.len())
        .rev()
        .filter(|at| words.at(*at) == "to" || words.at(*at) == "is")
        .find_map(|at| places::place(&words, at + 1).filter(|(place, _)| !is_question(place)))
        .map(|(place, _)| place)
        .or_else(|| words.has(&["there"]).then_some(Place::There));
    Route { from, to }
}

fn is_question(place: &Place) -> bool {
    matches!(place, Place::Named(name) if name.starts_with("the ride") || name.starts_with("a "))
}

#[derive(Clone, Debug)]
pub(super) struct Search {
    pub cuisine: Option<String>,
    pub party: Slot<u32>,
    pub when: When,
}

pub(super) fn search(words: &mut Words, now: DateTime) -> Search {
    let when = When::read(words, now, Habit::Meal);
    let party = Slot::one(people::parties(words), |size| format!("{size} people"));
    Search { cuisine: places::take_cuisine(words).map(str::to_owned), party, when }
}

impl Work<'_, '_> {
    pub fn search(&mut self, at: usize, id: &str, search: &Search) -> Draft {
        let mut draft = Draft::new(Kind::Search, "The search");
        if let Some(cuisine) = &search.cuisine {
            draft.set("cuisine", said(cuisine));
        }
        if let Some(party) = search.party.known() {
            draft.set("party_size", *party);
        }
        if let Slot::Asks(question) = &search.party {
            draft.ask("party_size", question.clone());
        }
        draft.summary = match &search.cuisine {
            Some(cuisine) => format!("search for a restaurant ({cuisine})"),
            None => "search for restaurants".to_owned(),
        };
        draft.step(id, "search_restaurants");
        if let Some(slot) = self.searches.get_mut(at) {
            *slot = Some(id.to_owned());
        }
        draft
    }

    pub fn weather(&self, at: usize, id: &str, weather: &Weather) -> Draft {
        let mut draft = Draft::new(Kind::Query, "The weather");
        match weather.place.as_ref().and_then(|place| self.place(at, place)) {
            Some((place, name)) => {
                draft.set("place", place);
                draft.summary = format!("look up the weather for {name}");
            }
            None => draft.ask("place", "for which place"),
        }
        // `in Paris and London tomorrow`
        let next = self.planner.wishes.get(at + 1).and_then(|wish| match &wish.what {
            What::Weather(next) => next.when.date.known().copied(),
            What::Table(_)
            | What::Availability(_)
            | What::Search(_)
            | What::Ride(_)
            | What::Delivery(_)
            | What::Payment(_)
            | What::Message(_)
            | What::Entry(_)
            | What::Route(_) => None,
        });
        let date = weather.when.date.clone().or_value(next).or_value(Some(self.planner.now.date()));
        draft.need("date", &date, "for which day", |date| json!(date.to_string()));
        draft.step(id, "get_weather_data");
        draft
    }

    pub fn route(&self, at: usize, id: &str, route: &Route) -> Draft {
        let mut draft = Draft::new(Kind::Query, "The way");
        let from = route.from.clone().unwrap_or(Place::Home);
        match self.place(at, &from) {
            Some((pickup, _)) => draft.set("pickup", pickup),
            None => draft.ask("pickup", "from where"),
        }
        match route.to.as_ref().and_then(|to| self.place(at, to)) {
            Some((destination, name)) => {
                draft.set("destination", destination);
                draft.summary = format!("estimate the way to {name}");
            }
            None => draft.ask("destination", "where to"),
        }
        draft.step(id, "get_route_estimate");
        draft
    }
}
