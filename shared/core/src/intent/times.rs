//! Times of day, in words and figures.
//!
//! Rules where speech is ambiguous: an hour without am or pm follows the part of the day that is said
//! (`in the evening`, `tonight`, `for breakfast`); without one, a meal is from noon to eleven at night
//! (`at 7` is 19:00, `at 11` is 11:00), a delivery from nine in the morning to eight, and anything else from seven in the morning to six in the
//! evening (`at 7` is 07:00, `at 5` is 17:00). Midnight ends the day it is said of.

use jiff::civil::{DateTime, Time};

use super::numbers::number;
use super::tokens::Form;
use super::words::Words;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Morning,
    Afternoon,
    Evening,
}

/// What an hour without am or pm most likely means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Habit {
    Meal,
    Delivery,
    Errand,
}

/// A time of day that was said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Clock {
    pub time: Time,
    /// It is after the midnight that ends the day.
    pub next_day: bool,
    /// Whether am or pm came from a rule.
    pub assumed: bool,
}

/// `19:00`.
pub(super) fn spoken(time: Time) -> String {
    format!("{:02}:{:02}", time.hour(), time.minute())
}

/// The part of the day that is spoken of. Takes `in the evening`, leaves words that say more.
pub(super) fn part(words: &mut Words) -> Option<Part> {
    let parts: [(&[&str], Part); 3] = [
        (&["morning", "breakfast", "brunch"], Part::Morning),
        (&["afternoon", "lunch", "lunchtime", "tea"], Part::Afternoon),
        (&["evening", "night", "dinner", "supper", "tonight"], Part::Evening),
    ];
    let (at, part) = parts.into_iter().find_map(|(names, part)| words.find(names).map(|at| (at, part)))?;
    if words.is(at, &["morning", "afternoon", "evening", "night", "lunchtime"]) {
        let article = at > 0 && words.is(at - 1, &["the", "at"]);
        let before = at > 1 && article && words.is(at - 2, &["in"]);
        words.take(at - usize::from(article) - usize::from(before)..at + 1);
    }
    Some(part)
}

/// How far from now, and the words it takes: `in 20 minutes`, `in an hour`, `now`.
pub(super) fn from_now(words: &mut Words, now: DateTime) -> Option<DateTime> {
    for at in 0..words.len() {
        for phrase in ["right now", "right away", "as soon as possible", "immediately", "asap", "now"] {
            if words.reads(at, phrase) {
                words.take(at..at + phrase.split(' ').count());
                return Some(now);
            }
        }
        if words.at(at) == "in"
            && let Some((minutes, length)) = span(words, at + 1)
        {
            words.take(at..at + 1 + length);
            return Some(later(now, i64::from(minutes)));
        }
    }
    None
}

pub(super) fn later(from: DateTime, minutes: i64) -> DateTime {
    from.saturating_add(jiff::SignedDuration::from_mins(minutes.clamp(-1_000_000, 1_000_000)))
}

/// A length of time in minutes: `2 hours`, `half an hour`, `an hour and a half`, `90 min`.
pub(super) fn span(words: &Words, at: usize) -> Option<(u32, usize)> {
    for (phrase, minutes) in [
        ("half an hour", 30),
        ("an hour and a half", 90),
        ("one and a half hours", 90),
        ("an hour", 60),
        ("a quarter of an hour", 15),
        ("a minute", 1),
    ] {
        if words.reads(at, phrase) {
            return Some((minutes, phrase.split(' ').count()));
        }
    }
    let (count, length) = number(words, at)?;
    let count = count.min(10_000);
    match words.at(at + length) {
        "hour" | "hours" | "h" | "hrs" | "hr" => Some((count * 60, length + 1)),
        "minute" | "minutes" | "min" | "mins" => Some((count, length + 1)),
        _ => None,
    }
}

/// A length introduced by `for`, and takes it.
pub(super) fn duration(words: &mut Words) -> Option<u32> {
    let (at, minutes, length) = (0..words.len())
        .filter(|at| words.at(*at) == "for")
        .find_map(|at| span(words, at + 1).map(|(minutes, length)| (at, minutes, length)))?;
    words.take(at..at + 1 + length);
    Some(minutes)
}

/// Every time in the words, and takes them. What is no time is a question.
pub(super) fn times(words: &mut Words, part: Option<Part>, habit: Habit) -> Vec<Result<Clock, String>> {
    let mut found = Vec::new();
    let mut at = 0;
    while at < words.len() {
        let also = !found.is_empty() && at > 0 && words.is(at, &["or"]);
        let introduced = also || words.is(at, &["at", "@"]);
        let start = at + usize::from(introduced);
        let Some((mut said, mut length)) = said(words, start, introduced) else {
            at += 1;
            continue;
        };
        if words.reads(start + length, "o'clock") || words.reads(start + length, "oclock") {
            length += 1;
        }
        let named = match words.at(start + length) {
            "am" => Some(false),
            "pm" => Some(true),
            _ => None,
        };
        if named.is_some() {
            said.half = named;
            length += 1;
        }
        let text = words.text(start..start + length);
        found.push(said.clock(part, habit).ok_or_else(|| format!("“{text}” is not a time: at what time")));
        words.take(at..start + length);
        at = start + length;
    }
    found
}

/// An hour that was said alone.
pub(super) fn on_the_hour(hour: u32, habit: Habit) -> Option<Clock> {
    Said { hour, minute: 0, half: None, exact: false }.clock(None, habit)
}

/// An hour and minute as they were said.
struct Said {
    hour: u32,
    minute: u32,
    /// `Some(true)` is pm.
    half: Option<bool>,
    /// Written so that it can only be on the clock of 24 hours: `19:00`, `07:30`.
    exact: bool,
}

fn said(words: &Words, at: usize, introduced: bool) -> Option<(Said, usize)> {
    let plain = |hour, minute| Said { hour, minute, half: None, exact: false };
    match words.at(at) {
        "noon" | "midday" => {
            return Some((Said { half: Some(true), ..plain(12, 0) }, 1));
        }
        "midnight" => {
            return Some((Said { half: Some(false), ..plain(12, 0) }, 1));
        }
        _ => {}
    }
    if let Some(found) = past_or_to(words, at) {
        return Some((plain(found.0, found.1), found.2));
    }
    if words.form(at) == Some(Form::Number) {
        return figures(words, at, introduced);
    }
    let (hour, mut length) = number(words, at).filter(|(hour, _)| *hour <= 24)?;
    let mut minute = 0;
    if let Some((value, more)) = number(words, at + length)
        && (10..60).contains(&value)
    {
        (minute, length) = (value, length + more);
    }
    let marked = words.is(at + length, &["am", "pm", "o'clock", "oclock"]);
    let counted = words.is(at + length, &["people", "persons", "of", "hours", "minutes", "guests", "or"]);
    let alone = introduced && !counted && !words.is_capital(at + length);
    (marked || alone).then(|| (plain(hour, minute), length))
}

/// `half past seven`, `quarter to eight`, `ten past seven`, `twenty-five to eight`.
fn past_or_to(words: &Words, at: usize) -> Option<(u32, u32, usize)> {
    let start = at + usize::from(words.at(at) == "a");
    let (minutes, mut length) = match words.at(start) {
        "half" => (30, 1),
        "quarter" => (15, 1),
        _ => number(words, start).filter(|(minutes, _)| (1..30).contains(minutes))?,
    };
    length += usize::from(words.is(start + length, &["minutes", "minute"]));
    let to = match words.at(start + length) {
        "past" | "after" => false,
        "to" | "before" | "till" => true,
        _ => return None,
    };
    let (hour, more) = match words.at(start + length + 1) {
        "noon" => (12, 1),
        _ => number(words, start + length + 1).filter(|(hour, _)| (1..=24).contains(hour))?,
    };
    // `to 12 Oak Lane` is a way, not an hour.
    let end = start + length + 1 + more;
    if words.is_capital(end) || (to && minutes == 30) {
        return None;
    }
    let (hour, minute) = match (to, hour) {
        (false, hour) => (hour, minutes),
        (true, 1) => (12, 60 - minutes),
        (true, hour) => (hour - 1, 60 - minutes),
    };
    Some((hour, minute, end - at))
}

fn figures(words: &Words, at: usize, introduced: bool) -> Option<(Said, usize)> {
    let text = words.at(at);
    let marked = words.is(at + 1, &["am", "pm", "o'clock", "oclock"]);
    if let Some((hour, minute)) = text.split_once([':', '.']) {
        let colon = text.contains(':');
        if !(colon || marked || introduced) {
            return None;
        }
        if minute.len() != 2 || hour.len() > 2 {
            return colon.then_some((Said { hour: 99, minute: 99, half: None, exact: true }, 1));
        }
        let said =
            Said { hour: hour.parse().ok()?, minute: minute.parse().ok()?, half: None, exact: hour.starts_with('0') };
        return Some((said, 1));
    }
    let hour: u32 = text.parse().ok()?;
    // `at 12 Oak Lane` is a place, `at 5 people` a number.
    let next = words.at(at + 1);
    let place = words.is_capital(at + 1) || ["people", "persons", "guests", "st", "th", "nd", "rd"].contains(&next);
    let currency = ["dollars", "euros", "euro", "eur", "usd", "$", "€", "percent", "%"].contains(&next);
    let alone = introduced && !place && !currency && text.len() <= 2;
    (marked || alone).then_some((Said { hour, minute: 0, half: None, exact: false }, 1))
}

impl Said {
    fn clock(&self, part: Option<Part>, habit: Habit) -> Option<Clock> {
        let (hour, next_day, assumed) = self.hour_of_day(part, habit)?;
        let time = Time::new(i8::try_from(hour).ok()?, i8::try_from(self.minute).ok()?, 0, 0).ok()?;
        Some(Clock { time, next_day, assumed })
    }

    /// Hour, whether it is past midnight, whether it was assumed.
    fn hour_of_day(&self, part: Option<Part>, habit: Habit) -> Option<(u32, bool, bool)> {
        let hour = self.hour;
        match self.half {
            Some(true) if hour == 12 => return Some((12, false, false)),
            Some(false) if hour == 12 => return Some((0, true, false)),
            Some(true) if hour < 12 => return Some((hour + 12, false, false)),
            Some(true) => return Some((hour, false, false)),
            Some(false) => return (hour < 12).then_some((hour, false, false)),
            None => {}
        }
        if hour == 24 && self.minute == 0 {
            return Some((0, true, false));
        }
        if self.exact || hour == 0 || hour > 12 {
            return Some((hour, false, false));
        }
        let read = match part {
            Some(Part::Afternoon) if hour <= 9 => (hour + 12, false, false),
            Some(Part::Morning | Part::Afternoon) => (hour, false, false),
            Some(Part::Evening) if hour == 12 => (0, true, false),
            // `tonight at 3` is said of no evening.
            Some(Part::Evening) if hour < 4 => return None,
            Some(Part::Evening) => (hour + 12, false, false),
            None => match habit {
                Habit::Meal if hour <= 10 => (hour + 12, false, true),
                Habit::Errand if hour <= 6 => (hour + 12, false, true),
                Habit::Delivery if hour <= 8 => (hour + 12, false, true),
                Habit::Meal | Habit::Delivery | Habit::Errand => (hour, false, true),
            },
        };
        Some(read)
    }
}

#[cfg(test)]
mod tests {
    use super::super::tokens::tokens;
    use super::*;

    fn read(message: &str, habit: Habit) -> Vec<Result<String, String>> {
        let tokens = tokens(message);
        let mut words = Words::new(message, &tokens);
        let part = part(&mut words);
        times(&mut words, part, habit).into_iter().map(|found| found.map(|clock| spoken(clock.time))).collect()
    }

    #[test]
    fn times_are_read_in_words_and_figures() {
        for (message, expected) in [
            ("7pm", "19:00"),
            ("7:30 pm", "19:30"),
            ("7.30 p.m.", "19:30"),
            ("19:00", "19:00"),
            ("07:15", "07:15"),
            ("half past seven", "19:30"),
            ("at quarter to eight", "19:45"),
            ("a quarter past 8", "20:15"),
            ("twenty-five to nine", "20:35"),
            ("ten minutes past six", "18:10"),
            ("noon", "12:00"),
            ("at midnight", "00:00"),
            ("at seven in the evening", "19:00"),
            ("at seven thirty", "19:30"),
            ("seven o'clock", "19:00"),
            ("dinner at 7", "19:00"),
            ("breakfast at 7", "07:00"),
            ("lunch at 1", "13:00"),
            ("lunch at 11", "11:00"),
            ("in the morning at 10", "10:00"),
            ("12am", "00:00"),
        ] {
            assert_eq!(read(message, Habit::Meal), [Ok(expected.to_owned())], "{message}");
        }
        assert_eq!(read("at 7", Habit::Errand), [Ok("07:00".to_owned())]);
        assert_eq!(read("at 5", Habit::Errand), [Ok("17:00".to_owned())]);
    }

    #[test]
    fn nonsense_is_asked_about() {
        for message in ["at 25:00", "tonight at 1", "at 7:61pm", "19am", "at 13:5", "at 77"] {
            assert!(matches!(read(message, Habit::Meal)[..], [Err(_)]), "{message}");
        }
        assert_eq!(read("at 7 or 8", Habit::Meal).len(), 2);
    }

    #[test]
    fn numbers_that_are_no_times_are_left() {
        for message in [
            "for 4",
            "around 8",
            "by 8",
            "until 8",
            "at 12 Oak Lane",
            "two pizzas",
            "at 25 dollars",
            "four to 12 Oak Lane",
        ] {
            assert_eq!(read(message, Habit::Meal), [], "{message}");
        }
    }

    #[test]
    fn lengths_are_read_in_minutes() {
        for (message, minutes) in [("for 2 hours", 120), ("for half an hour", 30), ("for ninety minutes", 90)] {
            let tokens = tokens(message);
            assert_eq!(duration(&mut Words::new(message, &tokens)), Some(minutes), "{message}");
        }
    }
}
