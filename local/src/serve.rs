//! How we listen, and whom we answer.

use std::net::{IpAddr, SocketAddr};

use axum::extract::Request;
use axum::extract::connect_info::Connected;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use axum::serve::IncomingStream;
use tokio::net::TcpListener;

/// Listens, or says what to do where that cannot be.
#[expect(clippy::wildcard_enum_match_arm, reason = "the kinds of I/O errors are an open list")]
pub async fn listen(bind: IpAddr, port: u16) -> anyhow::Result<TcpListener> {
    TcpListener::bind(SocketAddr::new(bind, port)).await.map_err(|error| match error.kind() {
        std::io::ErrorKind::AddrInUse => {
            anyhow::anyhow!("Port {port} is taken. End what listens there, or choose another with --port.")
        }
        std::io::ErrorKind::PermissionDenied => {
            anyhow::anyhow!("Port {port} is not for ordinary users. Choose one above 1023 with --port.")
        }
        _ => anyhow::anyhow!("{bind}:{port} cannot be listened on: {error}"),
    })
}

/// Small answers must not wait for the other side's delayed acknowledgements.
pub struct NoDelay(pub TcpListener);

impl axum::serve::Listener for NoDelay {
    type Io = tokio::net::TcpStream;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        let (stream, peer) = axum::serve::Listener::accept(&mut self.0).await;
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!("no TCP_NODELAY for {peer}: {error}");
        }
        (stream, peer)
    }

    fn local_addr(&self) -> std::io::Result<Self::Addr> {
        self.0.local_addr()
    }
}

/// Where a connection comes from.
#[derive(Clone, Copy, Debug)]
pub struct Peer(pub SocketAddr);

impl Connected<IncomingStream<'_, NoDelay>> for Peer {
    fn connect_info(stream: IncomingStream<'_, NoDelay>) -> Self {
        Self(*stream.remote_addr())
    }
}

/// On loopback the address is open to everybody on this machine, so a page from elsewhere must not
/// reach it under a name of its own (DNS rebinding).
pub async fn only_by_local_names(request: Request, next: Next) -> Response {
    let host = request.headers().get(http::header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let name = host
        .rsplit_once(':')
        .filter(|(_, port)| port.bytes().all(|byte| byte.is_ascii_digit()))
        .map_or(host, |(name, _)| name);
    let ip = name.strip_prefix('[').and_then(|name| name.strip_suffix(']')).unwrap_or(name).parse::<IpAddr>();
    if name == "localhost" || ip.is_ok_and(|ip| ip.is_loopback()) {
        return next.run(request).await;
    }
    problem(403, "forbidden", "This platform listens on loopback and answers to local names only.")
}

/// A problem-details answer.
pub fn problem(status: u16, code: &str, detail: &str) -> Response {
    let status = http::StatusCode::from_u16(status).unwrap_or(http::StatusCode::INTERNAL_SERVER_ERROR);
    let title = status.canonical_reason().unwrap_or_default();
    let body = serde_json::json!({
        "type": "about:blank", "title": title, "status": status.as_u16(), "code": code, "detail": detail,
    });
    (status, [(http::header::CONTENT_TYPE, "application/problem+json")], body.to_string()).into_response()
}
