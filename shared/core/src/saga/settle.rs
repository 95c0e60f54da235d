//! What an answer means: done, refused, or that it may yet succeed, of which `failure` knows more.

use super::effect::Op;
use super::event::{Answer, CallId, Outcome, Refusal};
use super::fact::{Cause, Fact};
use super::failure::Failure;
use super::node::Node;
use super::state::{Job, Open, Phase, Saga};
use crate::time::Millis;
use crate::tool::Class;

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
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::event::{Event, Window};
    use super::super::failure::TOO_LARGE;
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
    fn an_output_that_nobody_can_keep_is_a_persons_to_settle_and_is_not_asked_for_for_ever() {
        let fingerprint = super::super::advance::fingerprint(&serde_json::Map::new());
        for (op, job) in [(Op::Do, Job::Do), (Op::Status, Job::Ask)] {
            let mut saga = under_way("pivot");
            saga.head.open.insert(0, Open { attempt: 1, ..Open::new(job, NOW) });
            let call = CallId { node: 0, op, round: 0, attempt: 1, fingerprint };
            let outcome = |code: &str| Outcome::Unknown { code: code.to_owned(), reason: "It is too long.".to_owned() };
            let answered = |code| Event::Answered { call, took: Millis(1), outcome: outcome(code) };
            step(&mut saga, answered("http_503"), NOW).unwrap();
            assert_ne!(saga.head.open[&0].job, Job::Held, "{op:?}: that may pass");
            saga.head.open.insert(0, Open { attempt: 1, ..Open::new(job, NOW) });
            step(&mut saga, answered(TOO_LARGE), NOW).unwrap();
            assert_eq!(saga.head.open[&0].job, Job::Held, "{op:?}");
        }
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
