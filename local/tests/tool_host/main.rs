//! Tools in Wasm: the example keeps what it declares, and one that does on request whatever a tool may do to its host
//! (`tool-guest`) harms nobody and is not believed.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod adding;
mod keeping;
mod misbehaving;
mod setting;
