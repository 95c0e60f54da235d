//! What happens to a guest's outbound call: refused, served in this process,
//! or sent over a pooled connection.
//!
//! The guest learns from the error whether its request may have arrived.
//! `HttpRequestDenied`, `DnsError`, `ConnectionRefused`, `ConnectionTimeout`,
//! `Tls…` and `DestinationUnavailable`: it never left. All others: unknown.
//!
//! Redirects are not followed, as no real host follows them here.

use super::allowed::{AllowedHosts, default_port};
use super::body::{Paced, Shareable};
use super::connect::{self, ConnectTime};
use super::outside::{Outside, is_number_inside};
use anyhow::Context as _;
use axum::Router;
use http::header::HOST;
use http::uri::PathAndQuery;
use http::{HeaderValue, Request, Response, Uri};
use http_body_util::BodyExt;
use hyper::body::Body as _;
use std::error::Error as StdError;
use std::io::ErrorKind;
use std::pin::Pin;
use std::sync::{Arc, PoisonError, RwLock};
use std::task::{Context, Poll};
use std::time::Duration;
use tower::ServiceExt;
use wasmtime_wasi_http::{Error, RequestOptions, WasiBody, WasiHttpHooks};

type Done = Box<dyn Future<Output = Result<(), Error>> + Send>;
type Answer = Result<(Response<WasiBody>, Done), Error>;

/// The way out, shared by all functions.
pub(super) struct Network {
    own: Vec<(String, u16)>,
    local: RwLock<Option<Router>>,
    client: reqwest::Client,
    /// For what only a `*` lets out, where that is not to lead inside.
    outside: Option<reqwest::Client>,
}

impl Network {
    /// `own_authorities` are `host:port`, meant with the scheme `http`. `inside`: what only a `*` lets out may lead
    /// there.
    pub(super) fn new(own_authorities: &[String], inside: bool) -> anyhow::Result<Self> {
        let own = own_authorities
            .iter()
            .map(|own| {
                let authority: http::uri::Authority =
                    own.parse().with_context(|| format!("the own authority {own:?} is not host:port"))?;
                let port = authority.port_u16().unwrap_or(80);
                Ok((authority.host().to_owned(), port))
            })
            .collect::<anyhow::Result<_>>()?;
        let client = || {
            reqwest::Client::builder()
                .redirect(reqwest::redirect::Policy::none())
                .no_proxy()
                .tcp_nodelay(true)
                .connector_layer(ConnectTime)
        };
        let built =
            |client: reqwest::ClientBuilder| client.build().context("cannot set up the client for outbound calls");
        let outside = if inside { None } else { Some(built(client().dns_resolver(Outside))?) };
        Ok(Self { own, local: RwLock::new(None), client: built(client())?, outside })
    }

    pub(super) fn set_local(&self, router: Router) {
        *self.local.write().unwrap_or_else(PoisonError::into_inner) = Some(router);
    }

    pub(super) fn wrap_local(&self, wrap: impl FnOnce(Router) -> Router) {
        let mut local = self.local.write().unwrap_or_else(PoisonError::into_inner);
        *local = local.take().map(wrap);
    }

    fn local(&self) -> Option<Router> {
        let local = self.local.read().unwrap_or_else(PoisonError::into_inner);
        local.clone()
    }

    fn is_own(&self, uri: &Uri) -> bool {
        let (Some("http"), Some(host)) = (uri.scheme_str(), uri.host()) else {
            return false;
        };
        let port = uri.port_u16().or_else(|| default_port("http"));
        self.own.iter().any(|(h, p)| Some(*p) == port && h.eq_ignore_ascii_case(host))
    }
}

/// The way out of one function.
#[derive(Clone)]
pub(super) struct Outbound {
    pub(super) function: Arc<str>,
    pub(super) allowed: Arc<AllowedHosts>,
    pub(super) network: Arc<Network>,
}

impl WasiHttpHooks for Outbound {
    fn send_request(
        &mut self,
        request: Request<WasiBody>,
        options: Option<RequestOptions>,
        _: Done,
    ) -> Box<dyn Future<Output = Answer> + Send> {
        let options = options.unwrap_or_default();
        let own = self.network.is_own(request.uri());
        if !self.allowed.allow(request.uri()) {
            self.say_denied(
                request.uri(),
                "the manifest's allowed_outbound_hosts for this component do not name this host",
            );
            return Box::new(std::future::ready(Err(Error::HttpRequestDenied)));
        }
        if !own {
            let outside = self.network.outside.as_ref().filter(|_| !self.allowed.names(request.uri()));
            if outside.is_some() && is_number_inside(request.uri()) {
                self.say_denied(request.uri(), "only a * lets it out, and it leads inside");
                return Box::new(std::future::ready(Err(Error::HttpRequestDenied)));
            }
            let client = outside.unwrap_or(&self.network.client).clone();
            return Box::new(send_away(client, request, options));
        }
        match self.network.local() {
            Some(router) => Box::new(serve_here(router, request, options)),
            None => Box::new(std::future::ready(Err(Error::ConnectionRefused))),
        }
    }
}

impl Outbound {
    fn say_denied(&self, uri: &Uri, why: &str) {
        tracing::warn!(
            function = &*self.function,
            scheme = uri.scheme_str(),
            authority = uri.authority().map(|a| a.as_str()),
            "outbound call denied: {why}"
        );
    }
}

fn answer(response: Response<WasiBody>, options: RequestOptions) -> Answer {
    let response = match options.between_bytes_timeout {
        Some(longest) => response.map(|body| Paced::new(body, longest).boxed_unsync()),
        None => response,
    };
    Ok((response, Box::new(std::future::ready(Ok(())))))
}

/// Waits for the head of a response; without a wish of the guest's, for ever:
/// the invocation's own time ends it.
async fn head<T>(call: impl Future<Output = Result<T, Error>>, longest: Option<Duration>) -> Result<T, Error> {
    match longest {
        Some(longest) => tokio::time::timeout(longest, call).await.unwrap_or(Err(Error::ConnectionReadTimeout)),
        None => call.await,
    }
}

async fn serve_here(router: Router, request: Request<WasiBody>, options: RequestOptions) -> Answer {
    let (mut parts, body) = request.into_parts();
    // A server sees the path and a Host, not the absolute form that a client holds.
    if let Some(host) = parts.uri.authority().and_then(|host| HeaderValue::from_str(host.as_str()).ok()) {
        parts.headers.insert(HOST, host);
    }
    let path = parts.uri.into_parts().path_and_query;
    parts.uri = Uri::from(path.unwrap_or_else(|| PathAndQuery::from_static("/")));
    let request = Request::from_parts(parts, axum::body::Body::new(body));
    let call = Arrived::new(async move {
        let Ok(response) = router.oneshot(request).await;
        Ok(response)
    });
    let response = head(call, options.first_byte_timeout).await?;
    answer(response.map(|body| body.map_err(|_| Error::HttpResponseIncomplete).boxed_unsync()), options)
}

/// A call that a server in this process works on. Who made it may leave, but
/// what arrived is carried through, as with a server elsewhere.
struct Arrived<F>
where
    F: Future<Output: Send> + Send + 'static,
{
    call: Option<Pin<Box<F>>>,
    begun: bool,
}

impl<F: Future<Output: Send> + Send + 'static> Arrived<F> {
    fn new(call: F) -> Self {
        Self { call: Some(Box::pin(call)), begun: false }
    }
}

impl<T: Send, F: Future<Output = Result<T, Error>> + Send + 'static> Future for Arrived<F> {
    type Output = Result<T, Error>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        self.begun = true;
        let Some(call) = self.call.as_mut() else {
            return Poll::Pending;
        };
        let result = std::task::ready!(call.as_mut().poll(context));
        self.call = None;
        Poll::Ready(result)
    }
}

impl<F: Future<Output: Send> + Send + 'static> Drop for Arrived<F> {
    fn drop(&mut self) {
        if let Some(rest) = self.call.take()
            && self.begun
            && let Ok(runtime) = tokio::runtime::Handle::try_current()
        {
            runtime.spawn(rest);
        }
    }
}

async fn send_away(client: reqwest::Client, request: Request<WasiBody>, options: RequestOptions) -> Answer {
    let (parts, body) = request.into_parts();
    let url = reqwest::Url::parse(&parts.uri.to_string()).map_err(|_| Error::HttpRequestUriInvalid)?;
    let mut outgoing = reqwest::Request::new(parts.method, url);
    *outgoing.headers_mut() = parts.headers;
    if !body.is_end_stream() {
        *outgoing.body_mut() = Some(reqwest::Body::wrap(Shareable::new(body)));
    }
    let call = async move { client.execute(outgoing).await.map_err(|e| outcome(&e)) };
    // As in Spin, the wait for the first byte begins here, and not where the connection stands: where it
    // runs out first, the guest cannot know whether the request has left.
    let call = head(connect::within(options.connect_timeout, call), options.first_byte_timeout);
    let response: Response<reqwest::Body> = call.await?.into();
    let response = response.map(|body| body.map_err(|error| body_outcome(&error)).boxed_unsync());
    answer(response, options)
}

/// What a failed call means to the guest.
fn outcome(error: &reqwest::Error) -> Error {
    if error.is_dns() {
        return Error::DnsError { rcode: None, info_code: None };
    }
    if error.is_connect() {
        return match io_kind(error) {
            Some(ErrorKind::ConnectionRefused) => Error::ConnectionRefused,
            Some(ErrorKind::TimedOut) => Error::ConnectionTimeout,
            Some(ErrorKind::InvalidData) => Error::TlsProtocolError,
            _ if error.is_timeout() => Error::ConnectionTimeout,
            _ => Error::DestinationUnavailable,
        };
    }
    if error.is_timeout() {
        return Error::ConnectionReadTimeout;
    }
    if error.is_builder() {
        return Error::HttpRequestUriInvalid;
    }
    Error::ConnectionTerminated
}

fn body_outcome(error: &reqwest::Error) -> Error {
    match error.is_timeout() {
        true => Error::ConnectionReadTimeout,
        false => Error::HttpResponseIncomplete,
    }
}

fn io_kind(error: &reqwest::Error) -> Option<ErrorKind> {
    let mut cause: Option<&(dyn StdError + 'static)> = error.source();
    while let Some(error) = cause {
        if let Some(io) = error.downcast_ref::<std::io::Error>() {
            return Some(io.kind());
        }
        cause = error.source();
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use http_body_util::Empty;
    use tokio::net::{TcpListener, TcpSocket, TcpStream};

    /// A server with which no further connection comes to stand, and those that keep it busy.
    async fn full() -> (TcpListener, Vec<TcpStream>) {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let listener = socket.listen(1).unwrap();
        let address = listener.local_addr().unwrap();
        let mut waiting = Vec::new();
        while let Ok(stream) = tokio::time::timeout(Duration::from_millis(200), TcpStream::connect(address)).await {
            waiting.push(stream.unwrap());
        }
        (listener, waiting)
    }

    async fn error(to: &TcpListener, options: RequestOptions) -> Error {
        let network = Network::new(&[], true).unwrap();
        let body = Empty::<Bytes>::new().map_err(|never| match never {}).boxed_unsync();
        let request = Request::get(format!("http://{}/", to.local_addr().unwrap())).body(body).unwrap();
        match send_away(network.client, request, options).await {
            Ok((response, _)) => panic!("{:?}", response.status()),
            Err(error) => error,
        }
    }

    #[tokio::test]
    async fn a_connection_that_does_not_come_to_stand_is_known_as_such_only_in_its_own_time() {
        let (server, _busy) = full().await;
        let (soon, late) = (Duration::from_millis(50), Duration::from_millis(500));
        let options = |connect, first| RequestOptions {
            connect_timeout: connect,
            first_byte_timeout: Some(first),
            ..RequestOptions::default()
        };
        let not_sent = error(&server, options(Some(soon), late)).await;
        assert!(matches!(not_sent, Error::ConnectionTimeout), "{not_sent:?}");
        for connect in [None, Some(late)] {
            let unknown = error(&server, options(connect, soon)).await;
            assert!(matches!(unknown, Error::ConnectionReadTimeout), "{unknown:?}");
        }
    }
}
