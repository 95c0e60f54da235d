//! `makegood up`, end to end, as a user meets it.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "what is not as expected ends the test")]
#![expect(clippy::print_stdout, reason = "figures are for whoever reads the test's output")]

mod alerts;
mod approvals;
mod audit_log;
mod breakers;
mod budget;
mod chat;
mod children;
mod console;
mod conversations;
mod crashes;
mod doctor;
mod doors;
mod events;
mod isolation;
mod limits;
mod links;
mod models;
mod parts;
mod people;
mod refusals;
mod replanning;
mod schedules;
mod secrets;
mod sleeping;
mod starting;
mod subscriptions;
mod traces;
mod turns;
mod upgrade;
mod versions;
mod views;
mod wasm_tools;
mod webhooks;
mod worlds;
