//! A deterministic simulator: the real driver, handlers and codecs in a world that is made up, with
//! its own time, and in which everything that can go wrong does.
//!
//! A seed is a world: tools and how well their partners behave, a plan, several workers with clocks
//! of their own, and a storm of faults that ends at some point, so that it can be judged whether the
//! saga comes to rest. The same seed gives the same trace, byte for byte. What must hold is in
//! [`check`]; what a run has seen is in [`coverage`].
//!
//! Not here: a model of the engine. Nothing in this crate knows how a saga is carried on; it only
//! knows what must never be seen in the journal and in the partners' ledgers.

#![forbid(unsafe_code)]

mod agenda;
mod alerts;
pub mod campaign;
pub mod check;
pub mod corpus;
pub mod coverage;
mod host;
mod people;
mod postgres;
mod queue;
mod redis;
mod rng;
pub mod scenario;
pub mod shrink;
mod town;
mod turns;
mod world;

use bytes::Bytes;
use makegood_gateway::Response;

pub use coverage::Coverage;
pub use scenario::Scenario;
use world::World;

/// What came of a world.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    pub violation: Option<String>,
    pub trace: Vec<String>,
    pub seen: Coverage,
    /// The numbers of the faults that struck.
    pub struck: Vec<u64>,
    pub nodes: usize,
    /// Things that happened, one after the other.
    pub events: u64,
    pub commits: u32,
    pub yields: u32,
    pub invocations: u32,
    /// Bytes between the workers and the database after the saga was created.
    pub wire: u64,
}

/// Runs a world to its end.
#[must_use]
pub fn run(scenario: Scenario, traced: bool) -> Outcome {
    let world = World::new(scenario, traced);
    let events = world.run();
    let database = world.database.borrow();
    let counters = world.saga(0).and_then(|id| Some(database.sagas.get(&id)?.counters)).unwrap_or_default();
    let outcome = Outcome {
        violation: world.violation.borrow().clone(),
        trace: world.take_trace(),
        seen: world.seen.borrow().clone(),
        struck: world.struck.take(),
        events,
        nodes: world.scenario.plan.steps.len(),
        commits: counters.commits,
        yields: world.journal(0).yields,
        invocations: counters.invocations,
        wire: world.wire.get(),
    };
    drop(database);
    world.close();
    outcome
}

/// A JSON answer.
fn answer(status: u16, body: &serde_json::Value) -> Response {
    let mut response = Response::new(Bytes::from(serde_json::to_vec(body).unwrap_or_default()));
    *response.status_mut() = http::StatusCode::from_u16(status).unwrap_or_default();
    response
}
