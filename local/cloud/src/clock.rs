//! The time by which the queue lives, and whoever shares its clock: real time, faster where a test asks
//! for it, or without the time in which nothing would happen.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Clones tell the same time.
#[derive(Clone, Debug)]
pub struct Clock {
    opened: Instant,
    opened_at: f64,
    scale: f64,
    /// Milliseconds that were left out so far.
    skipped: Arc<AtomicU64>,
}

impl Clock {
    /// Real time.
    #[must_use]
    pub fn real() -> Self {
        Self::scaled(1.0)
    }

    /// Time that passes so much faster than real time.
    #[must_use]
    pub fn scaled(scale: f64) -> Self {
        Self {
            opened: Instant::now(),
            opened_at: since_epoch().as_secs_f64() * 1000.0,
            scale: if scale.is_finite() { scale.max(1e-3) } else { 1.0 },
            skipped: Arc::default(),
        }
    }

    /// Unix milliseconds on this clock.
    #[must_use]
    pub fn now(&self) -> u64 {
        let elapsed = self.opened.elapsed().as_secs_f64() * 1000.0;
        (self.opened_at + elapsed * self.scale) as u64 + self.skipped()
    }

    /// Real time, but for what was skipped: what a destination goes by that has a clock of its own, or
    /// shares this one.
    #[must_use]
    pub fn outside(&self) -> Duration {
        since_epoch() + Duration::from_millis(self.skipped())
    }

    /// Milliseconds that were left out so far.
    #[must_use]
    pub fn skipped(&self) -> u64 {
        self.skipped.load(Ordering::Relaxed)
    }

    /// Has left out so many milliseconds, at least.
    pub fn skip_at_least(&self, millis: u64) {
        self.skipped.fetch_max(millis, Ordering::Relaxed);
    }

    /// Leaves out the time until `at` (Unix milliseconds on this clock).
    pub fn skip_to(&self, at: u64) {
        self.skipped.fetch_add(at.saturating_sub(self.now()), Ordering::Relaxed);
    }

    /// When `at` (Unix milliseconds on this clock) comes, in real time. Never
    /// early: rounded up.
    #[must_use]
    pub fn instant(&self, at: u64) -> Instant {
        let at = at.saturating_sub(self.skipped());
        let millis = (at as f64 - self.opened_at).max(0.0) / self.scale;
        let secs = (millis / 1000.0).min(1e9);
        self.opened + Duration::from_secs_f64(secs) + Duration::from_micros(100)
    }
}

/// Real time, whatever was skipped.
pub fn since_epoch() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_skipped_has_passed_on_every_clone_and_for_whoever_is_outside() {
        let clock = Clock::real();
        let (other, before, outside) = (clock.clone(), clock.now(), clock.outside());
        clock.skip_to(before + 86_400_000);
        assert!(other.now() >= before + 86_400_000);
        assert!(other.outside() >= outside + Duration::from_millis(86_399_000));
        assert!(other.instant(before + 86_400_000) <= Instant::now() + Duration::from_millis(1));
        clock.skip_to(before);
        assert!(clock.now() < before + 86_410_000);
    }
}
