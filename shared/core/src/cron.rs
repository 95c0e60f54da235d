//! Cron expressions, read and checked: five fields, and in front of them perhaps `CRON_TZ=<zone> `.
//!
//! The queue fires by them, so what is here is what an expression says, and not when that comes next:
//! that takes the history of time zones, which a small function does without. Whether a zone exists is
//! the queue's to say for the same reason.

/// When a schedule fires.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cron {
    zone: Option<String>,
    minutes: u64,
    hours: u64,
    days: u64,
    months: u64,
    weekdays: u64,
    either_day: bool,
}

const MONTHS: &str = "jan feb mar apr may jun jul aug sep oct nov dec";
const WEEKDAYS: &str = "sun mon tue wed thu fri sat";
/// The longest zone has 32 characters.
const LONGEST_ZONE: usize = 64;

impl Cron {
    /// Reads an expression.
    ///
    /// # Errors
    /// What is wrong with which field, in words that can follow a colon.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut words: Vec<&str> = text.split_ascii_whitespace().collect();
        let mut zone = None;
        if let Some(name) = words.first().and_then(|word| word.strip_prefix("CRON_TZ=")) {
            zone = Some(read_zone(name)?);
            words.remove(0);
        }
        let &[minute, hour, day, month, weekday] = words.as_slice() else {
            return Err(format!("expected 5 fields, found {}", words.len()));
        };
        let weekdays = field("weekday", weekday, 0, 7, WEEKDAYS)?;
        Ok(Self {
            zone,
            minutes: field("minute", minute, 0, 59, "")?,
            hours: field("hour", hour, 0, 23, "")?,
            days: field("day", day, 1, 31, "")?,
            months: field("month", month, 1, 12, MONTHS)?,
            // Sunday is both 0 and 7.
            weekdays: weekdays | weekdays >> 7,
            either_day: !day.starts_with('*') && !weekday.starts_with('*'),
        })
    }

    /// The name of its time zone; UTC where it has none.
    #[must_use]
    pub fn zone(&self) -> Option<&str> {
        self.zone.as_deref()
    }

    /// Whether it fires on this day: months and days from 1, weekdays from Sunday as 0. When both day
    /// fields are restricted either one suffices, as in every Unix cron.
    #[must_use]
    pub fn on(&self, month: u8, day: u8, weekday: u8) -> bool {
        let (by_day, by_weekday) = (has(self.days, day), has(self.weekdays, weekday));
        let fits = if self.either_day { by_day || by_weekday } else { by_day && by_weekday };
        has(self.months, month) && fits
    }

    /// Whether it fires at this time of the days on which it fires.
    #[must_use]
    pub fn at(&self, hour: u8, minute: u8) -> bool {
        has(self.hours, hour) && has(self.minutes, minute)
    }

    /// Whether there is a day on which it fires: there is no 31st of February.
    #[must_use]
    pub fn comes_true(&self) -> bool {
        const LAST: [u8; 12] = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
        let has_day = |(month, last): (u8, u8)| has(self.months, month) && (1..=last).any(|day| has(self.days, day));
        // Every day of the year falls on every weekday in some year.
        self.either_day || (1..).zip(LAST).any(has_day)
    }
}

fn has(set: u64, value: u8) -> bool {
    value < 64 && set >> value & 1 == 1
}

fn read_zone(name: &str) -> Result<String, String> {
    let fits = |c: char| c.is_ascii_alphanumeric() || "_+-/".contains(c);
    if name.is_empty() || name.len() > LONGEST_ZONE || !name.chars().all(fits) {
        return Err("that is no name of a time zone, such as Europe/Berlin".to_owned());
    }
    Ok(name.to_owned())
}

/// The set of values a field allows, one bit each.
fn field(what: &str, text: &str, low: u8, high: u8, names: &str) -> Result<u64, String> {
    let wrong = || {
        let text: String = text.chars().take(40).collect();
        format!("bad cron field '{text}': the {what} is between {low} and {high}, with `*`, `,`, `-` and `/`")
    };
    let value = |word: &str| -> Result<u8, String> {
        let named = names.split(' ').zip(low..).find(|(name, _)| name.eq_ignore_ascii_case(word));
        let value = match named {
            Some((_, value)) if !word.is_empty() => value,
            _ => number(word).ok_or_else(wrong)?,
        };
        (low..=high).contains(&value).then_some(value).ok_or_else(wrong)
    };
    let mut set = 0;
    for part in text.split(',') {
        let (range, step) = match part.split_once('/') {
            Some((range, step)) => (range, number(step).ok_or_else(wrong)?),
            None => (part, 1),
        };
        let (from, to) = match range.split_once('-') {
            _ if range == "*" => (low, high),
            Some((from, to)) => (value(from)?, value(to)?),
            None if part.contains('/') => (value(range)?, high),
            None => (value(range)?, value(range)?),
        };
        if step == 0 || from > to {
            return Err(wrong());
        }
        for value in (from..=to).step_by(usize::from(step)) {
            set |= 1 << value;
        }
    }
    Ok(set)
}

/// Digits only: Rust would also take a sign.
fn number(text: &str) -> Option<u8> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cron(text: &str) -> Cron {
        Cron::parse(text).unwrap_or_else(|why| panic!("{text}: {why}"))
    }

    #[test]
    fn each_field_is_read_as_in_every_unix_cron() {
        let weekly = cron("CRON_TZ=Europe/Berlin 0 9 * * 1");
        assert_eq!(weekly.zone(), Some("Europe/Berlin"));
        assert!(weekly.on(11, 30, 1) && !weekly.on(11, 29, 0));
        assert!(weekly.at(9, 0) && !weekly.at(9, 1) && !weekly.at(10, 0));
        let office = cron("*/15 9-17 * jan,Mar mon-fri");
        assert!(office.at(17, 45) && !office.at(18, 0) && !office.at(9, 20));
        assert!(office.on(3, 2, 5) && !office.on(2, 2, 5) && !office.on(3, 7, 6));
        assert!(cron("5/20 * * * 7").at(0, 45) && cron("0 0 * * 7").on(1, 1, 0), "Sunday is both 0 and 7");
        let either = cron("30 6 1 * 0");
        assert!(either.on(8, 1, 6) && either.on(8, 9, 0) && !either.on(8, 3, 1));
    }

    #[test]
    fn what_never_comes_is_known_for_that() {
        for never in ["0 0 31 2 *", "0 0 30 feb *", "0 0 31 4,6,9,11 *"] {
            assert!(!cron(never).comes_true(), "{never}");
        }
        for once in ["* * * * *", "0 0 29 2 *", "0 0 31 2 mon", "0 0 31 1,2 *"] {
            assert!(cron(once).comes_true(), "{once}");
        }
    }

    #[test]
    fn what_is_none_is_refused_by_the_field_it_is_wrong_in() {
        for text in [
            "",
            "daily",
            "@daily",
            "* * * *",
            "* * * * * *",
            "60 * * * *",
            "* 24 * * *",
            "* * 0 * *",
            "* * * 13 *",
            "* * * * 8",
            "*/0 * * * *",
            "*/999 * * * *",
            "5-1 * * * *",
            "+5 * * * *",
            "-5 * * * *",
            "1- * * * *",
            "x * * * *",
            ", * * * *",
            "** * * * *",
            "*/*/2 * * * *",
            "99999999999999999999 * * * *",
            "CRON_TZ= * * * * *",
            "CRON_TZ=A;B * * * * *",
            "TZ=UTC * * * * *",
        ] {
            assert!(Cron::parse(text).is_err(), "{text}");
        }
        assert!(Cron::parse("0 25 * * *").unwrap_err().contains("hour"));
    }
}
