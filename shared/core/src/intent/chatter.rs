//! Sentences that ask for nothing: whether they may stand beside a wish without being understood.
//!
//! The rule of the unread word is about the clause of a wish. What only tells something (`it's my sister's birthday
//! and we forgot to plan anything`) may hold words that nobody knows, but never one that could change the wish: a
//! condition, a wait, a requirement, a number, money, or a wish of its own. Each such sentence makes the reading less
//! sure, and one that denies or demands something, so much that the user is asked to confirm.

use super::clauses::{Clause, has_amount};
use super::numbers::number;
use super::openings;
use super::places;
use super::preamble;
use super::tokens::Form;
use super::words::Words;

/// What one assumption more than the band that acts allows costs.
pub(super) const UNSURE: u32 = 4;

/// Words that no sentence beside a wish may hold: conditions, waits, requirements, and what takes things back.
const HOLDING: [&str; 108] = [
    "asking",
    "insists",
    "begged",
    "saying",
    "decide",
    "between",
    "choose",
    "torn",
    "undecided",
    "thought",
    "considering",
    "wondering",
    "supposed",
    "or",
    "if",
    "unless",
    "until",
    "till",
    "provided",
    "assuming",
    "whether",
    "depending",
    "otherwise",
    "else",
    "except",
    "maybe",
    "perhaps",
    "possibly",
    "probably",
    "every",
    "each",
    "daily",
    "weekly",
    "monthly",
    "twice",
    "double",
    "cancel",
    "cancelled",
    "canceled",
    "forget",
    "instead",
    "ignore",
    "disregard",
    "wait",
    "hold",
    "stop",
    "only",
    "joke",
    "joking",
    "kidding",
    "test",
    "testing",
    "pretend",
    "imagine",
    "suppose",
    "example",
    "hypothetically",
    "sure",
    "unsure",
    "certain",
    "changed",
    "mind",
    "approve",
    "approves",
    "permission",
    "confirm",
    "confirms",
    "ask",
    "asks",
    "asked",
    "said",
    "says",
    "told",
    "tells",
    "wrote",
    "check",
    "vegan",
    "vegetarian",
    "allergic",
    "allergy",
    "allergies",
    "gluten",
    "wheelchair",
    "pram",
    "highchair",
    "chair",
    "baby",
    "dog",
    "seat",
    "outside",
    "outdoors",
    "inside",
    "window",
    "quiet",
    "terrace",
    "budget",
    "cheap",
    "luggage",
    "bags",
    "suitcases",
    "instructions",
    "either",
    "later",
    "less",
    "more",
    "about",
    "delete",
    "alternatively",
];

/// Words that demand or doubt something.
const DEMANDING: [&str; 20] = [
    "want", "wants", "need", "needs", "should", "must", "could", "can", "would", "might", "may", "will", "prefer",
    "prefers", "wish", "wishes", "hope", "hopes", "think", "guess",
];

/// Whether a clause without a wish holds the message. One that does not costs [`UNSURE`]: what was not understood
/// is never acted upon unseen. `after`: a wish stands before it.
pub(super) fn holds(words: &Words, after: bool) -> bool {
    let any = |list: &[&str]| words.has(list);
    let wish = |at: usize| {
        let governed = at > 0 && openings::is_governing(words.at(at - 1));
        words.is(
            at,
            &["table", "tables", "reservation", "booking", "taxi", "cab", "ride", "uber", "payment", "delivery"],
        ) || (openings::is_command(words.at(at)) && !governed)
    };
    let counted = (0..words.len()).any(|at| number(words, at).is_some() && !words.is(at, &["one", "a", "second"]));
    let quoted = (0..words.len()).any(|at| words.form(at) == Some(Form::Quoted));
    if any(&HOLDING) || counted || quoted || has_amount(words, 0, words.len()) || (0..words.len()).any(wish) {
        return true;
    }
    // `my wife wants me to | please book a table`
    let dangles = words.len().checked_sub(1).is_some_and(|last| words.is(last, &["to", "that", "me", "us"]));
    if dangles {
        return true;
    }
    let denies = (0..words.len()).any(|at| {
        preamble::negation(words, at).is_some()
            || words.at(at).ends_with("n't")
            || words.is(at, &["not", "never", "no", "nobody", "none", "without", "nothing", "neither", "hardly"])
    });
    // `it's for a vegan`: said of what was just wished for.
    let refers = words.is(0, &["it", "it's", "its", "that", "that's", "they", "this"]);
    after && (refers || denies || any(&DEMANDING))
}

/// Words that wish for nothing: a greeting, what things are like, what somebody does.
pub(super) fn is_statement(words: &Words, clause: &Clause) -> bool {
    const STARTS: [&str; 73] = [
        "since",
        "because",
        "although",
        "it's",
        "its",
        "i'm",
        "im",
        "we're",
        "we",
        "i",
        "it",
        "there",
        "there's",
        "this",
        "that's",
        "that",
        "my",
        "our",
        "he",
        "she",
        "they",
        "he's",
        "she's",
        "they're",
        "i've",
        "we've",
        "i'd",
        "we'd",
        "i'll",
        "we'll",
        "you",
        "you're",
        "sorry",
        "great",
        "happy",
        "for",
        "at",
        "on",
        "around",
        "tomorrow",
        "tonight",
        "today",
        "cheers",
        "good",
        "perfect",
        "asap",
        "his",
        "her",
        "their",
        "your",
        "the",
        "a",
        "everyone",
        "everybody",
        "nobody",
        "someone",
        "let's",
        "four",
        "monday",
        "tuesday",
        "wednesday",
        "thursday",
        "friday",
        "saturday",
        "sunday",
        "yesterday",
        "last",
        "long",
        "busy",
        "love",
        "just",
        "been",
        "turns",
    ];
    const FINITE: [&str; 45] = [
        "is", "was", "are", "were", "has", "have", "had", "got", "gets", "did", "does", "went", "came", "comes",
        "paid", "lent", "bought", "covered", "arrives", "lands", "leaves", "arrived", "left", "turned", "turns",
        "just", "gave", "cooked", "fixed", "drove", "helped", "picked", "loves", "likes", "called", "made", "starts",
        "ends", "closes", "opens", "looks", "sounds", "feels", "lives", "and",
    ];
    let spoken =
        (clause.body..clause.end).any(|at| matches!(words.form(at), Some(Form::Word | Form::Number | Form::Quoted)));
    let named =
        words.is_capital(clause.body) && (words.is(clause.body + 1, &FINITE) || words.at(clause.body).ends_with("'s"));
    let visits = (clause.body..clause.end).any(|at| places::restaurant(words, at).is_some());
    let first = (clause.start..clause.end).find(|at| !words.is_mark(*at)).unwrap_or(clause.start);
    let led = words.is(first, &STARTS) && (visits || !asks(words, clause));
    // `what a day`, `traffic is awful`
    let told = words.is(clause.body, &["what"]) && words.is(clause.body + 1, &["a"])
        || words.is(clause.body + 1, &["is", "was", "are", "were", "has", "had", "isn't", "wasn't"])
            && words.form(clause.body) == Some(Form::Word)
            && words.at(clause.end) != "?"
        || words.is(clause.body, &["tomorrow's", "today's", "tonight's", "what's"]) && words.at(clause.end) != "?";
    !spoken || told || words.is(clause.body, &STARTS) || named || led || clause.body == clause.end
}

/// Somebody else wishes for it: `my sister wants a table`, `he needs a taxi`.
pub(super) fn is_wished_by_others(words: &Words, clause: &Clause) -> bool {
    const WISHES: [&str; 8] = ["wants", "needs", "says", "asks", "thinks", "reckons", "wishes", "suggests"];
    let at = clause.start
        + (clause.start..clause.end)
            .take_while(|at| words.is_mark(*at) || words.is(*at, &["and", "so", "but", "because"]))
            .count();
    let owned = usize::from(words.is(at, &["my", "our", "his", "her", "the"]));
    let other = owned > 0 || words.is_capital(at) || words.is(at, &["he", "she", "somebody", "someone"]);
    let verb = at + owned + 1;
    other && (words.is(verb, &WISHES) || (words.is_capital(verb) && words.is(verb + 1, &WISHES)))
}

/// Whether a clause begins as a wish does: what it goes on with is wished for, even if nobody knows what it is.
pub(super) fn asks(words: &Words, clause: &Clause) -> bool {
    const REQUESTS: [&str; 25] = [
        "i", "we", "i'd", "we'd", "i'll", "we'll", "i'm", "we're", "can", "could", "would", "will", "may", "need",
        "want", "help", "let", "let's", "try", "make", "go", "remember", "don't", "please", "any",
    ];
    let polite =
        (clause.start..clause.body).any(|at| words.is(at, &REQUESTS) && preamble::courtesy(words, at).is_some());
    polite || words.at(clause.end) == "?"
}

/// A person named in a sentence that tells of money: `I owe Tom 20 pounds`, `Lee paid for the tickets`.
pub(super) fn person(words: &Words) -> Option<String> {
    const DEEDS: [&str; 12] = [
        "lent",
        "paid",
        "covered",
        "bought",
        "got",
        "organised",
        "organized",
        "sorted",
        "fixed",
        "drove",
        "cooked",
        "picked",
    ];
    let behind = (0..words.len()).find(|at| words.at(*at) == "owe").and_then(|owe| {
        let (people, _) = super::names::people(words, owe + 1);
        people.into_iter().next().or_else(|| {
            let to = (owe..words.len()).find(|at| words.at(*at) == "to")?;
            super::names::people(words, to + 1).0.into_iter().next()
        })
    });
    if let Some(super::names::Person::Named(name)) = behind {
        return Some(name);
    }
    let doer = words.is_capital(0) && words.is(1, &DEEDS);
    doer.then(|| words.text(0..1).to_owned())
}
