//! How a call reaches the tool: over HTTP, or straight into a service of the same process.
//!
//! What happens to a call on its way (lost, cut off, never sent) is not decided here: see
//! [`scene`](crate::scene).

use std::time::Duration;

use axum::Router;
use axum::body::Body;
use http::{HeaderName, HeaderValue};
use http_body_util::BodyExt;
use makegood_edge::credentials::Credentials;
use makegood_gateway::{Request, Response};
use tower::ServiceExt;

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Broken {
    /// The request did not leave: the tool has not seen it.
    NotSent(String),
    /// No answer within the timeout: the tool may have acted.
    TimedOut,
    /// The connection ended before the answer did: the tool may have acted.
    Cut(String),
}

/// The way to a tool.
pub trait Transport {
    /// Sends a request and waits for the whole answer, for at most `timeout`. Dropping the future
    /// hangs up.
    fn exchange(&self, request: Request, timeout: Duration) -> impl Future<Output = Result<Response, Broken>> + Send;
}

/// Over HTTP, as the engine calls: no redirects are followed, and nothing is repeated by itself.
#[derive(Clone, Debug)]
pub struct Http {
    client: reqwest::Client,
    /// What stands before the addresses that are shown secrets.
    shown: String,
    secrets: Vec<(HeaderName, HeaderValue)>,
}

impl Http {
    /// # Errors
    /// Where no client can be set up on this machine.
    pub fn new() -> anyhow::Result<Self> {
        let client = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .build()?;
        Ok(Self { client, shown: String::new(), secrets: Vec::new() })
    }

    /// The same, which shows these headers to what is below an address, and to no other.
    #[must_use]
    pub fn let_in(self, shown: String, secrets: Vec<(HeaderName, HeaderValue)>) -> Self {
        Self { shown, secrets, ..self }
    }
}

impl Transport for Http {
    async fn exchange(&self, mut request: Request, timeout: Duration) -> Result<Response, Broken> {
        if request.uri().to_string().starts_with(&self.shown) {
            for (name, value) in &self.secrets {
                request.headers_mut().insert(name.clone(), value.clone());
            }
        }
        let credentials = Credentials::of(&request);
        let request = reqwest::Request::try_from(request).map_err(|error| Broken::NotSent(error.to_string()))?;
        let exchange = async {
            let answer = self.client.execute(request).await.map_err(|error| {
                if error.is_connect() || error.is_builder() {
                    Broken::NotSent(causes(&error))
                } else {
                    Broken::Cut(causes(&error))
                }
            })?;
            let (status, headers) = (answer.status(), answer.headers().clone());
            let body = answer.bytes().await.map_err(|error| Broken::Cut(causes(&error)))?;
            let mut response = Response::new(body);
            *response.status_mut() = status;
            *response.headers_mut() = headers;
            Ok(credentials.struck_from(response))
        };
        tokio::time::timeout(timeout, exchange).await.unwrap_or(Err(Broken::TimedOut))
    }
}

/// What went wrong, down to the first cause: the topmost sentence alone never says it.
fn causes(error: &reqwest::Error) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(inner) = cause {
        text = format!("{text}: {inner}");
        cause = inner.source();
    }
    text
}

/// Straight into a router, for the tests of a tool that is written in Rust: no socket, no port.
/// Hanging up drops the handler where it stands, as axum's server does too.
impl Transport for Router {
    async fn exchange(&self, request: Request, timeout: Duration) -> Result<Response, Broken> {
        let exchange = async {
            let answered = self.clone().oneshot(request.map(Body::from)).await;
            let (parts, body) = match answered {
                Ok(response) => response.into_parts(),
                Err(never) => match never {},
            };
            let body = body.collect().await.map_err(|error| Broken::Cut(error.to_string()))?;
            Ok(Response::from_parts(parts, body.to_bytes()))
        };
        tokio::time::timeout(timeout, exchange).await.unwrap_or(Err(Broken::TimedOut))
    }
}
