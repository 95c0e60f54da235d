//! Whole numbers, in digits and in words.

use super::words::Words;

const SMALL: [&str; 20] = [
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
];
const TENS: [&str; 8] = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"];

const ORDINALS: [&str; 20] = [
    "",
    "first",
    "second",
    "third",
    "fourth",
    "fifth",
    "sixth",
    "seventh",
    "eighth",
    "ninth",
    "tenth",
    "eleventh",
    "twelfth",
    "thirteenth",
    "fourteenth",
    "fifteenth",
    "sixteenth",
    "seventeenth",
    "eighteenth",
    "nineteenth",
];

fn place(word: &str, list: &[&str]) -> Option<u32> {
    let at = list.iter().position(|entry| !entry.is_empty() && *entry == word)?;
    u32::try_from(at).ok()
}

/// The number at a place, and how many words it takes: `4`, `four`, `twenty-five`, `a dozen`,
/// `two hundred`.
pub(super) fn number(words: &Words, at: usize) -> Option<(u32, usize)> {
    if let Ok(digits) = words.at(at).parse() {
        return Some((digits, 1));
    }
    for (phrase, value) in [("half a dozen", 6), ("a dozen", 12), ("a couple of", 2)] {
        if words.reads(at, phrase) {
            return Some((value, phrase.split(' ').count()));
        }
    }
    if words.at(at) == "dozen" {
        return Some((12, 1));
    }
    let (mut value, mut length) = below_thousand(words, at)?;
    if words.at(at + length) == "thousand" && value < 1000 {
        value *= 1000;
        length += 1;
        let linked = usize::from(words.at(at + length) == "and");
        if let Some((rest, more)) = below_thousand(words, at + length + linked).filter(|(rest, _)| *rest < 1000) {
            value += rest;
            length += linked + more;
        }
    }
    Some((value, length))
}

fn below_thousand(words: &Words, at: usize) -> Option<(u32, usize)> {
    let (mut value, mut length) = below_hundred(words, at)?;
    if words.at(at + length) == "hundred" {
        value *= 100;
        length += 1;
        let linked = usize::from(words.at(at + length) == "and");
        if let Some((rest, more)) = below_hundred(words, at + length + linked) {
            value += rest;
            length += linked + more;
        }
    }
    Some((value, length))
}

fn below_hundred(words: &Words, at: usize) -> Option<(u32, usize)> {
    if words.at(at) == "a" && words.is(at + 1, &["hundred", "thousand"]) {
        return Some((1, 1));
    }
    if let Some(small) = place(words.at(at), &SMALL) {
        return Some((small, 1));
    }
    let tens = 20 + 10 * place(words.at(at), &TENS)?;
    // A hyphen is a mark of its own.
    let ones = if words.at(at + 1) == "-" { at + 2 } else { at + 1 };
    match place(words.at(ones), &SMALL) {
        Some(digit @ 1..=9) => Some((tens + digit, ones + 1 - at)),
        Some(_) | None => Some((tens, 1)),
    }
}

/// The ordinal at a place: `24th`, `third`, `twenty-first`.
pub(super) fn ordinal(words: &Words, at: usize) -> Option<(u32, usize)> {
    let word = words.at(at);
    if let Ok(digits) = word.parse() {
        let suffixed = words.is_glued(at + 1) && words.is(at + 1, &["st", "nd", "rd", "th"]);
        return suffixed.then_some((digits, 2));
    }
    if let Some(small) = place(word, &ORDINALS) {
        return Some((small, 1));
    }
    match word {
        "twentieth" => return Some((20, 1)),
        "thirtieth" => return Some((30, 1)),
        _ => {}
    }
    let tens = 20 + 10 * place(word, &TENS)?;
    let ones = if words.at(at + 1) == "-" { at + 2 } else { at + 1 };
    match place(words.at(ones), &ORDINALS) {
        Some(digit @ 1..=9) => Some((tens + digit, ones + 1 - at)),
        Some(_) | None => None,
    }
}
