//! The edge: what stands between the pure core and a platform.
//!
//! A platform owes us `fetch`, `now`, `random`, `config`, and, for comfort, `sleep`, `log` and
//! `after`: the trait [`Host`]. The [`driver`] performs the engine's effects over it. The hosts themselves are
//! chosen by target: `spin` for `wasm32-wasip2`, `spin3` for `wasm32-wasip1`, `workers` for
//! `wasm32-unknown-unknown`, [`native`] for everything else. No trait here asks for `Send`: a function
//! serves its requests on one thread.

#![forbid(unsafe_code)]

pub mod addresses;
pub mod alerts;
mod api_keys;
pub mod breakers;
mod child;
pub mod conversation;
pub mod cors;
pub mod credentials;
pub mod dependencies;
pub mod door;
pub mod driver;
pub mod form;
pub mod host;
pub mod isolate;
mod jwks;
pub mod later;
pub mod lease;
pub mod limits;
pub mod links;
pub mod logs;
pub mod mcp;
pub mod model;
pub mod notice;
pub mod outbound;
pub mod outward;
pub mod pace;
pub mod pins;
pub mod problem;
pub mod queue;
pub mod reading;
mod redis;
pub mod routes;
pub mod schedules;
pub mod settings;
pub mod start;
pub mod store;
pub mod subscriptions;
#[cfg(not(all(target_arch = "wasm32", target_os = "unknown")))]
mod system;
pub mod tempo;
mod tool;
pub mod traces;
mod turns;
pub mod visible;
pub mod webhook;

#[cfg(not(target_arch = "wasm32"))]
pub mod describe;
#[cfg(not(target_arch = "wasm32"))]
pub mod native;
#[cfg(all(target_os = "wasi", target_env = "p2"))]
pub mod spin;
#[cfg(all(target_os = "wasi", target_env = "p1"))]
pub mod spin3;
#[cfg(target_os = "wasi")]
mod variables;
#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
pub mod workers;

pub use host::{Body, FetchError, Host, Level, Reply, Request};
pub use isolate::Isolate;
pub use settings::Settings;

// What the functions need of the crates below, so that each of them names one dependency.
pub use bytes::Bytes;
pub use futures_util;
pub use http;
pub use makegood_core as core;
pub use makegood_gateway as gateway;
#[cfg(not(target_arch = "wasm32"))]
pub use schemars;
pub use serde;
pub use serde_json;

/// Exports a handler as this target's function. The handler is
/// `async fn(Request, impl Host) -> Reply`, and never panics. `scheduled` is an `async fn(impl Host)`
/// which the clock of the platform calls, where it has one: Workers has.
#[macro_export]
macro_rules! serve {
    ($handle:path $(, scheduled: $scheduled:path)?) => {
        #[cfg(all(target_os = "wasi", target_env = "p2"))]
        mod spin_function {
            #[::spin_sdk::http_service]
            async fn serve(request: ::spin_sdk::http::Request) -> $crate::spin::Outgoing {
                $crate::spin::serve(request, env!("CARGO_PKG_NAME"), |request, host| $crate::outward::answer(request, host, $handle)).await
            }
        }

        #[cfg(all(target_os = "wasi", target_env = "p1"))]
        mod spin3_function {
            use $crate::spin3::wasi::exports::http::incoming_handler::Guest;
            use $crate::spin3::wasi::http::types::{IncomingRequest, ResponseOutparam};

            struct Function;

            impl Guest for Function {
                fn handle(request: IncomingRequest, out: ResponseOutparam) {
                    $crate::spin3::serve(request, out, env!("CARGO_PKG_NAME"), |request, host| $crate::outward::answer(request, host, $handle));
                }
            }

            $crate::spin3::wasi::http::proxy::export!(Function with_types_in $crate::spin3::wasi);
        }

        #[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
        mod workers_function {
            #[::worker::event(fetch)]
            async fn serve(
                request: ::worker::Request,
                env: ::worker::Env,
                context: ::worker::Context,
            ) -> ::worker::Result<::worker::Response> {
                $crate::workers::serve(request, env, context, env!("CARGO_PKG_NAME"), |request, host| $crate::outward::answer(request, host, $handle)).await
            }

            $(
                #[::worker::event(scheduled)]
                async fn tick(
                    _event: ::worker::ScheduledEvent,
                    env: ::worker::Env,
                    _context: ::worker::ScheduleContext,
                ) {
                    $crate::workers::tick(env, env!("CARGO_PKG_NAME"), $scheduled).await;
                }
            )?
        }
    };
}
