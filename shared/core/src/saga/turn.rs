//! Turns: where only so many calls may be under way at once over all sagas, a step is not begun before its
//! turn has come; and so where only so many may leave in a span of time.
//!
//! Who may go is decided outside, by one count for all sagas. A step that waits was not begun, or its last
//! attempt is over: so nothing of it is under way, and whatever ends or holds the saga meets it as any other
//! step of that kind.

use serde::{Deserialize, Serialize};

use super::child::Child;
use super::effect::Effect;
use super::fact::Fact;
use super::node::Node;
use super::state::{Job, Open, Phase, Saga};
use crate::time::Millis;
use crate::tool::{Limit, Rate, Terms};

/// The wait before a step asks again for the first time; it doubles from there.
const SOON: Millis = Millis(1_000);
/// The longest such wait: whose turn has come is told, so this is for the case that the word is lost.
const LATE: Millis = Millis(60_000);
/// So many steps of one saga stand in line for one tool at once, so that its head stays short.
const IN_LINE: usize = 8;

/// Whose turn comes first where sagas wait for the same. Children have that of their parent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Priority {
    Low,
    #[default]
    Normal,
    High,
}

impl Priority {
    /// Whether it is what a saga has if nothing is said.
    #[must_use]
    pub fn is_normal(&self) -> bool {
        *self == Self::Normal
    }

    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Normal => "normal",
            Self::High => "high",
        }
    }

    const fn rank(self) -> i32 {
        match self {
            Self::Low => -1,
            Self::Normal => 0,
            Self::High => 1,
        }
    }
}

/// What a step that asks for its turn brings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    pub node: u32,
    pub tool: String,
    pub limits: Vec<Limit>,
    pub rate: Option<Rate>,
    /// It has asked in vain before.
    pub waited: bool,
    /// The higher goes first; above all priorities what may have happened already, and is to be settled.
    pub rank: i32,
    /// When it asks again, if its turn has not come: so long it keeps its place.
    pub again: Millis,
}

/// Above every priority.
const URGENT: i32 = 2;

impl Saga {
    /// Every call counts, whatever its tool says: for the installation has a limit of its own.
    #[must_use]
    pub fn limited(mut self, limited: bool) -> Self {
        self.run.limited = limited;
        self
    }

    /// Whether the do of a step may leave, as far as turns are concerned.
    pub(super) fn has_turn(&self, node: &Node) -> bool {
        let limited = self.run.limited
            || self.definition(node).is_some_and(|tool| tool.rate.is_some() || !tool.concurrency.is_empty());
        !limited || Child::is_one(&node.tool) || self.run.turns.contains(&node.ix)
    }

    /// Asks for a step's turn, unless that is asked already or too many of the saga stand in line.
    pub(super) fn ask_turn(&mut self, node: &Node, effects: &mut Vec<Effect>) {
        let ix = node.ix;
        let tool_of = |ix: &u32| self.run.nodes.get(ix).map(|node| node.tool.as_str());
        let in_line = |open: &Open| open.queued > 0 && matches!(open.job, Job::Do | Job::Pending);
        let waiting =
            self.head.open.iter().filter(|(other, open)| in_line(open) || self.run.asking.contains_key(other));
        let in_line = waiting.filter(|(other, _)| **other != ix && tool_of(other) == Some(node.tool.as_str())).count();
        if self.run.asking.contains_key(&ix) || in_line >= IN_LINE {
            return;
        }
        let now = self.head.last_at;
        self.reach(ix);
        let open = self.head.open.or_insert(ix, Open::new(Job::Pending, now));
        if open.job == Job::Do {
            // What was not answered is in doubt by now, and not to be found so once more.
            open.due = Some(now);
        }
        let (wait, doubt, waited) = (Millis(SOON.0 << open.queued.min(6)).min(LATE), open.doubt, open.queued > 0);
        let again = wait + Millis(self.jitter(ix, self.head.invocations, wait));
        let settles = self.head.phase != Phase::Forward || self.head.cause.is_some() || doubt;
        let rank = if settles { URGENT } else { self.head.priority.rank() };
        let asks = |tool: &Terms| (tool.concurrency.clone(), tool.rate);
        let (limits, rate) = self.definition(node).map(asks).unwrap_or_default();
        self.run.asking.insert(ix, again);
        effects.push(Effect::AskTurn(Claim { node: ix, tool: node.tool.clone(), limits, rate, waited, rank, again }));
    }

    /// Folds whether a step's turn has come. What is not used of it is given back when the invocation ends.
    pub(super) fn fold_turn(&mut self, ix: u32, came: bool, after: Option<Millis>) {
        let Some(again) = self.run.asking.remove(&ix) else { return };
        if came {
            self.run.turns.insert(ix);
            return;
        }
        let due = self.head.last_at + after.map_or(again, |after| after.max(Millis(1)));
        let forward = self.head.phase == Phase::Forward && !self.head.paused;
        let waits = |open: &&mut Open| matches!(open.job, Job::Do | Job::Pending) && (forward || !open.is_new());
        let Some(open) = self.head.open.get_mut(&ix).filter(waits) else { return };
        let first = open.queued == 0;
        (open.due, open.queued) = (Some(due), open.queued.saturating_add(1));
        self.run.polled = true;
        if first {
            // Once for each time that it has to wait, however often it asks.
            self.record(Fact::Queued { node: ix });
        }
    }

    /// Whether a step that has not begun waits for its turn, and is not to ask yet. Whoever is to ask now
    /// has no time to wait for any more.
    pub(super) fn waits_for_turn(&mut self, ix: u32) -> bool {
        let now = self.head.last_at;
        let Some(open) = self.head.open.get_mut(&ix).filter(|open| open.job == Job::Pending) else { return false };
        let waits = open.due.is_some_and(|due| due > now);
        if !waits {
            open.due = None;
        }
        waits
    }

    /// The turn of a step is taken: a call leaves.
    pub(super) fn use_turn(&mut self, ix: u32) {
        self.run.turns.remove(&ix);
    }

    /// The steps that wait for their turns, and will ask again.
    pub fn in_line(&self) -> impl Iterator<Item = u32> {
        let begins = self.head.phase == Phase::Forward && !self.head.paused;
        // What may have happened is settled, paused or not.
        let waits = move |open: &Open| matches!(open.job, Job::Do | Job::Pending) && (begins || !open.is_new());
        let open = self.head.open.iter().filter(|(_, open)| open.queued > 0 && !self.head.phase.at_rest());
        open.filter(move |(_, open)| waits(open)).map(|(ix, _)| *ix)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::effect::{Commit, Op};
    use super::super::event::{Answer, Event, Outcome, Window};
    use super::super::state::{Budget, Head};
    use super::super::step::step;
    use super::*;
    use crate::id::SagaId;

    const NOW: Millis = Millis(1_795_376_904_000);

    /// Steps of a tool of which one call may be under way, with nothing between them.
    struct World {
        head: Head,
        window: Window,
        now: Millis,
    }

    impl World {
        fn new(class: &str, fence: bool, steps: u32) -> Self {
            let node = |ix: u32| json!({"ix": ix, "id": format!("s{ix}"), "tool": "book", "version": "1", "class": class, "params": {"n": ix}, "deps": []});
            let terms = json!({"repeat": {"keyed": {"ttl_ms": 86_400_000}}, "status": true, "fence": fence,
                "timeout_ms": 2_000, "estimate_ms": 50, "concurrency": {"limit": 1}, "input": {}});
            let nodes: Vec<serde_json::Value> = (0..steps).map(node).collect();
            let window = serde_json::from_value(json!({"nodes": nodes, "tools": {"book": terms}})).unwrap();
            Self { head: Head::new(steps, NOW, None), window, now: NOW }
        }

        fn saga(&self) -> Saga {
            Saga::load(SagaId::new(NOW, [7; 10]), self.head.clone(), self.window.clone())
        }

        /// One invocation in which no step's turn comes; what it committed, and how often a step asked.
        fn in_vain(&mut self, first: Option<Event>) -> (Commit, usize) {
            let (mut saga, mut asked) = (self.saga(), 0);
            let mut events: Vec<Event> = first.into_iter().chain([self.wake()]).collect();
            let mut committed = None;
            while !events.is_empty() {
                for effect in step(&mut saga, events.remove(0), self.now).unwrap() {
                    match effect {
                        Effect::AskTurn(claim) => {
                            asked += 1;
                            events.push(Event::Turn { node: claim.node, came: false, after: None });
                        }
                        Effect::Sleep { until } => {
                            self.now = until;
                            events.push(Event::Tick);
                        }
                        Effect::Commit(mut commit) => {
                            let before = committed.take().map(|commit: Commit| commit.records).unwrap_or_default();
                            commit.records.splice(..0, before);
                            committed = Some(commit);
                            events.push(Event::Committed);
                        }
                        Effect::Page { .. } => events.push(Event::Paged(self.window.clone())),
                        Effect::End(_) => {}
                        other @ (Effect::Call(_) | Effect::Rearm(_) | Effect::AskLeave { .. }) => panic!("{other:?}"),
                    }
                }
            }
            self.head = saga.head;
            (committed.expect("it yields or rests"), asked)
        }

        fn wake(&self) -> Event {
            let until = self.now + Millis(8_000);
            Event::Wake { until, kill: until + Millis(1_000), cautious: false }
        }

        fn due(&self) -> Millis {
            self.head.open[&0].due.unwrap()
        }
    }

    fn names(commit: &Commit) -> Vec<String> {
        let name = |record: &super::super::fact::Record| serde_json::to_value(&record.fact).unwrap()["type"].clone();
        commit.records.iter().map(|record| name(record).as_str().unwrap().to_owned()).collect()
    }

    fn answer(call: &super::super::effect::Call, outcome: Outcome) -> Event {
        Event::Answered { call: call.id(), took: Millis(5), outcome }
    }

    #[test]
    fn a_step_that_waits_costs_nothing_and_is_told_of_once_however_often_it_asks() {
        let mut world = World::new("compensatable", true, 1);
        world.head.budget = Some(Budget { calls: Some(1), cost_minor: Some(0), ..Budget::default() });
        let (first, asked) = world.in_vain(None);
        assert_eq!((names(&first), asked), (vec!["queued".to_owned(), "yielded".to_owned()], 2), "it naps once");
        for _ in 0..200 {
            world.now = world.due();
            let (commit, asked) = world.in_vain(None);
            assert_eq!((names(&commit).len(), asked, commit.wakes.len()), (0, 1, 1));
            let wait = world.due().since(world.now);
            assert!(wait <= Millis(75_000) && commit.wake_at == Some(world.due()), "{wait:?}");
        }
        let open = &world.head.open[&0];
        assert_eq!((open.job, open.attempt, open.doubt, world.head.calls), (Job::Pending, 0, false, 0));
    }

    #[test]
    fn a_step_that_comes_too_early_for_its_tools_rate_asks_again_when_it_was_told_to_and_burns_nothing() {
        let mut world = World::new("compensatable", true, 1);
        let terms = world.window.tools.get_mut("book").unwrap();
        terms.concurrency.clear();
        terms.rate = Some(serde_json::from_value(json!({"calls": 2, "per_ms": 60_000})).unwrap());
        let mut saga = world.saga();
        let asked = step(&mut saga, world.wake(), NOW).unwrap();
        let [Effect::AskTurn(claim)] = asked.as_slice() else { panic!("{asked:?}") };
        assert_eq!((claim.rate.map(|rate| rate.per_ms), claim.waited), (Some(Millis(60_000)), false));
        let wait = Some(Millis(55_000));
        let effects = step(&mut saga, Event::Turn { node: 0, came: false, after: wait }, NOW).unwrap();
        let [Effect::Commit(commit)] = effects.as_slice() else { panic!("{effects:?}") };
        let open = saga.head.open[&0].clone();
        assert_eq!((names(commit)[0].as_str(), open.due, open.attempt), ("queued", Some(NOW + Millis(55_000)), 0));
        (world.head, world.now) = (saga.head, NOW + Millis(55_000));
        let mut saga = world.saga();
        let asked = step(&mut saga, world.wake(), world.now).unwrap();
        assert!(matches!(asked.as_slice(), [Effect::AskTurn(claim)] if claim.waited), "{asked:?}");
        step(&mut saga, Event::Turn { node: 0, came: true, after: None }, world.now).unwrap();
        let effects = step(&mut saga, Event::Committed, world.now).unwrap();
        assert!(matches!(effects.as_slice(), [Effect::Call(call)] if call.attempt == 1), "{effects:?}");
    }

    #[test]
    fn whatever_ends_a_saga_finds_nothing_of_a_waiting_step_to_undo() {
        for class in ["compensatable", "pivot", "query"] {
            let mut world = World::new(class, true, 2);
            world.in_vain(None);
            let (end, _) = world.in_vain(Some(Event::Cancel { by: "ann".to_owned() }));
            assert_eq!(names(&end), ["unwinding", "made_good"], "{class}");
            let mut world = World::new(class, true, 2);
            world.head.deadline = Some(NOW + Millis(20_000));
            world.in_vain(None);
            world.now = NOW + Millis(20_000);
            assert_eq!(names(&world.in_vain(None).0), ["unwinding", "made_good"], "{class}");
        }
    }

    #[test]
    fn a_paused_saga_asks_for_nothing_and_stands_in_nobodys_way() {
        let mut world = World::new("compensatable", true, 1);
        world.in_vain(None);
        world.now = world.due();
        let (paused, asked) = world.in_vain(Some(Event::Pause { by: "ann".to_owned() }));
        assert_eq!((asked, world.saga().in_line().count()), (0, 0));
        assert!(paused.wake_at.unwrap() > world.now + LATE, "{:?}", paused.wake_at);
        let (_, asked) = world.in_vain(Some(Event::Resume { by: "ann".to_owned() }));
        assert_eq!((asked, world.saga().in_line().count()), (1, 1));
    }

    #[test]
    fn who_is_told_that_its_turn_has_come_asks_at_once() {
        let mut world = World::new("compensatable", true, 1);
        world.in_vain(None);
        assert_eq!(world.in_vain(Some(Event::Nudged { node: 0 })).1, 1);
        let mut saga = world.saga();
        assert!(step(&mut saga, Event::Nudged { node: 1 }, world.now).is_err(), "no such step waits");
    }

    #[test]
    fn a_query_leaves_when_its_turn_has_come_and_is_committed_first_where_it_had_to_wait() {
        let world = World::new("query", false, 1);
        let mut saga = world.saga();
        let asked = step(&mut saga, world.wake(), NOW).unwrap();
        assert!(matches!(asked.as_slice(), [Effect::AskTurn(claim)] if claim.rank == 0), "{asked:?}");
        let gone = step(&mut saga, Event::Turn { node: 0, came: true, after: None }, NOW).unwrap();
        assert!(matches!(gone.as_slice(), [Effect::Call(call)] if call.attempt == 1), "{gone:?}");
        let mut world = World::new("query", false, 1);
        world.in_vain(None);
        world.now = world.due();
        let mut saga = world.saga();
        step(&mut saga, world.wake(), world.now).unwrap();
        let effects = step(&mut saga, Event::Turn { node: 0, came: true, after: None }, world.now).unwrap();
        let [Effect::Commit(commit)] = effects.as_slice() else { panic!("{effects:?}") };
        assert_eq!((names(commit), saga.head.open[&0].queued), (vec!["started".to_owned()], 0));
    }

    #[test]
    fn a_repeat_waits_with_its_doubt_and_before_a_saga_is_undone_it_is_urgent_and_the_undo_asks_nobody() {
        let mut world = World::new("compensatable", false, 1);
        let mut saga = world.saga();
        step(&mut saga, world.wake(), NOW).unwrap();
        step(&mut saga, Event::Turn { node: 0, came: true, after: None }, NOW).unwrap();
        let effects = step(&mut saga, Event::Committed, NOW).unwrap();
        let [Effect::Call(call)] = effects.as_slice() else { panic!("{effects:?}") };
        let unknown = Outcome::Unknown { code: "no_answer".to_owned(), reason: String::new() };
        step(&mut saga, answer(call, unknown), NOW).unwrap();
        (world.head, world.now) = (saga.head, NOW + Millis(10_000));
        world.window.past.insert(0, super::super::node::Past { started: true, ..Default::default() });
        // It was asked for, and may be done: it is settled first, with the turn of a repeat.
        let (turned, _) = world.in_vain(Some(Event::Cancel { by: "ann".to_owned() }));
        assert!(names(&turned).contains(&"queued".to_owned()), "{turned:?}");
        let open = world.head.open[&0].clone();
        assert_eq!((open.job, open.attempt, open.doubt, world.head.calls), (Job::Do, 1, true, 1));
        assert_eq!(world.saga().in_line().collect::<Vec<u32>>(), [0]);
        world.now = world.due();
        let mut saga = world.saga();
        let effects = step(&mut saga, world.wake(), world.now).unwrap();
        let [Effect::AskTurn(claim)] = effects.as_slice() else { panic!("{effects:?}") };
        assert!(claim.rank > Priority::High.rank());
        step(&mut saga, Event::Turn { node: 0, came: true, after: None }, world.now).unwrap();
        let effects = step(&mut saga, Event::Committed, world.now).unwrap();
        let [Effect::Call(call)] = effects.as_slice() else { panic!("{effects:?}") };
        assert_eq!((call.op, call.attempt), (Op::Do, 2));
        let done = Outcome::Ok(Answer::Output(json!({})));
        let effects = step(&mut saga, answer(call, done), world.now).unwrap();
        assert!(matches!(effects.as_slice(), [Effect::Commit(_)]), "{effects:?}");
        let effects = step(&mut saga, Event::Committed, world.now).unwrap();
        assert!(matches!(effects.as_slice(), [Effect::Call(call)] if call.op == Op::Undo), "{effects:?}");
    }

    #[test]
    fn only_a_few_steps_of_a_long_list_stand_in_line_at_once() {
        let mut world = World::new("compensatable", true, 40);
        let (_, asked) = world.in_vain(None);
        assert_eq!((asked, world.saga().in_line().count()), (2 * IN_LINE, IN_LINE));
    }

    #[test]
    fn without_limits_nobody_asks_and_the_head_is_what_it_was() {
        let mut world = World::new("compensatable", true, 1);
        world.window.tools.get_mut("book").unwrap().concurrency.clear();
        let mut saga = world.saga();
        let effects = step(&mut saga, world.wake(), NOW).unwrap();
        assert!(matches!(effects.as_slice(), [Effect::Commit(_)]), "{effects:?}");
        let saved = serde_json::to_string(&saga.head).unwrap();
        assert!(!saved.contains("priority") && !saved.contains("\"q\""), "{saved}");
        let mut saga = world.saga().limited(true);
        let effects = step(&mut saga, world.wake(), NOW).unwrap();
        assert!(matches!(effects.as_slice(), [Effect::AskTurn(_)]), "the installation has a limit: {effects:?}");
        let mut child = World::new("compensatable", true, 1);
        child.window.nodes[0].tool = super::super::child::RUN_SAGA.to_owned();
        let terms = child.window.tools.remove("book").unwrap();
        child.window.tools.insert(super::super::child::RUN_SAGA.to_owned(), terms);
        let mut saga = child.saga().limited(true);
        let effects = step(&mut saga, child.wake(), NOW).unwrap();
        assert!(matches!(effects.as_slice(), [Effect::Commit(_)]), "a saga that waits for its child holds no turn");
    }

    #[test]
    fn a_tool_says_one_limit_or_a_list_of_them_and_none_of_nothing() {
        let read = |value: serde_json::Value| {
            let mut terms = json!({"repeat": "never", "status": false, "fence": false, "timeout_ms": 1, "estimate_ms": 1, "input": {}});
            terms["concurrency"] = value;
            serde_json::from_value::<Terms>(terms).map(|terms| terms.concurrency.len())
        };
        assert_eq!(read(json!({"limit": 3})).unwrap(), 1);
        assert_eq!(read(json!([{"limit": 3, "per": "tool"}, {"limit": 1, "per": "user"}])).unwrap(), 2);
        for wrong in [json!({"limit": 0}), json!({"limit": 1, "per": "moon"}), json!({"most": 1}), json!(3)] {
            assert!(read(wrong.clone()).is_err(), "{wrong}");
        }
    }
}
