//! Does the town agree with the journal: exactly, for every saga and every effect.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::platform::Platform;
use crate::{journal, town};

/// What the town's ledger knows of one key.
#[derive(Debug, Default, PartialEq, Eq)]
struct Applied {
    done: u32,
    undone: u32,
}

/// Compares every saga (by id, as its status tells) with the town, and panics with all differences.
///
/// - Nothing was done, or undone, twice under one key, and nothing undone that was not done.
/// - A completed saga: each step that is no query was done and stands.
/// - One that was made good: nothing of it stands.
/// - What a step is said to have answered is what the town answered.
/// - The town's things are those of the completed sagas, and no others.
pub async fn agree(platform: &Platform, sagas: &BTreeMap<String, Value>) {
    let ledger = town::ledger(platform).await;
    let mut wrong = differences(sagas, &ledger);
    wrong.extend(strangers(sagas, &town::world(platform).await));
    if !wrong.is_empty() {
        let all = journal::tell_all(platform).await;
        panic!("{all}\nthe town and the journal differ:\n{}", wrong.join("\n"));
    }
}

fn differences(sagas: &BTreeMap<String, Value>, ledger: &[Value]) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut applied: BTreeMap<(String, String), Applied> = BTreeMap::new();
    let mut outputs: BTreeMap<&str, &Value> = BTreeMap::new();
    for entry in ledger.iter().filter(|entry| entry["applied"] == true) {
        let (tool, key) = (text(&entry["tool"]), text(&entry["key"]));
        let effect = applied.entry((tool.to_owned(), key.to_owned())).or_default();
        if entry["op"] == "do" {
            effect.done += 1;
            outputs.insert(key, &entry["detail"]["output"]);
        } else {
            effect.undone += 1;
        }
        if effect.done > 1 || effect.undone > effect.done {
            wrong.push(format!("{tool} under {key}: {effect:?}, at {entry}"));
        }
    }
    for (id, saga) in sagas {
        for step in steps(saga) {
            let tool = text(&step["tool"]);
            let key = format!("{id}:0:{}", step["ix"]);
            let effect = applied.remove(&(tool.to_owned(), key.clone())).unwrap_or_default();
            let stands = effect.done - effect.undone;
            let fits = match text(&saga["phase"]) {
                _ if step["class"] == "query" => effect == Applied::default(),
                // Another was made in its place, or it was passed over.
                "completed" if ["fenced", "refused", "undone", "skipped"].contains(&text(&step["standing"])) => {
                    stands == 0
                }
                "completed" => {
                    stands == 1 && step["standing"] == "done" && outputs.get(key.as_str()) == Some(&&step["output"])
                }
                "made_good" => stands == 0 && step["standing"] != "done",
                phase => unreachable!("{phase} is no rest that is agreed with"),
            };
            if !fits {
                wrong.push(format!("{id} {}: {effect:?}, but {step}", saga["phase"]));
            }
        }
    }
    wrong.extend(applied.iter().map(|(key, effect)| format!("{key:?} belongs to no step: {effect:?}")));
    wrong
}

/// What is active in the world and should not be, and the other way round.
fn strangers(sagas: &BTreeMap<String, Value>, world: &Value) -> Vec<String> {
    let kind = |tool: &str| match tool {
        "book_restaurant_table" => Some("reservations"),
        "request_ride" => Some("rides"),
        "send_message" => Some("messages"),
        "authorise_payment" => Some("payments"),
        "dispatch_delivery" => Some("deliveries"),
        "add_calendar_event" => Some("events"),
        _ => None,
    };
    let completed = sagas.iter().filter(|(_, saga)| saga["phase"] == "completed");
    let wanted: BTreeSet<(&str, String)> = completed
        .flat_map(|(id, saga)| {
            let steps = steps(saga).iter().filter(|step| step["standing"] == "done");
            steps.filter_map(move |step| Some((kind(text(&step["tool"]))?, format!("{id}:0:{}", step["ix"]))))
        })
        .collect();
    let found: BTreeSet<(&str, String)> = town::KINDS
        .into_iter()
        .flat_map(|kind| {
            world[kind].as_array().unwrap().iter().map(move |thing| (kind, text(&thing["key"]).to_owned()))
        })
        .collect();
    assert_eq!(world["truncated"], false);
    wanted.symmetric_difference(&found).map(|thing| format!("{thing:?} is in one of the two only")).collect()
}

fn steps(saga: &Value) -> &Vec<Value> {
    saga["steps"].as_array().unwrap()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("{value} is no text"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn saga(phase: &str, standing: &str) -> BTreeMap<String, Value> {
        let step =
            json!({"ix": 0, "tool": "request_ride", "class": "compensatable", "standing": standing, "output": 1});
        [("s".to_owned(), json!({"phase": phase, "steps": [step]}))].into()
    }

    fn entry(op: &str, applied: bool) -> Value {
        json!({"tool": "request_ride", "key": "s:0:0", "op": op, "applied": applied, "detail": {"output": 1}})
    }

    #[test]
    fn every_way_to_differ_is_found() {
        let (done, undone) = (entry("do", true), entry("undo", true));
        let both = [done.clone(), undone.clone()];
        assert_eq!(differences(&saga("completed", "done"), &both[..1]), [""; 0]);
        assert_eq!(differences(&saga("made_good", "undone"), &both), [""; 0]);
        assert_eq!(differences(&saga("made_good", "fenced"), &[entry("undo", false)]), [""; 0]);
        assert!(!differences(&saga("completed", "done"), &[]).is_empty(), "never done");
        assert!(!differences(&saga("completed", "done"), &both).is_empty(), "undone");
        assert!(!differences(&saga("made_good", "undone"), &both[..1]).is_empty(), "left standing");
        assert!(!differences(&saga("completed", "done"), &[done.clone(), done.clone()]).is_empty(), "twice");
        assert!(!differences(&saga("made_good", "undone"), &[undone, done]).is_empty(), "undone before it was done");
        assert!(!differences(&BTreeMap::new(), &both).is_empty(), "nobody's");
    }
}
