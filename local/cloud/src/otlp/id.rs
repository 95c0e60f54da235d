//! Ids of traces and spans, and how they are written.

use crate::text;

/// The id of a trace.
pub type TraceId = [u8; 16];

/// Pairs of hexadecimal digits of either case.
pub fn bytes(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    if !rest.is_empty() {
        return None;
    }
    pairs.iter().map(|[high, low]| u8::try_from(digit(*high)? << 4 | digit(*low)?).ok()).collect()
}

/// An id that names something: of the right length, and not all zeros.
pub fn named<const N: usize>(bytes: &[u8]) -> Option<[u8; N]> {
    <[u8; N]>::try_from(bytes).ok().filter(|id| *id != [0; N])
}

/// The id of a trace as Tempo reads it in an address: leading zeros may be missing.
pub fn from_address(text: &str) -> Result<TraceId, String> {
    if text.len() > 32 {
        return Err("trace IDs can't be larger than 128 bits".to_owned());
    }
    if let Some((at, wrong)) = text.char_indices().find(|(_, sign)| !sign.is_ascii_hexdigit()) {
        let at = at + 1;
        return Err(format!("trace IDs can only contain hex characters: invalid character '{wrong}' at position {at}"));
    }
    bytes(&format!("{text:0>32}")).and_then(|id| id.try_into().ok()).ok_or_else(|| "this is no trace ID".to_owned())
}

/// The id of a trace as Tempo's search writes it: without leading zeros.
pub fn for_search(id: &TraceId) -> String {
    let digits = text::hexadecimal(id);
    match digits.trim_start_matches('0') {
        "" => "0".to_owned(),
        short => short.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_read_in_either_case_and_only_whole() {
        assert_eq!(bytes("00aBfF"), Some(vec![0, 0xab, 0xff]));
        assert_eq!((bytes("abc"), bytes("zz"), bytes("ü")), (None, None, None));
        assert_eq!(named::<2>(&[0, 1]), Some([0, 1]));
        assert_eq!((named::<2>(&[0, 0]), named::<2>(&[1])), (None, None));
    }

    #[test]
    fn leading_zeros_may_be_missing() {
        let id = from_address("2f").unwrap();
        assert_eq!((id[..15].iter().max(), id[15]), (Some(&0), 0x2f));
        assert_eq!(for_search(&id), "2f");
        assert!(from_address("xyz").unwrap_err().ends_with("invalid character 'x' at position 1"));
        assert!(from_address(&"a".repeat(33)).is_err());
    }
}
