//! One delivery: the request that goes out and what came of it.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Request};
use serde::{Deserialize, Serialize};

use super::{
    deliver::Deliver,
    message::{self, CALLER_IP, Headers, Message},
    signature,
};

const DEFAULT_TIMEOUT: Duration = Duration::from_secs(30);

/// What came of an attempt. The status is 0 when there was no answer.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Outcome {
    pub status: u16,
    pub headers: Headers,
    #[serde(with = "message::body_text")]
    pub body: Bytes,
    pub error: Option<String>,
}

impl Outcome {
    pub fn failed(error: String) -> Self {
        Self { error: Some(error), ..Self::default() }
    }

    /// Redirects are not followed, so they are failures.
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// Whether the destination asks never to be tried again.
    pub fn is_final(&self) -> bool {
        let says_so = |(name, value): &(String, String)| {
            name == "upstash-nonretryable-error" && value.eq_ignore_ascii_case("true")
        };
        self.status == 489 && self.headers.iter().any(says_so)
    }

    pub fn header_map(&self) -> HeaderMap {
        let pairs = self.headers.iter();
        pairs.filter_map(|(name, value)| header(name, value)).collect()
    }
}

/// Sends one attempt and waits for its end. `now`: Unix seconds, for the signature.
pub async fn perform(deliver: Arc<dyn Deliver>, message: Arc<Message>, retried: u32, key: String, now: u64) -> Outcome {
    let request = match request(&message, retried, &key, now) {
        Ok(request) => request,
        Err(error) => return Outcome::failed(format!("cannot be sent: {error}")),
    };
    let timeout = message.how.timeout.map_or(DEFAULT_TIMEOUT, Duration::from_millis);
    match tokio::time::timeout(timeout, deliver.deliver(request)).await {
        Err(_) => Outcome::failed(format!("no answer within {timeout:?}")),
        Ok(Err(error)) => Outcome::failed(error),
        Ok(Ok(response)) => {
            let (parts, body) = response.into_parts();
            let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
            let headers = parts.headers.iter();
            Outcome {
                status: parts.status.as_u16(),
                headers: headers.map(|(name, v)| (name.to_string(), text(v))).collect(),
                body,
                error: None,
            }
        }
    }
}

fn request(message: &Message, retried: u32, key: &str, now: u64) -> Result<Request<Bytes>, http::Error> {
    let mut request =
        Request::builder().method(message.how.method.as_str()).uri(message.url.as_str()).body(message.body.clone())?;
    let headers = request.headers_mut();
    headers.reserve(message.how.headers.len() + 8);
    for (name, value) in &message.how.headers {
        if let Some((name, value)) = header(name, value) {
            headers.append(name, value);
        }
    }
    let signature = signature::sign(key, &message.url, &message.body, now);
    let retried = retried.to_string();
    let labels = message.how.labels.join(",");
    let own = [
        ("user-agent", Some("Upstash-QStash")),
        ("upstash-message-id", Some(message.id.as_str())),
        ("upstash-retried", Some(retried.as_str())),
        ("upstash-signature", Some(signature.as_str())),
        ("upstash-caller-ip", Some(CALLER_IP)),
        ("upstash-schedule-id", message.schedule_id.as_deref()),
        ("upstash-topic-name", message.member.as_ref().map(|member| member.group.as_str())),
        ("upstash-queue-name", message.how.queue.as_deref()),
        ("upstash-label", Some(labels.as_str()).filter(|l| !l.is_empty())),
    ];
    for (name, value) in own {
        if let Some((name, value)) = value.and_then(|value| header(name, value)) {
            headers.insert(name, value);
        }
    }
    Ok(request)
}

pub fn header(name: &str, value: &str) -> Option<(HeaderName, HeaderValue)> {
    let name = HeaderName::from_bytes(name.as_bytes()).ok()?;
    Some((name, HeaderValue::from_bytes(value.as_bytes()).ok()?))
}
