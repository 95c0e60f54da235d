//! JSON texts inside a JSON text: the journal's words travel to the database and back as strings, in
//! which every few bytes a quote is escaped. A general writer and reader of JSON looks for long runs
//! without one, and spends more on them than on all the rest of a statement.

use std::io::Write as _;

/// Writes a text as a JSON string.
pub fn quote(text: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    escape(text, out);
    out.push(b'"');
}

/// So many bytes are rewritten at a time. With a backslash before each there is room for them in 256.
const PIECE: usize = 127;

/// Writes what stands between the quotes. What is escaped piece by piece is the same as what is escaped
/// as a whole.
pub fn escape(text: &str, out: &mut Vec<u8>) {
    let start = out.len();
    let mut room = [0; 256];
    for piece in text.as_bytes().chunks(PIECE) {
        let (mut at, mut controls) = (0_u8, false);
        for &byte in piece {
            // No branch: one that comes true every few bytes is guessed wrong as often.
            room[usize::from(at)] = b'\\';
            at = at.wrapping_add(u8::from(matches!(byte, b'"' | b'\\')));
            room[usize::from(at)] = byte;
            at = at.wrapping_add(1);
            controls |= byte < 0x20;
        }
        if controls {
            out.truncate(start);
            return escape_controls(text, out);
        }
        out.extend_from_slice(&room[..usize::from(at)]);
    }
}

fn escape_controls(text: &str, out: &mut Vec<u8>) {
    for byte in text.bytes() {
        match byte {
            b'"' | b'\\' => out.extend([b'\\', byte]),
            // Writing to memory does not fail.
            0..0x20 => _ = write!(out, "\\u{byte:04x}"),
            _ => out.push(byte),
        }
    }
}

/// What is odd about a byte: 1 where it follows a backslash, 2 anywhere.
const ODD: [u8; 256] = {
    let mut odd = [1; 256];
    let mut control = 0;
    while control < 0x20 {
        odd[control] = 3;
        control += 1;
    }
    (odd[b'"' as usize], odd[b'\\' as usize], odd[b'/' as usize]) = (0, 0, 0);
    odd
};

/// Reads a JSON string, whose first quote is behind already: the text, and what follows its last quote.
/// `None` where the string has no end, or holds what JSON in JSON does not: that is for a general reader.
#[must_use]
pub fn unquote(bytes: &[u8]) -> Option<(String, &[u8])> {
    let (mut text, mut room) = (Vec::new(), [0; 256]);
    // Whether the byte before was a backslash that escapes, 1 or 0.
    let (mut escaped, mut odd) = (0_u8, 0_u8);
    for (nth, piece) in bytes.chunks(PIECE).enumerate() {
        let mut at = 0_u8;
        for (place, &byte) in piece.iter().enumerate() {
            if (byte == b'"') & (escaped == 0) {
                text.extend_from_slice(&room[..usize::from(at)]);
                let text = String::from_utf8(text).ok().filter(|_| odd == 0)?;
                return Some((text, &bytes[nth * PIECE + place + 1..]));
            }
            // No branch, as above: a backslash is written, and written over.
            odd |= ODD[usize::from(byte)] & (escaped | 2);
            escaped = u8::from(byte == b'\\') & !escaped;
            room[usize::from(at)] = byte;
            at = at.wrapping_add(1 ^ escaped);
        }
        text.extend_from_slice(&room[..usize::from(at)]);
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXTS: &[&str] = &["", "plain", r#"{"a":"b\"c","d":["\\"]}"#, "Käse — 🧀", "\\", "\"", "ends with \\\\"];

    /// Texts in which what is escaped lies on either side of where a piece ends.
    fn long_texts() -> impl Iterator<Item = String> {
        (PIECE - 3..PIECE + 3).flat_map(|before| {
            ["\"", "\\", "\\\"\\\\", "🧀"].map(|mark| format!("{}{mark}{}", "a".repeat(before), "\"b\\".repeat(PIECE)))
        })
    }

    #[test]
    fn a_text_is_quoted_as_any_reader_of_json_expects_it() {
        let late = format!("{}\n\"", "\"".repeat(PIECE));
        let controls = ["a\nb\tc\u{0}d\u{1f}".to_owned(), late];
        for text in TEXTS.iter().map(|text| (*text).to_owned()).chain(controls).chain(long_texts()) {
            let mut quoted = b"before".to_vec();
            quote(&text, &mut quoted);
            assert_eq!(serde_json::from_slice::<String>(&quoted["before".len()..]).unwrap(), text);
        }
    }

    #[test]
    fn a_text_comes_back_as_any_writer_of_json_wrote_it() {
        for text in TEXTS.iter().map(|text| (*text).to_owned()).chain(long_texts()) {
            let written = format!("{}, and more", serde_json::to_string(&text).unwrap());
            let (read, rest) = unquote(&written.as_bytes()[1..]).unwrap();
            assert_eq!((read.as_str(), rest), (text.as_str(), ", and more".as_bytes()));
        }
    }

    #[test]
    fn what_it_does_not_know_is_left_to_others() {
        for odd in ["no end", "cut off \\", r#"\u0041""#, r#"\n""#, "a\nb\""] {
            assert_eq!(unquote(odd.as_bytes()), None, "{odd}");
        }
        assert_eq!(unquote(b"not utf-8: \xff\""), None);
    }
}
