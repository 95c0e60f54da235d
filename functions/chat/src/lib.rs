//! `/api/chat`: a message becomes a durable saga. Answers at once with its id, or, asked for
//! `text/event-stream`, tells how it goes until it rests.

#![forbid(unsafe_code)]

mod progress;

use makegood_edge::core::error::Error;
use makegood_edge::core::saga::Priority;
use makegood_edge::http::{Method, header};
use makegood_edge::problem::problem;
use makegood_edge::reading::{Reading, Said, read};
use makegood_edge::serde_json::json;
use makegood_edge::start::{Start, start};
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
    let outcome = read(host, &settings, &principal, &said).await?;
    let streams = request.headers().get(header::ACCEPT).and_then(|accept| accept.to_str().ok());
    let streams = streams.is_some_and(|accept| accept.contains("text/event-stream"));

    let Reading::Plan { plan, tools, .. } = &outcome.reading else {
        let answer = outcome.preview();
        return Ok(if streams { progress::say_once(&answer) } else { json(200, &answer) });
    };
    let wanted = Start {
        plan,
        message: Some(&said.message),
        client_key: said.key.as_deref(),
        deadline: None,
        budget: said.budget,
        priority: Priority::default(),
        reading: Some(&outcome.how),
    };
    let created = start(host, &settings, &principal, tools, &wanted).await?;
    if streams {
        return Ok(progress::follow(host.clone(), settings, created.id, began));
    }
    let status = format!("{}/api/execute/{}", settings.public_url, created.id);
    let mut body = json!({
        "saga": created.id, "created": created.created, "status_url": status, "reading": outcome.preview(),
    });
    if let Some(step) = &outcome.how.confirm {
        // A model read it: nothing has an effect before its sender agrees.
        let verb = |verb: &str| format!("{status}/{verb}");
        body["confirm"] = json!({"step": step, "approve": verb("approve"), "reject": verb("reject")});
    }
    Ok(json(202, &body))
}
