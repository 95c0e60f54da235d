//! Which language a message is in, by its words.

use super::lexicon::Lexicon;
use super::tokens::{Form, Token};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Language {
    English,
    German,
    Spanish,
}

/// Common words by which English is known.
const ENGLISH: [&str; 157] = [
    "im",
    "txt",
    "msg",
    "u",
    "pls",
    "plz",
    "tmrw",
    "tonite",
    "running",
    "late",
    "got",
    "your",
    "her",
    "his",
    "she's",
    "be",
    "have",
    "just",
    "gonna",
    "cab",
    // Those that another of the languages has too count for both.
    "a",
    "me",
    "taxi",
    "taxis",
    "in",
    "no",
    "an",
    "am",
    "so",
    "was",
    "restaurant",
    "restaurants",
    "sms",
    "mail",
    "email",
    "details",
    "hotel",
    "ticket",
    "dollar",
    "euro",
    "april",
    "august",
    "september",
    "november",
    "person",
    "partner",
    "minute",
    "info",
    "infos",
    "sorry",
    "ok",
    "okay",
    "vegan",
    "hi",
    "hey",
    "son",
    "has",
    "also",
    "sushi",
    "the",
    "to",
    "at",
    "for",
    "and",
    "please",
    "book",
    "table",
    "my",
    "our",
    "tomorrow",
    "tonight",
    "today",
    "with",
    "of",
    "on",
    "is",
    "it",
    "i",
    "you",
    "want",
    "need",
    "get",
    "pay",
    "send",
    "text",
    "tell",
    "message",
    "from",
    "reserve",
    "what",
    "what's",
    "how",
    "there",
    "us",
    "by",
    "or",
    "not",
    "don't",
    "do",
    "does",
    "can",
    "could",
    "would",
    "i'd",
    "we",
    "we'd",
    "i'm",
    "we're",
    "he",
    "she",
    "they",
    "this",
    "that",
    "next",
    "pm",
    "people",
    "euros",
    "dollars",
    "make",
    "put",
    "let",
    "know",
    "forget",
    "instead",
    "and",
    "then",
    "after",
    "before",
    "weather",
    "find",
    "show",
    "half",
    "past",
    "quarter",
    "monday",
    "tuesday",
    "wednesday",
    "thursday",
    "friday",
    "saturday",
    "sunday",
    "home",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "here",
    "if",
    "call",
    "order",
    "ride",
];

/// The language that most of the words belong to; English where it is as near as another. What follows a colon is
/// what somebody is to be told, in whatever language.
pub(super) fn language(message: &str, tokens: &[Token]) -> Language {
    let said = tokens.iter().take_while(|token| token.word != ":");
    let words: Vec<String> = said
        .filter(|token| token.form == Form::Word)
        .map(|token| fold(message.get(token.start..token.end).unwrap_or_default()))
        .collect();
    let english = words.iter().filter(|word| ENGLISH.contains(&word.as_str())).count();
    let count = |language| {
        let lexicon = Lexicon::of(language);
        words.iter().filter(|word| lexicon.is_some_and(|lexicon| lexicon.has(word))).count()
    };
    let (german, spanish) = (count(Language::German), count(Language::Spanish));
    if german > english && german > spanish {
        Language::German
    } else if spanish > english {
        Language::Spanish
    } else {
        Language::English
    }
}

/// Small letters without accents; `ß` is `ss`.
pub(super) fn fold(word: &str) -> String {
    let mut folded = String::with_capacity(word.len());
    for letter in word.chars().flat_map(char::to_lowercase) {
        match letter {
            'ä' | 'á' | 'à' | 'â' => folded.push('a'),
            'é' | 'è' | 'ê' | 'ë' => folded.push('e'),
            'í' | 'ì' | 'ï' => folded.push('i'),
            'ö' | 'ó' | 'ò' | 'ô' => folded.push('o'),
            'ü' | 'ú' | 'ù' => folded.push('u'),
            'ñ' => folded.push('n'),
            'ß' => folded.push_str("ss"),
            '’' | '‘' | 'ʼ' | '′' | '´' => folded.push('\''),
            '\u{300}'..='\u{36f}' => {}
            letter => folded.push(letter),
        }
    }
    folded
}

#[cfg(test)]
mod tests {
    use super::super::tokens::tokens;
    use super::*;

    #[test]
    fn a_language_is_known_by_its_words() {
        for (message, expected) in [
            ("Book a table at El Camino", Language::English),
            ("Sakura", Language::English),
            ("25 EUR", Language::English),
            ("Reserviere einen Tisch für vier", Language::German),
            ("um halb acht", Language::German),
            ("ich moechte einen tisch fuer zwei", Language::German),
            ("Reserva una mesa para cuatro", Language::Spanish),
            ("a las siete y media", Language::Spanish),
            ("mejor el viernes", Language::Spanish),
            ("text Sam: ich komme morgen um acht zu dir", Language::English),
            ("Réservez une table pour deux demain", Language::English),
        ] {
            assert_eq!(language(message, &tokens(message)), expected, "{message}");
        }
    }
}
