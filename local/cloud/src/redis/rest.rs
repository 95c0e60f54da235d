//! The HTTP face: authentication, the four ways to send commands, status
//! codes (sheet: "Endpoints"). What a command means is the back end's affair.

use std::{convert::Infallible, future::ready, sync::Arc};

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::{Request, State},
    response::Response,
};
use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use http::{HeaderMap, Method, StatusCode, header};
use serde::{Deserialize, Deserializer, de};

use super::{
    Backend, Command, Failure,
    access::Access,
    feed::Feed,
    refused::refusal,
    reply::{Encoding, Reply, write_error},
};
use crate::{answer::json, percent};

const MAX_REQUEST_BYTES: usize = 10 << 20;
const MAX_KEY_BYTES: usize = 32 << 10;

struct Door {
    backend: Arc<dyn Backend>,
    token: String,
    read_only_token: Option<String>,
}

pub fn router(backend: Arc<dyn Backend>, token: &str, read_only_token: Option<&str>) -> Router {
    let (token, read_only_token) = (token.to_owned(), read_only_token.map(str::to_owned));
    Router::new().fallback(serve).with_state(Arc::new(Door { backend, token, read_only_token }))
}

async fn serve(State(door): State<Arc<Door>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let query = parts.uri.query().unwrap_or("");
    let Some(access) = door.access(&parts.headers, query) else {
        let text = "WRONGPASS invalid or missing auth token";
        return refuse(StatusCode::UNAUTHORIZED, text);
    };
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

    if let Some(feed) = Feed::at(parts.uri.path()) {
        return listen(&door, access, feed).await;
    }
    match (parts.method == Method::POST, parts.uri.path()) {
        (true, "/pipeline") => batch(&door, access, &body, encoding, false).await,
        (true, "/multi-exec") if encoding == Encoding::Resp2 => {
            refuse(StatusCode::BAD_REQUEST, "ERR Upstash-Response-Format resp2 is not for /multi-exec")
        }
        (true, "/multi-exec") => batch(&door, access, &body, encoding, true).await,
        (true, "/") => match serde_json::from_slice::<Vec<Argument>>(&body) {
            Ok(command) => single(&door, access, plain(command), encoding).await,
            Err(error) => refuse(StatusCode::BAD_REQUEST, &malformed(&error)),
        },
        (_, path) => single(&door, access, path_command(path, query, body), encoding).await,
    }
}

impl Door {
    /// What the request may do, if anything.
    fn access(&self, headers: &HeaderMap, query: &str) -> Option<Access> {
        let bearer = headers.get(header::AUTHORIZATION).and_then(|value| value.as_bytes().split_at_checked(7));
        let given = match bearer {
            Some((scheme, given)) => scheme.eq_ignore_ascii_case(b"bearer ").then(|| given.to_vec()),
            None => percent::query_pairs(query).find(|(name, _)| name == b"_token").map(|(_, value)| value),
        }?;
        let read_only = self.read_only_token.as_ref().is_some_and(|token| token.as_bytes() == given);
        if given == self.token.as_bytes() { Some(Access::Full) } else { read_only.then_some(Access::ReadOnly) }
    }
}

fn encoding(headers: &HeaderMap) -> Result<Encoding, &'static str> {
    let value = |name| headers.get(name).map(|value| value.as_bytes());
    let base64 = value("upstash-encoding") == Some(b"base64");
    match (value("upstash-response-format"), base64) {
        (None | Some(b"json"), true) => Ok(Encoding::Base64),
        (None | Some(b"json"), false) => Ok(Encoding::Plain),
        (Some(b"resp2"), false) => Ok(Encoding::Resp2),
        (Some(b"resp2"), true) => Err("ERR Upstash-Response-Format resp2 does not go with Upstash-Encoding base64"),
        (Some(_), _) => Err("ERR Upstash-Response-Format must be json or resp2"),
    }
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

async fn single(door: &Door, access: Access, mut command: Command, encoding: Encoding) -> Response {
    if let Some(text) = unfit(&mut command, access) {
        return refuse(StatusCode::BAD_REQUEST, &text);
    }
    let reply = match door.backend.execute(vec![command], false).await {
        Ok(replies) => replies.into_iter().next().unwrap_or(Reply::Nil),
        Err(Failure::Refused(text)) => Reply::Error(text),
        Err(failure @ Failure::Lost(_)) => return unanswered(&failure),
    };
    let reply = access.explain(reply);
    let status = match reply {
        Reply::Error(_) => StatusCode::BAD_REQUEST,
        Reply::Status(_) | Reply::Int(_) | Reply::Bulk(_) | Reply::Nil | Reply::Array(_) => StatusCode::OK,
    };
    let mut out = Vec::with_capacity(64);
    encoding.write_entry(&mut out, &reply);
    answer(encoding, status, out)
}

async fn batch(door: &Door, access: Access, body: &[u8], encoding: Encoding, atomic: bool) -> Response {
    let mut commands: Vec<Command> = match serde_json::from_slice::<Vec<Vec<Argument>>>(body) {
        Ok(commands) => commands.into_iter().map(plain).collect(),
        Err(error) => return refuse(StatusCode::BAD_REQUEST, &malformed(&error)),
    };
    if commands.is_empty() {
        return refuse(StatusCode::BAD_REQUEST, "ERR empty pipeline request");
    }
    let faults: Vec<Option<String>> = commands.iter_mut().map(|command| unfit(command, access)).collect();
    if atomic && let Some(text) = faults.iter().flatten().next() {
        return refuse(StatusCode::BAD_REQUEST, text);
    }
    let fit =
        commands.into_iter().zip(&faults).filter_map(|(command, fault)| fault.is_none().then_some(command)).collect();
    let mut replies = match door.backend.execute(fit, atomic).await {
        Ok(replies) => replies.into_iter(),
        Err(failure) => return unanswered(&failure),
    };

    let mut out = Vec::with_capacity(64 * faults.len());
    for (i, fault) in faults.into_iter().enumerate() {
        // In RESP2 replies follow one another as they do on a connection.
        if encoding != Encoding::Resp2 {
            out.push(if i == 0 { b'[' } else { b',' });
        }
        let reply = match fault {
            Some(text) => Reply::Error(text),
            None => access.explain(replies.next().unwrap_or(Reply::Nil)),
        };
        encoding.write_entry(&mut out, &reply);
    }
    if encoding != Encoding::Resp2 {
        out.push(b']');
    }
    answer(encoding, StatusCode::OK, out)
}

/// Answers with events until the client hangs up.
async fn listen(door: &Door, access: Access, feed: Feed) -> Response {
    if let Some(text) = access.refusal_of(&feed) {
        return refuse(StatusCode::BAD_REQUEST, &text);
    }
    let events = match door.backend.listen(feed.clone()).await {
        Ok(events) => events,
        Err(failure) => return unanswered(&failure),
    };
    let first = stream::once(ready(feed.greeting()));
    let rest = stream::unfold((feed, events), async |(feed, mut events)| {
        let event = events.recv().await?;
        Some((feed.line(&event), (feed, events)))
    });
    let mut response = Response::new(Body::from_stream(first.chain(rest).map(Ok::<_, Infallible>)));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, http::HeaderValue::from_static("text/event-stream"));
    headers.insert(header::CACHE_CONTROL, http::HeaderValue::from_static("no-cache"));
    response
}

/// Why a command is not even handed to the back end.
fn unfit(command: &mut Command, access: Access) -> Option<String> {
    if let Some(text) = refusal(command).or_else(|| access.refusal(command)) {
        return Some(text);
    }
    let actual = keys(command).map(Bytes::len).max().unwrap_or(0);
    (actual > MAX_KEY_BYTES)
        .then(|| format!("ERR max key size exceeded. Limit: {MAX_KEY_BYTES} bytes, Actual: {actual} bytes"))
}

/// The keys of a command, as far as they can be long: all of those that take
/// nothing else, of the others the first.
fn keys(command: &[Bytes]) -> impl Iterator<Item = &Bytes> {
    let name = command.first().map(|name| name.to_ascii_uppercase()).unwrap_or_default();
    let many = command.len().saturating_sub(1);
    let (from, take, step) = match name.as_slice() {
        b"EVAL" | b"EVAL_RO" | b"EVALSHA" | b"EVALSHA_RO" => {
            let count = command.get(2).and_then(|count| std::str::from_utf8(count).ok()?.parse().ok());
            (3, count.unwrap_or(0), 1)
        }
        b"ECHO" | b"PING" | b"PUBLISH" | b"SCRIPT" => (0, 0, 1),
        b"MGET" | b"DEL" | b"UNLINK" | b"EXISTS" | b"TOUCH" | b"RENAME" | b"RENAMENX" | b"SDIFF" | b"SINTER"
        | b"SUNION" | b"SDIFFSTORE" | b"SINTERSTORE" | b"SUNIONSTORE" => (1, many, 1),
        b"MSET" | b"MSETNX" => (1, many, 2),
        b"XGROUP" | b"XINFO" => (2, 1, 1),
        _ => (1, 1, 1),
    };
    command.iter().skip(from).step_by(step).take(take)
}

fn malformed(error: &serde_json::Error) -> String {
    format!("ERR failed to parse command: {error}")
}

/// A request that is wrong is not sent again, and one that was lost may be: so their statuses differ, as the service's
/// do ("We're temporarily offline", its page on status codes says of 503).
fn unanswered(failure: &Failure) -> Response {
    match failure {
        Failure::Refused(text) => refuse(StatusCode::BAD_REQUEST, text),
        Failure::Lost(text) => refuse(StatusCode::SERVICE_UNAVAILABLE, text),
    }
}

fn refuse(status: StatusCode, text: &str) -> Response {
    let mut out = Vec::with_capacity(text.len() + 16);
    write_error(&mut out, text);
    json(status, out)
}

fn answer(encoding: Encoding, status: StatusCode, body: Vec<u8>) -> Response {
    let mut response = json(status, body);
    if encoding == Encoding::Resp2 {
        let value = http::HeaderValue::from_static("application/octet-stream");
        response.headers_mut().insert(header::CONTENT_TYPE, value);
    }
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
