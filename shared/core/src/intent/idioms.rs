//! What people type for the words of the grammar: short forms, slang, and set phrases.
//!
//! Each becomes the words that it stands for, in the place where it was typed; what somebody is to be told is passed
//! on as it was written, as ever.

use super::tokens::{Form, Token};

/// Phrases in small letters and their words; a phrase stands before those that are the beginning of it.
#[rustfmt::skip]
const IDIOMS: &[(&str, &str)] = &[
    ("a fortnight on", "two weeks on"),
    ("a fortnight today", "in two weeks"),
    ("a fortnight", "two weeks"),
    ("fortnight", "two weeks"),
    ("a tenner", "10 pounds"),
    ("a fiver", "5 pounds"),
    ("tenner", "10 pounds"),
    ("fiver", "5 pounds"),
    ("as soon as poss", "as soon as possible"),
    ("b4", "before"),
    ("be a star and", "please"),
    ("be a dear and", "please"),
    ("be an angel and", "please"),
    ("do me a favour and", "please"),
    ("do me a favor and", "please"),
    ("bring us over to", "take us to"),
    ("chuck", "put"),
    ("stick", "put"),
    ("pop", "put"),
    ("pencil in", "put in the calendar"),
    ("jot down", "note"),
    ("don't let me forget to", "remind me to"),
    ("dont let me forget to", "remind me to"),
    ("don't let me forget about", "remind me about"),
    ("dont let me forget about", "remind me about"),
    ("give me a reminder", "remind me"),
    ("give me a nudge", "remind me"),
    ("nudge me", "remind me"),
    ("i gotta remember to", "remind me to"),
    ("fix up", "arrange"),
    ("fix us up with", "get us"),
    ("fix me up with", "get me"),
    ("hook us up with", "get us"),
    ("hook me up with", "get me"),
    ("set us up with", "get us"),
    ("set me up with", "get me"),
    ("sort us out with", "get us"),
    ("sort me out with", "get me"),
    ("sort out", "arrange"),
    ("line up", "arrange"),
    ("see to", "arrange"),
    ("give a shout to", "text"),
    ("give a heads up to", "notify"),
    ("gimme", "give me"),
    ("going out to eat at", "eat at"),
    ("going to eat at", "eat at"),
    ("go for dinner at", "dine at"),
    ("go for dinner to", "dine at"),
    ("go for lunch at", "eat lunch at"),
    ("go for lunch to", "eat lunch at"),
    ("go out for dinner at", "dine at"),
    ("gonna", "going to"),
    ("gotta", "have to"),
    ("wanna", "want to"),
    ("hv", "have"),
    ("nab", "book"),
    ("snag", "book"),
    ("bag us", "book us"),
    ("get us into", "book us at"),
    ("get me into", "book me at"),
    ("get us in at", "book us at"),
    ("get me in at", "book me at"),
    ("squeeze us in at", "book us at"),
    ("waiting list", "waitlist"),
    ("wait list", "waitlist"),
    ("pls", "please"),
    ("plz", "please"),
    ("plse", "please"),
    ("ppl", "people"),
    ("peeps", "people"),
    ("thx", "thanks"),
    ("thnx", "thanks"),
    ("tnx", "thanks"),
    ("tx", "thanks"),
    ("ta", "thanks"),
    ("tia", "thanks"),
    ("txs", "thanks"),
    ("txt", "text"),
    ("msg", "message"),
    ("r u able to", "can you"),
    ("are you able to", "can you"),
    ("are u able to", "can you"),
    ("u", "you"),
    ("ur", "your"),
    ("ya", "you"),
    ("cld", "could"),
    ("wld", "would"),
    ("shld", "should"),
    ("abt", "about"),
    ("w", "with"),
    ("im", "i'm"),
    ("id like", "i'd like"),
    ("id love", "i'd love"),
    ("id need", "i'd need"),
    ("ill need", "i'll need"),
    ("ive", "i've"),
    ("weve", "we've"),
    ("wed like", "we'd like"),
    ("theres", "there's"),
    ("therell", "there'll"),
    ("there'll be", "there will be"),
    ("dont", "don't"),
    ("doesnt", "doesn't"),
    ("didnt", "didn't"),
    ("cant", "can't"),
    ("wont", "won't"),
    ("isnt", "isn't"),
    ("youve", "you've"),
    ("thats", "that's"),
    ("whats", "what's"),
    ("hows", "how's"),
    ("reservation name", "under the name"),
    ("res name", "under the name"),
    ("name of", "under the name of"),
    ("settle up with", "pay"),
    ("square up with", "pay"),
    ("this coming", "this"),
    ("the coming", "this"),
    ("this upcoming", "this"),
    ("tonite", "tonight"),
    ("2nite", "tonight"),
    ("2night", "tonight"),
    ("2moro", "tomorrow"),
    ("2morrow", "tomorrow"),
    ("2mrw", "tomorrow"),
    ("2mro", "tomorrow"),
    ("tomoz", "tomorrow"),
    ("tmw", "tomorrow"),
    ("tmro", "tomorrow"),
    ("tom evening", "tomorrow evening"),
    ("morrow", "tomorrow"),
    ("nite", "night"),
    ("eve", "evening"),
    ("arvo", "afternoon"),
    ("midday", "noon"),
    ("hrs", "hours"),
    ("min", "minutes"),
    ("mins", "minutes"),
    ("thur", "thursday"),
    ("thurs", "thursday"),
    ("weds", "wednesday"),
    ("what about the weather", "what's the weather"),
    ("how about the weather", "what's the weather"),
];

/// The tokens, with what the phrases stand for.
pub(super) fn spelled_out(tokens: Vec<Token>) -> Vec<Token> {
    let mut out = Vec::with_capacity(tokens.len());
    let mut at = 0;
    while let Some(token) = tokens.get(at) {
        let found = IDIOMS.iter().find(|(phrase, _)| {
            phrase.starts_with(token.word.as_str())
                && phrase.split(' ').enumerate().all(|(offset, word)| {
                    tokens.get(at + offset).is_some_and(|token| token.form != Form::Quoted && token.word == word)
                })
        });
        // A capital inside a sentence begins a name, unless everything is in capitals.
        let named = token.capital && out.last().is_some_and(|last: &Token| last.form != Form::Mark);
        let Some((phrase, meant)) = found.filter(|_| !named) else {
            out.push(token.clone());
            at += 1;
            continue;
        };
        let length = phrase.split(' ').count();
        let end = tokens.get(at + length - 1).map_or(token.end, |last| last.end);
        for word in meant.split_whitespace() {
            let digits = word.starts_with(|c: char| c.is_ascii_digit());
            out.push(Token {
                form: if digits { Form::Number } else { Form::Word },
                word: word.to_owned(),
                end,
                glued: false,
                ..token.clone()
            });
        }
        at += length;
    }
    out
}
