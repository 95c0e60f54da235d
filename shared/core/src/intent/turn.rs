//! A conversation: each message is read against what was wished for before it.
//!
//! What was said earlier is understood anew each time, so there is no state to keep beyond the words.

use jiff::civil::DateTime;

use super::change::{self, Change};
use super::language::Language;
use super::reading::{self, Request, Understood, english, too_long, understand};
use super::tokens::Token;
use super::words::Words;
use super::{Context, Reading, voice};

/// How many earlier messages are looked at, from the last one back.
const MAX_EARLIER: usize = 20;

/// Where a conversation stands after a message.
enum Turn<'m> {
    Wishes(Request<'m>),
    Answer(Reading),
}

pub(super) fn read(message: &str, earlier: &[&str], context: &Context) -> Reading {
    if let Some(reading) = too_long(message) {
        return reading;
    }
    let now = reading::local(context);
    let mut open = None;
    let skipped = earlier.len().saturating_sub(MAX_EARLIER);
    for said in earlier.iter().skip(skipped).filter(|said| too_long(said).is_none()) {
        match turn(open.as_ref(), said, now, context) {
            Turn::Wishes(request) => open = Some(request),
            Turn::Answer(Reading::Refused { .. }) => open = None,
            Turn::Answer(Reading::Plan { .. } | Reading::Ask { .. } | Reading::Unclear { .. }) => {}
        }
    }
    let language = spoken_in(&english(message), open.as_ref());
    let reading = match turn(open.as_ref(), message, now, context) {
        Turn::Wishes(request) => Request { language, ..request }.plan(now, context),
        Turn::Answer(reading) => reading,
    };
    voice::spoken(reading, language)
}

/// The language to ask in: a word or two, such as `7`, are in that of the conversation.
fn spoken_in((tokens, language): &(Vec<Token>, Language), open: Option<&Request>) -> Language {
    match open {
        Some(open) if *language == Language::English && tokens.len() <= 2 => open.language,
        Some(_) | None => *language,
    }
}

fn turn<'m>(open: Option<&Request<'m>>, message: &'m str, now: DateTime, context: &Context) -> Turn<'m> {
    let (tokens, language) = english(message);
    let Some(open) = open else {
        return match understand(message, &tokens, now, language) {
            Understood::Wishes(request) => Turn::Wishes(request),
            Understood::Held(request, question) => revised(message, &tokens, now, context)
                .unwrap_or_else(|| Turn::Answer(request.asked(question, now, context))),
            Understood::Answer(reading) => revised(message, &tokens, now, context).unwrap_or(Turn::Answer(reading)),
        };
    };
    match change::read(open, &Words::new(message, &tokens), now, context) {
        Some(Change::To(request)) => return Turn::Wishes(request),
        Some(Change::Unsure(question)) => return Turn::Answer(reading::ask(question)),
        Some(Change::Nothing) => return Turn::Answer(reading::nothing_to_do(message.trim())),
        None => {}
    }
    match understand(message, &tokens, now, language) {
        Understood::Wishes(request) => Turn::Wishes(joined(open, request, &Words::new(message, &tokens), now, context)),
        Understood::Held(request, question) => match change::words_for(open, message, now, context) {
            Some(request) => Turn::Wishes(request),
            None => Turn::Answer(request.asked(question, now, context)),
        },
        Understood::Answer(reading) => match change::words_for(open, message, now, context) {
            Some(request) => Turn::Wishes(request),
            None => Turn::Answer(reading),
        },
    }
}

/// A message whose last sentence changes what stands before it: `Book … at 7. Actually, make it 8.`
fn revised<'m>(message: &'m str, tokens: &[Token], now: DateTime, context: &Context) -> Option<Turn<'m>> {
    let words = Words::new(message, tokens);
    let closing = |at: &usize| words.is(*at, &[".", ";", "!", "?"]);
    let last = (0..words.len()).rev().find(|at| !closing(at))?;
    let taken_back = |at: &usize| {
        ["no wait", "wait no", "no make", "actually make", "actually never mind", "actually forget it"]
            .iter()
            .any(|said| words.reads(*at, said))
    };
    let sentence = (0..last).rev().find(closing);
    let (cut, next) = (1..last).find(taken_back).map(|at| (at, at)).or_else(|| sentence.map(|at| (at, at + 1)))?;
    let Understood::Wishes(open) = understand(message, tokens.get(..cut)?, now, Language::English) else {
        return None;
    };
    match change::read(&open, &words.tail(next), now, context)? {
        Change::To(request) => Some(Turn::Wishes(request)),
        Change::Unsure(question) => Some(Turn::Answer(reading::ask(question))),
        Change::Nothing => Some(Turn::Answer(reading::nothing_to_do(message.trim()))),
    }
}

/// The new wishes behind the open ones where they are meant as more (`and …`, `also …`), or say too little without
/// them (`a taxi there`); else alone.
fn joined<'m>(open: &Request<'m>, new: Request<'m>, words: &Words, now: DateTime, context: &Context) -> Request<'m> {
    let first = (0..words.len()).find(|at| !words.is_mark(*at)).unwrap_or(0);
    let then = words.is(first, &["then", "afterwards", "after"]);
    let more = then || words.is(first, &["and", "also", "plus"]) || words.has(&["also", "too"]);
    let last = open.wishes.last().map_or(0, |wish| wish.group);
    let offset = last + usize::from(then);
    let mut all = open.clone();
    all.said.date = new.said.date.or(open.said.date);
    all.said.party = new.said.party.or(open.said.party);
    all.unread = open.unread.clone().or_else(|| new.unread.clone());
    all.wishes.extend(new.wishes.iter().cloned().map(|mut wish| {
        wish.group += offset;
        wish
    }));
    let is_plan = |request: &Request| matches!(request.clone().plan(now, context), Reading::Plan { .. });
    if more || (!is_plan(&new) && is_plan(&all)) { all } else { new }
}
