//! Bodies that pass through the host, each with one small duty and without
//! being gathered.

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use std::pin::Pin;
use std::sync::Mutex;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::time::{Instant, Sleep, sleep};
use wasmtime_wasi_http::{Error, WasiBody};

/// A guest's body for a client that wants `Sync`; never locked, for it is only
/// reached through `&mut`.
pub(super) struct Shareable(Mutex<WasiBody>);

impl Shareable {
    pub(super) fn new(body: WasiBody) -> Self {
        Self(Mutex::new(body))
    }
}

impl Body for Shareable {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        match self.0.get_mut() {
            Ok(body) => Pin::new(body).poll_frame(context),
            Err(poisoned) => Pin::new(poisoned.into_inner()).poll_frame(context),
        }
    }
}

/// A body that must not pause for longer than it may.
pub(super) struct Paced {
    body: WasiBody,
    longest: Duration,
    pause: Pin<Box<Sleep>>,
}

impl Paced {
    pub(super) fn new(body: WasiBody, longest: Duration) -> Self {
        Self { body, longest, pause: Box::pin(sleep(longest)) }
    }
}

impl Body for Paced {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        if let Poll::Ready(frame) = Pin::new(&mut self.body).poll_frame(context) {
            let next = Instant::now() + self.longest;
            self.pause.as_mut().reset(next);
            return Poll::Ready(frame);
        }
        ready!(self.pause.as_mut().poll(context));
        Poll::Ready(Some(Err(Error::ConnectionReadTimeout)))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// A response's body that holds something (its function's permit) to its end.
pub(super) struct Holding<T> {
    body: WasiBody,
    _held: T,
}

impl<T> Holding<T> {
    pub(super) fn new(body: WasiBody, held: T) -> Self {
        Self { body, _held: held }
    }
}

impl<T: Unpin> Body for Holding<T> {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
