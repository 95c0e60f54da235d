//! The demo town: restaurants, rides, deliveries, payments, messages and a calendar, that sagas can
//! really act upon. Each is a partner as a saga wishes for one: it acts once a key, repeats its
//! answer, undoes, says by key what became of a call, and refuses a call that comes after its undo.
//!
//! What is decided, is decided in PostgreSQL, by one statement a call (`migrations/`): the Rust here
//! checks parameters, speaks HTTP, and plays the faults that the switchboard asks for. Deliberately
//! absent: knowledge of sagas beyond the key they call under, and any kindness that a real partner
//! would not show.

mod bench;
mod call;
mod definition;
mod fault;
mod key;
mod page;
mod params;
mod problem;
mod query;
mod store;
mod tool;
mod tools;
mod world;

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::{any, delete, get, post};
use makegood_postgres::Postgres;

pub use definition::definitions;
pub use problem::Problem;

/// The town's schema, in the order in which [`Postgres::migrate`] applies it.
pub const MIGRATIONS: &[(&str, &str)] = &[
    ("town/0001_places", include_str!("../migrations/0001_places.sql")),
    ("town/0002_effects", include_str!("../migrations/0002_effects.sql")),
    ("town/0003_tools", include_str!("../migrations/0003_tools.sql")),
    ("town/0004_keys", include_str!("../migrations/0004_keys.sql")),
    ("town/0005_world", include_str!("../migrations/0005_world.sql")),
    ("town/0006_changes", include_str!("../migrations/0006_changes.sql")),
    ("town/0007_reset", include_str!("../migrations/0007_reset.sql")),
    ("town/0008_columns", include_str!("../migrations/0008_columns.sql")),
    ("town/0009_waitlist", include_str!("../migrations/0009_waitlist.sql")),
];

/// The longest body that is read, in bytes.
const MAX_BODY: usize = 64 * 1024;

/// What all requests share.
struct Town {
    store: store::Store,
    faults: fault::Switchboard,
    bench: bench::Bench,
    slow: call::Slow,
}

/// Everything under `/demo`. The faults that were set before are loaded at the first call, so `db`
/// must have the [`MIGRATIONS`] by then.
pub fn router(db: Postgres) -> Router {
    let store = store::Store::new(db);
    let town = Arc::new(Town {
        faults: fault::Switchboard::new(store.clone()),
        store,
        bench: bench::Bench::default(),
        slow: call::Slow::default(),
    });
    Router::new()
        .route("/demo/tools/{tool}/do", post(tools::act))
        .route("/demo/tools/{tool}/undo", post(tools::undo))
        .route("/demo/tools/{tool}/status", get(tools::status))
        .route("/demo/faults", get(fault::http::list).post(fault::http::set).delete(fault::http::clear))
        .route("/demo/faults/{id}", delete(fault::http::remove))
        .route("/demo/world", get(world::show))
        .route("/demo/world.css", get(page::stylesheet))
        .route("/demo/ledger", get(world::ledger))
        .route("/demo/reset", post(world::reset))
        .route("/demo/{*path}", any(problem::unknown_route))
        .method_not_allowed_fallback(problem::method_not_allowed)
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .with_state(town)
}
