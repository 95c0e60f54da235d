//! Tools: what each declares about itself, what a definition must keep to be registered, and the schemas that values
//! are checked against.
//!
//! Here are no calls: how a tool is reached over HTTP or over MCP is in `makegood-gateway`.

mod check;
mod definition;
mod example;
mod mcp;
mod rule;
mod schema;

pub use check::is_name;
pub use definition::{Class, Definition, Limit, Per, Rate, Repeat, Retry, Terms, UNDER_WAY};
pub use example::Example;
pub use mcp::{Companion, Era, Failure, Mcp};
pub use rule::PlanRule;
pub use schema::{Schema, Violation};
