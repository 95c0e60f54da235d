//! A plan that is being written.

use makegood_core::saga::{Plan, Step as Written, Wait};
use makegood_core::time::Millis;

use crate::shape::{Ref, Shape};
use crate::step::Step;
use crate::tool::Tool;

/// Steps in the order in which they were added, so that each can refer only to those before it.
#[derive(Clone, Debug)]
pub struct Draft {
    summary: String,
    steps: Vec<Written>,
    /// Of the first step that could not be written.
    fault: Option<Unwritable>,
}

/// A parameter that serde cannot write as JSON.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("step {step} (counted from 1) of the plan cannot be written: {why}")]
pub struct Unwritable {
    pub step: usize,
    pub why: String,
}

/// A step of a draft, for those after it.
pub struct Added<O: Shape> {
    id: String,
    /// The fields of what it gives.
    pub output: O::Fields,
}

impl<O: Shape> Added<O> {
    fn new(id: &str) -> Self {
        Self { id: id.to_owned(), output: O::fields(Ref::root(id)) }
    }

    /// Its id in the plan.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// All that it gives.
    #[must_use]
    pub fn whole(&self) -> Ref<O> {
        Ref::root(&self.id)
    }
}

impl Draft {
    /// A plan without steps; the summary is one sentence for people.
    #[must_use]
    pub fn new(summary: &str) -> Self {
        Self { summary: summary.to_owned(), steps: Vec::new(), fault: None }
    }

    /// Adds a call.
    pub fn add<T: Tool, O: Shape>(&mut self, step: Step<T, O>) -> Added<O> {
        let at = self.steps.len() + 1;
        match step.written {
            Ok(written) => {
                let added = Added::new(&written.id);
                self.steps.push(written);
                added
            }
            Err(why) => {
                self.fault.get_or_insert(Unwritable { step: at, why });
                Added::new("")
            }
        }
    }

    /// Adds a wait of so long.
    pub fn wait_for(&mut self, id: &str, span: Millis) -> Added<()> {
        self.wait(id, Wait::ForMs(span))
    }

    /// Adds a wait until a time, in milliseconds since the epoch.
    pub fn wait_until(&mut self, id: &str, time: Millis) -> Added<()> {
        self.wait(id, Wait::Until(time))
    }

    /// Adds a wait for an event. What it brings is believed to be an `E`: nothing checks it before it is used.
    pub fn wait_for_event<E: Shape>(&mut self, id: &str, name: &str, within: Millis) -> Added<E> {
        self.wait(id, Wait::Event { name: name.to_owned(), within_ms: within })
    }

    fn wait<E: Shape>(&mut self, id: &str, wait: Wait) -> Added<E> {
        self.steps.push(Written { id: id.to_owned(), wait: Some(wait), ..Written::default() });
        Added::new(id)
    }

    /// Has a step, a wait as well, begin only after an earlier one.
    pub fn order<P: Shape, O: Shape>(&mut self, earlier: &Added<P>, later: &Added<O>) {
        for step in self.steps.iter_mut().filter(|step| step.id == later.id) {
            step.after.push(earlier.id.clone());
        }
    }

    /// The engine's plan. Whether it holds (ids, limits, the point of no return) is for `saga::freeze` to say.
    ///
    /// # Errors
    /// Where a parameter could not be written as JSON.
    pub fn build(self) -> Result<Plan, Unwritable> {
        match self.fault {
            Some(fault) => Err(fault),
            None => Ok(Plan { summary: self.summary, steps: self.steps }),
        }
    }
}
