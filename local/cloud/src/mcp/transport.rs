//! Streamable HTTP: one address, to which messages are posted. A request is answered with JSON; one that wants
//! to hear of progress, with a stream of events that ends with the answer.

use axum::{
    Router,
    body::to_bytes,
    extract::{Request, State},
    response::{IntoResponse, Response},
    routing::any,
};
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use serde_json::Value;

use super::{
    Mcp, legacy, modern,
    rpc::{self, Failure, Message},
};
use crate::{answer::json, origin};

const MAX_BODY: usize = 4 << 20;

pub fn router(mcp: Mcp) -> Router {
    Router::new().route("/", any(serve)).with_state(mcp)
}

async fn serve(State(mcp): State<Mcp>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    // A page from elsewhere must not reach a server on this machine through its reader's browser.
    if !origin::is_local(&parts.headers) {
        return failed(&Failure::new(403, -32000, "Forbidden: Origin is not of this machine"), &Value::Null);
    }
    match parts.method {
        Method::POST => {}
        // Only the era before has something to end.
        Method::DELETE if parts.headers.contains_key(legacy::SESSION) => {
            return match mcp.sessions.close(&parts.headers) {
                Ok(()) => StatusCode::OK.into_response(),
                Err(failure) => failed(&failure, &Value::Null),
            };
        }
        _ => {
            let mut response = failed(&Failure::new(405, -32000, "Method not allowed."), &Value::Null);
            response.headers_mut().insert(header::ALLOW, HeaderValue::from_static("POST, DELETE"));
            return response;
        }
    }
    if let Err(failure) = check_types(&parts.headers) {
        return failed(&failure, &Value::Null);
    }
    let Ok(body) = to_bytes(body, MAX_BODY).await else {
        return failed(&Failure::new(413, -32000, &format!("The body exceeds {MAX_BODY} bytes.")), &Value::Null);
    };
    match Message::parse(&body) {
        Ok(message) => answer(&mcp, &parts.headers, &message).await,
        Err((failure, id)) => failed(&failure, &id),
    }
}

async fn answer(mcp: &Mcp, headers: &HeaderMap, message: &Message) -> Response {
    let is_modern = message.meta(modern::META_VERSION).is_some()
        || headers.get("mcp-protocol-version").is_some_and(|version| version == modern::VERSION);
    let Some(id) = &message.id else {
        let admitted = if is_modern { modern::admit(headers, message) } else { legacy::admit(mcp, headers) };
        return match admitted {
            Ok(()) => StatusCode::ACCEPTED.into_response(),
            Err(failure) => failed(&failure, &Value::Null),
        };
    };
    let answered = match is_modern {
        true => modern::answer(mcp, headers, message).await.map(|result| (result, None)),
        false => legacy::answer(mcp, headers, message).await,
    };
    let (result, session) = match answered {
        Ok(answered) => answered,
        Err(failure) => return failed(&failure, id),
    };
    let answer = rpc::result(id, result);
    let mut response = match message.meta("progressToken").filter(|token| rpc::is_id(token)) {
        Some(token) => stream(&[progress(token), answer]),
        None => json(StatusCode::OK, answer.to_string()),
    };
    if let Some(session) = session.and_then(|session| HeaderValue::from_str(&session).ok()) {
        response.headers_mut().insert(legacy::SESSION, session);
    }
    response
}

fn progress(token: &Value) -> Value {
    let params = serde_json::json!({ "progressToken": token, "progress": 1, "total": 1 });
    serde_json::json!({ "jsonrpc": "2.0", "method": "notifications/progress", "params": params })
}

fn stream(messages: &[Value]) -> Response {
    let events: String = messages.iter().map(|message| format!("event: message\ndata: {message}\n\n")).collect();
    let headers = [(header::CONTENT_TYPE, "text/event-stream"), (header::CACHE_CONTROL, "no-cache")];
    (headers, events).into_response()
}

fn failed(failure: &Failure, id: &Value) -> Response {
    json(failure.status, failure.to_json(id).to_string())
}

fn check_types(headers: &HeaderMap) -> Result<(), Failure> {
    let media = |name| {
        let values = headers.get_all(name).into_iter().filter_map(|value| value.to_str().ok());
        let each = values.flat_map(|value| value.split(',')).map(|media| media.split(';').next().unwrap_or_default());
        each.map(|media| media.trim().to_ascii_lowercase()).collect::<Vec<_>>()
    };
    let accepted = media(header::ACCEPT);
    let accepts = |kind| accepted.iter().any(|media| media == kind);
    if !accepts("application/json") || !accepts("text/event-stream") {
        let why = "Not Acceptable: Client must accept both application/json and text/event-stream";
        return Err(Failure::new(406, -32000, why));
    }
    if media(header::CONTENT_TYPE) != ["application/json"] {
        return Err(Failure::new(415, -32000, "Unsupported Media Type: Content-Type must be application/json"));
    }
    Ok(())
}
