//! Ids of traces and spans. They are computed, and never stored: a saga's id is its trace's, and a span's is made of
//! the saga and of what the span is of.

use std::fmt;

use crate::id::SagaId;
use crate::saga::{CallId, Op};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TraceId(pub [u8; 16]);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SpanId(pub [u8; 8]);

impl TraceId {
    /// Of a saga whose caller came with none: the 128 bits of its own id, 80 of which are random.
    #[must_use]
    pub fn of(saga: &SagaId) -> Self {
        Self(saga.bits().to_be_bytes())
    }

    /// The saga that has this trace, where its caller came with none.
    #[must_use]
    pub fn saga(self) -> SagaId {
        SagaId::from_bits(u128::from_be_bytes(self.0))
    }

    /// Reads 32 small hexadecimal digits that are not all zero.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        read(text.as_bytes()).map(Self)
    }
}

/// What tells the kinds of spans of a saga apart. They are part of ids that others have stored: none changes.
#[derive(Clone, Copy)]
pub(super) enum Tag {
    Saga = 0,
    Invocation = 1,
    Step = 2,
    Call = 3,
    Wait = 4,
    Approval = 5,
    Undo = 6,
    Model = 7,
}

impl SpanId {
    /// Of a call of a saga, known before it leaves.
    #[must_use]
    pub fn of_call(saga: &SagaId, call: CallId) -> Self {
        let op = match call.op {
            Op::Do => 0,
            Op::Status => 1,
            Op::Undo => 2,
        };
        Self::of(saga, Tag::Call, [call.node, op, call.round, call.attempt])
    }

    /// Of a saga as a whole.
    #[must_use]
    pub fn of_saga(saga: &SagaId) -> Self {
        Self::of(saga, Tag::Saga, [0; 4])
    }

    pub(super) fn of(saga: &SagaId, tag: Tag, of: [u32; 4]) -> Self {
        let bits = saga.bits();
        let mut hash = mixed((bits >> 64) as u64 ^ bits as u64 ^ tag as u64);
        for number in of {
            hash = mixed(hash ^ u64::from(number));
        }
        Self(hash.max(1).to_be_bytes())
    }

    /// Another one: of what has come a second time where a number should have told it apart.
    pub(super) fn again(self) -> Self {
        Self(mixed(u64::from_be_bytes(self.0)).max(1).to_be_bytes())
    }

    /// Reads 16 small hexadecimal digits that are not all zero.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        read(text.as_bytes()).map(Self)
    }
}

/// The step of `SplitMix64`: each number has one picture, and near ones have pictures far apart.
const fn mixed(number: u64) -> u64 {
    let mut mixed = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

/// Bytes of small hexadecimal digits, as many as are wanted and not all zero.
fn read<const N: usize>(digits: &[u8]) -> Option<[u8; N]> {
    let mut bytes = [0; N];
    if digits.len() != 2 * N {
        return None;
    }
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = super::context::byte(pair)?;
    }
    bytes.iter().any(|byte| *byte != 0).then_some(bytes)
}

/// Without the machinery of `format!`: it is made for every call that leaves.
pub(super) fn write(text: &mut String, bytes: &[u8]) {
    for byte in bytes {
        for digit in [byte >> 4, byte & 15] {
            text.push(char::from(b"0123456789abcdef"[usize::from(digit)]));
        }
    }
}

impl fmt::Display for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = String::new();
        write(&mut text, &self.0);
        f.write_str(&text)
    }
}

impl fmt::Display for SpanId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = String::new();
        write(&mut text, &self.0);
        f.write_str(&text)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::time::Millis;

    #[test]
    fn a_saga_and_its_trace_are_told_from_each_other() {
        let saga = SagaId::new(Millis(1_777_636_800_250), [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
        let trace = TraceId::of(&saga);
        assert_eq!(trace.to_string(), "019de368f6fa0102030405060708090a");
        assert_eq!(trace.saga(), saga);
        assert_eq!(TraceId::parse(&trace.to_string()), Some(trace));
        // Two bits more than there is room for: it is nobody's, and read all the same.
        let wide = SagaId::try_from(format!("sg_{}", "z".repeat(26))).unwrap();
        assert_eq!(TraceId::of(&wide), TraceId([255; 16]));
    }

    #[test]
    fn only_small_hexadecimal_digits_are_an_id() {
        for wrong in ["", "0", &"0".repeat(32), &"A".repeat(32), &"a".repeat(31), &"a".repeat(33), &"g".repeat(32)] {
            assert_eq!(TraceId::parse(wrong), None, "{wrong}");
        }
        assert_eq!(SpanId::parse("00000000000000a1"), Some(SpanId([0, 0, 0, 0, 0, 0, 0, 0xa1])));
        assert_eq!(SpanId::parse("ä00000000000000"), None);
    }

    #[test]
    fn no_two_spans_of_a_saga_have_one_id() {
        let saga = SagaId::new(Millis(1_777_636_800_250), [7; 10]);
        let mut seen = BTreeSet::new();
        for node in 0..40 {
            for op in [Op::Do, Op::Status, Op::Undo] {
                for round in 0..3 {
                    for attempt in 0..20 {
                        let id = SpanId::of_call(&saga, CallId { node, op, round, attempt, fingerprint: 9 });
                        assert!(seen.insert(id.0), "{node} {op:?} {round} {attempt}");
                        assert!(!seen.contains(&id.again().0));
                    }
                }
            }
        }
        assert!(seen.insert(SpanId::of_saga(&saga).0));
    }
}
