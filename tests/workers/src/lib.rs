//! Starts built functions on the real workerd: one alone, beside a journal that knows one tool, or all
//! of them behind the gateway, as `tests/exchanges` does.
//!
//! `bash tests/workers/run` fetches workerd, builds the function and runs the tests. Without it they
//! are ignored: neither comes with a Rust toolchain.

mod journal;
mod workerd;

pub use journal::{Journal, Statement};
pub use workerd::{Answer, Workerd, config, config_of_all, config_of_hello};
