//! The day, as a model is told it.

use crate::civil::{Timestamp, Weekday};
use crate::time::Millis;

/// The day at the user's place, with its name and the distance from Greenwich: `Saturday, 2026-11-28, UTC+01:00`.
/// The time of day is left out, so that the same message on the same day is the same question.
#[must_use]
pub fn today(now: Millis, utc_offset_minutes: i32) -> String {
    let millis = i64::try_from(now.0).unwrap_or(i64::MAX);
    let at = Timestamp::from_millisecond(millis).unwrap_or(Timestamp::MAX);
    let date = at.to_datetime(utc_offset_minutes).date();
    let name = match date.weekday() {
        Weekday::Monday => "Monday",
        Weekday::Tuesday => "Tuesday",
        Weekday::Wednesday => "Wednesday",
        Weekday::Thursday => "Thursday",
        Weekday::Friday => "Friday",
        Weekday::Saturday => "Saturday",
        Weekday::Sunday => "Sunday",
    };
    let (sign, minutes) = (if utc_offset_minutes < 0 { '-' } else { '+' }, utc_offset_minutes.unsigned_abs());
    format!("{name}, {date}, UTC{sign}{:02}:{:02}", minutes / 60, minutes % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_that_of_the_users_place() {
        // 2026-11-28 23:30 UTC.
        let late = Millis(1_795_908_600_000);
        assert_eq!(today(late, 0), "Saturday, 2026-11-28, UTC+00:00");
        assert_eq!(today(late, 60), "Sunday, 2026-11-29, UTC+01:00");
        assert_eq!(today(late, -570), "Saturday, 2026-11-28, UTC-09:30");
        assert!(today(Millis(u64::MAX), 0).contains("9999"));
    }
}
