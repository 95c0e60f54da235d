//! A message that is no wish of its own, but changes the wishes before it: a correction, an answer to a question, or
//! something left out after all.
//!
//! The rule of `unread` holds here too: a change is made only where every word of the message was understood as a
//! part of it. Where it could be meant of several wishes, it is asked which.

use crate::civil::DateTime;

use super::editor::Editor;
use super::message::Content;
use super::openings;
use super::planner::{What, Wish};
use super::preamble;
use super::reading::Request;
use super::words::Words;
use super::{Context, Reading, chatter};

pub(super) enum Change<'m> {
    To(Request<'m>),
    /// Nothing of the wishes is left.
    Nothing,
    /// The question to ask.
    Unsure(String),
}

/// What leads to leaving something out.
const REMOVERS: [&str; 25] = [
    "we don't need",
    "i don't need",
    "we do not need",
    "i do not need",
    "we don't want",
    "i don't want",
    "no need for",
    "forget about",
    "forget",
    "never mind",
    "nevermind",
    "don't bother with",
    "leave out",
    "skip",
    "drop",
    "scrap",
    "remove",
    "cancel",
    "without",
    "lose",
    "don't",
    "do not",
    "leave",
    "no",
    "not",
];

/// Words that only keep what is.
const KEPT: [&str; 19] = [
    "the",
    "my",
    "our",
    "keep",
    "leave",
    "table",
    "taxi",
    "ride",
    "booking",
    "reservation",
    "message",
    "dinner",
    "can",
    "stay",
    "stays",
    "is",
    "are",
    "fine",
    "ok",
];

const TABLE: [&str; 6] = ["table", "reservation", "booking", "dinner", "lunch", "restaurant"];
const RIDE: [&str; 7] = ["ride", "taxi", "cab", "car", "uber", "lift", "transfer"];
const DELIVERY: [&str; 8] = ["delivery", "order", "pizza", "pizzas", "food", "flowers", "cake", "parcel"];
const PAYMENT: [&str; 3] = ["payment", "money", "transfer"];
const MESSAGE: [&str; 6] = ["message", "text", "sms", "email", "mail", "note"];
const ENTRY: [&str; 7] = ["calendar", "entry", "event", "appointment", "reminder", "meeting", "diary"];

/// The change that a message makes, if it is nothing else.
pub(super) fn read<'m>(open: &Request<'m>, message: &Words, now: DateTime, context: &Context) -> Option<Change<'m>> {
    let first = skip(message, 0);
    if preamble::doubt(message, first).is_some() {
        return Some(Change::Unsure(
            "I change only what is certain: shall I change it? Then say it without doubt.".to_owned(),
        ));
    }
    removal(open, message).or_else(|| {
        let mut editor =
            Editor { request: open.clone(), missing: missing(open, now, context), unsure: None, changed: 0 };
        if editor.read(message.clone(), now).is_some() {
            return Some(editor.done());
        }
        // `Ben can't come, so we're only three`
        let comma = message.find(&[",", "."]).filter(|at| *at > 1 && !chatter::holds(&message.head(*at), false))?;
        let told = message.is(0, &["i", "we", "he", "she", "they", "the", "my", "our"]) || message.is_capital(0);
        let so = message.is(comma + 1, &["so"]);
        let mut editor =
            Editor { request: open.clone(), missing: missing(open, now, context), unsure: None, changed: 0 };
        editor.read(message.tail(comma + 1), now).filter(|()| told && so)?;
        editor.request.said.doubts += 1;
        Some(editor.done())
    })
}

/// The message as what somebody is to be told, where nothing else was asked for.
pub(super) fn words_for<'m>(
    open: &Request<'m>,
    message: &str,
    now: DateTime,
    context: &Context,
) -> Option<Request<'m>> {
    let [(at, "text")] = missing(open, now, context)[..] else {
        return None;
    };
    let mut request = open.clone();
    let What::Message(told) = &mut request.wishes.get_mut(at)?.what else {
        return None;
    };
    told.content = Content::Text(told_itself(message.trim()).trim_matches(['"', '“', '”', '„']).to_owned());
    (!message.trim().is_empty()).then_some(request)
}

/// `que llego tarde`, `dass ich später komme`: the text without the word that leads to it. English `that` may be
/// a part of the text, and so is the `que` of `que tal`.
fn told_itself(message: &str) -> &str {
    let Some((first, rest)) = message.split_once(' ') else { return message };
    let leads = matches!(first.to_lowercase().as_str(), "que" | "dass");
    if leads && !rest.starts_with("tal") { rest.trim_start() } else { message }
}

/// What the wishes lack: the place of the wish, and the parameter.
fn missing(open: &Request, now: DateTime, context: &Context) -> Vec<(usize, &'static str)> {
    match open.clone().plan(now, context) {
        Reading::Ask { missing, .. } => missing.into_iter().map(|gap| (gap.intent, gap.parameter)).collect(),
        Reading::Plan { .. } | Reading::Unclear { .. } | Reading::Refused { .. } => Vec::new(),
    }
}

/// Whether a noun names the wish: `the taxi`.
pub(super) fn is_named(wish: &Wish, word: &str) -> bool {
    if let What::Delivery(delivery) = &wish.what
        && let Some(items) = delivery.items.known()
        && word.len() > 2
        && items.iter().any(|item| item.name.to_lowercase().split(' ').any(|part| part == word))
    {
        return true;
    }
    let names: &[&str] = match &wish.what {
        What::Table(_) | What::Availability(_) | What::Search(_) => &TABLE,
        What::Ride(_) | What::Route(_) => &RIDE,
        What::Delivery(_) => &DELIVERY,
        What::Payment(_) => &PAYMENT,
        What::Message(_) => &MESSAGE,
        What::Entry(_) => &ENTRY,
        What::Weather(_) => &["weather", "forecast"],
    };
    names.contains(&word)
}

/// Skips what says nothing, from a place on.
fn skip(words: &Words, mut at: usize) -> usize {
    loop {
        let opener = ["actually", "rather", "sorry", "oh", "hm", "well", "nah", "wait"].contains(&words.at(at))
            || words.is(at, &["no", "don't"]) && words.at(at + 1) == ",";
        if words.is_mark(at) || opener {
            at += 1;
        } else if let Some(length) = preamble::courtesy(words, at) {
            at += length;
        } else {
            return at;
        }
    }
}

/// `forget the ride`, `we don't need a taxi after all`, `forget it`.
fn removal<'m>(open: &Request<'m>, words: &Words) -> Option<Change<'m>> {
    if takes_back(words) {
        return Some(Change::Nothing);
    }
    // `I'd rather walk, cancel the taxi`
    let aside = words.is(0, &["i", "i'd", "i'll", "i'm", "we", "we'd", "we'll", "we're", "he", "she", "they", "it's"])
        && !chatter::holds(&words.head(words.find(&[",", ".", ";"]).unwrap_or(0)), false);
    // `the table can stay but drop the taxi`
    let kept = (0..words.find(&["but", ",", ".", ";"]).unwrap_or(0)).all(|at| words.is(at, &KEPT));
    let behind = words.find(&["but", ",", ".", ";"]).filter(|at| (aside || kept) && *at > 0);
    removed(open, words, 0).or_else(|| removed(open, words, behind? + 1))
}

/// `No wait, don't.`, `Scratch that, don't pay him`: nothing but taking back what was said before.
fn takes_back(words: &Words) -> bool {
    const FIRM: [&str; 9] = [
        "i changed my mind",
        "i've changed my mind",
        "changed my mind",
        "never mind",
        "nevermind",
        "rather not",
        "don't bother",
        "don't",
        "do not",
    ];
    const DROPS: [&str; 9] =
        ["forget", "forget about", "scratch", "scrap", "drop", "leave", "cancel", "skip", "ignore"];
    const LIGHT: [&str; 27] = [
        "no", "nope", "nah", "wait", "hold", "on", "stop", "actually", "sorry", "oh", "well", "then", "after", "all",
        "anymore", "more", "any", "now", "just", "better", "rather", "hm", "ah", "ok", "so", "thanks", "please",
    ];
    const OBJECTS: [&str; 14] = [
        "it",
        "that",
        "this",
        "him",
        "her",
        "them",
        "anything",
        "nothing",
        "everything",
        "all",
        "to",
        "do",
        "a",
        "any",
    ];
    let (mut at, mut firm) = (0, false);
    while at < words.len() {
        let denied = FIRM.iter().find(|phrase| words.reads(at, phrase));
        let drops = DROPS.iter().rev().find(|phrase| words.reads(at, phrase));
        if let Some(phrase) = denied {
            firm = true;
            at += phrase.split(' ').count();
            at += usize::from(openings::is_command(words.at(at)) || words.is(at, &["send", "get", "make", "do"]));
            at += (at..words.len()).take_while(|at| words.is(*at, &OBJECTS)).count();
        } else if let Some(drops) = drops {
            let object = at + drops.split(' ').count();
            if !words.is(object, &["it", "that", "this", "everything", "all"]) {
                return false;
            }
            firm = true;
            at = object + 1;
        } else if words.is_mark(at) || words.is(at, &LIGHT) {
            at += 1;
        } else if let Some(length) = preamble::courtesy(words, at) {
            at += length;
        } else {
            return false;
        }
    }
    firm
}

fn removed<'m>(open: &Request<'m>, words: &Words, from: usize) -> Option<Change<'m>> {
    let mut at = skip(words, from);
    if let Some(change) = left_out(open, words, at) {
        return Some(change);
    }
    let remover = REMOVERS.iter().find(|phrase| words.reads(at, phrase))?;
    at += remover.split(' ').count();
    let denies = ["no", "not", "don't", "do not"].contains(remover);
    // `vergiss das Taxi` and `wir brauchen kein Taxi` are said with the words of both.
    at = skip(words, at);
    at += usize::from(words.is(at, &["the", "a", "an", "my", "our", "any", "that", "this", "need", "want"]));
    at += usize::from(words.is(at, &["a", "the", "any"]));
    let noun = words.at(at);
    let end = |mut at: usize| {
        while at < words.len() {
            let length = ["after all", "any more", "as well", "leave it", "forget it", "it all"]
                .iter()
                .find(|phrase| words.reads(at, phrase))
                .map_or(1, |phrase| phrase.split(' ').count());
            let filler = words.is(
                at,
                &["anymore", "then", "too", "please", "now", "either", "instead", "actually", "thanks", "just"],
            ) || denies && words.is(at, &["need", "want", "we", "i", "more", "it"]);
            // `skip the text to Ben, he knows`
            let reason = words.is_mark(at)
                && words.is(at + 1, &["he", "she", "they", "i", "we", "i'm", "i'll", "we'll", "we're", "it's"])
                && !chatter::holds(&words.tail(at + 1), false);
            if reason {
                return true;
            }
            if length == 1 && !filler && !words.is_mark(at) {
                return false;
            }
            at += length;
        }
        true
    };
    let all = (words.is(at, &["it", "that", "everything", "all"]) && end(at + 1)) || (!denies && end(at));
    if all {
        return (!denies).then_some(Change::Nothing);
    }
    let goes = |wish: &Wish| is_named(wish, noun);
    let alone = open.wishes.iter().filter(|wish| goes(wish)).count() == 1;
    let to = if alone && words.is(at + 1, &["to", "for"]) { 2 } else { 0 };
    if !open.wishes.iter().any(goes) || !(end(at + 1) || end(at + 1 + to)) {
        return None;
    }
    Some(without(open, goes))
}

/// `the roses you can leave out`, as it is said in German.
fn left_out<'m>(open: &Request<'m>, words: &Words, at: usize) -> Option<Change<'m>> {
    let at = at + usize::from(words.is(at, &["the", "my", "our"]));
    let noun = words.at(at);
    let last = (0..words.len()).rev().find(|at| !words.is_mark(*at))?;
    let between = (at + 1..last).all(|at| words.is(at, &["can", "could", "you", "we", "please", "just", "then"]));
    let goes = |wish: &Wish| is_named(wish, noun);
    (last > at + 1 && between && words.is(last, &["drop", "cancel", "skip"]) && open.wishes.iter().any(goes))
        .then(|| without(open, goes))
}

/// The wishes without some of them.
fn without<'m>(open: &Request<'m>, goes: impl Fn(&Wish) -> bool) -> Change<'m> {
    let mut request = open.clone();
    request.wishes.retain(|wish| !goes(wish));
    if request.unread.as_ref().is_some_and(|(_, text)| !request.wishes.iter().any(|wish| wish.text == *text)) {
        request.unread = None;
    }
    if request.wishes.is_empty() { Change::Nothing } else { Change::To(request) }
}
