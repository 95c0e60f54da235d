//! `/demo/world` for programs and people, `/demo/ledger`, and `/demo/reset`.

use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::Town;
use crate::page;
use crate::problem::Problem;

/// The most of each kind that the JSON and the page show; `truncated` says that there are more.
const MOST_IN_JSON: u32 = 5_000;
const MOST_ON_PAGE: u32 = 50;

#[derive(Deserialize)]
pub(crate) struct View {
    format: Option<String>,
    follow: Option<String>,
}

#[derive(Deserialize)]
pub(crate) struct Range {
    #[serde(default)]
    after: u32,
    #[serde(default = "a_thousand")]
    limit: u32,
}

fn a_thousand() -> u32 {
    1_000
}

pub(crate) async fn show(
    State(town): State<Arc<Town>>,
    headers: HeaderMap,
    view: Result<Query<View>, QueryRejection>,
) -> Result<Response, Problem> {
    let Query(view) = view.map_err(|error| bad_query(&error))?;
    let html = match view.format.as_deref() {
        Some("json") => false,
        Some("html") => true,
        None => prefers_html(&headers),
        Some(_) => {
            return Err(Problem::bad_request("invalid_query", "format is json or html."));
        }
    };
    let most = if html { MOST_ON_PAGE } else { MOST_IN_JSON };
    let world: Value = town.store.json("select town.world($1::int)", &[Some(&most.to_string())]).await?;
    let mut response = if html {
        let faults = town.faults.list().await?;
        page::render(&world, &faults, view.follow.as_deref() == Some("1"))
    } else {
        Json(world).into_response()
    };
    let headers = response.headers_mut();
    headers.insert(header::VARY, HeaderValue::from_static("accept"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

/// `{"entries": [...], "next": id}`: what was decided, in order. `next` is the `after` of the next
/// page, or null where this was the last.
pub(crate) async fn ledger(
    State(town): State<Arc<Town>>,
    range: Result<Query<Range>, QueryRejection>,
) -> Result<Json<Value>, Problem> {
    let Query(Range { after, limit }) = range.map_err(|error| bad_query(&error))?;
    let limit = limit.clamp(1, 5_000);
    let entries: Vec<Value> = town
        .store
        .json("select town.read_ledger($1::bigint, $2::int)", &[Some(&after.to_string()), Some(&limit.to_string())])
        .await?;
    let full = entries.len() == limit as usize;
    let next = entries.last().filter(|_| full).map(|entry| &entry["id"]);
    Ok(Json(json!({ "next": next, "entries": entries })))
}

/// Empties the town; the faults stay as they are, and keys are not forgotten.
pub(crate) async fn reset(State(town): State<Arc<Town>>) -> Result<Json<Value>, Problem> {
    town.store.run("select town.reset()", &[]).await?;
    town.bench.clear();
    Ok(Json(json!({ "reset": true })))
}

/// Whether the first of the two that is accepted by name is HTML; `*/*` alone gets JSON.
fn prefers_html(headers: &HeaderMap) -> bool {
    headers
        .get_all(header::ACCEPT)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(|range| range.split(';').next().unwrap_or_default().trim())
        .find(|range| ["text/html", "application/json"].contains(range))
        == Some("text/html")
}

fn bad_query(error: &QueryRejection) -> Problem {
    Problem::bad_request("invalid_query", error.body_text())
}
