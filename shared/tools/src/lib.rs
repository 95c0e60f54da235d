//! Tools written in Rust: one definition, whose input and output are types.
//!
//! A [`Tool`] names its input, its output and its [`Class`]; [`definition`] makes of it what is registered,
//! with the schemas of its types. A [`Draft`] is a plan whose steps are typed: a wrong field, a wrong type or a
//! missing parameter does not compile. What comes out is the engine's own plan, the same as if it had been
//! written by hand, and is checked as every plan is. [`reflect`] makes such types of a database's tables.
//!
//! Deliberately absent: how a tool is served over HTTP (`makegood-serve`), and anything that a function needs.
//! The functions know tools by their definitions alone.
//!
//! ```
//! use makegood_core::time::Millis;
//! use makegood_tools::{About, Arg, Compensatable, Draft, Repeat, Shape, Step, Tool, definition};
//! use schemars::JsonSchema;
//! use serde::{Deserialize, Serialize};
//!
//! /// Who wants how many seats.
//! #[derive(Serialize, Deserialize, JsonSchema, Shape)]
//! #[serde(deny_unknown_fields)]
//! struct Booking {
//!     /// Name of the restaurant
//!     #[schemars(length(min = 1, max = 100))]
//!     restaurant: String,
//!     /// How many people
//!     #[schemars(range(min = 1, max = 20))]
//!     party_size: u8,
//!     /// A wish, for the kitchen
//!     wish: Option<String>,
//! }
//!
//! #[derive(Serialize, Deserialize, JsonSchema, Shape)]
//! struct Booked {
//!     /// Id of the booking
//!     id: String,
//!     /// Where the restaurant is
//!     address: String,
//! }
//!
//! struct BookTable;
//!
//! impl Tool for BookTable {
//!     type Input = Booking;
//!     type Output = Booked;
//!     type Class = Compensatable;
//!
//!     fn about() -> About {
//!         About { cost_minor: 100, ..About::new("book_table", "1", "Book a table", "Books the smallest free table.") }
//!     }
//!
//!     fn class() -> Compensatable {
//!         Compensatable { repeat: Repeat::Keyed { ttl_ms: Millis(86_400_000) }, status: true, fence: true, approval: None }
//!     }
//! }
//!
//! let mut draft = Draft::new("Dinner");
//! let table = draft.add(Step::<BookTable>::new(
//!     "table",
//!     BookingArgs { restaurant: "Luigi's".into(), party_size: 4.into(), wish: Arg::none() },
//! ));
//! draft.add(Step::<BookTable>::new(
//!     "after",
//!     BookingArgs { restaurant: Arg::from(&table.output.address), party_size: 4.into(), wish: "A quiet one".into() },
//! ));
//! let plan = draft.build()?;
//! assert_eq!(plan.steps[1].params["restaurant"], "$table.address");
//!
//! let registered = definition::<BookTable>()?;
//! assert_eq!(registered.input.check(&serde_json::json!({"restaurant": "Luigi's"}))[0].path, "/party_size");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

#![forbid(unsafe_code)]

mod act;
mod arg;
mod class;
mod condition;
mod draft;
pub mod reflect;
mod shape;
mod step;
mod subset;
mod tool;

pub use act::{Act, Attempt, Done, NotDone, Undo};
pub use arg::Arg;
pub use class::{Approvable, Class, Compensatable, Pivot, Promise, Query, Replaceable, Retriable};
pub use condition::Holds;
pub use draft::{Added, Draft, Unwritable};
pub use makegood_core::tool::{Example, Repeat};
pub use makegood_tools_derive::Shape;
/// Any JSON: for what [`reflect`] writes.
pub use serde_json::Value as Json;
pub use shape::{Ref, Shape};
pub use step::Step;
pub use subset::{Outside, OutsideSubset, within};
pub use tool::{About, Tool, definition};
#[doc(hidden)]
pub use {schemars, serde_json};

/// Gives a type the schema that stands in a file beside it: for what [`reflect`] writes.
#[doc(hidden)]
#[macro_export]
macro_rules! reflected {
    ($name:ident, $schema:expr) => {
        impl $crate::schemars::JsonSchema for $name {
            fn inline_schema() -> bool {
                true
            }

            fn schema_name() -> ::std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut $crate::schemars::SchemaGenerator) -> $crate::schemars::Schema {
                // A file that was broken by hand allows nothing, and no tool can be made of it.
                $crate::serde_json::from_str($schema).unwrap_or_else(|_| false.into())
            }
        }
    };
}
