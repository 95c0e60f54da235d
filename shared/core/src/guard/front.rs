//! What an isolate itself remembers of those who come: in front of Redis, and in its place when it is away.
//!
//! It remembers who was refused, so that whoever goes on knocking costs no round trip; it keeps buckets of its own for
//! as long as Redis does not answer; and it measures the load. It has room for so many and never for more: when there
//! is none, newcomers share one bucket for each limit, so that nobody is let in more often than their limit says,
//! however many come.
//!
//! It is the isolate's and no request's: keys are hashes, and nothing of a request is in here.

use crate::guard::gcra::{Bucket, Decision, Micros, Policy, check_all};
use crate::guard::load::{Load, WHOLE};
use crate::guard::rates::{CLASSES, Class, MOST_LIMITS};

/// So many keys.
const ROOM: usize = 1_024;
/// After Redis did not answer it is left alone for so long.
const AWAY: Micros = 1_000_000;

#[derive(Clone, Copy, Debug)]
struct Entry {
    key: u64,
    tat: Micros,
    /// It was refused until then.
    closed: Micros,
}

/// One limit that a request is under.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asked {
    pub key: u64,
    /// The limit's place among all.
    pub place: usize,
    pub policy: Policy,
}

#[derive(Clone, Debug)]
pub struct Front {
    entries: Vec<Entry>,
    shared: [Micros; MOST_LIMITS],
    away: Micros,
    loads: [Load; CLASSES],
    factors: [u32; CLASSES],
}

impl Default for Front {
    fn default() -> Self {
        Self::new()
    }
}

impl Front {
    #[must_use]
    pub const fn new() -> Self {
        Self {
            entries: Vec::new(),
            shared: [0; MOST_LIMITS],
            away: 0,
            loads: [Load::NEW; CLASSES],
            factors: [WHOLE; CLASSES],
        }
    }

    /// How long this key is still refused; 0 where that is not known.
    #[must_use]
    pub fn refused(&self, key: u64, now: Micros) -> Micros {
        let entry = self.entries.iter().find(|entry| entry.key == key);
        entry.map_or(0, |entry| entry.closed.saturating_sub(now))
    }

    /// Remembers that it is refused for so long. Where there is no room it is forgotten, and Redis is asked again.
    pub fn refuse(&mut self, key: u64, span: Micros, now: Micros) {
        if let Some(entry) = self.entry(key, 0, now) {
            entry.closed = now.saturating_add(span);
        }
    }

    /// Whether Redis is left alone for now.
    #[must_use]
    pub const fn is_away(&self, now: Micros) -> bool {
        // A clock that was set back ends it too.
        self.away > now && self.away - now <= AWAY
    }

    /// Redis did not answer.
    pub const fn missed(&mut self, now: Micros) {
        self.away = now.saturating_add(AWAY);
    }

    /// Redis answered.
    pub const fn answered(&mut self) {
        self.away = 0;
    }

    /// Decides by the isolate's own buckets.
    pub fn check(&mut self, asked: &[Asked], now: Micros) -> Vec<Decision> {
        let mut buckets = Vec::with_capacity(asked.len());
        for one in asked {
            let shared = self.shared.get(one.place).copied().unwrap_or_default();
            let tat = self.entry(one.key, shared, now).map_or(shared, |entry| entry.tat);
            buckets.push(Bucket { tat, policy: one.policy, cost: 1 });
        }
        let decisions = check_all(&buckets, now);
        for (one, decision) in asked.iter().zip(&decisions) {
            // Making room for a later one may have taken the place of one that was full, and is not any more.
            match self.entries.iter_mut().find(|entry| entry.key == one.key) {
                Some(entry) => entry.tat = decision.new_tat,
                None => {
                    if let Some(shared) = self.shared.get_mut(one.place) {
                        *shared = (*shared).max(decision.new_tat);
                    }
                }
            }
        }
        decisions
    }

    /// What was measured of a class.
    pub const fn load(&mut self, class: Class) -> &mut Load {
        &mut self.loads[class.index()]
    }

    /// The factor of a class as this isolate last knew it.
    pub const fn factor(&mut self, class: Class) -> &mut u32 {
        &mut self.factors[class.index()]
    }

    /// The entry of a key, made where there is room. A new one begins with what the newcomers have spent together, of
    /// which some may be its own.
    fn entry(&mut self, key: u64, tat: Micros, now: Micros) -> Option<&mut Entry> {
        if let Some(place) = self.entries.iter().position(|entry| entry.key == key) {
            return self.entries.get_mut(place);
        }
        if self.entries.len() >= ROOM {
            self.entries.retain(|entry| entry.tat > now || entry.closed > now);
        }
        if self.entries.len() >= ROOM {
            // Who was refused can be asked about again; what was spent cannot.
            self.entries.retain(|entry| entry.tat > now);
        }
        if self.entries.len() >= ROOM {
            return None;
        }
        self.entries.push(Entry { key, tat, closed: 0 });
        self.entries.last_mut()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::guard::draw::Draw;

    const SECOND: Micros = 1_000_000;

    fn asked(key: u64, policy: Policy) -> Asked {
        Asked { key, place: 0, policy }
    }

    #[test]
    fn who_was_refused_is_known_until_then_and_no_longer() {
        let mut front = Front::new();
        front.refuse(7, 3 * SECOND, 10 * SECOND);
        assert_eq!(front.refused(7, 11 * SECOND), 2 * SECOND);
        assert_eq!(front.refused(7, 13 * SECOND), 0);
        assert_eq!(front.refused(8, 11 * SECOND), 0);
    }

    #[test]
    fn a_redis_that_is_away_is_asked_once_a_second() {
        let mut front = Front::new();
        front.missed(5 * SECOND);
        assert!(front.is_away(5 * SECOND) && front.is_away(6 * SECOND - 1) && !front.is_away(6 * SECOND));
        assert!(!front.is_away(SECOND), "the clock was set back");
        front.missed(5 * SECOND);
        front.answered();
        assert!(!front.is_away(5 * SECOND));
    }

    /// The promise without Redis: an isolate lets nobody in more often than their limit says, whatever others do, and
    /// in bounded room.
    #[test]
    fn no_crowd_gets_anybody_in_more_often_than_their_limit() {
        let mut draw = Draw::new(11);
        for burst in [1, 3, 10] {
            let policy = Policy::new(60, 60 * SECOND, burst);
            let (mut front, mut now) = (Front::new(), 1_000 * SECOND);
            let mut admitted: Vec<Vec<Micros>> = vec![Vec::new(); 3_000];
            for _ in 0..40_000 {
                now += if draw.below(2_000) == 0 { 2 * SECOND } else { draw.below(200) };
                // A few come all the time, and crowds pass by.
                let who = if draw.below(2) == 0 { draw.below(5) } else { draw.below(3_000) };
                if draw.below(20) == 0 {
                    front.refuse(draw.next(), SECOND, now);
                }
                let decision = front.check(&[asked(who, policy)], now)[0];
                if decision.allowed {
                    admitted[usize::try_from(who).unwrap()].push(now);
                }
                assert!(front.entries.len() <= ROOM);
            }
            assert!(front.shared[0] > 0, "there was room for all, and nothing was proved");
            for times in admitted {
                for (first, begin) in times.iter().enumerate() {
                    for (last, end) in times.iter().enumerate().skip(first) {
                        let count = (last - first + 1) as u64;
                        assert!(count * SECOND <= (end - begin) + u64::from(burst) * SECOND);
                    }
                }
            }
        }
    }

    #[test]
    fn a_crowd_that_has_gone_leaves_room() {
        let policy = Policy::new(60, 60 * SECOND, 2);
        let mut front = Front::new();
        for key in 0..5_000 {
            front.check(&[asked(key, policy)], SECOND);
        }
        assert!(!front.check(&[asked(9_999, policy)], SECOND)[0].allowed, "it shares with the rest of the crowd");
        assert!(front.check(&[asked(9_999, policy)], 20 * SECOND)[0].allowed);
        assert_eq!(front.entries.len(), 1);
    }
}
