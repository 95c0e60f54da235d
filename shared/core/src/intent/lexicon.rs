//! German and Spanish, said in the words of the English grammar.
//!
//! A word or phrase of the lexicon becomes the English words that it stands for, each with the place in the message
//! that it came from; numbers and times become figures; what is not in the lexicon stays as it was said, for it is a
//! name, or a word that nobody understood, which is asked about like any other (`unread`). So there is one grammar,
//! and one rule of what is done and what is not, in every language.
//!
//! The lexicons are `lexicon/*.txt`: `key=English`, sorted by key; keys in small letters without accents. In front of
//! the English, `~` marks a phrase that the verb follows (`kannst du`), `!` a denial, which is read in front of its
//! clause, `*` a word whose sense depends on its neighbours; `^` behind it marks an infinitive, which is read where
//! an English verb stands.

use super::german;
use super::language::{Language, fold};
use super::lines::Lines;
use super::places;
use super::spanish;
use super::spelling::is_near;
use super::tokens::{Form, Token};
use super::word_order;

/// One word of the message, as the lexicon knows it.
pub(super) struct Raw<'t> {
    pub token: &'t Token,
    /// Small letters, no accents; of a quotation, nothing.
    pub word: String,
    /// Its spelling was corrected.
    corrected: bool,
}

/// A token of the English grammar, and how it takes part in the order of words.
#[derive(Clone, Debug)]
pub(super) struct Piece {
    pub token: Token,
    pub role: Role,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    Plain,
    /// The verb follows: `can you`.
    Frame,
    /// An infinitive, which may stand at the end.
    Infinitive,
    Denial,
    /// `bei`, `en`: `at`, or of an order, `from`.
    Place,
}

/// The message's tokens, in English.
pub(super) fn in_english(message: &str, tokens: Vec<Token>, language: Language) -> Vec<Token> {
    let Some(lexicon) = Lexicon::of(language) else {
        return tokens;
    };
    let opens =
        |at: usize| at.checked_sub(1).and_then(|before| tokens.get(before)).is_none_or(|t| t.form == Form::Mark);
    let raws: Vec<Raw> = tokens.iter().enumerate().map(|(at, token)| lexicon.raw(message, token, opens(at))).collect();
    let mut pieces = Vec::with_capacity(tokens.len());
    let mut at = 0;
    while at < raws.len() {
        at += lexicon.translate(&raws, at, &mut pieces).max(1);
    }
    word_order::arrange(pieces).into_iter().map(|piece| piece.token).collect()
}

/// The words of one language.
#[derive(Clone, Copy)]
pub(super) struct Lexicon {
    language: Language,
    /// `key=English`.
    lines: Lines,
}

impl Lexicon {
    pub fn of(language: Language) -> Option<Self> {
        let lines = match language {
            Language::English => return None,
            Language::German => include_str!("lexicon/german.txt"),
            Language::Spanish => include_str!("lexicon/spanish.txt"),
        };
        Some(Self { language, lines: Lines(lines) })
    }

    /// What is typed in English for the words of the grammar.
    pub fn idioms() -> Self {
        Self { language: Language::English, lines: Lines(include_str!("lexicon/english.txt")) }
    }

    /// The English of a phrase.
    pub fn get(&self, phrase: &str) -> Option<&'static str> {
        self.lines.get(phrase)
    }

    /// How many words the longest phrase has that begins with this one; 0 where there is none.
    pub fn longest(&self, word: &str) -> usize {
        self.lines.longest(word)
    }

    pub fn number(&self, word: &str) -> Option<u32> {
        match self.language {
            Language::English => None,
            Language::German => german::number(word),
            Language::Spanish => spanish::small(word),
        }
    }

    fn knows(&self, word: &str) -> bool {
        self.get(word).is_some() || self.number(word).is_some()
    }

    /// Whether a word of the message belongs to the language.
    pub fn has(&self, word: &str) -> bool {
        self.knows(word) || (self.language == Language::German && german::respelt(word).is_some_and(|w| self.knows(&w)))
    }

    /// `opens`: it begins a sentence, where a capital says nothing.
    fn raw<'t>(&self, message: &str, token: &'t Token, opens: bool) -> Raw<'t> {
        let mut raw = Raw { token, word: String::new(), corrected: false };
        if token.form == Form::Quoted {
            return raw;
        }
        raw.word = if token.form == Form::Word {
            fold(message.get(token.start..token.end).unwrap_or_default())
        } else {
            token.word.clone()
        };
        if token.form != Form::Word || self.knows(&raw.word) {
            return raw;
        }
        let respelt = match self.language {
            Language::English => None,
            Language::German => german::respelt(&raw.word),
            Language::Spanish => spanish::respelt(&raw.word, |word| self.knows(word)),
        };
        if let Some(word) = respelt.filter(|word| self.knows(word)) {
            raw.word = word;
        } else if let Some(word) = self.meant(&raw.word, token.capital && !opens) {
            raw.word = word.to_owned();
            raw.corrected = true;
        }
        raw
    }

    /// The word of the lexicon that is one slip away. A capital may be a name: only the commonest nouns are meant.
    fn meant(&self, word: &str, capital: bool) -> Option<&'static str> {
        const NOUNS: [&str; 8] =
            ["table", "people", "calendar", "message", "restaurant", "reservation", "breakfast", "dinner"];
        if !(4..=14).contains(&word.len()) || word.contains('\'') {
            return None;
        }
        // A part of a phrase is no slip.
        if self.lines.has_part(word) {
            return None;
        }
        let first = word.get(..word.chars().next()?.len_utf8())?;
        let mut candidates = self.lines.beginning_with(first).filter(|(key, english)| {
            key.len().abs_diff(word.len()) <= 1
                && key.len() >= 5
                && !key.contains(' ')
                && !english.is_empty()
                && (!capital || NOUNS.contains(english))
        });
        candidates.find(|(key, _)| is_near(word, key)).map(|(key, _)| key)
    }

    /// Adds what stands at a place, and says how many words it took.
    fn translate(&self, raws: &[Raw], at: usize, pieces: &mut Vec<Piece>) -> usize {
        let Some(raw) = raws.get(at) else {
            return 1;
        };
        if matches!(raw.token.form, Form::Quoted) {
            pieces.push(Piece { token: raw.token.clone(), role: Role::Plain });
            return 1;
        }
        if let Some((english, length)) = self.figures(raws, at) {
            say(&english, raws.get(at..at + length).unwrap_or_default(), pieces);
            return length;
        }
        if raw.token.form == Form::Mark {
            if !["¿", "¡"].contains(&raw.word.as_str()) {
                pieces.push(Piece { token: raw.token.clone(), role: Role::Plain });
            }
            return 1;
        }
        // `El Camino` is a name, and no article.
        if let Some(length) = places::named(|offset| raws.get(at + offset).map_or("", |raw| raw.word.as_str()))
            && length > 1
        {
            for raw in raws.iter().skip(at).take(length) {
                pieces.push(Piece { token: raw.token.clone(), role: Role::Plain });
            }
            return length;
        }
        // `Casa Pepe`: Spanish writes no noun with a capital.
        if self.language == Language::Spanish && at > 0 && is_named(raws, at) {
            for raw in raws.iter().skip(at).take(2) {
                pieces.push(Piece { token: raw.token.clone(), role: Role::Plain });
            }
            return 2;
        }
        for length in (1..=self.longest(&raw.word)).rev() {
            let Some(words) = raws.get(at..at + length).filter(|words| words.iter().all(is_word)) else {
                continue;
            };
            let phrase = words.iter().map(|raw| raw.word.as_str()).collect::<Vec<_>>().join(" ");
            if let Some(english) = self.get(&phrase) {
                let english = match english.strip_prefix('*') {
                    Some(_) => self.in_context(raws, at, pieces),
                    None => Some(english),
                };
                if let Some(english) = english {
                    say(english, words, pieces);
                    return length;
                }
                break;
            }
        }
        if let Some(english) = self.compound(&raw.word) {
            say(&english, raws.get(at..=at).unwrap_or_default(), pieces);
            return 1;
        }
        // A name, or a word that is not known.
        let mut token = raw.token.clone();
        if token.corrected {
            (token.word, token.corrected) = (raw.word.clone(), false);
        }
        token.unknown = token.form == Form::Word && !token.capital;
        token.noun = token.capital && self.language == Language::German;
        pieces.push(Piece { token, role: Role::Plain });
        1
    }

    fn figures(&self, raws: &[Raw], at: usize) -> Option<(String, usize)> {
        match self.language {
            Language::English => None,
            Language::German => german::figures(raws, at),
            Language::Spanish => spanish::figures(raws, at),
        }
    }

    fn in_context(&self, raws: &[Raw], at: usize, pieces: &mut Vec<Piece>) -> Option<&'static str> {
        match self.language {
            Language::English => None,
            Language::German => german::in_context(raws, at, pieces),
            Language::Spanish => spanish::in_context(raws, at, pieces),
        }
    }

    fn compound(&self, word: &str) -> Option<String> {
        match self.language {
            Language::English | Language::Spanish => None,
            Language::German => german::compound(word, |part| self.get(part)),
        }
    }
}

/// Two capitals inside a sentence, of which the second is no word that is known.
fn is_named(raws: &[Raw], at: usize) -> bool {
    let capital = |at: usize| raws.get(at).is_some_and(|raw| raw.token.capital && raw.token.form == Form::Word);
    let opens = raws.get(at - 1).is_some_and(|raw| raw.token.form == Form::Mark && raw.word != ",");
    let known = |raw: &Raw| Lexicon::of(Language::Spanish).is_some_and(|lexicon| lexicon.knows(&raw.word));
    !opens && capital(at) && capital(at + 1) && !raws.get(at + 1).is_some_and(known)
}

fn is_word(raw: &Raw) -> bool {
    matches!(raw.token.form, Form::Word | Form::Number)
}

/// Adds English words that stand for words of the message.
fn say(english: &str, from: &[Raw], pieces: &mut Vec<Piece>) {
    let (Some(first), Some(last)) = (from.first(), from.last()) else {
        return;
    };
    let corrected = from.iter().any(|raw| raw.corrected);
    let infinitive = english.ends_with('^');
    let frame = english.starts_with('~');
    for (place, word) in english.trim_start_matches('~').trim_end_matches('^').split_whitespace().enumerate() {
        let (word, denial) = word.strip_prefix('!').map_or((word, false), |word| (word, true));
        let (word, is_place) = word.strip_prefix('@').map_or((word, false), |word| (word, true));
        let (word, glued) = word.strip_prefix('_').map_or((word, false), |word| (word, true));
        let digits = word.starts_with(|c: char| c.is_ascii_digit());
        let role = if denial {
            Role::Denial
        } else if is_place {
            Role::Place
        } else if frame && word != "us" {
            Role::Frame
        } else if infinitive {
            Role::Infinitive
        } else {
            Role::Plain
        };
        let token = Token {
            form: if digits { Form::Number } else { Form::Word },
            word: word.to_owned(),
            start: first.token.start,
            end: last.token.end,
            capital: false,
            corrected: corrected && place == 0,
            glued,
            unknown: false,
            noun: false,
        };
        pieces.push(Piece { token, role });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_is_folded() {
        let lexicons = [Language::German, Language::Spanish].map(|language| Lexicon::of(language).unwrap());
        for lexicon in lexicons.into_iter().chain([Lexicon::idioms()]) {
            let language = lexicon.language;
            for (key, _) in lexicon.lines.all() {
                assert_eq!(fold(key), key, "{language:?}");
            }
        }
    }
}
