//! `/debug` and `/api/debug`: what was committed, as pages for people and as JSON for programs.
//!
//! | | |
//! |---|---|
//! | `GET /api/debug/health` | does the journal answer: 200 or 503, for anyone |
//! | `GET /api/debug/sagas?owner=&before=&limit=` | the caller's sagas, newest first |
//! | `GET /api/debug/sagas/{id}` | one of them: its story and its report |
//! | `GET /api/debug/models?days=` | what the caller has used of models, by day and model |
//! | `GET /debug`, `GET /debug/sagas` | the list as a page |
//! | `GET /debug/sagas/{id}?follow=1` | one saga as a page; `follow` looks again until it rests |
//! | `GET /debug/debug.css` | the stylesheet |
//!
//! Callers see their own sagas and no others, and who sends no token those of `anonymous`. The role
//! of an operator, who sees everybody's, comes with the issue that builds the doors. Nothing here
//! changes anything, and nothing here reaches further than the database.

#![forbid(unsafe_code)]

mod figures;
mod health;
mod journal;
mod list;
mod models;
mod page;
mod query;
mod reading;
mod sagas;
mod steps;
mod story;
mod timeline;
mod verdict;

use makegood_edge::core::error::Error;
use makegood_edge::http::header::{ALLOW, CACHE_CONTROL};
use makegood_edge::http::{HeaderValue, Method, StatusCode};
use makegood_edge::problem::problem;
use makegood_edge::serde_json::json;
use makegood_edge::{Body, Bytes, Host, Reply, Request, Settings, door, host};

use crate::query::Query;

makegood_edge::serve!(crate::handle);

/// Serves one request.
pub async fn handle<H: Host>(request: Request, host: H) -> Reply {
    let mut reply = match route(&request, &host).await {
        Ok(reply) => reply,
        Err(error) if request.uri().path().starts_with("/api/") => problem(&host, &error),
        Err(error) => page::refusal(&host, &error),
    };
    let refused = reply.status() == StatusCode::METHOD_NOT_ALLOWED;
    let headers = reply.headers_mut();
    if refused {
        headers.insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
    }
    // What is shown is somebody's own, and soon out of date.
    headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    if request.method() == Method::HEAD {
        *reply.body_mut() = Body::Full(Bytes::new());
    }
    reply
}

/// What an address names.
enum Address<'a> {
    Health,
    Sagas(View),
    Saga(View, &'a str),
    Models,
    Stylesheet,
}

/// How it is shown.
#[derive(Clone, Copy)]
enum View {
    Json,
    Page,
}

impl<'a> Address<'a> {
    fn of(path: &'a str) -> Option<Self> {
        let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
        match parts.as_slice() {
            ["api", "debug", "health"] => Some(Self::Health),
            ["api", "debug", "models"] => Some(Self::Models),
            ["api", "debug", "sagas"] => Some(Self::Sagas(View::Json)),
            ["api", "debug", "sagas", id] => Some(Self::Saga(View::Json, id)),
            ["debug"] | ["debug", "sagas"] => Some(Self::Sagas(View::Page)),
            ["debug", "sagas", id] => Some(Self::Saga(View::Page, id)),
            ["debug", "debug.css"] => Some(Self::Stylesheet),
            _ => None,
        }
    }
}

async fn route<H: Host>(request: &Request, host: &H) -> Result<Reply, Error> {
    let address = Address::of(request.uri().path()).ok_or_else(door::no_such_route)?;
    door::allow(request, &[Method::GET, Method::HEAD])?;
    match address {
        Address::Health => Ok(health::health(host).await),
        Address::Models => models::show(request, host).await,
        Address::Stylesheet => Ok(page::stylesheet()),
        Address::Sagas(view) => show_list(request, host, view).await,
        Address::Saga(view, id) => show_saga(request, host, view, id).await,
    }
}

async fn show_list<H: Host>(request: &Request, host: &H, view: View) -> Result<Reply, Error> {
    let settings = Settings::read(host)?;
    let caller = door::principal(host, &settings, request.headers())?;
    let asked = sagas::Asked::read(&Query::of(request.uri())?, &caller)?;
    let listing = sagas::list(host, &settings, &caller, asked).await?;
    Ok(match view {
        View::Json => host::json(200, &listing),
        View::Page => page::page(list::list(&listing, asked, host.now(), &list::our_address(request, &settings))),
    })
}

async fn show_saga<H: Host>(request: &Request, host: &H, view: View, id: &str) -> Result<Reply, Error> {
    let settings = Settings::read(host)?;
    let caller = door::principal(host, &settings, request.headers())?;
    let follow = Query::of(request.uri())?.get("follow") == Some("1");
    let (story, report) = sagas::find(host, &settings, &caller, &door::saga_id(id)?).await?;
    Ok(match view {
        View::Json => host::json(200, &json!({"story": story, "report": report})),
        View::Page => page::page(story::saga(&story, &report, follow)),
    })
}
