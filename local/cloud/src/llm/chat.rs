//! A request for a completion, once it is known to be well-formed.

use serde_json::Value;

use super::reply::Call;

#[derive(Clone, Debug, PartialEq)]
pub struct Chat {
    pub model: String,
    /// At least one.
    pub messages: Vec<Message>,
    pub tools: Vec<Tool>,
    pub choice: Choice,
    /// More than one call in an answer is allowed.
    pub parallel: bool,
    pub format: Format,
    pub stream: bool,
    /// A stream is to end with a chunk of usage.
    pub stream_usage: bool,
    pub max_tokens: Option<usize>,
    pub stop: Vec<String>,
    /// How many choices, at least one.
    pub n: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    System,
    Developer,
    User,
    Assistant,
    Tool,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Message {
    pub role: Role,
    /// The text, of several parts joined; empty where there is none.
    pub text: String,
    /// Of an assistant: the calls that it made, with their ids.
    pub calls: Vec<(String, Call)>,
    /// Of a tool: the id of the call that it answers.
    pub answers: Option<String>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Tool {
    pub name: String,
    pub description: Option<String>,
    /// A JSON schema; `null` where the tool takes nothing.
    pub parameters: Value,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Choice {
    None,
    Auto,
    Required,
    Named(String),
}

#[derive(Clone, Debug, PartialEq)]
pub enum Format {
    Text,
    Object,
    Schema(Value),
}

impl Chat {
    /// What the user said last, or nothing.
    #[must_use]
    pub fn last_user_text(&self) -> &str {
        let said = self.messages.iter().rev().find(|message| message.role == Role::User);
        said.map_or("", |message| unmarked(&message.text))
    }

    /// What the user said in earlier messages, the last first, each with how often the model has spoken since.
    pub fn user_texts(&self) -> impl Iterator<Item = (&str, usize)> {
        let said = self.messages.iter().enumerate().rev().filter(|(_, message)| message.role == Role::User);
        said.map(|(at, message)| {
            let since = self.messages.iter().skip(at).filter(|message| message.role == Role::Assistant).count();
            (unmarked(&message.text), since)
        })
    }

    /// The contents of the tool messages at the end.
    #[must_use]
    pub fn tool_results(&self) -> Vec<&str> {
        let mut results: Vec<&str> = self
            .messages
            .iter()
            .rev()
            .take_while(|message| message.role == Role::Tool)
            .map(|message| message.text.as_str())
            .collect();
        results.reverse();
        results
    }
}

/// A user's words without the mark that Makegood puts around them: between the lines `<message MARK>` and
/// `</message MARK>`.
fn unmarked(text: &str) -> &str {
    let inner = || {
        let (first, rest) = text.split_once('\n')?;
        let mark = first.strip_prefix("<message ")?.strip_suffix('>')?;
        rest.strip_suffix(&format!("\n</message {mark}>"))
    };
    inner().unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_is_taken_off_where_it_is_whole() {
        assert_eq!(unmarked("<message a1>\necho: hi\n\n</message a1>"), "echo: hi\n");
        for other in ["echo: hi", "<message a1>\nx\n</message a2>", "<message a1> x"] {
            assert_eq!(unmarked(other), other);
        }
    }
}
