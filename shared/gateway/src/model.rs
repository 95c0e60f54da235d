//! A model behind OpenAI's interface for chat completions, as many services and local servers speak it:
//! messages, tools, structured output, usage.
//!
//! A request names the model, the messages and what the answer must look like, and leaves out what not
//! every model takes (temperature, seed). Answers are taken whole: a plan is of no use before its last
//! byte, since nothing of it may run before all of it was checked. One that is asked for as a stream is
//! put together first, by [`Stream`].
//!
//! Source: the wire format of OpenAI's own client, npm `openai` 6.49 (`client.mjs`, `core/error.mjs`).

use http::StatusCode;
use http::header::{CONTENT_TYPE, RETRY_AFTER};
use makegood_core::time::Millis;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::model_stream::{Stream, UNREADABLE};
use crate::{Malformed, Request, Response, excerpt, post};

/// A model, and where it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Model {
    /// What stands before `/chat/completions`, for most services with `/v1` at its end.
    pub url: String,
    pub name: String,
    /// Empty where none is wanted.
    pub key: String,
}

/// Who speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    System,
    User,
    Assistant,
    Tool,
}

/// One message of a conversation.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Message {
    pub role: Role,
    pub content: String,
    /// Of an assistant: the calls that it made.
    #[serde(rename = "tool_calls", skip_serializing_if = "Vec::is_empty")]
    pub calls: Vec<Call>,
    /// Of a tool: the id of the call that it answers.
    #[serde(rename = "tool_call_id", skip_serializing_if = "Option::is_none")]
    pub answers: Option<String>,
}

impl Message {
    #[must_use]
    pub fn new(role: Role, content: impl Into<String>) -> Self {
        Self { role, content: content.into(), calls: Vec::new(), answers: None }
    }
}

/// A tool that the model may ask to be called.
#[derive(Clone, Debug, PartialEq)]
pub struct Tool {
    pub name: String,
    pub description: String,
    /// A JSON Schema.
    pub parameters: Value,
}

/// A call that a model asks for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Call {
    pub id: String,
    #[serde(rename = "type", default = "function")]
    kind: String,
    pub function: Function,
}

/// What is called. `arguments` is JSON text as the model wrote it: it need not be valid.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Function {
    pub name: String,
    #[serde(default)]
    pub arguments: String,
}

fn function() -> String {
    "function".to_owned()
}

/// What is asked.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Question {
    pub messages: Vec<Message>,
    pub tools: Vec<Tool>,
    /// The name and the JSON Schema of a structured answer. It is asked for as not strict: strict schemas
    /// have no objects with free fields.
    pub schema: Option<(String, Value)>,
    /// Tokens of the answer.
    pub most_tokens: Option<u32>,
    /// The trace that it is of, as a `traceparent`.
    pub trace: Option<String>,
}

/// Makes the request. `streamed`: the answer is to come piece by piece, with what it took at its end.
///
/// # Errors
/// Where the configured address or key does not fit into a request.
pub fn request(model: &Model, question: &Question, streamed: bool) -> Result<Request, Malformed> {
    let mut body = json!({"model": model.name, "messages": question.messages});
    if !question.tools.is_empty() {
        let tool = |tool: &Tool| {
            let Tool { name, description, parameters } = tool;
            json!({"type": "function", "function": {"name": name, "description": description, "parameters": parameters}})
        };
        body["tools"] = question.tools.iter().map(tool).collect();
    }
    if let Some((name, schema)) = &question.schema {
        body["response_format"] =
            json!({"type": "json_schema", "json_schema": {"name": name, "strict": false, "schema": schema}});
    }
    if let Some(most) = question.most_tokens {
        body["max_completion_tokens"] = json!(most);
    }
    if streamed {
        body["stream"] = json!(true);
        body["stream_options"] = json!({"include_usage": true});
    }
    let url = format!("{}/chat/completions", model.url.trim_end_matches('/'));
    let bearer = format!("Bearer {}", model.key);
    let key = (!model.key.is_empty()).then_some(("authorization", bearer.as_str()));
    let trace = question.trace.as_deref().map(|trace| ("traceparent", trace));
    let headers: Vec<(&str, &str)> = key.into_iter().chain(trace).collect();
    post(&url, &headers, body.to_string().into_bytes())
}

/// An answer of a model, with what it took.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    pub said: Said,
    pub usage: Usage,
}

/// What a model said.
#[derive(Clone, Debug, PartialEq)]
pub enum Said {
    Text(String),
    /// At least one.
    Calls(Vec<Call>),
    /// It will not, in its own words, or a filter of its service kept it from it.
    Refusal(String),
    /// It came to the end of its tokens: what there is of it is of no use.
    Cut,
}

/// Tokens, as the service counts them: what it sends the bill for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct Usage {
    #[serde(rename = "prompt_tokens", default)]
    pub input: u64,
    #[serde(rename = "completion_tokens", default)]
    pub output: u64,
}

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// The same request may be answered later; after so long, where the service says.
    Later { after: Option<Millis>, code: String },
    /// The same, but when, the service says in a way that is not read: it is not asked again.
    Sometime { code: String },
    /// It will not be: the key, the model's name, the request or the account is wrong. The text is for the log.
    Never { code: String, cause: String },
}

impl Failure {
    /// For programs: the service's own code, or `http_503` and the like.
    #[must_use]
    pub fn code(&self) -> &str {
        match self {
            Self::Later { code, .. } | Self::Sometime { code } | Self::Never { code, .. } => code,
        }
    }
}

#[derive(Deserialize)]
struct Body {
    choices: Vec<Choice>,
    #[serde(default)]
    usage: Option<Usage>,
}

#[derive(Deserialize)]
struct Choice {
    message: Reply,
    #[serde(default)]
    finish_reason: Option<String>,
}

#[derive(Deserialize)]
struct Reply {
    #[serde(default)]
    content: Option<String>,
    #[serde(default)]
    refusal: Option<String>,
    #[serde(default)]
    tool_calls: Option<Vec<Call>>,
}

#[derive(Default, Deserialize)]
struct Problem {
    #[serde(default)]
    code: Option<Value>,
    #[serde(rename = "type", default)]
    kind: Option<String>,
}

/// Reads an answer. As OpenAI's own client has it, 408, 409, 429 and 5xx are worth another try, unless
/// `x-should-retry` says otherwise; and not a 429 that says that the account is empty. An answer of 200 that
/// cannot be read is as good as a 502, and so is one that breaks off.
///
/// # Errors
/// A [`Failure`].
pub fn answer(response: &Response) -> Result<Answer, Failure> {
    if !response.status().is_success() {
        return Err(failure(response));
    }
    let unreadable = || Failure::Later { after: None, code: UNREADABLE.to_owned() };
    let kind = response.headers().get(CONTENT_TYPE).map(|kind| kind.as_bytes());
    let whole = if kind.is_some_and(|kind| kind.starts_with(b"text/event-stream")) {
        let mut stream = Stream::default();
        stream.push(response.body());
        Some(stream.finish().map_err(|code| Failure::Later { after: None, code })?)
    } else {
        None
    };
    let body = whole.as_deref().unwrap_or(response.body());
    let Body { choices, usage } = serde_json::from_slice(body).map_err(|_| unreadable())?;
    let Choice { message, finish_reason } = choices.into_iter().next().ok_or_else(unreadable)?;
    let Reply { content, refusal, tool_calls } = message;
    let said = match (finish_reason.as_deref(), refusal, tool_calls.filter(|calls| !calls.is_empty())) {
        (Some("length"), _, _) => Said::Cut,
        (Some("content_filter"), refusal, _) => Said::Refusal(refusal.unwrap_or_default()),
        (_, Some(refusal), _) => Said::Refusal(refusal),
        (_, None, Some(calls)) => Said::Calls(calls),
        (_, None, None) => Said::Text(content.unwrap_or_default()),
    };
    Ok(Answer { said, usage: usage.unwrap_or_default() })
}

/// What a service calls the error that its words tell of.
pub(crate) fn code_in(body: &Value) -> Option<String> {
    let Problem { code, kind } = serde_json::from_value(body.get("error")?.clone()).ok()?;
    let code = code.and_then(|code| code.as_str().map(str::to_owned)).or(kind);
    code.map(|code| plain(&code))
}

fn failure(response: &Response) -> Failure {
    let status = response.status();
    let body: Value = serde_json::from_slice(response.body()).unwrap_or_default();
    let code = code_in(&body).unwrap_or_else(|| format!("http_{}", status.as_u16()));
    let header = |name: &str| response.headers().get(name).and_then(|value| value.to_str().ok()).map(str::trim);
    let again = match header("x-should-retry") {
        Some("true") => true,
        Some("false") => false,
        _ => {
            let empty = code == "insufficient_quota";
            let passing = [StatusCode::REQUEST_TIMEOUT, StatusCode::CONFLICT, StatusCode::TOO_MANY_REQUESTS];
            !empty && (passing.contains(&status) || status.is_server_error())
        }
    };
    if !again {
        return Failure::Never { code, cause: format!("{status}: {}", excerpt(response.body())) };
    }
    let said = [header("retry-after-ms"), header(RETRY_AFTER.as_str())];
    let millis =
        said[0].and_then(|text| text.split_once('.').map_or(text, |(whole, _)| whole).parse().ok()).map(Millis);
    match millis.or(said[1].and_then(seconds)) {
        // A date would be compared with another clock than the one that wrote it.
        None if said.iter().any(Option::is_some) => Failure::Sometime { code },
        after => Failure::Later { after, code },
    }
}

/// Seconds, with or without a fraction; what is finer than a millisecond is left off.
fn seconds(text: &str) -> Option<Millis> {
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    if !part.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let thousandths: u64 = format!("{part:0<3}").get(..3)?.parse().ok()?;
    whole.parse::<u64>().ok()?.checked_mul(1_000)?.checked_add(thousandths).map(Millis)
}

/// Others' codes are stored and shown.
fn plain(code: &str) -> String {
    code.chars().filter(|c| c.is_ascii_graphic()).take(60).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;

    fn reply(status: u16, headers: &[(&str, &str)], body: &Value) -> Result<Answer, Failure> {
        let mut response = http::Response::builder().status(status);
        for (name, value) in headers {
            response = response.header(*name, *value);
        }
        answer(&response.body(Bytes::from(body.to_string())).unwrap())
    }

    fn said(message: &Value, finish: &str) -> Said {
        let body = json!({
            "choices": [{"index": 0, "message": message, "finish_reason": finish}],
            "usage": {"prompt_tokens": 12, "completion_tokens": 3, "total_tokens": 15},
        });
        let answer = reply(200, &[], &body).unwrap();
        assert_eq!(answer.usage, Usage { input: 12, output: 3 });
        answer.said
    }

    #[test]
    fn a_request_holds_what_is_asked_and_nothing_else() {
        let mut model =
            Model { url: "https://m.test/v1/".to_owned(), name: "small".to_owned(), key: "secret".to_owned() };
        let mut question = Question {
            messages: vec![Message::new(Role::System, "Be brief."), Message::new(Role::User, "Hi")],
            ..Question::default()
        };
        let sent = request(&model, &question, false).unwrap();
        assert_eq!(sent.uri(), "https://m.test/v1/chat/completions");
        assert_eq!(sent.headers()["authorization"], "Bearer secret");
        assert!(!sent.headers().contains_key("traceparent"), "it is of no trace");
        let body: Value = serde_json::from_slice(sent.body()).unwrap();
        let messages = json!([{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hi"}]);
        assert_eq!(body, json!({"model": "small", "messages": messages}));

        model.key = String::new();
        question.tools = vec![Tool {
            name: "look".to_owned(),
            description: "Looks".to_owned(),
            parameters: json!({"type": "object"}),
        }];
        question.schema = Some(("plan".to_owned(), json!({"type": "object"})));
        question.most_tokens = Some(200);
        question.trace = Some("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".to_owned());
        let sent = request(&model, &question, true).unwrap();
        assert!(!sent.headers().contains_key("authorization"));
        assert_eq!(sent.headers()["traceparent"], "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
        let body: Value = serde_json::from_slice(sent.body()).unwrap();
        assert_eq!(body["tools"][0]["function"]["name"], "look");
        assert_eq!(body["response_format"]["json_schema"]["schema"], json!({"type": "object"}));
        assert_eq!(body["max_completion_tokens"], 200);
        assert_eq!((&body["stream"], &body["stream_options"]["include_usage"]), (&json!(true), &json!(true)));
    }

    #[test]
    fn every_way_to_answer_is_told_apart() {
        assert_eq!(said(&json!({"role": "assistant", "content": "Hello"}), "stop"), Said::Text("Hello".to_owned()));
        let call = json!({"id": "call_1", "type": "function", "function": {"name": "look", "arguments": "{\"at\":"}});
        let called = said(&json!({"content": null, "tool_calls": [call]}), "tool_calls");
        assert!(matches!(&called, Said::Calls(calls) if calls[0].function.arguments == "{\"at\":"));
        assert_eq!(said(&json!({"content": null, "refusal": "No."}), "stop"), Said::Refusal("No.".to_owned()));
        assert_eq!(said(&json!({"content": "Hel"}), "length"), Said::Cut);
        assert_eq!(said(&json!({"content": ""}), "content_filter"), Said::Refusal(String::new()));
    }

    #[test]
    fn an_answer_that_comes_in_pieces_is_read_as_the_same_one() {
        let events = |error: &str| {
            let events = [
                r#"{"choices": [{"index": 0, "delta": {"content": "Hel"}, "finish_reason": null}]}"#,
                error,
                r#"{"choices": [{"index": 0, "delta": {"content": "lo"}, "finish_reason": "stop"}]}"#,
                r#"{"choices": [], "usage": {"prompt_tokens": 12, "completion_tokens": 3}}"#,
                "[DONE]",
            ];
            let body = events.map(|event| format!("data: {event}\n\n")).concat();
            let response = http::Response::builder().header("content-type", "text/event-stream; charset=utf-8");
            answer(&response.body(Bytes::from(body)).unwrap())
        };
        let hello = Answer { said: Said::Text("Hello".to_owned()), usage: Usage { input: 12, output: 3 } };
        assert_eq!(events(r#"{"choices": []}"#), Ok(hello));
        let broken = Err(Failure::Later { after: None, code: "overloaded".to_owned() });
        assert_eq!(events(r#"{"error": {"code": "overloaded"}}"#), broken);
    }

    #[test]
    fn a_call_goes_back_as_it_came() {
        let call: Call = serde_json::from_value(json!({"id": "c", "function": {"name": "look"}})).unwrap();
        let message = Message { calls: vec![call], ..Message::new(Role::Assistant, "") };
        let sent = json!({"id": "c", "type": "function", "function": {"name": "look", "arguments": ""}});
        assert_eq!(json!(message), json!({"role": "assistant", "content": "", "tool_calls": [sent]}));
        let result = Message { answers: Some("c".to_owned()), ..Message::new(Role::Tool, "seen") };
        assert_eq!(json!(result), json!({"role": "tool", "content": "seen", "tool_call_id": "c"}));
    }

    #[test]
    fn a_failure_says_whether_and_when_it_may_be_tried_again() {
        let error =
            |code: &str| json!({"error": {"message": "No.", "type": "some_error", "param": null, "code": code}});
        let later =
            |after: Option<u64>, code: &str| Err(Failure::Later { after: after.map(Millis), code: code.to_owned() });
        let limited = error("rate_limit_exceeded");
        assert_eq!(reply(429, &[("retry-after", "3")], &limited), later(Some(3_000), "rate_limit_exceeded"));
        let both = [("retry-after", "3"), ("retry-after-ms", "250")];
        assert_eq!(reply(429, &both, &limited), later(Some(250), "rate_limit_exceeded"));
        assert_eq!(reply(429, &[("retry-after", "2.5")], &limited), later(Some(2_500), "rate_limit_exceeded"));
        assert_eq!(reply(429, &[("retry-after-ms", "250.5")], &limited), later(Some(250), "rate_limit_exceeded"));
        for unread in ["Fri, 31 Dec 1999 23:59:59 GMT", "-1", "1.x", "99999999999999999999", "soon"] {
            let sometime = Err(Failure::Sometime { code: "http_429".to_owned() });
            assert_eq!(reply(429, &[("retry-after", unread)], &json!({})), sometime, "{unread}");
        }
        assert_eq!(reply(503, &[], &json!("down")), later(None, "http_503"));
        assert_eq!(
            reply(500, &[], &json!({"error": {"type": "server_error", "code": null}})),
            later(None, "server_error")
        );
        assert_eq!(reply(200, &[], &json!({"choices": []})), later(None, "unreadable"));
        for (status, headers, code) in [
            (401, &[][..], "invalid_api_key"),
            (404, &[][..], "model_not_found"),
            (429, &[][..], "insufficient_quota"),
            (503, &[("x-should-retry", "false")][..], "gone"),
        ] {
            let failed = reply(status, headers, &error(code));
            assert!(matches!(&failed, Err(Failure::Never { code: said, .. }) if said == code), "{failed:?}");
        }
        assert!(matches!(reply(400, &[("x-should-retry", "true")], &error("x")), Err(Failure::Later { .. })));
    }
}
