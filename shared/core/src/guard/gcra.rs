//! Token buckets, as the generic cell rate algorithm keeps them (ITU-T I.371): one number a bucket.
//!
//! That number is the *theoretical arrival time*: when the bucket will be full again if nobody comes. It says how much
//! is left without a timer that fills up. All is whole microseconds and saturates, so nothing here can fail; the same
//! arithmetic runs in Redis (`gateway::limits`), where a test holds the two together.
//!
//! Deliberately absent: where buckets are kept, and what time it is.

/// Microseconds: since the Unix epoch where it names a point in time, a length where it names a span.
pub type Micros = u64;

/// How fast a bucket fills, and how much it holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// One request may come in each of these spans.
    interval: Micros,
    /// So much time's worth of requests may come at once.
    tolerance: Micros,
}

impl Policy {
    /// `rate` requests in each `period`, and `burst` of them at once. What is nothing counts as one.
    #[must_use]
    pub fn new(rate: u32, period: Micros, burst: u32) -> Self {
        let interval = period.div_ceil(u64::from(rate.max(1))).max(1);
        Self { interval, tolerance: interval.saturating_mul(u64::from(burst.max(1))) }
    }

    /// The same at `permille` thousandths of its rate. What it holds counts in time and stays, so that there are fewer
    /// at once where it is slower: whatever order of factors a bucket lives through, no factor admits more than its
    /// greatest alone would.
    #[must_use]
    pub fn scaled(self, permille: u32) -> Self {
        let interval = self.interval.saturating_mul(1000).div_ceil(u64::from(permille.max(1))).max(1);
        Self { interval, ..self }
    }

    /// How far a request of this `cost` moves a bucket.
    #[must_use]
    pub fn advance(&self, cost: u32) -> Micros {
        self.interval.saturating_mul(u64::from(cost.max(1)))
    }

    /// How far ahead of now a bucket may be. A request that costs more than a bucket holds is let into a full one.
    #[must_use]
    pub fn capacity(&self, cost: u32) -> Micros {
        self.tolerance.max(self.advance(cost))
    }

    /// One request may come in each of these spans.
    #[must_use]
    pub const fn interval(&self) -> Micros {
        self.interval
    }

    /// How long a request that was let in is held back, as a part of `most`: not at all while half of the bucket was
    /// left before it, and longer with each that comes at once after that. So a burst slows down before it is refused.
    #[must_use]
    pub fn hold(&self, decision: Decision, most: u64) -> u64 {
        let before = decision.reset.saturating_sub(self.interval);
        let over = before.saturating_mul(2).saturating_sub(self.tolerance);
        u64::try_from(u128::from(most) * u128::from(over) / u128::from(self.tolerance.max(1))).unwrap_or(most).min(most)
    }
}

/// What one bucket says to one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decision {
    pub allowed: bool,
    /// So many more of the same cost may come at once afterwards.
    pub remaining: u64,
    /// How long until one more may come; 0 where it may at once.
    pub next: Micros,
    /// How long until the bucket is full again.
    pub reset: Micros,
    /// What is to be kept of the bucket.
    pub new_tat: Micros,
}

/// One bucket that a request is checked against.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bucket {
    /// What was kept; 0 of one that is not there.
    pub tat: Micros,
    pub policy: Policy,
    pub cost: u32,
}

/// Decides about one request at `now`. A `tat` further ahead than the bucket could ever be, as after a clock was set
/// back, counts as an empty bucket, and is kept as one.
#[must_use]
pub fn decide(bucket: Bucket, now: Micros) -> Decision {
    settle(bucket, now, fits(bucket, now))
}

/// Decides about one request that several buckets must let in: all do, or none is touched.
#[must_use]
pub fn check_all(buckets: &[Bucket], now: Micros) -> Vec<Decision> {
    let all = buckets.iter().all(|bucket| fits(*bucket, now));
    buckets.iter().map(|bucket| settle(*bucket, now, all)).collect()
}

fn ahead(bucket: Bucket, now: Micros) -> Micros {
    bucket.tat.saturating_sub(now).min(bucket.policy.capacity(bucket.cost))
}

fn fits(bucket: Bucket, now: Micros) -> bool {
    let Bucket { policy, cost, .. } = bucket;
    ahead(bucket, now).saturating_add(policy.advance(cost)) <= policy.capacity(cost)
}

/// What comes of it where the request is let in by all, and where it is not.
fn settle(bucket: Bucket, now: Micros, spends: bool) -> Decision {
    let Bucket { tat, policy, cost } = bucket;
    let (advance, capacity) = (policy.advance(cost), policy.capacity(cost));
    let before = ahead(bucket, now);
    let after = if spends { before.saturating_add(advance) } else { before };
    Decision {
        allowed: before.saturating_add(advance) <= capacity,
        remaining: capacity.saturating_sub(after) / advance,
        next: after.saturating_add(advance).saturating_sub(capacity),
        reset: after,
        new_tat: if spends { now.saturating_add(after) } else { tat.min(now.saturating_add(before)) },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::guard::draw::Draw;

    const SECOND: Micros = 1_000_000;

    fn bucket(tat: Micros, policy: Policy) -> Bucket {
        Bucket { tat, policy, cost: 1 }
    }

    #[test]
    fn a_bucket_gives_its_burst_at_once_and_then_its_rate() {
        let policy = Policy::new(60, 60 * SECOND, 10);
        let (mut tat, start) = (0, 1_000 * SECOND);
        for left in (0..10).rev() {
            let decision = decide(bucket(tat, policy), start);
            assert_eq!(
                (decision.allowed, decision.remaining, decision.next),
                (true, left, if left > 0 { 0 } else { SECOND })
            );
            tat = decision.new_tat;
        }
        let refused = decide(bucket(tat, policy), start);
        assert_eq!((refused.allowed, refused.remaining, refused.next), (false, 0, SECOND));
        assert_eq!((refused.new_tat, refused.reset), (tat, 10 * SECOND), "it spends nothing");
        assert!(!decide(bucket(tat, policy), start + SECOND - 1).allowed);
        assert!(decide(bucket(tat, policy), start + SECOND).allowed, "who comes when told to is let in");
    }

    #[test]
    fn one_refusal_of_several_spends_nothing_anywhere() {
        let (minute, day) = (Policy::new(60, 60 * SECOND, 10), Policy::new(2, 86_400 * SECOND, 2));
        let (mut minutes, mut days, now) = (0, 0, 5 * SECOND);
        for admitted in [true, true, false, false] {
            let decisions = check_all(&[bucket(minutes, minute), bucket(days, day)], now);
            assert_eq!(decisions.iter().all(|decision| decision.allowed), admitted);
            let kept: Vec<Micros> = decisions.iter().map(|decision| decision.new_tat).collect();
            if !admitted {
                assert_eq!(kept, [minutes, days]);
            }
            (minutes, days) = (kept[0], kept[1]);
        }
        assert_eq!(minutes, now + 2 * SECOND, "two of ten are spent");
    }

    #[test]
    fn a_clock_that_was_set_back_costs_one_bucket_and_no_more() {
        let policy = Policy::new(60, 60 * SECOND, 10);
        let refused = decide(bucket(90_000 * SECOND, policy), 10 * SECOND);
        assert_eq!((refused.allowed, refused.next), (false, SECOND));
        assert!(decide(bucket(refused.new_tat, policy), 11 * SECOND).allowed);
    }

    #[test]
    fn what_costs_more_than_a_bucket_holds_is_let_into_a_full_one() {
        let policy = Policy::new(10, 10 * SECOND, 2);
        let dear = Bucket { tat: 0, policy, cost: 5 };
        let decision = decide(dear, SECOND);
        assert!(decision.allowed);
        let again = Bucket { tat: decision.new_tat, ..dear };
        assert!(!decide(again, 5 * SECOND).allowed);
        assert!(decide(again, 6 * SECOND).allowed);
    }

    #[test]
    fn a_burst_is_held_back_longer_and_longer_before_it_is_refused() {
        let policy = Policy::new(60, 60 * SECOND, 10);
        let (mut tat, mut held) = (0, Vec::new());
        for _ in 0..10 {
            let decision = decide(bucket(tat, policy), SECOND);
            held.push(policy.hold(decision, 250));
            tat = decision.new_tat;
        }
        assert_eq!(held, [0, 0, 0, 0, 0, 0, 50, 100, 150, 200]);
        let single = Policy::new(1, SECOND, 1);
        assert_eq!(single.hold(decide(bucket(0, single), SECOND), 250), 0, "one at a time is no burst");
    }

    #[test]
    fn nothing_overflows_and_nothing_panics() {
        let edges = [0, 1, 999, u64::MAX / 2, u64::MAX - 1, u64::MAX];
        for period in edges {
            for (rate, burst) in [(0, 0), (1, u32::MAX), (u32::MAX, 1), (u32::MAX, u32::MAX)] {
                for permille in [0, 1, 1000, u32::MAX] {
                    let policy = Policy::new(rate, period, burst).scaled(permille);
                    for (tat, now, cost) in edges.iter().flat_map(|tat| edges.map(|now| (*tat, now, rate))) {
                        let decision = decide(Bucket { tat, policy, cost }, now);
                        assert!(decision.allowed || decision.next > 0);
                    }
                }
            }
        }
    }

    /// The promise: in no span of time are more admitted than `rate` times that span and `burst`, however the requests
    /// fall, whatever factors the load gave the limit on the way, and however many isolates share the bucket.
    #[test]
    fn no_span_of_time_sees_more_than_the_rate_and_the_burst() {
        let mut draw = Draw::new(7);
        for _ in 0..2_000 {
            let (rate, period) = (1 + draw.below(200), SECOND * (1 + draw.below(120)));
            let burst = 1 + draw.below(60);
            let policy = Policy::new(u32::try_from(rate).unwrap(), period, u32::try_from(burst).unwrap());
            let moves = draw.below(2) == 1;
            let greatest = if moves { 2_000 } else { 1_000 };
            let (mut now, mut tat, mut admitted) = (SECOND * draw.below(1_000_000), 0, Vec::new());
            // What each of two isolates last heard of the factor.
            let mut factors = [1_000_u64; 2];
            for _ in 0..400 {
                now += match draw.below(4) {
                    0 => 0,
                    1 => draw.below(policy.interval() + 1),
                    2 => draw.below(1_000),
                    _ => draw.below(policy.interval().saturating_mul(burst) / 4 + 1),
                };
                let isolate = usize::try_from(draw.below(2)).unwrap();
                if moves && draw.below(8) == 0 {
                    factors[isolate] = 100 + draw.below(1_901);
                }
                let policy = policy.scaled(u32::try_from(factors[isolate]).unwrap());
                let decision = decide(bucket(tat, policy), now);
                tat = decision.new_tat;
                if decision.allowed {
                    admitted.push(now);
                }
            }
            let fastest = u128::from(greatest * rate);
            for (first, begin) in admitted.iter().enumerate() {
                for (last, end) in admitted.iter().enumerate().skip(first) {
                    let count = (last - first + 1) as u128;
                    // count <= greatest / 1000 * (rate / period * span + burst), without fractions.
                    let span = u128::from(end - begin);
                    let most = fastest * span + u128::from(greatest * burst * period);
                    assert!(count * 1000 * u128::from(period) <= most, "{count} in {span} µs of {policy:?}");
                }
            }
        }
    }
}
