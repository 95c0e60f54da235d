//! Where somebody is: their time zone, and the language that they want to be answered in.
//!
//! A plan names days and hours on the wall, so all that is needed of a zone is how far its clock is from Greenwich
//! now. A function has no table of zones: that of the crate `jiff` weighs some 100 KB. The database has one, and
//! says it in the statement that reads the conversation.

use makegood_core::error::{Code, Error};

/// The furthest from Greenwich that a clock is, in minutes.
pub const FURTHEST: i32 = 14 * 60;
/// No name of a zone is longer.
const LONGEST_ZONE: usize = 64;
const LONGEST_LOCALE: usize = 35;

/// A time zone as it was said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Zone {
    /// So many minutes east of Greenwich, whatever the season.
    Fixed(i32),
    /// As the IANA's database calls it: `Europe/Berlin`.
    Named(String),
}

impl Zone {
    /// Reads `Europe/Berlin`, `UTC` or `+02:00`. Whether a name is one is the database's to say.
    ///
    /// # Errors
    /// [`Code::InvalidRequest`] for anything else.
    pub fn parse(text: &str) -> Result<Self, Error> {
        if matches!(text, "UTC" | "Z") {
            return Ok(Self::Fixed(0));
        }
        fixed(text)
            .map(Self::Fixed)
            .or_else(|| is_name(text).then(|| Self::Named(text.to_owned())))
            .ok_or_else(no_such_zone)
    }
}

/// What is said to a zone that there is not.
pub fn no_such_zone() -> Error {
    let message =
        "`time_zone` is none: send a name like `Europe/Berlin`, or an offset like `+02:00`, 14 hours at most.";
    Error::new(Code::InvalidRequest, message)
}

/// `+02:00`, `-0330`, `+5`.
fn fixed(text: &str) -> Option<i32> {
    let (east, digits) =
        text.strip_prefix('+').map(|digits| (1, digits)).or_else(|| Some((-1, text.strip_prefix('-')?)))?;
    let (hours, minutes) = match digits.split_once(':') {
        Some((hours, minutes)) if hours.len() == 2 && minutes.len() == 2 => (hours, minutes),
        None if digits.len() == 4 => digits.split_at_checked(2)?,
        None if matches!(digits.len(), 1 | 2) => (digits, "0"),
        Some(_) | None => return None,
    };
    let number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse::<i32>().ok())?;
    let (hours, minutes) = (number(hours)?, number(minutes)?);
    let all = 60 * hours + minutes;
    (minutes < 60 && all <= FURTHEST).then_some(east * all)
}

/// Whether it is written as a zone's name. Of digits there are those of `Etc/GMT+5` and its kin only: what ends in
/// other digits PostgreSQL would take for a rule of POSIX, and not refuse.
fn is_name(text: &str) -> bool {
    if let Some(hours) = text.strip_prefix("Etc/GMT") {
        let digits = hours.strip_prefix(['+', '-']).unwrap_or(hours);
        return hours.is_empty() || (matches!(digits.parse::<u8>(), Ok(..=14)) && digits.len() <= 2);
    }
    let is_part = |part: &str| {
        part.starts_with(|letter: char| letter.is_ascii_alphabetic())
            && part.ends_with(|letter: char| letter.is_ascii_alphabetic())
            && part.bytes().all(|byte| byte.is_ascii_alphabetic() || matches!(byte, b'_' | b'-'))
    };
    text.len() <= LONGEST_ZONE && matches!(text.split('/').count(), 2 | 3) && text.split('/').all(is_part)
}

/// The language that is answered in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tongue {
    #[default]
    English,
    German,
    Spanish,
}

impl Tongue {
    /// Of a locale. What there are no words for is answered in English.
    #[must_use]
    pub fn of(locale: Option<&str>) -> Self {
        let language = locale.unwrap_or_default().split(['-', '_']).next().unwrap_or_default();
        match language.to_ascii_lowercase().as_str() {
            "de" => Self::German,
            "es" => Self::Spanish,
            _ => Self::English,
        }
    }
}

/// Checks that a locale is written as one: `de`, `en-GB`, `zh-Hant-TW`.
///
/// # Errors
/// [`Code::InvalidRequest`].
pub fn check_locale(text: &str) -> Result<(), Error> {
    let mut parts = text.split(['-', '_']);
    let language = parts.next().unwrap_or_default();
    let is_language = matches!(language.len(), 2 | 3) && language.bytes().all(|byte| byte.is_ascii_alphabetic());
    let is_part = |part: &str| matches!(part.len(), 1..=8) && part.bytes().all(|byte| byte.is_ascii_alphanumeric());
    if text.len() <= LONGEST_LOCALE && is_language && parts.all(is_part) {
        return Ok(());
    }
    Err(Error::new(
        Code::InvalidRequest,
        "`locale` is none: send a language, and perhaps a country, like `de` or `en-GB`.",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offsets_are_read_and_those_that_there_are_not_refused() {
        for (text, minutes) in [
            ("UTC", 0),
            ("Z", 0),
            ("+02:00", 120),
            ("-03:30", -210),
            ("+0545", 345),
            ("+14", 840),
            ("-5", -300),
            ("+00:00", 0),
        ] {
            assert_eq!(Zone::parse(text).unwrap(), Zone::Fixed(minutes), "{text}");
        }
        for text in ["+14:01", "+2:00", "+02:60", "+", "-", "+ab", "+1:2:3", "++02:00", "+-2", "02:00", "+123", "+é1"]
        {
            assert!(Zone::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn names_are_passed_on_and_what_postgres_would_read_otherwise_is_not() {
        for text in
            ["Europe/Berlin", "America/Argentina/Buenos_Aires", "America/Port-au-Prince", "Etc/GMT+5", "Etc/GMT"]
        {
            assert_eq!(Zone::parse(text).unwrap(), Zone::Named(text.to_owned()), "{text}");
        }
        // Rules of POSIX, abbreviations, and no names at all.
        for text in [
            "",
            "EST5EDT",
            "CET",
            "<+02>-2",
            "Europe/Berlin2",
            "Europe/Berlin-2",
            "A/B5",
            "Europe/",
            "/Berlin",
            "Europe",
            "Europe/Berlin/",
            "Europe/Ber lin",
            "Europe/Berlin'",
            "Etc/GMT+99",
            "Etc/GMT+005",
            "Etc/GMTx",
            "a/b/c/d",
            "Köln/Deutz",
        ] {
            assert!(Zone::parse(text).is_err(), "{text}");
        }
        assert!(Zone::parse(&format!("A/{}", "b".repeat(70))).is_err());
    }

    #[test]
    fn a_locale_says_the_language_of_the_answers() {
        for (locale, tongue) in [
            (None, Tongue::English),
            (Some("de"), Tongue::German),
            (Some("DE-at"), Tongue::German),
            (Some("es_MX"), Tongue::Spanish),
            (Some("en-GB"), Tongue::English),
            (Some("zh-Hant-TW"), Tongue::English),
        ] {
            assert_eq!(Tongue::of(locale), tongue, "{locale:?}");
            assert!(locale.is_none_or(|locale| check_locale(locale).is_ok()), "{locale:?}");
        }
        for text in ["", "d", "german", "de-", "de-verylongpart", "12", "de DE", "de--AT"] {
            assert!(check_locale(text).is_err(), "{text}");
        }
    }
}
