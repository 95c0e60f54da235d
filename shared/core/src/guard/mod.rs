//! What guards the doors, in and out: tiers, limits, breakers, and where calls may go.
//!
//! [`Role`] and [`Scope`] say what a caller may ask at all, [`Tier`] and the limits how often. Who a caller is, is found
//! out at the edge.

pub mod breaker;
#[cfg(test)]
pub(crate) mod draw;
pub mod front;
pub mod gcra;
pub mod load;
pub mod outbound;
pub mod rates;
pub mod role;
pub mod scope;
pub mod tier;

pub use role::Role;
pub use scope::{Scope, Scopes};
pub use tier::Tier;
