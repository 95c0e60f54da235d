//! How many people come, and who is spoken of.

use super::numbers::number;
use super::words::Words;

const PEOPLE: [&str; 14] = [
    "people", "persons", "person", "guests", "guest", "adults", "adult", "kids", "children", "child", "pax", "seats",
    "diners", "friends",
];

/// Every size of the party that is said, and takes the words.
pub(super) fn parties(words: &mut Words) -> Vec<Result<u32, String>> {
    let mut found = Vec::new();
    let mut at = 0;
    while at < words.len() {
        if let Some((size, length)) = party(words, at) {
            words.take(at..at + length);
            found.push(size);
            at += length;
        } else {
            at += 1;
        }
    }
    found
}

fn party(words: &Words, at: usize) -> Option<(Result<u32, String>, usize)> {
    for (phrase, size) in [
        ("just me", 1),
        ("only me", 1),
        ("by myself", 1),
        ("on my own", 1),
        ("alone", 1),
        ("solo", 1),
        ("both of us", 2),
        ("for a couple", 2),
        ("for two", 2),
    ] {
        if words.reads(at, phrase) && (phrase != "for two" || counted(words, at + 1).is_none()) {
            return Some((Ok(size), phrase.split(' ').count()));
        }
    }
    let we_are = [
        "we are a group of",
        "we are a party of",
        "we're a group of",
        "we're a party of",
        "we are",
        "there are",
        "there will be",
        "we will be",
        "we'll be",
        "there'll be",
        "there's",
        "there is",
        "there are going to be",
        "we're going to be",
        "we are going to be",
        "we would be",
        "we'd be",
        "it'll be",
        "it will be",
        "we're",
        "party of",
        "group of",
    ];
    if let Some(phrase) = we_are.iter().find(|phrase| words.reads(at, phrase)) {
        let start = at + phrase.split(' ').count();
        if let Some((size, length)) = counted(words, start) {
            return Some((size, start + length - at));
        }
    }
    if words.is(at, &["a", "one"]) && words.is(at + 1, &["person"]) && !(at > 0 && words.at(at - 1) == "for") {
        return Some((Ok(1), 2));
    }
    if words.is(at, &["for"]) && words.is(at + 1, &["a", "one"]) && words.is(at + 2, &["person", "guest"]) {
        return Some((Ok(1), 3));
    }
    if words.is(at, &["for", "of"]) {
        let article = usize::from(words.is(at + 1, &["all", "the"]));
        if words.reads(at + 1, "a party of") || words.reads(at + 1, "a group of") {
            return counted(words, at + 4).map(|(size, length)| (size, length + 4));
        }
        if let Some((size, length)) = counted(words, at + 1 + article) {
            return Some((size, length + 1 + article));
        }
        if words.at(at) == "for" {
            return company(words, at + 1, 0).map(|(size, length)| (Ok(size), length + 1));
        }
        let group = at > 0 && words.is(at - 1, &["table", "party", "group", "reservation", "booking"]);
        return group.then(|| company(words, at + 1, 0)).flatten().map(|(size, length)| (Ok(size), length + 1));
    }
    // `x4`
    if let Some(count) = words.at(at).strip_prefix('x').and_then(|count| count.parse().ok()) {
        return Some((size(count), 1));
    }
    // `table 4`
    if words.is(at, &["table", "reservation"])
        && let Some((count, length)) = number(words, at + 1).filter(|(count, _)| *count <= 20)
        && (at + 1 + length >= words.len() || !words.is_free(at + 1 + length) || words.is_mark(at + 1 + length))
        && !words.is(at + 1 + length, &[":", "."])
    {
        return Some((size(count), 1 + length));
    }
    // `I'm taking my wife to …`, `Tom and I would like …`
    if words.is(at, &["taking", "take", "bringing"]) && !words.is(at + 1, &["me", "us"]) {
        return company(words, at + 1, 1).map(|(size, length)| (Ok(size), length + 1));
    }
    if (at == 0 || words.is_mark(at - 1)) && (words.is_capital(at) || words.is(at, &["my"])) {
        let found = company(words, at, 0).filter(|(_, length)| words.is(at + length - 1, &["i", "me"]));
        return found.map(|(size, length)| (Ok(size), length));
    }
    if words.at(at) == "with" {
        return company(words, at + 1, 1).map(|(size, length)| (Ok(size), length + 1));
    }
    let (count, length) = number(words, at)?;
    let of_us = words.reads(at + length, "of us");
    let named = words.is(at + length, &PEOPLE);
    let we_are = at > 0 && words.is(at - 1, &["we're"]) || at > 1 && words.reads(at - 2, "we are");
    let all = length + if of_us { 2 } else { usize::from(named) };
    (of_us || named || we_are).then(|| (size(count), all))
}

/// A number of people after `for`, that is not an hour, a length, a price or a day.
fn counted(words: &Words, at: usize) -> Option<(Result<u32, String>, usize)> {
    if let Some((least, most)) = words.at(at).split_once('-')
        && least.parse::<u32>().is_ok()
        && most.parse::<u32>().is_ok()
    {
        return Some((Err(format!("{least} or {most} people")), 1 + usize::from(words.is(at + 1, &PEOPLE))));
    }
    // `for minus two`
    if words.is(at, &["minus", "-"])
        && let Some((count, length)) = number(words, at + 1)
    {
        return Some((Err(format!("minus {count} cannot come: for how many people")), 1 + length));
    }
    let (count, mut length) = number(words, at)?;
    let next = words.at(at + length);
    let other = [
        "am", "pm", "o'clock", "hours", "hour", "minutes", "minute", "min", "h", "days", "day", "weeks", "week",
        "dollars", "euros", "euro", "usd", "eur", "pounds", "bucks", "$", "€", "£", "cents", "pizzas", "%", "st", "nd",
        "rd", "th",
    ];
    if other.contains(&next) || (words.is_capital(at + length) && count > 20) {
        return None;
    }
    if (next == "-" || next == "to" || next == "or")
        && let Some((most, more)) = number(words, at + length + 1)
    {
        let named = usize::from(words.is(at + length + 1 + more, &PEOPLE));
        let question = format!("{count} or {most} people");
        return Some((Err(question), length + 1 + more + named));
    }
    let mut total = count;
    length += usize::from(words.is(at + length, &["hungry"]));
    if words.reads(at + length, "of us") {
        length += 2;
    } else if words.is(at + length, &PEOPLE) {
        length += 1;
        if words.at(at + length) == "and"
            && let Some((more, width)) = number(words, at + length + 1)
            && words.is(at + length + 1 + width, &PEOPLE)
        {
            total = total.saturating_add(more);
            length += width + 2;
        }
    }
    Some((size(total), length))
}

/// A number of people as a party, or the question to ask.
pub(super) fn size(count: u32) -> Result<u32, String> {
    match count {
        0 => Err("nobody can come of 0 people: for how many".to_owned()),
        1..=20 => Ok(count),
        _ => Err(format!("{count} are more than the 20 that one table takes: for how many people")),
    }
}

/// The people in a list such as `my wife and me` or `Anna, Ben and me`, if it says how many they are.
/// A single name says nothing: a table for Anna may be for any number.
fn company(words: &Words, start: usize, with: u32) -> Option<(u32, usize)> {
    let mut at = start;
    let mut total = with;
    // Of nouns alone it is not known whether they are people: `mit Kindersitz`.
    let mut people = false;
    loop {
        let length = if words.is(at, &["me", "myself", "i"]) {
            total += 1;
            people = true;
            1
        } else if words.is(at, &["my", "our"])
            && let Some((count, length)) = number(words, at + 1).filter(|(count, _)| *count <= 20)
            && words.is(at + 1 + length, &["kids", "children", "sons", "daughters", "friends", "colleagues", "parents"])
        {
            total += count;
            people = true;
            2 + length
        } else if words.is(at, &["my", "our", "a", "his", "her"]) {
            total += kin(words.at(at + 1))?;
            people = true;
            2
        } else if words.is_capital(at) && !words.is(at, &["i'm", "i'd"]) {
            total += 1;
            people |= !words.is_noun(at);
            1 + usize::from(words.is_capital(at + 1))
        } else {
            return None;
        };
        at += length;
        let comma = usize::from(words.at(at) == ",");
        let and = usize::from(words.is(at + comma, &["and", "&"]));
        let next = at + comma + and;
        let goes_on = comma + and > 0
            && (words.is(next, &["me", "myself", "i"])
                || (words.is(next, &["my", "our"])
                    && (kin(words.at(next + 1)).is_some() || number(words, next + 1).is_some()))
                || words.is_capital(next));
        if !goes_on {
            break;
        }
        at = next;
    }
    (people && total > 1).then_some((total, at - start))
}

fn kin(word: &str) -> Option<u32> {
    Some(match word {
        "wife" | "husband" | "partner" | "girlfriend" | "boyfriend" | "friend" | "mother" | "father" | "mum"
        | "mom" | "dad" | "brother" | "sister" | "son" | "daughter" | "boss" | "colleague" | "client" | "date"
        | "fiancee" | "fiance" | "grandmother" | "grandfather" | "neighbour" | "neighbor" => 1,
        "parents" | "grandparents" => 2,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::super::tokens::tokens;
    use super::*;

    fn read(message: &str) -> Vec<Result<u32, String>> {
        parties(&mut Words::new(message, &tokens(message)))
    }

    #[test]
    fn parties_are_counted() {
        for (message, expected) in [
            ("for 4", 4),
            ("for four", 4),
            ("for two people", 2),
            ("table for my wife and me", 2),
            ("for me and my parents", 3),
            ("for Anna, Ben and me", 3),
            ("with Anna", 2),
            ("with my husband", 2),
            ("the three of us", 3),
            ("for the three of us", 3),
            ("a party of six", 6),
            ("a table of 5", 5),
            ("for two adults and three kids", 5),
            ("we are 7", 7),
            ("just me", 1),
            ("for a dozen guests", 12),
            ("there's six of us", 6),
            ("it'll be five", 5),
        ] {
            assert_eq!(read(message), [Ok(expected)], "{message}");
        }
    }

    #[test]
    fn doubtful_sizes_are_asked_about() {
        for message in ["for 0", "for 21 people", "for 2-3 people", "for four or five", "for minus two"] {
            assert!(matches!(read(message)[..], [Err(_)]), "{message}: {:?}", read(message));
        }
    }

    #[test]
    fn what_is_no_number_of_people_is_left() {
        for message in ["for Anna", "for 2 hours", "for 7pm", "for us", "for 25 dollars", "with friends"] {
            assert_eq!(read(message), [], "{message}");
        }
    }
}
