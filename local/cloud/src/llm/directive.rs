//! The script: what the last user message asks the model to do, in so many
//! words (docs/LOCAL.md lists them). A text that begins otherwise is no
//! directive.

use serde_json::Value;

use super::chat::Chat;
use super::reply::Call;

/// No answer is longer.
const MAX_WORDS: usize = 100_000;

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Directive {
    Echo(String),
    Calls(Vec<Call>),
    Json,
    Fail {
        status: u16,
        retry_after: Option<u64>,
        once: bool,
    },
    Long(usize),
    Refuse,
    /// What to say first, and what each time that the conversation goes on.
    Turns(Vec<String>),
}

/// `Ok(None)` when the text is not scripted.
///
/// # Errors
/// A directive that cannot be followed, with what it should look like.
pub fn parse(text: &str) -> Result<Option<Directive>, &'static str> {
    match text.trim() {
        "json" => return Ok(Some(Directive::Json)),
        "refuse" => return Ok(Some(Directive::Refuse)),
        _ => {}
    }
    let Some((name, rest)) = text.split_once(':') else {
        return Ok(None);
    };
    let rest = rest.strip_prefix(' ').unwrap_or(rest);
    let directive = match name.trim_start() {
        "echo" => Directive::Echo(rest.to_owned()),
        "json" => Directive::Json,
        "refuse" => Directive::Refuse,
        "call" | "calls" => Directive::Calls(calls(rest)?),
        "fail" => fail(rest)?,
        "turns" => Directive::Turns(rest.split(" || ").map(|turn| turn.trim().to_owned()).collect()),
        "long" => {
            let words = rest.trim().parse().ok().filter(|words| (1..=MAX_WORDS).contains(words));
            Directive::Long(words.ok_or("the directive is `long: N`, with N between 1 and 100000")?)
        }
        _ => return Ok(None),
    };
    Ok(Some(directive))
}

/// What the conversation asks for now: its last user message, or, where that is no directive, an earlier one
/// that says several turns.
///
/// # Errors
/// As [`parse`], of the last user message.
pub fn of(chat: &Chat) -> Result<Option<Directive>, &'static str> {
    let mut turn = None;
    for (place, (text, spoken)) in chat.user_texts().enumerate() {
        match parse(text) {
            Ok(Some(Directive::Turns(turns))) => {
                let now = turns.get(spoken).or(turns.last()).cloned();
                turn = now.map(Directive::Echo);
                break;
            }
            directive if place == 0 => {
                let directive = directive?;
                if directive.is_some() {
                    return Ok(directive);
                }
            }
            Ok(_) | Err(_) => {}
        }
    }
    Ok(turn)
}

/// `NAME JSON | NAME JSON`. What is not JSON goes to the caller as it stands:
/// models write such things.
fn calls(text: &str) -> Result<Vec<Call>, &'static str> {
    let mut calls = Vec::new();
    let mut left = text.trim();
    loop {
        let end = left.find(char::is_whitespace).unwrap_or(left.len());
        let (name, rest) = left.split_at(end);
        if name.is_empty() || name == "|" {
            return Err("the directive is `call: NAME JSON`, or `calls: NAME JSON | NAME JSON`");
        }
        let rest = rest.trim_start();
        let end = arguments_end(rest);
        let (arguments, rest) = rest.split_at(end);
        let arguments = match arguments.trim() {
            "" => "{}",
            given => given,
        };
        calls.push(Call { name: name.to_owned(), arguments: arguments.to_owned() });
        match rest.trim_start().strip_prefix('|') {
            Some(more) => left = more.trim_start(),
            None => return Ok(calls),
        }
    }
}

/// Where the arguments end: a `|` inside of JSON does not part calls.
fn arguments_end(text: &str) -> usize {
    let mut values = serde_json::Deserializer::from_str(text).into_iter::<Value>();
    if let Some(Ok(_)) = values.next() {
        let end = values.byte_offset();
        let rest = text.get(end..).unwrap_or("").trim_start();
        if rest.is_empty() || rest.starts_with('|') {
            return end;
        }
    }
    if text.starts_with('|') { 0 } else { text.find(" | ").unwrap_or(text.len()) }
}

fn fail(text: &str) -> Result<Directive, &'static str> {
    const FORM: &str = "the directive is `fail: STATUS [retry-after-seconds] [once]`, with a status from 400 to 599";
    let mut words = text.split_whitespace().peekable();
    let status = words.next().and_then(|word| word.parse().ok()).filter(|status| (400..600).contains(status));
    let status = status.ok_or(FORM)?;
    let retry_after = words.peek().and_then(|word| word.parse().ok());
    if retry_after.is_some() {
        words.next();
    }
    let once = words.next_if_eq(&"once").is_some();
    if words.next().is_some() {
        return Err(FORM);
    }
    Ok(Directive::Fail { status, retry_after, once })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(name: &str, arguments: &str) -> Call {
        Call { name: name.to_owned(), arguments: arguments.to_owned() }
    }

    #[test]
    fn calls_are_parted_by_bars_outside_of_json() {
        let parsed = parse(r#"calls: a {"x":"1 | 2"} | b | c {broken | d {}"#);
        let calls = vec![call("a", r#"{"x":"1 | 2"}"#), call("b", "{}"), call("c", "{broken"), call("d", "{}")];
        assert_eq!(parsed, Ok(Some(Directive::Calls(calls))));
        assert!(parse("call:").is_err());
        assert!(parse("calls: a {} |").is_err());
    }

    #[test]
    fn failures_say_when_to_come_again_and_whether_once() {
        let fail = |status, retry_after, once| Ok(Some(Directive::Fail { status, retry_after, once }));
        assert_eq!(parse("fail: 503"), fail(503, None, false));
        assert_eq!(parse("fail: 429 0 once"), fail(429, Some(0), true));
        assert_eq!(parse("fail: 500 once"), fail(500, None, true));
        assert!(parse("fail: 200").is_err());
        assert!(parse("fail: 500 1 twice").is_err());
    }

    #[test]
    fn other_texts_are_no_directives() {
        for text in ["", "Book a table: now", "echoes", "json please", "please echo: x"] {
            assert_eq!(parse(text), Ok(None), "{text}");
        }
        assert_eq!(parse("json: of a place"), Ok(Some(Directive::Json)));
        assert_eq!(parse("echo: a: b "), Ok(Some(Directive::Echo("a: b ".to_owned()))));
    }
}
