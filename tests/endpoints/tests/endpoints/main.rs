//! `makegood up`, end to end, as a user meets it.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "what is not as expected ends the test")]
#![expect(clippy::print_stdout, reason = "figures are for whoever reads the test's output")]

mod alerts;
mod budget;
mod chat;
mod children;
mod conversations;
mod crashes;
mod doctor;
mod isolation;
mod links;
mod models;
mod parts;
mod people;
mod refusals;
mod replanning;
mod schedules;
mod sleeping;
mod starting;
mod turns;
mod upgrade;
mod versions;
mod wasm_tools;
mod worlds;
