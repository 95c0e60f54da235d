//! `POST /v2/publish/..`, `/v2/enqueue/{queue}/..`, `/v2/batch`.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{Answer, Call, Refusal, ok, queues};
use crate::qstash::{intake::Receipt, message::Message, publish};

pub fn publish(call: &Call) -> Answer {
    let rest = call.rest.strip_prefix("publish/").unwrap_or("");
    one(call, rest, None)
}

pub fn enqueue(call: &Call, queue: &str) -> Answer {
    let rest = call.rest.splitn(3, '/').nth(2).unwrap_or("");
    one(call, rest, Some(queue.to_owned()))
}

fn one(call: &Call, rest: &str, queue: Option<String>) -> Answer {
    let message = message(call, &call.headers, rest, call.body.clone(), queue)?;
    let receipts = call.courier.with(|state| state.accept(vec![message]))?;
    match receipts.first() {
        Some(receipt) if receipt.deduplicated => Ok((StatusCode::ACCEPTED, to_json(receipt))),
        Some(receipt) => ok(to_json(receipt)),
        None => ok(Value::Null),
    }
}

fn to_json(receipt: &Receipt) -> Value {
    match receipt.deduplicated {
        true => json!({ "messageId": receipt.id, "deduplicated": true }),
        false => json!({ "messageId": receipt.id }),
    }
}

/// Reads one message off headers and body.
pub fn message(
    call: &Call,
    headers: &HeaderMap,
    rest: &str,
    body: Bytes,
    queue: Option<String>,
) -> Result<Message, Refusal> {
    let url = publish::destination(rest).map_err(Refusal::bad)?;
    let limit = call.courier.max_message_bytes;
    if body.len() > limit {
        let text = format!("the message has {} bytes, the limit is {limit}", body.len());
        return Err(Refusal(StatusCode::PAYLOAD_TOO_LARGE, text));
    }
    let now = call.courier.state().now();
    let mut how = publish::instructions(headers, now).map_err(Refusal::bad)?;
    if how.dedup.is_none() {
        how.dedup = publish::content_id(headers, &url, &body, &how);
    }
    if let Some(queue) = queue {
        queues::check_name(&queue)?;
        how.queue = Some(queue);
    }
    Ok(Message::new(url, body, how, now))
}

#[derive(Deserialize)]
struct Item {
    destination: String,
    #[serde(default)]
    headers: Map<String, Value>,
    #[serde(default)]
    body: Value,
    queue: Option<String>,
}

pub fn batch(call: &Call) -> Answer {
    let items: Vec<Item> = serde_json::from_slice(&call.body)
        .map_err(|error| Refusal::bad(format!("the body is not a batch: {error}")))?;
    let messages = items.into_iter().map(|item| {
        let headers = header_map(&item.headers)?;
        let body = match item.body {
            Value::Null => Bytes::new(),
            Value::String(text) => text.into(),
            // The workflow SDK puts objects here.
            other @ (Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_)) => {
                other.to_string().into()
            }
        };
        message(call, &headers, &item.destination, body, item.queue)
    });
    let messages = messages.collect::<Result<Vec<_>, _>>()?;
    let receipts = call.courier.with(|state| state.accept(messages))?;
    ok(receipts.iter().map(to_json).collect())
}

fn header_map(headers: &Map<String, Value>) -> Result<HeaderMap, Refusal> {
    let mut map = HeaderMap::with_capacity(headers.len());
    for (name, value) in headers {
        let text = match value {
            Value::String(text) => text.clone(),
            other @ (Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_)) => {
                other.to_string()
            }
        };
        let pair = HeaderName::from_bytes(name.as_bytes()).ok().zip(HeaderValue::from_str(&text).ok());
        let (name, value) = pair.ok_or_else(|| Refusal::bad(format!("invalid header '{name}'")))?;
        map.append(name, value);
    }
    Ok(map)
}
