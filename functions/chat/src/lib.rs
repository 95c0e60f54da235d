//! `/api/chat`: a message, after those of its conversation, becomes a durable saga, a question, or something that is
//! asked of the saga that runs. Answers at once, or, asked for `text/event-stream`, tells how the saga goes until it
//! rests.

#![forbid(unsafe_code)]

#[cfg(not(target_arch = "wasm32"))]
pub mod api;
mod progress;

use makegood_edge::addresses::{self, Address};
use makegood_edge::conversation::{Heard, hear};
use makegood_edge::core::error::Error;
use makegood_edge::core::guard::Scope;
use makegood_edge::http::header;
use makegood_edge::limits::{Class, admit};
use makegood_edge::reading::Said;
use makegood_edge::start::caller;
use makegood_edge::{Host, Reply, Request, Settings, door, host::json};

/// What this function does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    Say,
}

/// Where.
pub const ADDRESSES: [Address<Operation>; 1] = [Address { path: "/api/chat", methods: &[("POST", Operation::Say)] }];

makegood_edge::serve!(crate::handle);

/// Serves one request.
pub async fn handle<H: Host>(request: Request, host: H) -> Reply {
    addresses::serve(request, host, &ADDRESSES, route::<H>).await
}

async fn route<H: Host>(request: &Request, host: &H) -> Result<Reply, Error> {
    let Operation::Say = addresses::find(&ADDRESSES, request.method().as_str(), request.uri().path())?.operation;
    let began = host.now();
    let settings = Settings::read(host)?;
    let principal = admit(request, host, &settings, &[Class::Chat], Scope::Start).await?;
    let said = Said { trace: caller(request), ..door::body(request)? };
    let heard = hear(host, &settings, &principal, &said).await?;
    let accept = request.headers().get(header::ACCEPT).and_then(|accept| accept.to_str().ok());
    if !accept.is_some_and(|accept| accept.contains("text/event-stream")) {
        return Ok(json(heard.status, &heard.body));
    }
    let Heard { body, conversation, follows, started, .. } = heard;
    Ok(match follows {
        None => progress::say_once(&body),
        // What a start says stands in the saga's own events.
        Some(saga) => progress::follow(host.clone(), settings, saga, began, conversation, (!started).then_some(&body)),
    })
}
