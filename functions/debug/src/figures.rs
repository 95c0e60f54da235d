//! Numbers as people read them: spans, points in time, bytes, counts. Nothing is rounded up.

use jiff::Timestamp;
use makegood_edge::core::time::Millis;
use maud::{Markup, html};

/// `34 ms`, `1.2 s`, `2 min 3 s`, `3 h 4 min`, `5 d 6 h`.
pub fn span(span: Millis) -> String {
    let (ms, seconds) = (span.0, span.0 / 1_000);
    match seconds {
        0 => format!("{ms} ms"),
        1..60 => format!("{seconds}.{} s", ms % 1_000 / 100),
        60..3_600 => format!("{} min {} s", seconds / 60, seconds % 60),
        3_600..86_400 => format!("{} h {} min", seconds / 3_600, seconds / 60 % 60),
        _ => format!("{} d {} h", seconds / 86_400, seconds / 3_600 % 24),
    }
}

/// A point in time, to the second, in UTC.
pub fn moment(at: Millis) -> Markup {
    let seconds = i64::try_from(at.0 / 1_000).ok();
    let Some(time) = seconds.and_then(|seconds| Timestamp::from_second(seconds).ok()) else {
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
    fn spans_read_as_people_say_them() {
        let told = [0, 999, 1_999, 59_999, 61_000, 3_600_000, 90_000_000].map(|ms| span(Millis(ms)));
        assert_eq!(told, ["0 ms", "999 ms", "1.9 s", "59.9 s", "1 min 1 s", "1 h 0 min", "1 d 1 h"]);
    }

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
