//! W3C trace context: what a caller's `traceparent` says, and how `baggage` is written. Whatever the bytes are, reading
//! them ends in a value or in nothing.
//!
//! Of a caller's context the trace, the span and the flags are kept, and told to whoever is called. `tracestate` and
//! `baggage` are not passed on: tools are other people's, and what a caller puts there is not meant for them. What is
//! configured for a collector is written as a `baggage`, too, and read here.

use super::id::{SpanId, TraceId, write};
use crate::id::SagaId;
use crate::saga::CallId;

/// Where in which trace something happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Context {
    pub trace: TraceId,
    /// The caller's span.
    pub parent: SpanId,
    /// Those of version 00: the first bit says that the caller records it.
    pub flags: u8,
}

/// The flag of what is recorded.
const SAMPLED: u8 = 1;
/// That one, and the one that says that the trace's id is random: others are to be told no flag that we do not know.
const KNOWN: u8 = 3;

impl Context {
    /// Reads a `traceparent`. One of a later version is read as far as this version goes.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.splitn(5, '-');
        let (version, trace, parent, flags) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        let version = single(version)?;
        if version == 0xff || (version == 0 && parts.next().is_some()) {
            return None;
        }
        Some(Self { trace: TraceId::parse(trace)?, parent: SpanId::parse(parent)?, flags: single(flags)? })
    }

    /// Of a saga. `caller`: what its caller came with; where that is nothing, it is in the journal, and so it is
    /// recorded.
    #[must_use]
    pub fn of_saga(saga: &SagaId, caller: Option<Self>) -> Self {
        let (trace, flags) =
            caller.map_or_else(|| (TraceId::of(saga), SAMPLED), |caller| (caller.trace, caller.flags & KNOWN));
        Self { trace, parent: SpanId::of_saga(saga), flags }
    }

    /// Of a call of a saga, for whoever is called.
    #[must_use]
    pub fn of_call(saga: &SagaId, caller: Option<Self>, call: CallId) -> Self {
        Self { parent: SpanId::of_call(saga, call), ..Self::of_saga(saga, caller) }
    }

    #[must_use]
    pub const fn is_sampled(self) -> bool {
        self.flags & SAMPLED != 0
    }

    /// As a `traceparent` of version 00, without the machinery of `format!`.
    #[must_use]
    pub fn written(self) -> String {
        let mut text = String::with_capacity(55);
        text.push_str("00-");
        write(&mut text, &self.trace.0);
        text.push('-');
        write(&mut text, &self.parent.0);
        text.push('-');
        write(&mut text, &[self.flags]);
        text
    }
}

/// A byte of two small hexadecimal digits.
pub(super) fn byte(pair: &[u8]) -> Option<u8> {
    let [high, low] = pair else { return None };
    Some((digit(*high)? << 4) | digit(*low)?)
}

const fn digit(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    }
}

fn single(text: &str) -> Option<u8> {
    byte(text.as_bytes())
}

/// Entries of a `baggage`, at most.
const MOST_BAGGAGE: usize = 64;
/// Its bytes.
const LONGEST_BAGGAGE: usize = 8_192;

/// An entry of a `baggage`, with its value decoded. Its properties are passed over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Baggage {
    pub key: String,
    pub value: String,
}

/// The entries of a `baggage` that are well formed, at most as many and as long as there may be.
#[must_use]
pub fn baggage(text: &str) -> Vec<Baggage> {
    if text.len() > LONGEST_BAGGAGE {
        return Vec::new();
    }
    let entry = |entry: &str| {
        let member = entry.split(';').next().unwrap_or_default();
        let (key, value) = member.split_once('=')?;
        let (key, value) = (key.trim_matches([' ', '\t']), value.trim_matches([' ', '\t']));
        let fits = !key.is_empty() && key.bytes().all(is_token);
        let value = fits.then(|| decoded(value))??;
        Some(Baggage { key: key.to_owned(), value })
    };
    text.split(',').filter_map(entry).take(MOST_BAGGAGE).collect()
}

const fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(
            byte,
            b'!' | b'#' | b'$' | b'%' | b'&' | b'\'' | b'*' | b'+' | b'-' | b'.' | b'^' | b'_' | b'`' | b'|' | b'~'
        )
}

/// What is written with percent signs. What is no UTF-8 is replaced, as the specification has it.
fn decoded(value: &str) -> Option<String> {
    let (mut bytes, mut rest) = (Vec::with_capacity(value.len()), value.as_bytes());
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        match first {
            b'%' => {
                let pair = rest.get(..2)?.to_ascii_lowercase();
                bytes.push(byte(&pair)?);
                rest = rest.get(2..)?;
            }
            0x21 | 0x23..=0x2b | 0x2d..=0x3a | 0x3c..=0x5b | 0x5d..=0x7e => bytes.push(*first),
            _ => return None,
        }
    }
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::guard::draw::Draw;

    const GOOD: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    #[test]
    fn a_traceparent_is_read_and_written_as_it_was() {
        let context = Context::parse(GOOD).unwrap();
        assert_eq!(context.written(), GOOD);
        assert!(context.is_sampled());
        assert!(!Context::parse(&GOOD.replace("-01", "-00")).unwrap().is_sampled());
        // A flag that this version does not know.
        assert!(Context::parse(&GOOD.replace("-01", "-03")).unwrap().is_sampled());
    }

    #[test]
    fn the_edge_cases_of_the_specification_are_as_it_says() {
        let (trace, span) = ("0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331");
        for good in [
            format!("cc-{trace}-{span}-01"),
            format!("cc-{trace}-{span}-01-what-the-future-will-be-like"),
            format!("01-{trace}-{span}-09-"),
        ] {
            assert!(Context::parse(&good).is_some(), "{good}");
        }
        for bad in [
            String::new(),
            "00".to_owned(),
            format!("00-{trace}-{span}"),
            format!("00-{trace}-{span}-01-"),
            format!("00-{trace}-{span}-01-more"),
            format!("00-{trace}-{span}-01."),
            format!("cc-{trace}-{span}-01.more"),
            format!("ff-{trace}-{span}-01"),
            format!("0-{trace}-{span}-01"),
            format!("000-{trace}-{span}-01"),
            format!("00-{}-{span}-01", "0".repeat(32)),
            format!("00-{trace}-{}-01", "0".repeat(16)),
            format!("00-{}-{span}-01", trace.to_uppercase()),
            format!("00-{trace}-{}-01", span.to_uppercase()),
            format!("00-{trace}-{span}-0G"),
            format!("00-{trace}-{span}-1"),
            format!("00-{trace}-{span}-001"),
            format!(" 00-{trace}-{span}-01"),
            format!("00-.{}-{span}-01", &trace[1..]),
        ] {
            assert_eq!(Context::parse(&bad), None, "{bad}");
        }
    }

    #[test]
    fn baggage_is_decoded_and_what_is_none_is_passed_over() {
        let read = |text: &str| baggage(text).into_iter().map(|one| (one.key, one.value)).collect::<Vec<_>>();
        let pairs = |pairs: &[(&str, &str)]| {
            pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect::<Vec<_>>()
        };
        assert_eq!(
            read("user=am%C3%A9lie;ttl=3 , plan = gold,no,=x,bad=%2,worse=a b"),
            pairs(&[("user", "amélie"), ("plan", "gold")])
        );
        assert_eq!(read("k=%FF"), pairs(&[("k", "\u{fffd}")]));
        assert_eq!(read("k="), pairs(&[("k", "")]));
        assert_eq!(baggage(&"k=v,".repeat(100)).len(), 64);
        assert!(baggage(&"k".repeat(9_000)).is_empty());
    }

    #[test]
    fn no_bytes_stop_the_readers() {
        let mut draw = Draw::new(1);
        let pieces =
            ["-", "=", ",", ";", "%", "@", "00", "ff", "ä", "\u{0}", "0af7651916cd43dd", GOOD, " ", "=%C3", "\t"];
        for _ in 0..20_000 {
            let mut text = String::new();
            for _ in 0..draw.next() % 12 {
                let drawn = draw.next();
                if drawn & 1 == 0 {
                    text.push(char::from_u32((drawn >> 8) as u32 % 0x300).unwrap_or('x'));
                } else {
                    text.push_str(pieces[(drawn >> 8) as usize % pieces.len()]);
                }
            }
            if let Some(context) = Context::parse(&text) {
                assert_eq!(Context::parse(&context.written()), Some(context), "{text}");
            }
            assert!(baggage(&text).len() <= MOST_BAGGAGE);
        }
    }
}
