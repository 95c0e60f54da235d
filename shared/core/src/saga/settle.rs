//! What an answer means: done, refused, tried again, asked about, or given up.

use super::effect::Op;
use super::event::{Answer, CallId, Outcome, Refusal};
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

/// How a node goes on whose call brought no answer.
enum Next {
    Again,
    Ask,
    /// Undoing it is safe whatever happened.
    GiveUp,
    Hold,
}

/// A call that did not succeed, and may yet.
struct Failure {
    call: CallId,
    took: Millis,
    after: Option<Millis>,
    code: String,
    reason: String,
}

impl Saga {
    /// Folds the answer to one call. Answers that no longer concern anybody are passed over: they
    /// come from stale workers, and whatever they report is found again under the same key.
    pub(super) fn fold_answer(&mut self, call: CallId, took: Millis, outcome: Outcome) {
        let known = self.run.inflight.remove(&call);
        let (Some(open), Some(node)) =
            (self.head.open.get(&call.node).cloned(), self.run.nodes.get(&call.node).cloned())
        else {
            return;
        };
        let outcome = self.judged(&node, outcome);
        let wanted = match call.op {
            Op::Do => Job::Do,
            Op::Status => Job::Ask,
            Op::Undo => Job::Undo,
        };
        // A late answer to a do is as good while its status is being asked.
        let fits = open.job == wanted || (call.op == Op::Do && open.job == Job::Ask);
        // Nor is it too late where another worker has given it up as unknown. A no settles it as well as a yes: it holds
        // for the key, and what cannot be repeated under its key was sent once.
        let unknown = open.job == Job::Held && open.op == Some(Op::Do) && open.doubt;
        let settles = matches!(outcome, Outcome::Ok(Answer::Output(_)) | Outcome::Refused(_));
        let clears_up = unknown && call.op == Op::Do && settles;
        let fits = clears_up || (fits && !self.head.phase.at_rest());
        // What was said under an earlier key says nothing of this one.
        if !fits || call.round != open.round || !(known || self.same_parameters(&node, call)) {
            return;
        }
        self.head.phase = self.head.direction();
        match outcome {
            Outcome::Ok(Answer::InProgress { .. }) | Outcome::Later { .. } | Outcome::Unknown { .. }
                if call.attempt != open.attempt => {}
            Outcome::Ok(answer) => self.fold_yes(&node, call, took, answer),
            Outcome::Refused(refusal) => self.fold_no(&node, call, took, refusal),
            Outcome::Later { after, code, reason } => {
                self.spare(&node);
                let failure = Failure { call, took, after, code, reason };
                self.fold_later(&node, failure);
            }
            Outcome::Unknown { code, reason } => {
                self.spare(&node);
                self.fold_unknown(&node, Failure { call, took, after: None, code, reason });
            }
        }
    }

    /// Where what a call gave is not what its tool's definition says that it gives, in words that quote nothing of it.
    #[must_use]
    pub fn misfit(&self, call: CallId, outcome: &Outcome) -> Option<String> {
        let node = self.run.nodes.get(&call.node)?;
        let why = self.misfit_of(node, outcome)?;
        Some(format!("what the tool `{}` {} gave the step `{}` {why}", node.tool, node.version, node.id))
    }

    fn misfit_of(&self, node: &Node, outcome: &Outcome) -> Option<String> {
        let Outcome::Ok(Answer::Output(output) | Answer::WasDone(output)) = outcome else { return None };
        let violations = self.definition(node)?.output.check(output);
        let first = violations.first()?;
        Some(format!(
            "does not fit its definition: {} {}",
            if first.path.is_empty() { "it" } else { &first.path },
            first.message
        ))
    }

    /// An answer as it counts. A query that gives what its definition does not allow has given nothing. An effect has
    /// happened, whatever was said of it: what refers to the missing part is refused in its turn.
    fn judged(&self, node: &Node, outcome: Outcome) -> Outcome {
        if node.class != Class::Query {
            return outcome;
        }
        match self.misfit_of(node, &outcome) {
            Some(why) => {
                let refusal = Refusal { code: "bad_answer".to_owned(), detail: format!("What it gave {why}.") };
                Outcome::Ok(Answer::WasRefused(refusal))
            }
            None => outcome,
        }
    }

    /// After a reload the call may have been made under a history that did not come to stand.
    fn same_parameters(&self, node: &Node, call: CallId) -> bool {
        if call.op != Op::Do {
            return true;
        }
        self.filled(node).is_ok_and(|params| super::advance::fingerprint(&params) == call.fingerprint)
    }

    fn fold_yes(&mut self, node: &Node, call: CallId, took: Millis, answer: Answer) {
        match answer {
            Answer::Output(output) | Answer::WasDone(output) => self.done(node, call.attempt, took, output),
            Answer::Undone { found } => {
                let by_hand = self.run.past.get(&node.ix).is_some_and(|past| past.by_hand);
                if by_hand && !found {
                    return self.hold_by_hand(node.ix);
                }
                self.undone(node.ix, call.attempt, took, found);
            }
            Answer::WasRefused(refusal) => self.refused(node, call.attempt, took, refusal),
            Answer::WasUndone => {
                let detail = "The partner says that it was undone.".to_owned();
                self.refused(node, call.attempt, took, Refusal { code: "undone".to_owned(), detail });
            }
            Answer::InProgress { after } => self.fold_working(node, call, took, after),
            Answer::NeverSeen => self.never_seen(node, call, took),
        }
    }

    pub(super) fn done(&mut self, node: &Node, attempt: u32, took: Millis, output: serde_json::Value) {
        self.record(Fact::Done { node: node.ix, attempt, took, output: output.clone() });
        if self.head.phase == Phase::Unwinding {
            let past = self.run.past.or_default(node.ix);
            (past.done, past.by_hand, past.output) = (true, attempt == 0, Some(output));
            let round = self.round(node.ix);
            self.head.open.insert(node.ix, Open { round, ..Open::new(Job::Undo, self.head.last_at) });
            return;
        }
        self.run.outputs.insert(node.ix, output);
        self.head.open.remove(&node.ix);
        if node.class == Class::Pivot {
            self.head.pivoted = true;
            // Whatever asked for an end while the pivot was on its way came too late. The queries that
            // failed beside it are not forgotten: they need a person.
            self.hold_failed();
            self.head.cause = None;
        }
    }

    /// Puts the queries that failed beside the pivot into the journal as held.
    pub(super) fn hold_failed(&mut self) {
        let held = self.head.open.iter().filter(|(_, open)| open.job == Job::Held && open.op.is_none());
        let held = held.map(|(ix, _)| *ix);
        let failed: Vec<u32> = held.filter(|ix| self.class(*ix) == Some(Class::Query)).collect();
        for ix in failed {
            let (code, detail) = match &self.head.cause {
                Some(Cause::Step { node, code, detail }) if *node == ix => (code.clone(), detail.clone()),
                Some(Cause::Step { .. } | Cause::Cancelled { .. } | Cause::Deadline | Cause::Budget { .. }) | None => {
                    ("refused".to_owned(), "It failed beside the point of no return.".to_owned())
                }
            };
            self.hold(ix, Op::Do, code, detail);
        }
    }

    /// What was done by hand, its partner does not know.
    pub(super) fn hold_by_hand(&mut self, ix: u32) {
        let detail = "It was done by hand. Undo it by hand, then resolve the step.".to_owned();
        self.hold(ix, Op::Undo, "done_by_hand".to_owned(), detail);
    }

    pub(super) fn undone(&mut self, ix: u32, attempt: u32, took: Millis, found: bool) {
        self.head.open.remove(&ix);
        self.run.past.or_default(ix).undone = true;
        if self.head.phase == Phase::Unwinding && self.is_needed(ix) {
            // A retired one, undone before what a newer plan has kept: the order goes through it.
            self.head.open.insert(ix, Open::new(Job::Pending, self.head.last_at));
        }
        self.record(Fact::Undone { node: ix, attempt, took, found });
    }

    fn fold_no(&mut self, node: &Node, call: CallId, took: Millis, refusal: Refusal) {
        match call.op {
            Op::Do => self.refused(node, call.attempt, took, refusal),
            // The do was refused for good: the undo was a fence only, and there is nothing behind it.
            Op::Undo if self.surely_absent(node.ix) => self.undone(node.ix, call.attempt, took, false),
            Op::Undo | Op::Status => self.hold(node.ix, call.op, refusal.code, refusal.detail),
        }
    }

    /// A definite answer says that the node had no effect, and every call since was answered too.
    fn surely_absent(&self, ix: u32) -> bool {
        let done = self.run.past.get(&ix).is_some_and(|past| past.done);
        !done && self.head.open.get(&ix).is_some_and(|open| !open.doubt)
    }

    /// A definite "no", which the plan may have an answer to: another step in its place, or a person.
    pub(super) fn refused(&mut self, node: &Node, attempt: u32, took: Millis, refusal: Refusal) {
        if self.head.phase != Phase::Forward || !(node.replaceable || (node.escalate && !self.head.pivoted)) {
            return self.refused_for_good(node, attempt, took, refusal);
        }
        let Refusal { code, detail } = refusal;
        self.record(Fact::Refused { node: node.ix, attempt, took, code: code.clone(), detail: detail.clone() });
        if !node.replaceable {
            if let Some(open) = self.head.open.get_mut(&node.ix) {
                open.doubt = false;
            }
            return self.hold(node.ix, Op::Do, code, detail);
        }
        // Nothing takes its place before a late duplicate of it is kept out.
        let round = self.head.open.remove(&node.ix).map_or(0, |open| open.round);
        if attempt > 0 && self.is_fenced(node) {
            let undo = Open { round, ..Open::new(Job::Undo, self.head.last_at) };
            self.head.open.insert(node.ix, undo);
        }
    }

    /// A "no" that turns the saga round: of people, or where the plan has no answer to it.
    pub(super) fn refused_for_good(&mut self, node: &Node, attempt: u32, took: Millis, refusal: Refusal) {
        let Refusal { code, detail } = refusal;
        self.record(Fact::Refused { node: node.ix, attempt, took, code: code.clone(), detail: detail.clone() });
        let round = self.head.open.remove(&node.ix).map_or(0, |open| open.round);
        if self.head.phase == Phase::Forward {
            if self.pivot_at_large() {
                // Beside the pivot there are only queries. Should the pivot succeed, this one is missing.
                self.head.open.insert(node.ix, Open::new(Job::Held, self.head.last_at));
            }
            self.fail(Cause::Step { node: node.ix, code, detail });
        } else if self.is_fenced(node) {
            self.head.open.insert(node.ix, Open::new(Job::Undo, self.head.last_at));
        }
        if let Some(open) = self.head.open.get_mut(&node.ix) {
            open.round = round;
        }
    }

    /// Its undo settles it, whatever became of its do.
    pub(super) fn is_fenced(&self, node: &Node) -> bool {
        node.class == Class::Compensatable && self.definition(node).is_some_and(|tool| tool.fence)
    }

    fn fold_later(&mut self, node: &Node, failure: Failure) {
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

    fn fold_unknown(&mut self, node: &Node, failure: Failure) {
        let call = failure.call;
        if let Some(open) = self.head.open.get_mut(&node.ix) {
            open.doubt = true;
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
        let next = self.after_unknown(node, self.may_mend(node, &failure));
        self.go_on(node, failure, next);
    }

    /// The partner is at work on it, which is no failure, however often it says so.
    fn fold_working(&mut self, node: &Node, call: CallId, took: Millis, after: Option<Millis>) {
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
    fn never_seen(&mut self, node: &Node, call: CallId, took: Millis) {
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::event::{Event, Window};
    use super::super::state::Head;
    use super::super::step::step;
    use super::*;
    use crate::id::SagaId;

    const NOW: Millis = Millis(1_790_000_000_000);

    /// A saga whose only step was refused and is asked for anew, under way elsewhere.
    fn in_its_second_round() -> Saga {
        let head = json!({"v": 1, "phase": "forward", "epoch": 0, "total": 1, "cursor": 1, "floor": 0,
            "open": {"0": {"j": "do", "n": 1, "s": NOW, "r": 1}}, "pivoted": false, "invocations": 3, "calls": 2,
            "last_at": NOW, "alive": NOW + Millis(10_000)});
        let node = json!({"ix": 0, "id": "table", "tool": "book", "version": "1", "class": "compensatable",
            "retry": {"attempts": 5, "base_ms": 200, "cap_ms": 5_000}});
        let head: Head = serde_json::from_value(head).unwrap();
        let window = Window { nodes: vec![serde_json::from_value(node).unwrap()], ..Window::default() };
        Saga::load(SagaId::new(NOW, [7; 10]), head, window)
    }

    #[test]
    fn who_is_away_for_long_is_asked_more_seldom() {
        let wait = |attempt| {
            let mut saga = in_its_second_round();
            saga.head.phase = Phase::Unwinding;
            let open = Open { attempt, round: 1, ..Open::new(Job::Undo, NOW) };
            saga.head.open.insert(0, open);
            let call = CallId { node: 0, op: Op::Undo, round: 1, attempt, fingerprint: 0 };
            let outcome = Outcome::Unknown { code: "http_503".to_owned(), reason: "It is down.".to_owned() };
            step(&mut saga, Event::Answered { call, took: Millis(1), outcome }, NOW).unwrap();
            saga.head.open[&0].due.unwrap().since(NOW)
        };
        // With up to a quarter for jitter.
        assert!((60_000..=75_000).contains(&wait(59).0), "{}", wait(59));
        assert!((900_000..=1_125_000).contains(&wait(60).0), "{}", wait(60));
    }

    /// A saga whose only step is under way, of a tool that gives an `id`.
    fn under_way(class: &str) -> Saga {
        let head = json!({"v": 1, "phase": "forward", "epoch": 0, "total": 1, "cursor": 1, "floor": 0,
            "open": {"0": {"j": "do", "n": 1, "s": NOW}}, "pivoted": false, "invocations": 1, "calls": 1,
            "last_at": NOW, "alive": NOW + Millis(10_000)});
        let terms = json!({"repeat": {"keyed": {"ttl_ms": 86_400_000}}, "status": true, "fence": false,
            "timeout_ms": 2_000, "estimate_ms": 50, "input": {},
            "output": {"type": "object", "required": ["id"], "properties": {"id": {"type": "string"}}}});
        let node = json!({"ix": 0, "id": "look", "tool": "find", "version": "1", "class": class});
        let window = json!({"nodes": [node], "tools": {"find": terms}});
        let (head, window) = (serde_json::from_value(head).unwrap(), serde_json::from_value(window).unwrap());
        Saga::load(SagaId::new(NOW, [7; 10]), head, window)
    }

    #[test]
    fn what_does_not_fit_is_no_answer_of_a_query_and_one_of_an_effect() {
        let fingerprint = super::super::advance::fingerprint(&serde_json::Map::new());
        let call = CallId { node: 0, op: Op::Do, round: 0, attempt: 1, fingerprint };
        let gave = |class: &str, output: serde_json::Value| {
            let mut saga = under_way(class);
            let outcome = Outcome::Ok(Answer::Output(output));
            let misfit = saga.misfit(call, &outcome);
            step(&mut saga, Event::Answered { call, took: Millis(1), outcome }, NOW).unwrap();
            (misfit, saga.head.cause.map(|cause| serde_json::to_value(cause).unwrap().to_string()))
        };
        for class in ["query", "compensatable"] {
            assert_eq!(gave(class, json!({"id": "a"})), (None, None), "{class}");
        }
        for wrong in [json!({"id": 7}), json!({}), json!("secret")] {
            let (misfit, cause) = gave("query", wrong.clone());
            let (misfit, cause) = (misfit.unwrap(), cause.unwrap());
            assert!(misfit.contains("`find` 1 gave the step `look`") && !misfit.contains("secret"), "{misfit}");
            assert!(cause.contains("bad_answer"), "{wrong}: {cause}");
            let (misfit, cause) = gave("compensatable", wrong);
            assert!(misfit.is_some());
            assert_eq!(cause, None, "it has happened");
        }
    }

    #[test]
    fn a_no_that_comes_late_settles_what_was_held_as_unknown() {
        let mut saga = in_its_second_round();
        (saga.head.phase, saga.head.back) = (Phase::Stuck, Some(Phase::Forward));
        let held = Open { attempt: 1, round: 1, doubt: true, op: Some(Op::Do), ..Open::new(Job::Held, NOW) };
        saga.head.open.insert(0, held);
        let fingerprint = super::super::advance::fingerprint(&serde_json::Map::new());
        let call = CallId { node: 0, op: Op::Do, round: 1, attempt: 1, fingerprint };
        let refusal = Refusal { code: "full".to_owned(), detail: "No table is free.".to_owned() };
        step(&mut saga, Event::Answered { call, took: Millis(1), outcome: Outcome::Refused(refusal) }, NOW).unwrap();
        assert_eq!((saga.head.phase, saga.head.open.len()), (Phase::Forward, 0));
        assert!(saga.head.cause.is_some(), "and it is made good");
    }

    #[test]
    fn nothing_is_repeated_that_may_come_after_its_key_is_forgotten() {
        let mut saga = under_way("pivot");
        let node = saga.run.nodes[&0].clone();
        for (early, remembered) in [(15_001, true), (15_000, false)] {
            saga.run.kill = NOW + Millis(86_400_000 - early);
            assert_eq!(saga.remembered(&node), remembered, "{early} ms before, at the latest");
        }
    }

    #[test]
    fn what_was_said_under_an_earlier_key_says_nothing_of_a_later_one() {
        let fingerprint = super::super::advance::fingerprint(&serde_json::Map::new());
        let refused = |round| {
            let refusal = Refusal { code: "full".to_owned(), detail: "No table is free.".to_owned() };
            let call = CallId { node: 0, op: Op::Do, round, attempt: 1, fingerprint };
            Event::Answered { call, took: Millis(1), outcome: Outcome::Refused(refusal) }
        };
        let mut saga = in_its_second_round();
        step(&mut saga, refused(0), NOW).unwrap();
        assert_eq!((saga.head.open[&0].job, saga.head.cause.is_none()), (Job::Do, true));
        step(&mut saga, refused(1), NOW).unwrap();
        assert!(saga.head.cause.is_some());
    }
}
