//! A model's answer that comes piece by piece, as server-sent events: put together to the body that it would have had
//! as a whole.
//!
//! Pieces may end anywhere, in a line or in a character. Nothing is handed on before the end: of a plan nothing may be
//! done before all of it was checked. What streaming is for is that a model which says nothing is known to.
//!
//! Source: the wire format of OpenAI's own client, npm `openai` 6.49 (`core/streaming.mjs`,
//! `lib/ChatCompletionStream.mjs`), and HTML's event streams.

use serde_json::{Value, json};

use crate::model::code_in;

/// A model that makes more calls than that at once has lost its way.
const MOST_CALLS: usize = 64;
/// What an answer is called that cannot be read.
pub(crate) const UNREADABLE: &str = "unreadable";

/// What has come so far.
#[derive(Debug, Default)]
pub struct Stream {
    /// The line that has not ended.
    line: Vec<u8>,
    /// The last end of a line was a carriage return: a line feed after it is the same one.
    returned: bool,
    /// The data of the event that has not ended.
    data: Vec<u8>,
    content: String,
    refusal: String,
    calls: Vec<Calling>,
    finish: Option<Value>,
    usage: Value,
    done: bool,
    /// Why there is no answer.
    broken: Option<String>,
}

#[derive(Debug, Default)]
struct Calling {
    id: String,
    name: String,
    arguments: String,
}

impl Stream {
    /// Takes in what came next.
    pub fn push(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            match byte {
                b'\n' if self.returned => {}
                b'\n' | b'\r' => self.end_line(),
                other => self.line.push(other),
            }
            self.returned = byte == b'\r';
        }
    }

    /// The body of the same answer as a whole.
    ///
    /// # Errors
    /// The code of why there is none: the service's own, where it broke off with one, or `unreadable` where it broke
    /// off without a word.
    pub fn finish(mut self) -> Result<Vec<u8>, String> {
        // A last event without its empty line is one where it is whole.
        self.end_line();
        self.end_event();
        if let Some(code) = self.broken {
            return Err(code);
        }
        if !self.done && self.finish.is_none() {
            return Err(UNREADABLE.to_owned());
        }
        let mut message = json!({"content": self.content});
        if !self.refusal.is_empty() {
            message["refusal"] = Value::from(self.refusal);
        }
        let calls: Vec<Value> = self.calls.into_iter().map(Calling::written).collect();
        if !calls.is_empty() {
            message["tool_calls"] = Value::from(calls);
        }
        let choice = json!({"message": message, "finish_reason": self.finish});
        Ok(json!({"choices": [choice], "usage": self.usage}).to_string().into_bytes())
    }

    fn end_line(&mut self) {
        let line = std::mem::take(&mut self.line);
        if line.is_empty() {
            self.end_event();
        } else if let Some(data) = line.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(&line).strip_prefix(b"data:") {
            if !self.data.is_empty() {
                self.data.push(b'\n');
            }
            self.data.extend_from_slice(data.strip_prefix(b" ").unwrap_or(data));
        }
    }

    fn end_event(&mut self) {
        let data = std::mem::take(&mut self.data);
        if data.is_empty() || self.done || self.broken.is_some() {
            return;
        }
        if data == b"[DONE]" {
            self.done = true;
            return;
        }
        let added = serde_json::from_slice(&data).ok().and_then(|chunk: Value| self.add(&chunk));
        if added.is_none() {
            self.broken = Some(UNREADABLE.to_owned());
        }
    }

    /// `None` where it makes no sense.
    fn add(&mut self, chunk: &Value) -> Option<()> {
        if chunk.get("error").is_some_and(|error| !error.is_null()) {
            self.broken = code_in(chunk);
            return self.broken.is_some().then_some(());
        }
        if let Some(usage) = chunk.get("usage").filter(|usage| usage.is_object()) {
            self.usage = usage.clone();
        }
        let Some(choices) = chunk.get("choices") else { return chunk.is_object().then_some(()) };
        let choices = choices.as_array()?;
        // Only one was asked for.
        let first = |choice: &&Value| choice.get("index").and_then(Value::as_u64).unwrap_or_default() == 0;
        let Some(choice) = choices.iter().find(first) else { return Some(()) };
        if let Some(finish) = choice.get("finish_reason").filter(|finish| finish.is_string()) {
            self.finish = Some(finish.clone());
        }
        let Some(delta) = choice.get("delta") else { return Some(()) };
        append(&mut self.content, delta.get("content"));
        append(&mut self.refusal, delta.get("refusal"));
        for call in delta.get("tool_calls").and_then(Value::as_array).into_iter().flatten() {
            let place = call.get("index").and_then(Value::as_u64).unwrap_or_default();
            let place = usize::try_from(place).ok().filter(|place| *place < MOST_CALLS)?;
            if self.calls.len() <= place {
                self.calls.resize_with(place + 1, Calling::default);
            }
            let calling = self.calls.get_mut(place)?;
            set(&mut calling.id, call.get("id"));
            if let Some(function) = call.get("function") {
                set(&mut calling.name, function.get("name"));
                append(&mut calling.arguments, function.get("arguments"));
            }
        }
        Some(())
    }
}

impl Calling {
    fn written(self) -> Value {
        json!({"id": self.id, "function": {"name": self.name, "arguments": self.arguments}})
    }
}

fn append(text: &mut String, piece: Option<&Value>) {
    text.push_str(piece.and_then(Value::as_str).unwrap_or_default());
}

fn set(text: &mut String, whole: Option<&Value>) {
    if let Some(whole) = whole.and_then(Value::as_str).filter(|whole| !whole.is_empty()) {
        whole.clone_into(text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whole(bytes: &[u8]) -> Result<Value, String> {
        let mut stream = Stream::default();
        stream.push(bytes);
        stream.finish().map(|body| serde_json::from_slice(&body).unwrap())
    }

    fn chunk(delta: &Value, finish: Option<&str>) -> String {
        let choice = json!({"index": 0, "delta": delta, "finish_reason": finish});
        format!("data: {}\n\n", json!({"id": "c", "choices": [choice], "usage": null}))
    }

    fn rich() -> String {
        let calls = |index: u32, more: Value| json!({"tool_calls": [{"index": index, "function": more}]});
        let mut first = calls(0, json!({"name": "look", "arguments": ""}));
        first["tool_calls"][0]["id"] = json!("call_1");
        let mut second = calls(1, json!({"name": "book", "arguments": "{\"w"}));
        second["tool_calls"][0]["id"] = json!("call_2");
        [
            "\u{feff}: a comment\r\n\r\n".to_owned(),
            chunk(&json!({"role": "assistant", "content": "", "refusal": null}), None),
            chunk(&json!({"content": "Grüße, "}), None).replace("\n\n", "\r\n\r\n"),
            chunk(&json!({"content": "日本 🍕\n"}), None).replace("\n\n", "\r\r"),
            "event: chunk\nid: 7\nretry: 3\n".to_owned(),
            chunk(&first, None),
            chunk(&second, None),
            chunk(&calls(0, json!({"arguments": "{\"at\":"})), None),
            chunk(&calls(1, json!({"arguments": "\":1}"})), None),
            chunk(&calls(0, json!({"arguments": "\"ü\"}"})), None),
            // An event of two lines of data is one text.
            "data: {\"choices\": [{\"index\": 0,\ndata:\"delta\": {}, \"finish_reason\": \"tool_calls\"}]}\n\n"
                .to_owned(),
            "data: {\"choices\": [], \"usage\": {\"prompt_tokens\": 12, \"completion_tokens\": 3}}\n\n".to_owned(),
            "data: [DONE]\n\n".to_owned(),
        ]
        .concat()
    }

    fn together() -> Value {
        let call = |id: &str, name: &str, arguments: &str| json!({"id": id, "function": {"name": name, "arguments": arguments}});
        json!({
            "choices": [{"finish_reason": "tool_calls", "message": {"content": "Grüße, 日本 🍕\n", "tool_calls": [
                call("call_1", "look", "{\"at\":\"ü\"}"), call("call_2", "book", "{\"w\":1}")]}}],
            "usage": {"prompt_tokens": 12, "completion_tokens": 3},
        })
    }

    #[test]
    fn pieces_are_put_together_to_what_a_whole_answer_would_have_been() {
        assert_eq!(whole(rich().as_bytes()), Ok(together()));
        let refused = [
            chunk(&json!({"content": null, "refusal": "I "}), None),
            chunk(&json!({"refusal": "won't."}), Some("stop")),
        ];
        let refused = whole(refused.concat().as_bytes()).unwrap();
        assert_eq!(refused["choices"][0]["message"]["refusal"], "I won't.");
    }

    #[test]
    fn wherever_the_bytes_are_cut_the_answer_is_the_same() {
        let text = rich();
        let bytes = text.as_bytes();
        for at in 0..=bytes.len() {
            let mut stream = Stream::default();
            let (before, after) = bytes.split_at(at);
            stream.push(before);
            stream.push(after);
            assert_eq!(serde_json::from_slice::<Value>(&stream.finish().unwrap()).unwrap(), together(), "cut at {at}");
        }
        for size in [1, 2, 3, 7, 64] {
            let mut stream = Stream::default();
            bytes.chunks(size).for_each(|piece| stream.push(piece));
            assert_eq!(serde_json::from_slice::<Value>(&stream.finish().unwrap()).unwrap(), together(), "by {size}");
        }
    }

    #[test]
    fn what_breaks_off_is_no_answer_and_says_why_where_the_service_does() {
        let text = rich();
        let ends = text.find("tool_calls\"}]}").unwrap() + "tool_calls\"}]}".len();
        for at in 0..ends {
            // Before it says that it has finished, nothing of it is an answer.
            assert_eq!(whole(&text.as_bytes()[..at]), Err(UNREADABLE.to_owned()), "broken off at {at}");
        }
        let begun = chunk(&json!({"content": "Hel"}), None);
        let told = |error: &str| whole(format!("{begun}data: {error}\n\ndata: [DONE]\n\n").as_bytes());
        assert_eq!(told(r#"{"error": {"code": "overloaded", "message": "No."}}"#), Err("overloaded".to_owned()));
        assert_eq!(told(r#"{"error": {"type": "server_error", "code": null}}"#), Err("server_error".to_owned()));
        for unreadable in [r#"{"error": "No."}"#, "{", "[]", "1", r#"{"choices": 1}"#, "\u{7f}"] {
            assert_eq!(told(unreadable), Err(UNREADABLE.to_owned()), "{unreadable}");
        }
        let many = json!({"tool_calls": [{"index": MOST_CALLS, "id": "c"}]});
        assert_eq!(whole(chunk(&many, Some("stop")).as_bytes()), Err(UNREADABLE.to_owned()));
    }

    #[test]
    fn no_bytes_make_it_panic_and_cut_anywhere_they_come_to_the_same() {
        let text = rich();
        let mut seed: u64 = 7;
        let mut draw = |below: usize| {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            usize::try_from(seed >> 33).unwrap() % below
        };
        for _ in 0..3_000 {
            let mut bytes = text.clone().into_bytes();
            for _ in 0..1 + draw(6) {
                let at = draw(bytes.len());
                match draw(3) {
                    0 => bytes[at] = u8::try_from(draw(256)).unwrap(),
                    1 => _ = bytes.remove(at),
                    _ => bytes.insert(at, b"\r\n:{}\"[]\xff\0"[draw(10)]),
                }
            }
            let mut stream = Stream::default();
            let (before, after) = bytes.split_at(draw(bytes.len()));
            stream.push(before);
            stream.push(after);
            let cut = stream.finish().map(|body| serde_json::from_slice::<Value>(&body).unwrap());
            assert_eq!(cut, whole(&bytes));
        }
    }
}
