//! Words for somebody else. What they say is data: it is passed on as it was written.

use super::Kind;
use super::draft::{Draft, listed, said};
use super::work::Work;
use crate::civil::DateTime;
use crate::saga::Step;

use super::names::{self, Person};
use super::slot::Slot;
use super::times::Habit;
use super::when::When;
use super::words::Words;

/// What `send_message` takes.
const MAX_TEXT: usize = 2000;

#[derive(Clone, Debug)]
pub(super) struct Message {
    pub to: Vec<Person>,
    pub content: Content,
    /// It is wished for later, which is not offered.
    pub later: bool,
    /// Words that may be meant for the planner as well as for the other.
    pub unread: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Content {
    /// To be said in the user's words.
    Text(String),
    /// The plan itself: `the details`.
    Details,
    /// Nothing was said of it.
    Open,
    TooLong,
}

const DETAILS: [&str; 44] = [
    "all the details",
    "all details",
    "the details",
    "details",
    "the full details",
    "the plan",
    "the plans",
    "everything",
    "about everything",
    "about it",
    "about that",
    "about this",
    "about the table",
    "about the reservation",
    "about the booking",
    "about the dinner",
    "about dinner",
    "about the ride",
    "about the plan",
    "the info",
    "the information",
    "the confirmation",
    "a confirmation",
    "the reservation",
    "the booking",
    "the address",
    "the time",
    "the place",
    "where and when",
    "when and where",
    "where",
    "when",
    "what time",
    "an invitation",
    "the invitation",
    "a reminder",
    "the summary",
    "a summary",
    "it",
    "this",
    "how to get there",
    "the table",
    "the reservation details",
    "the booking details",
];

pub(super) fn read(words: &Words, now: DateTime) -> Message {
    let nouns = ["message", "text", "note", "email", "mail", "sms", "line", "invitation", "invite", "reminder", "word"];
    let colon = (1..words.len()).find(|at| words.at(*at) == ":");
    let quote = (1..words.len()).find(|at| words.quoted(*at).is_some());
    let head_end = [colon, quote].into_iter().flatten().min().unwrap_or(words.len());

    let first = 1 + usize::from(words.is(1, &["please"]));
    let direct = names::people(words, first + usize::from(words.at(first) == "to"));
    let to = (1..head_end)
        .find(|at| words.at(*at) == "to" && (direct.0.is_empty() || words.is(at - 1, &nouns)))
        .map(|at| (at, names::people(words, at + 1)));
    let (people, rest, before) = match to {
        Some((at, (people, end))) if !people.is_empty() => (people, end, 1..at),
        Some(_) | None => {
            let end = direct.1;
            (direct.0, end, 1..1)
        }
    };
    let (content, later) = if let Some(quoted) = quote.and_then(|at| words.quoted(at)) {
        (literal(quoted), false)
    } else if let Some(colon) = colon {
        (literal(words.text_after(colon)), false)
    } else if is_details(words, before.start) && !before.is_empty() {
        (Content::Details, is_later(words, rest, now))
    } else {
        content(words, rest, now)
    };
    let said = quote.is_some() || colon.is_some();
    let unread = if said { aside(words, head_end, quote, rest) } else { unread(words, &content, rest, now) };
    Message { to: people, content, later, unread }
}

/// What stands beside a quotation, or before the colon, and is neither verb nor person.
fn aside(words: &Words, head_end: usize, quote: Option<usize>, people_end: usize) -> Vec<String> {
    let behind = quote.filter(|quote| *quote == head_end).map_or(words.len(), |quote| quote + 1);
    let vocabulary = [
        "line",
        "saying",
        "say",
        "says",
        "that",
        "with",
        "message",
        "text",
        "note",
        "this",
        "following",
        "know",
        "words",
        ",",
    ];
    let harmless = ["please", "thanks", "the", "a", "an", "to", "and", "then", "also", "too", "for", "me"];
    (people_end..head_end.max(people_end))
        .chain(behind..words.len())
        .filter(|at| words.form(*at).is_some() && !words.is_mark(*at))
        .filter(|at| !words.is(*at, &vocabulary) && !words.is(*at, &harmless))
        .map(|at| words.text(at..at + 1).to_owned())
        .collect()
}

/// What may not belong to the text: a second person, a condition, an hour at its end.
fn unread(words: &Words, content: &Content, start: usize, now: DateTime) -> Vec<String> {
    let start = start + usize::from(words.at(start) == "," && !words.is_capital(start + 1));
    let joined = words.is(start, &["and"]) && !words.is(start + 1, &["say", "saying", "tell", "let"]);
    if joined || words.is(start, &["or", "&"]) {
        return vec![words.text(start..words.len()).to_owned()];
    }
    // `text Bob 20 euros` may be meant as a payment.
    let says_nothing = |at: &usize| words.is_mark(*at) || words.is(*at, &["please", "thanks"]);
    let end = words.len() - (start..words.len()).rev().take_while(says_nothing).count();
    if matches!(content, Content::Text(_))
        && (start..words.len())
            .any(|at| super::money::length(words, at).is_some_and(|length| at == start && at + length >= end))
    {
        return vec![words.text(start..words.len()).to_owned()];
    }
    match content {
        Content::Details | Content::Open => {
            let told = [
                "details",
                "full",
                "all",
                "plan",
                "plans",
                "everything",
                "about",
                "it",
                "that",
                "this",
                "table",
                "reservation",
                "booking",
                "dinner",
                "ride",
                "info",
                "information",
                "confirmation",
                "address",
                "time",
                "place",
                "where",
                "when",
                "what",
                "invitation",
                "reminder",
                "summary",
                "how",
                "get",
                "there",
                "know",
                "with",
                "is",
                "we",
                "meet",
                "our",
                "message",
                "text",
                "email",
                "lunch",
                "me",
                "us",
            ];
            let harmless = ["please", "thanks", "the", "a", "an", "to", "and", "then", "also", "too", "for", "of"];
            (start..words.len())
                .filter(|at| words.form(*at).is_some() && !words.is_mark(*at))
                .filter(|at| !words.is(*at, &told) && !words.is(*at, &harmless))
                .map(|at| words.text(at..at + 1).to_owned())
                .collect()
        }
        Content::Text(text)
            if !words.is(start, &["that", "saying", "to", "if", "whether"]) && !said_openly(words, start) =>
        {
            let mut unread = super::unread::open(words, start..words.len());
            let second = (start + 1..words.len()).find(|at| words.is(*at, &["and", "&"]) && words.is_capital(at + 1));
            let bare = words.is(start, &["the", "a", "an", "my", "our"]) && words.len() <= start + 3;
            if let Some(from) = second.or(bare.then_some(start)) {
                unread.push(words.text(from..words.len()).to_owned());
            }
            if unread.is_empty() && is_later(words, start, now) {
                unread.push(text.clone());
            }
            unread
        }
        Content::Text(_) | Content::TooLong => Vec::new(),
    }
}

/// `know that`, `a message saying`: what follows is the text, all of it.
fn said_openly(words: &Words, start: usize) -> bool {
    let leading = [
        "know", ",", "a", "message", "text", "note", "line", "email", "mail", "with", "and", "say", "details", "quick",
        "short", "brief",
    ];
    let openly = (start..start + 4).find(|at| words.is(*at, &["that", "saying"]));
    openly.is_some_and(|openly| (start..openly).all(|at| words.is(at, &leading)))
}

fn literal(text: &str) -> Content {
    let text = text.trim();
    match text.chars().count() {
        0 => Content::Open,
        1..=MAX_TEXT => Content::Text(text.to_owned()),
        _ => Content::TooLong,
    }
}

fn is_details(words: &Words, at: usize) -> bool {
    DETAILS.iter().any(|phrase| words.reads(at, phrase))
}

fn content(words: &Words, start: usize, now: DateTime) -> (Content, bool) {
    let mut at = start;
    const LEADING: [&str; 12] =
        ["know", ",", "and", "say", "saying", "a", "message", "text", "with", "quick", "short", "brief"];
    while words.is(at, &LEADING) && at < words.len() {
        if words.is(at, &["a"]) && !words.is(at + 1, &["message", "text", "quick", "short", "brief"]) {
            break;
        }
        at += 1;
    }
    if at >= words.len() || (at + 1 == words.len() && words.is_mark(at)) || words.reads(at, "please") {
        return (Content::Open, false);
    }
    // `gib Lee Bescheid, dass …`
    let told = at + 1 + usize::from(words.at(at + 1) == ",");
    if words.is(at, &["details"]) && words.at(told) == "that" {
        at = told;
    }
    let exact = DETAILS.iter().filter(|phrase| words.reads(at, phrase)).map(|phrase| phrase.split(' ').count()).max();
    if let Some(length) = exact {
        let tail = at + length;
        // `it is over` says something of its own.
        let short = words.len() - tail.min(words.len());
        let own = words.is(tail, &["is", "was", "will", "isn't", "works", "are", "can", "has"])
            || (words.is(at, &["where", "when", "it", "what"]) && short > 4 && !words.is(tail, &["and", "of", "we"]));
        if !own {
            return (Content::Details, is_later(words, tail, now));
        }
    }
    let rest = |from: usize| match from.checked_sub(1) {
        Some(before) => words.text_after(before).trim_end_matches([',', ';']).trim(),
        None => words.text(0..words.len()),
    };
    if words.at(at) == "that" {
        return (literal(rest(at + 1)), false);
    }
    if words.at(at) == "to" {
        let wish = rest(at + 1);
        return match words.at(0) {
            "invite" => (Content::Text(format!("You are invited to {wish}.")), false),
            "remind" => (literal(&format!("Reminder: {wish}")), false),
            _ => (literal(&format!("Please {wish}")), false),
        };
    }
    (literal(rest(at)), false)
}

/// Whether a day or an hour to send it at is said.
fn is_later(words: &Words, from: usize, now: DateTime) -> bool {
    if words.is(from, &["of", "for", "about"]) {
        return false;
    }
    // `dinner is at 8`, `I'm leaving at 6`: the hour is a part of what is told.
    let told = ["is", "are", "was", "i'm", "i'll", "we're", "we'll", "it's", "i", "we", "starts", "begins"];
    let told = (from..words.len()).find(|at| words.is(*at, &told)).unwrap_or(words.len());
    let when = When::read(&mut words.tail(from).head(told.saturating_sub(from)), now, Habit::Errand);
    let now_said = when.moment().is_some_and(|moment| moment == now);
    !now_said && (when.date != Slot::Empty || when.time != Slot::Empty)
}

impl Work<'_, '_> {
    pub fn message(&mut self, at: usize, id: &str, message: &Message) -> Draft {
        let mut draft = Draft::new(Kind::Communication, "The message");
        let people: Vec<String> = message.to.iter().filter_map(|person| self.person(at, person)).collect();
        if people.is_empty() {
            draft.ask("to", "to whom");
        } else {
            draft.subject = format!("The message to {}", listed(&people));
            draft.set("to", said(&listed(&people)));
        }
        let group = self.planner.wishes.get(at).map_or(0, |wish| wish.group);
        let others: Vec<(&Draft, &str)> = self
            .drafts
            .iter()
            .zip(&self.planner.wishes)
            .filter(|(_, wish)| wish.group <= group)
            .filter_map(|(draft, _)| draft.as_ref().and_then(|draft| Some((draft, draft.told.as_deref()?))))
            .collect();
        let mut after = Vec::new();
        let waits = self.drafts.iter().flatten().any(|draft| !draft.gaps.is_empty() && draft.told.is_none());
        let text = match &message.content {
            Content::Text(text) => Some(text.clone()),
            Content::Details | Content::Open if !others.is_empty() => {
                after = others.iter().filter_map(|(draft, _)| draft.steps.last().map(|step| step.id.clone())).collect();
                let told: Vec<&str> = others.iter().map(|(_, told)| *told).collect();
                Some(told.join(" "))
            }
            // What it tells of is itself still asked for.
            Content::Details | Content::Open if waits => None,
            Content::Details | Content::Open => {
                draft.ask("text", "what shall it say");
                None
            }
            Content::TooLong => {
                draft.ask("text", "it may have up to 2000 characters: what shall it say, more shortly");
                None
            }
        };
        if message.later {
            draft.ask("time", "I send messages at once, not at an hour to come; may I send it now");
        }
        if let Some(text) = &text {
            draft.set("text", said(text));
        }
        draft.summary = format!("write to {}", listed(&people));
        for (count, person) in people.iter().enumerate() {
            let id = if count == 0 { id.to_owned() } else { self.unique("message") };
            let mut params = draft.parameters.clone();
            params.insert("to".to_owned(), said(person));
            draft.steps.push(Step {
                id,
                tool: "send_message".to_owned(),
                params,
                after: after.clone(),
                ..Step::default()
            });
        }
        draft
    }
}
