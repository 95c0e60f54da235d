//! Wishes that are put in order by `before` and `after`, said in the order in which they are to be done.
//!
//! `before you tell Sam, book a table` and `tell Sam once you've booked a table` both become `book a table then tell
//! Sam`, which is what `clauses` reads. Only what the agent itself is to do is moved: `before my flight`, `once he
//! asks` stay where they are, and are asked about.

use super::tokens::{Form, Token};

/// What the agent does, as it is asked for, as it is done, and as it was done.
const VERBS: [(&str, &str, &str); 22] = [
    ("book", "booking", "booked"),
    ("reserve", "reserving", "reserved"),
    ("order", "ordering", "ordered"),
    ("pay", "paying", "paid"),
    ("transfer", "transferring", "transferred"),
    ("send", "sending", "sent"),
    ("text", "texting", "texted"),
    ("tell", "telling", "told"),
    ("message", "messaging", "messaged"),
    ("email", "emailing", "emailed"),
    ("write", "writing", "written"),
    ("get", "getting", "got"),
    ("call", "calling", "called"),
    ("put", "putting", "put"),
    ("add", "adding", "added"),
    ("arrange", "arranging", "arranged"),
    ("make", "making", "made"),
    ("let", "letting", "let"),
    ("inform", "informing", "informed"),
    ("notify", "notifying", "notified"),
    ("remind", "reminding", "reminded"),
    ("note", "noting", "noted"),
];

/// The message's tokens, with its wishes in the order in which they are to be done.
pub(super) fn arranged(tokens: Vec<Token>) -> Vec<Token> {
    let speaks = tokens.iter().any(|token| token.word == ":" || token.form == Form::Quoted);
    if speaks || !tokens.iter().any(|token| ["before", "after", "once", "when", "soon"].contains(&word_of(token))) {
        return tokens;
    }
    let mut out: Vec<Token> = Vec::with_capacity(tokens.len());
    for sentence in tokens.split_inclusive(is_end) {
        let (inner, end) = match sentence.split_last() {
            Some((last, inner)) if is_end(last) => (inner, Some(last)),
            Some(_) | None => (sentence, None),
        };
        let inner = done(inner, !out.is_empty());
        out.extend(moved(&inner).unwrap_or(inner));
        out.extend(end.cloned());
    }
    out
}

fn word_of(token: &Token) -> &str {
    if token.form == Form::Quoted { "" } else { &token.word }
}

fn is_end(token: &Token) -> bool {
    token.form == Form::Mark && [".", ";", "!", "?"].contains(&token.word.as_str())
}

fn at(tokens: &[Token], place: usize) -> &str {
    tokens.get(place).map_or("", word_of)
}

fn reads(tokens: &[Token], place: usize, phrase: &str) -> bool {
    phrase.split(' ').enumerate().all(|(offset, word)| at(tokens, place + offset) == word)
}

fn then(near: &Token) -> Token {
    Token {
        form: Form::Word,
        word: "then".to_owned(),
        end: near.start,
        capital: false,
        corrected: false,
        glued: false,
        ..near.clone()
    }
}

/// `once that's done, pay Anna`: then.
fn done(sentence: &[Token], follows: bool) -> Vec<Token> {
    let skipped = sentence.iter().take_while(|token| ["and", ","].contains(&word_of(token))).count();
    let said = ["once", "when", "after", "as soon as"].iter().find(|phrase| reads(sentence, skipped, phrase));
    let Some(said) = said.filter(|_| follows || skipped > 0) else {
        return sentence.to_vec();
    };
    let mut end = skipped + said.split(' ').count();
    end += usize::from(at(sentence, end) == "the");
    let things = ["that", "it", "this", "that's", "it's", "table", "booking", "everything", "all", "reservation"];
    end += usize::from(things.contains(&at(sentence, end)));
    end += usize::from(["is", "has", "are", "s"].contains(&at(sentence, end)));
    end += usize::from(["been", "all"].contains(&at(sentence, end)));
    let finished = ["done", "booked", "sorted", "reserved", "arranged", "finished", "made", "settled"];
    match (sentence.first(), finished.contains(&at(sentence, end))) {
        (Some(first), true) => {
            let rest = sentence.get(end + 1..).unwrap_or_default();
            let comma = usize::from(at(rest, 0) == ",");
            std::iter::once(then(first)).chain(rest.iter().skip(comma).cloned()).collect()
        }
        (_, _) => sentence.to_vec(),
    }
}

/// What the agent does that begins at a place: the words before the verb, and the verb.
fn deed(tokens: &[Token], place: usize) -> Option<(usize, &'static str)> {
    let mut verb = place;
    verb += usize::from(["you", "we", "i", "you've", "we've", "i've"].contains(&at(tokens, verb)));
    verb += usize::from(verb > place && ["have", "also", "had"].contains(&at(tokens, verb)));
    let word = at(tokens, verb);
    let (base, _, _) =
        VERBS.iter().find(|(base, doing, done)| *doing == word || (verb > place && *done == word) || *base == word)?;
    Some((verb - place, base))
}

/// The tokens from a deed on, with its verb as it is asked for.
fn wished(tokens: &[Token], skip: usize, verb: &str) -> Vec<Token> {
    let mut wish: Vec<Token> = tokens.get(skip..).unwrap_or_default().to_vec();
    if let Some(first) = wish.first_mut() {
        verb.clone_into(&mut first.word);
    }
    wish
}

/// The sentence with its wishes in order, where `before` or `after` say another one than they stand in.
fn moved(sentence: &[Token]) -> Option<Vec<Token>> {
    let (place, length, is_before) = (0..sentence.len()).find_map(|place| {
        let phrases = [("before", true), ("after", false), ("once", false), ("when", false), ("as soon as", false)];
        let (phrase, is_before) = phrases.into_iter().find(|(phrase, _)| reads(sentence, place, phrase))?;
        let length = phrase.split(' ').count();
        deed(sentence, place + length).is_some().then_some((place, length, is_before))
    })?;
    let (skip, verb) = deed(sentence, place + length)?;
    let lead = sentence.get(..place)?;
    let tail = sentence.get(place + length..)?;
    let leading = lead.iter().all(|token| {
        token.form == Form::Mark
            || ["please", "hi", "hello", "hey", "so", "and", "ok", "then"].contains(&word_of(token))
    });
    let near = sentence.get(place)?;
    let (side, main) = if leading {
        let comma = tail.iter().position(|token| word_of(token) == ",")?;
        (wished(tail.get(..comma)?, skip, verb), tail.get(comma + 1..)?.to_vec())
    } else {
        let marks = lead.iter().rev().take_while(|token| word_of(token) == ",").count();
        (wished(tail, skip, verb), lead.get(..lead.len() - marks)?.to_vec())
    };
    let lead = if leading { lead.to_vec() } else { Vec::new() };
    let (first, second) = if is_before { (main, side) } else { (side, main) };
    (!first.is_empty() && !second.is_empty())
        .then(|| lead.into_iter().chain(first).chain([then(near)]).chain(second).collect())
}

#[cfg(test)]
mod tests {
    use super::super::tokens::tokens;
    use super::*;

    fn said(message: &str) -> String {
        arranged(tokens(message)).iter().map(word_of).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn wishes_are_said_in_the_order_in_which_they_are_done() {
        for (message, expected) in [
            ("before you tell Sam, book a table", "book a table then tell sam"),
            ("please, before paying Bob, book a table.", "please , book a table then pay bob ."),
            ("book a table before you text Sam", "book a table then text sam"),
            ("order flowers once you've booked a table", "book a table then order flowers"),
            ("After you have booked a table, text Sam", "book a table then text sam"),
            ("Book a table. When that's done, pay Anna.", "book a table . then pay anna ."),
        ] {
            assert_eq!(said(message), expected, "{message}");
        }
    }

    #[test]
    fn what_others_do_moves_nothing() {
        for message in ["pay sam once he asks", "get a ride before my flight", "text sam once the table is free"] {
            assert_eq!(said(message), message, "{message}");
        }
    }
}
