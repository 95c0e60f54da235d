//! When a cron expression comes true next: with one-minute resolution, in UTC or in the zone it names.

use jiff::{Timestamp, ToSpan as _, Unit, Zoned, civil::Date, tz::TimeZone};
use makegood_core::cron;

/// When a schedule fires.
#[derive(Clone, Debug)]
pub struct Cron {
    zone: TimeZone,
    says: cron::Cron,
}

/// Far enough for any February 29th.
const HORIZON_DAYS: u32 = 366 * 9;

impl Cron {
    /// # Errors
    /// What is wrong with which field.
    pub fn parse(text: &str) -> Result<Self, String> {
        let says = cron::Cron::parse(text)?;
        let zone = match says.zone() {
            None => TimeZone::UTC,
            Some(name) => TimeZone::get(name).map_err(|_| format!("unknown time zone '{name}'"))?,
        };
        Ok(Self { zone, says })
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
        let weekday = date.weekday().to_sunday_zero_offset();
        self.says.on(date.month().unsigned_abs(), date.day().unsigned_abs(), weekday.unsigned_abs())
    }

    fn first_minute(&self, date: Date, after: &Zoned) -> Option<Zoned> {
        let minutes = (0_i8..24).flat_map(|hour| (0_i8..60).map(move |minute| (hour, minute)));
        // A local time that a clock change skips moves to after the gap.
        minutes
            .filter(|(hour, minute)| self.says.at(hour.unsigned_abs(), minute.unsigned_abs()))
            .filter_map(|(hour, minute)| {
                let at = date.at(hour, minute, 0, 0);
                let zoned = at.to_zoned(self.zone.clone()).ok()?;
                zoned.round(Unit::Second).ok()
            })
            .find(|at| at > after)
    }
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
        for cron in ["", "* * * *", "x * * * *", "CRON_TZ=Mars/Base * * * * *"] {
            assert!(Cron::parse(cron).is_err(), "{cron}");
        }
        let never = Cron::parse("0 0 31 2 *").unwrap();
        assert_eq!(never.next_after(0), None);
    }
}
