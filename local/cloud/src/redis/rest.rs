//! The HTTP face: authentication, the four ways to send commands, status
//! codes (sheet: "Endpoints"). What a command means is the back end's affair.

use std::sync::Arc;

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::{Request, State},
    response::Response,
};
use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode, header};
use serde::{Deserialize, Deserializer, de};

use super::{
    Backend, Command,
    refused::refusal,
    reply::{Encoding, Reply, write_error},
};
use crate::percent;

const MAX_REQUEST_BYTES: usize = 10 << 20;
const MAX_KEY_BYTES: usize = 32 << 10;

struct Door {
    backend: Arc<dyn Backend>,
    token: String,
}

pub fn router(backend: Arc<dyn Backend>, token: &str) -> Router {
    let token = token.to_owned();
    Router::new().fallback(serve).with_state(Arc::new(Door { backend, token }))
}

async fn serve(State(door): State<Arc<Door>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let query = parts.uri.query().unwrap_or("");
    if !authorised(&parts.headers, query, &door.token) {
        let text = "WRONGPASS invalid or missing auth token";
        return refuse(StatusCode::UNAUTHORIZED, text);
    }
    if ![Method::GET, Method::HEAD, Method::POST, Method::PUT].contains(&parts.method) {
        let text = "ERR method not allowed, use GET, HEAD, POST or PUT";
        return refuse(StatusCode::METHOD_NOT_ALLOWED, text);
    }
    let encoding = match encoding(&parts.headers) {
        Ok(encoding) => encoding,
        Err(text) => return refuse(StatusCode::BAD_REQUEST, text),
    };
    let Ok(body) = to_bytes(body, MAX_REQUEST_BYTES).await else {
        return refuse(StatusCode::BAD_REQUEST, "ERR max request size exceeded");
    };

    match (parts.method == Method::POST, parts.uri.path()) {
        (true, "/pipeline") => batch(&door, &body, encoding, false).await,
        (true, "/multi-exec") => batch(&door, &body, encoding, true).await,
        (true, "/") => match serde_json::from_slice::<Vec<Argument>>(&body) {
            Ok(command) => single(&door, plain(command), encoding).await,
            Err(error) => refuse(StatusCode::BAD_REQUEST, &malformed(&error)),
        },
        (_, path) => single(&door, path_command(path, query, body), encoding).await,
    }
}

fn authorised(headers: &HeaderMap, query: &str, token: &str) -> bool {
    let bearer = headers.get(header::AUTHORIZATION).and_then(|value| value.as_bytes().split_at_checked(7));
    match bearer {
        Some((scheme, given)) => scheme.eq_ignore_ascii_case(b"bearer ") && given == token.as_bytes(),
        None => percent::query_pairs(query).any(|(name, value)| name == b"_token" && value == token.as_bytes()),
    }
}

fn encoding(headers: &HeaderMap) -> Result<Encoding, &'static str> {
    let value = |name| headers.get(name).map(|value| value.as_bytes());
    match value("upstash-response-format") {
        None | Some(b"json") => {}
        Some(b"resp2") => return Err("ERR Upstash-Response-Format resp2 is not offered yet"),
        Some(_) => return Err("ERR Upstash-Response-Format must be json or resp2"),
    }
    Ok(match value("upstash-encoding") {
        Some(b"base64") => Encoding::Base64,
        Some(_) | None => Encoding::Plain,
    })
}

/// `/set/foo?EX=100` with body `v` is `SET foo v EX 100`.
fn path_command(path: &str, query: &str, body: Bytes) -> Command {
    let path = path.strip_prefix('/').unwrap_or(path);
    let mut command: Command = path.split('/').map(|s| percent::decode(s).into()).collect();
    if path.is_empty() {
        command.clear();
    }
    if !body.is_empty() {
        command.push(body);
    }
    for (name, value) in percent::query_pairs(query).filter(|(name, _)| name != b"_token") {
        command.push(name.into());
        if !value.is_empty() {
            command.push(value.into());
        }
    }
    command
}

async fn single(door: &Door, command: Command, encoding: Encoding) -> Response {
    if let Some(text) = unfit(&command) {
        return refuse(StatusCode::BAD_REQUEST, &text);
    }
    let reply = match door.backend.execute(vec![command], false).await {
        Ok(replies) => replies.into_iter().next().unwrap_or(Reply::Nil),
        Err(text) => Reply::Error(text),
    };
    let status = match reply {
        Reply::Error(_) => StatusCode::BAD_REQUEST,
        Reply::Status(_) | Reply::Int(_) | Reply::Bulk(_) | Reply::Nil | Reply::Array(_) => StatusCode::OK,
    };
    let mut out = Vec::with_capacity(64);
    encoding.write_entry(&mut out, &reply);
    json(status, out)
}

async fn batch(door: &Door, body: &[u8], encoding: Encoding, atomic: bool) -> Response {
    let commands: Vec<Command> = match serde_json::from_slice::<Vec<Vec<Argument>>>(body) {
        Ok(commands) => commands.into_iter().map(plain).collect(),
        Err(error) => return refuse(StatusCode::BAD_REQUEST, &malformed(&error)),
    };
    if commands.is_empty() {
        return refuse(StatusCode::BAD_REQUEST, "ERR empty pipeline request");
    }
    let faults: Vec<Option<String>> = commands.iter().map(|command| unfit(command)).collect();
    if atomic && let Some(text) = faults.iter().flatten().next() {
        return refuse(StatusCode::BAD_REQUEST, text);
    }
    let fit =
        commands.into_iter().zip(&faults).filter_map(|(command, fault)| fault.is_none().then_some(command)).collect();
    let mut replies = match door.backend.execute(fit, atomic).await {
        Ok(replies) => replies.into_iter(),
        Err(text) => return refuse(StatusCode::BAD_REQUEST, &text),
    };

    let mut out = Vec::with_capacity(64 * faults.len());
    for (i, fault) in faults.into_iter().enumerate() {
        out.push(if i == 0 { b'[' } else { b',' });
        let reply = match fault {
            Some(text) => Reply::Error(text),
            None => replies.next().unwrap_or(Reply::Nil),
        };
        encoding.write_entry(&mut out, &reply);
    }
    out.push(b']');
    json(StatusCode::OK, out)
}

/// Why a command is not even handed to the back end.
fn unfit(command: &[Bytes]) -> Option<String> {
    if let Some(text) = refusal(command) {
        return Some(text);
    }
    let actual = command.get(1).map_or(0, Bytes::len);
    (actual > MAX_KEY_BYTES)
        .then(|| format!("ERR max key size exceeded. Limit: {MAX_KEY_BYTES} bytes, Actual: {actual} bytes"))
}

fn malformed(error: &serde_json::Error) -> String {
    format!("ERR failed to parse command: {error}")
}

fn refuse(status: StatusCode, text: &str) -> Response {
    let mut out = Vec::with_capacity(text.len() + 16);
    write_error(&mut out, text);
    json(status, out)
}

fn json(status: StatusCode, body: Vec<u8>) -> Response {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    let value = http::HeaderValue::from_static("application/json");
    response.headers_mut().insert(header::CONTENT_TYPE, value);
    response
}

/// One argument of a JSON command: a string, number or boolean.
struct Argument(Bytes);

fn plain(command: Vec<Argument>) -> Command {
    command.into_iter().map(|argument| argument.0).collect()
}

impl<'de> Deserialize<'de> for Argument {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl de::Visitor<'_> for Visitor {
            type Value = Argument;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a string, number or boolean")
            }
            fn visit_str<E>(self, v: &str) -> Result<Argument, E> {
                Ok(Argument(Bytes::copy_from_slice(v.as_bytes())))
            }
            fn visit_string<E>(self, v: String) -> Result<Argument, E> {
                Ok(Argument(v.into()))
            }
            fn visit_bool<E>(self, v: bool) -> Result<Argument, E> {
                Ok(Argument(v.to_string().into()))
            }
            fn visit_i64<E>(self, v: i64) -> Result<Argument, E> {
                Ok(Argument(v.to_string().into()))
            }
            fn visit_u64<E>(self, v: u64) -> Result<Argument, E> {
                Ok(Argument(v.to_string().into()))
            }
            fn visit_f64<E>(self, v: f64) -> Result<Argument, E> {
                Ok(Argument(v.to_string().into()))
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}
