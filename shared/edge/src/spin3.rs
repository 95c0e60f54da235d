//! The host on Spin 3, and on every runtime that serves `wasi:http` 0.2 with Spin's variables.
//!
//! The target is `wasm32-wasip1`: Spin makes a component of such a module when it loads it. An instance serves one
//! request at a time and ends with it, so what waits for room on its way out may hold all of it up.

use std::pin::pin;
use std::task::Poll;

use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::future::{Either, join, poll_fn, select};
use makegood_core::time::Millis;
use makegood_gateway::Response;
use spin_executor::{CancelOnDropToken, push_waker_and_get_token, run};
use wasi::clocks::monotonic_clock;
use wasi::http::outgoing_handler;
use wasi::http::types::{
    self, ErrorCode, Fields, IncomingBody, IncomingRequest, OutgoingBody, OutgoingRequest, OutgoingResponse,
    RequestOptions, ResponseOutparam,
};
use wasi::io::poll::Pollable;
use wasi::io::streams::{InputStream, OutputStream, StreamError};

use crate::credentials::Credentials;
use crate::door::LONGEST_BODY;
use crate::host::{Body, FetchError, Host, Level, Reply, Request};
use crate::later::Later;
use crate::{limits, logs, system, variables};

// What `serve!` exports a function with.
pub use wasi;

/// An answer from outside that is longer than this is not taken in.
const LONGEST_ANSWER: usize = 16 * 1024 * 1024;
/// So much is taken from a body at once.
const PIECE: u64 = 64 * 1024;
const NANOS_IN_A_MILLI: u64 = 1_000_000;

#[derive(Clone, Debug)]
pub struct Spin3 {
    later: Later,
}

impl Host for Spin3 {
    async fn fetch(&self, request: makegood_gateway::Request, timeout: Millis) -> Result<Response, FetchError> {
        let credentials = Credentials::of(&request);
        exchange(request, timeout, timeout).await.map(|answer| credentials.struck_from(answer))
    }

    async fn fetch_pieces(
        &self,
        request: makegood_gateway::Request,
        silence: Millis,
        timeout: Millis,
    ) -> Result<Response, FetchError> {
        let credentials = Credentials::of(&request);
        exchange(request, silence, timeout).await.map(|answer| credentials.struck_from(answer))
    }

    fn now(&self) -> Millis {
        system::now()
    }

    fn random(&self) -> [u8; 16] {
        system::random()
    }

    fn config(&self, name: &str) -> Option<String> {
        variables::get(name)
    }

    async fn sleep(&self, span: Millis) {
        let end = monotonic_clock::now().saturating_add(span.0.saturating_mul(NANOS_IN_A_MILLI));
        until(|| (monotonic_clock::now() >= end).then_some(()), || monotonic_clock::subscribe_instant(end)).await;
    }

    fn log(&self, level: Level, line: &str) {
        system::log(level, line);
        logs::gather(self, level, line);
    }

    fn later(&self) -> Option<&Later> {
        Some(&self.later)
    }
}

/// Waits until `look` finds something; `event` is what may change that. Dropped, it waits for nothing any more.
async fn until<T>(mut look: impl FnMut() -> Option<T>, event: impl Fn() -> Pollable) -> T {
    let mut waiting: Option<CancelOnDropToken> = None;
    poll_fn(move |context| {
        if let Some(found) = look() {
            return Poll::Ready(found);
        }
        drop(waiting.replace(push_waker_and_get_token(event(), context.waker().clone()).into()));
        Poll::Pending
    })
    .await
}

/// As [`until`], and `None` when the monotonic clock shows `end` and nothing was found.
async fn until_late<T>(look: impl FnMut() -> Option<T>, event: impl Fn() -> Pollable, end: u64) -> Option<T> {
    let late = until(|| (monotonic_clock::now() >= end).then_some(()), || monotonic_clock::subscribe_instant(end));
    match select(pin!(until(look, event)), pin!(late)).await {
        Either::Left((found, _)) => Some(found),
        Either::Right(_) => None,
    }
}

/// One request and its whole answer.
async fn exchange(
    request: makegood_gateway::Request,
    silence: Millis,
    timeout: Millis,
) -> Result<Response, FetchError> {
    let end = monotonic_clock::now().saturating_add(timeout.0.saturating_mul(NANOS_IN_A_MILLI));
    let (parts, body) = request.into_parts();
    // Without the path, in which a secret may stand.
    let place = parts.uri.host().unwrap_or_default().to_owned();
    let malformed = |what: &str| FetchError::NotSent(format!("{what} for {place} cannot be sent"));
    let outgoing = OutgoingRequest::new(fields(&parts.headers).map_err(|()| malformed("a header"))?);
    outgoing.set_method(&method(&parts.method)).map_err(|()| malformed("the method"))?;
    let scheme = parts.uri.scheme().map(|scheme| match scheme.as_str() {
        "http" => types::Scheme::Http,
        "https" => types::Scheme::Https,
        other => types::Scheme::Other(other.to_owned()),
    });
    outgoing.set_scheme(scheme.as_ref()).map_err(|()| malformed("the scheme"))?;
    let authority = parts.uri.authority().map(http::uri::Authority::as_str);
    outgoing.set_authority(authority).map_err(|()| malformed("the authority"))?;
    let path = parts.uri.path_and_query().map(http::uri::PathAndQuery::as_str);
    outgoing.set_path_with_query(path).map_err(|()| malformed("the path"))?;
    let contents = outgoing.body().map_err(|()| malformed("the body"))?;

    let answer =
        outgoing_handler::handle(outgoing, Some(patience(silence.min(timeout))?)).map_err(|error| sort(&error))?;
    // What is left over was not wanted: the answer says why.
    _ = write_all(contents, &body);
    let answer = until(|| answer.get(), || answer.subscribe()).await;
    let answer = answer.map_err(|()| unclear("the answer was taken before"))?.map_err(|error| sort(&error))?;

    let mut response = http::Response::builder().status(answer.status());
    for (name, value) in answer.headers().entries() {
        response = response.header(name, value);
    }
    let body = answer.consume().map_err(|()| unclear("the answer has no body"))?;
    let body = gather(body, LONGEST_ANSWER, end).await.map_err(unclear)?;
    let body = body.ok_or_else(|| unclear("the answer is too long, or was not whole in time"))?;
    response.body(body).map_err(unclear)
}

fn unclear(cause: impl ToString) -> FetchError {
    FetchError::Unknown(cause.to_string())
}

/// A connection that does not come to stand is given up in half of the time: then it is known that
/// nothing was sent.
fn patience(silence: Millis) -> Result<RequestOptions, FetchError> {
    let options = RequestOptions::new();
    let nanos = silence.0.saturating_mul(NANOS_IN_A_MILLI);
    let set = options
        .set_connect_timeout(Some(nanos / 2))
        .and_then(|()| options.set_first_byte_timeout(Some(nanos)))
        .and_then(|()| options.set_between_bytes_timeout(Some(nanos)));
    set.map(|()| options).map_err(|()| FetchError::NotSent("this host keeps no time".to_owned()))
}

fn fields(headers: &http::HeaderMap) -> Result<Fields, ()> {
    let entries = headers.iter().map(|(name, value)| (name.as_str().to_owned(), value.as_bytes().to_vec()));
    Fields::from_list(&entries.collect::<Vec<_>>()).map_err(|_| ())
}

fn method(method: &http::Method) -> types::Method {
    match method.as_str() {
        "GET" => types::Method::Get,
        "HEAD" => types::Method::Head,
        "POST" => types::Method::Post,
        "PUT" => types::Method::Put,
        "DELETE" => types::Method::Delete,
        "CONNECT" => types::Method::Connect,
        "OPTIONS" => types::Method::Options,
        "TRACE" => types::Method::Trace,
        "PATCH" => types::Method::Patch,
        other => types::Method::Other(other.to_owned()),
    }
}

fn method_name(method: &types::Method) -> &str {
    match method {
        types::Method::Get => "GET",
        types::Method::Head => "HEAD",
        types::Method::Post => "POST",
        types::Method::Put => "PUT",
        types::Method::Delete => "DELETE",
        types::Method::Connect => "CONNECT",
        types::Method::Options => "OPTIONS",
        types::Method::Trace => "TRACE",
        types::Method::Patch => "PATCH",
        types::Method::Other(other) => other,
    }
}

/// Tells what never left from what may have arrived.
#[expect(clippy::wildcard_enum_match_arm, reason = "whatever is not known to be unsent may have arrived")]
fn sort(error: &ErrorCode) -> FetchError {
    let name = format!("{error:?}");
    match error {
        ErrorCode::DnsTimeout
        | ErrorCode::DnsError(_)
        | ErrorCode::DestinationNotFound
        | ErrorCode::DestinationUnavailable
        | ErrorCode::DestinationIpProhibited
        | ErrorCode::DestinationIpUnroutable
        | ErrorCode::ConnectionRefused
        | ErrorCode::ConnectionTimeout
        | ErrorCode::ConnectionLimitReached
        | ErrorCode::TlsProtocolError
        | ErrorCode::TlsCertificateError
        | ErrorCode::HttpRequestDenied
        | ErrorCode::HttpRequestMethodInvalid
        | ErrorCode::HttpRequestUriInvalid
        | ErrorCode::HttpRequestUriTooLong => FetchError::NotSent(name),
        _ => FetchError::Unknown(name),
    }
}

/// Reads a body to its end; `None` as soon as it is longer than allowed, or when the monotonic clock shows `end`.
async fn gather(body: IncomingBody, longest: usize, end: u64) -> Result<Option<Bytes>, StreamError> {
    let stream = body.stream().map_err(|()| StreamError::Closed)?;
    let mut gathered = Vec::new();
    loop {
        let Some(read) = until_late(|| next(&stream), || stream.subscribe(), end).await else { return Ok(None) };
        let Some(piece) = read? else { break };
        if gathered.len() + piece.len() > longest {
            return Ok(None);
        }
        gathered.extend_from_slice(&piece);
    }
    Ok(Some(gathered.into()))
}

/// The next piece if it is there; of a body that ended, none.
fn next(stream: &InputStream) -> Option<Result<Option<Vec<u8>>, StreamError>> {
    match stream.read(PIECE) {
        Ok(piece) if piece.is_empty() => None,
        Ok(piece) => Some(Ok(Some(piece))),
        Err(StreamError::Closed) => Some(Ok(None)),
        Err(error @ StreamError::LastOperationFailed(_)) => Some(Err(error)),
    }
}

/// Writes a whole body.
fn write_all(body: OutgoingBody, bytes: &[u8]) -> Result<(), StreamError> {
    let stream = body.write().map_err(|()| StreamError::Closed)?;
    write(&stream, bytes)?;
    drop(stream);
    OutgoingBody::finish(body, None).map_err(|_| StreamError::Closed)
}

/// Writes, and sees it off.
fn write(stream: &OutputStream, mut bytes: &[u8]) -> Result<(), StreamError> {
    while !bytes.is_empty() {
        let room = usize::try_from(stream.check_write()?).unwrap_or(usize::MAX);
        if room == 0 {
            stream.subscribe().block();
            continue;
        }
        let (piece, rest) = bytes.split_at(room.min(bytes.len()));
        stream.write(piece)?;
        bytes = rest;
    }
    stream.blocking_flush()
}

/// Serves one request with `handle`. Whatever goes wrong is an answer.
pub fn serve<F>(
    request: IncomingRequest,
    out: ResponseOutparam,
    package: &'static str,
    handle: impl FnOnce(Request, Spin3) -> F,
) where
    F: Future<Output = Reply>,
{
    run(async move {
        let host = Spin3 { later: Later::of(package) };
        match incoming(request).await {
            Some(request) => {
                let reply = handle(request, host.clone()).await;
                // What a stream writes may hold up what is done beside it, not keep it from being done.
                join(answer(reply, out, &host), host.later.run(&host)).await;
                host.later.run(&host).await;
            }
            None => {
                host.log(Level::Warn, "a request could not be read");
                ResponseOutparam::set(out, Err(ErrorCode::HttpProtocolError));
            }
        }
    });
}

async fn incoming(request: IncomingRequest) -> Option<Request> {
    let mut incoming = http::Request::builder()
        .method(method_name(&request.method()))
        .uri(request.path_with_query().unwrap_or_else(|| "/".to_owned()));
    for (name, value) in request.headers().entries() {
        incoming = incoming.header(name, value);
    }
    // WASI keeps the host apart from the headers, where the door looks for it.
    let host = request.authority();
    // One byte more than is allowed, so that the handler can say that it is too long.
    let body = match gather(request.consume().ok()?, LONGEST_BODY, u64::MAX).await {
        Ok(Some(body)) => body,
        Ok(None) | Err(_) => Bytes::from(vec![b' '; LONGEST_BODY + 1]),
    };
    let mut incoming = incoming.body(body).ok()?;
    if let Some(client) = limits::added(incoming.headers(), "spin-client-addr") {
        incoming.extensions_mut().insert(client);
    }
    if let Some(host) = host.and_then(|host| http::HeaderValue::from_str(&host).ok()) {
        incoming.headers_mut().entry(http::header::HOST).or_insert(host);
    }
    Some(incoming)
}

async fn answer(reply: Reply, out: ResponseOutparam, host: &Spin3) {
    let (parts, body) = reply.into_parts();
    let made = fields(&parts.headers).ok().map(OutgoingResponse::new);
    let made = made.filter(|response| response.set_status_code(parts.status.as_u16()).is_ok());
    let Some((response, outgoing)) = made.and_then(|response| response.body().ok().map(|body| (response, body))) else {
        host.log(Level::Error, "an answer could not be made");
        ResponseOutparam::set(out, Err(ErrorCode::InternalError(None)));
        return;
    };
    ResponseOutparam::set(out, Ok(response));
    // A reader who hangs up ends the answer and nothing else.
    match body {
        Body::Full(bytes) => _ = write_all(outgoing, &bytes),
        Body::Stream(mut pieces) => {
            let Ok(stream) = outgoing.write() else { return };
            while let Some(piece) = pieces.next().await {
                if write(&stream, &piece).is_err() {
                    return;
                }
            }
            drop(stream);
            _ = OutgoingBody::finish(outgoing, None);
        }
    }
}
