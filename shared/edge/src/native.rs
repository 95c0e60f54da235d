//! The host for ordinary programs: tests, benchmarks and commands. `reqwest` underneath.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use makegood_core::time::Millis;
use makegood_gateway::Response;

use crate::host::{FetchError, Host, Level};

/// A host with a fixed configuration.
#[derive(Clone, Debug)]
pub struct Native {
    client: reqwest::Client,
    config: Arc<BTreeMap<String, String>>,
}

impl Native {
    #[must_use]
    pub fn new(config: BTreeMap<String, String>) -> Self {
        Self { client: reqwest::Client::new(), config: Arc::new(config) }
    }
}

impl Host for Native {
    async fn fetch(&self, request: makegood_gateway::Request, timeout: Millis) -> Result<Response, FetchError> {
        let mut request =
            reqwest::Request::try_from(request).map_err(|error| FetchError::NotSent(error.to_string()))?;
        *request.timeout_mut() = Some(Duration::from_millis(timeout.0));
        let answer = self.client.execute(request).await.map_err(|error| {
            if error.is_connect() || error.is_builder() {
                FetchError::NotSent(error.to_string())
            } else {
                FetchError::Unknown(error.to_string())
            }
        })?;
        let (status, headers) = (answer.status(), answer.headers().clone());
        let body = answer.bytes().await.map_err(|error| FetchError::Unknown(error.to_string()))?;
        let mut response = http::Response::new(body);
        *response.status_mut() = status;
        *response.headers_mut() = headers;
        Ok(response)
    }

    fn now(&self) -> Millis {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Millis(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
    }

    fn random(&self) -> [u8; 16] {
        let mut bytes = [0; 16];
        if let Err(error) = getrandom::fill(&mut bytes) {
            self.log(Level::Error, &format!("no random numbers: {error}"));
        }
        bytes
    }

    fn config(&self, name: &str) -> Option<String> {
        self.config.get(name).cloned()
    }

    async fn sleep(&self, span: Millis) {
        tokio::time::sleep(Duration::from_millis(span.0)).await;
    }

    #[expect(clippy::print_stderr, reason = "a program's log is its standard error")]
    fn log(&self, level: Level, line: &str) {
        eprintln!("{level:?} {line}");
    }
}
