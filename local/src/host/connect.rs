//! How long a connection may take to stand, call by call: reqwest has one such time for a whole client.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use tower::{BoxError, Layer, Service};

tokio::task_local! {
    /// A connection is made by the call that first needs it, in that call's task.
    static LONGEST: Duration;
}

/// Runs `call`; a connection that it makes may take `longest` to stand, or, without, any time.
pub(super) async fn within<T>(longest: Option<Duration>, call: impl Future<Output = T>) -> T {
    match longest {
        Some(longest) => LONGEST.scope(longest, call).await,
        None => call.await,
    }
}

/// The client's part of [`within`].
#[derive(Clone)]
pub(super) struct ConnectTime;

impl<S> Layer<S> for ConnectTime {
    type Service = Timed<S>;

    fn layer(&self, connector: S) -> Timed<S> {
        Timed(connector)
    }
}

#[derive(Clone)]
pub(super) struct Timed<S>(S);

impl<R, S> Service<R> for Timed<S>
where
    S: Service<R, Error = BoxError>,
    S::Future: Send + 'static,
{
    type Response = S::Response;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<S::Response, BoxError>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.0.poll_ready(context)
    }

    fn call(&mut self, to: R) -> Self::Future {
        // Read now: where another call's connection serves this one, the rest is done in a task of its own.
        let longest = LONGEST.try_with(|longest| *longest);
        let connection = self.0.call(to);
        Box::pin(async move {
            match longest {
                Ok(longest) => tokio::time::timeout(longest, connection)
                    .await
                    .unwrap_or_else(|_| Err(io::Error::from(io::ErrorKind::TimedOut).into())),
                Err(_) => connection.await,
            }
        })
    }
}
