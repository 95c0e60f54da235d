//! How the queue's deliveries leave: to our own address without a connection, elsewhere over HTTP.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};

use axum::Router;
use axum::body::Body;
use bytes::Bytes;
use makegood_cloud::Deliver;
use tokio::sync::broadcast;
use tower::ServiceExt;

/// The longest answer that the queue takes in.
const LONGEST_ANSWER: usize = 1024 * 1024;

/// A delivery that was answered, for whoever measures.
#[derive(Clone, Debug)]
pub struct Answered {
    pub status: u16,
    pub body: Bytes,
}

pub struct Delivery {
    own: Vec<String>,
    local: OnceLock<Router>,
    client: reqwest::Client,
    watchers: broadcast::Sender<Answered>,
}

impl Delivery {
    /// `own`: our authorities, as in `127.0.0.1:3000`.
    pub fn new(own: Vec<String>) -> anyhow::Result<Arc<Self>> {
        let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build()?;
        let (watchers, _) = broadcast::channel(65_536);
        Ok(Arc::new(Self { own, local: OnceLock::new(), client, watchers }))
    }

    /// What our own address serves. Later calls change nothing.
    pub fn set_local(&self, router: Router) {
        let _ = self.local.set(router);
    }

    /// Every answer from now on.
    pub fn watch(&self) -> broadcast::Receiver<Answered> {
        self.watchers.subscribe()
    }

    async fn send(&self, request: http::Request<Bytes>) -> Result<http::Response<Bytes>, String> {
        let ours =
            request.uri().authority().is_some_and(|authority| self.own.iter().any(|own| own == authority.as_str()));
        let response = match self.local.get().filter(|_| ours) {
            Some(router) => {
                let mut request = request.map(Body::from);
                if let Some(authority) = request.uri().authority().map(ToString::to_string)
                    && let Ok(host) = authority.parse()
                {
                    request.headers_mut().entry(http::header::HOST).or_insert(host);
                }
                let response = router.clone().oneshot(request).await.unwrap_or_else(|never| match never {});
                let (parts, body) = response.into_parts();
                let body = axum::body::to_bytes(body, LONGEST_ANSWER).await.map_err(|error| error.to_string())?;
                http::Response::from_parts(parts, body)
            }
            None => {
                let request = reqwest::Request::try_from(request).map_err(|error| error.to_string())?;
                let response = self.client.execute(request).await.map_err(|error| error.to_string())?;
                let (status, headers) = (response.status(), response.headers().clone());
                let mut answer = http::Response::new(response.bytes().await.map_err(|error| error.to_string())?);
                *answer.status_mut() = status;
                *answer.headers_mut() = headers;
                answer
            }
        };
        if self.watchers.receiver_count() > 0 {
            let _ = self.watchers.send(Answered { status: response.status().as_u16(), body: response.body().clone() });
        }
        Ok(response)
    }
}

impl Deliver for Delivery {
    fn deliver(
        &self,
        request: http::Request<Bytes>,
    ) -> Pin<Box<dyn Future<Output = Result<http::Response<Bytes>, String>> + Send + '_>> {
        Box::pin(self.send(request))
    }
}
