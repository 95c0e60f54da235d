//! The local platform of Makegood: the host of the functions, what builds them, and everything that
//! they call, in one process. The command line in `main.rs` stands on top of it.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "it is a command line: `up`, `bench` and `build` talk to people"
)]

pub mod audit;
pub mod bench;
pub mod breakers;
pub mod build;
pub mod chat;
pub mod cli;
mod clients;
pub mod configuration;
mod data_dir;
pub mod delivery;
pub mod deploy;
pub mod doctor;
mod drained;
pub mod emulate;
pub mod health;
pub mod host;
pub mod keys;
mod memory;
pub mod migrate;
pub mod platform;
pub mod remote;
pub mod saga;
pub mod secrets;
mod serve;
pub mod sim;
pub mod subscriptions;
pub mod tool_host;
pub mod tools;
mod town_tools;
pub mod up;
mod values;
pub mod views;
pub mod webhooks;
