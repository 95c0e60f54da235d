//! `/api/execute`: starts a given plan, carries sagas on when the queue calls, and tells how they
//! stand.
//!
//! | | |
//! |---|---|
//! | `POST /api/execute` | starts `{"plan": …, "key": …, "deadline_ms": …, "budget": …, "priority": …}`: 202 |
//! | `GET /api/execute/{saga}` | how it stands |
//! | `POST /api/execute/{saga}/cancel` | asks for it to be made good |
//! | `POST /api/execute/{saga}/pause`, `…/resume` | starts nothing new, and goes on |
//! | `POST /api/execute/{saga}/approve`, `…/reject` | decides about `{"step": …, "hash": …, "note": …}` |
//! | `POST /api/execute/{saga}/links` | makes a token that decides about `{"step": …, "for": …, "expires_ms": …}` once: 201 |
//! | `POST /api/execute/decisions`, `…/decisions/look` | decides with it, `{"token": …, "approve": …, "note": …}`; shows what about |
//! | `POST /api/execute/{saga}/events` | brings `{"name": …, "payload": …}` to the step that waits for it |
//! | `POST /api/execute/{saga}/retry` | takes a held step, `{"step": …}`, up again, or all of them |
//! | `POST /api/execute/{saga}/resolve` | takes your word about a held step, `{"step": …, "done": …, "output": …, "note": …}` |
//! | `POST /api/execute/{saga}/replan` | goes on with another plan, `{"plan": …, "note": …}` |
//! | `POST /api/execute/schedules` | has `{"id": …, "cron": …, "plan": …, "deadline_ms": …, "budget": …, "priority": …}` started by the clock: 201 |
//! | `GET /api/execute/schedules`, `…/schedules/{id}` | your schedules; one with its plan and its last firings |
//! | `POST …/schedules/{id}/pause`, `…/resume`, `DELETE …/schedules/{id}` | starts nothing for a while, or for good |
//! | `POST /api/execute/scheduled` | a firing of a schedule by the queue, signed |
//! | `POST /api/execute/wish` | what a message wishes of a saga, by the queue, signed |
//! | `POST /mcp` | the same for other agents, as tools of the Model Context Protocol |
//! | `POST /api/execute/step` | the queue's wake, signed |
//! | `POST /api/execute/sweep` | the queue's schedule, signed: wakes what nobody woke, and tells the queue of schedules it lacks |

#![forbid(unsafe_code)]

mod firings;
mod links;
mod mcp;
mod queue;
mod sagas;
mod schedules;
mod verbs;

use makegood_edge::core::error::Error;
use makegood_edge::host::Level;
use makegood_edge::http::Method;
use makegood_edge::problem::problem;
use makegood_edge::{Host, Reply, Request, Settings, door};

makegood_edge::serve!(crate::handle, scheduled: crate::scheduled);

/// What a platform with a clock of its own has done every minute: the sweep.
pub async fn scheduled<H: Host>(host: H) {
    if let Err(error) = queue::tick(&host).await {
        host.log(Level::Error, &format!("the sweep by the clock failed, and is made again by the next: {error}"));
    }
}

/// Serves one request.
pub async fn handle<H: Host>(request: Request, host: H) -> Reply {
    match route(&request, &host).await {
        Ok(reply) => reply,
        Err(error) => problem(&host, &error),
    }
}

async fn route<H: Host>(request: &Request, host: &H) -> Result<Reply, Error> {
    let settings = Settings::read(host)?;
    if request.uri().path().trim_end_matches('/') == "/mcp" {
        return mcp::serve(request, host, &settings).await;
    }
    let path = request.uri().path().trim_start_matches("/api/execute").trim_matches('/');
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    match parts.as_slice() {
        [] => {
            door::allow(request, &[Method::POST])?;
            sagas::start(request, host, &settings).await
        }
        ["step"] => {
            door::allow(request, &[Method::POST])?;
            queue::step(request, host, &settings).await
        }
        ["sweep"] => {
            door::allow(request, &[Method::POST])?;
            queue::sweep(request, host, &settings).await
        }
        ["scheduled"] => {
            door::allow(request, &[Method::POST])?;
            firings::scheduled(request, host, &settings).await
        }
        ["wish"] => {
            door::allow(request, &[Method::POST])?;
            queue::wish(request, host, &settings).await
        }
        ["schedules"] => {
            door::allow(request, &[Method::GET, Method::POST])?;
            if request.method() == Method::GET {
                schedules::list(request, host, &settings).await
            } else {
                schedules::create(request, host, &settings).await
            }
        }
        ["schedules", id] => {
            door::allow(request, &[Method::GET, Method::DELETE])?;
            if request.method() == Method::GET {
                schedules::show(request, host, &settings, id).await
            } else {
                schedules::delete(request, host, &settings, id).await
            }
        }
        ["schedules", id, verb @ ("pause" | "resume")] => {
            door::allow(request, &[Method::POST])?;
            schedules::turn(request, host, &settings, id, *verb == "pause").await
        }
        ["decisions"] => {
            door::allow(request, &[Method::POST])?;
            links::decide(request, host, &settings).await
        }
        ["decisions", "look"] => {
            door::allow(request, &[Method::POST])?;
            links::look(request, host, &settings).await
        }
        [id] => {
            door::allow(request, &[Method::GET])?;
            sagas::show(request, host, &settings, id).await
        }
        [id, "cancel"] => {
            door::allow(request, &[Method::POST])?;
            sagas::cancel(request, host, &settings, id).await
        }
        [id, "links"] => {
            door::allow(request, &[Method::POST])?;
            links::make(request, host, &settings, id).await
        }
        [id, verb] if verbs::is_one(verb) => {
            door::allow(request, &[Method::POST])?;
            verbs::ask(request, host, &settings, id, verb).await
        }
        _ => Err(door::no_such_route()),
    }
}
