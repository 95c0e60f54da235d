//! The host on Spin, and on every runtime that serves `wasi:http` 0.3 with Spin's variables.

use std::fmt::Display;
use std::pin::pin;
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::future::{Either, join, select};
use futures_util::{SinkExt, StreamExt};
use http_body_util::{BodyExt, Limited};
use makegood_core::time::Millis;
use makegood_gateway::Response;
use spin_sdk::http::{BoxBody, FullBody, box_body};
use spin_sdk::wasip3::http::client;
use spin_sdk::wasip3::http::types::{self, ErrorCode};
use spin_sdk::wasip3::http_compat::http_from_wasi_response;
use spin_sdk::wasip3::{wit_future, wit_stream};

use crate::credentials::Credentials;
use crate::door::LONGEST_BODY;
use crate::host::{Body, FetchError, Host, Level, Reply, Request};
use crate::later::Later;
use crate::{limits, logs, system, variables};

/// What a function answers with.
pub type Outgoing = http::Response<BoxBody>;

/// An answer from outside that is longer than this is not taken in.
const LONGEST_ANSWER: usize = 16 * 1024 * 1024;

#[derive(Clone, Debug)]
pub struct Spin {
    later: Later,
}

impl Host for Spin {
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
        spin_sdk::time::sleep(Duration::from_millis(span.0)).await;
    }

    fn log(&self, level: Level, line: &str) {
        system::log(level, line);
        logs::gather(self, level, line);
    }

    fn later(&self) -> Option<&Later> {
        Some(&self.later)
    }
}

/// One request and its whole answer.
///
/// The body is written beside the sending and not by a spawned task, as `spin_sdk::http::send` would:
/// wit-bindgen's executor does not poll a task that was spawned during a turn until something else
/// wakes it (seen with 0.57.1 in the pump of a streamed answer, where every request hung).
///
/// The host keeps most of the time: a timer of the guest's own costs as much as a small call.
async fn exchange(
    request: makegood_gateway::Request,
    silence: Millis,
    timeout: Millis,
) -> Result<Response, FetchError> {
    let began = Instant::now();
    let (parts, body) = request.into_parts();
    // Without the path, in which a secret may stand.
    let place = parts.uri.host().unwrap_or_default().to_owned();
    let malformed = |what: &str| FetchError::NotSent(format!("{what} for {place} cannot be sent"));
    let headers =
        parts.headers.try_into().map_err(|_| FetchError::NotSent("headers that cannot be sent".to_owned()))?;
    let (mut contents, contents_reader) = wit_stream::new();
    let (trailers, trailers_reader) = wit_future::new(|| Ok(None));
    let reader = (!body.is_empty()).then_some(contents_reader);
    let (outgoing, _sent) = types::Request::new(headers, reader, trailers_reader, Some(patience(silence, timeout)?));
    outgoing.set_method(&parts.method.clone().into()).map_err(|()| malformed("the method"))?;
    outgoing.set_scheme(parts.uri.scheme().map(Into::into).as_ref()).map_err(|()| malformed("the scheme"))?;
    outgoing
        .set_authority(parts.uri.authority().map(http::uri::Authority::as_str))
        .map_err(|()| malformed("the authority"))?;
    outgoing
        .set_path_with_query(parts.uri.path_and_query().map(http::uri::PathAndQuery::as_str))
        .map_err(|()| malformed("the path"))?;
    let write = async {
        if !body.is_empty() {
            // What is left over was not wanted: the answer says why.
            contents.write_all(body.into()).await;
        }
        drop(contents);
        // Where the other side no longer listens, its answer says so too.
        let _ = trailers.write(Ok(None)).await;
    };
    let (answer, ()) = join(client::send(outgoing), write).await;
    let answer = answer.map_err(|error| sort(&error))?;
    let (parts, body) =
        http_from_wasi_response(answer).map_err(|error| FetchError::Unknown(format!("{error:?}")))?.into_parts();
    let body = gather(Limited::new(body, LONGEST_ANSWER), began, Duration::from_millis(timeout.0)).await;
    Ok(http::Response::from_parts(parts, body.map_err(FetchError::Unknown)?))
}

/// Reads an answer to its end, or until `timeout` is over. In the first half of that the host keeps the
/// time, which ends every pause of half of it; the rest is a timer's.
async fn gather<B>(body: B, began: Instant, timeout: Duration) -> Result<Bytes, String>
where
    B: BodyExt<Data = Bytes, Error: Display>,
{
    let (mut body, mut pieces) = (pin!(body), Vec::new());
    loop {
        let left = timeout.saturating_sub(began.elapsed());
        let frame = if left >= timeout / 2 {
            body.frame().await
        } else {
            match select(body.frame(), pin!(spin_sdk::time::sleep(left))).await {
                Either::Left((frame, _)) => frame,
                Either::Right(_) => return Err("the answer was not whole in time".to_owned()),
            }
        };
        match frame {
            Some(Ok(frame)) => pieces.extend(frame.into_data()),
            Some(Err(error)) => return Err(error.to_string()),
            None => break,
        }
    }
    Ok(match <[Bytes; 1]>::try_from(pieces) {
        Ok([whole]) => whole,
        Err(pieces) => pieces.concat().into(),
    })
}

/// Spin counts the wait for the first byte from the start. So a connection that does not come to stand
/// is given up before that: then it is known that nothing was sent.
fn patience(silence: Millis, timeout: Millis) -> Result<types::RequestOptions, FetchError> {
    let options = types::RequestOptions::new();
    let [silence, timeout] = [silence.min(timeout), timeout].map(|span| span.0.saturating_mul(1_000_000));
    let set = options
        .set_connect_timeout(Some(silence / 2))
        .and_then(|()| options.set_first_byte_timeout(Some(silence)))
        .and_then(|()| options.set_between_bytes_timeout(Some(silence.min(timeout / 2))));
    set.map(|()| options).map_err(|error| FetchError::NotSent(format!("this host keeps no time: {error:?}")))
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

/// Serves one request with `handle`. Whatever goes wrong is an answer.
pub async fn serve<F>(
    request: spin_sdk::http::Request,
    package: &'static str,
    handle: impl FnOnce(Request, Spin) -> F,
) -> Outgoing
where
    F: Future<Output = Reply>,
{
    let (mut parts, body) = request.into_parts();
    // WASI keeps the host apart from the headers, where the door looks for it.
    let host = parts.uri.authority().and_then(|host| http::HeaderValue::from_str(host.as_str()).ok());
    if let Some(host) = host {
        parts.headers.entry(http::header::HOST).or_insert(host);
    }
    if let Some(client) = limits::added(&parts.headers, "spin-client-addr") {
        parts.extensions.insert(client);
    }
    // One byte more than is allowed, so that the handler can say that it is too long.
    let body = match Limited::new(body, LONGEST_BODY + 1).collect().await {
        Ok(body) => body.to_bytes(),
        Err(_) => Bytes::from(vec![b' '; LONGEST_BODY + 1]),
    };
    let host = Spin { later: Later::of(package) };
    let reply = handle(http::Request::from_parts(parts, body), host.clone()).await;
    let (parts, body) = reply.into_parts();
    let body = match body {
        Body::Full(bytes) => {
            if !host.later.is_empty() {
                spin_sdk::wasip3::spawn(async move { host.later.run(&host).await });
            }
            box_body(FullBody::new(bytes))
        }
        Body::Stream(mut pieces) => {
            // Spin's body wants Send, which a guest's stream is not: it goes through a channel.
            let (mut sender, receiver) = spin_sdk::http::body::stream::<Bytes>();
            spin_sdk::wasip3::spawn(async move {
                let pump = async {
                    while let Some(piece) = pieces.next().await {
                        if sender.send(piece).await.is_err() {
                            break;
                        }
                    }
                    drop(sender);
                };
                join(pump, host.later.run(&host)).await;
                host.later.run(&host).await;
            });
            box_body(receiver)
        }
    };
    http::Response::from_parts(parts, body)
}
