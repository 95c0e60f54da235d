//! Numbers as C's `%.{precision}g` prints them, which is how scripts see them.

pub fn print(number: f64, precision: usize) -> String {
    if number.is_nan() {
        return if number.is_sign_negative() { "-nan" } else { "nan" }.to_owned();
    }
    if number.is_infinite() {
        return if number > 0.0 { "inf" } else { "-inf" }.to_owned();
    }
    let scientific = format!("{number:.*e}", precision - 1);
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let digits = i32::try_from(precision).unwrap_or(i32::MAX);
    if (-4..digits).contains(&exponent) {
        let decimals = usize::try_from(digits - 1 - exponent).unwrap_or(0);
        return trimmed(&format!("{number:.decimals$}")).to_owned();
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{}e{sign}{:02}", trimmed(mantissa), exponent.unsigned_abs())
}

fn trimmed(text: &str) -> &str {
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { text }
}

#[cfg(test)]
mod tests {
    use super::print;

    #[test]
    fn numbers_print_as_in_c() {
        for (number, precision, text) in [
            (3.1, 17, "3.1000000000000001"),
            (3.0, 17, "3"),
            (1e20, 14, "1e+20"),
            (0.00001, 14, "1e-05"),
            (12_345_678_901_234_567.0, 14, "1.2345678901235e+16"),
            (-0.1, 14, "-0.1"),
            (100.0, 17, "100"),
        ] {
            assert_eq!(print(number, precision), text);
        }
    }
}
