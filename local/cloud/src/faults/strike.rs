//! What a fault does to a request and to its answer.

use std::{io, sync::Arc, time::Duration};

use axum::{
    body::{Body, to_bytes},
    extract::{Request, State},
    middleware::Next,
    response::Response,
};
use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use http::{HeaderMap, HeaderValue, StatusCode, header};

use super::{
    Fault, Kind,
    board::{Board, Gate},
};

/// The longest body that is looked into; those beyond it are passed on to nobody.
const MAX_BODY: usize = 64 << 20;
/// How long one waits to be overtaken where the fault does not say.
const OVERTAKEN_WITHIN: Duration = Duration::from_secs(1);
/// What was sent before a connection breaks off is to reach its reader.
const BEFORE_THE_CUT: Duration = Duration::from_millis(50);

pub async fn befall(State(board): State<Arc<Board>>, request: Request, next: Next) -> Response {
    if !board.is_set() {
        return next.run(request).await;
    }
    let (parts, body) = request.into_parts();
    let (seen, body) = if board.reads_bodies() {
        let Ok(bytes) = to_bytes(body, MAX_BODY).await else {
            return board.words.refuse(StatusCode::PAYLOAD_TOO_LARGE, "This body is too large to be looked into.");
        };
        (bytes.clone(), Body::from(bytes))
    } else {
        (Bytes::new(), body)
    };
    let fate = board.draw(&parts, &seen);
    let request = Request::from_parts(parts, body);
    tokio::time::sleep(fate.delay).await;
    let response = match fate.blow {
        None => next.run(request).await,
        Some(blow) => suffer(&board, blow, fate.held, next, request, seen).await,
    };
    fate.overtakes.iter().for_each(|gate| gate.release());
    response
}

async fn suffer(
    board: &Board,
    blow: Fault,
    held: Option<Arc<Gate>>,
    next: Next,
    request: Request,
    seen: Bytes,
) -> Response {
    match blow.kind {
        Kind::Latency => next.run(request).await,
        Kind::Error => {
            let status = blow.status.and_then(|status| StatusCode::from_u16(status).ok());
            let status = status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            after(board.words.refuse(status, "A failure as asked for."), blow.retry_after)
        }
        Kind::Throttle => {
            after(board.words.refuse(StatusCode::TOO_MANY_REQUESTS, "Too many requests, as asked for."), Some(1))
        }
        Kind::DropRequest => hang_up(),
        Kind::DropAnswer => {
            carry_out(next, request).await;
            hang_up()
        }
        Kind::Duplicate => {
            let (parts, _) = request.into_parts();
            let twin = carry_out(next.clone(), Request::from_parts(parts.clone(), Body::from(seen.clone())));
            let request = Request::from_parts(parts, Body::from(seen));
            // Both have ended before the answer leaves; the twin's is what nobody asked for.
            tokio::join!(next.run(request), twin).0
        }
        Kind::Reorder => {
            if let Some(gate) = held {
                gate.wait(blow.delay_ms.map_or(OVERTAKEN_WITHIN, Duration::from_millis)).await;
            }
            next.run(request).await
        }
        Kind::Cut => cut(next.run(request).await).await,
        Kind::Malformed => malform(next.run(request).await).await,
    }
}

/// Carries a request out, whether or not its sender stays.
async fn carry_out(next: Next, request: Request) {
    if let Err(error) = tokio::spawn(next.run(request)).await {
        tracing::error!(%error, "a request ended early");
    }
}

fn after(mut response: Response, seconds: Option<u64>) -> Response {
    if let Some(seconds) = seconds {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}

/// Ends the connection before a byte of an answer: the server sends a head together with the first of its body.
fn hang_up() -> Response {
    Response::new(Body::from_stream(stream::once(async { Err::<Bytes, _>(broken()) })))
}

fn broken() -> io::Error {
    io::ErrorKind::ConnectionReset.into()
}

fn is_stream(headers: &HeaderMap) -> bool {
    headers.get(header::CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"text/event-stream"))
}

/// Half of an answer, or the first two events of a stream, and then the end of the connection.
async fn cut(response: Response) -> Response {
    let (parts, body) = response.into_parts();
    let end = stream::once(async {
        tokio::time::sleep(BEFORE_THE_CUT).await;
        Err(broken())
    });
    let body = if is_stream(&parts.headers) {
        Body::from_stream(body.into_data_stream().take(2).map(|piece| piece.map_err(|_| broken())).chain(end))
    } else {
        // The head still says how long the whole would be.
        Body::from_stream(stream::once(async { Ok(half(body).await) }).chain(end))
    };
    Response::from_parts(parts, body)
}

/// Half of an answer, or of every event after a stream's first.
async fn malform(response: Response) -> Response {
    let (mut parts, body) = response.into_parts();
    let body = if is_stream(&parts.headers) {
        Body::from_stream(body.into_data_stream().enumerate().map(|(i, piece)| {
            piece.map(|event| match i {
                0 => event,
                _ => [&event[..event.len() / 2], b"\n\n"].concat().into(),
            })
        }))
    } else {
        parts.headers.remove(header::CONTENT_LENGTH);
        Body::from(half(body).await)
    };
    Response::from_parts(parts, body)
}

async fn half(body: Body) -> Bytes {
    let whole = to_bytes(body, usize::MAX).await.unwrap_or_default();
    whole.slice(..whole.len() / 2)
}
