//! What a fault does to a request and to its answer.

use std::{future::Future, io, sync::Arc, time::Duration};

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
    board::{Board, Delay, Held},
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
            let text = "This body is too large to be looked into.";
            return board.words.refuse(StatusCode::PAYLOAD_TOO_LARGE, text, b"");
        };
        (bytes.clone(), Body::from(bytes))
    } else {
        (Bytes::new(), body)
    };
    let fate = board.draw(&parts, &seen);
    let request = Request::from_parts(parts, body);
    let response = match fate.blow {
        None => late(fate.delays, next, request).await,
        Some(blow) => suffer(&board, blow, fate.delays, fate.held, next, request, seen).await,
    };
    fate.overtakes.iter().for_each(|gate| gate.release());
    response
}

async fn suffer(
    board: &Board,
    blow: Fault,
    delays: Vec<Delay>,
    held: Option<Held>,
    next: Next,
    request: Request,
    seen: Bytes,
) -> Response {
    match blow.kind {
        // These are carried out whether or not their sender stays.
        Kind::DropAnswer => {
            carry_out(late(delays, next, request)).await;
            hang_up()
        }
        Kind::Duplicate => {
            let (parts, _) = request.into_parts();
            let request = || Request::from_parts(parts.clone(), Body::from(seen.clone()));
            let twin = carry_out(late(delays.clone(), next.clone(), request()));
            // Both have ended before the answer leaves; the twin's is what nobody asked for.
            tokio::join!(late(delays, next, request()), twin).0
        }
        Kind::Latency => late(delays, next, request).await,
        Kind::Error => {
            wait(delays).await;
            let status = blow.status.and_then(|status| StatusCode::from_u16(status).ok());
            let status = status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            after(board.words.refuse(status, "A failure as asked for.", &seen), blow.retry_after)
        }
        Kind::Throttle => {
            wait(delays).await;
            let text = "Too many requests, as asked for.";
            after(board.words.refuse(StatusCode::TOO_MANY_REQUESTS, text, &seen), Some(1))
        }
        Kind::DropRequest => {
            wait(delays).await;
            hang_up()
        }
        Kind::Reorder => {
            if let Some(held) = held {
                held.wait(blow.delay_ms.map_or(OVERTAKEN_WITHIN, Duration::from_millis)).await;
            }
            late(delays, next, request).await
        }
        Kind::Cut => cut(late(delays, next, request).await).await,
        Kind::Trickle => {
            let pause = Duration::from_millis(blow.delay_ms.unwrap_or_default());
            trickle(late(delays, next, request).await, pause)
        }
        Kind::Malformed => malform(late(delays, next, request).await).await,
    }
}

async fn late(delays: Vec<Delay>, next: Next, request: Request) -> Response {
    wait(delays).await;
    next.run(request).await
}

async fn wait(delays: Vec<Delay>) {
    for delay in delays {
        delay.wait().await;
    }
}

/// Carries a request out to its end.
async fn carry_out(request: impl Future<Output = Response> + Send + 'static) {
    if let Err(error) = tokio::spawn(request).await {
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

/// An answer of which a byte comes after each pause.
fn trickle(response: Response, pause: Duration) -> Response {
    response.map(|body| {
        let bytes = body.into_data_stream().flat_map(|piece| {
            let single = |piece: Bytes| (0..piece.len()).map(move |at| Ok(piece.slice(at..=at)));
            match piece {
                Ok(piece) => stream::iter(single(piece)).left_stream(),
                Err(error) => stream::iter([Err(error)]).right_stream(),
            }
        });
        Body::from_stream(bytes.then(move |byte| async move {
            tokio::time::sleep(pause).await;
            byte
        }))
    })
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
