//! What people type for the words of the grammar: short forms, slang, and set phrases.
//!
//! Each becomes the words that it stands for, in the place where it was typed; what somebody is to be told is passed
//! on as it was written, as ever.

use super::tokens::{Form, Token};

/// Phrases in small letters and their words, `phrase=words`; a phrase stands before those that are the beginning of it.
const IDIOMS: &str = include_str!("lexicon/english.txt");

/// The tokens, with what the phrases stand for.
pub(super) fn spelled_out(tokens: Vec<Token>) -> Vec<Token> {
    let mut out = Vec::with_capacity(tokens.len());
    let mut at = 0;
    while let Some(token) = tokens.get(at) {
        let lines = IDIOMS.lines().filter(|line| line.starts_with(token.word.as_str()));
        let found = lines.filter_map(|line| line.split_once('=')).find(|(phrase, _)| {
            phrase.split(' ').enumerate().all(|(offset, word)| {
                tokens.get(at + offset).is_some_and(|token| token.form != Form::Quoted && token.word == word)
            })
        });
        // A capital inside a sentence begins a name, unless everything is in capitals.
        let named = token.capital && out.last().is_some_and(|last: &Token| last.form != Form::Mark);
        let Some((phrase, meant)) = found.filter(|_| !named) else {
            out.push(token.clone());
            at += 1;
            continue;
        };
        let length = phrase.split(' ').count();
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
