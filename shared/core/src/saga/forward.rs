//! Forward: which nodes may start, and in what order their intent is written.

use super::advance::Ready;
use super::child::Child;
use super::effect::{Call, Effect, Op};
use super::event::Refusal;
use super::fact::{Cause, Fact};
use super::node::{Gather, Item, Node};
use super::reference::{self, Reference};
use super::state::{Job, Open, Phase, Saga};
use crate::time::Millis;
use crate::tool::{Class, Terms};
use serde_json::Value;

/// Why a step is passed over that is for a place beyond the end of a list.
pub const NO_SUCH_ITEM: &str = "The list has no such item.";

/// So often in a row an invocation died with a do under way: from then on each commits every attempt.
const LOST: u32 = 3;

impl Saga {
    /// Sends what needs no commit, and answers with the calls that must wait for one.
    pub(super) fn start_forward(&mut self, effects: &mut Vec<Effect>) -> Vec<Call> {
        let mut fresh = Vec::new();
        self.resume_started(effects, &mut fresh);
        self.start_fences(effects, &mut fresh);
        if self.begins_nothing() {
            return fresh;
        }
        let waiting = self.head.open.iter().filter(|(_, open)| open.job == Job::Pending).map(|(ix, _)| *ix);
        let untouched = self.head.cursor..self.run.loaded;
        let candidates: Vec<u32> = waiting.chain(untouched).collect();
        for ix in candidates {
            if self.head.cause.is_some() || self.run.full || !self.has_room(fresh.len()) {
                break;
            }
            let Some(node) = self.run.nodes.get(&ix) else { continue };
            if !node.deps.iter().all(|dep| self.settled(*dep)) {
                continue;
            }
            let node = node.clone();
            if self.waits_for_turn(ix) {
                continue;
            }
            if let Some(why) = self.passed_over(&node) {
                self.skip(&node, why);
                continue;
            }
            if let Some(refusal) = self.no_list(&node) {
                self.touch(ix, Job::Do);
                self.refused_for_good(&node, 0, Millis(0), refusal);
                continue;
            }
            if let Some(wait) = &node.wait {
                self.begin_wait(&node, wait);
                continue;
            }
            if let Some(gather) = &node.gather {
                self.reach(ix);
                self.gather(&node, gather);
                continue;
            }
            if self.is_crowded(&node) {
                continue;
            }
            if self.drifts(&node) {
                break;
            }
            match self.prepare(&node, Op::Do, 1) {
                Ready::NoTime => self.run.full = true,
                Ready::Impossible { code, detail } => {
                    self.touch(ix, Job::Do);
                    // A step that cannot even be asked for: a definite no.
                    self.refused(&node, 0, Millis(0), Refusal { code: code.to_owned(), detail });
                }
                Ready::Now(call) => {
                    if !self.is_approved(&node, &call) {
                        continue;
                    }
                    if !self.has_leave(&node, effects) {
                        continue;
                    }
                    if !self.has_turn(&node) {
                        self.ask_turn(&node, effects);
                        continue;
                    }
                    if let Some(what) = self.beyond_budget(&node, fresh.len(), false) {
                        self.fail(Cause::Budget { node: ix, what });
                        break;
                    }
                    // Who waits commits, and no delivery is counted any more: so what ends the invocation must be.
                    let waited = self.head.open.get(&ix).is_some_and(|open| open.queued > 0 || open.shut > 0);
                    let asked = self.head.open.get_mut(&ix).and_then(|open| open.asked.take());
                    self.touch(ix, Job::Do);
                    if let Some(open) = self.head.open.get_mut(&ix) {
                        (open.attempt, open.asked) = (1, asked);
                    }
                    if node.class == Class::Query && !self.run.cautious && !self.costs(&node) && !waited {
                        effects.push(self.send(*call));
                    } else {
                        self.record_start(&node, &call);
                        fresh.push(*call);
                    }
                }
            }
        }
        fresh
    }

    /// Goes on with what was started before: by an invocation that died, or that is due again.
    pub(super) fn resume_started(&mut self, effects: &mut Vec<Effect>, fresh: &mut Vec<Call>) {
        let started =
            self.head.open.iter().filter(|(ix, open)| {
                matches!(open.job, Job::Do | Job::Ask) && self.is_due(open) && !self.in_flight(**ix)
            });
        let started: Vec<(u32, Open)> = started.map(|(ix, open)| (*ix, open.clone())).collect();
        for (ix, open) in started {
            if self.run.full || !self.has_room(fresh.len()) {
                break;
            }
            let Some(node) = self.run.nodes.get(&ix).cloned() else { continue };
            // Under a new key nothing has happened yet: it is begun as any step is.
            let anew = open.is_new() && self.head.phase == Phase::Forward;
            if self.given_up(ix) || (anew && (self.begins_nothing() || self.is_crowded(&node) || self.drifts(&node))) {
                continue;
            }
            // An attempt that was started and not answered may have had its effect; so may a repeat that
            // no commit tells of, once the partner has forgotten the key.
            let unanswered = open.is_unanswered();
            if unanswered && self.may_be_answered() {
                continue;
            }
            if unanswered && self.is_stale() {
                self.run.full = true;
                break;
            }
            if unanswered && let Some(open) = self.head.open.get_mut(&ix) {
                // Its own start is a commit each time, so that nobody else counts what ends the invocation.
                open.lost = open.lost.saturating_add(1);
                self.run.cautious |= open.lost >= LOST;
            }
            let forgotten = !open.is_new() && !self.remembered(&node) && (open.doubt || self.repeats_unseen(&node));
            if (unanswered || forgotten) && self.lost(ix, &node) {
                continue;
            }
            let op = if self.head.open.get(&ix).is_some_and(|open| open.job == Job::Ask) { Op::Status } else { Op::Do };
            let attempt = open.attempt.saturating_add(1);
            match self.prepare(&node, op, attempt) {
                Ready::NoTime => self.run.full = true,
                Ready::Impossible { code, detail } => self.hold(ix, op, code.to_owned(), detail),
                Ready::Now(call) if anew && !self.is_approved(&node, &call) => {}
                Ready::Now(_) if !self.has_leave(&node, effects) => {}
                Ready::Now(_) if op == Op::Do && !self.has_turn(&node) => self.ask_turn(&node, effects),
                Ready::Now(call) => {
                    let costs = self.costs(&node);
                    if op == Op::Do
                        && self.is_paid_by_budget()
                        && let Some(what) = self.beyond_budget(&node, fresh.len(), !anew)
                    {
                        self.fail(Cause::Budget { node: ix, what });
                        // What may have happened is followed up all the same.
                        if anew || node.class == Class::Query {
                            continue;
                        }
                    }
                    if let Some(open) = self.head.open.get_mut(&ix) {
                        (open.attempt, open.due, open.queued, open.shut) = (attempt, None, 0, 0);
                    }
                    // The first attempt of a new round is a start like any other.
                    let first = attempt == 1 && node.class != Class::Query;
                    let waited = open.queued > 0 || open.shut > 0;
                    let seen = self.run.cautious || first || waited || costs;
                    let unseen = self.repeats_unseen(&node) && !seen;
                    if op == Op::Do && !unseen {
                        self.record_start(&node, &call);
                        fresh.push(*call);
                    } else {
                        effects.push(self.send(*call));
                    }
                }
            }
        }
    }

    /// Why a step is not to be done, where that is so.
    fn passed_over(&self, node: &Node) -> Option<String> {
        if node.instead_of.iter().any(|ix| self.run.outputs.contains_key(ix)) {
            return Some("Another was done in its place.".to_owned());
        }
        if node.when.as_ref().is_some_and(|when| !when.holds(&self.output_of(node))) {
            return Some("Its condition does not hold.".to_owned());
        }
        if let Some(item) = &node.item {
            let producer = Reference::parse(&item.list).map_or("", |list| list.step);
            match self.list_of(node, item) {
                _ if self.output_of(node)(producer).is_none() => return Some(passed_over_too(producer)),
                Some(list) if node.gather.is_none() && list.len() <= item.at as usize => {
                    return Some(NO_SUCH_ITEM.to_owned());
                }
                Some(_) | None => {}
            }
        }
        if let Some(Gather::First(members)) = &node.gather
            && !members.iter().any(|ix| self.run.outputs.contains_key(ix))
        {
            return Some("All of its alternatives were passed over.".to_owned());
        }
        let mut missing = None;
        for value in node.params.values() {
            reference::each(value, &mut |reference| {
                if self.output_of(node)(reference.step).is_none() {
                    missing.get_or_insert_with(|| reference.step.to_owned());
                }
            });
        }
        missing.map(|step| passed_over_too(&step))
    }

    fn list_of<'a>(&'a self, node: &'a Node, item: &'a Item) -> Option<&'a Vec<Value>> {
        let list = Reference::parse(&item.list)?;
        list.find(self.output_of(node)(list.step)?)?.as_array()
    }

    /// Why a list cannot be gone through, where that is so.
    fn no_list(&self, node: &Node) -> Option<Refusal> {
        let item = node.item.as_ref()?;
        let refusal = |code: &str, detail: String| Refusal { code: code.to_owned(), detail };
        match self.list_of(node, item) {
            None => Some(refusal("no_list", format!("`{}` is no list.", item.list))),
            Some(list) if list.len() > item.most as usize => {
                let detail = format!("`{}` has {} items, and {} are allowed.", item.list, list.len(), item.most);
                Some(refusal("too_many_items", detail))
            }
            Some(_) => None,
        }
    }

    /// As many of its list are under way as may be.
    fn is_crowded(&self, node: &Node) -> bool {
        let Some(crowd) = node.crowd else { return false };
        let busy = self.head.open.iter().filter(|(ix, open)| {
            let begun = matches!(open.job, Job::Ask | Job::Undo) || (open.job == Job::Do && open.attempt > 0);
            let other = self.run.nodes.get(ix).and_then(|node| node.crowd);
            begun && **ix != node.ix && other.is_some_and(|other| other.of == crowd.of)
        });
        busy.count() >= crowd.concurrency as usize
    }

    /// Gives what others gave.
    fn gather(&mut self, node: &Node, gather: &Gather) {
        let given = |ix: &u32| self.run.outputs.get(ix).cloned();
        let output = match gather {
            Gather::First(members) => members.iter().find_map(given).unwrap_or_default(),
            Gather::All(members) if members.is_empty() => Value::Null,
            Gather::All(members) => {
                let length =
                    node.item.as_ref().and_then(|item| self.list_of(node, item)).map_or(members.len(), Vec::len);
                members.iter().take(length).map(|ix| given(ix).unwrap_or_default()).collect()
            }
        };
        self.finish(node.ix, output);
    }

    /// Settles a step that is not to be done. A point of no return that is passed over is behind all
    /// the same: what comes after it cannot be undone.
    fn skip(&mut self, node: &Node, why: String) {
        self.reach(node.ix);
        self.head.open.remove(&node.ix);
        self.record(Fact::Skipped { node: node.ix, why });
        if node.class == Class::Pivot {
            self.head.pivoted = true;
        }
    }

    /// Holds on where a tool has changed since the plan was made, until a person says to go on.
    fn drifts(&mut self, node: &Node) -> bool {
        let forward = self.head.phase == Phase::Forward;
        if !forward || self.head.accepted.contains(&node.tool) || !self.run.drifted.contains(&node.tool) {
            return false;
        }
        self.head.drifting = Some(node.tool.clone());
        let why = format!("The tool `{}` has changed since the plan was made with {}.", node.tool, node.version);
        self.pause("makegood".to_owned(), why).is_ok()
    }

    /// Charges a call of a step to the budget, or says what of that does not reach. Money is paid once for each key,
    /// however often that is sent: a `repeat` buys nothing. A call counts each time, and so do its tokens. Past the point
    /// of no return there is no budget: what the plan costs in all was compared with it at the start.
    fn beyond_budget(&mut self, node: &Node, more: usize, repeat: bool) -> Option<String> {
        let out_of_calls = self.out_of_calls(more) && !Child::is_one(&node.tool);
        let (cost, tokens) = self.definition(node).map_or((0, 0), |tool| (tool.cost_minor, tool.cost_tokens));
        let cost = if repeat { 0 } else { cost };
        let budget = self.head.budget.as_mut()?;
        let spent = budget.spent_minor.saturating_add(cost);
        let used = budget.spent_tokens.saturating_add(tokens);
        if !self.head.pivoted {
            if out_of_calls {
                return Some(format!("{} calls are made, and no more are allowed.", self.head.calls));
            }
            if let Some(most) = budget.cost_minor.filter(|most| spent > *most) {
                return Some(format!("The step would bring the cost to {spent}, and {most} are allowed."));
            }
            if let Some(most) = budget.tokens.filter(|most| used > *most) {
                return Some(format!("The step would bring the tokens to {used}, and {most} are allowed."));
            }
        }
        (budget.spent_minor, budget.spent_tokens) = (spent, used);
        None
    }

    /// Whether what is made now counts against the budget: before the point of no return, and before
    /// anything has failed.
    fn is_paid_by_budget(&self) -> bool {
        self.head.phase == Phase::Forward && !self.head.pivoted && self.head.cause.is_none()
    }

    /// Whether the budget has no call left, after `more` that wait for a commit.
    fn out_of_calls(&self, more: usize) -> bool {
        let made = self.head.calls.saturating_add(more as u64);
        self.head.budget.and_then(|budget| budget.calls).is_some_and(|most| made >= most)
    }

    /// Whether what a call of the step takes of the budget must be in the journal before it is made: also where it is
    /// not limited any more, for what ended that may not be in the journal yet.
    fn costs(&self, node: &Node) -> bool {
        let Some(budget) = &self.head.budget else { return false };
        let counts = budget.calls.is_some() && !Child::is_one(&node.tool);
        let costs = |tool: &Terms| tool.cost_minor > 0 || tool.cost_tokens > 0;
        counts || self.definition(node).is_some_and(costs)
    }

    fn record_start(&mut self, node: &Node, call: &Call) {
        // A child that is asked after again has its plan; its undo needs the key only.
        let known = call.attempt > 1 && Child::is_one(&call.tool);
        let params = (call.params != node.params && !known).then(|| call.params.clone());
        let round = self.round(node.ix);
        self.record(Fact::Started { node: node.ix, attempt: call.attempt, round, params });
    }
}

fn passed_over_too(step: &str) -> String {
    format!("It needs what `{step}` gives, and that was passed over.")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::approval::Decision;
    use super::super::event::{Answer, Event, Outcome, Window};
    use super::super::state::Head;
    use super::super::step::step;
    use super::*;
    use crate::id::SagaId;

    const NOW: Millis = Millis(1_790_000_000_000);

    fn window(approval: &Value, drifted: &Value) -> Window {
        let terms = json!({"repeat": {"keyed": {"ttl_ms": 86_400_000}}, "status": false, "fence": true,
            "timeout_ms": 2_000, "estimate_ms": 50, "cost_minor": 5, "retry": {"attempts": 1, "base_ms": 200, "cap_ms": 200},
            "input": {}});
        let node = json!({"ix": 0, "id": "table", "tool": "book", "version": "1", "class": "compensatable",
            "approval": approval});
        serde_json::from_value(json!({"nodes": [node], "tools": {"book": terms}, "drifted": drifted})).unwrap()
    }

    /// A saga whose only step was refused once, and is asked for anew, with these fields of its head.
    fn asked_anew(fields: Value) -> Head {
        let mut head = json!({"v": 1, "phase": "forward", "epoch": 0, "total": 1, "cursor": 1,
            "open": {"0": {"j": "do", "n": 0, "s": NOW, "r": 1}}, "invocations": 3, "calls": 2, "last_at": NOW});
        if let (Some(head), Value::Object(fields)) = (head.as_object_mut(), fields) {
            head.extend(fields);
        }
        serde_json::from_value(head).unwrap()
    }

    fn wake(saga: &mut Saga) -> Vec<Effect> {
        let wake = Event::Wake { until: NOW + Millis(8_500), kill: NOW + Millis(10_000), cautious: false };
        step(saga, wake, NOW).unwrap()
    }

    fn woken(head: Head, window: Window) -> (Saga, Vec<Effect>) {
        let mut saga = Saga::load(SagaId::new(NOW, [7; 10]), head, window);
        let effects = wake(&mut saga);
        (saga, effects)
    }

    fn facts(effects: &[Effect]) -> Vec<&Fact> {
        let commits =
            effects.iter().filter_map(|effect| if let Effect::Commit(commit) = effect { Some(commit) } else { None });
        commits.flat_map(|commit| &commit.records).map(|record| &record.fact).collect()
    }

    fn starts(effects: &[Effect]) -> bool {
        facts(effects).iter().any(|fact| matches!(fact, Fact::Started { round: 1, .. }))
    }

    #[test]
    fn a_step_that_is_asked_for_anew_is_begun_as_any_other_step() {
        let none = Value::Null;
        let plain = || window(&none, &json!([]));
        assert!(starts(&woken(asked_anew(json!({})), plain()).1));
        assert!(!starts(&woken(asked_anew(json!({"paused": true})), plain()).1));
        let (saga, effects) = woken(asked_anew(json!({})), window(&none, &json!(["book"])));
        assert!(saga.head.paused && !starts(&effects), "its tool has changed");
        // It was held before anybody was asked about it.
        let (saga, effects) = woken(asked_anew(json!({})), window(&json!({}), &json!([])));
        assert!(matches!(facts(&effects)[..], [Fact::Asked { .. }, Fact::Yielded { .. }]), "{effects:?}");
        let decision =
            Decision { by: "ann".to_owned(), approve: true, note: String::new(), hash: None, approver: false };
        let mut saga = Saga::load(saga.id, saga.head, window(&json!({}), &json!([])));
        step(&mut saga, Event::Decided { node: 0, decision }, NOW).unwrap();
        assert!(starts(&wake(&mut saga)), "under the key that it had");
    }

    #[test]
    fn money_is_paid_once_for_each_key_and_calls_each_time() {
        let plain = || window(&Value::Null, &json!([]));
        let budget = |most: i64| json!({"budget": {"cost_minor": most, "calls": 4, "spent_minor": 5}});
        let (saga, effects) = woken(asked_anew(budget(9)), plain());
        assert!(!starts(&effects) && saga.head.cause.is_some(), "another key is another purchase");
        let (saga, effects) = woken(asked_anew(budget(10)), plain());
        assert!(starts(&effects));
        assert_eq!((saga.head.budget.unwrap().spent_minor, saga.head.calls), (10, 3), "in the commit before it leaves");
        let mut repeated = asked_anew(budget(5));
        repeated.open.insert(0, Open { attempt: 1, due: Some(NOW), ..Open::new(Job::Do, NOW) });
        let (saga, effects) = woken(repeated, plain());
        assert!(facts(&effects).iter().any(|fact| matches!(fact, Fact::Started { attempt: 2, .. })));
        assert_eq!((saga.head.budget.unwrap().spent_minor, saga.head.calls, saga.head.cause), (5, 3, None));
    }

    #[test]
    fn a_call_leaves_with_the_time_that_its_commit_has_left_or_not_at_all() {
        let committed = |after: u64| {
            let (mut saga, _) = woken(asked_anew(json!({})), window(&Value::Null, &json!([])));
            let effects = step(&mut saga, Event::Committed, NOW + Millis(after)).unwrap();
            (saga, effects)
        };
        for (after, left) in [(1_000, 2_000), (9_000, 1_000)] {
            let (_, effects) = committed(after);
            assert!(matches!(&effects[..], [Effect::Call(call)] if call.timeout == Millis(left)), "{effects:?}");
        }
        let (saga, effects) = committed(9_900);
        assert!(!effects.iter().any(|effect| matches!(effect, Effect::Call(_))), "{effects:?}");
        let open = &saga.head.open[&0];
        assert_eq!((open.job, open.spared, open.doubt, saga.head.calls), (Job::Do, 1, false, 2));
        assert_eq!(saga.head.cause, None, "the only attempt that it has is not used up");
    }

    /// Whoever looks up what stands beside a step that another's invocation is at until in a second.
    fn beside_another(now: Millis) -> (Saga, Vec<Effect>) {
        let head = json!({"v": 1, "phase": "forward", "epoch": 0, "total": 2, "cursor": 1, "floor": 0,
            "open": {"0": {"j": "do", "n": 1, "s": NOW}}, "pivoted": false, "invocations": 1, "calls": 1,
            "last_at": NOW, "alive": NOW + Millis(1_000)});
        let terms = json!({"repeat": {"keyed": {"ttl_ms": 86_400_000}}, "status": false, "fence": true,
            "timeout_ms": 5_000, "estimate_ms": 50, "input": {}, "output": {}});
        let nodes = json!([{"ix": 0, "id": "table", "tool": "book", "version": "1", "class": "compensatable"},
            {"ix": 1, "id": "sky", "tool": "look", "version": "1", "class": "query"}]);
        let window = json!({"nodes": nodes, "tools": {"book": terms, "look": terms}});
        let (head, window) = (serde_json::from_value(head).unwrap(), serde_json::from_value(window).unwrap());
        let mut saga = Saga::load(SagaId::new(NOW, [7; 10]), head, window);
        let wake = Event::Wake { until: NOW + Millis(8_500), kill: NOW + Millis(10_000), cautious: false };
        let effects = step(&mut saga, wake, now).unwrap();
        (saga, effects)
    }

    fn called(effects: &[Effect]) -> Vec<u32> {
        let call = |effect: &Effect| if let Effect::Call(call) = effect { Some(call.node) } else { None };
        effects.iter().filter_map(call).collect()
    }

    #[test]
    fn a_call_of_anothers_is_repeated_by_nobody_who_has_not_looked_since_the_wait_for_it_was_over() {
        let (mut saga, effects) = beside_another(NOW);
        assert_eq!(called(&effects), [1], "it waits for the other, and naps for nobody: {effects:?}");
        let Some(Effect::Call(call)) = effects.into_iter().next() else { panic!("a call") };
        let outcome = Outcome::Ok(Answer::Output(json!({})));
        let late = Event::Answered { call: call.id(), took: Millis(2_000), outcome };
        let effects = step(&mut saga, late, NOW + Millis(2_000)).unwrap();
        let ends = effects.iter().any(|effect| matches!(effect, Effect::Commit(commit) if !commit.wakes.is_empty()));
        assert!(called(&effects).is_empty() && ends, "the next invocation looks: {effects:?}");
        let (_, effects) = beside_another(NOW + Millis(2_000));
        assert!(called(&effects).contains(&0), "who comes then repeats it: {effects:?}");
    }
}
