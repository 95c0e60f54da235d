//! The words before a wish: courtesies, which say nothing; words that put it in order, deny it, or say
//! when.

use super::numbers::number;
use super::tokens::Form;
use super::words::Words;

/// Phrases that only lead to a wish; the longest first.
const COURTESIES: [&str; 101] = [
    "thanks a lot",
    "many thanks",
    "thank you very much",
    "thank you so much",
    "thanks so much",
    "thanks very much",
    "thanks in advance",
    "please be so good as to",
    "be so good as to",
    "be so kind as to",
    "whatever you do",
    "i also need",
    "we also need",
    "i'd also like",
    "we'd also like",
    "i also want",
    "we also want",
    "i was wondering if you could",
    "it would be great if you could",
    "would you be so kind as to",
    "do you think you could",
    "would you mind",
    "i would like you to",
    "i'd like you to",
    "i want you to",
    "we want you to",
    "i need you to",
    "make sure you",
    "make sure to",
    "make sure that you",
    "go ahead and",
    "don't forget to",
    "do not forget to",
    "dont forget to",
    "don't hesitate to",
    "remember to",
    "try to",
    "would you please",
    "i would like to",
    "we would like to",
    "i would like",
    "we would like",
    "i'd like to",
    "we'd like to",
    "i'd like",
    "we'd like",
    "i'd love to",
    "we'd love to",
    "i'd love",
    "we'd love",
    "i want to",
    "we want to",
    "i want",
    "we want",
    "i need to",
    "we need to",
    "i need",
    "we need",
    "i'll need",
    "we'll need",
    "i will need",
    "we will need",
    "i have to",
    "we have to",
    "i'm looking to",
    "i'm looking for",
    "we're looking for",
    "i am looking for",
    "we are looking for",
    "i wanna",
    "help me to",
    "help me",
    "help us",
    "can you",
    "could you",
    "would you",
    "will you",
    "can i have",
    "can we have",
    "could i have",
    "could we have",
    "may i have",
    "can i",
    "can we",
    "could i",
    "could we",
    "may i",
    "may we",
    "if possible",
    "if you can",
    "if you could",
    "let us",
    "why not",
    "let me know",
    "tell me",
    "tell us",
    "i say",
    "as well as",
    "for me",
    "for us",
    "thank you",
];

const COURTEOUS: [&str; 36] = [
    "please", "hi", "hello", "hey", "dear", "ok", "okay", "so", "well", "now", "also", "finally", "first", "firstly",
    "secondly", "lastly", "just", "kindly", "and", "plus", "but", "yes", "yeah", "let's", "lets", ",", "-", "–", "—",
    "*", "•", "thanks", "(", "pls", "only", "instead",
];

pub(super) fn courtesy(words: &Words, at: usize) -> Option<usize> {
    // `and need a ride`: the one who wishes was named before.
    if words.is(at, &["need", "want"]) && words.is(at + 1, &["a", "an", "to"]) {
        return Some(1 + usize::from(words.at(at + 1) == "to"));
    }
    // A numbered list: `1. book ...`, `2) order ...`.
    if words.form(at) == Some(Form::Number) && words.is(at + 1, &[")"]) {
        return Some(2);
    }
    COURTESIES
        .iter()
        .find(|phrase| words.reads(at, phrase))
        .map(|phrase| phrase.split(' ').count())
        .or_else(|| words.is(at, &COURTEOUS).then_some(1))
}

/// Words that put a wish after the ones before it.
pub(super) fn sequence(words: &Words, at: usize) -> Option<usize> {
    let phrases = ["after that", "afterwards", "afterward", "then", "next", "when that is done", "once that is done"];
    let phrase = phrases.into_iter().find(|phrase| words.reads(at, phrase))?;
    // `next Tuesday` is a day.
    let is_day = phrase == "next" && when(words, at).is_some_and(|length| length > 1);
    (!is_day).then(|| phrase.split(' ').count())
}

pub(super) fn negation(words: &Words, at: usize) -> Option<usize> {
    let phrases = [
        "i don't want you to",
        "i do not want you to",
        "i don't want to",
        "we don't want to",
        "i do not want to",
        "i don't want",
        "we don't want",
        "i don't need",
        "we don't need",
        "i don't think",
        "i do not",
        "we do not",
        "i don't",
        "we don't",
        "no need to",
        "you don't have to",
        "you shouldn't",
        "you should not",
        "you must not",
        "you mustn't",
        "don't you dare",
        "do not",
        "don't",
        "dont",
        "never",
        "not",
        "no",
        "stop",
        "under no circumstances",
        "refrain from",
        "avoid",
        "can't",
        "cannot",
        "won't",
        "shouldn't",
        "mustn't",
        "nevermind",
        "rather not",
    ];
    if courtesy(words, at).is_some() {
        return None;
    }
    phrases.into_iter().find(|phrase| words.reads(at, phrase)).map(|phrase| phrase.split(' ').count())
}

/// A day or time before the wish: `tomorrow at 7pm, book ...`. Only skipped here; it is read with the
/// rest of the clause.
pub(super) fn when(words: &Words, at: usize) -> Option<usize> {
    const FIRST: [&str; 14] = [
        "tomorrow", "tonight", "today", "on", "at", "this", "next", "in", "the", "after", "around", "by", "for",
        "before",
    ];
    const INNER: [&str; 56] = [
        "monday",
        "tuesday",
        "wednesday",
        "thursday",
        "friday",
        "saturday",
        "sunday",
        "january",
        "february",
        "march",
        "april",
        "may",
        "june",
        "july",
        "august",
        "september",
        "october",
        "november",
        "december",
        "jan",
        "feb",
        "mar",
        "apr",
        "jun",
        "jul",
        "aug",
        "sep",
        "oct",
        "nov",
        "dec",
        "am",
        "pm",
        "noon",
        "midnight",
        "o'clock",
        "evening",
        "morning",
        "afternoon",
        "night",
        "days",
        "weeks",
        "day",
        "week",
        "tomorrow",
        "dinner",
        "lunch",
        "breakfast",
        "half",
        "quarter",
        "past",
        "tonight",
        "weekend",
        "hours",
        "hour",
        "minutes",
        "meal",
    ];
    const LINKS: [&str; 9] = ["the", "of", "at", "in", "on", "a", "th", "to", "this"];
    let weekday = INNER.iter().take(7).any(|day| words.at(at) == *day);
    if !words.is(at, &FIRST) && !weekday {
        return None;
    }
    let mut end = at + 1;
    let mut told = weekday || words.is(at, &["tomorrow", "tonight", "today"]);
    while end < words.len() {
        let inner = words.is(end, &INNER);
        let clock = words.form(end) == Some(Form::Number) && words.at(end).contains(':');
        let counted = clock || number(words, end).is_some();
        if !inner && !counted && !words.is(end, &LINKS) && !words.is(end, &FIRST[..3]) {
            break;
        }
        told |= inner || counted;
        end += number(words, end).map_or(1, |(_, length)| length);
    }
    // `on the`, `for a` lead on to something else.
    told.then_some(end - at)
}
