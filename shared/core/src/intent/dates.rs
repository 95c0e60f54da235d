//! Days, in words and figures.
//!
//! Rules where speech is ambiguous: `on Friday` and `this Friday` are the first Friday after today;
//! `next Friday` is the Friday of next week, and weeks begin on Monday; a day without a year is the
//! next one of that name, today included; `3/4/2026` could be two days and is asked about.

use crate::civil::{Date, Weekday};

use super::numbers::{number, ordinal};
use super::tokens::Form;
use super::words::Words;

type Day = Result<Date, String>;

const WEEKDAYS: [(&str, Weekday); 16] = [
    ("monday", Weekday::Monday),
    ("tuesday", Weekday::Tuesday),
    ("wednesday", Weekday::Wednesday),
    ("thursday", Weekday::Thursday),
    ("friday", Weekday::Friday),
    ("saturday", Weekday::Saturday),
    ("sunday", Weekday::Sunday),
    ("mon", Weekday::Monday),
    ("tue", Weekday::Tuesday),
    ("tues", Weekday::Tuesday),
    ("wed", Weekday::Wednesday),
    ("thu", Weekday::Thursday),
    ("thurs", Weekday::Thursday),
    ("fri", Weekday::Friday),
    ("sat", Weekday::Saturday),
    ("sun", Weekday::Sunday),
];

const MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];

/// `Thursday, 24 December 2026`.
pub(super) fn spoken(date: Date) -> String {
    let weekday = WEEKDAYS.iter().find(|(_, day)| *day == date.weekday()).map_or("", |(name, _)| name);
    let month = usize::try_from(date.month() - 1).ok().and_then(|at| MONTHS.get(at)).copied();
    format!("{}, {} {} {}", capitalised(weekday), date.day(), capitalised(month.unwrap_or("")), date.year())
}

fn capitalised(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

pub(super) fn plus_days(date: Date, days: i32) -> Date {
    date.saturating_add_days(days.clamp(-10_000, 10_000))
}

/// Every day in the words, and takes them. What is no day, or past, is a question.
pub(super) fn days(words: &mut Words, today: Date) -> Vec<Day> {
    let mut found = Vec::new();
    let mut at = 0;
    while at < words.len() {
        if let Some((day, length)) = day(words, at, today) {
            let preposition = at > 0 && words.is(at - 1, &["on", "for"]);
            words.take(at - usize::from(preposition)..at + length);
            found.push(day.and_then(|day| not_past(day, today)));
            at += length;
        } else {
            at += 1;
        }
    }
    found
}

fn not_past(day: Date, today: Date) -> Day {
    if day < today { Err(format!("{} is past: on which day instead", spoken(day))) } else { Ok(day) }
}

fn day(words: &Words, at: usize, today: Date) -> Option<(Day, usize)> {
    relative(words, at, today)
        .or_else(|| weekday(words, at, today))
        .or_else(|| figures(words, at, today))
        .or_else(|| month_and_day(words, at, today))
        .or_else(|| day_of_this_month(words, at, today))
        .or_else(|| vague(words, at))
}

fn relative(words: &Words, at: usize, today: Date) -> Option<(Day, usize)> {
    let phrases = [
        ("the day after tomorrow", 2),
        ("day after tomorrow", 2),
        ("a week from today", 7),
        ("a week from now", 7),
        ("a week from tomorrow", 8),
        ("a week tomorrow", 8),
        ("tomorrow week", 8),
        ("a week today", 7),
        ("today week", 7),
        ("two weeks today", 14),
        ("two weeks from today", 14),
        ("two weeks from now", 14),
        ("day after tmrw", 2),
        ("tomorrow", 1),
        ("tmrw", 1),
        ("tonight", 0),
        ("today", 0),
        ("this evening", 0),
        ("this afternoon", 0),
        ("this morning", 0),
        ("the day before yesterday", -2),
        ("yesterday", -1),
        ("last night", -1),
        ("last week", -7),
    ];
    for (phrase, days) in phrases {
        if words.reads(at, phrase) {
            // The part of the day stays for the reading of times.
            let length = if phrase.starts_with("this ") { 1 } else { phrase.split(' ').count() };
            return Some((Ok(plus_days(today, days)), length));
        }
    }
    if let Some(feast) = feast(words, at, today) {
        return Some(feast);
    }
    if words.at(at) != "in" {
        return None;
    }
    let (count, length) = if words.at(at + 1) == "a" { (1, 1) } else { number(words, at + 1)? };
    let count = i32::try_from(count).ok().filter(|count| *count <= 1000);
    let length = length + 2;
    let days = match words.at(at + length - 1) {
        "day" | "days" => count.map(|count| plus_days(today, count)),
        "week" | "weeks" => count.map(|count| plus_days(today, count * 7)),
        "month" | "months" => count.map(|count| today.saturating_add_months(count)),
        _ => return None,
    };
    Some((days.ok_or_else(|| "that is too far away: on which day instead".to_owned()), length))
}

/// `Christmas Eve`, and the like.
fn feast(words: &Words, at: usize, today: Date) -> Option<(Day, usize)> {
    let feasts = [
        ("christmas eve", 12, 24),
        ("christmas day", 12, 25),
        ("boxing day", 12, 26),
        ("new year's eve", 12, 31),
        ("new year's day", 1, 1),
        ("valentine's day", 2, 14),
        ("halloween", 10, 31),
    ];
    let (name, month, day) = feasts.into_iter().find(|(name, _, _)| words.reads(at, name))?;
    Some((upcoming(month, day, name, today), name.split(' ').count()))
}

/// A weekday, and what says of which week it is: `Friday week`, `a week on Friday`, `Friday next week`.
fn weekday(words: &Words, at: usize, today: Date) -> Option<(Day, usize)> {
    let prefixes = [
        ("a week on", 7),
        ("a week from", 7),
        ("a week this", 7),
        ("week on", 7),
        ("next week on", 100),
        ("next week", 100),
        ("the", 0),
    ];
    let prefix = prefixes.into_iter().find(|(phrase, _)| words.reads(at, phrase));
    if let Some((phrase, ahead)) = prefix {
        let start = at + phrase.split(' ').count();
        let (day, length) = named_weekday(words, start, today, true)?;
        if ahead == 0 {
            // `the Friday after next`
            let later = words.reads(start + length, "after next");
            let question = "that could be two days: on which day".to_owned();
            return later.then_some((Err(question), start + length + 2 - at));
        }
        return Some((day.map(|day| in_week(day, today, ahead)), start + length - at));
    }
    let (day, length) = named_weekday(words, at, today, false)?;
    let suffixes = [("next week", 100), ("in a week", 7), ("in one week", 7), ("week", 7), ("this week", 0)];
    let suffix = suffixes.into_iter().find(|(phrase, _)| words.reads(at + length, phrase));
    let Some((phrase, ahead)) = suffix else {
        return Some((day, length));
    };
    Some((day.map(|day| in_week(day, today, ahead)), length + phrase.split(' ').count()))
}

/// The day, so many days later; 100 stands for the week that begins next Monday.
fn in_week(day: Date, today: Date, ahead: i32) -> Date {
    if ahead < 100 {
        return plus_days(day, ahead);
    }
    let monday = plus_days(today, 7 - i32::from(today.weekday().to_monday_zero_offset()));
    plus_days(monday, i32::from(day.weekday().to_monday_zero_offset()))
}

/// `led`: other words say that a day follows.
fn named_weekday(words: &Words, at: usize, today: Date, led: bool) -> Option<(Day, usize)> {
    let which = ["this", "next", "last", "coming"].into_iter().find(|which| words.at(at) == *which);
    let name_at = at + usize::from(which.is_some());
    let name = words.at(name_at);
    let (_, weekday) = WEEKDAYS.iter().find(|(known, _)| *known == name)?;
    // `sat` and `wed` are words of their own.
    let is_short = name.len() < 6;
    if is_short && which.is_none() && !led && !(at > 0 && words.is(at - 1, &["on", "for"])) {
        let odd = ["sat", "wed", "sun", "mon"].contains(&name);
        let timed =
            words.form(at + 1) == Some(Form::Number) || words.is(at + 1, &["at", "night", "evening", "morning"]);
        let named = words.is_capital(at) && (words.is_capital(at + 1) || (at > 0 && words.is_capital(at - 1)));
        if named || (odd && !timed) {
            return None;
        }
    }
    let monday = plus_days(today, -i32::from(today.weekday().to_monday_zero_offset()));
    let offset = i32::from(weekday.to_monday_zero_offset());
    let day = match which {
        Some("next") => plus_days(monday, 7 + offset),
        Some("last") => plus_days(monday, offset - 7),
        Some(_) | None => {
            let ahead = (offset - i32::from(today.weekday().to_monday_zero_offset())).rem_euclid(7);
            plus_days(today, if ahead == 0 { 7 } else { ahead })
        }
    };
    // `Friday, 25 December`: the comma belongs to the date, and both are compared.
    let comma = words.at(name_at + 1) == "," && month_and_day(words, name_at + 2, today).is_some();
    let of = name_at + 1 + usize::from(comma);
    let alone = || {
        let the = usize::from(words.at(of) == "the");
        ordinal_day(words, of + the, today).map(|(day, length)| (day, length + the))
    };
    if let Some((Ok(exact), length)) =
        month_and_day(words, of, today).or_else(|| figures(words, of, today)).or_else(alone)
    {
        let day = if exact.weekday() == *weekday {
            Ok(exact)
        } else {
            Err(format!("{} is not a {}: on which day", spoken(exact), capitalised(name)))
        };
        return Some((day, of + length - at));
    }
    Some((Ok(day), name_at + 1 - at))
}

/// `2026-12-24`, `24.12.`, `24.12.2026`, `12/24`, `24/12/2026`.
fn figures(words: &Words, at: usize, today: Date) -> Option<(Day, usize)> {
    if words.form(at) != Some(Form::Number) {
        return None;
    }
    let text = words.at(at);
    let parts = |mark: char| -> Option<Vec<i16>> {
        text.trim_end_matches('.').split(mark).map(|part| part.parse().ok()).collect()
    };
    // `for 7.30pm` is an hour.
    let dated = at > 0 && words.is(at - 1, &["on", "for"]) && !words.is(at + 1, &["am", "pm", "o'clock"]);
    let read = if text.contains('-') {
        let [year, month, day] = parts('-')?.try_into().ok()?;
        exact(year, month, day, text)
    } else if text.contains('/') {
        match parts('/')?.as_slice() {
            [first, second] => either(None, *first, *second, text, today),
            [first, second, year] => either(Some(*year), *first, *second, text, today),
            [..] => return None,
        }
    } else if text.contains('.') {
        match parts('.')?.as_slice() {
            [day, month] if text.ends_with('.') || dated => upcoming(*month, *day, text, today),
            [day, month, year] => exact(full_year(*year), *month, *day, text),
            [..] => return None,
        }
    } else {
        return None;
    };
    Some((read, 1))
}

fn full_year(year: i16) -> i16 {
    if (0..100).contains(&year) { 2000 + year } else { year }
}

fn either(year: Option<i16>, first: i16, second: i16, text: &str, today: Date) -> Day {
    let read = |month, day| match year {
        Some(year) => exact(full_year(year), month, day, text),
        None => upcoming(month, day, text, today),
    };
    match (read(first, second), read(second, first)) {
        (Ok(one), Ok(other)) if one != other => Err(format!("does “{text}” mean {} or {}", spoken(one), spoken(other))),
        (Ok(day), _) | (_, Ok(day)) => Ok(day),
        (Err(question), Err(_)) => Err(question),
    }
}

fn exact(year: i16, month: i16, day: i16, text: &str) -> Day {
    let date = i8::try_from(month).ok().zip(i8::try_from(day).ok());
    date.and_then(|(month, day)| Date::new(year, month, day))
        .filter(|date| (1970..=9000).contains(&date.year()))
        .ok_or_else(|| format!("“{text}” is not a day of the calendar: on which day"))
}

/// The next day of that name, today included; one that was not long ago is more likely meant, and past.
fn upcoming(month: i16, day: i16, text: &str, today: Date) -> Day {
    const NOT_LONG_AGO_DAYS: i32 = 60;
    if let Ok(gone) = exact(today.year(), month, day, text)
        && gone < today
        && gone >= plus_days(today, -NOT_LONG_AGO_DAYS)
    {
        return Err(format!("{} is past: on which day instead", spoken(gone)));
    }
    // A 29 February may be up to eight years away.
    (0..=8)
        .filter_map(|ahead| exact(today.year().saturating_add(ahead), month, day, text).ok())
        .find(|date| *date >= today)
        .ok_or_else(|| format!("“{text}” is not a day of the calendar: on which day"))
}

fn month(word: &str) -> Option<i16> {
    let at = MONTHS.iter().position(|name| {
        *name == word || (word == "sept" && *name == "september") || (word.len() == 3 && name.starts_with(word))
    })?;
    i16::try_from(at + 1).ok()
}

/// `24 December`, `the 24th of December 2026`, `Dec 24th, 2026`.
fn month_and_day(words: &Words, at: usize, today: Date) -> Option<(Day, usize)> {
    let start = at + usize::from(words.at(at) == "the");
    let day_at = |at| ordinal(words, at).or_else(|| number(words, at).filter(|(day, _)| *day <= 31));
    let (month, day, mut end) = if let Some(month) = month(words.at(start)) {
        let article = usize::from(words.at(start + 1) == ".") + usize::from(words.at(start + 1) == "the");
        let (day, length) = day_at(start + 1 + article)?;
        (month, day, start + 1 + article + length)
    } else {
        let (day, length) = day_at(start)?;
        let between = usize::from(words.is(start + length, &["of", "."]));
        let name = start + length + between;
        (month(words.at(name))?, day, name + 1)
    };
    let comma = usize::from(words.at(end) == ",");
    let year = words.at(end + comma).parse::<i16>().ok().filter(|year| (1970..=2999).contains(year));
    let day = i16::try_from(day).unwrap_or(0);
    let said_end = if year.is_some() { end + comma + 1 } else { end };
    let text = words.text(at..said_end);
    end = said_end;
    let read = match year {
        Some(year) => exact(year, month, day, text),
        None => upcoming(month, day, text, today),
    };
    Some((read, end - at))
}

/// `on the 24th`: of this month, or of the next that has such a day.
fn day_of_this_month(words: &Words, at: usize, today: Date) -> Option<(Day, usize)> {
    if words.at(at) != "the" {
        return None;
    }
    let (day, length) = ordinal_day(words, at + 1, today)?;
    let of = ["of this month", "of the month"].iter().any(|phrase| words.reads(at + 1 + length, phrase));
    Some((day, length + if of { 4 } else { 1 }))
}

/// `24th`.
fn ordinal_day(words: &Words, at: usize, today: Date) -> Option<(Day, usize)> {
    let (day, length) = ordinal(words, at)?;
    if !words.is_glued(at + 1) || length != 2 {
        return None;
    }
    let text = words.text(at..at + length);
    let found = (0..=12).find_map(|ahead| {
        let month = today.first_of_month().saturating_add_months(ahead);
        exact(month.year(), month.month().into(), i16::try_from(day).ok()?, text).ok().filter(|date| *date >= today)
    });
    let day = found.ok_or_else(|| format!("“{text}” is not a day of the calendar: on which day"));
    Some((day, length))
}

fn vague(words: &Words, at: usize) -> Option<(Day, usize)> {
    let phrases = [
        "this weekend",
        "next weekend",
        "the weekend",
        "at the weekend",
        "weekend",
        "next week",
        "this week",
        "next month",
        "this month",
        "next year",
        "some day",
        "someday",
        "one of these days",
        "sometime",
        "soon",
    ];
    let phrase = phrases.into_iter().find(|phrase| words.reads(at, phrase))?;
    let question = if phrase.ends_with("weekend") {
        format!("on which day of {phrase}, Saturday or Sunday")
    } else {
        format!("“{phrase}” is not one day: on which day")
    };
    Some((Err(question), phrase.split(' ').count()))
}

#[cfg(test)]
mod tests {
    use super::super::tokens::tokens;
    use super::*;
    use crate::civil::date;

    /// A Monday.
    const TODAY: Date = date(2026, 11, 23);

    fn read(message: &str) -> Vec<Day> {
        days(&mut Words::new(message, &tokens(message)), TODAY)
    }

    #[test]
    fn days_are_read_in_words_and_figures() {
        for (message, expected) in [
            ("today", date(2026, 11, 23)),
            ("tonight", date(2026, 11, 23)),
            ("tomorow", date(2026, 11, 24)),
            ("the day after tomorrow", date(2026, 11, 25)),
            ("in 3 days", date(2026, 11, 26)),
            ("in two weeks", date(2026, 12, 7)),
            ("in a week", date(2026, 11, 30)),
            ("on Friday", date(2026, 11, 27)),
            ("on Monday", date(2026, 11, 30)),
            ("this sat", date(2026, 11, 28)),
            ("next Tuesday", date(2026, 12, 1)),
            ("24 December", date(2026, 12, 24)),
            ("Dec 24th", date(2026, 12, 24)),
            ("the twenty-fourth of December", date(2026, 12, 24)),
            ("December 24th, 2027", date(2027, 12, 24)),
            ("2026-12-24", date(2026, 12, 24)),
            ("on 24.12. please", date(2026, 12, 24)),
            ("24.12.2026", date(2026, 12, 24)),
            ("12/24", date(2026, 12, 24)),
            ("3 March", date(2027, 3, 3)),
            ("29 February", date(2028, 2, 29)),
            ("on the 30th", date(2026, 11, 30)),
            ("on the 1st", date(2026, 12, 1)),
            ("Thursday, 24 December", date(2026, 12, 24)),
            ("Friday the 27th", date(2026, 11, 27)),
            ("on the 27th of this month", date(2026, 11, 27)),
            ("a week from Saturday", date(2026, 12, 5)),
        ] {
            assert_eq!(read(message), [Ok(expected)], "{message}");
        }
    }

    #[test]
    fn what_is_no_one_day_is_asked_about() {
        for message in [
            "yesterday",
            "2020-01-01",
            "31 February",
            "this weekend",
            "next week",
            "3/4",
            "last Friday",
            "2026-13-01",
            "Friday 24 December",
        ] {
            assert!(matches!(read(message)[..], [Err(_)]), "{message}: {:?}", read(message));
        }
    }

    #[test]
    fn words_that_only_look_like_days_are_left() {
        for message in
            ["we sat down", "you may come", "7.30", "for 7.30 pm", "the first table", "in 20 minutes", "march on"]
        {
            assert_eq!(read(message), [], "{message}");
        }
    }
}
