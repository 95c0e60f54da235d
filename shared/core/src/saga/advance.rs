//! Carrying on: what every event ends in. Starts what is ready, and otherwise commits, pages,
//! sleeps, yields or rests.

use super::child::{self, Child};
use super::effect::{Call, Commit, Effect, Ended, Op, Wake};
use super::event::{CallId, Outcome};
use super::fact::{Cause, Fact};
use super::failure::MOST_SPARED;
use super::node::Node;
use super::reference;
use super::state::{Job, Open, Phase, Saga};
use crate::id::idempotency_key;
use crate::time::Millis;
use crate::tool::{Class, Terms};
use crate::trace::Context;

/// Calls of one saga that may be under way at once.
pub(super) const PARALLEL: usize = 8;
/// A wait up to this long is slept through; a longer one ends the invocation.
const NAP: Millis = Millis(1_500);
/// How long after the platform's kill the sweeper may take an invocation for dead.
const GRACE: Millis = Millis(2_000);
/// The most nodes that one page brings.
const PAGE: u32 = 32;
/// The longest that one wake waits for in the queue: less than the week that the queue allows. A
/// longer wait is made of several.
pub(super) const HOP: Millis = Millis(6 * 24 * 60 * 60 * 1000);
/// So many untouched nodes are enough to choose from: the first of them is never blocked for long.
const LOOKAHEAD: usize = 64;
/// The shortest time-out that a call gets: with less of its invocation left none leaves.
const SHORTEST: Millis = Millis(250);

/// What stands in the way of a call.
pub(super) enum Ready {
    /// Make it.
    Now(Box<Call>),
    /// It would not end in this invocation.
    NoTime,
    /// Its parameters cannot be made, or do not fit the tool: it is never made.
    Impossible { code: &'static str, detail: String },
}

impl Saga {
    /// Starts, or ends, whatever can be.
    pub(super) fn advance(&mut self) -> Vec<Effect> {
        if self.run.ended || self.run.ending.is_some() || !self.run.awake {
            return Vec::new();
        }
        self.check_deadline();
        if self.head.phase == Phase::Forward && !self.head.paused && self.head.cause.is_none() && !self.run.committing {
            self.ring();
        }
        let mut effects = Vec::new();
        if self.run.paging {
            return effects;
        }
        // What a commit under way says must not be outrun, or two commits would race each other.
        if !self.run.committing {
            // What is started may fail at once: then it turns round, or looks further, here and now.
            loop {
                self.turn();
                let fresh = match self.head.phase {
                    Phase::Forward => self.start_forward(&mut effects),
                    Phase::Unwinding => self.start_undo(&mut effects),
                    Phase::Completed | Phase::MadeGood | Phase::Stuck => Vec::new(),
                };
                if !fresh.is_empty() {
                    self.run.held_calls = fresh;
                    let wake_at = Some(self.run.kill + GRACE);
                    effects.push(self.commit(wake_at, Vec::new()));
                    return effects;
                }
                let looks_further = self.head.phase == Phase::Unwinding
                    && !self.run.full
                    && self.run.loaded < self.head.floor
                    && self.wants_more();
                if !self.turns() && !looks_further {
                    break;
                }
            }
        }
        if !self.run.committing {
            self.idle(&mut effects);
        }
        effects
    }

    /// Before the point of no return a failure turns the saga round, once the pivot's fate is known.
    fn turns(&self) -> bool {
        self.head.phase == Phase::Forward && self.head.cause.is_some() && !self.head.pivoted && !self.pivot_at_large()
    }

    /// Of a saga that is stuck: whether it can still be made good, because somebody asks for it.
    pub(super) fn may_turn_back(&self) -> bool {
        let forward = self.head.phase == Phase::Stuck && self.head.direction() == Phase::Forward;
        forward && !self.head.pivoted && !self.pivot_at_large()
    }

    fn turn(&mut self) {
        if !self.turns() {
            return;
        }
        let Some(cause) = self.head.cause.clone() else { return };
        self.record(Fact::Unwinding { cause });
        self.head.phase = Phase::Unwinding;
        self.head.floor = self.head.cursor;
        self.run.loaded = self.head.cursor;
        self.run.page = 4;
        let open = std::mem::take(&mut self.head.open);
        for (ix, mut node) in open {
            // A query leaves nothing, whatever became of it.
            if self.class(ix) == Some(Class::Query) {
                continue;
            }
            match node.job {
                // Never started.
                Job::Pending | Job::Wait if node.round == 0 => {}
                // Refused, and taken up again by a person, but not asked for anew: it stays refused.
                Job::Pending | Job::Wait => self.refused_undo(ix, node.round.saturating_sub(1)),
                Job::Do if node.is_new() => self.refused_undo(ix, node.round.saturating_sub(1)),
                Job::Do | Job::Ask => {
                    if !self.in_flight(ix) {
                        self.doubtful_undo(ix, &mut node);
                    }
                    self.head.open.insert(ix, node);
                }
                // Refused, and a person was to see to it: nothing stands in the way of undoing the rest.
                Job::Held if node.op == Some(Op::Do) && !node.doubt => {
                    if node.attempt > 0 {
                        self.refused_undo(ix, node.round);
                    }
                }
                Job::Held if node.op == Some(Op::Do) => {
                    self.doubtful_undo(ix, &mut node);
                    self.head.open.insert(ix, node);
                }
                Job::Undo | Job::Held => {
                    self.head.open.insert(ix, node);
                }
            }
        }
    }

    /// A do that was refused, met while turning round: a late duplicate of it is kept out.
    fn refused_undo(&mut self, ix: u32, round: u32) {
        if self.run.nodes.get(&ix).is_some_and(|node| self.is_fenced(node)) {
            self.head.open.insert(ix, Open { round, ..Open::new(Job::Undo, self.head.last_at) });
        }
    }

    /// A do of unknown outcome, met while turning round: where its undo leaves a tombstone, that
    /// settles it; elsewhere it is settled first, and undone then.
    fn doubtful_undo(&self, ix: u32, open: &mut Open) {
        if self.run.nodes.get(&ix).is_some_and(|node| self.is_fenced(node)) {
            *open = Open { doubt: true, round: open.round, ..Open::new(Job::Undo, self.head.last_at) };
        }
    }

    /// The pivot was started and nobody knows yet whether it happened.
    pub(super) fn pivot_at_large(&self) -> bool {
        let mut open = self.head.open.iter();
        open.any(|(ix, open)| !matches!(open.job, Job::Pending | Job::Wait) && self.class(*ix) == Some(Class::Pivot))
    }

    pub(super) fn class(&self, ix: u32) -> Option<Class> {
        self.run.nodes.get(&ix).map(|node| node.class)
    }

    fn check_deadline(&mut self) {
        if self.head.deadline.is_some_and(|deadline| deadline <= self.head.last_at) {
            self.fail(Cause::Deadline);
        }
    }

    /// Notes why the saga is not to go on. After the pivot only a step can stop it, by being held.
    pub(super) fn fail(&mut self, cause: Cause) {
        if self.head.phase != Phase::Forward {
            return;
        }
        if !self.head.pivoted {
            // It is worth a commit, though it may be long before the saga can turn round.
            self.run.moved |= self.head.cause.is_none();
            self.head.cause.get_or_insert(cause);
        } else if let Cause::Step { node, code, detail } = cause {
            self.hold(node, Op::Do, code, detail);
        }
    }

    pub(super) fn hold(&mut self, node: u32, op: Op, code: String, detail: String) {
        let open = self.head.open.or_insert(node, Open::new(Job::Held, self.head.last_at));
        (open.job, open.due, open.op) = (Job::Held, None, Some(op));
        if op == Op::Undo && self.head.phase == Phase::Forward {
            // It should have made room for another, and cannot.
            let (code, detail) = (code.clone(), detail.clone());
            self.head.cause.get_or_insert(Cause::Step { node, code, detail });
        }
        self.record(Fact::Held { node, op, code, detail });
    }

    /// May another call be made, by count?
    pub(super) fn has_room(&self, more: usize) -> bool {
        self.run.inflight.len() + self.run.asking.len() + self.run.leaving.len() + more < PARALLEL
    }

    pub(super) fn is_due(&self, open: &Open) -> bool {
        open.due.is_none_or(|due| due <= self.head.last_at)
    }

    /// Makes the call for a node's job, or says what is in the way.
    pub(super) fn prepare(&self, node: &Node, op: Op, attempt: u32) -> Ready {
        let Some(tool) = self.definition(node) else {
            let detail = format!("The tool `{}` {} is not registered any more.", node.tool, node.version);
            return Ready::Impossible { code: "tool_missing", detail };
        };
        let now = self.head.last_at;
        let left = self.run.kill.since(now);
        if left < SHORTEST || (self.run.moved && now + self.usual(&node.tool, tool) > self.run.until) {
            return Ready::NoTime;
        }
        let past = self.run.past.get(&node.ix);
        let known = past.and_then(|past| past.params.clone()).filter(|_| op == Op::Undo);
        let resolved = match (known, op) {
            (Some(params), _) => Ok(params),
            (None, Op::Do) => self.filled(node),
            (None, Op::Undo) if self.head.phase == Phase::Forward => self.filled(node),
            // Their key says all that they need; parameters that refer to others were kept above.
            (None, Op::Undo | Op::Status) => Ok(node.params.clone()),
        };
        let params = match resolved {
            Ok(params) => params,
            Err(reference) => {
                let detail = format!("`{reference}` names nothing in the output it refers to.");
                return Ready::Impossible { code: "unresolved_reference", detail };
            }
        };
        if op == Op::Do && attempt == 1 {
            let violations = tool.input.check(&serde_json::Value::Object(params.clone()));
            if let Some(first) = violations.first() {
                let detail = format!("{}: {}", first.path, first.message);
                return Ready::Impossible { code: "invalid_parameters", detail };
            }
        }
        let (round, fingerprint) = (self.round(node.ix), fingerprint(&params));
        let call = CallId { node: node.ix, op, round, attempt, fingerprint };
        Ready::Now(Box::new(Call {
            node: node.ix,
            op,
            attempt,
            tool: node.tool.clone(),
            round,
            key: idempotency_key(&self.id, node.epoch.saturating_add(round), node.ix),
            trace: Context::of_call(&self.id, self.caller(), call).written(),
            fingerprint,
            params,
            output: past.and_then(|past| past.output.clone()).filter(|_| op == Op::Undo),
            timeout: tool.timeout_ms.min(left),
            limits: tool.concurrency.clone(),
            rate: tool.rate,
            secrets: tool.secrets.clone(),
            hosts: tool.hosts.clone(),
            mcp: tool.mcp.clone().map(Box::new),
        }))
    }

    /// A step's parameters, with what earlier steps gave.
    ///
    /// # Errors
    /// The first reference that names nothing.
    pub(super) fn filled(&self, node: &Node) -> Result<serde_json::Map<String, serde_json::Value>, String> {
        let resolve = if Child::is_one(&node.tool) { child::hand_down } else { reference::resolve };
        resolve(&node.params, &self.output_of(node))
    }

    pub(super) fn round(&self, ix: u32) -> u32 {
        self.head.open.get(&ix).map_or(0, |open| open.round)
    }

    /// How long a call of a tool takes, as it was learned, or is declared.
    fn usual(&self, name: &str, tool: &Terms) -> Millis {
        self.run.estimates.get(name).copied().unwrap_or(tool.estimate_ms)
    }

    /// Lets a call go of which no commit tells.
    pub(super) fn send(&mut self, call: Call) -> Effect {
        self.head.calls = self.head.calls.saturating_add(counted(&call));
        self.leave(call)
    }

    fn leave(&mut self, call: Call) -> Effect {
        self.run.moved = true;
        self.run.leave.remove(&call.node);
        if call.op == Op::Do {
            self.use_turn(call.node);
        }
        self.run.inflight.insert(call.id());
        Effect::Call(Box::new(call))
    }

    /// Lets a call go whose intent stands by now, with the time that its commit has left it. Where that is not even half
    /// of what it was to have, nor what it usually takes, it stays: it had no effect, and uses up no attempt.
    pub(super) fn send_held(&mut self, mut call: Call) -> Option<Effect> {
        let left = self.run.kill.since(self.head.last_at);
        let usual = self.run.tools.get(&call.tool).map_or(SHORTEST, |tool| self.usual(&call.tool, tool));
        if left >= usual.min(Millis(call.timeout.0 / 2)).max(SHORTEST) {
            call.timeout = call.timeout.min(left);
            return Some(self.leave(call));
        }
        self.head.calls = self.head.calls.saturating_sub(counted(&call));
        if let Some(open) = self.head.open.get_mut(&call.node) {
            open.spared = open.spared.saturating_add(1).min(MOST_SPARED);
        }
        let reason = "The commit before it left it no time.".to_owned();
        let not_sent = Outcome::Later { after: None, code: "not_sent".to_owned(), reason };
        self.fold_answer(call.id(), Millis(0), not_sent);
        None
    }

    fn commit(&mut self, wake_at: Option<Millis>, wakes: Vec<Wake>) -> Effect {
        self.run.committing = true;
        self.run.committed_at = self.head.last_at;
        if !self.run.held_calls.is_empty() || !self.run.inflight.is_empty() {
            self.head.alive = self.head.alive.max(Some(self.run.kill));
        }
        if self.head.alive.is_some_and(|alive| alive <= self.head.last_at) || self.head.phase.at_rest() {
            self.head.alive = None;
        }
        // What leaves with it is counted by it: whoever dies in between cannot have it made for nothing.
        let leaving: u64 = self.run.held_calls.iter().map(counted).sum();
        self.head.calls = self.head.calls.saturating_add(leaving);
        let records = std::mem::take(&mut self.run.records);
        let nodes = std::mem::take(&mut self.run.added);
        Effect::Commit(Commit { records, nodes, wake_at, wakes })
    }

    /// Nothing could be started: page, wait, sleep, yield or rest.
    fn idle(&mut self, effects: &mut Vec<Effect>) {
        if let Some((from, to)) = self.next_page() {
            if self.head.phase == Phase::Unwinding && !self.run.records.is_empty() {
                // The page is made from the journal: what this invocation knows must be in it.
                let wake_at = Some(self.run.kill + GRACE);
                effects.push(self.commit(wake_at, Vec::new()));
                return;
            }
            self.run.paging = true;
            self.run.page = (self.run.page * 2).min(PAGE);
            effects.push(Effect::Page { from, to });
            return;
        }
        let due = self.next_stop();
        if let Some(until) = due
            && !self.run.full
            && until > self.head.last_at
            && until.since(self.head.last_at) <= NAP
            && until <= self.run.until
            && !self.waits_for_another()
        {
            if !self.run.sleeping {
                self.run.sleeping = true;
                effects.push(Effect::Sleep { until: until - self.run.ahead });
            }
            return;
        }
        let asks = !self.run.asking.is_empty() || !self.run.leaving.is_empty();
        if !self.run.inflight.is_empty() || asks || !effects.is_empty() {
            return;
        }
        let wake = if self.run.full { Some(self.head.last_at - self.run.ahead) } else { due };
        if let Some(wanted) = wake {
            let reached = self.head.hop.is_some_and(|hop| hop <= self.head.last_at);
            let quiet = self.run.records.is_empty() && !self.run.moved && !reached;
            if quiet && !self.run.polled {
                self.run.ended = true;
                let at = self.head.hop.map_or(wanted, |hop| hop.min(wanted));
                effects.extend([Effect::Rearm(Wake { slot: 0, at }), Effect::End(Ended::Early)]);
                return;
            }
            let furthest = self.head.last_at + HOP;
            let at = wanted.min(furthest);
            // With another plan there may be nothing to do before long, which the next invocation commits.
            let replanned = self.run.records.iter().any(|record| matches!(record.fact, Fact::Replanned { .. }));
            self.head.hop = (wanted >= furthest || replanned).then_some(at);
            self.run.ending = Some(Ended::Yield);
            // Who only asked in vain has no news: the head says when to ask again.
            if !quiet {
                self.record(Fact::Yielded { until: at });
            }
            effects.push(self.commit(Some(at), vec![Wake { slot: 0, at }]));
            return;
        }
        self.rest(effects);
    }

    fn rest(&mut self, effects: &mut Vec<Effect>) {
        if self.head.phase == Phase::Forward && !self.head.pivoted {
            // The pivot is held, and so is what failed beside it.
            self.hold_failed();
        }
        let held = self.head.open.iter().filter(|(_, open)| open.job == Job::Held);
        let nodes: Vec<u32> = held.map(|(ix, _)| *ix).collect();
        let head = &self.head;
        let (phase, fact) = if head.phase == Phase::Forward && head.cursor == head.total && head.open.is_empty() {
            (Phase::Completed, Fact::Completed)
        } else if head.phase == Phase::Unwinding && head.floor == 0 && head.open.is_empty() {
            (Phase::MadeGood, Fact::MadeGood)
        } else {
            (Phase::Stuck, Fact::Stuck { nodes })
        };
        self.head.back = (phase == Phase::Stuck).then_some(self.head.phase);
        self.head.phase = phase;
        self.record(fact);
        self.run.ending = Some(Ended::Rest);
        effects.push(self.commit(None, Vec::new()));
    }

    /// The part of the plan that is needed next and not loaded.
    fn next_page(&self) -> Option<(u32, u32)> {
        if self.run.full || !self.has_room(0) {
            return None;
        }
        match self.head.phase {
            // A window without an untouched node says nothing of what could be started.
            Phase::Forward if self.head.cause.is_none() && !self.head.paused && self.run.loaded < self.head.total => {
                let untouched = (self.head.cursor..self.run.loaded).len();
                if untouched >= LOOKAHEAD {
                    return None;
                }
                let waiting = self.head.open.values().filter(|open| open.job == Job::Pending).count();
                let from = self.run.loaded;
                (untouched == 0 || waiting > 0 || self.run.inflight.is_empty())
                    .then(|| (from, from.saturating_add(self.run.page).min(self.head.total)))
            }
            Phase::Unwinding if self.head.floor > 0 && self.run.loaded == self.head.floor => {
                self.wants_more().then(|| (self.head.floor.saturating_sub(self.run.page), self.head.floor))
            }
            Phase::Forward | Phase::Unwinding | Phase::Completed | Phase::MadeGood | Phase::Stuck => None,
        }
    }

    /// When there is something to do again: a node, or the saga's deadline where it waits for it.
    fn next_stop(&self) -> Option<Millis> {
        let due = self.next_due();
        if self.head.phase != Phase::Forward || self.head.cause.is_some() {
            return due;
        }
        // Who pauses a saga and forgets it: it looks up now and then, and nothing else.
        let left = self.head.cursor < self.head.total || !self.head.open.is_empty();
        let parked = (self.head.paused && left).then(|| self.head.last_at + HOP);
        let waits = due.is_some() || parked.is_some();
        [due, parked, self.head.deadline.filter(|_| waits && !self.head.pivoted)].into_iter().flatten().min()
    }

    /// When the next node in work may be tried again.
    pub(super) fn next_due(&self) -> Option<Millis> {
        let waiting = self.head.open.iter().filter(|(ix, open)| open.job != Job::Held && !self.in_flight(**ix));
        let waiting = waiting.filter(|(_, open)| !self.head.paused || open.job != Job::Wait);
        // What has not begun asks for its turn while the saga goes on only.
        let stays = self.begins_nothing();
        let waiting = waiting.filter(|(_, open)| !stays || !open.is_new());
        let waiting = waiting.filter(|(ix, _)| !self.given_up(**ix));
        // Whether an undo's turn has come is not known before all above it has been looked at.
        let unknown = |ix: u32, open: &Open| open.job == Job::Undo && ix < self.head.floor;
        let waiting = waiting.filter(|(ix, open)| !unknown(**ix, open));
        let elsewhere = self.head.alive.filter(|_| self.may_be_answered());
        waiting.filter_map(|(_, open)| open.due.or(elsewhere.filter(|_| open.is_unanswered()))).min()
    }

    /// Whoever made the calls that are unanswered may still be waiting for them.
    pub(super) fn may_be_answered(&self) -> bool {
        self.head.alive.is_some_and(|alive| alive > self.head.last_at)
    }

    /// Whoever made a call that is unanswered, in another invocation, is waited for.
    fn waits_for_another(&self) -> bool {
        let mut open = self.head.open.iter();
        self.may_be_answered() && open.any(|(ix, open)| open.is_unanswered() && !self.in_flight(*ix))
    }

    /// What is known of the saga is from before the wait for another was over. Whatever that learned may be in the
    /// journal since; and a call that is made once more has no commit before it, which would tell.
    pub(super) fn is_stale(&self) -> bool {
        self.head.alive.is_some_and(|alive| alive <= self.head.last_at && alive > self.run.seen)
    }

    /// Going forward, nothing is begun: the saga is paused, or something has failed.
    pub(super) fn begins_nothing(&self) -> bool {
        self.head.phase == Phase::Forward && (self.head.paused || self.head.cause.is_some())
    }

    /// After a failure, and while the saga is paused, only what may be in the world is followed up.
    pub(super) fn given_up(&self, ix: u32) -> bool {
        (self.head.cause.is_some() || self.head.paused) && self.class(ix) == Some(Class::Query)
    }
}

/// What a call is of those that a saga makes. A child is asked how it stands by nobody who counts.
fn counted(call: &Call) -> u64 {
    u64::from(!Child::is_one(&call.tool))
}

/// FNV-1a over the parameters' JSON text, whose keys are in order.
pub(super) fn fingerprint(params: &serde_json::Map<String, serde_json::Value>) -> u64 {
    let text = serde_json::to_string(params).unwrap_or_default();
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}
