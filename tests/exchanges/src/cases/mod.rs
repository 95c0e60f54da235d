//! The cases, in the order in which they are run and listed.

mod agents;
mod bodies;
mod browsers;
mod callbacks;
mod hosts;
mod many;
mod requests;
mod sagas;
mod streams;
mod upstream;
mod webhooks;

use crate::case::Case;

/// The README's own sentence: three partners.
pub const DINNER: &str = "Book a table for 4 at Luigi's tomorrow at 7pm, get us a ride there, and text Sam the details";

pub fn all() -> Vec<Case> {
    [
        requests::cases(),
        bodies::cases(),
        browsers::cases(),
        streams::cases(),
        upstream::cases(),
        callbacks::cases(),
        webhooks::cases(),
        sagas::cases(),
        agents::cases(),
        many::cases(),
        hosts::cases(),
    ]
    .into_iter()
    .flatten()
    .collect()
}
