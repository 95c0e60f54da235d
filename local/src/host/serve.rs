//! One request through one function: in by an axum route, out as the guest's
//! response, or as a problem (RFC 9457) that says nothing of the inside.

use super::Limits;
use super::body::Holding;
use super::instance::Nursery;
use super::manifest::Route;
use super::stats::Counters;
use crate::serve::Peer;
use axum::body::Body;
use axum::extract::{ConnectInfo, Request};
use axum::response::Response;
use http::header::{CONNECTION, CONTENT_TYPE, HOST, RETRY_AFTER};
use http::request::Parts;
use http::uri::{Authority, Scheme};
use http::{HeaderName, HeaderValue, StatusCode, Uri};
use http_body_util::BodyExt;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Instant;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use wasmtime_wasi_http::handler::{ExpirationError, InstantiationError, ProxyHandler, TrapOrPanicError};
use wasmtime_wasi_http::{Error, p2, p3};

const OURSELVES: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

const FULL_URL: HeaderName = HeaderName::from_static("spin-full-url");
const PATH_INFO: HeaderName = HeaderName::from_static("spin-path-info");
const CLIENT_ADDR: HeaderName = HeaderName::from_static("spin-client-addr");

/// One function, ready to serve.
pub(super) struct Function {
    pub(super) name: Arc<str>,
    pub(super) handler: ProxyHandler<Nursery>,
    /// One permit for each request inside, so that instances do not run out.
    pub(super) permits: Arc<Semaphore>,
    pub(super) counters: Arc<Counters>,
    pub(super) limits: Limits,
}

/// Why there is no response of the guest's.
enum Failure {
    /// It names no host, or two, or its headers are not text: Spin does not let it in either.
    Malformed,
    Busy,
    TooLong,
    Trapped,
    /// The guest itself answered with an error code.
    Refused,
    NoInstance,
}

impl Function {
    /// Serves `request`, which came by `route`.
    pub(super) async fn serve(&self, request: Request, route: &Route) -> Response {
        let started = Instant::now();
        self.counters.invocations.fetch_add(1, Relaxed);
        let result = match dress(request, route) {
            Ok(request) => self.answer(request, started).await,
            Err(malformed) => Err(malformed),
        };
        let micros = u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX);
        self.counters.micros.fetch_add(micros, Relaxed);
        result.unwrap_or_else(Failure::into_response)
    }

    async fn answer(&self, request: Request, started: Instant) -> Result<Response, Failure> {
        let permit = self.permit().await?;
        let request = request.map(|body| body.map_err(|_| Error::ConnectionTerminated).boxed_unsync());
        match self.handler.handle((), request).await {
            Ok(response) => Ok(response.map(|body| Body::new(Holding::new(body, permit)))),
            Err(error) => Err(self.failure(&error, started)),
        }
    }

    async fn permit(&self) -> Result<OwnedSemaphorePermit, Failure> {
        if let Ok(permit) = self.permits.clone().try_acquire_owned() {
            return Ok(permit);
        }
        let permit = self.permits.clone().acquire_owned();
        match tokio::time::timeout(self.limits.time, permit).await {
            Ok(Ok(permit)) => Ok(permit),
            Ok(Err(_)) | Err(_) => {
                self.counters.refused.fetch_add(1, Relaxed);
                tracing::warn!(function = &*self.name, "turned a request away: all are busy");
                Err(Failure::Busy)
            }
        }
    }

    fn failure(&self, error: &wasmtime::Error, started: Instant) -> Failure {
        let function = &*self.name;
        if error.is::<InstantiationError<()>>() {
            tracing::error!(function, "no instance could be made: {error:?}");
            return Failure::NoInstance;
        }
        // An endless loop ends with its instance, which looks like a trap.
        let ended = error.is::<TrapOrPanicError>();
        if error.is::<ExpirationError>() || (ended && started.elapsed() >= self.limits.time) {
            self.counters.timeouts.fetch_add(1, Relaxed);
            tracing::warn!(function, limit = ?self.limits.time, "no response in time");
            return Failure::TooLong;
        }
        if error.is::<p3::bindings::http::types::ErrorCode>() || error.is::<p2::bindings::http::types::ErrorCode>() {
            tracing::warn!(function, "the function answered with an error: {error:#}");
            return Failure::Refused;
        }
        if !ended {
            tracing::error!(function, "the function trapped: {error:?}");
        }
        Failure::Trapped
    }
}

/// Gives a request the URL that its client used, and what Spin adds. As in Spin these headers come after
/// the client's own of the same name, which it may have forged: no function may believe the first.
fn dress(request: Request, route: &Route) -> Result<Request, Failure> {
    let (mut parts, body) = request.into_parts();
    if parts.headers.values().any(|value| std::str::from_utf8(value.as_bytes()).is_err()) {
        return Err(Failure::Malformed);
    }
    let authority = authority(&parts).ok_or(Failure::Malformed)?;
    let info = parts.uri.path().strip_prefix(&route.base).filter(|_| route.below).unwrap_or_default();
    // What this process asks of itself comes over no connection.
    let peer = parts.extensions.get::<ConnectInfo<Peer>>().map_or(OURSELVES, |ConnectInfo(Peer(address))| *address);
    let mut added = vec![(PATH_INFO, info.to_owned()), (CLIENT_ADDR, peer.to_string())];
    let mut uri = std::mem::take(&mut parts.uri).into_parts();
    uri.scheme.get_or_insert(Scheme::HTTP);
    uri.authority = Some(authority);
    parts.uri = Uri::from_parts(uri).map_err(|_| Failure::Malformed)?;
    added.push((FULL_URL, parts.uri.to_string()));
    parts.headers.remove(CONNECTION);
    for (name, value) in added {
        parts.headers.append(name, HeaderValue::try_from(value).map_err(|_| Failure::Malformed)?);
    }
    Ok(Request::from_parts(parts, body))
}

/// The host that a request is meant for: said once, or twice the same.
fn authority(parts: &Parts) -> Option<Authority> {
    let host = parts.headers.get(HOST).map(|host| Authority::try_from(host.as_bytes()));
    match (parts.uri.authority(), host) {
        (None, None) | (_, Some(Err(_))) => None,
        (Some(inside), None) => Some(inside.clone()),
        (None, Some(Ok(host))) => Some(host),
        (Some(inside), Some(Ok(host))) => (*inside == host).then_some(host),
    }
}

impl Failure {
    fn into_response(self) -> Response {
        let (status, title, code) = match self {
            Self::Malformed => (StatusCode::BAD_REQUEST, "The request is malformed", "function_request"),
            Self::Busy => (StatusCode::SERVICE_UNAVAILABLE, "The function is busy", "function_busy"),
            Self::TooLong => (StatusCode::GATEWAY_TIMEOUT, "The function took too long", "function_timeout"),
            Self::Trapped => (StatusCode::INTERNAL_SERVER_ERROR, "The function stopped", "function_trap"),
            Self::Refused => (StatusCode::INTERNAL_SERVER_ERROR, "The function failed", "function_error"),
            Self::NoInstance => (StatusCode::SERVICE_UNAVAILABLE, "The function could not start", "function_start"),
        };
        let problem =
            format!(r#"{{"type":"about:blank","title":"{title}","status":{},"code":"{code}"}}"#, status.as_u16());
        let mut response = Response::new(Body::from(problem));
        *response.status_mut() = status;
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if status == StatusCode::SERVICE_UNAVAILABLE {
            headers.insert(RETRY_AFTER, HeaderValue::from_static("1"));
        }
        response
    }
}
