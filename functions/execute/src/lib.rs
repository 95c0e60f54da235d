//! `/api/execute`: starts a given plan, carries sagas on when the queue calls, and tells how one
//! stands. Lists of them are `debug`'s.
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
//! | `POST /api/execute/decisions/form` | the same from the page that asks, `/approve`, answered with a page |
//! | `GET /api/execute/{saga}/events` | what happens, as it is committed: server-sent events |
//! | `POST /api/execute/{saga}/events` | brings `{"name": …, "payload": …, "key": …}` to the step that waits for it |
//! | `POST /api/execute/{saga}/retry` | takes a held step, `{"step": …}`, up again, or all of them |
//! | `POST /api/execute/{saga}/resolve` | takes your word about a held step, `{"step": …, "done": …, "output": …, "note": …}` |
//! | `POST /api/execute/{saga}/replan` | goes on with another plan, `{"plan": …, "note": …}` |
//! | `POST /api/execute/schedules` | has `{"id": …, "cron": …, "plan": …, "deadline_ms": …, "budget": …, "priority": …}` started by the clock: 201 |
//! | `GET /api/execute/schedules`, `…/schedules/{id}` | your schedules; one with its plan and its last firings |
//! | `POST …/schedules/{id}/pause`, `…/resume`, `DELETE …/schedules/{id}` | starts nothing for a while, or for good |
//! | `GET /api/execute/breakers` | how the circuit breakers of tools stand; for operators |
//! | `POST /api/execute/breakers/{breaker}/open`, `…/close`, `…/reset` | holds one open or closed, or has it begin anew |
//! | `POST /api/execute/scheduled` | a firing of a schedule by the queue, signed |
//! | `POST /api/execute/delivery` | what a stranger has delivered, by the queue, signed |
//! | `POST /api/execute/wish` | what a message wishes of a saga, by the queue, signed |
//! | `POST /mcp` | the same for other agents, as tools of the Model Context Protocol |
//! | `POST /api/execute/step` | the queue's wake, signed |
//! | `POST /api/execute/sweep` | the queue's schedule, signed: wakes what nobody woke, and tells the queue of schedules it lacks |

#![forbid(unsafe_code)]

mod addresses;
#[cfg(not(target_arch = "wasm32"))]
pub mod api;
mod breakers;
mod decision_page;
mod events;
mod firings;
mod links;
mod mcp;
mod queue;
mod sagas;
mod schedules;
mod verbs;

use makegood_edge::addresses as routing;
use makegood_edge::core::error::Error;
use makegood_edge::core::guard::breaker::Forced;
use makegood_edge::host::Level;
use makegood_edge::limits::Visit;
use makegood_edge::{Host, Reply, Request, Settings, notice};

pub use addresses::{ADDRESSES, FORM, MCP, Operation};

makegood_edge::serve!(crate::handle, scheduled: crate::scheduled);

/// What a platform with a clock of its own has done every minute: the sweep.
pub async fn scheduled<H: Host>(host: H) {
    if let Err(error) = queue::tick(&host).await {
        host.log(Level::Error, &format!("the sweep by the clock failed, and is made again by the next: {error}"));
    }
}

/// Serves one request.
pub async fn handle<H: Host>(mut request: Request, host: H) -> Reply {
    let began = host.now();
    let visit = Visit::begin(&mut request);
    let reply = route(&request, &host).await.unwrap_or_else(|error| refuse(&host, request.uri().path(), &error));
    routing::note(&host, &ADDRESSES, &request, began, &reply);
    visit.end(&host, reply)
}

fn refuse<H: Host>(host: &H, path: &str, error: &Error) -> Reply {
    if path.trim_end_matches('/') != FORM {
        return routing::refuse(host, &ADDRESSES, path, error);
    }
    let mut reply = notice::refusal(host, error);
    routing::allow(&ADDRESSES, path, &mut reply);
    reply
}

async fn route<H: Host>(request: &Request, host: &H) -> Result<Reply, Error> {
    let path = request.uri().path();
    // What another method is told there is the protocol's own.
    if path.trim_end_matches('/') == MCP {
        return mcp::serve(request, host, &Settings::read(host)?).await;
    }
    let found = routing::find(&ADDRESSES, request.method().as_str(), path)?;
    let settings = &Settings::read(host)?;
    let [id, _] = found.parameters;
    match found.operation {
        Operation::Start => sagas::start(request, host, settings).await,
        Operation::Step => queue::step(request, host, settings).await,
        Operation::Sweep => queue::sweep(request, host, settings).await,
        Operation::Scheduled => firings::scheduled(request, host, settings).await,
        Operation::Wish => queue::wish(request, host, settings).await,
        Operation::Delivery => queue::delivery(request, host, settings).await,
        Operation::ListSchedules => schedules::list(request, host, settings).await,
        Operation::CreateSchedule => schedules::create(request, host, settings).await,
        Operation::ShowSchedule => schedules::show(request, host, settings, id).await,
        Operation::DeleteSchedule => schedules::delete(request, host, settings, id).await,
        Operation::PauseSchedule => schedules::turn(request, host, settings, id, true).await,
        Operation::ResumeSchedule => schedules::turn(request, host, settings, id, false).await,
        Operation::ListBreakers => breakers::list(request, host, settings).await,
        Operation::OpenBreaker => breakers::force(request, host, settings, id, Some(Forced::Open)).await,
        Operation::CloseBreaker => breakers::force(request, host, settings, id, Some(Forced::Closed)).await,
        Operation::ResetBreaker => breakers::force(request, host, settings, id, None).await,
        Operation::Decide => links::decide(request, host, settings).await,
        Operation::DecideByForm => decision_page::decide(request, host, settings).await,
        Operation::Look => links::look(request, host, settings).await,
        Operation::Show => sagas::show(request, host, settings, id).await,
        Operation::Follow => events::follow(request, host, settings, id).await,
        Operation::Cancel => sagas::cancel(request, host, settings, id).await,
        Operation::MakeLink => links::make(request, host, settings, id).await,
        Operation::Pause
        | Operation::Resume
        | Operation::Approve
        | Operation::Reject
        | Operation::Bring
        | Operation::Retry
        | Operation::Resolve
        | Operation::Replan => {
            let verb = found.path.rsplit('/').next().unwrap_or_default();
            verbs::ask(request, host, settings, id, verb).await
        }
        Operation::Mcp => mcp::serve(request, host, settings).await,
    }
}
