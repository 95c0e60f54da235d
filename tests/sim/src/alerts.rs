//! Who is to be told of what, as the database of a world says it: what `migrations/0023_needs.sql` says, by the rows
//! that there are.

use std::collections::BTreeMap;

use makegood_core::saga::{Child, Job, Open, Phase};
use makegood_gateway::alerts::Why;
use serde_json::{Value, json};

use crate::postgres::Row;

/// Wakes without a commit, from which on they are in vain.
const IN_VAIN: u32 = 10;

/// What a saga needs a person for.
struct Needed {
    why: Why,
    /// Tells one occasion from the next.
    mark: String,
    about: String,
    since: Option<u64>,
    /// How long after `since` somebody is told.
    patience: u64,
}

/// A row of `makegood.need`.
struct Need {
    why: Why,
    mark: String,
    since: u64,
    said: u32,
    due_at: u64,
}

/// The needs that a sweep has seen, by saga.
#[derive(Default)]
pub struct Needs(BTreeMap<String, Need>);

impl Needs {
    /// The alerts that are due.
    pub fn due(&mut self, sagas: &BTreeMap<String, Row>, p: &[Option<&str>]) -> Option<Value> {
        let number = |place: usize| p.get(place).copied().flatten()?.parse::<u64>().ok();
        let (now, patience, limit) = (number(0)?, number(1)?, usize::try_from(number(2)?).ok()?);
        let mut found = Vec::new();
        for row in sagas.values() {
            let needed = need_of(row, now, patience);
            let Some(needed) = needed else {
                // What nobody was told of is over without a word.
                if let Some(need) = self.0.get(&row.id)
                    && need.said > 0
                {
                    found.push((need.said, need.due_at, told(row, Why::Over, "", need)));
                } else {
                    self.0.remove(&row.id);
                }
                continue;
            };
            let since = needed.since.unwrap_or(now);
            let due_at = since.saturating_add(needed.patience);
            let need = self.0.entry(row.id.clone()).or_insert_with(|| Need {
                why: needed.why,
                mark: needed.mark.clone(),
                since,
                said: 0,
                due_at,
            });
            if (need.why, &need.mark) != (needed.why, &needed.mark) {
                *need = Need { why: needed.why, mark: needed.mark.clone(), since, said: need.said, due_at };
            }
            if need.due_at <= now {
                found.push((need.said, need.due_at, told(row, needed.why, &needed.about, need)));
            }
        }
        found.sort_by_key(|(said, due_at, _)| (*said, *due_at));
        Some(found.into_iter().take(limit).map(|(.., told)| told).collect())
    }

    /// Somebody was told.
    pub fn said(&mut self, p: &[Option<&str>]) -> Option<Value> {
        let text = |place: usize| p.get(place).copied().flatten();
        let (saga, said) = (text(0)?, text(1)?.parse::<u32>().ok()?);
        let again = text(2).and_then(|due| due.parse::<u64>().ok());
        if let Some(need) = self.0.get_mut(saga).filter(|need| need.said == said) {
            match again {
                Some(due_at) => (need.said, need.due_at) = (said + 1, due_at),
                None => {
                    self.0.remove(saga);
                }
            }
        }
        Some(json!(true))
    }
}

fn told(row: &Row, why: Why, about: &str, need: &Need) -> Value {
    json!({
        "saga": row.id, "why": why, "about": about, "phase": row.head.phase, "owner": row.owner, "title": row.title,
        "since": need.since, "said": need.said,
    })
}

fn need_of(row: &Row, now: u64, patience: u64) -> Option<Needed> {
    let head = &row.head;
    let at_once = |why, mark: String, about: String| Needed { why, mark, about, since: None, patience: 0 };
    let held = |wanted: &dyn Fn(&Open) -> bool| -> Vec<u32> {
        head.open.iter().filter(|&(_, open)| open.job == Job::Held && wanted(open)).map(|(ix, _)| *ix).collect()
    };
    let long_ago = |at: u64| at.saturating_add(patience) <= now;
    match head.phase {
        Phase::Completed | Phase::MadeGood => return None,
        Phase::Stuck => {
            return Some(at_once(Why::Stuck, row.version.to_string(), names(row, &held(&|_| true))));
        }
        Phase::Forward | Phase::Unwinding => {}
    }
    if row.idle_wakes >= IN_VAIN && long_ago(row.updated_at) {
        return Some(Needed { since: Some(row.updated_at), ..at_once(Why::Silent, String::new(), String::new()) });
    }
    if head.phase == Phase::Unwinding {
        return Some(Needed { patience, ..at_once(Why::Unwinding, String::new(), String::new()) });
    }
    if let Some(tool) = head.drifting.as_ref().filter(|_| head.paused) {
        return Some(at_once(Why::Drifting, tool.clone(), tool.clone()));
    }
    let held = held(&|open| open.op.is_some());
    if !held.is_empty() {
        let since = |ix: &u32| head.open.get(ix).map_or(0, |open| open.since.0);
        let held_since: Vec<(u32, u64)> = held.iter().map(|ix| (*ix, since(ix))).collect();
        return Some(at_once(Why::Held, format!("{held_since:?}"), names(row, &held)));
    }
    let is_child = |ix: u32| row.nodes.iter().any(|(node, _)| node.ix == ix && Child::is_one(&node.tool));
    let tried = head
        .open
        .iter()
        .filter(|(ix, open)| matches!(open.job, Job::Do | Job::Ask | Job::Undo) && open.attempt > 0 && !is_child(**ix));
    let tried: Vec<(u32, u64)> = tried.map(|(ix, open)| (*ix, open.since.0)).collect();
    if head.cause.is_some() {
        let about = names(row, &tried.iter().map(|(ix, _)| *ix).collect::<Vec<_>>());
        return Some(Needed { patience, ..at_once(Why::Failing, String::new(), about) });
    }
    let old: Vec<u32> = tried.iter().filter(|(_, since)| long_ago(*since)).map(|(ix, _)| *ix).collect();
    let since = tried.iter().map(|(_, since)| *since).min().filter(|_| !old.is_empty())?;
    Some(Needed { since: Some(since), ..at_once(Why::Unsettled, String::new(), names(row, &old)) })
}

/// The ids of some steps.
fn names(row: &Row, ixs: &[u32]) -> String {
    let named = row.nodes.iter().filter(|(node, _)| ixs.contains(&node.ix)).map(|(node, _)| node.id.as_str());
    named.collect::<Vec<_>>().join(", ")
}
