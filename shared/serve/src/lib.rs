//! Serves tools that are written in Rust, at the three addresses of docs/TOOLS.md.
//!
//! A tool says how it acts ([`Act`](makegood_tools::Act)) and, if it is compensatable, how it undoes
//! ([`Undo`](makegood_tools::Undo)). Here is the rest of
//! what a saga counts on: one effect a key, the same answer to a repeat, tombstones that refuse a late do, and
//! what became of a key. What is known of keys lies in a [`Store`].
//!
//! One thing no server can do for a tool: to know whether it had acted when its process died midway. Such a key
//! is taken up again with [`Attempt::again`](makegood_tools::Attempt), and then the tool has to find out, by the key.
//!
//! Deliberately absent: who may call. Put that in front, as a layer of the router.

#![forbid(unsafe_code)]

mod book;
mod call;
mod memory;
mod problem;
mod router;

pub use book::{Entry, Lost, Seen, Store, Taken};
pub use memory::{Held, Memory};
pub use router::Server;
