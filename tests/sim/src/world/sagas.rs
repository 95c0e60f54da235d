//! The sagas of one world: the first, and those that run for steps of others.

use std::cell::{Ref, RefMut};
use std::rc::Rc;

use makegood_core::saga::{Cause, Fact, Limits, Parent, Phase, freeze};

use super::{SPAN, World};
use crate::check::Journal;
use crate::postgres::Row;

impl World {
    /// The journal of the saga that a node belongs to. Nodes of all sagas are numbered through, so that one
    /// ledger holds what they did: the first saga's come first.
    pub fn journal(&self, node: u32) -> Ref<'_, Journal> {
        Ref::map(self.journals.borrow(), |journals| {
            let nth = usize::try_from(node / SPAN).unwrap_or(0);
            journals.get(nth).unwrap_or(&journals[0])
        })
    }

    /// The same, to be changed.
    pub fn journal_mut(&self, node: u32) -> RefMut<'_, Journal> {
        RefMut::map(self.journals.borrow_mut(), |journals| {
            let nth = usize::try_from(node / SPAN).unwrap_or(0);
            let nth = if nth < journals.len() { nth } else { 0 };
            &mut journals[nth]
        })
    }

    /// The number of the first node of a saga; `None` where there is no such saga.
    pub fn base(&self, saga: &str) -> Option<u32> {
        let nth = self.sagas.borrow().iter().position(|id| id == saga)?;
        Some(u32::try_from(nth).ok()? * SPAN)
    }

    /// The saga that a node belongs to.
    pub fn saga(&self, node: u32) -> Option<String> {
        self.sagas.borrow().get(usize::try_from(node / SPAN).ok()?).cloned()
    }

    /// The phase of the saga that a node belongs to.
    pub fn phase(&self, node: u32) -> Option<&'static str> {
        let (sagas, database) = (self.sagas.borrow(), self.database.borrow());
        let saga = sagas.get(usize::try_from(node / SPAN).ok()?)?;
        Some(database.sagas.get(saga)?.head.phase.as_str())
    }

    pub(super) fn is_created(self: &Rc<Self>, id: &str) {
        let database = self.database.borrow();
        let Some(row) = database.sagas.get(id) else { return };
        let tools = &self.scenario.tools;
        let first = self.sagas.borrow().is_empty();
        let nth = u32::try_from(self.sagas.borrow().len()).unwrap_or(0);
        let nodes = row.nodes.iter().map(|(node, _)| node.clone()).collect();
        let other = self.scenario.replan.as_ref().filter(|_| first);
        let other = other.and_then(|(_, plan)| freeze(plan, tools, Limits::default()).ok()).unwrap_or_default();
        let journal = Journal::new(nth * SPAN, nodes, other, tools);
        self.sagas.borrow_mut().push(id.to_owned());
        if first {
            *self.journals.borrow_mut() = vec![journal];
            self.people_arrive(row);
            return;
        }
        self.journals.borrow_mut().push(journal);
        self.heard_by.borrow_mut().push(u64::MAX);
        self.trace(|| format!("journal  saga {nth} begins: {:?}", row.head.parent));
        if row.client_key.as_ref().is_some_and(|key| key.starts_with("rival ")) {
            return;
        }
        let Some(node) = row.head.parent.as_ref().and_then(|parent| self.number(parent)) else {
            return self.violation("a second saga was started".to_owned());
        };
        if row.head.phase.at_rest() {
            // It is kept from ever beginning.
            self.journal_mut(nth * SPAN).bury();
            self.check_undo(node);
        } else {
            self.check_do(node);
        }
    }

    fn number(&self, parent: &Parent) -> Option<u32> {
        Some(self.base(parent.saga.as_str())? + parent.node)
    }

    /// What a child has come to is what the step has come to that it runs for.
    pub(super) fn follow_child(&self, row: &Row) {
        let Some(node) = row.head.parent.as_ref().and_then(|parent| self.number(parent)) else { return };
        if row.fresh().any(|record| is_called_off(&record.fact)) {
            self.check_undo(node);
        }
        let mut town = self.town.borrow_mut();
        let deed = town.deeds.entry(node).or_default();
        if row.head.phase == Phase::Completed {
            deed.applied += 1;
            deed.left = 1;
        } else if row.head.phase == Phase::MadeGood && !deed.by_hand {
            // What a person did instead is not the child's to undo.
            deed.left = 0;
        }
        let applied = deed.applied;
        drop(town);
        if row.head.phase == Phase::Completed {
            self.check_act(node, applied);
        }
    }

    /// Whether the point of no return of the saga with this number has happened.
    pub(super) fn pivot_acted(&self, base: u32) -> bool {
        let (journal, town) = (self.journal(base), self.town.borrow());
        town.of(base).any(|(node, deed)| deed.left > 0 && journal.is_pivot(node))
    }
}

/// Whether a saga was turned round because somebody asked for it: of a child, its parent.
const fn is_called_off(fact: &Fact) -> bool {
    matches!(fact, Fact::Unwinding { cause: Cause::Cancelled { .. } })
}
