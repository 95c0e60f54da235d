//! How well `makegood_core::intent` understands what people say: cases of what was said and what should become of
//! it, and the score of one against the other.
//!
//! It judges readings, not sagas: nothing is verified against stored tools, and nothing is called.

pub mod case;
pub mod floor;
pub mod graph;
pub mod score;
pub mod table;
pub mod tools;
