//! From clauses to wishes, and the answers that are no plan.

use jiff::Timestamp;
use jiff::civil::{DateTime, date};
use jiff::tz::Offset;

use super::clauses::{self, Clause, Link};
use super::language::language;
use super::lexicon::in_english;
use super::openings::Act;
use super::planner::{MAX_WISHES, Planner, Said, What, Wish};
use super::slot::Slot;
use super::times::Habit;
use super::tokens::{Form, Token, tokens};
use super::unread;
use super::when::When;
use super::words::Words;
use super::{Context, MAX_CHARACTERS, Missing, Reading};
use super::{calendar, delivery, lookup, message, payment, people, ride, table};

const OFFERS: &str = "I can book tables and rides, order deliveries, pay people, send messages, put things in \
    your calendar, and look up restaurants, free tables, the weather and the way. For example: “Book a table \
    for 4 at Luigi's tomorrow at 7pm, get us a ride there, and text Sam the details”, or “What's the weather \
    in Rome tomorrow?”";

/// What a message asks for, before it is planned.
#[derive(Clone)]
pub(super) struct Request<'m> {
    pub wishes: Vec<Wish<'m>>,
    pub said: Said,
    /// Words that were not understood, and the clause that they stand in.
    pub unread: Option<(Vec<String>, &'m str)>,
}

/// A message, understood by itself.
pub(super) enum Understood<'m> {
    Wishes(Request<'m>),
    Answer(Reading),
}

/// The message's tokens, in the words of the English grammar.
pub(super) fn english(message: &str) -> Vec<Token> {
    let tokens = tokens(message);
    let language = language(message, &tokens);
    in_english(message, tokens, language)
}

pub(super) fn too_long(message: &str) -> Option<Reading> {
    message.chars().nth(MAX_CHARACTERS).is_some().then(|| {
        unclear(format!(
            "That is longer than the {MAX_CHARACTERS} characters that I read at once. Please say it more shortly."
        ))
    })
}

pub(super) fn understand<'m>(message: &'m str, tokens: &[Token], now: DateTime) -> Understood<'m> {
    let clauses = clauses::clauses(message, tokens);
    if let Some(refusal) = refusal(message, tokens, &clauses) {
        return Understood::Answer(refusal);
    }
    let mut said = Said::default();
    let mut wishes: Vec<Wish> = Vec::new();
    let mut unread = None;
    let acts = clauses.iter().any(|clause| {
        let looks = matches!(clause.act, None | Some(Act::Availability | Act::Search | Act::Weather | Act::Route));
        !clause.negated && !looks
    });
    let mut group = 0;
    for clause in clauses.iter().filter(|clause| !clause.negated) {
        let inner = tokens.get(clause.start..clause.end).unwrap_or_default();
        let Some(act) = clause.act else {
            let mut words = Words::new(message, inner);
            let when = When::read(&mut words, now, Habit::Meal);
            // An hour that stands alone, or a day for what is done at once, belongs to no wish.
            let dated = clauses
                .iter()
                .any(|clause| !clause.negated && !matches!(clause.act, None | Some(Act::Payment | Act::Message)));
            if when.time != Slot::Empty || (when.date != Slot::Empty && !dated) || matches!(when.date, Slot::Asks(_)) {
                let said = text(message, tokens, clause);
                unread = unread.or_else(|| Some((vec![said.to_owned()], said)));
            }
            said.date = said.date.or(when.date.known().copied());
            let party = Slot::one(people::parties(&mut words), ToString::to_string);
            said.party = said.party.or(party.known().copied());
            unread::take_courtesies(&mut words, 0);
            let left = unread::left(&words, &IDLE);
            if !left.is_empty() {
                unread = unread.or_else(|| Some((left, text(message, tokens, clause))));
            }
            continue;
        };
        let trails = ["after that", "afterwards", "afterward"].iter().any(|phrase| {
            let words = Words::new(message, inner);
            (0..words.len()).any(|at| words.reads(at, phrase))
        });
        if (clause.link == Link::Then || trails) && !wishes.is_empty() {
            group += 1;
        }
        let (wish, left) = wish(message, tokens, clause, act, group, now);
        // What is looked up without being acted on may be looked up loosely.
        let idle = matches!(act, Act::Availability | Act::Search) && !acts;
        if !idle && !left.is_empty() {
            unread = unread.or(Some((left, wish.text)));
        }
        if !wishes.last_mut().is_some_and(|last| last.goes_on(&wish)) {
            wishes.push(wish);
        }
    }
    if wishes.is_empty() {
        return Understood::Answer(unclear(OFFERS));
    }
    Understood::Wishes(Request { wishes, said, unread })
}

impl Request<'_> {
    /// The plan, or the question.
    pub fn plan(self, now: DateTime, context: &Context) -> Reading {
        if self.wishes.len() > MAX_WISHES {
            return unclear(format!(
                "These are more than {MAX_WISHES} wishes at once. Please send me a part of them first."
            ));
        }
        let user = context.user.trim();
        let user = if user.is_empty() { "Guest" } else { user };
        let planner = Planner { now, user: user.to_owned(), wishes: self.wishes, said: self.said };
        match (planner.plan(), self.unread) {
            (Reading::Plan { intents, .. }, Some((left, said))) => {
                let question = format!(
                    "I do not understand “{}” in “{said}”, and have done nothing. Say it without, or in other words.",
                    left.join(" ")
                );
                Reading::Ask { question, missing: vec![Missing { intent: 0, parameter: "wish" }], intents }
            }
            (reading, _) => reading,
        }
    }
}

pub(super) fn nothing_to_do(said: &str) -> Reading {
    Reading::Refused { message: format!("Then I do nothing: “{said}”. Tell me what I shall do instead.") }
}

pub(super) fn unclear(message: impl Into<String>) -> Reading {
    Reading::Unclear { message: message.into() }
}

/// The user's wall clock.
pub(super) fn local(context: &Context) -> DateTime {
    let seconds = context.utc_offset_minutes.clamp(-24 * 60, 24 * 60) * 60;
    let offset = Offset::from_seconds(seconds).unwrap_or(Offset::UTC);
    let now = i64::try_from(context.now.0).ok().and_then(|now| Timestamp::from_millisecond(now).ok());
    now.map_or(date(1970, 1, 1).at(0, 0, 0, 0), |now| offset.to_datetime(now))
}

fn wish<'m>(
    message: &'m str,
    tokens: &[Token],
    clause: &Clause,
    act: Act,
    group: usize,
    now: DateTime,
) -> (Wish<'m>, Vec<String>) {
    let body = tokens.get(clause.body..clause.end).unwrap_or_default();
    // A day before the verb belongs to the wish: it is read as if it stood at the end.
    let ahead = &unread::without_courtesies(message, tokens.get(..clause.end).unwrap_or_default(), clause);
    let is_speech = act == Act::Message;
    let rotated: Vec<Token> = if is_speech {
        body.to_vec()
    } else {
        let break_between = body.last().map(|last| Token {
            form: Form::Mark,
            word: ",".to_owned(),
            start: last.end,
            corrected: false,
            capital: false,
            ..last.clone()
        });
        body.iter().cloned().chain(break_between).chain(ahead.iter().cloned()).collect()
    };
    let mut words = Words::new(message, &rotated);
    let assumed = words.corrections() + u32::from(clause.noun);
    let what = match act {
        Act::Table => What::Table(table::read(&mut words, now)),
        Act::Availability => What::Availability(table::read(&mut words, now)),
        Act::Ride => What::Ride(ride::read(&mut words, now)),
        Act::Delivery => What::Delivery(delivery::read(&mut words, now, usize::from(!clause.noun))),
        Act::Payment => What::Payment(payment::read(&mut words)),
        Act::Calendar => What::Entry(calendar::read(&mut words, now)),
        Act::Weather => What::Weather(lookup::weather(words.clone(), now)),
        Act::Route => What::Route(lookup::route(words.clone())),
        Act::Search => What::Search(lookup::search(&mut words, now)),
        Act::Message | Act::Cancel | Act::Unsupported => What::Message(message::read(&words, now)),
    };
    let left = if let What::Message(message_read) = &what {
        let mut before = Words::new(message, ahead);
        unread::take_courtesies(&mut before, 0);
        let mut left = unread::left(&before, &[]);
        left.extend(message_read.unread.iter().cloned());
        left
    } else {
        words.take(0..usize::from(!clause.noun));
        unread::take_courtesies(&mut words, body.len());
        unread::unread(&words, act)
    };
    (Wish { what, text: text(message, tokens, clause), group, assumed }, left)
}

fn text<'m>(message: &'m str, tokens: &[Token], clause: &Clause) -> &'m str {
    let inner = tokens.get(clause.start..clause.end).unwrap_or_default();
    // A verb may have been moved to the front.
    let start = inner.iter().map(|token| token.start).min().unwrap_or(0);
    let end = inner.iter().map(|token| token.end).max().unwrap_or(0);
    let range = start..end;
    message.get(range).unwrap_or_default().trim()
}

/// Words of statements that ask for nothing.
const IDLE: [&str; 47] = [
    "many",
    "lot",
    "a",
    "it's",
    "its",
    "i'm",
    "we're",
    "we",
    "are",
    "i",
    "it",
    "is",
    "am",
    "there",
    "there's",
    "this",
    "that's",
    "my",
    "our",
    "birthday",
    "anniversary",
    "sorry",
    "great",
    "happy",
    "hungry",
    "good",
    "perfect",
    "hi",
    "hello",
    "hey",
    "dear",
    "morning",
    "evening",
    "day",
    "afternoon",
    "friday",
    "lovely",
    "much",
    "very",
    "so",
    "be",
    "will",
    "would",
    "nice",
    "ok",
    "okay",
    "celebrating",
];

/// A wish that ends in a question mark, and does not begin as people ask for something.
fn doubted<'m>(words: &Words<'m>, clause: &Clause) -> bool {
    let looks = matches!(clause.act, None | Some(Act::Weather | Act::Route | Act::Availability | Act::Search));
    if looks || clause.negated || words.at(clause.end) != "?" {
        return false;
    }
    let start = (0..clause.end).rev().find(|at| words.is(*at, &[".", ";", "!", "?"])).map_or(0, |at| at + 1);
    let start = start
        + (start..clause.end)
            .take_while(|at| words.is(*at, &["hi", "hello", "hey", ",", "please", "and", "so"]))
            .count();
    let you = words.is(start + 1, &["you"]);
    let wishes = words.is(start, &["can", "could", "would", "will", "may", "do", "why"]);
    !wishes || (clause.act == Some(Act::Payment) && !you)
}

/// The answer where a message must not become a plan, whatever else it says.
fn refusal(message: &str, tokens: &[Token], clauses: &[Clause]) -> Option<Reading> {
    let words = Words::new(message, tokens);
    let said = |clause: &Clause| text(message, tokens, clause);
    for clause in clauses {
        if clause.act == Some(Act::Cancel) && !clause.negated {
            return Some(unclear(format!(
                "I cannot cancel or change what was arranged before, not yet, so I have done nothing about \
                 “{}”. What still runs can be cancelled in the conversation that \
                 started it, or on its own page.",
                said(clause)
            )));
        }
        if clause.conditional {
            return Some(unclear(format!(
                "I cannot wait for a condition yet, so I have done nothing about “{}”. Please tell me outright \
                 what to do.",
                said(clause)
            )));
        }
        if clause.act == Some(Act::Unsupported) && !clause.negated {
            return Some(unclear(format!("I cannot do this, and have done nothing: “{}”. {OFFERS}", said(clause))));
        }
        if clause.act.is_none() && !clause.negated && !is_statement(&words, clause) {
            return Some(unclear(format!("I did not understand “{}”, and have done nothing. {OFFERS}", said(clause))));
        }
    }
    for (at, clause) in clauses.iter().enumerate() {
        let opposed = clauses.iter().any(|other| !other.negated && other.act.is_some() && other.act == clause.act);
        if clause.negated && (clause.act.is_none() || opposed) {
            return Some(ask(format!("“{}” and the rest do not go together for me: what shall I do?", said(clause))));
        }
        if clause.link == Link::Or && at > 0 {
            return Some(ask(format!("Which of them shall I do: what comes before “or”, or “{}”?", said(clause))));
        }
        if doubted(&words, clause) {
            return Some(ask(format!(
                "“{}” ends in a question mark: shall I do it? Then say it without.",
                said(clause)
            )));
        }
        let looks = matches!(clause.act, Some(Act::Weather | Act::Route | Act::Availability | Act::Search));
        let spoken = if clause.act == Some(Act::Message) { clause.body } else { clause.end };
        if !looks
            && !clause.negated
            && let Some(at) = unread::condition(&words, clause.start, spoken)
        {
            return Some(ask(format!(
                "I cannot wait for a condition, nor choose: “{}” in “{}”. Please tell me outright what to do.",
                words.text(at..clause.end),
                said(clause)
            )));
        }
        if clause.doubtful {
            return Some(ask(format!(
                "Is all of “{}” the message, or is a part of it for me to do? Please put the message in quotes.",
                said(clause)
            )));
        }
        let own_words = matches!(clause.act, Some(Act::Message | Act::Calendar) | None);
        if !own_words && let Some(stray) = clauses::stray_wish(&words, clause) {
            let stray = words.text(stray..clause.end);
            return Some(ask(format!("Is “{stray}” a wish of its own? Please say it as a sentence of its own.")));
        }
        if !clause.negated && !own_words && clauses::has_stray_negation(&words, clause) {
            return Some(ask(format!(
                "I am not sure what not to do in “{}”: please say only what I shall do.",
                said(clause)
            )));
        }
    }
    let negated: Vec<&str> = clauses.iter().filter(|clause| clause.negated).map(said).collect();
    let all = clauses.iter().all(|clause| clause.negated || clause.act.is_none());
    (all && !negated.is_empty()).then(|| nothing_to_do(&negated.join(", ")))
}

pub(super) fn ask(question: String) -> Reading {
    let missing = vec![Missing { intent: 0, parameter: "wish" }];
    Reading::Ask { question, missing, intents: Vec::new() }
}

/// Words that wish for nothing: a greeting, or what things are like.
fn is_statement(words: &Words, clause: &Clause) -> bool {
    let starts = [
        "it's", "its", "i'm", "we're", "we", "i", "it", "there", "there's", "this", "that's", "my", "our", "he", "she",
        "they", "sorry", "great", "happy", "for", "at", "on", "around", "tomorrow", "tonight", "today", "cheers",
        "good", "perfect", "asap",
    ];
    let spoken =
        (clause.body..clause.end).any(|at| matches!(words.form(at), Some(Form::Word | Form::Number | Form::Quoted)));
    !spoken || words.is(clause.body, &starts) || clause.body == clause.end
}
