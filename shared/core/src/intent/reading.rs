//! From clauses to wishes, and the answers that are no plan.

use crate::civil::{DateTime, Timestamp};

use super::clauses::{self, Clause, Link};
use super::idioms;
use super::language::{Language, language};
use super::lexicon::in_english;
use super::openings::{self, Act};
use super::order;
use super::payment::Payment;
use super::planner::{MAX_WISHES, Planner, Said, What, Wish};
use super::proviso::{self, Proviso};
use super::slot::Slot;
use super::tokens::{Form, Token, tokens};
use super::told::Told;
use super::unread;
use super::words::Words;
use super::{Context, Intent, MAX_CHARACTERS, Missing, Reading};
use super::{calendar, chatter, delivery, lookup, message, payment, ride, table, told};

pub(super) const OFFERS: &str = "I can book tables and rides, order deliveries, pay people, send messages, put things in \
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
    /// In which to ask.
    pub language: Language,
}

/// A message, understood by itself.
pub(super) enum Understood<'m> {
    Wishes(Request<'m>),
    /// Wishes that must not be planned before the question is answered.
    Held(Request<'m>, String),
    Answer(Reading),
}

/// Why a message must not become a plan.
enum Refusal {
    Says(Reading),
    Asks(String),
}

/// The message's tokens, in the words of the English grammar.
pub(super) fn english(message: &str) -> (Vec<Token>, Language) {
    let tokens = tokens(message);
    match language(message, &tokens) {
        Language::English => (order::arranged(idioms::spelled_out(tokens)), Language::English),
        language @ (Language::German | Language::Spanish) => {
            (order::arranged(in_english(message, tokens, language)), language)
        }
    }
}

pub(super) fn too_long(message: &str) -> Option<Reading> {
    message.chars().nth(MAX_CHARACTERS).is_some().then(|| {
        unclear(format!(
            "That is longer than the {MAX_CHARACTERS} characters that I read at once. Please say it more shortly."
        ))
    })
}

pub(super) fn understand<'m>(message: &'m str, tokens: &[Token], now: DateTime, language: Language) -> Understood<'m> {
    let provided = proviso::find(message, tokens, now).and_then(|found| provided(message, &found, now, language));
    let mut understood = provided.map_or_else(|| plain(message, tokens, now, language), Understood::Wishes);
    if let Understood::Wishes(request) = &mut understood {
        let firm = tokens.iter().any(|token| token.form == Form::Word && token.word == "sharp");
        request.wishes.iter_mut().for_each(|wish| wish.proviso.firm |= firm);
    }
    understood
}

/// A message whose last wish hangs on something that can be planned.
fn provided<'m>(message: &'m str, found: &proviso::Found, now: DateTime, language: Language) -> Option<Request<'m>> {
    let wishes = |tokens: &[Token]| match plain(message, tokens, now, language) {
        Understood::Wishes(request) => Some(request),
        Understood::Held(..) | Understood::Answer(_) => None,
    };
    let mut request = wishes(&found.rest)?;
    let (before, about) = found.parts();
    // What stands before it is no speech, of which it could be a part.
    let earlier = if before.is_empty() { Vec::new() } else { wishes(before)?.wishes };
    let told = earlier.iter().any(|wish| matches!(wish.what, What::Message(_) | What::Entry(_)));
    let alone = wishes(about)?.wishes.len() == 1;
    if told || alone && earlier.len() + 1 != request.wishes.len() {
        return None;
    }
    let date = found.put(&mut request.wishes, alone)?;
    request.said.date = request.said.date.or(date);
    Some(request)
}

/// The message, as if it hung on nothing.
fn plain<'m>(message: &'m str, tokens: &[Token], now: DateTime, language: Language) -> Understood<'m> {
    let clauses = clauses::clauses(message, tokens);
    let refusal = refusal(message, tokens, &clauses, now);
    let mut told = Told::default();
    let mut wishes: Vec<Wish> = Vec::new();
    let mut unread = None;
    let looks = |clause: &Clause| {
        matches!(clause.act, None | Some(Act::Availability | Act::Search | Act::Weather | Act::Route))
    };
    let acts = clauses.iter().any(|clause| !looks(clause) && !clause.negated);
    let mut group = 0;
    for clause in clauses.iter().filter(|clause| !clause.negated) {
        let inner = tokens.get(clause.start..clause.end).unwrap_or_default();
        let Some(act) = clause.act else {
            let after = !wishes.is_empty();
            let said = text(message, tokens, clause);
            let asks = chatter::asks(&Words::new(message, tokens), clause);
            if let Some(left) = told.hear(message, inner, now, after, &clauses, asks) {
                unread = unread.or_else(|| Some((if left.is_empty() { vec![said.to_owned()] } else { left }, said)));
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
        let (mut wish, left) = wish(message, tokens, clause, act, group, now);
        // What is looked up without being acted on may be looked up loosely.
        let idle = matches!(act, Act::Availability | Act::Search) && !acts;
        if !idle && !left.is_empty() {
            unread = unread.or(Some((left, wish.text)));
        }
        if let (What::Payment(payment), Some(What::Payment(before))) =
            (&mut wish.what, wishes.last().map(|wish| &wish.what))
        {
            payment.inherit(before);
        }
        if !wishes.last_mut().is_some_and(|last| last.goes_on(&wish)) {
            wishes.extend(each(wish));
        }
    }
    if let Some(refusal) = refusal {
        return match refusal {
            Refusal::Says(reading) => Understood::Answer(reading),
            Refusal::Asks(question) => {
                Understood::Held(Request { wishes, said: told.said, unread: None, language }, question)
            }
        };
    }
    if wishes.is_empty() {
        return Understood::Answer(unclear(OFFERS));
    }
    if !told.settle(&mut wishes) {
        unread = unread.or_else(|| Some((vec![message.trim().to_owned()], message.trim())));
    }
    Understood::Wishes(Request { wishes, said: told.said, unread, language })
}

/// A wish for each of those who are each paid the same.
fn each(wish: Wish<'_>) -> Vec<Wish<'_>> {
    let What::Payment(payment) = &wish.what else {
        return vec![wish];
    };
    let others: Vec<Wish> = payment
        .others
        .iter()
        .map(|person| {
            let alone = Payment { payee: Slot::Is(person.clone()), others: Vec::new(), ..payment.clone() };
            Wish { what: What::Payment(alone), ..wish.clone() }
        })
        .collect();
    std::iter::once(wish).chain(others).collect()
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
        let planner =
            Planner { now, user: user.to_owned(), wishes: self.wishes, said: self.said, language: self.language };
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

impl Request<'_> {
    /// The question about a message that is not planned, with the wishes in it as far as they were understood.
    pub fn asked(self, question: String, now: DateTime, context: &Context) -> Reading {
        let intents = if self.wishes.is_empty() { None } else { Some(self.plan(now, context)) };
        let intents = match intents {
            Some(Reading::Plan { intents, .. } | Reading::Ask { intents, .. }) => intents,
            Some(Reading::Unclear { .. } | Reading::Refused { .. }) | None => Vec::new(),
        };
        let intents = intents.into_iter().map(|intent| Intent { confidence: intent.confidence.min(0.5), ..intent });
        let missing = vec![Missing { intent: 0, parameter: "wish" }];
        Reading::Ask { question, missing, intents: intents.collect() }
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
    let offset = context.utc_offset_minutes.clamp(-24 * 60, 24 * 60);
    let now = i64::try_from(context.now.0).ok().and_then(Timestamp::from_millisecond);
    now.map_or(DateTime::EPOCH, |now| now.to_datetime(offset))
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
    let occasion = act == Act::Table && unread::take_occasion(&mut words);
    let assumed = words.corrections() + u32::from(clause.noun) + u32::from(occasion);
    let what = match act {
        Act::Table => What::Table(table::read(&mut words, now)),
        Act::Availability => What::Availability(table::read(&mut words, now)),
        Act::Ride => {
            let leads = Words::new(message, tokens.get(clause.start..clause.body).unwrap_or_default());
            let mut ride = ride::read(&mut words, now);
            ride.us |= leads.has(&["we", "we'd", "we'll", "we're"]);
            What::Ride(ride)
        }
        Act::Delivery => What::Delivery(delivery::read(&mut words, now, usize::from(!clause.noun))),
        Act::Payment => What::Payment(payment::read(&mut words, usize::from(!clause.noun))),
        Act::Calendar => What::Entry(calendar::read(&mut words, now, usize::from(!clause.noun))),
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
    (Wish { what, text: text(message, tokens, clause), group, assumed, proviso: Proviso::default() }, left)
}

fn text<'m>(message: &'m str, tokens: &[Token], clause: &Clause) -> &'m str {
    let inner = tokens.get(clause.start..clause.end).unwrap_or_default();
    // A verb may have been moved to the front.
    let start = inner.iter().map(|token| token.start).min().unwrap_or(0);
    let end = inner.iter().map(|token| token.end).max().unwrap_or(0);
    let range = start..end;
    message.get(range).unwrap_or_default().trim()
}

/// Whether a wish stands in a clause that does not begin with it.
fn hides(words: &Words, clause: &Clause) -> bool {
    (clause.body..clause.end)
        .any(|at| openings::is_command(words.at(at)) || words.is(at, &["table", "taxi", "ride", "send", "get"]))
}

/// A wish that ends in a question mark, and does not begin as people ask for something.
fn doubted<'m>(words: &Words<'m>, clause: &Clause) -> bool {
    let looks = matches!(clause.act, None | Some(Act::Weather | Act::Route | Act::Availability | Act::Search));
    if looks || clause.negated || words.at(clause.end) != "?" {
        return false;
    }
    let sentence = (0..clause.start).rev().find(|at| words.is(*at, &[".", ";", "!", "?"])).map_or(0, |at| at + 1);
    let asked = [sentence, clause.start].into_iter().any(|start| is_asked(words, clause, start));
    !asked
}

/// Whether it begins, from a place on, as people ask for something: `could you`.
fn is_asked(words: &Words, clause: &Clause, start: usize) -> bool {
    let start = start
        + (start..clause.end)
            .take_while(|at| words.is(*at, &["hi", "hello", "hey", ",", "please", "and", "so", "ok", "okay", "oh"]))
            .count();
    let you = words.is(start + 1, &["you"]);
    let wishes = words.is(start, &["can", "could", "would", "will", "may", "do", "why", "can't", "couldn't"])
        || ["any chance", "is there any chance", "i was wondering", "i wonder"]
            .iter()
            .any(|phrase| words.reads(start, phrase));
    wishes && (clause.act != Some(Act::Payment) || you)
}

/// A denial that may be about all that was said: `no, leave it, don't send anything`.
fn sweeps(words: &Words, clause: &Clause) -> bool {
    let no = (clause.start..clause.end).find(|at| words.is(*at, &["no", "nope", "wait"]));
    no.is_some_and(|at| words.is(at + 1, &[",", "."]))
        || (clause.start..clause.end).any(|at| {
            words.is(at, &["anything", "nothing", "everything", "it", "that", "this"])
                && !words.is(at + 1, &["is", "was", "will", "table", "ride", "taxi", "time"])
        })
}

/// The answer where a message must not become a plan, whatever else it says.
fn refusal(message: &str, tokens: &[Token], clauses: &[Clause], now: DateTime) -> Option<Refusal> {
    let words = Words::new(message, tokens);
    let said = |clause: &Clause| text(message, tokens, clause);
    for clause in clauses {
        if clause.act == Some(Act::Cancel) && !clause.negated {
            return Some(Refusal::Says(unclear(format!(
                "I cannot cancel or change what was arranged before, not yet, so I have done nothing about \
                 “{}”. What still runs can be cancelled in the conversation that \
                 started it, or on its own page.",
                said(clause)
            ))));
        }
        if clause.conditional {
            let question = format!(
                "I cannot wait for a condition yet, so I have done nothing about “{}”. Please tell me outright \
                 what to do.",
                said(clause)
            );
            let wished = clauses.iter().any(|clause| clause.act.is_some() && !clause.negated) || hides(&words, clause);
            return Some(if wished { Refusal::Asks(question) } else { Refusal::Says(unclear(question)) });
        }
        if clause.act == Some(Act::Unsupported) && !clause.negated {
            return Some(Refusal::Says(unclear(format!(
                "I cannot do this, and have done nothing: “{}”. {OFFERS}",
                said(clause)
            ))));
        }
        let courteous = clause.act.is_none() && clause.body >= clause.end;
        let inner = tokens.get(clause.start..clause.end).unwrap_or_default();
        if clause.act.is_none()
            && !clause.negated
            && chatter::is_wished_by_others(&words, clause)
            && hides(&words, clause)
        {
            return Some(Refusal::Asks(format!(
                "“{}” is what somebody else wishes: shall I do it? Then say it as your own wish.",
                said(clause)
            )));
        }
        if clause.act.is_none()
            && !courteous
            && !clause.negated
            && !chatter::is_statement(&words, clause)
            && !told::is_detail(message, inner, now)
        {
            return Some(Refusal::Says(unclear(format!(
                "I did not understand “{}”, and have done nothing. {OFFERS}",
                said(clause)
            ))));
        }
    }
    for (at, clause) in clauses.iter().enumerate() {
        // `Send Ben 20 euros. No, don't, drop that`: what is to be kept, and what to be dropped, only they know.
        let sweeps = clause.negated && sweeps(&words, clause);
        let opposed = clauses.iter().any(|other| {
            let acts = !matches!(other.act, None | Some(Act::Weather | Act::Route | Act::Availability | Act::Search));
            !other.negated
                && other.act.is_some()
                && (other.act == clause.act || clause.act == Some(Act::Cancel) || (acts && sweeps))
        });
        if clause.negated && (clause.act.is_none() || opposed) {
            return Some(Refusal::Asks(format!(
                "“{}” and the rest do not go together for me: what shall I do?",
                said(clause)
            )));
        }
        if clause.link == Link::Or && at > 0 {
            return Some(Refusal::Asks(format!(
                "Which of them shall I do: what comes before “or”, or “{}”?",
                said(clause)
            )));
        }
        if doubted(&words, clause) {
            return Some(Refusal::Asks(format!(
                "“{}” ends in a question mark: shall I do it? Then say it without.",
                said(clause)
            )));
        }
        let looks = matches!(clause.act, Some(Act::Weather | Act::Route | Act::Availability | Act::Search));
        let spoken = if clause.act == Some(Act::Message) { clause.body } else { clause.end };
        if !looks
            && !clause.negated
            && let Some(at) = unread::condition(&words, clause.start, spoken)
            && !(clause.act == Some(Act::Calendar) && words.is(at, &["until"]) && words.has(&["from"]))
        {
            return Some(Refusal::Asks(format!(
                "I cannot wait for a condition, nor choose: “{}” in “{}”. Please tell me outright what to do.",
                words.text(at..clause.end),
                said(clause)
            )));
        }
        if clause.doubtful {
            return Some(Refusal::Asks(format!(
                "Is all of “{}” the message, or is a part of it for me to do? Please put the message in quotes.",
                said(clause)
            )));
        }
        let own_words = matches!(clause.act, Some(Act::Message | Act::Calendar) | None);
        if !own_words && let Some(stray) = clauses::stray_wish(&words, clause) {
            let stray = words.text(stray..clause.end);
            return Some(Refusal::Asks(format!(
                "Is “{stray}” a wish of its own? Please say it as a sentence of its own."
            )));
        }
        if !clause.negated && !own_words && clauses::has_stray_negation(&words, clause) {
            return Some(Refusal::Asks(format!(
                "I am not sure what not to do in “{}”: please say only what I shall do.",
                said(clause)
            )));
        }
    }
    let negated: Vec<&str> = clauses.iter().filter(|clause| clause.negated).map(said).collect();
    let all = clauses.iter().all(|clause| clause.negated || clause.act.is_none());
    (all && !negated.is_empty()).then(|| Refusal::Says(nothing_to_do(&negated.join(", "))))
}

pub(super) fn ask(question: String) -> Reading {
    let missing = vec![Missing { intent: 0, parameter: "wish" }];
    Reading::Ask { question, missing, intents: Vec::new() }
}
