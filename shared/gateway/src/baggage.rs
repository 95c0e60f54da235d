//! How a `baggage` is written (W3C): pairs with commas between, percent-encoded. What is configured for a collector is
//! written so. Whatever the bytes are, reading them ends in a value or in nothing.
//!
//! The `baggage` of a caller is not read: what is in it is not meant for those that we call.

/// Entries, at most.
const MOST: usize = 64;
/// Bytes of all of them.
const LONGEST: usize = 8_192;

/// An entry, with its value decoded. Its properties are passed over.
pub(crate) struct Entry {
    pub(crate) key: String,
    pub(crate) value: String,
}

/// The entries that are well formed, at most as many and as long as there may be.
pub(crate) fn read(text: &str) -> Vec<Entry> {
    if text.len() > LONGEST {
        return Vec::new();
    }
    let entry = |entry: &str| {
        let member = entry.split(';').next().unwrap_or_default();
        let (key, value) = member.split_once('=')?;
        let (key, value) = (key.trim_matches([' ', '\t']), value.trim_matches([' ', '\t']));
        let fits = !key.is_empty() && key.bytes().all(is_token);
        let value = fits.then(|| decoded(value))??;
        Some(Entry { key: key.to_owned(), value })
    };
    text.split(',').filter_map(entry).take(MOST).collect()
}

const fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(
            byte,
            b'!' | b'#' | b'$' | b'%' | b'&' | b'\'' | b'*' | b'+' | b'-' | b'.' | b'^' | b'_' | b'`' | b'|' | b'~'
        )
}

/// What is written with percent signs. What is no UTF-8 is replaced, as the specification has it.
fn decoded(value: &str) -> Option<String> {
    let (mut bytes, mut rest) = (Vec::with_capacity(value.len()), value.as_bytes());
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        match first {
            b'%' => {
                let (high, low) = (digit(*rest.first()?)?, digit(*rest.get(1)?)?);
                bytes.push((high << 4) | low);
                rest = rest.get(2..)?;
            }
            0x21 | 0x23..=0x2b | 0x2d..=0x3a | 0x3c..=0x5b | 0x5d..=0x7e => bytes.push(*first),
            _ => return None,
        }
    }
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

const fn digit(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(text: &str) -> Vec<(String, String)> {
        read(text).into_iter().map(|entry| (entry.key, entry.value)).collect()
    }

    #[test]
    fn entries_are_decoded_and_what_is_none_is_passed_over() {
        let wanted = |pairs: &[(&str, &str)]| {
            pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect::<Vec<_>>()
        };
        assert_eq!(
            pairs("user=am%C3%A9lie;ttl=3 , plan = gold,no,=x,bad=%2,worse=a b"),
            wanted(&[("user", "amélie"), ("plan", "gold")])
        );
        assert_eq!(pairs("k=%fF"), wanted(&[("k", "\u{fffd}")]));
        assert_eq!(pairs("k="), wanted(&[("k", "")]));
        assert_eq!(pairs(&"k=v,".repeat(100)).len(), MOST);
        assert_eq!(pairs(&"k".repeat(LONGEST + 1)), []);
    }

    #[test]
    fn wherever_it_is_cut_and_whatever_stands_in_it_reading_ends() {
        let text = "user=am%C3%A9lie;ttl=3, plan = gold";
        for at in 0..=text.len() {
            for piece in ["", "%", "%C", "%%", "=", ",", ";", "\t", "\u{0}", "ä", "%zz"] {
                let changed = format!("{}{piece}{}", &text[..at], &text[at..]);
                assert!(read(&changed).len() <= 3 && read(&changed[..at + piece.len()]).len() <= 3, "{changed}");
            }
        }
    }
}
