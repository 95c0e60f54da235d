//! The queue: at least once, in any order, with its window of deduplication, its retries and its
//! signatures.

use std::collections::BTreeMap;

use bytes::Bytes;
use http::HeaderMap;
use makegood_gateway::{Request, Response, jwt};
use serde::Serialize;
use serde_json::json;

use crate::answer;
use crate::rng::Rng;

pub const CURRENT_KEY: &str = "sig_current";
pub const NEXT_KEY: &str = "sig_next";

/// An id of deduplication is remembered for so long.
const WINDOW: u64 = 600_000;

#[derive(Clone, Debug)]
pub struct Message {
    pub destination: String,
    pub body: Bytes,
    /// Failed deliveries so far.
    pub retried: u32,
    pub retries: u32,
    pub not_before: u64,
}

#[derive(Default)]
pub struct Queue {
    pub messages: BTreeMap<u64, Message>,
    seen: BTreeMap<String, u64>,
    next: u64,
}

impl Queue {
    /// Takes a message over; the id of a new one.
    pub fn serve(&mut self, request: &Request, now: u64) -> (Response, Option<u64>) {
        let header = |name: &str| request.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let path = request.uri().to_string();
        let Some((_, destination)) = path.split_once("/v2/publish/") else {
            return (answer(404, &json!({"error": "no such address"})), None);
        };
        if header("upstash-retry-delay") != "min(60000, 500 * pow(2, retried))" {
            return (answer(400, &json!({"error": "this queue knows one retry delay"})), None);
        }
        let id = header("upstash-deduplication-id").to_owned();
        if !id.is_empty() && self.seen.get(&id).is_some_and(|at| at + WINDOW > now) {
            return (answer(202, &json!({"messageId": "msg_old", "deduplicated": true})), None);
        }
        self.seen.insert(id, now);
        self.next += 1;
        let message = Message {
            destination: destination.to_owned(),
            body: request.body().clone(),
            retried: 0,
            retries: header("upstash-retries").parse().unwrap_or(3),
            not_before: header("upstash-not-before").parse::<u64>().unwrap_or(0) * 1000,
        };
        self.messages.insert(self.next, message);
        (answer(201, &json!({"messageId": format!("msg_{}", self.next)})), Some(self.next))
    }

    /// A delivery was not answered with 2xx: when to try again, or never.
    pub fn failed(&mut self, id: u64, retry_after: Option<u64>) -> Option<u64> {
        let message = self.messages.get_mut(&id)?;
        if message.retried >= message.retries {
            self.messages.remove(&id);
            return None;
        }
        let wait = retry_after.map_or((500_u64 << message.retried.min(10)).min(60_000), |seconds| seconds * 1000);
        message.retried += 1;
        Some(wait)
    }
}

/// What a delivery's token says.
#[derive(Serialize)]
struct Claims<'a> {
    iss: &'a str,
    sub: &'a str,
    iat: u64,
    nbf: u64,
    exp: u64,
    jti: &'a str,
    body: String,
}

/// The signed request that the queue makes of a message.
pub fn delivery(destination: &str, body: &Bytes, retried: u32, now: u64, rng: &mut Rng) -> Request {
    let key = if rng.chance(800) { CURRENT_KEY } else { NEXT_KEY };
    let seconds = now / 1000;
    let claims = Claims {
        iss: "Upstash",
        sub: destination,
        iat: seconds,
        nbf: seconds,
        exp: seconds + 300,
        jti: "jwt_1",
        body: jwt::body_hash(body),
    };
    let mut request = Request::new(body.clone());
    *request.method_mut() = http::Method::POST;
    *request.uri_mut() = destination.parse().unwrap_or_default();
    let mut headers = HeaderMap::new();
    if let (Ok(signature), Ok(retried)) = (jwt::sign(&claims, key).parse(), retried.to_string().parse()) {
        headers.insert("upstash-signature", signature);
        headers.insert("upstash-retried", retried);
    }
    *request.headers_mut() = headers;
    request
}
