//! The HTTP face: the key, the paths, and what a request goes through on its
//! way to an answer.

use std::{sync::Arc, time::SystemTime, time::UNIX_EPOCH};

use axum::{
    Router,
    body::to_bytes,
    extract::{Request, State},
    response::Response,
};
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::{
    Inner,
    chat::Role,
    completion::{self, Completion},
    directive, embeddings,
    journal::{Entry, Journal},
    lock, models, parse,
    refusal::Refusal,
    stream,
};
use crate::{answer, percent, text::hexadecimal};

/// What clients may compare to know that nothing changed.
pub const FINGERPRINT: &str = "fp_makegood";

const MAX_REQUEST_BYTES: usize = 10 << 20;

pub fn router(inner: Arc<Inner>) -> Router {
    Router::new().fallback(serve).with_state(inner)
}

async fn serve(State(inner): State<Arc<Inner>>, request: Request) -> Response {
    let id = format!("req_{:032x}", rand::random::<u128>());
    let mut response = handle(&inner, request, &id).await.unwrap_or_else(Refusal::into_response);
    if let Ok(value) = HeaderValue::from_str(&id) {
        response.headers_mut().insert("x-request-id", value);
    }
    response
}

async fn handle(inner: &Inner, request: Request, id: &str) -> Result<Response, Refusal> {
    let (parts, body) = request.into_parts();
    if !admitted(&parts.headers, &inner.options.key) {
        return Err(Refusal::key());
    }
    let body = to_bytes(body, MAX_REQUEST_BYTES).await.map_err(|_| {
        let message = format!("The request is larger than {MAX_REQUEST_BYTES} bytes.");
        Refusal::invalid(None, message).at(StatusCode::PAYLOAD_TOO_LARGE)
    })?;
    let path = parts.uri.path();
    match (&parts.method, path) {
        (&Method::POST, "/v1/chat/completions" | "/v1/embeddings") => {}
        (&Method::GET, "/v1/models") => return Ok(json(StatusCode::OK, &models::list())),
        (&Method::GET, path) if path.starts_with("/v1/models/") => {
            let name = percent::decode(path.trim_start_matches("/v1/models/"));
            return models::get(&String::from_utf8_lossy(&name)).map(|model| json(StatusCode::OK, &model));
        }
        (_, "/v1/_emulator/requests") => return requests(inner, &parts.method),
        (_, "/v1/chat/completions" | "/v1/embeddings" | "/v1/models") => return Err(wrong_method(&parts.method)),
        _ => {
            let message = format!("Unknown request URL: {} {path}.", parts.method);
            return Err(Refusal::invalid(None, message).coded("unknown_url").at(StatusCode::NOT_FOUND));
        }
    }
    let parsed = serde_json::from_slice::<Value>(&body);
    let answer = match &parsed {
        Err(error) => {
            Err(Refusal::invalid(None, format!("We could not parse the JSON body of your request: {error}.")))
        }
        Ok(value) if path == "/v1/embeddings" => embed(value),
        Ok(value) => complete(inner, value),
    };
    let response = answer.unwrap_or_else(Refusal::into_response);
    lock(&inner.journal).note(Entry {
        id: id.to_owned(),
        path: path.to_owned(),
        status: response.status().as_u16(),
        retry: parts.headers.get("x-stainless-retry-count").and_then(|n| n.to_str().ok()?.parse().ok()),
        bytes: body.len(),
        body: parsed.unwrap_or_default(),
    });
    Ok(response)
}

fn admitted(headers: &HeaderMap, key: &str) -> bool {
    let given = headers.get(header::AUTHORIZATION).and_then(|value| value.as_bytes().split_at_checked(7));
    given.is_some_and(|(scheme, given)| scheme.eq_ignore_ascii_case(b"bearer ") && given == key.as_bytes())
}

fn complete(inner: &Inner, body: &Value) -> Result<Response, Refusal> {
    let chat = parse::chat(body)?;
    models::check_chat(&chat.model)?;
    let hash: [u8; 32] = Sha256::digest(body.to_string()).into();
    let directive = directive::of(&chat).map_err(|form| {
        let at = chat.messages.iter().rposition(|message| message.role == Role::User).unwrap_or(0);
        Refusal::invalid(format!("messages[{at}].content"), form)
    })?;
    let first = || lock(&inner.seen).first(hash);
    let reply = completion::reply(&chat, directive, inner.options.planner.as_deref(), first)?;
    let digits = hexadecimal(&hash);
    let completion = Completion::new(&chat, reply, &digits, now());
    if chat.stream {
        return Ok(stream::respond(completion, chat.stream_usage));
    }
    Ok(json(StatusCode::OK, &completion.body()))
}

fn embed(body: &Value) -> Result<Response, Refusal> {
    Ok(json(StatusCode::OK, &embeddings::answer(body)?))
}

fn requests(inner: &Inner, method: &Method) -> Result<Response, Refusal> {
    match *method {
        Method::GET => {}
        Method::DELETE => *lock(&inner.journal) = Journal::default(),
        _ => return Err(wrong_method(method)),
    }
    let entries = lock(&inner.journal).entries();
    Ok(json(StatusCode::OK, &json!({"requests": entries})))
}

fn wrong_method(method: &Method) -> Refusal {
    let message = format!("Not allowed to {method} on this path.");
    Refusal::invalid(None, message).coded("method_not_supported").at(StatusCode::METHOD_NOT_ALLOWED)
}

/// Unix seconds.
fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}

pub fn json(status: StatusCode, body: &Value) -> Response {
    answer::json(status, body.to_string())
}
