//! A completion as server-sent events.

use std::{convert::Infallible, io, time::Duration};

use axum::{body::Body, response::Response};
use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use http::{HeaderValue, header};
use serde_json::{Value, json};

use super::{
    completion::Completion,
    reply::{Call, Reply},
};

/// How much of a text is in a chunk.
const WORDS: usize = 3;
/// How much of a call's arguments is.
const CHARACTERS: usize = 12;
/// What was sent before a stream breaks off is to reach its reader.
const BEFORE_THE_CUT: Duration = Duration::from_millis(50);

/// How a stream goes wrong.
#[derive(Clone, Copy, Default)]
pub struct Defects {
    pub cut: bool,
    pub malformed: bool,
}

/// A chunk is made when the one before is gone, so nothing is made for a reader who has hung up.
pub fn respond(completion: &Completion, with_usage: bool, defects: Defects) -> Response {
    let mut events: Vec<String> = chunks(completion, with_usage).iter().map(event).collect();
    events.push("data: [DONE]\n\n".to_owned());
    let middle = events.len() / 2;
    if defects.malformed
        && let Some(event) = events.get_mut(middle)
    {
        *event = "data: {\"id\":\"chatcmpl-\n\n".to_owned();
    }
    let body = if defects.cut {
        events.truncate(middle.max(1));
        let end = stream::once(async {
            tokio::time::sleep(BEFORE_THE_CUT).await;
            Err(io::Error::from(io::ErrorKind::ConnectionReset))
        });
        Body::from_stream(stream::iter(events).map(|event| Ok(Bytes::from(event))).chain(end))
    } else {
        Body::from_stream(stream::iter(events).map(|event| Ok::<_, Infallible>(Bytes::from(event))))
    };
    let mut response = Response::new(body);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream; charset=utf-8"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    response
}

fn event(chunk: &Value) -> String {
    format!("data: {chunk}\n\n")
}

fn chunks(completion: &Completion, with_usage: bool) -> Vec<Value> {
    let envelope = |choices: Value, usage: Value| {
        let mut chunk = json!({
            "id": completion.id, "object": "chat.completion.chunk", "created": completion.created,
            "model": completion.model, "system_fingerprint": super::api::FINGERPRINT, "choices": choices,
        });
        if with_usage {
            chunk["usage"] = usage;
        }
        chunk
    };
    let mut chunks = Vec::new();
    for index in 0..completion.choices {
        let mut say = |delta: Value, finish: Value| {
            let choice = json!([{"index": index, "delta": delta, "logprobs": null, "finish_reason": finish}]);
            chunks.push(envelope(choice, Value::Null));
        };
        for delta in deltas(completion, index) {
            say(delta, Value::Null);
        }
        say(json!({}), json!(completion.finish));
    }
    if with_usage {
        chunks.push(envelope(json!([]), completion.usage()));
    }
    chunks
}

fn deltas(completion: &Completion, choice: usize) -> Vec<Value> {
    match &completion.reply {
        Reply::Text(text) => {
            let mut deltas = vec![json!({"role": "assistant", "content": "", "refusal": null})];
            deltas.extend(few_words(text).into_iter().map(|piece| json!({"content": piece})));
            deltas
        }
        Reply::Refusal(text) => {
            let mut deltas = vec![json!({"role": "assistant", "content": null, "refusal": ""})];
            deltas.extend(few_words(text).into_iter().map(|piece| json!({"refusal": piece})));
            deltas
        }
        Reply::Calls(calls) => {
            let mut deltas = vec![json!({"role": "assistant", "content": null})];
            for (i, Call { name, arguments }) in calls.iter().enumerate() {
                deltas.push(json!({"tool_calls": [{
                    "index": i, "id": completion.call_id(choice, i), "type": "function",
                    "function": {"name": name, "arguments": ""},
                }]}));
                let characters: Vec<char> = arguments.chars().collect();
                deltas.extend(characters.chunks(CHARACTERS).map(|piece| {
                    let piece: String = piece.iter().collect();
                    json!({"tool_calls": [{"index": i, "function": {"arguments": piece}}]})
                }));
            }
            deltas
        }
    }
}

/// Pieces of a few words that joined are the text again.
fn few_words(text: &str) -> Vec<String> {
    let words: Vec<&str> = text.split_inclusive(char::is_whitespace).collect();
    words.chunks(WORDS).map(<[&str]>::concat).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pieces_are_the_text_again() {
        for text in ["", "one", "a b  c\nd e f ", " leading"] {
            assert_eq!(few_words(text).concat(), text);
        }
    }
}
