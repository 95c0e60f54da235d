//! Percent-decoding of path segments and query strings (RFC 3986, section
//! 2.1). An escape that is not two hexadecimal digits stays as it stands.

/// Decodes `%XX`; everything else is copied.
pub fn decode(text: &str) -> Vec<u8> {
    decode_with(text, false)
}

/// The pairs of a query string, where `+` means a space.
pub fn query_pairs(query: &str) -> impl Iterator<Item = (Vec<u8>, Vec<u8>)> + '_ {
    query.split('&').filter(|pair| !pair.is_empty()).map(|pair| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        (decode_with(name, true), decode_with(value, true))
    })
}

fn decode_with(text: &str, plus_is_space: bool) -> Vec<u8> {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let escaped =
            (bytes[at] == b'%').then(|| Some(hex(*bytes.get(at + 1)?)? << 4 | hex(*bytes.get(at + 2)?)?)).flatten();
        match escaped {
            Some(byte) => {
                out.push(byte);
                at += 3;
            }
            None => {
                let plus = plus_is_space && bytes[at] == b'+';
                out.push(if plus { b' ' } else { bytes[at] });
                at += 1;
            }
        }
    }
    out
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|d| u8::try_from(d).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_are_decoded_and_broken_ones_kept() {
        assert_eq!(decode("a%2Fb%3f+"), b"a/b?+");
        assert_eq!(decode("100%"), b"100%");
        assert_eq!(decode("%zz%4"), b"%zz%4");
    }

    #[test]
    fn query_pairs_read_plus_as_space() {
        let pairs: Vec<_> = query_pairs("a=b+c&&d").collect();
        assert_eq!(pairs, [(b"a".to_vec(), b"b c".to_vec()), (b"d".to_vec(), b"".to_vec())]);
    }
}
