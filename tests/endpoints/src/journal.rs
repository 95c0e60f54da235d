//! Sagas as the platform tells of them: started, looked at, waited for.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};

use crate::platform::Platform;
use crate::poll;

/// Starts a plan, and answers with the saga's id.
pub async fn execute(platform: &Platform, plan: &Value) -> String {
    let answer = platform.post("/api/execute", &json!({"plan": plan}), 202).await;
    answer["saga"].as_str().unwrap().to_owned()
}

/// How a saga stands.
pub async fn status(platform: &Platform, id: &str) -> Value {
    platform.get(&format!("/api/execute/{id}")).await
}

/// The anonymous user's sagas, as lines of the list.
pub async fn list(platform: &Platform) -> Vec<Value> {
    let answer = platform.get("/api/debug/sagas?limit=200").await;
    answer["sagas"].as_array().unwrap().clone()
}

/// Whether a phase is one of the three rests.
#[must_use]
pub fn at_rest(saga: &Value) -> bool {
    ["completed", "made_good", "stuck"].contains(&saga["phase"].as_str().unwrap())
}

/// Waits until one saga rests, and answers how it stands then.
pub async fn rest(platform: &Platform, id: &str, patience: Duration) -> Value {
    let rested =
        poll(patience, Duration::from_millis(50), || async { Some(status(platform, id).await).filter(at_rest) });
    match rested.await {
        Some(saga) => saga,
        None => panic!("{id} did not rest: {:#}\n{}", status(platform, id).await, platform.complaints()),
    }
}

/// Waits until all sagas rest, and answers how each stands then, by id.
pub async fn all_at_rest(platform: &Platform, patience: Duration) -> BTreeMap<String, Value> {
    let rested = poll(patience, Duration::from_millis(250), || async {
        Some(list(platform).await).filter(|sagas| sagas.iter().all(at_rest))
    });
    let Some(lines) = rested.await else {
        panic!("not all rest within {patience:?}:\n{}", tell_all(platform).await);
    };
    let mut sagas = BTreeMap::new();
    for line in lines {
        let id = line["id"].as_str().unwrap();
        sagas.insert(id.to_owned(), status(platform, id).await);
    }
    sagas
}

/// Every saga with its journal, the unfinished last, and what the platform complained of.
pub async fn tell_all(platform: &Platform) -> String {
    let mut lines = list(platform).await;
    lines.sort_by_key(|line| !at_rest(line));
    let mut told = String::new();
    for line in lines {
        let id = line["id"].as_str().unwrap();
        told += &tell(&platform.get(&format!("/api/debug/sagas/{id}")).await["story"]);
    }
    told + &platform.complaints()
}

/// A saga's journal in a few lines, for whoever has to find out what went wrong.
fn tell(story: &Value) -> String {
    let mut told = format!(
        "{} {} version {} wake_at {} {}\n",
        story["id"], story["phase"], story["version"], story["wake_at"], story["counters"]
    );
    for entry in story["journal"].as_array().into_iter().flatten() {
        told += &format!("  {} {}\n", entry["seq"], entry["record"]);
    }
    told
}

/// The records of a saga's journal, in order.
pub async fn records(platform: &Platform, id: &str) -> Vec<Value> {
    let answer = platform.get(&format!("/api/debug/sagas/{id}")).await;
    let journal = answer["story"]["journal"].as_array().unwrap();
    journal.iter().map(|entry| entry["record"].clone()).collect()
}

/// A do or undo that is in the journal as begun, and not as answered, at a point in time.
#[must_use]
pub fn unanswered(records: &[Value], at: u64) -> Option<u64> {
    let before = |record: &&Value| record["at"].as_u64().unwrap() <= at;
    let last: BTreeMap<u64, &Value> =
        records.iter().filter(before).filter_map(|record| Some((record["node"].as_u64()?, record))).collect();
    let begun = |record: &Value| ["started", "undo_started"].contains(&record["type"].as_str().unwrap());
    last.into_iter().find(|(_, record)| begun(record)).map(|(node, _)| node)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_is_unanswered_from_its_start_to_its_answer() {
        let records = [
            json!({"at": 10, "type": "started", "node": 0}),
            json!({"at": 20, "type": "done", "node": 0}),
            json!({"at": 20, "type": "started", "node": 1}),
            json!({"at": 30, "type": "unwinding"}),
        ];
        assert_eq!(unanswered(&records, 9), None);
        assert_eq!(unanswered(&records, 15), Some(0));
        assert_eq!(unanswered(&records, 40), Some(1));
        assert_eq!(unanswered(&records[..2], 40), None);
    }
}
