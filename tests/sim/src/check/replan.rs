//! When another plan takes the place of what is left: it is fitted to the journal here too, without the
//! engine's help.

use makegood_core::tool::Class;

use super::Journal;

impl Journal {
    /// Another plan: what it keeps stands in it as it did before, and what it has no use for is undone.
    pub(super) fn replan(&mut self, from: u32, kept: &[u32], retired: &[u32]) -> Result<(), String> {
        if self.unwinding || self.told.iter().any(|(ix, told)| told.started && !told.refused && self.is_pivot(*ix)) {
            return Err("another plan came when there was no way back any more".to_owned());
        }
        let added = self.nodes.iter().filter(|node| node.ix >= from).count();
        if added + kept.len() != self.other_plan.len() {
            return Err(format!("{} nodes of the other plan are kept, and {added} are new", kept.len()));
        }
        for ix in kept {
            let (Some(node), told) = (self.node(*ix), self.of(*ix)) else { return Err(format!("{ix} is kept")) };
            let mut same = self.other_plan.iter().filter(|other| other.id == node.id);
            let same = same.any(|other| (&other.tool, &other.params) == (&node.tool, &node.params));
            let stands = told.done || told.wait_until.is_some() || told.asked.is_some();
            if !same || !stands || told.dropped || told.undone {
                return Err(format!("{ix} is kept, and is not what the other plan wants: {told:?}"));
            }
        }
        for node in self.nodes.iter().filter(|node| node.ix < from && !kept.contains(&node.ix)) {
            let told = self.of(node.ix);
            if told.dropped {
                continue;
            }
            let stands = node.class == Class::Compensatable && told.done && !told.undone;
            if stands != retired.contains(&node.ix) {
                return Err(format!("{} is dropped, retired: {}: {told:?}", node.ix, !stands));
            }
            // Where the partner fences, an undo settles it whatever became of it.
            let begun = told.started && !told.idle_round;
            let unknown = begun && !told.done && !told.refused && !told.undone && !told.undo_started;
            if unknown && !self.fenced.contains(&node.ix) {
                return Err(format!("{} is dropped, and nobody knows what became of it: {told:?}", node.ix));
            }
        }
        for ix in (0..from).filter(|ix| !kept.contains(ix)) {
            let told = self.told.entry(ix).or_default();
            told.leave_round();
            (told.dropped, told.held, told.waits) = (true, None, 0);
        }
        (self.replanned, self.rest) = (true, None);
        Ok(())
    }
}
