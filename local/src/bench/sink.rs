//! A collector that takes whatever it is told and keeps nothing but how much that was. It runs on a thread of its own,
//! so that what it costs can be told apart: in production that is somebody else's.

use std::net::{Ipv4Addr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::Router;
use axum::body::to_bytes;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http::header::CONTENT_TYPE;

use super::usage;

/// Each span has one, and nothing else in a request of traces.
const OF_A_SPAN: &str = "\"startTimeUnixNano\"";

pub struct Sink {
    pub url: String,
    seen: Arc<Seen>,
}

#[derive(Default)]
struct Seen {
    spans: AtomicU64,
    /// The bits of a number.
    cpu_ms: AtomicU64,
}

impl Sink {
    pub fn start() -> anyhow::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        listener.set_nonblocking(true)?;
        let url = format!("http://{}", listener.local_addr()?);
        let seen = Arc::new(Seen::default());
        let router = Router::new().fallback(take).with_state(Arc::clone(&seen));
        std::thread::Builder::new().name("collector".to_owned()).spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            let served = runtime.and_then(|runtime| {
                runtime.block_on(async {
                    let listener = tokio::net::TcpListener::from_std(listener)?;
                    axum::serve(listener, router).await
                })
            });
            if let Err(error) = served {
                tracing::error!("the collector ended: {error}");
            }
        })?;
        Ok(Self { url, seen })
    }

    /// Since the start.
    pub fn spans(&self) -> u64 {
        self.seen.spans.load(Ordering::Relaxed)
    }

    /// Milliseconds of CPU since the start.
    pub fn cpu_ms(&self) -> f64 {
        f64::from_bits(self.seen.cpu_ms.load(Ordering::Relaxed))
    }
}

async fn take(State(seen): State<Arc<Seen>>, request: Request) -> Response {
    let traces = request.uri().path() == "/v1/traces";
    let Ok(body) = to_bytes(request.into_body(), usize::MAX).await else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    if traces {
        let spans = String::from_utf8_lossy(&body).matches(OF_A_SPAN).count();
        seen.spans.fetch_add(spans as u64, Ordering::Relaxed);
    }
    if let Ok(cpu) = usage::thread_ms() {
        seen.cpu_ms.store(cpu.to_bits(), Ordering::Relaxed);
    }
    ([(CONTENT_TYPE, "application/json")], "{}").into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn it_counts_the_spans_that_it_is_told_of_and_not_the_metrics() {
        let sink = Sink::start().unwrap();
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let body = r#"{"spans":[{"startTimeUnixNano":"1"},{"startTimeUnixNano":"2"}]}"#;
        for signal in ["traces", "metrics"] {
            let answer = client.post(format!("{}/v1/{signal}", sink.url)).body(body).send().await.unwrap();
            assert_eq!(answer.status(), 200);
            assert_eq!(answer.text().await.unwrap(), "{}");
        }
        assert_eq!(sink.spans(), 2);
    }
}
