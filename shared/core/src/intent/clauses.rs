//! A message cut into clauses: one wish each, how it hangs on the one before, and whether it is
//! something not to do.
//!
//! A comma or an `and` cuts only where a new wish begins behind it; a full stop, a semicolon and `then`
//! always cut. What is said to somebody else (`tell Sam that ...`) is not cut at all: where it could
//! hold a wish of its own, the clause is marked as doubtful, and the planner asks.

use super::money;
use super::openings::{self, Act, Opening};
use super::preamble;
use super::tokens::{Form, Token};
use super::words::Words;

/// How many words may stand before a wish.
const MAX_PREAMBLE: usize = 20;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Link {
    And,
    /// Only after everything said before.
    Then,
    /// One or the other, which is for the user to say.
    Or,
}

#[derive(Clone, Debug)]
pub(super) struct Clause {
    /// Its tokens, the opening words included.
    pub start: usize,
    pub end: usize,
    /// Where the wish itself begins, behind `please` and the like.
    pub body: usize,
    /// `None`: no wish that is known.
    pub act: Option<Act>,
    /// It opened with a noun (`a taxi`), not a verb.
    pub noun: bool,
    pub link: Link,
    pub negated: bool,
    /// Speech that may hold a wish.
    pub doubtful: bool,
    pub conditional: bool,
}

pub(super) fn clauses(message: &str, tokens: &[Token]) -> Vec<Clause> {
    let words = Words::new(message, tokens);
    let mut found: Vec<Clause> = Vec::new();
    let mut open = begin(&words, 0, Link::And);
    let mut at = open.body.max(open.start);
    while at < words.len() {
        if open.act == Some(Act::Message) && words.at(at) == ":" {
            break;
        }
        let Some(cut) = separator(&words, at) else {
            at += 1;
            continue;
        };
        let next = begin(&words, at + cut.length, cut.link);
        let speech = open.act == Some(Act::Message) && is_speech(&words, open.body, at);
        let opens = next.act.is_some() && !(speech && next.noun) || next.negated || next.conditional;
        if opens && speech && !cut.hard && is_open_speech(&words, open.body, at) {
            open.doubtful = true;
            at += cut.length;
        } else if cut.hard || opens || (cut.link == Link::Then && !speech) {
            let inherits = open.negated && !cut.hard && !cut.contrast;
            open.end = at;
            let body = next.body.max(next.start);
            found.push(std::mem::replace(&mut open, next));
            open.negated |= inherits;
            at = body.max(at + cut.length);
        } else {
            at += cut.length;
        }
    }
    open.end = words.len();
    found.push(open);
    found.retain(|clause| clause.start < clause.end);
    found
}

struct Cut {
    length: usize,
    link: Link,
    /// It ends a sentence.
    hard: bool,
    contrast: bool,
}

fn separator(words: &Words, at: usize) -> Option<Cut> {
    let cut = |length, link, hard, contrast| Some(Cut { length, link, hard, contrast });
    for phrase in ["and after that", "and then", ", then", "after that", "afterwards", "then"] {
        if words.reads(at, phrase) {
            // At the end of a clause it is about this clause, not the next.
            let length = phrase.split(' ').count();
            let trailing = at + length >= words.len() || (words.is_mark(at + length) && words.at(at + length) != ",");
            return if trailing { None } else { cut(length, Link::Then, false, false) };
        }
    }
    // The next point of a numbered list.
    if words.form(at) == Some(Form::Number) && words.at(at + 1) == ")" {
        return cut(2, Link::And, true, true);
    }
    match words.at(at) {
        // `$table.address`, `a.b`: no sentence ends inside a word.
        "." if words.is_glued(at + 1) => None,
        "." | ";" | "!" | "?" | "…" => cut(1, Link::And, true, true),
        "but" | "instead" => cut(1, Link::And, false, true),
        "and" | "," | "plus" | "also" | "-" | "–" | "—" | "&" => cut(1, Link::And, false, false),
        "or" => cut(1, Link::Or, false, false),
        _ => None,
    }
}

/// Reads what stands before a wish, and the wish's opening.
fn begin(words: &Words, start: usize, link: Link) -> Clause {
    let mut clause = Clause {
        start,
        end: words.len(),
        body: start,
        act: None,
        noun: false,
        link,
        negated: false,
        doubtful: false,
        conditional: false,
    };
    let mut at = start;
    // Nobody is politer than that; without a bound, a message of nothing but `and` costs its square.
    while at < start + MAX_PREAMBLE {
        if let Some(length) = preamble::courtesy(words, at) {
            at += length;
        } else if let Some(length) = preamble::sequence(words, at) {
            clause.link = Link::Then;
            at += length;
        } else if let Some(length) = preamble::negation(words, at) {
            clause.negated = true;
            at += length;
        } else if let Some(length) = preamble::when(words, at) {
            at += length;
        } else {
            break;
        }
    }
    clause.body = at;
    if words.is(at, &["if", "unless", "whenever"]) || (start == 0 && words.is(at, &["when", "once"])) {
        clause.conditional = true;
    }
    let opening = if clause.negated {
        (at..words.len())
            .take_while(|at| !words.is(*at, &[".", ";", "!", "?", "but"]))
            .find_map(|at| openings::opening(words, at))
    } else {
        openings::opening(words, at)
    };
    if let Some(Opening { act, noun }) = opening {
        clause.act = Some(act);
        clause.noun = noun;
    }
    clause
}

/// Whether the message says something in its own words, beyond `the details`.
fn is_speech(words: &Words, body: usize, end: usize) -> bool {
    let pronouns = [
        "that", "i", "i'm", "i'll", "i've", "we", "we're", "we'll", "he", "she", "they", "will", "saying", "is", "are",
        "happy", "you", "you're", "please", "if", "whether", "it's",
    ];
    (body + 2..end).any(|at| words.is(at, &pronouns) || is_purpose(words, body, at))
}

/// Whether it could go on with a further thing to do: `tell Sam to book a table and order pizza`.
fn is_open_speech(words: &Words, body: usize, end: usize) -> bool {
    let modals = [
        "that", "will", "i'll", "we'll", "you'll", "he'll", "she'll", "they'll", "should", "can", "could", "must",
        "would", "may", "might", "saying", "please", "if", "whether", "going",
    ];
    (body + 2..end).any(|at| words.is(at, &modals) || is_purpose(words, body, at))
}

fn is_purpose(words: &Words, body: usize, at: usize) -> bool {
    let verbs = ["tell", "ask", "remind", "invite", "text", "message", "notify", "write", "email"];
    let nouns = ["message", "note", "text", "email", "details", "line", "mail", "reminder", "invitation"];
    words.at(at) == "to" && words.is(body, &verbs) && !words.is(at - 1, &nouns) && !words.is(at - 1, &verbs)
}

/// A word of denial that no negated clause accounts for.
pub(super) fn has_stray_negation(words: &Words, clause: &Clause) -> bool {
    (clause.body..clause.end)
        .any(|at| preamble::negation(words, at).is_some() || words.is(at, &["not", "never", "no", "nevermind", "nope"]))
}

/// A further wish that nothing separates from the one before it: `... at 7pm text Sam`.
pub(super) fn stray_wish(words: &Words, clause: &Clause) -> Option<usize> {
    const VERBS: [&str; 12] =
        ["book", "reserve", "order", "text", "tell", "email", "pay", "cancel", "send", "remind", "transfer", "get"];
    (clause.body + 2..clause.end).find(|at| {
        let listed = words.is(*at - 1, &["and", ",", "plus"]);
        if listed && words.is(*at, &["the", "need", "needs", "let", "have", "make", "then"]) {
            return true;
        }
        let governed = openings::is_governing(words.at(*at - 1)) || words.is_mark(*at - 1);
        words.is(*at, &VERBS) && !governed && openings::verb(words, *at).is_some()
    })
}

/// Whether an amount of money is spoken of between two places.
pub(super) fn has_amount(words: &Words, start: usize, end: usize) -> bool {
    (start..end).any(|at| money::is_amount(words, at))
}

/// Whether there is a quotation between two places.
pub(super) fn has_quotation(words: &Words, start: usize, end: usize) -> bool {
    (start..end).any(|at| words.form(at) == Some(Form::Quoted))
}
