//! The idempotency key, as it comes in the `Idempotency-Key` header.

use std::fmt;
use std::sync::Arc;

use axum::http::HeaderMap;

use crate::problem::Problem;

const HEADER: &str = "idempotency-key";
const MAX: usize = 200;

/// `{saga}:{epoch}:{node}` by custom; the town only looks for the part before the first colon.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Key(Arc<str>);

impl Key {
    /// # Errors
    /// A 400 where the header is absent, given twice, or not 1 to 200 visible ASCII characters.
    pub(crate) fn from_headers(headers: &HeaderMap) -> Result<Self, Problem> {
        let mut given = headers.get_all(HEADER).iter();
        let (Some(value), None) = (given.next(), given.next()) else {
            return Err(Problem::bad_request("missing_key", "Give exactly one Idempotency-Key header."));
        };
        match value.to_str() {
            Ok(key) if (1..=MAX).contains(&key.len()) && key.bytes().all(|b| b.is_ascii_graphic()) => {
                Ok(Self(key.into()))
            }
            _ => Err(Problem::bad_request(
                "invalid_key",
                format!("An Idempotency-Key is 1 to {MAX} visible ASCII characters without spaces."),
            )),
        }
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
