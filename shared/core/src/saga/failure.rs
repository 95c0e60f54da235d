//! A call that did not succeed, and may yet: tried again, asked about, given up, or left to a person.

use super::effect::Op;
use super::event::{CallId, Refusal};
use super::fact::{Cause, Fact};
use super::node::Node;
use super::state::{Job, Open, Phase, Saga};
use crate::time::Millis;
use crate::tool::{Class, Repeat, Retry, UNDER_WAY};

/// The longest wait between two tries that have no limit: undo, and what follows the pivot.
const PATIENCE: Millis = Millis(60_000);
/// The same after [`MANY`] tries, which is about an hour: who was away for so long may be so for days,
/// and every try is kept in the journal.
const LONG_PATIENCE: Millis = Millis(15 * 60_000);
const MANY: u32 = 60;
/// The shortest wait after a failure that found its breaker open; after [`MANY`] of them it is [`PATIENCE`], and after
/// as many again [`LONG_PATIENCE`].
const SOONEST: Millis = Millis(200);
/// So many of them, which take about a day, use up no attempt. A call that is answered with an error for ever comes
/// to its end as well.
pub(super) const MOST_SPARED: u32 = 2 * MANY + 96;

/// What the journal says where a partner, asked what became of it, knows nothing of it: then it is made again.
pub const NEVER_SEEN: &str = "The partner has not seen the key.";

/// The code of an answer whose output cannot be kept. The effect may have happened all the same.
pub const TOO_LARGE: &str = "too_large";

/// How a node goes on whose call brought no answer.
enum Next {
    Again,
    Ask,
    /// Undoing it is safe whatever happened.
    GiveUp,
    Hold,
}

/// A call that did not succeed, and may yet.
pub(super) struct Failure {
    pub(super) call: CallId,
    pub(super) took: Millis,
    pub(super) after: Option<Millis>,
    pub(super) code: String,
    pub(super) reason: String,
}

impl Saga {
    pub(super) fn fold_later(&mut self, node: &Node, failure: Failure) {
        let call = failure.call;
        let doubt = self.head.open.get(&node.ix).is_some_and(|open| open.doubt) && node.class != Class::Query;
        let unwinding = self.head.phase == Phase::Unwinding;
        if call.op != Op::Do || (!unwinding && self.may_mend(node, &failure)) {
            self.try_again(node, failure);
        } else if doubt {
            self.fold_unknown(node, failure);
        } else {
            let refusal = self.given_up_after(node, &failure, "exhausted");
            self.refused(node, call.attempt, failure.took, refusal);
        }
    }

    pub(super) fn fold_unknown(&mut self, node: &Node, failure: Failure) {
        let call = failure.call;
        if let Some(open) = self.head.open.get_mut(&node.ix) {
            open.doubt = true;
        }
        // A partner gives the same under the key, and as the status of it, as often as it is asked.
        let stays = failure.code == TOO_LARGE;
        if call.op == Op::Status && stays {
            return self.go_on(node, failure, Next::Hold);
        }
        if call.op != Op::Do {
            return self.try_again(node, failure);
        }
        if node.class == Class::Query {
            if self.may_mend(node, &failure) {
                return self.try_again(node, failure);
            }
            let refusal = self.given_up_after(node, &failure, "no_answer");
            return self.refused(node, call.attempt, failure.took, refusal);
        }
        let next = match self.after_unknown(node, !stays && self.may_mend(node, &failure)) {
            Next::Again | Next::Ask if stays => Next::Hold,
            next @ (Next::Again | Next::Ask | Next::GiveUp | Next::Hold) => next,
        };
        self.go_on(node, failure, next);
    }

    /// The partner is at work on it, which is no failure, however often it says so.
    pub(super) fn fold_working(&mut self, node: &Node, call: CallId, took: Millis, after: Option<Millis>) {
        let (code, reason) = ("in_progress".to_owned(), "The partner is still working on it.".to_owned());
        let failure = Failure { call, took, after, code, reason };
        if let Some(open) = self.head.open.get_mut(&node.ix) {
            // Only failures in a row use its attempts up: whoever is at work may be so for weeks.
            (open.doubt, open.working, open.spared) = (true, open.attempt, 0);
        }
        if call.op != Op::Do || node.class == Class::Query {
            return self.try_again(node, failure);
        }
        let next = self.after_unknown(node, true);
        self.go_on(node, failure, next);
    }

    fn go_on(&mut self, node: &Node, failure: Failure, next: Next) {
        let Failure { call, took, .. } = failure;
        match next {
            Next::Again => self.try_again(node, failure),
            Next::Ask => {
                self.unsettled(node, call, took, failure.reason, Some(self.head.last_at));
                self.ask(node.ix);
            }
            Next::GiveUp => {
                self.unsettled(node, call, took, failure.reason.clone(), None);
                self.give_up(node.ix, call.attempt, &failure.reason);
            }
            Next::Hold => {
                self.unsettled(node, call, took, failure.reason, None);
                self.hold_unknown(node.ix);
            }
        }
    }

    /// Whether another attempt may succeed: some are left, and this failure is not one that stays.
    fn may_mend(&self, node: &Node, failure: &Failure) -> bool {
        !self.stays(node, &failure.code) && self.tries_left(node, failure.call.attempt)
    }

    fn stays(&self, node: &Node, code: &str) -> bool {
        self.policy(node).is_some_and(|retry| retry.never.iter().any(|never| never == code))
    }

    /// The refusal that a failure becomes which is not tried again.
    fn given_up_after(&self, node: &Node, failure: &Failure, exhausted: &str) -> Refusal {
        let Failure { call, code, reason, .. } = failure;
        if self.stays(node, code) {
            let detail = format!("Not tried again after `{code}`, as the step's `retry` says: {reason}");
            return Refusal { code: code.clone(), detail };
        }
        let detail = format!("Gave up after {} tries: {reason}", call.attempt);
        Refusal { code: exhausted.to_owned(), detail }
    }

    /// An invocation died with this do under way. Answers whether nothing is to be sent now.
    pub(super) fn lost(&mut self, ix: u32, node: &Node) -> bool {
        let Some(open) = self.head.open.get_mut(&ix) else { return true };
        open.doubt = true;
        if open.job == Job::Ask {
            return false;
        }
        let attempt = open.attempt;
        if node.class == Class::Query {
            let tries_left = self.tries_left(node, attempt);
            if !tries_left {
                let detail =
                    format!("Gave up after {attempt} tries: the invocations that called it ended without an answer.");
                self.refused(node, attempt, Millis(0), Refusal { code: "no_answer".to_owned(), detail });
            }
            return !tries_left;
        }
        match self.after_unknown(node, self.tries_left(node, attempt)) {
            Next::Again => false,
            Next::Ask => {
                self.ask(ix);
                false
            }
            Next::GiveUp => {
                self.give_up(ix, attempt, "the invocation that called it ended without an answer");
                true
            }
            Next::Hold => {
                self.hold_unknown(ix);
                true
            }
        }
    }

    /// The rules for an effect of unknown outcome, by what its partner can do. `tries`: another may be made.
    fn after_unknown(&self, node: &Node, tries: bool) -> Next {
        let Some(tool) = self.definition(node) else { return Next::Hold };
        let undoable = node.class == Class::Compensatable && tool.fence;
        // While unwinding no effect is started again that can be undone unseen.
        if undoable && self.head.phase == Phase::Unwinding {
            return Next::GiveUp;
        }
        if self.remembered(node) && (tries || !undoable) {
            Next::Again
        } else if undoable {
            Next::GiveUp
        } else if tool.status {
            Next::Ask
        } else {
            Next::Hold
        }
    }

    /// The partner still knows the key when a repeat that leaves in this invocation comes, so that it cannot act
    /// twice; a query's repeat never acts.
    pub(super) fn remembered(&self, node: &Node) -> bool {
        let since = self.head.open.get(&node.ix).map(|open| open.since).unwrap_or_default();
        // Before it leaves there may be a commit; but whatever leaves does so before its invocation is ended.
        let last = self.head.last_at.max(self.run.kill);
        match self.definition(node).map(|tool| tool.repeat) {
            _ if node.class == Class::Query => true,
            Some(Repeat::Keyed { ttl_ms }) => last + UNDER_WAY < since + ttl_ms,
            Some(Repeat::Never) | None => false,
        }
    }

    /// Whether a repeat may leave that no commit tells of: only where one that nobody knows of does no
    /// harm. Elsewhere the compare-and-set is what keeps two workers from trying at once, and one of
    /// them from giving up what the other is about to achieve: so it is with whatever may be given up and
    /// has no fence.
    pub(super) fn repeats_unseen(&self, node: &Node) -> bool {
        let Some(tool) = self.definition(node) else { return false };
        let keyed = tool.repeat != Repeat::Never;
        match node.class {
            Class::Query => true,
            Class::Compensatable => keyed && tool.fence,
            Class::Pivot => false,
            Class::Retriable => keyed && !self.may_be_given_up(node),
        }
    }

    /// What stands after the pivot, or is it, is tried without limit; so is a do whose fate must be
    /// known before it can be undone.
    fn tries_left(&self, node: &Node, attempt: u32) -> bool {
        let limit = self.policy(node).map_or(1, |retry| retry.attempts);
        let no_failures = self.head.open.get(&node.ix).map_or(0, |open| open.working.saturating_add(open.spared));
        (node.class == Class::Retriable && !node.replaceable) || attempt.saturating_sub(no_failures) < limit
    }

    /// Whether there is a failure after which it is not tried again.
    fn may_be_given_up(&self, node: &Node) -> bool {
        node.replaceable || self.policy(node).is_some_and(|retry| !retry.never.is_empty())
    }

    /// How often and how fast: the step's own policy, or its tool's.
    fn policy<'a>(&'a self, node: &'a Node) -> Option<&'a Retry> {
        node.retry.as_ref().or_else(|| self.definition(node).map(|tool| &tool.retry))
    }

    /// A status that knows nothing: the do has not arrived, or never will.
    pub(super) fn never_seen(&mut self, node: &Node, call: CallId, took: Millis) {
        let reason = NEVER_SEEN.to_owned();
        let repeat = self.remembered(node);
        let wait = self.policy(node).map_or(PATIENCE, |retry| retry.wait(call.attempt));
        let again = repeat.then_some(self.head.last_at + wait);
        self.unsettled(node, call, took, reason, again);
        if repeat {
            if let Some(open) = self.head.open.get_mut(&node.ix) {
                (open.job, open.due) = (Job::Do, again);
            }
        } else if self.is_fenced(node) {
            self.give_up(node.ix, call.attempt, "the partner has not seen the key");
        } else {
            self.hold_unknown(node.ix);
        }
    }

    fn ask(&mut self, ix: u32) {
        if let Some(open) = self.head.open.get_mut(&ix) {
            (open.job, open.attempt, open.spared, open.due) = (Job::Ask, 0, 0, Some(self.head.last_at));
        }
    }

    /// Stops a do whose outcome is unknown and whose undo is safe whatever it was.
    fn give_up(&mut self, ix: u32, attempt: u32, reason: &str) {
        let (replaceable, escalate) =
            self.run.nodes.get(&ix).map_or((false, false), |node| (node.replaceable, node.escalate));
        if self.head.phase == Phase::Unwinding || replaceable {
            let round = self.head.open.get(&ix).map_or(0, |open| open.round);
            let undo = Open { doubt: true, round, ..Open::new(Job::Undo, self.head.last_at) };
            self.head.open.insert(ix, undo);
            return;
        }
        let detail = format!("Gave up after {attempt} tries, outcome unknown: {reason}");
        if escalate {
            return self.hold(ix, Op::Do, "no_answer".to_owned(), detail);
        }
        self.fail(Cause::Step { node: ix, code: "no_answer".to_owned(), detail });
    }

    fn hold_unknown(&mut self, ix: u32) {
        let code = "unknown_outcome".to_owned();
        let detail =
            "Whether it happened cannot be found out from here. Ask the partner, then resolve the step.".to_owned();
        if self.head.phase == Phase::Forward && !self.head.pivoted && self.class(ix) != Some(Class::Pivot) {
            self.fail(Cause::Step { node: ix, code: code.clone(), detail: detail.clone() });
        }
        self.hold(ix, Op::Do, code, detail);
    }

    fn try_again(&mut self, node: &Node, failure: Failure) {
        let Failure { call, took, after, reason, .. } = failure;
        let working = self.head.open.get(&node.ix).is_some_and(|open| open.working > 0);
        let wait = match (call.op, self.policy(node)) {
            (_, None) => PATIENCE,
            (Op::Do, Some(retry))
                if node.class != Class::Retriable && !working && self.tries_left(node, call.attempt) =>
            {
                retry.wait(call.attempt)
            }
            (_, Some(retry)) => {
                let cap = if working || call.attempt < MANY { PATIENCE } else { LONG_PATIENCE };
                retry.wait_up_to(cap, call.attempt)
            }
        };
        // There is no sense in asking before the breaker lets it through; nor at first in waiting for much longer.
        let spared = self.head.open.get(&node.ix).map_or(0, |open| open.spared);
        let wait = match self.shut_for(node) {
            None => wait,
            Some(shut) if spared < MANY => shut.max(wait.min(SOONEST)),
            Some(shut) => shut.max(if spared < 2 * MANY { PATIENCE } else { LONG_PATIENCE }),
        };
        // Who is at work knows best when to be asked again.
        let wait = match after {
            Some(after) if working => after.max(self.policy(node).map_or(wait, |retry| retry.base_ms)),
            Some(after) => after.max(wait),
            None => wait,
        };
        let due = self.head.last_at + wait + Millis(self.jitter(node.ix, call.attempt, wait));
        self.unsettled(node, call, took, reason, Some(due));
        if let Some(open) = self.head.open.get_mut(&node.ix) {
            (open.due, open.lost) = (Some(due), 0);
        }
    }

    fn unsettled(&mut self, node: &Node, call: CallId, took: Millis, reason: String, again: Option<Millis>) {
        let CallId { op, attempt, .. } = call;
        self.record(Fact::Unsettled { node: node.ix, op, attempt, took, reason, again });
    }

    /// Up to a quarter of the wait, the same for the same saga, node and attempt.
    pub(super) fn jitter(&self, node: u32, attempt: u32, wait: Millis) -> u64 {
        let seed = self.id.as_str().bytes().fold(u64::from(node) << 32 | u64::from(attempt), |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        (seed >> 16) % (wait.0 / 4 + 1)
    }
}
