//! What is said to a plan that was shown, or to one that runs, in a word or two: yes, no, stop. In English, German
//! and Spanish alike, whichever was spoken before.
//!
//! The rule of `unread` holds here too: only where all of a message is such words is it one of these. `Yes, but at
//! eight` is a correction, and no yes.

/// A message of a word or two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Short {
    Yes,
    No,
    /// Whatever is being done is to be undone.
    Stop,
}

const YES: [&str; 66] = [
    "yes",
    "yep",
    "yeah",
    "yup",
    "aye",
    "sure",
    "ok",
    "okay",
    "fine",
    "go",
    "go ahead",
    "go for it",
    "do it",
    "do that",
    "do so",
    "please do",
    "confirm",
    "confirmed",
    "i confirm",
    "agreed",
    "i agree",
    "correct",
    "right",
    "exactly",
    "perfect",
    "sounds good",
    "looks good",
    "that's right",
    "that is right",
    "that's fine",
    "of course",
    "absolutely",
    "book it",
    "ja",
    "jawohl",
    "jep",
    "jo",
    "klar",
    "gern",
    "gerne",
    "genau",
    "einverstanden",
    "passt",
    "mach das",
    "mach es",
    "mach's",
    "tu das",
    "in ordnung",
    "stimmt",
    "richtig",
    "natürlich",
    "bestätigt",
    "ich bestätige",
    "sí",
    "si",
    "claro",
    "vale",
    "de acuerdo",
    "adelante",
    "hazlo",
    "por supuesto",
    "correcto",
    "confirmo",
    "confirmado",
    "está bien",
    "así es",
];

const NO: [&str; 28] = [
    "no",
    "nope",
    "nah",
    "no way",
    "not now",
    "don't",
    "do not",
    "don't do it",
    "don't do that",
    "rather not",
    "better not",
    "i'd rather not",
    "nein",
    "nee",
    "nö",
    "lieber nicht",
    "besser nicht",
    "doch nicht",
    "nicht",
    "mach es nicht",
    "mach das nicht",
    "lass es",
    "lass das",
    "mejor no",
    "no lo hagas",
    "ahora no",
    "de ninguna manera",
    "déjalo",
];

const STOP: [&str; 52] = [
    "cancel",
    "cancel it",
    "cancel that",
    "cancel all",
    "cancel all of it",
    "cancel everything",
    "cancel the whole thing",
    "call it off",
    "stop",
    "stop it",
    "stop that",
    "stop everything",
    "abort",
    "abort it",
    "undo it",
    "undo that",
    "undo everything",
    "undo all of it",
    "forget it",
    "forget that",
    "forget everything",
    "never mind",
    "nevermind",
    "scrap it",
    "scrap that",
    "vergiss es",
    "vergiss das",
    "stopp",
    "abbrechen",
    "brich ab",
    "brich es ab",
    "brich das ab",
    "storniere",
    "storniere es",
    "storniere das",
    "storniere alles",
    "stornieren",
    "alles stornieren",
    "alles abbrechen",
    "mach es rückgängig",
    "mach das rückgängig",
    "mach alles rückgängig",
    "rückgängig",
    "cancela",
    "cancélalo",
    "cancélalo todo",
    "cancela todo",
    "anúlalo",
    "anula todo",
    "olvídalo",
    "deshazlo",
    "deshaz todo",
];

/// What changes nothing about it.
const BESIDES: [&str; 17] = [
    "please",
    "thanks",
    "thank you",
    "now",
    "then",
    "oh",
    "well",
    "great",
    "bitte",
    "danke",
    "jetzt",
    "dann",
    "super",
    "por favor",
    "gracias",
    "pues",
    "ahora mismo",
];

/// More words than these are said to say something.
const MOST_WORDS: usize = 8;

/// What a message of a word or two says; `None` where it says anything else, or both yes and no.
///
/// ```
/// use makegood_core::intent::{Short, short};
///
/// assert_eq!(short("Yes, please!"), Some(Short::Yes));
/// assert_eq!(short("Nein danke."), Some(Short::No));
/// assert_eq!(short("olvídalo"), Some(Short::Stop));
/// assert_eq!(short("yes, but make it six"), None);
/// ```
#[must_use]
pub fn short(message: &str) -> Option<Short> {
    let lower = message.to_lowercase().replace('’', "'");
    let is_part = |letter: char| letter.is_alphanumeric() || letter == '\'';
    // A figure, or a mark that asks or joins, says more.
    if lower.chars().any(|letter| !is_part(letter) && !letter.is_whitespace() && !",.!¡".contains(letter)) {
        return None;
    }
    let words: Vec<&str> =
        lower.split(|letter| !is_part(letter)).filter(|word| !word.is_empty()).take(MOST_WORDS + 1).collect();
    if words.len() > MOST_WORDS {
        return None;
    }
    let mut said = None;
    let mut rest = words.as_slice();
    while !rest.is_empty() {
        let (length, meant) = longest(rest)?;
        match (said, meant) {
            (None, meant) => said = meant,
            (Some(before), Some(now)) if before != now => {
                // `No, stop it` stops.
                said = Some(Short::Stop).filter(|_| before != Short::Yes && now != Short::Yes);
                said?;
            }
            (Some(_), _) => {}
        }
        rest = rest.get(length..).unwrap_or_default();
    }
    said
}

/// The longest phrase that words begin with: how many words it takes, and what it says.
fn longest(words: &[&str]) -> Option<(usize, Option<Short>)> {
    let lists: [(&[&str], Option<Short>); 4] =
        [(&YES, Some(Short::Yes)), (&NO, Some(Short::No)), (&STOP, Some(Short::Stop)), (&BESIDES, None)];
    let phrases = lists.iter().flat_map(|(list, meant)| list.iter().map(move |phrase| (phrase.split(' '), *meant)));
    let begins = phrases.filter(|(phrase, _)| {
        let mut at = words.iter();
        phrase.clone().all(|word| at.next() == Some(&word))
    });
    begins.map(|(phrase, meant)| (phrase.count(), meant)).max_by_key(|(length, _)| *length)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_yes_is_one_in_three_languages_and_with_manners() {
        for message in [
            "yes",
            "Yes.",
            "YES!",
            "yes please",
            "Ok, go ahead",
            "sure, thanks",
            "Yes, do it now",
            "that’s right",
            "ja",
            "Ja, bitte",
            "ja mach das",
            "Klar!",
            "in Ordnung",
            "Passt, danke",
            "sí",
            "Sí, por favor",
            "vale, adelante",
            "De acuerdo",
            "¡Claro!",
            "oh yes",
        ] {
            assert_eq!(short(message), Some(Short::Yes), "{message}");
        }
    }

    #[test]
    fn a_no_and_a_stop_are_told_from_it() {
        for message in
            ["no", "No, thanks", "nope", "nein", "Nein danke", "lieber nicht", "no, gracias", "mejor no", "don't do it"]
        {
            assert_eq!(short(message), Some(Short::No), "{message}");
        }
        for message in [
            "cancel it",
            "Cancel everything, please",
            "stop",
            "no, forget it",
            "Vergiss es",
            "bitte alles stornieren",
            "Mach das rückgängig",
            "cancélalo",
            "no, olvídalo",
            "undo it",
        ] {
            assert_eq!(short(message), Some(Short::Stop), "{message}");
        }
    }

    #[test]
    fn whatever_says_more_is_none_of_them() {
        for message in [
            "",
            " ",
            "!",
            "please",
            "thanks",
            "yes and no",
            "yes, but make it six",
            "yes at 8",
            "yes?",
            "no, make it six",
            "ok forget it",
            "not Luigi's",
            "cancel the ride",
            "forget the ride",
            "yes yes yes yes yes yes yes yes yes",
            "sí, pero a las ocho",
            "ja, aber für sechs",
            "yes / no",
            "yesterday",
            "6",
            "stop by Luigi's",
            "yes the table only",
        ] {
            assert_eq!(short(message), None, "{message}");
        }
    }

    #[test]
    fn no_phrase_means_two_things() {
        let all: Vec<&str> = YES.iter().chain(&NO).chain(&STOP).chain(&BESIDES).copied().collect();
        let unique: std::collections::BTreeSet<&str> = all.iter().copied().collect();
        assert_eq!(unique.len(), all.len());
    }
}
