//! How a limit moves with the load: by how long requests take, measured against how long they usually do.
//!
//! After the gradient that adaptive concurrency limits use (Netflix's `concurrency-limits`, `Gradient2`), for rates: a
//! short average over a window against a long one. As long as the short one is not much longer, the factor grows by a
//! little; where it is, the factor shrinks in proportion. It stays within hard bounds, and above what is configured it
//! grows only while somebody is refused.
//!
//! All is whole numbers: spans in microseconds, factors in thousandths.

use crate::guard::gcra::Micros;
use crate::guard::rates::Adaptive;

/// A window is over after so long,
const WINDOW: Micros = 1_000_000;
/// if so many requests were measured in it;
const ENOUGH: u64 = 10;
/// and what was measured in one that took longer than this says nothing about now.
const STALE: Micros = 15_000_000;
/// The step by which a factor grows.
const STEP: u32 = 50;
/// What is configured.
pub const WHOLE: u32 = 1_000;

/// What one isolate has measured of one class of requests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Load {
    /// How long a request usually takes; 0 as long as nothing is known.
    usual: Micros,
    sum: Micros,
    count: u64,
    /// When this window began; 0 where there is none.
    began: Micros,
    pressed: bool,
}

impl Load {
    /// Nothing was measured yet.
    pub const NEW: Self = Self { usual: 0, sum: 0, count: 0, began: 0, pressed: false };

    /// A request was served, and took so long. One that took very long counts as four usual ones: a few that wait for
    /// a model are no load.
    pub fn served(&mut self, took: Micros, now: Micros) {
        if self.count == 0 {
            self.began = now;
        }
        let most = if self.usual == 0 { took } else { self.usual.saturating_mul(4) };
        self.sum = self.sum.saturating_add(took.min(most));
        self.count += 1;
    }

    /// A request was refused.
    pub const fn refused(&mut self) {
        self.pressed = true;
    }

    /// The factor that this window asks for where `factor` holds now; `None` while there is nothing to say.
    pub fn propose(&mut self, factor: u32, bounds: &Adaptive, now: Micros) -> Option<u32> {
        let open = now.saturating_sub(self.began);
        if self.count == 0 || open < WINDOW || (self.count < ENOUGH && open <= STALE) {
            return None;
        }
        let (short, count, pressed) = (self.sum / self.count, self.count, self.pressed);
        *self = Self { usual: self.usual, ..Self::default() };
        if count < ENOUGH {
            return None;
        }
        let short = short.max(1);
        let usual = if self.usual == 0 { short } else { self.usual };
        // What is faster is soon usual, what is slower not for half a minute.
        self.usual = if short < usual { usual - (usual - short) / 4 } else { usual + (short - usual) / 32 };
        // usual / short, at most whole, against the threshold; never less than half.
        let gradient = usual.saturating_mul(1_000_000) / short / u64::from(bounds.threshold.max(1));
        let gradient = u32::try_from(gradient.clamp(500, 1_000)).unwrap_or(WHOLE);
        let wanted = if gradient < WHOLE {
            factor.saturating_mul(gradient) / 1_000
        } else if factor < WHOLE {
            (factor + STEP).min(WHOLE)
        } else if pressed {
            factor + STEP
        } else {
            factor.saturating_sub(STEP).max(WHOLE)
        };
        Some(wanted.clamp(bounds.min, bounds.max))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::guard::draw::Draw;

    const BOUNDS: Adaptive = Adaptive { min: 100, max: 2_000, threshold: 800 };

    /// Windows of twenty requests that take so many milliseconds each; the factor after each.
    fn windows(
        load: &mut Load,
        mut factor: u32,
        now: &mut Micros,
        count: usize,
        took_ms: u64,
        pressed: bool,
    ) -> Vec<u32> {
        let mut factors = Vec::new();
        for _ in 0..count {
            for _ in 0..20 {
                load.served(took_ms * 1_000, *now);
                *now += 60_000;
            }
            if pressed {
                load.refused();
            }
            factor = load.propose(factor, &BOUNDS, *now).unwrap();
            factors.push(factor);
        }
        factors
    }

    #[test]
    fn a_limit_falls_while_requests_take_long_and_comes_back_after() {
        let (mut load, mut now) = (Load::default(), 1);
        assert_eq!(windows(&mut load, WHOLE, &mut now, 5, 20, false), [WHOLE; 5], "nothing changes by itself");
        let slow = windows(&mut load, WHOLE, &mut now, 6, 60, false);
        assert!(slow.is_sorted_by(|before, after| after <= before) && slow[5] < 300, "{slow:?}");
        let fast = windows(&mut load, slow[5], &mut now, 30, 20, false);
        assert!(fast.is_sorted() && fast[29] == WHOLE, "{fast:?}");
    }

    #[test]
    fn a_little_slower_is_not_load() {
        let (mut load, mut now) = (Load::default(), 1);
        windows(&mut load, WHOLE, &mut now, 5, 20, false);
        assert_eq!(windows(&mut load, WHOLE, &mut now, 5, 24, false), [WHOLE; 5]);
    }

    #[test]
    fn above_what_is_configured_it_grows_for_those_who_are_refused_only() {
        let (mut load, mut now) = (Load::default(), 1);
        let pressed = windows(&mut load, WHOLE, &mut now, 40, 20, true);
        assert_eq!(pressed[39], BOUNDS.max);
        let calm = windows(&mut load, pressed[39], &mut now, 40, 20, false);
        assert_eq!(calm[39], WHOLE);
    }

    #[test]
    fn a_few_requests_that_wait_for_a_model_move_nothing() {
        let (mut load, mut now) = (Load::default(), 1);
        windows(&mut load, WHOLE, &mut now, 5, 20, false);
        for n in 0..40 {
            load.served(if n % 20 == 0 { 7_000_000 } else { 20_000 }, now);
            now += 50_000;
        }
        assert_eq!(load.propose(WHOLE, &BOUNDS, now), Some(WHOLE));
    }

    #[test]
    fn too_few_requests_say_nothing_and_old_ones_are_forgotten() {
        let mut load = Load::default();
        load.served(20_000, 1);
        assert_eq!(load.propose(WHOLE, &BOUNDS, 2_000_000), None);
        assert_eq!(load.propose(WHOLE, &BOUNDS, 60_000_000), None);
        assert_eq!(load, Load::default());
    }

    #[test]
    fn no_load_moves_a_factor_out_of_its_bounds() {
        let mut draw = Draw::new(3);
        for _ in 0..200 {
            let (mut load, mut factor, mut now) = (Load::default(), WHOLE, 1);
            for _ in 0..500 {
                now += draw.below(3_000_000);
                match draw.below(8) {
                    0 => load.refused(),
                    1 => load.served(u64::MAX - draw.below(9), now),
                    _ => {
                        let digits = draw.below(40);
                        load.served(draw.below(1 << digits), now);
                    }
                }
                factor = load.propose(factor, &BOUNDS, now).unwrap_or(factor);
                assert!((BOUNDS.min..=BOUNDS.max).contains(&factor));
            }
        }
    }
}
