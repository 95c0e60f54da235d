//! The town's tables, as its database has them, against what is checked in of them; and tools in Rust over those types.
//!
//! To write the files anew: `UPDATE_GOLDEN=1 cargo test -p makegood-town --test reflected`.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
#![expect(clippy::print_stderr, reason = "it says what is left out on this machine")]

mod drift;
mod typed;

/// What `makegood tools reflect` has written.
#[path = "../../src/reflected/mod.rs"]
mod reflected;

#[path = "../town/setting.rs"]
#[expect(dead_code, reason = "the town's own tests use all of it; here its databases are wanted")]
mod setting;
