//! The host for ordinary programs: tests, benchmarks and commands. `reqwest` underneath.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use makegood_core::time::Millis;
use makegood_gateway::Response;
use reqwest::redirect::Policy;

use crate::credentials::Credentials;
use crate::host::{FetchError, Host, Level};
use crate::system;

/// A host with a fixed configuration.
#[derive(Clone, Debug)]
pub struct Native {
    client: reqwest::Client,
    config: Arc<BTreeMap<String, String>>,
}

impl Native {
    #[must_use]
    pub fn new(config: BTreeMap<String, String>) -> Self {
        // As on every other host, an answer that sends elsewhere is the answer. Where no client can be built, the
        // default panics as `Client::new` does.
        let client = reqwest::Client::builder().redirect(Policy::none()).build();
        Self { client: client.unwrap_or_default(), config: Arc::new(config) }
    }
}

impl Host for Native {
    async fn fetch(&self, request: makegood_gateway::Request, timeout: Millis) -> Result<Response, FetchError> {
        let credentials = Credentials::of(&request);
        let request = limited(request, timeout)?;
        let answer = self.client.execute(request).await.map_err(sort)?;
        let mut response = head(&answer);
        *response.body_mut() =
            answer.bytes().await.map_err(|error| FetchError::Unknown(error.without_url().to_string()))?;
        Ok(credentials.struck_from(response))
    }

    async fn fetch_pieces(
        &self,
        request: makegood_gateway::Request,
        silence: Millis,
        timeout: Millis,
    ) -> Result<Response, FetchError> {
        let credentials = Credentials::of(&request);
        let request = limited(request, timeout)?;
        let mut answer = heard(silence, self.client.execute(request)).await?;
        let (mut response, mut body) = (head(&answer), Vec::new());
        while let Some(piece) = heard(silence, answer.chunk()).await? {
            body.extend_from_slice(&piece);
        }
        *response.body_mut() = body.into();
        Ok(credentials.struck_from(response))
    }

    fn now(&self) -> Millis {
        system::now()
    }

    fn random(&self) -> [u8; 16] {
        system::random()
    }

    fn config(&self, name: &str) -> Option<String> {
        self.config.get(name).cloned()
    }

    async fn sleep(&self, span: Millis) {
        tokio::time::sleep(Duration::from_millis(span.0)).await;
    }

    fn log(&self, level: Level, line: &str) {
        system::log(level, line);
    }
}

/// The request, of which no more is heard after so long.
fn limited(request: makegood_gateway::Request, timeout: Millis) -> Result<reqwest::Request, FetchError> {
    let mut request =
        reqwest::Request::try_from(request).map_err(|error| FetchError::NotSent(error.without_url().to_string()))?;
    *request.timeout_mut() = Some(Duration::from_millis(timeout.0));
    Ok(request)
}

/// An answer's status and headers.
fn head(answer: &reqwest::Response) -> Response {
    let mut response = Response::default();
    *response.status_mut() = answer.status();
    answer.headers().clone_into(response.headers_mut());
    response
}

/// Tells what never left from what may have arrived. The address may have a stranger's secret in it, and the cause is
/// logged.
fn sort(error: reqwest::Error) -> FetchError {
    let not_sent = error.is_connect() || error.is_builder();
    let cause = error.without_url().to_string();
    if not_sent { FetchError::NotSent(cause) } else { FetchError::Unknown(cause) }
}

async fn heard<T>(silence: Millis, piece: impl Future<Output = reqwest::Result<T>>) -> Result<T, FetchError> {
    match tokio::time::timeout(Duration::from_millis(silence.0), piece).await {
        Ok(piece) => piece.map_err(sort),
        Err(_) => Err(FetchError::Unknown(format!("nothing came for {silence}"))),
    }
}
