//! `/api/intent`: what a message would lead to, in its conversation, without any effect: the intents, the plan, and
//! each step's class, risk and cost. It writes nothing.

#![forbid(unsafe_code)]

use makegood_edge::conversation::preview;
use makegood_edge::core::error::Error;
use makegood_edge::http::Method;
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
    if request.uri().path().trim_end_matches('/') != "/api/intent" {
        return Err(door::no_such_route());
    }
    door::allow(request, &[Method::POST])?;
    let settings = Settings::read(host)?;
    let principal = door::principal(host, &settings, request.headers())?;
    let said: Said = door::body(request)?;
    Ok(json(200, &preview(host, &settings, &principal, &said).await?))
}
