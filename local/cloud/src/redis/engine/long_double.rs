//! `INCRBYFLOAT` adds x87 extended doubles and prints them with `%.17Lf`.
//! Here the same 64-bit significand in integer arithmetic, so that sums come
//! out digit for digit as on the real server.

use num_bigint::BigUint;

const DIGITS: u32 = 17;
/// A text of more bytes is no number to Redis (`string2ld`).
const LONGEST: usize = 255;
/// Of the least and the greatest number the power of two.
const POWERS: std::ops::RangeInclusive<i32> = -16_445..=16_383;
/// Beyond this power of ten there is no number, however many digits it has.
const POWER_OF_TEN: u32 = 6_000;

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
    let (left, right) = (operand(left)?, operand(right)?);
    let sum = left.zip(right).map(|(left, right)| left.plus(right));
    Some(sum.filter(|sum| sum.power() <= *POWERS.end()).map(print))
}

/// A number, or an infinity; `None` where the text is neither.
fn operand(text: &[u8]) -> Option<Option<Extended>> {
    let text = std::str::from_utf8(text).ok().filter(|text| text.len() <= LONGEST)?;
    let name = text.trim_start_matches(['+', '-']).to_ascii_lowercase();
    if matches!(name.as_str(), "inf" | "infinity") && text.len() <= name.len() + 1 {
        return Some(None);
    }
    let number = parse(text)?;
    (number.significand == 0 || POWERS.contains(&number.power())).then_some(Some(number))
}

impl Extended {
    const ZERO: Self = Self { negative: false, significand: 0, exponent: 0 };

    /// Rounds `value * 2^exponent` to 64 bits, ties to even. `inexact` says
    /// that a little more than `value` was meant.
    fn round(negative: bool, value: &BigUint, exponent: i32, inexact: bool) -> Self {
        let bits = value.bits();
        if bits == 0 {
            return Self::ZERO;
        }
        let excess = bits.saturating_sub(64);
        let kept = u64::try_from(value >> excess).unwrap_or(u64::MAX);
        let exponent = exponent.saturating_add(i32::try_from(excess).unwrap_or(i32::MAX));
        if excess == 0 {
            let shift = kept.leading_zeros();
            return Self { negative, significand: kept << shift, exponent: exponent - shift.cast_signed() };
        }
        let (rest, half) = (value - (BigUint::from(kept) << excess), BigUint::from(1_u8) << (excess - 1));
        let up = rest > half || (rest == half && (inexact || kept & 1 == 1));
        match kept.checked_add(u64::from(up)) {
            Some(significand) => Self { negative, significand, exponent },
            None => Self { negative, significand: 1 << 63, exponent: exponent + 1 },
        }
    }

    /// Of the greatest bit.
    fn power(self) -> i32 {
        self.exponent.saturating_add(63)
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
        Self::round(big.negative, &value.into(), big.exponent - 62, lost)
    }
}

fn parse(text: &str) -> Option<Extended> {
    let (negative, text) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse().ok()?),
        None => (text, 0_i32),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = format!("{whole}{fraction}");
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let digits = BigUint::parse_bytes(digits.as_bytes(), 10)?;
    if digits.bits() == 0 {
        return Some(Extended::ZERO);
    }
    let scale = exponent.checked_sub(i32::try_from(fraction.len()).ok()?)?;
    let power = scale.unsigned_abs();
    if power > POWER_OF_TEN {
        return None;
    }
    let power = BigUint::from(10_u8).pow(power);
    if scale >= 0 {
        return Some(Extended::round(negative, &(digits * power), 0, false));
    }
    // So much of the quotient that rounding sees more than 64 bits of it.
    let room = (power.bits() + 66).saturating_sub(digits.bits());
    let numerator = digits << room;
    let (quotient, remainder) = (&numerator / &power, &numerator % &power);
    Some(Extended::round(negative, &quotient, -i32::try_from(room).ok()?, remainder.bits() > 0))
}

fn print(number: Extended) -> String {
    let sign = if number.negative { "-" } else { "" };
    if number.exponent >= 0 {
        return format!("{sign}{}", BigUint::from(number.significand) << number.exponent.unsigned_abs());
    }
    let scale = 10_u128.pow(DIGITS);
    // A significand takes 64 bits, and the scale 57.
    let scaled = u128::from(number.significand) * scale;
    let shift = number.exponent.unsigned_abs();
    let units = if shift >= 128 {
        0
    } else {
        let kept = scaled >> shift;
        let rest = scaled & ((1 << shift) - 1);
        let half = 1_u128 << (shift - 1);
        kept + u128::from(rest > half || (rest == half && kept & 1 == 1))
    };
    let text = format!("{}.{:017}", units / scale, units % scale);
    let text = text.trim_end_matches('0').trim_end_matches('.');
    if units == 0 { text.to_owned() } else { format!("{sign}{text}") }
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
            ("3.0e20", "1", "300000000000000000000"),
            ("1e30", "0", "1000000000000000000024696061952"),
            ("123456789012345678901234567890", "-1e-9", "123456789012345678899921813504"),
            ("1e-400", "1", "1"),
            ("1e400", "-1e400", "0"),
        ] {
            let printed = add(left.as_bytes(), right.as_bytes()).unwrap().unwrap();
            assert_eq!(printed, sum, "{left} + {right}");
        }
    }

    #[test]
    fn what_is_no_number_or_not_finite_is_told_apart() {
        assert_eq!(add(b"x", b"1"), None);
        assert_eq!(add(b"", b"1"), None);
        assert_eq!(add(b"1e9999", b"1"), None);
        assert_eq!(add("1".repeat(256).as_bytes(), b"1"), None);
        assert_eq!(add(b"inf", b"1"), Some(None));
        assert_eq!(add(b"1.18e4932", b"1.18e4932"), Some(None));
    }
}
