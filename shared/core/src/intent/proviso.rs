//! What a wish hangs on, and what is to be done where it cannot be: `if it rains`, `if it's full, at Sakura`, `or
//! nothing`.
//!
//! What hangs on the weather is planned, for a tool answers it; and what is to be tried in place of a table. Where it
//! is not certain which wish is meant, and of every other condition, the user is asked as ever (`reading`). Nobody
//! said where it has to rain: it is where the wish takes them, and the plan is shown first.

use crate::civil::{Date, DateTime, Time};
use serde_json::{Value, json};

use super::draft::{Draft, said};
use super::openings;
use super::places::{self, Place};
use super::planner::{What, Wish};
use super::preamble;
use super::slot::Slot;
use super::table;
use super::times::{self, Habit};
use super::tokens::Token;
use super::when::When;
use super::words::Words;
use super::work::Work;
use super::{Intent, Kind};
use crate::saga::{Alternative, Comparison, Condition, Plan, Step};

/// What the town's weather can be, and of that what is rain and what is sunshine.
const SKIES: [&str; 6] = ["sunny", "partly cloudy", "cloudy", "light rain", "rain", "windy"];
const RAIN: [&str; 2] = ["light rain", "rain"];
const SUN: [&str; 1] = ["sunny"];

/// What is tried in place of an hour at which no table is free, in minutes from it; never another day.
const HOURS: [i64; 4] = [30, -30, 60, -60];

const WAITLIST: &str = "join_waitlist";

/// What a wish hangs on.
#[derive(Clone, Debug, Default)]
pub(super) struct Proviso {
    /// As it was said, or not at all.
    pub firm: bool,
    sky: Option<Sky>,
    instead: Option<Instead>,
}

#[derive(Clone, Debug)]
struct Sky {
    /// Of the weather that is spoken of, all that counts as it.
    of: &'static [&'static str],
    /// It must be anything but that.
    other: bool,
    date: Option<Date>,
    place: Option<Place>,
}

#[derive(Clone, Debug)]
enum Instead {
    Restaurant(String),
    At(Time),
    Waitlist,
}

/// A message without its proviso.
pub(super) struct Found {
    pub rest: Vec<Token>,
    proviso: Proviso,
    /// Where what it may be about begins, in the rest; to its end.
    from: usize,
    /// It stands behind what it is about.
    trails: bool,
}

/// The first proviso that is understood.
pub(super) fn find(message: &str, tokens: &[Token], now: DateTime) -> Option<Found> {
    let words = Words::new(message, tokens);
    (0..words.len()).find_map(|at| {
        nothing_else(&words, tokens, at)
            .or_else(|| sky(message, tokens, &words, at, now))
            .or_else(|| instead(message, tokens, &words, at, now))
    })
}

/// Whether nothing but marks stands from a place on.
fn ends(words: &Words, at: usize) -> bool {
    (at..words.len()).all(|at| words.is_mark(at))
}

/// Where what leads to a proviso begins: `, but only`.
fn lead(words: &Words, at: usize) -> usize {
    let at = at - usize::from(at > 0 && words.is(at - 1, &["only"]));
    let at = at - usize::from(at > 0 && words.is(at - 1, &["but"]));
    at - (0..at).rev().take_while(|before| words.is(*before, &[","])).count()
}

/// `at 8 or nothing`.
fn nothing_else(words: &Words, tokens: &[Token], at: usize) -> Option<Found> {
    let phrase = ["or nothing", "or not at all"].into_iter().find(|phrase| words.reads(at, phrase))?;
    (at > 0 && ends(words, at + phrase.split(' ').count())).then(|| Found {
        rest: tokens.get(..lead(words, at)).unwrap_or_default().to_vec(),
        proviso: Proviso { firm: true, ..Proviso::default() },
        from: 0,
        trails: true,
    })
}

/// `if it doesn't rain on Friday`, `unless it is sunny`, `should it rain in Rome`.
fn sky(message: &str, tokens: &[Token], words: &Words, at: usize, now: DateTime) -> Option<Found> {
    const WEATHERS: [&str; 10] =
        ["rain", "rains", "raining", "rainy", "wet", "dry", "sunny", "sun", "shines", "shining"];
    const DENIALS: [&str; 11] =
        ["don't", "doesn't", "isn't", "won't", "dont", "doesnt", "isnt", "not", "no", "never", "without"];
    const FILLERS: [&str; 18] = [
        "it", "it's", "its", "it'll", "is", "does", "do", "will", "be", "there", "there's", "the", "a", "stays",
        "stay", "gets", "outside", "weather",
    ];
    let opens = words.is(at, &["if", "unless"]) || words.reads(at, "should it");
    let asks = at > 0 && words.is(at - 1, &["not", "except", "even", "as", "see", "check", "know", "ask", "case"]);
    if !opens || asks {
        return None;
    }
    let seen = (at + 1..words.len().min(at + 10)).find(|at| words.is(*at, &WEATHERS))?;
    let over = |at: usize| {
        let wish = at > seen && (openings::opening(words, at).is_some() || preamble::courtesy(words, at).is_some());
        words.is_mark(at) || words.is(at, &["then"]) || wish
    };
    let end = (at + 1..words.len()).find(|at| over(*at)).unwrap_or(words.len());
    if end <= seen {
        return None;
    }
    let mut clause = Words::new(message, tokens.get(at + 1..end)?);
    let when = When::read(&mut clause, now, Habit::Errand);
    // Of an hour the tool knows nothing.
    let date = match (when.date, when.time) {
        (Slot::Is(date), Slot::Empty) => Some(date),
        (Slot::Empty, Slot::Empty) => None,
        (Slot::Asks(_), _) | (_, Slot::Is(_) | Slot::Asks(_)) => return None,
    };
    let place = places::after(&mut clause, &["in"]);
    let mut denials = usize::from(words.is(at, &["unless"]));
    let mut of: Option<(&'static [&'static str], bool)> = None;
    for at in (0..clause.len()).filter(|at| clause.is_free(*at)) {
        if clause.is(at, &WEATHERS) {
            let next: (&'static [&'static str], bool) = match clause.at(at) {
                "dry" => (&RAIN, true),
                "sunny" | "sun" | "shines" | "shining" => (&SUN, false),
                _ => (&RAIN, false),
            };
            if of.is_some_and(|of| of != next) {
                return None;
            }
            of = Some(next);
        } else if clause.is(at, &DENIALS) {
            denials += 1;
        } else if !clause.is(at, &FILLERS) {
            return None;
        }
    }
    let (of, other) = of?;
    let proviso =
        Proviso { sky: Some(Sky { of, other: other ^ (denials % 2 == 1), date, place }), ..Proviso::default() };
    let end = end + usize::from(words.is(end, &[","]));
    let end = end + usize::from(words.is(end, &["then"]));
    let trails = ends(words, end);
    let start = if trails { lead(words, at) } else { at };
    let rest: Vec<Token> = tokens.iter().take(start).chain(tokens.iter().skip(end)).cloned().collect();
    (!rest.is_empty()).then_some(Found { rest, proviso, from: if trails { 0 } else { start }, trails })
}

/// `if it's full, at Sakura`, `otherwise at 9`, `if there is no table, put us on the waiting list`.
fn instead(message: &str, tokens: &[Token], words: &Words, at: usize, now: DateTime) -> Option<Found> {
    const TAKEN: [&str; 6] = ["full", "taken", "booked", "unavailable", "busy", "reserved"];
    const FREE: [&str; 6] = ["free", "available", "table", "tables", "space", "room"];
    const DENIALS: [&str; 8] = ["no", "not", "don't", "isn't", "doesn't", "aren't", "nothing", "none"];
    const FILLERS: [&str; 20] = [
        "it",
        "it's",
        "its",
        "is",
        "they",
        "they're",
        "are",
        "there",
        "there's",
        "the",
        "a",
        "any",
        "that",
        "that's",
        "have",
        "fully",
        "up",
        "already",
        "restaurant",
        "works",
    ];
    if at == 0 {
        return None;
    }
    let phrase = ["otherwise", "or else", "if not"].into_iter().find(|phrase| words.reads(at, phrase));
    let end = match phrase {
        Some(phrase) if !words.is(at + phrase.split(' ').count(), &TAKEN) => at + phrase.split(' ').count(),
        Some(_) | None => {
            if !words.is(at, &["if"]) {
                return None;
            }
            let inner = |at: &usize| {
                words.is(*at, &TAKEN) || words.is(*at, &FREE) || words.is(*at, &DENIALS) || words.is(*at, &FILLERS)
            };
            let end = at + 1 + (at + 1..words.len()).take_while(inner).count();
            let has = |set: &[&str]| (at + 1..end).any(|at| words.is(at, set));
            let (taken, denied) = (has(&TAKEN), has(&DENIALS));
            if taken == denied || denied && !has(&FREE) {
                return None;
            }
            end
        }
    };
    let start = end + (end..words.len()).take_while(|at| words.is(*at, &[",", "then"])).count();
    let instead = other(Words::new(message, tokens.get(start..)?), now)?;
    let rest = tokens.get(..lead(words, at))?.to_vec();
    Some(Found { rest, proviso: Proviso { instead: Some(instead), ..Proviso::default() }, from: 0, trails: true })
}

/// What is to be done in place of the table: everything that is said of it must be understood.
fn other(mut words: Words, now: DateTime) -> Option<Instead> {
    const FILLERS: [&str; 27] = [
        "try", "book", "reserve", "take", "use", "get", "go", "to", "at", "in", "for", "the", "a", "one", "table",
        "instead", "please", "put", "join", "add", "on", "us", "me", "their", "its", "with", "there",
    ];
    let mut named = places::restaurants(&mut words);
    let when = When::read(&mut words, now, Habit::Meal);
    let waitlist = words.find(&["waitlist"]);
    if let Some(at) = waitlist {
        words.take(at..at + 1);
    }
    if (0..words.len()).any(|at| words.is_free(at) && !words.is_mark(at) && !words.is(at, &FILLERS)) {
        return None;
    }
    match (named.pop(), when.date, when.time, waitlist) {
        (Some((_, name)), Slot::Empty, Slot::Empty, None) if named.is_empty() => Some(Instead::Restaurant(name)),
        (None, Slot::Empty, Slot::Is(clock), None) if !clock.assumed && !clock.next_day => {
            Some(Instead::At(clock.time))
        }
        (None, Slot::Empty, Slot::Empty, Some(_)) => Some(Instead::Waitlist),
        (Some(_) | None, Slot::Empty | Slot::Is(_) | Slot::Asks(_), _, _) => None,
    }
}

impl Found {
    /// What stands before it, and what it may be about.
    pub fn parts(&self) -> (&[Token], &[Token]) {
        self.rest.split_at(self.from.min(self.rest.len()))
    }

    /// Puts it to its wish, the last one; `alone`: it is the only one that may be meant. Answers with the day that it
    /// speaks of; `None` where it is not certain that the wish is meant.
    pub fn put(&self, wishes: &mut [Wish], alone: bool) -> Option<Option<Date>> {
        let [.., wish] = wishes else { return None };
        let speech = matches!(wish.what, What::Message(_) | What::Entry(_));
        let looks = matches!(wish.what, What::Availability(_) | What::Search(_) | What::Weather(_) | What::Route(_));
        let table = matches!(wish.what, What::Table(_));
        let fits = match self.proviso {
            Proviso { firm: true, .. } => table,
            Proviso { instead: Some(_), .. } => table && !matches!(&wish.what, What::Table(table) if table.waitlist),
            Proviso { .. } => alone && !looks && !(self.trails && speech),
        };
        fits.then(|| {
            wish.proviso = self.proviso.clone();
            self.proviso.sky.as_ref().and_then(|sky| sky.date)
        })
    }
}

impl Sky {
    fn condition(&self, weather: &str) -> Condition {
        let right: Vec<&str> = SKIES.into_iter().filter(|sky| self.of.contains(sky) != self.other).collect();
        Condition { left: Value::from(format!("${weather}.summary")), is: Comparison::In, right: json!(right) }
    }

    fn said(&self) -> &'static str {
        match (self.of == RAIN, self.other) {
            (true, false) => "it rains",
            (true, true) => "it does not rain",
            (false, false) => "it is sunny",
            (false, true) => "it is not sunny",
        }
    }
}

impl Work<'_, '_> {
    /// Has a draft wait for the weather that its wish hangs on.
    pub fn provide(&mut self, at: usize, draft: &mut Draft) {
        let planner = self.planner;
        let Some(sky) = planner.wishes.get(at).and_then(|wish| wish.proviso.sky.as_ref()) else { return };
        let param = |name: &str| draft.parameters.get(name).and_then(Value::as_str).map(str::to_owned);
        let own = ["restaurant", "destination", "address", "location", "pickup"].into_iter().filter_map(param);
        let place = match &sky.place {
            Some(Place::Home) => None,
            Some(place) => self.place(at, place).map(|(place, _)| place),
            None => own.filter(|place| place != "home").map(Value::from).next(),
        };
        let date = sky.date.map(|date| date.to_string()).or_else(|| param("date"));
        let (date, dated) = (date.unwrap_or_else(|| planner.now.date().to_string()), param("date").is_some());
        // What is ordered without a day comes today.
        if sky.date.is_some_and(|date| date != planner.now.date()) && draft.kind == Kind::Delivery && !dated {
            draft.ask("date", "on which day");
        }
        let Some(place) = place else {
            draft.ask("place", "for which place");
            return;
        };
        let shown = place.as_str().filter(|place| !place.starts_with('$')).map(|place| format!(" ({place})"));
        let weather = self.unique("weather");
        let mut look = Step { id: weather.clone(), tool: "get_weather_data".to_owned(), ..Step::default() };
        look.params.insert("place".to_owned(), place);
        look.params.insert("date".to_owned(), Value::from(date));
        let condition = sky.condition(&weather);
        for step in draft.steps.iter_mut().filter(|step| step.tool != "search_restaurants") {
            step.when = Some(condition.clone());
            step.after.push(weather.clone());
        }
        draft.steps.insert(0, look);
        draft.assumed += 1;
        let lead = format!("if {}{}", sky.said(), shown.unwrap_or_default());
        draft.summary = format!("{lead}, {}", draft.summary);
        draft.told = draft.told.take().map(|told| format!("Only {lead}: {told}"));
    }

    /// What is tried where no table is free: what was said, else other hours, another restaurant of the cuisine, and
    /// the waiting list. Only where nothing is built on the hour, and the message leaves room.
    pub fn otherwise(&self, at: usize, moment: DateTime, draft: &mut Draft) {
        let wishes = &self.planner.wishes;
        let Some((Wish { proviso, .. }, step)) = wishes.get(at).zip(draft.steps.last_mut()) else { return };
        let with = |name: &str, value: Value| {
            let mut params = step.params.clone();
            params.insert(name.to_owned(), value);
            Alternative { tool: String::new(), params }
        };
        let hour = |time: Time| with("time", Value::from(times::spoken(time)));
        let waitlist = Alternative { tool: WAITLIST.to_owned(), params: step.params.clone() };
        let (or, tried) = match &proviso.instead {
            Some(Instead::Restaurant(name)) => (vec![with("restaurant", said(name))], name.clone()),
            Some(Instead::At(time)) => (vec![hour(*time)], times::spoken(*time)),
            Some(Instead::Waitlist) => (vec![waitlist], "the waiting list".to_owned()),
            None if proviso.firm || !self.is_movable() => return,
            None => {
                // An hour is an hour of that day, and to come.
                let hours = HOURS.map(|minutes| times::later(moment, minutes));
                let is_one = |other: &DateTime| other.date() == moment.date() && *other > self.planner.now;
                let hours = hours.into_iter().filter(is_one);
                let hours: Vec<Time> = hours.map(|other| other.time()).collect();
                let shown: Vec<String> = hours.iter().map(|time| times::spoken(*time)).collect();
                let mut or: Vec<Alternative> = hours.into_iter().map(hour).collect();
                let mut tried: Vec<String> = if shown.is_empty() { Vec::new() } else { vec![shown.join(", ")] };
                let first = step.params.get("restaurant").and_then(Value::as_str);
                if let Some(search) = first.and_then(|first| first.strip_suffix(".first.name")) {
                    or.push(with("restaurant", Value::from(format!("{search}.restaurants.1.name"))));
                    tried.push("another restaurant".to_owned());
                }
                or.push(waitlist);
                tried.push("the waiting list".to_owned());
                (or, tried.join(", then "))
            }
        };
        step.or = or;
        draft.otherwise = Some(tried);
    }

    /// Whether the hour of the one table may be another: nobody is told of it, taken there, or reminded.
    fn is_movable(&self) -> bool {
        let tables = self.planner.wishes.iter().filter(|wish| matches!(wish.what, What::Table(_))).count();
        let bound = |wish: &Wish| matches!(wish.what, What::Ride(_) | What::Message(_) | What::Entry(_));
        tables == 1 && !self.planner.wishes.iter().any(bound)
    }
}

/// What a plan's summary says of what would be tried.
pub(super) fn told(drafts: &[Draft]) -> String {
    drafts.iter().filter_map(|draft| draft.otherwise.as_deref()).map(sentence).collect()
}

fn sentence(tried: &str) -> String {
    format!(" If no table is free: {tried}; else nothing is kept, and you say what instead.")
}

/// The intent of who would wait, where it was said.
pub(super) fn waits(wish: &Wish, intent: &Intent) -> Option<Intent> {
    let waits = matches!(wish.proviso.instead, Some(Instead::Waitlist));
    waits.then(|| Intent { kind: Kind::Waitlist, ..intent.clone() })
}

/// Takes out what would be tried of a plan with tools that are not there.
pub(super) fn only(plan: &mut Plan, is_there: &dyn Fn(&str) -> bool) {
    for step in &mut plan.steps {
        let before = step.or.len();
        step.or.retain(|other| other.tool.is_empty() || is_there(&other.tool));
        if step.or.len() < before {
            let alone = sentence("the waiting list");
            plan.summary = plan.summary.replacen(&alone, "", 1).replacen(", then the waiting list", "", 1);
        }
    }
}

/// Whether a table is wished for on a waiting list.
pub(super) fn take_waitlist(words: &mut Words) -> bool {
    let found = words.find(&["waitlist"]);
    if let Some(at) = found {
        words.take(at..at + 1);
    }
    found.is_some()
}

/// The tool that a table is asked of.
pub(super) const fn tool_of(table: &table::Table) -> &'static str {
    if table.waitlist { WAITLIST } else { "book_restaurant_table" }
}

#[cfg(test)]
mod tests {
    use super::super::{Band, Context, Reading, read};
    use super::*;
    use crate::time::Millis;

    /// Monday, 23 November 2026, 10:00 in a place one hour east of Greenwich.
    fn reading(message: &str) -> Reading {
        let now = Millis(1_795_424_400_000);
        read(message, &Context { now, utc_offset_minutes: 60, user: "Ada".to_owned() })
    }

    fn planned(message: &str) -> Plan {
        let reading = reading(message);
        let Reading::Plan { plan, .. } = reading else { panic!("{message}: {reading:#?}") };
        plan
    }

    /// The skies under which the last step is made, and the place and day that they are looked up for.
    fn skies(message: &str) -> (Vec<String>, String, String) {
        let plan = planned(message);
        let look = plan.steps.iter().find(|step| step.tool == "get_weather_data").unwrap();
        let step = plan.steps.last().unwrap();
        assert!(step.after.contains(&look.id), "{message}");
        let when = step.when.as_ref().unwrap();
        assert_eq!((&when.left, when.is), (&json!(format!("${}.summary", look.id)), Comparison::In), "{message}");
        let text = |name: &str| look.params[name].as_str().unwrap().to_owned();
        (serde_json::from_value(when.right.clone()).unwrap(), text("place"), text("date"))
    }

    /// What is tried in place of the table, each with what is other than in the step.
    fn tried(message: &str) -> Vec<String> {
        let plan = planned(message);
        let step = plan.steps.iter().find(|step| step.tool == "book_restaurant_table").unwrap();
        let other = |alternative: &Alternative| {
            let changed = alternative.params.iter().filter(|(name, value)| step.params.get(*name) != Some(*value));
            let changed = changed.map(|(_, value)| value.as_str().unwrap().to_owned());
            changed.chain(Some(alternative.tool.clone()).filter(|tool| !tool.is_empty())).collect::<String>()
        };
        step.or.iter().map(other).collect()
    }

    const TABLE: &str = "Book a table for 4 at Luigi's tomorrow at 7pm";

    #[test]
    fn what_hangs_on_the_weather_is_done_under_that_sky_and_shown_first() {
        let dry = ["sunny", "partly cloudy", "cloudy", "windy"];
        for (message, expected, place, date) in [
            (format!("{TABLE} if it rains"), &RAIN[..], "Luigi's", "2026-11-24"),
            (format!("{TABLE} if it doesn't rain"), &dry[..], "Luigi's", "2026-11-24"),
            (format!("{TABLE}, but only if it is sunny"), &SUN[..], "Luigi's", "2026-11-24"),
            (format!("Unless it rains, {TABLE}"), &dry[..], "Luigi's", "2026-11-24"),
            (
                "If it's sunny tomorrow book a table for 2 at the Anchor at 1pm".to_owned(),
                &SUN[..],
                "The Anchor",
                "2026-11-24",
            ),
            (
                "If it rains in Rome on Friday, get a taxi from home to the airport on Friday at 8am".to_owned(),
                &RAIN[..],
                "Rome",
                "2026-11-27",
            ),
            ("Pay Anna 25 dollars if it rains in Rome".to_owned(), &RAIN[..], "Rome", "2026-11-23"),
            (
                "Wenn es morgen nicht regnet, reserviere einen Tisch für 2 in The Anchor um 13 Uhr".to_owned(),
                &dry[..],
                "The Anchor",
                "2026-11-24",
            ),
            (
                "Reserva una mesa para 4 en Luigi's mañana a las 19:00 si no llueve".to_owned(),
                &dry[..],
                "Luigi's",
                "2026-11-24",
            ),
        ] {
            let (skies, at, on) = skies(&message);
            assert_eq!(
                (skies.iter().map(String::as_str).collect::<Vec<_>>().as_slice(), at.as_str(), on.as_str()),
                (expected, place, date),
                "{message}"
            );
            assert_eq!(reading(&message).band(), Band::Confirm, "{message}");
        }
    }

    #[test]
    fn only_the_wish_behind_it_hangs_on_it() {
        let plan = planned(&format!("{TABLE}, and if it rains get us a taxi there"));
        let hangs: Vec<(&str, bool)> =
            plan.steps.iter().map(|step| (step.tool.as_str(), step.when.is_some())).collect();
        assert_eq!(
            hangs,
            [("book_restaurant_table", false), ("get_weather_data", false), ("request_ride", true)],
            "{plan:#?}"
        );
    }

    #[test]
    fn a_condition_that_could_be_meant_of_more_or_that_nothing_answers_is_asked_about() {
        for message in [
            format!("{TABLE} and get us a ride there if it rains"),
            format!("{TABLE}, but not if it rains"),
            format!("{TABLE} if it rains at noon"),
            format!("{TABLE} if it rains or Sam comes"),
            format!("{TABLE} in case it rains"),
            "Text Sam I am coming if it doesn't rain".to_owned(),
            format!("Text Sam: if it rains, {TABLE}"),
            "If it rains, get us a taxi home".to_owned(),
            "If it rains tomorrow, order a pizza from Luigi's to 12 Oak Lane".to_owned(),
        ] {
            let reading = reading(&message);
            let Reading::Plan { plan, .. } = &reading else { continue };
            // What Sam is told is Sam's.
            assert!(
                plan.steps.iter().all(|step| step.tool == "send_message" && step.when.is_none()),
                "{message}: {plan:#?}"
            );
        }
    }

    #[test]
    fn where_no_table_is_free_other_hours_are_tried_and_then_the_waiting_list() {
        assert_eq!(tried(TABLE), ["19:30", "18:30", "20:00", "18:00", "join_waitlist"]);
        let summary = planned(TABLE).summary;
        assert!(
            summary.contains("If no table is free: 19:30, 18:30, 20:00, 18:00, then the waiting list;"),
            "{summary}"
        );
        assert_eq!(reading(TABLE).band(), Band::Act, "what its tool would try is no assumption");
        let late = "Book a table for 4 at Luigi's tomorrow at 11:30pm";
        assert_eq!(tried(late), ["23:00", "22:30", "join_waitlist"], "never another day");
        let soon = "Book a table for 4 at Luigi's today at 10:20am";
        assert_eq!(tried(soon), ["10:50", "11:20", "join_waitlist"], "never an hour that is past");
        let cuisine = "Book an Italian restaurant for 2 tomorrow at 8pm";
        let other = "$search.restaurants.1.name";
        assert_eq!(tried(cuisine), ["20:30", "19:30", "21:00", "19:00", other, "join_waitlist"]);
    }

    #[test]
    fn nothing_is_tried_where_the_hour_is_meant_or_something_hangs_on_it() {
        for message in [
            format!("{TABLE} or nothing"),
            format!("{TABLE} sharp"),
            format!("{TABLE} and get us a ride there"),
            format!("{TABLE} and text Sam the details"),
            "Reserva una mesa para 4 en Luigi's mañana a las 19:00 o nada".to_owned(),
        ] {
            assert_eq!(tried(&message), [""; 0], "{message}");
            assert!(!planned(&message).summary.contains("If no table"), "{message}");
        }
    }

    #[test]
    fn what_somebody_would_have_instead_is_tried_and_nothing_else() {
        for (said, expected) in [
            (", otherwise at Sakura", "Sakura"),
            (", if it's full then sakura", "Sakura"),
            (", if they have no table free, try Sakura instead", "Sakura"),
            ("; if it's full, at 8:30pm", "20:30"),
            (", if it's fully booked put us on the waiting list", "join_waitlist"),
        ] {
            assert_eq!(tried(&format!("{TABLE}{said}")), [expected], "{said}");
        }
        let waits = reading(&format!("{TABLE}, if it's full put us on the waiting list"));
        let Reading::Plan { intents, .. } = waits else { panic!("{waits:#?}") };
        assert_eq!(intents.iter().map(|intent| intent.kind).collect::<Vec<_>>(), [Kind::Booking, Kind::Waitlist]);
        for unclear in [", otherwise call me", ", if it's full ask Sam", ", if it's free at Sakura"] {
            assert!(!matches!(reading(&format!("{TABLE}{unclear}")), Reading::Plan { .. }), "{unclear}");
        }
    }

    #[test]
    fn a_place_on_the_waiting_list_is_a_wish_of_its_own() {
        let reading = reading("Put us on the waiting list at Luigi's for 4 tomorrow at 7pm");
        let Reading::Plan { intents, plan } = reading else { panic!("{reading:#?}") };
        assert_eq!((intents[0].kind, plan.steps[0].tool.as_str()), (Kind::Waitlist, WAITLIST));
        assert!(plan.steps[0].or.is_empty());
    }

    #[test]
    fn what_would_be_tried_with_a_tool_that_is_not_there_is_left_out() {
        let mut plan = planned(TABLE);
        only(&mut plan, &|tool| tool == WAITLIST);
        assert_eq!(plan, planned(TABLE));
        only(&mut plan, &|_| false);
        assert_eq!((plan.steps[0].or.len(), plan.summary.contains("waiting list")), (4, false), "{plan:#?}");
        assert!(plan.summary.contains("18:00; else"), "{}", plan.summary);
    }
}
