//! The words of a wish that nobody understood.
//!
//! The rule: a wish is planned only where every word of its clause was taken by a recogniser, belongs to
//! the vocabulary of its kind, or says nothing. Any other word may change what is meant (`not before 9`,
//! `half of`, `every Friday`), so it is named in a question, and nothing of the message is done.

use super::clauses::Clause;
use super::openings::Act;
use super::preamble;
use super::tokens::{Form, Token};
use super::words::Words;

/// Words that change nothing, wherever they stand.
const HARMLESS: [&str; 25] = [
    "sharp",
    "please",
    "pls",
    "just",
    "kindly",
    "thanks",
    "thank",
    "you",
    "cheers",
    "then",
    "also",
    "too",
    "plus",
    "and",
    "&",
    "the",
    "a",
    "an",
    "for",
    "of",
    "at",
    "on",
    "in",
    "to",
    "afterwards",
];

const TABLE: [&str; 33] = [
    "join",
    "reserved",
    "eat",
    "dine",
    "set",
    "up",
    "put",
    "down",
    "secure",
    "order",
    "find",
    "hold",
    "book",
    "reserve",
    "make",
    "get",
    "grab",
    "arrange",
    "organise",
    "organize",
    "request",
    "have",
    "table",
    "reservation",
    "booking",
    "dinner",
    "lunch",
    "breakfast",
    "brunch",
    "supper",
    "restaurant",
    "it",
    "there",
];
const RIDE: [&str; 45] = [
    "one", "another", "picked", "collect", "again", "have", "be", "driven", "taken", "book", "reserve", "get", "grab",
    "arrange", "organise", "organize", "find", "call", "order", "hail", "fetch", "request", "schedule", "send", "take",
    "drive", "bring", "pick", "up", "ride", "taxi", "cab", "car", "uber", "lift", "lyft", "pickup", "go", "there",
    "home", "it", "going", "over", "round", "around",
];
const DELIVERY: [&str; 17] = [
    "sent",
    "order",
    "deliver",
    "delivered",
    "delivery",
    "get",
    "grab",
    "fetch",
    "bring",
    "have",
    "send",
    "brought",
    "some",
    "home",
    "here",
    "it",
    "me",
];
const PAYMENT: [&str; 15] = [
    "pay",
    "transfer",
    "wire",
    "tip",
    "reimburse",
    "give",
    "venmo",
    "paypal",
    "send",
    "make",
    "payment",
    "it",
    "money",
    "ping",
    "back",
];
const ENTRY: [&str; 33] = [
    "add",
    "put",
    "save",
    "enter",
    "block",
    "note",
    "create",
    "set",
    "mark",
    "schedule",
    "plan",
    "remind",
    "book",
    "reserve",
    "make",
    "me",
    "us",
    "up",
    "it",
    "this",
    "that",
    "about",
    "event",
    "called",
    "titled",
    "another",
    "dinner",
    "booking",
    "reservation",
    "table",
    "ride",
    "reminder",
    "everything",
];

const LOOKUP: [&str; 58] = [
    "good",
    "nice",
    "know",
    "you",
    "left",
    "around",
    "find",
    "search",
    "look",
    "show",
    "list",
    "suggest",
    "recommend",
    "pick",
    "choose",
    "check",
    "see",
    "if",
    "whether",
    "is",
    "are",
    "there",
    "do",
    "does",
    "they",
    "have",
    "any",
    "free",
    "available",
    "availability",
    "table",
    "tables",
    "restaurant",
    "restaurants",
    "place",
    "places",
    "somewhere",
    "food",
    "eat",
    "which",
    "what",
    "me",
    "us",
    "up",
    "it",
    "some",
    "space",
    "dinner",
    "lunch",
    "room",
    "has",
    "got",
    "anything",
    "something",
    "going",
    "still",
    "out",
    "possible",
];

/// Words that make a wish depend on something, or leave it open.
const OPEN: [&str; 35] = [
    "if",
    "unless",
    "once",
    "when",
    "whenever",
    "until",
    "till",
    "provided",
    "providing",
    "assuming",
    "pending",
    "whether",
    "depending",
    "otherwise",
    "else",
    "except",
    "maybe",
    "perhaps",
    "possibly",
    "or",
    "every",
    "each",
    "daily",
    "weekly",
    "monthly",
    "after",
    "before",
    "while",
    "since",
    "unlike",
    "twice",
    "double",
    "half",
    "nobody",
    "later",
];

/// What stands before the wish, without what only leads to it.
pub(super) fn without_courtesies(message: &str, tokens: &[Token], clause: &Clause) -> Vec<Token> {
    let words = Words::new(message, tokens);
    let mut kept = Vec::new();
    let mut at = clause.start;
    while at < clause.body {
        let says_nothing = if words.is_mark(at) || words.is(at, &["now"]) {
            None
        } else {
            preamble::courtesy(&words, at).or_else(|| preamble::sequence(&words, at))
        };
        kept.extend(says_nothing.is_none().then(|| tokens.get(at).cloned()).flatten());
        at += says_nothing.unwrap_or(1);
    }
    kept
}

/// Takes the courtesies among the words, and what puts wishes in order.
pub(super) fn take_courtesies(words: &mut Words, from: usize) {
    let mut at = from;
    while at < words.len() {
        match preamble::courtesy(words, at).or_else(|| preamble::sequence(words, at)) {
            Some(length) => {
                words.take(at..at + length);
                at += length;
            }
            None => at += 1,
        }
    }
}

/// What is left of a wish that was read, in the words of the user.
pub(super) fn unread(words: &Words, act: Act) -> Vec<String> {
    let vocabulary: &[&str] = match act {
        Act::Table => &TABLE,
        Act::Ride => &RIDE,
        Act::Delivery => &DELIVERY,
        Act::Payment => &PAYMENT,
        Act::Calendar => &ENTRY,
        Act::Availability | Act::Search => &LOOKUP,
        // What only looks something up does no harm.
        Act::Weather | Act::Route => return Vec::new(),
        Act::Message | Act::Cancel | Act::Unsupported => &[],
    };
    let mut left = left(words, vocabulary);
    if act == Act::Payment && left.is_empty() {
        // A preposition that leads to nothing understood may lead to what was meant.
        let stray = |at: &usize| words.is(*at, &["at", "in", "on", "of", "for", "to"]) && !is_of_payment(words, *at);
        left.extend((1..words.len()).filter(stray).map(|at| words.text(at..at + 1).to_owned()));
    }
    left
}

/// `a payment of`.
fn is_of_payment(words: &Words, at: usize) -> bool {
    at > 0 && words.is(at, &["of"]) && words.is(at - 1, &["payment", "transfer"])
}

/// Takes why a table is wished for, which changes nothing: `for my mum's birthday`; whether it was said.
pub(super) fn take_occasion(words: &mut Words) -> bool {
    const OCCASIONS: [&str; 6] = ["birthday", "anniversary", "bday", "graduation", "promotion", "date"];
    let found = (0..words.len()).find_map(|at| {
        let led = usize::from(words.is(at, &["for", "it's", "its"]));
        let start = at + if words.reads(at, "to celebrate") { 2 } else { led };
        let owner = usize::from(words.is(start, &["my", "our", "his", "her", "their"]));
        let whose = usize::from(words.at(start + owner).ends_with("'s"));
        let end = start + owner + whose;
        let end = end + super::numbers::ordinal(words, end).map_or(0, |(_, length)| length);
        let end = end + usize::from(words.is(end, &["wedding"]));
        let occasion = start > at && owner + whose > 0 && words.is(end, &OCCASIONS);
        let celebrates = words.reads(at, "to celebrate") && (at + 2 >= words.len() || words.is_mark(at + 2));
        occasion.then_some(at..end + 1).or_else(|| celebrates.then_some(at..at + 2))
    });
    let said = found.is_some();
    if let Some(range) = found {
        words.take(range);
    }
    said
}

/// The words that are neither taken, nor harmless, nor of the vocabulary.
pub(super) fn left(words: &Words, vocabulary: &[&str]) -> Vec<String> {
    let unread = |at: &usize| match words.form(*at) {
        None => false,
        Some(Form::Mark) => {
            !words.is(*at, &[",", ".", ";", ":", "!", "?", "-", "–", "—", "…", "(", ")", "*", "•", "@"])
        }
        Some(Form::Quoted | Form::Number) => true,
        Some(Form::Word) if words.is(*at, &["me", "us"]) => !is_for_the_user(words, *at, vocabulary),
        Some(Form::Word) => !words.is(*at, &HARMLESS) && !words.is(*at, vocabulary),
    };
    (0..words.len()).filter(unread).map(|at| words.text(at..at + 1).to_owned()).collect()
}

/// `get us a table`, `for me`; not `me and 3 friends`, who are counted.
fn is_for_the_user(words: &Words, at: usize, vocabulary: &[&str]) -> bool {
    let goes_on = words.is(at + 1, &["and", "&", "plus"]);
    let before = at.checked_sub(1).map_or("", |before| words.at(before));
    !goes_on && (at <= 1 || before == "for" || vocabulary.contains(&before))
}

/// The words among some that make what they say depend on something, or leave it open.
pub(super) fn open(words: &Words, range: std::ops::Range<usize>) -> Vec<String> {
    range.filter(|at| words.is(*at, &OPEN)).map(|at| words.text(at..at + 1).to_owned()).collect()
}

/// A condition outside of what is said to others, courtesies aside.
pub(super) fn condition(words: &Words, start: usize, end: usize) -> Option<usize> {
    let conditions = [
        "if",
        "unless",
        "once",
        "when",
        "whenever",
        "until",
        "provided",
        "providing",
        "assuming",
        "pending",
        "whether",
        "depending",
        "otherwise",
        "maybe",
        "perhaps",
        "possibly",
        "except",
    ];
    let phrases = ["as soon as", "in case", "as long as", "only after", "subject to"];
    let mut at = start;
    while at < end {
        let asap = words.reads(at, "as soon as possible");
        if let Some(length) = preamble::courtesy(words, at).or_else(|| preamble::sequence(words, at)) {
            at += length;
        } else if !asap && (words.is(at, &conditions) || phrases.iter().any(|phrase| words.reads(at, phrase))) {
            return Some(at);
        } else {
            at += 1;
        }
    }
    None
}
