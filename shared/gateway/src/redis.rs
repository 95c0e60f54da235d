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

/// A script, and the SHA-1 by which Redis knows it once it has seen it.
#[derive(Clone, Copy, Debug)]
pub struct Script {
    pub text: &'static str,
    pub digest: &'static str,
}

impl Script {
    /// The words before its arguments: by its digest, or with the whole of it where Redis has not seen it yet.
    #[must_use]
    pub fn words(&self, keys: &[&str], whole: bool) -> Vec<String> {
        let (verb, script) = if whole { ("EVAL", self.text) } else { ("EVALSHA", self.digest) };
        let count = keys.len().to_string();
        [verb, script, count.as_str()].iter().chain(keys).map(|word| (*word).to_owned()).collect()
    }
}

/// Whether Redis has yet to be told the whole script.
#[must_use]
pub fn is_unknown(cause: &str) -> bool {
    cause.contains("NOSCRIPT")
}

/// Makes the request for several commands, which are carried out in order.
///
/// # Errors
/// Where the configured address is not a URL.
pub fn pipeline(redis: &Redis, commands: &[&[&str]]) -> Result<Request, Malformed> {
    let body = serde_json::to_vec(commands).map_err(|error| Malformed(error.to_string()))?;
    let url = format!("{}/pipeline", redis.url.trim_end_matches('/'));
    post(&url, &[("authorization", &format!("Bearer {}", redis.token))], body)
}

/// Reads the results of several commands.
///
/// # Errors
/// Where Redis refused one of them, or said nothing that can be read.
pub fn results(response: &Response) -> Result<Vec<Value>, Malformed> {
    let unclear = || Malformed(format!("Redis answered {} {}", response.status(), excerpt(response.body())));
    let answers: Vec<Value> = serde_json::from_slice(response.body()).map_err(|_| unclear())?;
    answers.into_iter().map(|mut answer| answer.get_mut("result").map(Value::take).ok_or_else(unclear)).collect()
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
