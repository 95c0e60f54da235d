//! The formats of text that are checked.

use serde::{Deserialize, Serialize};

use crate::civil::{Date, Time};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Format {
    Date,
    /// Wider than RFC 3339's `full-time`: seconds and offset may be missing, as in `19:30`.
    Time,
    DateTime,
    Email,
}

impl Format {
    pub(super) fn matches(self, text: &str) -> bool {
        match self {
            Self::Date => is_date(text),
            Self::Time => is_time(text, false),
            Self::DateTime => {
                text.split_once(['T', 't']).is_some_and(|(date, time)| is_date(date) && is_time(time, true))
            }
            Self::Email => is_email(text),
        }
    }

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Date => "a date such as 2026-12-24",
            Self::Time => "a time such as 19:30",
            Self::DateTime => "a date and time such as 2026-12-24T19:30:00Z",
            Self::Email => "an e-mail address",
        }
    }
}

fn is_date(text: &str) -> bool {
    let mut parts = text.splitn(3, '-').filter_map(|part| part.parse::<i16>().ok());
    let (Some(year), Some(month), Some(day)) = (parts.next(), parts.next(), parts.next()) else { return false };
    let small = |part: i16| i8::try_from(part).unwrap_or_default();
    has_shape(text, "0000-00-00") && Date::new(year, small(month), small(day)).is_some()
}

/// `HH:MM` or `HH:MM:SS`. The sixtieth second is there where one is put in.
fn is_clock(text: &str) -> bool {
    let mut parts = text.splitn(3, ':').map(|part| part.parse::<i8>().ok());
    let (Some(Some(hour)), Some(Some(minute))) = (parts.next(), parts.next()) else { return false };
    let Some(second) = parts.next().unwrap_or(Some(0)) else { return false };
    let shaped = has_shape(text, "00:00") || has_shape(text, "00:00:00");
    shaped && Time::new(hour, minute, if second == 60 { 59 } else { second }).is_some()
}

/// `HH:MM`, `HH:MM:SS` or with a fraction, and an offset; RFC 3339 wants seconds and offset.
fn is_time(text: &str, strict: bool) -> bool {
    let (clock, zoned) = match text.strip_suffix(['Z', 'z']) {
        Some(clock) => (clock, true),
        None => match text.rfind(['+', '-']).map(|at| text.split_at(at)) {
            Some((clock, offset)) if has_shape(&offset[1..], "00:00") && is_clock(&offset[1..]) => (clock, true),
            Some(_) => return false,
            None => (text, false),
        },
    };
    let (whole, fraction) = clock.split_once('.').unwrap_or((clock, "0"));
    let fraction = !fraction.is_empty() && fraction.bytes().all(|byte| byte.is_ascii_digit());
    let seconds = has_shape(whole, "00:00:00");
    let shaped = seconds || (!strict && has_shape(clock, "00:00"));
    shaped && fraction && (zoned || !strict) && is_clock(whole)
}

fn is_email(text: &str) -> bool {
    let Some((local, domain)) = text.rsplit_once('@') else {
        return false;
    };
    let label = |label: &str| {
        !label.is_empty()
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.chars().all(|c| c.is_alphanumeric() || c == '-')
    };
    let local_ok = !local.is_empty()
        && local.len() <= 64
        && local.split('.').all(|part| !part.is_empty())
        && local.chars().all(|c| c.is_alphanumeric() || "!#$%&'*+/=?^_`{|}~.-".contains(c));
    text.len() <= 254 && local_ok && domain.contains('.') && domain.split('.').all(label)
}

/// Whether `text` has a digit wherever `shape` has a `0`, and is `shape` elsewhere.
fn has_shape(text: &str, shape: &str) -> bool {
    text.len() == shape.len()
        && text.bytes().zip(shape.bytes()).all(
            |(byte, shape)| {
                if shape == b'0' { byte.is_ascii_digit() } else { byte == shape }
            },
        )
}
