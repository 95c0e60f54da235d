//! Moments, counts and texts from elsewhere, as a terminal can show them.

use makegood_core::time::Millis;

/// Characters of a detail, or of anything else that others wrote.
pub const LONGEST: usize = 100;

/// A point in time, as seen from `now`.
pub fn moment(at: Millis, now: Millis) -> String {
    if at > now { format!("in {}", at.since(now).in_words()) } else { format!("{} ago", now.since(at).in_words()) }
}

/// `1 step`, `2 steps`; `1 try`, `2 tries`.
pub fn count(number: usize, thing: &str) -> String {
    match (number, thing.strip_suffix('y')) {
        (1, _) => format!("1 {thing}"),
        (_, Some(stem)) => format!("{number} {stem}ies"),
        (_, None) => format!("{number} {thing}s"),
    }
}

/// Names in one sentence.
const MOST_NAMES: usize = 8;

/// `a`, `a and b`, `a, b and c`; of a long list the first few `and 7 more`.
pub fn names<S: AsRef<str>>(names: &[S]) -> String {
    let mut told: Vec<String> = names.iter().take(MOST_NAMES).map(|name| line(name.as_ref(), LONGEST)).collect();
    let more = names.len().saturating_sub(MOST_NAMES);
    if more > 0 {
        told.push(format!("{more} more"));
    }
    match told.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} and {last}", rest.join(", ")),
        Some(_) | None => told.concat(),
    }
}

/// At most `most` characters on one line. What partners and users wrote reaches a terminal here, so
/// that nothing in it may steer one.
pub fn line(text: &str, most: usize) -> String {
    let plain: String = text.chars().take(most + 1).map(|c| if steers(c) { ' ' } else { c }).collect();
    match plain.char_indices().nth(most) {
        Some(_) => plain.chars().take(most.saturating_sub(1)).chain(['…']).collect(),
        None => plain,
    }
}

/// All of a text, with its lines. What would steer a terminal, or is not seen on one, is written out as JSON does: JSON
/// stays the same JSON.
pub fn whole(text: &str) -> String {
    let unseen = |c: char| matches!(c, '\u{200b}'..='\u{200d}' | '\u{2060}' | '\u{feff}' | '\u{e0000}'..='\u{e007f}');
    let mut whole = String::with_capacity(text.len());
    for c in text.chars() {
        if c == '\n' || !(steers(c) || unseen(c)) {
            whole.push(c);
        } else {
            let units = c.encode_utf16(&mut [0; 2]).iter().map(|unit| format!("\\u{unit:04x}")).collect::<String>();
            whole.push_str(&units);
        }
    }
    whole
}

fn steers(c: char) -> bool {
    c.is_control() || matches!(c, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_read_as_people_say_them() {
        assert_eq!(moment(Millis(5_000), Millis(7_000)), "2.0 s ago");
        assert_eq!(moment(Millis(7_000), Millis(5_000)), "in 2.0 s");
    }

    #[test]
    fn lists_read_as_people_say_them() {
        let told = ["", "a", "ab", "abc", "abcdefghij"].map(|list| {
            let list: Vec<String> = list.chars().map(String::from).collect();
            names(&list)
        });
        assert_eq!(told, ["", "a", "a and b", "a, b and c", "a, b, c, d, e, f, g, h and 2 more"]);
        assert_eq!([count(1, "try"), count(2, "try"), count(0, "step")], ["1 try", "2 tries", "0 steps"]);
    }

    #[test]
    fn a_text_that_is_shown_whole_steers_nothing_and_hides_nothing() {
        let text = "{\n \"a\": \"\u{1b}[2J\u{9b}1A\u{202e}\u{200b}\u{e0041}é\\u0007\"\n}";
        assert_eq!(whole(text), "{\n \"a\": \"\\u001b[2J\\u009b1A\\u202e\\u200b\\udb40\\udc41é\\u0007\"\n}");
        let read: serde_json::Value = serde_json::from_str(&whole(text)).unwrap();
        assert_eq!(read["a"], "\u{1b}[2J\u{9b}1A\u{202e}\u{200b}\u{e0041}é\u{7}");
    }

    #[test]
    fn a_partners_text_is_clipped_and_cannot_steer_the_terminal() {
        assert_eq!(line("no\u{1b}[2Jdriver\nnow", 20), "no [2Jdriver now");
        assert_eq!(line("äöüß", 4), "äöüß");
        assert_eq!(line("äöüßx", 4), "äöü…");
    }
}
