//! Tools in Rust, against what the demo town declares and what its plans are by hand.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod compile;
mod definitions;
mod plans;
mod reflect;
mod subset;
mod town;
