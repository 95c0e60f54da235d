//! The journal, told step by step: what people and clients are shown.

use serde::Serialize;
use serde_json::Value;

use super::effect::Op;
use super::fact::{Cause, Fact, Record};
use super::forward::NO_SUCH_ITEM;
use super::node::Node;
use super::state::Phase;
use super::wait::Wait;
use crate::time::Millis;
use crate::tool::Class;

/// What a [`Remark`] says of who agreed.
pub const AGREED: &str = "approved";

/// How a step stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// Not begun.
    Pending,
    /// Called, not answered.
    Running,
    /// To be tried again, or it waits for its time or for something from outside.
    Waiting,
    /// As many such calls are under way as may be: it waits for its turn.
    Queued,
    /// People are asked to agree to it.
    Asking,
    /// Not to be done: its condition does not hold, or it needs a step that was passed over.
    Skipped,
    Done,
    Refused,
    /// Its undo is under way.
    Undoing,
    Undone,
    /// It had no effect, and a late one is kept out.
    Fenced,
    /// Never begun, and never will be.
    Abandoned,
    /// Needs a person.
    Held,
}

/// One call, as the journal tells of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
pub struct Attempt {
    pub op: Op,
    pub number: u32,
    pub began: Millis,
    /// `None` while it is under way, or for ever where its invocation died.
    pub took: Option<Millis>,
    /// `ok`, `refused`, `no answer`, `nothing to undo` or `under way`.
    pub outcome: &'static str,
    pub detail: String,
    pub invocation: u32,
}

/// One step.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
pub struct StepReport {
    pub ix: u32,
    pub id: String,
    pub tool: String,
    pub class: Class,
    pub standing: Standing,
    /// Ids of the steps before it.
    pub after: Vec<String>,
    pub params: Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    pub attempts: Vec<Attempt>,
    /// The stranger who brought what it gave: `webhook/` and the source's name. To be taken as data, and never as
    /// somebody's word.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub brought_by: Option<String>,
    /// What it waits for, where it is a wait.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wait: Option<Wait>,
    /// What a held step was held at.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub held: Option<Op>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub approval: Option<Ask>,
    /// What people said and did about it. Where they were asked anew, those who had agreed before do
    /// not count, and are left out.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub remarks: Vec<Remark>,
}

/// What people are asked about a step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
pub struct Ask {
    pub question: String,
    /// Those who may decide; nobody named stands for the saga's owner.
    pub by: Vec<String>,
    pub quorum: u32,
    pub until: Millis,
    /// Of the step's parameters. A decision that names it is about these and no others.
    pub hash: String,
}

/// What a person said or did about a step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
pub struct Remark {
    pub at: Millis,
    pub by: String,
    /// `approved`, `rejected`, `retried`, `resolved as done`, `resolved as not done` or `replanned`.
    pub what: &'static str,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub note: String,
}

/// A whole saga.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
pub struct Report {
    pub steps: Vec<StepReport>,
    /// Why it turned round, in a sentence.
    pub cause: Option<String>,
    /// It has turned round: it is being undone, or was when it came to rest. One that is stuck may have got so either way.
    pub back: bool,
    /// Why it does not go on at present, in a sentence.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub paused: Option<String>,
    /// The plans that took the place of the first, in their order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub replanned: Vec<Remark>,
    /// Ids of the steps in the order in which they were undone.
    pub undone: Vec<String>,
    /// Of a stuck saga: what a person has to look after.
    pub left: Vec<Left>,
}

/// A step that a stuck saga leaves behind: held, or with an effect that stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
pub struct Left {
    pub step: String,
    pub standing: Standing,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

/// Folds a journal over its plan.
#[must_use]
pub fn report<'a>(nodes: &[Node], phase: Phase, records: impl IntoIterator<Item = &'a Record>) -> Report {
    let id = |ix: u32| nodes.iter().find(|node| node.ix == ix).map_or_else(|| format!("#{ix}"), |node| node.id.clone());
    let steps = nodes.iter().map(|node| StepReport {
        ix: node.ix,
        id: node.id.clone(),
        tool: node.tool.clone(),
        class: node.class,
        standing: Standing::Pending,
        after: node.deps.iter().map(|dep| id(*dep)).collect(),
        params: Value::Object(node.params.clone()),
        output: None,
        code: None,
        detail: None,
        attempts: Vec::new(),
        brought_by: None,
        wait: node.wait.clone(),
        held: None,
        approval: None,
        remarks: Vec::new(),
    });
    let mut report = Report {
        steps: steps.collect(),
        cause: None,
        back: false,
        paused: None,
        replanned: Vec::new(),
        undone: Vec::new(),
        left: Vec::new(),
    };
    for record in records {
        report.tell(record);
    }
    for (step, node) in report.steps.iter_mut().zip(nodes) {
        if let (Some(ask), Some(approval)) = (&mut step.approval, &node.approval) {
            (ask.question, ask.by, ask.quorum) = (approval.question.clone(), approval.by.clone(), approval.quorum);
        }
    }
    if phase.at_rest() {
        report.paused = None;
    }
    // Places that a list turned out not to have are nothing to tell of.
    let mut at = nodes.iter();
    report.steps.retain(|step| {
        let beyond = at.next().is_some_and(|node| node.item.is_some() && node.gather.is_none());
        !(beyond && step.standing == Standing::Skipped && step.detail.as_deref() == Some(NO_SUCH_ITEM))
    });
    if phase != Phase::Forward {
        for step in &mut report.steps {
            let began = step.attempts.iter().any(|attempt| attempt.op == Op::Do);
            let gated = matches!(step.standing, Standing::Waiting | Standing::Queued | Standing::Asking) && !began;
            if step.standing == Standing::Pending || gated {
                step.standing = Standing::Abandoned;
            }
        }
    }
    if phase == Phase::Stuck {
        report.look_after();
    }
    report
}

impl Report {
    /// Names what a stuck saga leaves behind, and why it is stuck where nothing turned it round.
    fn look_after(&mut self) {
        let left = self.steps.iter().filter(|step| match step.standing {
            Standing::Held | Standing::Running | Standing::Waiting | Standing::Queued | Standing::Undoing => true,
            Standing::Done => step.class != Class::Query,
            Standing::Pending
            | Standing::Asking
            | Standing::Skipped
            | Standing::Refused
            | Standing::Undone
            | Standing::Fenced
            | Standing::Abandoned => false,
        });
        let told = left.map(|step| Left {
            step: step.id.clone(),
            standing: step.standing,
            code: step.code.clone(),
            detail: step.detail.clone(),
        });
        self.left = told.collect();
        if self.cause.is_none() {
            let held = self.left.iter().find(|left| left.standing == Standing::Held);
            self.cause = held.map(|held| {
                let (code, detail) =
                    (held.code.as_deref().unwrap_or_default(), held.detail.as_deref().unwrap_or_default());
                format!("Step `{}` cannot go on ({code}): {detail}", held.step)
            });
        }
    }

    fn tell(&mut self, record: &Record) {
        if let Fact::Unwinding { cause } = &record.fact {
            self.back = true;
            self.cause = Some(match cause {
                Cause::Step { node, code, detail } => {
                    let id = self.step(*node).map_or_else(|| format!("#{node}"), |step| step.id.clone());
                    format!("Step `{id}` was refused ({code}): {detail}")
                }
                Cause::Cancelled { by } => format!("It was cancelled by {by}."),
                Cause::Deadline => "Its deadline passed.".to_owned(),
                Cause::Budget { node, what } => {
                    let id = self.step(*node).map_or_else(|| format!("#{node}"), |step| step.id.clone());
                    format!("Its budget does not pay for step `{id}`: {what}")
                }
            });
        }
        if let Fact::Paused { by, why } = &record.fact {
            self.paused = Some(if why.is_empty() { format!("It was paused by {by}.") } else { why.clone() });
        }
        if let Fact::Resumed { .. } | Fact::Unwinding { .. } = &record.fact {
            self.paused = None;
        }
        if let Fact::Received { name, by: Some(by) } = &record.fact {
            let waits = |step: &&mut StepReport| {
                let wanted = matches!(&step.wait, Some(Wait::Event { name: wanted, .. }) if wanted == name);
                wanted && step.output.is_none() && step.brought_by.is_none()
            };
            if let Some(step) = self.steps.iter_mut().find(waits) {
                step.brought_by = Some(by.clone());
            }
        }
        if let Fact::Replanned { by, note, from, kept, .. } = &record.fact {
            let what = "replanned";
            self.replanned.push(Remark { at: record.at, by: by.clone(), what, note: note.clone() });
            for step in self.steps.iter_mut().filter(|step| step.ix < *from && !kept.contains(&step.ix)) {
                step.drop_out();
            }
        }
        let Some(step) = record.fact.node().and_then(|node| self.step(node)) else { return };
        let undone = step.tell(record).then(|| step.id.clone());
        self.undone.extend(undone);
    }

    fn step(&mut self, ix: u32) -> Option<&mut StepReport> {
        self.steps.get_mut(usize::try_from(ix).ok()?).filter(|step| step.ix == ix)
    }
}

impl StepReport {
    /// Answers whether this is the step's undo.
    fn tell(&mut self, record: &Record) -> bool {
        match &record.fact {
            Fact::Started { attempt, params, .. } => {
                self.standing = Standing::Running;
                if let Some(params) = params {
                    self.params = Value::Object(params.clone());
                }
                self.begin(record, Op::Do, *attempt);
            }
            Fact::Done { attempt, took, output, .. } => {
                self.standing = Standing::Done;
                self.output = Some(output.clone());
                // A wait's end, and what a person said, are no calls.
                if *attempt > 0 {
                    self.end(record, Op::Do, *attempt, *took, "ok", "");
                }
            }
            Fact::Refused { attempt, took, code, detail, .. } => {
                self.standing = Standing::Refused;
                (self.code, self.detail) = (Some(code.clone()), Some(detail.clone()));
                self.end(record, Op::Do, *attempt, *took, "refused", detail);
            }
            Fact::Unsettled { op, attempt, took, reason, .. } => {
                self.standing = if *op == Op::Undo { Standing::Undoing } else { Standing::Waiting };
                self.end(record, *op, *attempt, *took, "no answer", reason);
            }
            Fact::UndoStarted { attempt, .. } => {
                self.standing = Standing::Undoing;
                self.begin(record, Op::Undo, *attempt);
            }
            Fact::Undone { attempt, took, found, .. } => {
                self.standing = if *found { Standing::Undone } else { Standing::Fenced };
                self.end(record, Op::Undo, *attempt, *took, if *found { "ok" } else { "nothing to undo" }, "");
                return true;
            }
            Fact::Held { op, code, detail, .. } => {
                (self.standing, self.held) = (Standing::Held, Some(*op));
                (self.code, self.detail) = (Some(code.clone()), Some(detail.clone()));
            }
            Fact::Waiting { .. } => self.standing = Standing::Waiting,
            Fact::Queued { .. } => self.standing = Standing::Queued,
            // It may be its undo that waits, which it is not told of.
            Fact::Shut { .. } => {
                if matches!(self.standing, Standing::Pending | Standing::Running | Standing::Queued) {
                    self.standing = Standing::Waiting;
                }
            }
            Fact::Skipped { why, .. } => {
                self.standing = Standing::Skipped;
                self.detail = Some(why.clone());
            }
            Fact::Asked { params, hash, until, .. } => {
                self.standing = Standing::Asking;
                self.remarks.retain(|remark| remark.what != AGREED);
                self.params = Value::Object(params.clone());
                let hash = format!("{hash:016x}");
                self.approval = Some(Ask { question: String::new(), by: Vec::new(), quorum: 1, until: *until, hash });
            }
            Fact::Decided { by, approve, note, .. } => {
                self.remark(record, by, if *approve { AGREED } else { "rejected" }, note);
            }
            Fact::Retried { by, .. } => {
                self.standing = Standing::Waiting;
                (self.held, self.code, self.detail) = (None, None, None);
                self.remark(record, by, "retried", "");
            }
            Fact::Resolved { by, note, done, .. } => {
                (self.held, self.code, self.detail) = (None, None, None);
                self.remark(record, by, if *done { "resolved as done" } else { "resolved as not done" }, note);
            }
            Fact::Unwinding { .. }
            | Fact::Received { .. }
            | Fact::Replanned { .. }
            | Fact::Paused { .. }
            | Fact::Resumed { .. }
            | Fact::Yielded { .. }
            | Fact::Completed
            | Fact::MadeGood
            | Fact::Stuck { .. } => {}
        }
        false
    }

    /// Another plan has no use for it. What was done of it is undone, and told of as such.
    fn drop_out(&mut self) {
        match self.standing {
            Standing::Pending
            | Standing::Waiting
            | Standing::Queued
            | Standing::Asking
            | Standing::Skipped
            | Standing::Held => {
                self.standing = Standing::Abandoned;
                (self.held, self.code, self.approval) = (None, None, None);
                self.detail = Some("Another plan took its place.".to_owned());
            }
            Standing::Running
            | Standing::Done
            | Standing::Refused
            | Standing::Undoing
            | Standing::Undone
            | Standing::Fenced
            | Standing::Abandoned => {}
        }
    }

    fn remark(&mut self, record: &Record, by: &str, what: &'static str, note: &str) {
        self.remarks.push(Remark { at: record.at, by: by.to_owned(), what, note: note.to_owned() });
    }

    fn begin(&mut self, record: &Record, op: Op, number: u32) {
        self.attempts.push(Attempt {
            op,
            number,
            began: record.at,
            took: None,
            outcome: "under way",
            detail: String::new(),
            invocation: record.inv,
        });
    }

    fn end(&mut self, record: &Record, op: Op, number: u32, took: Millis, outcome: &'static str, detail: &str) {
        let open = self
            .attempts
            .iter()
            .rposition(|attempt| attempt.op == op && attempt.number == number && attempt.took.is_none());
        let place = open.unwrap_or_else(|| {
            self.begin(record, op, number);
            self.attempts.len() - 1
        });
        if let Some(attempt) = self.attempts.get_mut(place) {
            attempt.began = record.at - took;
            attempt.took = Some(took);
            (attempt.outcome, attempt.detail) = (outcome, detail.to_owned());
            attempt.invocation = record.inv;
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn stuck(facts: &[Value]) -> Report {
        let node = |ix: u32, class: &str| json!({"ix": ix, "id": format!("s{ix}"), "tool": "t", "version": "1", "class": class});
        let nodes: Vec<Node> = serde_json::from_value(json!([node(0, "compensatable"), node(1, "pivot")])).unwrap();
        let records = facts.iter().map(|fact| {
            let mut record = json!({"at": 1, "inv": 1});
            record.as_object_mut().unwrap().extend(fact.as_object().unwrap().clone());
            record
        });
        let records: Vec<Record> = serde_json::from_value(records.collect()).unwrap();
        report(&nodes, Phase::Stuck, &records)
    }

    #[test]
    fn one_that_is_stuck_tells_which_way_it_was_going() {
        let started = json!({"type": "started", "node": 0, "attempt": 1});
        let held = |op: &str| json!({"type": "held", "node": 0, "op": op, "code": "gone", "detail": "It is gone."});
        let turned = json!({"type": "unwinding", "cause": {"why": "cancelled", "by": "ann"}});
        // A step that was left to a person, before any point of no return: nothing was undone.
        let forward = stuck(&[started.clone(), held("do"), json!({"type": "stuck", "nodes": [0]})]);
        assert!(!forward.back && forward.cause.is_some(), "{forward:?}");
        assert!(stuck(&[started, turned, held("undo"), json!({"type": "stuck", "nodes": [0]})]).back);
    }
}
