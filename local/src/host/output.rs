//! What a guest prints, as log events: one for each line, with the function's
//! name. Written at once, so that the last words before a trap are not lost.

use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use tokio::io::AsyncWrite;
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};
use wasmtime_wasi::p2::{OutputStream, Pollable, StreamResult};

/// A longer line is logged in pieces.
const LONGEST: usize = 8 * 1024;

/// One of a guest's two output streams.
#[derive(Clone)]
pub(crate) struct Output {
    function: Arc<str>,
    stream: &'static str,
    begun: Arc<Mutex<Vec<u8>>>,
    /// So many bytes are still logged; what comes after them is not.
    left: Arc<AtomicUsize>,
}

impl Output {
    pub(crate) fn new(function: Arc<str>, stream: &'static str) -> Self {
        Self::at_most(usize::MAX, function, stream)
    }

    /// One of which no more than so many bytes are logged.
    pub(crate) fn at_most(most: usize, function: Arc<str>, stream: &'static str) -> Self {
        Self { function, stream, begun: Arc::default(), left: Arc::new(AtomicUsize::new(most)) }
    }

    fn take(&self, bytes: &[u8]) {
        let left = self.left.fetch_update(Relaxed, Relaxed, |left| Some(left.saturating_sub(bytes.len())));
        let bytes = &bytes[..bytes.len().min(left.unwrap_or_default())];
        let mut begun = self.begun.lock().unwrap_or_else(PoisonError::into_inner);
        for piece in bytes.split_inclusive(|b| *b == b'\n') {
            begun.extend_from_slice(piece);
            if piece.ends_with(b"\n") || begun.len() >= LONGEST {
                self.log(&begun);
                begun.clear();
            }
        }
    }

    fn log(&self, line: &[u8]) {
        let line = String::from_utf8_lossy(line.trim_ascii_end());
        // A function writes the level first: there is one for each request.
        if line.starts_with("Debug ") {
            tracing::debug!(function = &*self.function, stream = self.stream, "{line}");
        } else {
            tracing::info!(function = &*self.function, stream = self.stream, "{line}");
        }
    }
}

/// The end of an instance is the end of its last line.
impl Drop for Output {
    fn drop(&mut self) {
        if Arc::strong_count(&self.begun) == 1 {
            let begun = self.begun.lock().unwrap_or_else(PoisonError::into_inner);
            if !begun.is_empty() {
                self.log(&begun);
            }
        }
    }
}

impl IsTerminal for Output {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for Output {
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(self.clone())
    }

    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(self.clone())
    }
}

impl AsyncWrite for Output {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.take(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[wasmtime_wasi::async_trait]
impl Pollable for Output {
    async fn ready(&mut self) {}
}

impl OutputStream for Output {
    fn write(&mut self, bytes: bytes::Bytes) -> StreamResult<()> {
        self.take(&bytes);
        Ok(())
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(64 * 1024)
    }
}
