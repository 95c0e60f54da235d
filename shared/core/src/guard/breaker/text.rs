//! How a breaker is stored: whole numbers with a space between, which Lua reads as easily.
//!
//! `forced trips until good row permits [end …] [at calls failed slow …]`, where `forced` is 0, 1 for open, or 2
//! for closed.

use super::{Breaker, Forced, Slot, Tally};
use crate::time::Millis;

impl Breaker {
    #[must_use]
    pub fn to_text(&self) -> String {
        let forced = match self.forced {
            None => 0,
            Some(Forced::Open) => 1,
            Some(Forced::Closed) => 2,
        };
        let mut all = vec![forced, u64::from(self.trips), self.until.0, self.good, self.row, self.permits.len() as u64];
        all.extend(self.permits.iter().map(|end| end.0));
        for Slot { at, seen } in &self.slots {
            all.extend([*at, seen.calls, seen.failed, seen.slow]);
        }
        let words: Vec<String> = all.iter().map(ToString::to_string).collect();
        words.join(" ")
    }

    /// `None` where it is no breaker's.
    #[must_use]
    pub fn from_text(text: &str) -> Option<Self> {
        let all: Option<Vec<u64>> = text.split(' ').map(|word| word.parse().ok()).collect();
        let all = all?;
        let (head, rest) = all.split_at_checked(6)?;
        let &[forced, trips, until, good, row, permits] = head else { return None };
        let (permits, slots) = rest.split_at_checked(usize::try_from(permits).ok()?)?;
        let forced = match forced {
            0 => None,
            1 => Some(Forced::Open),
            2 => Some(Forced::Closed),
            _ => return None,
        };
        let (slots, left) = slots.as_chunks::<4>();
        let slot = |&[at, calls, failed, slow]: &[u64; 4]| Slot { at, seen: Tally { calls, failed, slow } };
        left.is_empty().then(|| {
            let (permits, slots) = (permits.iter().copied().map(Millis).collect(), slots.iter().map(slot).collect());
            Some(Self { forced, trips: u32::try_from(trips).ok()?, until: Millis(until), good, row, permits, slots })
        })?
    }
}
