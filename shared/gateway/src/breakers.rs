//! The breakers in Redis: the words of one script, which is asked before and told after, and what it answers.
//!
//! Two hashes hold them all: the states, and, so that it is quickly read, what is not closed.

use makegood_core::guard::breaker::{Forced, Leave, Rules, Tally, Window};
use makegood_core::ordered::FlatMap;
use makegood_core::time::Millis;
use serde_json::Value;

use crate::redis::Script;

/// The state of each breaker, by name, as `Breaker::to_text` has it.
pub const STATES: &str = "makegood:{breakers}:states";
/// Until when those that are not closed are shut, by Redis' clock; `-1`: for ever.
pub const SHUT: &str = "makegood:{breakers}:shut";

/// A test holds the two together.
pub const SCRIPT: Script =
    Script { text: include_str!("breaker.lua"), digest: "0a7fa72cefa5a57b7bef4864b5749398ae152d8b" };

/// One thing that is asked of one breaker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// May a call leave?
    Ask,
    /// See [`Breaker::tell`](makegood_core::guard::breaker::Breaker::tell).
    Tell { seen: Tally, permit: Option<Millis>, jitter: u64 },
    /// See [`Breaker::force`](makegood_core::guard::breaker::Breaker::force).
    Force(Option<Forced>),
}

/// The command. `whole`: with the script itself, for a Redis that does not know it yet. `now`: the time, if it
/// is not to be Redis' own.
#[must_use]
pub fn words(asked: &[(&str, &Rules, Asked)], now: Option<Millis>, whole: bool) -> Vec<String> {
    let mut words = SCRIPT.words(&[STATES, SHUT], whole);
    words.push(now.map(|now| now.0.to_string()).unwrap_or_default());
    for (name, rules, asked) in asked {
        let (verb, last) = match asked {
            Asked::Ask => ("ask", [0; 5]),
            Asked::Tell { seen, permit, jitter } => {
                ("tell", [seen.calls, seen.failed, seen.slow, permit.map_or(0, |permit| permit.0), *jitter])
            }
            Asked::Force(forced) => ("force", [forced.map_or(0, forced_as_number), 0, 0, 0, 0]),
        };
        let (ms, count) = match rules.window {
            Window::Ms(span) => (span, 0),
            Window::Calls(calls) => (0, calls),
        };
        let Rules { calls, failed_percent, slow_percent, open_ms, cap_ms, permits, lease_ms, successes, row, .. } =
            rules;
        let spans = [open_ms.0, cap_ms.0, *permits, lease_ms.0, *successes, *row];
        let counts = [ms, count, *calls, *failed_percent, *slow_percent];
        words.extend([verb.to_owned(), (*name).to_owned()]);
        words.extend(counts.iter().chain(&spans).chain(&last).map(ToString::to_string));
    }
    words
}

const fn forced_as_number(forced: Forced) -> u64 {
    match forced {
        Forced::Open => 1,
        Forced::Closed => 2,
    }
}

/// What the script answered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Told {
    /// To each thing that was asked; what was told is answered with [`Leave::Go`].
    pub answers: Vec<Leave>,
    /// For how long those that are not closed are shut; `None`: for ever.
    pub shut: FlatMap<String, Option<Millis>>,
}

/// Reads the answer to so many things; `None` where it is none.
#[must_use]
pub fn read(answer: &Value, asked: usize) -> Option<Told> {
    let all: Option<Vec<&str>> = answer.as_array()?.iter().map(Value::as_str).collect();
    let all = all?;
    let (now, rest) = all.split_first()?;
    let (answers, shut) = rest.split_at_checked(asked)?;
    let answers: Option<Vec<Leave>> = answers.iter().map(|answer| leave(answer)).collect();
    Some(Told { answers: answers?, shut: shut_for(shut, Millis(now.parse().ok()?))? })
}

/// Reads the hash of those that are not closed. `now`: this machine's time, by which spans are wrong as far as its
/// clock is not that of Redis.
#[must_use]
pub fn read_shut(answer: &Value, now: Millis) -> Option<FlatMap<String, Option<Millis>>> {
    let all: Option<Vec<&str>> = answer.as_array()?.iter().map(Value::as_str).collect();
    shut_for(&all?, now)
}

fn leave(answer: &str) -> Option<Leave> {
    let (word, number) = answer.split_once(' ')?;
    let number = Millis(number.parse().ok()?);
    match word {
        "go" | "ok" => Some(Leave::Go),
        "probe" => Some(Leave::Probe { permit: number }),
        "shut" => Some(Leave::Shut { after: number }),
        _ => None,
    }
}

fn shut_for(words: &[&str], now: Millis) -> Option<FlatMap<String, Option<Millis>>> {
    let (pairs, left) = words.as_chunks::<2>();
    let mut shut = FlatMap::new();
    for [name, until] in pairs {
        let after = if *until == "-1" { None } else { Some(Millis(until.parse().ok()?).since(now)) };
        shut.insert((*name).to_owned(), after);
    }
    left.is_empty().then_some(shut)
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use sha1::{Digest, Sha1};

    use super::*;

    #[test]
    fn the_script_is_known_by_its_digest() {
        assert_eq!(crate::hexadecimal(&Sha1::digest(SCRIPT.text)), SCRIPT.digest);
    }

    #[test]
    fn each_thing_asked_has_as_many_words_as_the_script_takes() {
        let rules = Rules::default();
        let tell = Asked::Tell { seen: Tally::default(), permit: Some(Millis(7)), jitter: 500 };
        let asked = [("a", &rules, Asked::Ask), ("b", &rules, tell), ("c", &rules, Asked::Force(Some(Forced::Open)))];
        let words = words(&asked, None, false);
        assert_eq!((words.len(), words[0].as_str(), words[5].as_str()), (6 + 3 * 18, "EVALSHA", ""));
        assert_eq!(words[6..8], ["ask", "a"]);
    }

    #[test]
    fn an_answer_is_read_and_what_is_none_is_not() {
        let told = read(&json!(["1000", "probe 9000", "shut 250", "pay", "1250", "ride", "-1"]), 2).unwrap();
        assert_eq!(told.answers, [Leave::Probe { permit: Millis(9_000) }, Leave::Shut { after: Millis(250) }]);
        assert_eq!(told.shut, FlatMap::from([("pay".to_owned(), Some(Millis(250))), ("ride".to_owned(), None)]));
        for wrong in
            [json!(null), json!([]), json!(["1000"]), json!(["1000", "maybe 1"]), json!(["1000", "go 0", "pay"])]
        {
            assert_eq!(read(&wrong, 1), None, "{wrong}");
        }
    }
}
