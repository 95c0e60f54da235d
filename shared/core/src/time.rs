//! Points in time and spans, in whole milliseconds. Nothing here asks what time it is.

use std::fmt;
use std::ops::{Add, Sub};

use serde::{Deserialize, Serialize};

use crate::civil::Timestamp;

/// Milliseconds: since the Unix epoch where it names a point in time, a length where it names a span.
///
/// Arithmetic saturates, so that a hostile or broken clock can never stop a saga by overflow.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
#[serde(transparent)]
pub struct Millis(pub u64);

impl Millis {
    /// A span of whole seconds.
    #[must_use]
    pub const fn from_secs(seconds: u64) -> Self {
        Self(seconds.saturating_mul(1000))
    }

    /// The span from `earlier` to `self`; zero where `earlier` is later.
    #[must_use]
    pub const fn since(self, earlier: Self) -> Self {
        Self(self.0.saturating_sub(earlier.0))
    }

    /// A span as people say it, never rounded up: `34 ms`, `1.2 s`, `2 min 3 s`, `3 h 4 min`, `5 d 6 h`.
    #[must_use]
    pub fn in_words(self) -> String {
        let (ms, seconds) = (self.0, self.0 / 1_000);
        match seconds {
            0 => format!("{ms} ms"),
            1..60 => format!("{seconds}.{} s", ms % 1_000 / 100),
            60..3_600 => format!("{} min {} s", seconds / 60, seconds % 60),
            3_600..86_400 => format!("{} h {} min", seconds / 3_600, seconds / 60 % 60),
            _ => format!("{} d {} h", seconds / 86_400, seconds / 3_600 % 24),
        }
    }

    /// A point in time for people, to the second: `2026-05-01 12:00:05 UTC`.
    #[must_use]
    pub fn in_utc(self) -> String {
        let seconds = i64::try_from(self.0 / 1_000).unwrap_or(i64::MAX);
        let time = Timestamp::from_second(seconds).unwrap_or(Timestamp::MAX);
        time.to_string().replace('T', " ").replace('Z', " UTC")
    }

    /// Whole seconds, rounded up, as the queue's headers want them.
    #[must_use]
    pub const fn as_secs_ceil(self) -> u64 {
        self.0.div_ceil(1000)
    }
}

impl Add for Millis {
    type Output = Self;
    fn add(self, span: Self) -> Self {
        Self(self.0.saturating_add(span.0))
    }
}

impl Sub for Millis {
    type Output = Self;
    fn sub(self, span: Self) -> Self {
        self.since(span)
    }
}

impl fmt::Display for Millis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ms", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_read_as_people_say_them() {
        let told = [0, 999, 1_999, 59_999, 61_000, 3_600_000, 90_000_000].map(|ms| Millis(ms).in_words());
        assert_eq!(told, ["0 ms", "999 ms", "1.9 s", "59.9 s", "1 min 1 s", "1 h 0 min", "1 d 1 h"]);
    }

    #[test]
    fn a_point_in_time_is_told_to_the_second() {
        assert_eq!(Millis(1_795_908_600_999).in_utc(), "2026-11-28 23:30:00 UTC");
        assert!(Millis(u64::MAX).in_utc().starts_with("9999-12-"));
    }
}
