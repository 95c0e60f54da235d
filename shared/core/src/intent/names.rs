//! People by name, and people spoken of before.

use super::places;
use super::tokens::Form;
use super::words::Words;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Person {
    Named(String),
    /// `him`, `her`, `them`.
    Before,
}

const NO_NAMES: [&str; 60] = [
    "nobody",
    "whoever",
    "anyone",
    "anybody",
    "everybody",
    "none",
    "no",
    "whom",
    "whomever",
    "every",
    "each",
    "half",
    "double",
    "twice",
    "maybe",
    "either",
    "the",
    "a",
    "an",
    "that",
    "about",
    "to",
    "know",
    "details",
    "this",
    "it",
    "for",
    "of",
    "with",
    "and",
    "or",
    "if",
    "where",
    "when",
    "what",
    "how",
    "everything",
    "everyone",
    "somebody",
    "someone",
    "all",
    "on",
    "at",
    "in",
    "from",
    "by",
    "please",
    "i",
    "i'm",
    "i'll",
    "i've",
    "we",
    "we're",
    "bill",
    "dinner",
    "some",
    "out",
    "via",
    "me",
    "us",
];

/// The people listed from a place on, and where the list ends.
pub(super) fn people(words: &Words, start: usize) -> (Vec<Person>, usize) {
    let mut found = Vec::new();
    let mut at = start;
    while let Some((person, length)) = person(words, at) {
        found.push(person);
        at += length;
        let comma = usize::from(words.at(at) == ",");
        let and = usize::from(words.is(at + comma, &["and", "&"]));
        let next = at + comma + and;
        let goes_on = comma + and > 0 && (words.is_capital(next) || words.is(next, &["my"]));
        if !goes_on || person_is_speech(words, next) {
            break;
        }
        at = next;
    }
    (found, at)
}

fn person_is_speech(words: &Words, at: usize) -> bool {
    words.is(at, &NO_NAMES)
}

fn person(words: &Words, at: usize) -> Option<(Person, usize)> {
    if words.is(at, &["him", "her", "them"]) {
        return Some((Person::Before, 1));
    }
    let named = |length: usize| {
        let text = words.text(at..at + length).trim();
        (!text.is_empty()).then(|| (Person::Named(text.to_owned()), length))
    };
    if words.is(at, &["my", "our", "mr", "mrs", "ms", "dr"]) && words.form(at + 1) == Some(Form::Word) {
        return named(2 + usize::from(words.is_capital(at + 2) && !words.is(at + 2, &NO_NAMES)));
    }
    // `the plumber`, but not `the details`.
    if words.at(at) == "the" && words.form(at + 1) == Some(Form::Word) && !words.is(at + 1, &THINGS) {
        return named(2);
    }
    if words.at(at) == "+" && words.form(at + 1) == Some(Form::Number) {
        let more = (at + 2..words.len()).take_while(|at| words.form(*at) == Some(Form::Number)).count();
        return named(2 + more);
    }
    // `Sam's` is no person, but something of Sam's; `Luigi's` is a house.
    if words.at(at).ends_with("'s") && places::restaurant(words, at).is_none() {
        return None;
    }
    if words.form(at) != Some(Form::Word) || words.is(at, &NO_NAMES) || words.is(at, &THINGS) {
        return None;
    }
    if !words.is_capital(at) {
        return named(1);
    }
    if let Some(length) = particled(words, at) {
        return named(length);
    }
    // A second capital is a surname where the sentence goes on behind it as behind a name.
    let mut length = 1;
    while length < 3 && words.is_capital(at + length) && !words.is(at + length, &NO_NAMES) {
        let next = at + length + 1;
        let ends = next >= words.len()
            || words.is(next, &["the", "that", "to", ":", "about", "and", "know", ",", "a", "my"])
            || words.form(next).is_none()
            || words.form(next) == Some(Form::Quoted)
            || words.is_capital(next);
        if !ends {
            break;
        }
        length += 1;
    }
    named(length)
}

/// `Vincent van der Berg`, `Maria de la Cruz`: how many words.
fn particled(words: &Words, at: usize) -> Option<usize> {
    const PARTICLES: [&str; 22] = [
        "van", "von", "der", "den", "de", "la", "las", "los", "del", "di", "da", "do", "dos", "du", "le", "ten", "ter",
        "zu", "bin", "ibn", "el", "al",
    ];
    let first = (1..=2).find(|length| PARTICLES.contains(&words.at(at + length)))?;
    let particles = (at + first..at + first + 3).take_while(|at| PARTICLES.contains(&words.at(*at))).count();
    let given = (at..at + first).all(|at| words.is_capital(at));
    (given && words.is_capital(at + first + particles)).then_some(first + particles + 1)
}

const THINGS: [&str; 25] = [
    "details",
    "plan",
    "address",
    "time",
    "date",
    "confirmation",
    "reservation",
    "booking",
    "message",
    "text",
    "email",
    "info",
    "information",
    "bill",
    "rent",
    "invoice",
    "news",
    "invitation",
    "table",
    "ride",
    "dinner",
    "reminder",
    "order",
    "check",
    "full",
];
