//! From a [`Chat`] to its answer.

use serde_json::{Value, json};

use super::{
    chat::{Chat, Choice, Format},
    directive::Directive,
    refusal::Refusal,
    reply::{Call, Planner, Reply},
    schema, tokens,
};

/// An answer, with what its envelope needs.
#[derive(Clone, Debug, PartialEq)]
pub struct Completion {
    /// Made of the request, so that it is the same for the same request.
    pub id: String,
    /// Unix seconds.
    pub created: u64,
    pub model: String,
    pub choices: usize,
    pub reply: Reply,
    pub finish: &'static str,
    pub prompt_tokens: usize,
    pub completion_tokens: usize,
}

impl Completion {
    pub fn new(chat: &Chat, reply: Reply, hash: &str, created: u64) -> Self {
        let (reply, finish) = finish(chat, reply);
        Self {
            id: format!("chatcmpl-{}", hash.get(..29).unwrap_or(hash)),
            created,
            model: chat.model.clone(),
            choices: chat.n,
            finish,
            prompt_tokens: tokens::of_prompt(chat),
            completion_tokens: chat.n * tokens::of_reply(&reply),
            reply,
        }
    }

    pub fn body(&self) -> Value {
        let choices: Vec<Value> = (0..self.choices)
            .map(|index| {
                json!({"index": index, "message": self.message(index), "logprobs": null, "finish_reason": self.finish})
            })
            .collect();
        json!({
            "id": self.id, "object": "chat.completion", "created": self.created, "model": self.model,
            "choices": choices, "usage": self.usage(), "system_fingerprint": super::api::FINGERPRINT,
        })
    }

    pub fn usage(&self) -> Value {
        json!({
            "prompt_tokens": self.prompt_tokens,
            "completion_tokens": self.completion_tokens,
            "total_tokens": self.prompt_tokens + self.completion_tokens,
            "prompt_tokens_details": {"cached_tokens": 0},
            "completion_tokens_details": {"reasoning_tokens": 0},
        })
    }

    /// The id of a call: like the answer's own, and another in every choice.
    pub fn call_id(&self, choice: usize, call: usize) -> String {
        let hash = self.id.get(9..25).unwrap_or(&self.id);
        format!("call_{hash}{choice:04x}{call:04x}")
    }

    fn message(&self, choice: usize) -> Value {
        match &self.reply {
            Reply::Text(text) => json!({"role": "assistant", "content": text, "refusal": null}),
            Reply::Refusal(text) => json!({"role": "assistant", "content": null, "refusal": text}),
            Reply::Calls(calls) => {
                let calls: Vec<Value> = calls
                    .iter()
                    .enumerate()
                    .map(|(i, Call { name, arguments })| {
                        json!({"id": self.call_id(choice, i), "type": "function",
                               "function": {"name": name, "arguments": arguments}})
                    })
                    .collect();
                json!({"role": "assistant", "content": null, "refusal": null, "tool_calls": calls})
            }
        }
    }
}

/// What the model says: the script first, then the planner, then something of
/// its own, all as far as `tool_choice` allows.
///
/// # Errors
/// When the script asks for a failure, or nothing can be said in the format.
pub fn reply(
    chat: &Chat,
    directive: Option<Directive>,
    planner: Option<&dyn Planner>,
    first: impl FnOnce() -> bool,
) -> Result<Reply, Refusal> {
    let results = chat.tool_results();
    let reply = if !results.is_empty() {
        let planned = if directive.is_some() { None } else { planner.and_then(|planner| planner.answer(chat)) };
        planned.unwrap_or_else(|| Reply::Text(format!("tool said: {}", results.join(" | "))))
    } else if let Some(directive) = directive {
        follow(chat, directive, first)?
    } else if let Some(planned) = planner.and_then(|planner| planner.answer(chat)) {
        planned
    } else {
        own(chat)?
    };
    constrain(chat, reply)
}

fn follow(chat: &Chat, directive: Directive, first: impl FnOnce() -> bool) -> Result<Reply, Refusal> {
    match directive {
        Directive::Echo(text) => Ok(Reply::Text(text)),
        Directive::Turns(turns) => Ok(Reply::Text(turns.into_iter().next().unwrap_or_default())),
        Directive::Calls(calls) => Ok(Reply::Calls(calls)),
        Directive::Json => formatted(&chat.format).map(Reply::Text),
        Directive::Long(words) => Ok(Reply::Text(long(words))),
        Directive::Refuse => Ok(Reply::Refusal("I'm sorry, but I can't help with that.".to_owned())),
        Directive::Fail { once: true, .. } if !first() => Ok(Reply::Text("recovered".to_owned())),
        Directive::Fail { status, retry_after, .. } => {
            let status = http::StatusCode::from_u16(status).unwrap_or(http::StatusCode::INTERNAL_SERVER_ERROR);
            Err(Refusal::staged(status, &format!("A failure as asked for: {}.", status.as_u16()), retry_after))
        }
    }
}

fn own(chat: &Chat) -> Result<Reply, Refusal> {
    match &chat.format {
        Format::Object | Format::Schema(_) => formatted(&chat.format).map(Reply::Text),
        Format::Text => {
            let words: Vec<&str> = chat.last_user_text().split_whitespace().take(8).collect();
            Ok(Reply::Text(if words.is_empty() {
                "Hello.".to_owned()
            } else {
                format!("You said: {}", words.join(" "))
            }))
        }
    }
}

fn formatted(format: &Format) -> Result<String, Refusal> {
    match format {
        Format::Text | Format::Object => Ok(r#"{"ok":true}"#.to_owned()),
        Format::Schema(schema) => schema::smallest(schema).map(|value| value.to_string()).ok_or_else(|| {
            let message = "Invalid schema for response_format: no finite value satisfies it.";
            Refusal::invalid("response_format".to_owned(), message)
        }),
    }
}

fn long(words: usize) -> String {
    const WORDS: [&str; 8] = ["one", "two", "three", "four", "five", "six", "seven", "eight"];
    WORDS.iter().cycle().take(words).copied().collect::<Vec<_>>().join(" ")
}

/// Sees to `tool_choice` and `parallel_tool_calls`.
fn constrain(chat: &Chat, reply: Reply) -> Result<Reply, Refusal> {
    let reply = match (&chat.choice, reply) {
        (Choice::None, Reply::Calls(_)) => own(chat)?,
        (Choice::Required, reply @ (Reply::Text(_) | Reply::Refusal(_))) => match chat.tools.first() {
            Some(tool) => made_up(chat, &tool.name),
            None => reply,
        },
        (Choice::Named(name), Reply::Calls(calls)) => {
            let named: Vec<Call> = calls.into_iter().filter(|call| call.name == *name).collect();
            if named.is_empty() { made_up(chat, name) } else { Reply::Calls(named) }
        }
        (Choice::Named(name), Reply::Text(_) | Reply::Refusal(_)) => made_up(chat, name),
        (Choice::None | Choice::Auto | Choice::Required, reply) => reply,
    };
    Ok(match reply {
        Reply::Calls(mut calls) => {
            if !chat.parallel {
                calls.truncate(1);
            }
            Reply::Calls(calls)
        }
        reply @ (Reply::Text(_) | Reply::Refusal(_)) => reply,
    })
}

/// A call with the least that the tool takes.
fn made_up(chat: &Chat, name: &str) -> Reply {
    let parameters = chat.tools.iter().find(|tool| tool.name == name).map(|tool| &tool.parameters);
    let arguments = parameters.and_then(schema::smallest).filter(Value::is_object).unwrap_or_else(|| json!({}));
    Reply::Calls(vec![Call { name: name.to_owned(), arguments: arguments.to_string() }])
}

/// Stops where the request says so, and counts what may be said.
fn finish(chat: &Chat, reply: Reply) -> (Reply, &'static str) {
    let mut left = chat.max_tokens.unwrap_or(usize::MAX);
    match reply {
        Reply::Text(text) => {
            let stopped = chat.stop.iter().filter_map(|stop| text.find(stop.as_str())).min();
            let text = text.get(..stopped.unwrap_or(text.len())).unwrap_or(&text);
            if tokens::count(text) > left {
                return (Reply::Text(tokens::cut(text, left).to_owned()), "length");
            }
            (Reply::Text(text.to_owned()), "stop")
        }
        Reply::Refusal(text) if tokens::count(&text) > left => {
            (Reply::Refusal(tokens::cut(&text, left).to_owned()), "length")
        }
        Reply::Refusal(text) => (Reply::Refusal(text), "stop"),
        Reply::Calls(calls) => {
            let mut said = Vec::new();
            for Call { name, arguments } in calls {
                left = left.saturating_sub(tokens::count(&name));
                if tokens::count(&arguments) > left {
                    let arguments = tokens::cut(&arguments, left).to_owned();
                    said.push(Call { name, arguments });
                    return (Reply::Calls(said), "length");
                }
                left -= tokens::count(&arguments);
                said.push(Call { name, arguments });
            }
            (Reply::Calls(said), "tool_calls")
        }
    }
}
