//! Fields as forms and the queries of addresses have them, `application/x-www-form-urlencoded` (WHATWG URL, section 5.1):
//! as they were sent, each name and value decoded.

/// The fields in their order; `None` where what is decoded is no text, or one with a NUL, which no database can hold.
#[must_use]
pub fn read(body: &[u8]) -> Option<Vec<(String, String)>> {
    let fields = body.split(|byte| *byte == b'&').filter(|field| !field.is_empty());
    let both = fields.map(|field| {
        let at = field.iter().position(|byte| *byte == b'=');
        let (name, value) = match at {
            Some(at) => (&field[..at], &field[at + 1..]),
            None => (field, &[][..]),
        };
        Some((decode(name)?, decode(value)?))
    });
    both.collect()
}

fn decode(text: &[u8]) -> Option<String> {
    let digit = |byte: Option<&u8>| char::from(*byte?).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let mut decoded = Vec::with_capacity(text.len());
    let mut at = 0;
    while let Some(byte) = text.get(at) {
        at += 1;
        match byte {
            b'+' => decoded.push(b' '),
            b'%' => match (digit(text.get(at)), digit(text.get(at + 1))) {
                (Some(high), Some(low)) => {
                    decoded.push(high * 16 + low);
                    at += 2;
                }
                // Not an escape: it stands for itself, as in browsers.
                (Some(_) | None, _) => decoded.push(b'%'),
            },
            other => decoded.push(*other),
        }
    }
    String::from_utf8(decoded).ok().filter(|text| !text.contains('\0'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_come_in_their_order_and_decoded() {
        let fields = read(b"b=1&a=x+y%2Fz&empty&q=%C3%A4&&p=100%&r=a=b").unwrap();
        let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        assert_eq!(fields, [("b", "1"), ("a", "x y/z"), ("empty", ""), ("q", "ä"), ("p", "100%"), ("r", "a=b")]);
    }

    #[test]
    fn what_is_no_text_or_has_a_nul_in_it_is_refused() {
        for body in [&b"a=%ff"[..], b"%ff=a", b"a=%00", b"b=1&a=x%00y", b"a\0=1", b"a=\0"] {
            assert_eq!(read(body), None, "{body:?}");
        }
    }
}
