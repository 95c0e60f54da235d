//! A second wish of the kind of the first, whose verb is not said again: `pay Anna 10 euros and Ben 15`, `a taxi to
//! the airport on Friday and one back on Sunday`.

use super::clauses::{self, Clause};
use super::money;
use super::names;
use super::numbers::number;
use super::openings::Act;
use super::tokens::Form;
use super::words::Words;

/// The clause that goes on with the open one, where a joining word stands at a place.
pub(super) fn next(words: &Words, open: &Clause, at: usize) -> Option<Clause> {
    let comma = usize::from(words.at(at) == ",");
    let and = usize::from(words.is(at + comma, &["and", "&", "plus"]));
    let then = usize::from(words.is(at + comma + and, &["then", "also"]));
    if comma + and == 0 || open.negated || open.doubtful || at <= open.body {
        return None;
    }
    let start = at + comma + and + then;
    let act = open.act?;
    let goes_on = match act {
        Act::Payment => is_share(words, open, at, start),
        Act::Ride => is_way_back(words, start),
        Act::Weather => and == 1 && is_place(words, start),
        Act::Table
        | Act::Delivery
        | Act::Message
        | Act::Calendar
        | Act::Route
        | Act::Availability
        | Act::Search
        | Act::Cancel
        | Act::Unsupported => false,
    };
    let mut clause = goes_on.then(|| clauses::going_on(words, start, act))?;
    if then == 1 && words.at(start - 1) == "then" {
        clause.link = clauses::Link::Then;
    }
    Some(clause)
}

/// `Ben 15`, `15 to Ben`, `$35 to Lee`; the first has its amount already.
fn is_share(words: &Words, open: &Clause, at: usize, start: usize) -> bool {
    if !clauses::has_amount(words, open.body, at) {
        return false;
    }
    let counted = |at: usize| {
        money::length(words, at).or_else(|| {
            let (_, length) = number(words, at)?;
            let ends = words.is_mark(at + length) || at + length >= words.len();
            (ends || words.is(at + length, &["to", "and", "please"])).then_some(length)
        })
    };
    if let Some(length) = counted(start) {
        return words.at(start + length) == "to" && !names::people(words, start + length + 1).0.is_empty();
    }
    let (people, end) = names::people(words, start);
    people.len() == 1 && counted(end).is_some()
}

/// `one back home on Sunday`, `home at 11pm`, `back again at 10`.
fn is_way_back(words: &Words, start: usize) -> bool {
    let one = usize::from(words.is(start, &["one", "another"])) + usize::from(words.reads(start, "another one"));
    let way = start + one;
    let led = words.is(way, &["back", "home"]) || (one > 0 && words.is(way, &["to", "from", "there"]));
    let timed = (way..words.len().min(way + 8))
        .any(|at| words.form(at) == Some(Form::Number) || (words.at(at) == "at" && number(words, at + 1).is_some()));
    led && timed
}

/// `in Paris and London`.
fn is_place(words: &Words, start: usize) -> bool {
    let named = start + usize::from(words.at(start) == "in");
    words.is_capital(named) && !words.is(named, &["i", "i'm", "i'd"])
}
