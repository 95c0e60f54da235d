//! Publishing: one message or several, on one channel or many.

use http::HeaderMap;
use rmpv::Value;

use super::{
    Inner,
    auth::Grant,
    capability::Operation,
    fault::Fault,
    message::Message,
    name,
    wire::{Wire, field},
};

/// What the messages of one request may weigh.
const MAX_BYTES: usize = 65_536;
const MAX_CHANNELS: usize = 100;

/// One message or an array of them.
pub fn read(body: &Value) -> Result<Vec<Message>, Fault> {
    let Value::Array(messages) = body else { return Ok(vec![Message::read(body)?]) };
    if messages.is_empty() {
        return Err(Fault::bad("there is no message"));
    }
    messages.iter().map(Message::read).collect()
}

/// A body that is the payload itself; the rest is in headers or the query.
pub fn read_payload(
    body: &[u8],
    media: &str,
    headers: &HeaderMap,
    query: &[(String, String)],
) -> Result<Vec<Message>, Fault> {
    let payload = match media {
        "application/json" => Wire::Json.read(body)?,
        "application/x-msgpack" => Wire::MessagePack.read(body)?,
        media if media.is_empty() || media.starts_with("text/") => {
            let text = std::str::from_utf8(body).map_err(|_| Fault::data("the data is not valid UTF-8"))?;
            text.into()
        }
        _ => Value::Binary(body.to_vec()),
    };
    let named = |header: &str, parameter: &str| {
        let given = headers.get(header).and_then(|value| value.to_str().ok()).map(str::to_owned);
        given.or_else(|| query.iter().find(|(name, _)| name == parameter).map(|(_, value)| value.clone()))
    };
    let message = Message::of((!payload.is_nil()).then_some(&payload))?;
    Ok(vec![Message { id: named("x-ably-messageid", "id"), name: named("x-ably-name", "name"), ..message }])
}

/// Publishes all or none, and gives the answer.
pub fn publish(inner: &Inner, grant: &Grant, channel: &str, mut messages: Vec<Message>) -> Result<Value, Fault> {
    grant.capability.check(channel, Operation::Publish)?;
    let size: usize = messages.iter().map(Message::size).sum();
    if size > MAX_BYTES {
        let message = format!("maximum message size exceeded (was {size} bytes, against a limit of {MAX_BYTES} bytes)");
        return Err(Fault { code: 40009, ..Fault::bad(message) });
    }
    check_ids(&messages)?;
    let base = format!("{:016x}", rand::random::<u64>());
    for (i, message) in messages.iter_mut().enumerate() {
        message.client_id = grant.client(message.client_id.take())?;
        message.id.get_or_insert_with(|| format!("{base}:{i}"));
    }
    let first = messages.first().and_then(|message| message.id.clone()).unwrap_or_default();
    let message_id = first.rsplit_once(':').map_or(first.as_str(), |(base, _)| base);
    let now = inner.clock.now();
    let serials: Vec<Value> = {
        let mut channels = inner.channels();
        messages.into_iter().map(|message| channels.publish(channel, message, now).serial().into()).collect()
    };
    inner.news.send_replace(());
    Ok(Value::Map(vec![
        ("channel".into(), channel.into()),
        ("messageId".into(), message_id.into()),
        ("serials".into(), Value::Array(serials)),
    ]))
}

/// One message may have any id but an empty one. Several are known as one, by
/// `<base>:0`, `<base>:1` and so on, or have none (RSL1k).
fn check_ids(messages: &[Message]) -> Result<(), Fault> {
    let ids: Vec<&str> = messages.iter().filter_map(|message| message.id.as_deref()).collect();
    match ids.as_slice() {
        [] => Ok(()),
        [id] if messages.len() == 1 && !id.is_empty() => Ok(()),
        [_] if messages.len() == 1 => Err(Fault::message_id("the id of a message may not be empty: leave it out")),
        [first, ..] => {
            let base = first.strip_suffix(":0").filter(|base| !base.is_empty());
            let numbered = base.is_some_and(|base| ids.iter().enumerate().all(|(i, id)| **id == format!("{base}:{i}")));
            if numbered && ids.len() == messages.len() {
                return Ok(());
            }
            Err(Fault::message_id("the ids of several messages must be <base>:0, <base>:1 and so on, or be left out"))
        }
    }
}

/// `{channels, messages}`, or an array of such; each channel succeeds or fails by itself.
pub fn batch(inner: &Inner, grant: &Grant, body: &Value) -> Result<Value, Fault> {
    let Value::Array(specs) = body else { return one_of_batch(inner, grant, body) };
    specs.iter().map(|spec| one_of_batch(inner, grant, spec)).collect::<Result<_, _>>().map(Value::Array)
}

fn one_of_batch(inner: &Inner, grant: &Grant, spec: &Value) -> Result<Value, Fault> {
    let wrong = || Fault::bad("a batch needs channels, and messages for them");
    let named = field(spec, "channels").ok_or_else(wrong)?;
    let names = if let Value::Array(names) = named { names.as_slice() } else { std::slice::from_ref(named) };
    let channels = names.iter().map(|name| name.as_str().ok_or_else(wrong)).collect::<Result<Vec<_>, _>>()?;
    if channels.is_empty() || channels.len() > MAX_CHANNELS {
        return Err(Fault::bad(format!("a batch is for 1 to {MAX_CHANNELS} channels")));
    }
    let messages = read(field(spec, "messages").ok_or_else(wrong)?)?;
    let mut failed = 0;
    let results: Vec<Value> = channels
        .iter()
        .map(|channel| {
            let published = name::read(channel).and_then(|name| publish(inner, grant, &name.channel, messages.clone()));
            published.unwrap_or_else(|fault| {
                failed += 1;
                Value::Map(vec![("channel".into(), (*channel).into()), ("error".into(), fault.body())])
            })
        })
        .collect();
    Ok(Value::Map(vec![
        ("successCount".into(), (results.len() - failed).into()),
        ("failureCount".into(), failed.into()),
        ("results".into(), Value::Array(results)),
    ]))
}
