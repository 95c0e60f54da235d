//! A QStash, and a destination that keeps what it was sent.

use std::{
    collections::HashMap,
    future::Future,
    path::Path,
    pin::Pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use axum::body::Body;
use bytes::Bytes;
use http::{HeaderMap, Request, Response, StatusCode};
use makegood_cloud::{Clock, Deliver, QStash, qstash::Options};
use serde_json::Value;
use tower::ServiceExt as _;

/// One request that reached the destination.
#[derive(Clone)]
pub struct Seen {
    pub at: Instant,
    pub method: String,
    pub url: String,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Seen {
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

/// What a destination answers.
#[derive(Clone)]
pub struct Reply {
    pub status: u16,
    pub headers: Vec<(&'static str, String)>,
    pub after: Duration,
}

pub fn reply(status: u16) -> Reply {
    Reply { status, headers: Vec::new(), after: Duration::ZERO }
}

impl Reply {
    pub fn with(mut self, name: &'static str, value: impl ToString) -> Self {
        self.headers.push((name, value.to_string()));
        self
    }

    pub fn after(mut self, millis: u64) -> Self {
        self.after = Duration::from_millis(millis);
        self
    }
}

type Script = Box<dyn Fn(&Seen, usize) -> Reply + Send + Sync>;

/// The destination. The script gets the request and how many came before it
/// to the same URL.
pub struct Inbox {
    seen: Mutex<Vec<Seen>>,
    counts: Mutex<HashMap<String, usize>>,
    script: Script,
    inside: AtomicUsize,
    pub most_inside: AtomicUsize,
}

impl Inbox {
    pub fn new(script: impl Fn(&Seen, usize) -> Reply + Send + Sync + 'static) -> Arc<Self> {
        Arc::new(Self {
            seen: Mutex::default(),
            counts: Mutex::default(),
            script: Box::new(script),
            inside: AtomicUsize::new(0),
            most_inside: AtomicUsize::new(0),
        })
    }

    pub fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    pub fn to(&self, url: &str) -> Vec<Seen> {
        self.seen().into_iter().filter(|seen| seen.url == url).collect()
    }

    /// Waits until `n` requests have come, and returns them.
    pub async fn wait(&self, n: usize) -> Vec<Seen> {
        for _ in 0..1_000 {
            if self.seen.lock().unwrap().len() >= n {
                return self.seen();
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        panic!("only {} of {n} requests came", self.seen().len());
    }
}

impl Deliver for Inbox {
    fn deliver(
        &self,
        request: Request<Bytes>,
    ) -> Pin<Box<dyn Future<Output = Result<Response<Bytes>, String>> + Send + '_>> {
        let (parts, body) = request.into_parts();
        let seen = Seen {
            at: Instant::now(),
            method: parts.method.to_string(),
            url: parts.uri.to_string(),
            headers: parts.headers,
            body,
        };
        let mut counts = self.counts.lock().unwrap();
        let count = counts.entry(seen.url.clone()).or_default();
        let reply = (self.script)(&seen, *count);
        *count += 1;
        drop(counts);
        self.seen.lock().unwrap().push(seen);
        let inside = self.inside.fetch_add(1, Ordering::SeqCst) + 1;
        self.most_inside.fetch_max(inside, Ordering::SeqCst);
        Box::pin(async move {
            tokio::time::sleep(reply.after).await;
            self.inside.fetch_sub(1, Ordering::SeqCst);
            if reply.status == 0 {
                return Err("connection refused".to_owned());
            }
            let mut response = Response::builder().status(reply.status);
            for (name, value) in &reply.headers {
                response = response.header(*name, value);
            }
            Ok(response.body(Bytes::from_static(b"answer")).unwrap())
        })
    }
}

/// A started QStash in memory whose clock runs `scale` times as fast.
pub fn fast(inbox: &Arc<Inbox>, scale: f64) -> QStash {
    let qstash = open(inbox, Options { clock: Clock::scaled(scale), ..Options::default() });
    qstash.start();
    qstash
}

pub fn stored_in(folder: &Path) -> Options {
    Options { data_dir: Some(folder.to_owned()), ..Options::default() }
}

pub fn open(inbox: &Arc<Inbox>, options: Options) -> QStash {
    QStash::open(options, inbox.clone()).unwrap()
}

/// Calls the API as the default user.
pub async fn call(
    qstash: &QStash,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: impl Into<Body>,
) -> (StatusCode, Value) {
    let token = format!("Bearer {}", Options::default().token);
    let mut request = Request::builder().method(method).uri(path).header("authorization", token);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    send(qstash, request.body(body.into()).unwrap()).await
}

pub async fn send(qstash: &QStash, request: Request<Body>) -> (StatusCode, Value) {
    let response = qstash.router().oneshot(request).await.unwrap();
    let status = response.status();
    let body = axum::body::to_bytes(response.into_body(), usize::MAX).await.unwrap();
    (status, serde_json::from_slice(&body).unwrap())
}

pub async fn get(qstash: &QStash, path: &str) -> Value {
    call(qstash, "GET", path, &[], "").await.1
}

/// Publishes to `url` and returns the message id.
pub async fn publish(qstash: &QStash, url: &str, headers: &[(&str, &str)], body: &str) -> String {
    let path = format!("/v2/publish/{url}");
    let (status, answer) = call(qstash, "POST", &path, headers, body.to_owned()).await;
    assert_eq!(status, StatusCode::OK, "{answer}");
    answer["messageId"].as_str().unwrap().to_owned()
}

pub async fn drained(qstash: &QStash) {
    for _ in 0..1_000 {
        if qstash.depth() == 0 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("{} messages are left", qstash.depth());
}
