//! The QStash emulator, through its HTTP face and its deliveries only.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on has failed")]

mod console;
mod deliveries;
mod durability;
mod faults;
mod harness;
mod publishing;
mod retries;
mod waiting;
mod workflow;
