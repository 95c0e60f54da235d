//! The calendar: days, times of day, and instants in UTC, to the millisecond.
//!
//! Just what is needed here, by the names of the crate `jiff`, which weighs some 30 kB gzipped in each function with its
//! parsers and its errors; the tests hold this against it. Years are those of the Gregorian calendar, -9999 to 9999.
//! Nothing fails: what leaves that range stays at its end.
//!
//! Days are counted as Howard Hinnant does it, in `days_from_civil` and `civil_from_days` of his
//! <https://howardhinnant.github.io/date_algorithms.html>: in years that begin on 1 March, in eras of 400 of them.

use std::fmt;
use std::str::FromStr;

const MS_A_DAY: i64 = 86_400_000;
/// As many as there are in 400 years.
const DAYS_AN_ERA: i32 = 146_097;
/// From 1 March of the year 0 to 1970-01-01.
const DAYS_TO_1970: i32 = 719_468;

/// A text is no date, or no time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unread;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Weekday {
    Monday,
    Tuesday,
    Wednesday,
    Thursday,
    Friday,
    Saturday,
    Sunday,
}

/// A day: `2026-11-30`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Date {
    year: i16,
    month: i8,
    day: i8,
}

/// A time of day: `19:30:00`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Time {
    hour: i8,
    minute: i8,
    second: i8,
    millisecond: i16,
}

/// A day and a time of it, as a clock on a wall shows them: `2026-11-30T19:30:00`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DateTime {
    date: Date,
    time: Time,
}

/// Milliseconds since 1970, in UTC; before, where negative. Shown as in RFC 3339: `2026-05-01T12:00:00Z`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

impl Weekday {
    /// Days since the last Monday.
    #[must_use]
    pub const fn to_monday_zero_offset(self) -> i8 {
        match self {
            Self::Monday => 0,
            Self::Tuesday => 1,
            Self::Wednesday => 2,
            Self::Thursday => 3,
            Self::Friday => 4,
            Self::Saturday => 5,
            Self::Sunday => 6,
        }
    }
}

const fn days_in_month(year: i16, month: i8) -> i8 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

impl Date {
    pub const MIN: Self = Self { year: -9999, month: 1, day: 1 };
    pub const MAX: Self = Self { year: 9999, month: 12, day: 31 };

    /// `None` where there is no such day.
    #[must_use]
    pub const fn new(year: i16, month: i8, day: i8) -> Option<Self> {
        match (year, month, day) {
            (-9999..=9999, 1..=12, 1..) if day <= days_in_month(year, month) => Some(Self { year, month, day }),
            _ => None,
        }
    }

    #[must_use]
    pub const fn year(self) -> i16 {
        self.year
    }

    #[must_use]
    pub const fn month(self) -> i8 {
        self.month
    }

    #[must_use]
    pub const fn day(self) -> i8 {
        self.day
    }

    /// Since 1970-01-01.
    fn days(self) -> i32 {
        let (year, month, day) = (i32::from(self.year), i32::from(self.month), i32::from(self.day));
        let year = year - i32::from(month <= 2);
        let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
        let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
        era * DAYS_AN_ERA + of_era * 365 + of_era / 4 - of_era / 100 + of_year - DAYS_TO_1970
    }

    fn from_days(days: i32) -> Option<Self> {
        let days = days.checked_add(DAYS_TO_1970)?;
        let (era, of_era) = (days.div_euclid(DAYS_AN_ERA), days.rem_euclid(DAYS_AN_ERA));
        let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
        let of_year = of_era - (365 * year + year / 4 - year / 100);
        // From March.
        let month = (5 * of_year + 2) / 153;
        let day = of_year - (153 * month + 2) / 5 + 1;
        let month = if month < 10 { month + 3 } else { month - 9 };
        let year = year + era * 400 + i32::from(month <= 2);
        Self::new(i16::try_from(year).ok()?, i8::try_from(month).ok()?, i8::try_from(day).ok()?)
    }

    #[must_use]
    pub fn weekday(self) -> Weekday {
        // 1970-01-01 was a Thursday.
        match self.days().saturating_add(3).rem_euclid(7) {
            0 => Weekday::Monday,
            1 => Weekday::Tuesday,
            2 => Weekday::Wednesday,
            3 => Weekday::Thursday,
            4 => Weekday::Friday,
            5 => Weekday::Saturday,
            _ => Weekday::Sunday,
        }
    }

    #[must_use]
    pub const fn first_of_month(self) -> Self {
        Self { day: 1, ..self }
    }

    #[must_use]
    pub fn saturating_add_days(self, days: i32) -> Self {
        let end = if days < 0 { Self::MIN } else { Self::MAX };
        Self::from_days(self.days().saturating_add(days)).unwrap_or(end)
    }

    /// The same day of another month, or its last where it has no such day.
    #[must_use]
    pub fn saturating_add_months(self, months: i32) -> Self {
        let end = if months < 0 { Self::MIN } else { Self::MAX };
        let count = (i32::from(self.year) * 12 + i32::from(self.month) - 1).saturating_add(months);
        let year = i16::try_from(count.div_euclid(12)).ok();
        let month = i8::try_from(count.rem_euclid(12) + 1).ok();
        let date = year.zip(month).and_then(|(year, month)| {
            let day = self.day.min(days_in_month(year, month));
            Self::new(year, month, day)
        });
        date.unwrap_or(end)
    }

    #[must_use]
    pub const fn to_datetime(self, time: Time) -> DateTime {
        DateTime { date: self, time }
    }
}

impl Time {
    pub const MIDNIGHT: Self = Self { hour: 0, minute: 0, second: 0, millisecond: 0 };
    pub const MAX: Self = Self { hour: 23, minute: 59, second: 59, millisecond: 999 };

    /// `None` where no clock shows it.
    #[must_use]
    pub const fn new(hour: i8, minute: i8, second: i8) -> Option<Self> {
        match (hour, minute, second) {
            (0..=23, 0..=59, 0..=59) => Some(Self { hour, minute, second, millisecond: 0 }),
            _ => None,
        }
    }

    #[must_use]
    pub const fn hour(self) -> i8 {
        self.hour
    }

    #[must_use]
    pub const fn minute(self) -> i8 {
        self.minute
    }

    #[must_use]
    pub const fn second(self) -> i8 {
        self.second
    }

    /// Without its seconds.
    #[must_use]
    pub const fn to_minute(self) -> Self {
        Self { second: 0, millisecond: 0, ..self }
    }

    /// So many hours later, round the clock.
    #[must_use]
    pub fn wrapping_add_hours(self, hours: i64) -> Self {
        let hour = (i64::from(self.hour) + hours.rem_euclid(24)) % 24;
        Self { hour: i8::try_from(hour).unwrap_or(self.hour), ..self }
    }

    /// Since midnight.
    fn millis(self) -> i64 {
        let minutes = i64::from(self.hour) * 60 + i64::from(self.minute);
        (minutes * 60 + i64::from(self.second)) * 1_000 + i64::from(self.millisecond)
    }

    /// `None` where a day has not so many.
    fn from_millis(millis: i64) -> Option<Self> {
        let seconds = millis.div_euclid(1_000);
        let hour = i8::try_from(seconds / 3_600).ok()?;
        let minute = i8::try_from(seconds / 60 % 60).ok()?;
        let second = i8::try_from(seconds % 60).ok()?;
        let millisecond = i16::try_from(millis.rem_euclid(1_000)).ok()?;
        Some(Self { millisecond, ..Self::new(hour, minute, second)? })
    }
}

impl DateTime {
    pub const MIN: Self = Date::MIN.to_datetime(Time::MIDNIGHT);
    pub const MAX: Self = Date::MAX.to_datetime(Time::MAX);
    /// 1970-01-01T00:00:00.
    pub const EPOCH: Self = Date { year: 1970, month: 1, day: 1 }.to_datetime(Time::MIDNIGHT);

    #[must_use]
    pub const fn date(self) -> Date {
        self.date
    }

    #[must_use]
    pub const fn time(self) -> Time {
        self.time
    }

    #[must_use]
    pub const fn hour(self) -> i8 {
        self.time.hour
    }

    #[must_use]
    pub fn saturating_add_minutes(self, minutes: i64) -> Self {
        Self::from_millis(self.millis().saturating_add(minutes.saturating_mul(60_000)))
    }

    /// Milliseconds since [`EPOCH`](Self::EPOCH).
    #[must_use]
    pub fn millis(self) -> i64 {
        i64::from(self.date.days()) * MS_A_DAY + self.time.millis()
    }

    fn from_millis(millis: i64) -> Self {
        let date = i32::try_from(millis.div_euclid(MS_A_DAY)).ok().and_then(Date::from_days);
        let moment = date.zip(Time::from_millis(millis.rem_euclid(MS_A_DAY)));
        let end = if millis < 0 { Self::MIN } else { Self::MAX };
        moment.map_or(end, |(date, time)| date.to_datetime(time))
    }
}

impl Timestamp {
    /// These two leave room for every offset.
    pub const MIN: Self = Self(-377_705_023_201_000);
    pub const MAX: Self = Self(253_402_207_200_999);

    /// `None` beyond [`MIN`](Self::MIN) and [`MAX`](Self::MAX).
    #[must_use]
    pub fn from_millisecond(millis: i64) -> Option<Self> {
        (Self::MIN.0..=Self::MAX.0).contains(&millis).then_some(Self(millis))
    }

    /// `None` beyond [`MIN`](Self::MIN) and [`MAX`](Self::MAX).
    #[must_use]
    pub fn from_second(seconds: i64) -> Option<Self> {
        Self::from_millisecond(seconds.saturating_mul(1_000))
    }

    /// What a clock shows so far east of Greenwich; that of Greenwich where it is a day and two hours or more.
    #[must_use]
    pub fn to_datetime(self, offset_minutes: i32) -> DateTime {
        let offset = if offset_minutes.unsigned_abs() < 26 * 60 { offset_minutes } else { 0 };
        DateTime::from_millis(self.0.saturating_add(i64::from(offset) * 60_000))
    }
}

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let year = self.year.unsigned_abs();
        if self.year < 0 {
            write!(f, "-{year:06}")?;
        } else {
            write!(f, "{year:04}")?;
        }
        write!(f, "-{:02}-{:02}", self.month, self.day)
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}:{:02}:{:02}", self.hour, self.minute, self.second)?;
        match self.millisecond {
            0 => Ok(()),
            ms if ms % 100 == 0 => write!(f, ".{}", ms / 100),
            ms if ms % 10 == 0 => write!(f, ".{:02}", ms / 10),
            ms => write!(f, ".{ms:03}"),
        }
    }
}

impl fmt::Display for DateTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}T{}", self.date, self.time)
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}Z", self.to_datetime(0))
    }
}

/// A part of just so many digits, four at most.
fn number(part: Option<&str>, length: usize) -> Option<i16> {
    let mut digits = part.filter(|part| part.len() == length)?.bytes();
    digits.try_fold(0_i16, |value, byte| byte.is_ascii_digit().then(|| value * 10 + i16::from(byte - b'0')))
}

/// A part of two digits.
fn two(part: Option<&str>) -> Option<i8> {
    number(part, 2).and_then(|value| i8::try_from(value).ok())
}

/// `2026-11-30`, and nothing else.
impl FromStr for Date {
    type Err = Unread;
    fn from_str(text: &str) -> Result<Self, Unread> {
        let mut parts = text.split('-');
        match (number(parts.next(), 4), two(parts.next()), two(parts.next()), parts.next()) {
            (Some(year), Some(month), Some(day), None) => Self::new(year, month, day).ok_or(Unread),
            _ => Err(Unread),
        }
    }
}

/// `19:30` or `19:30:00`, and nothing else. The sixtieth second, which is there where one is put in, is the one before.
impl FromStr for Time {
    type Err = Unread;
    fn from_str(text: &str) -> Result<Self, Unread> {
        let mut parts = text.split(':');
        let (hour, minute) = (two(parts.next()), two(parts.next()));
        let second = parts.next().map_or(Some(0), |second| two(Some(second)));
        match (hour, minute, second, parts.next()) {
            (Some(hour), Some(minute), Some(second), None) => {
                Self::new(hour, minute, if second == 60 { 59 } else { second }).ok_or(Unread)
            }
            _ => Err(Unread),
        }
    }
}

/// For tests: a day that there is.
#[cfg(test)]
pub(crate) const fn date(year: i16, month: i8, day: i8) -> Date {
    match Date::new(year, month, day) {
        Some(date) => date,
        None => panic!("no such day"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_day_of_eight_centuries_follows_the_one_before() {
        let mut days = date(1600, 1, 1).days();
        let mut weekday = date(1599, 12, 31).weekday().to_monday_zero_offset();
        for year in 1600..2400 {
            for month in 1..=12 {
                for day in 1..=days_in_month(year, month) {
                    let date = date(year, month, day);
                    assert_eq!((date.days(), Date::from_days(days)), (days, Some(date)));
                    weekday = (weekday + 1) % 7;
                    assert_eq!(date.weekday().to_monday_zero_offset(), weekday, "{date}");
                    assert_eq!(date.to_string().parse(), Ok(date));
                    days += 1;
                }
            }
        }
        assert_eq!(days, date(2400, 1, 1).days());
        assert_eq!(days - date(2000, 1, 1).days(), DAYS_AN_ERA);
    }

    #[test]
    fn months_have_their_ends_and_leap_years_their_day() {
        let ends: Vec<i8> = (1..=12).map(|month| days_in_month(2026, month)).collect();
        assert_eq!(ends, [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]);
        assert_eq!(
            [1900, 2000, 2024, 2026, 2100, 0, -4].map(|year| days_in_month(year, 2)),
            [28, 29, 29, 28, 28, 29, 29]
        );
        for (year, month, day) in
            [(2026, 2, 29), (2026, 4, 31), (2026, 0, 1), (2026, 13, 1), (2026, 1, 0), (2026, 1, -1), (10_000, 1, 1)]
        {
            assert_eq!(Date::new(year, month, day), None);
        }
        assert_eq!(date(2100, 2, 28).saturating_add_days(1), date(2100, 3, 1));
        assert_eq!(date(2000, 2, 28).saturating_add_days(1), date(2000, 2, 29));
        assert_eq!(date(2027, 1, 1).saturating_add_days(-1), date(2026, 12, 31));
        assert_eq!(date(2026, 11, 23).first_of_month(), date(2026, 11, 1));
    }

    #[test]
    fn a_month_later_is_clamped_to_what_the_month_has() {
        for (from, months, to) in [
            (date(2026, 1, 31), 1, date(2026, 2, 28)),
            (date(2027, 12, 31), 2, date(2028, 2, 29)),
            (date(2026, 11, 30), 3, date(2027, 2, 28)),
            (date(2026, 11, 15), 14, date(2028, 1, 15)),
            (date(2026, 3, 31), -1, date(2026, 2, 28)),
            (date(2026, 1, 1), -13, date(2024, 12, 1)),
        ] {
            assert_eq!(from.saturating_add_months(months), to, "{from} {months}");
        }
    }

    #[test]
    fn what_leaves_the_calendar_stays_at_its_end() {
        let today = date(2026, 11, 30);
        assert_eq!(today.saturating_add_days(i32::MAX), Date::MAX);
        assert_eq!(today.saturating_add_days(i32::MIN), Date::MIN);
        assert_eq!(today.saturating_add_months(i32::MAX), Date::MAX);
        assert_eq!(today.saturating_add_months(i32::MIN), Date::MIN);
        assert_eq!(DateTime::EPOCH.saturating_add_minutes(i64::MAX), DateTime::MAX);
        assert_eq!(DateTime::EPOCH.saturating_add_minutes(i64::MIN), DateTime::MIN);
        assert_eq!(DateTime::from_millis(DateTime::MAX.millis()), DateTime::MAX);
        assert_eq!(DateTime::from_millis(DateTime::MIN.millis()), DateTime::MIN);
        assert_eq!((Timestamp::from_second(i64::MAX), Timestamp::from_millisecond(i64::MIN)), (None, None));
        assert_eq!(Timestamp::MIN.to_datetime(-1_559), date(-9999, 1, 1).to_datetime(Time::new(0, 0, 59).unwrap()));
        assert_eq!(Timestamp::MAX.to_datetime(1_559).to_string(), "9999-12-31T23:59:00.999");
        assert_eq!(Timestamp::MAX.to_datetime(1_560), Timestamp::MAX.to_datetime(0));
        assert_eq!(Timestamp::MAX.to_datetime(i32::MIN), Timestamp::MAX.to_datetime(0));
    }

    #[test]
    fn known_instants_are_told_as_in_rfc_3339() {
        for (ms, expected) in [
            (0, "1970-01-01T00:00:00Z"),
            (-1, "1969-12-31T23:59:59.999Z"),
            (951_782_400_000, "2000-02-29T00:00:00Z"),
            (1_777_636_800_000, "2026-05-01T12:00:00Z"),
            (1_777_636_800_500, "2026-05-01T12:00:00.5Z"),
            (1_777_636_800_120, "2026-05-01T12:00:00.12Z"),
            (1_777_636_800_007, "2026-05-01T12:00:00.007Z"),
            (253_402_207_200_999, "9999-12-30T22:00:00.999Z"),
        ] {
            assert_eq!(Timestamp::from_millisecond(ms).unwrap().to_string(), expected);
        }
        assert_eq!(DateTime::EPOCH.date().weekday(), Weekday::Thursday);
        assert_eq!(date(2000, 2, 29).weekday(), Weekday::Tuesday);
        assert_eq!(date(2026, 11, 30).weekday(), Weekday::Monday);
        assert_eq!(date(-1, 2, 3).to_string(), "-000001-02-03");
    }

    #[test]
    fn a_clock_goes_round() {
        let time = Time::new(19, 30, 15).unwrap();
        assert_eq!(time.wrapping_add_hours(12).to_string(), "07:30:15");
        assert_eq!(time.wrapping_add_hours(-20).to_string(), "23:30:15");
        assert_eq!(Time::MAX.to_minute().to_string(), "23:59:00");
        for (hour, minute, second) in [(24, 0, 0), (0, 60, 0), (0, 0, 60), (-1, 0, 0)] {
            assert_eq!(Time::new(hour, minute, second), None);
        }
    }

    #[test]
    fn dates_and_times_are_read_strictly() {
        assert_eq!("2026-11-30".parse(), Ok(date(2026, 11, 30)));
        for text in [
            "",
            "2026-11-31",
            "2026-1-30",
            "26-11-30",
            "2026-11-30-",
            "2026-11",
            "+026-11-30",
            "20261130",
            "2026-11-3a",
            "2026-11-30T19:30",
            " 2026-11-30",
            "-2026-11-30",
            "２026-11-30",
        ] {
            assert_eq!(text.parse::<Date>(), Err(Unread), "{text}");
        }
        for (text, expected) in
            [("19:30", "19:30:00"), ("00:00", "00:00:00"), ("19:30:59", "19:30:59"), ("23:59:60", "23:59:59")]
        {
            assert_eq!(text.parse::<Time>().unwrap().to_string(), expected);
        }
        for text in
            ["", "24:00", "19:60", "19:30:61", "9:30", "19:3", "19", "1930", "19:30:", "19:30Z", "19:30:00.5", "+1:30"]
        {
            assert_eq!(text.parse::<Time>(), Err(Unread), "{text}");
        }
    }

    /// The reference: over random instants, and sums.
    #[test]
    fn jiff_says_the_same() {
        use jiff::ToSpan as _;
        let mut state = 0x9E37_79B9_7F4A_7C15_u64;
        let mut random = |least: i64, most: i64| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            least + i64::try_from(state >> 1).unwrap() % (most - least + 1)
        };
        let small = |value: i64| i32::try_from(value).unwrap();
        for _ in 0..20_000 {
            // Far enough from the ends for what is added in minutes: there, jiff has nanoseconds.
            let ms = random(-300_000_000_000_000, 240_000_000_000_000);
            let own = Timestamp::from_millisecond(ms).unwrap();
            let theirs = jiff::Timestamp::from_millisecond(ms).unwrap();
            assert_eq!(own.to_string(), theirs.to_string());

            let minutes = small(random(-1_559, 1_559));
            let own = own.to_datetime(minutes);
            let theirs = jiff::tz::Offset::from_seconds(minutes * 60).unwrap().to_datetime(theirs);
            assert_eq!(own.to_string(), theirs.to_string());
            let minutes = random(-1_000_000, 1_000_000);
            let later = theirs.saturating_add(jiff::SignedDuration::from_mins(minutes));
            assert_eq!(own.saturating_add_minutes(minutes).to_string(), later.to_string());
            let hours = random(-40, 40);
            let later = theirs.time().wrapping_add(jiff::SignedDuration::from_hours(hours));
            assert_eq!(own.time().wrapping_add_hours(hours).to_string(), later.to_string());

            let (own, theirs) = (own.date(), theirs.date());
            let weekday = theirs.weekday().to_monday_zero_offset();
            assert_eq!(own.weekday().to_monday_zero_offset(), weekday, "{own}");
            let days = random(-4_000_000, 4_000_000);
            let later = theirs.saturating_add(days.days());
            assert_eq!(own.saturating_add_days(small(days)).to_string(), later.to_string(), "{own} {days}");
            let months = random(-200_000, 200_000);
            let later = theirs.saturating_add(months.months());
            assert_eq!(own.saturating_add_months(small(months)).to_string(), later.to_string(), "{own} {months}");

            let year = i16::try_from(random(-10_010, 10_010)).unwrap();
            let month = i8::try_from(random(-1, 14)).unwrap();
            let day = i8::try_from(random(-1, 33)).unwrap();
            let (own, theirs) = (Date::new(year, month, day), jiff::civil::Date::new(year, month, day).ok());
            assert_eq!(own.map(|own| own.to_string()), theirs.map(|theirs| theirs.to_string()));
        }
        let least = jiff::Timestamp::from_second(Timestamp::MIN.0 / 1_000).unwrap();
        assert_eq!(least, jiff::Timestamp::MIN);
        assert_eq!(Timestamp::MAX.0, jiff::Timestamp::MAX.as_millisecond());
    }
}
