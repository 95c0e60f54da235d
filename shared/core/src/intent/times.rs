//! Times of day, in words and figures.
//!
//! Rules where speech is ambiguous: an hour without am or pm follows the part of the day that is said
//! (`in the evening`, `tonight`, `for breakfast`); without one, a meal is from noon to eleven at night
//! (`at 7` is 19:00, `at 11` is 11:00), a delivery from nine in the morning to eight, and anything else from seven in the morning to six in the
//! evening (`at 7` is 07:00, `at 5` is 17:00). Midnight ends the day it is said of.

use crate::civil::{DateTime, Time};

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
    /// It was said of about this time: `around 8`, `noonish`.
    pub approximate: bool,
}

/// `19:00`.
pub(super) fn spoken(time: Time) -> String {
    format!("{:02}:{:02}", time.hour(), time.minute())
}

/// The part of the day that is spoken of. Takes `in the evening`, leaves words that say more.
pub(super) fn part(words: &mut Words) -> Option<Part> {
    // What is said of the day stands before what a meal says of it.
    let parts: [(&[&str], Part); 6] = [
        (&["morning"], Part::Morning),
        (&["afternoon", "lunchtime"], Part::Afternoon),
        (&["evening", "night", "tonight"], Part::Evening),
        (&["breakfast", "brunch"], Part::Morning),
        (&["lunch", "tea"], Part::Afternoon),
        (&["dinner", "supper"], Part::Evening),
    ];
    let (at, part) = parts.into_iter().find_map(|(names, part)| {
        // `parents' evening`
        let owned = |at: usize| at > 0 && (words.at(at - 1).ends_with('\'') || words.at(at - 1).ends_with("'s"));
        (0..words.len()).find(|at| words.is(*at, names) && !owned(*at)).map(|at| (at, part))
    })?;
    if words.is(at, &["morning", "afternoon", "evening", "night", "lunchtime"]) {
        let article = at > 0 && words.is(at - 1, &["the", "at", "that"]);
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
    from.saturating_add_minutes(minutes.clamp(-1_000_000, 1_000_000))
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
        if let Some(length) = no_one_time(words, at) {
            found.push(Err(format!("“{}” is more than one time: at what time", words.text(at..at + length))));
            words.take(at..at + length);
            at += length;
            continue;
        }
        let also = !found.is_empty() && at > 0 && words.is(at, &["or"]);
        let named = words.is(at, &["at", "@"]);
        let about = at + usize::from(named);
        let mut approximate = ABOUT.contains(&words.at(about)) && (about == 0 || words.at(about - 1) != "for");
        let introduced = also || named || approximate;
        let start = at + usize::from(also) + usize::from(named) + usize::from(approximate);
        let bare = introduced || is_bare_hour(words, at);
        let Some((mut said, mut length)) = said(words, start, bare) else {
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
        let hyphen = usize::from(words.at(start + length) == "-" && words.is(start + length + 1, &["ish"]));
        if words.is(start + length + hyphen, &["ish"]) {
            (approximate, length) = (true, length + hyphen + 1);
        } else if words.reads(start + length, "or so") || words.reads(start + length, "or thereabouts") {
            (approximate, length) = (true, length + 2);
        } else if ["or later", "or earlier"].iter().any(|phrase| words.reads(start + length, phrase)) {
            let text = words.text(start..start + length + 2);
            found.push(Err(format!("“{text}” is more than one time: at what time")));
            words.take(at..start + length + 2);
            at = start + length + 2;
            continue;
        }
        approximate |= words.at(start) == "noonish";
        let clock = said.clock(part, habit).map(|clock| Clock { approximate, ..clock });
        found.push(clock.ok_or_else(|| format!("“{text}” is not a time: at what time")));
        words.take(at..start + length);
        at = start + length;
    }
    found
}

/// `after 7pm`, `between 7 and 8`: how many words.
fn no_one_time(words: &Words, at: usize) -> Option<usize> {
    let end = |at: usize| {
        let (_, length) = said(words, at, true)?;
        let end = at + length;
        let other = words.is(end, &["days", "weeks", "months", "day", "week", "minutes", "hours"]);
        (!other).then(|| end + usize::from(words.is(end, &["am", "pm", "o'clock"])))
    };
    let first = end(at + 1).filter(|end| {
        // `by 6pm`, `from 18:00`; `from 12 Oak Lane` is a place.
        let marked = words.is(end - 1, &["am", "pm", "o'clock"]) || words.at(end - 1).contains(':');
        words.is(at, &["after", "before", "between"]) || marked && words.is(at, &["by", "from", "until", "till"])
    })?;
    let second =
        if words.at(at) == "between" { Some(end(first + 1).filter(|_| words.at(first) == "and")?) } else { None };
    Some(second.unwrap_or(first) - at)
}

/// What makes a time one of several.
const ABOUT: [&str; 6] = ["around", "about", "approx", "approx.", "approximately", "roughly"];

/// `tonight 8 for 2`: a number right behind a day, where the people are said apart.
fn is_bare_hour(words: &Words, at: usize) -> bool {
    const DAYS: [&str; 14] = [
        "tonight",
        "tomorrow",
        "today",
        "monday",
        "tuesday",
        "wednesday",
        "thursday",
        "friday",
        "saturday",
        "sunday",
        "evening",
        "night",
        "dinner",
        "lunch",
    ];
    let day = at.checked_sub(1).is_some_and(|before| DAYS.contains(&words.raw(before)) && !words.is_free(before));
    let ends = at + 1 >= words.len() || words.is_mark(at + 1) || words.is(at + 1, &["for", "please", "at", "under"]);
    let counted = (0..words.len()).any(|other| {
        other != at
            && ((words.at(other) == "for" && number(words, other + 1).is_some())
                || (number(words, other).is_some() && words.is(other + 1, &["people", "persons", "guests", "person"])))
    });
    day && ends && counted
}

/// How many minutes lie between two hours that are said, where the second ends, and what the first is.
pub(super) fn between(words: &Words, from: usize, to: usize) -> Option<(u32, usize, Clock)> {
    let half = |at: usize| match words.at(at) {
        "am" => Some(false),
        "pm" => Some(true),
        _ => None,
    };
    let (begin, length) = said(words, from, true)?;
    let (end, more) = said(words, to + 1, true)?;
    let marked = usize::from(half(from + length).is_some() || words.is(from + length, &["o'clock"]));
    let behind = to + 1 + more;
    let closed = usize::from(half(behind).is_some() || words.is(behind, &["o'clock", "oclock"]));
    let minutes = |said: &Said| said.hour * 60 + said.minute;
    let (mut first, mut last) = (minutes(&begin), minutes(&end));
    if let (Some(true), Some(false)) | (Some(false), Some(true)) = (half(from + length), half(behind)) {
        last += 12 * 60;
    } else if last <= first {
        last += 12 * 60;
    }
    first = first.min(24 * 60);
    // `from 2 to 3pm`: what is said of the end holds for the beginning.
    let named = half(from + length).or_else(|| half(behind).filter(|_| minutes(&begin) < minutes(&end)));
    let clock = Said { half: named.or(begin.half), ..begin }.clock(None, Habit::Errand)?;
    (from + length + marked == to && last <= 48 * 60).then(|| (last.saturating_sub(first), behind + closed, clock))
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
        "noon" | "midday" | "noonish" => {
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
    // `half 7`, as the British say it.
    if words.at(start) == "half"
        && length == 1
        && let Some((hour, more)) = number(words, start + 1).filter(|(hour, _)| (1..=12).contains(hour))
    {
        let end = start + 1 + more;
        let follows =
            ["pm", "am", "tomorrow", "tonight", "today", "on", "for", "at", "in", "please", "this", "next", "under"];
        let weekday = words.at(end).ends_with("day");
        let ends =
            end >= words.len() || words.is_mark(end) || !words.is_free(end) || words.is(end, &follows) || weekday;
        return ends.then_some((hour, 30, end - at));
    }
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
    // `19h30`, `19h`.
    if let Some(minutes) = words.at(at + 1).strip_prefix('h').filter(|_| words.is_glued(at + 1) && hour <= 24) {
        let minute = if minutes.is_empty() { Some(0) } else { minutes.parse().ok().filter(|_| minutes.len() == 2) };
        return minute.map(|minute| (Said { hour, minute, half: None, exact: hour > 12 }, 2));
    }
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
        let time = Time::new(i8::try_from(hour).ok()?, i8::try_from(self.minute).ok()?, 0)?;
        Some(Clock { time, next_day, assumed, approximate: false })
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
            ("dinner at 6 in the evening", "18:00"),
        ] {
            assert_eq!(read(message, Habit::Meal), [Ok(expected.to_owned())], "{message}");
        }
        assert_eq!(read("at 7", Habit::Errand), [Ok("07:00".to_owned())]);
        assert_eq!(read("at 5", Habit::Errand), [Ok("17:00".to_owned())]);
    }

    #[test]
    fn nonsense_is_asked_about() {
        for message in ["at 25:00", "tonight at 1", "at 7:61pm", "19am", "at 13:5", "at 77", "after 7pm", "by 6pm"] {
            assert!(matches!(read(message, Habit::Meal)[..], [Err(_)]), "{message}");
        }
        for message in ["between 7 and 8pm", "at 6pm or later"] {
            assert!(matches!(read(message, Habit::Meal)[..], [Err(_)]), "{message}");
        }
        assert_eq!(read("at 7 or 8", Habit::Meal).len(), 2);
    }

    #[test]
    fn numbers_that_are_no_times_are_left() {
        for message in
            ["for 4", "by 8", "until 8", "at 12 Oak Lane", "two pizzas", "at 25 dollars", "four to 12 Oak Lane"]
        {
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
