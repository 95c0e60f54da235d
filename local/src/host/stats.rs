//! What the host counts about each function.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::time::Duration;

#[derive(Default)]
pub(super) struct Counters {
    pub(super) invocations: AtomicU64,
    pub(super) traps: AtomicU64,
    pub(super) timeouts: AtomicU64,
    pub(super) refused: AtomicU64,
    pub(super) instances: AtomicU64,
    pub(super) instances_made: AtomicU64,
    pub(super) micros: AtomicU64,
    /// Whether instances that begin now have their time on a processor counted.
    pub(super) metered: AtomicBool,
    pub(super) guest_nanos: Arc<AtomicU64>,
}

/// One function's numbers since it was loaded.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Stats {
    pub invocations: u64,
    /// Instances that ended in a trap.
    pub traps: u64,
    /// Invocations that gave no response in their time.
    pub timeouts: u64,
    /// Requests turned away because all instances were taken.
    pub refused: u64,
    /// Instances alive.
    pub instances: u64,
    /// Instances ever made.
    pub instances_made: u64,
    /// From request to the head of the response, summed; waiting included.
    pub time: Duration,
    /// On a processor in the guests' own code, of instances that began since [`super::Functions::meter`].
    pub guest: Duration,
}

impl Counters {
    pub(super) fn read(&self) -> Stats {
        Stats {
            invocations: self.invocations.load(Relaxed),
            traps: self.traps.load(Relaxed),
            timeouts: self.timeouts.load(Relaxed),
            refused: self.refused.load(Relaxed),
            instances: self.instances.load(Relaxed),
            instances_made: self.instances_made.load(Relaxed),
            time: Duration::from_micros(self.micros.load(Relaxed)),
            guest: Duration::from_nanos(self.guest_nanos.load(Relaxed)),
        }
    }
}
