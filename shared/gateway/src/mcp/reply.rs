//! What comes back: one JSON message, or a stream of events of which one is the answer.

use http::header::CONTENT_TYPE;
use makegood_core::depth::too_deep;
use serde_json::{Map, Value};

use crate::{Response, excerpt};

/// The answer to a request, with what the server told on the way.
#[derive(Clone, Debug, PartialEq)]
pub struct Reply {
    pub answer: Answer,
    /// The last word about how far it is: `2 of 5: fetching`.
    pub progress: Option<String>,
}

/// What JSON-RPC can answer.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    Result(Map<String, Value>),
    Error(RpcError),
    /// None came, and why: what was asked for may have been done all the same.
    Nothing(String),
}

/// An error of the protocol, not of a tool.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RpcError {
    pub code: i64,
    pub message: String,
    pub data: Value,
}

/// Reads the answer to the request with this id. The status is not looked at.
#[must_use]
pub fn read(response: &Response, id: u64) -> Reply {
    let mut found = Found { id, answer: None, progress: None };
    let media = response.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let media = media.split(';').next().unwrap_or_default().trim();
    if media.eq_ignore_ascii_case("text/event-stream") {
        let text = String::from_utf8_lossy(response.body());
        for data in events(&text) {
            // An empty event only marks a place to take the stream up from.
            if let Ok(message) = serde_json::from_slice(data.as_bytes()) {
                found.look_at(message);
            }
        }
    } else if let Ok(body) = serde_json::from_slice(response.body()) {
        match body {
            // The version of 2025-03-26 could answer with a list.
            Value::Array(messages) => messages.into_iter().for_each(|message| found.look_at(message)),
            message @ (Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_)) => {
                found.look_at(message);
            }
        }
    }
    let nothing = || Answer::Nothing(format!("no answer came: {}", excerpt(response.body())));
    Reply { answer: found.answer.unwrap_or_else(nothing), progress: found.progress }
}

struct Found {
    id: u64,
    answer: Option<Answer>,
    progress: Option<String>,
}

impl Found {
    fn look_at(&mut self, message: Value) {
        if too_deep(&message) {
            return;
        }
        let Value::Object(mut message) = message else { return };
        if message.get("method").and_then(Value::as_str) == Some("notifications/progress") {
            self.progress = message.get("params").map(told).or(self.progress.take());
            return;
        }
        let ours = message.get("id").and_then(Value::as_u64) == Some(self.id);
        // Who could not read the request does not know its id.
        let nobodys = message.get("id").is_none_or(Value::is_null);
        let answer = match (message.remove("result"), message.remove("error")) {
            (Some(Value::Object(result)), None) if ours => Answer::Result(result),
            (None, Some(error)) if ours || nobodys => match error_of(error) {
                Some(error) => Answer::Error(error),
                None => return,
            },
            _ => return,
        };
        self.answer.get_or_insert(answer);
    }
}

/// By hand: a derived reader weighs more than all else here.
fn error_of(mut error: Value) -> Option<RpcError> {
    let code = error.get("code")?.as_i64()?;
    let message = error.get("message").and_then(Value::as_str).unwrap_or_default().to_owned();
    let data = error.get_mut("data").map(Value::take).unwrap_or_default();
    Some(RpcError { code, message, data })
}

fn told(params: &Value) -> String {
    let number = |name: &str| params.get(name).filter(|value| value.is_number()).map(Value::to_string);
    let mut text = number("progress").unwrap_or_default();
    if let Some(total) = number("total") {
        text = format!("{text} of {total}");
    }
    if let Some(message) = params.get("message").and_then(Value::as_str) {
        text = format!("{text}: {message}");
    }
    text.chars().take(200).collect()
}

/// The data of each event of a stream (WHATWG HTML, server-sent events). One that is cut off does not count.
fn events(stream: &str) -> Vec<String> {
    let stream = stream.strip_prefix('\u{feff}').unwrap_or(stream).replace("\r\n", "\n").replace('\r', "\n");
    let (mut events, mut data) = (Vec::new(), Vec::new());
    let mut lines = stream.split('\n').peekable();
    while let Some(line) = lines.next() {
        // What stands behind the last line's end is no line.
        if line.is_empty() && lines.peek().is_some() {
            if !data.is_empty() {
                events.push(data.join("\n"));
            }
            data.clear();
        } else if let Some(rest) = line.strip_prefix("data:") {
            data.push(rest.strip_prefix(' ').unwrap_or(rest).to_owned());
        }
    }
    events
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn answered(media: &str, body: &str) -> Reply {
        let response = http::Response::builder().header("content-type", media).body(body.to_owned().into()).unwrap();
        read(&response, 1)
    }

    #[test]
    fn the_answer_is_found_in_json_and_in_a_stream() {
        let result = Answer::Result(json!({ "a": 1 }).as_object().cloned().unwrap());
        let message = r#"{"jsonrpc":"2.0","id":1,"result":{"a":1}}"#;
        assert_eq!(answered("application/json; charset=utf-8", message).answer, result);
        assert_eq!(answered("application/json", &format!("[{message}]")).answer, result);
        let stream = format!(
            ": hello\nid: 7\ndata:\n\nevent: message\r\ndata: {}\r\n\r\ndata: {}\n\ndata: {message}\n\n",
            r#"{"jsonrpc":"2.0","method":"notifications/progress","params":{"progress":2,"total":5,"message":"on it"}}"#,
            r#"{"jsonrpc":"2.0","id":1,"method":"sampling/createMessage","params":{}}"#,
        );
        let reply = answered("Text/Event-Stream", &stream);
        assert_eq!((reply.answer, reply.progress.as_deref()), (result.clone(), Some("2 of 5: on it")));
        let split = "data: {\"jsonrpc\":\"2.0\",\"id\":1,\ndata: \"result\":{\"a\":1}}\n\n";
        assert_eq!(answered("text/event-stream", split).answer, result);
    }

    #[test]
    fn what_is_no_answer_to_us_is_none() {
        let message = r#"data: {"jsonrpc":"2.0","id":1,"result":{}}"#;
        for (media, body) in [
            ("text/event-stream", message),
            ("text/event-stream", format!("{message}\n").as_str()),
            ("application/json", r#"{"jsonrpc":"2.0","id":2,"result":{}}"#),
            ("application/json", r#"{"jsonrpc":"2.0","id":1,"result":7}"#),
            ("application/json", r#"{"jsonrpc":"2.0","id":1,"error":7}"#),
            ("application/json", "<html>"),
            ("application/json", ""),
        ] {
            let answer = answered(media, body).answer;
            assert!(matches!(answer, Answer::Nothing(_)), "{media} {body}: {answer:?}");
        }
        let unread = answered("application/json", r#"{"jsonrpc":"2.0","id":null,"error":{"code":-32700}}"#).answer;
        assert!(matches!(unread, Answer::Error(RpcError { code: -32700, .. })));
    }
}
