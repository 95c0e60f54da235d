//! What is German beyond single words: numbers in one word, `halb acht`, and words that depend on their neighbours.

use super::lexicon::{Piece, Raw};
use super::tokens::Form;

const SMALL: [&str; 20] = [
    "null", "eins", "zwei", "drei", "vier", "funf", "sechs", "sieben", "acht", "neun", "zehn", "elf", "zwolf",
    "dreizehn", "vierzehn", "funfzehn", "sechzehn", "siebzehn", "achtzehn", "neunzehn",
];
const TENS: [&str; 8] = ["zwanzig", "dreissig", "vierzig", "funfzig", "sechzig", "siebzig", "achtzig", "neunzig"];
const MONTHS: [&str; 12] = [
    "januar",
    "februar",
    "marz",
    "april",
    "mai",
    "juni",
    "juli",
    "august",
    "september",
    "oktober",
    "november",
    "dezember",
];

/// `fuer` for `für`.
pub(super) fn respelt(word: &str) -> Option<String> {
    let respelt = word.replace("ae", "a").replace("oe", "o").replace("ue", "u");
    (respelt != word).then_some(respelt)
}

fn place(word: &str, list: &[&str]) -> Option<u32> {
    list.iter().position(|entry| *entry == word).and_then(|at| u32::try_from(at).ok())
}

/// `fünfundzwanzig`, `siebenhundertfünfzig`, `zwo`. `ein` alone is an article.
pub(super) fn number(word: &str) -> Option<u32> {
    if word.len() > 60 {
        return None;
    }
    let part = |part: &str, empty| match part {
        "" => Some(empty),
        "ein" => Some(1),
        part => number(part),
    };
    if let Some((thousands, rest)) = word.split_once("tausend") {
        return part(thousands, 1)?.checked_mul(1000)?.checked_add(part(rest, 0)?);
    }
    if let Some((hundreds, rest)) = word.split_once("hundert") {
        let hundreds = part(hundreds, 1).filter(|hundreds| *hundreds < 20)?;
        return Some(hundreds * 100 + part(rest.strip_prefix("und").unwrap_or(rest), 0).filter(|rest| *rest < 100)?);
    }
    if let Some((ones, tens)) = word.split_once("und") {
        let ones = if ones == "ein" { 1 } else { place(ones, &SMALL).filter(|ones| (1..10).contains(ones))? };
        return Some(20 + 10 * place(tens, &TENS)? + ones);
    }
    if word == "zwo" {
        return Some(2);
    }
    place(word, &SMALL).or_else(|| Some(20 + 10 * place(word, &TENS)?))
}

/// `ersten`, `dritter`, `einundzwanzigsten`.
fn ordinal(word: &str) -> Option<u32> {
    let stem = ["sten", "ster", "ste", "ten", "ter", "te"].iter().find_map(|ending| word.strip_suffix(ending));
    match word.trim_end_matches(['n', 'r']) {
        "erste" => return Some(1),
        "dritte" => return Some(3),
        "siebte" => return Some(7),
        "achte" => return Some(8),
        _ => {}
    }
    number(stem?).filter(|day| (1..=31).contains(day))
}

fn value(raws: &[Raw], at: usize) -> Option<u32> {
    let raw = raws.get(at)?;
    match raw.token.form {
        Form::Number => raw.word.parse().ok(),
        Form::Word => number(&raw.word),
        Form::Quoted | Form::Mark => None,
    }
}

fn word<'r>(raws: &'r [Raw], at: usize) -> &'r str {
    raws.get(at).map_or("", |raw| raw.word.as_str())
}

/// Times, days and amounts that are more than a number: the English, and how many words they take.
pub(super) fn figures(raws: &[Raw], at: usize) -> Option<(String, usize)> {
    clock(raws, at)
        .or_else(|| day(raws, at))
        .or_else(|| money(raws, at))
        .or_else(|| Some((value(raws, at).filter(|_| raws.get(at).is_some_and(is_word))?.to_string(), 1)))
}

fn is_word(raw: &Raw) -> bool {
    raw.token.form == Form::Word
}

fn clock(raws: &[Raw], at: usize) -> Option<(String, usize)> {
    let hour = |at| value(raws, at).filter(|hour| *hour <= 24);
    let before = |hour: u32| if hour <= 1 { hour + 11 } else { hour - 1 };
    let ends = |length: usize| length + usize::from(word(raws, at + length) == "uhr");
    match (word(raws, at), word(raws, at + 1)) {
        ("halb", _) => return Some((format!("{}:30", before(hour(at + 1)?)), ends(2))),
        ("dreiviertel", _) => return Some((format!("{}:45", before(hour(at + 1)?)), ends(2))),
        ("viertel", "nach") => return Some((format!("{}:15", hour(at + 2)?), ends(3))),
        ("viertel", "vor") => return Some((format!("{}:45", before(hour(at + 2)?)), ends(3))),
        _ => {}
    }
    let first = value(raws, at);
    let minutes = usize::from(word(raws, at + 1) == "minuten");
    let side = word(raws, at + 1 + minutes);
    if let Some(minute) = first.filter(|minute| (1..30).contains(minute))
        && ["vor", "nach"].contains(&side)
    {
        let half = usize::from(word(raws, at + 2 + minutes) == "halb");
        let named = hour(at + 2 + minutes + half)?;
        let (hour, minute) = match (side, half) {
            ("vor", 0) => (before(named), 60 - minute),
            ("vor", _) => (before(named), 30 - minute),
            (_, 0) => (named, minute),
            (_, _) => (before(named), 30 + minute),
        };
        return Some((format!("{hour}:{minute:02}"), ends(3 + minutes + half)));
    }
    if word(raws, at + 1) != "uhr" {
        return None;
    }
    let Some(hour) = first else {
        // `19.30 Uhr`
        let said = word(raws, at);
        let (hour, minute) = said.split_once(['.', ':'])?;
        return Some((format!("{hour}:{minute}"), 2)).filter(|_| minute.len() == 2 && hour.len() <= 2);
    };
    let written = raws.get(at + 2).is_some_and(|raw| raw.token.form == Form::Word || raw.word.len() == 2);
    if let Some(minute) = value(raws, at + 2).filter(|minute| *minute < 60 && written) {
        return Some((format!("{hour}:{minute:02}"), 3));
    }
    Some(if hour == 0 || hour > 12 { (format!("{hour}:00"), 2) } else { (format!("{hour} o'clock"), 2) })
}

/// `24. Dezember`, `am 24.`, `ersten August`.
fn day(raws: &[Raw], at: usize) -> Option<(String, usize)> {
    let raw = raws.get(at)?;
    let dot = usize::from(word(raws, at + 1) == "." && raws.get(at + 1).is_some_and(|raw| raw.token.glued));
    let month = |at| MONTHS.contains(&word(raws, at));
    match raw.token.form {
        Form::Number => {
            let day = raw.word.parse::<u32>().ok().filter(|day| (1..=31).contains(day) && dot == 1)?;
            let dated = at > 0 && ["am", "den", "vom", "zum", "der"].contains(&word(raws, at - 1));
            let closes = at + 2 >= raws.len();
            if month(at + 2) {
                Some((day.to_string(), 2))
            } else if dated && !closes {
                Some((format!("the {day} _th"), 2))
            } else {
                None
            }
        }
        Form::Word => {
            let day = ordinal(&raw.word)?;
            let dated = at > 0 && ["am", "den", "zum", "vom"].contains(&word(raws, at - 1));
            if month(at + 1) { Some((day.to_string(), 1)) } else { dated.then(|| (format!("the {day} _th"), 1)) }
        }
        Form::Quoted | Form::Mark => None,
    }
}

/// `1.250,75 Euro`, `25 Euro 50`.
fn money(raws: &[Raw], at: usize) -> Option<(String, usize)> {
    const CURRENCIES: [&str; 10] = ["euro", "euros", "eur", "€", "dollar", "$", "franken", "chf", "pfund", "usd"];
    let raw = raws.get(at)?;
    let paid = CURRENCIES.contains(&word(raws, at + 1)) || (at > 0 && CURRENCIES.contains(&word(raws, at - 1)));
    if raw.token.form == Form::Number && paid && raw.word.contains('.') {
        return english_figures(&raw.word).map(|figures| (figures, 1));
    }
    let cents = value(raws, at + 1).filter(|cents| (1..100).contains(cents))?;
    let closes = raws.get(at + 2).is_none_or(|raw| raw.token.form == Form::Mark || raw.word == "an");
    (at > 0 && ["euro", "euros"].contains(&raw.word.as_str()) && value(raws, at - 1).is_some() && closes)
        .then(|| (format!("euros and {cents} cents"), 2))
}

/// `1.250,75` as `1,250.75`, where the full stops stand where thousands do.
pub(super) fn english_figures(figures: &str) -> Option<String> {
    let (whole, cents) = figures.split_once(',').map_or((figures, None), |(whole, cents)| (whole, Some(cents)));
    let mut groups = whole.split('.');
    let first = groups.next().unwrap_or_default();
    let grouped = (1..=3).contains(&first.len()) && groups.all(|group| group.len() == 3);
    let paired = cents.is_none_or(|cents| cents.len() <= 2 && cents.chars().all(|c| c.is_ascii_digit()));
    (grouped && paired).then(|| match cents {
        Some(cents) => format!("{}.{cents:0<2}", whole.replace('.', ",")),
        None => whole.replace('.', ","),
    })
}

/// The sense of a word that has several.
pub(super) fn in_context(raws: &[Raw], at: usize, pieces: &[Piece]) -> Option<&'static str> {
    let counted = |at| value(raws, at).is_some() || clock(raws, at).is_some() || word(raws, at) == "um";
    let capital = raws.get(at + 1).is_some_and(|raw| raw.token.capital);
    match word(raws, at) {
        "das" => {
            let things = ["taxi", "restaurant", "wetter", "essen", "abendessen", "ganze", "beste", "geld"];
            Some(if capital || things.contains(&word(raws, at + 1)) { "" } else { "it" })
        }
        // `reservieren Sie`: who is spoken to.
        "sie" => {
            let verb = pieces.last().is_some_and(|piece| piece.role == super::lexicon::Role::Infinitive);
            Some(if verb { "" } else { "it" })
        }
        // `lass Anna wissen, dass …`
        "lass" => {
            let then = |verbs: &[&str]| (at..at + 10).any(|at| verbs.contains(&word(raws, at)));
            Some(if then(&["wissen"]) {
                "let"
            } else if then(&["liefern", "bringen"]) {
                ""
            } else {
                "drop"
            })
        }
        "nach" => Some(if counted(at + 1) { "after" } else { "to" }),
        "ab" if counted(at + 1) => None,
        // `hol mich ab`: of the verb.
        "ab" => Some(if capital { "from" } else { "" }),
        _ => None,
    }
}

/// `Freitagabend`.
pub(super) fn compound(word: &str, get: impl Fn(&str) -> Option<&'static str>) -> Option<String> {
    let parts = [
        ("abend", "in the evening"),
        ("nachmittag", "in the afternoon"),
        ("vormittag", "in the morning"),
        ("mittag", "for lunch"),
        ("morgen", "in the morning"),
    ];
    parts.iter().find_map(|(ending, part)| {
        let day = word.strip_suffix(ending).filter(|day| day.ends_with("tag") || *day == "mittwoch")?;
        Some(format!("{} {part}", get(day)?))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_in_one_word_are_read() {
        for (word, expected) in [
            ("zwolf", Some(12)),
            ("zwanzig", Some(20)),
            ("funfundzwanzig", Some(25)),
            ("einundzwanzig", Some(21)),
            ("hundert", Some(100)),
            ("siebenhundertfunfzig", Some(750)),
            ("zweitausenddreihundert", Some(2300)),
            ("und", None),
            ("hund", None),
            ("undzwanzig", None),
            ("tausendundeinenacht", None),
        ] {
            assert_eq!(number(word), expected, "{word}");
        }
        assert_eq!(ordinal("ersten"), Some(1));
        assert_eq!(ordinal("vierundzwanzigsten"), Some(24));
        assert_eq!(ordinal("bitten"), None);
    }

    #[test]
    fn figures_are_written_the_english_way() {
        for (german, english) in [("1.250,75", Some("1,250.75")), ("1.000", Some("1,000")), ("1.25", None)] {
            assert_eq!(english_figures(german).as_deref(), english, "{german}");
        }
    }
}
