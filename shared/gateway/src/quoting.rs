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

/// Writes what stands between the quotes. What is escaped piece by piece is the same as what is escaped
/// as a whole.
pub fn escape(text: &str, out: &mut Vec<u8>) {
    if text.bytes().any(|byte| byte < 0x20) {
        return escape_controls(text, out);
    }
    let start = out.len();
    out.resize(start + 2 * text.len(), 0);
    let (mut at, room) = (0, &mut out[start..]);
    for byte in text.bytes() {
        if matches!(byte, b'"' | b'\\') {
            room[at] = b'\\';
            at += 1;
        }
        room[at] = byte;
        at += 1;
    }
    out.truncate(start + at);
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

/// Reads a JSON string, whose first quote is behind already: the text, and what follows its last quote.
/// `None` where the string has no end, or holds what JSON in JSON does not: that is for a general reader.
#[must_use]
pub fn unquote(bytes: &[u8]) -> Option<(String, &[u8])> {
    let (mut text, mut rest) = (vec![0; bytes.len()], bytes.iter());
    let length = 'read: {
        for (place, slot) in text.iter_mut().enumerate() {
            *slot = match *rest.next()? {
                b'"' => break 'read place,
                b'\\' => *rest.next().filter(|byte| matches!(byte, b'"' | b'\\' | b'/'))?,
                0..0x20 => return None,
                byte => byte,
            };
        }
        return None;
    };
    text.truncate(length);
    Some((String::from_utf8(text).ok()?, rest.as_slice()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXTS: &[&str] = &["", "plain", r#"{"a":"b\"c","d":["\\"]}"#, "Käse — 🧀", "\\", "\"", "ends with \\\\"];

    #[test]
    fn a_text_is_quoted_as_any_reader_of_json_expects_it() {
        for text in TEXTS.iter().chain(&["a\nb\tc\u{0}d\u{1f}"]) {
            let mut quoted = Vec::new();
            quote(text, &mut quoted);
            assert_eq!(serde_json::from_slice::<String>(&quoted).unwrap(), *text);
        }
    }

    #[test]
    fn a_text_comes_back_as_any_writer_of_json_wrote_it() {
        for text in TEXTS {
            let written = format!("{}, and more", serde_json::to_string(text).unwrap());
            let (read, rest) = unquote(&written.as_bytes()[1..]).unwrap();
            assert_eq!((read.as_str(), rest), (*text, ", and more".as_bytes()));
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
