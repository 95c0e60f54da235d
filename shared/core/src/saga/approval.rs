//! Approvals: a step that people must agree to before it is done.
//!
//! What is agreed to is the step with its parameters: they are in the journal before anybody is asked,
//! and the step is made with these and no others.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::advance::fingerprint;
use super::condition::Condition;
use super::effect::Call;
use super::event::Refusal;
use super::fact::Fact;
use super::node::Node;
use super::state::{Job, Saga};
use crate::guard::role::APPROVERS;
use crate::time::Millis;

/// Who must agree, and until when.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Approval {
    /// The names of those who may decide, and [`APPROVERS`] for all who have that role; nobody named stands for the
    /// saga's owner.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub by: Vec<String>,
    /// So many of them must agree; one who does not is enough to refuse.
    #[serde(default = "one")]
    pub quorum: u32,
    /// After this time nobody has agreed: the step is refused with the code `approval_expired`.
    #[serde(default = "a_day")]
    pub within_ms: Millis,
    /// What they are asked, for people.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub question: String,
    /// Only where this holds of the step's resolved parameters, which are `$params` here: the risky ones.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when: Option<Condition>,
}

const fn one() -> u32 {
    1
}

const fn a_day() -> Millis {
    Millis(24 * 60 * 60 * 1000)
}

impl Default for Approval {
    fn default() -> Self {
        Self { by: Vec::new(), quorum: one(), within_ms: a_day(), question: String::new(), when: None }
    }
}

impl Approval {
    /// What its condition calls the step's parameters.
    pub(super) const PARAMS: &str = "params";

    /// Whether somebody is among those who may decide: by name, or as an `approver`.
    #[must_use]
    pub fn asks(&self, name: &str, approver: bool) -> bool {
        self.by.iter().any(|asked| asked == name || approver && asked == APPROVERS)
    }

    /// Whether people must agree to a step that is made with these parameters.
    #[must_use]
    pub fn concerns(&self, params: &Map<String, Value>) -> bool {
        let Some(when) = &self.when else { return true };
        let params = Value::Object(params.clone());
        when.holds(&|name| (name == Self::PARAMS).then_some(&params))
    }
}

/// What people have said of a step so far.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asked {
    /// Of the resolved parameters: a decision is about these.
    #[serde(rename = "h")]
    pub hash: u64,
    /// Those who agreed.
    #[serde(rename = "y", default, skip_serializing_if = "Vec::is_empty")]
    pub yes: Vec<String>,
}

/// What one person says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    pub by: String,
    pub approve: bool,
    pub note: String,
    /// The hash that the person was shown; `None` for whatever is asked now.
    pub hash: Option<u64>,
    /// They have the role of an approver, and the saga is another's.
    pub approver: bool,
}

impl Saga {
    /// Whether the step may be made as far as people are concerned. Where nobody was asked yet, they
    /// are asked now.
    pub(super) fn is_approved(&mut self, node: &Node, call: &Call) -> bool {
        let Some(approval) = node.approval.as_ref().filter(|approval| approval.concerns(&call.params)) else {
            return true;
        };
        let hash = fingerprint(&call.params);
        let asked = self.head.open.get(&node.ix).and_then(|open| open.asked.as_ref());
        if asked.is_some_and(|asked| asked.hash == hash && enough(asked, approval)) {
            return true;
        }
        let until = self.head.last_at + approval.within_ms;
        self.touch(node.ix, Job::Wait);
        if let Some(open) = self.head.open.get_mut(&node.ix) {
            open.due = Some(until);
            open.asked = Some(Asked { hash, yes: Vec::new() });
        }
        self.record(Fact::Asked { node: node.ix, params: call.params.clone(), hash, until });
        false
    }

    /// Folds what a person says of a step.
    ///
    /// # Errors
    /// Why it counts for nothing.
    pub(super) fn decide(&mut self, ix: u32, decision: Decision) -> Result<(), &'static str> {
        let Decision { by, approve, note, hash, approver } = decision;
        let Some(node) = self.run.nodes.get(&ix).cloned() else { return Err("the step does not wait for a decision") };
        let Some(approval) = &node.approval else { return Err("the step needs no approval") };
        let Some(open) = self.head.open.get_mut(&ix).filter(|open| open.job == Job::Wait) else {
            return Err("the step does not wait for a decision");
        };
        if open.due.is_some_and(|due| due <= self.head.last_at) {
            return Err("the time to decide is over");
        }
        let Some(asked) = &mut open.asked else { return Err("the step does not wait for a decision") };
        if !approval.by.is_empty() && !approval.asks(&by, approver) {
            return Err("this decision is for others to make");
        }
        if hash.is_some_and(|hash| hash != asked.hash) {
            return Err("the decision is about other parameters than those of the step");
        }
        if approve && asked.yes.contains(&by) {
            return Err("the same person has agreed before");
        }
        if approve {
            asked.yes.push(by.clone());
            if enough(asked, approval) {
                // Its turn comes as that of any step; the answer stays with it.
                (open.job, open.due) = (Job::Pending, None);
            }
        }
        self.record(Fact::Decided { node: ix, by: by.clone(), approve, note: note.clone() });
        if !approve {
            let because = if note.is_empty() { String::new() } else { format!(": {note}") };
            let detail = format!("{by} did not agree{because}");
            self.refused_for_good(&node, 0, Millis(0), Refusal { code: "rejected".to_owned(), detail });
        }
        Ok(())
    }
}

fn enough(asked: &Asked, approval: &Approval) -> bool {
    u32::try_from(asked.yes.len()).unwrap_or(u32::MAX) >= approval.quorum
}
