//! `/debug` and `/api/debug`: what was committed, as pages for people and as JSON for programs.
//!
//! | | |
//! |---|---|
//! | `GET /api/debug/health` | does the journal answer: 200 or 503, for anyone |
//! | `GET /api/debug/sagas?owner=&phase=&tool=&text=&span=&from=&to=&by=&before=&saga=&limit=` | the caller's sagas, newest first; an operator's `owner=*`: everybody's |
//! | `GET /api/debug/sagas/{id}` | one of them: its story and its report |
//! | `GET /api/debug/traces/{trace_id}?source=tempo` | a trace's spans, as OTLP has them; an operator's also where Tempo alone has it |
//! | `GET /api/debug/counts?owner=&days=` | how many of them are in which phase, and what tools did; an operator's `owner=*`: of everybody's |
//! | `GET /api/debug/models?days=` | what the caller has used of models, by day and model |
//! | `GET /api/debug/webhooks?owner=&before=&limit=` | what was delivered for the caller, newest first; an operator's `owner=ann`: for that user |
//! | `GET /api/audit?before=&limit=` | who did what, newest first, for operators |
//! | `GET /api/debug/queue?after=&saga=&due=&work=&before=&letter=&changed=&subscriber=&limit=` | what waits to be woken, and what came to nothing, for operators |
//! | `GET /api/debug/approvals?after=&saga=&node=&limit=` | the steps that wait for a person, for operators |
//! | `GET /api/debug/breakers` | how circuit breakers stand, for operators |
//! | `GET /` | the page on which people talk to the agent, for anyone; what it asks, it asks of `chat` and `execute` |
//! | `GET /debug/chat.css`, `GET /debug/chat.js`, `GET /debug/card.js` | its stylesheet, and its scripts |
//! | `GET /debug`, `GET /debug/sagas?owner=&phase=&tool=&text=&span=&from=&to=&by=` | the list as a page, of everybody's |
//! | `GET /debug/sagas/{id}?follow=1` | one saga as a page, with what can be done about it; without a script `follow` looks again until it rests |
//! | `GET /debug/console.css`, `GET /debug/console.js` | the stylesheet of these two, and the script that puts verbs to sagas |
//! | `GET /debug/traces/{trace_id}?from=&all=1&span=&source=tempo` | one saga as a waterfall: its invocations, steps, attempts and undos in time |
//! | `GET /debug/queue`, `…/approvals`, `…/limits`, `…/tools`, `…/health`, `…/security` | the rest of the console, as pages |
//! | `GET`, `POST /debug/login`, `POST /debug/logout` | has the browser keep a token for these pages, and forget it |
//! | `GET /debug/debug.css`, `…/waterfall.css`, `…/docs.css` | the stylesheets |
//! | `GET /debug/waterfall.js` | what the waterfall has where scripts run: a keyboard, zoom, a panel, what is new |
//! | `GET /approve`, `POST /approve` | where a link is brought, and what it asks for, for whoever has its token |
//! | `GET /approve/approve.css`, `GET /approve/approve.js` | the stylesheet, and the script that brings the token |
//! | `GET /api/openapi.json` | the OpenAPI document of all functions, for anyone |
//! | `GET /api/docs` | the same as a page |
//!
//! Programs see their caller's own sagas, and an operator's everybody's. The pages of `/debug` are for operators only. Nothing here
//! changes anything, and nothing here reaches further than the database, the issuer of tokens, Redis, which counts
//! who comes, and Tempo, where an operator asks for a trace that the database does not have.

#![forbid(unsafe_code)]

#[cfg(not(target_arch = "wasm32"))]
pub mod api;
mod approval;
mod audit;
mod chat;
mod console;
mod counts;
mod document;
mod effects;
mod figures;
mod health;
mod journal;
mod list;
mod login;
mod models;
mod operate;
mod page;
mod plan;
mod query;
mod reading;
mod sagas;
mod steps;
mod story;
mod timeline;
mod traces;
mod verdict;
mod waterfall;
mod webhooks;

use makegood_edge::addresses::{self, Address};
use makegood_edge::core::error::Error;
use makegood_edge::core::guard::{Role, Scope};
use makegood_edge::door::Principal;
use makegood_edge::gateway::traces::id as trace_of;
use makegood_edge::http::header::CACHE_CONTROL;
use makegood_edge::http::{HeaderValue, Method};
use makegood_edge::limits::{Class, Visit, admit};
use makegood_edge::problem::problem;
use makegood_edge::serde_json::json;
use makegood_edge::{Body, Bytes, Host, Reply, Request, Settings, door, host, notice};

use crate::console::{dependencies, frame, limits, people, queue, security, tools};
use crate::page::Section;
use crate::query::Query;

makegood_edge::serve!(crate::handle);

/// What this function does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    Health,
    Sagas,
    Saga,
    Trace,
    Counts,
    Models,
    Webhooks,
    Queue,
    People,
    Breakers,
    Audit,
    ChatPage,
    ChatStylesheet,
    ChatScript,
    CardScript,
    SagasPage,
    SagaPage,
    TracePage,
    TraceStylesheet,
    TraceScript,
    QueuePage,
    PeoplePage,
    LimitsPage,
    ToolsPage,
    HealthPage,
    SecurityPage,
    ConsoleStylesheet,
    ConsoleScript,
    LoginPage,
    Login,
    Logout,
    Stylesheet,
    ApprovalForm,
    Approval,
    ApprovalStylesheet,
    ApprovalScript,
    Document,
    DocumentPage,
    DocumentStylesheet,
}

const fn read(operation: Operation) -> [(&'static str, Operation); 2] {
    [("GET", operation), ("HEAD", operation)]
}

/// Where.
pub const ADDRESSES: [Address<Operation>; 38] = [
    Address { path: "/api/debug/health", methods: &read(Operation::Health) },
    Address { path: "/api/debug/counts", methods: &read(Operation::Counts) },
    Address { path: "/api/debug/models", methods: &read(Operation::Models) },
    Address { path: "/api/debug/webhooks", methods: &read(Operation::Webhooks) },
    Address { path: "/api/debug/sagas", methods: &read(Operation::Sagas) },
    Address { path: "/api/debug/sagas/{saga}", methods: &read(Operation::Saga) },
    Address { path: "/api/debug/traces/{trace_id}", methods: &read(Operation::Trace) },
    Address { path: "/api/debug/queue", methods: &read(Operation::Queue) },
    Address { path: "/api/debug/approvals", methods: &read(Operation::People) },
    Address { path: "/api/debug/breakers", methods: &read(Operation::Breakers) },
    Address { path: "/api/audit", methods: &read(Operation::Audit) },
    Address { path: "/", methods: &read(Operation::ChatPage) },
    Address { path: "/debug/chat.css", methods: &read(Operation::ChatStylesheet) },
    Address { path: "/debug/chat.js", methods: &read(Operation::ChatScript) },
    Address { path: "/debug/card.js", methods: &read(Operation::CardScript) },
    Address { path: "/debug", methods: &read(Operation::SagasPage) },
    Address { path: "/debug/sagas", methods: &read(Operation::SagasPage) },
    Address { path: "/debug/sagas/{saga}", methods: &read(Operation::SagaPage) },
    Address { path: "/debug/traces/{trace_id}", methods: &read(Operation::TracePage) },
    Address { path: "/debug/waterfall.css", methods: &read(Operation::TraceStylesheet) },
    Address { path: "/debug/waterfall.js", methods: &read(Operation::TraceScript) },
    Address { path: "/debug/queue", methods: &read(Operation::QueuePage) },
    Address { path: "/debug/approvals", methods: &read(Operation::PeoplePage) },
    Address { path: "/debug/limits", methods: &read(Operation::LimitsPage) },
    Address { path: "/debug/tools", methods: &read(Operation::ToolsPage) },
    Address { path: "/debug/health", methods: &read(Operation::HealthPage) },
    Address { path: "/debug/security", methods: &read(Operation::SecurityPage) },
    Address { path: "/debug/console.css", methods: &read(Operation::ConsoleStylesheet) },
    Address { path: "/debug/console.js", methods: &read(Operation::ConsoleScript) },
    Address {
        path: "/debug/login",
        methods: &[("GET", Operation::LoginPage), ("HEAD", Operation::LoginPage), ("POST", Operation::Login)],
    },
    Address { path: "/debug/logout", methods: &[("POST", Operation::Logout)] },
    Address { path: "/debug/debug.css", methods: &read(Operation::Stylesheet) },
    Address { path: "/debug/docs.css", methods: &read(Operation::DocumentStylesheet) },
    Address {
        path: "/approve",
        methods: &[("GET", Operation::ApprovalForm), ("HEAD", Operation::ApprovalForm), ("POST", Operation::Approval)],
    },
    Address { path: "/approve/approve.css", methods: &read(Operation::ApprovalStylesheet) },
    Address { path: "/approve/approve.js", methods: &read(Operation::ApprovalScript) },
    Address { path: "/api/docs", methods: &read(Operation::DocumentPage) },
    Address { path: "/api/openapi.json", methods: &read(Operation::Document) },
];

/// Serves one request.
pub async fn handle<H: Host>(mut request: Request, host: H) -> Reply {
    let began = host.now();
    let visit = Visit::begin(&mut request);
    let path = request.uri().path();
    let mut reply = match route(&request, &host).await {
        Ok(reply) => reply,
        Err(error) if path.starts_with("/api/") => problem(&host, &error),
        Err(error) if path.starts_with("/approve") => notice::refusal(&host, &error),
        Err(error) => page::refusal(&host, &error),
    };
    addresses::allow(&ADDRESSES, path, &mut reply);
    // What is shown is somebody's own, and soon out of date.
    reply.headers_mut().entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    if request.method() == Method::HEAD {
        *reply.body_mut() = Body::Full(Bytes::new());
    }
    addresses::note(&host, &ADDRESSES, &request, began, &reply);
    visit.end(&host, reply)
}

/// How it is shown.
#[derive(Clone, Copy)]
enum View {
    Json,
    Page,
}

async fn route<H: Host>(request: &Request, host: &H) -> Result<Reply, Error> {
    let found = addresses::find(&ADDRESSES, request.method().as_str(), request.uri().path())?;
    let [id, _] = found.parameters;
    match found.operation {
        Operation::Health => health::health(request, host).await,
        Operation::Trace => traces::show(request, host, id).await,
        Operation::Counts => counts::show(request, host).await,
        Operation::Models => models::show(request, host).await,
        Operation::Webhooks => webhooks::show(request, host).await,
        Operation::Queue => queue::show(request, host, View::Json).await,
        Operation::QueuePage => queue::show(request, host, View::Page).await,
        Operation::People => people::show(request, host, View::Json).await,
        Operation::PeoplePage => people::show(request, host, View::Page).await,
        Operation::Breakers => limits::breakers(request, host).await,
        Operation::LimitsPage => limits::show(request, host).await,
        Operation::ToolsPage => tools::show(request, host).await,
        Operation::HealthPage => dependencies::show(request, host).await,
        Operation::SecurityPage => security::show(request, host).await,
        Operation::Audit => audit::show(request, host).await,
        Operation::ChatPage => chat::page(request, host),
        Operation::ChatStylesheet => Ok(chat::stylesheet()),
        Operation::ChatScript => Ok(chat::script()),
        Operation::CardScript => Ok(chat::card()),
        Operation::Stylesheet => Ok(page::stylesheet()),
        Operation::Sagas => show_list(request, host, View::Json).await,
        Operation::SagasPage => show_list(request, host, View::Page).await,
        Operation::Saga => show_saga(request, host, View::Json, id).await,
        Operation::SagaPage => show_saga(request, host, View::Page, id).await,
        Operation::TracePage => waterfall::show(request, host, id).await,
        Operation::TraceStylesheet => Ok(waterfall::stylesheet()),
        Operation::TraceScript => Ok(waterfall::script()),
        Operation::ConsoleStylesheet => Ok(frame::stylesheet()),
        Operation::ConsoleScript => Ok(frame::script()),
        Operation::LoginPage => Ok(login::form()),
        Operation::Login => login::sign_in(request, host).await,
        Operation::Logout => login::sign_out(request, host),
        Operation::ApprovalForm => Ok(approval::form()),
        Operation::Approval => approval::look(request, host).await,
        Operation::ApprovalStylesheet => Ok(approval::stylesheet()),
        Operation::ApprovalScript => Ok(approval::script()),
        Operation::Document => Ok(document::document()),
        Operation::DocumentPage => Ok(document::page()),
        Operation::DocumentStylesheet => Ok(document::stylesheet()),
    }
}

async fn show_list<H: Host>(request: &Request, host: &H, view: View) -> Result<Reply, Error> {
    let settings = Settings::read(host)?;
    let caller = reader(request, host, &settings, view).await?;
    let query = Query::of(request.uri())?;
    let asked = match view {
        View::Json => sagas::Asked::read(&query, &caller, host.now())?,
        View::Page => sagas::Asked::read_of_page(&query, &caller, host.now())?,
    };
    let listing = sagas::list(host, &settings, &asked).await?;
    Ok(match view {
        View::Json => host::json(200, &listing),
        View::Page => {
            let address = list::our_address(request, &settings);
            let page = list::list(&listing, &asked, caller.name != door::ANONYMOUS, &address);
            frame::page(&page, Some(Section::Sagas))
        }
    })
}

/// Pages are an operator's.
async fn reader<H: Host>(request: &Request, host: &H, settings: &Settings, view: View) -> Result<Principal, Error> {
    let caller = admit(request, host, settings, &[Class::Api], Scope::Read).await?;
    match view {
        View::Json => {}
        View::Page => caller.needs(Role::Operator)?,
    }
    Ok(caller)
}

async fn show_saga<H: Host>(request: &Request, host: &H, view: View, id: &str) -> Result<Reply, Error> {
    let settings = Settings::read(host)?;
    let caller = reader(request, host, &settings, view).await?;
    let follow = Query::of(request.uri())?.get("follow") == Some("1");
    let (story, report) = sagas::find(host, &settings, &caller, &door::saga_id(id)?).await?;
    Ok(match view {
        View::Json => {
            let trace = trace_of(&story).to_string();
            host::json(200, &json!({"story": story, "report": report, "trace_id": trace}))
        }
        View::Page => frame::page(&story::saga(&story, &report, &caller, follow), None),
    })
}
