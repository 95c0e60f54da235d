//! The restaurants of the demo town, its cuisines, and where rides go.
//!
//! A restaurant that is not of the town is passed on under the name that was said: the partner knows
//! better than the planner what exists.

use super::words::Words;

const RESTAURANTS: [(&str, &[&str]); 8] = [
    ("Luigi's", &["luigi's", "luigis", "luigi"]),
    ("Sakura", &["sakura", "sakura's"]),
    ("Chez Nous", &["chez nous"]),
    ("Taj Palace", &["the taj palace", "taj palace", "the taj", "taj"]),
    ("El Camino", &["el camino"]),
    ("The Anchor", &["the anchor", "anchor"]),
    ("Green Leaf", &["the green leaf", "green leaf", "greenleaf"]),
    ("Smoke & Oak", &["smoke & oak", "smoke and oak", "smoke n oak"]),
];

const CUISINES: [(&str, &str); 25] = [
    ("italian", "Italian"),
    ("japanese", "Japanese"),
    ("sushi", "Japanese"),
    ("french", "French"),
    ("indian", "Indian"),
    ("curry", "Indian"),
    ("mexican", "Mexican"),
    ("tacos", "Mexican"),
    ("seafood", "Seafood"),
    ("fish", "Seafood"),
    ("vegetarian", "Vegetarian"),
    ("vegan", "Vegetarian"),
    ("veggie", "Vegetarian"),
    ("barbecue", "Barbecue"),
    ("bbq", "Barbecue"),
    ("barbeque", "Barbecue"),
    ("thai", "Thai"),
    ("chinese", "Chinese"),
    ("greek", "Greek"),
    ("spanish", "Spanish"),
    ("korean", "Korean"),
    ("vietnamese", "Vietnamese"),
    ("turkish", "Turkish"),
    ("lebanese", "Lebanese"),
    ("american", "American"),
];

/// Every restaurant of the town that is named, with where its name starts; takes the names.
pub(super) fn restaurants(words: &mut Words) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    for at in 0..words.len() {
        if let Some((name, length)) = restaurant(words, at) {
            words.take(at..at + length);
            found.push((at, name.to_owned()));
        }
    }
    found
}

/// The restaurant whose name starts here.
pub(super) fn restaurant(words: &Words, at: usize) -> Option<(&'static str, usize)> {
    if let Some(quoted) = words.quoted(at) {
        let (name, _) = RESTAURANTS.iter().find(|(name, _)| name.eq_ignore_ascii_case(quoted.trim()))?;
        return Some((name, 1));
    }
    RESTAURANTS.iter().find_map(|(name, spellings)| {
        let spelling = spellings.iter().find(|spelling| words.reads(at, spelling))?;
        Some((*name, spelling.split(' ').count()))
    })
}

/// How many words the name of a restaurant takes that starts here.
pub(super) fn named<'w>(word: impl Fn(usize) -> &'w str) -> Option<usize> {
    let spellings = RESTAURANTS.iter().flat_map(|(_, spellings)| spellings.iter());
    let mut read = spellings.filter(|spelling| spelling.split(' ').enumerate().all(|(at, part)| word(at) == part));
    read.next().map(|spelling| spelling.split(' ').count())
}

/// The cuisine that is named, under its name in the town.
pub(super) fn cuisine(words: &Words) -> Option<&'static str> {
    (0..words.len()).find_map(|at| {
        let word = words.at(at);
        CUISINES.iter().find(|(spelling, _)| *spelling == word).map(|(_, name)| *name)
    })
}

pub(super) fn is_cuisine(word: &str) -> bool {
    CUISINES.iter().any(|(spelling, _)| *spelling == word)
}

/// The cuisine that is named, and takes the word.
pub(super) fn take_cuisine(words: &mut Words) -> Option<&'static str> {
    let name = cuisine(words)?;
    let at = (0..words.len()).find(|at| CUISINES.iter().any(|(spelling, _)| *spelling == words.at(*at)))?;
    words.take(at..at + 1);
    Some(name)
}

/// Where a way starts or ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// A restaurant or an address, as it was said.
    Named(String),
    /// The place spoken of before.
    There,
    Home,
}

/// The place after a preposition, and takes both.
pub(super) fn after(words: &mut Words, prepositions: &[&str]) -> Option<Place> {
    let mut at = 0;
    while at < words.len() {
        if words.is(at, prepositions)
            && let Some((place, length)) = place(words, at + 1)
        {
            words.take(at..at + 1 + length);
            return Some(place);
        }
        at += 1;
    }
    None
}

/// The place that starts here, and its length.
pub(super) fn place(words: &Words, at: usize) -> Option<(Place, usize)> {
    for (phrase, place) in [
        ("the restaurant", Place::There),
        ("that restaurant", Place::There),
        ("that place", Place::There),
        ("there", Place::There),
        ("it", Place::There),
        ("dinner", Place::There),
        ("lunch", Place::There),
        ("my place", Place::Home),
        ("our place", Place::Home),
        ("my house", Place::Home),
        ("our house", Place::Home),
        ("my home", Place::Home),
        ("home", Place::Home),
        ("us", Place::Home),
        ("me", Place::Home),
        ("here", Place::Home),
    ] {
        if words.reads(at, phrase) {
            return Some((place, phrase.split(' ').count()));
        }
    }
    if let Some((name, length)) = restaurant(words, at) {
        return Some((Place::Named(name.to_owned()), length));
    }
    // `a taxi to take us there` is a purpose, not a place.
    let verbs = ["take", "bring", "drive", "get", "pick", "go", "be", "arrive", "eat", "have", "book"];
    if words.is(at, &verbs) {
        return None;
    }
    let range = words.phrase(
        at,
        &["tonight", "and", "leaving", "arriving", "delivered", "brought", "afterwards", "me", "us", "cost"],
    );
    let text = words.phrase_text(range.clone())?;
    // `12 Oak Lane, Springfield`: a street and its town.
    let town = words.phrase(range.end + 1, &[]);
    let street = text.starts_with(|c: char| c.is_ascii_digit());
    if street
        && words.at(range.end) == ","
        && words.is_capital(town.start)
        && (words.is_mark(town.end) || !words.is_free(town.end))
    {
        let text = words.phrase_text(range.start..town.end)?;
        return Some((Place::Named(text), town.end - at));
    }
    Some((Place::Named(text), range.len()))
}
