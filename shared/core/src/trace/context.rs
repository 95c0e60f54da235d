//! W3C trace context: what a caller's `traceparent` says. Whatever the bytes are, reading them ends in a value or in
//! nothing.
//!
//! Of a caller's context the trace, the span and the flags are kept, and told to whoever is called. `tracestate` and
//! `baggage` are not passed on: tools are other people's, and what a caller puts there is not meant for them.

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
    fn no_bytes_stop_the_reader() {
        let mut draw = Draw::new(1);
        let pieces = ["-", "=", "@", "00", "ff", "ä", "\u{0}", "0af7651916cd43dd", GOOD, " ", "\t"];
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
        }
    }
}
