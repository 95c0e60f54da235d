//! Upstash Workflow's side of the queue: runs, the steps that are submitted to them, and what wakes them.
//!
//! The queue delivers a run's messages as it does any others. It asks here at few places: what a publish with
//! the protocol's headers becomes ([`submit`]), how such a message goes out ([`delivery`]), what follows when
//! one has failed for good ([`ending`]), and what its journal keeps ([`Change`]). A run itself executes in the
//! application; here it is a list of steps.

mod change;
mod delivery;
mod ending;
mod event;
mod link;
mod log;
mod revive;
mod run;
mod runs;
pub mod submit;

pub use change::Change;
pub use event::{Waiter, headers_of};
pub use link::{Link, Part, of_callback};
pub use log::to_json;
pub use revive::{Again, Trouble};
pub use run::{EndState, Run};
pub use runs::Workflows;
