//! The fault switchboard in front of every emulator: requests that come late, are refused, get lost, are carried
//! out twice or in another order, and answers that break off. Nothing is set until somebody asks for it, and
//! nothing outlives the process.
//!
//! `/_emulator/faults`: POST sets one more ([`Fault`]), GET lists them with what they have done, DELETE removes
//! all, or one by its id. Those addresses are never struck. What only one service does wrong is its own matter:
//! the queue's deliveries have a switch in [`crate::qstash`].

mod admin;
mod board;
mod spec;
mod strike;
mod words;

use std::sync::Arc;

use axum::{Router, middleware, routing::delete, routing::get};

pub use spec::{Fault, Kind, Only};
pub use words::Words;

/// Who may set faults.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Door {
    /// Everybody who reaches the address, but for pages from elsewhere.
    Open,
    /// Who brings this as a bearer token.
    Token(String),
    /// Nobody.
    Closed,
}

/// Puts a switchboard of its own in front of `router`. Refusals are in `words`.
pub fn in_front_of(router: Router, words: Words, door: Door) -> Router {
    let board = Arc::new(board::Board::new(words));
    let admin = Router::new()
        .route("/_emulator/faults", get(admin::list).post(admin::set).delete(admin::clear))
        .route("/_emulator/faults/{id}", delete(admin::remove))
        .layer(middleware::from_fn_with_state(Arc::new(door), admin::only_who_may))
        .with_state(board.clone());
    router.layer(middleware::from_fn_with_state(board, strike::befall)).merge(admin)
}
