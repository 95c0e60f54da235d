//! What a platform owes us.

use std::fmt;
use std::net::IpAddr;
use std::rc::Rc;

use bytes::Bytes;
use futures_util::stream::LocalBoxStream;
use makegood_core::saga::{Kind, Phase};
use makegood_core::time::Millis;
use makegood_gateway::Response;

use crate::isolate::Isolate;
use crate::later::Later;

/// A request to one of our functions, with its whole body.
pub type Request = http::Request<Bytes>;
/// Our answer to it.
pub type Reply = http::Response<Body>;

/// The platform under a function.
#[expect(async_fn_in_trait, reason = "guests are single-threaded: no Send bound, on purpose")]
pub trait Host: Clone + 'static {
    /// Sends a request and waits at most `timeout` for the whole answer.
    async fn fetch(&self, request: makegood_gateway::Request, timeout: Millis) -> Result<Response, FetchError>;
    /// The same for an answer that comes piece by piece: who says nothing for `silence`, before the first piece or between
    /// two, is waited for no longer. A host that does not see the pieces waits for the whole.
    async fn fetch_pieces(
        &self,
        request: makegood_gateway::Request,
        _silence: Millis,
        timeout: Millis,
    ) -> Result<Response, FetchError> {
        self.fetch(request, timeout).await
    }
    /// This machine's clock.
    fn now(&self) -> Millis;
    fn random(&self) -> [u8; 16];
    /// A configured value, by its lower-case name.
    fn config(&self, name: &str) -> Option<String>;
    async fn sleep(&self, span: Millis);
    fn log(&self, level: Level, line: &str);
    /// A saga in this phase has folded an event of this kind. For the simulator, which counts what it has seen;
    /// elsewhere nothing comes of it.
    fn folded(&self, _phase: Phase, _kind: Kind) {}
    /// What this instance keeps between requests.
    fn isolate(&self) -> Rc<Isolate> {
        Isolate::of_this_thread()
    }
    /// Where work waits until the answer is on its way, where the platform goes on that long.
    fn later(&self) -> Option<&Later> {
        None
    }
    /// Has work done that nobody need wait for: [later](Host::later), where there is such a time; else at once. It is
    /// for comfort only, for an instance that is ended takes it along.
    async fn after(&self, work: impl Future<Output = ()> + 'static) {
        match self.later() {
            Some(later) => later.push(work),
            None => work.await,
        }
    }
}

/// Where a request comes from, as the platform knows it and no client can say. Among a request's extensions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Client(pub IpAddr);

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FetchError {
    /// Nothing left this machine: the other side has seen nothing.
    NotSent(String),
    /// The other side may have seen it.
    Unknown(String),
}

impl fmt::Display for FetchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotSent(cause) => write!(f, "not sent: {cause}"),
            Self::Unknown(cause) => write!(f, "sent, no answer: {cause}"),
        }
    }
}

impl std::error::Error for FetchError {}

/// How loud a log line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// What is written for each request. The local platform shows it where it is asked to.
    Debug,
    Info,
    Warn,
    Error,
}

/// The body of an answer.
pub enum Body {
    Full(Bytes),
    /// Sent piece by piece. A reader who hangs up ends the stream and nothing else.
    Stream(LocalBoxStream<'static, Bytes>),
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Full(bytes) => write!(f, "{} bytes", bytes.len()),
            Self::Stream(_) => f.write_str("a stream"),
        }
    }
}

/// An answer with a JSON body.
pub fn json(status: u16, value: &impl serde::Serialize) -> Reply {
    reply(status, "application/json", serde_json::to_vec(value).unwrap_or_default())
}

/// An answer with a whole body.
pub fn reply(status: u16, content_type: &'static str, body: impl Into<Bytes>) -> Reply {
    let mut reply = http::Response::new(Body::Full(body.into()));
    *reply.status_mut() = http::StatusCode::from_u16(status).unwrap_or(http::StatusCode::INTERNAL_SERVER_ERROR);
    let headers = reply.headers_mut();
    headers.insert(http::header::CONTENT_TYPE, http::HeaderValue::from_static(content_type));
    headers.insert("x-content-type-options", http::HeaderValue::from_static("nosniff"));
    reply
}
