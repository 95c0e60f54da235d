//! What others are told of a saga: its journal, record by record, as events (CloudEvents 1.0.2, JSON format).
//!
//! Nothing is stored for this. A record of the journal is one event, whose number is the record's place there, so that
//! none is forgotten, none is told that was not committed, and whoever names the last one they have gets all that
//! followed. Two more are made of the saga's row and come before the journal. docs/EVENTS.md has the catalogue.
//!
//! A name ends in its version. What an event of a version has, it keeps; fields may be added.

use crate::civil::Timestamp;
use serde_json::{Map, Value, json};

use crate::id::SagaId;
use crate::saga::{Fact, Node, Record};
use crate::time::Millis;

/// Before the first record, whose number is that of a commit.
pub const STARTED: u64 = 1;
pub const UNDERSTOOD: u64 = 2;

/// The `type` of an event by which a subscriber is tried out. It is of no saga, and nothing happened.
pub const TRIAL: &str = "makegood.subscription.trial.v1";

/// What there is to be told of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    SagaStarted,
    SagaPaused,
    SagaResumed,
    SagaReplanned,
    SagaReceived,
    SagaUnwinding,
    SagaSleeping,
    SagaCompleted,
    SagaMadeGood,
    StepStarted,
    StepDone,
    StepRefused,
    StepUndoing,
    StepUndone,
    StepWaiting,
    StepQueued,
    StepSkipped,
    StepRetried,
    StepResolved,
    ApprovalAsked,
    ApprovalDecided,
    IntentUnderstood,
    SecurityStranger,
    HealthNoAnswer,
    HealthBreakerOpen,
    HealthHeld,
    HealthStuck,
}

impl Kind {
    pub const ALL: [Self; 27] = [
        Self::SagaStarted,
        Self::SagaPaused,
        Self::SagaResumed,
        Self::SagaReplanned,
        Self::SagaReceived,
        Self::SagaUnwinding,
        Self::SagaSleeping,
        Self::SagaCompleted,
        Self::SagaMadeGood,
        Self::StepStarted,
        Self::StepDone,
        Self::StepRefused,
        Self::StepUndoing,
        Self::StepUndone,
        Self::StepWaiting,
        Self::StepQueued,
        Self::StepSkipped,
        Self::StepRetried,
        Self::StepResolved,
        Self::ApprovalAsked,
        Self::ApprovalDecided,
        Self::IntentUnderstood,
        Self::SecurityStranger,
        Self::HealthNoAnswer,
        Self::HealthBreakerOpen,
        Self::HealthHeld,
        Self::HealthStuck,
    ];

    /// The `type` of its events.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::SagaStarted => "makegood.saga.started.v1",
            Self::SagaPaused => "makegood.saga.paused.v1",
            Self::SagaResumed => "makegood.saga.resumed.v1",
            Self::SagaReplanned => "makegood.saga.replanned.v1",
            Self::SagaReceived => "makegood.saga.received.v1",
            Self::SagaUnwinding => "makegood.saga.unwinding.v1",
            Self::SagaSleeping => "makegood.saga.sleeping.v1",
            Self::SagaCompleted => "makegood.saga.completed.v1",
            Self::SagaMadeGood => "makegood.saga.made_good.v1",
            Self::StepStarted => "makegood.step.started.v1",
            Self::StepDone => "makegood.step.done.v1",
            Self::StepRefused => "makegood.step.refused.v1",
            Self::StepUndoing => "makegood.step.undoing.v1",
            Self::StepUndone => "makegood.step.undone.v1",
            Self::StepWaiting => "makegood.step.waiting.v1",
            Self::StepQueued => "makegood.step.queued.v1",
            Self::StepSkipped => "makegood.step.skipped.v1",
            Self::StepRetried => "makegood.step.retried.v1",
            Self::StepResolved => "makegood.step.resolved.v1",
            Self::ApprovalAsked => "makegood.approval.asked.v1",
            Self::ApprovalDecided => "makegood.approval.decided.v1",
            Self::IntentUnderstood => "makegood.intent.understood.v1",
            Self::SecurityStranger => "makegood.security.stranger.v1",
            Self::HealthNoAnswer => "makegood.health.no_answer.v1",
            Self::HealthBreakerOpen => "makegood.health.breaker_open.v1",
            Self::HealthHeld => "makegood.health.held.v1",
            Self::HealthStuck => "makegood.health.stuck.v1",
        }
    }

    /// What a record is told as.
    #[must_use]
    pub const fn of(fact: &Fact) -> Self {
        match fact {
            Fact::Started { .. } => Self::StepStarted,
            Fact::Done { .. } => Self::StepDone,
            Fact::Refused { .. } => Self::StepRefused,
            Fact::Unsettled { .. } => Self::HealthNoAnswer,
            Fact::UndoStarted { .. } => Self::StepUndoing,
            Fact::Undone { .. } => Self::StepUndone,
            Fact::Held { .. } => Self::HealthHeld,
            Fact::Waiting { .. } => Self::StepWaiting,
            Fact::Queued { .. } => Self::StepQueued,
            Fact::Shut { .. } => Self::HealthBreakerOpen,
            Fact::Skipped { .. } => Self::StepSkipped,
            Fact::Asked { .. } => Self::ApprovalAsked,
            Fact::Decided { .. } => Self::ApprovalDecided,
            Fact::Retried { .. } => Self::StepRetried,
            Fact::Resolved { .. } => Self::StepResolved,
            Fact::Received { by: None, .. } => Self::SagaReceived,
            Fact::Received { by: Some(_), .. } => Self::SecurityStranger,
            Fact::Paused { .. } => Self::SagaPaused,
            Fact::Resumed { .. } => Self::SagaResumed,
            Fact::Replanned { .. } => Self::SagaReplanned,
            Fact::Unwinding { .. } => Self::SagaUnwinding,
            Fact::Yielded { .. } => Self::SagaSleeping,
            Fact::Completed => Self::SagaCompleted,
            Fact::MadeGood => Self::SagaMadeGood,
            Fact::Stuck { .. } => Self::HealthStuck,
        }
    }
}

/// An event by which a subscriber is tried out. `id`: another for every trial.
#[must_use]
pub fn trial(subscription: &str, id: &str, at: Millis) -> Value {
    json!({
        "specversion": "1.0",
        "id": id,
        "source": format!("/api/subscriptions/{subscription}"),
        "type": TRIAL,
        "time": moment(at),
        "datacontenttype": "application/json",
        "data": {},
    })
}

/// RFC 3339.
fn moment(at: Millis) -> String {
    Timestamp::from_millisecond(i64::try_from(at.0).unwrap_or(i64::MAX)).unwrap_or(Timestamp::MAX).to_string()
}

/// A saga, as far as its events need it.
#[derive(Clone, Copy, Debug)]
pub struct About<'a> {
    pub saga: &'a SagaId,
    /// Of all of its plans.
    pub nodes: &'a [Node],
}

impl About<'_> {
    /// The event that a record is. `seq`: its place in the journal.
    #[must_use]
    pub fn record(&self, seq: u64, record: &Record) -> Value {
        // What a fact is made of is written as an object, always.
        let Ok(Value::Object(mut data)) = serde_json::to_value(record) else { return Value::Null };
        for name in ["type", "at", "node"] {
            data.remove(name);
        }
        if let Some(invocation) = data.remove("inv") {
            data.insert("invocation".to_owned(), invocation);
        }
        // Numbers of nodes are ours: others know steps.
        data.remove("from");
        for name in ["nodes", "kept", "retired"] {
            if let Some(numbers) = data.remove(name) {
                let name = if name == "nodes" { "steps" } else { name };
                let steps = numbers.as_array().into_iter().flatten().filter_map(Value::as_u64).map(|ix| self.step(ix));
                data.insert(name.to_owned(), steps.collect());
            }
        }
        if let Some(Value::Object(cause)) = data.get_mut("cause")
            && let Some(ix) = cause.remove("node").and_then(|ix| ix.as_u64())
        {
            cause.insert("step".to_owned(), self.step(ix));
        }
        // As the API takes it, and as a number that JavaScript would not keep.
        if let Fact::Asked { hash, node, .. } = &record.fact {
            data.insert("hash".to_owned(), json!(format!("{hash:016x}")));
            let approval = self.nodes.iter().find(|known| known.ix == *node).and_then(|known| known.approval.as_ref());
            if let Some(approval) = approval {
                data.insert("question".to_owned(), json!(approval.question));
                data.insert("by".to_owned(), json!(approval.by));
                data.insert("quorum".to_owned(), json!(approval.quorum));
            }
        }
        let node = record.fact.node();
        if let Some(node) = node.and_then(|ix| self.nodes.iter().find(|node| node.ix == ix)) {
            data.insert("tool".to_owned(), json!(node.tool));
            data.insert("class".to_owned(), json!(node.class));
        }
        let step = node.map(|ix| self.step(ix.into()));
        self.event(seq, Kind::of(&record.fact), record.at, step, data)
    }

    /// The saga is there.
    #[must_use]
    pub fn started(&self, at: Millis, title: &str) -> Value {
        let steps: Value = self
            .nodes
            .iter()
            .filter(|node| node.epoch == 0)
            .map(|node| json!({"step": node.id, "tool": node.tool, "class": node.class}))
            .collect();
        let data = Map::from_iter([("title".to_owned(), json!(title)), ("steps".to_owned(), steps)]);
        self.event(STARTED, Kind::SagaStarted, at, None, data)
    }

    /// Its plan was made of a message. `reading`: how, as it was stored.
    #[must_use]
    pub fn understood(&self, at: Millis, message: Option<&str>, reading: &Value) -> Value {
        let mut data = Map::from_iter([("message".to_owned(), json!(message))]);
        for name in ["by", "model", "why", "confirm"] {
            if let Some(value) = reading.get(name) {
                data.insert(name.to_owned(), value.clone());
            }
        }
        self.event(UNDERSTOOD, Kind::IntentUnderstood, at, None, data)
    }

    fn event(&self, seq: u64, kind: Kind, at: Millis, step: Option<Value>, data: Map<String, Value>) -> Value {
        let mut event = json!({
            "specversion": "1.0",
            "id": seq.to_string(),
            "source": format!("/api/execute/{}", self.saga),
            "type": kind.name(),
            "time": moment(at),
            "datacontenttype": "application/json",
            // The extension of that name: by its text the events of a source are in order.
            "sequence": format!("{seq:019}"),
            "data": data,
        });
        if let Some(step) = step {
            event["subject"] = step;
        }
        event
    }

    /// A step's id in its plan.
    fn step(&self, ix: u64) -> Value {
        let known = self.nodes.iter().find(|node| u64::from(node.ix) == ix);
        known.map_or_else(|| json!(format!("#{ix}")), |node| json!(node.id))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::saga::one_of_each;

    const DOCS: &str = include_str!("../../../docs/EVENTS.md");

    fn nodes() -> Vec<Node> {
        let node =
            |ix: u32, id: &str| json!({"ix": ix, "id": id, "tool": "book", "version": "1", "class": "compensatable"});
        let mut asking = node(1, "table");
        asking["approval"] = json!({"by": ["ann"], "quorum": 1, "question": "Worth it?"});
        [node(0, "look"), asking, node(2, "ride")].map(|node| serde_json::from_value(node).unwrap()).to_vec()
    }

    #[test]
    fn every_fact_is_an_event_and_every_event_of_the_catalogue_comes_of_something() {
        let (saga, nodes) = (SagaId::new(Millis(1), [0; 10]), nodes());
        let about = About { saga: &saga, nodes: &nodes };
        let mut seen: BTreeSet<String> = BTreeSet::new();
        for (place, record) in one_of_each().iter().enumerate() {
            let event = about.record(1_000_000 + place as u64, record);
            assert_eq!(event["type"], Kind::of(&record.fact).name());
            // No number of a node is told, under any name.
            for hidden in ["node", "nodes", "from", "inv", "type", "at"] {
                assert!(event["data"].get(hidden).is_none(), "{hidden} in {event}");
            }
            assert_eq!(record.fact.node().is_some(), event.get("subject").is_some(), "{event}");
            seen.insert(event["type"].as_str().unwrap().to_owned());
        }
        for event in [about.started(Millis(1), "A"), about.understood(Millis(1), None, &json!({"by": "offline"}))] {
            seen.insert(event["type"].as_str().unwrap().to_owned());
        }
        let catalogue: BTreeSet<String> = Kind::ALL.iter().map(|kind| kind.name().to_owned()).collect();
        assert_eq!(seen, catalogue);
    }

    #[test]
    fn an_event_has_what_cloudevents_demand_and_what_the_record_says() {
        let (saga, nodes) = (SagaId::new(Millis(1), [0; 10]), nodes());
        let about = About { saga: &saga, nodes: &nodes };
        let told = |fact: Value| {
            let mut record = fact;
            record
                .as_object_mut()
                .unwrap()
                .extend([("at".to_owned(), json!(1_777_636_800_250_u64)), ("inv".to_owned(), json!(2))]);
            about.record(3_000_007, &serde_json::from_value(record).unwrap())
        };
        assert_eq!(
            told(json!({"type": "done", "node": 1, "attempt": 1, "took": 5, "output": {"n": 1}})),
            json!({
                "specversion": "1.0", "id": "3000007", "source": format!("/api/execute/{saga}"),
                "type": "makegood.step.done.v1", "time": "2026-05-01T12:00:00.25Z", "subject": "table",
                "datacontenttype": "application/json", "sequence": "0000000000003000007",
                "data": {"invocation": 2, "attempt": 1, "took": 5, "output": {"n": 1}, "tool": "book", "class": "compensatable"},
            })
        );
        let asked = told(json!({"type": "asked", "node": 1, "params": {"n": 2}, "hash": u64::MAX, "until": 9}));
        let data = json!({"invocation": 2, "params": {"n": 2}, "hash": "ffffffffffffffff", "until": 9, "question": "Worth it?",
            "by": ["ann"], "quorum": 1, "tool": "book", "class": "compensatable"});
        assert_eq!(asked["data"], data);
        let stuck = told(json!({"type": "stuck", "nodes": [2, 7]}));
        assert_eq!(stuck["data"], json!({"invocation": 2, "steps": ["ride", "#7"]}));
        let turned =
            told(json!({"type": "unwinding", "cause": {"why": "step", "node": 2, "code": "full", "detail": "No."}}));
        assert_eq!(turned["data"]["cause"], json!({"why": "step", "step": "ride", "code": "full", "detail": "No."}));
    }

    #[test]
    fn a_trial_is_an_event_and_none_of_a_sagas() {
        let event = trial("sub_1", "t1", Millis(1_777_636_800_250));
        assert_eq!((&event["source"], &event["id"]), (&json!("/api/subscriptions/sub_1"), &json!("t1")));
        assert_eq!((&event["specversion"], &event["time"]), (&json!("1.0"), &json!("2026-05-01T12:00:00.25Z")));
        assert!(Kind::ALL.iter().all(|kind| kind.name() != TRIAL));
    }

    #[test]
    fn the_catalogue_of_the_docs_is_that_of_the_code() {
        let rows = DOCS.lines().filter_map(|line| line.strip_prefix("| `makegood.")?.split('`').next());
        let told: Vec<String> = rows.map(|name| format!("makegood.{name}")).collect();
        let there: Vec<String> = Kind::ALL.iter().map(|kind| kind.name().to_owned()).collect();
        assert_eq!(told, there, "docs/EVENTS.md has a row for each event, in the order of the code");
    }

    #[test]
    fn names_are_versioned_and_of_a_group() {
        for kind in Kind::ALL {
            let parts: Vec<&str> = kind.name().split('.').collect();
            let ["makegood", group, _, version] = parts.as_slice() else { panic!("{}", kind.name()) };
            assert!(["saga", "step", "approval", "intent", "security", "health"].contains(group), "{group}");
            assert!(version.strip_prefix('v').is_some_and(|number| number.parse::<u32>().is_ok()), "{version}");
        }
    }
}
