//! What must hold: the journal folded on its own, compared with the head after every commit, and
//! with the partners' ledgers whenever a call arrives and when all is over.

use std::collections::{BTreeMap, BTreeSet};

use makegood_core::saga::{Fact, Job, Node, Op, Phase};
use makegood_core::tool::{Class, Definition, Repeat};

use crate::postgres::Row;
use crate::town::Town;

/// What the journal says of one node.
#[derive(Clone, Debug, Default)]
struct Told {
    started: bool,
    done: bool,
    refused: bool,
    undo_started: bool,
    undone: bool,
    held: Option<(Op, String)>,
    /// The partner said that it does not know the key.
    doubted: bool,
}

/// The journal, folded without the engine's help.
#[derive(Debug, Default)]
pub struct Journal {
    nodes: Vec<Node>,
    dependants: BTreeMap<u32, Vec<u32>>,
    told: BTreeMap<u32, Told>,
    pub unwinding: bool,
    rest: Option<&'static str>,
    stuck: Vec<u32>,
    pub yields: u32,
}

type Tools = BTreeMap<String, Definition>;

impl Journal {
    pub fn new(nodes: Vec<Node>) -> Self {
        let mut dependants: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
        for node in &nodes {
            for dep in &node.deps {
                dependants.entry(*dep).or_default().push(node.ix);
            }
        }
        Self { nodes, dependants, ..Self::default() }
    }

    fn node(&self, ix: u32) -> Option<&Node> {
        self.nodes.get(usize::try_from(ix).ok()?)
    }

    fn class(&self, ix: u32) -> Class {
        self.node(ix).map_or(Class::Query, |node| node.class)
    }

    /// The step's id in the plan.
    pub fn id(&self, ix: u32) -> Option<&str> {
        self.node(ix).map(|node| node.id.as_str())
    }

    pub fn is_pivot(&self, ix: u32) -> bool {
        self.class(ix) == Class::Pivot
    }

    fn of(&self, ix: u32) -> Told {
        self.told.get(&ix).cloned().unwrap_or_default()
    }

    /// Everything that depends on `ix`, directly or not.
    fn after(&self, ix: u32) -> BTreeSet<u32> {
        let mut found = BTreeSet::new();
        let mut next = vec![ix];
        while let Some(ix) = next.pop() {
            for dependant in self.dependants.get(&ix).into_iter().flatten() {
                if found.insert(*dependant) {
                    next.push(*dependant);
                }
            }
        }
        found
    }

    /// Folds what a commit brought, and compares the result with the head that came with it.
    pub fn commit(&mut self, row: &Row, tools: &Tools, pivot_acted: bool) -> Result<(), String> {
        if let Some(rest) = self.rest {
            return Err(format!("a commit after the saga was {rest}"));
        }
        let fresh = row
            .facts
            .iter()
            .rev()
            .take_while(|(seq, _)| seq / makegood_gateway::store::PLACES == u64::from(row.version))
            .count();
        for (_, record) in &row.facts[row.facts.len() - fresh..] {
            self.fold(&record.fact, tools, pivot_acted)?;
        }
        self.compare(row, tools)
    }

    fn fold(&mut self, fact: &Fact, tools: &Tools, pivot_acted: bool) -> Result<(), String> {
        match fact {
            Fact::Started { node, .. } => {
                let missing = self.node(*node).into_iter().flat_map(|node| &node.deps).find(|dep| !self.of(**dep).done);
                if let Some(dep) = missing {
                    return Err(format!("{node} was started before {dep} was done"));
                }
                let told = self.told.entry(*node).or_default();
                if self.unwinding && !told.started {
                    return Err(format!("{node} was first started while unwinding"));
                }
                told.started = true;
            }
            Fact::Done { node, .. } => {
                let query = self.class(*node) == Class::Query;
                let told = self.told.entry(*node).or_default();
                if told.done || told.refused || told.undone || (!told.started && !query) {
                    return Err(format!("{node} was done out of turn: {told:?}"));
                }
                told.done = true;
            }
            Fact::Refused { node, .. } => {
                let told = self.told.entry(*node).or_default();
                if told.done || told.undone {
                    return Err(format!("{node} was refused out of turn: {told:?}"));
                }
                told.refused = true;
            }
            Fact::UndoStarted { node, .. } => {
                if !self.unwinding {
                    return Err(format!("the undo of {node} was started while going forward"));
                }
                self.may_undo(*node, tools)?;
                self.told.entry(*node).or_default().undo_started = true;
            }
            Fact::Undone { node, .. } => {
                let told = self.told.entry(*node).or_default();
                if !told.undo_started || told.undone {
                    return Err(format!("{node} was undone out of turn: {told:?}"));
                }
                told.undone = true;
            }
            Fact::Held { node, op, code, .. } => self.told.entry(*node).or_default().held = Some((*op, code.clone())),
            Fact::Unsettled { node, op, reason, .. } => {
                if *op == Op::Status && reason.contains("has not seen") {
                    self.told.entry(*node).or_default().doubted = true;
                }
            }
            Fact::Unwinding { .. } => {
                if self.unwinding || pivot_acted {
                    return Err(format!(
                        "it unwinds (again: {}, after the pivot acted: {pivot_acted})",
                        self.unwinding
                    ));
                }
                self.unwinding = true;
            }
            Fact::Yielded { .. } => self.yields += 1,
            Fact::Completed => self.rest = Some("completed"),
            Fact::MadeGood => self.rest = Some("made_good"),
            Fact::Stuck { nodes } => {
                self.rest = Some("stuck");
                self.stuck.clone_from(nodes);
            }
        }
        Ok(())
    }

    /// Whether the undo of `ix` may leave: all that was started after it is out of the way.
    fn may_undo(&self, ix: u32, tools: &Tools) -> Result<(), String> {
        for dependant in self.after(ix) {
            let told = self.of(dependant);
            let fence = self.fence(dependant, tools);
            let out = !told.started
                || told.undone
                || (told.refused && !fence)
                || self.class(dependant) != Class::Compensatable;
            if !out {
                return Err(format!("{ix} is undone before {dependant}, which depends on it: {told:?}"));
            }
        }
        Ok(())
    }

    fn fence(&self, ix: u32, tools: &Tools) -> bool {
        self.node(ix).and_then(|node| tools.get(&node.tool)).is_some_and(|tool| tool.fence)
    }

    /// Head and journal tell the same.
    fn compare(&self, row: &Row, tools: &Tools) -> Result<(), String> {
        let head = &row.head;
        let phase = match (self.rest, self.unwinding) {
            (Some(rest), _) => rest,
            (None, true) => "unwinding",
            (None, false) => "forward",
        };
        if head.phase.as_str() != phase || row.phase != phase {
            return Err(format!("the journal says {phase}, the head {}", head.phase));
        }
        if head.phase.at_rest() != row.wake_at.is_none() {
            return Err(format!("{phase}, and the sweeper's time is {:?}", row.wake_at));
        }
        if head.phase == Phase::Forward {
            for node in &self.nodes {
                let (ix, told) = (node.ix, self.of(node.ix));
                let open = head.open.get(&ix).map(|open| open.job);
                let fits = match open {
                    None if ix >= head.cursor => !told.started && !told.done,
                    None => told.done || told.refused,
                    Some(Job::Pending) => !told.started,
                    Some(Job::Held) => told.held.is_some() || (told.refused && node.class == Class::Query),
                    Some(Job::Do | Job::Ask) => {
                        !told.done && !told.refused && (told.started || node.class == Class::Query)
                    }
                    Some(Job::Undo) => false,
                };
                if !fits {
                    return Err(format!("forward, {ix} is {open:?} in the head, and in the journal {told:?}"));
                }
            }
        }
        if self.unwinding {
            for node in self.nodes.iter().filter(|node| node.class == Class::Compensatable && node.ix >= head.floor) {
                let told = self.of(node.ix);
                let out = !told.started || told.undone || (told.refused && !self.fence(node.ix, tools));
                let open = head.open.get(&node.ix).map(|open| open.job);
                let fits = match open {
                    None | Some(Job::Pending) => out,
                    Some(Job::Undo | Job::Do | Job::Ask | Job::Held) => told.started && !told.undone,
                };
                if !fits {
                    return Err(format!("unwinding, {} is {open:?} in the head, and in the journal {told:?}", node.ix));
                }
            }
        }
        Ok(())
    }

    /// A do arrives at a partner.
    pub fn do_arrives(&self, ix: u32) -> Result<(), String> {
        let Some(node) = self.node(ix) else { return Err(format!("a do of {ix}, which is not in the plan")) };
        if !self.of(ix).started {
            return Err(format!("a do of {ix} arrives, and no commit tells of it"));
        }
        node.deps
            .iter()
            .find(|dep| !self.of(**dep).done)
            .map_or(Ok(()), |dep| Err(format!("a do of {ix} arrives, and {dep} is not done in the journal")))
    }

    /// An undo arrives at a partner.
    pub fn undo_arrives(&self, ix: u32, town: &Town) -> Result<(), String> {
        if !self.unwinding || !self.of(ix).undo_started {
            return Err(format!("an undo of {ix} arrives, and no commit tells of it"));
        }
        for dependant in self.after(ix) {
            if town.deeds.get(&dependant).is_some_and(|deed| deed.left > 0) {
                return Err(format!("an undo of {ix} arrives, and {dependant}, which depends on it, is still done"));
            }
        }
        Ok(())
    }

    /// All is over, and nothing is under way any more: the rest and the world agree.
    pub fn end(&self, row: &Row, town: &Town, tools: &Tools) -> Result<&'static str, String> {
        let Some(rest) = self.rest else { return Err(format!("it came to no rest, and is {}", row.phase)) };
        let effects = || self.nodes.iter().filter(|node| node.class != Class::Query);
        let deed = |ix: u32| town.deeds.get(&ix).cloned().unwrap_or_default();
        let held: Vec<u32> = self.told.iter().filter(|(_, told)| told.held.is_some()).map(|(ix, _)| *ix).collect();
        match rest {
            "completed" => {
                for node in &self.nodes {
                    if !self.of(node.ix).done {
                        return Err(format!("completed, and {} is not done", node.ix));
                    }
                }
                for node in effects() {
                    let deed = deed(node.ix);
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
            let deed = town.deeds.get(ix).cloned().unwrap_or_default();
            let (op, code) = told.held.clone().unwrap_or((Op::Do, String::new()));
            let short_memory = matches!(tool.repeat, Repeat::Keyed { ttl_ms } if ttl_ms.0 < 60_000);
            let fine = match (op, code.as_str()) {
                (Op::Undo, "poison") => true,
                (Op::Undo, _) => deed.undo_refused,
                (Op::Status, _) => deed.status_refused,
                (Op::Do, "unknown_outcome") => {
                    let deaf = tool.repeat == Repeat::Never || short_memory;
                    let undoable = node.class == Class::Compensatable && tool.fence;
                    deaf && !undoable && (!tool.status || told.doubted)
                }
                // Past the pivot, or beside one that turned out to be done.
                (Op::Do, _) => {
                    let acted = town.deeds.iter().any(|(ix, deed)| self.is_pivot(*ix) && deed.left > 0);
                    told.refused && (acted || held.iter().any(|ix| self.is_pivot(*ix)))
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
            for (ix, deed) in town.deeds.iter().filter(|(_, deed)| deed.left > 0) {
                let blocked = held.contains(ix) || self.after(*ix).iter().any(|after| held.contains(after));
                if !blocked {
                    return Err(format!("stuck on {held:?}, and {ix} could be undone: {deed:?}"));
                }
            }
        } else {
            let blocked: BTreeSet<u32> =
                held.iter().flat_map(|ix| self.after(*ix)).chain(held.iter().copied()).collect();
            let pivot_at_large = held.iter().any(|ix| self.class(*ix) == Class::Pivot);
            let idle = self.nodes.iter().find(|node| !self.of(node.ix).done && !blocked.contains(&node.ix));
            if let Some(node) = idle.filter(|_| !pivot_at_large) {
                return Err(format!("stuck on {held:?}, and {} could be done", node.ix));
            }
        }
        Ok(())
    }
}
