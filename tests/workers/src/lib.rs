//! Starts a built function on the real workerd, beside a journal that knows one tool.
//!
//! `bash tests/workers/run` fetches workerd, builds the function and runs the tests. Without it they
//! are ignored: neither comes with a Rust toolchain.

mod journal;
mod workerd;

pub use journal::{Journal, Statement};
pub use workerd::{Answer, Workerd};
