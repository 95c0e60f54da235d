//! A completion as server-sent events.

use std::{convert::Infallible, sync::Arc};

use axum::{body::Body, response::Response};
use bytes::Bytes;
use futures_util::stream;
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
/// The events of a choice are made when those of the one before are gone; a reader who hangs up gets no more.
pub fn respond(completion: Completion, with_usage: bool) -> Response {
    let events = events(Arc::new(completion), with_usage).map(|event| Ok::<_, Infallible>(Bytes::from(event)));
    let mut response = Response::new(Body::from_stream(stream::iter(events)));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream; charset=utf-8"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    response
}

fn events(completion: Arc<Completion>, with_usage: bool) -> impl Iterator<Item = String> + Send {
    let end = with_usage.then(|| chunk(&completion, with_usage, json!([]), completion.usage()));
    let choices = (0..completion.choices).flat_map(move |index| {
        let say = |delta: Value, finish: Value| {
            let choice = json!([{"index": index, "delta": delta, "logprobs": null, "finish_reason": finish}]);
            chunk(&completion, with_usage, choice, Value::Null)
        };
        let mut chunks: Vec<String> =
            deltas(&completion, index).into_iter().map(|delta| say(delta, Value::Null)).collect();
        chunks.push(say(json!({}), json!(completion.finish)));
        chunks
    });
    choices.chain(end).chain(["data: [DONE]\n\n".to_owned()])
}

/// One event; where usage is wanted, every chunk has a place for it.
fn chunk(completion: &Completion, with_usage: bool, choices: Value, usage: Value) -> String {
    let mut chunk = json!({
        "id": completion.id, "object": "chat.completion.chunk", "created": completion.created,
        "model": completion.model, "system_fingerprint": super::api::FINGERPRINT, "choices": choices,
    });
    if with_usage {
        chunk["usage"] = usage;
    }
    format!("data: {chunk}\n\n")
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
