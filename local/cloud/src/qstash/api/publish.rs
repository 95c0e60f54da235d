//! `POST /v2/publish/..`, `/v2/enqueue/{queue}/..`, `/v2/batch`.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{Answer, Call, Refusal, ok};
use crate::qstash::{
    group,
    intake::Receipt,
    message::{Instructions, Message},
    publish,
    workflow::submit,
};

/// As many messages may one request become, for groups multiply them.
const MAX_MESSAGES: usize = 10_000;

pub fn publish(call: &Call) -> Answer {
    let rest = call.rest.strip_prefix("publish/").unwrap_or("");
    one(call, rest, None)
}

pub fn enqueue(call: &Call, queue: &str) -> Answer {
    let rest = call.rest.splitn(3, '/').nth(2).unwrap_or("");
    one(call, rest, Some(queue.to_owned()))
}

fn one(call: &Call, rest: &str, queue: Option<String>) -> Answer {
    let messages = messages(call, &call.headers, rest, call.body.clone(), queue)?;
    let told = answers(call, vec![messages])?.pop().unwrap_or_default();
    let status = if nothing_new(&told) { StatusCode::ACCEPTED } else { StatusCode::OK };
    Ok((status, told))
}

/// Whether all of it had been accepted before.
fn nothing_new(told: &Value) -> bool {
    match told {
        Value::Array(all) => all.iter().all(nothing_new),
        Value::Object(one) => one.get("deduplicated") == Some(&Value::Bool(true)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}

/// What is to be published, and where: an address, or a group.
pub struct Order {
    pub destination: String,
    pub body: Bytes,
    pub how: Instructions,
    pub at: u64,
}

/// Reads what is to be published off headers and body.
pub fn order(
    call: &Call,
    headers: &HeaderMap,
    rest: &str,
    body: Bytes,
    queue: Option<String>,
) -> Result<Order, Refusal> {
    let destination = destination(call, rest, &body)?;
    let at = call.courier.state().now();
    let mut how = publish::instructions(headers, at).map_err(Refusal::bad)?;
    publish::within_plan(&how).map_err(Refusal::over_quota)?;
    if how.dedup.is_none() {
        how.dedup = publish::content_id(headers, &destination, &body, &how);
    }
    if let Some(queue) = queue {
        publish::check_name("queue", &queue).map_err(Refusal::bad)?;
        how.queue = Some(queue);
    }
    Ok(Order { destination, body, how, at })
}

/// Where to, if the message is not too large to go there.
fn destination(call: &Call, rest: &str, body: &Bytes) -> Result<String, Refusal> {
    let destination = publish::destination(rest).map_err(Refusal::bad)?;
    let limit = call.courier.max_message_bytes;
    if body.len() > limit {
        let text = format!("the message has {} bytes, the limit is {limit}", body.len());
        return Err(Refusal(StatusCode::PAYLOAD_TOO_LARGE, text));
    }
    Ok(destination)
}

/// The messages that a publish becomes, and whether they are a group's.
fn messages(
    call: &Call,
    headers: &HeaderMap,
    rest: &str,
    body: Bytes,
    queue: Option<String>,
) -> Result<(bool, Vec<Message>), Refusal> {
    if let Some(run) = submit::run_id(headers) {
        let url = destination(call, rest, &body)?;
        if queue.is_some() || !publish::has_scheme(&url) {
            return Err(Refusal::bad("what belongs to a workflow run goes to an address, without a queue"));
        }
        let state = call.courier.state();
        let message = submit::message(&state.workflows, &run, headers, &url, body, state.now())?;
        return Ok((false, vec![message]));
    }
    let Order { destination, body, how, at } = &order(call, headers, rest, body, queue)?;
    let messages = group::address(&call.courier.state().groups, destination, body, how, *at);
    let messages = messages.ok_or_else(|| Refusal::missing(&format!("url group '{destination}'")))?;
    if messages.is_empty() {
        return Err(Refusal::bad(format!("the url group '{destination}' has no endpoints")));
    }
    Ok((!publish::has_scheme(destination), messages))
}

/// Takes them all on, or none; a group's answer is an array.
fn answers(call: &Call, orders: Vec<(bool, Vec<Message>)>) -> Result<Vec<Value>, Refusal> {
    let shape: Vec<(bool, Vec<String>)> = orders
        .iter()
        .map(|(group, messages)| (*group, messages.iter().map(|message| message.url.clone()).collect()))
        .collect();
    let messages: Vec<Message> = orders.into_iter().flat_map(|(_, messages)| messages).collect();
    if messages.len() > MAX_MESSAGES {
        let text = format!("a request becomes at most {MAX_MESSAGES} messages, and this one {}", messages.len());
        return Err(Refusal(StatusCode::PAYLOAD_TOO_LARGE, text));
    }
    let receipts = call.courier.with(|state| {
        state.workflows.admit(&messages)?;
        Ok::<_, Refusal>(state.accept(messages)?)
    })?;
    let mut receipts = receipts.into_iter();
    let told = shape.into_iter().map(|(group, urls)| {
        let mut told = urls.iter().zip(receipts.by_ref()).map(|(url, receipt)| to_json(&receipt, group.then_some(url)));
        if group { told.collect() } else { told.next().unwrap_or_default() }
    });
    Ok(told.collect())
}

fn to_json(receipt: &Receipt, url: Option<&String>) -> Value {
    let mut told = json!({ "messageId": receipt.id });
    if receipt.deduplicated {
        told["deduplicated"] = Value::Bool(true);
    }
    if let Some(url) = url {
        told["url"] = json!(url);
    }
    told
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
    let orders = items.into_iter().map(|item| {
        let headers = header_map(&item.headers)?;
        let body = match item.body {
            Value::Null => Bytes::new(),
            Value::String(text) => text.into(),
            // The workflow SDK puts objects here.
            other @ (Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_)) => {
                other.to_string().into()
            }
        };
        messages(call, &headers, &item.destination, body, item.queue)
    });
    let orders = orders.collect::<Result<Vec<_>, _>>()?;
    ok(answers(call, orders)?.into())
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
        let pair = HeaderName::from_bytes(name.as_bytes()).ok().zip(HeaderValue::from_bytes(text.as_bytes()).ok());
        let (name, value) = pair.ok_or_else(|| Refusal::bad(format!("invalid header '{name}'")))?;
        map.append(name, value);
    }
    Ok(map)
}
