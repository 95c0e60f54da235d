//! Cron expressions: five fields, one-minute resolution, UTC or the zone of a
//! `CRON_TZ=<IANA> ` prefix. When both day fields are restricted either one
//! suffices, as in every Unix cron.

use jiff::{Timestamp, ToSpan as _, Unit, Zoned, civil::Date, tz::TimeZone};

/// When a schedule fires.
#[derive(Clone, Debug)]
pub struct Cron {
    zone: TimeZone,
    minutes: u64,
    hours: u64,
    days: u64,
    months: u64,
    weekdays: u64,
    either_day: bool,
}

const MONTHS: &str = "jan feb mar apr may jun jul aug sep oct nov dec";
const WEEKDAYS: &str = "sun mon tue wed thu fri sat";
/// Far enough for any February 29th.
const HORIZON_DAYS: u32 = 366 * 9;

impl Cron {
    /// # Errors
    /// What is wrong with which field.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut words: Vec<&str> = text.split_whitespace().collect();
        let mut zone = TimeZone::UTC;
        if let Some(name) = words.first().and_then(|word| word.strip_prefix("CRON_TZ=")) {
            zone = TimeZone::get(name).map_err(|_| format!("unknown time zone '{name}'"))?;
            words.remove(0);
        }
        let &[minute, hour, day, month, weekday] = words.as_slice() else {
            return Err(format!("expected 5 fields, found {}", words.len()));
        };
        let weekdays = field(weekday, 0, 7, WEEKDAYS)?;
        Ok(Self {
            zone,
            minutes: field(minute, 0, 59, "")?,
            hours: field(hour, 0, 23, "")?,
            days: field(day, 1, 31, "")?,
            months: field(month, 1, 12, MONTHS)?,
            // Sunday is both 0 and 7.
            weekdays: weekdays | weekdays >> 7,
            either_day: !day.starts_with('*') && !weekday.starts_with('*'),
        })
    }

    /// The first minute after `millis`, both Unix milliseconds; `None` when
    /// the expression can never come true.
    pub fn next_after(&self, millis: u64) -> Option<u64> {
        let start = Timestamp::from_millisecond(i64::try_from(millis).ok()?).ok()?;
        let start = start.to_zoned(self.zone.clone());
        let first = start.checked_add(1.minute()).ok()?;
        let mut date = first.date();
        for _ in 0..HORIZON_DAYS {
            if self.on(date)
                && let Some(at) = self.first_minute(date, &start)
            {
                return u64::try_from(at.timestamp().as_millisecond()).ok();
            }
            date = date.tomorrow().ok()?;
        }
        None
    }

    fn on(&self, date: Date) -> bool {
        let bit = |set: u64, value: i8| set >> value & 1 == 1;
        let day = bit(self.days, date.day());
        let weekday = bit(self.weekdays, date.weekday().to_sunday_zero_offset());
        let both = if self.either_day { day || weekday } else { day && weekday };
        bit(self.months, date.month()) && both
    }

    fn first_minute(&self, date: Date, after: &Zoned) -> Option<Zoned> {
        let minutes = (0_i8..24)
            .filter(|hour| self.hours >> hour & 1 == 1)
            .flat_map(|hour| (0_i8..60).map(move |minute| (hour, minute)))
            .filter(|(_, minute)| self.minutes >> minute & 1 == 1);
        // A local time that a clock change skips moves to after the gap.
        minutes
            .filter_map(|(hour, minute)| {
                let at = date.at(hour, minute, 0, 0);
                let zoned = at.to_zoned(self.zone.clone()).ok()?;
                zoned.round(Unit::Second).ok()
            })
            .find(|at| at > after)
    }
}

/// The set of values a field allows, one bit each.
fn field(text: &str, low: u32, high: u32, names: &str) -> Result<u64, String> {
    let wrong = || format!("bad cron field '{text}'");
    let value = |word: &str| -> Result<u32, String> {
        let word = word.to_ascii_lowercase();
        let named = names.split(' ').zip(low..).find(|(name, _)| *name == word);
        let value = match named {
            Some((_, value)) if !word.is_empty() => value,
            _ => word.parse().map_err(|_| wrong())?,
        };
        (low..=high).contains(&value).then_some(value).ok_or_else(wrong)
    };
    let mut set = 0;
    for part in text.split(',') {
        let (range, step) = match part.split_once('/') {
            Some((range, step)) => (range, step.parse().map_err(|_| wrong())?),
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
        for value in (from..=to).step_by(usize::try_from(step).unwrap_or(1)) {
            set |= 1 << value;
        }
    }
    Ok(set)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn next(cron: &str, after: &str) -> String {
        let after: Timestamp = after.parse().unwrap();
        let millis = u64::try_from(after.as_millisecond()).unwrap();
        let at = Cron::parse(cron).unwrap().next_after(millis).unwrap();
        Timestamp::from_millisecond(i64::try_from(at).unwrap()).unwrap().to_string()
    }

    #[test]
    fn the_next_minute_is_found() {
        for (cron, after, expected) in [
            ("* * * * *", "2026-01-01T00:00:00Z", "2026-01-01T00:01:00Z"),
            ("*/15 9-17 * * mon-fri", "2026-08-21T17:50:00Z", "2026-08-24T09:00:00Z"),
            ("0 0 29 2 *", "2026-01-01T00:00:00Z", "2028-02-29T00:00:00Z"),
            ("30 6 1 * 0", "2026-08-02T07:00:00Z", "2026-08-09T06:30:00Z"),
            ("5/20 * * * *", "2026-01-01T00:06:30Z", "2026-01-01T00:25:00Z"),
            ("CRON_TZ=America/New_York 0 8 * * *", "2026-07-01T00:00:00Z", "2026-07-01T12:00:00Z"),
        ] {
            assert_eq!(next(cron, after), expected, "{cron}");
        }
    }

    #[test]
    fn malformed_expressions_are_refused() {
        for cron in [
            "",
            "* * * *",
            "* * * * * *",
            "60 * * * *",
            "*/0 * * * *",
            "5-1 * * * *",
            "x * * * *",
            ", * * * *",
            "CRON_TZ=Mars/Base * * * * *",
        ] {
            assert!(Cron::parse(cron).is_err(), "{cron}");
        }
        let never = Cron::parse("0 0 31 2 *").unwrap();
        assert_eq!(never.next_after(0), None);
    }
}
