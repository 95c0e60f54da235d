//! The time QStash lives by: real time, or faster where a test asks for it.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

#[derive(Debug)]
pub struct Clock {
    opened: Instant,
    opened_at: f64,
    scale: f64,
}

impl Clock {
    pub fn new(scale: f64) -> Self {
        Self {
            opened: Instant::now(),
            opened_at: since_epoch().as_secs_f64() * 1000.0,
            scale: if scale.is_finite() { scale.max(1e-3) } else { 1.0 },
        }
    }

    /// Unix milliseconds on this clock.
    pub fn now(&self) -> u64 {
        let elapsed = self.opened.elapsed().as_secs_f64() * 1000.0;
        (self.opened_at + elapsed * self.scale) as u64
    }

    /// When `at` (Unix milliseconds on this clock) comes, in real time. Never
    /// early: rounded up.
    pub fn real(&self, at: u64) -> Instant {
        let millis = (at as f64 - self.opened_at).max(0.0) / self.scale;
        let secs = (millis / 1000.0).min(1e9);
        self.opened + Duration::from_secs_f64(secs) + Duration::from_micros(100)
    }
}

/// Unix seconds in real time, for signatures.
pub fn real_seconds() -> u64 {
    since_epoch().as_secs()
}

fn since_epoch() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}
