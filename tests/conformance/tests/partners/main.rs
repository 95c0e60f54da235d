//! The kit itself is put to the test: honest partners pass, and a partner with one flaw fails by the
//! check that is meant for it.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod command;
mod flaws;
mod partner;
#[path = "../../../../local/town/tests/town/setting.rs"]
#[expect(dead_code, clippy::print_stderr, reason = "the town's own tests use all of it; here its databases are wanted")]
mod setting;
mod town;
