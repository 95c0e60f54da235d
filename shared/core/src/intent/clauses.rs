//! A message cut into clauses: one wish each, how it hangs on the one before, and whether it is
//! something not to do.
//!
//! A comma or an `and` cuts only where a new wish begins behind it; a full stop, a semicolon and `then`
//! always cut. What is said to somebody else (`tell Sam that ...`) is not cut at all: where it could
//! hold a wish of its own, the clause is marked as doubtful, and the planner asks.

use super::elided;
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
        if let Some(next) = elided::next(&words, &open, at) {
            open.end = at;
            at = next.start.max(at + 1);
            found.push(std::mem::replace(&mut open, next));
            continue;
        }
        let Some(cut) = separator(&words, at).or_else(|| soft(&words, &open, at)) else {
            at += 1;
            continue;
        };
        let next = begin(&words, at + cut.length, cut.link);
        let speech = open.act == Some(Act::Message) && is_speech(&words, open.body, at);
        let tells = cut.tells && !matches!(open.act, None | Some(Act::Message | Act::Calendar)) && !open.negated;
        let denies = next.negated && !(open.act.is_none() && next.act.is_none());
        let opens = next.act.is_some() && !(speech && next.noun) || denies || next.conditional || tells;
        if opens && speech && !cut.hard && is_open_speech(&words, open.body, at) {
            open.doubtful = true;
            at += cut.length;
        } else if cut.hard || opens || (cut.link == Link::Then && !speech) {
            let inherits = open.negated && !cut.hard && !cut.contrast && !open.conditional;
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
    for clause in &mut found {
        tell(&words, clause);
    }
    found
}

/// `I don't have a car` forbids nothing.
fn tell(words: &Words, clause: &mut Clause) {
    let mut start = clause.start;
    while words.is_mark(start) || words.is(start, &["and", "so", "but", "well", "sorry"]) {
        start += 1;
    }
    let told = words.is(start, &["i", "we", "he", "she", "they", "it", "my", "our", "there's", "it's"]);
    if clause.negated && clause.act.is_none() && told && !words.is(clause.body, &["want", "wish", "like"]) {
        clause.negated = false;
        clause.body = start;
    }
}

struct Cut {
    length: usize,
    link: Link,
    /// It ends a sentence.
    hard: bool,
    contrast: bool,
    /// A reason or an aside follows.
    tells: bool,
}

/// Where a wish begins that nothing but its own words sets apart: `... at 7pm could you also text Sam`.
fn soft(words: &Words, open: &Clause, at: usize) -> Option<Cut> {
    const LEADS: [&str; 14] = [
        "can", "could", "would", "will", "please", "i", "i'd", "we", "we'd", "i'll", "we'll", "i'm", "we're", "kindly",
    ];
    if at <= open.body + 1 || open.act == Some(Act::Message) || open.negated || open.conditional {
        return None;
    }
    let told = open.act.is_none();
    let leads = words.is(at, &LEADS) && preamble::courtesy(words, at).is_some();
    let commands = told && openings::is_command(words.at(at)) && !openings::is_governing(words.at(at - 1));
    if !leads && !commands {
        return None;
    }
    let next = begin(words, at, Link::And);
    let asks = next.act.is_some() && !next.negated && (!next.noun || told) && (next.body > at || commands);
    // `a table please book it` needs more than `please` to be two wishes.
    let verbal = told || openings::is_command(words.at(next.body)) || next.body > at + 1;
    (asks && verbal).then_some(Cut { length: 0, link: Link::And, hard: false, contrast: false, tells: false })
}

/// What begins a reason, or an aside: `because it's our anniversary`, `, it's her birthday`.
fn is_aside(words: &Words, at: usize) -> bool {
    const TOLD: [&str; 16] = [
        "it's", "its", "i'm", "i've", "we've", "i", "we're", "we", "my", "she's", "he's", "they're", "it", "there's",
        "our", "she",
    ];
    let counts = ["we're", "we", "there's", "it", "i'm", "i"].contains(&words.at(at))
        && (at + 1..at + 4).any(|at| super::numbers::number(words, at).is_some());
    let asks = words.is(at, &["i", "we"]) && preamble::courtesy(words, at).is_some();
    words.is(at, &TOLD) && !counts && !asks
}

fn separator(words: &Words, at: usize) -> Option<Cut> {
    let cut = |length, link, hard, contrast| Some(Cut { length, link, hard, contrast, tells: false });
    if words.is(at, &["because", "cos", "coz", "cause", "since", "as"]) && is_aside(words, at + 1) {
        return Some(Cut { length: 1, link: Link::And, hard: false, contrast: false, tells: true });
    }
    if words.is(at, &[",", "-", "–", "—"]) && is_aside(words, at + 1) && !words.is(at + 1, &["my", "our", "we", "i"])
    {
        return Some(Cut { length: 1, link: Link::And, hard: false, contrast: false, tells: true });
    }
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
        "and" | "," | "plus" | "also" | "so" | "-" | "–" | "—" | "&" => cut(1, Link::And, false, false),
        // `on Friday or Saturday`: of one wish.
        "or" if preamble::when(words, at + 1).is_some() => None,
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
        } else if start == 0 && words.is(at, &["actually"]) {
            at += 1;
        } else if let Some(length) = preamble::sequence(words, at) {
            clause.link = Link::Then;
            at += length;
        } else if let Some(length) = preamble::negation(words, at) {
            clause.negated = true;
            at += length;
        } else if let Some(length) = preamble::doubt(words, at) {
            clause.conditional = true;
            at += length;
        } else if let Some(length) = preamble::when(words, at) {
            at += length;
        } else {
            break;
        }
    }
    clause.body = at;
    let inverted = words.at(at) == "should" && words.is(at + 1, &["it", "there", "he", "she", "they", "the", "anyone"]);
    if inverted
        || words.is(at, &["if", "unless", "whenever", "provided", "assuming"])
        || [
            "as long as",
            "in case",
            "only if",
            "so long as",
            "wait until",
            "wait till",
            "wait for",
            "hold on until",
            "depending on",
            "subject to",
        ]
        .iter()
        .any(|phrase| words.reads(at, phrase))
        || (start == 0 && words.is(at, &["when", "once"]))
    {
        clause.conditional = true;
    }
    let opening = if clause.negated {
        (at..words.len())
            .take_while(|at| !words.is(*at, &[".", ";", "!", "?", "but"]))
            .find_map(|at| openings::opening(words, at))
            .or_else(|| openings::named(words, at))
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

/// A clause that goes on with the wish of the one before.
pub(super) fn going_on(words: &Words, start: usize, act: Act) -> Clause {
    Clause {
        start,
        end: words.len(),
        body: start,
        act: Some(act),
        noun: true,
        link: Link::And,
        negated: false,
        doubtful: false,
        conditional: false,
    }
}

/// Whether an amount of money is spoken of between two places.
pub(super) fn has_amount(words: &Words, start: usize, end: usize) -> bool {
    (start..end).any(|at| money::length(words, at).is_some_and(|length| at + length <= end))
}

/// Whether there is a quotation between two places.
pub(super) fn has_quotation(words: &Words, start: usize, end: usize) -> bool {
    (start..end).any(|at| words.form(at) == Some(Form::Quoted))
}
