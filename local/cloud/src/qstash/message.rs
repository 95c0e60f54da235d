//! A message and what its publisher asked for, in the form the journal keeps.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value, json};

use super::{
    flow::Flow,
    group::Member,
    redact::{self, Redact},
    workflow::{Link, Part},
};
use crate::text::random_id;

/// Headers in the order they came; names may repeat.
pub type Headers = Vec<(String, String)>;

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Message {
    pub id: String,
    /// The exact destination, never normalised.
    pub url: String,
    #[serde(with = "body_text")]
    pub body: Bytes,
    pub how: Instructions,
    /// Unix milliseconds, as all times here.
    pub created_at: u64,
    pub not_before: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schedule_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub member: Option<Member>,
    /// The place in a queue that a callback keeps occupied.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slot: Option<Slot>,
    /// Of a message of a workflow run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workflow: Option<Link>,
}

/// What the `Upstash-*` headers of a publish say.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Instructions {
    pub method: String,
    /// Sent along: the forwarded headers and the content type.
    pub headers: Headers,
    pub retries: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_delay: Option<String>,
    /// Milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<u64>,
    /// Milliseconds; counts from the publish, or from each firing.
    #[serde(default)]
    pub delay: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub callback: Option<Box<Callback>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure_callback: Option<Box<Callback>>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub labels: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub flow: Option<Flow>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub queue: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dedup: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub redact: Option<Redact>,
}

/// Where to report to, and how.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Callback {
    pub url: String,
    pub how: Instructions,
    /// Where the report is a message of a workflow run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workflow: Option<Link>,
}

/// A place in a queue: the queue's name and the message that took it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Slot {
    pub queue: String,
    pub holder: String,
}

impl Message {
    pub fn new(url: String, body: Bytes, how: Instructions, now: u64) -> Self {
        Self {
            id: random_id("msg_"),
            url,
            body,
            not_before: now.saturating_add(how.delay),
            how,
            created_at: now,
            schedule_id: None,
            member: None,
            slot: None,
            workflow: None,
        }
    }

    /// The place this message or its callbacks occupy.
    pub fn slot(&self) -> Option<Slot> {
        let own = || {
            let queue = self.how.queue.clone()?;
            Some(Slot { queue, holder: self.id.clone() })
        };
        self.slot.clone().or_else(own)
    }

    /// The workflow run that begins with it.
    pub fn begins(&self) -> Option<&str> {
        let link = self.workflow.as_ref()?;
        matches!(link.part, Part::First(_)).then_some(link.run.as_str())
    }

    /// The headers and the body as whoever asks may read them.
    pub fn shown_headers(&self) -> Headers {
        let headers = &self.how.headers;
        self.how.redact.as_ref().map_or_else(|| headers.clone(), |redact| redact.headers(headers))
    }

    pub fn shown_body(&self) -> Bytes {
        match self.how.redact.as_ref().is_some_and(|redact| redact.body) {
            true => redact::mark(&self.body).into(),
            false => self.body.clone(),
        }
    }

    /// The `Message` shape of the API.
    pub fn to_json(&self) -> Map<String, Value> {
        let how = &self.how;
        let mut json = Map::new();
        let mut put = |name: &str, value: Value| {
            if !value.is_null() {
                json.insert(name.to_owned(), value);
            }
        };
        put("messageId", json!(self.id));
        put("url", json!(self.url));
        put("topicName", json!(self.member.as_ref().map(|member| &member.group)));
        put("endpointName", json!(self.member.as_ref().and_then(|member| member.endpoint.as_ref())));
        put("method", json!(how.method));
        put("header", header_map(&self.shown_headers()));
        match std::str::from_utf8(&self.shown_body()) {
            Ok(text) => put("body", json!(text)),
            Err(_) => put("bodyBase64", json!(STANDARD.encode(&self.body))),
        }
        put("maxRetries", json!(how.retries));
        put("retryDelayExpression", json!(how.retry_delay));
        put("notBefore", json!(self.not_before));
        put("createdAt", json!(self.created_at));
        put("callback", json!(how.callback.as_ref().map(|c| &c.url)));
        put("failureCallback", json!(how.failure_callback.as_ref().map(|c| &c.url)));
        put("queueName", json!(how.queue));
        put("scheduleId", json!(self.schedule_id));
        put("callerIP", json!(CALLER_IP));
        put("label", json!(how.labels.first()));
        if !how.labels.is_empty() {
            put("labels", json!(how.labels));
        }
        if let Some(flow) = &how.flow {
            put("flowControlKey", json!(flow.key));
            put("parallelism", json!(flow.parallelism));
            put("rate", json!(flow.rate));
            put("period", json!(flow.rate.map(|_| flow.period / 1000)));
        }
        json
    }
}

/// All callers are on this machine.
pub const CALLER_IP: &str = "127.0.0.1";

/// A map of arrays, `{"Content-Type":["text/plain"]}`.
pub fn header_map<'a>(headers: impl IntoIterator<Item = &'a (String, String)>) -> Value {
    let mut map = Map::new();
    for (name, value) in headers {
        let values = map.entry(canonical(name)).or_insert_with(|| json!([]));
        if let Value::Array(values) = values {
            values.push(json!(value));
        }
    }
    Value::Object(map)
}

/// `content-type` as `Content-Type`, the spelling the service reports.
fn canonical(name: &str) -> String {
    let mut start = true;
    let spell = |c: char| {
        let c = if start { c.to_ascii_uppercase() } else { c };
        start = c == '-';
        c
    };
    name.chars().map(spell).collect()
}

/// Bodies as base64 text.
pub mod body_text {
    use super::*;

    pub fn serialize<S: Serializer>(body: &Bytes, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&STANDARD.encode(body))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Bytes, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        let body = STANDARD.decode(text.as_bytes());
        body.map(Bytes::from).map_err(serde::de::Error::custom)
    }
}
