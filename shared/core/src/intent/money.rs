//! Amounts of money, in whole minor units.

use super::numbers::number;
use super::tokens::Form;
use super::words::Words;

/// The largest amount that is paid, in minor units.
const MOST: u64 = 100_000_000;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Money {
    pub minor: u64,
    pub currency: &'static str,
}

fn currency(word: &str) -> Option<&'static str> {
    Some(match word {
        "$" | "usd" | "dollar" | "dollars" | "buck" | "bucks" => "USD",
        "€" | "eur" | "euro" | "euros" => "EUR",
        "£" | "gbp" | "pound" | "pounds" | "quid" => "GBP",
        "chf" | "franc" | "francs" => "CHF",
        _ => return None,
    })
}

/// Every amount in the words, and takes them. An amount that makes no sense is a question.
pub(super) fn amounts(words: &mut Words) -> Vec<Result<Money, String>> {
    let mut found = Vec::new();
    let mut at = 0;
    while at < words.len() {
        if let Some((amount, length)) = amount(words, at) {
            words.take(at..at + length);
            found.push(amount);
            at += length;
        } else {
            at += 1;
        }
    }
    found
}

/// How many words the amount takes that starts here.
pub(super) fn length(words: &Words, at: usize) -> Option<usize> {
    amount(words, at).map(|(_, length)| length)
}

fn amount(words: &Words, at: usize) -> Option<(Result<Money, String>, usize)> {
    let sign = usize::from(words.is(at, &["-", "−"]));
    let first = at + sign;
    let leading = currency(words.at(first)).filter(|_| words.is_mark(first));
    // `A$`, `CA$`: a currency of its own.
    let foreign =
        leading.is_some() && sign == 0 && at > 0 && words.is_glued(at) && words.form(at - 1) == Some(Form::Word);
    let (value, unit, mut length) = if let Some(unit) = leading {
        let (value, length) = value(words, first + 1)?;
        (value.filter(|_| !foreign), unit, sign + 1 + length)
    } else {
        let (value, length) = value(words, first)?;
        if words.is(first + length, &["cents", "cent", "pence"]) {
            let unit = if words.at(first + length) == "pence" { "GBP" } else { "USD" };
            let cents = value.map(|value| value / 100);
            return Some((check(cents, unit, sign, words, at, sign + length + 1), sign + length + 1));
        }
        // `10 or 20 euros`
        if words.at(first + length) == "or"
            && let Some((_, more)) = amount(words, first + length + 1)
        {
            let end = first + length + 1 + more;
            return Some((Err(format!("“{}” are two amounts: how much", words.text(at..end))), end - at));
        }
        let spare = usize::from(words.is(first + length, &["us", "swiss"]));
        let unit = currency(words.at(first + length + spare))?;
        (value, unit, sign + length + spare + 1)
    };
    let mut total = value;
    if words.at(at + length) == "and"
        && let Some((cents, more)) = number(words, at + length + 1)
        && words.is(at + length + 1 + more, &["cents", "cent", "pence"])
        && cents < 100
    {
        total = total.map(|value| value + u64::from(cents));
        length += more + 2;
    }
    // `12 euros fifty`
    if unit != "USD"
        && let Some((cents, more)) = number(words, at + length)
        && (10..100).contains(&cents)
        && words.form(at + length) == Some(Form::Word)
        && total.is_some_and(|value| value % 100 == 0)
        && (at + length + more >= words.len()
            || words.is_mark(at + length + more)
            || words.is(at + length + more, &["to"]))
    {
        total = total.map(|value| value + u64::from(cents));
        length += more;
    }
    if words.is(at + length, &["k", "million", "thousand", "m"]) {
        total = None;
        length += 1;
    }
    Some((check(total, unit, sign, words, at, length), length))
}

fn check(
    minor: Option<u64>,
    currency: &'static str,
    sign: usize,
    words: &Words,
    at: usize,
    length: usize,
) -> Result<Money, String> {
    let said = words.text(at..at + length);
    match minor {
        Some(minor @ 1..=MOST) if sign == 0 => Ok(Money { minor, currency }),
        Some(minor) if minor > MOST => Err(format!("“{said}” is more than can be paid at once: how much instead")),
        Some(_) | None => Err(format!("I cannot read “{said}” as an amount: how much, as in 25.50 EUR")),
    }
}

/// Minor units of the number that starts here; `None` inside where its separators are ambiguous.
fn value(words: &Words, at: usize) -> Option<(Option<u64>, usize)> {
    if words.form(at) == Some(Form::Number) {
        return Some((minor_units(words.at(at)), 1));
    }
    let (whole, length) = number(words, at)?;
    Some((Some(u64::from(whole) * 100), length))
}

/// `25`, `25.5`, `25,50`, `1,000`, `1,000.50`. Three digits after a comma are thousands; after a full
/// stop they could be either, and are refused.
fn minor_units(text: &str) -> Option<u64> {
    let text = text.trim_end_matches('.');
    if !text.chars().all(|c| c.is_ascii_digit() || c == '.' || c == ',') || text.len() > 15 {
        return None;
    }
    let (whole, cents) = match text.rfind(['.', ',']) {
        None => (text.to_owned(), 0),
        Some(at) => {
            let (whole, fraction) = (text.get(..at)?, text.get(at + 1..)?);
            match fraction.len() {
                1 if !text.contains(',') || text.contains('.') => {
                    (whole.replace(',', ""), fraction.parse::<u64>().ok()? * 10)
                }
                2 => (whole.replace(',', ""), fraction.parse().ok()?),
                3 if !text.contains('.') => (text.replace(',', ""), 0),
                _ => return None,
            }
        }
    };
    let grouped = text.split('.').next().unwrap_or_default();
    let mut groups = grouped.split(',');
    let first = groups.next().unwrap_or_default().len();
    let decimal_comma = !text.contains('.') && text.matches(',').count() == 1;
    if !decimal_comma && text.contains(',') && (first > 3 || groups.any(|group| group.len() != 3)) {
        return None;
    }
    whole.parse::<u64>().ok()?.checked_mul(100)?.checked_add(cents)
}

#[cfg(test)]
mod tests {
    use super::super::tokens::tokens;
    use super::*;

    fn read(message: &str) -> Vec<Result<Money, String>> {
        amounts(&mut Words::new(message, &tokens(message)))
    }

    #[test]
    fn amounts_are_read_in_all_their_spellings() {
        for (message, minor, currency) in [
            ("$25", 2500, "USD"),
            ("25 dollars", 2500, "USD"),
            ("25.50 EUR", 2550, "EUR"),
            ("25,50 €", 2550, "EUR"),
            ("€12", 1200, "EUR"),
            ("£1,000", 100_000, "GBP"),
            ("$1,234.5", 123_450, "USD"),
            ("twenty-five bucks", 2500, "USD"),
            ("two hundred euros", 20_000, "EUR"),
            ("5 dollars and 50 cents", 550, "USD"),
            ("75 cents", 75, "USD"),
        ] {
            assert_eq!(read(message), [Ok(Money { minor, currency })], "{message}");
        }
    }

    #[test]
    fn senseless_amounts_are_asked_about() {
        for message in ["$0", "-$25", "1.000 EUR", "$25.505", "$5k", "$99999999", "$1.2.3", "10 or 20 euros"] {
            assert!(matches!(read(message)[..], [Err(_)]), "{message}: {:?}", read(message));
        }
        assert_eq!(read("25 people for 4"), []);
    }
}
