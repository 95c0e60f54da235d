//! Reads a request to its end, as far as that is bearable, also where whoever serves it has had enough before.
//!
//! A server that answers and closes while its client is still sending has the connection reset, and with it the
//! answer may be lost (RFC 9112, section 9.6): of a body that is too large the client would hear of a broken
//! connection, and send it again.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::body::{Body, HttpBody};
use axum::extract::Request;
use axum::middleware::Next;
use axum::response::Response;
use bytes::Bytes;
use http_body_util::BodyExt as _;
use hyper::body::{Frame, SizeHint};

/// So many bytes of what nobody wants are read, and then the connection ends all the same.
const MOST: usize = 16 << 20;
/// And so long.
const LONGEST: Duration = Duration::from_secs(5);

/// Has the rest of the request's body read when it is let go.
pub async fn to_the_end(request: Request, next: Next) -> Response {
    // Who asks before sending sends nothing when the answer is a refusal.
    if request.body().is_end_stream() || request.headers().contains_key(http::header::EXPECT) {
        return next.run(request).await;
    }
    next.run(request.map(|body| Body::new(Drained(Some(body))))).await
}

/// A body whose rest is read when it is dropped; none where it has ended.
struct Drained(Option<Body>);

impl HttpBody for Drained {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let Some(body) = &mut self.0 else { return Poll::Ready(None) };
        let frame = ready!(Pin::new(body).poll_frame(context));
        if !matches!(frame, Some(Ok(_))) {
            self.0 = None;
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.0.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.0.as_ref().map_or_else(|| SizeHint::with_exact(0), Body::size_hint)
    }
}

impl Drop for Drained {
    fn drop(&mut self) {
        if let Some(body) = self.0.take().filter(|body| !body.is_end_stream())
            && let Ok(runtime) = tokio::runtime::Handle::try_current()
        {
            runtime.spawn(tokio::time::timeout(LONGEST, discard(body)));
        }
    }
}

async fn discard(mut body: Body) {
    let mut left = MOST;
    while let Some(Ok(frame)) = body.frame().await {
        let Some(less) = left.checked_sub(frame.data_ref().map_or(0, Bytes::len)) else { return };
        left = less;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    use axum::{Router, middleware};
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::{TcpListener, TcpStream};

    /// A server that answers 413 after the first bytes of a body.
    async fn impatient() -> std::net::SocketAddr {
        let refuse = |request: Request| async move {
            let mut body = request.into_body();
            let _ = body.frame().await;
            (http::StatusCode::PAYLOAD_TOO_LARGE, "enough")
        };
        let router = Router::new().fallback(refuse).layer(middleware::from_fn(to_the_end));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move { axum::serve(listener, router).await });
        address
    }

    async fn sending(address: std::net::SocketAddr, head: &str) -> TcpStream {
        let mut socket = TcpStream::connect(address).await.unwrap();
        socket.write_all(format!("POST / HTTP/1.1\r\nhost: localhost\r\n{head}\r\n\r\n").as_bytes()).await.unwrap();
        socket
    }

    #[tokio::test]
    async fn who_sends_all_before_reading_reads_the_refusal() {
        let address = impatient().await;
        for size in [1 << 20, 4 << 20, 12 << 20] {
            let mut socket = sending(address, &format!("content-length: {size}\r\nconnection: close")).await;
            socket.write_all(&vec![b'x'; size]).await.unwrap();
            let mut answer = String::new();
            socket.read_to_string(&mut answer).await.unwrap();
            assert!(answer.starts_with("HTTP/1.1 413") && answer.ends_with("enough"), "{size}: {answer}");
        }
        let mut socket = sending(address, "transfer-encoding: chunked\r\nconnection: close").await;
        for _ in 0..64 {
            socket.write_all(b"10000\r\n").await.unwrap();
            socket.write_all(&[b'x'; 0x10000]).await.unwrap();
            socket.write_all(b"\r\n").await.unwrap();
        }
        socket.write_all(b"0\r\n\r\n").await.unwrap();
        let mut answer = String::new();
        socket.read_to_string(&mut answer).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 413"), "{answer}");
    }

    #[tokio::test]
    async fn who_sends_without_an_end_is_cut_off() {
        let mut socket = sending(impatient().await, "content-length: 1000000000000").await;
        let sent = async {
            let piece = vec![b'x'; 1 << 20];
            let mut sent = 0_usize;
            while socket.write_all(&piece).await.is_ok() {
                sent += piece.len();
            }
            sent
        };
        let sent = tokio::time::timeout(Duration::from_secs(60), sent).await.expect("it reads on for ever");
        assert!(sent < 4 * MOST, "{sent} bytes were taken");
    }

    #[tokio::test]
    async fn who_asks_before_sending_is_not_told_to_send() {
        let router =
            Router::new().fallback(|| async { http::StatusCode::UNAUTHORIZED }).layer(middleware::from_fn(to_the_end));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move { axum::serve(listener, router).await });
        let head = "content-length: 4194304\r\nexpect: 100-continue\r\nconnection: close";
        let mut answer = String::new();
        sending(address, head).await.read_to_string(&mut answer).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 401"), "{answer}");
    }
}
