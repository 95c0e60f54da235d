//! All runs that are known, and how changes and messages change them.

use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    sync::Arc,
};

use super::{
    Change,
    event::{Notice, Waiter},
    link::Part,
    run::{Begun, Run, Step},
};
use crate::qstash::{message::Message, record::Record};

/// So many runs that have ended are remembered, for their logs.
const ENDED_KEPT: usize = 500;

#[derive(Debug, Default)]
pub struct Workflows {
    runs: HashMap<String, Run>,
    /// In the order in which they ended.
    ended: VecDeque<String>,
    /// By id.
    pub waiters: BTreeMap<String, Arc<Waiter>>,
    /// Oldest first.
    pub notices: Vec<Notice>,
    begun: u64,
}

impl Workflows {
    pub fn run(&self, id: &str) -> Option<&Run> {
        self.runs.get(id)
    }

    /// The run, unless it has ended.
    pub fn under_way(&self, id: &str) -> Option<&Run> {
        self.run(id).filter(|run| run.end.is_none())
    }

    /// Latest first.
    pub fn latest(&self) -> Vec<&Run> {
        let mut runs: Vec<&Run> = self.runs.values().collect();
        runs.sort_unstable_by_key(|run| std::cmp::Reverse(run.order));
        runs
    }

    /// Whoever waits for an event, of one run or of all.
    pub fn waiting_for(&self, event: &str, run: Option<&str>) -> Vec<Arc<Waiter>> {
        let wanted = |waiter: &&Arc<Waiter>| waiter.event == event && run.is_none_or(|run| waiter.run == run);
        self.waiters.values().filter(wanted).cloned().collect()
    }

    /// A message has been accepted; if it is a run's, it is a step of it.
    pub fn arrived(&mut self, message: &Message) {
        let Some(link) = &message.workflow else {
            return;
        };
        if let Part::First(begun) = &link.part {
            self.begin(begun.clone());
        }
        if let Some(run) = self.runs.get_mut(&link.run) {
            run.live.insert(message.id.clone());
            if let Some(step) = Step::of(message) {
                run.add(Arc::new(step));
            }
        }
    }

    /// A message has come to its end.
    pub fn left(&mut self, message: &Message) {
        let run = message.workflow.as_ref().and_then(|link| self.runs.get_mut(&link.run));
        if let Some(run) = run {
            run.live.remove(&message.id);
        }
    }

    fn begin(&mut self, begun: Arc<Begun>) {
        if !self.runs.contains_key(&begun.id) {
            self.begun += 1;
            self.runs.insert(begun.id.clone(), Run::new(begun, self.begun));
        }
    }

    /// `is_dead`: whether a dead letter of this id is still there; its run is not forgotten.
    pub fn apply(&mut self, change: Change, is_dead: impl Fn(&str) -> bool) {
        match change {
            Change::Run(begun) => self.begin(begun),
            Change::Step { run, step } => {
                if let Some(run) = self.runs.get_mut(&run) {
                    run.add(step);
                }
            }
            Change::End { run: id, end } => {
                if let Some(run) = self.runs.get_mut(&id) {
                    run.end = Some(end);
                    self.waiters.retain(|_, waiter| waiter.run != id);
                    self.notices.retain(|notice| notice.run != id);
                    self.ended.push_back(id);
                    self.forget(is_dead);
                }
            }
            Change::FailureCall { run, call } => {
                if let Some(run) = self.runs.get_mut(&run) {
                    run.failure_call = Some(call);
                }
            }
            Change::FailureCallGone { run } => {
                if let Some(run) = self.runs.get_mut(&run) {
                    run.failure_call = None;
                }
            }
            Change::Wait(waiter) => {
                self.waiters.insert(waiter.id.clone(), waiter);
            }
            Change::WaitGone { id } => {
                self.waiters.remove(&id);
            }
            Change::Notice(notice) => self.notices.push(notice),
            Change::NoticeGone { run, event } => {
                let at = self.notices.iter().position(|notice| notice.run == run && notice.event == event);
                at.map(|at| self.notices.remove(at));
            }
        }
    }

    /// Forgets the run that ended first, where there are too many.
    fn forget(&mut self, is_dead: impl Fn(&str) -> bool) {
        if self.ended.len() <= ENDED_KEPT {
            return;
        }
        let kept = |id: &String| {
            let end = self.runs.get(id).and_then(|run| run.end.as_ref());
            end.and_then(|end| end.dlq_id.as_deref()).is_some_and(&is_dead)
        };
        if let Some(at) = self.ended.iter().position(|id| !kept(id))
            && let Some(id) = self.ended.remove(at)
        {
            self.runs.remove(&id);
        }
    }

    /// The records that lead to the present runs. Of a message that is still there, its step comes with it.
    pub fn records(&self) -> Vec<Record> {
        let mut runs = self.latest();
        runs.reverse();
        let mut changes = Vec::new();
        for run in runs {
            changes.push(Change::Run(run.begun.clone()));
            let id = &run.begun.id;
            changes.extend(run.steps.iter().cloned().map(|step| Change::Step { run: id.clone(), step }));
            let call = run.failure_call.iter().cloned();
            changes.extend(call.map(|call| Change::FailureCall { run: id.clone(), call }));
        }
        for id in &self.ended {
            let end = self.run(id).and_then(|run| run.end.clone());
            changes.extend(end.map(|end| Change::End { run: id.clone(), end }));
        }
        changes.extend(self.waiters.values().cloned().map(Change::Wait));
        changes.extend(self.notices.iter().cloned().map(Change::Notice));
        changes.into_iter().map(Record::Workflow).collect()
    }
}
