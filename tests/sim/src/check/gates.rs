//! Before a step is begun, or settled without a partner: by what the journal says, its turn has come.

use makegood_core::saga::{Gather, Node, Wait};
use makegood_core::tool::Class;
use serde_json::{Map, Value};

use super::Journal;
use crate::scenario::PAID;

impl Journal {
    /// The point of no return comes after all that can be undone, whichever plan it came with.
    pub(super) fn has_way_back_behind(&self, ix: u32) -> Result<(), String> {
        let undoable = |node: &&Node| node.class == Class::Compensatable && !self.settled(node.ix);
        let left = self.nodes.iter().find(undoable).filter(|_| self.is_pivot(ix));
        left.map_or(Ok(()), |left| Err(format!("the pivot {ix} was started before {}, which can be undone", left.ix)))
    }

    /// No more of a list are under way than may be.
    pub(super) fn crowd_has_room(&self, ix: u32) -> Result<(), String> {
        let Some(crowd) = self.node(ix).and_then(|node| node.crowd) else { return Ok(()) };
        let others = self.nodes.iter().filter(|node| node.crowd.is_some_and(|other| other.of == crowd.of));
        let busy = others.filter(|node| {
            let told = self.of(node.ix);
            let over = told.done || told.refused || told.undone || told.held.is_some();
            told.started && !over && !told.idle_round
        });
        if busy.count() >= crowd.concurrency as usize {
            return Err(format!("{ix} was started, and {} of its list are under way", crowd.concurrency));
        }
        Ok(())
    }

    /// The list that a node goes through, as the journal has it.
    fn list_of(&self, node: &Node) -> Option<&Vec<Value>> {
        let (step, path) = node.item.as_ref()?.list.strip_prefix('$')?.split_once('.')?;
        self.outputs.get(node.refs.get(step)?)?.get(path)?.as_array()
    }

    /// What a node without a partner gives is what the journal says that others gave.
    pub(super) fn gathers(&self, ix: u32, output: &Value) -> Result<(), String> {
        let Some(node) = self.node(ix) else { return Ok(()) };
        let given = |ix: &u32| self.outputs.get(ix).cloned();
        let wanted: Value = match &node.gather {
            None => return Ok(()),
            Some(Gather::First(members)) => members.iter().find_map(given).unwrap_or_default(),
            Some(Gather::All(members)) if members.is_empty() => Value::Null,
            Some(Gather::All(members)) => {
                let length = self.list_of(node).map_or(members.len(), Vec::len);
                members.iter().take(length).map(|ix| given(ix).unwrap_or_default()).collect()
            }
        };
        if *output != wanted {
            return Err(format!("{ix} gives {output}, and should give {wanted}"));
        }
        Ok(())
    }

    /// The step's condition holds, by what the journal says, and nothing that it needs was passed over.
    pub(super) fn may_be_done(&self, ix: u32) -> Result<(), String> {
        let Some(node) = self.node(ix) else { return Err(format!("{ix} is not in the plan")) };
        if let Some(when) = &node.when {
            let step =
                when.left.as_str().and_then(|left| left.strip_prefix('$')?.strip_suffix(".n")).unwrap_or_default();
            let output = node.refs.get(step).and_then(|ix| self.outputs.get(ix));
            let holds = output.and_then(|output| output.get("n")?.as_u64()).zip(when.right.as_u64());
            if holds.is_none_or(|(left, right)| left >= right) {
                return Err(format!("{ix} has a condition that does not hold: {when:?} of {output:?}"));
            }
        }
        if let Some(other) = node.instead_of.iter().find(|other| self.of(**other).done) {
            return Err(format!("{ix} stands in for {other}, which was done"));
        }
        if let Some(Gather::First(members)) = &node.gather
            && !members.iter().any(|member| self.of(*member).done)
        {
            return Err(format!("{ix} has nothing to give"));
        }
        if let Some(item) = &node.item {
            let passed_over = node
                .refs
                .iter()
                .any(|(step, dep)| item.list.starts_with(&format!("${step}.")) && self.of(*dep).skipped);
            let beyond = self.list_of(node).is_some_and(|list| list.len() <= item.at as usize);
            if passed_over || (node.gather.is_none() && beyond) {
                return Err(format!("{ix} is for an item that is not there"));
            }
        }
        let text = serde_json::to_string(&node.params).unwrap_or_default();
        let missing = node.refs.iter().find(|(step, dep)| {
            let named = text.contains(&format!("\"${step}\"")) || text.contains(&format!("\"${step}."));
            named && self.of(**dep).skipped
        });
        missing.map_or(Ok(()), |(step, _)| Err(format!("{ix} needs {step}, which was passed over")))
    }

    /// Enough people have agreed to the step as it is made.
    pub(super) fn is_approved(&self, ix: u32, params: Option<&Map<String, Value>>) -> Result<(), String> {
        let Some(node) = self.node(ix) else { return Ok(()) };
        let Some(approval) = &node.approval else { return Ok(()) };
        let told = self.of(ix);
        let made_with = params.unwrap_or(&node.params);
        if let Some(when) = &approval.when {
            let limit = when.right.as_u64().unwrap_or_default();
            if made_with.get("n").and_then(Value::as_u64).is_none_or(|n| n <= limit) {
                return Ok(());
            }
        }
        if told.rejected || told.yes.len() < approval.quorum as usize || told.asked.as_ref() != Some(made_with) {
            return Err(format!("{ix} was started with {made_with:?}, to which people had not agreed: {told:?}"));
        }
        Ok(())
    }

    /// What was brought once is what one step has waited for.
    pub(super) fn is_taken_once(&self, ix: u32, output: &Value) -> Result<(), String> {
        let is_paid = |ix: u32| {
            let wait = self.node(ix).and_then(|node| node.wait.as_ref());
            matches!(wait, Some(Wait::Event { name, .. }) if name == PAID)
        };
        let mut others = self.outputs.iter().filter(|(other, given)| **other != ix && *given == output);
        match others.find(|(other, _)| is_paid(**other) && is_paid(ix)) {
            None => Ok(()),
            Some((other, _)) => Err(format!("one payment is taken for two, by {other} and by {ix}: {output}")),
        }
    }

    pub(super) fn wait_is_over(&self, ix: u32, at: u64) -> Result<(), String> {
        match self.node(ix).and_then(|node| node.wait.as_ref()) {
            None => Ok(()),
            Some(Wait::Event { name, .. }) if self.sent.contains(name) => Ok(()),
            Some(Wait::Event { name, .. }) => Err(format!("{ix} has got {name}, which nobody sent")),
            Some(Wait::ForMs(_) | Wait::Until(_)) => {
                let until = self.of(ix).wait_until;
                if until.is_some_and(|until| until <= at) {
                    Ok(())
                } else {
                    Err(format!("{ix} waited until {at}, and should have until {until:?}"))
                }
            }
        }
    }
}
