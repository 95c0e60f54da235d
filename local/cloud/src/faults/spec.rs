//! What may be set: a kind, whom it strikes, and how often.

use serde::{Deserialize, Serialize};

/// The longest wait, in milliseconds.
const MAX_DELAY_MS: u64 = 600_000;

/// One fault, as it is set and shown. A field that the kind has no use for is refused.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    pub kind: Kind,
    /// How many of the requests that match are struck, from 0 to 1.
    #[serde(default = "always")]
    pub rate: f64,
    /// It is over after so many strikes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<u64>,
    /// Which requests are struck follows from this and their order.
    #[serde(default)]
    pub seed: u64,
    #[serde(default, rename = "match")]
    pub only: Only,
    /// Of `latency`: how late, needed. Of `reorder`: how long to wait for another request at most; a second.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delay_ms: Option<u64>,
    /// Of `error`: 400 to 599; 500.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// Of `error`: seconds in `Retry-After`; no such header.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after: Option<u64>,
    /// Of `throttle`: how many requests a second are let through, needed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub per_second: Option<u32>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// The request comes late. Together with whatever else strikes it.
    Latency,
    /// It is refused and nothing happens.
    Error,
    /// Those beyond a number a second are refused with 429.
    Throttle,
    /// It gets lost: nothing happens, and the connection ends without an answer.
    DropRequest,
    /// It is carried out, and the connection ends without an answer.
    DropAnswer,
    /// It is carried out twice, at the same time.
    Duplicate,
    /// It waits until a later one has been answered.
    Reorder,
    /// The answer breaks off in its middle, with the connection.
    Cut,
    /// The answer's head comes at once, and of its body a byte at a time.
    Trickle,
    /// The answer is half of what it should be, and looks complete.
    Malformed,
}

/// Which requests are meant: all that fit everything said here.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Only {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    /// How the path begins, within the emulator.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// What stands somewhere in the body.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub contains: Option<String>,
}

const fn always() -> f64 {
    1.0
}

impl Fault {
    /// # Errors
    /// Names the field that is wrong.
    pub fn check(self) -> Result<Self, String> {
        if !(0.0..=1.0).contains(&self.rate) {
            return Err("`rate` must lie between 0 and 1".to_owned());
        }
        let by_need = matches!(self.kind, Kind::Latency | Kind::Trickle);
        let fields = [
            ("delay_ms", self.delay_ms.is_some(), by_need || self.kind == Kind::Reorder, by_need),
            ("status", self.status.is_some(), self.kind == Kind::Error, false),
            ("retry_after", self.retry_after.is_some(), self.kind == Kind::Error, false),
            ("per_second", self.per_second.is_some(), self.kind == Kind::Throttle, self.kind == Kind::Throttle),
        ];
        for (name, given, fits, needed) in fields {
            if given && !fits {
                return Err(format!("`{name}` is not for this kind of fault"));
            }
            if needed && !given {
                return Err(format!("this kind of fault needs `{name}`"));
            }
        }
        if self.delay_ms.is_some_and(|delay| delay > MAX_DELAY_MS) {
            return Err(format!("`delay_ms` must be at most {MAX_DELAY_MS}"));
        }
        if self.status.is_some_and(|status| !(400..600).contains(&status)) {
            return Err("`status` must lie between 400 and 599".to_owned());
        }
        if self.per_second == Some(0) {
            return Err("`per_second` must be at least 1; `error` refuses all".to_owned());
        }
        Ok(self)
    }
}
