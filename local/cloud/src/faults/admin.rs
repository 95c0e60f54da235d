//! `/_emulator/faults`.

use std::sync::Arc;

use axum::{
    body::{Body, Bytes},
    extract::{Path, Request, State},
    middleware::Next,
    response::Response,
};
use http::{HeaderMap, StatusCode, header};
use serde_json::{Value, json};

use super::{Door, Fault, board::Board};
use crate::{answer, origin};

type At = State<Arc<Board>>;

/// A page from elsewhere must set no faults through its reader's browser, and a stranger none at all.
pub async fn only_who_may(State(door): State<Arc<Door>>, headers: HeaderMap, request: Request, next: Next) -> Response {
    if !origin::is_local(&headers) {
        return error(StatusCode::FORBIDDEN, "Origin is not of this machine");
    }
    let given = headers.get(header::AUTHORIZATION).and_then(|given| given.as_bytes().strip_prefix(b"Bearer "));
    match &*door {
        Door::Open => next.run(request).await,
        Door::Token(token) if given == Some(token.as_bytes()) => next.run(request).await,
        Door::Token(_) => error(StatusCode::UNAUTHORIZED, "send the token as `Authorization: Bearer`"),
        Door::Closed => {
            let why = "beyond loopback nobody sets faults without a token: start with MAKEGOOD_FAULTS_TOKEN";
            error(StatusCode::FORBIDDEN, why)
        }
    }
}

pub async fn list(State(board): At) -> Response {
    say(StatusCode::OK, &json!({ "faults": board.list() }))
}

pub async fn set(State(board): At, body: Bytes) -> Response {
    let fault = serde_json::from_slice::<Fault>(&body).map_err(|error| format!("this is no fault: {error}"));
    match fault.and_then(Fault::check) {
        Err(why) => error(StatusCode::BAD_REQUEST, &why),
        Ok(fault) => match board.set(fault) {
            Ok(switch) => say(StatusCode::CREATED, &json!(switch)),
            Err(why) => error(StatusCode::CONFLICT, &why),
        },
    }
}

pub async fn clear(State(board): At) -> Response {
    say(StatusCode::OK, &json!({ "removed": board.remove(None) }))
}

pub async fn remove(State(board): At, Path(id): Path<String>) -> Response {
    match id.parse().map(|id| board.remove(Some(id))) {
        Ok(removed @ 1..) => say(StatusCode::OK, &json!({ "removed": removed })),
        _ => error(StatusCode::NOT_FOUND, "there is no fault with this id; GET /_emulator/faults lists them"),
    }
}

fn say(status: StatusCode, body: &Value) -> Response<Body> {
    answer::json(status, body.to_string())
}

fn error(status: StatusCode, why: &str) -> Response {
    say(status, &json!({ "error": why }))
}
