//! A message that changes wishes: which of them it means, and that nothing of it is left.

mod values;

use crate::civil::DateTime;

use super::change::{Change, is_named};
use super::numbers::number;
use super::places;
use super::planner::What;
use super::preamble;
use super::reading::Request;
use super::slot::Slot;
use super::tokens::Form;
use super::unread;
use super::when::When;
use super::words::Words;

/// What leads to a correction, the longest first.
const OPENERS: [&str; 88] = [
    "change the number of people to",
    "can we push it to",
    "change the pickup to from",
    "can we move it to",
    "can we change it to",
    "could we change it to",
    "could we move it to",
    "can you change it to",
    "could you change it to",
    "can you move it to",
    "could you move it to",
    "that should have been",
    "it should have been",
    "i should have said",
    "i should have put",
    "change the time to",
    "change the date to",
    "change the day to",
    "change the amount to",
    "change the restaurant to",
    "could we make it",
    "can we make it",
    "could you make it",
    "can you make it",
    "change the pickup to",
    "change the destination to",
    "should have been",
    "that should be",
    "change it to",
    "change that to",
    "move it to",
    "move that to",
    "switch it to",
    "let's make it",
    "let's make that",
    "could we do",
    "can we do",
    "can it be",
    "could it be",
    "it should be",
    "on second thought",
    "have it sent",
    "pick me up",
    "pick us up",
    "push it to",
    "shift it to",
    "make the",
    "switch to",
    "change to",
    "let's say",
    "let's do",
    "make it",
    "make that",
    "i meant",
    "i mean",
    "i said",
    "should be",
    "or rather",
    "no wait",
    "put it",
    "put that",
    "book it",
    "reserve it",
    "send it",
    "deliver it",
    "bring it",
    "move it",
    "move that",
    "shift it",
    "push it",
    "change it",
    "oops",
    "whoops",
    "actually",
    "rather",
    "sorry",
    "no",
    "wait",
    "better",
    "make",
    "and",
    "ah",
    "hm",
    "hmm",
    "nope",
    "nah",
    "bah",
    "add",
];

/// What adds nothing to a change.
const FILLERS: [&str; 45] = [
    "instead", "then", "please", "at", "on", "for", "in", "to", "of", "a", "an", "the", "it", "is", "be", "are", "we",
    "there", "will", "and", "thanks", "ok", "okay", "yes", "actually", "rather", "sorry", "no", "better", "do", "hm",
    "oh", "well", "just", "now", "only", "so", "coming", "comes", "joining", "earlier", "later", "same", "time",
    "we're",
];

/// Wishes while they are changed.
pub(super) struct Editor<'m> {
    pub request: Request<'m>,
    /// What they lack: the place of the wish, and the parameter.
    pub missing: Vec<(usize, &'static str)>,
    /// The question to ask instead.
    pub unsure: Option<String>,
    /// How many values were set.
    pub changed: u32,
}

impl<'m> Editor<'m> {
    pub fn done(self) -> Change<'m> {
        match self.unsure {
            Some(question) => Change::Unsure(question),
            None => Change::To(self.request),
        }
    }
}

impl Editor<'_> {
    /// Makes every change that the words say; `None` where they say something else.
    pub fn read(&mut self, mut words: Words, now: DateTime) -> Option<()> {
        let mut at = 0;
        loop {
            if let Some(phrase) = OPENERS.iter().find(|phrase| words.reads(at, phrase)) {
                let length = phrase.split(' ').count();
                words.take(at..at + length);
                at += length;
            } else if words.is_mark(at) && !words.is(at, &["$", "€", "£", "+", "-"]) {
                at += 1;
            } else if let Some(length) = preamble::courtesy(&words, at) {
                words.take(at..at + length);
                at += length;
            } else {
                break;
            }
        }
        // `we are now only three`: that is how many come, and not when.
        if let Some(now) = words.find(&["now"])
            && (words.is(now + 1, &["actually", "only", "just"]) || number(&words, now + 1).is_some())
        {
            words.take(now..now + 1);
        }
        let was = words.find(&["instead", "than"]).filter(|at| words.is(at + 1, &["of"]) || words.at(*at) == "than");
        let was = was.map(|at| at + usize::from(words.at(at + 1) == "of") + 1).filter(|at| at + 1 >= words.len());
        let was = was.and_then(|at| number(&words, at)).map(|(was, _)| was);
        let swaps = (0..words.len()).any(|at| words.is(at, &["not"]) || words.reads(at, "instead of"));
        let old = self.replaced(&mut words);
        let target = self.target(&mut words);
        self.instead_of(&mut words, &target, was);
        self.values(&mut words, target, swaps, now);
        unread::take_courtesies(&mut words, 0);
        let left = unread::left(&words, &FILLERS);
        (left.is_empty() && self.changed > 0 && old).then_some(())
    }

    /// `8 instead of 7`: an hour, where 7 is the hour of a wish, and not how many come.
    fn instead_of(&mut self, words: &mut Words, target: &[usize], was: Option<u32>) {
        let Some(was) = was else {
            return;
        };
        let hour = |when: &When| when.time.known().map(|clock| u32::from(clock.time.hour().unsigned_abs()));
        let is_hour = |what: &What| when_of(what).and_then(hour).is_some_and(|hour| hour == was || hour == was + 12);
        let timed = self.only(target, is_hour);
        let sized = self.only(target, |what| match what {
            What::Table(table) | What::Availability(table) => table.party.known() == Some(&was),
            What::Ride(ride) => ride.passengers.known() == Some(&was),
            What::Search(search) => search.party.known() == Some(&was),
            What::Delivery(_)
            | What::Payment(_)
            | What::Message(_)
            | What::Entry(_)
            | What::Weather(_)
            | What::Route(_) => false,
        });
        let said = (0..words.len()).find_map(|at| Some((at, number(words, at)?)));
        let (Some((at, (hour, length))), [one]) = (said, &timed[..]) else {
            return;
        };
        if !sized.is_empty() || hour > 12 {
            self.unsure = Some(format!("Is {hour} the hour, or how many people come?"));
            return;
        }
        let moved = i64::from(hour) - i64::from(if was > 12 { was - 12 } else { was });
        words.take(at..at + length);
        self.each(&[*one], |what| {
            if let Some(Slot::Is(clock)) = when_mut(what).map(|when| &mut when.time) {
                clock.time = clock.time.wrapping_add_hours(moved);
            }
        });
    }

    /// Takes `instead of Luigi's`, `not to Anna`: what was before. Whether all of it was understood.
    fn replaced(&self, words: &mut Words) -> bool {
        let phrases = ["instead of", "rather than", "not"];
        let found = (0..words.len()).find_map(|at| {
            let phrase = phrases.iter().find(|phrase| words.reads(at, phrase))?;
            Some((at, at + phrase.split(' ').count()))
        });
        let Some((start, behind)) = found else {
            return true;
        };
        let end = (behind..words.len()).find(|at| words.is(*at, &["but", ",", ".", ";"])).unwrap_or(words.len());
        let end = end + usize::from(words.is(end, &["but"]));
        if end <= behind {
            return false;
        }
        // Names that were said before, and figures: nothing that could be a wish.
        let known = (behind..end).all(|at| {
            words.is_mark(at)
                || number(words, at).is_some()
                || words.is_capital(at)
                || words.is(
                    at,
                    &[
                        "at", "on", "for", "to", "in", "the", "but", "pm", "am", "people", "tomorrow", "today",
                        "tonight", "from", "home", "under",
                    ],
                )
                || words.form(at) == Some(Form::Number)
                || places::restaurant(words, at).is_some()
                || self.request.wishes.iter().any(|wish| wish.text.to_lowercase().contains(words.at(at)))
        });
        words.take(start..end);
        known
    }

    /// `the ride`: which wishes are meant; all where none is named. Takes the words.
    fn target(&self, words: &mut Words) -> Vec<usize> {
        let wishes = &self.request.wishes;
        let all: Vec<usize> = (0..wishes.len()).collect();
        let article = |at: usize| at > 0 && words.is(at - 1, &["the", "my", "our"]);
        let noun = (0..words.len()).find(|at| {
            let named = wishes.iter().any(|wish| is_named(wish, words.at(*at)));
            named && (article(*at) || wishes.len() > 1)
        });
        let Some(noun) = noun else {
            return all;
        };
        let named = all.iter().copied().filter(|at| wishes.get(*at).is_some_and(|wish| is_named(wish, words.at(noun))));
        let named = named.collect();
        words.take(noun - usize::from(article(noun))..noun + 1);
        named
    }

    fn only(&self, among: &[usize], is: impl Fn(&What) -> bool) -> Vec<usize> {
        let holds = |at: &usize| self.request.wishes.get(*at).is_some_and(|wish| is(&wish.what));
        among.iter().copied().filter(holds).collect()
    }

    fn each(&mut self, meant: &[usize], mut set: impl FnMut(&mut What)) {
        for at in meant {
            if let Some(wish) = self.request.wishes.get_mut(*at) {
                set(&mut wish.what);
                self.changed += 1;
            }
        }
    }
}

fn when_of(what: &What) -> Option<&When> {
    match what {
        What::Table(table) | What::Availability(table) => Some(&table.when),
        What::Search(search) => Some(&search.when),
        What::Ride(ride) => Some(&ride.when),
        What::Delivery(delivery) => Some(&delivery.when),
        What::Entry(entry) => Some(&entry.when),
        What::Weather(weather) => Some(&weather.when),
        What::Payment(_) | What::Message(_) | What::Route(_) => None,
    }
}

fn when_mut(what: &mut What) -> Option<&mut When> {
    match what {
        What::Table(table) | What::Availability(table) => Some(&mut table.when),
        What::Search(search) => Some(&mut search.when),
        What::Ride(ride) => Some(&mut ride.when),
        What::Delivery(delivery) => Some(&mut delivery.when),
        What::Entry(entry) => Some(&mut entry.when),
        What::Weather(weather) => Some(&mut weather.when),
        What::Payment(_) | What::Message(_) | What::Route(_) => None,
    }
}
