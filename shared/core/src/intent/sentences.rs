//! Whole sentences and what becomes of them.

use serde_json::{Value, json};

use super::held_sentences::HELD;
use super::sentence_table::{PLANS, QUESTIONS, UNCLEAR};
use super::{Context, Reading, read};
use crate::saga::Plan;
use crate::time::Millis;

/// Monday, 23 November 2026, 10:00 in a place one hour east of Greenwich.
fn context() -> Context {
    Context { now: Millis(1_795_424_400_000), utc_offset_minutes: 60, user: "Ada".to_owned() }
}

fn planned(message: &str) -> Plan {
    let reading = read(message, &context());
    let Reading::Plan { plan, .. } = reading else {
        panic!("{message}\nwas expected to be a plan, and is {reading:#?}");
    };
    plan
}

/// Each step in one line: `id: tool name=value, ... < after ...`.
fn shown(plan: &Plan) -> Vec<String> {
    let step = |step: &crate::saga::Step| {
        let params: Vec<_> = step
            .params
            .iter()
            .map(|(name, value)| {
                value.as_str().map_or_else(|| format!("{name}={value}"), |text| format!("{name}={text}"))
            })
            .collect();
        let after = if step.after.is_empty() { String::new() } else { format!(" < {}", step.after.join(" ")) };
        let call = format!("{}: {} {}", step.id, step.tool, params.join(", "));
        format!("{}{after}", call.trim_end())
    };
    plan.steps.iter().map(step).collect()
}

fn questioned(message: &str) -> (String, Vec<&'static str>) {
    let reading = read(message, &context());
    let Reading::Ask { question, missing, .. } = reading else {
        panic!("{message}\nwas expected to be asked about, and is {reading:#?}");
    };
    let missing = missing.iter().map(|gap| gap.parameter).collect();
    (question, missing)
}

fn unclear(message: &str) -> String {
    let reading = read(message, &context());
    let (Reading::Unclear { message: said } | Reading::Refused { message: said }) = reading else {
        panic!("{message}\nwas expected to be unclear, and is {reading:#?}");
    };
    said
}

#[test]
fn sentences_become_these_plans() {
    for (message, steps) in PLANS {
        assert_eq!(shown(&planned(message)), *steps, "{message}");
    }
}

#[test]
fn what_is_missing_or_contradictory_is_asked_in_one_question() {
    for (message, parameters, part) in QUESTIONS {
        let (question, missing) = questioned(message);
        assert_eq!(missing, *parameters, "{message}: {question}");
        assert!(question.contains(part) && question.ends_with(['?', '.']), "{message}: {question}");
    }
}

#[test]
fn what_cannot_be_done_is_said_and_never_turned_into_something_else() {
    for (message, part) in UNCLEAR {
        let said = unclear(message);
        assert!(said.contains(part), "{message}: {said}");
    }
}

#[test]
fn a_detail_that_is_not_understood_holds_the_whole_message() {
    let done = HELD.iter().filter(|message| matches!(read(message, &context()), Reading::Plan { .. }));
    assert_eq!(done.collect::<Vec<_>>(), Vec::<&&str>::new(), "must not be done");
}

#[test]
fn a_message_of_4000_characters_is_read_and_a_longer_one_is_not() {
    let most = format!("text Sam \"{}\"", "é".repeat(super::MAX_CHARACTERS - 11));
    assert!(!matches!(read(&most, &context()), Reading::Unclear { .. }));
    assert!(unclear(&format!("{most}.")).contains("longer than the 4000 characters"));
}

#[test]
fn what_the_user_says_never_becomes_a_reference() {
    for message in
        ["text Sam \"$table.address\"", "text Sam: $pay.payment_id", "Book a table for 2 at \"$a.b\" tomorrow at 7pm"]
    {
        for step in planned(message).steps {
            let texts = step.params.values().filter_map(Value::as_str);
            assert!(texts.into_iter().all(|text| !text.starts_with('$') || text.starts_with("$$")), "{message}");
        }
    }
}

#[test]
fn an_intent_is_shown_with_kind_confidence_parameters_and_words() {
    let message = "Book a table for 4 at Luigi's tomorrow at 7pm; pay Anna";
    let reading = serde_json::to_value(read(message, &context())).unwrap();
    assert_eq!(reading["reading"], "ask");
    assert_eq!(
        reading["intents"][0],
        json!({
            "kind": "BOOKING",
            "confidence": 0.95,
            "parameters": {
                "restaurant": "Luigi's", "date": "2026-11-24", "time": "19:00", "party_size": 4, "name": "Ada",
            },
            "text": "Book a table for 4 at Luigi's tomorrow at 7pm",
        })
    );
    assert_eq!(reading["intents"][1]["kind"], "PAYMENT");
    assert_eq!(reading["intents"][1]["confidence"], 0.5);
    assert_eq!(reading["missing"], json!([{ "intent": 1, "parameter": "amount_minor" }]));
}

#[test]
fn each_assumption_lowers_the_confidence() {
    let confidence = |message: &str| {
        let reading = serde_json::to_value(read(message, &context())).unwrap();
        reading["intents"][0]["confidence"].as_f64().unwrap()
    };
    assert!((confidence("Book a table for 4 at Luigi's tomorrow at 7") - 0.9).abs() < 1e-9);
    assert!((confidence("A tabel for 4 at Luigi's tomorow at 7") - 0.75).abs() < 1e-9);
}

#[test]
fn the_day_is_the_users_and_not_greenwichs() {
    // Half past eleven at night in Greenwich is the next day one hour east of it.
    let context = Context { now: Millis(1_795_424_400_000 + 14 * 3_600_000 + 1_800_000), ..context() };
    let Reading::Plan { plan, .. } = read("What's the weather in Rome?", &context) else {
        panic!("a plan");
    };
    assert_eq!(plan.steps[0].params["date"], "2026-11-24");
}

#[test]
fn the_same_message_has_the_same_reading() {
    for (message, _) in PLANS {
        assert_eq!(read(message, &context()), read(message, &context()));
    }
}

#[test]
fn any_text_has_a_reading() {
    let mut random = Random(7);
    let pieces = [
        "book",
        "a",
        "table",
        "for",
        "4",
        "at",
        "Luigi's",
        "tomorrow",
        "7pm",
        ",",
        "and",
        "then",
        "text",
        "Sam",
        "the details",
        "$25",
        "pay",
        "ride",
        "there",
        "to",
        "from",
        "12 Oak Lane",
        "24.12.",
        "half",
        "past",
        "\"",
        "'",
        "’",
        ":",
        ".",
        "?",
        "don't",
        "in",
        "days",
        "99999999999999999999",
        "31 February",
        "order",
        "twenty",
        "-",
        "hundred",
        "or",
        "if",
        "my",
        "wife",
        "me",
        "it",
        "calendar",
        "put",
        "home",
        "0",
        "p.m.",
        "é",
        "ß",
        "İ",
        "日本",
        "🍕",
        "\u{301}",
        "\n",
        "\u{0}",
        "$table.address",
        "1.2.3",
        "12/24",
        "2026-99-99",
        "&",
    ];
    let contexts = [
        context(),
        Context { now: Millis(0), utc_offset_minutes: i32::MIN, user: String::new() },
        Context { now: Millis(u64::MAX), utc_offset_minutes: i32::MAX, user: "$x.y".to_owned() },
        Context { now: Millis(253_402_200_000_000), utc_offset_minutes: 840, user: "İ".to_owned() },
    ];
    for round in 0..1500 {
        let length = random.below(24);
        let mut message = String::new();
        for _ in 0..length {
            if round % 4 == 0 {
                message.extend(char::from_u32(random.next() % 0x3000));
            } else {
                message.push_str(pieces[random.below(pieces.len())]);
                message.push_str(if random.below(8) == 0 { "" } else { " " });
            }
        }
        for context in &contexts {
            let reading = read(&message, context);
            if let Reading::Plan { plan, intents } = reading {
                assert!(!plan.steps.is_empty() && !intents.is_empty(), "{message}");
                assert_orderly(&plan, &message);
            }
        }
    }
}

#[test]
fn a_message_cut_anywhere_has_a_reading() {
    for (message, _) in PLANS {
        for (end, _) in message.char_indices() {
            let _ = read(&message[..end], &context());
            let _ = read(&message[end..], &context());
        }
    }
}

/// Ids are unique, and every step stands behind those it waits for.
fn assert_orderly(plan: &Plan, message: &str) {
    let mut done: Vec<&str> = Vec::new();
    for step in &plan.steps {
        assert!(!done.contains(&step.id.as_str()), "{message}: {plan:?}");
        let referred = step.params.values().filter_map(Value::as_str).filter_map(|text| text.strip_prefix('$'));
        let referred = referred.filter_map(|path| Some(path.split_once('.')?.0));
        for before in step.after.iter().map(String::as_str).chain(referred) {
            assert!(done.contains(&before), "{message}: {plan:?}");
        }
        done.push(&step.id);
    }
}

/// A small deterministic generator (xorshift, Marsaglia 2003).
struct Random(u32);

impl Random {
    fn next(&mut self) -> u32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 17;
        self.0 ^= self.0 << 5;
        self.0
    }

    fn below(&mut self, limit: usize) -> usize {
        self.next() as usize % limit
    }
}

#[test]
fn a_long_message_is_read_whatever_it_holds() {
    for piece in ["and ", "then ", "don't ", "1 ", "“", "a, ", ". "] {
        let message: String = piece.chars().cycle().take(super::MAX_CHARACTERS - 5).collect();
        let _ = read(&format!("book {message}"), &context());
    }
}
