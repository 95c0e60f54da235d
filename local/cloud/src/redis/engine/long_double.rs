//! `INCRBYFLOAT` adds x87 extended doubles and prints them with `%.17Lf`.
//! Here the same 64-bit significand in integer arithmetic, so that sums come
//! out digit for digit as on the real server. Numbers outside the everyday
//! range (over 38 digits, beyond about 10^17) fall back to f64.

use super::number;

const DIGITS: u32 = 17;

/// `significand * 2^exponent`, the significand normalised to 64 bits or zero.
#[derive(Clone, Copy)]
struct Extended {
    negative: bool,
    significand: u64,
    exponent: i32,
}

/// The printed sum; `None` when an operand is not a number, `Some(None)` when
/// the sum is not finite.
pub fn add(left: &[u8], right: &[u8]) -> Option<Option<String>> {
    let sum = number::float(left)? + number::float(right)?;
    if !sum.is_finite() {
        return Some(None);
    }
    let exact = parse(left).zip(parse(right)).and_then(|(l, r)| print(l.plus(r)));
    Some(Some(exact.unwrap_or_else(|| trim(&format!("{sum:.17}")))))
}

impl Extended {
    /// Rounds `value * 2^exponent` to 64 bits, ties to even. `inexact` says
    /// that a little more than `value` was meant.
    fn round(negative: bool, value: u128, exponent: i32, inexact: bool) -> Self {
        let excess = 64 - i32::try_from(value.leading_zeros()).unwrap_or(128);
        if value == 0 {
            return Self { negative: false, significand: 0, exponent: 0 };
        }
        if excess <= 0 {
            let significand = u64::try_from(value << -excess).unwrap_or(u64::MAX);
            return Self { negative, significand, exponent: exponent + excess };
        }
        let kept = value >> excess;
        let rest = value & ((1 << excess) - 1);
        let half = 1_u128 << (excess - 1);
        let up = rest > half || (rest == half && (inexact || kept & 1 == 1));
        match u64::try_from(kept + u128::from(up)) {
            Ok(significand) => Self { negative, significand, exponent: exponent + excess },
            Err(_) => Self { negative, significand: 1 << 63, exponent: exponent + excess + 1 },
        }
    }

    fn plus(self, other: Self) -> Self {
        let (big, small) = if (self.exponent, self.significand) >= (other.exponent, other.significand)
            && self.significand != 0
            || other.significand == 0
        {
            (self, other)
        } else {
            (other, self)
        };
        if small.significand == 0 {
            return big;
        }
        // 63 guard bits; what is shifted out below them is only remembered.
        let shift = u32::try_from(big.exponent - small.exponent).unwrap_or(127);
        let wide = u128::from(big.significand) << 62;
        let full = u128::from(small.significand) << 62;
        let aligned = full.checked_shr(shift).unwrap_or(0);
        let lost = shift >= 128 || aligned << shift != full;
        let value = if big.negative == small.negative { wide + aligned } else { wide - aligned - u128::from(lost) };
        Self::round(big.negative, value, big.exponent - 62, lost)
    }
}

fn parse(text: &[u8]) -> Option<Extended> {
    let text = std::str::from_utf8(text).ok()?;
    let (negative, text) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse().ok()?),
        None => (text, 0_i32),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits: u128 = format!("0{whole}{fraction}").parse().ok()?;
    let scale = exponent.checked_sub(i32::try_from(fraction.len()).ok()?)?;
    if scale >= 0 {
        let power = 10_u64.checked_pow(u32::try_from(scale).ok()?)?;
        let value = digits.checked_mul(u128::from(power))?;
        return Some(Extended::round(negative, value, 0, false));
    }
    let divisor = u128::from(10_u64.checked_pow(scale.unsigned_abs())?);
    if digits == 0 {
        return Some(Extended::round(false, 0, 0, false));
    }
    // As much of the quotient as 128 bits give: at least 66 bits of it.
    let room = digits.leading_zeros();
    let numerator = digits << room;
    let (quotient, remainder) = (numerator / divisor, numerator % divisor);
    let exponent = -i32::try_from(room).ok()?;
    Some(Extended::round(negative, quotient, exponent, remainder != 0))
}

fn print(number: Extended) -> Option<String> {
    let scale = 10_u128.pow(DIGITS);
    let scaled = u128::from(number.significand).checked_mul(scale)?;
    let units = if number.exponent >= 0 {
        let shifted = scaled.checked_mul(1_u128.checked_shl(number.exponent.unsigned_abs())?)?;
        (number.exponent < 4).then_some(shifted)?
    } else {
        let shift = number.exponent.unsigned_abs();
        if shift >= 128 {
            0
        } else {
            let kept = scaled >> shift;
            let rest = scaled & ((1 << shift) - 1);
            let half = 1_u128 << (shift - 1);
            kept + u128::from(rest > half || (rest == half && kept & 1 == 1))
        }
    };
    let text = format!("{}.{:017}", units / scale, units % scale);
    let sign = if number.negative && units != 0 { "-" } else { "" };
    Some(format!("{sign}{}", trim(&text)))
}

/// Drops trailing zeros, and a minus before zero.
fn trim(text: &str) -> String {
    let text = text.trim_end_matches('0').trim_end_matches('.');
    if text == "-0" { "0" } else { text }.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_look_decimal() {
        for (left, right, sum) in [
            ("10.50", "0.1", "10.6"),
            ("0.1", "0.2", "0.3"),
            ("5.0e3", "2.0e2", "5200"),
            ("3", "-3", "0"),
            ("-0.5", "0.25", "-0.25"),
            ("0", "-1.5", "-1.5"),
        ] {
            let printed = add(left.as_bytes(), right.as_bytes()).unwrap().unwrap();
            assert_eq!(printed, sum, "{left} + {right}");
        }
    }

    #[test]
    fn what_is_no_number_or_not_finite_is_told_apart() {
        assert_eq!(add(b"x", b"1"), None);
        assert_eq!(add(b"inf", b"1"), Some(None));
    }
}
