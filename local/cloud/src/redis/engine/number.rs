//! Reading and writing numbers exactly as Redis does.

use bytes::Bytes;

use super::fault::Fault;

/// A decimal i64 in its one canonical spelling (`string2ll`).
pub fn canonical(text: &[u8]) -> Option<i64> {
    let digits = text.strip_prefix(b"-").unwrap_or(text);
    let canonical = match digits {
        b"0" => digits.len() == text.len(),
        [b'1'..=b'9', rest @ ..] => rest.iter().all(u8::is_ascii_digit),
        _ => false,
    };
    canonical.then(|| std::str::from_utf8(text).ok()?.parse().ok())?
}

pub fn integer(text: &[u8]) -> Result<i64, Fault> {
    canonical(text).ok_or(Fault::NOT_INTEGER)
}

/// A count that must not be negative, as of `LPOP key count`.
pub fn count(text: &[u8]) -> Result<usize, Fault> {
    let n = canonical(text).ok_or(Fault::NOT_POSITIVE)?;
    usize::try_from(n).map_err(|_| Fault::NOT_POSITIVE)
}

/// A double; infinities are fine, NaN is not.
pub fn float(text: &[u8]) -> Option<f64> {
    let number: f64 = std::str::from_utf8(text).ok()?.parse().ok()?;
    (!number.is_nan()).then_some(number)
}

/// A score the way a reply shows it.
pub fn score_text(score: f64) -> Bytes {
    if score.is_infinite() {
        return Bytes::from_static(if score > 0.0 { b"inf" } else { b"-inf" });
    }
    let magnitude = score.abs();
    if magnitude == 0.0 || (1e-4..1e17).contains(&magnitude) {
        return (score + 0.0).to_string().into();
    }
    let text = format!("{score:e}");
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    match exponent.strip_prefix('-') {
        Some(exponent) => format!("{mantissa}e-{exponent:0>2}").into(),
        None => format!("{mantissa}e+{exponent:0>2}").into(),
    }
}

/// A half-open range of existing positions from Redis's inclusive, possibly
/// negative indices.
pub fn span(start: i64, stop: i64, len: usize) -> std::ops::Range<usize> {
    let size = i64::try_from(len).unwrap_or(i64::MAX);
    let from_end = |i: i64| if i < 0 { i.saturating_add(size) } else { i };
    let start = from_end(start).max(0);
    let stop = from_end(stop).min(size - 1);
    if start > stop {
        return 0..0;
    }
    let position = |i: i64| usize::try_from(i).unwrap_or(0);
    position(start)..position(stop) + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_canonical_integers_are_integers() {
        for text in ["", "-", "+1", "01", "-0", " 1", "1.0", "9223372036854775808"] {
            assert_eq!(canonical(text.as_bytes()), None, "{text}");
        }
        assert_eq!(canonical(b"-9223372036854775808"), Some(i64::MIN));
        assert_eq!(canonical(b"0"), Some(0));
    }

    #[test]
    fn scores_print_like_printf() {
        for (score, text) in
            [(-0.0, "0"), (2.5, "2.5"), (1e20, "1e+20"), (0.00001, "1e-05"), (f64::NEG_INFINITY, "-inf")]
        {
            assert_eq!(score_text(score), text);
        }
    }
}
