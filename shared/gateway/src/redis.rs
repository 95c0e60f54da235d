//! Redis over HTTP, as Upstash serves it. Redis only coordinates: every caller has a way to go on
//! without it.

use serde_json::Value;

use crate::{Malformed, Request, Response, excerpt, post};

/// Where Redis is.
#[derive(Clone, Debug)]
pub struct Redis {
    pub url: String,
    pub token: String,
}

/// Makes the request for one command.
///
/// # Errors
/// Where the configured address is not a URL.
pub fn command(redis: &Redis, words: &[&str]) -> Result<Request, Malformed> {
    let body = serde_json::to_vec(words).map_err(|error| Malformed(error.to_string()))?;
    post(&redis.url, &[("authorization", &format!("Bearer {}", redis.token))], body)
}

/// Reads its result.
///
/// # Errors
/// Where Redis refused, or said nothing that can be read.
pub fn result(response: &Response) -> Result<Value, Malformed> {
    let unclear = || Malformed(format!("Redis answered {} {}", response.status(), excerpt(response.body())));
    let mut answer: Value = serde_json::from_slice(response.body()).map_err(|_| unclear())?;
    answer.get_mut("result").map(Value::take).ok_or_else(unclear)
}
