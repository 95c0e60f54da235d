//! The query of an address: `name=value` pairs, percent-encoded as forms do it. Names that nobody asks for are passed
//! over.

use makegood_edge::core::civil::{Date, Time};
use makegood_edge::core::error::{Code, Error};
use makegood_edge::core::time::Millis;
use makegood_edge::gateway::form;
use makegood_edge::http::Uri;

pub struct Query(Vec<(String, String)>);

impl Query {
    /// # Errors
    /// [`Code::InvalidRequest`] where what is encoded is no text.
    pub fn of(uri: &Uri) -> Result<Self, Error> {
        let pairs = form::read(uri.query().unwrap_or_default().as_bytes());
        let message = "The query is not percent-encoded UTF-8, or it has a NUL in it.";
        pairs.map(Self).ok_or_else(|| Error::new(Code::InvalidRequest, message))
    }

    /// The first value of this name; an empty one counts as none.
    pub fn get(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
    }

    /// A whole number between `least` and `most`.
    ///
    /// # Errors
    /// [`Code::InvalidRequest`], with the range.
    pub fn number(&self, name: &str, least: u64, most: u64) -> Result<Option<u64>, Error> {
        let read = |text: &str| {
            text.parse().ok().filter(|number| (least..=most).contains(number)).ok_or_else(|| {
                let message = format!("`{name}` is a whole number from {least} to {most}.");
                Error::new(Code::InvalidRequest, message)
            })
        };
        self.get(name).map(read).transpose()
    }

    /// A day or a minute in UTC, `2026-11-30` or `2026-11-30T19:30`: when it begins, and when the next one does.
    ///
    /// # Errors
    /// [`Code::InvalidRequest`], with how it is written.
    pub fn time(&self, name: &str) -> Result<Option<[Millis; 2]>, Error> {
        let read = |text: &str| {
            time(text).ok_or_else(|| {
                let message = format!("`{name}` is a day or a minute in UTC, as `2026-11-30` or `2026-11-30T19:30`.");
                Error::new(Code::InvalidRequest, message)
            })
        };
        self.get(name).map(read).transpose()
    }
}

fn time(text: &str) -> Option<[Millis; 2]> {
    let (day, minute) = text.split_once('T').map_or((text, None), |(day, minute)| (day, Some(minute)));
    let date: Date = day.parse().ok()?;
    let (time, lasts) = match minute {
        Some(minute) => (minute.parse::<Time>().ok()?.to_minute(), 60),
        None => (Time::MIDNIGHT, 86_400),
    };
    let begins = Millis(u64::try_from(date.to_datetime(time).millis()).ok()?);
    Some([begins, begins + Millis::from_secs(lasts)])
}

/// A text as it stands in a query.
pub fn encoded(text: &str) -> String {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._~".contains(byte);
    let one = |byte: u8| if plain(&byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") };
    text.bytes().map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query(text: &'static str) -> Result<Query, Error> {
        Query::of(&Uri::from_static(text))
    }

    #[test]
    fn values_are_decoded_and_empty_ones_are_none() {
        let query = query("/debug?owner=ana+b%C3%A4r&before=&limit=20&limit=30").unwrap();
        assert_eq!(query.get("owner"), Some("ana bär"));
        assert_eq!(query.get("before"), None);
        assert_eq!(query.number("limit", 1, 200), Ok(Some(20)));
        assert!(query.number("limit", 1, 10).is_err());
    }

    #[test]
    fn a_day_and_a_minute_are_read_with_where_they_end() {
        let query = query("/?day=1970-01-02&minute=1970-01-01T00%3A02&no=1970-02-30&old=1969-12-31&text=noon").unwrap();
        assert_eq!(query.time("day"), Ok(Some([Millis(86_400_000), Millis(172_800_000)])));
        assert_eq!(query.time("minute"), Ok(Some([Millis(120_000), Millis(180_000)])));
        assert_eq!(query.time("none"), Ok(None));
        for name in ["no", "old", "text"] {
            assert!(query.time(name).is_err(), "{name}");
        }
    }

    #[test]
    fn what_is_encoded_is_decoded_to_the_same() {
        for text in ["ana", "ana+b&c=ä %", "*", ""] {
            let address: Uri = format!("/?owner={}", encoded(text)).parse().unwrap();
            let query = Query::of(&address).unwrap();
            assert_eq!(query.get("owner").unwrap_or_default(), text);
        }
    }

    #[test]
    fn what_is_no_text_is_refused_and_what_is_no_escape_stands_for_itself() {
        for text in ["/?owner=a%00b", "/?a=%ff", "/?%ff=a"] {
            assert!(query(text).is_err(), "{text}");
        }
        assert_eq!(query("/?a=%zz").unwrap().get("a"), Some("%zz"));
    }
}
