//! A plan as a model proposes it: words of somebody who is not to be believed.
//!
//! [`read`] turns any bytes into a plan that may be started, a question, or a list of [`Violation`]s,
//! each of which names the step and the rule, so that the model can be told and people can read why.
//! What it lets through names only the tools that were offered, has parameters that their schemas
//! take (what a reference brings is checked when its value is there, as for every plan), is within the
//! [`Bounds`], and does nothing before the saga's owner has agreed: see [`confirm`].
//!
//! A model is offered the plain part of a plan only: steps with a tool, parameters and an order. Waits,
//! conditions, lists, alternatives, retries and approvals are people's to write.

mod answer;
mod check;
mod confirm;
#[cfg(test)]
mod hostile;
mod provenance;
#[cfg(test)]
mod samples;
mod today;

use std::collections::BTreeMap;

use crate::saga::{Node, Plan};
use crate::tool::Definition;
use crate::violation::{MOST_VIOLATIONS, short};

pub use crate::violation::{Rule, Violation};
pub use answer::{LONGEST_ANSWER, schema};
pub use provenance::{Asked, By, Cache, Provenance, Round};
pub use today::today;

/// What a model may propose.
#[derive(Clone, Copy, Debug)]
pub struct Bounds<'a> {
    /// Those that were offered; no other tool is in any plan that is let through.
    pub tools: &'a BTreeMap<String, Definition>,
    pub steps: usize,
    /// What the plan may cost at most, where its sender said so.
    pub cost_minor: Option<i64>,
}

/// What a model said, once it can be believed.
#[derive(Clone, Debug, PartialEq)]
pub enum Proposal {
    Plan {
        plan: Plan,
        /// The same, frozen.
        nodes: Vec<Node>,
        /// The step that the saga's owner is asked about before anything has an effect; `None` where
        /// nothing has one.
        confirm: Option<String>,
    },
    /// Something is missing: a question for the user.
    Ask { question: String },
    /// It found nothing to do.
    Nothing,
}

/// Reads what a model answered. Total: any bytes are a proposal or have violations, at least one.
///
/// # Errors
/// All violations that were found, up to 16.
pub fn read(answer: &[u8], bounds: &Bounds<'_>) -> Result<Proposal, Vec<Violation>> {
    let cut = |mut violations: Vec<Violation>| {
        violations.truncate(MOST_VIOLATIONS);
        violations
    };
    let steps = match answer::parse(answer, bounds.steps).map_err(cut)? {
        answer::Answer::Steps(steps) => steps,
        answer::Answer::Ask(question) => return Ok(Proposal::Ask { question }),
        answer::Answer::Nothing => return Ok(Proposal::Nothing),
    };
    let plan = Plan { summary: summary(&steps, bounds), steps };
    let nodes = check::check(&plan, bounds).map_err(cut)?;
    let (plan, nodes, confirm) = confirm::confirm(plan, nodes, bounds).map_err(|violation| vec![violation])?;
    Ok(Proposal::Plan { plan, nodes, confirm })
}

/// What people see as the plan's title: what its tools are, and not what a model says of them.
fn summary(steps: &[crate::saga::Step], bounds: &Bounds<'_>) -> String {
    let titles: Vec<&str> = steps.iter().map(|step| title(&step.tool, bounds)).collect();
    titles.join("; ")
}

/// A tool's title; its name where it has none.
fn title<'a>(tool: &'a str, bounds: &Bounds<'a>) -> &'a str {
    bounds.tools.get(tool).map(|tool| tool.title.as_str()).filter(|title| !title.is_empty()).unwrap_or(tool)
}
