//! `/api/chat`: a message, after those of its conversation, becomes a durable saga, a question, or something that is
//! asked of the saga that runs. Answers at once, or, asked for `text/event-stream`, tells how the saga goes until it
//! rests.

#![forbid(unsafe_code)]

mod progress;

use makegood_edge::conversation::{Heard, hear};
use makegood_edge::core::error::Error;
use makegood_edge::http::{Method, header};
use makegood_edge::problem::problem;
use makegood_edge::reading::Said;
use makegood_edge::{Host, Reply, Request, Settings, door, host::json};

makegood_edge::serve!(crate::handle);

/// Serves one request.
pub async fn handle<H: Host>(request: Request, host: H) -> Reply {
    match route(&request, &host).await {
        Ok(reply) => reply,
        Err(error) => problem(&host, &error),
    }
}

async fn route<H: Host>(request: &Request, host: &H) -> Result<Reply, Error> {
    if request.uri().path().trim_end_matches('/') != "/api/chat" {
        return Err(door::no_such_route());
    }
    door::allow(request, &[Method::POST])?;
    let began = host.now();
    let settings = Settings::read(host)?;
    let principal = door::principal(host, &settings, request.headers())?;
    let said: Said = door::body(request)?;
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
