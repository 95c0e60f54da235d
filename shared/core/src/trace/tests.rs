//! Traces of journals that were written by hand.

use serde_json::{Value, json};

use super::*;
use crate::id::SagaId;
use crate::proposal::Provenance;
use crate::saga::{CallId, Node, Op, Phase, Record, one_of_each};

const T: u64 = 1_777_636_800_000;

fn saga() -> SagaId {
    SagaId::new(Millis(T), [7; 10])
}

/// Four nodes: a call that is asked about first, another, a wait for an event, and a timer.
fn nodes() -> Vec<Node> {
    let node = |ix: u32, id: &str, more: Value| {
        let mut node =
            json!({"ix": ix, "id": id, "tool": format!("tool_{id}"), "version": "1", "class": "compensatable"});
        node.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        serde_json::from_value(node).unwrap()
    };
    vec![
        node(0, "table", json!({"approval": {"by": ["ann"], "quorum": 1, "question": "Worth it?"}})),
        node(1, "ride", json!({"params": {"to": "Sam"}})),
        node(2, "mail", json!({"wait": {"event": {"name": "paid", "within_ms": 1000}}})),
        node(3, "nap", json!({"wait": {"for_ms": 500}})),
    ]
}

/// Records at so many milliseconds after the start, in these invocations.
fn records(facts: &[(u64, u32, Value)]) -> Vec<Record> {
    let record = |(at, inv, fact): &(u64, u32, Value)| {
        let mut record = fact.clone();
        record.as_object_mut().unwrap().extend([("at".to_owned(), json!(T + at)), ("inv".to_owned(), json!(inv))]);
        serde_json::from_value(record).unwrap()
    };
    facts.iter().map(record).collect()
}

fn traced(phase: Phase, facts: &[(u64, u32, Value)]) -> Trace {
    let (saga, nodes) = (saga(), nodes());
    let about = About {
        saga: &saga,
        title: "A dinner",
        phase,
        created_at: Millis(T),
        nodes: &nodes,
        reading: None,
        context: None,
    };
    let trace = of(&about, &records(facts));
    assert!(is_a_tree(&trace), "{trace:#?}");
    trace
}

/// One root that begins first, every parent and link is there, no id and no attribute comes twice, nothing ends before
/// it begins.
fn is_a_tree(trace: &Trace) -> bool {
    let ids: Vec<SpanId> = trace.spans.iter().map(|span| span.id).collect();
    let unique = ids.iter().enumerate().all(|(place, id)| !ids[..place].contains(id));
    let whole = trace.spans.iter().all(|span| {
        let within = span.parent.is_none_or(|parent| ids.contains(&parent)) || span.what == What::Saga;
        within && span.links.iter().all(|link| ids.contains(link)) && span.end.is_none_or(|end| end >= span.start)
    });
    let sorted = trace.spans.windows(2).all(|pair| pair[0].start <= pair[1].start);
    let named = trace.spans.iter().all(|span| {
        let names: Vec<&str> = span.attributes.iter().map(|(name, _)| *name).collect();
        names.iter().enumerate().all(|(place, name)| !names[..place].contains(name))
    });
    unique && whole && sorted && named && trace.spans[0].what == What::Saga
}

/// What, name, start, end and status, without the invocations.
fn told(trace: &Trace) -> Vec<(What, &str, u64, Option<u64>, Status)> {
    let shown = trace.spans.iter().filter(|span| span.what != What::Invocation);
    let since = |at: Millis| at.0 - T;
    shown.map(|span| (span.what, span.name.as_str(), since(span.start), span.end.map(since), span.status)).collect()
}

fn span<'a>(trace: &'a Trace, name: &str) -> &'a Span {
    trace.spans.iter().find(|span| span.name == name).unwrap_or_else(|| panic!("{name} in {trace:#?}"))
}

fn attribute<'a>(span: &'a Span, name: &str) -> Option<&'a Attribute> {
    span.attributes.iter().find(|(known, _)| *known == name).map(|(_, value)| value)
}

fn started(node: u32, attempt: u32) -> Value {
    json!({"type": "started", "node": node, "attempt": attempt})
}

fn done(node: u32, attempt: u32, took: u64) -> Value {
    json!({"type": "done", "node": node, "attempt": attempt, "took": took, "output": {"n": 1}})
}

fn unsettled(node: u32, op: &str, attempt: u32, took: u64, again: u64) -> Value {
    json!({"type": "unsettled", "node": node, "op": op, "attempt": attempt, "took": took, "reason": "busy", "again": T + again})
}

#[test]
fn a_retry_is_two_attempts_with_a_wait_between_them() {
    let trace = traced(
        Phase::Completed,
        &[
            (10, 1, started(1, 1)),
            (50, 1, unsettled(1, "do", 1, 30, 250)),
            (300, 1, done(1, 2, 45)),
            (301, 1, json!({"type": "completed"})),
        ],
    );
    assert_eq!(
        told(&trace),
        [
            (What::Saga, "saga", 0, Some(301), Status::Ok),
            (What::Step, "ride", 10, Some(300), Status::Ok),
            (What::Attempt, "execute_tool tool_ride", 20, Some(50), Status::Error),
            (What::Wait, "wait retry", 50, Some(255), Status::Unset),
            (What::Attempt, "execute_tool tool_ride", 255, Some(300), Status::Ok),
        ]
    );
    let attempts: Vec<&Span> = trace.spans.iter().filter(|span| span.what == What::Attempt).collect();
    assert_eq!(attempts[0].parent, Some(span(&trace, "ride").id));
    assert_eq!(attempts[0].message, "busy");
    assert_eq!(attribute(attempts[0], ARGUMENTS), Some(&Attribute::Text(r#"{"to":"Sam"}"#.to_owned())));
    assert_eq!(attribute(attempts[1], RESULT), Some(&Attribute::Text(r#"{"n":1}"#.to_owned())));
    // What was told to the tool before it was called.
    let call = |attempt| CallId { node: 1, op: Op::Do, round: 0, attempt, fingerprint: 5 };
    assert_eq!([1, 2].map(|attempt| SpanId::of_call(&saga(), call(attempt))), [attempts[0].id, attempts[1].id]);
    assert_eq!(Context::of_call(&saga(), None, call(1)).trace, trace.id);
    assert!(trace.is_kept(), "a try failed");
}

#[test]
fn waits_and_questions_are_spans_of_their_step() {
    let trace = traced(
        Phase::Completed,
        &[
            (5, 1, json!({"type": "asked", "node": 0, "params": {}, "hash": 1, "until": T + 900})),
            (6, 1, json!({"type": "waiting", "node": 2, "until": T + 1006})),
            (6, 1, json!({"type": "waiting", "node": 3, "until": T + 506})),
            (7, 1, json!({"type": "yielded", "until": T + 506})),
            (200, 2, json!({"type": "decided", "node": 0, "by": "ann", "approve": true})),
            (201, 2, json!({"type": "queued", "node": 0})),
            (205, 2, json!({"type": "shut", "node": 0, "name": "tool_table"})),
            (220, 2, started(0, 1)),
            (250, 2, done(0, 1, 20)),
            (510, 3, done(3, 0, 0)),
            (600, 4, done(2, 0, 0)),
            (600, 4, json!({"type": "completed"})),
        ],
    );
    assert_eq!(
        told(&trace),
        [
            (What::Saga, "saga", 0, Some(600), Status::Ok),
            (What::Step, "table", 5, Some(250), Status::Ok),
            (What::Approval, "approval table", 5, Some(200), Status::Ok),
            (What::Step, "mail", 6, Some(600), Status::Ok),
            (What::Step, "nap", 6, Some(510), Status::Ok),
            (What::Wait, "wait event", 6, Some(600), Status::Unset),
            (What::Wait, "wait timer", 6, Some(510), Status::Unset),
            (What::Wait, "wait turn", 201, Some(205), Status::Unset),
            (What::Wait, "wait breaker", 205, Some(220), Status::Unset),
            (What::Attempt, "execute_tool tool_table", 230, Some(250), Status::Ok),
        ]
    );
    assert_eq!(attribute(span(&trace, "approval table"), "makegood.approved"), Some(&Attribute::Flag(true)));
    let invocations: Vec<_> = trace.spans.iter().filter(|span| span.what == What::Invocation).collect();
    assert_eq!(invocations.iter().map(|span| span.inv).collect::<Vec<_>>(), [1, 2, 3, 4].map(Some));
    assert!(!trace.is_kept(), "nothing failed");
    assert_eq!(critical_path(&trace), [span(&trace, "wait event").id], "all else was over before");
}

#[test]
fn an_unwinding_links_each_undo_to_its_step_and_is_an_error() {
    let trace = traced(
        Phase::MadeGood,
        &[
            (10, 1, started(1, 1)),
            (40, 1, done(1, 1, 25)),
            (41, 1, json!({"type": "asked", "node": 0, "params": {}, "hash": 1, "until": T + 900})),
            (60, 2, json!({"type": "unwinding", "cause": {"why": "cancelled", "by": "ann"}})),
            (61, 2, json!({"type": "undo_started", "node": 1, "attempt": 1})),
            (80, 2, unsettled(1, "undo", 1, 15, 280)),
            (300, 3, json!({"type": "undone", "node": 1, "attempt": 2, "took": 12, "found": true})),
            (300, 3, json!({"type": "made_good"})),
        ],
    );
    assert_eq!(
        told(&trace),
        [
            (What::Saga, "saga", 0, Some(300), Status::Error),
            (What::Step, "ride", 10, Some(40), Status::Ok),
            (What::Attempt, "execute_tool tool_ride", 15, Some(40), Status::Ok),
            (What::Step, "table", 41, Some(60), Status::Unset),
            (What::Approval, "approval table", 41, Some(60), Status::Unset),
            (What::Undo, "undo ride", 61, Some(300), Status::Ok),
            (What::UndoAttempt, "undo tool_ride", 65, Some(80), Status::Error),
            (What::Wait, "wait retry", 80, Some(288), Status::Unset),
            (What::UndoAttempt, "undo tool_ride", 288, Some(300), Status::Ok),
        ]
    );
    let undo = span(&trace, "undo ride");
    assert_eq!(undo.links, [span(&trace, "ride").id]);
    assert_eq!(attribute(&trace.spans[0], "makegood.cause"), Some(&Attribute::Text("cancelled".to_owned())));
    assert!(trace.is_kept());
    // From the call, over the question that the unwinding cut short, to the last undo.
    let path = critical_path(&trace);
    let names: Vec<&str> = path
        .iter()
        .map(|id| trace.spans.iter().find(|span| span.id == *id).map_or("", |span| span.name.as_str()))
        .collect();
    let wanted = ["execute_tool tool_ride", "approval table", "undo tool_ride", "wait retry", "undo tool_ride"];
    assert_eq!(names, wanted);
}

#[test]
fn a_lost_answer_ends_with_its_invocation_and_what_became_of_it_is_asked() {
    let trace = traced(
        Phase::Completed,
        &[
            (10, 1, started(1, 1)),
            (12, 1, json!({"type": "queued", "node": 0})),
            (500, 2, started(1, 2)),
            (520, 2, unsettled(1, "do", 2, 15, 520)),
            (540, 2, unsettled(1, "status", 1, 10, 600)),
            (620, 2, done(1, 2, 10)),
            (621, 2, json!({"type": "completed"})),
        ],
    );
    let calls: Vec<_> = told(&trace).into_iter().filter(|(what, ..)| *what == What::Attempt).collect();
    assert_eq!(
        calls,
        [
            (What::Attempt, "execute_tool tool_ride", 10, Some(12), Status::Error),
            (What::Attempt, "execute_tool tool_ride", 505, Some(520), Status::Error),
            (What::Attempt, "status tool_ride", 530, Some(540), Status::Error),
            (What::Attempt, "status tool_ride", 610, Some(620), Status::Ok),
        ]
    );
    let lost = span(&trace, "execute_tool tool_ride");
    assert_eq!(attribute(lost, "error.type"), Some(&Attribute::Text("lost".to_owned())));
    assert_eq!(told(&trace)[1].0, What::Step);
    assert_eq!(span(&trace, "wait turn").end, Some(Millis(T + 621)), "the saga rests");
}

#[test]
fn what_is_under_way_has_no_end() {
    let trace = traced(
        Phase::Forward,
        &[(10, 1, started(1, 1)), (20, 1, json!({"type": "waiting", "node": 3, "until": T + 900}))],
    );
    assert_eq!(
        told(&trace),
        [
            (What::Saga, "saga", 0, None, Status::Unset),
            (What::Step, "ride", 10, None, Status::Unset),
            (What::Attempt, "execute_tool tool_ride", 10, None, Status::Unset),
            (What::Step, "nap", 20, None, Status::Unset),
            (What::Wait, "wait timer", 20, None, Status::Unset),
        ]
    );
    assert!(!trace.is_kept());
    assert_eq!(critical_path(&trace), [span(&trace, "execute_tool tool_ride").id]);
}

#[test]
fn what_a_person_has_tried_again_is_another_round_and_no_failure_any_more() {
    let trace = traced(
        Phase::Completed,
        &[
            (10, 1, started(1, 1)),
            (20, 1, json!({"type": "refused", "node": 1, "attempt": 1, "took": 5, "code": "full", "detail": "No."})),
            (20, 1, json!({"type": "held", "node": 1, "op": "do", "code": "full", "detail": "No."})),
            (21, 1, json!({"type": "stuck", "nodes": [1]})),
            (400, 2, json!({"type": "retried", "node": 1, "by": "ann"})),
            (401, 2, json!({"type": "started", "node": 1, "attempt": 1, "round": 1})),
            (450, 2, done(1, 1, 40)),
            (451, 2, json!({"type": "completed"})),
        ],
    );
    let step = span(&trace, "ride");
    assert_eq!((step.start, step.end, step.status), (Millis(T + 10), Some(Millis(T + 450)), Status::Ok));
    assert_eq!((step.message.as_str(), attribute(step, "error.type")), ("", None));
    assert_eq!(attribute(step, HELD), None);
    let second = SpanId::of_call(&saga(), CallId { node: 1, op: Op::Do, round: 1, attempt: 1, fingerprint: 0 });
    assert!(trace.spans.iter().any(|span| span.id == second && span.status == Status::Ok));
}

#[test]
fn what_needs_a_person_says_so() {
    let trace = traced(
        Phase::Stuck,
        &[
            (10, 1, started(1, 1)),
            (20, 1, json!({"type": "held", "node": 1, "op": "do", "code": "full", "detail": "No."})),
            (21, 1, json!({"type": "stuck", "nodes": [1]})),
        ],
    );
    let step = span(&trace, "ride");
    assert_eq!((step.status, attribute(step, HELD)), (Status::Error, Some(&Attribute::Flag(true))));
}

#[test]
fn what_was_to_be_tried_again_and_was_not_is_undone_in_the_round_that_was() {
    let trace = traced(
        Phase::MadeGood,
        &[
            (10, 1, started(1, 1)),
            (20, 1, json!({"type": "refused", "node": 1, "attempt": 1, "took": 5, "code": "full", "detail": "No."})),
            (20, 1, json!({"type": "held", "node": 1, "op": "do", "code": "full", "detail": "No."})),
            (21, 1, json!({"type": "stuck", "nodes": [1]})),
            (400, 2, json!({"type": "retried", "node": 1, "by": "ann"})),
            (401, 2, json!({"type": "unwinding", "cause": {"why": "cancelled", "by": "ann"}})),
            (402, 2, json!({"type": "undo_started", "node": 1, "attempt": 1})),
            (430, 2, unsettled(1, "undo", 1, 15, 500)),
            (520, 3, json!({"type": "undone", "node": 1, "attempt": 2, "took": 12, "found": false})),
            (520, 3, json!({"type": "made_good"})),
        ],
    );
    let undos = trace.spans.iter().filter(|span| span.what == What::UndoAttempt).map(|span| span.id);
    let call = |attempt| CallId { node: 1, op: Op::Undo, round: 0, attempt, fingerprint: 0 };
    assert_eq!(undos.collect::<Vec<_>>(), [1, 2].map(|attempt| SpanId::of_call(&saga(), call(attempt))));
}

#[test]
fn another_plan_ends_what_waits_of_the_old_one() {
    let trace = traced(
        Phase::Completed,
        &[
            (6, 1, json!({"type": "waiting", "node": 2, "until": T + 1006})),
            (50, 2, json!({"type": "replanned", "by": "ann", "epoch": 1, "from": 3, "kept": [0], "retired": []})),
            (51, 2, json!({"type": "waiting", "node": 3, "until": T + 551})),
            (560, 3, done(3, 0, 0)),
            (560, 3, json!({"type": "completed"})),
        ],
    );
    assert_eq!(span(&trace, "mail").end, Some(Millis(T + 50)));
    assert_eq!(span(&trace, "wait event").end, Some(Millis(T + 50)));
    assert_eq!(attribute(&trace.spans[0], "makegood.epoch"), Some(&Attribute::Number(1)));
}

#[test]
fn a_caller_with_a_trace_of_their_own_and_models_are_in_it() {
    let (saga, nodes) = (saga(), nodes());
    let reading: Provenance = serde_json::from_value(json!({
        "by": "model", "took_ms": 900, "asked": [
            {"model": "a", "round": "plan", "outcome": "timed_out", "took_ms": 500},
            {"model": "b", "round": "plan", "outcome": "answered", "took_ms": 300, "tokens_in": 10, "tokens_out": 4},
        ],
    }))
    .unwrap();
    let context = Context::parse("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01").unwrap();
    let about = About {
        saga: &saga,
        title: "",
        phase: Phase::Forward,
        created_at: Millis(T),
        nodes: &nodes,
        reading: Some(&reading),
        context: Some(context),
    };
    let trace = of(&about, &[]);
    assert_eq!((trace.id, trace.remote_parent), (context.trace, Some(context.parent)));
    assert_eq!(trace.spans[0].parent, Some(context.parent));
    let spans: Vec<_> = trace.spans.iter().map(|span| (span.name.as_str(), T - span.start.0, span.status)).collect();
    assert_eq!(spans, [("saga", 900, Status::Unset), ("chat a", 900, Status::Error), ("chat b", 400, Status::Ok)]);
    assert_eq!(attribute(&trace.spans[2], "gen_ai.usage.input_tokens"), Some(&Attribute::Number(10)));
    // Whose call of another saga it is, is told to that one.
    let call = CallId { node: 1, op: Op::Do, round: 0, attempt: 1, fingerprint: 0 };
    let child = Context::of_call(&saga, Some(context), call);
    assert_eq!((child.trace, child.parent), (context.trace, SpanId::of_call(&saga, call)));
}

#[test]
fn any_order_of_any_facts_is_a_tree() {
    let facts = one_of_each();
    let (saga, nodes) = (saga(), nodes());
    let mut seed = 1_u64;
    for phase in Phase::ALL.into_iter().cycle().take(500) {
        let mut journal = Vec::new();
        for place in 0..30_u64 {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let mut record = facts[(seed >> 33) as usize % facts.len()].clone();
            (record.at, record.inv) = (Millis(T + place * 3), 1 + (place / 7) as u32);
            journal.push(record);
        }
        let about =
            About { saga: &saga, title: "", phase, created_at: Millis(T), nodes: &nodes, reading: None, context: None };
        let trace = of(&about, &journal);
        assert!(is_a_tree(&trace), "{trace:#?}");
        let path = critical_path(&trace);
        assert!(path.iter().enumerate().all(|(place, id)| !path[..place].contains(id)));
    }
}
