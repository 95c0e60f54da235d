//! From clauses to wishes, and the answers that are no plan.

use jiff::Timestamp;
use jiff::civil::{DateTime, date};
use jiff::tz::Offset;

use super::clauses::{self, Clause, Link};
use super::openings::Act;
use super::planner::{MAX_WISHES, Planner, Said, What, Wish};
use super::slot::Slot;
use super::times::Habit;
use super::tokens::{Form, Token, tokens};
use super::when::When;
use super::words::Words;
use super::{Context, MAX_CHARACTERS, Missing, Reading};
use super::{calendar, delivery, lookup, message, payment, people, ride, table};

const OFFERS: &str = "I can book tables and rides, order deliveries, pay people, send messages, put things in \
    your calendar, and look up restaurants, free tables, the weather and the way. For example: “Book a table \
    for 4 at Luigi's tomorrow at 7pm, get us a ride there, and text Sam the details”, or “What's the weather \
    in Rome tomorrow?”";

pub(super) fn read(message: &str, context: &Context) -> Reading {
    if message.chars().nth(MAX_CHARACTERS).is_some() {
        return unclear(format!(
            "That is longer than the {MAX_CHARACTERS} characters that I read at once. Please say it more shortly."
        ));
    }
    let tokens = tokens(message);
    let clauses = clauses::clauses(message, &tokens);
    let now = local(context);
    if let Some(refusal) = refusal(message, &tokens, &clauses) {
        return refusal;
    }
    let mut said = Said::default();
    let mut wishes = Vec::new();
    let mut group = 0;
    for clause in clauses.iter().filter(|clause| !clause.negated) {
        let inner = tokens.get(clause.start..clause.end).unwrap_or_default();
        let Some(act) = clause.act else {
            let mut words = Words::new(message, inner);
            said.date = said.date.or(When::read(&mut words, now, Habit::Meal).date.known().copied());
            let party = Slot::one(people::parties(&mut words), ToString::to_string);
            said.party = said.party.or(party.known().copied());
            continue;
        };
        let trails = ["after that", "afterwards", "afterward"].iter().any(|phrase| {
            let words = Words::new(message, inner);
            (0..words.len()).any(|at| words.reads(at, phrase))
        });
        if (clause.link == Link::Then || trails) && !wishes.is_empty() {
            group += 1;
        }
        wishes.push(wish(message, &tokens, clause, act, group, now));
    }
    if wishes.is_empty() {
        return unclear(OFFERS);
    }
    if wishes.len() > MAX_WISHES {
        return unclear(format!(
            "These are more than {MAX_WISHES} wishes at once. Please send me a part of them first."
        ));
    }
    let user = context.user.trim();
    let user = if user.is_empty() { "Guest" } else { user };
    Planner { now, user: user.to_owned(), wishes, said }.plan()
}

fn unclear(message: impl Into<String>) -> Reading {
    Reading::Unclear { message: message.into() }
}

/// The user's wall clock.
fn local(context: &Context) -> DateTime {
    let seconds = context.utc_offset_minutes.clamp(-24 * 60, 24 * 60) * 60;
    let offset = Offset::from_seconds(seconds).unwrap_or(Offset::UTC);
    let now = i64::try_from(context.now.0).ok().and_then(|now| Timestamp::from_millisecond(now).ok());
    now.map_or(date(1970, 1, 1).at(0, 0, 0, 0), |now| offset.to_datetime(now))
}

fn wish<'m>(message: &'m str, tokens: &[Token], clause: &Clause, act: Act, group: usize, now: DateTime) -> Wish<'m> {
    let body = tokens.get(clause.body..clause.end).unwrap_or_default();
    // A day before the verb belongs to the wish: it is read as if it stood at the end.
    let ahead = tokens.get(clause.start..clause.body).unwrap_or_default();
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
    let words = Words::new(message, &rotated);
    let assumed = words.corrections() + u32::from(clause.noun);
    let what = match act {
        Act::Table => What::Table(table::read(words, now)),
        Act::Availability => What::Availability(table::read(words, now)),
        Act::Ride => What::Ride(ride::read(words, now)),
        Act::Delivery => What::Delivery(delivery::read(words, now)),
        Act::Payment => What::Payment(payment::read(words)),
        Act::Calendar => What::Entry(calendar::read(words, now)),
        Act::Weather => What::Weather(lookup::weather(words, now)),
        Act::Route => What::Route(lookup::route(words)),
        Act::Search => What::Search(lookup::search(words, now)),
        Act::Message | Act::Cancel | Act::Unsupported => What::Message(message::read(&words, now)),
    };
    Wish { what, text: text(message, tokens, clause), group, assumed }
}

fn text<'m>(message: &'m str, tokens: &[Token], clause: &Clause) -> &'m str {
    let inner = tokens.get(clause.start..clause.end).unwrap_or_default();
    let range = inner.first().zip(inner.last()).map_or(0..0, |(first, last)| first.start..last.end);
    message.get(range).unwrap_or_default().trim()
}

/// The answer where a message must not become a plan, whatever else it says.
fn refusal(message: &str, tokens: &[Token], clauses: &[Clause]) -> Option<Reading> {
    let words = Words::new(message, tokens);
    let said = |clause: &Clause| text(message, tokens, clause);
    for clause in clauses {
        if clause.act == Some(Act::Cancel) && !clause.negated {
            return Some(unclear(format!(
                "I cannot cancel or change what was arranged before, not yet, so I have done nothing about \
                 “{}”. A saga that is still running can be cancelled on its own page.",
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
    (all && !negated.is_empty())
        .then(|| unclear(format!("Then I do nothing: “{}”. Tell me what I shall do instead.", negated.join(", "))))
}

fn ask(question: String) -> Reading {
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
