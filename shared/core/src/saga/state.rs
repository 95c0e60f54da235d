//! What a saga is between two events.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::approval::Asked;
use super::child::Parent;
use super::effect::{Call, Op};
use super::event::{CallId, Window};
use super::fact::{Cause, Fact, Record};
use super::node::{Node, Past};
use super::turn::Priority;
use crate::id::SagaId;
use crate::ordered::{FlatMap, FlatSet};
use crate::time::Millis;
use crate::tool::{Class, Terms};
use crate::trace::Context;

/// Where a saga stands. The last three are rests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Carrying the plan out.
    Forward,
    /// Undoing it.
    Unwinding,
    /// All of it is done.
    Completed,
    /// None of it is left.
    MadeGood,
    /// Some nodes need a person; the journal names them.
    Stuck,
}

impl Phase {
    pub const ALL: [Self; 5] = [Self::Forward, Self::Unwinding, Self::Completed, Self::MadeGood, Self::Stuck];

    #[must_use]
    pub const fn at_rest(self) -> bool {
        matches!(self, Self::Completed | Self::MadeGood | Self::Stuck)
    }

    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Forward => "forward",
            Self::Unwinding => "unwinding",
            Self::Completed => "completed",
            Self::MadeGood => "made_good",
            Self::Stuck => "stuck",
        }
    }
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What is being done about a node that is not settled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Job {
    /// Nothing is to be sent for it: forward it waits for what it depends on, and was never started;
    /// while unwinding it waits for what depends on it, and leaves nothing to undo itself.
    Pending,
    /// Started: to be done, or to be done again under the same key.
    Do,
    /// Started, and the partner is to be asked what became of it.
    Ask,
    /// Waits for a time, for something from outside, or for people to agree; never started.
    Wait,
    /// To be undone.
    Undo,
    /// Needs a person.
    Held,
}

/// A node that is neither settled nor untouched.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Open {
    #[serde(rename = "j")]
    pub job: Job,
    /// Attempts at this job so far.
    #[serde(rename = "n", default)]
    pub attempt: u32,
    /// When the do was first started: a partner's memory of the key counts from here.
    #[serde(rename = "s", default)]
    pub since: Millis,
    /// Not before this time.
    #[serde(rename = "d", default, skip_serializing_if = "Option::is_none")]
    pub due: Option<Millis>,
    /// An earlier attempt ended without an answer: the effect may be there.
    #[serde(rename = "u", default, skip_serializing_if = "std::ops::Not::not")]
    pub doubt: bool,
    /// Counts the times that a person had it asked for anew; part of the idempotency key.
    #[serde(rename = "r", default, skip_serializing_if = "is_zero")]
    pub round: u32,
    /// Tries in a row that ended their invocation without a trace.
    #[serde(rename = "l", default, skip_serializing_if = "is_zero")]
    pub lost: u32,
    /// Attempts that the partner answered by saying that it is at work: these are not failures.
    #[serde(rename = "w", default, skip_serializing_if = "is_zero")]
    pub working: u32,
    /// How often it has asked for its turn in vain since it last had one.
    #[serde(rename = "q", default, skip_serializing_if = "is_zero")]
    pub queued: u32,
    /// How often it has met an open breaker since a call of it was last let through.
    #[serde(rename = "b", default, skip_serializing_if = "is_zero")]
    pub shut: u32,
    /// Attempts that failed and found their breaker open: these are not counted.
    #[serde(rename = "p", default, skip_serializing_if = "is_zero")]
    pub spared: u32,
    /// A newer plan has no use for it: it stands in the way of nothing that the newer plan keeps, and
    /// nothing of that stands in its way.
    #[serde(rename = "x", default, skip_serializing_if = "std::ops::Not::not")]
    pub retired: bool,
    /// What it was held at.
    #[serde(rename = "o", default, skip_serializing_if = "Option::is_none")]
    pub op: Option<Op>,
    /// What people have said of it.
    #[serde(rename = "a", default, skip_serializing_if = "Option::is_none")]
    pub asked: Option<Asked>,
}

/// Whether a stored number is left out.
pub(crate) fn is_zero<N: Default + PartialEq>(number: &N) -> bool {
    *number == N::default()
}

impl Open {
    pub(super) const fn new(job: Job, since: Millis) -> Self {
        Self {
            job,
            attempt: 0,
            since,
            due: None,
            doubt: false,
            round: 0,
            lost: 0,
            working: 0,
            queued: 0,
            shut: 0,
            spared: 0,
            retired: false,
            op: None,
            asked: None,
        }
    }

    /// A call of it was made, or was to be, and no answer is written down.
    pub(super) const fn is_unanswered(&self) -> bool {
        matches!(self.job, Job::Do | Job::Ask | Job::Undo) && self.attempt > 0 && self.due.is_none()
    }

    /// Nothing was sent for it under the key that it has now: it has yet to be begun.
    pub(super) const fn is_new(&self) -> bool {
        matches!(self.job, Job::Pending) || (matches!(self.job, Job::Do) && self.attempt == 0 && !self.doubt)
    }
}

/// More nodes than any plan may have, and more plans and rounds than any saga.
pub(super) const MOST_NODES: u32 = 1_000_000;

/// What a saga may spend before its point of no return. Undoing is not paid for by it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Budget {
    /// Calls to partners, repeats included.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calls: Option<u64>,
    /// What the tools say that a call costs, in cents of the demo currency.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost_minor: Option<i64>,
    /// Tokens of models that the tools say a call may take.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tokens: Option<u64>,
    /// Spent so far, in the unit of `cost_minor`; set by the engine.
    #[serde(default)]
    pub spent_minor: i64,
    /// Tokens set aside so far; set by the engine.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub spent_tokens: u64,
}

/// The short form of the journal that is saved with every commit. Its size is bounded by the nodes
/// in work, never by the length of the plan. It is an API: what an older build saved must load.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    /// Version of this shape.
    pub v: u32,
    pub phase: Phase,
    /// Of the newest plan: grows with every replan, and is part of the keys of the nodes that came with it.
    pub epoch: u32,
    /// Nodes in the plan.
    pub total: u32,
    /// Nodes at and above were never touched; those below are settled, or in `open`.
    pub cursor: u32,
    /// While unwinding: nodes below were not yet looked at; those at and above are settled, or in
    /// `open`.
    #[serde(default)]
    pub floor: u32,
    pub open: FlatMap<u32, Open>,
    /// The point of no return is behind.
    #[serde(default)]
    pub pivoted: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<Cause>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deadline: Option<Millis>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub paused: bool,
    /// The tool for whose change it is paused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drifting: Option<String>,
    /// The tools with whose older version a person has had it go on.
    #[serde(default, skip_serializing_if = "FlatSet::is_empty")]
    pub accepted: FlatSet<String>,
    /// The step that this saga runs for, where it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<Parent>,
    /// The trace that its caller came with, as a `traceparent`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace: Option<String>,
    /// Whose turn comes first where sagas wait for the same.
    #[serde(default, skip_serializing_if = "Priority::is_normal")]
    pub priority: Priority,
    /// What came from outside and no step has waited for yet, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub mail: BTreeMap<String, Value>,
    /// The marks of what was brought, the newest last: what is brought again changes nothing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub heard: Vec<String>,
    /// What may be spent, and what is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub budget: Option<Budget>,
    /// Where a stuck saga was going.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub back: Option<Phase>,
    /// When it asked to be woken, where that is a stop on the way to something later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hop: Option<Millis>,
    /// Until then the answers to calls under way may still come to whoever made them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alive: Option<Millis>,
    /// Invocations that committed something.
    #[serde(default)]
    pub invocations: u32,
    /// Calls made to partners, as far as they are committed, and those that were about to leave with that commit.
    #[serde(default)]
    pub calls: u64,
    /// Tells this commit from every other one, also from what another worker would have written in its place, and the
    /// one before it: so whoever had no answer to it, or that of its repetition, finds that it stands.
    #[serde(rename = "m", default, skip_serializing_if = "is_zero")]
    pub marks: [u64; 2],
    /// The journal's latest time: the clock never runs behind it.
    pub last_at: Millis,
}

impl Head {
    /// The current shape.
    pub const V: u32 = 1;

    #[must_use]
    pub const fn new(total: u32, now: Millis, deadline: Option<Millis>) -> Self {
        Self {
            v: Self::V,
            phase: Phase::Forward,
            epoch: 0,
            total,
            cursor: 0,
            floor: 0,
            open: FlatMap::new(),
            pivoted: false,
            cause: None,
            deadline,
            paused: false,
            drifting: None,
            accepted: FlatSet::new(),
            parent: None,
            trace: None,
            priority: Priority::Normal,
            mail: BTreeMap::new(),
            heard: Vec::new(),
            budget: None,
            back: None,
            hop: None,
            alive: None,
            invocations: 0,
            calls: 0,
            marks: [0; 2],
            last_at: now,
        }
    }

    /// Whether it can be one that was saved: what is counted by the plan's length lies within it.
    ///
    /// # Errors
    /// What does not fit.
    pub fn check(&self) -> Result<(), &'static str> {
        if self.v > Self::V {
            return Err("it was saved by a newer build");
        }
        if self.total > MOST_NODES {
            return Err("the plan is longer than any");
        }
        if self.cursor > self.total || self.floor > self.cursor {
            return Err("it is further than the plan is long");
        }
        if self.open.keys().any(|ix| *ix >= self.cursor) {
            return Err("a node is in work that was not reached");
        }
        if self.epoch > MOST_NODES || self.open.values().any(|open| open.round > MOST_NODES) {
            return Err("it was planned, or a step asked for, anew more often than anybody does");
        }
        Ok(())
    }

    /// Forward or unwinding; of a stuck saga, what it was when it got stuck.
    #[must_use]
    pub fn direction(&self) -> Phase {
        match self.phase {
            Phase::Forward | Phase::Unwinding | Phase::Completed | Phase::MadeGood => self.phase,
            Phase::Stuck => self.back.unwrap_or(Phase::Forward),
        }
    }
}

/// A saga in the hands of one invocation: the saved head, and what this invocation alone knows.
#[derive(Clone, Debug)]
pub struct Saga {
    pub id: SagaId,
    pub head: Head,
    pub(super) run: Run,
}

/// What dies with the invocation.
#[derive(Clone, Debug, Default)]
pub(super) struct Run {
    /// Shared, so that what acts on one and on the saga copies nothing.
    pub nodes: FlatMap<u32, Arc<Node>>,
    pub tools: FlatMap<String, Terms>,
    pub drifted: FlatSet<String>,
    pub estimates: FlatMap<String, Millis>,
    pub outputs: FlatMap<u32, Value>,
    pub past: FlatMap<u32, Past>,
    /// Nodes from `cursor` (or above `floor`) to here are in `nodes`.
    pub loaded: u32,
    /// Nodes asked for at the last page.
    pub page: u32,
    pub paging: bool,

    pub awake: bool,
    /// How far the journal's clock is ahead of this machine's.
    pub ahead: Millis,
    pub until: Millis,
    pub kill: Millis,
    pub cautious: bool,
    /// The saga was so in the journal at this time: it was loaded then, or a commit of this invocation's stood.
    pub seen: Millis,
    /// When the commit under way was made.
    pub committed_at: Millis,
    /// A call was made in this invocation, so that it brings the saga on.
    pub moved: bool,
    /// No further call fits into this invocation.
    pub full: bool,

    pub inflight: FlatSet<CallId>,
    pub sleeping: bool,
    /// Every call takes a turn, whatever its tool says.
    pub limited: bool,
    /// The steps that have asked for their turn, with the wait until they ask again.
    pub asking: FlatMap<u32, Millis>,
    /// The steps whose turn has come.
    pub turns: FlatSet<u32>,
    /// The breakers that are not closed, with the times at which they may be tried.
    pub wary: FlatMap<String, Millis>,
    /// The steps that have asked for leave.
    pub leaving: FlatSet<u32>,
    /// The steps that have it.
    pub leave: FlatSet<u32>,
    /// A step has asked in vain, and must be woken.
    pub polled: bool,
    /// Learned, not committed.
    pub records: Vec<Record>,
    pub committing: bool,
    /// Nodes that the next commit appends to the plan.
    pub added: Vec<Node>,
    /// Calls whose intent is in the commit under way.
    pub held_calls: Vec<Call>,
    pub ending: Option<super::effect::Ended>,
    pub ended: bool,
}

impl Saga {
    /// A saga as it was loaded: its head, and the window of nodes in work and next in line.
    #[must_use]
    pub fn load(id: SagaId, mut head: Head, window: Window) -> Self {
        if head.phase == Phase::Stuck && head.back.is_none() {
            head.back = Some(was_going(&head, &window));
        }
        let edge = if head.direction() == Phase::Unwinding { head.floor } else { head.cursor };
        let mut saga = Self { id, head, run: Run { loaded: edge, page: 4, ..Run::default() } };
        saga.admit(window);
        saga
    }

    /// Where in which trace it is.
    #[must_use]
    pub fn trace(&self) -> Context {
        Context::of_saga(&self.id, self.caller())
    }

    /// What its caller came with.
    pub(super) fn caller(&self) -> Option<Context> {
        self.head.trace.as_deref().and_then(Context::parse)
    }

    /// Takes a window in, and notes how far the plan is known. Nodes in work may lie anywhere: only
    /// what joins the known part makes it longer.
    pub(super) fn admit(&mut self, mut window: Window) {
        window.nodes.retain(|node| node.ix < self.head.total);
        let mut ixs: Vec<u32> = window.nodes.iter().map(|node| node.ix).collect();
        ixs.sort_unstable();
        if self.head.direction() == Phase::Unwinding {
            for ix in ixs.iter().rev().filter(|ix| **ix < self.head.floor) {
                if ix + 1 == self.run.loaded {
                    self.run.loaded = *ix;
                }
            }
        } else {
            for ix in ixs {
                if ix == self.run.loaded {
                    self.run.loaded = ix + 1;
                }
            }
        }
        self.run.nodes.extend(window.nodes.into_iter().map(|node| (node.ix, Arc::new(node))));
        self.run.tools.append(&mut window.tools);
        self.run.drifted.append(&mut window.drifted);
        self.run.estimates.append(&mut window.estimates);
        self.run.outputs.append(&mut window.outputs);
        for (node, past) in window.past {
            let known = self.run.past.or_default(node);
            // An answer that came since the page was asked for is newer than the page.
            let newer = known.done.then(|| (known.by_hand, known.output.take()));
            let undone = known.undone || past.undone;
            *known = Past { undone, ..past };
            if let Some((by_hand, output)) = newer {
                (known.done, known.by_hand, known.output) = (true, by_hand, output);
            }
        }
    }

    /// Whether a page joins what is loaded, so that paging always comes to an end.
    pub(super) fn is_next(&self, window: &Window) -> bool {
        let wanted = if self.head.direction() == Phase::Unwinding {
            self.run.loaded.checked_sub(1)
        } else {
            Some(self.run.loaded)
        };
        window.nodes.iter().any(|node| Some(node.ix) == wanted)
    }

    pub(super) fn record(&mut self, fact: Fact) {
        // What is folded before the wake was learned by the invocation that is about to begin.
        let inv = self.head.invocations.saturating_add(u32::from(!self.run.awake));
        self.run.records.push(Record { at: self.head.last_at, inv, fact });
    }

    /// Done, undone or passed over: nothing more is to be done about it in this direction.
    pub(super) fn settled(&self, node: u32) -> bool {
        let reached =
            if self.head.phase == Phase::Unwinding { node >= self.head.floor } else { node < self.head.cursor };
        reached && !self.head.open.contains_key(&node)
    }

    pub(super) fn in_flight(&self, node: u32) -> bool {
        self.run.inflight.iter().any(|call| call.node == node)
            || self.run.held_calls.iter().any(|call| call.node == node)
    }

    /// What the steps that a node refers to have given, by their ids.
    pub(super) fn output_of<'a>(&'a self, node: &'a Node) -> impl Fn(&str) -> Option<&'a Value> {
        |step| node.refs.get(step).and_then(|ix| self.run.outputs.get(ix))
    }

    pub(super) fn definition(&self, node: &Node) -> Option<&Terms> {
        self.run.tools.get(&node.tool)
    }
}

/// Where a saga was going that an older build left stuck. Before the point of no return only an
/// unsettled pivot keeps a failure from turning it round.
fn was_going(head: &Head, window: &Window) -> Phase {
    let is_pivot = |ix: &u32| window.nodes.iter().any(|node| node.ix == *ix && node.class == Class::Pivot);
    let at_large = head.open.iter().any(|(ix, open)| open.job != Job::Pending && is_pivot(ix));
    if head.cause.is_some() && !head.pivoted && !at_large { Phase::Unwinding } else { Phase::Forward }
}

#[cfg(test)]
mod tests {
    use super::super::event::Event;
    use super::super::step::step;
    use super::*;

    // What earlier builds saved. These lines are never edited: a head that no longer loads is a saga
    // that no longer goes on.
    const FORWARD_V1: &str = r#"{"v":1,"phase":"forward","epoch":0,"total":3,"cursor":2,"floor":0,"open":{"0":{"j":"do","n":2,"s":1795376904400,"d":1795376905000,"u":true},"1":{"j":"pending","n":0,"s":1795376904400}},"pivoted":false,"invocations":2,"calls":3,"last_at":1795376904418}"#;
    const UNWINDING_V1: &str = r#"{"v":1,"phase":"unwinding","epoch":0,"total":3,"cursor":2,"floor":1,"open":{"1":{"j":"undo","n":1,"s":1795376904430}},"pivoted":false,"cause":{"why":"step","node":1,"code":"no_driver","detail":"All are busy."},"deadline":1795376999999,"invocations":1,"calls":3,"last_at":1795376904440}"#;

    #[test]
    fn heads_that_earlier_builds_saved_still_load_and_go_on() {
        for saved in [FORWARD_V1, UNWINDING_V1] {
            let head: Head = serde_json::from_str(saved).unwrap();
            assert_eq!(serde_json::from_str::<Head>(&serde_json::to_string(&head).unwrap()).unwrap(), head);
            let id = SagaId::new(Millis(1_795_376_904_307), [7; 10]);
            let mut saga = Saga::load(id, head, Window::default());
            let wake =
                Event::Wake { until: Millis(1_795_376_913_000), kill: Millis(1_795_376_914_000), cautious: false };
            let effects = step(&mut saga, wake, Millis(1_795_376_904_500)).unwrap();
            assert!(!effects.is_empty(), "{saved}");
        }
    }
}
