//! Numbers as people read them: points in time, bytes, counts. Nothing is rounded up.

use makegood_edge::core::civil::Timestamp;
use makegood_edge::core::time::Millis;
use maud::{Markup, html};

/// A point in time, to the second, in UTC.
pub fn moment(at: Millis) -> Markup {
    let seconds = i64::try_from(at.0 / 1_000).ok();
    let Some(time) = seconds.and_then(Timestamp::from_second) else {
        return html! { (at) " after 1970" };
    };
    let machine = time.to_string();
    let human = machine.replace('T', " ").replace('Z', " UTC");
    html! { time datetime=(machine) { (human) } }
}

/// `512 B`, `12.3 kB`, `4.5 MB`.
pub fn bytes(count: u64) -> String {
    match count {
        0..1_000 => format!("{count} B"),
        1_000..1_000_000 => format!("{}.{} kB", count / 1_000, count % 1_000 / 100),
        _ => format!("{}.{} MB", count / 1_000_000, count % 1_000_000 / 100_000),
    }
}

/// `1 step`, `2 steps`.
pub fn count(number: usize, thing: &str) -> String {
    format!("{number} {thing}{}", if number == 1 { "" } else { "s" })
}

/// Digits in groups of three.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() * 4 / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push('\u{202f}');
        }
        text.push(digit);
    }
    text
}

/// The first `most` characters.
pub fn clip(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

/// A sentence in which names stand between backticks, as the core writes it.
pub fn sentence(text: &str) -> Markup {
    let mut parts = text.splitn(3, '`');
    match (parts.next(), parts.next(), parts.next()) {
        (Some(before), Some(name), Some(after)) => html! { (before) code { (name) } (after) },
        _ => html! { (text) },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_time_is_too_odd_to_show() {
        assert!(moment(Millis(1_700_000_000_000)).0.contains("2023-11-14 22:13:20 UTC"));
        assert!(moment(Millis(u64::MAX)).0.contains("after 1970"));
    }

    #[test]
    fn long_numbers_and_texts_are_broken_well() {
        assert_eq!(grouped(1_234_567), "1\u{202f}234\u{202f}567");
        assert_eq!(grouped(12), "12");
        assert_eq!(clip("äöü", 2), "äö…");
        assert_eq!(clip("äöü", 3), "äöü");
        assert_eq!(bytes(12_345), "12.3 kB");
    }
}
