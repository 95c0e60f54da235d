//! The host on Cloudflare Workers, and on workerd.
//!
//! Panics are not caught here: `worker` logs them by a hook of its own and has the instance made
//! anew, and a second hook would take its place.

use std::time::Duration;

use bytes::Bytes;
use futures_util::future::{Either, select};
use futures_util::{Stream, StreamExt, TryStreamExt};
use makegood_core::error::{Code, Error};
use makegood_core::time::Millis;
use makegood_gateway::Response;
use worker::js_sys::{Reflect, Uint8Array};
use worker::{
    AbortController, AbortSignal, CacheMode, Context, Date, Delay, Env, Fetch, Headers, Method, RequestInit,
    RequestRedirect, ResponseBuilder, console_debug, console_error, console_log, console_warn,
};

use crate::credentials::Credentials;
use crate::door::LONGEST_BODY;
use crate::host::{Body, FetchError, Host, Level, Reply, Request};
use crate::later::Later;
use crate::problem::problem;
use crate::{limits, logs};

/// An answer from outside that is longer than this is not taken in.
const LONGEST_ANSWER: usize = 16 * 1024 * 1024;

/// What the runtime says when it sends nothing: this invocation has used up its requests, or the
/// address is none that can be fetched.
const NOT_SENT: [&str; 2] = ["Too many subrequests", "Fetch API cannot load"];

/// Reads its configuration from the bindings: variables and secrets alike, under upper-case names.
#[derive(Clone, Debug)]
pub struct Workers {
    env: Env,
    later: Later,
}

impl Host for Workers {
    async fn fetch(&self, request: makegood_gateway::Request, timeout: Millis) -> Result<Response, FetchError> {
        let credentials = Credentials::of(&request);
        let request = outgoing(&request).map_err(|error| FetchError::NotSent(error.to_string()))?;
        let controller = AbortController::default();
        let exchange = Box::pin(exchange(request, controller.signal()));
        let _abort = AbortOnDrop(Some(controller));
        match select(exchange, Box::pin(self.sleep(timeout))).await {
            Either::Left((answer, _)) => {
                answer.map(|answer| credentials.struck_from(answer)).map_err(|error| sort(&error))
            }
            Either::Right(((), _)) => Err(FetchError::Unknown(format!("no answer within {timeout}"))),
        }
    }

    /// The clock stands still between one event and the next, as the platform wants it.
    fn now(&self) -> Millis {
        Millis(Date::now().as_millis())
    }

    fn random(&self) -> [u8; 16] {
        let mut bytes = [0; 16];
        if let Err(error) = getrandom::fill(&mut bytes) {
            self.log(Level::Error, &format!("no random numbers: {error}"));
        }
        bytes
    }

    fn config(&self, name: &str) -> Option<String> {
        // Not `Env::var`, which throws where a binding is null: one of workerd's from an unset variable.
        let value = Reflect::get(&self.env, &name.to_ascii_uppercase().into()).ok()?;
        // A manifest may say `8500` or `true` without quotes.
        let number = || value.as_f64().map(|number| number.to_string());
        value.as_string().or_else(|| value.as_bool().map(|truth| truth.to_string())).or_else(number)
    }

    async fn sleep(&self, span: Millis) {
        // A timer counts its milliseconds in 31 bits: 24 days.
        Delay::from(Duration::from_millis(span.0.min(i32::MAX as u64))).await;
    }

    fn log(&self, level: Level, line: &str) {
        match level {
            Level::Debug => console_debug!("{line}"),
            Level::Info => console_log!("{line}"),
            Level::Warn => console_warn!("{line}"),
            Level::Error => console_error!("{line}"),
        }
        logs::gather(self, level, line);
    }

    fn later(&self) -> Option<&Later> {
        Some(&self.later)
    }
}

/// Has the platform wait for what is to be done after the answer: at its end, and of a stream at its beginning too.
struct Afterwards {
    context: Context,
    host: Workers,
}

impl Afterwards {
    fn begin(&self) {
        if !self.host.later.is_empty() {
            let host = self.host.clone();
            self.context.wait_until(async move { host.later.run(&host).await });
        }
    }
}

impl Drop for Afterwards {
    fn drop(&mut self) {
        self.begin();
    }
}

/// Ends a request that nobody waits for any longer: after its time, or because the caller was dropped.
struct AbortOnDrop(Option<AbortController>);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        if let Some(controller) = self.0.take() {
            controller.abort();
        }
    }
}

/// One request and its whole answer.
async fn exchange(request: worker::Request, signal: AbortSignal) -> worker::Result<Response> {
    let mut answer = Fetch::Request(request).send_with_signal(&signal).await?;
    let body = match answer.body() {
        worker::ResponseBody::Stream(_) => gather(answer.stream()?, LONGEST_ANSWER).await?,
        worker::ResponseBody::Empty | worker::ResponseBody::Body(_) => Some(answer.bytes().await?.into()),
    };
    let body = body.ok_or_else(|| worker::Error::RustError(format!("an answer of over {LONGEST_ANSWER} bytes")))?;
    let mut response = http::Response::builder().status(answer.status_code());
    for (name, value) in answer.headers() {
        response = response.header(name, value);
    }
    response.body(body).map_err(|error| worker::Error::RustError(error.to_string()))
}

/// Turns a request into the platform's. Redirects are not followed and nothing comes from a cache:
/// what a partner says about a key is asked of the partner.
fn outgoing(request: &makegood_gateway::Request) -> worker::Result<worker::Request> {
    let mut init = RequestInit::new();
    init.with_method(Method::from(request.method().as_str().to_owned()))
        .with_headers(headers(request.headers())?)
        .with_redirect(RequestRedirect::Manual)
        .with_cache(CacheMode::NoStore);
    if !request.body().is_empty() {
        init.with_body(Some(Uint8Array::from(request.body().as_ref()).into()));
    }
    worker::Request::new_with_init(&request.uri().to_string(), &init)
}

fn headers(map: &http::HeaderMap) -> worker::Result<Headers> {
    let headers = Headers::new();
    for (name, value) in map {
        let value = value.to_str().map_err(|_| worker::Error::RustError(format!("the header {name} is not ASCII")))?;
        headers.append(name.as_str(), value)?;
    }
    Ok(headers)
}

/// Tells what never left from what may have arrived. The platform says no more of a lost connection
/// than that it was lost, so even one that was refused counts as sent.
fn sort(error: &worker::Error) -> FetchError {
    let cause = error.to_string();
    let refused = NOT_SENT.iter().any(|refusal| cause.contains(refusal));
    if refused { FetchError::NotSent(cause) } else { FetchError::Unknown(cause) }
}

/// Reads a stream to its end, or answers `None` as soon as it is longer than allowed.
async fn gather(
    mut pieces: impl Stream<Item = worker::Result<Vec<u8>>> + Unpin,
    longest: usize,
) -> worker::Result<Option<Bytes>> {
    let mut body = Vec::new();
    while let Some(piece) = pieces.try_next().await? {
        if body.len() + piece.len() > longest {
            return Ok(None);
        }
        body.extend_from_slice(&piece);
    }
    Ok(Some(body.into()))
}

/// Serves one request with `handle`. Whatever goes wrong is an answer.
///
/// # Errors
/// Where the platform takes our answer for none.
pub async fn serve<F>(
    mut request: worker::Request,
    env: Env,
    context: Context,
    package: &'static str,
    handle: impl FnOnce(Request, Workers) -> F,
) -> worker::Result<worker::Response>
where
    F: Future<Output = Reply>,
{
    let host = Workers { env, later: Later::of(package) };
    let afterwards = Afterwards { context, host: host.clone() };
    let reply = match incoming(&mut request).await {
        Ok(request) => handle(request, host).await,
        Err(cause) => {
            let error = Error::new(Code::InvalidRequest, "The request cannot be read. Send it again.");
            problem(&host, &error.because(cause.to_string()))
        }
    };
    answer(reply, afterwards)
}

async fn incoming(request: &mut worker::Request) -> worker::Result<Request> {
    // Not `request.method()`, which takes a method that it does not know for GET.
    let (method, url) = (request.inner().method(), request.inner().url());
    let mut incoming = http::Request::builder().method(method.as_str()).uri(url);
    for (name, value) in request.headers() {
        incoming = incoming.header(name, value);
    }
    let body = match request.inner().body() {
        None => Bytes::new(),
        // One byte more than is allowed, so that the handler can say that it is too long.
        Some(_) => {
            let body = gather(request.stream()?, LONGEST_BODY).await?;
            body.unwrap_or_else(|| Bytes::from(vec![b' '; LONGEST_BODY + 1]))
        }
    };
    let mut incoming = incoming.body(body).map_err(|error| worker::Error::RustError(error.to_string()))?;
    // Cloudflare writes this one itself, whatever a client says.
    if let Some(client) = limits::added(incoming.headers(), "cf-connecting-ip") {
        incoming.extensions_mut().insert(client);
    }
    Ok(incoming)
}

/// Does what the platform's clock calls for. Nobody is answered, so what comes after an answer comes at the end.
pub async fn tick<F: Future<Output = ()>>(env: Env, package: &'static str, work: impl FnOnce(Workers) -> F) {
    let host = Workers { env, later: Later::of(package) };
    work(host.clone()).await;
    host.later.run(&host).await;
}

fn answer(reply: Reply, afterwards: Afterwards) -> worker::Result<worker::Response> {
    let (parts, body) = reply.into_parts();
    let builder = ResponseBuilder::new().with_status(parts.status.as_u16()).with_headers(headers(&parts.headers)?);
    match body {
        // An answer such as 204 must have no body, not even an empty one.
        Body::Full(bytes) if bytes.is_empty() => Ok(builder.empty()),
        Body::Full(bytes) => Ok(builder.fixed(bytes.into())),
        Body::Stream(pieces) => {
            afterwards.begin();
            builder.from_stream(pieces.map(move |piece| {
                // Held as long as the stream.
                let _ = &afterwards;
                Ok::<_, worker::Error>(Vec::from(piece))
            }))
        }
    }
}
