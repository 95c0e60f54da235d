//! The count of tokens, which is of our own making: a run of letters and
//! digits is a token for every four characters begun, any other visible
//! character is one by itself, and white space counts with what follows it.

use super::{
    chat::{Chat, Message},
    reply::Reply,
};

const PER_WORD_TOKEN: usize = 4;
/// What a message costs besides its text, and what the answer's opening does.
const PER_MESSAGE: usize = 4;
const PER_REQUEST: usize = 3;

pub fn count(text: &str) -> usize {
    ends(text).count()
}

/// The first `max` tokens of a text.
pub fn cut(text: &str, max: usize) -> &str {
    let end = match max.checked_sub(1) {
        None => 0,
        Some(last) => ends(text).nth(last).unwrap_or(text.len()),
    };
    text.get(..end).unwrap_or(text)
}

/// What a request is counted as.
pub fn of_prompt(chat: &Chat) -> usize {
    let messages: usize = chat.messages.iter().map(of_message).sum();
    let tools: usize = chat
        .tools
        .iter()
        .map(|tool| {
            count(&tool.name)
                + tool.description.as_deref().map_or(0, count)
                + if tool.parameters.is_null() { 0 } else { count(&tool.parameters.to_string()) }
        })
        .sum();
    PER_REQUEST + messages + tools
}

fn of_message(message: &Message) -> usize {
    let calls: usize = message.calls.iter().map(|(_, call)| count(&call.name) + count(&call.arguments)).sum();
    PER_MESSAGE + count(&message.text) + calls
}

/// What an answer is counted as.
pub fn of_reply(reply: &Reply) -> usize {
    match reply {
        Reply::Text(text) | Reply::Refusal(text) => count(text),
        Reply::Calls(calls) => calls.iter().map(|call| count(&call.name) + count(&call.arguments)).sum(),
    }
}

/// Where each token of a text ends.
fn ends(text: &str) -> impl Iterator<Item = usize> + '_ {
    let mut chars = text.char_indices().peekable();
    std::iter::from_fn(move || {
        while chars.next_if(|(_, c)| c.is_whitespace()).is_some() {}
        let (at, first) = chars.next()?;
        let mut end = at + first.len_utf8();
        if first.is_alphanumeric() {
            for _ in 1..PER_WORD_TOKEN {
                let Some((at, c)) = chars.next_if(|(_, c)| c.is_alphanumeric()) else {
                    break;
                };
                end = at + c.len_utf8();
            }
        }
        Some(end)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_count_by_four_characters_and_signs_by_themselves() {
        assert_eq!(count(""), 0);
        assert_eq!(count("  \n"), 0);
        assert_eq!(count("four"), 1);
        assert_eq!(count("fiver"), 2);
        assert_eq!(count("Hi, zwölf!"), 5);
    }

    #[test]
    fn a_cut_text_has_as_many_tokens_as_were_allowed() {
        assert_eq!(cut("one two three", 2), "one two");
        assert_eq!(cut("one", 0), "");
        assert_eq!(cut("öööööö", 1), "öööö");
        assert_eq!(cut("one", 9), "one");
    }
}
