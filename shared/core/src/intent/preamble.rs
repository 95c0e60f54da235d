//! The words before a wish: courtesies, which say nothing; words that put it in order, deny it, or say
//! when.

use super::lines::Lines;
use super::numbers::number;
use super::tokens::Form;
use super::words::Words;

/// Phrases that only lead to a wish: the first word, and how each goes on, the longest first.
const COURTESIES: Lines = Lines(include_str!("lexicon/courtesies.txt"));

const COURTEOUS: [&str; 89] = [
    "puh",
    "uf",
    "uff",
    "phew",
    "ugh",
    "ach",
    "oje",
    "ay",
    "wow",
    "please",
    "hi",
    "hello",
    "hey",
    "dear",
    "ok",
    "okay",
    "so",
    "well",
    "now",
    "also",
    "finally",
    "first",
    "firstly",
    "secondly",
    "lastly",
    "just",
    "kindly",
    "and",
    "plus",
    "but",
    "yes",
    "yeah",
    "let's",
    "lets",
    ",",
    "-",
    "–",
    "—",
    "*",
    "•",
    "thanks",
    "(",
    "pls",
    "only",
    "instead",
    "um",
    "uh",
    "erm",
    "er",
    "oh",
    "right",
    "alright",
    "mate",
    "buddy",
    "dude",
    "haha",
    "lol",
    "btw",
    "hiya",
    "howdy",
    "greetings",
    "siri",
    "alexa",
    "quickly",
    "cheers",
    "xx",
    "hm",
    "hmm",
    "ah",
    "bah",
    "aha",
    "ooh",
    "yo",
    "ty",
    "anyway",
    "anyways",
    "basically",
    "honestly",
    "gosh",
    "omg",
    "yep",
    "yup",
    "sir",
    "madam",
    "team",
    "folks",
    "guys",
    "oops",
    "whoops",
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
    led_by(words, at)
        .or_else(|| emphatic(words, at))
        .or_else(|| wishful(words, at))
        .or_else(|| words.is(at, &COURTEOUS).then_some(1))
}

/// How many words the phrase takes that stands here.
fn led_by(words: &Words, at: usize) -> Option<usize> {
    let rests = COURTESIES.get(words.at(at))?;
    let rest = rests.split('|').find(|rest| rest.is_empty() || words.reads(at + 1, rest))?;
    Some(1 + rest.split(' ').filter(|word| !word.is_empty()).count())
}

/// `I really need`, `we'd absolutely love`: a courtesy with an adverb in it.
fn emphatic(words: &Words, at: usize) -> Option<usize> {
    if !words.is(at, &["i", "we", "i'd", "we'd", "i'll", "we'll"]) {
        return None;
    }
    let would = usize::from(words.is(at + 1, &["would", "will"]));
    let adverb = at + 1 + would;
    if !words.is(adverb, &["really", "just", "also", "still", "desperately", "absolutely", "urgently", "quite"]) {
        return None;
    }
    let wishes = words.is(adverb + 1, &["need", "want", "like", "love", "require", "fancy"]);
    let to = usize::from(words.at(adverb + 2) == "to");
    let you = if words.reads(adverb + 2, "you to") { 2 } else { to };
    wishes.then_some(adverb + 2 + you - at)
}

/// `it'd be lovely if you could`, `it would be great to have`.
fn wishful(words: &Words, at: usize) -> Option<usize> {
    const WOULD: [&str; 9] = [
        "it would be",
        "it'd be",
        "that would be",
        "that'd be",
        "would be",
        "i would be",
        "i'd be",
        "we would be",
        "we'd be",
    ];
    const GOOD: [&str; 16] = [
        "great",
        "lovely",
        "nice",
        "good",
        "wonderful",
        "fantastic",
        "helpful",
        "amazing",
        "brilliant",
        "awesome",
        "perfect",
        "grateful",
        "ideal",
        "happy",
        "glad",
        "super",
    ];
    const LEADS: [&str; 8] = [
        "if you could",
        "if you can",
        "if you would",
        "if you'd",
        "if we could have",
        "if i could have",
        "to have",
        "to get",
    ];
    let be = WOULD.iter().find(|phrase| words.reads(at, phrase))?.split(' ').count();
    let good = at + be + usize::from(words.is(at + be, &["so", "really", "very", "absolutely", "most"]));
    if !words.is(good, &GOOD) {
        return None;
    }
    let leads = LEADS.iter().find(|phrase| words.reads(good + 1, phrase))?;
    Some(good + 1 + leads.split(' ').count() - at)
}

/// What leaves it open whether a wish is one: `maybe`, `I might need`.
pub(super) fn doubt(words: &Words, at: usize) -> Option<usize> {
    const DOUBTS: [&str; 14] = [
        "i might need",
        "we might need",
        "i may need",
        "we may need",
        "i might want",
        "we might want",
        "i might",
        "we might",
        "maybe",
        "perhaps",
        "possibly",
        "not sure but",
        "should i",
        "should we",
    ];
    DOUBTS.iter().find(|phrase| words.reads(at, phrase)).map(|phrase| phrase.split(' ').count())
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
        "there's no need to",
        "there is no need to",
        "there's no need for",
        "you don't need to",
        "you needn't",
        "no need to",
        "no need for",
        "we won't need",
        "i won't need",
        "we no longer need",
        "i no longer need",
        "we no longer want",
        "i no longer want",
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
    let phrase = phrases.into_iter().find(|phrase| words.reads(at, phrase))?;
    courtesy(words, at).is_none().then(|| phrase.split(' ').count())
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
