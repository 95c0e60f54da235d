//! `/api/webhook/{source}`: what strangers deliver. It is checked over its raw bytes, kept, and handed to the queue; then
//! its sender is told that it was heard. What becomes of it is `execute`'s: there is no engine here, and nothing but the
//! database and the queue can be reached.

#![forbid(unsafe_code)]

#[cfg(not(target_arch = "wasm32"))]
pub mod api;

use makegood_edge::addresses::{self, Address};
use makegood_edge::core::error::Error;
use makegood_edge::{Host, Reply, Request, Settings, webhook};

/// What this function does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    Receive,
}

/// Where.
pub const ADDRESSES: [Address<Operation>; 1] =
    [Address { path: "/api/webhook/{source}", methods: &[("POST", Operation::Receive)] }];

makegood_edge::serve!(crate::handle);

/// Serves one request.
pub async fn handle<H: Host>(request: Request, host: H) -> Reply {
    addresses::serve(request, host, &ADDRESSES, route::<H>).await
}

async fn route<H: Host>(request: &Request, host: &H) -> Result<Reply, Error> {
    let found = addresses::find(&ADDRESSES, request.method().as_str(), request.uri().path())?;
    let (Operation::Receive, [source, _]) = (found.operation, found.parameters);
    webhook::receive(request, host, &Settings::read(host)?, source).await
}
