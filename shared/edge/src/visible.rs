//! Texts of others, as people are shown them before they agree to something: nothing in them is out of sight, and none
//! turns what stands beside it round.

use std::fmt::Write as _;

/// Spells out what cannot be seen: `[U+202E]`. Line ends and tabs stay.
#[must_use]
pub fn visible(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for char in text.chars() {
        if is_hidden(char) {
            // Writing to a string does not fail.
            _ = write!(shown, "[U+{:04X}]", u32::from(char));
        } else {
            shown.push(char);
        }
    }
    shown
}

/// Controls, and what Unicode has to direct a text (UAX #9), to join it, or to fill it with nothing. Of these none is
/// needed to read a text, though some writing looks better with it.
fn is_hidden(char: char) -> bool {
    match char {
        '\n' | '\t' => false,
        '\u{ad}'
        | '\u{34f}'
        | '\u{61c}'
        | '\u{115f}'
        | '\u{1160}'
        | '\u{17b4}'
        | '\u{17b5}'
        | '\u{180b}'..='\u{180f}'
        | '\u{200b}'..='\u{200f}'
        | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}'
        | '\u{2800}'
        | '\u{3164}'
        // The last of these, without which some symbols are no pictures, is let through.
        | '\u{fe00}'..='\u{fe0e}'
        | '\u{feff}'
        | '\u{ffa0}'
        | '\u{fff9}'..='\u{fffb}'
        | '\u{1d173}'..='\u{1d17a}'
        | '\u{e0000}'..='\u{e007f}'
        | '\u{e0100}'..='\u{e01ef}' => true,
        other => other.is_control(),
    }
}

/// Writes a text into HTML, as text and nothing more.
pub fn escape(text: &str, into: &mut String) {
    for char in text.chars() {
        match char {
            '&' => into.push_str("&amp;"),
            '<' => into.push_str("&lt;"),
            '>' => into.push_str("&gt;"),
            '"' => into.push_str("&quot;"),
            '\'' => into.push_str("&#39;"),
            other => into.push(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_hides_in_a_text_and_nothing_turns_it_round() {
        assert_eq!(visible("Pay 10\u{202e}001 to\u{200b} Sam\0"), "Pay 10[U+202E]001 to[U+200B] Sam[U+0000]");
        assert_eq!(visible("\u{e0041}\u{2066}\u{ad}\r"), "[U+E0041][U+2066][U+00AD][U+000D]");
        assert_eq!(visible("Sam\u{34f}\u{fe00}\u{2800}"), "Sam[U+034F][U+FE00][U+2800]");
        for plain in ["Zoë's café, 4 €\n\tA", "مرحبا", "日本", "🚕", "✉\u{fe0f}"] {
            assert_eq!(visible(plain), plain);
        }
    }

    #[test]
    fn markup_becomes_text() {
        let mut text = String::new();
        escape("<a href=\"x\" onclick='y'>&</a>", &mut text);
        assert_eq!(text, "&lt;a href=&quot;x&quot; onclick=&#39;y&#39;&gt;&amp;&lt;/a&gt;");
    }
}
