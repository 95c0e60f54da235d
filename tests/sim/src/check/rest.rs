//! When all is over: the rest that the journal tells of is what the partners' ledgers say.

use std::collections::BTreeSet;

use makegood_core::saga::Op;
use makegood_core::tool::{Class, Repeat};

use super::{Journal, Tools};
use crate::postgres::Row;
use crate::town::Town;
use crate::world::SPAN;

impl Journal {
    /// All is over, and nothing is under way any more: the rest and the world agree.
    pub fn end(&self, row: &Row, town: &Town, tools: &Tools) -> Result<&'static str, String> {
        let Some(rest) = self.rest else { return Err(format!("it came to no rest, and is {}", row.phase)) };
        let effects = || self.nodes.iter().filter(|node| node.class != Class::Query);
        let deed = |ix: u32| town.deeds.get(&(self.base + ix)).cloned().unwrap_or_default();
        let held: Vec<u32> = self.told.iter().filter(|(_, told)| told.held.is_some()).map(|(ix, _)| *ix).collect();
        match rest {
            "completed" => {
                for node in &self.nodes {
                    if !self.settled(node.ix) {
                        return Err(format!("completed, and {} is not done", node.ix));
                    }
                }
                for node in effects() {
                    let deed = deed(node.ix);
                    if self.of(node.ix).dropped {
                        if deed.left > 0 {
                            return Err(format!("completed, and {}, which was dropped, is done", node.ix));
                        }
                        continue;
                    }
                    if self.of(node.ix).skipped {
                        if deed.applied > 0 {
                            return Err(format!("completed, and {}, which was passed over, is done", node.ix));
                        }
                        continue;
                    }
                    if node.replaceable && !self.of(node.ix).done {
                        if deed.left > 0 {
                            return Err(format!("completed, and {}, for which another stood in, is done", node.ix));
                        }
                        continue;
                    }
                    if (deed.applied, deed.left) != (1, 1) {
                        return Err(format!(
                            "completed, and {} was done {} times, {} left",
                            node.ix, deed.applied, deed.left
                        ));
                    }
                }
            }
            "made_good" => {
                for node in effects() {
                    if deed(node.ix).left > 0 {
                        return Err(format!("made good, and {} is still done", node.ix));
                    }
                }
            }
            _ => {
                if self.stuck.is_empty() || self.stuck != held {
                    return Err(format!("stuck on {:?}, held {held:?}", self.stuck));
                }
                self.justify(&held, town, tools)?;
                self.check_stuck(&held, town)?;
            }
        }
        Ok(rest)
    }

    /// A person is only called where there was no other way.
    fn justify(&self, held: &[u32], town: &Town, tools: &Tools) -> Result<(), String> {
        for ix in held {
            let (Some(node), told) = (self.node(*ix), self.of(*ix)) else { continue };
            let Some(tool) = tools.get(&node.tool) else { continue };
            let deed = town.deeds.get(&(self.base + ix)).cloned().unwrap_or_default();
            let (op, code) = told.held.clone().unwrap_or((Op::Do, String::new()));
            let short_memory = matches!(tool.repeat, Repeat::Keyed { ttl_ms } if ttl_ms.0 < 60_000);
            let fine = match (op, code.as_str()) {
                (Op::Undo, "poison") => true,
                (Op::Undo, "done_by_hand") => told.by_hand,
                (Op::Undo, _) => deed.undo_refused || deed.undone_by_hand,
                (Op::Status, _) => deed.status_refused,
                (Op::Do, "unknown_outcome") => {
                    let deaf = tool.repeat == Repeat::Never || short_memory;
                    let undoable = node.class == Class::Compensatable && tool.fence;
                    deaf && !undoable && (!tool.status || told.doubted)
                }
                // Past the pivot, or beside one that turned out to be done.
                (Op::Do, _)
                    if node.escalate
                        && !self.unwinding
                        && (told.refused || told.retried > 0 || code == "no_answer") =>
                {
                    true
                }
                (Op::Do, _) => {
                    let acted = town.of(self.base).any(|(ix, deed)| self.is_pivot(ix) && deed.left > 0);
                    let acted = acted || self.told.iter().any(|(ix, told)| told.skipped && self.is_pivot(*ix));
                    (told.refused || told.retried > 0) && (acted || held.iter().any(|ix| self.is_pivot(*ix)))
                }
            };
            if !fine {
                return Err(format!("{ix} ({}) is held without need: {told:?} {deed:?}", node.tool));
            }
        }
        Ok(())
    }

    /// What no held node stands in the way of is finished in its direction.
    fn check_stuck(&self, held: &[u32], town: &Town) -> Result<(), String> {
        if self.unwinding {
            for (ix, deed) in town.of(self.base).filter(|(_, deed)| deed.left > 0) {
                let ix = ix % SPAN;
                let blocked = held.contains(&ix) || self.after(ix).any(|after| held.contains(&after));
                if !blocked {
                    return Err(format!("stuck on {held:?}, and {ix} could be undone: {deed:?}"));
                }
            }
        } else {
            let blocked: BTreeSet<u32> =
                held.iter().flat_map(|ix| self.after(*ix)).chain(held.iter().copied()).collect();
            let pivot_at_large = held.iter().any(|ix| self.class(*ix) == Class::Pivot);
            let idle = self.nodes.iter().find(|node| !self.settled(node.ix) && !blocked.contains(&node.ix));
            if let Some(node) = idle.filter(|_| !pivot_at_large) {
                return Err(format!("stuck on {held:?}, and {} could be done", node.ix));
            }
        }
        Ok(())
    }
}
