//! What is Spanish beyond single words: numbers in several words, `las siete y media`, and words that depend on
//! their neighbours.

use super::german::english_figures;
use super::lexicon::{Piece, Raw};
use super::tokens::Form;

const SMALL: [&str; 30] = [
    "cero",
    "uno",
    "dos",
    "tres",
    "cuatro",
    "cinco",
    "seis",
    "siete",
    "ocho",
    "nueve",
    "diez",
    "once",
    "doce",
    "trece",
    "catorce",
    "quince",
    "dieciseis",
    "diecisiete",
    "dieciocho",
    "diecinueve",
    "veinte",
    "veintiuno",
    "veintidos",
    "veintitres",
    "veinticuatro",
    "veinticinco",
    "veintiseis",
    "veintisiete",
    "veintiocho",
    "veintinueve",
];
const TENS: [&str; 7] = ["treinta", "cuarenta", "cincuenta", "sesenta", "setenta", "ochenta", "noventa"];
const HUNDREDS: [&str; 9] = [
    "ciento",
    "doscientos",
    "trescientos",
    "cuatrocientos",
    "quinientos",
    "seiscientos",
    "setecientos",
    "ochocientos",
    "novecientos",
];
const MONTHS: [&str; 13] = [
    "enero",
    "febrero",
    "marzo",
    "abril",
    "mayo",
    "junio",
    "julio",
    "agosto",
    "septiembre",
    "setiembre",
    "octubre",
    "noviembre",
    "diciembre",
];
const WEEKDAYS: [&str; 7] = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];
const CURRENCIES: [&str; 10] = ["euro", "euros", "eur", "€", "dolares", "dolar", "$", "francos", "chf", "libras"];

/// `biernes` for `viernes`: letters that sound alike.
pub(super) fn respelt(word: &str, knows: impl Fn(&str) -> bool) -> Option<String> {
    let pairs =
        [("b", "v"), ("v", "b"), ("ll", "y"), ("y", "ll"), ("s", "c"), ("c", "s"), ("z", "s"), ("k", "c"), ("g", "j")];
    let mut found = pairs.into_iter().map(|(said, meant)| word.replacen(said, meant, 1)).chain([format!("h{word}")]);
    found.find(|other| word.len() > 3 && other != word && knows(other))
}

fn place(word: &str, list: &[&str]) -> Option<u32> {
    list.iter().position(|entry| *entry == word).and_then(|at| u32::try_from(at).ok())
}

/// A number in one word. `un` and `una` are articles.
pub(super) fn small(word: &str) -> Option<u32> {
    match word {
        "veintiun" | "veintiuna" => return Some(21),
        "cien" => return Some(100),
        "mil" => return Some(1000),
        "docena" => return Some(12),
        _ => {}
    }
    place(word, &SMALL)
        .or_else(|| Some(30 + 10 * place(word, &TENS)?))
        .or_else(|| Some(100 + 100 * place(word, &HUNDREDS)?))
}

fn word<'r>(raws: &'r [Raw], at: usize) -> &'r str {
    raws.get(at).map_or("", |raw| raw.word.as_str())
}

/// A number in words or figures, and how many words it takes: `treinta y cinco`, `ciento veinte`, `dos mil`.
fn value(raws: &[Raw], at: usize) -> Option<(u32, usize)> {
    let raw = raws.get(at)?;
    match raw.token.form {
        Form::Number => return Some((raw.word.parse().ok()?, 1)),
        Form::Word => {}
        Form::Quoted | Form::Mark => return None,
    }
    let (mut value, mut length) = below_thousand(raws, at)?;
    if value < 1000 && word(raws, at + length) == "mil" {
        let rest = below_thousand(raws, at + length + 1).filter(|(rest, _)| *rest < 1000);
        let (rest, more) = rest.unwrap_or_default();
        (value, length) = (value * 1000 + rest, length + 1 + more);
    }
    Some((value, length))
}

fn below_thousand(raws: &[Raw], at: usize) -> Option<(u32, usize)> {
    // `mil gracias`
    if word(raws, at + 1) == "gracias" {
        return None;
    }
    let first = small(word(raws, at))?;
    let hundreds = (100..1000).contains(&first);
    let next = small(word(raws, at + 1)).filter(|next| hundreds && *next < 100);
    let (tens, mut length) = next.map_or((first % 100, 1), |tens| (tens, 2));
    let mut total = if hundreds { first - first % 100 + tens } else { first };
    let ones = small(word(raws, at + length + 1)).filter(|ones| (1..10).contains(ones));
    if (30..100).contains(&tens)
        && tens % 10 == 0
        && word(raws, at + length) == "y"
        && let Some(ones) = ones
    {
        (total, length) = (total + ones, length + 2);
    }
    Some((total, length))
}

/// Times, days and amounts that are more than a number: the English, and how many words they take.
pub(super) fn figures(raws: &[Raw], at: usize) -> Option<(String, usize)> {
    clock(raws, at).or_else(|| day(raws, at)).or_else(|| money(raws, at)).or_else(|| {
        let (value, length) =
            value(raws, at).filter(|_| raws.get(at).is_some_and(|raw| raw.token.form == Form::Word))?;
        Some((value.to_string(), length))
    })
}

fn clock(raws: &[Raw], at: usize) -> Option<(String, usize)> {
    let ahead = match (word(raws, at), word(raws, at + 1)) {
        ("a", "las" | "la") => 2,
        ("las" | "la", _) => 1,
        _ => 0,
    };
    let singular = ahead > 0 && word(raws, at + ahead - 1) == "la";
    let start = at + ahead;
    let (hour, length) = match word(raws, start) {
        "una" if ahead > 0 => (1, 1),
        _ => value(raws, start).filter(|(hour, _)| *hour <= 24 && !singular).or_else(|| timed(raws, start, ahead))?,
    };
    if hour == TIMED {
        let mut end = start + length;
        end += usize::from(["h", "hs", "horas"].contains(&word(raws, end)));
        let (said, more) = part(raws, end, format!("{}{}", if ahead > 0 { "at " } else { "" }, word(raws, start)), 0);
        return Some((said, end + more - at));
    }
    let mut end = start + length;
    let minutes = match (word(raws, end), word(raws, end + 1)) {
        ("y", "media") => Some((30, 2)),
        ("y", "cuarto") => Some((15, 2)),
        ("menos", "cuarto") => Some((-15, 2)),
        ("y", _) if ahead > 0 => value(raws, end + 1)
            .filter(|(minute, _)| *minute < 60 && *minute % 5 == 0)
            .and_then(|(minute, length)| Some((i32::try_from(minute).ok()?, length + 1))),
        ("menos", _) if ahead > 0 => value(raws, end + 1)
            .filter(|(minute, _)| *minute < 30)
            .and_then(|(minute, length)| Some((-i32::try_from(minute).ok()?, length + 1))),
        _ => None,
    };
    let marked = ["h", "hs", "horas"].contains(&word(raws, end)) && (hour > 12 || ahead > 0);
    if ahead == 0 && minutes.is_none() && !marked {
        return None;
    }
    let (hour, minute, more) = match minutes {
        Some((minute, length)) if minute < 0 => (if hour <= 1 { hour + 11 } else { hour - 1 }, 60 + minute, length),
        Some((minute, length)) => (hour, minute, length),
        None => (hour, 0, 0),
    };
    end += more + usize::from(marked);
    if word(raws, end) == "en" && word(raws, end + 1) == "punto" {
        end += 2;
    }
    let introduced = if ahead > 0 { "at " } else { "" };
    let said = match (hour, minute) {
        (0 | 13.., minute) => format!("{introduced}{hour}:{minute:02}"),
        (hour, 0) => format!("{introduced}{hour}"),
        (hour, minute) => format!("{introduced}{hour}:{minute:02}"),
    };
    let (said, more) = part(raws, end, said, hour);
    Some((said, end + more - at))
}

/// Stands for an hour that was written with its minutes.
const TIMED: u32 = 99;

/// `a las 19:30`, `19:30h`.
fn timed(raws: &[Raw], at: usize, ahead: usize) -> Option<(u32, usize)> {
    let said = raws.get(at).filter(|raw| raw.token.form == Form::Number)?;
    let marked = ahead > 0 || ["h", "hs", "horas"].contains(&word(raws, at + 1));
    (marked && said.word.contains([':', '.'])).then_some((TIMED, 1))
}

/// The part of the day behind an hour.
fn part(raws: &[Raw], end: usize, said: String, hour: u32) -> (String, usize) {
    if word(raws, end) != "de" {
        return (said, 0);
    }
    match (word(raws, end + 1), word(raws, end + 2)) {
        ("la", "tarde") => (format!("{said} pm"), 3),
        ("la", "noche") if hour == 12 => ("at midnight".to_owned(), 3),
        ("la", "manana" | "madrugada") if hour <= 12 => (format!("{said} am"), 3),
        _ => (said, 0),
    }
}

/// `el 24`, `el 3 de agosto`, `el primero de mayo`.
fn day(raws: &[Raw], at: usize) -> Option<(String, usize)> {
    let ahead = match (word(raws, at), word(raws, at + 1)) {
        ("el", "dia") => 2,
        ("el", _) => 1,
        _ => 0,
    };
    let (day, length) = match word(raws, at + ahead) {
        "primero" => (1, 1),
        _ => value(raws, at + ahead).filter(|(day, _)| (1..=31).contains(day))?,
    };
    let end = at + ahead + length;
    if word(raws, end) == "de" && MONTHS.contains(&word(raws, end + 1)) {
        return Some((format!("on {day} of"), ahead + length + 1));
    }
    (ahead > 0).then(|| (format!("the {day} _th"), ahead + length))
}

/// `1.250,75 euros`, `25 euros con cincuenta`.
fn money(raws: &[Raw], at: usize) -> Option<(String, usize)> {
    let raw = raws.get(at)?;
    let paid = CURRENCIES.contains(&word(raws, at + 1)) || (at > 0 && CURRENCIES.contains(&word(raws, at - 1)));
    if raw.token.form == Form::Number && paid && raw.word.contains('.') {
        return english_figures(&raw.word).map(|figures| (figures, 1));
    }
    if !CURRENCIES.contains(&raw.word.as_str()) || !["con", "y"].contains(&word(raws, at + 1)) {
        return None;
    }
    let (cents, length) = value(raws, at + 2).filter(|(cents, _)| (1..100).contains(cents))?;
    let named = usize::from(["centimos", "centavos"].contains(&word(raws, at + 2 + length)));
    let closes = raws.get(at + 2 + length).is_none_or(|raw| raw.token.form == Form::Mark || raw.word == "a");
    let unit = if raw.word.starts_with("dol") { "dollars" } else { "euros" };
    (closes || named == 1).then(|| (format!("{unit} and {cents} cents"), 2 + length + named))
}

fn counted_hour(raws: &[Raw], at: usize) -> bool {
    raws.get(at).is_some_and(|raw| raw.token.form == Form::Number)
}

/// The sense of a word that has several.
pub(super) fn in_context(raws: &[Raw], at: usize, pieces: &mut Vec<Piece>) -> Option<&'static str> {
    let next = word(raws, at + 1);
    let counted = value(raws, at + 1);
    match word(raws, at) {
        // `de 9:00 a 10:15`
        "de" if counted_hour(raws, at + 1) && word(raws, at + 2) == "a" && counted_hour(raws, at + 3) => Some("from"),
        "de" | "del" => {
            let way =
                ["ride", "taxi", "taxis", "car", "order", "deliver", "bring", "take", "how", "call", "pick", "send"];
            let moves = pieces.iter().rev().take_while(|piece| ![".", ";"].contains(&piece.token.word.as_str()));
            let moves = moves.take(16).any(|piece| way.contains(&piece.token.word.as_str()));
            let name = raws.get(at + 1).is_some_and(|raw| raw.token.capital || raw.token.form == Form::Quoted);
            let place =
                name || ["la", "el", "los", "las"].contains(&next) || word(raws, at) == "del" || next == "calle";
            Some(if moves && place { "from" } else { "of" })
        }
        "en" => {
            let length = counted.map_or(1, |(_, length)| length);
            let spans = ["semana", "semanas", "dia", "dias", "minutos", "hora", "horas", "mes", "meses"];
            let span =
                (counted.is_some() || next == "una" || next == "un") && spans.contains(&word(raws, at + 1 + length));
            Some(if span || (next == "media" && word(raws, at + 2) == "hora") { "in" } else { "@at" })
        }
        "hasta" => Some(if counted.is_some() || clock(raws, at + 1).is_some() { "until" } else { "to" }),
        "unos" | "unas" => Some(if counted.is_some() { "about" } else { "some" }),
        // `dile Ana que …`
        "dile" => Some(if raws.get(at + 1).is_some_and(|raw| raw.token.capital) { "tell" } else { "tell him" }),
        // `el sábado, no el viernes`
        "no" if ["el", "en", "para", "de", "al", "con"].contains(&next) => Some("not"),
        "no" => {
            let word = raws.get(at + 1).is_some_and(|raw| raw.token.form == Form::Word);
            let hour = clock(raws, at + 1).is_some();
            Some(if word && !hour { "!don't" } else { "no" })
        }
        // `el viernes que viene`, `el viernes próximo`.
        "que" | "proximo" | "proxima" => {
            let day = pieces.iter().rposition(|piece| WEEKDAYS.contains(&piece.token.word.as_str()));
            let Some(day) = day.filter(|day| day + 1 == pieces.len()) else {
                return Some("next");
            };
            let mut next = pieces.get(day)?.clone();
            next.token.word = "next".to_owned();
            pieces.insert(day, next);
            Some("")
        }
        "reserva" => {
            let before = at.checked_sub(1).map_or("", |at| word(raws, at));
            Some(if ["una", "la", "mi", "nuestra"].contains(&before) { "reservation" } else { "reserve" })
        }
        _ => None,
    }
}
