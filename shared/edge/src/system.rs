//! What the targets have alike that come with a system: its clock, its randomness, and standard error for a log.

use std::time::{SystemTime, UNIX_EPOCH};

use makegood_core::time::Millis;

use crate::host::Level;

/// Since 1970, by the system's clock; 0 before.
pub fn now() -> Millis {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Millis(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}

/// Zeros where there is no randomness, and a line in the log that says so.
pub fn random() -> [u8; 16] {
    let mut bytes = [0; 16];
    if let Err(error) = getrandom::fill(&mut bytes) {
        log(Level::Error, &format!("no random numbers: {error}"));
    }
    bytes
}

#[expect(clippy::print_stderr, reason = "the log of a function, and of a program, is its standard error")]
pub fn log(level: Level, line: &str) {
    eprintln!("{level:?} {line}");
}
