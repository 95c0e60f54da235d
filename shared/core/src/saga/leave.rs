//! Leave: while the breaker of what a step calls is not closed, no call of it is made before leave is given.
//!
//! What waits for it has not begun, or its last attempt is over; so nothing of it is under way, no attempt is
//! used up, and whatever ends or holds the saga meets it as any other step of that kind. The wait is in the
//! head; of each time that a step meets an open breaker, however long that lasts, one record tells.

use super::advance::PARALLEL;
use super::child::Child;
use super::effect::Effect;
use super::fact::Fact;
use super::failure::MOST_SPARED;
use super::node::Node;
use super::state::{Job, Open, Phase, Saga};
use crate::guard::breaker;
use crate::ordered::FlatMap;
use crate::time::Millis;

/// Those that wait for the same breaker ask again within a quarter of this.
const SPREAD: Millis = Millis(2_000);

impl Saga {
    /// Tells which breakers are not closed, each with the time at which it may be tried, by the clock of this
    /// machine.
    pub fn beware(&mut self, wary: FlatMap<String, Millis>) {
        self.run.wary = wary;
    }

    /// The breaker of what a step calls, and when it may be tried, where it is not closed.
    fn shut(&self, node: &Node) -> Option<(String, Millis)> {
        if self.run.wary.is_empty() || Child::is_one(&node.tool) {
            return None;
        }
        let server = self.definition(node)?.mcp.as_ref().map(|mcp| mcp.server.as_str());
        let name = breaker::name(&node.tool, server);
        let until = *self.run.wary.get(&name)?;
        Some((name, until))
    }

    /// How long it is until a step's breaker may be tried, where it is not closed.
    pub(super) fn shut_for(&self, node: &Node) -> Option<Millis> {
        let (_, until) = self.shut(node)?;
        Some((until + self.run.ahead).since(self.head.last_at))
    }

    /// A failure that finds the breaker open uses up no attempt, unless it was so for a day.
    pub(super) fn spare(&mut self, node: &Node) {
        if self.shut(node).is_some()
            && let Some(open) = self.head.open.get_mut(&node.ix)
        {
            open.spared = open.spared.saturating_add(1).min(MOST_SPARED);
        }
    }

    /// Whether a call of a step may leave, as far as breakers are concerned. Where leave is needed for it, that
    /// is asked for.
    pub(super) fn has_leave(&mut self, node: &Node, effects: &mut Vec<Effect>) -> bool {
        let ix = node.ix;
        let Some((breaker, _)) = self.shut(node).filter(|_| !self.run.leave.contains(&ix)) else { return true };
        let fresh = |open: &Open| open.job == Job::Pending && open.shut == 0;
        let waiting = self.head.open.values().filter(|open| open.job == Job::Pending && open.shut > 0).count();
        // So that the head stays short.
        let crowded = waiting + self.run.leaving.len() >= PARALLEL && self.head.open.get(&ix).is_none_or(fresh);
        if crowded || self.run.leaving.contains(&ix) {
            return false;
        }
        let now = self.head.last_at;
        self.reach(ix);
        let open = self.head.open.or_insert(ix, Open::new(Job::Pending, now));
        if open.job != Job::Pending {
            // What was not answered is in doubt by now, and not to be found so once more.
            open.due = Some(now);
        }
        self.run.leaving.insert(ix);
        effects.push(Effect::AskLeave { node: ix, breaker });
        false
    }

    /// Folds whether leave was given. What is not used of it is given back when the invocation ends.
    pub(super) fn fold_leave(&mut self, ix: u32, after: Option<Millis>) {
        if !self.run.leaving.remove(&ix) {
            return;
        }
        let Some(after) = after else {
            self.run.leave.insert(ix);
            return;
        };
        let due = self.head.last_at + after + Millis(self.jitter(ix, self.head.invocations, SPREAD));
        let begins = self.head.phase == Phase::Forward && !self.head.paused;
        let waits = |open: &&mut Open| match open.job {
            Job::Do | Job::Ask | Job::Undo | Job::Pending => begins || !open.is_new(),
            Job::Wait | Job::Held => false,
        };
        let Some(open) = self.head.open.get_mut(&ix).filter(waits) else { return };
        let first = open.shut == 0;
        (open.due, open.shut) = (Some(due), open.shut.saturating_add(1));
        self.run.polled = true;
        if first {
            let name = self.run.nodes.get(&ix).and_then(|node| self.shut(node)).map(|(name, _)| name);
            self.record(Fact::Shut { node: ix, name: name.unwrap_or_default() });
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::effect::{Commit, Ended, Op};
    use super::super::event::{Answer, Event, Outcome, Window};
    use super::super::state::Head;
    use super::super::step::step;
    use super::*;
    use crate::id::SagaId;

    const NOW: Millis = Millis(1_795_376_904_000);
    const HOUR: u64 = 3_600_000;

    /// One step, and the breaker of its tool as this machine knows it.
    struct World {
        head: Head,
        window: Window,
        now: Millis,
        /// What every invocation committed.
        commits: Vec<Commit>,
        calls: u32,
    }

    impl World {
        fn new(class: &str) -> Self {
            let node = json!({"ix": 0, "id": "table", "tool": "book", "version": "1", "class": class, "params": {}, "deps": []});
            let terms = json!({"repeat": {"keyed": {"ttl_ms": 100 * HOUR}}, "status": true, "fence": true,
                "timeout_ms": 2_000, "estimate_ms": 50, "retry": {"attempts": 2, "base_ms": 200, "cap_ms": 5_000}, "input": {}});
            let window = serde_json::from_value(json!({"nodes": [node], "tools": {"book": terms}})).unwrap();
            Self { head: Head::new(1, NOW, None), window, now: NOW, commits: Vec::new(), calls: 0 }
        }

        /// One invocation. `shut`: for how long the breaker is; what calls come to where it is not, or lets one through.
        fn invocation(&mut self, shut: Option<u64>, through: bool, outcome: &Outcome) -> Ended {
            let mut saga = Saga::load(SagaId::new(NOW, [7; 10]), self.head.clone(), self.window.clone());
            let wary = |now: Millis| shut.map(|span| ("book".to_owned(), now + Millis(span))).into_iter().collect();
            saga.beware(wary(self.now));
            let (until, kill) = (self.now + Millis(100), self.now + Millis(10_000));
            let mut events = vec![Event::Wake { until, kill, cautious: false }];
            while !events.is_empty() {
                let event = events.remove(0);
                for effect in step(&mut saga, event, self.now).unwrap() {
                    match effect {
                        Effect::AskLeave { node, breaker } => {
                            assert_eq!(breaker, "book");
                            let after = shut.map(Millis).filter(|_| !through);
                            events.push(Event::Leave { node, after });
                        }
                        Effect::Call(call) => {
                            self.calls += 1;
                            self.now = self.now + Millis(200);
                            let (call, outcome) = (call.id(), outcome.clone());
                            events.push(Event::Answered { call, took: Millis(200), outcome });
                        }
                        Effect::Commit(commit) => {
                            self.head = saga.head.clone();
                            self.commits.push(commit);
                            events.push(Event::Committed);
                        }
                        Effect::End(ended) => {
                            if let Some(wake) = self.commits.last().and_then(|commit| commit.wakes.first()) {
                                self.now = self.now.max(wake.at);
                            }
                            return ended;
                        }
                        Effect::Page { .. } => events.push(Event::Paged(self.window.clone())),
                        // Its end follows.
                        Effect::Rearm(_) => {}
                        other @ (Effect::AskTurn(_) | Effect::Sleep { .. }) => panic!("{other:?}"),
                    }
                }
            }
            panic!("it was left {} with nothing under way", saga.head.phase);
        }

        fn facts(&self) -> Vec<&Fact> {
            self.commits.iter().flat_map(|commit| &commit.records).map(|record| &record.fact).collect()
        }
    }

    fn down() -> Outcome {
        Outcome::Unknown { code: "http_503".to_owned(), reason: "It is down.".to_owned() }
    }

    fn done() -> Outcome {
        Outcome::Ok(Answer::Output(json!({})))
    }

    #[test]
    fn a_step_that_meets_an_open_breaker_waits_and_only_the_head_grows_older() {
        for class in ["query", "compensatable", "pivot", "retriable"] {
            let mut world = World::new(class);
            for _ in 0..50 {
                assert_eq!(world.invocation(Some(4_000), false, &done()), Ended::Yield);
            }
            assert_eq!((world.calls, world.head.open[&0].attempt, world.head.open[&0].job), (0, 0, Job::Pending));
            let facts = world.facts();
            assert!(matches!(facts[..], [Fact::Shut { .. }, Fact::Yielded { .. }]), "{class}: {facts:?}");
            assert_eq!(world.invocation(None, true, &done()), Ended::Rest);
            assert_eq!((world.calls, world.head.phase), (1, Phase::Completed), "{class}");
        }
    }

    #[test]
    fn a_failure_that_finds_its_breaker_open_uses_up_no_attempt() {
        let mut world = World::new("compensatable");
        // Of the two attempts that it has.
        for calls in 1..=9 {
            assert_eq!(world.invocation(Some(4_000), true, &down()), Ended::Yield);
            assert_eq!((world.calls, world.head.phase), (calls, Phase::Forward));
        }
        // The breaker is closed again, and both are left.
        assert_eq!(world.invocation(None, true, &down()), Ended::Yield);
        assert_eq!(world.head.cause, None, "one is left");
        for _ in 0..9 {
            if world.invocation(None, true, &down()) == Ended::Rest || world.head.cause.is_some() {
                break;
            }
        }
        assert!(world.head.cause.is_some(), "then they are used up");
    }

    #[test]
    fn a_partner_that_never_comes_back_is_asked_less_and_less_often_and_after_a_day_the_step_gives_up() {
        let mut world = World::new("compensatable");
        let (began, mut calls) = (world.now, Vec::new());
        while world.head.phase == Phase::Forward && world.head.cause.is_none() {
            world.invocation(Some(4_000), true, &down());
            calls.push(world.now.since(began).0);
            assert!(calls.len() < 1_000, "it never ends");
        }
        let within = |hours: u64| calls.iter().filter(|at| **at <= hours * HOUR).count();
        assert!((60..140).contains(&within(1)), "{}", within(1));
        assert!(within(24) - within(12) < 60, "{}", within(24) - within(12));
        let day = calls.last().unwrap() / HOUR;
        assert!((20..40).contains(&day), "{day} hours");
    }

    #[test]
    fn it_is_tried_again_when_the_breaker_may_be_and_not_when_its_own_patience_says() {
        let mut world = World::new("compensatable");
        world.invocation(Some(1_700), true, &down());
        let due = world.head.open[&0].due.unwrap().since(world.head.last_at);
        assert!((1_500..=2_200).contains(&due.0), "{due}");
        let mut world = World::new("compensatable");
        world.head.phase = Phase::Unwinding;
        (world.head.cursor, world.head.floor) = (1, 0);
        world.head.open.insert(0, Open { attempt: 40, due: Some(NOW), ..Open::new(Job::Undo, NOW) });
        world.window.past.insert(0, serde_json::from_value(json!({"started": true, "done": true})).unwrap());
        world.invocation(Some(4_000), true, &down());
        let due = world.head.open[&0].due.unwrap().since(world.head.last_at);
        assert!(due.0 <= 5_000, "an undo that failed forty times would wait a minute: {due}");
        let asked = world.commits.iter().flat_map(|commit| &commit.records);
        assert!(asked.filter(|record| matches!(record.fact, Fact::Unsettled { op: Op::Undo, .. })).count() == 1);
    }

    #[test]
    fn a_saga_that_is_paused_or_turned_round_does_not_begin_what_waits() {
        let mut world = World::new("compensatable");
        world.invocation(Some(4_000), false, &done());
        world.head.paused = true;
        world.invocation(None, true, &done());
        assert_eq!(world.calls, 0);
        let mut world = World::new("compensatable");
        world.invocation(Some(4_000), false, &done());
        world.head.cause = Some(super::super::fact::Cause::Cancelled { by: "ann".to_owned() });
        assert_eq!(world.invocation(Some(4_000), false, &done()), Ended::Rest);
        assert_eq!((world.calls, world.head.phase), (0, Phase::MadeGood));
    }
}
