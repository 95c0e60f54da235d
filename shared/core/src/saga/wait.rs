//! Steps without a partner: waiting for a time, or for something from outside.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::event::{Origin, Refusal};
use super::fact::Fact;
use super::node::Node;
use super::state::{Job, Open, Saga};
use crate::time::Millis;

/// What a step waits for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Wait {
    /// So long, from when the steps before it are done.
    ForMs(Millis),
    /// Until this time, in milliseconds since the epoch.
    Until(Millis),
    /// Something named `name` that comes from outside; what it brings is the step's output. If it does
    /// not come `within_ms`, the step is refused with the code `no_event`.
    Event { name: String, within_ms: Millis },
}

impl Wait {
    /// When it ends, if it begins at `now`.
    pub(super) fn until(&self, now: Millis) -> Millis {
        match self {
            Self::ForMs(span) | Self::Event { within_ms: span, .. } => now + *span,
            Self::Until(at) => *at,
        }
    }
}

/// So much that came from outside is kept until a step waits for it.
const MOST_MAIL: usize = 16;
/// So many marks of what has been brought are kept. Who brings something again does so before as many others have.
const MOST_HEARD: usize = 64;
/// Its bytes, all together and so each alone.
pub const LARGEST_MAIL: usize = 16 * 1024;

impl Saga {
    /// Begins a wait whose turn has come. What is waited for may be there already.
    pub(super) fn begin_wait(&mut self, node: &Node, wait: &Wait) {
        let now = self.head.last_at;
        self.touch(node.ix, Job::Wait);
        if let Wait::Event { name, .. } = wait
            && let Some(payload) = self.head.mail.remove(name)
        {
            return self.finish(node.ix, payload);
        }
        let until = wait.until(now);
        if let Some(open) = self.head.open.get_mut(&node.ix) {
            open.due = Some(until);
        }
        self.record(Fact::Waiting { node: node.ix, until });
    }

    /// Ends the waits whose time has come.
    pub(super) fn ring(&mut self) {
        let due = self.head.open.iter().filter(|(_, open)| open.job == Job::Wait && self.is_due(open));
        for ix in due.map(|(ix, _)| *ix).collect::<Vec<u32>>() {
            let Some(node) = self.run.nodes.get(&ix).cloned() else { continue };
            match &node.wait {
                Some(Wait::ForMs(_) | Wait::Until(_)) => {
                    let at = self.head.last_at;
                    self.finish(ix, json!({ "at": at }));
                }
                Some(Wait::Event { name, .. }) => {
                    let detail = format!("Nobody sent `{name}` in time.");
                    self.refused_for_good(&node, 0, Millis(0), Refusal { code: "no_event".to_owned(), detail });
                }
                None => {
                    let detail = "Nobody decided in time.".to_owned();
                    self.refused_for_good(&node, 0, Millis(0), Refusal { code: "approval_expired".to_owned(), detail });
                }
            }
        }
    }

    /// Something came from outside: for a step that waits, or to be kept for one that will. What is brought for the second
    /// time is passed over, where it has a mark to be known by.
    ///
    /// # Errors
    /// Why it can be neither.
    pub(super) fn receive(&mut self, name: String, payload: Value, from: Option<Origin>) -> Result<(), &'static str> {
        if self.has_heard(from.as_ref()) {
            return Ok(());
        }
        if from.as_ref().is_some_and(|from| self.is_key_taken(&from.mark)) {
            return Err("something else has come under this key: give each event a key of its own");
        }
        let waiting = self.head.open.iter().filter(|(_, open)| open.job == Job::Wait).map(|(ix, _)| *ix).find(|ix| {
            let wait = self.run.nodes.get(ix).and_then(|node| node.wait.as_ref());
            matches!(wait, Some(Wait::Event { name: wanted, .. }) if *wanted == name)
        });
        if let Some(ix) = waiting {
            if self.head.open.get(&ix).is_some_and(|open| self.is_due(open)) {
                return Err("it comes too late");
            }
            self.hear(name, from, false);
            self.finish(ix, payload);
            return Ok(());
        }
        let size = |mail: &Value| mail.to_string().len();
        let kept: usize = self.head.mail.values().map(size).sum();
        if self.head.mail.contains_key(&name) {
            return Err("something with this name has come already");
        }
        if self.head.mail.len() >= MOST_MAIL || kept + size(&payload) > LARGEST_MAIL {
            return Err("too much has come that no step has waited for yet");
        }
        self.hear(name.clone(), from, true);
        self.head.mail.insert(name, payload);
        Ok(())
    }

    /// Whether this was brought before.
    pub(super) fn has_heard(&self, from: Option<&Origin>) -> bool {
        from.is_some_and(|from| self.head.heard.contains(&from.mark))
    }

    /// Whether something was brought under the key of this mark.
    fn is_key_taken(&self, mark: &str) -> bool {
        let key_of = |mark: &str| mark.split_once('#').map(|(key, _)| key.to_owned());
        key_of(mark).is_some_and(|key| self.head.heard.iter().any(|heard| key_of(heard).as_ref() == Some(&key)))
    }

    /// Writes down what a stranger has brought, and what is kept; and the mark of what may be brought again.
    fn hear(&mut self, name: String, from: Option<Origin>, kept: bool) {
        let (by, mark) = from.map_or((None, None), |from| (from.by, Some(from.mark)));
        if kept || by.is_some() {
            self.record(Fact::Received { name, by });
        }
        let Some(mark) = mark else { return };
        if self.head.heard.len() >= MOST_HEARD {
            self.head.heard.remove(0);
        }
        self.head.heard.push(mark);
    }

    /// What a wait waits for may have come while nobody waited.
    pub(super) fn look_into_mail(&mut self, ix: u32) {
        let Some(Wait::Event { name, .. }) = self.run.nodes.get(&ix).and_then(|node| node.wait.clone()) else { return };
        if let Some(payload) = self.head.mail.remove(&name) {
            self.finish(ix, payload);
        }
    }

    /// Settles a node that has no partner.
    pub(super) fn finish(&mut self, ix: u32, output: Value) {
        self.record(Fact::Done { node: ix, attempt: 0, took: Millis(0), output: output.clone() });
        self.run.outputs.insert(ix, output);
        self.head.open.remove(&ix);
    }

    /// Moves the cursor past `ix`; what it passes over waits in `open`. Its key stays what it is.
    pub(super) fn touch(&mut self, ix: u32, job: Job) {
        let round = self.round(ix);
        self.reach(ix);
        self.head.open.insert(ix, Open { round, ..Open::new(job, self.head.last_at) });
    }

    /// Moves the cursor past `ix`.
    pub(super) fn reach(&mut self, ix: u32) {
        for skipped in self.head.cursor..ix {
            self.head.open.or_insert(skipped, Open::new(Job::Pending, self.head.last_at));
        }
        self.head.cursor = self.head.cursor.max(ix + 1);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::super::{Event, Head, Limits, Plan, Record, Window, freeze, report, step};
    use super::*;
    use crate::id::SagaId;

    /// A saga that waits for two events of one name, one behind the other.
    fn waiting() -> (Saga, Vec<Node>) {
        let plan: Plan = serde_json::from_value(json!({"steps": [
            {"id": "one", "wait": {"event": {"name": "paid", "within_ms": 1_000_000}}},
            {"id": "two", "wait": {"event": {"name": "paid", "within_ms": 1_000_000}}, "after": ["one"]}]}))
        .unwrap();
        let nodes = freeze(&plan, &BTreeMap::new(), Limits::default()).unwrap();
        let head = Head::new(2, Millis(1_000), None);
        let window = Window { nodes: nodes.clone(), ..Window::default() };
        (Saga::load(SagaId::new(Millis(1_000), [1; 10]), head, window), nodes)
    }

    fn brought(mark: &str, payload: u32) -> Event {
        let from = Some(Origin { by: Some("webhook/bank".to_owned()), mark: mark.to_owned() });
        Event::Received { name: "paid".to_owned(), payload: json!(payload), from }
    }

    fn outputs(saga: &Saga) -> Vec<&Value> {
        saga.run.outputs.values().collect()
    }

    #[test]
    fn what_a_stranger_brings_is_taken_once_however_often_it_comes() {
        let (mut saga, nodes) = waiting();
        let wake = Event::Wake { until: Millis(9_000), kill: Millis(9_500), cautious: false };
        // Before anybody waits for it, twice; and while the second step waits, once more.
        for event in [brought("a", 1), brought("a", 2), wake] {
            step(&mut saga, event, Millis(2_000)).unwrap();
        }
        assert_eq!(outputs(&saga), [&json!(1)]);
        step(&mut saga, brought("a", 3), Millis(2_100)).unwrap();
        assert_eq!(outputs(&saga), [&json!(1)], "the second step waits for another");
        step(&mut saga, brought("b", 4), Millis(2_200)).unwrap();
        assert_eq!(outputs(&saga), [&json!(1), &json!(4)]);
        let heads: Head = serde_json::from_str(&serde_json::to_string(&saga.head).unwrap()).unwrap();
        assert_eq!(heads.heard, ["a", "b"], "and so it is after a commit");
        let told = report(&nodes, saga.head.phase, [] as [&Record; 0]);
        assert!(told.steps.iter().all(|step| step.brought_by.is_none()), "nothing is told that no record says");
    }

    #[test]
    fn what_its_owner_brings_is_no_strangers() {
        let (mut saga, _) = waiting();
        step(&mut saga, Event::Received { name: "paid".into(), payload: json!(1), from: None }, Millis(2_000)).unwrap();
        let again = Event::Received { name: "paid".into(), payload: json!(1), from: None };
        assert!(step(&mut saga, again, Millis(2_000)).is_err(), "each name is kept once");
        assert_eq!(saga.head.heard, [""; 0]);
    }

    #[test]
    fn what_its_owner_brings_again_under_its_key_is_taken_once() {
        let (mut saga, _) = waiting();
        let paid = |mark: &str, payload: u32| {
            let from = Some(Origin { by: None, mark: mark.to_owned() });
            Event::Received { name: "paid".to_owned(), payload: json!(payload), from }
        };
        let wake = Event::Wake { until: Millis(9_000), kill: Millis(9_500), cautious: false };
        for event in [paid("a#1", 1), wake] {
            step(&mut saga, event, Millis(2_000)).unwrap();
        }
        // The answer was lost, and now the second step waits for the same.
        step(&mut saga, paid("a#1", 1), Millis(2_100)).unwrap();
        assert_eq!(outputs(&saga), [&json!(1)], "one payment is one payment");
        let other = step(&mut saga, paid("a#2", 2), Millis(2_200)).unwrap_err();
        assert!(other.why.contains("under this key"), "{other}");
        step(&mut saga, paid("b#1", 2), Millis(2_300)).unwrap();
        assert_eq!(outputs(&saga), [&json!(1), &json!(2)]);
        // When all is over, who asks once more hears the same, and who comes anew does not.
        saga.head.phase = super::super::Phase::Completed;
        assert!(step(&mut saga, paid("a#1", 1), Millis(2_400)).unwrap().is_empty());
        assert!(step(&mut saga, paid("c#1", 1), Millis(2_400)).is_err());
    }

    #[test]
    fn marks_are_forgotten_before_there_are_too_many() {
        let (mut saga, _) = waiting();
        for mark in 0..200 {
            // Each is taken out of the way, as by a step that waits for it.
            saga.head.mail.clear();
            step(&mut saga, brought(&mark.to_string(), 1), Millis(2_000)).unwrap();
        }
        assert_eq!((saga.head.heard.len(), saga.head.heard.last().unwrap().as_str()), (MOST_HEARD, "199"));
    }

    #[test]
    fn a_report_says_which_step_a_stranger_gave_its_output_to() {
        let (_, nodes) = waiting();
        let record = |fact| Record { at: Millis(1), inv: 1, fact };
        let records = [
            record(Fact::Received { name: "paid".into(), by: Some("webhook/bank".into()) }),
            record(Fact::Done { node: 0, attempt: 0, took: Millis(0), output: json!(1) }),
            record(Fact::Received { name: "paid".into(), by: None }),
            record(Fact::Done { node: 1, attempt: 0, took: Millis(0), output: json!(2) }),
        ];
        let told = report(&nodes, super::super::Phase::Completed, &records);
        let by: Vec<Option<&str>> = told.steps.iter().map(|step| step.brought_by.as_deref()).collect();
        assert_eq!(by, [Some("webhook/bank"), None]);
    }
}
