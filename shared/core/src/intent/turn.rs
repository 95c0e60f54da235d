//! A conversation: each message is read against what was wished for before it.
//!
//! What was said earlier is understood anew each time, so there is no state to keep beyond the words.

use crate::civil::DateTime;

use super::change::{self, Change};
use super::language::Language;
use super::planner::What;
use super::reading::{self, Request, Understood, english, too_long, understand};
use super::tokens::{Form, Token};
use super::words::Words;
use super::{Context, Reading, Said, Turned, voice};

/// How many earlier messages are looked at, from the last one back.
const MAX_EARLIER: usize = super::MAX_SAID;

/// Where a conversation stands after a message.
enum Turn<'m> {
    Wishes(Request<'m>, About),
    Answer(Reading, About),
}

/// What a message is about.
#[derive(Clone, Copy, PartialEq, Eq)]
enum About {
    /// The wishes that are open: it goes on with them.
    Open,
    /// Itself alone.
    Itself,
}

pub(super) fn read(message: &str, earlier: &[&str], context: &Context) -> Reading {
    let said = |text: &&str| Said::new(text, context);
    let earlier: Vec<Said> = earlier.iter().map(said).collect();
    turned(message, &earlier, context).reading
}

pub(super) fn turned(message: &str, earlier: &[Said], context: &Context) -> Turned {
    let own = earlier.len();
    if let Some(reading) = too_long(message) {
        return Turned { reading, since: own };
    }
    // The open wishes, and the message that they began with.
    let mut open: Option<(Request, usize)> = None;
    let skipped = own.saturating_sub(MAX_EARLIER);
    for (at, said) in earlier.iter().enumerate().skip(skipped).filter(|(_, said)| too_long(&said.text).is_none()) {
        let then = said.context(context);
        match turn(open.as_ref().map(|(request, _)| request), &said.text, reading::local(&then), &then) {
            Turn::Wishes(request, about) => {
                let since = open.filter(|_| about == About::Open).map_or(at, |(_, since)| since);
                open = Some((request, since));
            }
            Turn::Answer(Reading::Refused { .. }, _) => open = None,
            Turn::Answer(Reading::Plan { .. } | Reading::Ask { .. } | Reading::Unclear { .. }, _) => {}
        }
    }
    let now = reading::local(context);
    let language = spoken_in(&english(message), open.as_ref().map(|(request, _)| request));
    let since = |about: About| open.as_ref().filter(|_| about == About::Open).map_or(own, |(_, since)| *since);
    let (reading, about) = match turn(open.as_ref().map(|(request, _)| request), message, now, context) {
        Turn::Wishes(request, about) => (Request { language, ..request }.plan(now, context), about),
        Turn::Answer(reading, about) => (reading, about),
    };
    Turned { reading: voice::spoken(reading, language), since: since(about) }
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
            Understood::Wishes(request) => {
                // Only to take back all of it: what else is not understood holds the message.
                let again = || request.unread.as_ref().and_then(|_| revised(message, &tokens, now, context));
                let again = || again().filter(|turn| matches!(turn, Turn::Answer(Reading::Refused { .. }, _)));
                match corrected(message, &tokens, now, context).or_else(again) {
                    Some(turn) => turn,
                    None => Turn::Wishes(request, About::Itself),
                }
            }
            Understood::Held(request, question) => revised(message, &tokens, now, context)
                .unwrap_or_else(|| Turn::Answer(request.asked(question, now, context), About::Itself)),
            Understood::Answer(reading) => match revised(message, &tokens, now, context) {
                Some(turn) => turn,
                None => Turn::Answer(reading, About::Itself),
            },
        };
    };
    match change::read(open, &Words::new(message, &tokens), now, context) {
        Some(Change::To(request)) => return Turn::Wishes(request, About::Open),
        Some(Change::Unsure(question)) => return Turn::Answer(reading::ask(question), About::Open),
        Some(Change::Nothing) => return Turn::Answer(reading::nothing_to_do(message.trim()), About::Open),
        None => {}
    }
    match understand(message, &tokens, now, language) {
        Understood::Wishes(request) => joined(open, request, &Words::new(message, &tokens), now, context),
        Understood::Held(request, question) => match change::words_for(open, message, now, context) {
            Some(request) => Turn::Wishes(request, About::Open),
            None => Turn::Answer(request.asked(question, now, context), About::Itself),
        },
        Understood::Answer(reading) => match change::words_for(open, message, now, context) {
            Some(request) => Turn::Wishes(request, About::Open),
            None => Turn::Answer(reading, About::Itself),
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
        Change::To(request) => Some(Turn::Wishes(request, About::Itself)),
        Change::Unsure(question) => Some(Turn::Answer(reading::ask(question), About::Itself)),
        Change::Nothing => Some(Turn::Answer(reading::nothing_to_do(message.trim()), About::Itself)),
    }
}

/// A message that corrects itself in one sentence: `… at 5am, I mean 6am`, `… at 7pm - sorry, 8pm`.
fn corrected<'m>(message: &'m str, tokens: &[Token], now: DateTime, context: &Context) -> Option<Turn<'m>> {
    const CUES: [&str; 8] =
        ["i mean", "i meant", "sorry", "or rather", "make that", "no make it", "no make that", "correction"];
    let words = Words::new(message, tokens);
    let speaks = tokens.iter().any(|token| token.form == Form::Quoted || token.word == ":");
    let cut = (1..words.len())
        .find(|at| words.is(at - 1, &[",", "-", "–", "—", "…"]) && CUES.iter().any(|cue| words.reads(*at, cue)))?;
    let Understood::Wishes(open) = understand(message, tokens.get(..cut - 1)?, now, Language::English) else {
        return None;
    };
    let tells =
        open.wishes.iter().any(|wish| matches!(wish.what, What::Message(_) | What::Entry(_) | What::Payment(_)));
    match change::read(&open, &words.tail(cut), now, context).filter(|_| !speaks && !tells)? {
        Change::To(mut request) => {
            request.said.doubts += 1;
            Some(Turn::Wishes(request, About::Itself))
        }
        Change::Nothing | Change::Unsure(_) => None,
    }
}

/// The new wishes behind the open ones where they are meant as more (`and …`, `also …`), or say too little without
/// them (`a taxi there`); else alone.
fn joined<'m>(open: &Request<'m>, new: Request<'m>, words: &Words, now: DateTime, context: &Context) -> Turn<'m> {
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
    if more || (!is_plan(&new) && is_plan(&all)) {
        Turn::Wishes(all, About::Open)
    } else {
        Turn::Wishes(new, About::Itself)
    }
}
