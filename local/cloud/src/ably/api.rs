//! The HTTP face: paths, formats, and headers for browsers of any origin.

use std::sync::Arc;

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::{Request, State},
    response::Response,
};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header, request::Parts};
use rmpv::Value;

use super::{
    Inner,
    auth::{self, Grant},
    capability::Operation,
    fault::Fault,
    history, name, publish,
    stream::{self, Wanted},
    token,
    wire::Wire,
};
use crate::percent;

/// What the messages of a request may weigh, as base64 and with all around them; a batch has several.
const MAX_REQUEST_BYTES: usize = 2 << 20;

const FORM: &str = "application/x-www-form-urlencoded";

pub fn router(inner: Arc<Inner>) -> Router {
    Router::new().fallback(serve).with_state(inner)
}

/// A request, taken apart.
struct Asked {
    parts: Parts,
    /// The segments of the path, decoded.
    path: Vec<String>,
    query: Vec<(String, String)>,
    body: Bytes,
    /// How the body is written, and how the answer is to be.
    sent: Wire,
    wanted: Wire,
}

async fn serve(State(inner): State<Arc<Inner>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let query = query(&parts);
    let accepted = Wire::of(named(&parts.headers, header::ACCEPT));
    let format = format(&query);
    let wanted = format.as_ref().ok().copied().flatten().unwrap_or(accepted);
    let mut response = if parts.method == Method::OPTIONS {
        preflight()
    } else if let Err(fault) = format {
        refuse(wanted, &fault)
    } else {
        match to_bytes(body, MAX_REQUEST_BYTES).await {
            Ok(body) => {
                let asked = Asked::new(parts, query, body, wanted);
                answer(&inner, &asked).unwrap_or_else(|fault| refuse(wanted, &fault))
            }
            Err(_) => {
                let message = format!("the request is larger than {MAX_REQUEST_BYTES} bytes");
                refuse(wanted, &Fault::new(StatusCode::PAYLOAD_TOO_LARGE, 40009, message))
            }
        }
    };
    let headers = response.headers_mut();
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    headers.insert(
        header::ACCESS_CONTROL_EXPOSE_HEADERS,
        HeaderValue::from_static("Link, Content-Length, X-Ably-ErrorCode, X-Ably-ErrorMessage"),
    );
    response
}

impl Asked {
    fn new(parts: Parts, query: Vec<(String, String)>, body: Bytes, wanted: Wire) -> Self {
        let path = parts.uri.path().trim_start_matches('/').split('/').map(|part| text(&percent::decode(part)));
        Self {
            path: path.collect(),
            query,
            sent: Wire::of(named(&parts.headers, header::CONTENT_TYPE)),
            parts,
            body,
            wanted,
        }
    }

    fn grant(&self, inner: &Inner) -> Result<Grant, Fault> {
        auth::admit(inner, &self.parts.headers, &self.query)
    }

    fn parameter(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    fn value(&self) -> Result<Value, Fault> {
        // What curl says of a body unless told otherwise; read as JSON it would be another request than the service sees.
        if named(&self.parts.headers, header::CONTENT_TYPE).is_some_and(|media| media.starts_with(FORM)) {
            return Err(Fault::bad("form-encoded bodies are not here: send application/json or application/x-msgpack"));
        }
        self.sent.read(&self.body)
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn query(parts: &Parts) -> Vec<(String, String)> {
    percent::query_pairs(parts.uri.query().unwrap_or("")).map(|(name, value)| (text(&name), text(&value))).collect()
}

/// The format that the query asks for, which goes before what the header accepts.
fn format(query: &[(String, String)]) -> Result<Option<Wire>, Fault> {
    match query.iter().find(|(name, _)| name == "format").map(|(_, value)| value.as_str()) {
        None | Some("") => Ok(None),
        Some("json") => Ok(Some(Wire::Json)),
        Some("msgpack") => Ok(Some(Wire::MessagePack)),
        Some(other) => Err(Fault::parameter(format!("the format {other} is not here: ask for json or msgpack"))),
    }
}

fn answer(inner: &Arc<Inner>, asked: &Asked) -> Result<Response, Fault> {
    let path: Vec<&str> = asked.path.iter().map(String::as_str).collect();
    let ok = |value: &Value| Ok(written(StatusCode::OK, asked.wanted, value));
    let created = |value: &Value| Ok(written(StatusCode::CREATED, asked.wanted, value));
    let events = named(&asked.parts.headers, header::ACCEPT).is_some_and(|media| media.contains("text/event-stream"));
    match (&asked.parts.method, path.as_slice()) {
        (&Method::GET, ["time"]) => {
            Ok(written(StatusCode::OK, Wire::Json, &Value::Array(vec![inner.clock.now().into()])))
        }
        (&Method::POST, ["channels", channel, "messages"]) => {
            let grant = asked.grant(inner)?;
            let channel = &name::read(channel)?.channel;
            let messages = if asked.parameter("enveloped") == Some("false") {
                let media = named(&asked.parts.headers, header::CONTENT_TYPE).unwrap_or("");
                let media = media.split(';').next().unwrap_or("").trim();
                publish::read_payload(&asked.body, media, &asked.parts.headers, &asked.query)?
            } else {
                publish::read(&asked.value()?)?
            };
            created(&publish::publish(inner, &grant, channel, messages)?)
        }
        (&Method::GET, ["channels", channel, "messages"]) => {
            let channel = &name::read(channel)?.channel;
            asked.grant(inner)?.capability.check(channel, Operation::History)?;
            let page = history::page(inner, channel, &asked.query)?;
            let messages = page.messages.iter().map(|stored| stored.value(asked.wanted)).collect();
            let mut response = written(StatusCode::OK, asked.wanted, &Value::Array(messages));
            for (rel, link) in page.links {
                if let Ok(value) = HeaderValue::from_str(&format!("<{link}>; rel=\"{rel}\"")) {
                    response.headers_mut().append(header::LINK, value);
                }
            }
            Ok(response)
        }
        (&Method::GET, ["channels", channel]) => {
            let channel = &name::read(channel)?.channel;
            asked.grant(inner)?.capability.check(channel, Operation::Metadata)?;
            ok(&status(channel, inner.channels().readers(channel)))
        }
        (&Method::POST, ["messages"]) => {
            let grant = asked.grant(inner)?;
            created(&publish::batch(inner, &grant, &asked.value()?)?)
        }
        (&Method::POST, ["keys", key_name, "requestToken"]) => {
            let body = asked.value()?;
            // A key in the request does what a signature would; anything else is no reason to refuse yet.
            let basic = asked.grant(inner).is_ok_and(|grant| grant.expires.is_none());
            created(&token::grant(inner, key_name, &body, basic)?)
        }
        (&Method::GET, ["sse"]) => open_stream(inner, asked, true),
        (&Method::GET, ["event-stream"]) => open_stream(inner, asked, events),
        _ => Err(Fault::not_found()),
    }
}

fn open_stream(inner: &Arc<Inner>, asked: &Asked, events: bool) -> Result<Response, Fault> {
    let grant = asked.grant(inner)?;
    stream::open(inner, &grant, Wanted::read(&asked.query, &asked.parts.headers, events)?)
}

/// Presence and realtime connections are not here: readers of streams are all there is.
fn status(channel: &str, readers: usize) -> Value {
    let map =
        |fields: Vec<(&str, Value)>| Value::Map(fields.into_iter().map(|(name, value)| (name.into(), value)).collect());
    let metrics = map(vec![
        ("connections", readers.into()),
        ("publishers", 0.into()),
        ("subscribers", readers.into()),
        ("presenceConnections", 0.into()),
        ("presenceMembers", 0.into()),
        ("presenceSubscribers", 0.into()),
    ]);
    let occupancy = map(vec![("metrics", metrics)]);
    let status = map(vec![("isActive", (readers > 0).into()), ("occupancy", occupancy)]);
    map(vec![("channelId", channel.into()), ("name", channel.into()), ("status", status)])
}

fn refuse(wire: Wire, fault: &Fault) -> Response {
    let mut response = written(fault.status, wire, &Value::Map(vec![("error".into(), fault.body())]));
    let headers = response.headers_mut();
    headers.insert("x-ably-errorcode", HeaderValue::from(fault.code));
    // What a header cannot hold is in the body.
    if let Ok(value) = HeaderValue::from_str(&fault.message) {
        headers.insert("x-ably-errormessage", value);
    }
    response
}

fn written(status: StatusCode, wire: Wire, value: &Value) -> Response {
    let mut response = Response::new(Body::from(wire.write(value)));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(wire.media()));
    response
}

fn preflight() -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    let headers = response.headers_mut();
    headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("GET, POST, OPTIONS"));
    headers.insert(
        header::ACCESS_CONTROL_ALLOW_HEADERS,
        HeaderValue::from_static(
            "Authorization, Content-Type, Accept, Last-Event-ID, X-Ably-Version, X-Ably-Lib, X-Ably-ClientId, \
             X-Ably-Name, X-Ably-MessageId, Ably-Agent",
        ),
    );
    headers.insert(header::ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("86400"));
    response
}

fn named(headers: &HeaderMap, name: HeaderName) -> Option<&str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}
