//! How a wish begins: the verb or noun that says what it is.

use super::clauses::{has_amount, has_quotation};
use super::places;
use super::preamble;
use super::words::Words;

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Act {
    Table,
    Ride,
    Delivery,
    Payment,
    Message,
    Calendar,
    Weather,
    Route,
    Availability,
    Search,
    /// Undo or change something earlier.
    Cancel,
    /// Understood, and not offered.
    Unsupported,
}

pub(super) struct Opening {
    pub act: Act,
    pub noun: bool,
}

pub(super) const RIDES: [&str; 10] =
    ["ride", "taxi", "cab", "car", "uber", "lift", "rides", "taxis", "lyft", "chauffeur"];
const TABLES: [&str; 4] = ["table", "reservation", "booking", "tables"];
const MEALS: [&str; 5] = ["dinner", "lunch", "breakfast", "brunch", "supper"];
const APPOINTMENTS: [&str; 6] = ["appointment", "meeting", "event", "reminder", "call", "slot"];

/// What begins here, if anything does.
pub(super) fn opening(words: &Words, at: usize) -> Option<Opening> {
    verb(words, at)
        .map(|act| Opening { act, noun: false })
        .or_else(|| noun(words, at).map(|act| Opening { act, noun: true }))
}

/// The end of what the verb governs, at most: a mark, or a word that joins.
fn reach(words: &Words, at: usize) -> usize {
    (at + 1..words.len().min(at + 14))
        .find(|at| words.is(*at, &[".", ";", "!", "?", ",", "and", "then", "but"]) && !is_counting(words, *at))
        .unwrap_or(words.len().min(at + 14))
}

/// The `and` of `two hundred and fifty`, and of `5 euros and 50 cents`.
fn is_counting(words: &Words, at: usize) -> bool {
    let cents = words.is(at + 2, &["cents", "cent", "pence"]);
    at > 0 && words.is(at, &["and"]) && (cents || words.is(at - 1, &["hundred", "thousand"]))
}

/// `a pizza and a cola from Luigi's`: a list of things, and whence.
fn is_listed(words: &Words, at: usize) -> bool {
    let item = behind_when(words, at);
    let counted = super::numbers::number(words, item).is_some() || words.is(item, &["a", "an", "some"]);
    let end = (item..words.len().min(at + 16)).find(|at| words.is(*at, &[".", ";", "!", "?", "then", "but"]));
    let end = end.unwrap_or(words.len().min(at + 16));
    counted
        && (item..end).any(|at| words.is(at, &["from", "delivered"]))
        && !(item..end).any(|at| words.is(at, &RIDES) || words.is(at, &TABLES) || is_command(words.at(at)))
}

/// Words behind which a verb is no wish of its own: `to book`, `a text`, `we order`.
pub(super) fn is_governing(word: &str) -> bool {
    const GOVERNING: [&str; 36] = [
        "to", "a", "an", "the", "my", "our", "your", "this", "that", "of", "for", "from", "at", "in", "with", "i",
        "we", "you", "they", "he", "she", "can", "could", "will", "would", "should", "may", "must", "please", "us",
        "me", "not", "or", "one", "two", "it",
    ];
    GOVERNING.contains(&word)
}

/// A word that asks for something to be done, wherever it stands.
pub(super) fn is_command(word: &str) -> bool {
    const COMMANDS: [&str; 11] =
        ["book", "reserve", "order", "text", "tell", "email", "pay", "cancel", "remind", "transfer", "deliver"];
    COMMANDS.contains(&word)
}

/// The thing that a denial is about, where it has no verb: `no taxi needed`.
pub(super) fn named(words: &Words, at: usize) -> Option<Opening> {
    let thing = |at: usize| at + usize::from(words.is(at, &["a", "an", "the", "any", "need", "for", "my", "our"]));
    let at = thing(thing(at));
    let act = match words.at(at) {
        word if RIDES.contains(&word) => Act::Ride,
        word if TABLES.contains(&word) => Act::Table,
        "message" | "text" | "messages" => Act::Message,
        "payment" | "money" => Act::Payment,
        "delivery" | "flowers" | "food" => Act::Delivery,
        "reminder" | "reminders" => Act::Calendar,
        _ => return None,
    };
    Some(Opening { act, noun: true })
}

pub(super) fn verb(words: &Words, at: usize) -> Option<Act> {
    let end = reach(words, at);
    let near = |names: &[&str]| (at + 1..end).any(|at| words.is(at, names));
    // The thing itself, not what comes behind its preposition: `order a pizza for the ride`.
    let object_end = (behind_when(words, at + 1)..end)
        .find(|at| words.is(*at, &["for", "to", "at", "from", "with", "on", "in"]))
        .unwrap_or(end);
    let thing = |names: &[&str]| (at + 1..object_end).any(|at| words.is(at, names));
    let word = words.at(at);
    let act = match word {
        "book" | "reserve" => {
            let other = [
                "flight", "flights", "hotel", "room", "train", "ticket", "tickets", "cinema", "haircut", "doctor",
                "holiday",
            ];
            if thing(&RIDES) {
                Act::Ride
            } else if thing(&other) {
                Act::Unsupported
            } else if thing(&APPOINTMENTS) {
                Act::Calendar
            } else {
                Act::Table
            }
        }
        "make" if thing(&TABLES) => Act::Table,
        "eat" | "dine" => Act::Table,
        "get" | "go"
            if at > 0
                && words.is(at - 1, &["to"])
                && words.is(at + 1, &["to", "home"])
                && words.has(&RIDES)
                && places::restaurant(words, at + 2).is_none()
                && (at + 2..end).any(|at| preamble::when(words, at).is_some()) =>
        {
            Act::Ride
        }
        "set" | "put"
            if words.is(at + 1, &["up", "us", "me"])
                && (thing(&TABLES) || near(&MEALS) || near(&["down", "waitlist"])) =>
        {
            Act::Table
        }
        "join" if near(&["waitlist"]) => Act::Table,
        "secure" | "order" | "find" | "have" | "hold" if thing(&TABLES) && !is_looked_up(words, at) => Act::Table,
        "booking" | "reserving" | "getting" | "ordering" | "calling" | "sending" | "paying"
            if at > 0 && words.is(at - 1, &["mind", "about", "terribly", "awfully"]) =>
        {
            return gerund(words, at, end);
        }
        "be" if words.is(at + 1, &["driven", "taken", "picked"]) => Act::Ride,
        // `I need to be at the airport at 6, get me a taxi at 5`
        "be" if words.is(at + 1, &["at", "in"]) && at > 0 && words.is(at - 1, &["to"]) && words.has(&RIDES) => {
            Act::Ride
        }
        "drop" | "shoot" | "fire" | "ping" if near(&["line", "note", "message", "text", "email"]) => Act::Message,
        "ping" | "slip" | "shoot" | "owe" if word != "owe" && has_amount(words, at, end) => Act::Payment,
        "have" | "get" if words.is_capital(at + 1) && near(&["deliver", "bring", "send"]) => Act::Delivery,
        "taken" | "driven" if words.is(at + 1, &["to", "home", "back"]) => Act::Ride,
        "take" | "drive" | "bring"
            if words.reads(at + 1, "the") && near(&["us"]) || words.reads(at + 1, "all of us") =>
        {
            Act::Ride
        }
        "make" if thing(&APPOINTMENTS) => Act::Calendar,
        "make" if near(&["payment", "transfer"]) => Act::Payment,
        "get" | "grab" | "arrange" | "organise" | "organize" | "find" | "call" | "order" | "hail" | "fetch"
        | "request" | "schedule" | "send" | "add" | "have"
            if thing(&RIDES) && !near(&["calendar", "diary", "agenda"]) =>
        {
            Act::Ride
        }
        "get" | "grab" | "arrange" | "organise" | "organize" | "request" if thing(&TABLES) => Act::Table,
        "arrange" | "organise" | "organize" if thing(&MEALS) => Act::Table,
        "get" | "grab" | "fetch" | "bring" | "have" if near(&["from", "delivered"]) && !near(&["know"]) => {
            if word == "get" && near(&["directions"]) { Act::Route } else { Act::Delivery }
        }
        "get" | "grab" | "fetch" | "bring" | "have" if is_listed(words, at + 1) => Act::Delivery,
        "squeeze" | "fit" | "lock" | "slot" if near(&["in"]) => Act::Table,
        "get" if thing(&["weather", "forecast"]) => Act::Weather,
        "order" | "deliver" => Act::Delivery,
        "take" | "drive" | "bring" | "pick" if words.is(at + 1, &["us", "me"]) => Act::Ride,
        "let" if words.is(at + 1, &["us", "me"]) => return None,
        "let" if (at + 1..at + 12).any(|at| words.at(at) == "know") => Act::Message,
        "find" | "search" | "look" | "show" | "list" | "suggest" | "recommend" | "pick" | "choose" => {
            find(words, at, end)
        }
        "remind" if words.is(at + 1, &["me", "us"]) => Act::Calendar,
        "tell" | "text" | "message" | "sms" | "whatsapp" | "email" | "mail" | "inform" | "notify" | "ping"
        | "remind" | "ask" | "invite" | "write" | "dm" | "warn" | "thank" | "congratulate"
            if !words.is(at + 1, &["me", "us", "is", "was", "from"])
                && (word != "thank" || words.is_capital(at + 1) || words.is(at + 1, &["my", "him", "her", "them"])) =>
        {
            Act::Message
        }
        "send" | "forward" | "share" => send(words, at, end),
        "pay" if words.is(at + 1, &["attention", "heed"]) => Act::Unsupported,
        "pay" | "transfer" | "wire" | "tip" | "reimburse" => Act::Payment,
        "give" if near(&["details", "shout"]) => Act::Message,
        "give" | "venmo" | "paypal" if has_amount(words, at, end) => Act::Payment,
        "put" | "note" | "add" if has_quotation(words, at, end) => Act::Calendar,
        "add" | "put" | "save" | "enter" | "block" | "note" | "create" | "set" | "mark"
            if near(&["calendar", "diary", "agenda"]) || thing(&APPOINTMENTS) =>
        {
            Act::Calendar
        }
        "schedule" | "plan" => Act::Calendar,
        "check" if near(&["weather", "forecast"]) => Act::Weather,
        "check" if near(&["table", "tables", "availability", "free", "available", "space", "room"]) => {
            Act::Availability
        }
        "cancel" | "undo" | "delete" | "revoke" | "scrap" | "unbook" | "refund" | "change" | "move" | "reschedule"
        | "modify" | "postpone" | "amend" | "remove" | "drop" | "withdraw" | "recall" | "unsend" => Act::Cancel,
        "call" if words.reads(at, "call off") => Act::Cancel,
        "fly" | "call" | "phone" | "ring" | "buy" | "rent" | "play" | "print" | "translate" | "sing" | "turn"
        | "open" | "close" | "sell" | "hire" | "invest" | "post" | "tweet" | "upload" | "download" | "charge"
        | "lend" | "borrow" | "hack" | "water" | "clean" | "cook" | "wash" | "feed" => Act::Unsupported,
        _ => return question(words, at, end),
    };
    Some(act)
}

/// Where the object of a verb stands: behind whom it is for, and behind a day or an hour that comes first.
fn behind_when(words: &Words, mut at: usize) -> usize {
    while let Some(length) =
        preamble::when(words, at).or_else(|| words.is(at, &["us", "me", "please", ","]).then_some(1))
    {
        at += length;
    }
    at
}

/// `find a table` may only be looked up, as `find out whether there is a table`.
fn is_looked_up(words: &Words, at: usize) -> bool {
    words.is(at, &["find"]) && !words.is(at + 1, &["me", "us", "a"])
}

/// `would you mind booking a table`.
fn gerund(words: &Words, at: usize, end: usize) -> Option<Act> {
    let thing = |names: &[&str]| (at + 1..end).any(|at| words.is(at, names));
    Some(match words.at(at) {
        _ if thing(&RIDES) => Act::Ride,
        "booking" | "reserving" | "getting" | "ordering" if thing(&TABLES) => Act::Table,
        "ordering" => Act::Delivery,
        "sending" => send(words, at, end),
        "paying" => Act::Payment,
        _ => return None,
    })
}

fn find(words: &Words, at: usize, end: usize) -> Act {
    let near = |names: &[&str]| (at + 1..end).any(|at| words.is(at, names));
    if near(&["weather", "forecast"]) {
        Act::Weather
    } else if near(&["route", "directions", "way"]) {
        Act::Route
    } else if near(&["table", "tables", "availability"]) {
        Act::Availability
    } else if near(&["restaurant", "restaurants", "place", "places", "somewhere", "food", "bistro", "trattoria"])
        || places::cuisine(words).is_some()
    {
        Act::Search
    } else {
        Act::Unsupported
    }
}

fn send(words: &Words, at: usize, end: usize) -> Act {
    let nouns = [
        "message",
        "text",
        "email",
        "mail",
        "sms",
        "note",
        "details",
        "reminder",
        "confirmation",
        "invitation",
        "invite",
        "word",
        "info",
        "information",
        "address",
        "plan",
        "greetings",
        "regards",
        "summary",
        "this",
        "that",
        "it",
        "everything",
    ];
    let near = |names: &[&str]| (at + 1..end).any(|at| words.is(at, names));
    // `I owe Ben 30 euros, could you send it to him`
    let owed = near(&["it", "money"]) && has_amount(words, 0, at);
    let paid = (0..at).any(|at| words.is(at, &["pay", "transfer", "wire", "order", "book", "reserve"]));
    if has_amount(words, at, end) || (owed && !paid) {
        Act::Payment
    } else if near(&nouns) || has_quotation(words, at, end) || (at..end).any(|at| words.at(at) == ":") {
        Act::Message
    } else if near(&["from"]) || !words.is_capital(at + 1) {
        Act::Delivery
    } else {
        Act::Message
    }
}

fn question(words: &Words, at: usize, end: usize) -> Option<Act> {
    let near = |names: &[&str]| (at..end).any(|at| words.is(at, names));
    let rain = ["weather", "forecast", "temperature", "rain", "snow", "sunny", "umbrella", "raining"];
    let asks = [
        "what", "what's", "whats", "how", "how's", "will", "is", "does", "do", "which", "where", "are", "any",
        "should", "has", "have", "would",
    ];
    if !words.is(at, &asks) {
        return None;
    }
    let tables = ["table", "tables", "availability", "space", "room", "free", "available", "seats", "open"];
    let hot = words.at(at) == "how" && words.is(at + 1, &["hot", "cold", "warm"]);
    let is_rain = hot || words.is(at, &["will", "is", "does", "do", "should"]) && near(&rain);
    let costs = words.is(at, &["what"]) && near(&["cost", "costs"]);
    if costs && (near(&RIDES) || near(&["from"]) && near(&["to"])) {
        return Some(Act::Route);
    }
    if is_rain || near(&["weather", "forecast", "temperature"]) {
        Some(Act::Weather)
    } else if words.reads(at, "how long") || words.reads(at, "how far") {
        Some(Act::Route)
    } else if words.reads(at, "how much") || (words.is(at, &["what", "what's"]) && near(&["fare", "route", "distance"]))
    {
        let way = near(&["from"]) && near(&["to"]) && near(&["get", "go", "drive", "travel"]);
        (way || near(&RIDES) || near(&["fare", "trip", "route", "distance"])).then_some(Act::Route)
    } else if words.reads(at, "do you know")
        && (near(&["any", "place", "somewhere"]) || places::cuisine(words).is_some())
    {
        Some(Act::Search)
    } else if words.is(at, &["is", "are", "do", "does", "any", "which", "has"]) && near(&tables) {
        Some(Act::Availability)
    } else if near(&["restaurant", "restaurants", "places", "eat"])
        || (words.is(at, &["where", "which", "any"]) && places::cuisine(words).is_some())
        || (words.is(at, &["what", "what's", "whats"]) && near(&["place", "spot", "somewhere"]))
    {
        Some(Act::Search)
    } else {
        None
    }
}

fn noun(words: &Words, at: usize) -> Option<Act> {
    let article = usize::from(words.is(at, &["a", "an", "another", "one"]));
    let name = at
        + article
        + usize::from(words.is(at + article, &["quick", "nice", "quiet", "window", "return"]))
        + usize::from(
            words.is(at + article, &["restaurant", "dinner", "lunch"]) && words.is(at + article + 1, &TABLES),
        );
    let counts = |at: usize| super::numbers::number(words, at).is_some() || preamble::when(words, at).is_some();
    let begins = at == 0 || words.is_mark(at - 1) || words.is(at - 1, &["and", "please", "plus", "also", "then"]);
    let terse = begins && article == 0 && words.len() > name + 2;
    if words.is(name, &TABLES)
        && (article == 1
            || words.is(name + 1, &["for", "at", "of", "please"])
            || (terse
                && (counts(name + 1) || words.at(name + 1) == ":" || places::restaurant(words, name + 1).is_some())))
    {
        Some(Act::Table)
    } else if words.is(name, &RIDES)
        && (article == 1
            || words.is(name + 1, &["to", "from", "for", "home", "there", "at"])
            || (terse
                && words.form(name + 1) == Some(super::tokens::Form::Word)
                && !words
                    .is(name + 1, &["is", "was", "were", "came", "has", "had", "driver", "company", "rank", "please"])
                && (name + 1..words.len().min(name + 8)).any(counts)))
    {
        Some(Act::Ride)
    } else if begins && words.is(name, &["distance", "directions", "route"]) {
        Some(Act::Route)
    } else if is_note(words, at) || (article == 1 && words.is(name, &["reminder"])) {
        Some(Act::Calendar)
    } else if (at..reach(words, at)).any(|at| words.at(at) == "umbrella") {
        Some(Act::Weather)
    } else if begins
        && words.is(name, &MEALS)
        && (places::restaurant(words, name + 1).is_some()
            || (words.at(name + 1) == "at" && places::restaurant(words, name + 2).is_some()))
    {
        Some(Act::Table)
    } else if begins && words.is(name, &["rain", "snow", "temperature", "temp"]) {
        Some(Act::Weather)
    } else if words.is(name, &MEALS) && words.is(name + 1, &["for", "at", "with", "tomorrow", "tonight", "on"]) {
        Some(Act::Table)
    } else if words.is(name, &["weather", "forecast"]) {
        Some(Act::Weather)
    } else if article == 1 && words.is(name, &["message", "text", "email"]) && words.at(name + 1) == "to" {
        Some(Act::Message)
    } else if is_table_at(words, at) || (at > 0 && words.is(at, &["at"]) && is_table_at(words, at + 1)) {
        Some(Act::Table)
    } else if is_order(words, at) {
        Some(Act::Delivery)
    } else if places::is_cuisine(words.at(at))
        && (words.is(at + 1, &["restaurant", "restaurants", "places", "food", "place"]) || is_craved(words, at))
    {
        Some(Act::Search)
    } else {
        None
    }
}

/// `I fancy sushi tonight`, and nobody is to bring it.
fn is_craved(words: &Words, at: usize) -> bool {
    at > 0
        && words.is(at - 1, &["fancy", "craving"])
        && !(at..reach(words, at)).any(|at| words.is(at, &["from", "to", "delivered"]))
}

/// `dentist Thursday 9am calendar`.
fn is_note(words: &Words, at: usize) -> bool {
    const TOLD: [&str; 14] =
        ["i", "i'm", "we", "my", "the", "it", "it's", "what", "what's", "is", "that", "our", "do", "there's"];
    let end = reach(words, at).max((at + 10).min(words.len()));
    let begins = at == 0 || words.is_mark(at - 1) || words.is(at - 1, &["and", "please", "plus", "also", "then"]);
    let timed = (at..end)
        .any(|at| super::numbers::number(words, at).is_some() || words.form(at) == Some(super::tokens::Form::Number));
    let verbal = (at..end).any(|at| words.is(at, &["put", "add", "is", "are", "was", "has", "to", "check", "see"]));
    begins
        && timed
        && !verbal
        && !words.is(at, &TOLD)
        && (at..end).any(|at| words.is(at, &["calendar", "diary", "agenda"]))
}

/// `Luigi's, 4 people, tomorrow 7pm`; `Green Leaf for two`.
fn is_table_at(words: &Words, at: usize) -> bool {
    let Some((_, length)) = places::restaurant(words, at) else {
        return false;
    };
    let end = at + length;
    let counted = (end..end + 3).any(|at| super::numbers::number(words, at).is_some());
    let choice = at > 0 && words.is(at - 1, &["or"]);
    let behind = end + usize::from(words.at(end) == ",");
    let short = words.is(behind, &["sat", "sun", "mon", "tue", "wed", "thu", "fri"])
        && (behind + 1..behind + 3).any(|at| words.form(at) == Some(super::tokens::Form::Number));
    let dated = !choice && (short || preamble::when(words, behind).is_some());
    dated || (counted && (words.is(end, &[",", "for", "/"]) || super::numbers::number(words, end).is_some()))
}

/// `two pizzas from Luigi's to home`, `some sushi from Sakura brought home`.
fn is_order(words: &Words, at: usize) -> bool {
    let counted = super::numbers::number(words, at).is_some() || words.is(at, &["a", "an", "some"]);
    let asked = at > 1 && words.is(at - 1, &["get", "have"]) && words.is(at - 2, &["i", "we"]);
    let first = asked
        || (0..at).all(|at| !words.is(at, &["and", ",", "order", "deliver", "get", "bring", "send", "have", "fetch"]));
    let limit = words.len().min(at + 16);
    let end = (at + 1..limit).find(|at| words.is(*at, &[".", ";", "!", "?", "then"])).unwrap_or(limit);
    let from = (at + 1..end).find(|at| words.at(*at) == "from");
    let to = |from: usize| {
        (from..words.len().min(from + 10)).any(|at| words.is(at, &["to", "home", "delivered", "brought"]))
    };
    let other = (at..end).any(|at| words.is(at, &RIDES) || words.is(at, &TABLES) || words.is(at, &MEALS));
    first && counted && !other && from.is_some_and(|from| from > at + 1 && to(from))
}
