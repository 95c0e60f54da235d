//! Durations as QStash spells them: `10s`, `1h30m`, `6m5s`.

/// Milliseconds of `<n>s|m|h|d`, possibly compound. `None` for anything else.
pub fn parse(text: &str) -> Option<u64> {
    let mut total = 0_u64;
    let mut digits = String::new();
    for c in text.trim().chars() {
        if c.is_ascii_digit() {
            digits.push(c);
            continue;
        }
        let unit = match c {
            's' => 1_000,
            'm' => 60_000,
            'h' => 3_600_000,
            'd' => 86_400_000,
            _ => return None,
        };
        let amount: u64 = digits.parse().ok()?;
        total = total.checked_add(amount.checked_mul(unit)?)?;
        digits.clear();
    }
    (digits.is_empty() && !text.trim().is_empty()).then_some(total)
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn compound_durations_add_up() {
        assert_eq!(parse("10s"), Some(10_000));
        assert_eq!(parse("1d10h30m"), Some(124_200_000));
        assert_eq!(parse("6m5s"), Some(365_000));
    }

    #[test]
    fn a_number_without_unit_is_no_duration() {
        for text in ["", "10", "s", "10x", "-1s", "1.5s", "10s5"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
