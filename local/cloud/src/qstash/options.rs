//! How a QStash is set up.

use std::path::PathBuf;

use super::faults::Faults;
use crate::Clock;

/// The defaults are the development server's published first user.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where the journal lies; `None` keeps everything in memory.
    pub data_dir: Option<PathBuf>,
    pub token: String,
    /// Signs deliveries, until keys are rotated.
    pub current_key: String,
    pub next_key: String,
    /// By which delays, back-offs, schedules and windows pass. Delivery time-outs
    /// stay in real time.
    pub clock: Clock,
    /// Whether destinations live by that clock too, as functions of the same platform do, and check signatures
    /// by it. Otherwise signatures are dated by real time: strangers skip nothing.
    pub clock_is_shared: bool,
    /// Where nothing is under way, the time until the next message is due is left
    /// out. Schedules fire once for all the times that were skipped.
    pub skip_time: bool,
    /// Deliveries under way at once; the rest wait.
    pub parallelism: usize,
    /// The largest body, as on the free plan.
    pub max_message_bytes: usize,
    pub faults: Faults,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            data_dir: None,
            token: "eyJVc2VySUQiOiJkZWZhdWx0VXNlciIsIlBhc3N3b3JkIjoiZGVmYXVsdFBhc3N3b3JkIn0=".to_owned(),
            current_key: "sig_7kYjw48mhY7kAjqNGcy6cr29RJ6r".to_owned(),
            next_key: "sig_5ZB6DVzB1wjE8S6rZ7eenA8Pdnhs".to_owned(),
            clock: Clock::real(),
            clock_is_shared: false,
            skip_time: false,
            parallelism: 256,
            max_message_bytes: 1 << 20,
            faults: Faults::default(),
        }
    }
}
