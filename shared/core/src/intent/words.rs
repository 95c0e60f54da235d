//! The words of one clause, and which of them have been understood already.
//!
//! Each recogniser takes the words that it understood, so that the next one does not see them: the
//! `4` of `for 4 at 7pm` is taken once. Every look is total: outside the clause there are only blanks.

use std::ops::Range;

use super::tokens::{Form, Token};

#[derive(Clone)]
pub(super) struct Words<'m> {
    message: &'m str,
    tokens: &'m [Token],
    taken: Vec<bool>,
}

/// Words that end a name or a place.
pub(super) const STOPS: [&str; 48] = [
    "at",
    "on",
    "for",
    "from",
    "to",
    "in",
    "by",
    "with",
    "and",
    "or",
    "then",
    "please",
    "there",
    "via",
    "under",
    "that",
    "of",
    "about",
    "around",
    "after",
    "before",
    "if",
    "when",
    "as",
    "so",
    "because",
    "using",
    "is",
    "thanks",
    "saying",
    "without",
    "except",
    "instead",
    "not",
    "but",
    "unless",
    "only",
    "ideally",
    "preferably",
    "maximum",
    "max",
    "including",
    "excluding",
    "asap",
    "while",
    "until",
    "till",
    "quickly",
];

impl<'m> Words<'m> {
    pub fn new(message: &'m str, tokens: &'m [Token]) -> Self {
        Self { message, tokens, taken: vec![false; tokens.len()] }
    }

    pub fn len(&self) -> usize {
        self.tokens.len()
    }

    /// Not yet taken, and there at all.
    pub fn is_free(&self, at: usize) -> bool {
        self.taken.get(at) == Some(&false)
    }

    fn free(&self, at: usize) -> Option<&'m Token> {
        self.tokens.get(at).filter(|_| self.is_free(at))
    }

    pub fn form(&self, at: usize) -> Option<Form> {
        self.free(at).map(|token| token.form)
    }

    /// The word, number or mark at a place; blank for quotations, taken words, and outside.
    pub fn at(&self, at: usize) -> &'m str {
        self.free(at).filter(|token| token.form != Form::Quoted).map_or("", |token| &token.word)
    }

    /// The content of a quotation.
    pub fn quoted(&self, at: usize) -> Option<&'m str> {
        self.free(at).filter(|token| token.form == Form::Quoted).map(|token| token.word.as_str())
    }

    pub fn is(&self, at: usize, any: &[&str]) -> bool {
        let word = self.at(at);
        !word.is_empty() && any.contains(&word)
    }

    /// Whether these words stand here, separated by spaces in `sequence`.
    pub fn reads(&self, at: usize, sequence: &str) -> bool {
        // Most phrases differ in their first letter.
        let first = self.at(at);
        !first.is_empty()
            && sequence.as_bytes().first() == first.as_bytes().first()
            && sequence.starts_with(first)
            && sequence.split(' ').enumerate().all(|(offset, word)| self.at(at + offset) == word)
    }

    pub fn find(&self, any: &[&str]) -> Option<usize> {
        (0..self.len()).find(|at| self.is(*at, any))
    }

    pub fn has(&self, any: &[&str]) -> bool {
        self.find(any).is_some()
    }

    pub fn is_capital(&self, at: usize) -> bool {
        self.free(at).is_some_and(|token| token.form == Form::Word && token.capital)
    }

    /// A capital that may begin any noun.
    pub fn is_noun(&self, at: usize) -> bool {
        self.free(at).is_some_and(|token| token.noun)
    }

    pub fn is_glued(&self, at: usize) -> bool {
        self.free(at).is_some_and(|token| token.glued)
    }

    pub fn is_mark(&self, at: usize) -> bool {
        self.form(at) == Some(Form::Mark)
    }

    /// How many words were misspelt, quotations aside.
    pub fn corrections(&self) -> u32 {
        self.tokens.iter().map(|token| u32::from(token.corrected)).sum()
    }

    pub fn take(&mut self, range: Range<usize>) {
        for at in range {
            if let Some(taken) = self.taken.get_mut(at) {
                *taken = true;
            }
        }
    }

    /// The message as it was typed, from one word to another.
    pub fn text(&self, range: Range<usize>) -> &'m str {
        let inner = self.tokens.get(range).unwrap_or_default();
        let (Some(first), Some(last)) = (inner.first(), inner.last()) else {
            return "";
        };
        self.message.get(first.start..last.end).unwrap_or_default()
    }

    /// What follows a word, to the end, as it was typed: also words that the grammar dropped.
    pub fn text_after(&self, before: usize) -> &'m str {
        let (Some(before), Some(first)) = (self.tokens.get(before), self.tokens.get(before + 1)) else {
            return "";
        };
        let start = if before.end <= first.start { before.end } else { first.start };
        let end = self.tokens.last().map_or(start, |last| last.end);
        self.message.get(start..end).unwrap_or_default().trim()
    }

    /// What stands between two places as it was typed, with what the grammar dropped before the first.
    pub fn text_between(&self, start: usize, end: usize) -> &'m str {
        let before = start.checked_sub(1).and_then(|before| self.tokens.get(before));
        let (Some(first), Some(last)) = (self.tokens.get(start), end.checked_sub(1).and_then(|at| self.tokens.get(at)))
        else {
            return "";
        };
        let from =
            before.map_or(first.start, |before| if before.end <= first.start { before.end } else { first.start });
        self.message.get(from..last.end).unwrap_or_default()
    }

    /// The word at a place, taken or not.
    pub fn raw(&self, at: usize) -> &'m str {
        self.tokens.get(at).filter(|token| token.form != Form::Quoted).map_or("", |token| &token.word)
    }

    /// The words from a place on, none of them taken.
    pub fn tail(&self, at: usize) -> Self {
        Self::new(self.message, self.tokens.get(at..).unwrap_or_default())
    }

    /// The words before a place, none of them taken.
    pub fn head(&self, end: usize) -> Self {
        Self::new(self.message, self.tokens.get(..end).unwrap_or_default())
    }

    /// A word that no lexicon has.
    fn is_unknown(&self, at: usize) -> bool {
        self.free(at).is_some_and(|token| token.unknown)
    }

    /// The words of a name or a place that starts here: up to a mark, a taken word or a stop word.
    /// A quotation is a phrase of its own.
    pub fn phrase(&self, start: usize, stops: &[&str]) -> Range<usize> {
        if self.quoted(start).is_some() {
            return start..start + 1;
        }
        let ends = |at: usize| {
            let joins = at > start && self.is(at, &["and", "of"]);
            let inner = joins && self.is_capital(at - 1) && self.is_capital(at + 1);
            let word = matches!(self.form(at), Some(Form::Word | Form::Number));
            let strange = at > start && self.is_unknown(at);
            !word || strange || stops.contains(&self.at(at)) || (STOPS.contains(&self.at(at)) && !inner)
        };
        let end = (start..self.len()).find(|at| ends(*at)).unwrap_or(self.len());
        start..end
    }

    /// The words of a proper name that starts here: a phrase, up to a small word behind a capital one.
    pub fn name(&self, start: usize, stops: &[&str]) -> Range<usize> {
        let phrase = self.phrase(start, stops);
        let joins = ["de", "del", "la", "le", "di", "da", "du", "van", "von", "der", "the", "and", "n"];
        let small = |at: &usize| {
            self.is_capital(at - 1)
                && self.form(*at) == Some(Form::Word)
                && !self.is_capital(*at)
                && !self.is(*at, &joins)
        };
        phrase.start..(start + 1..phrase.end).find(small).unwrap_or(phrase.end)
    }

    /// The phrase as text; a quotation without its quotes. `None` where it is empty.
    pub fn phrase_text(&self, range: Range<usize>) -> Option<String> {
        if let Some(quoted) = self.quoted(range.start) {
            return Some(quoted.trim().to_owned()).filter(|text| !text.is_empty());
        }
        let text = self.text(range).trim();
        (!text.is_empty()).then(|| text.to_owned())
    }
}
