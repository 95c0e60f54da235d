//! `/demo/faults`: sets, lists and clears.

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::{Fault, Switch};
use crate::Town;
use crate::problem::Problem;
use crate::tools;

pub(crate) async fn set(
    State(town): State<Arc<Town>>,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Problem> {
    let fault: Fault = tools::read(body).map_err(|problem| Problem {
        code: match problem.code.as_str() {
            "invalid_json" => "invalid_fault".to_owned(),
            _ => problem.code,
        },
        ..problem
    })?;
    fault.check()?;
    let switch = town.faults.set(fault).await?;
    Ok((StatusCode::CREATED, Json(shown(&switch))).into_response())
}

pub(crate) async fn list(State(town): State<Arc<Town>>) -> Result<Json<Value>, Problem> {
    let switches = town.faults.list().await?;
    let faults: Vec<_> = switches.iter().map(shown).collect();
    Ok(Json(json!({ "faults": faults })))
}

pub(crate) async fn clear(State(town): State<Arc<Town>>) -> Result<Json<Value>, Problem> {
    let cleared = town.faults.remove(None).await?;
    Ok(Json(json!({ "cleared": cleared })))
}

pub(crate) async fn remove(State(town): State<Arc<Town>>, Path(id): Path<String>) -> Result<Json<Value>, Problem> {
    let unknown = || {
        Problem::new(
            StatusCode::NOT_FOUND,
            "unknown_fault",
            "No fault with this id is set. GET /demo/faults lists them.",
        )
    };
    let id = id.parse::<u32>().map_err(|_| unknown())?;
    match town.faults.remove(Some(id.into())).await? {
        0 => Err(unknown()),
        cleared => Ok(Json(json!({ "cleared": cleared }))),
    }
}

/// A fault as it was set, with its id, what it did, and what is left of it (null: no limit).
pub(crate) fn shown(switch: &Switch) -> Value {
    let mut shown = json!(switch.fault);
    shown["id"] = json!(switch.id);
    shown["hits"] = json!(switch.hits);
    shown["hits_left"] = json!(switch.hits_left());
    shown
}
