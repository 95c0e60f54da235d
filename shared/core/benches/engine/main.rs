//! What the engine itself costs: no database, no network, no clock, one thread.
//!
//! `cargo bench -p makegood-core`. Figures are in `docs/PERFORMANCE.md`. Whoever wants to know what a
//! saga costs with everything around it asks `makegood bench saga`.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a benchmark that does not do what it says must end, and not be measured"
)]

mod events;
mod limits;
mod memory;
mod plans;
mod wholes;

fn main() {
    divan::main();
}
