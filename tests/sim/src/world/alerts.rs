//! Whether people are told of what needs them. What needs somebody is judged here by the heads alone, and by no query
//! of the database.

use std::rc::Rc;

use makegood_core::saga::{Head, Job, Phase};

use super::World;
use crate::postgres::Row;

/// So many sweeps may pass, and one more for each saga, since a sweep without time tells of one only.
const SWEEPS: u32 = 4;

/// Something that a person must see to.
pub struct Need {
    why: &'static str,
    /// Tells one occasion from the next.
    mark: String,
    told: bool,
    /// Sweeps since.
    sweeps: u32,
}

impl World {
    /// A saga has committed: it may need somebody now, or nobody any more.
    pub(super) fn follow_need(self: &Rc<Self>, row: &Row) {
        let needed = needed(&row.head, row.version);
        let mut needs = self.needs.borrow_mut();
        let Some((why, mark)) = needed else {
            needs.remove(&row.id);
            return;
        };
        if needs.get(&row.id).is_some_and(|need| (need.why, &need.mark) == (why, &mark)) {
            return;
        }
        // What had something beside it for a while was told of before.
        let told = self.told.borrow().contains(&(row.id.clone(), mark.clone()));
        needs.insert(row.id.clone(), Need { why, mark, told, sweeps: 0 });
        drop(needs);
        self.sweep_before(self.now());
    }

    /// A line of the log tells people of a saga.
    pub fn people_are_told(&self, line: &str) {
        let told = line.strip_prefix("alert: ").and_then(|told| told.split_once(": ")?.0.split_once(' '));
        let Some((saga, why)) = told else { return };
        if let Some(need) = self.needs.borrow_mut().get_mut(saga).filter(|need| need.why == why) {
            need.told = true;
            self.told.borrow_mut().insert((saga.to_owned(), need.mark.clone()));
        }
    }

    /// Of all that needs somebody now.
    pub(super) fn all_are_told(&self) -> bool {
        self.needs.borrow().values().all(|need| need.told)
    }

    /// A sweep came to its end. In calm it does what it is to do.
    pub(super) fn swept(&self) {
        if self.stormy() {
            return;
        }
        let most = SWEEPS + u32::try_from(self.sagas.borrow().len()).unwrap_or(u32::MAX - SWEEPS);
        let mut late = None;
        for (saga, need) in self.needs.borrow_mut().iter_mut().filter(|(_, need)| !need.told) {
            need.sweeps += 1;
            if need.sweeps > most {
                late.get_or_insert_with(|| format!("nobody is told that it is {} ({}): {saga}", need.why, need.mark));
            }
        }
        if let Some(late) = late {
            self.violation(late);
        }
    }

    /// All is over.
    pub(super) fn check_told(&self) {
        let untold = {
            let needs = self.needs.borrow();
            let untold = needs.iter().find(|(_, need)| !need.told);
            untold.map(|(saga, need)| format!("nobody was told that it is {}, to the end: {saga}", need.why))
        };
        if let Some(untold) = untold {
            self.violation(untold);
        }
    }
}

/// Why a person must see to a saga, where one must, and by what that is known from the next time.
fn needed(head: &Head, version: u32) -> Option<(&'static str, String)> {
    if head.phase == Phase::Stuck {
        return Some(("stuck", version.to_string()));
    }
    if head.phase != Phase::Forward {
        return None;
    }
    if let Some(tool) = head.drifting.as_ref().filter(|_| head.paused) {
        return Some(("drifting", tool.clone()));
    }
    // A query that failed beside the point of no return is held at nothing: what becomes of that settles it.
    let held = head.open.iter().filter(|(_, open)| open.job == Job::Held && open.op.is_some());
    // What is held since another time is held anew.
    let held: Vec<(u32, u64)> = held.map(|(ix, open)| (*ix, open.since.0)).collect();
    (!held.is_empty()).then(|| ("held", format!("{held:?}")))
}
