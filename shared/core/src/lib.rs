//! The core of Makegood: everything that decides, nothing that touches the world.
//!
//! The one rule: **a value comes in, a value goes out.** No clock (time is an argument), no random
//! numbers (ids come in from outside), no network, no threads, no environment, no iteration over
//! unordered collections. That is why the same code runs in a Wasm function, in the simulator under
//! virtual time, and in a unit test, and gives the same answer in each.
//!
//! * [`saga`]: the state machine that carries a plan out, or makes it good. Start at [`saga::step`].
//! * [`tool`]: what a tool declares about itself, and the JSON Schema its values are checked against.
//! * [`intent`]: from a sentence to a plan, without a model.
//! * [`proposal`]: from a model's answer to a plan that may be started, or to what is wrong with it.
//! * [`civil`]: the calendar, days and times of day.
//! * [`cron`]: what a cron expression says.
//! * [`feed`]: what others are told of a saga, made of its journal.
//! * [`trace`]: what a trace of a saga is made of.
//! * [`guard`]: roles, scopes and tiers; who may come how often; [`guard::breaker`] says whether something outside is
//!   called at all.
//! * [`id`], [`time`], [`error`], [`violation`]: the small types that all of them share.

#![forbid(unsafe_code)]

pub mod civil;
pub mod cron;
pub mod depth;
#[cfg(not(target_arch = "wasm32"))]
pub mod described;
pub mod error;
pub mod feed;
pub mod guard;
pub mod id;
pub mod intent;
pub mod proposal;
pub mod saga;
pub mod time;
pub mod tool;
pub mod trace;
pub mod violation;
