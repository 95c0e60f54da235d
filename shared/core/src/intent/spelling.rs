//! The commonest misspellings, by edit distance one on a small dictionary.
//!
//! Only long words are in it, and words that are one letter from them by right are left alone.

const DICTIONARY: [&str; 58] = [
    "green",
    "anchor",
    "anniversary",
    "appointment",
    "birthday",
    "booking",
    "camino",
    "delivered",
    "eleven",
    "euros",
    "fifteen",
    "hundred",
    "luigis",
    "luigi's",
    "meeting",
    "minutes",
    "please",
    "pounds",
    "quarter",
    "remind",
    "reminder",
    "sakura",
    "seven",
    "transfer",
    "twelve",
    "twenty",
    "deliver",
    "messages",
    "afternoon",
    "evening",
    "morning",
    "address",
    "availability",
    "available",
    "breakfast",
    "calendar",
    "delivery",
    "dinner",
    "dollars",
    "friday",
    "message",
    "monday",
    "people",
    "persons",
    "reservation",
    "reserve",
    "restaurant",
    "restaurants",
    "saturday",
    "sunday",
    "table",
    "thursday",
    "tomorrow",
    "tonight",
    "tuesday",
    "weather",
    "wednesday",
    "calender",
];

/// Words of their own, however near to the dictionary.
const RIGHT: [&str; 51] = [
    "greek",
    "greed",
    "greens",
    "preen",
    "casino",
    "melting",
    "remand",
    "rewind",
    "canino",
    "sever",
    "severn",
    "sevens",
    "euro's",
    "pound's",
    "cooking",
    "looking",
    "evenings",
    "mornings",
    "mourning",
    "cable",
    "deliver",
    "delivers",
    "diner",
    "dinners",
    "dollar",
    "fable",
    "feather",
    "fridays",
    "heather",
    "inner",
    "leather",
    "massage",
    "messaged",
    "messages",
    "mondays",
    "person",
    "persona",
    "preserve",
    "reservations",
    "reserved",
    "reserver",
    "reserves",
    "saturdays",
    "sinner",
    "stable",
    "sundays",
    "tables",
    "tablet",
    "thinner",
    "weathers",
    "winner",
];

/// Slips and short forms that are more than one letter away, or in words too short to be corrected by distance.
const SLIPS: [(&str, &str); 42] = [
    ("cna", "can"),
    ("teh", "the"),
    ("orderr", "order"),
    ("orde", "order"),
    ("adn", "and"),
    ("bookk", "book"),
    ("buk", "book"),
    ("boke", "book"),
    ("tble", "table"),
    ("taxy", "taxi"),
    ("taxxi", "taxi"),
    ("reserbe", "reserve"),
    ("plese", "please"),
    ("pleas", "please"),
    ("remnd", "remind"),
    ("wendsday", "wednesday"),
    ("saterday", "saturday"),
    ("bok", "book"),
    ("boook", "book"),
    ("fuor", "four"),
    ("oder", "order"),
    ("ordr", "order"),
    ("ppl", "people"),
    ("reserv", "reserve"),
    ("tabl", "table"),
    ("tbl", "table"),
    ("txi", "taxi"),
    ("tmrw", "tomorrow"),
    ("tmr", "tomorrow"),
    ("tomoz", "tomorrow"),
    ("wensday", "wednesday"),
    ("thrusday", "thursday"),
    ("rezervation", "reservation"),
    ("fiev", "five"),
    ("eigth", "eight"),
    ("tomrow", "tomorrow"),
    ("tommorrow", "tomorrow"),
    ("restaraunt", "restaurant"),
    ("resreve", "reserve"),
    ("ofice", "office"),
    ("airpot", "airport"),
    ("aiport", "airport"),
];

/// Parts of the names of the town's restaurants, which are corrected in spite of a capital.
const NAMES: [&str; 6] = ["green", "anchor", "camino", "luigi's", "luigis", "sakura"];

pub(super) fn is_name(word: &str) -> bool {
    NAMES.contains(&word)
}

/// What the word was meant to be, if it is not right as it stands.
pub(super) fn correct(word: &str) -> Option<&'static str> {
    if let Some((_, meant)) = SLIPS.iter().find(|(slip, _)| *slip == word) {
        return Some(*meant);
    }
    if let Some(meant) = stretched(word) {
        return Some(meant);
    }
    let length = word.chars().count();
    if !(5..=14).contains(&length) || RIGHT.contains(&word) {
        return None;
    }
    let meant = DICTIONARY
        .into_iter()
        .find(|right| *right == word)
        .or_else(|| DICTIONARY.into_iter().find(|right| is_slip(word, right)))?;
    let meant = if meant == "calender" { "calendar" } else { meant };
    (meant != word).then_some(meant)
}

/// `youuu`, `pleaseee`.
fn stretched(word: &str) -> Option<&'static str> {
    const SHORT: [&str; 11] = ["you", "please", "so", "thanks", "hey", "hi", "yes", "now", "very", "sorry", "thank"];
    let letters: Vec<char> = word.chars().collect();
    let drawn = letters.windows(3).any(|three| matches!(three, [one, other, last] if one == other && other == last));
    let plain = if drawn { undoubled(word) } else { return None };
    SHORT.into_iter().find(|right| undoubled(right) == plain)
}

/// One letter off, but for the first, and no other form of the word.
fn is_slip(word: &str, right: &str) -> bool {
    let inflected = ["s", "d", "r"].iter().any(|ending| word.strip_suffix(ending) == Some(right));
    word.chars().next() == right.chars().next()
        && !inflected
        && (is_near(word, right) || undoubled(word) == undoubled(right))
}

/// Whether one insertion, deletion, replacement or swap of neighbours turns one into the other.
pub(super) fn is_near(left: &str, right: &str) -> bool {
    let left: Vec<char> = left.chars().collect();
    let right: Vec<char> = right.chars().collect();
    let head = left.iter().zip(&right).take_while(|(a, b)| a == b).count();
    let (left, right) = (left.get(head..).unwrap_or_default(), right.get(head..).unwrap_or_default());
    match (left, right) {
        ([], [] | [_]) | ([_], []) => true,
        ([_, left_rest @ ..], [_, right_rest @ ..]) => {
            left_rest == right_rest || left_rest == right || left == right_rest || is_swap(left, right)
        }
        ([..], [..]) => false,
    }
}

fn is_swap(left: &[char], right: &[char]) -> bool {
    match (left, right) {
        ([one, other, left @ ..], [first, second, right @ ..]) => one == second && other == first && left == right,
        ([..], [..]) => false,
    }
}

fn undoubled(word: &str) -> String {
    let mut letters: Vec<char> = word.chars().collect();
    letters.dedup();
    letters.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_slip_is_corrected_and_two_are_not() {
        assert_eq!(correct("tabel"), Some("table"));
        assert_eq!(correct("wether"), Some("weather"));
        assert_eq!(correct("resrvation"), Some("reservation"));
        assert_eq!(correct("calender"), Some("calendar"));
        assert_eq!(correct("twomorow"), None);
    }

    #[test]
    fn right_words_and_short_words_are_left_alone() {
        for word in ["cable", "tables", "leather", "there", "three", "sandy", "sun", "table", "massage"] {
            assert_eq!(correct(word), None, "{word}");
        }
    }
}
