//! Calls that may be under way only so many at once: what the partners see, and who is let go first.
//!
//! A call is under way from when it leaves its worker until that has an answer or the call's time is up,
//! whether or not the worker is alive by then. What the network brings twice, or after that, no count of ours
//! can keep out.

use std::collections::BTreeMap;
use std::rc::Rc;

use makegood_core::saga::Priority;
use makegood_core::tool::Per;
use makegood_gateway::Request;

use super::World;
use crate::turns::Asked;

/// A step that was told to wait.
struct Waiter {
    keys: Vec<String>,
    rank: i64,
    until: u64,
}

/// Above all priorities: what may have happened already, and is to be settled.
const URGENT: i64 = 2;

const fn rank(priority: Priority) -> i64 {
    match priority {
        Priority::Low => -1,
        Priority::Normal => 0,
        Priority::High => 1,
    }
}

#[derive(Default)]
pub struct UnderWay {
    next: u64,
    calls: BTreeMap<u64, Vec<(String, u32)>>,
    line: BTreeMap<(String, u32), Waiter>,
}

impl World {
    /// What a do counts for, in this world in which all sagas have one owner.
    fn limits(&self, tool: &str) -> Vec<(String, u32)> {
        let known = self.scenario.tools.get(tool);
        let limits = known.into_iter().flat_map(|tool| &tool.concurrency);
        let per = |per: Per| if per == Per::Tool { "all" } else { "one owner's" };
        let own = limits.map(|limit| (format!("{} calls of {tool}", per(limit.per)), limit.limit.get()));
        own.chain(self.scenario.user_concurrency.map(|most| ("calls of one owner".to_owned(), most))).collect()
    }

    /// A do leaves for a partner: its number, where it is counted.
    pub(super) fn call_leaves(self: &Rc<Self>, request: &Request, timeout: u64) -> Option<u64> {
        let tool = request.uri().path().trim_matches('/').split('/').next().unwrap_or_default();
        let limits = self.limits(tool);
        if limits.is_empty() {
            return None;
        }
        let mut under_way = self.under_way.borrow_mut();
        for (key, most) in &limits {
            let others = under_way.calls.values().flatten().filter(|(other, _)| other == key).count();
            if others >= *most as usize {
                self.violation(format!("one more of {key} leaves, and {others} are under way"));
            }
        }
        under_way.next += 1;
        let number = under_way.next;
        under_way.calls.insert(number, limits);
        drop(under_way);
        self.later(timeout, move |world| world.call_is_over(Some(number)));
        Some(number)
    }

    /// Its worker has an answer, or waits no longer.
    pub(super) fn call_is_over(&self, number: Option<u64>) {
        if let Some(number) = number {
            self.under_way.borrow_mut().calls.remove(&number);
        }
    }

    /// A step has asked for its turn. Where there is one for all, nobody goes before one who waits for the same
    /// with a higher rank, which is that of the saga's priority or of what has to be settled.
    pub(super) fn turn_asked(&self, asked: &Asked) {
        let name = (asked.saga.clone(), asked.node);
        self.under_way.borrow_mut().line.remove(&name);
        let priority = |saga: &str| {
            let database = self.database.borrow();
            let row = database.sagas.get(saga).filter(|row| !row.head.phase.at_rest());
            row.filter(|row| row.phase == "forward" && !row.head.paused).map(|row| row.head.priority)
        };
        let Some(own) = priority(&asked.saga) else { return };
        if ![rank(own), URGENT].contains(&asked.rank) {
            self.violation(format!("{name:?} asks with rank {}, and its saga's priority is {own:?}", asked.rank));
        }
        let now = self.now();
        let keys: Vec<String> = asked.limits.iter().map(|(key, _)| key.clone()).collect();
        let mut under_way = self.under_way.borrow_mut();
        self.trace(|| format!("turn     of {name:?}: {} {keys:?}", asked.came));
        if asked.waits {
            under_way.line.insert(name, Waiter { keys, rank: asked.rank, until: now + asked.wait });
            return;
        }
        if !asked.came || asked.held {
            return;
        }
        let one_for_all = asked.limits.iter().any(|(_, most)| *most == 1);
        let better = under_way.line.iter().find(|((saga, _), waiter)| {
            let waits = waiter.until > now && waiter.keys == keys && priority(saga).is_some();
            waits && waiter.rank > asked.rank
        });
        if let Some((other, _)) = better.filter(|_| one_for_all) {
            self.violation(format!("{name:?} has its turn before {other:?}, which is more urgent"));
        }
    }

    /// Steps that wait no longer.
    pub(super) fn places_left(&self, saga: &str, nodes: &[u32]) {
        let mut under_way = self.under_way.borrow_mut();
        for node in nodes {
            under_way.line.remove(&(saga.to_owned(), *node));
        }
    }
}
