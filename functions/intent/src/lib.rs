//! `/api/intent`: what a message would lead to, in its conversation, without any effect: the intents, the plan, and
//! each step's class, risk and cost. Of the conversation it writes nothing; where a model is asked, that is counted, and
//! its answer kept for a while. That costs, so it wants the scope of a start.

#![forbid(unsafe_code)]

#[cfg(not(target_arch = "wasm32"))]
pub mod api;

use makegood_edge::addresses::{self, Address};
use makegood_edge::conversation::preview;
use makegood_edge::core::error::Error;
use makegood_edge::core::guard::Scope;
use makegood_edge::limits::{Class, admit};
use makegood_edge::reading::Said;
use makegood_edge::{Host, Reply, Request, Settings, door, host::json};

/// What this function does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    Preview,
}

/// Where.
pub const ADDRESSES: [Address<Operation>; 1] =
    [Address { path: "/api/intent", methods: &[("POST", Operation::Preview)] }];

makegood_edge::serve!(crate::handle);

/// Serves one request.
pub async fn handle<H: Host>(request: Request, host: H) -> Reply {
    addresses::serve(request, host, &ADDRESSES, route::<H>).await
}

async fn route<H: Host>(request: &Request, host: &H) -> Result<Reply, Error> {
    let Operation::Preview = addresses::find(&ADDRESSES, request.method().as_str(), request.uri().path())?.operation;
    let settings = Settings::read(host)?;
    let principal = admit(request, host, &settings, &[Class::Intent], Scope::Start).await?;
    let said: Said = door::body(request)?;
    Ok(json(200, &preview(host, &settings, &principal, &said).await?))
}
