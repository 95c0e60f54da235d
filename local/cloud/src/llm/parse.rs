//! From the JSON of a request to a [`Chat`]. Fields that are not known are
//! ignored; those that are have to be right.

use serde_json::{Map, Value};

use super::{
    chat::{Chat, Choice, Format, Message, Role, Tool},
    refusal::Refusal,
    reply::Call,
    sampling,
};

const MAX_CHOICES: u64 = 128;
const MAX_STOPS: usize = 4;
const MAX_NAME: usize = 64;

pub type Fields = Map<String, Value>;

/// # Errors
/// Names the first field that is wrong.
pub fn chat(body: &Value) -> Result<Chat, Refusal> {
    let fields = body.as_object().ok_or_else(|| Refusal::invalid(None, "The body must be a JSON object."))?;
    let model = text(fields, "model", "model")?.to_owned();
    sampling::check(fields)?;
    let messages = messages(fields)?;
    let tools = list(fields, "tools")?
        .iter()
        .enumerate()
        .map(|(i, value)| tool(value, &format!("tools[{i}]")))
        .collect::<Result<Vec<_>, _>>()?;
    let choice = choice(fields, &tools)?;
    let format = format(fields, &messages)?;
    let stream = flag(fields, "stream")?.unwrap_or(false);
    let stream_usage = match given(fields, "stream_options") {
        None => false,
        Some(_) if !stream => {
            let message = "The 'stream_options' parameter is only allowed when 'stream' is enabled.";
            return Err(Refusal::invalid("stream_options".to_owned(), message));
        }
        Some(Value::Object(options)) => flag(options, "include_usage")?.unwrap_or(false),
        Some(_) => return Err(Refusal::mistyped("stream_options", "an object")),
    };
    let max_tokens = match whole(fields, "max_completion_tokens", 1, u64::MAX)? {
        Some(max) => Some(max),
        None => whole(fields, "max_tokens", 1, u64::MAX)?,
    };
    Ok(Chat {
        parallel: flag(fields, "parallel_tool_calls")?.unwrap_or(true),
        max_tokens: max_tokens.map(|max| usize::try_from(max).unwrap_or(usize::MAX)),
        stop: stop(fields)?,
        n: whole(fields, "n", 1, MAX_CHOICES)?.and_then(|n| usize::try_from(n).ok()).unwrap_or(1),
        model,
        messages,
        tools,
        choice,
        format,
        stream,
        stream_usage,
    })
}

fn messages(fields: &Fields) -> Result<Vec<Message>, Refusal> {
    if given(fields, "messages").is_none() {
        return Err(Refusal::missing("messages"));
    }
    let values = list(fields, "messages")?;
    if values.is_empty() {
        let message = "Invalid 'messages': empty array. Expected an array with minimum length 1.";
        return Err(Refusal::invalid("messages".to_owned(), message).coded("empty_array"));
    }
    let messages = values
        .iter()
        .enumerate()
        .map(|(i, value)| message(value, &format!("messages[{i}]")))
        .collect::<Result<Vec<_>, _>>()?;
    check_answers(&messages)?;
    Ok(messages)
}

/// Tool messages follow the calls that they answer, and every call is answered.
fn check_answers(messages: &[Message]) -> Result<(), Refusal> {
    let mut open: Vec<&str> = Vec::new();
    let unanswered = |open: &[&str], i: usize| {
        let message = format!(
            "An assistant message with 'tool_calls' must be followed by tool messages responding to each \
             'tool_call_id'. The following tool_call_ids did not have response messages: {}",
            open.join(", ")
        );
        Refusal::invalid(format!("messages[{i}]"), message)
    };
    for (i, message) in messages.iter().enumerate() {
        if let Some(id) = &message.answers {
            let Some(at) = open.iter().position(|call| call == id) else {
                let message = format!(
                    "messages with role 'tool' must be a response to a preceding message with 'tool_calls': \
                     no call '{id}' is open."
                );
                return Err(Refusal::invalid(format!("messages[{i}].tool_call_id"), message));
            };
            open.remove(at);
        } else if !open.is_empty() {
            return Err(unanswered(&open, i));
        }
        open.extend(message.calls.iter().map(|(id, _)| id.as_str()));
    }
    if open.is_empty() { Ok(()) } else { Err(unanswered(&open, messages.len() - 1)) }
}

fn message(value: &Value, at: &str) -> Result<Message, Refusal> {
    let fields = value.as_object().ok_or_else(|| Refusal::mistyped(at, "an object"))?;
    let name = text(fields, "role", &format!("{at}.role"))?;
    let role = match name {
        "system" => Role::System,
        "developer" => Role::Developer,
        "user" => Role::User,
        "assistant" => Role::Assistant,
        "tool" => Role::Tool,
        other => {
            let message = format!(
                "Invalid value: '{other}'. Supported values are: 'system', 'developer', 'assistant', 'user', and 'tool'."
            );
            return Err(Refusal::unsuitable(&format!("{at}.role"), message));
        }
    };
    let mut calls = Vec::new();
    let mut answers = None;
    if role == Role::Tool {
        answers = Some(text(fields, "tool_call_id", &format!("{at}.tool_call_id"))?.to_owned());
    }
    if role == Role::Assistant {
        for (i, value) in list(fields, "tool_calls")?.iter().enumerate() {
            calls.push(call(value, &format!("{at}.tool_calls[{i}]"))?);
        }
    }
    if given(fields, "name").is_some_and(|value| !value.is_string()) {
        return Err(Refusal::mistyped(&format!("{at}.name"), "a string"));
    }
    let optional = role == Role::Assistant && (!calls.is_empty() || given(fields, "refusal").is_some());
    let text = content(fields, &format!("{at}.content"), optional)?;
    Ok(Message { role, text, calls, answers })
}

fn content(fields: &Fields, at: &str, optional: bool) -> Result<String, Refusal> {
    match given(fields, "content") {
        Some(Value::String(text)) => Ok(text.clone()),
        Some(Value::Array(parts)) => {
            let mut whole = String::new();
            for (i, part) in parts.iter().enumerate() {
                let at = format!("{at}[{i}]");
                let fields = part.as_object().ok_or_else(|| Refusal::mistyped(&at, "an object"))?;
                match text(fields, "type", &format!("{at}.type"))? {
                    "text" => whole.push_str(text(fields, "text", &format!("{at}.text"))?),
                    "refusal" | "image_url" | "input_audio" | "file" => {}
                    other => {
                        let message = format!("Invalid value: '{other}'.");
                        return Err(Refusal::unsuitable(&format!("{at}.type"), message));
                    }
                }
            }
            Ok(whole)
        }
        None if optional => Ok(String::new()),
        None => Err(Refusal::mistyped(at, "one of a string or array of objects, but got null instead")),
        Some(_) => Err(Refusal::mistyped(at, "one of a string or array of objects")),
    }
}

fn call(value: &Value, at: &str) -> Result<(String, Call), Refusal> {
    let fields = value.as_object().ok_or_else(|| Refusal::mistyped(at, "an object"))?;
    let id = text(fields, "id", &format!("{at}.id"))?.to_owned();
    let function = function(fields, at)?;
    Ok((
        id,
        Call {
            name: text(function, "name", &format!("{at}.function.name"))?.to_owned(),
            arguments: text(function, "arguments", &format!("{at}.function.arguments"))?.to_owned(),
        },
    ))
}

fn tool(value: &Value, at: &str) -> Result<Tool, Refusal> {
    let fields = value.as_object().ok_or_else(|| Refusal::mistyped(at, "an object"))?;
    let function = function(fields, at)?;
    let name = text(function, "name", &format!("{at}.function.name"))?;
    let allowed = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    if name.is_empty() || name.len() > MAX_NAME || !name.chars().all(allowed) {
        let message = format!("Invalid '{at}.function.name': it must match '^[a-zA-Z0-9_-]{{1,64}}$'.");
        return Err(Refusal::unsuitable(&format!("{at}.function.name"), message));
    }
    let parameters = match given(function, "parameters") {
        None => Value::Null,
        Some(schema @ Value::Object(_)) => schema.clone(),
        Some(_) => return Err(Refusal::mistyped(&format!("{at}.function.parameters"), "an object")),
    };
    let description = match given(function, "description") {
        None => None,
        Some(Value::String(text)) => Some(text.clone()),
        Some(_) => return Err(Refusal::mistyped(&format!("{at}.function.description"), "a string")),
    };
    Ok(Tool { name: name.to_owned(), description, parameters })
}

/// The `function` of a tool, a call or a choice, which must be one of a function.
fn function<'a>(fields: &'a Fields, at: &str) -> Result<&'a Fields, Refusal> {
    let kind = text(fields, "type", &format!("{at}.type"))?;
    if kind != "function" {
        let message = format!("Invalid value: '{kind}'. Supported values are: 'function'.");
        return Err(Refusal::unsuitable(&format!("{at}.type"), message));
    }
    let at = format!("{at}.function");
    match given(fields, "function") {
        Some(Value::Object(function)) => Ok(function),
        None => Err(Refusal::missing(&at)),
        Some(_) => Err(Refusal::mistyped(&at, "an object")),
    }
}

fn choice(fields: &Fields, tools: &[Tool]) -> Result<Choice, Refusal> {
    const AT: &str = "tool_choice";
    let Some(value) = given(fields, AT) else {
        return Ok(Choice::Auto);
    };
    if tools.is_empty() {
        let message = "Invalid value for 'tool_choice': 'tool_choice' is only allowed when 'tools' are specified.";
        return Err(Refusal::invalid(AT.to_owned(), message));
    }
    match value {
        Value::String(name) => match name.as_str() {
            "none" => Ok(Choice::None),
            "auto" => Ok(Choice::Auto),
            "required" => Ok(Choice::Required),
            other => Err(Refusal::unsuitable(
                AT,
                format!("Invalid value: '{other}'. Supported values are: 'none', 'auto', and 'required'."),
            )),
        },
        Value::Object(choice) => {
            let name = text(function(choice, AT)?, "name", "tool_choice.function.name")?;
            if tools.iter().all(|tool| tool.name != name) {
                let message = format!("Tool choice '{name}' not found in 'tools' parameter.");
                return Err(Refusal::invalid(AT.to_owned(), message));
            }
            Ok(Choice::Named(name.to_owned()))
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) => {
            Err(Refusal::mistyped(AT, "a string or an object"))
        }
    }
}

fn format(fields: &Fields, messages: &[Message]) -> Result<Format, Refusal> {
    const AT: &str = "response_format";
    let Some(value) = given(fields, AT) else {
        return Ok(Format::Text);
    };
    let format = value.as_object().ok_or_else(|| Refusal::mistyped(AT, "an object"))?;
    match text(format, "type", "response_format.type")? {
        "text" => Ok(Format::Text),
        "json_object" => {
            if messages.iter().any(|message| message.text.to_lowercase().contains("json")) {
                return Ok(Format::Object);
            }
            let message = "'messages' must contain the word 'json' in some form, to use 'response_format' of type \
                           'json_object'.";
            Err(Refusal::invalid("messages".to_owned(), message))
        }
        "json_schema" => {
            const AT: &str = "response_format.json_schema";
            let inner = given(format, "json_schema").ok_or_else(|| Refusal::missing(AT))?;
            let inner = inner.as_object().ok_or_else(|| Refusal::mistyped(AT, "an object"))?;
            text(inner, "name", "response_format.json_schema.name")?;
            match given(inner, "schema") {
                Some(schema @ Value::Object(_)) => Ok(Format::Schema(schema.clone())),
                None => Err(Refusal::missing("response_format.json_schema.schema")),
                Some(_) => Err(Refusal::mistyped("response_format.json_schema.schema", "an object")),
            }
        }
        other => {
            let message =
                format!("Invalid value: '{other}'. Supported values are: 'text', 'json_object', and 'json_schema'.");
            Err(Refusal::unsuitable("response_format.type", message))
        }
    }
}

fn stop(fields: &Fields) -> Result<Vec<String>, Refusal> {
    const AT: &str = "stop";
    let stops = match given(fields, AT) {
        None => Vec::new(),
        Some(Value::String(stop)) => vec![stop.clone()],
        Some(Value::Array(stops)) => stops
            .iter()
            .map(|stop| stop.as_str().map(str::to_owned))
            .collect::<Option<Vec<_>>>()
            .ok_or_else(|| Refusal::mistyped(AT, "strings"))?,
        Some(_) => return Err(Refusal::mistyped(AT, "a string or an array of strings")),
    };
    if stops.len() > MAX_STOPS || stops.iter().any(String::is_empty) {
        return Err(Refusal::unsuitable(AT, "Invalid 'stop': up to 4 sequences, none of them empty."));
    }
    Ok(stops)
}

/// A field that is there and not `null`.
pub fn given<'a>(fields: &'a Fields, name: &str) -> Option<&'a Value> {
    fields.get(name).filter(|value| !value.is_null())
}

/// A text that has to be there.
pub fn text<'a>(fields: &'a Fields, name: &str, at: &str) -> Result<&'a str, Refusal> {
    match given(fields, name) {
        Some(Value::String(text)) => Ok(text),
        None => Err(Refusal::missing(at)),
        Some(_) => Err(Refusal::mistyped(at, "a string")),
    }
}

/// A whole number within bounds.
pub fn whole(fields: &Fields, name: &str, low: u64, high: u64) -> Result<Option<u64>, Refusal> {
    let Some(value) = given(fields, name) else {
        return Ok(None);
    };
    match value.as_u64() {
        Some(value) if (low..=high).contains(&value) => Ok(Some(value)),
        Some(_) => Err(Refusal::unsuitable(name, format!("Invalid '{name}': expected a value from {low} to {high}."))),
        None => Err(Refusal::mistyped(name, "a positive integer")),
    }
}

fn list<'a>(fields: &'a Fields, name: &str) -> Result<&'a [Value], Refusal> {
    match given(fields, name) {
        None => Ok(&[]),
        Some(Value::Array(values)) => Ok(values),
        Some(_) => Err(Refusal::mistyped(name, "an array")),
    }
}

/// A switch.
pub fn flag(fields: &Fields, name: &str) -> Result<Option<bool>, Refusal> {
    match given(fields, name) {
        None => Ok(None),
        Some(Value::Bool(flag)) => Ok(Some(*flag)),
        Some(_) => Err(Refusal::mistyped(name, "a boolean")),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn refused(body: &Value) -> String {
        format!("{:?}", chat(body).unwrap_err())
    }

    #[test]
    fn what_is_wrong_is_named() {
        let ask = |messages: Value| json!({"model": "m", "messages": messages});
        assert!(refused(&json!({"model": "m"})).contains("'messages'"));
        assert!(refused(&ask(json!([]))).contains("empty_array"));
        assert!(refused(&ask(json!([{"role": "robot", "content": "x"}]))).contains("messages[0].role"));
        assert!(refused(&ask(json!([{"role": "user", "content": null}]))).contains("messages[0].content"));
        assert!(refused(&ask(json!([{"role": "tool", "content": "x"}]))).contains("messages[0].tool_call_id"));
        assert!(
            refused(&ask(json!([{"role": "tool", "content": "x", "tool_call_id": "c"}])))
                .contains("no call 'c' is open")
        );
    }

    #[test]
    fn every_call_has_its_answer_before_the_talk_goes_on() {
        let call = json!({"role": "assistant", "content": null, "tool_calls": [
            {"id": "a", "type": "function", "function": {"name": "f", "arguments": "{}"}},
            {"id": "b", "type": "function", "function": {"name": "f", "arguments": "{}"}}]});
        let answer = |id: &str| json!({"role": "tool", "tool_call_id": id, "content": id});
        let ask = |messages: Value| json!({"model": "m", "messages": messages});
        let whole = chat(&ask(json!([call, answer("b"), answer("a")]))).unwrap();
        assert_eq!(whole.tool_results(), ["b", "a"]);
        assert!(refused(&ask(json!([call, answer("b")]))).contains("did not have response messages: a"));
        assert!(refused(&ask(json!([call, answer("a"), answer("a")]))).contains("no call 'a' is open"));
    }

    #[test]
    fn a_forced_tool_has_to_be_offered() {
        let ask = |choice: Value, tools: Value| json!({"model": "m", "messages": [{"role": "user", "content": "x"}], "tools": tools, "tool_choice": choice});
        let tools = json!([{"type": "function", "function": {"name": "f"}}]);
        let named = |name: &str| json!({"type": "function", "function": {"name": name}});
        assert_eq!(chat(&ask(named("f"), tools.clone())).unwrap().choice, Choice::Named("f".to_owned()));
        assert!(refused(&ask(named("g"), tools)).contains("not found"));
        assert!(refused(&ask(json!("required"), json!([]))).contains("only allowed when 'tools'"));
    }
}
