//! Entry ids, `milliseconds-sequence`.

use std::fmt;

use bytes::Bytes;

use super::{Fault, Reply};

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Id {
    pub ms: u64,
    pub seq: u64,
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.ms, self.seq)
    }
}

impl From<Id> for Reply {
    fn from(id: Id) -> Self {
        Self::bulk(id.to_string())
    }
}

const INVALID: Fault = Fault::new("ERR Invalid stream ID specified as stream command argument");

impl Id {
    pub const ZERO: Self = Self { ms: 0, seq: 0 };
    pub const MAX: Self = Self { ms: u64::MAX, seq: u64::MAX };

    /// `ms` or `ms-seq`; a missing sequence is zero.
    pub fn parse(text: &[u8]) -> Result<Self, Fault> {
        Self::with(text, 0)
    }

    pub fn with(text: &[u8], missing: u64) -> Result<Self, Fault> {
        if matches!(text, b"-" | b"+") {
            return Err(INVALID);
        }
        match text.iter().position(|byte| *byte == b'-') {
            None => Ok(Self { ms: number(text)?, seq: missing }),
            Some(dash) => Ok(Self { ms: number(&text[..dash])?, seq: number(&text[dash + 1..])? }),
        }
    }

    pub fn next(self) -> Option<Self> {
        match self.seq.checked_add(1) {
            Some(seq) => Some(Self { seq, ..self }),
            None => Some(Self { ms: self.ms.checked_add(1)?, seq: 0 }),
        }
    }

    pub fn previous(self) -> Option<Self> {
        match self.seq.checked_sub(1) {
            Some(seq) => Some(Self { seq, ..self }),
            None => Some(Self { ms: self.ms.checked_sub(1)?, seq: u64::MAX }),
        }
    }

    /// The first id of an interval; `(` excludes what it names.
    pub fn start(text: &[u8]) -> Result<Self, Fault> {
        match text.strip_prefix(b"(") {
            Some(text) => Self::with(text, 0)?.next().ok_or(Fault::new("ERR invalid start ID for the interval")),
            None => Self::bound(text, 0),
        }
    }

    /// The last id of an interval.
    pub fn end(text: &[u8]) -> Result<Self, Fault> {
        match text.strip_prefix(b"(") {
            Some(text) => {
                Self::with(text, u64::MAX)?.previous().ok_or(Fault::new("ERR invalid end ID for the interval"))
            }
            None => Self::bound(text, u64::MAX),
        }
    }

    /// As [`Id::with`], and `-` and `+` are the least and the greatest.
    pub fn bound(text: &[u8], missing: u64) -> Result<Self, Fault> {
        match text {
            b"-" => Ok(Self::ZERO),
            b"+" => Ok(Self::MAX),
            _ => Self::with(text, missing),
        }
    }

    pub fn all(texts: &[Bytes]) -> Result<Vec<Self>, Fault> {
        texts.iter().map(|text| Self::parse(text)).collect()
    }
}

/// As `strtoull`, which takes nothing for zero.
fn number(text: &[u8]) -> Result<u64, Fault> {
    if text.is_empty() {
        return Ok(0);
    }
    std::str::from_utf8(text).ok().and_then(|text| text.parse().ok()).ok_or(INVALID)
}

/// What `XADD` is to call an entry.
#[derive(Clone, Copy)]
pub enum NewId {
    Auto,
    /// `ms-*`
    Next(u64),
    Exact(Id),
}

impl NewId {
    pub fn parse(text: &[u8]) -> Result<Self, Fault> {
        match text.strip_suffix(b"-*") {
            Some(ms) => Ok(Self::Next(number(ms)?)),
            None => Ok(Self::Exact(Id::parse(text)?)),
        }
    }

    /// The id after `last`, if there is such a one.
    pub fn after(self, last: Id, now: i64) -> Option<Id> {
        let id = match self {
            Self::Auto => {
                let ms = u64::try_from(now).unwrap_or(0);
                if ms > last.ms { Id { ms, seq: 0 } } else { last.next()? }
            }
            Self::Next(ms) if ms == last.ms => Id { ms, seq: last.seq.checked_add(1)? },
            Self::Next(ms) => Id { ms, seq: 0 },
            Self::Exact(id) => id,
        };
        (id > last).then_some(id)
    }
}
