//! The edge: what stands between the pure core and a platform.
//!
//! A platform owes us `fetch`, `now`, `random`, `config`, and, for comfort, `sleep` and `log`: the
//! trait [`Host`]. The [`driver`] performs the engine's effects over it. The hosts themselves are
//! chosen by target: [`spin`] for `wasm32-wasip2`, `workers` for `wasm32-unknown-unknown`, [`native`]
//! for everything else. No trait here asks for `Send`: a function serves its requests on one thread.

#![forbid(unsafe_code)]

pub mod alerts;
mod child;
pub mod door;
pub mod driver;
pub mod host;
pub mod lease;
pub mod links;
pub mod problem;
pub mod queue;
pub mod reading;
pub mod schedules;
pub mod settings;
pub mod start;
pub mod store;
mod turns;

#[cfg(not(target_arch = "wasm32"))]
pub mod native;
#[cfg(target_os = "wasi")]
pub mod spin;
#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
pub mod workers;

pub use host::{Body, FetchError, Host, Level, Reply, Request};
pub use settings::Settings;

// What the functions need of the crates below, so that each of them names one dependency.
pub use bytes::Bytes;
pub use futures_util;
pub use http;
pub use makegood_core as core;
pub use makegood_gateway as gateway;
pub use serde;
pub use serde_json;

/// Exports a handler as this target's function. The handler is
/// `async fn(Request, impl Host) -> Reply`, and never panics. `scheduled` is an `async fn(impl Host)`
/// which the clock of the platform calls, where it has one: Workers has.
#[macro_export]
macro_rules! serve {
    ($handle:path $(, scheduled: $scheduled:path)?) => {
        #[cfg(target_os = "wasi")]
        mod spin_function {
            #[::spin_sdk::http_service]
            async fn serve(request: ::spin_sdk::http::Request) -> $crate::spin::Outgoing {
                $crate::spin::serve(request, |request, host| $handle(request, host)).await
            }
        }

        #[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
        mod workers_function {
            #[::worker::event(fetch)]
            async fn serve(
                request: ::worker::Request,
                env: ::worker::Env,
                _context: ::worker::Context,
            ) -> ::worker::Result<::worker::Response> {
                $crate::workers::serve(request, env, |request, host| $handle(request, host)).await
            }

            $(
                #[::worker::event(scheduled)]
                async fn tick(
                    _event: ::worker::ScheduledEvent,
                    env: ::worker::Env,
                    _context: ::worker::ScheduleContext,
                ) {
                    $scheduled($crate::workers::Workers::new(env)).await;
                }
            )?
        }
    };
}
