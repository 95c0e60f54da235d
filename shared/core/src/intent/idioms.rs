//! What people type for the words of the grammar: short forms, slang, and set phrases.
//!
//! Each becomes the words that it stands for, in the place where it was typed; what somebody is to be told is passed
//! on as it was written, as ever.

use super::lexicon::Lexicon;
use super::tokens::{Form, Token};

/// The tokens, with what the phrases stand for.
pub(super) fn spelled_out(tokens: Vec<Token>) -> Vec<Token> {
    let mut out = Vec::with_capacity(tokens.len());
    let lexicon = Lexicon::idioms();
    let mut at = 0;
    while let Some(token) = tokens.get(at) {
        let found = (1..=lexicon.longest(word_of(token))).rev().find_map(|length| {
            let words = tokens.get(at..at + length)?;
            let phrase = words.iter().map(word_of).collect::<Vec<_>>().join(" ");
            Some((length, lexicon.get(&phrase)?))
        });
        // A capital inside a sentence begins a name, unless everything is in capitals.
        let named = token.capital && out.last().is_some_and(|last: &Token| last.form != Form::Mark);
        let Some((length, meant)) = found.filter(|_| !named) else {
            out.push(token.clone());
            at += 1;
            continue;
        };
        let end = tokens.get(at + length - 1).map_or(token.end, |last| last.end);
        for word in meant.split_whitespace() {
            let digits = word.starts_with(|c: char| c.is_ascii_digit());
            out.push(Token {
                form: if digits { Form::Number } else { Form::Word },
                word: word.to_owned(),
                end,
                glued: false,
                ..token.clone()
            });
        }
        at += length;
    }
    out
}

fn word_of(token: &Token) -> &str {
    if token.form == Form::Quoted { "" } else { &token.word }
}
