//! Which event has its place in which phase: the one table of the legal pairs. [`step`](super::step()) goes by it, and the
//! simulator counts by it what it has seen.
//!
//! Not here: what else must be so for an event to be heeded. That is said by what folds it.

use super::event::Event;
use super::state::Phase;

/// The kinds of events.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    Wake,
    Answered,
    Turn,
    Leave,
    Committed,
    Paged,
    Tick,
    Cancel,
    Pause,
    Resume,
    Decided,
    Received,
    Retry,
    Replan,
    Nudged,
    Revoke,
    Resolve,
}

/// What becomes of an event in a phase.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// It is heeded.
    Folded,
    /// Only a race brings it, too late to mean anything: it is passed over.
    Late,
    /// It has none, whatever else is so.
    Illegal,
}

impl Kind {
    pub const ALL: [Self; 17] = [
        Self::Wake,
        Self::Answered,
        Self::Turn,
        Self::Leave,
        Self::Committed,
        Self::Paged,
        Self::Tick,
        Self::Cancel,
        Self::Pause,
        Self::Resume,
        Self::Decided,
        Self::Received,
        Self::Retry,
        Self::Replan,
        Self::Nudged,
        Self::Revoke,
        Self::Resolve,
    ];

    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Wake => "wake",
            Self::Answered => "answered",
            Self::Turn => "turn",
            Self::Leave => "leave",
            Self::Committed => "committed",
            Self::Paged => "paged",
            Self::Tick => "tick",
            Self::Cancel => "cancel",
            Self::Pause => "pause",
            Self::Resume => "resume",
            Self::Decided => "decided",
            Self::Received => "received",
            Self::Retry => "retry",
            Self::Replan => "replan",
            Self::Nudged => "nudged",
            Self::Revoke => "revoke",
            Self::Resolve => "resolve",
        }
    }

    /// Whether somebody asks for it. What has no place now is then no fault of ours.
    #[must_use]
    pub const fn is_asked(self) -> bool {
        match self {
            Self::Cancel
            | Self::Pause
            | Self::Resume
            | Self::Decided
            | Self::Received
            | Self::Retry
            | Self::Replan
            | Self::Nudged
            | Self::Revoke
            | Self::Resolve => true,
            Self::Wake | Self::Answered | Self::Turn | Self::Leave | Self::Committed | Self::Paged | Self::Tick => {
                false
            }
        }
    }

    /// The table: a row for each kind, a column for each phase.
    #[rustfmt::skip]
    const fn row(self) -> [Place; 5] {
        use Place::{Folded, Illegal, Late};
        match self {
            //                  forward  unwinding completed made good stuck
            Self::Wake =>      [Folded,  Folded,   Folded,   Folded,   Folded],
            Self::Answered =>  [Folded,  Folded,   Late,     Late,     Folded],
            Self::Turn =>      [Folded,  Folded,   Late,     Late,     Late],
            Self::Leave =>     [Folded,  Folded,   Late,     Late,     Late],
            Self::Committed => [Folded,  Folded,   Folded,   Folded,   Folded],
            Self::Paged =>     [Folded,  Folded,   Illegal,  Illegal,  Illegal],
            Self::Tick =>      [Folded,  Folded,   Late,     Late,     Late],
            Self::Cancel =>    [Folded,  Folded,   Illegal,  Illegal,  Folded],
            Self::Pause =>     [Folded,  Illegal,  Illegal,  Illegal,  Illegal],
            Self::Resume =>    [Folded,  Folded,   Illegal,  Illegal,  Illegal],
            Self::Decided =>   [Folded,  Illegal,  Illegal,  Illegal,  Illegal],
            Self::Received =>  [Folded,  Folded,   Folded,   Folded,   Folded],
            Self::Retry =>     [Folded,  Folded,   Illegal,  Illegal,  Folded],
            Self::Replan =>    [Folded,  Illegal,  Illegal,  Illegal,  Folded],
            Self::Nudged =>    [Folded,  Folded,   Illegal,  Illegal,  Illegal],
            Self::Revoke =>    [Illegal, Illegal,  Folded,   Illegal,  Illegal],
            Self::Resolve =>   [Folded,  Folded,   Illegal,  Illegal,  Folded],
        }
    }

    #[must_use]
    pub const fn place(self, phase: Phase) -> Place {
        let [forward, unwinding, completed, made_good, stuck] = self.row();
        match phase {
            Phase::Forward => forward,
            Phase::Unwinding => unwinding,
            Phase::Completed => completed,
            Phase::MadeGood => made_good,
            Phase::Stuck => stuck,
        }
    }

    /// Why it has no place, for people.
    pub(super) const fn why_not(self, phase: Phase) -> &'static str {
        match (self, phase) {
            (Self::Revoke, _) => "it is not completed",
            (Self::Pause, Phase::Unwinding) => "only what goes forward can be paused: undoing is not put off",
            (Self::Decided, Phase::Unwinding) => "the step does not wait for a decision",
            (Self::Replan, Phase::Unwinding) => "it is being undone",
            (Self::Retry | Self::Replan | Self::Resolve, _) => "all of it is settled",
            (
                Self::Wake
                | Self::Answered
                | Self::Turn
                | Self::Leave
                | Self::Committed
                | Self::Paged
                | Self::Tick
                | Self::Cancel
                | Self::Pause
                | Self::Resume
                | Self::Decided
                | Self::Received
                | Self::Nudged,
                _,
            ) => "it is at rest",
        }
    }
}

impl Event {
    #[must_use]
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Wake { .. } => Kind::Wake,
            Self::Answered { .. } => Kind::Answered,
            Self::Turn { .. } => Kind::Turn,
            Self::Leave { .. } => Kind::Leave,
            Self::Committed => Kind::Committed,
            Self::Paged(_) => Kind::Paged,
            Self::Tick => Kind::Tick,
            Self::Cancel { .. } => Kind::Cancel,
            Self::Pause { .. } => Kind::Pause,
            Self::Resume { .. } => Kind::Resume,
            Self::Decided { .. } => Kind::Decided,
            Self::Received { .. } => Kind::Received,
            Self::Retry { .. } => Kind::Retry,
            Self::Replan { .. } => Kind::Replan,
            Self::Nudged { .. } => Kind::Nudged,
            Self::Revoke { .. } => Kind::Revoke,
            Self::Resolve { .. } => Kind::Resolve,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::json;

    use super::super::approval::Decision;
    use super::super::effect::Op;
    use super::super::event::{CallId, Origin, Outcome, Window};
    use super::super::replan::Replan;
    use super::super::state::{Head, Saga};
    use super::super::step::step;
    use super::super::verbs::Verdict;
    use super::*;
    use crate::error::Code;
    use crate::id::SagaId;
    use crate::ordered::{FlatMap, FlatSet};
    use crate::time::Millis;

    const NOW: Millis = Millis(1_790_000_000_000);

    fn node(ix: u32) -> serde_json::Value {
        json!({"ix": ix, "id": format!("s{ix}"), "tool": "book", "version": "1", "class": "compensatable", "approval": {}})
    }

    /// A saga in which nothing but its phase can stand in the event's way.
    fn ready(kind: Kind, phase: Phase) -> Saga {
        let later = NOW + Millis(1_000);
        let open = if kind == Kind::Decided {
            json!({"0": {"j": "wait", "s": NOW, "d": later, "a": {"h": 7}}})
        } else if matches!(kind, Kind::Retry | Kind::Resolve) {
            json!({"0": {"j": "held", "n": 1, "s": NOW, "o": "do"}})
        } else if kind == Kind::Nudged {
            json!({"0": {"j": "do", "n": 1, "s": NOW, "d": later}})
        } else {
            json!({})
        };
        let head = json!({"v": 1, "phase": phase, "epoch": 0, "total": 3, "cursor": 2, "floor": 1, "open": open,
            "paused": kind == Kind::Resume, "last_at": NOW});
        let mut head: Head = serde_json::from_value(head).unwrap();
        head.back = (phase == Phase::Stuck).then_some(Phase::Forward);
        head.heard = vec!["heard".to_owned()];
        let nodes = if kind == Kind::Paged { json!([]) } else { json!([node(0), node(1)]) };
        let window = Window { nodes: serde_json::from_value(nodes).unwrap(), ..Window::default() };
        let mut saga = Saga::load(SagaId::new(NOW, [7; 10]), head, window);
        (saga.run.committing, saga.run.paging) = (kind == Kind::Committed, kind == Kind::Paged);
        saga
    }

    fn event(kind: Kind, phase: Phase) -> Event {
        let by = || "ann".to_owned();
        match kind {
            Kind::Wake => Event::Wake { until: NOW + Millis(9_000), kill: NOW + Millis(9_500), cautious: false },
            Kind::Answered => Event::Answered {
                call: CallId { node: 0, op: Op::Do, round: 0, attempt: 1, fingerprint: 0 },
                took: Millis(1),
                outcome: Outcome::Unknown { code: "no_answer".to_owned(), reason: String::new() },
            },
            Kind::Turn => Event::Turn { node: 0, came: true, after: None },
            Kind::Leave => Event::Leave { node: 0, after: None },
            Kind::Committed => Event::Committed,
            Kind::Paged => {
                let next = if phase == Phase::Unwinding { 0 } else { 2 };
                let nodes = serde_json::from_value(json!([node(next)])).unwrap();
                Event::Paged(Window { nodes, ..Window::default() })
            }
            Kind::Tick => Event::Tick,
            Kind::Cancel => Event::Cancel { by: by() },
            Kind::Pause => Event::Pause { by: by() },
            Kind::Resume => Event::Resume { by: by() },
            Kind::Decided => {
                let decision = Decision { by: by(), approve: true, note: String::new(), hash: None, approver: false };
                Event::Decided { node: 0, decision }
            }
            Kind::Received => {
                let from = phase.at_rest().then(|| Origin { by: None, mark: "heard".to_owned() });
                Event::Received { name: "paid".to_owned(), payload: json!(1), from }
            }
            Kind::Retry => Event::Retry { by: by(), node: None },
            Kind::Replan => {
                let plan = Replan { version: 1, nodes: Vec::new(), kept: FlatSet::new(), retired: FlatMap::new() };
                Event::Replan { by: by(), note: String::new(), plan: Box::new(plan) }
            }
            Kind::Nudged => Event::Nudged { node: 0 },
            Kind::Revoke => Event::Revoke { by: by() },
            Kind::Resolve => {
                Event::Resolve { by: by(), node: 0, note: String::new(), verdict: Verdict::Done(json!(1)) }
            }
        }
    }

    #[test]
    fn every_legal_pair_is_heeded_and_every_other_is_refused_and_changes_nothing() {
        for kind in Kind::ALL {
            for phase in Phase::ALL {
                let (mut saga, event) = (ready(kind, phase), event(kind, phase));
                let before = saga.head.clone();
                assert_eq!(event.kind(), kind);
                let came = step(&mut saga, event, NOW);
                match kind.place(phase) {
                    Place::Folded => assert!(came.is_ok(), "{kind:?} while {phase}: {came:?}"),
                    Place::Late => {
                        assert!(came.as_ref().is_ok_and(Vec::is_empty), "{kind:?} while {phase}: {came:?}");
                        assert_eq!(saga.head, before, "{kind:?} while {phase}");
                    }
                    Place::Illegal => {
                        let illegal = came.expect_err(kind.name());
                        assert_eq!((illegal.phase, illegal.event), (phase, kind));
                        // Of what comes from within it is a fault of ours; what people ask they may ask again.
                        let code = if kind == Kind::Paged { Code::Internal } else { Code::Conflict };
                        assert_eq!(illegal.code(), code, "{illegal}");
                        assert_eq!(saga.head, before, "{illegal}");
                    }
                }
            }
        }
    }

    #[test]
    fn a_kind_stands_once_in_the_list_and_each_has_its_place_in_some_phase() {
        assert_eq!(Kind::ALL.map(Kind::name).into_iter().collect::<BTreeSet<_>>().len(), Kind::ALL.len());
        for kind in Kind::ALL {
            assert!(Phase::ALL.iter().any(|phase| kind.place(*phase) == Place::Folded), "{kind:?}");
        }
    }
}
